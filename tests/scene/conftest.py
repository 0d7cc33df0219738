"""Scenes drawn off screen, without any display, and questions to their pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from viewer.city.ground import make_ground
from viewer.city.measures import measure
from viewer.scenario.apply import no_change
from viewer.scene.camera import Pose
from viewer.scene.offscreen import grab, offscreen_window
from viewer.scene.scene import CityScene
from viewer.scene.state import SceneState

SIZE = (320, 240)


class Photographed:
    """A scene with a window of its own, closed when the test ends."""

    def __init__(self, size=SIZE):
        self.window = offscreen_window(size)
        self.scene = CityScene(self.window)
        self.scene.resize(*size)

    def picture(self, state=None, pose=None):
        """(H, W, 3) int16 of a state, from a pose or from where the camera is."""
        if state is not None:
            self.scene.show(state)
        if isinstance(pose, Pose):
            self.scene.camera.set_pose(pose)
        self.scene.render()
        return grab(self.window).astype(np.int16)

    def close(self):
        self.scene.close()
        self.window.Finalize()


@pytest.fixture
def stage():
    """Call it for another scene; all are closed at the end."""
    made = []

    def make(size=SIZE):
        made.append(Photographed(size))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def camera(stage):
    return stage()


@pytest.fixture
def state_of():
    """A state of a city as it is."""

    def make(city, **more):
        measures = measure(city, more.get("lod_faces"))
        ground = make_ground(city, more.get("lod_faces"), measures)
        parts = {"measures": measures, "ground": ground, "change": no_change(measures), **more}
        return SceneState(city, **parts)

    return make


@pytest.fixture
def changed():
    """A state with parts of its change replaced; numbers are spread over all objects."""

    def make(state, **parts):
        count = len(state.measures.ground_m)
        arrays = {}
        for name, value in parts.items():
            if name in ("lift_m", "factor", "green_roof_share", "storeys_added"):
                value = np.broadcast_to(np.asarray(value, np.float32), count).copy()
            elif name == "exists":
                value = np.broadcast_to(np.asarray(value, bool), count).copy()
            arrays[name] = value
        return replace(state, change=replace(state.change, **arrays))

    return make
