"""What is written as a city reads back as the same city."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.builders import box, city_of
from tests.readers.export.towns import (
    REAL,
    assert_same_attributes,
    assert_same_geometry,
    at,
    export_of,
    read,
    town,
    write,
)
from viewer.city import Frame, SurfaceType
from viewer.plugin_api import ReadContext
from viewer.readers.citygml import read_citygml
from viewer.readers.export.citygml import citygml_chunks, srs_name
from viewer.scenario import Scenario, Setting

CITY_ENDINGS = (".city.json", ".city.jsonl", ".gml")
PACKED = (".city.json.gz", ".city.jsonl.gz", ".gml.gz")
GML = "{http://www.opengis.net/gml}"


def gml(city) -> etree._Element:
    return etree.fromstring(b"".join(citygml_chunks(city)))


@pytest.mark.parametrize("ending", CITY_ENDINGS + PACKED)
def test_a_town_comes_back_with_faces_parts_and_attributes(tmp_path: Path, ending: str) -> None:
    city = town()
    again = read(write(export_of(city), tmp_path / f"town{ending}"), city)
    assert again.frame == city.frame
    assert_same_geometry(city, again)
    assert_same_attributes(city, again)
    assert again.objects.parent.tolist() == city.objects.parent.tolist()
    assert [again.objects.types[c] for c in again.objects.type_code] == [
        city.objects.types[c] for c in city.objects.type_code
    ]


@pytest.mark.parametrize("ending", CITY_ENDINGS)
@pytest.mark.parametrize("path", REAL)
def test_a_real_city_comes_back(tmp_path: Path, path: Path, ending: str) -> None:
    city = read(path)
    again = read(write(export_of(city), tmp_path / f"again{ending}"), city)
    assert sorted(again.objects.ids.tolist()) == sorted(city.objects.ids.tolist())
    assert again.objects.count_by_type() == city.objects.count_by_type()
    if ending == ".gml" and len(city.lods) > 1:  # whole levels of detail only: the finest of each is kept
        kept = np.isin(np.array(city.lods)[city.face_lod], ["0", "1.3", "2.2"])
        assert len(again.face_surface) == kept.sum()
    else:
        assert len(again.face_surface) == len(city.face_surface)
        assert len(again.triangles) == len(city.triangles)
    np.testing.assert_allclose(again.extent_local, city.extent_local, atol=1.5e-3)


@pytest.mark.parametrize("ending", CITY_ENDINGS)
def test_only_the_chosen_objects_are_written_with_their_parts(tmp_path: Path, ending: str) -> None:
    city = town()
    only = np.zeros(len(city.objects.features), bool)
    only[1] = True
    again = read(write(export_of(city, only=only), tmp_path / f"one{ending}"), city)
    assert again.objects.ids.tolist() == ["turm", "turm-hoch", "turm-flügel"]
    assert len(again.face_surface) == 12


def test_the_header_of_citygml_says_where_the_city_lies() -> None:
    city = replace(town(), frame=Frame("EPSG:25832", (565000.0, 5934000.0, 10.0), "EPSG:7837"))
    envelope = next(gml(city).iter(f"{GML}Envelope"))
    assert envelope.get("srsName") == "urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::7837"
    assert envelope[0].text == "565000.000 5934000.000 9.000"
    assert envelope[1].text == "565099.000 5934070.000 34.000"


def test_gauss_krueger_is_named_so_that_east_stays_first(tmp_path: Path) -> None:
    frame = Frame("EPSG:31468", (4468000.0, 5333000.0, 500.0), "EPSG:7837")
    assert srs_name(frame) == "EPSG:31468+7837"
    path = tmp_path / "gk.gml"
    path.write_bytes(b"".join(citygml_chunks(replace(town(), frame=frame))))
    again = read_citygml(path, ReadContext())
    assert (again.frame.crs, again.frame.vertical_crs) == ("EPSG:31468", "EPSG:7837")
    low = again.frame.crs_from_local(again.extent_local)[0]
    np.testing.assert_allclose(low, [4468000.0, 5333000.0, 499.0], atol=1e-3)


def test_every_reference_of_a_solid_finds_its_polygon_and_every_id_is_there_once() -> None:
    root = gml(town())
    ids = root.xpath("//@gml:id", namespaces={"gml": GML.strip("{}")})
    assert len(ids) == len(set(ids))
    references = root.xpath("//@xlink:href", namespaces={"xlink": "http://www.w3.org/1999/xlink"})
    assert len(references) == 7 + 6 + 6 + 6  # a gable house with five walls less two, and three boxes
    assert {reference[1:] for reference in references} <= set(ids)


def test_an_open_building_has_no_solid() -> None:
    city = city_of([at(box(10, 10, 6)[1:], 0)], origin=(565000.0, 5934000.0, 10.0))
    assert list(gml(city).iter(f"{GML}Solid")) == []


def test_a_building_turned_inside_out_has_no_solid() -> None:
    inside_out = [(kind, [ring[::-1] for ring in rings]) for kind, rings in box(10, 10, 6)]
    city = city_of([at(inside_out, 0)], origin=(565000.0, 5934000.0, 10.0))
    assert list(gml(city).iter(f"{GML}Solid")) == []


@pytest.mark.parametrize("place", [1, 2, 6])
def test_windows_stand_in_the_wall_they_lie_in_wherever_the_file_has_them(tmp_path: Path, place: int) -> None:
    window = [(SurfaceType.WINDOW, [[(2, 0, 1), (4, 0, 1), (4, 0, 2), (2, 0, 2)]])]
    house = box(10, 10, 6)
    city = replace(
        city_of([at([*house[:place], *window, *house[place:]], 0)], origin=(565000.0, 5934000.0, 10.0)), lods=("3",)
    )
    openings = list(gml(city).iter("{*}opening"))
    assert [opening.getparent().tag.rpartition("}")[2] for opening in openings] == ["WallSurface"]
    corners = next(openings[0].getparent().iter(f"{GML}posList")).text.split()
    assert set(corners[1::3]) == {"5934000.000"}  # the wall in the south
    path = tmp_path / "window.gml"
    path.write_bytes(b"".join(citygml_chunks(city)))
    again = read(path, city)
    assert len(again.face_surface) == 7
    assert np.flatnonzero(again.face_surface == SurfaceType.WINDOW).tolist() == [2]  # behind ground and wall


def test_ids_that_xml_refuses_are_made_fit_and_kept(tmp_path: Path) -> None:
    ids = ["{7F-3}", "1 a", "_7F-3_", "ok"]
    city = city_of([at(box(5, 5, 5), 20.0 * i) for i in range(4)], ids=ids, origin=(565000.0, 5934000.0, 10.0))
    again = read(write(export_of(city), tmp_path / "ids.gml"), city)
    assert again.objects.ids.tolist() == ["_7F-3__2", "_1_a", "_7F-3_", "ok"]
    assert again.objects.attributes["originalId"].values.tolist() == ["{7F-3}", "1 a", "", ""]


def test_hostile_names_cannot_break_the_xml(tmp_path: Path) -> None:
    nasty = '</core:CityModel>&"\x00\x0b<!ENTITY x "y">\ud7ff]]>'
    city = city_of(
        [at(box(5, 5, 5), 0)], attributes={'a"><b c="': [nasty], "name": [nasty]}, origin=(565000.0, 5934000.0, 10.0)
    )
    again = read(write(export_of(replace(city, name=nasty)), tmp_path / "nasty.gml"), city)
    harmless = nasty.replace("\x00", "").replace("\x0b", "")
    assert again.objects.attributes['a"><b c="'].values.tolist() == [harmless]
    assert again.objects.attributes["name"].values.tolist() == [harmless]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
#: Beginning with letters that make no number, no code and no name of the schema of them.
NAMES = TEXTS.map(lambda text: "q" + text.strip())
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(NAMES, st.tuples(NAMES, NAMES), max_size=4),
    st.dictionaries(NAMES.map(lambda name: name + "z"), st.tuples(FLOATS, FLOATS), max_size=4),
)
@pytest.mark.parametrize("ending", CITY_ENDINGS)
def test_any_attributes_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    ending: str,
    texts: dict[str, tuple[str, str]],
    numbers: dict[str, tuple[float, float]],
) -> None:
    texts = {name: values for name, values in texts.items() if name not in numbers}
    attributes = {name: list(values) for name, values in {**texts, **numbers}.items()}
    city = city_of(
        [at(box(5, 5, 5), 0), at(box(5, 5, 5), 9)], attributes=attributes, origin=(565000.0, 5934000.0, 10.0)
    )
    again = read(write(export_of(city), tmp_path_factory.mktemp("any") / f"any{ending}"), city)
    found = again.objects.attributes
    for name, values in texts.items():
        assert found[name].values.tolist() == list(values)
    for name, values in numbers.items():
        assert found[name].values.tolist() == list(values)


def test_types_without_an_element_become_generic_objects_that_say_what_they_were(tmp_path: Path) -> None:
    city = city_of(
        [at(box(5, 5, 5), 0), at(box(2, 2, 2), 9)], types=["Building", "BuildingRoom"], parents=[-1, 0],
        origin=(565000.0, 5934000.0, 10.0),
    )  # fmt: skip
    again = read(write(export_of(city), tmp_path / "room.gml"), city)
    assert again.objects.count_by_type() == {"Building": 1, "GenericCityObject": 1}
    assert again.objects.attributes["objectType"].values.tolist() == ["", "BuildingRoom"]
    assert again.objects.attributes["parentId"].values.tolist() == ["", "b0"]
    assert len(again.face_surface) == 12


def test_terrain_is_written_as_triangles(tmp_path: Path) -> None:
    ground = [(SurfaceType.UNKNOWN, [[(0, 0, 0), (50, 0, 1), (50, 50, 2), (0, 50, 1)]])]
    city = city_of([at(ground, 0)], types=["TINRelief"], ids=["dgm"], origin=(565000.0, 5934000.0, 10.0))
    again = read(write(export_of(city), tmp_path / "dgm.gml"), city)
    assert again.objects.ids.tolist() == ["dgm"]
    assert len(again.face_surface) == len(again.triangles) == 2
    np.testing.assert_allclose(again.extent_local, city.extent_local, atol=1e-3)


def test_the_lines_of_a_sequence_have_their_own_vertices(tmp_path: Path) -> None:
    lines = write(export_of(town()), tmp_path / "town.city.jsonl").read_text(encoding="utf-8").splitlines()
    header, *features = map(json.loads, lines)
    assert (header["type"], header["CityObjects"], header["vertices"]) == ("CityJSON", {}, [])
    assert [feature["id"] for feature in features] == ["haus", "turm", "neubau", "weg", "teich", "wiese"]
    assert [len(feature["vertices"]) for feature in features] == [10, 14, 8, 4, 4, 4]  # the wing shares two corners
    assert list(features[1]["CityObjects"]) == ["turm", "turm-hoch", "turm-flügel"]


def judged(package: str, program: str, path: Path) -> dict:
    """What a validator says of a file, in a process of its own; skips where the validator is not installed."""
    if importlib.util.find_spec(package.split(".")[0]) is None:
        pytest.skip(f"{package} is not installed")
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


CJIO = """
import json, sys
from cjio import cityjson
with open(sys.argv[1], encoding="utf-8") as file:
    model = cityjson.reader(file=file, ignore_duplicate_keys=False)
