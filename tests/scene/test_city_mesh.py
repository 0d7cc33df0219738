"""City arrays for the graphics card, compared with small cities worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import box, city_of, gable_house, hip_house, houses, moved, plane
from viewer.city.kinds import SurfaceType
from viewer.city.measures import measure
from viewer.scene.city_mesh import CityArrays, blocks, edges, face_colors, face_normals, part_colors, prepare
from viewer.scene.palettes import LIGHT, rgb


def arrays_of(city, faces=None) -> CityArrays:
    return CityArrays.of(city, faces, measure(city, faces))


def all_faces(city):
    return np.ones(len(city.face_surface), bool)


def turned(faces, degrees):
    """Faces turned about the origin."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [(k, [[(x * c - y * s, x * s + y * c, z) for x, y, z in ring] for ring in rings]) for k, rings in faces]


def segment_set(city, index, pairs):
    p = np.round(city.positions_local[index], 2)
    return {frozenset((tuple(p[a].tolist()), tuple(p[b].tolist()))) for a, b in pairs}


def test_normals_of_a_box_look_out_of_it():
    normals = face_normals(city_of([box(10, 6, 4)]))
    assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(6))
    expected = [(0, 0, -1), (0, -1, 0), (1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, 0, 1)]
    assert normals == pytest.approx(np.array(expected, float), abs=1e-6)


def test_a_face_without_area_has_no_normal_and_breaks_nothing():
    line = (SurfaceType.ROOF, [[(0, 0, 0), (5, 0, 0), (10, 0, 0)]])
    city = city_of([[*box(10, 6, 4), line]])
    assert face_normals(city)[-1] == pytest.approx(np.zeros(3))
    assert np.isfinite(arrays_of(city).body.feat).all()


def test_a_box_has_twelve_edges_each_once():
    city = city_of([box(10, 6, 4)])
    index, pairs = edges(arrays_of(city), all_faces(city))
    assert len(pairs) == 12 == len(segment_set(city, index, pairs))
    corners = city.positions_local[index]
    lengths = np.sort(np.linalg.norm(corners[pairs[:, 0]] - corners[pairs[:, 1]], axis=1))
    assert lengths == pytest.approx([4] * 4 + [6] * 4 + [10] * 4)


def test_a_gable_house_has_its_ridge_and_fifteen_edges():
    city = city_of([gable_house(12, 8, 6, 9)])
    index, pairs = edges(arrays_of(city), all_faces(city))
    found = segment_set(city, index, pairs)
    assert len(pairs) == len(found) == 15
    assert frozenset(((0.0, 4.0, 9.0), (12.0, 4.0, 9.0))) in found


def test_a_roof_cut_into_two_in_one_plane_shows_no_cut():
    cut = [f for f in box(10, 6, 4) if f[0] != SurfaceType.ROOF]
    cut += [
        (SurfaceType.ROOF, [[(0, 0, 4), (5, 0, 4), (5, 6, 4), (0, 6, 4)]]),
        (SurfaceType.ROOF, [[(5, 0, 4), (10, 0, 4), (10, 6, 4), (5, 6, 4)]]),
    ]
    city = city_of([cut])
    index, pairs = edges(arrays_of(city), all_faces(city))
    assert frozenset(((5.0, 0.0, 4.0), (5.0, 6.0, 4.0))) not in segment_set(city, index, pairs)


def test_edges_of_some_faces_are_those_faces_outlines():
    city = city_of([box(10, 6, 4), box(5, 5, 5, x=50)])
    roof = (city.face_surface == SurfaceType.ROOF) & (city.face_feature == 1)
    index, pairs = edges(arrays_of(city), roof)
    assert len(pairs) == 4
    assert (city.positions_local[index][:, 2] == 5).all()
    none_index, none_pairs = edges(arrays_of(city), np.zeros_like(roof))
    assert len(none_index) == 0 and none_pairs.shape == (0, 2)


@settings(max_examples=30, deadline=None)
@given(angle=st.floats(0, 180), x=st.floats(-3000, 3000), length=st.floats(4, 60), width=st.floats(4, 30))
def test_a_block_encloses_a_flat_building_however_it_is_turned(angle, x, length, width):
    city = city_of([moved(turned(box(length, width, 9), angle), (x, 20.0, 3.0))])
    points, triangles, features = blocks(arrays_of(city))
    assert features.tolist() == [0] and points.shape == (8, 3) and triangles.shape == (10, 3)
    a, b, d = points[0], points[1], points[3]
    u, v = (b - a)[:2].astype(float), (d - a)[:2].astype(float)
    offset = city.positions_local[:, :2].astype(float) - a[:2]
    for side in (u, v):
        size = np.linalg.norm(side)
        along = offset @ (side / size)
        assert along.min() > -0.01 and along.max() < size + 0.01
    assert np.linalg.norm(u) * np.linalg.norm(v) == pytest.approx(length * width, rel=0.01)
    assert points[:4, 2] == pytest.approx(np.full(4, 3.0), abs=0.01)
    assert points[4:, 2] == pytest.approx(np.full(4, 12.0), abs=0.01)


def test_the_block_of_a_pitched_roof_ends_between_eaves_and_ridge():
    points, _, _ = blocks(arrays_of(city_of([gable_house(12, 8, 6, 9)])))
    assert points[4:, 2] == pytest.approx(np.full(4, 7.5))


