"""Selecting and drawing on the map: click, rectangle, polygon, and drawing an area for the sliders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from viewer.ui import theme
from viewer.ui.view_base import View

TOOLS = ("select", "rectangle", "polygon", "area")
#: A drawn line shorter than this is a slip of the hand, pixels.
_MIN_PX = 6.0


class SelectTools(QObject):
    """Turns clicks and drags on a view into selections and drawn areas."""

    #: (n, 2) float64, local metres, counter-clockwise, no closing corner.
    area_drawn = Signal(object)
    #: The tool went back to picking by itself.
    tool_changed = Signal(str)

    def __init__(self, workspace, view: View, canvas: Canvas) -> None:
        super().__init__(view)
        self._workspace, self._view, self._canvas = workspace, view, canvas
        self.tool = "select"
        #: Something else uses drags and the canvas at present.
        self.passive = False
        self._corners: list[NDArray[np.float64]] = []
        view.clicked.connect(self._on_click)
        view.navigator.double_clicked.connect(lambda _: self.close_polygon())
        view.navigator.hovered.connect(self._on_hover)
        view.navigator.dragged.connect(self._on_drag)
        view.camera_changed.connect(self._show_polygon)
        view.installEventFilter(self)

    def set_tool(self, tool: str) -> None:
        """Take a tool; what was half drawn is dropped."""
        self.tool = tool
        self._corners.clear()
        self._canvas.clear()
        self._view.navigator.tool_drag = tool == "rectangle"
        cursor = Qt.CursorShape.ArrowCursor if tool == "select" else Qt.CursorShape.CrossCursor
        self._view.setCursor(cursor)

    @property
    def drawing(self) -> bool:
        """Whether corners of a polygon are being set."""
        return bool(self._corners)

    def cancel(self) -> bool:
        """Esc: drop what is half drawn, then the tool; false if there was nothing to drop."""
        if self._corners:
            self._corners.clear()
            self._canvas.clear()
            return True
        if self.tool != "select":
            self._back()
            return True
        return False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and self.tool in ("polygon", "area"):
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.close_polygon()
                return True
            if event.key() == Qt.Key.Key_Backspace and self._corners:
                self._corners.pop()
                self._show_polygon()
                return True
        return False

    # -- picking -----------------------------------------------------------------------------------

    def _on_click(self, feature: int, position: QPointF, keys) -> None:
        if self._workspace.city is None or self.passive:
            return
        if self.tool in ("polygon", "area"):
            there = self._view.ground_at(position)
            if there is not None:
                self._corners.append(there)
                self._show_polygon()
            return
        if keys & Qt.KeyboardModifier.ControlModifier:
            if feature >= 0:
                self._workspace.select([feature], "toggle")
        else:
            self._workspace.select([feature] if feature >= 0 else [])

    # -- rectangle ---------------------------------------------------------------------------------

    def _on_drag(self, start: QPointF, end: QPointF, keys, finished: bool) -> None:
        if self._workspace.city is None or self.tool in ("polygon", "area") or self.passive:
            return
        rect = QRectF(start, end).normalized()
        if not finished:
            self._canvas.show_polygon(QPolygonF(rect), closed=True)
            return
        self._canvas.clear()
        if min(rect.width(), rect.height()) < _MIN_PX:
            return
        self._select(self._inside_rect(rect), keys)
        self._back()

    def _inside_rect(self, rect: QRectF) -> NDArray[np.int32]:
        """Buildings whose middle is seen inside a rectangle of the view."""
        measures = self._workspace.measures
        middle = np.column_stack([measures.centre_local, (measures.ground_m + measures.top_m) / 2])
        seen = self._view.project(middle)
        with np.errstate(invalid="ignore"):
            inside = (
                (seen[:, 0] >= rect.left())
                & (seen[:, 0] <= rect.right())
                & (seen[:, 1] >= rect.top())
                & (seen[:, 1] <= rect.bottom())
            )
        return np.flatnonzero(inside & measures.is_building).astype(np.int32)

    def _select(self, features: NDArray[np.int32], keys) -> None:
        adds = keys & Qt.KeyboardModifier.ControlModifier
        self._workspace.select(features, "add" if adds else "replace")

    # -- polygon -----------------------------------------------------------------------------------

    def _on_hover(self, position: QPointF) -> None:
        if self._corners:
            self._show_polygon(position)

    def _show_polygon(self, pointer: QPointF | None = None) -> None:
        if not self._corners:
            if self.tool in ("polygon", "area"):
                self._canvas.clear()
            return
        seen = self._view.project(np.array(self._corners))
        points = [QPointF(x, y) for x, y in seen if np.isfinite(x)]
        if isinstance(pointer, QPointF):
            points.append(pointer)
        self._canvas.show_polygon(QPolygonF(points), closed=len(points) > 2)

    def close_polygon(self) -> None:
        """The polygon is finished: select what lies inside, or hand the area over."""
        ring = tidy_ring(np.array([corner[:2] for corner in self._corners]).reshape(-1, 2))
        if self.tool not in ("polygon", "area") or len(ring) < 3:
            return
        tool = self.tool
        self._corners.clear()
        self._canvas.clear()
        if tool == "polygon":
            measures = self._workspace.measures
            inside = points_in_ring(measures.centre_local, ring) & measures.is_building
            self._workspace.select(np.flatnonzero(inside))
        else:
            self.area_drawn.emit(ring)
        self._back()

    def _back(self) -> None:
        if self.tool != "select":
            self.set_tool("select")
            self.tool_changed.emit("select")


class Canvas(QWidget):
    """Lies over the view and shows what is being drawn; lets every event through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._polygon = QPolygonF()
        self._closed = False
        self.hide()

    def show_polygon(self, polygon: QPolygonF, *, closed: bool) -> None:
        """Show corners, lines and a soft fill."""
        self._polygon, self._closed = polygon, closed
        self.setGeometry(self.parentWidget().rect())
        self.show()
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._polygon = QPolygonF()
        self.hide()

    def paintEvent(self, event) -> None:
        if self._polygon.isEmpty():
            return
        accent = theme.color("accent")
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = theme.color("accent")
        fill.setAlpha(48)
        painter.setPen(QPen(accent, 2))
        if self._closed:
            painter.setBrush(fill)
            painter.drawPolygon(self._polygon)
        else:
            painter.drawPolyline(self._polygon)
        painter.setBrush(theme.color("surface"))
        for corner in self._polygon:
            painter.drawEllipse(corner, 4, 4)
        painter.end()


def tidy_ring(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """A ring without repeated corners, counter-clockwise; empty if it encloses nothing."""
    if len(ring) < 3:
        return np.empty((0, 2))
    kept = np.hypot(*(ring - np.roll(ring, 1, axis=0)).T) > 1e-6
    ring = ring[kept]
    if len(ring) < 3:
        return np.empty((0, 2))
    x, y = ring.T
    area = 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    if abs(area) < 1e-6:
        return np.empty((0, 2))
    return ring if area > 0 else ring[::-1].copy()


def points_in_ring(points: NDArray[np.float64], ring: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) bool: which points ((n, 2), local metres) lie inside a ring, by even-odd rule; NaN never."""
    inside = np.zeros(len(points), bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            crosses = (y0 > points[:, 1]) != (y1 > points[:, 1])
            at = (x1 - x0) * (points[:, 1] - y0) / (y1 - y0) + x0
            inside ^= crosses & (points[:, 0] < at)
    return inside & np.isfinite(points).all(axis=1)
