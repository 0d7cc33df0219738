"""The import report: what was read, where it lies, and what was left out, repaired or assumed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QWidget

from viewer.city import ImportReport, Issue, Severity
from viewer.readers.crs import height_title
from viewer.ui.i18n import language_changed, number, tr, trn
from viewer.ui.icons import bind_icon
from viewer.ui.widgets import Card, ScrollColumn, button, clear, label, row, tool
from viewer.ui.words import type_text

_MARKS = {
    Severity.ERROR: ("error", "error"),
    Severity.WARNING: ("warning", "warning"),
    Severity.INFO: ("info", "accent_text"),
}


class ReportPanel(Card):
    """The report of one source, over the picture, until it is closed."""

    #: An object id, or a line, that a person wants to see.
    place_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("card", parent, margin=12)
        self.setFixedWidth(380)
        self._title, self._report = "", ImportReport(source="")
        self._heading = label("", "title", translate=False, wrap=True)
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(16)
        self._facts.setVerticalSpacing(4)
        self._facts.setColumnStretch(1, 1)
        self._scroll = ScrollColumn(margin=0)
        self._issues = self._scroll.body
        head = row()
        head.addWidget(self._heading, 1)
        head.addWidget(tool("copy", "Copy the report", self._copy), 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(tool("close", "Close the report", self.hide), 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(head)
        self.body.addLayout(self._facts)
        self.body.addWidget(self._scroll)
        self.hide()
        language_changed.connect(self._show)

    def show_report(self, title: str, report: ImportReport) -> None:
        """Show one report."""
        self._title, self._report = title, report
        self._show()
        self.show()
        self.raise_()
        self._scroll.setFocus()

    def _show(self) -> None:
        report = self._report
        self._heading.setText(self._title)
        clear(self._facts)
        for at, (name, value) in enumerate(report_facts(report)):
            left = label(name, "muted", translate=False)
            right = label(value, translate=False, wrap=True)
            self._facts.addWidget(left, at, 0, Qt.AlignmentFlag.AlignTop)
            self._facts.addWidget(right, at, 1)
        clear(self._issues)
        if not report.issues:
            self._issues.addWidget(label("Everything was read without remarks.", "muted", wrap=True))
        for issue in report.issues:
            self._issues.addWidget(self._issue_card(issue))
        self._issues.addStretch(1)
        self._scroll.setMinimumHeight(min(360, 104 * max(1, len(report.issues))))
        self.adjustSize()

    def _issue_card(self, issue: Issue) -> Card:
        card = Card("inset", margin=8)
        icon, role = _MARKS[issue.severity]
        mark = tool(icon, "Message")
        mark.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        mark.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        bind_icon(mark.setIcon, icon, role)
        text = label(issue_text(issue), wrap=True, translate=False)
        line = row()
        line.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(text, 1)
        card.body.addLayout(line)
        if issue.where:
            places = row(spacing=4)
            for place in issue.where[:2]:
                jump = button("Show place", lambda wanted=place: self.place_wanted.emit(wanted), role="quiet")
                jump.setToolTip(place)
                places.addWidget(jump)
            places.addStretch(1)
            where = label(_places_text(issue), "small", translate=False, wrap=True)
            where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            card.body.addWidget(where)
            if any(not place.startswith("line ") for place in issue.where[:2]):
                card.body.addLayout(places)
        return card

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(report_text(self._title, self._report))


def issue_text(issue: Issue) -> str:
    """One finding in one sentence, with how often it happened."""
    sentence = tr(issue.text, **{"count": issue.count, **issue.values})
    if issue.count > 1 and "{count" not in issue.text:
        return tr("{sentence} ({count} times)", sentence=sentence, count=issue.count)
    return sentence


def _places_text(issue: Issue) -> str:
    shown = ", ".join(issue.where[:3])
    more = issue.count - min(3, len(issue.where))
    return tr("{places} and {n} more", places=shown, n=more) if more > 0 else shown


def report_facts(report: ImportReport) -> list[tuple[str, str]]:
    """The lines above the findings: (name, value)."""
    facts = [(tr("Format"), " ".join(part for part in (report.format, report.version) if part) or "–")]
    objects = ", ".join(f"{type_text(kind)} {number(n)}" for kind, n in list(report.objects.items())[:8])
    facts.append((tr("Objects"), objects or "–"))
    lods = [lod for lod in report.lods if lod]
    if lods:
        facts.append((tr("Levels of detail"), ", ".join(f"LoD {lod}" for lod in lods)))
    if report.triangles:
        facts.append((tr("Triangles"), number(report.triangles)))
    facts.append((tr("Coordinate system"), report.crs or tr("unknown")))
    heights = tr(height_title(report.vertical_crs)) if report.vertical_crs else tr("not named")
    facts.append((tr("Height system"), heights))
    facts.append((tr("Time"), tr("{value} s", value=number(report.seconds, 1))))
    return facts


def report_text(title: str, report: ImportReport) -> str:
    """The whole report as text, for an e-mail to whoever delivered the file."""
    lines = [title, ""]
    lines += [f"{name}: {value}" for name, value in report_facts(report)]
    lines += ["", trn("{n} message", "{n} messages", len(report.issues))]
    for issue in report.issues:
        lines.append(f"- {issue_text(issue)}")
        if issue.where:
            lines.append(f"  {', '.join(issue.where)}")
    return "\n".join(lines)
