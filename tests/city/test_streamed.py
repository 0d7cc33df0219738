from __future__ import annotations

import numpy as np
import pytest

from viewer.city.streamed import (
    Holds,
    MeshContent,
    NodeTree,
    PointContent,
    StreamedLayer,
    check_content,
    make_nodes,
    row_of,
    split_row,
)
from viewer.errors import ReadError


def tree_of(count: int = 1) -> NodeTree:
    parent = [-1] + [0] * (count - 1)
    return NodeTree(make_nodes(parent, [8.0] * count, [(0, 0, 0)] * count, [(9, 9, 9)] * count, False, Holds.CONTENT))


def mesh(**changed) -> MeshContent:
    given = {
        "positions": np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32),
        "triangles": np.array([[0, 1, 2], [1, 3, 2]], np.int32),
        "feature": np.array([0, 0, 1, 1], np.int32),
        "attributes": {"height": np.array([3.0, 4.0])},
    }
    return MeshContent(**{**given, **changed})


def test_new_nodes_hang_below_the_one_that_brought_them_and_old_numbers_stay():
    tree = tree_of(2)
    before = tree.nodes
    first = tree.grow(1, make_nodes([-1, 0], [4, 2], [(0, 0, 0)] * 2, [(1, 1, 1)] * 2, True, Holds.NODES))
    for _ in range(9):
        tree.grow(first, make_nodes([-1] * 20, [1] * 20, [(0, 0, 0)] * 20, [(1, 1, 1)] * 20, True, Holds.NOTHING))
    assert first == 2
    assert tree.nodes.parent[:4].tolist() == [-1, 0, 1, 2]
    assert len(tree.nodes) == 4 + 180
    assert len(before) == 2
    assert before.holds.tolist() == [Holds.CONTENT] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        make_nodes([0], [1], [(0, 0, 0)], [(1, 1, 1)], True, 0),
        make_nodes([-1], [np.nan], [(0, 0, 0)], [(1, 1, 1)], True, 0),
        make_nodes([-1], [-2], [(0, 0, 0)], [(1, 1, 1)], True, 0),
        make_nodes([-1], [1], [(0, 0, np.inf)], [(1, 1, 1)], True, 0),
        make_nodes([-1], [1], [(2, 0, 0)], [(1, 1, 1)], True, 0),
        make_nodes([-1], [1, 2], [(0, 0, 0)], [(1, 1, 1)], True, 0),
        make_nodes([], [], [], [], True, 0),
    ],
    ids=["own parent", "no error", "negative error", "no place", "turned box", "sizes", "empty"],
)
def test_a_tree_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(ReadError):
        NodeTree(wrong)


def test_triangles_with_impossible_places_cost_only_themselves():
    positions = np.array([[np.nan, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
    checked = check_content(mesh(positions=positions))
    assert isinstance(checked, MeshContent)
    assert checked.triangles.tolist() == [[1, 3, 2]]
    assert np.isfinite(checked.positions).all()


def test_points_with_impossible_places_lose_their_rows_too():
    points = PointContent(
        np.array([[0, 0, 0], [np.inf, 0, 0], [2, 2, 2]], np.float32), attributes={"class": np.array([2.0, 6.0, 5.0])}
    )
    checked = check_content(points)
    assert checked.positions[:, 0].tolist() == [0, 2]
    assert checked.attributes["class"].tolist() == [2.0, 5.0]


@pytest.mark.parametrize(
    "changed",
    [
        {"triangles": np.array([[0, 1, 4]], np.int32)},
        {"triangles": np.array([[0, 1, -1]], np.int32)},
        {"triangles": np.array([[0, 1]], np.int32)},
        {"feature": np.array([0, 0, 2, 1], np.int32)},
        {"feature": np.array([0, 0, -2, 1], np.int32)},
        {"rgba": np.zeros((3, 4), np.uint8)},
        {"normals": np.zeros((3, 3), np.float32)},
        {"attributes": {"height": np.zeros(3)}, "feature": np.array([0, 0, 3, 1], np.int32)},
        {"attributes": {"a": np.zeros(2), "b": np.zeros(3)}},
        {"positions": np.zeros((4, 2), np.float32)},
        {"positions": np.zeros((4, 3))},
        {"origin_local": (0.0, np.nan, 0.0)},
        {"triangle_picture": np.array([0, 0], np.int16)},
    ],
    ids=lambda changed: "+".join(changed),
)
def test_contents_whose_arrays_contradict_each_other_are_refused(changed):
    with pytest.raises(ReadError):
        check_content(mesh(**changed))


def test_a_row_names_node_part_and_feature_and_finds_its_values_again():
    assert split_row(row_of(123_456, 3, 4_000_000_000)) == (123_456, 3, 4_000_000_000)
    layer = StreamedLayer("Tiles", tree=tree_of(), load=lambda node: (mesh(),))
    assert layer.row_values(row_of(0, 0, 1)) == {"height": 4.0}
    assert layer.row_values(row_of(0, 5, 1)) == {}
    assert layer.tile_count == 1
    assert layer.extent_local.tolist() == [[0, 0, 0], [9, 9, 9]]


def test_a_row_whose_tile_has_become_unreadable_has_no_values():
    def load(node: int):
        raise ReadError("gone")

    assert StreamedLayer("Tiles", tree=tree_of(), load=load).row_values(row_of(0, 0, 0)) == {}
