"""Textures and materials of CityJSON: themes, templates, sequences, and what does not fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from viewer.city import CityModel
from viewer.plugin_api.context import ReadContext
from viewer.readers.cityjson import read_cityjson

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no folder ../shared/data with real files")
CORNERS = [[0, 0, 0], [8000, 0, 0], [8000, 8000, 0], [0, 8000, 0], [0, 0, 4000], [8000, 0, 4000]]
#: Two faces: the ground and one wall, as corners and as texture coordinates (those lie at the same numbers).
GROUND, WALL = [[0, 3, 2, 1]], [[0, 1, 5, 4]]
UV = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.5], [1.0, 0.5]]


def box(**members: Any) -> dict[str, Any]:
    """A geometry of two faces with these members."""
    return {"type": "MultiSurface", "lod": "2", "boundaries": [GROUND, WALL], **members}


def document(geometry: Any, look: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    """A file with one building."""
    geometries = geometry if isinstance(geometry, list) else [geometry]
    result = {
        "type": "CityJSON", "version": "2.0", "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "transform": {"scale": [0.001] * 3, "translate": [565000.0, 5935000.0, 8.0]},
        "CityObjects": {"b": {"type": "Building", "geometry": geometries}}, "vertices": CORNERS, **more,
    }  # fmt: skip
    if look is not None:
        result["appearance"] = look
    return result


def textures(*names: str, **more: Any) -> dict[str, Any]:
    """The appearance of a document with these pictures."""
    return {"textures": [{"type": "PNG", "image": name} for name in names], "vertices-texture": UV, **more}


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (0, 0, 200)).save(path)


def read(tmp_path: Path, *documents: dict[str, Any], whole: bool = True) -> tuple[CityModel, ReadContext]:
    """A city from one document, or from a sequence of several; not ``whole``: cut into pieces while reading."""
    path = tmp_path / "city.city.json"
    indent = 1 if whole else None
    path.write_text("\n".join(json.dumps(one, indent=indent) for one in documents) + "\n", encoding="utf-8")
    context = ReadContext()
    return read_cityjson(path, context), context


def messages(context: ReadContext) -> list[str]:
    return [str(issue) for issue in context.log.issues()]


def wall_lies_right(city: CityModel, face: int = 1) -> bool:
    """Whether u runs along x over 8 m and v up to a half over 4 m on the wall."""
    assert city.appearance is not None
    own = slice(city.face_start[face], city.face_start[face + 1])
    places = city.positions_local[own] - city.positions_local[own].min(axis=0)
    return np.allclose(city.appearance.uv[own], places[:, [0, 2]] / 8, atol=1e-3)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("kind", ["MultiSurface", "Solid", "MultiSolid"])
def test_a_picture_lies_on_its_face_in_every_kind_of_geometry(tmp_path: Path, kind: str, whole: bool) -> None:
    picture(tmp_path / "tex" / "a.png")
    faces, values = [GROUND, WALL], [[[None]], [[0, 0, 1, 5, 4]]]
    deeper = {"MultiSurface": 0, "Solid": 1, "MultiSolid": 2}[kind]
    for _ in range(deeper):
        faces, values = [faces], [values]
    geometry = {"type": kind, "lod": "2", "boundaries": faces, "texture": {"photo": {"values": values}}}
    city, context = read(tmp_path, document(geometry, textures("tex/a.png")), whole=whole)
    assert city.appearance is not None
    assert city.appearance.face_texture.tolist() == [-1, 0]
    assert city.appearance.textures == (str((tmp_path / "tex" / "a.png").resolve()),)
    assert city.appearance.theme == "photo"
    assert wall_lies_right(city)
    assert not any("exture" in text for text in messages(context))


def test_materials_are_given_to_all_faces_or_one_by_one(tmp_path: Path) -> None:
    look = {"materials": [{"name": "a", "diffuseColor": [1.0, 0.0, 0.5], "transparency": 0.5}, {"name": "plain"}]}
    one = box(material={"m": {"values": [None, 0]}})
    all_ = box(material={"m": {"value": 1}}, lod="1")
    city, _ = read(tmp_path, document([one, all_], look))
    assert city.appearance is not None
    assert city.appearance.materials.tolist() == [[255, 0, 128, 128], [255, 255, 255, 255]]
    assert city.appearance.face_material.tolist() == [-1, 0, 1, 1]


@pytest.mark.parametrize(("default", "shown"), [("", "winter"), ("summer", "summer"), ("unheard of", "winter")])
def test_the_default_theme_is_shown_or_else_the_most_used(tmp_path: Path, default: str, shown: str) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    more = {"default-theme-texture": default} if default else {}
    geometry = box(
        texture={
            "summer": {"values": [[[None]], [[0, 0, 1, 5, 4]]]},
            "winter": {"values": [[[1, 0, 3, 2, 1]], [[1, 0, 1, 5, 4]]]},
        }
    )
    city, context = read(tmp_path, document(geometry, textures("a.png", "b.png", **more)))
    assert city.appearance is not None and city.appearance.theme == shown
    assert city.appearance.face_texture.tolist() == ([-1, 0] if shown == "summer" else [1, 1])
    assert any(f"the theme {shown}; it also has" in text for text in messages(context))


def test_a_template_brings_its_picture_to_every_place(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    template = box(texture={"photo": {"values": [[[None]], [[0, 0, 1, 5, 4]]]}})
    matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    places = [
        {"type": "GeometryInstance", "template": 0, "boundaries": [corner], "transformationMatrix": matrix}
        for corner in (0, 2)
    ]
    points = [[c / 1000 for c in corner] for corner in CORNERS]
    more = {"geometry-templates": {"templates": [template], "vertices-templates": points}}
    city, _ = read(tmp_path, document(places, textures("a.png"), **more))
    assert city.appearance is not None and city.appearance.face_texture.tolist() == [-1, 0, -1, 0]
    assert wall_lies_right(city, 1) and wall_lies_right(city, 3)


def test_every_feature_of_a_sequence_counts_in_its_own_lists(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    header = document(box(), None)
    header.update(CityObjects={}, vertices=[])

    def feature(name: str, image: str, color: list[float]) -> dict[str, Any]:
        look = {**textures("unused.png", image), "materials": [{"name": "m", "diffuseColor": color}]}
        look["textures"] = look["textures"][1:]
        geometry = box(texture={"t": {"values": [[[None]], [[0, 0, 1, 5, 4]]]}}, material={"t": {"values": [0, None]}})
        return {
            "type": "CityJSONFeature", "id": name, "CityObjects": {name: {"type": "Building", "geometry": [geometry]}},
            "vertices": CORNERS, "appearance": look,
        }  # fmt: skip

    features = [feature("a", "a.png", [1, 0, 0]), feature("b", "b.png", [0, 1, 0]), feature("c", "a.png", [0, 0, 1])]
    city, _ = read(tmp_path, header, *features, whole=False)
    assert city.appearance is not None
    assert [Path(name).name for name in city.appearance.textures] == ["a.png", "b.png"]
    assert city.appearance.face_texture.tolist() == [-1, 0, -1, 1, -1, 0]
    colors = city.appearance.materials[city.appearance.face_material[::2], :3]
    assert colors.tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert all(wall_lies_right(city, face) for face in (1, 3, 5))


def _texture(values: Any) -> dict[str, Any]:
    return box(texture={"photo": {"values": values}})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[[None]], [[0, 0, 1, 5]]], "do not fit their ring, not used: 1"),
        ([[[None]], [[0, 0, 1]]], "do not fit their ring, not used: 1"),
        ([[[None]], [[0, 0, 1, 5, 99]]], "shown without it: 1"),
        ([[[None]], [[7, 0, 1, 5, 4]]], "texture that is not in the file: 1"),
        ([[[0, 0, 1, 5, 4]]], "do not fit their geometry, not used: 1"),
        ([[[None]], [["x", 0, 1, 5, 4]]], "do not fit their geometry, not used: 1"),
        ([[[None]], [[0, 0, 1, -5, 4]]], "do not fit their geometry, not used: 1"),
        ("nonsense", "do not fit their geometry, not used: 1"),
        ([None, None], ""),
        ([[], [[]]], ""),
        ([7, 8], "do not fit their geometry, not used: 1"),
    ],
)
def test_what_does_not_fit_costs_that_picture_only(tmp_path: Path, values: Any, said: str) -> None:
    picture(tmp_path / "a.png")
    good = box(texture={"photo": {"values": [[[None]], [[0, 0, 1, 5, 4]]]}}, lod="1")
    city, context = read(tmp_path, document([_texture(values), good], textures("a.png")))
    assert len(city.face_surface) == 4
    assert city.appearance is not None and city.appearance.face_texture[2:].tolist() == [-1, 0]
    assert wall_lies_right(city, 3)
    assert said in "\n".join(messages(context))


@pytest.mark.parametrize(
    "look",
    [
        [], "text", {"textures": 7}, {"textures": [7, {}, {"image": 5}]},
        {"materials": [None, {"diffuseColor": "red"}]}, {"materials": [{"diffuseColor": [9, -1, "x"]}]},
        {"vertices-texture": [[0], None, ["a", "b"], [1e300, 0]]},
    ],
)  # fmt: skip
def test_nonsense_in_the_lists_costs_no_face(tmp_path: Path, look: Any) -> None:
    geometry = box(texture={"t": {"values": [[[None]], [[0, 0, 1, 2, 3]]]}}, material={"t": {"value": 1}})
    city, _ = read(tmp_path, document(geometry, look))
    assert len(city.face_surface) == 2


def test_pictures_that_cannot_be_used_become_one_message(tmp_path: Path) -> None:
    home = tmp_path / "city"
    picture(tmp_path / "outside.png")
    picture(home / "good.png")
    names = ["gone.png", "../outside.png", "https://example.org/a.png", "good.png"]
    geometry = box(texture={"t": {"values": [[[0, 0, 3, 2, 1]], [[3, 0, 1, 5, 4]]]}})
    city, context = read(home, document(geometry, textures(*names)))
    assert city.appearance is not None and city.appearance.face_texture.tolist() == [-1, 0]
    about = [issue for issue in context.log.issues() if "Pictures" in issue.text]
    assert [(issue.count, issue.values["example"]) for issue in about] == [(3, "gone.png")]


def test_a_city_without_appearance_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, document(box(), None))[0].appearance is None


def _rings(values: Any) -> Iterator[list[Any]]:
    """All rings of texture values, the slow way."""
    if isinstance(values, list):
        if values and not isinstance(values[0], list):
            yield values
        else:
            for inner in values:
                yield from _rings(inner)


@needs_data
@pytest.mark.parametrize(
    "name",
    [
        "hamburg-lod3-textured/hamburg-lod3-showcase.city.json",
        "rotterdam-delfshaven-textured/msurface_buildings_all.json",
        "hamburg-lod3-textured/single/urban-corner-house.city.json",
    ],
)
def test_every_corner_that_a_real_file_dresses_is_dressed(name: str) -> None:
    content = json.loads((DATA / name).read_text(encoding="utf-8"))
    rings = [
        ring
        for entry in content["CityObjects"].values()
        for geometry in entry.get("geometry", [])
        for values in geometry.get("texture", {}).values()
        for ring in _rings(values.get("values"))
        if ring[0] is not None
    ]
    context = ReadContext()
    city = read_cityjson(DATA / name, context)
    assert city.appearance is not None
    left_out = sum(issue.count for issue in context.log.issues() if "left out" in issue.text)
    textured = int((city.appearance.face_texture >= 0).sum())
    holes = sum(len(face) - 1 for face in _faces(content))
    assert len(rings) - left_out - holes <= textured <= len(rings)
    used = {content["appearance"]["textures"][ring[0]]["image"] for ring in rings}
    of_faces = np.unique(city.appearance.face_texture)
    assert {city.appearance.textures[i] for i in of_faces if i >= 0} <= {
        str((DATA / name).parent.resolve() / image) for image in used
    }


def _faces(content: dict[str, Any]) -> Iterator[list[Any]]:
    for entry in content["CityObjects"].values():
        for geometry in entry.get("geometry", []):
            shells = geometry["boundaries"] if geometry["type"] == "Solid" else [geometry["boundaries"]]
            for shell in shells[:1]:
                yield from shell
