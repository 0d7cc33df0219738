"""The vertex shader moves the city as ``viewer.scenario.change`` says: pictures compared with NumPy-moved cities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of, gable_house
from viewer.city.arrange import arrange
from viewer.scenario.apply import changed_positions
from viewer.scene.camera import Pose

POSE = Pose((20.0, 4.0, 5.0), 90.0, 28.0, 30.0)


@pytest.fixture
def quarter():
    return city_of(
        [
            gable_house(12, 8, 6, 9),
            gable_house(12, 8, 6, 9, origin=(18, 0, 1.5)),
            box(10, 8, 14, x=36),
        ]
    )


def rows_of_city(picture, empty):
    """Rows in which the city changes the picture."""
    return int((np.abs(picture - empty).max(axis=2) > 12).any(axis=1).sum())


@pytest.mark.parametrize(
    ("lift", "factor"),
    [(6.0, 1.0), (-2.5, 1.0), (0.0, 1.7), (0.0, 0.6), (4.0, 1.3), ([3.0, 0.0, 9.0], [1.0, 1.8, 0.7])],
)
def test_the_shader_draws_what_numpy_moves(quarter, stage, state_of, changed, lift, factor):
    state = changed(state_of(quarter), lift_m=lift, factor=factor)
    moved = replace(
        quarter, positions_local=changed_positions(quarter, state.measures, state.change).astype(np.float32)
    )
    same = state_of(moved)
    shader = stage().picture(state, POSE)
    twin = stage().picture(replace(same, ground=state.ground), POSE)
    unmoved = stage().picture(state_of(quarter), POSE)
    # walls keep the soft shade of their feet by the heights of the data, so tones may differ a little
    assert np.abs(shader - twin).mean() < 1.0
    assert (np.abs(shader - twin).max(axis=2) > 40).mean() < 0.002
    assert np.abs(shader - unmoved).mean() > 2.0


def test_a_raised_building_covers_more_rows(camera, state_of, changed):
    state = state_of(city_of([box(10, 10, 10)]))
    pose = Pose((5.0, 5.0, 10.0), 90.0, 0.0, 10.0)
    empty = camera.picture(changed(state, exists=False), pose)
    low = rows_of_city(camera.picture(state), empty)
    high = rows_of_city(camera.picture(changed(state, lift_m=10.0)), empty)
    assert high > low * 1.6


def test_a_removed_building_leaves_no_trace(camera, state_of, changed):
    both = state_of(city_of([box(10, 10, 10), box(10, 10, 10, x=25)]))
    pose = Pose((17.0, 5.0, 5.0), 90.0, 0.0, 20.0)
    nothing = camera.picture(changed(both, exists=False), pose)
    one = camera.picture(changed(both, exists=[True, False]))
    differs = (np.abs(one - nothing).max(axis=2) > 12).any(axis=0)
    assert differs[:160].any()
    assert not differs[170:].any()


def test_planned_buildings_are_hidden_in_the_baseline(camera, state_of):
    city = city_of([box(10, 10, 10), box(10, 10, 10, x=25)], attributes={"conditionOfConstruction": ["", "planned"]})
    state = state_of(city)
    pose = Pose((17.0, 5.0, 5.0), 90.0, 0.0, 20.0)
    baseline = camera.picture(state, pose)
    built = camera.picture(replace(state, change=replace(state.change, exists=np.array([True, True]))))
    differs = (np.abs(built - baseline).max(axis=2) > 12).any(axis=0)
    assert differs[170:].any()
    assert not differs[:150].any()


def greenness(picture):
    """Share of pixels that are green."""
    r, g, b = picture[..., 0], picture[..., 1], picture[..., 2]
    return float(((g > r + 8) & (g > b + 8)).mean())


def test_more_green_roofs_make_more_green_pixels(camera, state_of, changed):
    city = city_of([box(10, 10, 8, x=14 * i, y=14 * j) for i in range(4) for j in range(4)])
    state = state_of(city)
    pose = Pose((26.0, 26.0, 8.0), 130.0, 0.0, 80.0)
    shares = [greenness(camera.picture(changed(state, green_roof_share=s), pose)) for s in (0.0, 0.5, 1.0)]
    assert shares[0] == pytest.approx(0.0, abs=1e-3)
    assert shares[1] == pytest.approx(shares[2] / 2, rel=0.2)
    assert shares[2] > 0.1


def test_pitched_roofs_never_turn_green(camera, state_of, changed):
    state = state_of(city_of([gable_house(12, 8, 6, 9)]))
    pose = Pose((6.0, 4.0, 6.0), 60.0, 0.0, 70.0)
    assert greenness(camera.picture(changed(state, green_roof_share=1.0), pose)) < 1e-3


def test_heights_follow_far_from_the_origin(camera, state_of, changed):
    city = city_of([box(10, 10, 10, x=40_000, y=30_000)])
    state = state_of(city)
    pose = Pose((40_005.0, 30_005.0, 10.0), 90.0, 0.0, 10.0)
    empty = camera.picture(changed(state, exists=False), pose)
    low = rows_of_city(camera.picture(state), empty)
    high = rows_of_city(camera.picture(changed(state, factor=2.0)), empty)
    assert low > 5
    assert high > low * 1.6


@pytest.mark.parametrize("lift", [0.0, 4.0, [0.0, 9.0]])
def test_blocks_stand_where_the_houses_stand(stage, state_of, changed, lift):
    state = changed(state_of(city_of([box(10, 10, 12), box(8, 6, 5, x=20)])), lift_m=lift)
    pose = Pose((14.0, 5.0, 5.0), 80.0, 28.0, 30.0)
    full, coarse = stage(), stage()
    still = full.picture(state, pose)
    coarse.scene.show(state)
    coarse.scene.stage.city.tree.refuse(0)
    blocks = coarse.picture(pose=pose)
    assert (full.scene.counters().houses, coarse.scene.counters().blocks) == (1, 1)
    assert np.abs(still - blocks).mean() < 3.0


@pytest.mark.parametrize(("lift", "factor"), [(0.0, 1.0), (25.0, 1.0), (0.0, 2.5)])
def test_masses_rise_as_their_houses_do(stage, state_of, changed, lift, factor):
    """Two quarters far from each other, seen from where each is some pixels: drawn as masses, and in full."""
    city = arrange(
        city_of([box(20, 20, 30, x=x + 25 * i, y=25 * j) for x in (0, 2500) for i in range(5) for j in range(5)])
    )
    state = changed(state_of(city), lift_m=lift, factor=factor)
    pose = Pose((1300.0, 60.0, 20.0), 6000.0, 0.0, 8.0)
    full, coarse = stage(), stage()
    houses = full.picture(state, pose)
    coarse.scene.show(state)
    coarse.scene.stage.city.tree.error_m[:] = 0.0
    masses = coarse.picture(pose=pose)
    assert coarse.scene.counters().masses == 1 and full.scene.counters().masses == 0
    empty = stage().picture(changed(state, exists=False), pose)
    rows = [rows_of_city(picture, empty) for picture in (houses, masses)]
    assert abs(rows[0] - rows[1]) <= 2 and rows[0] > 2
