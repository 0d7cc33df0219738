"""Panes of placed models and of streamed tiles: one sees through them, and what is opaque stays so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from viewer.city import AreaLayer, Frame
from viewer.city.bare import bare_city
from viewer.city.ground import Ground
from viewer.city.measures import measure
from viewer.city.models import model_layer
from viewer.city.streamed import Holds, MeshContent, NodeTree, StreamedLayer, make_nodes
from viewer.scene.camera import Pose
from viewer.scene.layers.mesh_groups import groups_of
from viewer.scene.offscreen import render_to_array
from viewer.scene.state import LayerView, SceneState

RED, GLASS = (230, 0, 0, 255), (0, 0, 230, 110)
ABOVE = Pose((50.0, 50.0, 10.0), 300.0, 0.0, 85.0)


def sheets(*, glass: tuple[int, int, int, int] = GLASS, normals: bool = False) -> MeshContent:
    """A pane 20 m above an opaque sheet in one mesh; in the order of triangles the pane comes first."""
    corner = np.array([[0, 0], [100, 0], [100, 100], [0, 100]], np.float32)
    positions = np.concatenate([np.column_stack([corner, np.full(4, z, np.float32)]) for z in (30.0, 10.0)])
    square = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    rgba = np.repeat(np.array([glass, RED], np.uint8), 4, axis=0)
    up = np.tile(np.array([0, 0, 1], np.float32), (8, 1)) if normals else None
    return MeshContent(positions, (0.0, 0.0, 0.0), rgba, triangles=np.concatenate([square, square + 4]), normals=up)


def placed(mesh: MeshContent) -> LayerView:
    layer = model_layer("Sheets", (mesh,))
    return LayerView("a", layer, matrix=np.array([[1.0, 0, 0, 50], [0, 1, 0, 50], [0, 0, 1, 10], [0, 0, 0, 1]]))


def streamed(mesh: MeshContent) -> LayerView:
    tree = NodeTree(make_nodes([-1], [0.0], [(0, 0, 0)], [(100, 100, 40)], False, [Holds.CONTENT]))
    return LayerView("a", StreamedLayer("Sheets", attributes={}, tree=tree, load=lambda node: (mesh,)))


def middle(view: LayerView) -> np.ndarray:
    city = bare_city("", Frame(), np.array([[0.0, 0, 0], [100, 100, 40]]))
    ground = Ground((0.0, 0.0), 10.0, np.zeros((2, 2), np.float32))
    state = SceneState(city=city, measures=measure(city, np.zeros(0, bool)), ground=ground, layers=(view,))
    picture = render_to_array(state, (200, 160), camera=ABOVE, full=False)
    return picture[76:84, 96:104].reshape(-1, 3).mean(axis=0)


def square(size: float, color: str, key: str, opacity: float) -> LayerView:
    corner = np.array([[0, 0], [size, 0], [size, size], [0, size]], float) + (50 - size / 2)
    layer = AreaLayer(
        name=key, positions_local=corner.astype(np.float32), ring_start=np.array([0, 4], np.int32),
        polygon_ring_start=np.array([0, 1], np.int32), polygon_feature=np.zeros(1, np.int32), feature_count=1,
    )  # fmt: skip
    return LayerView(key, layer, opacity=opacity, color=color)


def seen_of(*views: LayerView) -> np.ndarray:
    city = bare_city("", Frame(), np.array([[0.0, 0, 0], [100, 100, 40]]))
    ground = Ground((0.0, 0.0), 10.0, np.zeros((2, 2), np.float32))
    state = SceneState(city=city, measures=measure(city, np.zeros(0, bool)), ground=ground, layers=views)
    return render_to_array(state, (200, 160), camera=ABOVE, full=False)[60:100, 80:120].reshape(-1, 3).mean(axis=0)


def test_areas_are_blended_in_the_order_of_the_layers():
    """Weighed against each other whatever their order, the upper layer counted no more than the lower one."""
    red, blue = square(80, "#e00000", "red", 0.7), square(80, "#0000e0", "blue", 0.7)
    blue_above, red_above = seen_of(red, blue), seen_of(blue, red)
    assert blue_above[2] > blue_above[0] + 60 and red_above[0] > red_above[2] + 60


def test_a_layer_that_is_made_anew_keeps_its_place(stage):
    photographed = stage()
    city = bare_city("", Frame(), np.array([[0.0, 0, 0], [100, 100, 40]]))
    ground = Ground((0.0, 0.0), 10.0, np.zeros((2, 2), np.float32))
    red, blue = square(80, "#e00000", "red", 0.7), square(80, "#0000e0", "blue", 0.7)
    state = SceneState(city=city, measures=measure(city, np.zeros(0, bool)), ground=ground, layers=(red, blue))
    photographed.scene.show(state)
    before = photographed.picture(pose=ABOVE)
    other = square(60, "#e00000", "red", 0.7)  # another layer in the lower place: its actors are new
    photographed.scene.show(replace(state, layers=(other, blue)))
    photographed.scene.show(replace(state, layers=(square(80, "#e00000", "red", 0.7), blue)))
    after = photographed.picture(pose=ABOVE)
    assert np.abs(after.astype(int) - before.astype(int)).max() <= 2


@pytest.mark.parametrize(
    ("view", "mixed"),
    [(square(80, "#e00000", "red", 0.7), False), (placed(sheets()), True), (placed(sheets(glass=RED)), False)],
)
def test_only_bodies_are_mixed_whatever_their_order(stage, view, mixed):
    photographed = stage()
    city = bare_city("", Frame(), np.array([[0.0, 0, 0], [100, 100, 40]]))
    ground = Ground((0.0, 0.0), 10.0, np.zeros((2, 2), np.float32))
    state = SceneState(city=city, measures=measure(city, np.zeros(0, bool)), ground=ground, layers=(view,))
    photographed.scene.show(state)
    photographed.picture(pose=ABOVE)
    assert bool(photographed.scene.stage.renderer.GetUseOIT()) is mixed


def test_outlines_are_left_out_where_the_computer_does_not_keep_up(stage):
    photographed = stage()
    city = bare_city("", Frame(), np.array([[0.0, 0, 0], [100, 100, 40]]))
    ground = Ground((0.0, 0.0), 10.0, np.zeros((2, 2), np.float32))
    view = square(80, "#e00000", "red", 0.7)
    state = SceneState(city=city, measures=measure(city, np.zeros(0, bool)), ground=ground, layers=(view,))
    scene = photographed.scene
    scene.show(state)
    (_, drawing) = scene.stage._layers["red"]
    scene.governor.sparing = True
    scene.moving(True)
    scene.prepare()
    assert not drawing.props[1].GetVisibility() and drawing.props[0].GetVisibility()
    scene.moving(False)
    scene.prepare()
    assert drawing.props[1].GetVisibility()


@pytest.mark.parametrize("normals", [False, True])
@pytest.mark.parametrize("shown_as", [placed, streamed])
def test_a_pane_lets_through_what_lies_below_it(shown_as, normals):
    opaque = middle(shown_as(sheets(glass=(0, 0, 230, 255), normals=normals)))
    seen = middle(shown_as(sheets(normals=normals)))
    assert opaque[0] < 20 and opaque[2] > 120
    assert seen[0] > 60 and 40 < seen[2] < opaque[2] - 30


@pytest.mark.parametrize("shown_as", [placed, streamed])
def test_what_is_opaque_hides_a_pane_below_it(shown_as):
    mesh = sheets()
    flip, rise = np.array([1, 1, -1], np.float32), np.array([0, 0, 40], np.float32)
    turned = replace(mesh, positions=mesh.positions * flip + rise)
    seen = middle(shown_as(turned))
    assert seen[0] > 120 and seen[2] < 20


@pytest.mark.parametrize("shown_as", [placed, streamed])
def test_one_opacity_for_the_whole_layer_still_holds(shown_as):
    plain, faint = shown_as(sheets()), replace(shown_as(sheets()), opacity=0.3)
    assert middle(faint).min() > middle(plain).min() + 40, "the ground shines through both"


def test_a_column_that_colours_a_layer_covers_its_panes():
    view = streamed(sheets())
    seen = middle(replace(view, color="#00ff00"))
    assert seen[0] < 60 and seen[1] > 120 and seen[2] < 60


def test_triangles_are_sorted_by_what_draws_them():
    mesh = sheets()
    (opaque, clear) = groups_of(mesh)
    assert (opaque.clear, clear.clear) == (False, True)
    assert opaque.triangles.tolist() == [[4, 5, 6], [4, 6, 7]] and clear.triangles.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert opaque.colors(mesh.rgba).shape == (8, 3) and clear.colors(mesh.rgba).shape == (8, 4)
    (whole,) = groups_of(sheets(glass=RED))
    assert whole.triangles is not None and not whole.clear and whole.picture == -1
    (none,) = groups_of(replace(mesh, triangles=np.empty((0, 3), np.int32)))
    assert len(none.triangles) == 0
