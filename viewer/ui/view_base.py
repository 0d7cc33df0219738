"""What every 3D view offers the window, whatever draws it; and the stand-in for where nothing can.

Positions on the view are device-independent pixels from the top left; the world is local metres.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter
from PySide6.QtWidgets import QWidget

from viewer.scene.state import SceneState
from viewer.session.document import Camera
from viewer.ui import theme
from viewer.ui.navigation import Navigator


class View(QWidget):
    """A 3D view. Subclasses draw; this class says what the rest of the interface may ask."""

    clicked = Signal(int, QPointF, object)  # feature or -1, position, keyboard modifiers
    layer_clicked = Signal(str, object)  # key of a layer, row of its object
    hovered = Signal(int, QPointF)  # feature or -1, position
    camera_changed = Signal()
    frame_drawn = Signal(float)  # milliseconds the picture took
    failed = Signal()  # a picture could not be drawn
    damaged = Signal(str)  # a part of the city cannot be drawn in full: a sentence (an English key)

    navigator: Navigator
    state: SceneState
    #: How it draws: ``widget`` (OpenGL), ``image`` (off screen) or ``none``.
    kind = "none"

    def show_state(self, state: SceneState) -> None:
        """Draw a state; only what differs from the last one costs anything."""
        raise NotImplementedError

    def show_split(self, left: SceneState, right: SceneState) -> None:
        """Draw two states side by side with one camera."""
        raise NotImplementedError

    # camera: every call may fly unless ``reduced_motion``
    reduced_motion = False
    #: A sentence (an English key) about how this view draws, "" if there is nothing to say.
    notice = ""
    walking = False

    def home(self) -> None:
        """Show the whole city."""
        raise NotImplementedError

    def top(self) -> None:
        """Look straight down."""
        raise NotImplementedError

    def north(self) -> None:
        """Turn north to the top."""
        raise NotImplementedError

    def zoom(self, factor: float, x: float | None = None, y: float | None = None) -> None:
        """Come closer by a factor above 1, to a position or the middle."""
        raise NotImplementedError

    def grab(self, x: float, y: float) -> None:
        """A drag begins here; turning and moving hold on to what lies under it."""

    def orbit(self, dx: float, dy: float) -> None:
        """Turn around what was grabbed."""
        raise NotImplementedError

    def pan(self, dx: float, dy: float) -> None:
        """Move over the ground, which follows the pointer."""
        raise NotImplementedError

    def look(self, dx: float, dy: float) -> None:
        """Turn the head while walking."""
        raise NotImplementedError

    def walk_by(self, forward_m: float, right_m: float) -> None:
        """Walk some metres at eye level."""
        raise NotImplementedError

    def set_walking(self, walking: bool) -> None:
        """Go down into the streets, or back up."""
        raise NotImplementedError

    def fly_to(self, low: ArrayLike, high: ArrayLike) -> None:
        """Fly to a box, local metres, (3,) each."""
        raise NotImplementedError

    def camera(self) -> Camera:
        """The camera as a session keeps it."""
        raise NotImplementedError

    def set_camera(self, camera: Camera, *, fly: bool = True) -> None:
        """Go where a saved view looks from."""
        raise NotImplementedError

    def set_memory(self, megabytes: int) -> None:
        """What the city may take on the graphics card; 0 for a share of the machine's memory."""

    @property
    def heading_deg(self) -> float:
        """Direction of view, degrees clockwise from north."""
        raise NotImplementedError

    @property
    def metres_per_pixel(self) -> float:
        """Metres per device-independent pixel where the camera looks; 0 without a picture."""
        raise NotImplementedError

    def pick_at(self, position: QPointF) -> int:
        """The top-level object under a position, -1 for none."""
        raise NotImplementedError

    def ground_at(self, position: QPointF) -> NDArray[np.float64] | None:
        """(3,) where the line of sight meets the ground, local metres; None above the horizon."""
        raise NotImplementedError

    def project(self, points_local: ArrayLike) -> NDArray[np.float64]:
        """(n, 2) positions of local points on the view; NaN behind the camera."""
        raise NotImplementedError

    def picture(self, width: int = 0, height: int = 0) -> QImage:
        """The city alone as a picture; without a size, as large as the view."""
        raise NotImplementedError

    @property
    def drawable(self) -> bool:
        """Whether there is something to draw with; asked only while the view is on screen."""
        return True

    def redraw(self) -> None:
        """Draw soon."""
        self.update()

    def shut_down(self) -> None:
        """Let the graphics go; called before the window closes."""


