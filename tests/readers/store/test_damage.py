"""Damage costs the tile it is in and nothing else, is noticed when the tile is looked at, and is told."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import city_of, gable_house
from viewer.city import CityModel, ImportReport
from viewer.city.appearance import Appearance
from viewer.city.arrange import arrange
from viewer.city.report import IssueLog
from viewer.city.tiles import DAMAGED_TEXT, LEFT_OUT_TEXT
from viewer.errors import ReadError
from viewer.readers.store import city as cities
from viewer.readers.store import open_store, write_store
from viewer.readers.store.arrays import Divided
from viewer.readers.store.cache import DAMAGED_TEXT as READ_AGAIN
from viewer.readers.store.cache import CityCache, Request
from viewer.readers.store.city import LOST_TEXT

REPORT = ImportReport("x.gml", format="CityGML")
TILES = 6


def town() -> CityModel:
    """Three houses in each of six tiles."""
    faces = [gable_house(12, 8, 6, 9, origin=(1000.0 * (i // 3), 30.0 * (i % 3), 0.0)) for i in range(3 * TILES)]
    attributes = {"height": [float(i) for i in range(18)], "name": [f"Haus {i} ß" for i in range(18)]}
    city = city_of(faces, attributes=attributes)
    count = len(city.face_surface)
    none = np.full(count, -1, np.int32)
    look = Appearance(np.zeros((len(city.positions_local), 2), np.float32), none, none.copy(), ("/x.png",))
    city = arrange(replace(city, appearance=look))
    assert len(city.tiles) == TILES
    return city


def write(city: CityModel, folder: Path, **ready) -> Path:
    write_store(city, folder / "x.city", None, REPORT, ready=ready)
    return folder / "x.city"


@pytest.fixture
def large(monkeypatch):
    """Cities are so large that tiles are checked when they are looked at."""
    monkeypatch.setattr(cities, "CHECKED_AT_ONCE_BYTES", -1)


@pytest.fixture
def store(tmp_path, large) -> Path:
    city = town()
    return write(city, tmp_path, normals=np.ones((len(city.face_surface), 3), np.float32), tallest=np.arange(18.0))


def change(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


ARRAYS = ["positions_local", "ring_start", "face_ring_start", "face_surface", "face_object", "face_lod", "triangles",
          "triangle_face", "look.uv", "look.face_texture", "ready.normals"]  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_a_changed_byte_costs_the_tile_it_is_in(store, name):
    path = store / f"{name}.npy"
    change(path, (path.stat().st_size + 128) // 2 + 11)  # in the fourth of six tiles
    tiles = open_store(store).city.tiles
    assert tiles.damaged() == (3,)
    assert tiles.verify(3) == DAMAGED_TEXT and tiles.verify(2) == ""


def test_opening_looks_at_no_tile(store, monkeypatch):
    def never(self, tile):
        raise AssertionError("a tile was looked at")

    monkeypatch.setattr(Divided, "is_sound", never)
    city = open_store(store).city
    assert city.extent_local[1, 0] == 5012.0 and len(city.objects) == 18 and len(city.objects.features) == 18
    assert city.objects.count_by_type() == {"Building": 18}
    with pytest.raises(AssertionError, match="looked at"):
        city.tiles.verify(0)


def test_a_tile_is_looked_at_once(store, monkeypatch):
    seen = []
    real = Divided.is_sound
    monkeypatch.setattr(Divided, "is_sound", lambda self, tile: seen.append(tile) or real(self, tile))
    tiles = open_store(store).city.tiles
    assert [tiles.verify(1) for _ in range(3)] == ["", "", ""]
    assert len(seen) == len(ARRAYS) + 1  # look.face_material is the same array


def test_damage_is_noticed_by_whoever_asked(store):
    change(store / "triangles.npy", -1)
    noticed = []
    tiles = open_store(store, noticed=lambda: noticed.append(1)).city.tiles
    assert tiles.verify(0) == "" and not noticed
    assert tiles.verify(5) and tiles.verify(5) and len(noticed) == 1


def test_many_threads_may_ask(store):
    change(store / "positions_local.npy", -1)
    tiles = open_store(store).city.tiles
    told: list[list[str]] = []
    threads = [threading.Thread(target=lambda: told.append([tiles.verify(b) for b in range(TILES)])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [["", "", "", "", "", DAMAGED_TEXT]] * 8


@pytest.mark.parametrize("name", ["column.0", "column.1", "column.1.start", "ids", "ids.start"])
def test_ids_and_attributes_of_a_damaged_tile_are_missing_and_no_others(store, name):
    path = store / f"{name}.npy"
    change(path, (path.stat().st_size + 128) // 2 + 11)
    noticed = []
    objects = open_store(store, noticed=lambda: noticed.append(1)).city.objects

    def texts(table) -> list[str]:
        columns = {"ids": table.ids, "column.0": table.attributes["height"].values}
        return [str(value) for value in columns.get(name.removesuffix(".start"), table.attributes["name"].values)]

    found, clean = texts(objects), texts(town().objects)
    gone = [k for k in range(18) if found[k] != clean[k]]
    assert len(gone) == 3 and gone[0] % 3 == 0 and gone[2] - gone[0] == 2  # the objects of one tile
    assert {found[k] for k in gone} <= {"nan", ""}
    assert noticed


def test_damaged_derived_numbers_are_not_there_and_all_else_is(store):
    change(store / "ready.tallest.npy", -1)
    noticed = []
    stored = open_store(store, noticed=lambda: noticed.append(1))
    assert set(stored.ready) == {"normals"} and noticed
    assert stored.city.tiles.damaged() == ()


def with_array(city: CityModel, name: str, place, value) -> CityModel:
    array = getattr(city, name).copy()
    array[place] = value
    return replace(city, **{name: array})


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("positions_local", (-1, 0), np.nan), ("positions_local", (-1, 2), 1e9), ("ring_start", -2, 0),
        ("ring_start", -2, 10**6), ("face_ring_start", -2, -1), ("face_ring_start", -1, 3), ("face_object", -1, 17 + 1),
        ("face_object", -1, 0), ("face_object", -1, -1), ("face_lod", -1, 9), ("triangles", (-1, 0), 10**6),
        ("triangles", (-1, 0), 0), ("triangles", (-1, 0), -1), ("triangle_face", -1, 0), ("triangle_face", -1, 10**6),
    ],
)  # fmt: skip
def test_a_sealed_tile_that_leads_outside_itself_is_refused(tmp_path, large, name, place, value):
    """Checksums prove nothing about a stranger's store: what would read beyond the arrays is found too."""
    tiles = open_store(write(with_array(town(), name, place, value), tmp_path)).city.tiles
    assert tiles.damaged() == (TILES - 1,)


