"""The city scene: what a window or a picture shows. It keeps no state but the last ``SceneState`` shown."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import vtkmodules.vtkRenderingFreeType
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  registers the OpenGL classes
from numpy.typing import ArrayLike, NDArray
from vtkmodules.vtkRenderingCore import vtkRenderWindow

from viewer.scene.camera import CameraController
from viewer.scene.governor import CARD_MS, SOFTWARE_MS, Governor, memory_budget
from viewer.scene.pace import Counters, Pace, added
from viewer.scene.picking import Pick
from viewer.scene.stage import Stage
from viewer.scene.state import SceneState

#: Bytes handed to the graphics card in one picture.
MOVING_UPLOAD, RESTING_UPLOAD = 1_500_000, 48_000_000
#: Words in the name of a driver that draws without a graphics card.
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software rasterizer", "gdi generic")


class CityScene:
    """Draws states into a render window, with one camera for one or two halves.

    Parameters
    ----------
    render_window : drawn into; it stays the caller's. Its size is read at every ``render``.
    background : whether what a picture needs may come later, made by threads and handed over little by little; for
        windows, which draw again as long as the scene is ``busy``. Else every picture is complete.
    told : called with a sentence for people when a part of the city cannot be drawn; once for each part.
    memory_bytes : what the city may take on the graphics card; a quarter of the machine's memory by default.
    """

    def __init__(
        self,
        render_window: vtkRenderWindow,
        *,
        background: bool = False,
        told: Callable[[str], None] | None = None,
        memory_bytes: int = 0,
    ) -> None:
        self._window, self._background, self._told = render_window, background, told
        self.governor = Governor(card_bytes=float(memory_bytes or memory_budget()))
        self.camera = CameraController()
        self._left = Stage(render_window, self.camera, told)
        self._right: Stage | None = None
        self._world: tuple[object, object] = (None, None)
        self._wanted: bool | None = None
        self._moving = False
        self._fast: bool | None = None
        self._started = 0.0
        self._rough = False
        render_window.SetMultiSamples(0)
        self._refine()

    @property
    def stage(self) -> Stage:
        """The left or only half."""
        return self._left

    def show(self, state: SceneState) -> None:
        """Show one state in the whole picture."""
        self.show_split(state, None)

    def show_split(self, left: SceneState, right: SceneState | None) -> None:
        """Show two states side by side with one camera, or one in the whole picture."""
        self._left.show(left)
        if right is None and self._right is not None:
            self._right.close()
            self._right = None
        if right is not None:
            if self._right is None:
                self._right = Stage(self._window, self.camera, self._told)
                self._right.set_moving(self._moving)
                self._refine()
            self._right.show(right)
        self._take_world(left)
        self.resize(*self._window.GetSize())

    def _take_world(self, state: SceneState) -> None:
        if state.city is None or self._world == (state.city, state.ground):
            return
        first = self._world[0] is None
        self._world = (state.city, state.ground)
        low, high = state.city.extent_local
        self.camera.set_world(low, high, state.ground, self._left.rim())
        if first:
            self.camera.set_pose(self.camera.home_pose())

    def resize(self, width: int, height: int) -> None:
        """Tell the size of the picture in device pixels."""
        share = 1 if self._right is None else 2
        self.camera.size = (max(int(width) // share, 1), max(int(height), 1))

    def moving(self, moving: bool) -> None:
        """Coarser and faster while the camera or a slider moves; sharp at rest."""
        self._moving, self._rough = moving, False
        for stage in self._stages():
            stage.set_moving(moving)
        self._refine()

    def prepare(self) -> None:
        """Aim the cameras; for windows that render by themselves."""
        self._ask_driver()
        self.resize(*self._window.GetSize())
        self._fit()
        pace = self._pace()
        sparing = pace.moving and self.governor.sparing
        for stage in self._stages():
            stage.set_pace(pace)
            stage.set_sparing(sparing)
            stage.aim(self.camera.pose)
        self._soften()
        self._started = time.perf_counter()

    def _soften(self) -> None:
        """Smooth edges wait for the last picture of a view where they cost as much as the rest: without a card."""
        if self._wanted is not None or self._moving or self._fast is not False or not self._background:
            self._rough = False
            return
        stages = self._stages()
        self._rough = any(stage.busy or (stage.limited and self.governor.coarse) for stage in stages)
        for stage in stages:
            stage.set_smooth(not self._rough)

    def _fit(self) -> None:
        """Lay the halves into the picture; while moving they may fill its lower left part only, see ``scale``."""
        s = self.scale
        middle = 1.0 if self._right is None else 0.4995
        self._left.renderer.SetViewport(0.0, 0.0, middle * s, s)
        if self._right is not None:
            self._right.renderer.SetViewport(0.5005 * s, 0.0, s, s)

    def _pace(self) -> Pace:
        """What the next picture may cost."""
        governor = self.governor
        if self._wanted is not None:
            return Pace(governor.picture(), governor.picture())
        if self._moving:
            limits = governor.moving_limits()
        else:
            limits = governor.resting_limits() if self._background else governor.finest()
        upload = MOVING_UPLOAD if self._moving else RESTING_UPLOAD
        return Pace(limits, governor.finest(), not self._background, upload, self._moving)

    @property
    def scale(self) -> float:
        """Share of each side of the window that is drawn into, from its lower left; whoever shows the picture enlarges
        it. Below 1 only while moving, for scenes of windows, when the machine cannot keep up otherwise."""
        return self.governor.scale if self._background and self._moving and self._wanted is None else 1.0

    def drawn(self) -> None:
        """Tell that the picture is there; windows that render by themselves call it after every picture."""
        if self._wanted is not None or not self._started:
            return
        self._window.WaitForCompletion()
        milliseconds = (time.perf_counter() - self._started) * 1000.0
        work = sum(stage.work for stage in self._stages())
        if any(stage.uploading for stage in self._stages()):
            work = 0.0  # the time says nothing about drawing
        if not self._moving:
            self.governor.rested(milliseconds, work, not any(stage.busy for stage in self._stages()))
        elif work:
            self.governor.moved(milliseconds, work)

    def counters(self) -> Counters:
        """What the last picture showed, of both halves together."""
        return added([stage.city.counters() for stage in self._stages() if stage.city is not None])

    def lost(self) -> None:
        """The graphics card was taken away and came back empty: hand everything over again."""
        for stage in self._stages():
            if stage.city is not None:
                stage.city.forget()

    @property
    def busy(self) -> bool:
        """Whether something is still being loaded, so that a later picture of the same view would show more."""
        if self._rough or any(stage.busy for stage in self._stages()):
            return True
        limited = any(stage.limited for stage in self._stages())
        return self._background and not self._moving and self._wanted is None and limited and self.governor.refining

    @property
    def due(self) -> bool:
        """While busy: whether a picture right now would show more already; else it may wait for what is being made."""
        return any(stage.due for stage in self._stages())

    def finish(self) -> None:
        """Wait until everything in view is loaded; for pictures that are drawn once."""
        self.resize(*self._window.GetSize())
        self.governor.finish()
        pace = self._pace()
        for stage in self._stages():
            stage.set_pace(pace)
            stage.finish(self.camera.pose)

    def render(self) -> None:
        """Draw now."""
        self.prepare()
        self._window.Render()
        self.drawn()

    def set_quality(self, full: bool | None) -> None:
        """Full: soft shade in corners and smooth edges. False: smooth edges only. None: what the computer affords,
        and coarser while moving; so windows do it."""
        self._wanted = full
        self._refine()

    def _refine(self) -> None:
        resting = not self._moving
        for stage in self._stages():
            if self._wanted is None:
                card = self._fast is True
                stage.set_quality(smooth=resting, occlusion=resting and card, fine=card)
            else:
                stage.set_quality(smooth=True, occlusion=self._wanted, fine=True)

    def _ask_driver(self) -> None:
        """Once there is a context: is there a graphics card?"""
        if self._fast is None and not self._window.GetNeverRendered():
            told = self._window.ReportCapabilities().lower()
            self._fast = not any(name in told for name in SOFTWARE)
            self.governor.target_ms = CARD_MS if self._fast else SOFTWARE_MS
            self._refine()

    def pick(self, x: float, y: float) -> Pick | None:
        """What is under a pixel, from the top left."""
        stage, x = self._half(x)
        origin, direction = self.camera.ray(x, y)
        return stage.pick(origin, direction)

    def world_at(self, x: float, y: float) -> NDArray[np.float64] | None:
        """The point under a pixel: on the city, else on the ground; None in the sky."""
        found = self.pick(x, y)
        if found is not None:
            return np.asarray(found.position_local)
        _, x = self._half(x)
        return self.camera.ground_under(x, y)

    def pick_area(self, polygon_px: ArrayLike) -> NDArray[np.int32]:
        """Buildings whose middle lies inside a polygon on the screen ((n, 2) pixels from the top left)."""
        from viewer.city.geometry import points_in_ring

        picker, state = self._left.picker, self._left.state
        if picker is None or state.measures is None:
            return np.empty(0, np.int32)
        centres, there = picker.centres(state.change)
        pixels = self.camera.project(centres)
        ring = np.asarray(polygon_px, np.float64).reshape(-1, 2)
        inside = points_in_ring(np.nan_to_num(pixels, nan=-1e9), ring)
        return np.flatnonzero(inside & there & state.measures.is_building).astype(np.int32)

    def box_of(self, features: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Box around some objects as they stand now."""
        picker = self._left.picker
        index = np.asarray(features, np.int64).reshape(-1)
        return None if picker is None or not len(index) else picker.box(index, self._left.state.change)

    def attributions(self) -> tuple[str, ...]:
        """Who must be named in this picture."""
        return tuple(dict.fromkeys(text for stage in self._stages() for text in stage.attributions()))

    def close(self) -> None:
        """Give everything back; the window stays the caller's."""
        for stage in self._stages():
            stage.close()

    def _half(self, x: float) -> tuple[Stage, float]:
        if self._right is not None and x >= self.camera.size[0]:
            return self._right, x - self.camera.size[0]
        return self._left, x

    def _stages(self) -> list[Stage]:
        return [self._left] if self._right is None else [self._left, self._right]
