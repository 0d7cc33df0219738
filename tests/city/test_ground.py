"""The ground: from terrain, else from what stands and lies on it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import box, city_of, plane
from viewer.city import SurfaceType
from viewer.city.ground import make_ground
from viewer.city.measures import measure


def slope(x: float, y: float) -> float:
    return 20.0 + 0.03 * x + 0.01 * y


def on_slope(n: int = 12, junk: int = 0):
    places = [(40.0 * (i % n), 40.0 * (i // n)) for i in range(n * n)]
    blocks = [box(10, 10, 8, x=x, y=y, z=slope(x + 5, y + 5)) for x, y in places]
    for i in range(junk):
        blocks[i * 7] = box(10, 10, 8, x=places[i * 7][0], y=places[i * 7][1], z=-300.0)
    return blocks


def ground_of(objects, types=None):
    city = city_of(objects, types=types)
    return make_ground(city, None, measure(city))


def test_houses_stand_on_the_ground_made_from_their_feet():
    city = city_of(on_slope())
    m = measure(city)
    ground = make_ground(city, None, m)
    assert not ground.exact
    assert np.abs(ground.height_at(m.centre_local) - m.ground_m).max() < 0.15


def test_ground_reaches_beyond_the_city():
    ground = ground_of(on_slope())
    ny, nx = ground.heights.shape
    low = np.array(ground.origin_local)
    high = low + ground.cell_m * (np.array([nx, ny]) - 1)
    assert (low <= -0.2 * 450).all() and (high >= 450 * 1.2).all()
    assert np.isfinite(ground.heights).all()


def test_terrain_decides_over_feet():
    corners = [(-50, -50), (250, -50), (250, 250), (-50, 250)]
    terrain = [(SurfaceType.UNKNOWN, [[(x, y, slope(x, y)) for x, y in corners]])]
    block = box(10, 10, 8, x=100, y=100, z=slope(105, 105) + 3.0)
    ground = ground_of([terrain, block], types=["TINRelief", "Building"])
    assert ground.exact
    assert ground.height_at([105.0, 105.0]) == pytest.approx(slope(105, 105), abs=0.3)
    assert ground.height_at([0.0, 200.0]) == pytest.approx(slope(0, 200), abs=0.3)


def test_land_use_shapes_the_ground_between_houses():
    meadow = plane(200, 0, 400, 200, z=7.0)
    ground = ground_of([box(10, 10, 5, z=7.0), meadow], types=["Building", "LandUse"])
    assert not ground.exact
    assert ground.height_at([300.0, 100.0]) == pytest.approx(7.0, abs=0.01)


def test_junk_heights_do_not_dent_the_ground():
    ground = ground_of(on_slope(junk=5))
    assert ground.heights.min() > 0.0


def test_a_wall_that_is_called_ground_does_not_lift_it():
    houses = [box(10, 10, 12, x=40.0 * i, z=3.0) for i in range(6)]
    houses[2] = [(SurfaceType.GROUND if kind == SurfaceType.WALL else kind, rings) for kind, rings in houses[2]]
    assert ground_of(houses).heights == pytest.approx(3.0, abs=0.01)


def test_bridge_road_does_not_lift_the_ground():
    places = on_slope()
    road = plane(100, 100, 300, 110, z=60.0)
    ground = ground_of([*places, road], types=["Building"] * len(places) + ["Road"])
    assert ground.height_at([200.0, 105.0]) == pytest.approx(slope(200, 105), abs=1.0)


def test_city_without_anything_has_level_ground():
    ground = ground_of([])
    assert ground.heights.shape == (2, 2) and not ground.exact


def test_grid_stays_small_for_large_cities():
    ground = ground_of([box(10, 10, 5), box(10, 10, 5, x=30000.0, y=10000.0)])
    assert max(ground.heights.shape) <= 512
    assert ground.height_at([15000.0, 5000.0]) == pytest.approx(0.0, abs=0.01)


def test_beyond_a_terrain_of_triangles_houses_and_meadows_shape_the_ground():
    terrain = plane(0, 0, 100, 100, z=10.0)
    meadow = plane(300, 0, 400, 100, z=14.0)
    house = box(10, 10, 8, x=200, y=40, z=12.0)
    ground = ground_of([terrain, meadow, house], types=["TINRelief", "LandUse", "Building"])
    assert ground.height_at([50.0, 50.0]) == pytest.approx(10.0, abs=0.05)
    assert ground.height_at([350.0, 50.0]) == pytest.approx(14.0, abs=0.05)
    assert ground.height_at([205.0, 45.0]) == pytest.approx(12.0, abs=0.2)
    assert 10.0 < ground.height_at([150.0, 45.0]) < 12.0
