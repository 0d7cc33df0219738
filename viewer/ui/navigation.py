"""Hands of the person -> camera: mouse, wheel, touch gestures and keys. Knows no VTK and no files.

Left drag turns, right or middle drag (or Shift with the arrow keys) moves, the wheel comes closer to
the pointer; two fingers move and turn, a pinch zooms. Everything also works by key and button.
"""

from __future__ import annotations

import math
from typing import Protocol

from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

#: Pixels a pointer may tremble and still click.
_CLICK_PX = 5
#: The picture is sharpened this long after the last movement, ms.
_STILL_MS = 180
_KEY_STEP_PX = 60.0


class CameraHands(Protocol):
    """What navigation asks of a camera; lengths are device-independent pixels of the view."""

    def grab(self, x: float, y: float) -> None: ...
    def orbit(self, dx: float, dy: float) -> None: ...
    def pan(self, dx: float, dy: float) -> None: ...
    def zoom(self, factor: float, x: float | None = None, y: float | None = None) -> None: ...
    def walk_by(self, forward_m: float, right_m: float) -> None: ...
    def look(self, dx: float, dy: float) -> None: ...

    @property
    def walking(self) -> bool: ...


class Navigator(QObject):
    """Listens to a view's events and moves the camera; clicks and hovers are told, not handled."""

    clicked = Signal(QPointF, object)  # position, keyboard modifiers
    double_clicked = Signal(QPointF)
    hovered = Signal(QPointF)
    left = Signal()
    moved = Signal()  # the camera moved
    moving_changed = Signal(bool)
    dragged = Signal(QPointF, QPointF, object, bool)  # from, to, modifiers, finished; only in tools

    def __init__(self, view: QWidget, camera: CameraHands) -> None:
        super().__init__(view)
        self._view, self._camera = view, camera
        self.tool_drag = False  # a tool wants left drags for itself
        self._button = Qt.MouseButton.NoButton
        self._start, self._last = QPointF(), QPointF()
        self._dragging = False
        self._moving = False
        self._touching = False
        self._fingers: dict[int, QPointF] = {}
        self._still = QTimer(self)
        self._still.setSingleShot(True)
        self._still.setInterval(_STILL_MS)
        self._still.timeout.connect(self._rest)
        self._held: set[int] = set()
        self._walk_clock = QElapsedTimer()
        self._walk_timer = QTimer(self)
        self._walk_timer.setInterval(16)
        self._walk_timer.timeout.connect(self._walk_step)
        view.setMouseTracking(True)
        view.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        view.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        view.installEventFilter(self)

    # -- events ------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        handler = _HANDLERS.get(event.type())
        return handler(self, event) if handler is not None else False

    def _press(self, event) -> bool:
        if self._touching:
            return True
        self._button = event.button()
        self._start = self._last = event.position()
        self._dragging = False
        return True

    def _move(self, event) -> bool:
        if self._touching:
            return True
        position = event.position()
        if self._button == Qt.MouseButton.NoButton:
            self.hovered.emit(position)
            return True
        if not self._dragging:
            if (position - self._start).manhattanLength() < _CLICK_PX:
                return True
            self._dragging = True
            self._camera.grab(self._start.x(), self._start.y())
        step = position - self._last
        self._last = position
        tool = self._button == Qt.MouseButton.LeftButton and (
            self.tool_drag or event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        )
        if tool:
            self.dragged.emit(self._start, position, event.modifiers(), False)
        else:
            self._drag(step)
        return True

    def _drag(self, step: QPointF) -> None:
        if self._button == Qt.MouseButton.LeftButton:
            if self._camera.walking:
                self._camera.look(step.x(), step.y())
            else:
                self._camera.orbit(step.x(), step.y())
        else:
            self._camera.pan(step.x(), step.y())
        self._moved()

    def _release(self, event) -> bool:
        if self._touching:
            return True
        button, self._button = self._button, Qt.MouseButton.NoButton
        if button == Qt.MouseButton.LeftButton:
            if not self._dragging:
                self.clicked.emit(event.position(), event.modifiers())
            elif self.tool_drag or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.dragged.emit(self._start, event.position(), event.modifiers(), True)
        self._dragging = False
        return True

    def _double(self, event) -> bool:
        if event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit(event.position())
        return True

    def _wheel(self, event) -> bool:
        pixels = event.pixelDelta()
        steps = event.angleDelta().y() / 120.0
        if not steps and not pixels.isNull():
            steps = pixels.y() / 60.0
        if steps:
            position = event.position()
            self._camera.zoom(math.pow(1.2, steps), position.x(), position.y())
            self._moved()
        return True

    def _leave(self, event) -> bool:
        self.left.emit()
        return False

    def _touch(self, event) -> bool:
        points = {point.id(): point.position() for point in event.points()}
        if event.type() == QEvent.Type.TouchEnd or event.type() == QEvent.Type.TouchCancel:
            if self._touching and not self._dragging and event.type() == QEvent.Type.TouchEnd and len(points) == 1:
                self.clicked.emit(next(iter(points.values())), event.modifiers())
            self._touching, self._dragging, self._fingers = False, False, {}
            return True
        if not self._touching:
            self._touching, self._dragging = True, False
            self._fingers = points
            self._start = next(iter(points.values()), QPointF())
            self._camera.grab(self._start.x(), self._start.y())
            return True
        common = [key for key in points if key in self._fingers]
        if len(common) >= 2:
            first, second = common[:2]
            self._two_fingers(self._fingers[first], self._fingers[second], points[first], points[second])
            self._dragging = True
        elif len(common) == 1:
            step = points[common[0]] - self._fingers[common[0]]
            if self._dragging or (points[common[0]] - self._start).manhattanLength() > 2 * _CLICK_PX:
                self._dragging = True
                self._camera.orbit(step.x(), step.y())
                self._moved()
        self._fingers = points
        return True

    def _two_fingers(self, a0: QPointF, b0: QPointF, a1: QPointF, b1: QPointF) -> None:
        before, after = b0 - a0, b1 - a1
        length0 = math.hypot(before.x(), before.y())
        length1 = math.hypot(after.x(), after.y())
        middle0, middle1 = (a0 + b0) / 2, (a1 + b1) / 2
        step = middle1 - middle0
        self._camera.pan(step.x(), step.y())
        if length0 > 1 and length1 > 1:
            self._camera.zoom(length1 / length0, middle1.x(), middle1.y())
            turn = math.atan2(after.y(), after.x()) - math.atan2(before.y(), before.x())
            turn = (turn + math.pi) % (2 * math.pi) - math.pi
            if abs(turn) > 1e-3:
                self._camera.orbit(math.degrees(turn) * 4.0, 0.0)
        self._moved()

    # -- keys --------------------------------------------------------------------------------------

    def _key(self, event) -> bool:
        key = event.key()
        if key not in _ARROWS:
            return False
        if self._camera.walking:
            if not event.isAutoRepeat():
                self._held.add(key)
                if not self._walk_timer.isActive():
                    self._walk_clock.start()
                    self._walk_timer.start()
            return True
        x, y = _ARROWS[key]
        self._camera.grab(self._view.width() / 2, self._view.height() / 2)
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._camera.pan(-x * _KEY_STEP_PX, -y * _KEY_STEP_PX)
        else:
            self._camera.orbit(x * _KEY_STEP_PX / 2, y * _KEY_STEP_PX / 2)
        self._moved()
        return True

    def _key_up(self, event) -> bool:
        if event.key() not in _ARROWS:
            return False
        if not event.isAutoRepeat():
            self._held.discard(event.key())
        return True

    def _focus_out(self, event) -> bool:
        self._held.clear()
        return False

    def _walk_step(self) -> None:
        seconds = min(self._walk_clock.restart() / 1000.0, 0.2)
        if not self._held or not self._camera.walking:
            self._walk_timer.stop()
            return
        forward = (Qt.Key.Key_Up in self._held) - (Qt.Key.Key_Down in self._held)
        turn = (Qt.Key.Key_Right in self._held) - (Qt.Key.Key_Left in self._held)
        if forward:
            self._camera.walk_by(forward * 4.0 * seconds, 0.0)
        if turn:
            self._camera.look(-turn * 240.0 * seconds, 0.0)
        self._moved()

    # -- coarse while moving -----------------------------------------------------------------------

    def note_movement(self) -> None:
        """The camera was moved by somebody else (a button, a flight): keep the picture coarse."""
        self._moved()

    def _moved(self) -> None:
        if not self._moving:
            self._moving = True
            self.moving_changed.emit(True)
        self._still.start()
        self.moved.emit()

    def _rest(self) -> None:
        if self._button != Qt.MouseButton.NoButton and self._dragging:
            self._still.start()
            return
        self._moving = False
        self.moving_changed.emit(False)

    @property
    def last_position(self) -> QPoint:
        """Where the pointer was last seen in a drag."""
        return self._last.toPoint()


_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_HANDLERS = {
    QEvent.Type.MouseButtonPress: Navigator._press,
    QEvent.Type.MouseMove: Navigator._move,
    QEvent.Type.MouseButtonRelease: Navigator._release,
    QEvent.Type.MouseButtonDblClick: Navigator._double,
    QEvent.Type.Wheel: Navigator._wheel,
    QEvent.Type.Leave: Navigator._leave,
    QEvent.Type.TouchBegin: Navigator._touch,
    QEvent.Type.TouchUpdate: Navigator._touch,
    QEvent.Type.TouchEnd: Navigator._touch,
    QEvent.Type.TouchCancel: Navigator._touch,
    QEvent.Type.KeyPress: Navigator._key,
    QEvent.Type.KeyRelease: Navigator._key_up,
    QEvent.Type.FocusOut: Navigator._focus_out,
}
