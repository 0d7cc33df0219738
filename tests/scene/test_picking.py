"""Rays meet the city as the scenario has it, not as the file had it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of, gable_house, houses
from viewer.city import CityModel
from viewer.city.arrange import arrange
from viewer.city.kinds import SurfaceType
from viewer.scene.city_mesh import CityArrays
from viewer.scene.picking import CityPicker

DOWN = np.array([1e-9, 1e-9, -1.0])


@pytest.fixture
def pair(state_of):
    return state_of(city_of([box(10, 10, 10), box(10, 10, 20, x=30)]))


def picker(state):
    return CityPicker(CityArrays.of(state.city, state.lod_faces, state.measures))


def test_a_ray_from_above_meets_the_roof(pair):
    found = picker(pair).cast(np.array([5.0, 4.0, 100.0]), DOWN, None)
    assert (found.feature, found.surface) == (0, SurfaceType.ROOF)
    assert found.position_local == pytest.approx((5.0, 4.0, 10.0), abs=1e-4)
    assert found.distance_m == pytest.approx(90.0, abs=1e-4)


@pytest.mark.parametrize(("lift", "factor", "roof"), [(6.0, 1.0, 16.0), (0.0, 1.5, 15.0), (-3.0, 1.0, 7.0)])
def test_a_ray_meets_the_moved_roof(pair, changed, lift, factor, roof):
    change = changed(pair, lift_m=lift, factor=factor).change
    assert picker(pair).cast(np.array([5.0, 4.0, 100.0]), DOWN, change).position_local[2] == pytest.approx(
        roof, abs=1e-4
    )


def test_a_level_ray_meets_the_raised_part_only(pair, changed):
    origin, east = np.array([-50.0, 5.0, 13.0]), np.array([1.0, 0.0, 0.0])
    assert picker(pair).cast(origin, east, pair.change).feature == 1
    assert picker(pair).cast(origin, east, changed(pair, lift_m=[6.0, 0.0]).change).feature == 0


def test_removed_buildings_are_passed_over(pair, changed):
    origin, east = np.array([-50.0, 5.0, 5.0]), np.array([1.0, 0.0, 0.0])
    assert picker(pair).cast(origin, east, pair.change).feature == 0
    assert picker(pair).cast(origin, east, changed(pair, exists=[False, True]).change).feature == 1
    assert picker(pair).cast(origin, east, changed(pair, exists=False).change) is None


def test_a_ray_into_the_sky_meets_nothing(pair):
    assert picker(pair).cast(np.array([5.0, 5.0, 50.0]), np.array([0.0, 0.6, 0.8]), pair.change) is None


def test_the_nearest_of_many_is_found_as_by_trying_all(state_of):
    state = state_of(houses(49))
    casts = picker(state)
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(60):
        origin = np.array([rng.uniform(-50, 250), rng.uniform(-50, 250), rng.uniform(10, 60)])
        aim = np.array([rng.uniform(0, 190), rng.uniform(0, 190), rng.uniform(0, 9)])
        direction = (aim - origin) / np.linalg.norm(aim - origin)
        single = [casts._triangles(0, np.array([k]), origin, direction, None) for k in range(49)]
        expected = min((s for s in single if s is not None), key=lambda s: s.distance_m, default=None)
        found = casts.cast(origin, direction, None)
        assert (found is None) == (expected is None)
        if expected is not None:
            hits += 1
            assert (found.feature, found.distance_m) == (expected.feature, pytest.approx(expected.distance_m))
    assert hits > 20


def test_faces_that_are_not_shown_are_not_picked(state_of):
    city = city_of([box(10, 10, 10), box(10, 10, 10, z=20)])
    state = state_of(city, lod_faces=city.face_feature == 0)
    assert picker(state).cast(np.array([5.0, 5.0, 90.0]), DOWN, None).feature == 0


def test_a_building_of_unknown_height_is_picked_where_the_data_has_it(pair, changed):
    unknown = np.array([np.nan, 0.0])
    state = replace(pair, measures=replace(pair.measures, ground_m=unknown, eaves_m=unknown))
    change = changed(state, lift_m=8.0).change
    assert picker(state).cast(np.array([5.0, 4.0, 100.0]), DOWN, change).position_local[2] == pytest.approx(10.0)


def test_boxes_grow_with_the_scenario(pair, changed):
    low, high = picker(pair).box(np.array([0, 1]), changed(pair, lift_m=[0.0, 5.0]).change)
    assert low == pytest.approx([0, 0, 0])
    assert high == pytest.approx([40, 10, 25])


def test_an_empty_city_has_nothing_to_pick(state_of):
    state = state_of(city_of([]))
    assert picker(state).cast(np.array([0.0, 0.0, 10.0]), DOWN, None) is None


def test_a_sloped_roof_is_met_on_its_slope(state_of):
    state = state_of(city_of([gable_house(12, 8, 6, 9)]))
    found = picker(state).cast(np.array([6.0, 2.0, 50.0]), DOWN, None)
    assert found.position_local[2] == pytest.approx(7.5, abs=1e-4)


def arranged_town(rng) -> CityModel:
    """Towers and huts in many tiles, with one far out on its own and one object without a shape."""
    places = np.vstack([rng.uniform(0, 4000, (150, 2)), [(-900.0, 2000.0)]])
    blocks = [box(9, 9, float(rng.uniform(3, 40)), x=float(x), y=float(y)) for x, y in places]
    return arrange(city_of([*blocks, []]))


@pytest.mark.parametrize("seed", range(5))
def test_the_rim_is_that_of_all_objects(state_of, seed):
    city = arranged_town(np.random.default_rng(seed))
    assert len(city.tiles) > 4
    made = picker(state_of(city))
    rim, far = made.rim(), made.arrays.far
    there = np.isfinite(far.low[:, 0])
    corners = np.concatenate([
        np.column_stack([x[there, 0], y[there, 1]]) for x in (far.low, far.high) for y in (far.low, far.high)
    ])  # fmt: skip
    for angle in np.arange(48) * np.pi / 24:
        way = np.array([np.cos(angle), np.sin(angle)])
        assert (rim[:, :2] @ way).max() == pytest.approx((corners @ way).max(), abs=1e-3)
    assert (rim[:, 2].min(), rim[:, 2].max()) == (far.low[there, 2].min(), far.high[there, 2].max())


def test_a_city_that_shows_nothing_has_no_rim(state_of, pair):
    assert picker(replace(pair, lod_faces=np.zeros(len(pair.city.face_surface), bool))).rim() is None
