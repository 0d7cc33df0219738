"""A stage draws a state and touches only what differs from the last one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of, houses, plane
from viewer.city import TreeLayer
from viewer.city.kinds import SurfaceType
from viewer.scene.camera import Pose
from viewer.scene.city_mesh import prepare
from viewer.scene.environment import _between, _thinned
from viewer.scene.state import Colouring, LayerView, SceneState
from viewer.scene.tile_mesh import edge_mesh

TOP = Pose((20.0, 5.0, 5.0), 110.0, 0.0, 80.0)


@pytest.fixture
def three(state_of):
    return state_of(city_of([box(10, 10, 10, x=15 * i) for i in range(3)]))


def at(view, point):
    """The pixel a local point is drawn to, as (3,)."""
    x, y = view.scene.camera.project([point])[0]
    return view.picture()[round(y), round(x)]


def geometry(view):
    """What must stay the same while only colours and heights change."""
    props = view.scene.stage.renderer.GetViewProps()
    actors = [props.GetItemAsObject(i) for i in range(props.GetNumberOfItems())]
    return [(a, a.GetMapper().GetInput().GetMTime()) for a in actors if a.GetVisibility()]


def test_values_colour_buildings_without_new_geometry(camera, three):
    camera.picture(three, TOP)
    before, plain = geometry(camera), at(camera, (5, 5, 10))
    values = Colouring(np.array([0.0, 0.5, np.nan]), palette="cividis", low=0.0, high=1.0)
    camera.picture(replace(three, colouring=values))
    blue, none = at(camera, (5, 5, 10)), at(camera, (35, 5, 10))
    assert geometry(camera) == before
    assert np.abs(blue - plain).max() > 40
    assert blue[2] > blue[0] + 30
    assert none.max() - none.min() < 20


def test_heights_change_without_new_geometry(camera, three, changed):
    camera.picture(three, TOP)
    before = geometry(camera)
    camera.picture(changed(three, lift_m=5.0))
    assert geometry(camera) == before


def test_the_same_state_again_touches_nothing(camera, three):
    camera.picture(three, TOP)
    props = camera.scene.stage.renderer.GetViewProps()
    actors = [props.GetItemAsObject(i) for i in range(props.GetNumberOfItems())]
    before = [(a, a.GetMTime(), a.GetMapper().GetInput().GetMTime()) for a in actors]
    camera.scene.show(three)
    assert [(a, a.GetMTime(), a.GetMapper().GetInput().GetMTime()) for a in actors] == before


def test_selection_and_pointer_are_seen_and_leave_again(camera, three):
    plain = camera.picture(three, TOP)
    here, there = at(camera, (5, 5, 10)), at(camera, (20, 5, 10))
    camera.picture(replace(three, selection=np.array([0], np.int32), hovered=1))
    chosen, pointed = at(camera, (5, 5, 10)), at(camera, (20, 5, 10))
    assert chosen[2] - chosen[0] > here[2] - here[0] + 60
    assert pointed[2] - pointed[0] > there[2] - there[0] + 20
    assert np.abs(camera.picture(three) - plain).max() == 0


def test_the_dark_theme_is_dark_and_light_comes_back(camera, three):
    light = camera.picture(three, TOP)
    dark = camera.picture(replace(three, theme="dark"))
    assert dark.mean() < light.mean() - 60
    assert np.abs(camera.picture(three) - light).max() == 0


def test_the_theme_keeps_heights_and_colours(stage, three, changed):
    wanted = replace(changed(three, lift_m=7.0), colouring=Colouring(np.array([0.0, 0.5, 1.0])), theme="dark")
    switched, fresh = stage(), stage()
    switched.picture(replace(wanted, theme="light"), TOP)
    assert np.abs(switched.picture(wanted) - fresh.picture(wanted, TOP)).max() == 0


def test_faces_outside_the_level_of_detail_are_not_drawn(stage, state_of):
    city = city_of([box(10, 10, 10, x=15 * i) for i in range(3)])
    mask = city.face_feature != 1
    only = stage().picture(state_of(city, lod_faces=mask), TOP)
    without = stage().picture(state_of(city_of([box(10, 10, 10), box(10, 10, 10, x=30)])), TOP)
    all_ = stage().picture(state_of(city), TOP)
    missing = np.abs(all_ - without).mean()
    assert missing > 0.8
    assert np.abs(only - without).mean() < missing / 4


def test_unsealed_ground_turns_green_inside_its_ring_only(camera, state_of):
    squares = [plane(10 * i, 0, 10 * i + 10, 10) for i in range(4)]
    city = city_of([box(4, 4, 4, x=60), *squares], types=["Building", *["LandUse"] * 4])
    state = state_of(city)
    camera.picture(state, Pose((20.0, 5.0, 0.0), 90.0, 0.0, 85.0))
    before = [at(camera, (10 * i + 5, 5, 0)) for i in range(4)]
    ring = np.array([[0.0, 0.0], [20.0, 0.0], [20.0, 10.0], [0.0, 10.0]])
    camera.picture(replace(state, change=replace(state.change, unsealed=((1.0, ring),))))
    after = [at(camera, (10 * i + 5, 5, 0)) for i in range(4)]
    for i in range(4):
        gained = int(after[i][1] - after[i][0]) - int(before[i][1] - before[i][0])
        assert (gained > 10) == (i < 2)


def test_a_layer_is_seen_while_it_is_visible(camera, three):
    plain = camera.picture(three, TOP)
    place, size = np.array([[20.0, -12.0, np.nan]]), np.array([9.0], np.float32)
    layer = LayerView("t", TreeLayer("Trees", place, size, size, np.array([False])))
    shown = camera.picture(replace(three, layers=(layer,)))
    assert (np.abs(shown - plain).max(axis=2) > 30).sum() > 40
    assert np.abs(camera.picture(replace(three, layers=(replace(layer, visible=False),))) - plain).max() == 0


def test_an_outline_is_drawn_and_goes(camera, three):
    plain = camera.picture(three, TOP)
    ring = np.array([[-5.0, -5.0, 0.0], [45.0, -5.0, 0.0], [45.0, 15.0, 0.0], [-5.0, 15.0, 0.0]])
    drawn = camera.picture(replace(three, outline=ring))
    assert (np.abs(drawn - plain).max(axis=2) > 60).sum() > 60
    assert np.abs(camera.picture(three) - plain).max() == 0


def test_new_trees_stand_until_the_scenario_goes(camera, three):
    plain = camera.picture(three, TOP)
    trees = np.array([[5.0 + 4 * i, -8.0, 0.0] for i in range(8)])
    planted = camera.picture(replace(three, change=replace(three.change, trees_local=trees)))
    assert (np.abs(planted - plain).max(axis=2) > 30).sum() > 100
    assert np.abs(camera.picture(three) - plain).max() == 0


def test_closing_gives_everything_back(camera, three):
    camera.picture(three, TOP)
    renderer = camera.scene.stage.renderer
    camera.scene.close()
    assert renderer.GetViewProps().GetNumberOfItems() == 0
    assert not camera.window.HasRenderer(renderer)


def test_another_city_replaces_the_first(stage, three, state_of):
    other = state_of(houses(4))
    used, fresh = stage(), stage()
    used.picture(three, TOP)
    assert np.abs(used.picture(other, TOP) - fresh.picture(other, TOP)).max() == 0


def test_no_city_shows_a_sky(camera):
    picture = camera.picture(SceneState())
    assert picture.mean() > 100


@pytest.mark.parametrize(
    "objects",
    [[], [box(10, 10, 10)], [plane(0, 0, 50, 50)], [[], box(10, 10, 10)]],
    ids=["empty", "one building", "only ground", "an object without geometry"],
)
def test_unusual_cities_are_drawn(camera, state_of, changed, objects):
    types = ["LandUse" if len(o) == 1 else "Building" for o in objects]
    state = state_of(city_of(objects, types=types))
    assert np.isfinite(camera.picture(state)).all()
    picture = camera.picture(changed(replace(state, theme="dark"), lift_m=3.0, exists=True))
    assert picture.max() > picture.min()


def test_buildings_of_unknown_height_stay_where_they_are(camera, three, changed):
    unknown = np.array([np.nan, 0.0, 0.0])
    measures = replace(three.measures, ground_m=unknown, eaves_m=unknown, top_m=unknown)
    state = replace(three, measures=measures)
    before = camera.picture(state, TOP)
    after = camera.picture(changed(state, lift_m=[9.0, 0.0, 0.0]))
    differs = (np.abs(before - after).max(axis=2) > 30).mean()
    assert differs < 0.05


def test_edges_are_drawn_near_by_and_not_from_afar(camera, three):
    camera.picture(three, TOP)
    city = camera.scene.stage.city
    assert any(key[0] == "edges" for key in city.shown_keys())
    camera.scene.stage.aim(replace(TOP, distance=50_000.0))
    assert not any(key[0] == "edges" for key in city.shown_keys())


def test_undersides_are_not_drawn_but_flat_data_is(camera, state_of):
    city = city_of([box(10, 10, 10), plane(20, 0, 30, 10, surface=SurfaceType.GROUND)])
    camera.picture(state_of(city), TOP)
    assert camera.scene.counters().triangles == 10 + 2


def test_arrays_made_beforehand_are_the_ones_drawn(camera, three):
    ready = prepare(three.city, three.lod_faces, three.measures).make()
    camera.picture(three, TOP)
    assert camera.scene.stage.city.arrays is ready


def test_a_thinned_ground_stays_near_its_grid():
    x, y = np.meshgrid(np.linspace(0, 6, 400), np.linspace(0, 4, 300))
    for heights in (np.zeros((300, 400)), 3 * np.sin(x) + y, 40 * np.sin(x * 3)):
        rows, cols = _thinned(heights.astype(np.float32))
        across = _between(heights[np.ix_(rows, cols)], cols, 400)
        assert np.abs(_between(across.T, rows, 300).T - heights).max() < 1.0
    assert len(_thinned(np.zeros((300, 400), np.float32))[1]) < 40


def test_no_edge_is_drawn_within_a_plane_made_of_two_faces(state_of):
    roof = SurfaceType.ROOF
    level = [plane(0, 0, 5, 8, 6.0, roof)[0], plane(5, 0, 9, 8, 6.0, roof)[0]]
    bent = [level[0], (roof, [[(5, 0, 6), (9, 0, 4), (9, 8, 4), (5, 8, 6)]])]
    counts = []
    for faces in (level, bent):
        state = state_of(city_of([faces]))
        arrays = prepare(state.city, None, state.measures)
        counts.append(len(edge_mesh(arrays, arrays.faces(0), 0).cells))
    assert counts == [6, 7]
