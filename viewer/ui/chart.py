"""The live chart: one indicator, the city of today and every scenario as bars.

The bar of the active scenario follows every slider tick; the others are worked out when nothing else
is to do. Run it alone with ``python -m viewer.ui.chart``.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QFont, QPainter, QPen
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from viewer.indicators.record import IndicatorRecord, Status
from viewer.ui import theme
from viewer.ui.figures import band_text, value_text
from viewer.ui.i18n import language_changed, tr
from viewer.ui.theme import theme_changed
from viewer.ui.widgets import column

#: The first indicator shown: the one most talks begin with.
FIRST = "dwellings"
#: Pause after the last change before the other scenarios are worked out, milliseconds.
_IDLE_MS = 250


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a name, the record behind it (None: not worked out yet), and whether it is the one shown."""

    name: str
    record: IndicatorRecord | None
    active: bool = False
    today: bool = False


class Bars(QWidget):
    """Bars from the left, names above them, values at their end, a line at the value of today."""

    def __init__(self) -> None:
        super().__init__()
        self.bars: tuple[Bar, ...] = ()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        theme_changed.connect(self.update)

    def show_bars(self, bars: tuple[Bar, ...]) -> None:
        """Show these bars; repaints only if something differs."""
        if bars == self.bars:
            return
        grown = len(bars) != len(self.bars)
        self.bars = bars
        self.setAccessibleName(self.text())
        if grown:
            self.updateGeometry()
        self.update()

    def text(self) -> str:
        """The chart in words, one line per bar."""
        return "; ".join(f"{bar.name}: {value_text(bar.record)}" for bar in self.bars if bar.record is not None)

    def scale(self) -> tuple[float, float]:
        """Lowest and highest value of the axis; zero is always on it, so that lengths can be compared."""
        values = [v for bar in self.bars if bar.record is not None for v in (bar.record.value, bar.record.high) if v]
        return min(0.0, *values, 0.0), max(0.0, *values, 0.0) or 1.0

    def sizeHint(self) -> QSize:
        return QSize(280, len(self.bars) * self._pitch() + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def _pitch(self) -> int:
        return self.fontMetrics().height() + 20

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        low, high = self.scale()
        room = self.width() - 2.0

        def x(value: float) -> float:
            return 1.0 + (value - low) / (high - low) * room

        pitch, text = self._pitch(), self.fontMetrics().height()
        for at, bar in enumerate(self.bars):
            top = at * pitch + 2
            self._words(painter, QRect(0, top, self.width(), text), bar)
            if bar.record is None or bar.record.value is None:
                continue
            box = QRectF(x(0), top + text + 3, x(bar.record.value) - x(0), 10)
            self._bar(painter, box.normalized(), bar)
            if bar.record.status is Status.RANGE and bar.record.low is not None and bar.record.high is not None:
                self._whisker(painter, x(bar.record.low), x(bar.record.high), box.center().y())
        today = next((bar.record for bar in self.bars if bar.today), None)
        if today is not None and today.value is not None and len(self.bars) > 1:
            painter.setPen(QPen(theme.color("text"), 1, Qt.PenStyle.DashLine))
            at = x(today.value)
            for row in range(len(self.bars)):
                top = row * pitch + 2 + text + 1
                painter.drawLine(QPointF(at, top), QPointF(at, top + 14))
        painter.end()

    def _words(self, painter: QPainter, rect: QRect, bar: Bar) -> None:
        strong = QFont(self.font())
        strong.setWeight(QFont.Weight.DemiBold if bar.active else QFont.Weight.Normal)
        painter.setFont(strong)
        painter.setPen(theme.color("text"))
        value = "…" if bar.record is None else value_text(bar.record)
        painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, value)
        room = rect.width() - painter.fontMetrics().horizontalAdvance(value) - 10
        painter.setPen(theme.color("text" if bar.active else "muted"))
        name = painter.fontMetrics().elidedText(bar.name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)

    def _bar(self, painter: QPainter, box: QRectF, bar: Bar) -> None:
        painter.setPen(QPen(theme.color("outline"), 1) if bar.today else Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("pressed" if bar.today else "accent" if bar.active else "outline"))
        painter.drawRoundedRect(box, 2, 2)

    def _whisker(self, painter: QPainter, low: float, high: float, y: float) -> None:
        painter.setPen(QPen(theme.color("text"), 1.2))
        painter.drawLine(QPointF(low, y), QPointF(high, y))
        for end in (low, high):
            painter.drawLine(QPointF(end, y - 3), QPointF(end, y + 3))


