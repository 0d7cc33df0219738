"""Hand the numbers on: a page to print, a table for a spreadsheet, data for a program."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QDialog, QFileDialog, QWidget

from viewer.errors import ViewerError
from viewer.session.atomic import write_atomic
from viewer.ui.export import all_scenarios, indicators_csv, indicators_json
from viewer.ui.i18n import bind, error_text, tr
from viewer.ui.picture_dialog import file_name
from viewer.ui.report_pdf import Report, report_pdf
from viewer.ui.widgets import button, column, label, row

#: Pixels of the picture on the page: 180 mm at about 290 dpi.
PAGE_PICTURE = (2048, 1152)


def save_csv(workspace, path: Path) -> None:
    """Write the records of the baseline and of every scenario as a table."""
    write_atomic(path, indicators_csv(all_scenarios(workspace)), keep_former=False)


def save_json(workspace, path: Path) -> None:
    """Write the records of the baseline and of every scenario as JSON."""
    document = workspace.session.document
    content = indicators_json(
        all_scenarios(workspace),
        title=document.title,
        crs=workspace.frame.crs,
        attributions=workspace.attributions(),
    )
    write_atomic(path, content, keep_former=False)


def save_pdf(
    workspace, path: Path, scenario: str = "", picture: NDArray[np.uint8] | None = None, created: datetime | None = None
) -> None:
    """Write one scenario (the active one by default) as a page; ``picture`` (H, W, 3) uint8 or None."""
    document = workspace.session.document
    shown = next((s for s in document.scenarios if s.name == scenario), document.scenario)
    report = Report(
        scenario=shown,
        records=workspace.exact_indicators(shown.name),
        title=document.title,
        picture=picture,
        credits=workspace.attributions(),
        created=created,
        crs=workspace.frame.crs,
    )
    write_atomic(path, report_pdf(report), keep_former=False)


class ExportDialog(QDialog):
    """Three ways to hand the numbers on.

    ``picture(scenario, size)`` draws the city for the page, (H, W, 3) uint8; without it the page has no picture.
    """

    def __init__(
        self,
        workspace,
        *,
        picture: Callable[[str, tuple[int, int]], NDArray[np.uint8]] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace, self._picture = workspace, picture
        bind(self.setWindowTitle, "Hand on the numbers")
        self.scenario = QComboBox()
        document = workspace.session.document
        for shown in document.scenarios:
            self.scenario.addItem(shown.name, shown.name)
        self.scenario.setCurrentIndex(self.scenario.findData(document.active))
        bind(self.scenario.setAccessibleName, "Scenario on the page")
        self.page_button = button("One page to print (PDF)...", lambda: self._ask("pdf"), role="primary", icon="report")
        self.table_button = button("Table for a spreadsheet (CSV)...", lambda: self._ask("csv"), icon="chart")
        self.data_button = button("Data for a program (JSON)...", lambda: self._ask("json"), icon="download")
        self.message = label(role="muted", translate=False, wrap=True)
        self.message.hide()
        layout = column(
            label("A page", "title"),
            label(
                "Picture, numbers beside today's, assumptions, sources and credits of one scenario.", "muted", wrap=True
            ),
            row(self.scenario, self.page_button),
            8,
            label("All numbers", "title"),
            label(
                "Every scenario, unrounded, each number with its formula, assumptions and source.", "muted", wrap=True
            ),
            row(self.table_button, self.data_button),
            self.message,
            8,
            row(None, button("Close", self.accept)),
            spacing=10,
        )  # fmt: skip
        layout.setContentsMargins(20, 20, 20, 20)
        self.setLayout(layout)
        self.setMinimumWidth(480)

    def save(self, kind: str, path: Path) -> bool:
        """Write ``"pdf"``, ``"csv"`` or ``"json"``; false if it could not be, with the reason in the dialog."""
        QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            if kind == "csv":
                save_csv(self.workspace, path)
            elif kind == "json":
                save_json(self.workspace, path)
            else:
                name = self.scenario.currentData() or ""
                pixels = self._picture(name, PAGE_PICTURE) if self._picture is not None else None
                save_pdf(self.workspace, path, name, pixels)
        except ViewerError as error:
            self._say(" ".join(part for part in error_text(error) if part), "error")
            return False
        finally:
            QGuiApplication.restoreOverrideCursor()
        self._say(tr("Saved: {name}", name=path.name), "muted")
        return True

    def _say(self, text: str, role: str) -> None:
        self.message.setText(text)
        self.message.setProperty("role", role)
        self.message.style().unpolish(self.message)
        self.message.style().polish(self.message)
        self.message.show()

    def _ask(self, kind: str) -> None:
        document = self.workspace.session.document
        stem = document.title or tr("City")
        if kind == "pdf":
            stem = f"{stem} - {self.scenario.currentText()}"
        chosen, _ = QFileDialog.getSaveFileName(self, tr("Save"), f"{file_name(stem)}.{kind}", f"*.{kind}")
        if chosen:
            path = Path(chosen)
            self.save(kind, path if path.suffix.lower() == f".{kind}" else path.with_name(f"{path.name}.{kind}"))


if __name__ == "__main__":
    from viewer.ui.planning_sample import run_alone

    run_alone(lambda workspace, tasks: ExportDialog(workspace))
