"""A ray meets the nearest triangle, from either side, and slips through between no two."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.scene.rays import nearest_triangle

DOWN = np.array([0.0, 0.0, -1.0])
FLAT = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], float)


def test_the_nearest_is_met_and_its_distance_is_told():
    stack = np.stack([FLAT, FLAT + (0, 0, 3), FLAT + (5, 0, 9)])
    assert nearest_triangle(stack, np.array([0.2, 0.2, 10.0]), DOWN) == (1, pytest.approx(7.0))


def test_both_sides_are_met_and_nothing_behind_or_at_the_origin():
    up = -DOWN
    assert nearest_triangle(FLAT[None], np.array([0.2, 0.2, -4.0]), up) == (0, pytest.approx(4.0))
    assert nearest_triangle(FLAT[None], np.array([0.2, 0.2, -4.0]), DOWN)[0] == -1
    assert nearest_triangle(FLAT[None], np.array([0.2, 0.2, 0.0]), DOWN) == (-1, float("inf"))


def test_flat_broken_and_no_triangles_are_never_met():
    line = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], float)
    broken = np.full((3, 3), np.nan)
    origin = np.array([0.5, 0.0, 5.0])
    assert nearest_triangle(np.stack([line, broken]), origin, DOWN)[0] == -1
    assert nearest_triangle(np.empty((0, 3, 3)), origin, DOWN) == (-1, float("inf"))


def test_no_ray_slips_through_between_two_neighbours():
    rng = np.random.default_rng(3)
    a, b, c, d = (np.array(p, float) for p in ((0, 0, 0), (7, 1, 0.3), (6.3, 8.1, 0.1), (-1, 6.7, 0.9)))
    pair = np.stack([[a, b, c], [a, c, d]])
    for share in rng.uniform(0.01, 0.99, 500):
        aim = a + share * (c - a)  # on the edge both have
        origin = aim + rng.normal(size=3) * (5, 5, 1) + (0, 0, 30)
        way = aim - origin
        assert nearest_triangle(pair, origin, way / np.linalg.norm(way))[0] >= 0
