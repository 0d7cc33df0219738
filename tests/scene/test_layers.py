"""Layers over the city: pixels where they lie, none where they do not, and the row a ray meets."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.city import AreaLayer, ImageLayer, LineLayer, PointLayer, TreeLayer
from viewer.city.ground import Ground
from viewer.scene.camera import Pose
from viewer.scene.layers import make_drawing
from viewer.scene.offscreen import grab, offscreen_window
from viewer.scene.palettes import look
from viewer.scene.state import LayerView

STYLE = look("light")
SLOPE = Ground((-100.0, -100.0), 50.0, np.add.outer(np.zeros(5), np.linspace(0, 20, 5)).astype(np.float32))
TOP = Pose((0.0, 0.0, 0.0), 300.0, 0.0, 89.9)
SIDE = Pose((0.0, 0.0, 5.0), 120.0, 0.0, 5.0)


def square(x0, y0, x1, y1):
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def areas(rings, polygon_rings, **more) -> AreaLayer:
    points = np.array([p for ring in rings for p in ring], float)
    starts = np.cumsum([0] + [len(r) for r in rings]).astype(np.int32)
    polygons = np.cumsum([0, *polygon_rings]).astype(np.int32)
    feature = np.arange(len(polygon_rings), dtype=np.int32)
    return AreaLayer("areas", points, starts, polygons, feature, len(polygon_rings), **more)


def trees(n=1, height=10.0) -> TreeLayer:
    xy = np.column_stack([np.zeros((n, 2)), np.full(n, np.nan)])
    xy[:, 0] = np.arange(n) * 30.0
    return TreeLayer("trees", xy, np.full(n, height, np.float32), np.full(n, 6, np.float32), np.zeros(n, bool))


def drawn(layer, pose, *, ground=None, size=(240, 160), **view) -> np.ndarray:
    """A picture of one layer on white."""
    from vtkmodules.vtkRenderingCore import vtkRenderer

    window = offscreen_window(size)
    renderer = vtkRenderer()
    renderer.SetBackground(1, 1, 1)
    window.AddRenderer(renderer)
    drawing = make_drawing(LayerView("k", layer, **view), ground, STYLE)
    for prop in drawing.props:
        renderer.AddViewProp(prop)
    camera = renderer.GetActiveCamera()
    camera.SetViewAngle(pose.view_angle_deg)
    camera.SetPosition(*pose.position)
    camera.SetFocalPoint(*pose.target)
    camera.SetViewUp(*pose.up)
    renderer.ResetCameraClippingRange(-400, 400, -400, 400, -50, 80)
    window.Render()
    picture = grab(window)
    window.Finalize()
    return picture


def painted(picture) -> np.ndarray:
    return (picture.astype(int) < 245).any(axis=2)


def test_a_tree_leaves_green_and_a_hidden_one_nothing():
    picture = drawn(trees(), SIDE)
    some = picture[painted(picture)].astype(int)
    assert len(some) > 30
    assert (some[:, 1] >= some[:, 2]).mean() > 0.8
    assert not painted(drawn(trees(), SIDE, visible=False)).any()


def test_a_taller_tree_covers_more_rows():
    rows = [painted(drawn(trees(height=h), SIDE)).any(axis=1).sum() for h in (8.0, 16.0)]
    assert rows[1] > 1.6 * rows[0]


def test_an_area_colours_its_ground_and_leaves_its_hole_free():
    layer = areas([square(-40, -40, 40, 40), square(-10, -10, 10, 10)[::-1]], [2])
    picture = painted(drawn(layer, TOP))
    height, width = picture.shape
    assert not picture[height // 2 - 4 : height // 2 + 4, width // 2 - 4 : width // 2 + 4].any()
    assert picture[height // 2, width // 2 + 25]


def test_opacity_lets_the_ground_shine_through():
    layer = areas([square(-40, -40, 40, 40)], [1])
    full, half = (drawn(layer, TOP, opacity=o)[80, 120].astype(int) for o in (1.0, 0.4))
    assert (half > full).all()


def test_an_area_follows_the_slope_of_the_ground():
    layer = areas([square(-90, -90, 90, 90)], [1])
    drawing = make_drawing(LayerView("k", layer), SLOPE, STYLE)
    low, high = drawing.props[0].GetBounds()[4:]
    assert high - low > 15


def test_classes_of_a_column_get_different_colours():
    layer = areas(
        [square(-60, -20, -20, 20), square(20, -20, 60, 20)], [1, 1],
        attributes={"use": np.array(["shop", "office"], dtype=np.dtypes.StringDType())}, style_column="use",
    )  # fmt: skip
    picture = drawn(layer, TOP, column="use")
    assert np.abs(picture[80, 80].astype(int) - picture[80, 160].astype(int)).max() > 30


def test_a_ray_meets_the_area_it_points_at_and_no_hole():
    layer = areas([square(-60, -20, -20, 20), square(20, -20, 60, 20), square(30, -5, 40, 5)[::-1]], [1, 2])
    drawing = make_drawing(LayerView("k", layer), None, STYLE)
    down = np.array([0.0, 0.0, -1.0])
    assert drawing.pick(np.array([-40.0, 0.0, 100.0]), down)[0] == 0
    assert drawing.pick(np.array([50.0, 0.0, 100.0]), down)[0] == 1
    assert drawing.pick(np.array([35.0, 0.0, 100.0]), down) is None


def test_a_line_is_a_band_of_its_width_and_can_be_pointed_at():
    layer = LineLayer("way", np.array([[-50.0, 0.0], [50.0, 0.0]]), np.array([0, 2], np.int32), width_m=10.0)
    picture = painted(drawn(layer, TOP))
    rows = picture[:, 120].sum()
    assert rows >= 6
    drawing = make_drawing(LayerView("k", layer), None, STYLE)
    down = np.array([0.0, 0.0, -1.0])
    assert drawing.pick(np.array([10.0, 4.0, 50.0]), down)[0] == 0
    assert drawing.pick(np.array([10.0, 40.0, 50.0]), down) is None


def test_two_lines_are_not_joined():
    points = np.array([[-60.0, 30.0], [-20.0, 30.0], [20.0, 30.0], [60.0, 30.0]])
    layer = LineLayer("ways", points, np.array([0, 2, 4], np.int32), width_m=6.0)
    picture = painted(drawn(layer, TOP))
    assert not picture[:, 116:124].any()


def counts(**more) -> PointLayer:
    places = np.array([[-40.0, 0.0, np.nan], [40.0, 0.0, np.nan]])
    names = np.array(["North bridge", "South bridge"], dtype=np.dtypes.StringDType())
    values = {"count": np.array([10.0, 1000.0]), "name": names}
    return PointLayer("counts", places, attributes=values, **more)


def test_points_are_scaled_by_their_value():
    picture = painted(drawn(counts(size_column="count"), SIDE))
    width = picture.shape[1]
    assert picture[:, width // 2 :].sum() > 2 * picture[:, : width // 2].sum() > 0


def test_labels_of_points_appear_when_wanted():
    layer = counts(label_column="name")
    without = painted(drawn(layer, SIDE, size=(480, 320))).sum()
    assert painted(drawn(layer, SIDE, size=(480, 320), labels=True)).sum() > without + 100


def test_a_ray_meets_the_head_of_a_pin():
    drawing = make_drawing(LayerView("k", counts()), None, STYLE)
    origin = np.array([40.0, -100.0, 1.9 * 3.0])
    assert drawing.pick(origin, np.array([0.0, 1.0, 0.0]))[0] == 1


def test_a_picture_lies_the_right_way_round():
    rgba = np.zeros((20, 20, 4), np.uint8)
    rgba[..., 3] = 255
    rgba[:10, :10, 0] = 255  # the north-west is red
    rgba[10:, 10:, 2] = 255  # the south-east is blue
    corners = np.array([[-50.0, 50.0], [50.0, 50.0], [50.0, -50.0], [-50.0, -50.0]])
    picture = drawn(ImageLayer("map", rgba, corners), TOP)
    height, width = picture.shape[:2]
    north_west = picture[height // 2 - 25, width // 2 - 25]
    south_east = picture[height // 2 + 25, width // 2 + 25]
    assert north_west[0] > 200 and north_west[2] < 60
    assert south_east[2] > 200 and south_east[0] < 60


@pytest.mark.parametrize("kind", ["trees", "areas", "lines", "points"])
def test_an_empty_layer_draws_nothing(kind):
    empty = np.zeros((0, 3))
    layer = {
        "trees": TreeLayer("t", empty, np.zeros(0, np.float32), np.zeros(0, np.float32), np.zeros(0, bool)),
        "areas": areas([], []),
        "lines": LineLayer("l", np.zeros((0, 2)), np.zeros(1, np.int32)),
        "points": PointLayer("p", empty),
    }[kind]
    assert not painted(drawn(layer, TOP)).any()
    assert make_drawing(LayerView("k", layer), None, STYLE).pick(np.array([0, 0, 9.0]), np.array([0, 0, -1.0])) is None
