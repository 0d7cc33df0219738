"""Everything behind one number: formula, parameters with sources, assumptions, range, share of guesses."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QFrame, QGridLayout, QWidget

from viewer.indicators.record import IndicatorRecord
from viewer.ui import i18n
from viewer.ui.figures import (
    STATUS_HELP,
    STATUS_SYMBOL,
    STATUS_TEXT,
    band_text,
    difference,
    figure,
    number,
    sentence_text,
    unit_of,
    value_text,
    with_unit,
)
from viewer.ui.i18n import bind, language_changed, tr
from viewer.ui.widgets import Card, ScrollColumn, button, clear, column, label, row


class RecordDialog(QDialog):
    """Shows one record and stays open beside the sliders; ``show_record`` brings it up to date."""

    def __init__(self, record: IndicatorRecord, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.record = record
        self._lines: list[str] = []
        self.setModal(False)
        self.resize(520, 640)
        bind(self.setWindowTitle, "How this number is made")
        self._scroll = ScrollColumn(margin=20)
        copy = button("Copy", self._copy, icon="copy")
        close = button("Close", self.close, role="primary")
        foot = row(copy, None, close)
        foot.setContentsMargins(20, 8, 20, 16)
        self.setLayout(column(self._scroll, foot, spacing=0))
        language_changed.connect(self._fill)
        self._fill()

    def show_record(self, record: IndicatorRecord) -> None:
        """Show another state of the number; nothing is rebuilt if it is the same."""
        if record != self.record:
            self.record = record
            self._fill()

    def text(self) -> str:
        """All of it as plain text, as it is copied."""
        return "\n".join(self._lines)

    def _fill(self) -> None:
        record = self.record
        place = self._scroll.verticalScrollBar().value()
        clear(self._scroll.body)
        self._lines = []
        self._add(tr(record.label), "title")
        self._add(value_text(record), "value")
        change = difference(record)
        if change.text:
            today = with_unit(figure(record, record.baseline), unit_of(record))
            self._add(tr("Today: {value}", value=today) + f"   {change.symbol} {change.text}", "muted")
        self._add(sentence_text(record))
        self._heading(tr("How reliable it is"))
        self._add(f"{STATUS_SYMBOL[record.status]} {tr(STATUS_TEXT[record.status])}")
        self._add(tr(STATUS_HELP[record.status]), "muted")
        if band_text(record):
            self._add(tr("Range: {band}", band=with_unit(band_text(record), record.unit)))
        if record.fallback_share > 0:
            percent = number(max(100 * record.fallback_share, 1))
            self._add(tr("Rests on an assumption for {percent} % of the cases.", percent=percent))
        self._heading(tr("Formula"))
        self._formula(tr(record.formula))
        if record.parameters:
            self._heading(tr("Figures used"))
            self._parameters()
        if record.assumptions:
            self._heading(tr("Assumptions"))
            for text in record.assumptions:
                self._add("•  " + tr(text))
        if record.source:
            self._heading(tr("Source"))
            self._add(tr(record.source))
        self._scroll.body.addStretch(1)
        self._scroll.verticalScrollBar().setValue(place)

    def _add(self, text: str, role: str = "") -> None:
        made = label(text, role, wrap=True, translate=False)
        made.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._scroll.body.addWidget(made)
        self._lines.append(text)

    def _heading(self, text: str) -> None:
        self._scroll.body.addSpacing(8)
        self._lines.append("")
        self._add(text, "section")

    def _formula(self, text: str) -> None:
        box = Card("inset", margin=12)
        box.body.addWidget(label(text, wrap=True, translate=False))
        self._scroll.body.addWidget(box)
        self._lines.append(text)

    def _parameters(self) -> None:
        box = Card("inset", margin=12)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        for parameter in self.record.parameters:
            at = grid.rowCount()
            value = with_unit(i18n.number(parameter.value, None), parameter.unit)
            source = tr(parameter.source)
            if parameter.unverified:
                source = tr("{source} (assumption, unverified)", source=source)
            right = label(value, "section", translate=False)
            grid.addWidget(label(tr(parameter.name), wrap=True, translate=False), at, 0)
            grid.addWidget(right, at, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label(source, "small", wrap=True, translate=False), at + 1, 0, 1, 2)
            gap = QFrame()
            gap.setFixedHeight(6)
            grid.addWidget(gap, at + 2, 0)
            self._lines.append(f"{tr(parameter.name)}: {value} – {source}")
        box.body.addLayout(grid)
        self._scroll.body.addWidget(box)

    def _copy(self) -> None:
        QApplication.clipboard().setText(self.text())
