"""The numbers of the active scenario: one row each, brought up to date in place at every change.

Rows paint themselves, so that a slider tick costs no layout. Nothing is asked for while nobody looks.
Run it alone with ``python -m viewer.ui.indicators_panel``.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QFont, QHelpEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from viewer.indicators.record import IndicatorRecord, Status
from viewer.ui import theme
from viewer.ui.chart import Chart
from viewer.ui.figures import (
    STATUS_HELP,
    STATUS_SYMBOL,
    STATUS_TEXT,
    Change,
    Difference,
    band_text,
    difference,
    sentence_text,
    value_text,
)
from viewer.ui.i18n import language_changed, tr
from viewer.ui.record_dialog import RecordDialog
from viewer.ui.theme import theme_changed
from viewer.ui.widgets import ScrollColumn, clear, label, line, row, tool

#: Hues of the diverging palette PuOr: they say more or less, never good or bad. (light, dark)
CHANGE_COLOURS = {Change.MORE: ("#532687", "#c3bde4"), Change.LESS: ("#a04e05", "#fcb761")}
_PAD = 8


class IndicatorsPanel(QWidget):
    """Rows by group, the chart above them, and the record of a number one click away."""

    def __init__(self, workspace, tasks=None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace, self.tasks = workspace, tasks
        self._stale = True
        self._layout_key: tuple[tuple[str, str], ...] = ()
        self.rows: dict[str, IndicatorRow] = {}
        self.dialog: RecordDialog | None = None
        self.chart = Chart(workspace)
        self.show_chart = tool("chart", "Compare the scenarios in a chart", checkable=True)
        self.show_chart.setChecked(True)
        self.show_chart.toggled.connect(self.chart.setVisible)
        head = row(label("Numbers", "title"), None, self.show_chart)
        head.setContentsMargins(16, 6, 12, 2)
        self._scroll = ScrollColumn(margin=8)
        self._scroll.body.setSpacing(0)
        self._empty = label("Open a city to see its numbers.", "muted", wrap=True)
        self._empty.setContentsMargins(8, 8, 8, 8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(line())
        layout.addLayout(head)
        layout.addWidget(self._scroll)
        self._rows_at = QVBoxLayout()
        self._rows_at.setSpacing(0)
        chart_box = QVBoxLayout()
        chart_box.setContentsMargins(_PAD, 0, _PAD, _PAD)
        chart_box.addWidget(self.chart)
        self._scroll.body.addLayout(chart_box)
        self._scroll.body.addWidget(self._empty)
        self._scroll.body.addLayout(self._rows_at)
        self._scroll.body.addStretch(1)
        self.setMinimumWidth(300)
        workspace.changed.connect(self.refresh)
        language_changed.connect(self._retranslate)
        self.refresh()

    def refresh(self) -> None:
        """Show the numbers of the active scenario; waits while nobody sees the panel."""
        if not self.isVisible():
            self._stale = True
            return
        self._stale = False
        records = self.workspace.indicators()
        key = tuple((r.id, r.group) for r in records)
        if key != self._layout_key:
            self._layout_key = key
            self._build(records)
        for record in records:
            self.rows[record.id].show_record(record)
        if self.dialog is not None and self.dialog.isVisible():
            for record in records:
                if record.id == self.dialog.record.id:
                    self.dialog.show_record(record)
        self.chart.show_active(records)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def open_record(self, name: str) -> None:
        """Show everything behind one number."""
        record = self.rows[name].record
        if self.dialog is None:
            self.dialog = RecordDialog(record, self)
        self.dialog.show_record(record)
        self.dialog.show()
        self.dialog.raise_()

    def _build(self, records: tuple[IndicatorRecord, ...]) -> None:
        clear(self._rows_at)
        self.rows = {}
        self._empty.setVisible(not records)
        for group in dict.fromkeys(record.group for record in records):
            heading = row(label(group, "section"))
            heading.setContentsMargins(_PAD, 12, _PAD, 4)  # the same left edge as the rows
            self._rows_at.addLayout(heading)
            for record in records:
                if record.group == group:
                    made = IndicatorRow(record)
                    made.clicked.connect(lambda _=False, name=record.id: self.open_record(name))
                    self.rows[record.id] = made
                    self._rows_at.addWidget(made)

    def _retranslate(self) -> None:
        for made in self.rows.values():
            made.retranslate()


class IndicatorRow(QAbstractButton):
    """One number: name and value, below them the range and what differs from today. Click for all of it."""

    def __init__(self, record: IndicatorRecord) -> None:
        super().__init__()
        self.record = record
        self.value = self.band = ""
        self.difference = Difference(Change.UNKNOWN, "")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme_changed.connect(self.update)
        self.retranslate()

    def show_record(self, record: IndicatorRecord) -> None:
        """Show another state of the same number; repaints only if it differs."""
        if record is not self.record:
            self.record = record
            self.retranslate()

    def retranslate(self) -> None:
        """Work the words out again."""
        record = self.record
        shown = (value_text(record), self._small_text(), difference(record))
        if shown != (self.value, self.band, self.difference) or not self.accessibleName():
            self.value, self.band, self.difference = shown
            self.setAccessibleName(" ".join(filter(None, (tr(record.label), *shown[:2], shown[2].text))))
            self.setAccessibleDescription(sentence_text(record))
            self.update()

    def _small_text(self) -> str:
        record = self.record
        if record.status is Status.LIVE:
            return ""
        text = band_text(record) or tr(STATUS_TEXT[record.status])
        return f"{STATUS_SYMBOL[record.status]} {text}"

    def tip(self) -> str:
        """What stands beside the pointer: the sentence, and how far the number may be trusted."""
        record = self.record
        status = tr(STATUS_TEXT[record.status]) + ": " + tr(STATUS_HELP[record.status])
        return "\n".join((sentence_text(record), status, tr("Click for formula and sources.")))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip(), self)
            return True
        return super().event(event)

    def keyPressEvent(self, event) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(280, self._line() * 2 + 14)

    def _line(self) -> int:
        return self.fontMetrics().height() + 2

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self.rect().adjusted(1, 1, -1, -1)
        if self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("pressed" if self.isDown() else "hover"))
            painter.drawRoundedRect(box, 6, 6)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.drawRoundedRect(box, 6, 6)
        inner = self.rect().adjusted(_PAD, 6, -_PAD, -6)
        first = QRect(inner.left(), inner.top(), inner.width(), self._line())
        second = first.translated(0, self._line())
        self._pair(painter, first, tr(self.record.label), self.value, bold=True)
        small = QFont(self.font())
        small.setPixelSize(max(11, round(self.fontInfo().pixelSize() * 0.88)))
        painter.setFont(small)
        words = f"{self.difference.symbol} {self.difference.text}" if self.difference.text else ""
        self._pair(painter, second, self.band, words, muted=True)
        painter.end()

    def _pair(self, painter: QPainter, rect: QRect, left: str, right: str, *, bold=False, muted=False) -> None:
        """A text on the left that gives way, and one on the right that stays whole."""
        plain = painter.font()
        strong = QFont(plain)
        strong.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        change = self.difference.change
        painter.setFont(strong)
        if muted and change in CHANGE_COLOURS:
            painter.setPen(theme.parse(CHANGE_COLOURS[change][theme.name() == "dark"]))
        else:
            painter.setPen(theme.color("muted" if muted else "text"))
        painter.drawText(rect, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
        room = rect.width() - painter.fontMetrics().horizontalAdvance(right) - 10
        painter.setFont(plain)
        painter.setPen(theme.color("muted" if muted else "text"))
        shown = painter.fontMetrics().elidedText(left, Qt.TextElideMode.ElideRight, max(0, room))
        painter.drawText(rect, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)


if __name__ == "__main__":
    from viewer.ui.planning_sample import run_alone

    run_alone(IndicatorsPanel)