def test_textures_that_are_not_there_are_refused(tmp_path, large):
    city = town()
    texture = city.appearance.face_texture.copy()
    texture[0] = 5
    look = replace(city.appearance, face_texture=texture)
    assert open_store(write(replace(city, appearance=look), tmp_path)).city.tiles.damaged() == (0,)


def broken_tiles(city: CityModel, **changes) -> CityModel:
    return replace(city, tiles=replace(city.tiles, **changes))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: {"code": t.code[::-1].copy()},
        lambda t: {"level": np.full(TILES, 200, np.uint8)},
        lambda t: {"face_start": t.face_start[::-1].copy()},
        lambda t: {"object_start": np.array([0, 2, *t.object_start[2:]])},
        lambda t: {"feature_start": np.array([0, 2, *t.feature_start[2:]])},
        lambda t: {"low": np.full((TILES, 3), np.nan)},
        lambda t: {"high": np.full((TILES, 3), 1e9)},
        lambda t: {"side_m": 0.0},
    ],
)
def test_a_sealed_table_of_tiles_that_makes_no_sense_is_refused(tmp_path, change):
    city = town()
    with pytest.raises(ReadError):
        open_store(write(broken_tiles(city, **change(city.tiles)), tmp_path))


def test_a_small_city_is_checked_at_once_and_opens_without_its_damaged_tiles(tmp_path):
    store = write(town(), tmp_path)
    change(store / "triangles.npy", -1)
    change(store / "column.1.npy", 130)
    log = IssueLog()
    stored = open_store(store, log)
    assert stored.damaged and not stored.ready
    told = {issue.text: issue.count for issue in log.issues()}
    assert told == {LEFT_OUT_TEXT: 3, LOST_TEXT: 3}
    assert set(stored.city.face_object.tolist()) == set(range(15)) and len(stored.city.objects) == 18


def test_a_copy_found_damaged_while_in_use_is_made_anew_at_the_next_opening(tmp_path, large):
    source = tmp_path / "x.gml"
    source.write_bytes(b"a city" * 1000)
    cache = CityCache(tmp_path / "cache", min_source_bytes=1)
    request = Request(source, "stadtforum:CityGML")
    folder = cache.ticket(request).keep(town(), REPORT, {}, {})
    change(folder / "triangles.npy", -1)
    first = cache.find(request, IssueLog())
    assert first is not None and first.city.tiles.damaged() == (5,)  # drawn without this tile, and remembered
    log = IssueLog()
    assert cache.find(request, log) is None
    assert [issue.text for issue in log.issues()] == [READ_AGAIN] and not folder.exists()
