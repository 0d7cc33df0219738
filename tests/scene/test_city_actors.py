"""A city of many tiles in a scene: no holes on a flight, budgets kept, damaged tiles coarse, no geometry in ticks."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of, gable_house
from viewer.city.arrange import arrange
from viewer.scene.camera import Pose
from viewer.scene.levels import BLOCKS, HOUSES
from viewer.scene.loader import Loader
from viewer.scene.offscreen import grab, offscreen_window
from viewer.scene.scene import CityScene
from viewer.scene.state import Colouring

SIZE = (320, 200)
NEAR = Pose((4000.0, 4000.0, 10.0), 900.0, 30.0, 25.0)


@pytest.fixture(scope="module")
def town():
    """Four hundred houses over a hundred tiles."""
    return arrange(
        city_of(
            [
                gable_house(60, 40, 20 + (i * j) % 9, 32, origin=(500.0 * i, 500.0 * j, 0.0))
                for i in range(20)
                for j in range(20)
            ]
        )
    )


@pytest.fixture
def open_scene(monkeypatch):
    """A scene as a window has it: what is missing comes from threads."""
    monkeypatch.setattr("viewer.scene.city_actors.AT_ONCE_TRIANGLES", 0)
    made = []

    def make(state, *, background=True, **more):
        window = offscreen_window(SIZE)
        scene = CityScene(window, background=background, **more)
        made.append((scene, window))
        scene.show(state)
        return scene

    yield make
    for scene, window in made:
        scene.close()
        window.Finalize()


def settle(scene, seconds=20.0):
    """Draw until nothing more comes."""
    end = time.monotonic() + seconds
    scene.render()
    while scene.busy:
        assert time.monotonic() < end, "the picture is never finished"
        time.sleep(0.001)
        scene.render()


def flight(frames):
    for k in range(frames):
        share = k / frames
        distance = 9000.0 * np.exp(-np.log(60.0) * np.sin(np.pi * share) ** 2)
        yield Pose((3000 + 4000 * share, 5000.0, 10.0), float(distance), 300 * share, 50 - 35 * np.sin(np.pi * share))


def coverage(city):
    """(B,) how many visible actors stand for each tile."""
    tree, quadtree = city.tree, city.arrays.tiles.quadtree
    count = np.zeros(len(city.arrays.tiles), int)
    for kind, node in city.shown_keys():
        if kind != "node":
            continue
        if tree.kind[node] == HOUSES:
            count[tree.tile[node]] += 1
        else:
            count[quadtree.tile_start[node] : quadtree.tile_end[node]] += 1
    return count


def test_a_flight_has_no_holes_and_nothing_is_drawn_twice(open_scene, state_of, town):
    scene = open_scene(state_of(town))
    scene.moving(True)
    kinds = set()
    for pose in flight(60):
        scene.camera.set_pose(pose)
        scene.render()
        city = scene.stage.city
        kinds |= {int(city.tree.kind[n]) for kind, n in city.shown_keys() if kind == "node"}
        count = coverage(city)
        x, y = scene.camera.project((city.arrays.tiles.low + city.arrays.tiles.high) / 2).T
        seen = (x > 0) & (x < SIZE[0]) & (y > 0) & (y < SIZE[1])
        assert (count[seen] == 1).all()
        assert count.max() <= 1
    assert len(kinds) > 1, "the flight met more than one level"


def test_at_rest_the_picture_is_the_one_made_at_once(open_scene, state_of, town):
    state, pose = state_of(town), NEAR
    pictures = []
    for background in (True, False):
        scene = open_scene(state, background=background)
        scene.camera.set_pose(pose)
        settle(scene)
        assert not scene.counters().waiting
        pictures.append(grab(scene._window).astype(int))
    assert np.abs(pictures[0] - pictures[1]).max() == 0


def test_finishing_waits_for_everything_in_view(open_scene, state_of, town):
    scene = open_scene(state_of(town))
    scene.camera.set_pose(NEAR)
    scene.finish()
    scene.render()
    assert scene.counters().houses > 1 and scene.stage.city.choice.complete
    settle(scene, 2.0)


def test_a_picture_hands_over_no_more_than_its_share(open_scene, state_of, town, monkeypatch):
    monkeypatch.setattr("viewer.scene.scene.RESTING_UPLOAD", 4000)
    scene = open_scene(state_of(town))
    scene.camera.set_pose(NEAR)
    scene.render()
    handed, limits = [], []
    city = scene.stage.city
    for _ in range(2000):
        if not scene.busy:
            break
        time.sleep(0.001)
        limits.append(max(4000, sum(n.card_bytes for n in city._nodes.values() if n.seen)))
        scene.render()
        handed.append(scene.counters().uploaded_bytes)
    biggest = max(node.card_bytes for node in city._nodes.values())
    assert max(handed) > 0 and (np.array(handed) < np.array(limits) + biggest).all(), "as much again as is shown"
    assert scene.counters().houses > 1


def test_smooth_edges_come_with_the_last_picture_where_there_is_no_card(open_scene, state_of, town):
    scene = open_scene(state_of(town))
    smooth = []
    scene.camera.set_pose(NEAR)
    scene.render()
    if scene._fast:
        pytest.skip("there is a graphics card, which smooths every picture")
    while scene.busy:
        time.sleep(0.001)
        scene.render()
        smooth.append(bool(scene.stage.renderer.GetUseFXAA()))
    assert smooth[-1] and not any(smooth[:-1]) and len(smooth) > 1
    scene.render()
    assert scene.stage.renderer.GetUseFXAA() and not scene.busy
    scene.moving(True)
    scene.render()
    assert not scene.stage.renderer.GetUseFXAA()


def test_a_picture_that_shows_nothing_new_is_not_due(open_scene, state_of, town, monkeypatch):
    go = threading.Event()
    monkeypatch.setattr(Loader, "fetch", lambda self, fetch=Loader.fetch: fetch(self) if go.is_set() else None)
    monkeypatch.setattr(Loader, "answered", property(lambda self: go.is_set() and bool(self._answers)))
    making = Loader.making.fget
    monkeypatch.setattr(Loader, "making", property(lambda self: not go.is_set() or making(self)))
    scene = open_scene(state_of(town))
    scene.camera.set_pose(NEAR)
    scene.render()
    scene.render()
    assert scene.busy and not scene.due, "nothing came yet"
    go.set()
    end = time.monotonic() + 10
    while not scene.due:
        assert time.monotonic() < end
        time.sleep(0.001)
    settle(scene)
    assert not scene.counters().waiting


def test_once_all_is_made_the_next_picture_is_the_last(open_scene, state_of, town):
    """A coarse one between took as long to hand everything over, and showed less than there was."""
    scene = open_scene(state_of(town))
    scene.governor.work = 30_000.0
    scene.camera.set_pose(Pose((5000.0, 5000.0, 10.0), 9000.0, 0.0, 60.0))
    scene.render()
    assert scene.stage.city.pending
    end = time.monotonic() + 10
    while scene.stage.city._loader.making:
        assert time.monotonic() < end
        time.sleep(0.001)
    assert scene.due
    scene.render()
    work = scene.stage.city.work
    settle(scene)
    assert scene.stage.city.work == work > 30_000.0


def test_what_a_finer_picture_will_need_is_made_ahead(open_scene, state_of, town, monkeypatch):
    wishes = []
    wish = Loader.wish
    monkeypatch.setattr(
        Loader, "wish", lambda self, wanted: (wishes.append([k for k, _ in wanted]), wish(self, wanted))
    )
    scene = open_scene(state_of(town))
    scene.governor.work = 30_000.0
    scene.camera.set_pose(Pose((5000.0, 5000.0, 10.0), 9000.0, 0.0, 60.0))
    scene.render()
    city = scene.stage.city
    assert city.limited
    ahead = set(wishes[0]) - {("node", n) for n in city.choice.wanted.tolist()}
    settle(scene)
    assert ahead and ahead & set(city.shown_keys()), "the last picture shows what was made ahead"


def test_the_memory_budget_is_kept_on_a_flight(open_scene, state_of, town):
    budget = 220_000
    scene = open_scene(state_of(town), background=False, memory_bytes=budget)
    for pose in flight(25):
        scene.camera.set_pose(pose)
        scene.render()
        assert scene.counters().card_bytes <= budget
        assert coverage(scene.stage.city).max() <= 1
    free = open_scene(state_of(town), background=False)
    for pose in flight(25):
        free.camera.set_pose(pose)
        free.render()
    assert free.counters().card_bytes > budget, "the budget was felt"


def test_what_the_card_has_is_not_kept_twice(open_scene, state_of, town):
    scene = open_scene(state_of(town), background=False)
    scene.camera.set_pose(NEAR)
    scene.render()
    before = grab(scene._window)
    scene.render()
    nodes = scene.stage.city._nodes
    drawn = [node for key, node in nodes.items() if node.drawn and key[0] != "ground"]
    assert drawn and not any(node.mesh.kept for node in drawn)
    assert not any(node.mesh.data.GetNumberOfPoints() for node in drawn)
    for quality in (True, False, None):  # other shaders, the same arrays on the card
        scene.set_quality(quality)
        scene.render()
    scene.render()
    assert (grab(scene._window) == before).all()


def test_a_tick_and_new_colours_touch_no_geometry_and_only_rows_in_view(
    open_scene, state_of, changed, town, monkeypatch
):
    monkeypatch.setattr("viewer.scene.rows.PAGE_ROWS", 16)
    state = state_of(town)
    scene = open_scene(state, background=False)
    scene.camera.set_pose(Pose((4000.0, 4000.0, 10.0), 900.0, 30.0, 40.0))
    scene.render()
    scene.render()

    def geometry():
        return {k: (n.actor, n.mesh.data.GetMTime()) for k, n in scene.stage.city._nodes.items()}

    before, rows = geometry(), scene.counters().rows_written
    scene.show(changed(state, lift_m=5.0))
    scene.render()
    ticked = scene.counters().rows_written - rows
    scene.show(replace(changed(state, lift_m=5.0), colouring=Colouring(np.linspace(0, 1, len(town.objects)))))
    scene.render()
    assert geometry() == before
    assert scene.counters().uploaded_bytes == 0
    assert 0 < ticked < len(town.objects) / 2


def test_a_damaged_tile_stays_coarse_and_is_told_once(open_scene, state_of, town):
    asked, told = [], []

    def verify(tile):
        asked.append(tile)
        return "This part is damaged." if tile == bad else ""

    bad = 5
    city = replace(town, tiles=replace(town.tiles, verify=verify))
    scene = open_scene(state_of(city), told=told.append)
    middle = (city.tiles.low[bad] + city.tiles.high[bad]) / 2
    scene.camera.set_pose(Pose((float(middle[0]), float(middle[1]), 10.0), 900.0, 30.0, 50.0))
    settle(scene)
    sound = open_scene(state_of(town))
    sound.camera.set_pose(scene.camera.pose)
    settle(sound)
    kinds = []
    for city_shown in (scene.stage.city, sound.stage.city):
        tree, keys = city_shown.tree, city_shown.shown_keys()
        kinds.append({int(tree.tile[n]): int(tree.kind[n]) for kind, n in keys if kind == "node"})
    assert (kinds[0].pop(bad), kinds[1].pop(bad)) == (BLOCKS, HOUSES) and kinds[0] == kinds[1]
    assert told == ["This part is damaged."] and asked
    assert not any(key[0] == "edges" and key[1] == bad for key in scene.stage.city.shown_keys())
    found = scene.pick(*scene.camera.project([middle])[0])
    assert found is None or found.feature >= 0, "pointing at it leads nowhere outside"


def test_a_lost_graphics_card_gets_everything_again(open_scene, state_of, town):
    scene = open_scene(state_of(town), background=False)
    scene.camera.set_pose(NEAR)
    scene.render()
    scene.render()
    before = grab(scene._window)
    scene.lost()
    scene.render()
    assert (grab(scene._window) == before).all()


def test_masses_show_the_mean_of_their_houses_and_hide_with_them(open_scene, state_of, changed):
    houses = [box(80, 80, 60, x=x + 90 * i, y=90 * j) for x in (0, 4000) for i in range(2) for j in range(2)]
    state = state_of(arrange(city_of(houses)))
    scene = open_scene(state, background=False)
    scene.stage.city.tree.error_m[:] = 0.0
    scene.camera.set_pose(Pose((2000.0, 100.0, 20.0), 9000.0, 0.0, 25.0))

    def picture(shown):
        scene.show(shown)
        scene.stage.city.tree.error_m[:] = 0.0
        scene.render()
        return grab(scene._window).astype(int)

    plain = picture(state)
    assert scene.counters().masses == 1
    left = np.arange(8) < 4
    hidden = np.abs(picture(changed(state, exists=~left)) - plain).max(axis=2) > 12
    assert hidden[:, :160].any() and not hidden[:, 160:].any()
    values = Colouring(np.where(left, 0.0, 1.0), palette="cividis")
    coloured = picture(replace(state, colouring=values))
    differs = np.abs(coloured - plain).max(axis=2) > 12
    blue = coloured[..., 2] > coloured[..., 0]
    assert blue[:, :160][differs[:, :160]].mean() > 0.6 and blue[:, 160:][differs[:, 160:]].mean() < 0.3


def test_the_ground_of_far_tiles_is_left_out_when_it_is_smaller_than_a_pixel(open_scene, state_of):
    lawn = [[(0, 0, 0), (30, 0, 0), (30, 30, 0), (0, 30, 0)]]
    objects = [[(0, [[(x + 3000 * k, y, z) for x, y, z in lawn[0]]])] for k in range(3)] + [box(10, 10, 10)]
    city = arrange(city_of(objects, types=["PlantCover"] * 3 + ["Building"]))
    scene = open_scene(state_of(city), background=False)
    scene.camera.set_pose(Pose((0.0, 0.0, 0.0), 400.0, 0.0, 60.0))
    scene.render()
    assert [key for key in scene.stage.city.shown_keys() if key[0] == "ground"]
    scene.camera.set_pose(Pose((0.0, 0.0, 0.0), 100_000.0, 0.0, 60.0))
    scene.stage.aim(replace(scene.camera.pose, distance=100_000.0))
    assert not [key for key in scene.stage.city.shown_keys() if key[0] == "ground"]
