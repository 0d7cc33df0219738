"""Limits of development plans against what a scenario builds, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of
from tests.indicators.test_table import areas, rectangle
from viewer.city import AreaLayer, Column
from viewer.city.ground import make_ground
from viewer.city.measures import measure
from viewer.indicators import IndicatorTable
from viewer.indicators.limits import limits_in, make_limits
from viewer.scenario import Scenario
from viewer.scenario.apply import Applier


def town():
    """Three blocks of 10 x 10 m and 9 m, of 3 storeys: two on the first area, one on the second, none on the third."""
    city = city_of([box(10, 10, 9, x=x, y=5) for x in (5, 30, 105)])
    count = len(city.objects)
    column = Column("storeysAboveGround", np.full(count, 3.0))
    return replace(city, objects=replace(city.objects, attributes={"storeysAboveGround": column}))


def plan(**limits) -> AreaLayer:
    """Areas of 1000 m², 400 m² and 100 m²."""
    columns = {name: np.array(values, np.float64) for name, values in limits.items()}
    return replace(areas("plan", (0, 0, 50, 20), (100, 0, 120, 20), (200, 0, 210, 10)), attributes=columns)


def table_of(layer, *, sea_m=0.0):
    city = town()
    measures = measure(city)
    ground = make_ground(city, None, measures)
    limits = make_limits([layer], measures, sea_m)
    return Applier(city, measures, ground), IndicatorTable(city, measures, ground, limits=limits), limits


def value(table, name):
    return next((r.value for r in table.records if r.id == name), None)


def test_every_area_is_compared_with_its_own_limit():
    # GRZ there: 200 / 1000 = 0.2 and 100 / 400 = 0.25; GFZ there: 0.6 and 0.75.
    applier, table, limits = table_of(plan(GRZ=[0.2, 0.2, 0.2], GFZ=[0.8, 0.8, np.nan]))
    assert value(table, "plan_coverage_over") == 1
    assert value(table, "plan_density_over") == 0
    there = limits.on_areas(applier.apply(Scenario("")))
    assert there.coverage.tolist() == [0.2, 0.25, 0.0]
    assert there.density == pytest.approx([0.6, 0.75, 0.0])


def test_added_storeys_exceed_the_plan_and_the_baseline_stays_beside():
    applier, table, _ = table_of(plan(GRZ=[0.4, 0.4, 0.4], GFZ=[0.8, 0.8, 0.8], Z=[4, 3, 2]))
    table.update(applier.apply(Scenario("more").with_value("storeys_added", 1)))
    # 800 m² on 1000 m² is just allowed; 400 m² on 400 m² is not.
    assert value(table, "plan_density_over") == 1
    assert value(table, "plan_storeys_over") == 1
    record = table.record("plan_storeys_over")
    assert record.baseline == 0 and record.higher_is == "worse"


def test_heights_above_ground_and_above_the_sea_are_compared():
    _, table, _ = table_of(plan(Hmax=[10.0, 8.0, np.nan]), sea_m=30.0)
    assert value(table, "plan_height_over") == 1
    _, table, _ = table_of(plan(**{"Hmax NHN": [38.0, 40.0, np.nan]}), sea_m=30.0)
    assert value(table, "plan_height_over") == 2


def test_the_floor_area_left_is_that_of_areas_with_room():
    # 1000 x 0.8 - 600 = 200; 400 x 0.8 - 300 = 20; 100 x 0.8 = 80.
    _, table, _ = table_of(plan(GFZ=[0.8, 0.8, 0.8]))
    assert value(table, "plan_floor_left") == pytest.approx(300.0)
    # Without a GFZ, GRZ times storeys: 1000 x 0.4 x 2 - 600 = 200.
    _, table, _ = table_of(plan(GRZ=[0.4, np.nan, np.nan], Z=[2, np.nan, np.nan]))
    assert value(table, "plan_floor_left") == pytest.approx(200.0)


def test_only_limits_that_the_plan_sets_become_indicators():
    _, table, _ = table_of(plan(GRZ=[0.4, 0.4, 0.4]))
    shown = [r.id for r in table.records if r.id.startswith("plan_")]
    assert shown == ["plan_coverage_over"]
    assert not any("study area" in text for r in table.records if r.id in shown for text in r.assumptions)


def test_without_limits_there_is_nothing_to_compare():
    city = town()
    measures = measure(city)
    assert make_limits([plan()], measures) is None
    ids = {r.id for r in IndicatorTable(city, measures).records}
    assert not any(name.startswith("plan_") for name in ids)


def test_a_column_of_heights_named_z_is_no_number_of_storeys():
    assert limits_in(plan(z=[12.3, 14.0, 9.0])) == {}
    assert set(limits_in(plan(Z=[2, 3, 4], GRZ=[0.2, 0.4, 0.6]))) == {"storeys", "coverage"}


def test_numbers_that_are_no_limits_are_not_taken_for_some():
    assert limits_in(plan(GRZ=[40.0, -1.0, np.nan])) == {}


def test_a_hole_in_an_area_belongs_to_nobody():
    outer, hole = rectangle(0, 0, 50, 20), rectangle(3, 3, 17, 17)
    layer = AreaLayer(
        "plan", np.concatenate([outer, hole]), np.array([0, 4, 8], np.int32), np.array([0, 2], np.int32),
        np.zeros(1, np.int32), 1, attributes={"GRZ": np.array([0.1])},
    )  # fmt: skip
    limits = make_limits([layer], measure(town()))
    assert limits.area_m2.tolist() == [1000 - 196]
    assert len(limits.building) == 1
