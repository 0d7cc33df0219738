"""What scenarios change in a city."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of, gable_house, houses, plane
from viewer.city import CityModel
from viewer.city.geometry import mesh_volume, points_in_ring
from viewer.city.ground import make_ground
from viewer.city.measures import measure
from viewer.scenario import Area, Scenario, Selection, Where, WholeCity
from viewer.scenario.apply import Applier, apply, changed_positions, no_change
from viewer.scenario.change import differing


def applier_of(city: CityModel) -> Applier:
    m = measure(city)
    return Applier(city, m, make_ground(city, None, m))


def changed_volume(city: CityModel, scenario: Scenario) -> float:
    m = measure(city)
    change = apply(city, m, make_ground(city, None, m), scenario)
    return mesh_volume(changed_positions(city, m, change), city.triangles)


def square(x0, y0, x1, y1, name="area") -> Area:
    return Area(name, ((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def test_m4_house_raised_by_a_storey_has_1008_cubic_metres():
    scenario = Scenario("s").with_value("storeys_added", 1)
    assert changed_volume(city_of([gable_house(12, 8, 6, 9)]), scenario) == pytest.approx(1008.0, rel=1e-6)


def test_m5_house_scaled_by_a_quarter_has_900_cubic_metres():
    scenario = Scenario("s").with_value("height_percent", 125)
    assert changed_volume(city_of([gable_house(12, 8, 6, 9)]), scenario) == pytest.approx(900.0, rel=1e-6)


def test_baseline_changes_nothing():
    city = houses(9)
    m = measure(city)
    change = applier_of(city).apply(Scenario("s"))
    assert not change.lift_m.any() and (change.factor == 1).all() and change.exists.all()
    assert not change.unsealed and not len(change.trees_local)
    assert np.array_equal(changed_positions(city, m, change), city.positions_local)
    assert np.array_equal(no_change(m).exists, change.exists)


def test_roof_keeps_its_shape_and_ground_stays():
    city = city_of([gable_house(12, 8, 6, 9)])
    m = measure(city)
    change = applier_of(city).apply(Scenario("s").with_value("storeys_added", 2))
    moved = changed_positions(city, m, change)[:, 2] - city.positions_local[:, 2]
    z = city.positions_local[:, 2]
    assert (moved[z == 0] == 0).all()
    assert moved[z >= 6] == pytest.approx(np.full((z >= 6).sum(), 6.0))


def test_one_storey_always_stays():
    city = city_of([box(10, 10, 12), box(10, 10, 3, x=50.0)])
    change = applier_of(city).apply(Scenario("s").with_value("storeys_added", -3))
    assert change.storeys_added.tolist() == [-3.0, 0.0]
    assert change.lift_m.tolist() == [-9.0, 0.0]


def test_eaves_never_sink_into_the_ground():
    low_wing = city_of([[], box(10, 10, 24), box(10, 10, 3, x=10.0)], parents=[-1, 0, 0])
    m = measure(low_wing)
    change = applier_of(low_wing).apply(Scenario("s").with_value("storeys_added", -3))
    after = changed_positions(low_wing, m, change)
    roofs = low_wing.positions_local[:, 2] > 1
    assert after[roofs, 2].min() >= 2.0 - 1e-6
    assert change.lift_m[0] == pytest.approx(change.storeys_added[0] * 3.0, rel=0.4)


def test_later_target_replaces_the_earlier_one():
    city = houses(9)
    scenario = Scenario("s").with_value("storeys_added", 3, Selection(("b0", "b1")))
    scenario = scenario.with_value("storeys_added", 1)
    change = applier_of(city).apply(scenario)
    assert change.storeys_added.tolist() == [3, 3, 1, 1, 1, 1, 1, 1, 1]


def test_default_for_a_narrow_target_shields_it():
    scenario = Scenario("s").with_value("height_percent", 150).with_value("height_percent", 100, Selection(("b4",)))
    factor = applier_of(houses(9)).apply(scenario).factor
    assert factor[4] == 1.0 and (np.delete(factor, 4) == 1.5).all()


def test_area_takes_buildings_whose_centre_lies_inside():
    city = houses(9)  # centres at 6 + 30 i, 4 + 30 j
    inside = applier_of(city).mask(square(0, 0, 40, 5))
    assert np.flatnonzero(inside).tolist() == [0, 1]


def test_area_is_drawn_in_the_citys_crs():
    origin = (565000.0, 5934000.0, 0.0)
    city = city_of([gable_house(12, 8, 6, 9, origin=origin)], origin=origin)
    assert applier_of(city).mask(square(565000, 5934000, 565020, 5934020)).all()
    assert not applier_of(city).mask(square(0, 0, 20, 20)).any()


def test_concave_ring_leaves_its_notch_out():
    ring = [(0, 0), (10, 0), (10, 10), (5, 2), (0, 10)]
    assert points_in_ring([(1.0, 5.0), (5.0, 5.0), (5.0, 1.0), (20.0, 5.0)], ring).tolist() == [
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where("year", "<", "1950"), [0]),
        (Where("year", ">=", "1950"), [1]),
        (Where("year", "!=", "1900"), [1]),
        (Where("use", "=", "WOHNEN"), [0]),
        (Where("use", "contains", "oh"), [0]),
        (Where("use", "!=", "Wohnen"), [1]),
        (Where("text_year", ">", "1960,5"), [1]),
        (Where("use", "<", "x"), []),
        (Where("nothing", "=", "1"), []),
        (Where("year", "=", "1900"), [0]),
    ],
)
def test_filter_compares_numbers_as_numbers_and_texts_as_texts(where: Where, expected: list[int]):
    city = city_of(
        [box(5, 5, 5), box(5, 5, 5, x=20.0), box(5, 5, 5, x=40.0)],
        attributes={"year": [1900, 1980, np.nan], "use": ["Wohnen", "Büro", ""], "text_year": ["1900", "1980", "?"]},
    )
    assert np.flatnonzero(applier_of(city).mask(where)).tolist() == expected


def test_removed_buildings_are_gone_and_planned_ones_wait_to_be_built():
    city = city_of([box(5, 5, 5)] * 3, attributes={"conditionOfConstruction": ["", "planned", "planned"]})
    scenario = Scenario("s", removed=frozenset({"b0", "unknown"}), built=frozenset({"b2"}))
    assert applier_of(city).apply(Scenario("s")).exists.tolist() == [True, False, False]
    assert applier_of(city).apply(scenario).exists.tolist() == [False, False, True]


def test_only_buildings_are_lifted():
    city = city_of([box(5, 5, 5), plane(20, 20, 40, 40)], types=["Building", "LandUse"])
    change = applier_of(city).apply(Scenario("s").with_value("storeys_added", 1).with_value("height_percent", 150))
    assert change.lift_m.tolist() == [3.0, 0.0] and change.factor.tolist() == [1.5, 1.0]


def test_unchanged_arrays_are_the_same_objects():
    applier = applier_of(houses(9))
    one = applier.apply(Scenario("s").with_value("storeys_added", 1).with_value("trees_added", 25))
    two = applier.apply(Scenario("s").with_value("storeys_added", 2).with_value("trees_added", 25))
    assert one.lift_m is not two.lift_m
    assert one.factor is two.factor and one.exists is two.exists and one.trees_local is two.trees_local
    assert not two.lift_m.flags.writeable


def test_unsealing_names_its_share_and_its_ground():
    area = square(0, 0, 40, 40)
    scenario = Scenario("s").with_value("unsealing_share", 80, area).with_value("unsealing_share", 20)
    (whole, nowhere), (share, ring) = applier_of(houses(9)).apply(scenario).unsealed
    assert (whole, nowhere, share) == (0.2, None, 0.8)
    assert ring is not None and ring.tolist() == [list(c) for c in area.ring_crs]


def test_changed_parts_of_a_building_move_together():
    city = city_of([[], box(10, 10, 12), box(6, 5, 12, x=10.0)], parents=[-1, 0, 0])
    m = measure(city)
    change = applier_of(city).apply(Scenario("s").with_value("storeys_added", 1, WholeCity()))
    assert changed_positions(city, m, change)[:, 2].max() == 15.0


def test_only_the_lever_that_moves_gives_new_arrays():
    applier = applier_of(houses(9))
    first = applier.apply(Scenario("s").with_value("storeys_added", 1).with_value("green_roof_share", 50))
    second = applier.apply(Scenario("s").with_value("storeys_added", 2).with_value("green_roof_share", 50))
    assert second.lift_m is not first.lift_m and second.storeys_added is not first.storeys_added
    assert second.green_roof_share is first.green_roof_share
    assert second.factor is first.factor and second.exists is first.exists


def some_scenarios(city: CityModel) -> list[Scenario]:
    """Every kind of target, levers over each other, buildings taken away."""
    ids = city.objects.ids.tolist()
    base = Scenario("s")
    some, other = Selection(tuple(sorted(ids[:3]))), Selection((ids[1],))
    return [
        base,
        base.with_value("storeys_added", 2),
        base.with_value("storeys_added", -3),
        base.with_value("storeys_added", 2).with_value("storeys_added", 0, some),
        base.with_value("storeys_added", 2, some),
        base.with_value("storeys_added", 2, some).with_value("storeys_added", -1, other),
        base.with_value("storeys_added", -1, other).with_value("storeys_added", 2, some),
        base.with_value("height_percent", 150, other).with_value("storeys_added", 2, some),
        base.with_value("green_roof_share", 30, square(-1, -1, 40, 40)),
        replace(base, removed=frozenset(ids[4:6])),
        replace(base.with_value("storeys_added", 1, other), removed=frozenset(ids[5:7])),
    ]


def test_what_differs_is_known_from_the_settings_alone():
    city = houses(9)
    applier = applier_of(city)
    scenarios = some_scenarios(city)
    told = 0
    for one, other in itertools.product(scenarios, repeat=2):
        a, b = applier.apply(one), applier.apply(other)
        differs = np.zeros(len(a.lift_m), bool)
        for name in ("lift_m", "factor", "exists", "green_roof_share", "storeys_added"):
            differs |= getattr(a, name) != getattr(b, name)
        found = differing(a, b)
        if found is not None:
            told += 1
            assert set(np.flatnonzero(differs)) <= set(found.tolist())
    assert told > len(scenarios) ** 2 // 2
    single = differing(applier.apply(scenarios[1]), applier.apply(scenarios[3]))
    assert single is not None and len(single) == 3


def test_the_order_of_edits_makes_no_difference_to_what_is_applied():
    city = houses(9)
    used, scenarios = applier_of(city), some_scenarios(city)
    for scenario in scenarios + scenarios[::-1]:
        fresh, again = applier_of(city).apply(scenario), used.apply(scenario)
        for name in ("lift_m", "factor", "exists", "green_roof_share", "storeys_added"):
            assert np.array_equal(getattr(fresh, name), getattr(again, name)), (name, scenario)


def test_places_for_trees_are_found_a_little_later_by_themselves(monkeypatch):
    found = threading.Event()
    applier = applier_of(city_of([box(10, 8, 6), box(10, 8, 6, x=40.0)]))
    monkeypatch.setattr("viewer.scenario.apply.tree_places", lambda *given: found.set() or np.zeros((0, 3)))
    applier.find_places_soon(0.01)
    assert found.wait(10)
