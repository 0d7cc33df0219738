"""Boxes, masses and packed meshes of a city, compared with small cities worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import box, city_of, gable_house, houses, moved, plane
from viewer.city.arrange import arrange
from viewer.city.kinds import SurfaceType
from viewer.city.measures import measure
from viewer.scene import coarse
from viewer.scene.city_mesh import BODY_TRIANGLES, FLAT_TRIANGLES, CityArrays, prepare
from viewer.scene.coarse import HALF_U, HALF_V, HIGH, LOW, box_corners
from viewer.scene.packing import MIX, MIXES, ROOF, WALL, WEIGHT_STEPS, code_colors, face_codes, pack, pack_boxes, unpack
from viewer.scene.palettes import LIGHT, rgb
from viewer.scene.ready_mesh import pack as pack_mesh
from viewer.scene.ready_mesh import restore
from viewer.scene.tile_mesh import blocks_mesh, body_mesh, edge_mesh, shared_mesh


def arrays_of(city, shown=None) -> CityArrays:
    return CityArrays.of(city, shown, measure(city, shown))


def spread(count, step=300.0):
    """A city of boxes over many tiles."""
    side = int(np.ceil(np.sqrt(count)))
    return arrange(city_of([box(9, 7, 5 + k % 9, x=step * (k % side), y=step * (k // side)) for k in range(count)]))


def turned(faces, degrees):
    """Faces turned about the origin."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [(k, [[(x * c - y * s, x * s + y * c, z) for x, y, z in ring] for ring in rings]) for k, rings in faces]


@settings(max_examples=30, deadline=None)
@given(angle=st.floats(0, 180), x=st.floats(-3000, 3000), length=st.floats(4, 60), width=st.floats(4, 30))
def test_a_block_encloses_a_flat_building_however_it_is_turned(angle, x, length, width):
    city = city_of([moved(turned(box(length, width, 9), angle), (x, 20.0, 3.0))])
    blocks = arrays_of(city).far.blocks
    corners = box_corners(blocks.place)[0].astype(float)
    a, b, d = corners[0], corners[1], corners[3]
    u, v = (b - a)[:2], (d - a)[:2]
    offset = city.positions_local[:, :2].astype(float) - a[:2]
    for side in (u, v):
        size = np.linalg.norm(side)
        along = offset @ (side / size)
        assert along.min() > -0.01 and along.max() < size + 0.01
    assert np.linalg.norm(u) * np.linalg.norm(v) == pytest.approx(length * width, rel=0.01)
    assert corners[:4, 2] == pytest.approx(np.full(4, 3.0), abs=0.01)
    assert corners[4:, 2] == pytest.approx(np.full(4, 12.0), abs=0.01)


def test_the_block_of_a_pitched_roof_ends_between_eaves_and_ridge():
    assert arrays_of(city_of([gable_house(12, 8, 6, 9)])).far.blocks.place[0, HIGH] == pytest.approx(7.5)


def test_every_standing_object_has_one_block_and_flat_land_has_none():
    city = city_of([box(5, 5, 5), plane(0, 0, 90, 90), box(4, 4, 4, x=30)], types=["Building", "LandUse", "Building"])
    far = arrays_of(city).far
    assert far.blocks.there.tolist() == [True, False, True]
    assert far.count[0, BODY_TRIANGLES] == 20 and far.count[0, FLAT_TRIANGLES] == 2
    assert far.patch_m[0] == pytest.approx(90.0)


def test_block_triangles_look_outwards():
    mesh = blocks_mesh(arrays_of(city_of([box(10, 6, 4)])).far.blocks, 0)
    corners = mesh.points[mesh.cells].astype(float)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert ((corners.mean(axis=1) - mesh.points.mean(axis=0)) * normal).sum(axis=1).min() > 0
    shown = unpack(mesh.feat[mesh.cells[:, 2]])[3]
    assert (shown * normal / np.linalg.norm(normal, axis=1, keepdims=True)).sum(axis=1).min() > 0.999