class StandInView(View):
    """Draws a calm sky instead of a city: for tests without OpenGL, and before the real view is there.

    It sees the ground from straight above: one pixel is ``scale_m`` metres, the middle is (0, 0).
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = SceneState()
        self.states: list[SceneState] = []
        self.calls: list[tuple[object, ...]] = []
        self.scale_m = 1.0
        self._camera = Camera((0.0, 0.0, 500.0), (0.0, 0.0, 0.0))
        self.navigator = Navigator(self, self)
        self.navigator.clicked.connect(lambda p, keys: self.clicked.emit(self.pick_at(p), p, keys))
        self.navigator.hovered.connect(lambda p: self.hovered.emit(self.pick_at(p), p))
        self.navigator.moved.connect(self.camera_changed)

    def show_state(self, state: SceneState) -> None:
        self.state = state
        self.states.append(state)
        self.update()
        self.frame_drawn.emit(0.0)

    def show_split(self, left: SceneState, right: SceneState) -> None:
        self.show_state(left)
        self._call("show_split", left, right)

    def home(self) -> None:
        self._call("home")

    def top(self) -> None:
        self._call("top")

    def north(self) -> None:
        self._call("north")

    def zoom(self, factor: float, x: float | None = None, y: float | None = None) -> None:
        self._call("zoom", factor, x, y)

    def orbit(self, dx: float, dy: float) -> None:
        self._call("orbit", dx, dy)

    def pan(self, dx: float, dy: float) -> None:
        self._call("pan", dx, dy)

    def look(self, dx: float, dy: float) -> None:
        self._call("look", dx, dy)

    def walk_by(self, forward_m: float, right_m: float) -> None:
        self._call("walk_by", forward_m, right_m)

    def set_walking(self, walking: bool) -> None:
        self.walking = walking
        self._call("walk", walking)

    def fly_to(self, low: ArrayLike, high: ArrayLike) -> None:
        self._call("fly_to", tuple(np.asarray(low, float)), tuple(np.asarray(high, float)))

    def camera(self) -> Camera:
        return self._camera

    def set_camera(self, camera: Camera, *, fly: bool = True) -> None:
        self._camera = camera
        self._call("set_camera", fly)

    @property
    def heading_deg(self) -> float:
        return 0.0

    @property
    def metres_per_pixel(self) -> float:
        return self.scale_m

    def pick_at(self, position: QPointF) -> int:
        measures = self.state.measures
        if measures is None or not len(measures.centre_local):
            return -1
        there = self.ground_at(position)[:2]
        distance = np.hypot(*(measures.centre_local - there).T)
        nearest = int(np.nanargmin(distance))
        return nearest if distance[nearest] <= 8.0 else -1

    def ground_at(self, position: QPointF) -> NDArray[np.float64]:
        x = (position.x() - self.width() / 2) * self.scale_m
        y = (self.height() / 2 - position.y()) * self.scale_m
        return np.array([x, y, 0.0])

    def project(self, points_local: ArrayLike) -> NDArray[np.float64]:
        points = np.asarray(points_local, float).reshape(-1, 3)
        x = points[:, 0] / self.scale_m + self.width() / 2
        return np.column_stack([x, self.height() / 2 - points[:, 1] / self.scale_m])

    def picture(self, width: int = 0, height: int = 0) -> QImage:
        image = QImage(width or self.width(), height or self.height(), QImage.Format.Format_RGB32)
        painter = QPainter(image)
        _paint_sky(painter, QRectF(image.rect()))
        painter.end()
        return image

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        _paint_sky(painter, QRectF(self.rect()))
        painter.end()

    def _call(self, *call: object) -> None:
        self.calls.append(call)
        self.camera_changed.emit()


class ImageView(View):
    """Base of views that show a finished picture: paints ``image`` over the whole view."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = QImage()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        if self.image.isNull():
            _paint_sky(painter, QRectF(self.rect()))
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(self.rect()), self.image)
        painter.end()


def _paint_sky(painter: QPainter, rect: QRectF) -> None:
    dark = theme.name() == "dark"
    sky = QLinearGradient(0, 0, 0, rect.height())
    sky.setColorAt(0.0, QColor("#1b2530" if dark else "#dfe9f2"))
    sky.setColorAt(1.0, QColor("#14191e" if dark else "#f4f6f7"))
    painter.fillRect(rect, sky)
