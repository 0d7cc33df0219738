"""Very many trees: few from afar, all of them nearby, within a budget, and each can be pointed at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of
from viewer.city import TreeLayer
from viewer.scene.camera import Pose
from viewer.scene.layers import make_drawing
from viewer.scene.layers.forest import IN_SQUARE, MOVING, RESTING, ForestDrawing, plain_trees
from viewer.scene.layers.trees import Grove, TreesDrawing
from viewer.scene.palettes import look
from viewer.scene.state import LayerView

STYLE = look("light")


def layer_of(count, side=4000.0, seed=3):
    rng = np.random.default_rng(seed)
    places = np.column_stack([rng.uniform(0, side, (count, 2)), np.zeros(count)])
    height = rng.uniform(6, 18, count).astype(np.float32)
    return TreeLayer("Trees", places, height, height * np.float32(0.6), rng.random(count) < 0.3)


def visible(drawing):
    """Nodes that are seen."""
    nodes = drawing._nodes.items()
    return [n for n, d in nodes if (d.shown if isinstance(d, TreesDrawing) else d.GetVisibility())]


@pytest.fixture(scope="module")
def forest():
    return layer_of(60_000)


@pytest.fixture
def seen(stage, state_of, forest):
    """A scene with the forest, and its drawing."""
    state = state_of(city_of([box(10, 10, 5, x=4000.0 * i, y=4000.0 * j) for i in range(2) for j in range(2)]))
    view = stage()
    view.scene.show(replace(state, layers=(LayerView("t", forest),)))
    return view, view.scene.stage._layers["t"][1]


def test_few_trees_are_all_in_detail_and_many_are_a_forest():
    few = make_drawing(LayerView("k", layer_of(400)), None, STYLE)
    many = make_drawing(LayerView("k", layer_of(20_000)), None, STYLE)
    assert isinstance(few, TreesDrawing) and isinstance(many, ForestDrawing)


def test_some_thousand_trees_are_all_in_detail_at_rest_and_plain_while_moving(stage, state_of):
    state = state_of(city_of([box(10, 10, 5, x=4000.0 * i, y=4000.0 * j) for i in range(2) for j in range(2)]))
    view = stage()
    view.scene.show(replace(state, layers=(LayerView("t", layer_of(3000)),)))
    drawing = view.scene.stage._layers["t"][1]
    pose = Pose((2000.0, 2000.0, 0.0), 6000.0, 0.0, 60.0)

    def shown() -> list[bool]:
        """Of all that is visible: whether it is in detail."""
        view.scene.camera.set_pose(pose)
        view.scene.stage.aim(pose)
        return [isinstance(drawing._nodes[node], TreesDrawing) for node in visible(drawing)]

    assert all(shown()) and drawing.counters()[1] == 3000
    made = len(drawing._nodes)
    drawing.set_moving(True)
    assert not any(shown()) and drawing.counters()[1] == 3000
    assert len(drawing._nodes) == made, "what takes over was made at rest"
    drawing.set_moving(False)
    assert all(shown()) and len(drawing._nodes) == made


def test_from_afar_some_trees_stand_for_many_and_near_by_each_is_there(seen):
    view, drawing = seen
    counts = []
    for distance in (60_000.0, 9000.0, 1500.0, 150.0):
        pose = Pose((2000.0, 2000.0, 0.0), distance, 0.0, 60.0)
        view.scene.camera.set_pose(pose)
        view.scene.finish()
        view.scene.stage.aim(pose)
        counts.append(drawing.counters()[1])
    assert counts[0] <= IN_SQUARE
    assert counts[1] > counts[0]
    squares = drawing._squares
    shown = [n for n, d in drawing._nodes.items() if isinstance(d, TreesDrawing) and d.shown]
    assert shown and min(shown) >= squares.detailed, "next to the eye they are in detail"


def test_every_square_in_view_is_drawn_once_while_moving(seen):
    view, drawing = seen
    tree = drawing._squares.tree
    view.scene.moving(True)
    for k in range(25):
        pose = Pose((500.0 + 100 * k, 2000.0, 0.0), 9000.0 * 0.85**k, 10.0 * k, 35.0)
        view.scene.camera.set_pose(pose)
        view.scene.render()
        shown = [
            n for n, d in drawing._nodes.items() if (d.shown if isinstance(d, TreesDrawing) else d.GetVisibility())
        ]
        count = np.zeros(len(tree), int)
        count[shown] += 1
        for group in tree.groups[1:]:
            count[group] += count[tree.parent[group]]
        leaves = drawing._squares._leaves
        detail = np.bincount(tree.parent[drawing._squares.detailed :], count[drawing._squares.detailed :], len(tree))
        assert (np.maximum(count[leaves], detail[leaves]) <= 1).all()
        assert tree.work[shown].sum() <= MOVING.work


def test_the_budget_at_rest_is_kept(seen):
    view, drawing = seen
    view.scene.camera.set_pose(Pose((2000.0, 2000.0, 0.0), 2500.0, 0.0, 50.0))
    view.scene.finish()
    view.scene.render()
    tree = drawing._squares.tree
    shown = visible(drawing)
    assert 0 < tree.work[shown].sum() <= RESTING.work


def test_all_trees_are_in_the_leaves_once(forest):
    drawing = make_drawing(LayerView("k", forest), None, STYLE)
    squares = drawing._squares
    rows = np.concatenate([squares.rows_of(int(k))[0] for k in squares._leaves])
    assert np.array_equal(np.sort(rows), np.arange(len(forest.positions_local)))


def test_pointing_at_a_tree_finds_it_among_all(forest):
    drawing = make_drawing(LayerView("k", forest), None, STYLE)
    row = 12_345
    foot = forest.positions_local[row]
    above = np.array([foot[0], foot[1], 200.0])
    found = drawing.pick(above, np.array([1e-9, 1e-9, -1.0]))
    assert found is not None
    near = np.hypot(*(forest.positions_local[:, :2] - foot[:2]).T) < forest.crown_m / 2
    assert near[found[0]] and found[1] < 200.0
    assert drawing.pick(above, np.array([0.0, 0.0, 1.0])) is None


def test_a_plain_tree_has_its_height_its_crown_and_its_foot():
    grove = Grove(np.array([[10.0, 20.0, 5.0]]), np.array([12.0]), np.array([6.0]), np.array([False]))
    points, triangles, colors = plain_trees(grove, np.array([[0.4, 0.6, 0.3]]), 2.0)
    assert points[:, 2].max() == pytest.approx(17.0) and points[:, 2].min() >= 5.0
    assert np.ptp(points[:, 0]) == pytest.approx(12.0, rel=0.1)
    assert triangles.shape == (10, 3) and triangles.max() == len(points) - 1 and len(colors) == len(points)
    assert (colors[:, 1] > colors[:, 0]).all()


def test_another_colour_and_hiding_reach_all_squares(seen, forest):
    view, _ = seen
    pose = Pose((2000.0, 2000.0, 0.0), 3000.0, 0.0, 60.0)
    green = view.picture(pose=pose)
    state = view.scene.stage.state
    red = view.picture(replace(state, layers=(LayerView("t", forest, color="#d03020"),)))
    assert (red[..., 0] - red[..., 1] > 40).sum() > 500 > (green[..., 0] - green[..., 1] > 40).sum()
    hidden = view.picture(replace(state, layers=(LayerView("t", forest, visible=False),)))
    assert (hidden[..., 0] - hidden[..., 1] > 40).sum() == 0
    assert (np.abs(hidden - green).max(axis=2) > 25).sum() > 500