def test_roofs_of_blocks_are_as_flat_as_those_of_their_houses():
    half = [*gable_house(12, 8, 6, 9), (SurfaceType.ROOF, [[(20, 0, 6), (30, 0, 6), (30, 8, 6), (20, 8, 6)]])]
    blocks = arrays_of(city_of([box(10, 6, 4), gable_house(12, 8, 6, 9), half])).far.blocks
    assert blocks.side.tolist() == [WALL] * 3
    assert blocks.top.tolist() == [MIX + MIXES - 1, MIX, MIX + round((MIXES - 1) / 3)]


def test_boxes_hold_their_object_and_are_infinite_where_nothing_is_shown():
    city = city_of([box(10, 6, 4), box(5, 5, 5, x=50)])
    far = arrays_of(city, city.face_feature == 1).far
    assert np.isinf(far.low[0]).all()
    assert far.low[1].tolist() == [50, 0, 0] and far.high[1].tolist() == [55, 5, 5]


def test_a_city_worked_out_some_tiles_at_a_time_is_the_same(monkeypatch):
    city = spread(64)
    whole = pack_mesh(arrays_of(city))
    monkeypatch.setattr("viewer.scene.city_mesh.TRIANGLES_AT_ONCE", 50)
    for name, array in pack_mesh(arrays_of(city)).items():
        np.testing.assert_array_equal(array, whole[name], err_msg=name)
    monkeypatch.setattr("viewer.scene.city_mesh.WORTH_SHARING", 0)
    monkeypatch.setattr("viewer.scene.city_mesh.TRIANGLES_EACH", 60)
    asked: list[object] = []
    shared = arrays_of(city).make(lambda work, items: (asked.append(item) or work(item) for item in items))
    assert len(asked) > 3
    for name, array in pack_mesh(shared).items():
        np.testing.assert_array_equal(array, whole[name], err_msg=name)


def test_masses_of_every_level_hold_all_houses_once_and_keep_their_ground_area():
    city = spread(144, step=110.0)
    far, tree = arrays_of(city).far, city.tiles.quadtree
    masses = far.masses
    area = 4 * far.blocks.place[:, HALF_U] * far.blocks.place[:, HALF_V]
    inner = np.flatnonzero(~tree.leaf)
    assert len(inner) and np.diff(masses.node_start)[tree.leaf].sum() == 0
    for node in inner.tolist():
        own = slice(int(masses.node_start[node]), int(masses.node_start[node + 1]))
        members = np.concatenate(
            [masses.order[a:b] for a, b in zip(masses.member_start[own], masses.member_end[own], strict=True)]
        )
        first, last = (int(city.tiles.feature_start[t]) for t in (tree.tile_start[node], tree.tile_end[node]))
        assert sorted(members.tolist()) == list(range(first, last))
        place = masses.boxes.place[own]
        assert (4 * place[:, HALF_U] * place[:, HALF_V]).sum() == pytest.approx(area[first:last].sum(), rel=1e-4)


def test_a_mass_is_as_high_as_its_houses_are_on_the_mean():
    corner = [box(10, 10, h, x=2000 * far + 12 * k) for far in (0, 1) for k, h in enumerate((6, 12))]
    city = arrange(city_of(corner))
    masses = arrays_of(city).far.masses
    root = masses.boxes.place[: masses.node_start[1]]
    assert root[:, HIGH] - root[:, LOW] == pytest.approx([9.0, 9.0])


def test_what_is_known_from_afar_is_packed_and_restored():
    city = spread(40)
    made, again = arrays_of(city), arrays_of(city)
    packed = pack_mesh(made)
    assert restore(again, packed)
    for name, array in pack_mesh(again).items():
        assert array is packed[name]
    assert not restore(arrays_of(spread(39)), packed)
    broken = packed | {"mass_order": packed["mass_order"] + np.int32(1000)}
    assert not restore(arrays_of(city), broken)


