"""A city in tile order is the same city, and every square of the quadtree is a slice of its arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of
from viewer.city.arrange import arrange, take_faces
from viewer.city.model import CityModel


def city_of_boxes(places: np.ndarray) -> CityModel:
    return city_of([box(10, 8, 6, x=x, y=y) for x, y in places.tolist()])


def scattered(count: int = 400) -> CityModel:
    rng = np.random.default_rng(7)
    places = rng.uniform(-3000, 9000, (count, 2))
    return city_of_boxes(places)


def faces_by_id(city: CityModel) -> dict[str, list[bytes]]:
    """The places of every face, by the id of its object."""
    found: dict[str, list[bytes]] = {}
    ids = city.objects.ids.tolist()
    for face, (start, end) in enumerate(zip(city.face_start[:-1], city.face_start[1:], strict=True)):
        found.setdefault(ids[city.face_object[face]], []).append(city.positions_local[start:end].tobytes())
    return found


def test_arranging_changes_the_order_and_nothing_else() -> None:
    city = scattered()
    arranged = arrange(city)
    assert faces_by_id(arranged) == faces_by_id(city)
    assert (
        np.bincount(arranged.triangle_face).tolist()
        == np.diff(np.searchsorted(arranged.triangle_face, np.arange(len(arranged.face_surface) + 1))).tolist()
    )
    start = arranged.face_start
    assert (arranged.triangles.min(axis=1) >= start[arranged.triangle_face]).all()
    assert (arranged.triangles.max(axis=1) < start[arranged.triangle_face + 1]).all()
    assert arrange(arranged) is arranged


def test_a_part_stays_with_its_building() -> None:
    city = scattered()
    objects = city.objects
    parent = objects.parent.copy()
    parent[399] = 0  # the last box becomes a part of the first, however far away
    arranged = arrange(replace(city, objects=replace(objects, parent=parent)))
    ids = arranged.objects.ids.tolist()
    part = ids.index(objects.ids[399])
    assert ids[arranged.objects.parent[part]] == objects.ids[0]
    tile = np.searchsorted(arranged.tiles.object_start, part, side="right") - 1
    whole = np.searchsorted(arranged.tiles.object_start, ids.index(objects.ids[0]), side="right") - 1
    assert tile == whole


def test_every_tile_is_a_slice_inside_its_box() -> None:
    arranged = arrange(scattered())
    tiles = arranged.tiles
    assert len(tiles) > 20
    assert tiles.triangle_start[-1] == len(arranged.triangles)
    for k in range(len(tiles)):
        faces = slice(tiles.face_start[k], tiles.face_start[k + 1])
        features = arranged.face_feature[faces]
        assert features.min() >= tiles.feature_start[k] and features.max() < tiles.feature_start[k + 1]
        own = arranged.positions_local[tiles.vertex_start[k] : tiles.vertex_start[k + 1]]
        assert np.array_equal(own.min(axis=0), tiles.low[k]) and np.array_equal(own.max(axis=0), tiles.high[k])
    assert np.array_equal(arranged.extent_local, scattered().extent_local)


def test_the_quadtree_covers_every_tile_once_on_the_way_down() -> None:
    tiles = arrange(scattered()).tiles
    tree = tiles.quadtree
    assert (tree.tile_start[0], tree.tile_end[0]) == (0, len(tiles))
    assert int(tree.leaf.sum()) == len(tiles)
    first, count = tree.children
    for node in range(len(tree)):
        children = range(first[node], first[node] + count[node])
        assert tree.leaf[node] == (not count[node])
        if not tree.leaf[node]:
            assert all(tree.parent[child] == node for child in children)
            edges = [tree.tile_start[node], *(tree.tile_end[child] for child in children)]
            assert [tree.tile_start[child] for child in children] == edges[:-1] and edges[-1] == tree.tile_end[node]


@pytest.mark.parametrize("count", [0, 1])
def test_a_city_of_nothing_or_one_house_has_tiles(count: int) -> None:
    arranged = arrange(city_of_boxes(np.zeros((count, 2))))
    assert len(arranged.tiles) == count
    assert len(arranged.tiles.quadtree) >= count


def test_taking_faces_keeps_only_those() -> None:
    city = scattered(5)
    some = take_faces(city, np.array([7, 2]))
    assert some.face_object.tolist() == [city.face_object[7], city.face_object[2]]
    assert np.array_equal(
        some.positions_local[: some.face_start[1]], city.positions_local[city.face_start[7] : city.face_start[8]]
    )
