"""Moves a placed model with the pointer: a drag moves it, with Shift turns, with Ctrl lifts, with Alt sizes it.

Arrow keys are for the last metre.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QPolygonF

from viewer.city import ModelLayer
from viewer.session.edits import PlaceModel
from viewer.session.placement import LEAST_SCALE, MOST_SCALE, Placement, placement_of
from viewer.ui.select_tools import Canvas
from viewer.ui.view_base import View

#: Degrees of turn for one pixel, and for one key press.
_DEG_PER_PX, _KEY_DEG = 0.5, 5.0
#: Growth for one pixel of a drag upwards.
_SIZE_PER_PX = 0.005
#: Metres for one key press, and for one with Shift.
_STEP_M, _FINE_M = 1.0, 0.1
_ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0), Qt.Key.Key_Right: (1.0, 0.0), Qt.Key.Key_Up: (0.0, 1.0), Qt.Key.Key_Down: (0.0, -1.0),
}  # fmt: skip


class ModelMover(QObject):
    """Holds at most one model. Every drag is one step of the history."""

    #: Key of the model that is held now, "" for none.
    holding = Signal(str)

    def __init__(self, workspace, view: View, canvas: Canvas, parent: QObject | None = None) -> None:
        super().__init__(parent or view)
        self._workspace, self._view, self._canvas = workspace, view, canvas
        self.key = ""
        self._before: Placement | None = None
        self._grip: NDArray[np.float64] | None = None
        view.navigator.dragged.connect(self._on_drag)
        view.camera_changed.connect(self._outline)
        workspace.changed.connect(self._on_changed)
        view.installEventFilter(self)

    def hold(self, key: str) -> None:
        """Take a model, or let go with ""."""
        if key and self._placement(key) is None:
            key = ""
        if key == self.key:
            return
        self.key = key
        self._view.navigator.tool_drag = bool(key)
        self._view.setCursor(Qt.CursorShape.SizeAllCursor if key else Qt.CursorShape.ArrowCursor)
        self._canvas.clear()
        self._outline()
        self.holding.emit(key)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not self.key or event.type() != QEvent.Type.KeyPress:
            return False
        placement = self._placement(self.key)
        if placement is None:
            return False
        key, fine = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if key in _ARROWS:
            right, ahead = np.multiply(_ARROWS[key], _FINE_M if fine else _STEP_M)
            heading = np.radians(self._view.heading_deg)
            east = right * np.cos(heading) + ahead * np.sin(heading)
            north = -right * np.sin(heading) + ahead * np.cos(heading)
            self._place(placement.moved(placement.east + east, placement.north + north))
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            by = (_FINE_M if fine else _STEP_M) * (1 if key == Qt.Key.Key_PageUp else -1)
            self._place(replace(placement, height_m=placement.height_m + by))
        elif key in (Qt.Key.Key_Comma, Qt.Key.Key_Period):
            self._place(placement.turned(_KEY_DEG if key == Qt.Key.Key_Period else -_KEY_DEG))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.hold("")
        else:
            return False
        self._workspace.session.end_gesture()
        return True

    def _placement(self, key: str) -> Placement | None:
        source = self._workspace.session.document.source(key)
        return None if source is None else placement_of(source.options)

    def _place(self, placement: Placement, *, merge: bool = False) -> None:
        self._workspace.session.edit(PlaceModel(self.key, placement), merge=merge)

    def _on_drag(self, start: QPointF, end: QPointF, keys, finished: bool) -> None:
        if not self.key:
            return
        if self._before is None:
            self._before, self._grip = self._placement(self.key), self._view.ground_at(start)
        before = self._before
        if before is None:
            return
        if keys & Qt.KeyboardModifier.AltModifier:
            scale = before.scale * float(np.exp((start.y() - end.y()) * _SIZE_PER_PX))
            self._place(replace(before, scale=float(np.clip(scale, LEAST_SCALE, MOST_SCALE))), merge=True)
        elif keys & Qt.KeyboardModifier.ControlModifier:
            up = (start.y() - end.y()) * self._view.metres_per_pixel
            self._place(replace(before, height_m=round(before.height_m + up, 2)), merge=True)
        elif keys & Qt.KeyboardModifier.ShiftModifier:
            self._place(before.turned((end.x() - start.x()) * _DEG_PER_PX), merge=True)
        else:
            there = self._view.ground_at(end)
            if there is not None and self._grip is not None:
                by = there[:2] - self._grip[:2]
                self._place(before.moved(before.east + float(by[0]), before.north + float(by[1])), merge=True)
        if finished:
            self._before = self._grip = None
            self._workspace.session.end_gesture()

    def _on_changed(self) -> None:
        if self.key and self._placement(self.key) is None:
            self.hold("")
        else:
            self._outline()

    def _outline(self) -> None:
        """The foot of the model over the picture, so that one sees what is held."""
        if not self.key:
            return
        views = [view for view in self._workspace.layer_views() if view.key == self.key]
        if not views or views[0].matrix is None or not isinstance(views[0].layer, ModelLayer):
            return
        (x0, y0, _), (x1, y1, _) = views[0].layer.low, views[0].layer.high
        corners = np.array([[x0, y0, 0, 1], [x1, y0, 0, 1], [x1, y1, 0, 1], [x0, y1, 0, 1]])
        seen = self._view.project((corners @ views[0].matrix.T)[:, :3])
        if np.isfinite(seen).all():
            self._canvas.show_polygon(QPolygonF([QPointF(x, y) for x, y in seen.tolist()]), closed=True)
        else:
            self._canvas.clear()
