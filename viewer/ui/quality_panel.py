"""The data check: every fault of the open cities by class; a click flies to the place and selects the object."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from viewer.city import CityModel, ImportReport, Severity
from viewer.city.quality import GROUPS, Finding, QualityReport, check_quality
from viewer.city.quality.text import ROW_NAMES, report_dict, report_rows
from viewer.errors import ViewerError
from viewer.session.atomic import write_atomic
from viewer.ui import theme
from viewer.ui.i18n import error_text, language, language_changed, number, tr, trn
from viewer.ui.icons import icon
from viewer.ui.tasks import Tasks
from viewer.ui.widgets import Card, label, row, tool

TITLE = "Checking the data"
#: So many faults of one kind are listed; all of them are in the saved report.
MAX_LISTED = 1000
#: Narrow enough to leave the middle of the picture, where the fault is, free in a small window.
ROW_HEIGHT, WIDTH = 24, 350
_MARKS = {
    Severity.ERROR: ("error", "error"),
    Severity.WARNING: ("warning", "warning"),
    Severity.INFO: ("info", "accent_text"),
}
_DATA = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, eq=False)
class CheckedCity:
    """One open city and what was found in it; ``shift_m`` (3,) leads from its frame to the one shown."""

    title: str
    report: QualityReport
    shift_m: NDArray[np.float64]


class QualityPanel(Card):
    """Classes, kinds of faults and faults as a tree, over the picture, until it is closed."""

    #: Id of an object ("" for none) and the place of its fault, (3,) local metres, NaN where unknown.
    fault_wanted = Signal(str, object)

    def __init__(self, workspace, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__("card", parent, margin=12)
        self.workspace, self.tasks = workspace, tasks
        self.checked: tuple[CheckedCity, ...] = ()
        self.setFixedWidth(WIDTH)
        self._summary = label("", translate=False, wrap=True)
        self._advice = label("", "muted", translate=False, wrap=True)
        self._saved = label("", "small", translate=False, wrap=True)
        self._saved.hide()
        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.tree.setIconSize(QSize(16, 16))
        self.tree.setIndentation(14)
        self.tree.setUniformRowHeights(True)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.itemExpanded.connect(self._fill)
        self.tree.itemClicked.connect(lambda item: self._show_fault(item))
        self.tree.itemActivated.connect(lambda item: self._show_fault(item))
        self.tree.currentItemChanged.connect(lambda item: self._tell(item))
        head = row()
        head.addWidget(label("Data check", "title"), 1)
        head.addWidget(tool("reset", "Check again", self.check), 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(tool("save", "Save the report of the data check...", self._ask_where), 0)
        head.addWidget(tool("close", "Close the data check", self.hide), 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(head)
        self.body.addWidget(self._summary)
        self.body.addWidget(self.tree, 1)
        self.body.addWidget(self._advice)
        self.body.addWidget(self._saved)
        self.hide()
        language_changed.connect(self._show)
        theme.theme_changed.connect(self._show)

    def check(self) -> None:
        """Check every open city in the background, then show what was found."""
        wanted = self._open_cities()
        if wanted:
            self.tasks.start("quality", lambda progress: _check(wanted, progress), self.show_checked, title=tr(TITLE))

    def show_checked(self, checked: Sequence[CheckedCity]) -> None:
        """Show what was found."""
        self.checked = tuple(checked)
        self._saved.hide()
        self._show()
        self.show()
        self.raise_()
        self.tree.setFocus()

    def save(self, path: Path) -> bool:
        """Write the report as JSON, or as a table where the name ends in ``.csv``; false if it could not be."""
        content = _table(self.checked) if path.suffix.lower() == ".csv" else _data(self.checked)
        try:
            write_atomic(path, content, keep_former=False)
        except ViewerError as error:
            self._saved.setText(" ".join(part for part in error_text(error) if part))
            self._saved.show()
            return False
        self._saved.setText(tr("Saved: {name}", name=path.name))
        self._saved.show()
        return True

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 620)

    # -- inside ------------------------------------------------------------------------------------

    def _open_cities(self) -> list[tuple[str, CityModel, ImportReport | None, NDArray[np.float64]]]:
        origin = np.asarray(self.workspace.frame.origin_crs)
        found = []
        for source in self.workspace.session.document.sources:
            city = self.workspace.source_city(source.key)
            if city is not None:
                shift = np.asarray(city.frame.origin_crs) - origin
                found.append((source.title or source.key, city, self.workspace.reports.get(source.key), shift))
        return found

    def _show(self) -> None:
        self.tree.clear()
        self._advice.clear()
        self._summary.setText(self._verdict())
        several = len(self.checked) > 1
        for entry in self.checked:
            top = self.tree.invisibleRootItem()
            if several:
                top = _item(top, entry.title, "")
                top.setExpanded(True)
            for group, heading in GROUPS.items():
                found = [finding for finding in entry.report.findings if finding.rule.group == group]
                if not found:
                    continue
                branch = _item(top, tr(heading), number(sum(finding.count for finding in found)), strong=True)
                branch.setExpanded(True)
                for finding in found:
                    self._add_finding(branch, entry, finding)

    def _add_finding(self, branch: QTreeWidgetItem, entry: CheckedCity, finding: Finding) -> None:
        rule = finding.rule
        item = _item(branch, f"{rule.code}  {tr(rule.title)}", number(finding.count))
        item.setToolTip(0, f"{tr(rule.title)}\n{rule.name}".strip())
        name, colour = _MARKS[rule.severity]
        item.setIcon(0, icon(name, colour))
        item.setData(0, _DATA, (entry, finding, None))
        if finding.ids:
            item.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)

    def _fill(self, item: QTreeWidgetItem) -> None:
        """List the faults of a kind when it is unfolded."""
        data = item.data(0, _DATA)
        if data is None or data[2] is not None or item.childCount():
            return
        entry, finding, _ = data
        for at, name in enumerate(finding.ids[:MAX_LISTED]):
            child = _item(item, name, _amount(finding, at))
            child.setToolTip(0, name)
            child.setData(0, _DATA, (entry, finding, at))
        if len(finding.ids) > MAX_LISTED:
            rest = len(finding.ids) - MAX_LISTED
            _item(item, trn("and {n} more in the saved report", "and {n} more in the saved report", rest), "")

    def _tell(self, item: QTreeWidgetItem | None) -> None:
        data = None if item is None else item.data(0, _DATA)
        rule = None if data is None else data[1].rule
        self._advice.setText("" if rule is None else f"{rule.code}  {tr(rule.title)}\n{tr(rule.advice)}")

    def _show_fault(self, item: QTreeWidgetItem) -> None:
        data = item.data(0, _DATA)
        if data is None:
            return
        entry, finding, at = data
        if at is None:
            item.setExpanded(True)
            return
        self.fault_wanted.emit(finding.ids[at], finding.places_local[at] + entry.shift_m)

    def _verdict(self) -> str:
        sound = sum(entry.report.sound_objects for entry in self.checked)
        shaped = sum(entry.report.shaped_objects for entry in self.checked)
        counts = [sum(entry.report.count(kind) for entry in self.checked) for kind in Severity]
        notes, warnings, errors = counts
        told = ", ".join(
            (
                trn("{n} error", "{n} errors", errors),
                trn("{n} warning", "{n} warnings", warnings),
                trn("{n} note", "{n} notes", notes),
            )
        )
        valid = tr("{sound} of {shaped} objects have a valid geometry.", sound=sound, shaped=shaped)
        return f"{told}. {valid}"

    def _ask_where(self) -> None:
        name = f"{Path(self.checked[0].title).name.split('.')[0]}-check" if self.checked else "check"
        filters = f"{tr('Data for a program')} (*.json);;{tr('Table')} (*.csv)"
        chosen, kind = QFileDialog.getSaveFileName(self, tr("Save the report of the data check..."), name, filters)
        if chosen:
            path = Path(chosen)
            ending = ".csv" if "*.csv" in kind else ".json"
            self.save(path if path.suffix.lower() in (".csv", ".json") else path.with_name(path.name + ending))


def _check(wanted, progress) -> tuple[CheckedCity, ...]:
    """Check the cities one after the other, in a worker."""
    checked = []
    for at, (title, city, report, shift) in enumerate(wanted):
        share = progress.part(at / len(wanted), (at + 1) / len(wanted))

        def tell(done: float, text: str, share=share) -> None:
            progress.raise_if_cancelled()
            share.report(done, text)

        checked.append(CheckedCity(title, check_quality(city, report, tell), shift))
    return tuple(checked)


def _item(parent: QTreeWidgetItem, text: str, count: str, *, strong: bool = False) -> QTreeWidgetItem:
    item = QTreeWidgetItem(parent, [text, count])
    item.setSizeHint(0, QSize(0, ROW_HEIGHT))
    item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    if strong:
        font = item.font(0)
        font.setBold(True)
        item.setFont(0, font)
    return item


def _amount(finding: Finding, at: int) -> str:
    value = float(finding.amounts[at])
    if not np.isfinite(value) or not finding.rule.unit:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{number(value, digits)} {finding.rule.unit}"


def _data(checked: Sequence[CheckedCity]) -> bytes:
    entries = [{"file": entry.title, **report_dict(entry.report)} for entry in checked]
    whole = entries[0] if len(entries) == 1 else entries
    return (json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def _table(checked: Sequence[CheckedCity]) -> bytes:
    """A table with one row for each fault, in UTF-8 with its mark, as a spreadsheet of the language expects it."""
    comma = language().startswith("de")
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";" if comma else ",", lineterminator="\r\n")
    writer.writerow(("file", *ROW_NAMES))
    for entry in checked:
        for cells in report_rows(entry.report):
            writer.writerow([_cell(cell, comma) for cell in (entry.title, *cells)])
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object, comma: bool) -> str:
    """A cell; text from files is made harmless, because a spreadsheet takes ``=`` and the like for formulas."""
    if isinstance(value, float):
        return repr(value).replace(".", ",") if comma else repr(value)
    text = str(value)
    return "'" + text if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
