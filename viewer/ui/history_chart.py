"""Earlier values of one measured point as a small line, with its range and its span of time."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from viewer.ui import theme
from viewer.ui.i18n import language_changed, locale, number, tr
from viewer.ui.theme import theme_changed

_HEIGHT, _DOT = 84, 3.0
#: More values than this are thinned out, lowest and highest of each group kept.
_MOST = 400


class HistoryChart(QWidget):
    """Time from left to right; the last value is marked. Fewer than two values show nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._times = self._values = np.empty(0)
        self._unit = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme_changed.connect(self.update)
        language_changed.connect(self._name)
        self.hide()

    def show_values(self, times_s: NDArray[np.float64], values: NDArray[np.float64], unit: str = "") -> None:
        """Show values at times (seconds since 1970, ascending); hides itself where there is no line to draw."""
        self._times, self._values = thinned(times_s, values)
        self._unit = unit
        self._name()
        self.setVisible(len(self._values) > 1)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(260, _HEIGHT + 2 * self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def text(self) -> str:
        """The chart in words."""
        if len(self._values) < 2:
            return ""
        return tr(
            "{n} values from {start} to {end}: lowest {low}, highest {high}, last {last}",
            n=len(self._values),
            start=moment_text(self._times[0]),
            end=moment_text(self._times[-1]),
            low=self._amount(self._values.min()),
            high=self._amount(self._values.max()),
            last=self._amount(self._values[-1]),
        )

    def paintEvent(self, event) -> None:
        if len(self._values) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = self.fontMetrics().height()
        box = QRectF(_DOT + 1, line + 4, self.width() - 2 * _DOT - 2, self.height() - 2 * line - 8)
        low, high = float(self._values.min()), float(self._values.max())
        painter.setPen(QPen(theme.color("outline"), 1))
        painter.drawLine(box.bottomLeft(), box.bottomRight())
        self._draw_line(painter, box, low, high)
        painter.setPen(theme.color("muted"))
        whole = QRectF(0, 0, self.width(), line)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        painter.drawText(whole, left, f"{self._amount(low)} – {self._amount(high)}")
        below = QRectF(0, self.height() - line, self.width(), line)
        painter.drawText(below, left, moment_text(self._times[0]))
        painter.drawText(below, right, moment_text(self._times[-1]))
        painter.setPen(theme.color("text"))
        painter.drawText(whole, right, self._amount(self._values[-1]))
        painter.end()

    def _draw_line(self, painter: QPainter, box: QRectF, low: float, high: float) -> None:
        span = max(float(self._times[-1] - self._times[0]), 1e-9)
        x = box.left() + (self._times - self._times[0]) / span * box.width()
        y = box.bottom() - 4 - (self._values - low) / ((high - low) or 1.0) * (box.height() - 8)
        points = [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        fill = theme.color("accent")
        fill.setAlpha(36)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        feet = [QPointF(points[-1].x(), box.bottom()), QPointF(points[0].x(), box.bottom())]
        painter.drawPolygon(QPolygonF(points + feet))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("accent"), 1.8))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(theme.color("accent"))
        painter.drawEllipse(points[-1], _DOT, _DOT)

    def _amount(self, value: float) -> str:
        size = abs(float(value))
        text = number(float(value), 0 if size >= 1000 or float(value).is_integer() else 1 if size >= 10 else 2)
        return f"{text} {self._unit}".strip()

    def _name(self) -> None:
        self.setAccessibleName(self.text())
        self.setToolTip(self.text())
        self.update()


def thinned(
    times: NDArray[np.float64], values: NDArray[np.float64], most: int = _MOST
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most about ``most`` of the values: lowest and highest of every group, the last one always."""
    if len(values) <= most:
        return times, values
    edges = np.linspace(0, len(values), most // 2 + 1).astype(np.int64)
    groups = np.split(np.arange(len(values)), edges[1:-1])
    kept = [group[[values[group].argmin(), values[group].argmax()]] for group in groups if len(group)]
    index = np.unique(np.concatenate([*kept, [len(values) - 1]]))
    return times[index], values[index]


def moment_text(seconds: float) -> str:
    """Day and time of this computer, short, as the language writes them."""
    moment = datetime.fromtimestamp(float(seconds))
    day = moment.strftime("%d.%m." if locale().name().startswith("de") else "%d %b")
    return f"{day} {moment:%H:%M}"
