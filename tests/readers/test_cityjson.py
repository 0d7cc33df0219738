"""CityJSON as written by everybody becomes the same city; what is broken costs itself alone."""

from __future__ import annotations

import gc
import gzip
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.city import CityModel, SurfaceType
from viewer.city.lod import faces_at
from viewer.city.solids import shell_code
from viewer.errors import ReadError
from viewer.plugin_api import ReadContext
from viewer.readers import cityjson_header, cityjson_objects
from viewer.readers.cityjson import looks_like_cityjson, read_cityjson
from viewer.readers.json_parse import collector_off

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"

#: A box of 10 x 8 x 6 m: ground, roof, four walls, seen from outside.
BOX = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
BOX_TYPES = [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}]
BOX_VALUES = [0, 1, 2, 2, 2, 2]
CORNERS = [[x, y, z] for z in (0, 6000) for x, y in ((0, 0), (10000, 0), (10000, 8000), (0, 8000))]  # in millimetres


def solid(lod: Any = "2", offset: int = 0, **more: Any) -> dict[str, Any]:
    shell = [[[i + offset for i in ring] for ring in face] for face in BOX]
    semantics = {"surfaces": BOX_TYPES, "values": [BOX_VALUES]}
    return {"type": "Solid", "lod": lod, "boundaries": [shell], "semantics": semantics, **more}


def document(objects: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001, 0.001, 0.001], "translate": [565000.0, 5934000.0, 5.0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "CityObjects": objects,
        "vertices": CORNERS,
        **more,
    }


def building(*geometry: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "Building", "geometry": list(geometry), **more}


def read(tmp_path: Path, content: Any, name: str = "city.city.json") -> tuple[CityModel, ReadContext]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    context = ReadContext()
    return read_cityjson(path, context), context


def told(context: ReadContext) -> dict[str, int]:
    return {issue.text: issue.count for issue in context.log.issues()}


def surface_areas(city: CityModel) -> dict[SurfaceType, float]:
    a, b, c = (city.positions_local[city.triangles[:, k]].astype(float) for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    kinds = city.face_surface[city.triangle_face]
    return {SurfaceType(int(kind)): round(float(area[kinds == kind].sum()), 3) for kind in np.unique(kinds)}


def test_a_solid_has_its_surfaces_at_their_place(tmp_path: Path) -> None:
    city, context = read(tmp_path, document({"b": building(solid())}))
    assert len(city.face_surface) == 6
    assert len(city.triangles) == 12
    assert surface_areas(city) == {SurfaceType.GROUND: 80.0, SurfaceType.WALL: 216.0, SurfaceType.ROOF: 80.0}
    corners = city.frame.crs_from_local(city.positions_local)
    np.testing.assert_allclose(corners.min(axis=0), [565000, 5934000, 5])
    np.testing.assert_allclose(corners.max(axis=0), [565010, 5934008, 11])
    assert context.facts == {"format": "CityJSON", "version": "2.0", "crs": "EPSG:25832", "vertical_crs": ""}
    assert told(context) == {}


@pytest.mark.parametrize(
    ("kind", "boundaries", "values"),
    [
        ("MultiSurface", BOX, BOX_VALUES),
        ("CompositeSurface", BOX, BOX_VALUES),
        ("Solid", [BOX], [BOX_VALUES]),
        ("MultiSolid", [[BOX]], [[BOX_VALUES]]),
        ("CompositeSolid", [[BOX]], [[BOX_VALUES]]),
    ],
)
def test_every_kind_of_surface_geometry_gives_the_same_faces(
    tmp_path: Path, kind: str, boundaries: Any, values: Any
) -> None:
    geometry = {"type": kind, "lod": "2", "boundaries": boundaries}
    geometry["semantics"] = {"surfaces": BOX_TYPES, "values": values}
    city, _ = read(tmp_path, document({"b": building(geometry)}))
    assert city.face_surface.tolist() == [1, 3, 2, 2, 2, 2]
    assert len(city.triangles) == 12


def test_holes_are_cut_out_of_a_surface(tmp_path: Path) -> None:
    vertices = [[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0], [2, 2, 0], [2, 4, 0], [4, 4, 0], [4, 2, 0]]
    geometry = {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2, 3], [4, 5, 6, 7]]]}
    city, _ = read(tmp_path, document({"l": {"type": "LandUse", "geometry": [geometry]}}, vertices=vertices,
                                      transform={"scale": [1, 1, 1], "translate": [565000, 5934000, 0]}))  # fmt: skip
    assert city.ring_start.tolist() == [0, 4, 8]
    assert surface_areas(city) == {SurfaceType.UNKNOWN: 96.0}


