"""The cut through the tree of levels: complete, within budgets, steady, and never with a hole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import box, city_of
from viewer.city.arrange import arrange
from viewer.city.measures import measure
from viewer.scene.camera import Pose
from viewer.scene.city_mesh import CityArrays
from viewer.scene.levels import AROUND, BLOCKS, HOUSES, MASSES, LevelTree, Limits, View

SIZE = (640, 400)


def town(side=24, step=140.0):
    """Boxes over some hundred tiles, closer together in one corner."""
    places = [(step * i, step * j) for i in range(side) for j in range(side)]
    places += [(12.0 * i, 12.0 * j) for i in range(20) for j in range(20)]
    return arrange(city_of([box(9, 9, 8 + k % 7, x=x, y=y) for k, (x, y) in enumerate(places)]))


@pytest.fixture(scope="module")
def arrays():
    city = town()
    return CityArrays.of(city, None, measure(city, None)).make()


@pytest.fixture
def tree(arrays):
    return LevelTree.of(arrays)


def views(pose):
    return View.of(pose, SIZE), View.of(pose, SIZE, AROUND)


def choose(tree, pose, limits, ready=None, refined=None):
    everything = np.ones(len(tree), bool)
    none = np.zeros(len(tree), bool)
    return tree.choose(
        *views(pose), everything if ready is None else ready, none if refined is None else refined, limits
    )


def covered(tree, arrays, drawn):
    """(B,) how many drawn nodes stand for each tile."""
    quadtree, count = arrays.tiles.quadtree, np.zeros(len(arrays.tiles), int)
    for node in drawn.tolist():
        if tree.kind[node] == HOUSES:
            count[tree.tile[node]] += 1
        else:
            count[quadtree.tile_start[node] : quadtree.tile_end[node]] += 1
    return count


def in_view(tree, arrays, pose):
    return views(pose)[0].sees(arrays.tiles.low, arrays.tiles.high)


FAR = Pose((1600.0, 1600.0, 5.0), 9000.0, 20.0, 40.0)
NEAR = Pose((100.0, 100.0, 5.0), 220.0, 60.0, 25.0)
poses = st.builds(
    Pose,
    target=st.tuples(st.floats(-500, 4000), st.floats(-500, 4000), st.just(5.0)),
    distance=st.floats(60, 20_000),
    heading_deg=st.floats(0, 360),
    tilt_deg=st.floats(3, 89),
)


def test_near_by_houses_are_drawn_and_from_afar_masses(tree):
    near, far = choose(tree, NEAR, Limits()), choose(tree, FAR, Limits(error_px=4.0))
    assert (tree.kind[near.drawn] == HOUSES).all() and len(near.drawn)
    assert MASSES in tree.kind[far.drawn]
    assert near.complete and far.complete


@settings(max_examples=60, deadline=None)
@given(pose=poses, work=st.floats(3000, 300_000), error=st.floats(0.5, 8), seed=st.integers(0, 2**32 - 1))
def test_every_tile_in_view_is_drawn_once_whatever_is_ready(arrays, pose, work, error, seed):
    tree = LevelTree.of(arrays)
    ready = np.random.default_rng(seed).random(len(tree)) < 0.5
    ready[0] = True
    choice = choose(tree, pose, Limits(work, error_px=error), ready)
    assert ready[choice.drawn].all()
    seen = in_view(tree, arrays, pose)
    count = covered(tree, arrays, choice.drawn)
    assert (count[seen] == 1).all(), "a hole, or a tile drawn twice"
    assert (count[~seen] <= 1).all()


@settings(max_examples=60, deadline=None)
@given(pose=poses, work=st.floats(3000, 300_000), memory=st.floats(50_000, 3_000_000))
def test_work_and_memory_stay_within_their_limits(arrays, pose, work, memory):
    tree = LevelTree.of(arrays)
    choice = choose(tree, pose, Limits(work, memory))
    if choice.refined.any():
        assert tree.work[choice.drawn].sum() <= work
        assert tree.card_bytes[choice.drawn].sum() <= memory


def test_no_limits_leave_only_errors_below_a_pixel(tree):
    choice = choose(tree, FAR, Limits(error_px=1.0))
    error = tree.error_m * views(FAR)[0].pixels_per_m(tree.low, tree.high)
    assert error[choice.drawn].max() <= 1.0 and not choice.limited
    assert choose(tree, FAR, Limits(work=3000.0)).limited


def test_what_is_refined_stays_so_until_it_is_clearly_smaller(tree):
    """Moving back and forth a little changes nothing, in whichever level one arrived."""
    limits, refined, drawn = Limits(error_px=2.0), None, []
    for distance in (4000.0, 4200.0, 4000.0, 4200.0, 4000.0):
        choice = choose(tree, replace(FAR, distance=distance), limits, refined=refined)
        refined = choice.refined
        drawn.append(choice.drawn.tolist())
    assert drawn[1] == drawn[2] == drawn[3] == drawn[4]


def test_what_is_needed_is_asked_for_coarse_parts_first(tree):
    ready = np.zeros(len(tree), bool)
    ready[0] = True
    choice = choose(tree, NEAR, Limits(), ready)
    assert choice.drawn.tolist() == [0] and not choice.complete
    assert set(choice.needed) <= set(choice.wanted)
    place = {node: k for k, node in enumerate(choice.wanted.tolist())}
    visible = views(NEAR)[0].sees(tree.low, tree.high)
    for node, k in place.items():
        parent = int(tree.parent[node])
        if parent in place and visible[parent] == visible[node]:
            assert place[parent] < k


def test_loading_step_by_step_only_ever_becomes_finer(tree, arrays):
    ready = np.zeros(len(tree), bool)
    ready[0] = True
    finest = np.zeros(len(arrays.tiles), int)
    for _ in range(len(tree)):
        choice = choose(tree, NEAR, Limits(), ready)
        level = np.full(len(arrays.tiles), -1)
        for node in choice.drawn.tolist():
            own = slice(tree.tile[node], tree.tile[node] + 1) if tree.kind[node] != MASSES else slice(
                arrays.tiles.quadtree.tile_start[node], arrays.tiles.quadtree.tile_end[node])  # fmt: skip
            level[own] = 100 if tree.kind[node] == HOUSES else 50 if tree.kind[node] == BLOCKS else node.bit_length()
        seen = in_view(tree, arrays, NEAR)
        assert (level[seen] >= finest[seen]).all()
        finest = np.maximum(finest, level)
        if choice.complete:
            break
        ready[choice.wanted[0]] = True
    assert choice.complete and (tree.kind[choice.drawn] == HOUSES).all()


def test_a_refused_tile_stays_coarse_and_the_picture_is_complete(tree, arrays):
    pose = Pose((1000.0, 1000.0, 5.0), 1200.0, 60.0, 40.0)
    before = choose(tree, pose, Limits())
    assert (tree.kind[before.drawn] == HOUSES).all() and len(before.drawn) > 1
    tile = int(tree.tile[before.drawn[0]])
    tree.refuse(tile)
    after = choose(tree, pose, Limits())
    kinds = {int(tree.tile[n]): int(tree.kind[n]) for n in after.drawn.tolist()}
    assert after.complete and kinds.pop(tile) == BLOCKS and set(kinds.values()) == {HOUSES}


def test_raised_houses_are_not_lost_at_the_edge_of_the_picture(tree):
    above = Pose((100.0, 100.0, 60.0), 50.0, 0.0, -25.0)
    ready, none = np.ones(len(tree), bool), np.zeros(len(tree), bool)
    assert not len(tree.choose(*views(above), ready, none, Limits()).drawn)
    assert len(tree.choose(*views(above), ready, none, Limits(), rise_m=500.0).drawn)


def test_a_city_without_houses_has_nothing_to_draw():
    city = arrange(city_of([]))
    tree = LevelTree.of(CityArrays.of(city, None, measure(city, None)))
    choice = choose(tree, FAR, Limits()) if len(tree) else None
    assert choice is None or not len(choice.drawn)
