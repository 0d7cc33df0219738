"""Pictures without a display."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import box, city_of
from viewer.scene.camera import Pose
from viewer.scene.offscreen import render_to_array
from viewer.scene.state import SceneState


@pytest.fixture
def state(state_of):
    return state_of(city_of([box(10, 10, 10), box(10, 10, 25, x=25)]))


def test_a_picture_has_the_wished_size_and_type(state):
    picture = render_to_array(state, (321, 203))
    assert picture.shape == (203, 321, 3)
    assert picture.dtype == np.uint8
    assert picture.flags["C_CONTIGUOUS"]


def test_the_first_row_is_the_top(state):
    picture = render_to_array(state, (320, 240), camera=Pose((17.0, 5.0, 5.0), 120.0, 0.0, 5.0), full=False)
    sky, ground = picture[2].mean(axis=0), picture[-3].mean(axis=0)
    assert sky[2] - sky[0] > ground[2] - ground[0] + 10


def test_home_and_top_show_the_city_from_different_sides(state):
    home = render_to_array(state, (320, 240), camera="home").astype(int)
    top = render_to_array(state, (320, 240), camera="top").astype(int)
    assert np.abs(home - top).mean() > 3


def test_the_same_state_gives_the_same_picture(state):
    first = render_to_array(state, (160, 120), full=False)
    assert np.array_equal(first, render_to_array(state, (160, 120), full=False))


def test_an_empty_state_is_no_error():
    assert render_to_array(SceneState(), (64, 48)).shape == (48, 64, 3)
