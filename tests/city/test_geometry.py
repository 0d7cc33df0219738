"""Areas, volumes and samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import box, city_of, gable_house, mesh_of
from viewer.city import SurfaceType
from viewer.city.geometry import (
    closed_objects,
    face_geometry,
    mesh_volume,
    points_in_ring,
    polygon_area,
    sample_triangles,
)

L_SHAPE = [(0, 0), (30, 0), (30, 12), (12, 12), (12, 30), (0, 30)]
HOLE = [(4, 4), (8, 4), (8, 8), (4, 8)]


def closed(*objects):
    city = city_of(objects)
    return closed_objects(city, face_geometry(city), np.ones(len(city.face_surface), bool))


def test_m6_polygon_with_a_hole_has_560_square_metres_far_from_the_origin():
    far = np.array([565000.0, 5934000.0])
    assert polygon_area([np.array(L_SHAPE) + far, np.array(HOLE) + far]) == pytest.approx(560.0)
    assert polygon_area([L_SHAPE[::-1], HOLE]) == pytest.approx(560.0)


@given(st.floats(1, 60), st.floats(1, 60), st.floats(1, 100), st.floats(-2000, 2000), st.floats(-2000, 2000))
def test_any_box_is_closed_and_has_its_volume(length, width, height, x, y):
    is_closed, volume = closed(box(length, width, height, x=x, y=y))
    assert is_closed[0]
    assert volume[0] == pytest.approx(length * width * height, rel=2e-3)


@given(st.integers(0, 6))
def test_a_house_without_any_one_face_is_open(missing):
    is_closed, _ = closed([face for i, face in enumerate(gable_house(12, 8, 6, 9)) if i != missing])
    assert not is_closed[0]


@given(st.integers(0, 6))
def test_a_house_with_any_one_face_reversed_is_open(turned):
    faces = [(s, [r[::-1] for r in rings] if i == turned else rings)
             for i, (s, rings) in enumerate(gable_house(12, 8, 6, 9))]  # fmt: skip
    assert not closed(faces)[0][0]


def test_two_boxes_that_share_a_wall_are_each_closed():
    is_closed, volume = closed(box(10, 10, 10), box(10, 10, 5, x=10.0))
    assert is_closed.all() and volume == pytest.approx([1000.0, 500.0])


def test_corners_a_tenth_of_a_millimetre_apart_still_meet():
    faces = box(10, 10, 10)
    faces[5] = (SurfaceType.ROOF, [[(px, py, pz + 0.0001) for px, py, pz in faces[5][1][0]]])
    assert closed(faces)[0][0]


def test_centroid_of_an_outline_is_its_middle_of_area():
    city = city_of([[(SurfaceType.GROUND, [[(*p, 0.0) for p in L_SHAPE]])]])
    assert face_geometry(city).centroid[0] == pytest.approx([11.625, 11.625])  # (360 * 15 + 216 * 6) / 576


def test_volume_of_a_mesh_is_negative_when_it_looks_inwards():
    points, triangles = mesh_of(box(10, 10, 10))
    assert mesh_volume(points, triangles[:, ::-1]) == pytest.approx(-1000.0)


@given(st.floats(0.2, 5.0))
def test_samples_lie_in_their_triangle_and_are_as_dense_as_asked(spacing):
    corners = np.array([[(0, 0, 0), (20, 0, 2), (0, 20, 4)]], float)
    points, which = sample_triangles(corners, spacing)
    assert (which == 0).all()
    assert len(points) == pytest.approx(200 / spacing**2, abs=1)
    x, y, z = points.T
    assert (x >= -1e-9).all() and (y >= -1e-9).all() and (x + y <= 20 + 1e-9).all()
    assert z == pytest.approx(x * 0.1 + y * 0.2)


def test_a_ring_of_two_corners_holds_nothing():
    assert not points_in_ring([(0.5, 0.5)], [(0, 0), (1, 1)]).any()
