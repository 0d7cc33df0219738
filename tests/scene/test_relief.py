"""A terrain in the picture: few triangles without gaps, lit as it lies, where it lies, gone when switched off."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import box, city_of
from viewer.city import TerrainLayer
from viewer.city.ground import make_ground
from viewer.city.measures import measure
from viewer.scene.camera import Pose
from viewer.scene.relief_mesh import relief_mesh, resampled


def hills(rows, columns):
    y, x = np.mgrid[0:rows, 0:columns]
    return (8 * np.sin(x / 13.0) + 5 * np.cos(y / 9.0)).astype(np.float32)


def heights_in(mesh, heights):
    """Heights of the mesh at the middles of its triangles, and those of the grid there."""
    middle = mesh.place[mesh.triangles].mean(axis=1)
    rows, columns = heights.shape
    u, v = middle[:, 0] * (columns - 1), middle[:, 1] * (rows - 1)
    i, j = np.minimum(u.astype(int), columns - 2), np.minimum(v.astype(int), rows - 2)
    s, t = u - i, v - j
    low = heights[j, i] * (1 - s) + heights[j, i + 1] * s
    high = heights[j + 1, i] * (1 - s) + heights[j + 1, i + 1] * s
    return mesh.z[mesh.triangles].mean(axis=1), low * (1 - t) + high * t


@pytest.mark.parametrize("shape", [(2, 2), (3, 9), (65, 129), (100, 333), (700, 300)])
def test_triangles_cover_the_grid_once_without_gaps(shape):
    mesh = relief_mesh(hills(*shape), most=3000)
    corner = mesh.place[mesh.triangles]
    a, b = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    area = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
    assert (area > 0).all() and area.sum() == pytest.approx(1.0)
    edges = np.sort(mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, times = np.unique(edges, axis=0, return_counts=True)
    assert times.max() <= 2 and (times == 1).sum() == len(mesh.border)


def test_level_ground_needs_few_triangles_and_hills_stay_near_theirs():
    assert len(relief_mesh(np.zeros((1000, 1000), np.float32)).triangles) < 100
    heights = hills(513, 513)
    mesh = relief_mesh(heights)
    shown, there = heights_in(mesh, heights)
    assert np.abs(shown - there).max() < 0.5
    assert len(mesh.triangles) < 2 * 512**2 / 3


def test_a_budget_of_triangles_is_kept():
    noise = np.random.default_rng(3).normal(0, 2, (900, 1100)).astype(np.float32)
    assert len(relief_mesh(noise, most=20_000).triangles) < 30_000


def test_a_grid_of_ten_thousand_is_thinned_to_means():
    heights = np.tile(np.arange(9000, dtype=np.float32), (3, 1))
    small = resampled(heights, (3, 2049))
    assert small.shape == (3, 2049)
    assert small[1, 5:-5] == pytest.approx(np.linspace(0, 8999, 2049)[5:-5], abs=2.5)


ABOVE = Pose((200.0, 150.0, 0.0), 520.0, 0.0, 90.0)


def state_on(terrain):
    city = city_of([box(20, 20, 10, x=190, y=140)])
    from viewer.scenario.apply import no_change
    from viewer.scene.state import SceneState

    measures = measure(city)
    ground = make_ground(city, None, measures, terrain)
    return SceneState(city, measures=measures, ground=ground, change=no_change(measures))


def test_a_slope_away_from_the_light_is_darker(camera):
    """The light comes from the south-east: of a roof-shaped hill the north-western side is in its shade."""
    y, x = np.mgrid[0:301, 0:401]
    ridge = (-np.abs((x - 200) - (y - 150)) * 0.2).astype(np.float32)
    picture = camera.picture(state_on(TerrainLayer("hill", ridge, (0.0, 0.0), 1.0)), ABOVE)
    rows, columns = picture.shape[:2]
    north_west = picture[int(rows * 0.25) : int(rows * 0.4), int(columns * 0.3) : int(columns * 0.4)].mean()
    south_east = picture[int(rows * 0.6) : int(rows * 0.75), int(columns * 0.6) : int(columns * 0.7)].mean()
    assert south_east > north_west + 8


def test_a_hill_hides_what_lies_behind_it(camera):
    wall = np.zeros((301, 401), np.float32)
    wall[90:110] = 60.0
    from_south = Pose((200.0, 150.0, 5.0), 300.0, 0.0, 2.0)
    state, flat = (state_on(TerrainLayer("wall", h, (0.0, 0.0), 1.0)) for h in (wall, np.zeros_like(wall)))
    free = camera.picture(flat, from_south)
    hidden = camera.picture(state, from_south)
    middle = np.s_[110:125, 150:170]
    assert np.abs(free[middle] - hidden[middle]).mean() > 8


def test_switched_off_the_picture_is_that_without_a_terrain(camera):
    without = camera.picture(state_on(None), ABOVE)
    camera.picture(state_on(TerrainLayer("hill", hills(301, 401), (0.0, 0.0), 1.0)), ABOVE)
    again = camera.picture(state_on(None), ABOVE)
    assert np.abs(without - again).max() <= 2
