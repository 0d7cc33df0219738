"""One scenario on one A4 page: picture, numbers beside today's, settings, assumptions, sources and credits.

Drawn with a painter, so the page looks the same everywhere; ``report_pages`` gives the words without drawing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPageSize, QPainter, QPainterPath, QPdfWriter, QPen

from viewer.indicators.record import IndicatorRecord, Status
from viewer.scenario import LEVERS, Scenario
from viewer.ui import i18n
from viewer.ui.export import image_from_array, parameter_line
from viewer.ui.figures import (
    STATUS_SYMBOL,
    STATUS_TEXT,
    Change,
    band_text,
    difference,
    figure,
    settings_lines,
)
from viewer.ui.i18n import tr

_DPI = 300
_MM = _DPI / 25.4
_PAGE_W, _PAGE_H = 210.0, 297.0
_MARGIN = 15.0

_INK = QColor("#1c2430")
_SOFT = QColor("#5a6472")
_LINE = QColor("#d5dae1")
_BAND = QColor("#f3f5f8")
#: Height of the letters of the notes, millimetres.
_NOTE = 2.5
#: Shares of the page for settings, assumptions and sources, and the gap between them in millimetres.
_COLUMNS, _GAP = (0.25, 0.41, 0.34), 5.0
_ACCENT = QColor("#24527a")
_MORE = QColor("#532687")
_LESS = QColor("#8f4605")


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What stands on the page.

    picture : (H, W, 3 or 4) uint8, first row on top; None leaves the picture out.
    credits : attributions of everything shown.
    """

    scenario: Scenario
    records: tuple[IndicatorRecord, ...]
    title: str = ""
    picture: NDArray[np.uint8] | None = None
    credits: tuple[str, ...] = ()
    created: datetime | None = None
    crs: str = ""


def assumptions_of(records: tuple[IndicatorRecord, ...]) -> tuple[str, ...]:
    """Every assumption and unverified figure the records rest on, each once."""
    lines: dict[str, None] = {}
    for record in records:
        if record.status is Status.OFF:
            continue
        for parameter in record.parameters:
            if parameter.unverified:
                lines[parameter_line(parameter)] = None
        for assumption in record.assumptions:
            lines[tr(assumption)] = None
    return tuple(lines)


def sources_of(records: tuple[IndicatorRecord, ...]) -> tuple[str, ...]:
    """Every source the records name, each once."""
    lines: dict[str, None] = {}
    for record in records:
        if record.status is Status.OFF:
            continue
        for parameter in record.parameters:
            if not parameter.unverified:
                lines[parameter_line(parameter)] = None
        if record.source:
            lines[tr(record.source)] = None
    return tuple(lines)


