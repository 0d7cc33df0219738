"""Small translucent things over the picture: navigation buttons, scale bar, credits, hover, frame times."""

from __future__ import annotations

import math
from collections import deque

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QLabel, QToolButton, QVBoxLayout, QWidget

from viewer.ui import theme
from viewer.ui.i18n import bind, language_changed, number, tr
from viewer.ui.theme import TARGET
from viewer.ui.topbar import tool_for
from viewer.ui.widgets import Card, row


class Compass(QToolButton):
    """A needle that turns with the camera; a click turns north up."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(TARGET + 8, TARGET + 8)
        self._heading_deg = 0.0
        bind(self.setToolTip, "Turn north to the top (N)")
        bind(self.setAccessibleName, "Compass: turn north to the top")
        theme.theme_changed.connect(self.update)

    def set_heading(self, degrees: float) -> None:
        """Direction of view, degrees clockwise from north."""
        if abs(degrees - self._heading_deg) > 0.2:
            self._heading_deg = degrees
            self.update()

    def paintEvent(self, event) -> None:
        super().paintEvent(event)
        colors = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self.width() / 2, self.height() / 2)
        painter.rotate(-self._heading_deg)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.parse(colors.accent))
        painter.drawPolygon(QPolygonF([QPointF(0, -13), QPointF(5, 0), QPointF(-5, 0)]))
        painter.setBrush(theme.parse(colors.outline))
        painter.drawPolygon(QPolygonF([QPointF(0, 13), QPointF(5, 0), QPointF(-5, 0)]))
        painter.setBrush(theme.parse(colors.surface))
        painter.drawEllipse(QPointF(0, 0), 1.8, 1.8)
        painter.end()


class NavigationPad(Card):
    """Compass, closer, further, whole city, from above, walk."""

    def __init__(self, actions: dict[str, QAction]) -> None:
        super().__init__("glass", margin=4)
        self.body.setSpacing(2)
        self.compass = Compass()
        self.compass.clicked.connect(actions["north"].trigger)
        self.body.addWidget(self.compass, 0, Qt.AlignmentFlag.AlignHCenter)
        for key in ("zoom_in", "zoom_out", "home", "top", "walk"):
            self.body.addWidget(tool_for(actions[key]), 0, Qt.AlignmentFlag.AlignHCenter)
        bind(self.setAccessibleName, "Move around")


class ToolPad(Card):
    """Pick, rectangle, polygon, area."""

    def __init__(self, actions: dict[str, QAction]) -> None:
        super().__init__("glass", margin=4)
        keys = ("tool_select", "tool_rectangle", "tool_polygon", "tool_area")
        self.body.addLayout(row(*(tool_for(actions[key]) for key in keys), spacing=2))
        bind(self.setAccessibleName, "Select and draw")


class ScaleBar(QWidget):
    """A round length and how wide it is in the middle of the picture."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._metres_per_pixel = 0.0
        theme.theme_changed.connect(self.update)
        language_changed.connect(self._describe)

    def set_resolution(self, metres_per_pixel: float) -> None:
        """Metres per device-independent pixel in the middle of the picture; 0 hides the bar."""
        if not math.isfinite(metres_per_pixel) or metres_per_pixel < 0:
            metres_per_pixel = 0.0
        if metres_per_pixel != self._metres_per_pixel:
            self._metres_per_pixel = metres_per_pixel
            self._describe()
            self.update()

    def _describe(self) -> None:
        self.setAccessibleName(tr("Scale: {length}", length=length_text(self.length_m())))

    def length_m(self, room_px: float = 110.0) -> float:
        """The longest of 1, 2, 5 times a power of ten that fits, metres; 0 without a picture."""
        longest = self._metres_per_pixel * room_px
        if longest <= 0:
            return 0.0
        power = 10.0 ** math.floor(math.log10(longest))
        return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= longest)

    def sizeHint(self) -> QSize:
        return QSize(132, 34)

    def paintEvent(self, event) -> None:
        length = self.length_m()
        if not length:
            return
        colors = theme.colors()
        wide = length / self._metres_per_pixel
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.parse(colors.glass))
        painter.drawRoundedRect(QRectF(0, 0, wide + 20, self.height()), 8, 8)
        painter.setPen(QPen(theme.parse(colors.text), 2))
        base = self.height() - 9.0
        painter.drawPolyline(
            [QPointF(10, base - 5), QPointF(10, base), QPointF(10 + wide, base), QPointF(10 + wide, base - 5)]
        )
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        painter.drawText(QRectF(0, 2, wide + 20, 16), Qt.AlignmentFlag.AlignCenter, length_text(length))
        painter.end()


