import json

import pytest

from viewer.cli import run
from viewer.scenario import Scenario, Setting
from viewer.session import Document, Source
from viewer.session.store import save_session


def convert(*arguments) -> int:
    return run(["convert", *(str(argument) for argument in arguments)])


def facts(capsys, path) -> dict:
    capsys.readouterr()
    assert run(["info", str(path), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def objects_of(path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))["CityObjects"]


@pytest.fixture
def area(tmp_path):
    """Around the first two houses, in the city's own metres."""
    ring = [[564995, 5933995], [565035, 5933995], [565035, 5934015], [564995, 5934015], [564995, 5933995]]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps({"type": "Polygon", "crs": crs, "coordinates": [ring]}), encoding="utf-8")
    return path


@pytest.fixture
def session(city, tmp_path):
    """A session over the row of houses with two scenarios, the first one shown."""
    taller = Scenario("Taller", settings=(Setting("storeys_added", 1),))
    fewer = Scenario("Fewer", removed=frozenset({"house-0"}))
    source = Source("city", str(city), "city", title="row")
    document = Document(title="Row", sources=(source,), scenarios=(taller, fewer), active="Taller")
    path = tmp_path / "plan.stadtforum"
    save_session(path, document)
    return path


@pytest.mark.parametrize("ending", [".city.json", ".city.jsonl", ".gml", ".gml.gz"])
def test_a_city_is_written_in_another_format_and_reads_back(city, tmp_path, capsys, ending):
    out = tmp_path / f"out{ending}"
    assert convert(city, out) == 0
    assert "out" in capsys.readouterr().out
    found = facts(capsys, out)
    assert (found["buildings"], found["triangles"], found["crs"]) == (4, 48, "EPSG:25832")


@pytest.mark.parametrize("ending", [".gpkg", ".csv", ".glb"])
def test_tables_maps_and_meshes_are_written_too(city, tmp_path, ending):
    out = tmp_path / f"out{ending}"
    assert convert(city, out) == 0
    assert out.stat().st_size > 300


def test_packed_files_and_several_tiles_become_one(packed, city, tmp_path, capsys):
    second = tmp_path / "second.gml"
    assert convert(city, second, "--only", "house-0") == 0
    out = tmp_path / "both.city.json"
    assert convert(packed, second, out) == 0
    assert facts(capsys, out)["buildings"] == 5


def test_levers_change_geometry_and_attributes(city, tmp_path):
    out = tmp_path / "raised.city.json"
    assert convert(city, out, "--set", "storeys_added=2") == 0
    attributes = objects_of(out)["house-0"]["attributes"]
    assert (attributes["measuredHeight"], attributes["storeysAboveGround"]) == (12, 4)


def test_an_area_limits_what_is_written_and_what_is_raised(city, area, tmp_path):
    out = tmp_path / "part.city.json"
    assert convert(city, out, "--area", area, "--set", "storeys_added=1") == 0
    objects = objects_of(out)
    assert set(objects) == {"house-0", "house-1"}
    assert {entry["attributes"]["storeysAboveGround"] for entry in objects.values()} == {3}


def test_only_named_objects_are_written(city, tmp_path):
    out = tmp_path / "two.city.json"
    assert convert(city, out, "--only", "house-3,house-1") == 0
    assert set(objects_of(out)) == {"house-1", "house-3"}


def test_a_session_is_written_as_its_scenario_makes_the_city(session, tmp_path):
    out = tmp_path / "out.city.json"
    assert convert(session, out) == 0
    assert objects_of(out)["house-0"]["attributes"]["storeysAboveGround"] == 3
    assert convert(session, out, "--scenario", "Fewer") == 0
    assert set(objects_of(out)) == {"house-1", "house-2", "house-3"}
    assert convert(session, out, "--as-it-is") == 0
    assert objects_of(out)["house-0"]["attributes"]["storeysAboveGround"] == 2


def test_unsealed_ground_is_said_to_be_left_out(city, tmp_path, capsys):
    assert convert(city, tmp_path / "out.csv", "--set", "unsealing_share=50") == 0
    assert "no part of the file" in capsys.readouterr().err


def sentence(capsys) -> str:
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Traceback" not in error
    return error


def test_an_unknown_ending_names_those_that_are_known(city, tmp_path, capsys):
    assert convert(city, tmp_path / "out.foo") == 2
    assert ".city.json, .city.jsonl, .gml, .gpkg, .csv, .glb" in sentence(capsys)
    assert not (tmp_path / "out.foo").exists()


def test_a_missing_folder_is_said_before_anything_is_read(city, tmp_path, capsys):
    assert convert(city, tmp_path / "none" / "out.gml") == 2
    assert "folder" in sentence(capsys)


def test_the_file_that_is_read_is_never_the_one_that_is_written(city, capsys):
    before = city.read_bytes()
    assert convert(city, city) == 2
    assert "also one to read" in sentence(capsys)
    assert city.read_bytes() == before


def test_an_object_that_is_not_there_is_named(city, tmp_path, capsys):
    assert convert(city, tmp_path / "out.gml", "--only", "house-9") == 2
    assert "house-9" in sentence(capsys)


def test_as_it_is_and_levers_exclude_each_other(city, tmp_path, capsys):
    assert convert(city, tmp_path / "out.gml", "--as-it-is", "--set", "storeys_added=1") == 2
    assert "--as-it-is" in sentence(capsys)


def test_one_file_alone_is_not_enough(city, capsys):
    assert convert(city) == 2
    assert "OUT" in sentence(capsys)


def test_a_failed_write_leaves_the_former_file(city, tmp_path, capsys):
    out = tmp_path / "out.gml"
    out.write_text("before", encoding="utf-8")
    assert convert(city, out, "--scenario", "none") == 2
    assert "none" in sentence(capsys)
    assert out.read_text(encoding="utf-8") == "before"
    assert [p.name for p in tmp_path.glob(".stadtforum*")] == []


def test_it_speaks_german(city, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert convert(city, tmp_path / "out.gml") == 0
    assert capsys.readouterr().out.startswith("Geschrieben: ")
