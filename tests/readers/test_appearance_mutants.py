"""Damage in textures and materials ends in a city with messages, or in one error a person can read."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from tests.readers import mutants
from tests.readers import test_citygml_appearance as citygml
from tests.readers import test_citygml_projection as projection
from tests.readers import test_citygml_relief as relief
from tests.readers import test_cityjson_appearance as cityjson
from viewer.city import CityModel
from viewer.errors import ViewerError
from viewer.plugin_api.context import ReadContext
from viewer.readers.citygml import read_citygml
from viewer.readers.cityjson import read_cityjson
from viewer.scene.atlas import build_atlas

COUNT, SEED = 400, 20


def gml_seed() -> bytes:
    """A roof with a hole, a picture and a material, and a placed shape."""
    own = citygml.look(
        citygml.texture("a.png", {"p_0": citygml.numbers(citygml.SQUARE), "p_1": citygml.numbers(citygml.HOLE)}),
        citygml.material("1 0.5 0", "q", "house_all", extra="<app:transparency>0.25</app:transparency>"),
        prop="app:appearanceMember",
    )
    polygons = (citygml.roof(hole=True), citygml.roof("q"), citygml.roof("r", turned=True))
    parts = list(citygml.gml.document("2.0", [citygml.building(*polygons)]))
    parts[-1] = own + parts[-1]
    return "".join(parts).encode()


def map_seed() -> bytes:
    """A terrain with an aerial picture and a roof with a matrix."""
    matrix = f"0.125 0 0 {-citygml.gml.X0 / 8} 0 0.125 0 {-citygml.gml.Y0 / 8} 0 0 0 1"
    own = citygml.look(
        projection.by_map("T", "M", orientation=(25.0, 0.0, 0.0, -25.0), point=(12.5, 87.5)),
        projection.by_matrix(matrix),
        citygml.material("1 0.5 0", "q"),
        prop="app:appearanceMember",
    )
    ground = relief.feature(projection.tin(citygml.gml.square(size=100.0)), relief.mass(relief.hill(4)))
    parts = list(citygml.gml.document("2.0", [ground, citygml.building(citygml.roof(), citygml.roof("q"))]))
    parts[-1] = own + parts[-1]
    return "".join(parts).encode()


def json_seed() -> bytes:
    """Two geometries with a picture, one with materials, and a template."""
    values = {"values": [[[None]], [[0, 0, 1, 5, 4]]]}
    template = cityjson.box(texture={"photo": values})
    place = {"type": "GeometryInstance", "template": 0, "boundaries": [2]}
    geometries = [
        cityjson.box(texture={"photo": values}, material={"photo": {"values": [None, 0]}}),
        cityjson.box(texture={"photo": values}, material={"photo": {"value": 0}}, lod="1"),
        place,
    ]
    look = cityjson.textures("a.png", materials=[{"name": "m", "diffuseColor": [1, 0, 0]}])
    points = [[c / 1000 for c in corner] for corner in cityjson.CORNERS]
    more = {"geometry-templates": {"templates": [template], "vertices-templates": points}}
    return json.dumps(cityjson.document(geometries, look, **more)).encode()


def check(city: CityModel) -> None:
    """What comes out can be drawn."""
    look = city.appearance
    if look is None:
        return
    assert look.fault(len(city.positions_local), len(city.face_surface)) == ""
    textured = look.face_texture[city.vertex_face] >= 0
    assert np.isfinite(look.uv[textured]).all()
    atlas = build_atlas(city)
    assert atlas is None or not atlas.lost


@pytest.mark.parametrize(
    ("seed", "read", "ending"),
    [(gml_seed, read_citygml, "gml"), (map_seed, read_citygml, "gml"), (json_seed, read_cityjson, "city.json")],
    ids=["citygml", "map", "cityjson"],
)
def test_every_damaged_appearance_ends_well(seed, read, ending, tmp_path: Path) -> None:
    citygml.picture(tmp_path / "a.png")
    whole = seed()
    counts = {"dressed": 0, "bare": 0, "refused": 0}
    for number in range(COUNT):
        content = mutants.mutant(whole, random.Random(f"{SEED}-{number}"), is_json=ending == "city.json")
        path = tmp_path / f"mutant.{ending}"
        path.write_bytes(content)
        try:
            city = read(path, ReadContext())
        except ViewerError:
            counts["refused"] += 1
            continue
        check(city)
        counts["bare" if city.appearance is None else "dressed"] += 1
    print({"seed": SEED, "count": COUNT, **counts})
    assert all(counts.values()), "damage that never hurts, or leaves nothing, would prove nothing"
