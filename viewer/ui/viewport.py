"""The 3D view: the one door through which Qt and VTK meet.

VTK draws into an OpenGL widget (pyvistaqt's, without its plotter), or off screen into an image where
no such widget can be had. What is drawn, ``viewer.scene`` knows; hands are ``viewer.ui.navigation``.
"""

from __future__ import annotations

import logging
import time

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QElapsedTimer, QPointF, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pyvistaqt.rwi import QVTKRenderWindowInteractor

from viewer.city import Frame
from viewer.errors import GraphicsError
from viewer.scene.camera import pose_between
from viewer.scene.governor import memory_budget
from viewer.scene.offscreen import grab, offscreen_window
from viewer.scene.picking import Pick
from viewer.scene.scene import CityScene
from viewer.scene.state import SceneState
from viewer.scene.trouble import tell_errors
from viewer.session.document import Camera
from viewer.ui.navigation import Navigator
from viewer.ui.view_base import ImageView, View

_log = logging.getLogger(__name__)
_FLIGHT_MS = 16
_WAITING_MS = 10
_DEG_PER_PX = 0.25


def make_vtk_view(parent: QWidget, *, in_widget: bool) -> View:
    """A view drawn by VTK, in an OpenGL widget or as pictures of an off-screen window."""
    return WidgetView(parent) if in_widget else PictureView(parent)