def test_a_tile_is_packed_into_sixty_bytes_a_triangle_with_its_edges():
    arrays = arrays_of(arrange(houses(100)))
    faces = arrays.faces(0)
    mesh, lines = shared_mesh(arrays, faces, 0), edge_mesh(arrays, faces, 0)
    size = sum(m.points.nbytes + m.cells.nbytes + m.feat.nbytes for m in (mesh, lines))
    assert size / len(mesh.cells) <= 60


def shuffled_houses():
    """Houses of many shapes side by side, two of which touch, with faces cut into single triangles here and there."""
    rng = np.random.default_rng(7)
    made = []
    for k in range(30):
        sizes = rng.uniform(4, 20, 4).round(2)
        house = gable_house(*sizes[:2], 3 + sizes[2], 8 + sizes[3], origin=(40.0 * k, 0.0, float(k % 3)))
        if k % 4 == 0:
            house = [(kind, [[ring[0], a, b]]) for kind, (ring,) in house for a, b in pairwise(ring[1:])]
        made.append(house)
    return city_of([*made, box(10, 6, 4), box(10, 6, 4, x=10.0)])


def test_faces_share_points_and_the_last_corner_speaks_for_the_face():
    arrays = arrays_of(shuffled_houses())
    faces = arrays.faces(0)
    loose, tight = body_mesh(arrays, faces, 0), shared_mesh(arrays, faces, 0)
    assert len(tight.points) < 0.55 * len(loose.points)

    def corners(mesh):
        """Every triangle from the last corner on: all three places with rows and weights, and the face's numbers."""
        feat = np.column_stack([mesh.points, mesh.feat[:, 0], mesh.feat[:, 1] % (WEIGHT_STEPS + 1)])
        own = np.column_stack([mesh.feat[:, 0], mesh.feat[:, 1] // (WEIGHT_STEPS + 1), mesh.feat[:, 2]])
        return feat[mesh.cells], own[mesh.cells]

    (where, own), (place, speaks) = corners(loose), corners(tight)
    for triangle in range(len(loose.cells)):
        turns = [k for k in range(3) if (np.roll(where[triangle], k, axis=0) == place[triangle]).all()]
        assert turns, "the same three corners, the same way round"
        np.testing.assert_array_equal(speaks[triangle, 2], own[triangle, 0])


def test_objects_that_touch_share_no_points():
    arrays = arrays_of(city_of([box(10, 6, 4), box(10, 6, 4, x=10.0)]))
    mesh = shared_mesh(arrays, arrays.faces(0), 0)
    assert (np.ptp(mesh.feat[mesh.cells][:, :, 0], axis=1) == 0).all()
    assert {0.0, 1.0} == set(mesh.feat[:, 0].tolist())


def test_two_places_with_one_number_are_kept_apart(monkeypatch):
    arrays = arrays_of(city_of([box(10, 6, 4)]))
    faces = arrays.faces(0)
    expected = body_mesh(arrays, faces, 0)
    unique = np.unique

    def colliding(values, *more, **kwargs):
        return unique(values >> np.uint64(62) if values.dtype == np.uint64 else values, *more, **kwargs)

    monkeypatch.setattr("viewer.scene.tile_mesh.np.unique", colliding)
    mesh = shared_mesh(arrays, faces, 0)
    np.testing.assert_array_equal(*(np.sort(m.points[m.cells].sum(axis=1), axis=0) for m in (mesh, expected)))


def test_boxes_are_packed_as_their_corners_would_be():
    rng = np.random.default_rng(5)
    n = 60
    turn = rng.uniform(0, 7, n)
    place = np.zeros((n, 8), np.float32)
    place[:, coarse.X], place[:, coarse.Y] = rng.uniform(-500, 500, (2, n))
    place[:, coarse.HALF_U], place[:, coarse.HALF_V] = rng.uniform(2, 20, (2, n))
    place[:, coarse.COS], place[:, coarse.SIN] = np.cos(turn), np.sin(turn)
    place[:, coarse.HIGH] = rng.uniform(3, 20, n)
    rank, side, top = rng.uniform(0, 2, n), rng.integers(0, 40, n), rng.integers(0, 40, n)
    corner = coarse.box_corners(place).astype(np.float64)
    along = corner[:, (1, 2, 3, 0)] - corner[:, :4]
    normal = np.zeros((n, 8, 3))
    normal[:, :4, 0], normal[:, :4, 1], normal[:, 4:, 2] = along[..., 1], -along[..., 0], 1.0
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    green = np.full((n, 8), 2.0)
    green[:, 4] = rank
    code = np.repeat(np.column_stack([side, top]), 4, axis=1)
    weight = np.tile(np.repeat([0.0, 1.0], 4), n)
    one_by_one = pack(np.repeat(np.arange(n), 8), weight, green.ravel(), normal.reshape(-1, 3), code.ravel())
    boxes = pack_boxes(np.arange(n), rank, place[:, coarse.SIN], place[:, coarse.COS], side, top)
    np.testing.assert_array_equal(boxes.reshape(-1, 3), one_by_one)


def test_packed_numbers_come_back():
    rng = np.random.default_rng(1)
    n = 2000
    row, code = rng.integers(0, 2**24, n), rng.integers(0, 64, n)
    weight, rank = rng.random(n), np.where(rng.random(n) < 0.5, 2.0, rng.random(n))
    weight[:2], row[0] = (0.0, 1.0), 2**24 - 1
    normal = rng.normal(size=(n, 3))
    normal[:6] = np.concatenate([np.eye(3), -np.eye(3)])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    found = unpack(pack(row, weight, rank, normal, code))
    np.testing.assert_array_equal(found[0], row)
    assert np.abs(found[1] - weight).max() < 1e-4 and found[1][:2].tolist() == [0.0, 1.0]
    assert np.abs(found[2] - rank)[rank <= 1].max() < 2e-3 and (found[2][rank > 1] > 1).all()
    assert (found[3] * normal).sum(axis=1).min() > np.cos(np.radians(0.5))
    np.testing.assert_array_equal(found[3][:6].round(6), normal[:6])
    np.testing.assert_array_equal(found[4], code)


def test_roofs_walls_and_land_have_their_colours():
    city = city_of([gable_house(12, 8, 6, 9), plane(40, 0, 90, 90)], types=["Building", "WaterBody"])
    faces = arrays_of(city).faces(0)
    code = face_codes(faces.surface, faces.theme, faces.normals[:, 2])
    assert (code[faces.surface == SurfaceType.ROOF] == ROOF).all()
    assert (code[faces.surface == SurfaceType.WALL] == WALL).all()
    colors = code_colors(LIGHT)
    assert colors[ROOF] == pytest.approx(rgb(LIGHT.roof)) and colors[WALL] == pytest.approx(rgb(LIGHT.wall))
    assert colors[MIX + MIXES - 1] == pytest.approx(rgb(LIGHT.flat_roof))


def test_the_arrays_of_a_city_are_made_once():
    city = houses(1)
    measures = measure(city, None)
    assert prepare(city, None, measures) is prepare(city, None, measures)
    assert prepare(city, np.ones(len(city.face_surface), bool), measures) is not prepare(city, None, measures)


def test_heights_of_unknown_ground_are_taken_from_the_lowest_point():
    city = city_of([box(5, 5, 5, z=7.0), box(5, 5, 5, x=20)])
    unknown = replace(measure(city, None), ground_m=np.array([np.nan, 0.0]))
    assert CityArrays.of(city, None, unknown).ground_z.tolist() == [7.0, 0.0]


def test_a_city_without_anything_gives_empty_arrays():
    arrays = arrays_of(city_of([])).make()
    assert len(arrays.far.blocks.place) == len(arrays.far.masses.boxes.place) == 0
    assert len(body_mesh(arrays, arrays.faces(0), 0).cells) == len(shared_mesh(arrays, arrays.faces(0), 0).cells) == 0
