"""Pictures of textures are found where they were, or as far below the prepared city as they were below its source."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import city_of, gable_house
from viewer.city import CityModel, ImportReport
from viewer.city.appearance import Appearance
from viewer.readers.store import open_store, write_store
from viewer.readers.store.join import join_stores

REPORT = ImportReport("x.gml")


def dressed(*pictures: str) -> CityModel:
    city = city_of([gable_house(12, 8, 6, 9)])
    faces = len(city.face_surface)
    texture = (np.arange(faces) % len(pictures)).astype(np.int32)
    uv = np.zeros((len(city.positions_local), 2), np.float32)
    return replace(city, appearance=Appearance(uv, texture, np.full(faces, -1, np.int32), pictures))


def textures(folder: Path) -> tuple[str, ...]:
    look = open_store(folder).city.appearance
    assert look is not None
    return look.textures


@pytest.fixture
def source(tmp_path) -> Path:
    (tmp_path / "city" / "look").mkdir(parents=True)
    for name in ("wall.jpg", "roof.png"):
        (tmp_path / "city" / "look" / name).write_bytes(b"picture")
    (tmp_path / "city" / "more.zip").write_bytes(b"archive")
    return tmp_path / "city"


@pytest.mark.parametrize("joined", [False, True])
def test_pictures_are_found_where_they_were_and_after_a_move_beside_the_store(source, tmp_path, joined):
    pictures = (str(source / "look" / "wall.jpg"), f"{source / 'more.zip'}!/roof.png")
    city = dressed(*pictures)
    if joined:
        body = {"source": None, "options": {}, "questions": {}}
        write_store(city, tmp_path / "part.city", None, REPORT)
        join_stores(
            [open_store(tmp_path / "part.city").city], source / "x.city", REPORT, name="x", derive=lambda city: {},
            body=body, source_folders=[tmp_path / "elsewhere", source],
        )  # fmt: skip
    else:
        write_store(city, source / "x.city", None, REPORT, source_folder=source)
    assert textures(source / "x.city") == pictures
    moved = Path(shutil.move(source, tmp_path / "moved"))
    assert textures(moved / "x.city") == (str(moved / "look" / "wall.jpg"), f"{moved / 'more.zip'}!/roof.png")


@pytest.mark.parametrize("name", ["/etc/passwd", "secret.txt", r"\\server\share\x.png", "//server/share/x.png", "x"])
def test_nothing_but_pictures_is_named_and_no_other_computer(tmp_path, name):
    write_store(dressed(name), tmp_path / "x.city", None, REPORT)
    assert textures(tmp_path / "x.city") == ("",)


def test_a_path_that_leads_out_of_the_folder_is_not_followed(tmp_path):
    from viewer.readers.store.appearance import _picture

    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "in").mkdir()
    gone = str(tmp_path / "gone.png")
    assert _picture(gone, "../secret.png", tmp_path / "in") == gone
    assert _picture(gone, "secret.png", tmp_path) == str(tmp_path / "secret.png")