def length_text(metres: float) -> str:
    """A length as a person writes it: 50 m, 2 km."""
    if metres >= 1000:
        return tr("{value} km", value=number(metres / 1000, None))
    return tr("{value} m", value=number(metres, None))


class Attribution(QLabel):
    """Who must be named in this picture."""

    WIDTH = 288

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "small")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setWordWrap(True)
        self._restyle()
        theme.theme_changed.connect(self._restyle)

    def _restyle(self) -> None:
        self.setStyleSheet(f"background: {theme.colors().glass}; border-radius: 6px; padding: 2px 8px;")

    def set_names(self, names: tuple[str, ...]) -> None:
        """Show these credits."""
        self.setText(" · ".join(names))
        self.setToolTip(self.text())
        # beside the tools in the middle there is room for so much, even in a small window
        self.setVisible(bool(names))
        if not names:
            return
        line = self.fontMetrics().horizontalAdvance(self.text()) + 24
        self.setFixedWidth(min(line, self.WIDTH))
        self.setFixedHeight(self.heightForWidth(self.width()))


class HoverTip(Card):
    """Name and type of what is under the pointer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("glass", parent, margin=8)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.body.setSpacing(0)
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setProperty("role", "section")
        self.detail = QLabel()
        self.detail.setTextFormat(Qt.TextFormat.PlainText)
        self.detail.setProperty("role", "small")
        self.body.addWidget(self.title)
        self.body.addWidget(self.detail)
        self.hide()

    def show_at(self, position: QPoint, title: str, detail: str) -> None:
        """Show beside the pointer, inside the parent."""
        self.title.setText(title if len(title) <= 60 else title[:59] + "…")
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))
        self.adjustSize()
        room = self.parentWidget().size()
        x = min(position.x() + 16, room.width() - self.width() - 8)
        y = position.y() + 20
        if y + self.height() > room.height() - 8:
            y = position.y() - self.height() - 12
        self.move(max(8, x), max(8, y))
        self.show()
        self.raise_()


class PerformanceOverlay(Card):
    """Frame time, and the time from the last slider event to the finished picture."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("glass", parent, margin=8)
        bind(
            self.setToolTip,
            "Frame: time to draw one picture. Slider to picture: from the last change of the plan to the end of the "
            "first picture begun after it, calculation included.",
        )
        self._frames: deque[float] = deque(maxlen=60)
        self._slider_ms: float | None = None
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        layout = QVBoxLayout()
        layout.addWidget(self._text)
        self.body.addLayout(layout)
        self._show()
        language_changed.connect(self._show)

    def add_frame(self, milliseconds: float, slider_ms: float | None = None) -> None:
        """Note a finished frame; ``slider_ms`` if it answered a slider event."""
        self._frames.append(milliseconds)
        if slider_ms is not None:
            self._slider_ms = slider_ms
        if self.isVisible():
            self._show()

    @property
    def slider_ms(self) -> float | None:
        """From the last slider event to the finished picture, milliseconds; None before the first."""
        return self._slider_ms

    def _show(self) -> None:
        if not self._frames:
            self._text.setText(tr("No frame yet"))
            return
        ordered = sorted(self._frames)
        lines = [
            tr("Frame: {value} ms", value=number(self._frames[-1], 1)),
            tr("Median of {n}: {value} ms", n=len(ordered), value=number(ordered[len(ordered) // 2], 1)),
        ]
        if self._slider_ms is not None:
            lines.append(tr("Slider to picture: {value} ms", value=number(self._slider_ms, 1)))
        self._text.setText("\n".join(lines))
        self.adjustSize()
