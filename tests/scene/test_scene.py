"""A scene: one camera, one or two halves, and questions about pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of
from viewer.city import TreeLayer
from viewer.scene.camera import Pose
from viewer.scene.state import LayerView

POSE = Pose((17.0, 5.0, 5.0), 110.0, 0.0, 35.0)


@pytest.fixture
def pair(state_of):
    return state_of(city_of([box(10, 10, 10), box(10, 10, 20, x=25)]))


def pixel(view, point):
    return view.scene.camera.project([point])[0]


def test_a_pixel_picks_what_it_shows(camera, pair):
    camera.picture(pair, POSE)
    for feature, top in enumerate([(5, 5, 10), (30, 5, 20)]):
        found = camera.scene.pick(*pixel(camera, top))
        assert found.feature == feature
        assert found.position_local == pytest.approx(top, abs=0.6)


def test_picking_follows_heights_and_removals(camera, pair, changed):
    x, y = 0.0, 0.0
    camera.picture(pair, POSE)
    x, y = pixel(camera, (5, 5, 17))
    assert camera.scene.pick(x, y) is None
    camera.scene.show(changed(pair, lift_m=8.0))
    assert camera.scene.pick(x, y).feature == 0
    camera.scene.show(changed(pair, lift_m=8.0, exists=[False, True]))
    assert camera.scene.pick(x, y) is None


def test_the_point_under_a_pixel_lies_on_the_city_or_the_ground(camera, pair):
    camera.picture(pair, POSE)
    assert camera.scene.world_at(*pixel(camera, (5, 5, 10)))[2] == pytest.approx(10.0, abs=0.1)
    assert camera.scene.world_at(*pixel(camera, (17, -8, 0)))[2] == pytest.approx(0.0, abs=0.5)


def test_a_polygon_on_the_screen_selects_what_it_encloses(camera, pair, changed):
    camera.picture(pair, POSE)
    x, y = pixel(camera, (5, 5, 5))
    around = [(x - 40, y - 40), (x + 30, y - 40), (x + 30, y + 40), (x - 40, y + 40)]
    everything = [(0, 0), (320, 0), (320, 240), (0, 240)]
    assert camera.scene.pick_area(around).tolist() == [0]
    assert camera.scene.pick_area(everything).tolist() == [0, 1]
    camera.scene.show(changed(pair, exists=[False, True]))
    assert camera.scene.pick_area(everything).tolist() == [1]
    assert camera.scene.pick_area([]).tolist() == []


def test_the_split_view_shows_two_states_from_one_camera(camera, pair, changed):
    left, right = pair, changed(pair, exists=False)
    camera.scene.show_split(left, right)
    camera.scene.camera.set_pose(POSE)
    picture = camera.picture()
    half = picture.shape[1] // 2
    red = [(p[..., 0] - p[..., 2] > 15).sum() + (np.abs(p - p[-1, 0]).max(axis=2) > 60).sum()
           for p in (picture[120:, : half - 2], picture[120:, half + 2 :])]  # fmt: skip
    assert red[0] > red[1] + 200
    found = camera.scene.pick(*pixel(camera, (5, 5, 10)))
    assert found.feature == 0
    x, y = pixel(camera, (5, 5, 10))
    assert camera.scene.pick(x + half, y) is None


def test_leaving_the_split_view_gives_the_whole_picture_back(stage, pair, changed):
    used, fresh = stage(), stage()
    used.scene.show_split(pair, changed(pair, lift_m=5.0))
    used.picture()
    assert np.abs(used.picture(pair, POSE) - fresh.picture(pair, POSE)).max() == 0
    assert used.window.GetRenderers().GetNumberOfItems() == 1


def test_the_first_city_is_shown_whole(camera, pair):
    camera.picture(pair)
    pixels = camera.scene.camera.project([(0, 0, 0), (35, 10, 20), (35, 0, 0), (0, 10, 10)])
    assert (pixels > 0).all()
    assert (pixels < (320, 240)).all()


def test_the_camera_stays_when_only_the_scenario_changes(camera, pair, changed):
    camera.picture(pair, POSE)
    before = camera.scene.camera.pose
    camera.picture(changed(pair, lift_m=5.0))
    assert camera.scene.camera.pose == before


def test_huge_coordinates_do_not_shake_the_picture(stage, state_of):
    objects = [box(10, 10, 10), box(10, 10, 20, x=25)]
    near = state_of(city_of(objects))
    far = state_of(city_of([[(s, np.add(r, (565e3, 5934e3, 0)).tolist()) for s, r in faces] for faces in objects],
                           origin=(565e3, 5934e3, 0.0)))  # fmt: skip
    assert np.abs(stage().picture(near, POSE) - stage().picture(far, POSE)).mean() < 0.5


def test_soft_shade_darkens_the_foot_of_a_wall_only(camera, pair):
    camera.scene.set_quality(False)
    plain = camera.picture(pair, POSE)
    camera.scene.set_quality(True)
    shaded = camera.picture()
    x, y = np.round(pixel(camera, (5, -0.7, 0))).astype(int)
    assert plain[y, x].mean() > shaded[y, x].mean() + 4
    x, y = np.round(pixel(camera, (-12, -12, 0))).astype(int)
    assert np.abs(plain[y, x] - shaded[y, x]).max() <= 4
    camera.scene.set_quality(False)
    assert np.abs(camera.picture() - plain).max() <= 1


def test_visible_layers_are_named_once(camera, pair):
    places = np.array([[17.0, -5.0, np.nan]])
    size = np.array([6.0], np.float32)

    def view(key, by, visible=True):
        layer = TreeLayer(key, places, size, size, np.array([False]), attribution=by)
        return LayerView(key, layer, visible=visible)

    layers = (view("a", "City of A"), view("b", "City of A"), view("c", "City of C", visible=False), view("d", ""))
    camera.scene.show(replace(pair, layers=layers))
    assert camera.scene.attributions() == ("City of A",)
    camera.scene.show(pair)
    assert camera.scene.attributions() == ()


def test_the_box_of_a_building_is_told(camera, pair):
    camera.scene.show(pair)
    low, high = camera.scene.box_of([1])
    assert (low.tolist(), high.tolist()) == ([25, 0, 0], [35, 10, 20])
    assert camera.scene.box_of([]) is None