def test_inner_shells_are_kept_apart_not_drawn_and_told(tmp_path: Path) -> None:
    geometry = {"type": "Solid", "lod": "2", "boundaries": [BOX, BOX]}
    city, context = read(tmp_path, document({"a": building(solid()), "b": building(geometry)}))
    assert city.face_shell is not None
    assert city.face_shell.tolist() == [0] * 6 + [shell_code(1, 0)] * 6 + [shell_code(1, 1)] * 6
    assert faces_at(city).tolist() == [True] * 12 + [False] * 6
    assert told(context)[cityjson_objects.INNER_SHELLS] == 1


def test_solids_of_an_object_are_told_apart_only_where_there_are_several(tmp_path: Path) -> None:
    one = {"type": "MultiSolid", "lod": "2", "boundaries": [[BOX]]}
    two = {"type": "CompositeSolid", "lod": "2", "boundaries": [[BOX], [BOX]]}
    assert read(tmp_path, document({"b": building(one)}))[0].face_shell is None
    city, _ = read(tmp_path, document({"b": building(two, two)}))
    assert city.face_shell is not None
    codes = [shell_code(number, 0, composite=True) for number in (1, 2, 3, 4)]
    assert city.face_shell.tolist() == np.repeat(codes, 6).tolist()


@pytest.mark.parametrize("values", [[[None] * 6, 7], [[0] * 6], [[0] * 5, [0] * 6], 3, [None, None]])
def test_semantics_that_do_not_fit_the_shells_cost_no_shell(tmp_path: Path, values: Any) -> None:
    geometry = {"type": "Solid", "lod": "2", "boundaries": [BOX, BOX]}
    geometry["semantics"] = {"surfaces": [{"type": "WallSurface"}], "values": values}
    assert len(read(tmp_path, document({"b": building(geometry)}))[0].face_surface) == 12


def test_points_and_lines_are_counted_not_drawn(tmp_path: Path) -> None:
    points = {"type": "MultiPoint", "lod": "1", "boundaries": [0, 1]}
    lines = {"type": "MultiLineString", "lod": "1", "boundaries": [[0, 1, 2]]}
    city, context = read(
        tmp_path, document({"b": building(solid(), points), "r": {"type": "Road", "geometry": [lines]}})
    )
    assert len(city.face_surface) == 6
    assert len(city.objects) == 2
    assert told(context)[cityjson_objects.NOT_SURFACES] == 2


@pytest.mark.parametrize(("written", "read_as"), [(2, "2"), (2.0, "2"), (2.2, "2.2"), ("2.2", "2.2"), (None, "")])
def test_levels_of_detail_may_be_numbers_or_texts(tmp_path: Path, written: Any, read_as: str) -> None:
    city, _ = read(tmp_path, document({"b": building(solid(written))}))
    assert city.lods == (read_as,)


def test_parents_are_found_from_both_sides_and_groups_are_none(tmp_path: Path) -> None:
    objects = {
        "part": {"type": "BuildingPart", "parents": ["house"], "geometry": [solid()]},
        "wing": {"type": "BuildingPart", "geometry": []},
        "house": {"type": "Building", "children": ["part", "wing"], "parents": ["block"]},
        "block": {"type": "CityObjectGroup", "children": ["house"]},
    }
    city, context = read(tmp_path, document(objects))
    assert dict(zip(city.objects.ids.tolist(), city.objects.parent.tolist(), strict=True)) == {
        "part": 2, "wing": 2, "house": -1, "block": -1,
    }  # fmt: skip
    assert told(context) == {}


def test_an_unknown_parent_is_told_and_the_part_stands_alone(tmp_path: Path) -> None:
    city, context = read(tmp_path, document({"p": {"type": "BuildingPart", "parents": ["?"], "geometry": [solid()]}}))
    assert city.objects.parent.tolist() == [-1]
    assert told(context)[cityjson_objects.UNKNOWN_PARENT] == 1