class _SceneCalls:
    """What both VTK views share: every question to the scene and its camera.

    The scene counts device pixels from the top left, Qt device-independent ones.
    """

    scene: CityScene

    def _start(self, surface: QWidget) -> None:
        self._flight = QTimer(self)
        self._flight.setInterval(_FLIGHT_MS)
        self._flight.timeout.connect(self._fly)
        self._clock = QElapsedTimer()
        self._grip: NDArray[np.float64] | None = None
        self.navigator = Navigator(surface, self)
        self.navigator.clicked.connect(self._on_click)
        self.navigator.hovered.connect(self._wish_hover)
        self.navigator.moved.connect(self._on_moved)
        self.navigator.moving_changed.connect(self._set_moving)
        self._hover_at: QPointF | None = None
        self._hover_timer = QTimer(self)
        self._hover_timer.setSingleShot(True)
        self._hover_timer.setInterval(40)
        self._hover_timer.timeout.connect(self._hover)
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(_WAITING_MS)
        self._waiting.timeout.connect(self._draw_if_due)
        self.frame_drawn.connect(self._draw_what_comes)

    def set_memory(self, megabytes: int) -> None:
        self.scene.governor.card_bytes = megabytes * 1e6 if megabytes > 0 else float(memory_budget())
        self.redraw()

    def _draw_what_comes(self, _milliseconds: float) -> None:
        """While data is still being loaded, look again a little later."""
        if self.scene.busy and not self._waiting.isActive():
            self._waiting.start()

    def _draw_if_due(self) -> None:
        if self.scene.due or not self.scene.busy:
            self.redraw()
        else:
            self._waiting.start()

    def show_state(self, state: SceneState) -> None:
        self.state = state
        self.scene.show(state)
        self.redraw()

    def show_split(self, left: SceneState, right: SceneState) -> None:
        self.state = left
        self.scene.show_split(left, right)
        self.redraw()

    def _on_click(self, at: QPointF, keys: object) -> None:
        found = self._pick(at)
        self.clicked.emit(-1 if found is None else found.feature, at, keys)
        if found is not None and found.layer:
            self.layer_clicked.emit(found.layer, found.row)

    # -- camera ------------------------------------------------------------------------------------

    def _device(self, x: float, y: float) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return x * ratio, y * ratio

    def _fit_camera(self) -> None:
        """Tell the camera how large the picture is, in device pixels."""
        ratio = self.devicePixelRatioF()
        self.scene.resize(max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio)))

    def _set_out(self) -> None:
        """After a button or key: fly, or be there at once."""
        camera = self.scene.camera
        camera.reduced_motion = self.reduced_motion
        if camera.flying and self.reduced_motion:
            camera.finish()
        if camera.flying and not self._flight.isActive():
            self._clock.start()
            self._flight.start()
        self.navigator.note_movement()

    def _fly(self) -> None:
        if not self.scene.camera.step(min(self._clock.restart() / 1000.0, 0.25)):
            self._flight.stop()
        self.navigator.note_movement()

    def grab(self, x: float, y: float) -> None:
        """A drag begins: what lies under the pointer is what is turned and moved."""
        self._grip = self.scene.world_at(*self._device(x, y))

    def home(self) -> None:
        self._fit_camera()
        self.scene.camera.home()
        self._set_out()

    def top(self) -> None:
        self.scene.camera.top()
        self._set_out()

    def north(self) -> None:
        self.scene.camera.north()
        self._set_out()

    def zoom(self, factor: float, x: float | None = None, y: float | None = None) -> None:
        at = None if x is None or y is None else self.scene.world_at(*self._device(x, y))
        self.scene.camera.zoom(factor, at)
        if x is None:
            self._set_out()

    def orbit(self, dx: float, dy: float) -> None:
        self.scene.camera.orbit(dx * _DEG_PER_PX, dy * _DEG_PER_PX, self._grip)

    def pan(self, dx: float, dy: float) -> None:
        self.scene.camera.pan(*self._device(dx, dy), self._grip)

    def look(self, dx: float, dy: float) -> None:
        self.scene.camera.look(-dx * _DEG_PER_PX / 2, -dy * _DEG_PER_PX / 2)

    def walk_by(self, forward_m: float, right_m: float) -> None:
        self.scene.camera.walk_by(forward_m, right_m)

    @property
    def walking(self) -> bool:
        return self.scene.camera.walking

    def set_walking(self, walking: bool) -> None:
        if walking != self.scene.camera.walking:
            self.scene.camera.set_walking(walking)
            self._set_out()

    def fly_to(self, low: ArrayLike, high: ArrayLike) -> None:
        self.scene.camera.fly_to(low, high)
        self._set_out()

    def camera(self) -> Camera:
        pose, frame = self.scene.camera.pose, self._frame()
        position = frame.crs_from_local(pose.position)
        target = frame.crs_from_local(pose.target)
        return Camera(tuple(map(float, position)), tuple(map(float, target)), pose.view_angle_deg)

    def set_camera(self, camera: Camera, *, fly: bool = True) -> None:
        frame = self._frame()
        position = frame.local_from_crs(camera.position_crs)
        pose = pose_between(position, frame.local_from_crs(camera.target_crs), camera.view_angle_deg)
        if fly:
            self.scene.camera.fly_to_pose(pose)
        else:
            self.scene.camera.set_pose(pose)
        self._set_out()

    def _frame(self) -> Frame:
        return self.state.city.frame if self.state.city is not None else Frame()

    @property
    def heading_deg(self) -> float:
        return self.scene.camera.pose.heading_deg

    @property
    def metres_per_pixel(self) -> float:
        if self.state.city is None:
            return 0.0
        return self.scene.camera.metres_per_pixel() * self.devicePixelRatioF()

    # -- picking -----------------------------------------------------------------------------------

    def pick_at(self, position: QPointF) -> int:
        found = self._pick(position)
        return -1 if found is None else found.feature

    def _pick(self, position: QPointF) -> Pick | None:
        if self.state.city is None:
            return None
        return self.scene.pick(*self._device(position.x(), position.y()))

    def ground_at(self, position: QPointF) -> NDArray[np.float64] | None:
        return self.scene.camera.ground_under(*self._device(position.x(), position.y()))

    def project(self, points_local: ArrayLike) -> NDArray[np.float64]:
        return self.scene.camera.project(points_local) / self.devicePixelRatioF()

    def _wish_hover(self, position: QPointF) -> None:
        self._hover_at = position
        self._hover_timer.start()

    def _hover(self) -> None:
        if self._hover_at is not None and self.state.city is not None:
            self.hovered.emit(self.pick_at(self._hover_at), self._hover_at)

    # -- drawing -----------------------------------------------------------------------------------

    def _set_moving(self, moving: bool) -> None:
        self.scene.moving(moving)
        self.redraw()

    def _on_moved(self) -> None:
        self.camera_changed.emit()
        self.redraw()


class _LowerLeft:
    """A render window as the part of it that was drawn into."""

    def __init__(self, window: object, scale: float) -> None:
        self._window, self._scale = window, scale

    def GetSize(self) -> tuple[int, int]:
        width, height = self._window.GetSize()
        # the last row and column may be drawn in part only
        return max(int(width * self._scale) - 1, 1), max(int(height * self._scale) - 1, 1)

    def __getattr__(self, name: str) -> object:
        return getattr(self._window, name)