class Chart(QWidget):
    """An indicator to choose, and its bars."""

    def __init__(self, workspace, tasks=None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._records: dict[str, dict[str, IndicatorRecord]] = {}
        self._known: dict[str, object] = {}
        self._active: tuple[IndicatorRecord, ...] = ()
        self.choice = QComboBox()
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setMinimumContentsLength(10)
        self.choice.activated.connect(self._show)
        self.bars = Bars()
        self.setLayout(column(self.choice, self.bars, spacing=8))
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(_IDLE_MS)
        self._idle.timeout.connect(self.catch_up)
        language_changed.connect(self._retranslate)
        self._retranslate()

    def show_active(self, records: tuple[IndicatorRecord, ...]) -> None:
        """Take the numbers of the active scenario; the others follow when there is time."""
        self._active = records
        if not self.isVisible():
            return
        self._fill_choice()
        self._show()
        if self._behind():
            self._idle.start()

    def showEvent(self, event) -> None:
        super().showEvent(event)
        if self._active:
            self.show_active(self._active)

    def catch_up(self) -> None:
        """Work out one scenario that is behind, then let the window breathe before the next."""
        behind = self._behind()
        if not behind or not self.isVisible():
            return
        name = behind[0]
        self._records[name] = {record.id: record for record in self._workspace.indicators(name)}
        self._known[name] = self._state(name)
        self._show()
        if len(behind) > 1:
            self._idle.start(0)

    def _state(self, name: str) -> object:
        """What the numbers of a scenario depend on, apart from the active one's, which come by themselves."""
        document = self._workspace.session.document
        scenario = next((s for s in document.scenarios if s.name == name), None)
        return (document.sources, self._workspace.city, scenario)

    def _behind(self) -> list[str]:
        document = self._workspace.session.document
        names = ["", *(s.name for s in document.scenarios if s.name != document.active)]
        return [name for name in names if self._known.get(name) != self._state(name)]

    def _show(self) -> None:
        document = self._workspace.session.document
        chosen = self.choice.currentData()
        active = next((r for r in self._active if r.id == chosen), None)
        bars = [Bar(tr("Today"), self._records.get("", {}).get(chosen), today=True)]
        for scenario in document.scenarios:
            if scenario.name == document.active:
                bars.append(Bar(scenario.name, active, active=True))
            else:
                bars.append(Bar(scenario.name, self._records.get(scenario.name, {}).get(chosen)))
        self.bars.show_bars(tuple(bars))
        band = band_text(active) if active is not None else ""
        self.bars.setToolTip(tr("The thin line shows the range.") if band else "")

    def _fill_choice(self) -> None:
        wanted = [(tr(record.label), record.id) for record in self._active]
        if [(self.choice.itemText(i), self.choice.itemData(i)) for i in range(self.choice.count())] == wanted:
            return
        chosen = self.choice.currentData() or FIRST
        self.choice.clear()
        for text, name in wanted:
            self.choice.addItem(text, name)
        self.choice.setCurrentIndex(max(0, self.choice.findData(chosen)))

    def _retranslate(self) -> None:
        self.choice.setAccessibleName(tr("Number shown in the chart"))
        if self._active:
            self._fill_choice()
            self.bars.bars = ()
            self._show()


def _alone(workspace, tasks) -> Chart:
    chart = Chart(workspace, tasks)
    workspace.changed.connect(lambda: chart.show_active(workspace.indicators()))
    chart.show_active(workspace.indicators())
    return chart


if __name__ == "__main__":
    from viewer.ui.planning_sample import run_alone

    run_alone(_alone)
