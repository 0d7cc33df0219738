import json

import pytest

from viewer.cli import run
from viewer.scenario import Scenario, Setting
from viewer.session import Document, Source
from viewer.session.store import save_session


def numbers(capsys, *arguments):
    assert run(["indicators", *(str(a) for a in arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def area(tmp_path):
    """Around the first two houses, in the city's own metres."""
    ring = [[564995, 5933995], [565035, 5933995], [565035, 5934015], [564995, 5934015], [564995, 5933995]]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps({"type": "Polygon", "crs": crs, "coordinates": [ring]}), encoding="utf-8")
    return path


def test_every_number_has_value_unit_baseline_and_difference(city, capsys):
    found = numbers(capsys, city)
    assert found["footprint"]["value"] == pytest.approx(320)
    for record in found.values():
        assert {"value", "unit", "baseline", "difference"} <= set(record)
        assert record["difference"] in (0, None)


def test_a_lever_changes_the_numbers(city, capsys):
    found = numbers(capsys, city, "--set", "storeys_added=1")["gross_floor_area"]
    assert found["unit"] == "m²"
    assert found["baseline"] == pytest.approx(640)
    assert found["difference"] == pytest.approx(320)


def test_a_layer_may_stand_before_the_city(city, trees, capsys):
    assert numbers(capsys, trees, city)["building_count"]["value"] == 4


def test_an_area_limits_levers_and_numbers(city, area, capsys):
    found = numbers(capsys, city, "--area", area, "--set", "storeys_added=1")
    assert found["building_count"]["value"] == 2
    assert found["gross_floor_area"]["difference"] == pytest.approx(160)


def test_an_area_in_degrees_is_transformed(city, area, capsys):
    from viewer.readers.crs import transform

    data = json.loads(area.read_text(encoding="utf-8"))
    ring = transform(data["coordinates"][0], "EPSG:25832", "EPSG:4326").tolist()
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    area.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    assert numbers(capsys, city, "--area", area)["building_count"]["value"] == 2


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{", '{"type": "Point", "coordinates": [1, 2]}', '{"type": "Polygon"}',
        '{"type": "Polygon", "coordinates": [[[1, 2], [3, "a"], [4, 5]]]}',
        '{"type": "Polygon", "coordinates": [[[1, 2]]]}',
        '{"type": "FeatureCollection", "features": []}', '{"type": "FeatureCollection", "features": 5}',
        '{"type": "MultiPolygon", "coordinates": [[], []]}', "[" * 10_000,
        '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}',
    ],
)  # fmt: skip
def test_a_bad_area_is_one_line_that_names_it(city, tmp_path, content, capsys):
    path = tmp_path / "bad.geojson"
    path.write_text(content, encoding="utf-8")
    assert run(["indicators", str(city), "--area", str(path)]) == 2
    err = capsys.readouterr().err
    assert "bad.geojson" in err and err.count("\n") == 1


def test_a_session_is_counted_with_its_scenario(city, tmp_path, capsys):
    path = tmp_path / "plan.stadtforum"
    scenarios = (Scenario("As it is"), Scenario("More", (Setting("storeys_added", 1.0),)))
    gone = Source("gone", str(tmp_path / "gone.csv"), "layer", title="Gone")
    sources = (Source("city", str(city), "city"), gone)
    save_session(path, Document(sources=sources, scenarios=scenarios, active="As it is"))
    assert numbers(capsys, path)["gross_floor_area"]["difference"] == 0
    assert run(["indicators", str(path), "--scenario", "More", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["gross_floor_area"]["difference"] == pytest.approx(320)
    assert err == "Gone was not found; it stays in the session and is shown again once its file is back.\n"
    assert run(["indicators", str(path), "--scenario", "None"]) == 2
    assert "As it is, More" in capsys.readouterr().err


def test_layers_alone_are_no_city(trees, capsys):
    assert run(["indicators", str(trees), "--option", "crs=EPSG:25832"]) == 2
    assert "trees.csv: There is no city" in capsys.readouterr().err


def test_the_plain_form_shows_differences(city, capsys):
    assert run(["indicators", str(city), "--set", "storeys_added=1"]) == 0
    assert "(+320)" in capsys.readouterr().out
