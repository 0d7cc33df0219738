"""The camera never ends upside down, underground or lost, and keeps what the hand holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from viewer.city.ground import Ground
from viewer.scene.camera import EYE_HEIGHT_M, TILT_RANGE, WALK_TILT_RANGE, CameraController, Pose, pose_between

LOW, HIGH = np.array([0.0, 0.0, 0.0]), np.array([900.0, 700.0, 60.0])
FEW = settings(max_examples=60, deadline=None)


def number(low, high):
    return st.floats(low, high, allow_nan=False)


def hills() -> Ground:
    """Relief of 60 m around the test city."""
    y, x = np.mgrid[0:40, 0:40]
    return Ground((-600.0, -600.0), 50.0, (30 + 30 * np.sin(x / 5) * np.cos(y / 7)).astype(np.float32))


def controller(ground=None, size=(1280, 800)) -> CameraController:
    made = CameraController()
    made.size = size
    made.reduced_motion = True
    made.set_world(LOW, HIGH, ground)
    made.home()
    return made


far = number(-1e7, 1e7)
point = st.tuples(far, far, number(-1e4, 1e4))
turn = number(-720, 720)
MOVES = st.one_of(
    st.tuples(st.just("orbit"), turn, turn, st.none() | point),
    st.tuples(st.just("pan"), number(-5000, 5000), number(-5000, 5000), st.none() | point),
    st.tuples(st.just("zoom"), number(0, 1e6), st.none() | point),
    st.tuples(st.just("set_walking"), st.booleans(), st.none() | point),
    st.tuples(st.just("walk_by"), number(-1e5, 1e5), number(-1e5, 1e5)),
    st.tuples(st.just("look"), turn, turn),
    st.tuples(st.just("fly_to"), point, point),
    st.tuples(st.just("set_pose"), st.builds(Pose, point, number(-10, 1e8), turn, turn, number(0, 400))),
    st.tuples(st.sampled_from(["home", "top", "north", "finish"])),
    st.tuples(st.just("step"), number(0, 2)),
)


@FEW
@given(st.lists(MOVES, max_size=12), st.booleans(), st.booleans())
def test_no_sequence_of_movements_leads_upside_down_underground_or_away(moves, hilly, reduced):
    camera = controller(hills() if hilly else None)
    camera.reduced_motion = reduced
    reach = camera.span * 1.2 + 100.0 + 1e-6
    for name, *rest in moves:
        getattr(camera, name)(*rest)
        pose, eye = camera.pose, camera.pose.position
        assert np.isfinite([*pose.target, pose.distance, pose.heading_deg, pose.tilt_deg, *eye]).all()
        assert WALK_TILT_RANGE[0] <= pose.tilt_deg <= TILT_RANGE[1]
        if not camera.walking and not camera.flying:
            assert pose.tilt_deg >= TILT_RANGE[0] or name in ("step", "set_walking")
        assert np.abs(np.asarray(pose.target)[:2] - ((LOW + HIGH) / 2)[:2]).max() <= reach
        assert eye[2] >= camera.ground_at(eye[0], eye[1]) + EYE_HEIGHT_M - 1e-4


@FEW
@given(
    x=number(250, 650), y=number(150, 550), distance=number(150, 1500), heading=number(0, 360), tilt=number(30, 75),
    turned=number(-180, 180), tilted=number(-40, 40),
)  # fmt: skip
def test_orbiting_keeps_the_pivot_where_it_is_in_the_picture(x, y, distance, heading, tilt, turned, tilted):
    assume(22 <= tilt + tilted <= 85)
    camera = controller()
    camera.set_pose(Pose((450.0, 350.0, 0.0), distance, heading, tilt))
    pivot = np.array([x, y, 0.0])
    before = camera.project(pivot)[0]
    assume(np.isfinite(before).all() and (before > 0).all() and (before < camera.size).all())
    camera.orbit(turned, tilted, about=pivot)
    off = camera.pose.heading_deg - heading - turned
    assert (off + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1e-6)
    assert np.abs(camera.project(pivot)[0] - before).max() < 1.0


@FEW
@given(
    px=number(100, 1180), py=number(100, 700), height=number(0, 40), distance=number(200, 1200),
    tilt=number(30, 80), factor=number(0.7, 4),
)  # fmt: skip
def test_zooming_keeps_the_point_under_the_pointer(px, py, height, distance, tilt, factor):
    camera = controller()
    camera.set_pose(Pose((450.0, 350.0, 0.0), distance, 20.0, tilt))
    origin, direction = camera.ray(px, py)
    at = origin + direction * (height - origin[2]) / direction[2]
    before = camera.pose.position
    camera.zoom(factor, at)
    assert np.abs(camera.project(at)[0] - (px + 0.5, py + 0.5)).max() < 1.0
    assert np.linalg.norm(camera.pose.position - at) == pytest.approx(np.linalg.norm(before - at) / factor, rel=1e-6)


def test_panning_takes_the_grabbed_point_along_when_looking_straight_down():
    camera = controller()
    camera.set_pose(Pose((450.0, 350.0, 0.0), 600.0, 0.0, 89.9))
    at = np.array([400.0, 300.0, 0.0])
    before = camera.project(at)[0]
    camera.pan(60.0, -35.0, at)
    assert np.abs(camera.project(at)[0] - before - (60.0, -35.0)).max() < 0.5


@FEW
@given(
    size=st.tuples(st.integers(200, 4000), st.integers(200, 4000)), east=number(5, 30_000), north=number(5, 30_000),
    tall=number(0, 400),
)  # fmt: skip
@example(size=(200, 200), east=5.0, north=5.0, tall=245.0)  # a mast
def test_home_and_top_show_every_corner_of_the_city(size, east, north, tall):
    camera = CameraController()
    camera.reduced_motion = True
    camera.size = size
    low, high = np.array([-100.0, 50.0, 12.0]), np.array([-100.0 + east, 50.0 + north, 12.0 + tall])
    camera.set_world(low, high)
    corners = [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    camera.home()
    for pose in (camera.pose, camera.top_pose()):
        camera.set_pose(pose)
        seen = camera.project(corners)
        assert np.isfinite(seen).all()
        assert (seen >= -0.5).all() and (seen <= np.array(size) + 0.5).all()
        near, far = camera.clipping_range()
        depth = (np.array(corners) - camera.pose.position) @ camera.pose.forward
        assert 0 < near < depth.min() and depth.max() < far


def test_home_after_walking_shows_the_city_as_home_before():
    camera = controller()
    home = camera.pose
    camera.set_walking(True)
    assert camera.pose.view_angle_deg != home.view_angle_deg
    camera.home()
    assert camera.pose == home


def test_a_flight_arrives_exactly_and_says_so():
    camera = controller()
    camera.reduced_motion = False
    goal = Pose((300.0, 200.0, 10.0), 150.0, 300.0, 50.0)
    camera.fly_to_pose(goal, seconds=1.0)
    assert camera.flying and camera.pose != goal
    steps = [camera.step(0.3) for _ in range(4)]
    assert steps == [True, True, True, False]
    assert camera.pose == goal and not camera.flying
    assert camera.step(0.1) is False


def test_with_reduced_motion_the_camera_jumps():
    camera = controller()
    goal = Pose((300.0, 200.0, 10.0), 150.0, 300.0, 50.0)
    camera.fly_to_pose(goal)
    assert camera.pose == goal and not camera.flying


@pytest.mark.parametrize(("start", "end", "middle"), [(350, 10, 0), (10, 350, 0), (90, 200, 145), (0, 170, 85)])
def test_flights_turn_the_short_way_round(start, end, middle):
    camera = controller()
    camera.set_pose(Pose((450.0, 350.0, 0.0), 500.0, start, 45.0))
    camera.reduced_motion = False
    camera.fly_to_pose(replace(camera.pose, heading_deg=end), seconds=2.0)
    camera.step(1.0)
    assert (camera.pose.heading_deg - middle + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


def test_stepping_down_to_walk_is_a_flight_without_a_jump():
    camera = controller(hills())
    camera.reduced_motion = False
    start = camera.pose.position
    camera.set_walking(True, (300.0, 200.0, 0.0))
    camera.step(0.02)
    assert np.linalg.norm(camera.pose.position - start) < 0.1 * np.linalg.norm(start)
    while camera.step(0.05):
        pass
    eye = camera.pose.position
    assert eye[2] == pytest.approx(camera.ground_at(eye[0], eye[1]) + EYE_HEIGHT_M)
    assert eye[:2] == pytest.approx([300.0, 200.0], abs=1e-6)


def test_walking_stays_at_eye_level_over_hills_and_returns_to_where_one_came_from():
    camera = controller(hills())
    before = camera.pose
    camera.set_walking(True, (300.0, 200.0, 0.0))
    for _ in range(20):
        camera.walk_by(12.0, 3.0)
        eye = camera.pose.position
        assert eye[2] == pytest.approx(camera.ground_at(eye[0], eye[1]) + EYE_HEIGHT_M)
    camera.set_walking(False)
    assert camera.pose == before


def test_looking_around_keeps_the_eye():
    camera = controller()
    camera.set_walking(True, (300.0, 200.0, 0.0))
    eye = camera.pose.position
    camera.look(70.0, -20.0)
    assert camera.pose.position == pytest.approx(eye)
    assert camera.pose.tilt_deg == -20.0


def test_numbers_that_are_none_change_nothing():
    camera = controller()
    before = camera.pose
    camera.pan(np.nan, 0.0)
    camera.orbit(np.nan, 0.0)
    camera.zoom(np.nan)
    for bad in (np.nan, np.inf):
        camera.set_pose(replace(before, distance=bad))
    assert camera.pose == before


@FEW
@given(px=number(0, 1279), py=number(0, 799), depth=number(5, 2000))
def test_a_pixel_becomes_a_ray_and_its_points_that_pixel_again(px, py, depth):
    camera = controller()
    origin, direction = camera.ray(px, py)
    assert camera.project(origin + direction * depth)[0] == pytest.approx((px + 0.5, py + 0.5), abs=1e-6)


def test_points_behind_the_eye_have_no_pixel():
    camera = controller()
    assert np.isnan(camera.project(camera.pose.position - camera.pose.forward)).all()


def test_ground_under_a_pixel_lies_on_the_ground_and_the_sky_has_none():
    camera = controller(hills())
    camera.set_pose(Pose((450.0, 350.0, 30.0), 400.0, 0.0, 60.0))
    spot = camera.ground_under(700, 300)
    assert spot is not None
    assert spot[2] == pytest.approx(camera.ground_at(spot[0], spot[1]), abs=0.5)
    camera.set_pose(Pose((450.0, 350.0, 30.0), 400.0, 0.0, 2.0))
    assert camera.ground_under(640, 5) is None


@FEW
@given(number(-80, 80), number(0, 359), number(5, 5000))
def test_a_pose_between_two_points_is_the_pose_they_came_from(tilt, heading, distance):
    pose = Pose((10.0, -20.0, 5.0), distance, heading, tilt)
    again = pose_between(pose.position, pose.target)
    assert again.distance == pytest.approx(distance)
    assert again.forward == pytest.approx(pose.forward, abs=1e-6)


def test_a_pixel_is_as_large_in_the_middle_as_the_camera_says():
    camera = controller()
    camera.set_pose(Pose((450.0, 350.0, 0.0), 600.0, 0.0, 89.9))
    ends = camera.project([[450.0, 350.0, 0.0], [550.0, 350.0, 0.0]])
    assert 100.0 / (ends[1, 0] - ends[0, 0]) == pytest.approx(camera.metres_per_pixel(), rel=1e-6)