def report_pdf(report: Report) -> bytes:
    """The page as a PDF file. Needs a ``QGuiApplication`` (off screen is enough) for its fonts."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setResolution(_DPI)
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    writer.setTitle(report.title or report.scenario.name)
    writer.setCreator("Stadtforum")
    painter = QPainter(writer)
    painter.scale(_MM, _MM)
    _Page(painter, report).draw()
    painter.end()
    buffer.close()
    return bytes(data.data())


def _difference_text(record: IndicatorRecord) -> str:
    """The difference as a table shows it: the unit stands in a column of its own."""
    delta = difference(record)
    if delta.change not in (Change.MORE, Change.LESS) or record.status is Status.INDICATIVE:
        return delta.text
    shown = figure(record, record.difference, sign=True)
    return tr("{value} pp", value=shown) if record.unit == "%" else shown


class _Page:
    """Draws one report; all lengths in millimetres."""

    def __init__(self, painter: QPainter, report: Report) -> None:
        self.p = painter
        self.r = report
        self.x0, self.x1 = _MARGIN, _PAGE_W - _MARGIN
        self.width = self.x1 - self.x0

    def draw(self) -> None:
        """From top to bottom; the picture takes what the words leave."""
        p = self.p
        p.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        top = self._head()
        foot = self._foot()
        rows = self._rows()
        row_h = 5.3 if len(rows) <= 18 else max(3.4, 95.0 / len(rows))
        table_h = 6.0 + row_h * len(rows)
        columns = self._columns()
        notes_h = min(max(self._column_height(c, w) for c, w in zip(columns, self._widths(), strict=True)), 72.0)
        room = foot - top - table_h - notes_h - 10.0
        if self.r.picture is not None and room > 30.0:
            top = self._picture(QRectF(self.x0, top, self.width, min(room, 100.0))) + 5.0
        top = self._table(top, rows, row_h) + 5.0
        self._notes(top, foot - 2.0, columns)

    # -- parts, top to bottom ---------------------------------------------------------------------

    def _head(self) -> float:
        created = datetime.now().astimezone() if self.r.created is None else self.r.created
        self.p.fillRect(QRectF(0, 0, _PAGE_W, 3.0), _ACCENT)
        date = i18n.locale().toString(created.date(), i18n.locale().FormatType.LongFormat)
        self._line(date, self.x0, 12.0, 3.2, _SOFT, align=Qt.AlignmentFlag.AlignRight)
        y = 13.0
        if self.r.title:
            self._line(self.r.title, self.x0, 12.0, 3.4, _ACCENT, weight=QFont.Weight.DemiBold, width=self.width * 0.7)
            y = 14.5
        y += self._paragraph(self.r.scenario.name, self.x0, y, self.width, 7.2, _INK, weight=QFont.Weight.Bold, lines=1)
        if self.r.scenario.note:
            y += 0.6 + self._paragraph(self.r.scenario.note, self.x0, y + 0.6, self.width, 3.5, _SOFT, lines=2)
        return y + 3.5

    def _picture(self, box: QRectF) -> float:
        assert self.r.picture is not None
        image = image_from_array(self.r.picture)
        # As wide as the page; what is too high is cut off at top and bottom alike.
        height = min(box.height(), box.width() * image.height() / image.width())
        target = QRectF(box.x(), box.y(), box.width(), height)
        cut = image.width() * height / box.width()
        source = QRectF(0, (image.height() - cut) / 2, image.width(), cut)
        path = QPainterPath()
        path.addRoundedRect(target, 2.0, 2.0)
        self.p.save()
        self.p.setClipPath(path)
        self.p.drawImage(target, image, source)
        self.p.restore()
        return target.bottom()

    def _rows(self) -> list[IndicatorRecord | str]:
        rows: list[IndicatorRecord | str] = []
        group = None
        for record in self.r.records:
            if record.status is Status.OFF:
                continue
            if record.group != group:
                group = record.group
                if group:
                    rows.append(group)
            rows.append(record)
        return rows

    def _table(self, y: float, rows: list[IndicatorRecord | str], row_h: float) -> float:
        size = min(3.25, row_h * 0.64)
        right = Qt.AlignmentFlag.AlignRight
        # Left edge of the label and the unit, right edges of the numbers, place of the status mark.
        unit, today, plan, span, diff, mark = 56.0, 92.0, 112.0, 146.0, 173.5, 175.5
        x = self.x0
        left = Qt.AlignmentFlag.AlignLeft

        def cell(text: str, start: float, end: float, color: QColor, align=right, weight=QFont.Weight.Normal) -> None:
            self._line(text, x + start, base, size, color, align=align, weight=weight, width=end - start)

        base = y + 3.8
        head = _SOFT
        cell(tr("Indicator"), 1, unit - 2, head, left)
        cell(tr("Unit"), unit, today - 18, head, left)
        cell(tr("Today"), today - 20, today, head)
        cell(tr("Scenario"), today + 1, plan, head)
        cell(tr("Range"), plan + 1, span, head)
        cell(tr("Difference"), span + 1, diff, head)
        y += 6.0
        self.p.setPen(QPen(_INK, 0.3))
        self.p.drawLine(QPointF(self.x0, y), QPointF(self.x1, y))
        for row in rows:
            base = y + row_h * 0.5 + size * 0.36
            if isinstance(row, str):
                self.p.fillRect(QRectF(self.x0, y, self.width, row_h), _BAND)
                cell(tr(row), 1, mark, _ACCENT, left, QFont.Weight.DemiBold)
            else:
                delta = difference(row)
                color = {Change.MORE: _MORE, Change.LESS: _LESS}.get(delta.change, _SOFT)
                words = tr(row.unit) if row.unit not in {"", "1"} else ""
                cell(tr(row.label), 1, unit - 2 if words else today - 18, _INK, left)
                cell(words, unit, today - 18, _SOFT, left)
                cell(figure(row, row.baseline), today - 20, today, _SOFT)
                about = "≈ " if row.status is Status.INDICATIVE else ""
                cell(about + figure(row, row.value), today + 1, plan, _INK, weight=QFont.Weight.DemiBold)
                cell(band_text(row), plan + 1, span, _SOFT)
                cell(f"{_difference_text(row)} {delta.symbol}", span + 1, diff, color)
                cell(STATUS_SYMBOL[row.status], mark, mark + 3.5, _SOFT, left)
            y += row_h
            self.p.setPen(QPen(_LINE, 0.15))
            self.p.drawLine(QPointF(self.x0, y), QPointF(self.x1, y))
        key = "   ".join(
            f"{STATUS_SYMBOL[s]} {tr(STATUS_TEXT[s])}" for s in (Status.LIVE, Status.RANGE, Status.INDICATIVE)
        )
        self._line(key, self.x0 + 1, y + 3.4, 2.5, _SOFT)
        return y + 4.5

    def _columns(self) -> list[tuple[str, tuple[str, ...]]]:
        settings = settings_lines(self.r.scenario, LEVERS) or (tr("Nothing is changed."),)
        return [
            (tr("Changes"), settings),
            (tr("Assumptions"), assumptions_of(self.r.records) or (tr("None."),)),
            (tr("Sources"), sources_of(self.r.records) or (tr("None."),)),
        ]

    def _widths(self) -> tuple[float, ...]:
        return tuple(share * (self.width - 2 * _GAP) for share in _COLUMNS)

    def _column_height(self, column: tuple[str, tuple[str, ...]], width: float) -> float:
        return 6.0 + sum(self._measure(line, width - 2.5, _NOTE) + 0.9 for line in column[1])

    def _notes(self, y: float, bottom: float, columns: list[tuple[str, tuple[str, ...]]]) -> None:
        widths = self._widths()
        for index, (heading, lines) in enumerate(columns):
            width = widths[index]
            x = self.x0 + sum(widths[:index]) + index * _GAP
            self._line(heading, x, y + 3.0, 3.1, _ACCENT, weight=QFont.Weight.DemiBold, width=width)
            at = y + 5.5
            for count, line in enumerate(lines):
                height = self._measure(line, width - 2.5, _NOTE)
                rest = len(lines) - count
                if at + height > bottom - (3.6 if rest > 1 else 0.0):
                    more = i18n.trn("and {n} more, see the CSV file", "and {n} more, see the CSV file", rest)
                    self._line(more, x + 2.5, at + 2.4, _NOTE, _SOFT, width=width - 2.5)
                    break
                self.p.setPen(Qt.PenStyle.NoPen)
                self.p.setBrush(_LINE.darker(130))
                self.p.drawEllipse(QPointF(x + 0.7, at + 1.75), 0.42, 0.42)
                at += self._paragraph(line, x + 2.5, at, width - 2.5, _NOTE, _INK) + 0.9

    def _foot(self) -> float:
        """Credits at the bottom; returns where they begin."""
        credit = " · ".join(c for c in self.r.credits if c)
        parts = [credit] if credit else []
        if self.r.crs:
            parts.append(tr("Reference system {crs}; areas are not corrected for map scale.", crs=self.r.crs))
        parts.append(
            tr("Made with Stadtforum. Figures are for discussion and replace no check by the building authority.")
        )
        heights = [self._measure(part, self.width, 2.5, 3) + 0.5 for part in parts]
        top = _PAGE_H - 9.0 - sum(heights)
        self.p.setPen(QPen(_LINE, 0.2))
        self.p.drawLine(QPointF(self.x0, top - 1.5), QPointF(self.x1, top - 1.5))
        y = top
        for part, height in zip(parts, heights, strict=True):
            self._paragraph(part, self.x0, y, self.width, 2.5, _SOFT, lines=3)
            y += height
        return top - 2.5

    # -- words --------------------------------------------------------------------------------------

    def _font(self, size_mm: float, weight: QFont.Weight) -> QFont:
        """Fonts are set in tenths of a millimetre and scaled down: Qt rounds sizes below one unit."""
        font = QFont()
        font.setPixelSize(round(size_mm * 40))
        font.setWeight(weight)
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        return font

    def _scaled(self, draw: Callable[[], None]) -> None:
        self.p.save()
        self.p.scale(1 / 40, 1 / 40)
        draw()
        self.p.restore()

    def _line(
        self, text: str, x: float, baseline: float, size: float, color: QColor,
        *, align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft, weight: QFont.Weight = QFont.Weight.Normal,
        width: float | None = None,
    ) -> None:  # fmt: skip
        width = self.width if width is None else width
        font = self._font(size, weight)
        metrics = QFontMetricsF(font)
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width * 40)
        if align == Qt.AlignmentFlag.AlignRight:
            x += width - metrics.horizontalAdvance(text) / 40

        def draw() -> None:
            self.p.setFont(font)
            self.p.setPen(color)
            self.p.drawText(QPointF(x * 40, baseline * 40), text)

        self._scaled(draw)

    def _wrapped(self, text: str, width: float, font: QFont, lines: int | None) -> list[str]:
        metrics = QFontMetricsF(font)
        out: list[str] = []
        current = ""
        for word in text.split():
            wish = f"{current} {word}" if current else word
            if current and metrics.horizontalAdvance(wish) > width * 40:
                out.append(current)
                current = word
            else:
                current = wish
        out.append(current)
        if lines is not None and len(out) > lines:
            out = [*out[: lines - 1], " ".join(out[lines - 1 :])]
        return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, width * 40) for line in out]

    def _measure(self, text: str, width: float, size: float, lines: int | None = None) -> float:
        return len(self._wrapped(text, width, self._font(size, QFont.Weight.Normal), lines)) * size * 1.32

    def _paragraph(
        self, text: str, x: float, y: float, width: float, size: float, color: QColor,
        *, weight: QFont.Weight = QFont.Weight.Normal, lines: int | None = None,
    ) -> float:  # fmt: skip
        wrapped = self._wrapped(text, width, self._font(size, weight), lines)
        for number, line in enumerate(wrapped):
            self._line(line, x, y + size * (1.0 + 1.32 * number), size, color, weight=weight, width=width)
        return len(wrapped) * size * 1.32
