"""Streamed layers: which nodes are drawn and loaded, what failing tiles cost, what a click finds."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from viewer.city import Frame
from viewer.city.bare import bare_city
from viewer.city.ground import Ground
from viewer.city.measures import measure
from viewer.city.streamed import (
    Content,
    Holds,
    MeshContent,
    NodeTree,
    PointContent,
    StreamedLayer,
    make_nodes,
    split_row,
)
from viewer.errors import ReadError
from viewer.scene.camera import Pose
from viewer.scene.layers.content_colors import ColorScale
from viewer.scene.layers.node_choice import ABSENT, FAILED, READY, Family, choose
from viewer.scene.layers.streamed import FAILED_TEXT, StreamedDrawing
from viewer.scene.levels import View
from viewer.scene.offscreen import render_to_array
from viewer.scene.palettes import look
from viewer.scene.state import LayerView, SceneState

ABOVE = View.of(Pose((50.0, 50.0, 0.0), 400.0, 0.0, 60.0), (800, 600))


def four_squares(add: bool = False, holds: int = Holds.CONTENT) -> NodeTree:
    """A square of 100 m and its quarters, 40 m wrong and 0."""
    low = [(0, 0, 0), (0, 0, 0), (50, 0, 0), (0, 50, 0), (50, 50, 0)]
    high = [(100, 100, 10), (50, 50, 10), (100, 50, 10), (50, 100, 10), (100, 100, 10)]
    return NodeTree(make_nodes([-1, 0, 0, 0, 0], [40, 0, 0, 0, 0], low, high, add, [holds] + [int(Holds.CONTENT)] * 4))


def chosen(tree: NodeTree, state: list[int], view: View = ABOVE, error_px: float = 10.0):
    return choose(tree.nodes, Family(), np.array(state, np.uint8), view, error_px)


def test_a_parent_stays_until_all_its_children_are_there():
    tree = four_squares()
    some = chosen(tree, [READY, READY, READY, READY, ABSENT])
    assert some.drawn.tolist() == [0]
    assert some.wanted.tolist() == [4]
    whole = chosen(tree, [READY] * 5)
    assert sorted(whole.drawn.tolist()) == [1, 2, 3, 4]
    assert whole.complete


def test_a_parent_stays_for_good_where_a_child_failed():
    choice = chosen(four_squares(), [READY, READY, READY, READY, FAILED])
    assert choice.drawn.tolist() == [0]
    assert choice.complete


def test_adding_refinement_draws_the_parent_beside_what_there_is_of_the_children():
    choice = chosen(four_squares(add=True), [READY, READY, ABSENT, FAILED, READY])
    assert sorted(choice.drawn.tolist()) == [0, 1, 4]
    assert choice.wanted.tolist() == [2]


def test_without_the_parent_what_there_is_of_the_children_is_shown():
    assert sorted(chosen(four_squares(), [FAILED, READY, READY, ABSENT, ABSENT]).drawn.tolist()) == [1, 2]
    empty = chosen(four_squares(holds=Holds.NOTHING), [ABSENT, READY, READY, READY, FAILED])
    assert sorted(empty.drawn.tolist()) == [1, 2, 3]


def test_from_far_away_only_the_coarse_node_is_wanted():
    far = View.of(Pose((50.0, 50.0, 0.0), 40_000.0, 0.0, 60.0), (800, 600))
    choice = chosen(four_squares(), [ABSENT] * 5, far)
    assert choice.wanted.tolist() == [0]


def test_what_is_not_in_the_picture_is_neither_loaded_nor_waited_for():
    aside = View.of(Pose((25.0, 25.0, 0.0), 30.0, 0.0, 89.0), (400, 400))
    choice = chosen(four_squares(), [READY, READY, ABSENT, ABSENT, ABSENT], aside)
    assert choice.drawn.tolist() == [1]
    assert choice.complete
    behind = View.of(Pose((50.0, 500.0, 100.0), 100.0, 0.0, 5.0), (400, 400))
    assert not len(chosen(four_squares(), [ABSENT] * 5, behind).wanted)


def test_a_node_that_stands_for_further_nodes_is_opened_before_its_parent_goes():
    tree = NodeTree(
        make_nodes([-1, 0], [40, 20], [(0, 0, 0)] * 2, [(100, 100, 10)] * 2, False, [Holds.CONTENT, Holds.NODES])
    )
    closed = chosen(tree, [READY, ABSENT])
    assert (closed.drawn.tolist(), closed.wanted.tolist()) == ([0], [1])
    tree.grow(1, make_nodes([-1], [0], [(0, 0, 0)], [(100, 100, 10)], False, Holds.CONTENT))
    opened = chosen(tree, [READY, READY, ABSENT])
    assert (opened.drawn.tolist(), opened.wanted.tolist()) == ([0], [2])
    assert chosen(tree, [READY, READY, READY]).drawn.tolist() == [2]


# -- with VTK -----------------------------------------------------------------------------------------------


def slab(node: int, x: float, y: float, side: float, color: tuple[int, int, int]) -> MeshContent:
    corners = np.array([[0, 0, 10], [side, 0, 10], [side, side, 10], [0, side, 10]], np.float32)
    return MeshContent(
        corners,
        (x, y, 0.0),
        np.tile(np.array([*color, 255], np.uint8), (4, 1)),
        np.zeros(4, np.int32),
        {"number": np.array([float(node)]), "use": np.array([f"use {node}"], np.dtypes.StringDType())},
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
    )


RED, GREEN = (200, 30, 30), (30, 200, 30)


class Squares:
    """A coarse red slab and four green ones; counts what is loaded."""

    def __init__(self, failing: int = -1) -> None:
        self.failing = failing
        self.loaded: list[int] = []
        self._lock = threading.Lock()

    def load(self, node: int) -> tuple[Content, ...]:
        with self._lock:
            self.loaded.append(node)
        if node == self.failing:
            raise ReadError("This tile is broken.")
        if node == 0:
            return (slab(0, 0, 0, 100, RED),)
        return (slab(node, 50.0 * ((node - 1) % 2), 50.0 * ((node - 1) // 2), 50, GREEN),)

    def layer(self, **more) -> StreamedLayer:
        sample = {
            "number": np.array([0.0, 4.0]),
            "use": np.array(["use 0", "use 1"], np.dtypes.StringDType()),
        }
        return StreamedLayer("Squares", attributes=sample, tree=four_squares(), load=self.load, **more)


def state_of(layer: StreamedLayer, **view) -> SceneState:
    city = bare_city("", Frame(), layer.extent_local)
    measures = measure(city, np.zeros(0, bool))
    ground = Ground((0.0, 0.0), 10.0, np.zeros((2, 2), np.float32))
    return SceneState(city=city, measures=measures, ground=ground, layers=(LayerView("a", layer, **view),))


POSE = Pose((50.0, 50.0, 0.0), 300.0, 0.0, 80.0)


def middle_of(state: SceneState) -> np.ndarray:
    picture = render_to_array(state, (200, 160), camera=POSE, full=False)
    return picture[70:90, 90:110].reshape(-1, 3).mean(axis=0)


def test_a_picture_waits_for_the_fine_tiles():
    squares = Squares()
    red, green, _ = middle_of(state_of(squares.layer()))
    assert green > 2 * red
    assert sorted(squares.loaded) == [0, 1, 2, 3, 4]


def test_where_a_tile_fails_the_coarse_one_stays_and_the_failure_is_told_once():
    squares = Squares(failing=3)
    layer = squares.layer()
    red, green, _ = middle_of(state_of(layer))
    assert red > 2 * green
    assert squares.loaded.count(3) == 1
    assert [str(error) for error in layer.failures] == ["This tile is broken."]


def test_colours_by_an_attribute_are_the_same_in_all_tiles_and_those_of_the_legend():
    layer = Squares().layer()
    view = LayerView("a", layer, column="number")
    scale = ColorScale.of(view, look("light"))
    assert (scale.low, scale.high) == (0.0, 4.0)
    ends = scale.of_features(np.array([0.0, 4.0, np.nan]))
    assert len({tuple(color) for color in ends.tolist()}) == 3
    by_text = ColorScale.of(LayerView("a", layer, column="use"), look("light"))
    values = np.array(["use 1", "use 0", "never seen"], np.dtypes.StringDType())
    first, second, other = by_text.of_features(values).tolist()
    assert first != second
    assert other not in (first, second)


def test_the_person_is_told_when_a_tile_fails():
    told: list[str] = []
    drawn = drawing(Squares(failing=2).layer())
    drawn.attach(None, 100.0, told.append)
    drawn.finish(View.of(POSE, (200, 160)))
    assert told == [FAILED_TEXT]
    drawn.detach()


def drawing(layer: StreamedLayer, **view) -> StreamedDrawing:
    return StreamedDrawing(LayerView("a", layer, **view), look("light"))


def test_a_click_finds_the_feature_and_its_attributes():
    layer = Squares().layer()
    drawn = drawing(layer)
    drawn.finish(View.of(POSE, (200, 160)))
    found = drawn.pick(np.array([75.0, 20.0, 200.0]), np.array([0.0, 0.0, -1.0]))
    assert found is not None
    row, distance = found
    assert distance == pytest.approx(190.0)
    assert split_row(row)[0] == 2
    assert layer.row_values(row) == {"number": 2.0, "use": "use 2"}
    assert drawn.pick(np.array([500.0, 20.0, 200.0]), np.array([0.0, 0.0, -1.0])) is None
    drawn.detach()


def test_memory_stays_within_the_budget_and_what_is_looked_at_stays_complete():
    layer = Squares().layer()
    drawn = drawing(layer)
    one = None
    for number, pose in enumerate([POSE, Pose((25.0, 25.0, 0.0), 20.0, 0.0, 89.0)]):
        drawn.finish(View.of(pose, (200, 160)))
        if number == 0:
            one = drawn.nbytes / 5
            drawn.budget_bytes = int(3.5 * one)
    drawn.aim(View.of(Pose((25.0, 25.0, 0.0), 20.0, 0.0, 89.0), (200, 160)))
    assert drawn.nbytes <= drawn.budget_bytes
    assert drawn.drawn_nodes == (1,)
    drawn.finish(View.of(POSE, (200, 160)))
    assert drawn.drawn_nodes in ((0,), (1, 2, 3, 4))
    drawn.detach()


def test_a_tree_that_grows_while_it_is_looked_at_is_followed():
    tree = NodeTree(make_nodes([-1], [40], [(0, 0, 0)], [(100, 100, 10)], False, Holds.NODES))

    def load(node: int):
        if node == 0:
            tree.grow(0, make_nodes([-1], [0], [(0, 0, 0)], [(100, 100, 10)], False, Holds.CONTENT))
            return ()
        return (slab(1, 0, 0, 100, GREEN),)

    red, green, _ = middle_of(state_of(StreamedLayer("Nested", tree=tree, load=load)))
    assert green > 2 * red


def test_points_are_drawn_in_their_colours_and_found_by_a_click():
    side = np.linspace(0, 100, 60)
    x, y = (grid.ravel() for grid in np.meshgrid(side, side))
    positions = np.column_stack([x, y, np.full(len(x), 5.0)]).astype(np.float32)
    points = PointContent(
        positions,
        rgba=np.tile(np.array([20, 40, 220, 255], np.uint8), (len(x), 1)),
        attributes={"class": np.full(len(x), 6.0)},
        spacing_m=1.7,
    )
    tree = NodeTree(make_nodes([-1], [0], [(0, 0, 0)], [(100, 100, 10)], False, Holds.CONTENT))
    layer = StreamedLayer("Points", tree=tree, load=lambda node: (points,), point_size_px=6.0)
    red, _, blue = middle_of(state_of(layer))
    assert blue > 2 * red
    drawn = drawing(layer)
    drawn.finish(View.of(POSE, (200, 160)))
    found = drawn.pick(np.array([50.0, 50.0, 100.0]), np.array([0.0, 0.0, -1.0]))
    assert found is not None
    assert layer.row_values(found[0]) == {"class": 6.0}
    drawn.detach()


def test_a_picture_lies_on_its_triangles_and_gives_way_to_a_chosen_colour():
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[..., 2], picture[..., 3] = 230, 255
    corners = np.array([[0, 0, 5], [100, 0, 5], [100, 100, 5], [0, 100, 5]], np.float32)
    content = MeshContent(
        corners,
        rgba=np.full((4, 4), 255, np.uint8),
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        uv=np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32),
        pictures=(picture,),
        triangle_picture=np.zeros(2, np.int16),
    )
    tree = NodeTree(make_nodes([-1], [0], [(0, 0, 0)], [(100, 100, 10)], False, Holds.CONTENT))
    layer = StreamedLayer("Picture", tree=tree, load=lambda node: (content,))
    red, _, blue = middle_of(state_of(layer))
    assert blue > 3 * red
    red, _, blue = middle_of(state_of(layer, color="#c81e1e"))
    assert red > 3 * blue
    red, _, blue = middle_of(replace(state_of(layer), textures=False))
    assert blue < 1.3 * red, "switched off with the textures of the city"
