"""Polygons as cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import box, city_of
from viewer.city import SurfaceType
from viewer.city.geometry import points_in_ring
from viewer.city.raster import Grid, covered, covered_by_faces

#: Places of a city: nobody measures less than a micrometre.
corner = st.tuples(*[st.floats(-5, 25).map(lambda value: round(value, 6))] * 2)


SMALL = Grid((0.0, 0.0), 1.0, (20, 20))


def cells_of(*polygons, grid=SMALL):
    rings = [np.array(ring, float) for rings in polygons for ring in rings]
    outer = np.array([i == 0 for rings in polygons for i in range(len(rings))])
    start = np.cumsum([0, *map(len, rings)])
    return covered(grid, np.concatenate(rings), start, outer)


def off_edges(points, ring, reach=1e-6):
    """(n,) bool: points that do not lie on an edge of a ring, where rounding decides."""
    free = np.ones(len(points), bool)
    for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
        a, along = np.array(a), np.subtract(b, a)
        share = np.clip((points - a) @ along / max(along @ along, 1e-18), 0.0, 1.0)
        free &= np.linalg.norm(points - a - share[:, None] * along, axis=1) > reach
    return free


@given(st.lists(corner, min_size=3, max_size=3), st.booleans())
@example([(0.0, 0.0), (0.0, -2.0), (16.570312, 14.570312)], True)  # an edge through a row of middles
def test_a_triangle_covers_the_cells_whose_middle_it_holds(triangle, reverse):
    grid = Grid((0.0, 0.0), 1.0, (20, 20))
    cells = cells_of([triangle[::-1] if reverse else triangle], grid=grid)
    expected = points_in_ring(grid.centres, triangle)
    assert not ((cells.ravel() != expected) & off_edges(grid.centres, triangle)).any()


def test_holes_stay_open_and_overlaps_count_once():
    outline, hole = [(0, 0), (10, 0), (10, 10), (0, 10)], [(2, 2), (6, 2), (6, 6), (2, 6)]
    assert cells_of([outline, hole]).sum() == 84
    assert cells_of([outline, hole[::-1]]).sum() == 84
    assert cells_of([outline], [[(5, 5), (15, 5), (15, 15), (5, 15)]]).sum() == 175


def test_faces_of_a_city_cover_their_ground():
    city = city_of([box(10, 8, 5), box(4, 4, 5, x=20.0)])
    grid = Grid((-5.0, -5.0), 0.5, (60, 80))
    assert covered_by_faces(grid, city, city.face_surface == SurfaceType.GROUND).sum() * 0.25 == pytest.approx(96.0)
    assert not covered_by_faces(grid, city, city.face_surface == SurfaceType.WALL).any()


def test_points_know_their_cell():
    grid = Grid((0.0, 0.0), 2.0, (3, 4))
    assert grid.cells(np.array([(1.0, 1.0), (7.9, 5.9), (8.1, 1.0), (-0.1, 0.0)])).tolist() == [0, 11, -1, -1]
    assert grid.cells(grid.centres).tolist() == list(range(12))


@pytest.mark.parametrize("at_once", [1, 7, 13])
def test_it_does_not_matter_how_many_faces_are_worked_on_at_once(monkeypatch, at_once):
    court = [[(0, 0, 3), (9, 0, 3), (9, 9, 3), (0, 9, 3)], [(2, 2, 3), (2, 5, 3), (5, 5, 3), (5, 2, 3)]]
    city = city_of([box(10, 8, 5), box(6, 6, 5, x=14.0, y=7.0), [(SurfaceType.ROOF, court)]])
    chosen = np.ones(len(city.face_surface), bool)
    chosen[:6] = False
    whole = covered_by_faces(SMALL, city, chosen)
    assert whole.sum() == 36 + 81 - 9  # the court stays open
    monkeypatch.setattr("viewer.city.raster.FACES_AT_ONCE", at_once)
    np.testing.assert_array_equal(covered_by_faces(SMALL, city, chosen), whole)