class _Surface(QVTKRenderWindowInteractor):
    """pyvistaqt's OpenGL widget with our own hands and a stopwatch."""

    painted = Signal(float)
    failed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.scene: CityScene | None = None
        #: Whether the next picture waits for everything that belongs to it.
        self.complete = False
        self._begun = False
        self._error = ""
        tell_errors(self.GetRenderWindow(), self._note_error)
        interactor = self.GetRenderWindow().GetInteractor()
        interactor.SetInteractorStyle(None)
        interactor.Enable()  # it renders only when enabled; events it never gets

    def initializeGL(self) -> None:
        super().initializeGL()
        if self._begun and self.scene is not None:
            self.scene.lost()  # the widget got another context
        self._begun = True

    def paintGL(self) -> None:
        started = time.perf_counter()
        self._error = ""
        drawn = False
        try:
            if self.scene is not None:
                if self.complete:
                    self.scene.finish()
                self.scene.prepare()
            super().paintGL()
            if self.scene is not None:
                self.scene.drawn()
            drawn = not self._error
        except (RuntimeError, OSError, GraphicsError) as error:
            self._error = str(error)
        finally:  # a bug rises to the one hook, and still counts as a picture that failed
            if not drawn:
                _log.warning("no picture: %s", self._error or "an error of the program")
                self.failed.emit()
        if drawn:
            self.painted.emit((time.perf_counter() - started) * 1000.0)

    def _blit(self, target_id: int, rect: QRect) -> None:
        """Enlarge what was drawn into a part of the window only, see ``CityScene.scale``."""
        whole, scale = self._RenderWindow, 1.0 if self.scene is None else self.scene.scale
        if scale == 1.0 or whole is None:
            super()._blit(target_id, rect)
            return
        self._RenderWindow = _LowerLeft(whole, scale)
        try:
            super()._blit(target_id, rect)
        finally:
            self._RenderWindow = whole

    def _note_error(self, text: str) -> None:
        self._error = text

    def enterEvent(self, event) -> None:
        event.ignore()

    def leaveEvent(self, event) -> None:
        event.ignore()

    def keyPressEvent(self, event) -> None:
        event.ignore()

    def keyReleaseEvent(self, event) -> None:
        event.ignore()


class WidgetView(_SceneCalls, View):
    """VTK in an OpenGL widget: composes with Qt, so panels may lie translucently over it."""

    kind = "widget"

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.state = SceneState()
        self.surface = _Surface(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.surface)
        self.setFocusProxy(self.surface)
        self.surface.painted.connect(self._on_painted)
        self.surface.failed.connect(self.failed)
        self.scene = self.surface.scene = CityScene(
            self.surface.GetRenderWindow(), background=True, told=self.damaged.emit
        )
        self._start(self.surface)

    @property
    def drawable(self) -> bool:
        return self.surface.isValid()

    def redraw(self) -> None:
        self.surface.update()

    def _on_painted(self, milliseconds: float) -> None:
        self.frame_drawn.emit(milliseconds)

    def picture(self, width: int = 0, height: int = 0) -> QImage:
        self.surface.complete = True
        try:
            return self.surface.grabFramebuffer()
        finally:
            self.surface.complete = False

    def shut_down(self) -> None:
        self._flight.stop()
        self._hover_timer.stop()
        self._waiting.stop()
        self.scene.close()
        self.surface.scene = None
        self.surface.close()


class PictureView(_SceneCalls, ImageView):
    """VTK off screen, shown as an image: for remote desktops and drivers without OpenGL widgets."""

    kind = "image"

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.state = SceneState()
        self._window = offscreen_window((64, 64))
        self.scene = CityScene(self._window, background=True, told=self.damaged.emit)
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.setInterval(0)
        self._due.timeout.connect(self._draw)
        self._start(self)

    def redraw(self) -> None:
        self._due.start()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.redraw()

    def _draw(self, complete: bool = False) -> None:
        ratio = self.devicePixelRatioF()
        size = max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))
        if tuple(self._window.GetSize()) != size:
            self._window.SetSize(*size)
        started = time.perf_counter()
        try:
            if complete:
                self.scene.finish()
            self.scene.render()
            pixels = grab(self._window, self.scene.scale)
        except (RuntimeError, OSError, GraphicsError) as error:
            _log.warning("no picture: %s", error)
            self.failed.emit()
            return
        height, width = pixels.shape[:2]
        image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        if (width, height) == size:
            self.image = image.copy()
        else:  # the picture of a moving camera may be smaller than the window
            self.image = image.scaled(*size, mode=Qt.TransformationMode.SmoothTransformation)
        self.image.setDevicePixelRatio(ratio)
        self.frame_drawn.emit((time.perf_counter() - started) * 1000.0)
        self.update()

    def picture(self, width: int = 0, height: int = 0) -> QImage:
        self._draw(complete=True)
        return self.image

    def shut_down(self) -> None:
        self._due.stop()
        self._flight.stop()
        self._hover_timer.stop()
        self._waiting.stop()
        self.scene.close()
        self._window.Finalize()
