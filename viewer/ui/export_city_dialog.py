"""Export the city: format, whole or selection, as it is or as a scenario makes it; written in the background."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QButtonGroup, QComboBox, QDialog, QFileDialog, QRadioButton, QWidget

from viewer.errors import ViewerError
from viewer.readers.export import FORMATS, Format, format_of
from viewer.session.atomic import SaveResult
from viewer.ui.i18n import bind, error_text, number, tr, trn
from viewer.ui.picture_dialog import file_name
from viewer.ui.tasks import Tasks
from viewer.ui.toasts import Toasts
from viewer.ui.widgets import button, column, label, row
from viewer.workspace.giving_back import export_of, write_export

KEY = "export_city"


class ExportCityDialog(QDialog):
    """What of the city, in which format. The writing goes on after the dialog is closed."""

    def __init__(self, workspace, tasks: Tasks, toasts: Toasts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace, self._tasks, self._toasts = workspace, tasks, toasts
        bind(self.setWindowTitle, "Export the city")
        self.format_box = QComboBox()
        for form in FORMATS:
            self.format_box.addItem(f"{tr(form.title)} ({form.endings[0]})", form)
        bind(self.format_box.setAccessibleName, "Format")
        self.note = label(role="muted", translate=False, wrap=True)
        self.whole, self.selected = QRadioButton(), QRadioButton()
        bind(self.whole.setText, "The whole city")
        count = len(workspace.selection)
        self.selected.setText(trn("{n} selected object", "{n} selected objects", count))
        self.selected.setEnabled(count > 0)
        (self.selected if count else self.whole).setChecked(True)
        extent = QButtonGroup(self)
        extent.addButton(self.whole)
        extent.addButton(self.selected)
        self.scenario = QComboBox()
        document = workspace.session.document
        self.scenario.addItem(tr("As it is today"), "")
        for scenario in document.scenarios:
            if not scenario.is_baseline:
                self.scenario.addItem(scenario.name, scenario.name)
        self.scenario.setCurrentIndex(max(0, self.scenario.findData(document.active)))
        bind(self.scenario.setAccessibleName, "State of the city")
        self.message = label(role="error", translate=False, wrap=True)
        self.message.hide()
        self.save_button = button("Export...", self.ask_and_save, role="primary", icon="download")
        self.save_button.setDefault(True)
        layout = column(
            label("Format", "title"), self.format_box, self.note,
            8, label("Extent", "title"), self.whole, self.selected,
            8, label("State of the city", "title"), self.scenario, self.message,
            8, row(None, button("Cancel", self.reject), self.save_button), spacing=10,
        )  # fmt: skip
        layout.setContentsMargins(20, 20, 20, 20)
        self.setLayout(layout)
        self.setMinimumWidth(460)
        self.format_box.currentIndexChanged.connect(self._show_note)
        self._show_note()

    @property
    def format(self) -> Format:
        """The format chosen."""
        return self.format_box.currentData()

    def save(self, path: Path) -> bool:
        """Start writing; false if there is nothing to write, with the reason in the dialog."""
        try:
            format_of(path)
            export = export_of(
                self.workspace, scenario=self.scenario.currentData(), selection=self.selected.isChecked()
            )
        except ViewerError as error:
            self.message.setText(" ".join(part for part in error_text(error) if part))
            self.message.show()
            return False
        toasts = self._toasts

        def done(result: SaveResult) -> None:
            toasts.say(
                "The city was exported as {name} ({size} MB).", name=path.name, size=number(result.size / 1e6, 1)
            )
            for warning in result.warnings:
                toasts.say(warning, kind="warning")
            for sentence in export.left_out():
                toasts.say(sentence)

        self._tasks.start(
            KEY,
            lambda progress: write_export(export, path, progress),
            done,
            failed=toasts.show_error,
            title=tr("Exporting {name}", name=path.name),
        )
        return True

    def ask_and_save(self) -> None:
        """Ask for the file, then write it."""
        form = self.format
        stem = file_name(self.workspace.session.document.title or self.workspace.city.name or tr("City"))
        if self.scenario.currentData():
            stem = f"{stem} - {file_name(self.scenario.currentText())}"
        patterns = " ".join(f"*{ending}" for ending in form.endings)
        chosen, _ = QFileDialog.getSaveFileName(
            self, tr("Export the city"), f"{stem}{form.endings[0]}", f"{tr(form.title)} ({patterns})"
        )
        if chosen and self.save(with_ending(Path(chosen), form)):
            self.accept()

    def _show_note(self) -> None:
        self.note.setText(tr(self.format.note))
        self.message.hide()


def with_ending(path: Path, form: Format) -> Path:
    """The path with the ending of the format, if it has none of it."""
    name = path.name.lower()
    fits = name.endswith(form.endings) or (form.packs and name.removesuffix(".gz").endswith(form.endings))
    return path if fits else path.with_name(path.name + form.endings[0])
