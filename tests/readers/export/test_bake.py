"""A scenario is written into geometry and attributes so that both say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import box, city_of
from tests.readers.export.towns import SAMPLE, at, export_of, read, town, write
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.readers.export.bake import bake
from viewer.scenario import Scenario, Selection, Setting

CITY_ENDINGS = (".city.json", ".city.jsonl", ".gml")
RAISED = Scenario("Zwei mehr", settings=(Setting("storeys_added", 2),), removed=frozenset({"haus"}))


def value(city, name: str, ident: str):
    return city.objects.attributes[name].values[city.objects.ids.tolist().index(ident)]


@pytest.mark.parametrize("ending", CITY_ENDINGS)
def test_added_storeys_change_geometry_height_and_storeys_alike(tmp_path: Path, ending: str) -> None:
    city = town()
    again = read(write(export_of(city, RAISED), tmp_path / f"raised{ending}"), city)
    before, after = measure(city, faces_at(city)), measure(again, faces_at(again))
    tower = again.objects.ids[again.objects.features].tolist().index("turm")
    lift = 2 * before.storey_height_m[1]
    assert after.top_m[tower] - after.ground_m[tower] == pytest.approx(24 + lift, abs=2e-3)
    assert value(again, "measuredHeight", "turm") == pytest.approx(24 + lift, abs=2e-3)
    assert value(again, "measuredHeight", "turm-hoch") == pytest.approx(24 + lift, abs=2e-3)
    assert value(again, "storeysAboveGround", "turm") == 10
    assert after.storeys[tower] == 10


@pytest.mark.parametrize("ending", CITY_ENDINGS)
def test_removed_and_unbuilt_buildings_are_absent_from_a_scenario(tmp_path: Path, ending: str) -> None:
    again = read(write(export_of(town(), RAISED), tmp_path / f"raised{ending}"))
    assert set(again.objects.ids.tolist()) == {"turm", "turm-hoch", "turm-flügel", "weg", "teich", "wiese"}


@pytest.mark.parametrize("ending", CITY_ENDINGS)
def test_a_planned_building_that_is_built_stands_when_opened_again(tmp_path: Path, ending: str) -> None:
    again = read(write(export_of(town(), Scenario("neu", built=frozenset({"neubau"}))), tmp_path / f"new{ending}"))
    assert value(again, "conditionOfConstruction", "neubau") == "projected"
    assert not measure(again, faces_at(again)).planned.any()


def test_as_it_is_keeps_planned_buildings_as_planned(tmp_path: Path) -> None:
    again = read(write(export_of(town()), tmp_path / "town.gml"))
    assert value(again, "conditionOfConstruction", "neubau") == "planned"


def test_a_low_wing_takes_the_share_of_the_storeys_that_its_roof_rises() -> None:
    city = bake(export_of(town(), RAISED)).city
    wing = value(city, "measuredHeight", "turm-flügel")
    faces = city.face_object == city.objects.ids.tolist().index("turm-flügel")
    z = city.positions_local[np.repeat(faces, np.diff(city.face_start)), 2]
    assert wing == pytest.approx(float(np.ptp(z)), abs=2e-3)
    assert value(city, "storeysAboveGround", "turm-flügel") < value(city, "storeysAboveGround", "turm-hoch")


def test_changed_buildings_say_what_was_done_and_others_nothing() -> None:
    only = Selection(("haus",))
    city = bake(export_of(town(), Scenario("Aufstockung", settings=(Setting("storeys_added", 1, only),)))).city
    assert value(city, "scenario", "haus") == "Aufstockung"
    assert value(city, "scenarioStoreysAdded", "haus") == 1
    assert value(city, "scenario", "turm") == ""
    assert np.isnan(value(city, "scenarioStoreysAdded", "turm"))
    assert value(city, "measuredHeight", "turm") == 24


def test_scaled_heights_scale_storeys_as_the_indicators_count_them() -> None:
    city = bake(export_of(town(), Scenario("hoch", settings=(Setting("height_percent", 150),)))).city
    assert value(city, "measuredHeight", "haus") == pytest.approx(13.5, abs=2e-3)
    assert value(city, "storeysAboveGround", "haus") == 3
    assert value(city, "scenarioHeightPercent", "haus") == 150


def test_other_spellings_and_texts_are_changed_too() -> None:
    city = city_of(
        [at(box(10, 10, 6), 0)], attributes={"building:levels": [2.0], "Hoehe": ["6,0 "]}, ids=["haus"],
        origin=(565000.0, 5934000.0, 10.0),
    )  # fmt: skip
    raised = bake(export_of(city, Scenario("s", settings=(Setting("storeys_added", 1),)))).city
    assert value(raised, "building:levels", "haus") == 3
    assert value(raised, "Hoehe", "haus") == "9"


def test_the_city_it_was_made_from_is_not_touched() -> None:
    city = town()
    positions = city.positions_local.copy()
    bake(export_of(city, RAISED))
    np.testing.assert_array_equal(city.positions_local, positions)
    assert value(city, "storeysAboveGround", "turm") == 8


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample city is not here")
def test_every_raised_building_of_the_sample_agrees_with_its_height(tmp_path: Path) -> None:
    city = read(SAMPLE)
    again = read(write(export_of(city, Scenario("s", settings=(Setting("storeys_added", 2),))), tmp_path / "s.gml"))
    m = measure(again, faces_at(again))
    told = again.objects.feature_column("measuredHeight").values
    known = m.is_building & np.isfinite(told)
    before = measure(city, faces_at(city))
    off = np.abs(city.objects.feature_column("measuredHeight").values - (before.top_m - before.ground_m))
    np.testing.assert_allclose(told[known], (m.top_m - m.ground_m)[known], atol=0.01 + np.nanmax(off))


@pytest.mark.parametrize("ending", CITY_ENDINGS)
def test_new_trees_are_trees_when_opened_again(tmp_path: Path, ending: str) -> None:
    planted = Scenario("grün", settings=(Setting("trees_added", 25),))
    export = export_of(town(), planted)
    places = export.change.trees_local
    assert len(places) > 0
    again = read(write(export, tmp_path / f"green{ending}"), export.city)
    ids = again.objects.ids.tolist()
    trees = [i for i, name in enumerate(ids) if name.startswith("new-tree-")]
    assert len(trees) == len(places)
    assert value(again, "height", "new-tree-1") == 9
    first = again.positions_local[np.repeat(again.face_object == trees[0], np.diff(again.face_start))]
    np.testing.assert_allclose((first.min(axis=0) + first.max(axis=0))[:2] / 2, places[0, :2], atol=2e-3)
    assert np.ptp(first[:, 2]) == pytest.approx(9, abs=2e-3)


def test_new_trees_come_with_the_whole_city_or_an_area_but_not_with_chosen_buildings() -> None:
    planted = Scenario("grün", settings=(Setting("trees_added", 25),))
    whole = export_of(town(), planted)
    only = np.ones(len(whole.city.objects.features), bool)
    assert len(export_of(town(), planted, only=only).new_trees()) == 0
    assert "New trees" in export_of(town(), planted, only=only).left_out()[0]
    x, y = whole.new_trees()[0, :2]
    ring = np.array([[x - 1, y - 1], [x + 1, y - 1], [x + 1, y + 1], [x - 1, y + 1]])
    assert len(export_of(town(), planted, only=only, area_local=ring).new_trees()) == 1
