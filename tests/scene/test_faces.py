"""Faces of a tile sorted, with normals and outlines, compared with small cities worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import box, city_of, gable_house, hip_house, houses, plane
from viewer.city.arrange import arrange
from viewer.city.kinds import SurfaceType
from viewer.scene.faces import Faces, edges


def all_of(faces):
    return np.ones(len(faces), bool)


def segment_set(faces, index, pairs):
    p = np.round(faces.positions[index], 2)
    return {frozenset((tuple(p[a].tolist()), tuple(p[b].tolist()))) for a, b in pairs}


def test_normals_of_a_box_look_out_of_it():
    normals = Faces.of(city_of([box(10, 6, 4)])).normals
    assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(6))
    expected = [(0, 0, -1), (0, -1, 0), (1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, 0, 1)]
    assert normals == pytest.approx(np.array(expected, float), abs=1e-6)


def test_a_face_without_area_has_no_normal():
    line = (SurfaceType.ROOF, [[(0, 0, 0), (5, 0, 0), (10, 0, 0)]])
    assert Faces.of(city_of([[*box(10, 6, 4), line]])).normals[-1] == pytest.approx(np.zeros(3))


def test_a_box_has_twelve_edges_and_eight_ends():
    faces = Faces.of(city_of([box(10, 6, 4)]))
    index, pairs = edges(faces, all_of(faces))
    assert len(pairs) == 12 == len(segment_set(faces, index, pairs))
    assert len(index) == 8, "every place once"
    corners = faces.positions[index]
    lengths = np.sort(np.linalg.norm(corners[pairs[:, 0]] - corners[pairs[:, 1]], axis=1))
    assert lengths == pytest.approx([4] * 4 + [6] * 4 + [10] * 4)


def test_a_gable_house_has_its_ridge_and_fifteen_edges():
    faces = Faces.of(city_of([gable_house(12, 8, 6, 9)]))
    index, pairs = edges(faces, all_of(faces))
    found = segment_set(faces, index, pairs)
    assert len(pairs) == len(found) == 15
    assert frozenset(((0.0, 4.0, 9.0), (12.0, 4.0, 9.0))) in found


def test_ends_that_two_houses_share_belong_to_each_of_them():
    faces = Faces.of(city_of([box(10, 6, 4), box(10, 6, 4, x=10.0)]))
    index, pairs = edges(faces, all_of(faces))
    assert len(index) == 16, "the common wall is lifted with either house"
    feature = faces.feature[faces.vertex_face[index]]
    assert (feature[pairs[:, 0]] == feature[pairs[:, 1]]).all()


def test_a_roof_cut_into_two_in_one_plane_shows_no_cut():
    cut = [f for f in box(10, 6, 4) if f[0] != SurfaceType.ROOF]
    cut += [
        (SurfaceType.ROOF, [[(0, 0, 4), (5, 0, 4), (5, 6, 4), (0, 6, 4)]]),
        (SurfaceType.ROOF, [[(5, 0, 4), (10, 0, 4), (10, 6, 4), (5, 6, 4)]]),
    ]
    faces = Faces.of(city_of([cut]))
    index, pairs = edges(faces, all_of(faces))
    assert frozenset(((5.0, 0.0, 4.0), (5.0, 6.0, 4.0))) not in segment_set(faces, index, pairs)


def test_edges_of_some_faces_are_those_faces_outlines():
    faces = Faces.of(city_of([box(10, 6, 4), box(5, 5, 5, x=50)]))
    roof = (faces.surface == SurfaceType.ROOF) & (faces.feature == 1)
    index, pairs = edges(faces, roof)
    assert len(pairs) == 4
    assert (faces.positions[index][:, 2] == 5).all()
    none_index, none_pairs = edges(faces, np.zeros_like(roof))
    assert len(none_index) == 0 and none_pairs.shape == (0, 2)


def test_green_ranks_lie_on_flat_roofs_only_and_spread_evenly():
    faces = Faces.of(city_of([box(8, 8, 5, x=20 * k) for k in range(200)] + [hip_house(12, 8, 6, 9, ridge=4)]))
    flat_roof = (faces.surface == SurfaceType.ROOF) & (faces.feature < 200)
    assert (faces.green_rank[~flat_roof] == 2.0).all()
    rank = np.sort(faces.green_rank[flat_roof])
    assert np.abs(rank - (np.arange(200) + 0.5) / 200).max() < 0.02


def test_hidden_roofs_get_no_green_rank():
    city = city_of([box(8, 8, 5)])
    assert (Faces.of(city, np.zeros(6, bool)).green_rank == 2.0).all()


def test_faces_are_sorted_into_what_stands_and_what_lies_without_undersides():
    faces = Faces.of(city_of([box(5, 5, 5), plane(0, 0, 90, 90)], types=["Building", "LandUse"]))
    assert (faces.standing == (faces.feature == 0)).all()
    assert (faces.flat == (faces.feature == 1)).all()
    assert faces.body.sum() == 5 and not faces.body[faces.surface == SurfaceType.GROUND].any()


def test_an_object_that_is_nothing_but_an_underside_keeps_it():
    faces = Faces.of(city_of([box(10, 10, 10), plane(20, 0, 30, 10, surface=SurfaceType.GROUND)]))
    assert faces.body.tolist() == [False, *[True] * 6]


def test_faces_of_tiles_are_those_of_the_city():
    city = arrange(city_of([box(8, 8, 5, x=900.0 * (k % 4), y=900.0 * (k // 4)) for k in range(16)]))
    assert len(city.tiles) > 3
    whole = Faces.of(city)
    parts = [Faces.of(city, None, k, k + 1) for k in range(len(city.tiles))]
    for name in ("surface", "feature", "normals", "green_rank", "body", "positions"):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))
    shown = np.concatenate([p.positions[p.triangles] for p in parts])
    np.testing.assert_array_equal(shown, whole.positions[whole.triangles])


def test_faces_of_a_city_without_anything_are_none():
    faces = Faces.of(city_of([]))
    assert len(faces) == len(faces.body) == len(faces.normals) == len(edges(faces, faces.outlined)[0]) == 0


def test_triangles_of_a_tile_stay_inside_it():
    faces = Faces.of(houses(9))
    assert faces.triangles.max() < len(faces.positions) and faces.triangle_face.max() < len(faces)
