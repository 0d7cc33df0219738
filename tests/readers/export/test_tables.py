"""GeoPackage and CSV hold what a map and a spreadsheet need, and agree with the window's numbers."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import box, city_of
from tests.readers.export.towns import REAL, at, export_of, read, town, write
from viewer.indicators import IndicatorTable
from viewer.scenario import Scenario, Setting

RAISED = Scenario("Zwei mehr", settings=(Setting("storeys_added", 2),), removed=frozenset({"haus"}))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def test_a_table_has_one_row_per_building_with_measures_and_attributes(tmp_path: Path) -> None:
    rows = rows_of(write(export_of(town()), tmp_path / "town.csv"))
    assert [row["id"] for row in rows] == ["haus", "turm", "neubau"]
    house = rows[0]
    assert (house["height_m"], house["storeys"], house["footprint_m2"], house["volume_m3"]) == ("9", "2", "96", "720")
    assert (house["name"], house["energy"], house["x"]) == ("Haus „Am <Markt>“ & Co", "101.25", "565006")
    assert float(house["gross_floor_area"]) >= 192
    assert {"dwellings", "residents", "green_roof_area"} <= set(house)
    assert rows[1]["energy"] == "7"  # of its part, as in the window


def test_the_floor_areas_of_a_scenario_add_up_to_its_indicator(tmp_path: Path) -> None:
    export = export_of(town(), RAISED)
    rows = rows_of(write(export, tmp_path / "raised.csv"))
    assert [row["id"] for row in rows] == ["turm"]
    assert rows[0]["storeys"] == "10"
    table = IndicatorTable(export.city, export.measures, lod_faces=export.lod_faces)
    table.update(export.change)
    assert float(rows[0]["gross_floor_area"]) == pytest.approx(table.record("gross_floor_area").value, abs=1e-3)


def test_texts_that_a_spreadsheet_would_run_are_made_harmless(tmp_path: Path) -> None:
    city = city_of([at(box(5, 5, 5), 0)], attributes={"=cmd": ['=HYPERLINK("x")']}, origin=(565000.0, 5934000.0, 10.0))
    row = rows_of(write(export_of(city), tmp_path / "bad.csv"))[0]
    assert row["'=cmd"] == '\'=HYPERLINK("x")'


def test_attributes_named_like_measures_get_a_name_of_their_own(tmp_path: Path) -> None:
    city = city_of(
        [at(box(5, 5, 5), 0)], attributes={"ID": ["x1"], "Storeys": [7.0], "fid": [3.0]},
        origin=(565000.0, 5934000.0, 10.0),
    )  # fmt: skip
    row = rows_of(write(export_of(city), tmp_path / "names.csv"))[0]
    assert (row["id"], row["ID_attribute"], row["Storeys_attribute"], row["fid_attribute"]) == ("b0", "x1", "7", "3")


def test_a_geopackage_holds_outlines_with_heights_numbers_and_attributes(tmp_path: Path) -> None:
    import geopandas

    path = write(export_of(town()), tmp_path / "town.gpkg")
    frame = geopandas.read_file(path, layer="buildings").set_index("id")
    assert frame.crs.to_epsg() == 25832
    assert frame.loc["haus", "height_m"] == 9
    assert frame.loc["haus", "name"] == "Haus „Am <Markt>“ & Co"
    np.testing.assert_allclose(frame.geometry.area, [96, 200, 64])
    assert frame.loc["turm"].geometry.bounds == (565030.0, 5934000.0, 565050.0, 5934010.0)
    other = geopandas.read_file(path, layer="other_objects").set_index("id")
    assert dict(other.geometry.area) == pytest.approx({"weg": 594, "teich": 81, "wiese": 800})
    assert "height_m" not in other


def test_an_outline_keeps_its_courtyard(tmp_path: Path) -> None:
    import geopandas

    block = box(30, 30, 10)
    hole = [(10.0, 10.0, 0.0), (20.0, 10.0, 0.0), (20.0, 20.0, 0.0), (10.0, 20.0, 0.0)]
    block[0] = (block[0][0], [block[0][1][0], hole])
    city = city_of([at(block, 0)], origin=(565000.0, 5934000.0, 10.0))
    frame = geopandas.read_file(write(export_of(city), tmp_path / "block.gpkg"))
    assert frame.geometry.area.tolist() == [800]


def test_a_scenario_leaves_out_what_it_removes(tmp_path: Path) -> None:
    import geopandas

    frame = geopandas.read_file(write(export_of(town(), RAISED), tmp_path / "raised.gpkg"), layer="buildings")
    assert frame["id"].tolist() == ["turm"]
    assert frame["scenarioStoreysAdded"].tolist() == [2]


def test_a_city_without_a_place_on_the_map_is_written_all_the_same(tmp_path: Path) -> None:
    import geopandas

    city = town()
    city = replace(city, frame=replace(city.frame, crs=""))
    assert len(geopandas.read_file(write(export_of(city), tmp_path / "nowhere.gpkg"), layer="buildings")) == 3


@pytest.mark.parametrize("path", REAL)
def test_every_building_of_a_real_city_has_a_row_and_an_outline(tmp_path: Path, path: Path) -> None:
    import geopandas

    city = read(path)
    export = export_of(city)
    ids = city.objects.ids[city.objects.features][city.objects.feature_is_building].tolist()
    frame = geopandas.read_file(write(export, tmp_path / "real.gpkg"), layer="buildings")
    assert frame["id"].tolist() == ids
    assert frame.geometry.notna().mean() > 0.98
    outline = frame.geometry.area.to_numpy()
    told = frame["footprint_m2"].to_numpy()
    both = np.isfinite(outline) & np.isfinite(told)
    assert np.median(np.abs(outline[both] - told[both]) / told[both]) < 0.01
    rows = rows_of(write(export, tmp_path / "real.csv"))
    assert [row["id"] for row in rows] == ids
