"""Tree registers as cities publish them: odd columns, missing heights, no coordinate system."""

from __future__ import annotations

import json

import numpy as np
import pytest

from viewer.city import Frame
from viewer.errors import ReadError
from viewer.plugin_api import TreeLayer

HAMBURG = """\ufeffBaumID;Gattung_Deutsch;Art_Latein;Pflanzjahr;Kronendurchmesser;Stammumfang;Hochwert;Rechtswert
1;Linde;Tilia cordata;1980;8,5;120;5934100,5;565100,25
2;Kiefer;Pinus sylvestris;1990;;80;5934200;565200
3;Eiche;Quercus robur;;12;300;;
4;Eibe;Taxus baccata;2020;99;20;5934300;565300
"""


@pytest.fixture
def register(tmp_path):
    path = tmp_path / "strassenbaeume.csv"
    path.write_text(HAMBURG, encoding="utf-8")
    return path


def messages(reading) -> dict[str, int]:
    return {str(issue): issue.count for issue in reading.report.issues}


def test_a_german_register_is_read_with_every_assumption_counted(read, register):
    reading = read(register)
    (layer,) = reading.layers
    assert isinstance(layer, TreeLayer)
    assert reading.reader == "trees:Tree register"
    assert layer.positions_local[:, :2].tolist() == [[100.25, 100.5], [200.0, 200.0], [300.0, 300.0]]
    assert np.isnan(layer.positions_local[:, 2]).all()
    assert layer.conifer.tolist() == [False, True, True]
    assert layer.crown_m[0] == 8.5
    assert (layer.height_m > 2).all() and (layer.height_m < 40).all()
    assert layer.attributes["species"].tolist()[0] == "Tilia cordata"
    assert layer.style_column == ""  # trees are green until a person colours them
    found = messages(reading)
    assert found["1 trees have no position and were left out."] == 1
    assert found["3 trees without a height got one by kind and age."] == 3
    assert found["2 trees without a crown got one by height and kind."] == 2
    assert found["1 values in Kronendurchmesser are impossible and were not used."] == 1
    lost = next(issue for issue in reading.report.issues if "no position" in issue.text)
    assert lost.where == ("line 4",)


def test_a_missing_system_is_a_question_and_the_open_citys_is_offered(read, register):
    reading = read(register)
    assert reading.questions["crs"] == "EPSG:25832"
    assert any("does not name its coordinate system" in text for text in messages(reading))


def test_a_persons_choice_of_system_wins(read, register):
    reading = read(register, crs="EPSG:25833")
    assert "crs" not in reading.questions
    assert any("km away from the city" in text for text in messages(reading))


def test_older_trees_of_one_kind_are_taller(read, tmp_path):
    rows = "\n".join(f"{i};Tilia cordata;{age};565{i:03};5934000" for i, age in enumerate((1, 10, 40, 90)))
    path = tmp_path / "trees.csv"
    path.write_text(f"id;species;age;x;y\n{rows}\n", encoding="utf-8")
    heights = read(path).layers[0].height_m
    assert (np.diff(heights) > 0).all()
    assert heights[-1] < 25


def test_ranges_and_units_in_height_columns_are_understood(read, tmp_path):
    path = tmp_path / "baeume.csv"
    path.write_text("Baumart;Baumhöhe;Krone;x;y\nAhorn;10-15 m;8 m;565001;5934001\nAhorn;5 bis 10;4,5;565002;5934002\n",
                    encoding="utf-8")  # fmt: skip
    layer = read(path).layers[0]
    assert layer.height_m.tolist() == [12.5, 7.5]
    assert layer.crown_m.tolist() == [8.0, 4.5]


def test_a_list_of_trees_in_json_is_read_with_its_attribution(read, tmp_path):
    path = tmp_path / "city.json"
    trees = [
        {"id": "a", "position": [9.99, 53.55, 5.1], "height": 7.4, "crownDiameter": 2, "species": "Picea abies"},
        {"id": "b", "position": None, "height": 3, "crownDiameter": 2, "species": ""},
    ]
    path.write_text(json.dumps({"attribution": "City of X", "trees": trees}), encoding="utf-8")
    reading = read(path)
    (layer,) = reading.layers
    assert (len(layer), layer.attribution, layer.conifer.tolist()) == (1, "City of X", [True])
    assert np.abs(layer.positions_local[0, :2]).max() < 5000


def test_geojson_trees_come_from_degrees_into_the_city(read, tmp_path):
    path = tmp_path / "trees.geojson"
    feature = {
        "type": "Feature",
        "properties": {"baumart_de": "Stiel-Eiche", "gattung": "Quercus", "pflanzjahr": 1950, "alter": 75},
        "geometry": {"type": "Point", "coordinates": [9.98, 53.551]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature] * 3}), encoding="utf-8")
    reading = read(path)
    assert reading.reader == "trees:Tree register"
    assert reading.report.crs == "EPSG:4326"
    assert np.abs(reading.layers[0].positions_local[:, :2]).max() < 2000


def test_a_register_without_any_position_is_refused(read, tmp_path):
    path = tmp_path / "baumkataster.csv"
    path.write_text("baumart;kronendurchmesser;pflanzjahr;x;y\nLinde;5;1990;;\n", encoding="utf-8")
    with pytest.raises(ReadError):
        read(path, reader="trees")


def test_a_hundred_thousand_trees_are_all_there(read, tmp_path):
    count = 100_000
    rng = np.random.default_rng(3)
    x, y = rng.uniform(565_000, 566_000, count), rng.uniform(5_934_000, 5_935_000, count)
    genera = rng.choice(["Tilia", "Quercus", "Pinus", "Acer"], count)
    rows = "\n".join(
        f"{i};{g};{a:.2f};{b:.2f};{i % 20 + 3}" for i, (g, a, b) in enumerate(zip(genera, x, y, strict=True))
    )
    path = tmp_path / "trees.csv"
    path.write_text(f"id;gattung;rechtswert;hochwert;kronendurchmesser\n{rows}\n", encoding="utf-8")
    (layer,) = read(path).layers
    assert len(layer) == count
    assert np.allclose(layer.positions_local[:, 0], np.round(x, 2) - 565_000, atol=1e-6)
    assert layer.conifer.sum() == (genera == "Pinus").sum()


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("hamburg-centre/hamburg-city-center-trees.json", 2110),
        ("leipzig-street-trees/trees/connewitz.geojson", 1139),
        ("athens-umep/trees_clip.gpkg", 2235),
    ],
)
def test_real_registers_are_read_whole(read, shared, file, count):
    reading = read(shared / file, frame=Frame())
    assert reading.reader == "trees:Tree register"
    assert reading.report.objects == {"Tree": count}
    assert reading.frame.crs