def test_attributes_become_columns_nested_ones_too(tmp_path: Path) -> None:
    attributes = {
        "measuredHeight": 6.5, "storeysAboveGround": 2, "name": "Rathaus", "listed": True,
        "energy": {"class": "B", "value": {"heat": 12.5}}, "tags": ["a", 1], "nothing": None,
    }  # fmt: skip
    objects = {"b": building(solid(), attributes=attributes), "c": building(solid(), attributes={"name": "Kirche"})}
    columns = read(tmp_path, document(objects))[0].objects.attributes
    assert columns["measuredHeight"].values[0] == 6.5
    assert np.isnan(columns["measuredHeight"].values[1])
    assert columns["storeysAboveGround"].values[0] == 2
    assert columns["name"].values.tolist() == ["Rathaus", "Kirche"]
    assert columns["listed"].values.tolist() == ["true", ""]
    assert columns["energy.class"].values.tolist() == ["B", ""]
    assert columns["energy.value.heat"].values[0] == 12.5
    assert columns["tags"].values.tolist() == ['["a",1]', ""]
    assert "nothing" not in columns


def test_nested_attributes_with_free_keys_stay_one_text(tmp_path: Path) -> None:
    objects = {f"b{i}": building(solid(), attributes={"links": {f"key{i}": i}}) for i in range(60)}
    columns = read(tmp_path, document(objects))[0].objects.attributes
    assert list(columns) == ["links"]
    assert columns["links"].values[7] == '{"key7":7}'


@pytest.mark.parametrize(
    "address",
    [
        {"ThoroughfareName": "Domplatz", "ThoroughfareNumber": "4", "PostalCode": "20095", "LocalityName": "Hamburg"},
        [{"thoroughfareName": "Domplatz", "thoroughfareNumber": 4, "postalCode": "20095", "localityName": "Hamburg",
          "location": {"type": "MultiPoint", "boundaries": [0]}}],
    ],
)  # fmt: skip
def test_an_address_becomes_one_line(tmp_path: Path, address: Any) -> None:
    columns = read(tmp_path, document({"b": building(solid(), address=address)}))[0].objects.attributes
    assert columns["address"].values.tolist() == ["Domplatz 4, 20095 Hamburg"]


def test_extensions_are_shown_and_never_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("something was fetched")

    monkeypatch.setattr("socket.socket.connect", refuse)
    objects = {"n": {"type": "+NoiseBarrier", "geometry": [solid()], "+material": "glass"}}
    extensions = {"Noise": {"url": "https://example.org/noise.ext.json", "version": "1.0"}}
    city, context = read(tmp_path, document(objects, extensions=extensions, **{"+extra": {"a": 1}}))
    assert city.objects.types == ("+NoiseBarrier",)
    assert city.objects.attributes["+material"].values.tolist() == ["glass"]
    assert told(context)[cityjson_header.EXTENSION] == 1


def test_templates_are_placed_with_their_matrix(tmp_path: Path) -> None:
    template = {"type": "MultiSurface", "lod": 3, "boundaries": [[[0, 1, 2]]]}
    turned = [0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 1]  # a quarter turn, twice as high, one up
    trees = {
        f"t{i}": {
            "type": "SolitaryVegetationObject",
            "geometry": [
                {"type": "GeometryInstance", "template": 0, "boundaries": [i], "transformationMatrix": turned}
            ],
        }
        for i in (0, 1)
    }
    templates = {"templates": [template], "vertices-templates": [[0, 0, 0], [1, 0, 0], [0, 0, 3]]}
    city, context = read(tmp_path, document(trees, **{"geometry-templates": templates}))
    corners = city.frame.crs_from_local(city.positions_local)
    np.testing.assert_allclose(corners[:3] - corners[0], [[0, 0, 0], [0, 1, 0], [0, 0, 6]], atol=1e-4)
    np.testing.assert_allclose(corners[[0, 3]], [[565000, 5934000, 6], [565010, 5934000, 6]])
    assert city.face_object.tolist() == [0, 1]
    assert city.lods == ("3",)
    assert told(context) == {}


