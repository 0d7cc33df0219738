"""Where new trees are planted."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import box, city_of, houses, plane
from viewer.city import CityModel
from viewer.city.ground import make_ground
from viewer.city.measures import measure
from viewer.scenario import Area, Scenario
from viewer.scenario.apply import Applier


def applier_of(city: CityModel) -> Applier:
    m = measure(city)
    return Applier(city, m, make_ground(city, None, m))


def village() -> CityModel:
    blocks = [box(12, 10, 8, x=40.0 * i, y=40.0 * j) for i in range(6) for j in range(6)]
    return city_of(
        [*blocks, plane(-20, 22, 260, 30), plane(60, 60, 90, 72)],
        types=["Building"] * len(blocks) + ["Road", "WaterBody"],
    )


def test_trees_keep_off_buildings_roads_and_water():
    places = applier_of(village()).tree_places[:, :2]
    assert len(places) > 200
    x, y = places.T
    off_x, off_y = np.mod(x, 40.0), np.mod(y, 40.0)
    in_quarter = (x > -2) & (x < 215) & (y > -2) & (y < 213)
    near_wall = in_quarter & (off_x < 14) & (off_y < 12)
    assert not near_wall.any()
    assert not ((y > 22.5) & (y < 29.5) & (x > -20) & (x < 260)).any()
    assert not ((x > 60.5) & (x < 89.5) & (y > 60.5) & (y < 71.5)).any()


def test_trees_stay_near_the_quarter_and_apart_from_each_other():
    places = applier_of(village()).tree_places[:, :2]
    assert places.min() > -60 and places.max() < 280
    gaps = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(len(places)) * 1e9
    assert gaps.min() >= 3.9


def test_the_same_city_gives_the_same_places():
    assert np.array_equal(applier_of(village()).tree_places, applier_of(village()).tree_places)


def test_more_trees_keep_the_ones_there_are():
    applier = applier_of(village())
    few = applier.apply(Scenario("s").with_value("trees_added", 50)).trees_local
    many = applier.apply(Scenario("s").with_value("trees_added", 100)).trees_local
    assert len(few) == 50 and len(many) == 100
    assert {tuple(t) for t in few.tolist()} <= {tuple(t) for t in many.tolist()}


def test_first_trees_are_spread_over_the_quarter():
    trees = applier_of(village()).apply(Scenario("s").with_value("trees_added", 100)).trees_local
    quadrant = (trees[:, 0] > 106).astype(int) * 2 + (trees[:, 1] > 105)
    assert np.bincount(quadrant, minlength=4).min() >= 10


def test_no_more_trees_than_there_is_room_for():
    applier = applier_of(houses(1))
    room = applier.places_for(Scenario("s").targets()[0])
    trees = applier.apply(Scenario("s").with_value("trees_added", 3000)).trees_local
    assert 0 < room < 3000 and len(trees) == room == len(applier.tree_places)


def test_trees_of_an_area_stand_inside_it_and_replace_the_citys():
    applier = applier_of(village())
    area = Area("yard", ((0, 0), (100, 0), (100, 100), (0, 100)))
    scenario = Scenario("s").with_value("trees_added", 300).with_value("trees_added", 25, area)
    trees = applier.apply(scenario).trees_local
    inside = (trees[:, 0] > 0) & (trees[:, 0] < 100) & (trees[:, 1] > 0) & (trees[:, 1] < 100)
    assert inside.sum() == 25
    assert applier.places_for(area) >= 25


def test_trees_stand_on_the_ground():
    applier = applier_of(city_of([box(10, 10, 5, z=30.0), box(10, 10, 5, x=60.0, z=30.0)]))
    assert applier.tree_places[:, 2] == pytest.approx(np.full(len(applier.tree_places), 30.0), abs=0.01)


def test_city_without_buildings_gets_no_trees():
    assert len(applier_of(city_of([plane(0, 0, 50, 50)], types=["LandUse"])).tree_places) == 0