print(json.dumps({"version": model.get_version(), "objects": len(model.j["CityObjects"]), "epsg": model.get_epsg()}))
"""
SCHEMA = """
import json, sys
from citysmith import schema
report = schema.validate_schema(sys.argv[1])
print(json.dumps({"valid": bool(report.valid), "messages": [str(m) for m in report.messages[:5]]}))
"""


@pytest.mark.parametrize("path", REAL)
def test_cjio_reads_it(tmp_path: Path, path: Path) -> None:
    city = read(path)
    said = judged("cjio", CJIO, write(export_of(city), tmp_path / "out.city.json"))
    assert (said["version"], said["objects"]) == ("2.0", len(city.objects))
    assert f"EPSG:{said['epsg']}" in (city.frame.crs, "EPSG:7415")


@pytest.mark.parametrize("path", REAL)
def test_cjval_finds_no_fault(tmp_path: Path, path: Path) -> None:
    cjval = pytest.importorskip("cjvalpy.cjvalpy", reason="cjvalpy is not installed")
    out = write(export_of(read(path)), tmp_path / "out.city.json")
    check = cjval.CJValidator([out.read_text(encoding="utf-8")])
    assert check.validate(), check.get_report()


def test_a_file_with_everything_is_valid_by_the_official_schema(tmp_path: Path) -> None:
    path = write(export_of(town(), Scenario("x y", settings=(Setting("trees_added", 20),))), tmp_path / "town.gml")
    assert judged("citysmith", SCHEMA, path)["messages"] == []
    spoilt = tmp_path / "spoilt.gml"
    spoilt.write_bytes(path.read_bytes().replace(b"measuredHeight", b"heightMeasured"))
    assert not judged("citysmith", SCHEMA, spoilt)["valid"]


@pytest.mark.parametrize("path", REAL)
def test_a_real_city_is_valid_by_the_official_schema(tmp_path: Path, path: Path) -> None:
    said = judged("citysmith", SCHEMA, write(export_of(read(path)), tmp_path / "real.gml"))
    assert said["valid"], said["messages"]