def test_every_standing_object_has_one_block_and_flat_land_has_none():
    city = city_of([box(5, 5, 5), plane(0, 0, 90, 90), box(4, 4, 4, x=30)], types=["Building", "LandUse", "Building"])
    _, triangles, features = blocks(arrays_of(city))
    assert features.tolist() == [0, 2]
    assert triangles.max() == 15 and triangles.min() == 0


def test_block_triangles_look_outwards():
    points, triangles, _ = blocks(arrays_of(city_of([box(10, 6, 4)])))
    corners = points[triangles].astype(float)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((corners.mean(axis=1) - points.mean(axis=0)) * normal).sum(axis=1).min() > 0


def test_green_ranks_lie_on_flat_roofs_only_and_spread_evenly():
    city = city_of([box(8, 8, 5, x=20 * k) for k in range(50)] + [hip_house(12, 8, 6, 9, ridge=4)])
    rank = arrays_of(city).green_rank
    flat_roof = (city.face_surface == SurfaceType.ROOF) & (city.face_feature < 50)
    assert (rank[~flat_roof] == 2.0).all()
    assert np.sort(rank[flat_roof]) == pytest.approx((np.arange(50) + 0.5) / 50)


def test_hidden_roofs_get_no_green_rank():
    city = city_of([box(8, 8, 5)])
    assert (arrays_of(city, np.zeros(6, bool)).green_rank == 2.0).all()


def test_faces_are_sorted_into_what_stands_and_what_lies():
    city = city_of([box(5, 5, 5), plane(0, 0, 90, 90)], types=["Building", "LandUse"])
    arrays = arrays_of(city)
    assert (arrays.standing == (city.face_feature == 0)).all()
    assert (arrays.flat == (city.face_feature == 1)).all()
    assert arrays.ground.triangles.shape == (2, 3)


def test_the_body_leaves_out_undersides_and_lifts_by_height_above_ground():
    city = city_of([box(10, 6, 4, z=100.0)])
    body = arrays_of(city).body
    assert len(body.index) == 20 and body.triangles.shape == (10, 3)
    assert body.feat[:, 0].tolist() == [0.0] * 20
    assert sorted(set(body.feat[:, 1].round(3).tolist())) == [0.0, 4.0]
    high = body.feat[:, 1] > 2
    assert body.feat[high, 2] == pytest.approx(1.0) and body.feat[~high, 2] == pytest.approx(0.0)


def test_triangles_of_a_part_are_those_of_the_city():
    city = houses(4)
    body = arrays_of(city).body
    shown = city.positions_local[body.index][body.triangles]
    kept = city.face_surface[city.triangle_face] != SurfaceType.GROUND
    assert (shown == city.positions_local[city.triangles[kept]]).all()


def test_boxes_hold_their_object_and_are_infinite_where_nothing_is_shown():
    city = city_of([box(10, 6, 4), box(5, 5, 5, x=50)])
    boxes = arrays_of(city, city.face_feature == 1).boxes
    assert np.isinf(boxes.low[0]).all()
    assert boxes.low[1].tolist() == [50, 0, 0] and boxes.high[1].tolist() == [55, 5, 5]
    assert boxes.start.tolist() == [0, 0, 12]


def test_edge_cells_hold_all_edges_but_those_on_the_ground_surface_alone():
    city = city_of([box(10, 6, 4), box(10, 6, 4, x=2000.0)])
    cells = arrays_of(city).edge_cells
    assert len(cells) == 2
    assert sum(len(cell.segments) for cell in cells) == 24
    for cell in cells:
        assert np.linalg.norm(cell.points - cell.centre, axis=1).max() <= cell.radius + 1e-3


def test_roofs_walls_and_land_have_their_colours():
    city = city_of([gable_house(12, 8, 6, 9), plane(40, 0, 90, 90)], types=["Building", "WaterBody"])
    arrays = arrays_of(city)
    colors = face_colors(arrays, LIGHT)
    roof, wall = (city.face_surface == k for k in (SurfaceType.ROOF, SurfaceType.WALL))
    assert np.abs(colors[roof] - rgb(LIGHT.roof)).max() < 0.05
    assert np.abs(colors[wall] - rgb(LIGHT.wall)).max() < 0.05
    bytes_ = part_colors(arrays, arrays.body, colors)
    assert bytes_.dtype == np.uint8 and bytes_.shape == (len(arrays.body.index), 3)
    walls = city.face_surface[city.vertex_face[arrays.body.index]] == SurfaceType.WALL
    foot = arrays.body.feat[:, 1] < 0.1
    assert bytes_[walls & foot].max() < bytes_[walls & ~foot].max()


def test_the_arrays_of_a_city_are_made_once():
    city = houses(1)
    measures = measure(city, None)
    assert prepare(city, None, measures) is prepare(city, None, measures)
    assert prepare(city, all_faces(city), measures) is not prepare(city, None, measures)


def test_a_city_without_anything_gives_empty_arrays():
    arrays = arrays_of(city_of([])).make()
    assert len(arrays.body.index) == len(arrays.ground.index) == len(arrays.edge_cells) == 0
    assert arrays.blocks[0].shape == (0, 3)