@pytest.mark.parametrize(
    "instance",
    [
        {"template": 5, "boundaries": [0]},
        {"template": 0, "boundaries": []},
        {"template": 0, "boundaries": [99]},
        {"template": 0, "boundaries": [0], "transformationMatrix": [1, 2]},
        {},
    ],
)
def test_a_broken_template_copy_costs_itself_alone(tmp_path: Path, instance: dict[str, Any]) -> None:
    templates = {
        "templates": [{"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2]]]}],
        "vertices-templates": [[0, 0, 0], [1, 0, 0], [0, 1, 0]],
    }
    tree = {"type": "SolitaryVegetationObject", "geometry": [{"type": "GeometryInstance", **instance}]}
    city, context = read(tmp_path, document({"t": tree, "b": building(solid())}, **{"geometry-templates": templates}))
    assert len(city.face_surface) == 6
    assert told(context)[cityjson_objects.MISSING_TEMPLATE] == 1


@pytest.mark.parametrize(
    ("metadata", "crs"),
    [
        ({"referenceSystem": "urn:ogc:def:crs:EPSG::25832"}, "EPSG:25832"),
        ({"crs": {"epsg": 25832}}, "EPSG:25832"),
        ({"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/5555"}, "EPSG:25832"),
    ],
)
def test_reference_systems_of_all_versions_are_recognised(tmp_path: Path, metadata: Any, crs: str) -> None:
    city, context = read(tmp_path, document({"b": building(solid())}, metadata=metadata))
    assert city.frame.crs == crs
    assert context.facts["crs"] == crs


def test_vertices_without_transform_are_taken_as_they_stand(tmp_path: Path) -> None:
    vertices = [[565000 + x / 1000, 5934000 + y / 1000, z / 1000] for x, y, z in CORNERS]
    content = document({"b": building(solid())}, vertices=vertices)
    del content["transform"]
    city, context = read(tmp_path, content)
    np.testing.assert_allclose(city.frame.crs_from_local(city.positions_local).max(axis=0), [565010, 5934008, 6])
    assert told(context) == {}


def test_millimetres_without_a_transform_are_told(tmp_path: Path) -> None:
    content = document({"b": building(solid())}, vertices=[[10 * x, 10 * y, z] for x, y, z in CORNERS])
    del content["transform"]
    assert told(read(tmp_path, content)[1])[cityjson_header.NO_TRANSFORM] == 1


def test_an_unknown_version_is_tried_and_told(tmp_path: Path) -> None:
    city, context = read(tmp_path, document({"b": building(solid())}, version="3.1"))
    assert len(city.face_surface) == 6
    assert told(context)[cityjson_header.UNKNOWN_VERSION] == 1


BROKEN_GEOMETRIES: list[Any] = [
    None, 5, {}, {"type": "Solid"}, {"type": "Solid", "boundaries": 7}, {"type": "Solid", "boundaries": BOX},
    {"type": "MultiSurface", "boundaries": [BOX]}, {"type": "MultiSurface", "boundaries": {"a": 1}},
    {"type": "MultiSurface", "boundaries": [[["a", "b", "c"]]]}, {"type": "Sphere", "boundaries": BOX},
    {"type": "MultiSurface", "boundaries": [[[0, 1, None]]]}, {"type": "MultiSolid", "boundaries": [[]]},
    {"type": "MultiSurface", "boundaries": [[[0, 1, 10**30]]]},
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN_GEOMETRIES)
def test_a_broken_geometry_costs_itself_alone_and_names_its_object(tmp_path: Path, broken: Any) -> None:
    city, context = read(tmp_path, document({"bad": building(broken), "good": building(solid())}))
    assert city.objects.ids.tolist() == ["bad", "good"]
    assert city.face_object.tolist() == [1] * 6
    assert city.face_surface.tolist() == [1, 3, 2, 2, 2, 2]
    issue = next(issue for issue in context.log.issues() if issue.text == cityjson_objects.BROKEN_GEOMETRY)
    assert (issue.count, issue.where) == (1, ("bad",))


@pytest.mark.parametrize("index", [8, -1, 10**6])
def test_a_face_with_a_vertex_that_does_not_exist_costs_that_face(tmp_path: Path, index: int) -> None:
    geometry = solid()
    geometry["boundaries"][0][2] = [[0, 1, index, 4]]
    city, context = read(tmp_path, document({"b": building(geometry)}))
    assert city.face_surface.tolist() == [1, 3, 2, 2, 2]
    assert told(context)[cityjson_objects.BROKEN_FACE] == 1


@pytest.mark.parametrize("number", [1e308, -1e300, 1e13])
def test_impossible_numbers_cost_the_faces_at_them_without_a_warning_of_numpy(tmp_path: Path, number: float) -> None:
    templates = {
        "templates": [{"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2]]]}],
        "vertices-templates": [[0, 0, 0], [number, number, number], [0, 1, 0]],
    }
    tree = {
        "type": "SolitaryVegetationObject",
        "geometry": [{"type": "GeometryInstance", "template": 0, "boundaries": [0]}],
    }
    vertices = [*CORNERS[:7], [number, number, number]]
    content = document({"b": building(solid()), "t": tree}, vertices=vertices, **{"geometry-templates": templates})
    city, _ = read(tmp_path, content)
    assert city.face_surface.tolist() == [1, 2, 2]


def test_a_vertex_that_is_no_number_costs_the_faces_at_it(tmp_path: Path) -> None:
    vertices: list[Any] = [*CORNERS[:7], ["x", 0, 0]]
    city, context = read(tmp_path, document({"b": building(solid())}, vertices=vertices))
    assert city.face_surface.tolist() == [1, 2, 2]
    assert told(context)[cityjson_objects.BROKEN_FACE] == 3


@pytest.mark.parametrize(
    "semantics",
    [
        {"surfaces": BOX_TYPES, "values": [[0, 1]]},
        {"surfaces": BOX_TYPES, "values": [[9] * 6]},
        {"surfaces": [], "values": [BOX_VALUES]},
        {"surfaces": BOX_TYPES, "values": None},
        {"surfaces": BOX_TYPES, "values": [7]},
    ],
)
def test_semantics_that_do_not_fit_never_cost_geometry(tmp_path: Path, semantics: Any) -> None:
    city, context = read(tmp_path, document({"b": building(solid(semantics=semantics))}))
    assert len(city.face_surface) == 6
    assert told(context)[cityjson_objects.BROKEN_SEMANTICS] == 1


def test_faces_without_semantics_are_unknown(tmp_path: Path) -> None:
    semantics = {"surfaces": BOX_TYPES, "values": [[None, 1, None, 2, 2, 2]]}
    city, context = read(tmp_path, document({"b": building(solid(semantics=semantics))}))
    assert city.face_surface.tolist() == [0, 3, 0, 2, 2, 2]
    assert told(context) == {}


def test_objects_that_are_none_are_left_out_and_named(tmp_path: Path) -> None:
    city, context = read(tmp_path, document({"x": 5, "y": {"geometry": [solid()]}}))
    assert city.objects.types == ("GenericCityObject",)
    assert told(context)[cityjson_objects.BROKEN_OBJECT] == 1
    assert told(context)[cityjson_objects.UNKNOWN_TYPE] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"", b"   ", b"not json", b"[1,2]", b'{"type":"FeatureCollection","features":[]}', b'{"type":"CityJSON"',
        b'{"type":"CityJSON","version":"2.0","CityObjects":{},"vertices":[]}', b"[" * 100_000, b"\xff\xfe{}",
        b'{"type":"CityJSON","CityObjects":[]}', b"\x1f\x8b\x08broken",
    ],
)  # fmt: skip
def test_what_is_no_city_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        read(tmp_path, content)
    assert caught.value.path == tmp_path / "city.city.json"
    assert str(caught.value).count("\n") == 0


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ReadError):
        read_cityjson(tmp_path / "none.json", ReadContext())


def test_a_gzipped_or_zipped_file_is_the_same_city(tmp_path: Path) -> None:
    plain, _ = read(tmp_path, document({"b": building(solid())}))
    text = json.dumps(document({"b": building(solid())})).encode()
    packed, _ = read(tmp_path, gzip.compress(text), "city.city.json.gz")
    with zipfile.ZipFile(tmp_path / "city.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("a/city.json", text)
    zipped = read_cityjson(tmp_path / "city.zip", ReadContext())
    for other in (packed, zipped):
        np.testing.assert_array_equal(other.positions_local, plain.positions_local)


def test_several_files_in_one_archive_become_one_city(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "city.zip", "w") as archive:
        for name in ("one", "two"):
            archive.writestr(f"{name}.json", json.dumps(document({name: building(solid())})))
    city = read_cityjson(tmp_path / "city.zip", ReadContext())
    assert city.objects.ids.tolist() == ["one", "two"]
    assert len(city.triangles) == 24


def test_a_truncated_archive_is_one_clear_error(tmp_path: Path) -> None:
    text = json.dumps(document({"b": building(solid())})).encode()
    with pytest.raises(ReadError):
        read(tmp_path, gzip.compress(text)[:-20], "city.json.gz")


def test_pretty_printed_files_and_byte_order_marks_are_read(tmp_path: Path) -> None:
    text = json.dumps(document({"b": building(solid())}), indent=2).encode()
    assert len(read(tmp_path, b"\xef\xbb\xbf" + text)[0].triangles) == 12


def test_recognising_needs_only_the_first_bytes() -> None:
    assert looks_like_cityjson(b'{"type":"CityJSON","version":"2.0"')
    assert looks_like_cityjson(b'\xef\xbb\xbf{\n "CityObjects": {')
    assert looks_like_cityjson(b'{"type":"CityJSONFeature","id":"x"')
    assert not looks_like_cityjson(b'{"type":"FeatureCollection","features":[]}')
    assert not looks_like_cityjson(b"<?xml version='1.0'?>")


def test_the_collector_is_on_again_whatever_happens() -> None:
    assert gc.isenabled()
    with pytest.raises(ValueError, match="x"), collector_off():
        assert not gc.isenabled()
        raise ValueError("x")
    assert gc.isenabled()


REAL = [
    "cityjson-templates/geometry_template_lod3.json", "delft-3dfier/delft.json", "den-haag/DenHaag_01.city.json",
    "geores-textured-templates/geores_testdata.json", "hamburg-lod3-textured/hamburg-lod3-showcase.city.json",
    "hamburg-lod3-textured/single/civic-building.city.json", "hamburg-lod3-textured/single/courtyard-office.city.json",
    "hamburg-lod3-textured/single/gabled-townhouse.city.json",
    "hamburg-lod3-textured/single/urban-corner-house.city.json",
    "rotterdam-delfshaven-textured/msurface_buildings_all.json", "tudelft-3dbag-multilod/tudelft.city.json",
]  # fmt: skip


def count_faces(document: dict[str, Any]) -> int:
    """Faces of outer shells, counted the slow way."""

    def of(geometry: dict[str, Any]) -> int:
        kind, boundaries = geometry["type"], geometry.get("boundaries", [])
        if kind == "GeometryInstance":
            return of(document["geometry-templates"]["templates"][geometry["template"]])
        if kind in ("MultiSurface", "CompositeSurface"):
            return len(boundaries)
        return len(boundaries[0]) if kind == "Solid" else 0

    return sum(of(geometry) for entry in document["CityObjects"].values() for geometry in entry.get("geometry", []))


@pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the repository")
@pytest.mark.parametrize("name", REAL)
def test_a_real_file_keeps_every_object_and_accounts_for_every_face(name: str) -> None:
    content = json.loads((DATA / name).read_text(encoding="utf-8"))
    context = ReadContext()
    city = read_cityjson(DATA / name, context)
    assert city.objects.count_by_type() == dict(
        Counter(entry["type"] for entry in content["CityObjects"].values()).most_common()
    )
    left_out = sum(issue.count for issue in context.log.issues() if "left out" in issue.text)
    assert len(city.face_surface) + left_out == count_faces(content)
    assert faces_at(city).any()


@pytest.mark.skipif(not DATA.exists(), reason="the real data sets are not beside the repository")
def test_3dbag_draws_only_the_finest_block_models() -> None:
    city = read_cityjson(DATA / "tudelft-3dbag-multilod/tudelft.city.json", ReadContext())
    shown = faces_at(city)
    with_part = np.zeros(len(city.objects.features), bool)
    with_part[city.face_feature[city.face_lod == city.lods.index("2.2")]] = True
    levels = {city.lods[i] for i in np.unique(city.face_lod[shown & with_part[city.face_feature]])}
    assert levels == {"2.2"}
    assert with_part.sum() > 400
