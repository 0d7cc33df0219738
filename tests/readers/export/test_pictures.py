"""Textures and materials are given back: in CityJSON and CityGML, with copies of the pictures beside the file."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.readers.export.towns import DATA, export_of, read, town, write
from viewer.city import CityModel
from viewer.city.appearance import Appearance
from viewer.errors import SaveError
from viewer.plugin_api import ReadContext
from viewer.readers.citygml import read_citygml
from viewer.scenario import Scenario, WholeCity

ENDINGS = pytest.mark.parametrize("ending", [".city.json", ".gml", ".city.json.gz", ".city.jsonl"])


def dressed_town(folder: Path) -> CityModel:
    """The town with two pictures of one name on its walls, a material on its roofs and one on the meadow."""
    city = town()
    names = [folder / "a" / "wall.png", folder / "b" / "wall.png"]
    for number, name in enumerate(names):
        name.parent.mkdir(parents=True)
        Image.new("RGB", (4, 4), (50 + 100 * number, 0, 0)).save(name)
    count = len(city.face_surface)
    texture, material = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    upright = np.abs(_normal_z(city)) < 0.5
    texture[upright] = np.arange(int(upright.sum())) % 2
    material[~upright] = np.arange(int((~upright).sum())) % 2
    uv = np.full((len(city.positions_local), 2), np.nan, np.float32)
    own = texture[city.vertex_face] >= 0
    p = city.positions_local[own]
    uv[own] = np.column_stack([(p[:, 0] + p[:, 1]) / 10, p[:, 2] / 7])
    materials = np.array([[200, 100, 0, 255], [0, 90, 30, 51]], np.uint8)
    look = Appearance(uv, texture, material, tuple(str(name) for name in names), materials, "summer")
    return replace(city, appearance=look)


def _normal_z(city: CityModel) -> np.ndarray:
    first = city.triangles[np.searchsorted(city.triangle_face, np.arange(len(city.face_surface)))]
    a, b, c = (city.positions_local[first[:, k]].astype(float) for k in range(3))
    normal = np.cross(b - a, c - a)
    return normal[:, 2] / np.linalg.norm(normal, axis=1)


def looks(city: CityModel) -> set[tuple[object, ...]]:
    """What every face shows, told by its place: middle, picture or colour, and coordinates at its corners."""
    look = city.appearance
    assert look is not None
    result = set()
    for face in range(len(city.face_surface)):
        own = slice(city.face_start[face], city.face_start[face + 1])
        place = tuple(np.round(city.frame.crs_from_local(city.positions_local[own]).mean(axis=0), 2).tolist())
        texture, material = look.face_texture[face], look.face_material[face]
        shown: object = tuple(look.materials[material].tolist()) if material >= 0 else None
        if texture >= 0:
            red = Image.open(look.textures[texture]).convert("RGB").getpixel((1, 1))[0]
            corners = np.column_stack([city.positions_local[own, 2] + city.frame.origin_crs[2], look.uv[own]])
            shown = (red, tuple(sorted(map(tuple, np.round(corners, 2).tolist()))))
        result.add((place, shown))
    return result


@ENDINGS
def test_what_is_written_with_pictures_is_read_back_with_them(tmp_path: Path, ending: str) -> None:
    city = dressed_town(tmp_path / "from")
    target = tmp_path / "to"
    target.mkdir()
    back = read(write(export_of(city), target / f"quarter{ending}"), like=city)
    assert back.appearance is not None and back.appearance.theme == "summer"
    assert {Path(name).parent for name in back.appearance.textures} == {(target / "quarter_textures").resolve()}
    assert sorted(path.name for path in (target / "quarter_textures").iterdir()) == ["wall-2.png", "wall.png"]
    assert looks(back) == looks(city)


@pytest.mark.parametrize("ending", [".city.json", ".gml", ".city.jsonl"])
def test_only_pictures_of_what_is_written_are_copied(tmp_path: Path, ending: str) -> None:
    city = dressed_town(tmp_path / "from")
    assert city.appearance is not None
    alone = np.arange(len(city.objects.features)) == 0
    of_others = np.where(city.face_feature == 0, np.minimum(city.appearance.face_texture, 0), 1).astype(np.int32)
    of_others[city.appearance.face_texture < 0] = -1
    city = replace(city, appearance=replace(city.appearance, face_texture=of_others))
    back = read(write(export_of(city, only=alone), tmp_path / f"one{ending}"))
    assert back.appearance is not None
    assert [path.name for path in (tmp_path / "one_textures").iterdir()] == ["wall.png"]


@pytest.mark.parametrize("ending", [".city.json", ".gml", ".city.jsonl"])
def test_a_raised_city_keeps_its_pictures(tmp_path: Path, ending: str) -> None:
    city = dressed_town(tmp_path / "from")
    scenario = Scenario("more").with_value("storeys_added", 2.0, WholeCity())
    export = export_of(city, scenario)
    back = read(write(export, tmp_path / f"more{ending}"))
    assert back.appearance is not None and city.appearance is not None
    there = (city.appearance.face_texture >= 0) & export.written()[city.face_feature]
    assert (back.appearance.face_texture >= 0).sum() == there.sum() > 10


def test_pictures_out_of_an_archive_are_copied_too(tmp_path: Path) -> None:
    city = dressed_town(tmp_path / "from")
    assert city.appearance is not None
    with zipfile.ZipFile(tmp_path / "tiles.zip", "w") as archive:
        for name in city.appearance.textures:
            archive.write(name, Path(name).relative_to(tmp_path / "from").as_posix())
    inside = tuple(f"{tmp_path / 'tiles.zip'}!/{folder}/wall.png" for folder in "ab")
    packed = replace(city, appearance=replace(city.appearance, textures=inside))
    assert looks(read(write(export_of(packed), tmp_path / "quarter.gml"), like=city)) == looks(city)


def test_a_picture_that_is_gone_costs_itself_only(tmp_path: Path) -> None:
    city = dressed_town(tmp_path / "from")
    (tmp_path / "from" / "b" / "wall.png").unlink()
    back = read(write(export_of(city), tmp_path / "quarter.city.json"))
    assert back.appearance is not None and len(back.appearance.textures) == 1


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    city = dressed_town(tmp_path / "from")
    (tmp_path / "quarter_textures").write_text("a file in its place", encoding="utf-8")
    with pytest.raises(SaveError):
        write(export_of(city), tmp_path / "quarter.city.json")


@pytest.mark.skipif(not DATA.is_dir(), reason="no folder ../shared/data with real files")
@pytest.mark.parametrize("ending", [".city.json", ".gml", ".city.jsonl"])
def test_a_real_textured_city_comes_back_textured(tmp_path: Path, ending: str) -> None:
    city = read_citygml(DATA / "ingolstadt-lod3-textured" / "4018208" / "4018208.xml", ReadContext())
    back = read(write(export_of(city), tmp_path / f"street{ending}"))
    assert city.appearance is not None and back.appearance is not None
    for name in ("face_texture", "face_material"):
        first, second = (getattr(look, name) for look in (city.appearance, back.appearance))
        assert (first >= 0).sum() == (second >= 0).sum() > 10
