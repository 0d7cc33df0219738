"""Texts in the picture: the most important one is shown where several would overlap; areas show theirs inside."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.city import AreaLayer
from viewer.city.ground import Ground
from viewer.scene.camera import Pose
from viewer.scene.layer_colors import row_colors
from viewer.scene.layers.areas import place_in, polygon_sizes
from viewer.scene.layers.drape import shade_of
from viewer.scene.layers.labels import Labels
from viewer.scene.levels import View
from viewer.scene.palettes import LIGHT
from viewer.scene.state import LayerView

VIEW = View.of(Pose((0.0, 0.0, 0.0), 1000.0, 0.0, 90.0), (800, 600))


def test_of_texts_that_overlap_the_first_is_shown():
    labels = Labels(["one", "two", "three"], np.array([(0.0, 0, 0), (2.0, 0, 0), (300.0, 0, 0)]))
    assert labels.chosen(VIEW).tolist() == [True, False, True]


def test_from_near_there_is_room_for_all():
    near = View.of(Pose((0.0, 0.0, 0.0), 20.0, 0.0, 90.0), (800, 600))
    labels = Labels(["one", "two"], np.array([(0.0, 0, 0), (2.0, 0, 0)]))
    assert labels.chosen(near).all()


def test_texts_behind_the_eye_are_not_shown():
    assert not Labels(["up"], np.array([(0.0, 0, 2000.0)])).chosen(VIEW).any()


def u_shape() -> AreaLayer:
    outer = [(0, 0), (90, 0), (90, 60), (80, 60), (80, 10), (30, 10), (30, 60), (0, 60)]
    square = [(200, 0), (210, 0), (210, 10), (200, 10)]
    return AreaLayer(
        "plan", np.array([*outer, *square], float), np.array([0, 8, 12], np.int32), np.array([0, 1, 2], np.int32),
        np.array([0, 1], np.int32), 2,
        attributes={"use": np.array(["park", "plaza"], np.dtypes.StringDType())}, style_column="use",
        class_colors={"park": "#112233"},
    )  # fmt: skip


def test_a_text_stands_in_the_widest_part_of_its_area():
    x, y = place_in(u_shape(), 0)
    assert (x, y) == (pytest.approx(15.0), pytest.approx(30.0))


def test_sizes_of_areas_are_those_of_their_outer_rings():
    assert polygon_sizes(u_shape()).tolist() == [90 * 60 - 50 * 50, 100]


def test_classes_have_the_colours_their_layer_gives_them():
    colors = row_colors(LayerView("k", u_shape(), column="use"), LIGHT)
    assert colors.rgb[0].tolist() == [0x11, 0x22, 0x33]
    assert colors.legend[0] == ("#112233", "park")
    assert colors.legend[1][1] == "other"


def test_what_lies_on_a_slope_in_the_shade_is_darker():
    y, x = np.mgrid[0:20, 0:20] * 10.0
    towards_light = Ground((0.0, 0.0), 10.0, (0.5 * (y - x)).astype(np.float32))
    away = Ground((0.0, 0.0), 10.0, (0.5 * (x - y)).astype(np.float32))
    middle = np.array([[95.0, 95.0]])
    assert shade_of(middle, away)[0] < 0.9 < shade_of(middle, towards_light)[0]
    assert shade_of(middle, None).tolist() == [1.0]
