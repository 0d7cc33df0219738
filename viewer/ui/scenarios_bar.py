"""The list of scenarios: switch, add, duplicate, rename, describe, delete, and hold to see the city of today."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QPushButton, QSizePolicy, QWidget

from viewer.session.edits import AddScenario, DeleteScenario, DescribeScenario, RenameScenario, ShowScenario
from viewer.ui.flow import FlowBox
from viewer.ui.i18n import bind, language_changed, tr
from viewer.ui.widgets import button, clear, column, label, row, tool


class ScenariosBar(QWidget):
    """Chips of the scenarios; the active one is filled. Every change is an edit of the session."""

    #: True while the button is held down.
    baseline_held = Signal(bool)

    def __init__(self, session) -> None:
        super().__init__()
        self._session = session
        self._names: tuple[str, ...] = ()
        self._editing = ""
        self.chips: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._list = FlowBox()
        self.hold = button("Hold: today", role="quiet", icon="eye")
        bind(self.hold.setToolTip, "Keep pressed to see the city as it is today (key B)")
        bind(self.hold.setAccessibleName, "Show the city as it is today while pressed")
        self.hold.pressed.connect(lambda: self.baseline_held.emit(True))
        self.hold.released.connect(lambda: self.baseline_held.emit(False))
        self.add = tool("plus", "New scenario", self._add)
        self.duplicate = tool("copy", "Duplicate this scenario", self._duplicate)
        self.rename = tool("edit", "Rename this scenario", lambda: self._edit("name"))
        self.describe = tool("label", "Write a note", lambda: self._edit("note"))
        self.delete = tool("trash", "Delete this scenario", self._delete)
        self.note = label("", "muted", wrap=True, translate=False)
        self.field = QLineEdit()
        self.field.setMaxLength(300)
        self.field.hide()
        self.field.editingFinished.connect(self._finish)
        head = row(label("Scenarios", "title"), None, spacing=0)
        for act in (self.add, self.duplicate, self.rename, self.describe, self.delete):
            head.addWidget(act)
        self.setLayout(column(head, self._list, self.field, self.note, spacing=6))
        language_changed.connect(self._name_field)
        self.refresh()

    def refresh(self) -> None:
        """Show the scenarios of the document; chips stay unless the names changed."""
        document = self._session.document
        names = tuple(s.name for s in document.scenarios)
        if names != self._names:
            self._names = names
            self._fill(names)
        self.chips[document.scenario.name].setChecked(True)
        note = document.scenario.note
        if note != self.note.text():
            self.note.setText(note)
        self.note.setVisible(bool(note) and self._editing != "note")
        self.delete.setEnabled(len(names) > 1)

    def _fill(self, names: tuple[str, ...]) -> None:
        had_focus = any(chip.hasFocus() for chip in self.chips.values())
        for chip in self.chips.values():
            self._group.removeButton(chip)
        self._list.flow.removeWidget(self.hold)
        clear(self._list.flow)
        self.chips = {}
        for name in names:
            chip = QPushButton(name.replace("&", "&&"))
            chip.setProperty("role", "chip")
            chip.setCheckable(True)
            chip.setToolTip(name)
            chip.setAccessibleName(name)
            chip.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            chip.clicked.connect(lambda _=False, name=name: self._session.edit(ShowScenario(name)))
            self._group.addButton(chip)
            self._list.flow.addWidget(chip)
            self.chips[name] = chip
        self._list.flow.addWidget(self.hold)
        if had_focus:
            self.chips[self._session.document.scenario.name].setFocus()

    # -- edits -------------------------------------------------------------------------------------

    def _add(self) -> None:
        self._session.edit(AddScenario(tr("Scenario {n}", n=len(self._names) + 1)))
        self._edit("name")

    def _duplicate(self) -> None:
        name = self._session.document.scenario.name
        self._session.edit(AddScenario(tr("{name} (copy)", name=name), of=name))
        self._edit("name")

    def _delete(self) -> None:
        self._session.edit(DeleteScenario(self._session.document.scenario.name))

    def _edit(self, what: str) -> None:
        """Open the line in which name or note is written; Enter keeps it, Escape drops it."""
        scenario = self._session.document.scenario
        self._editing = what
        self._name_field()
        self.field.setText(scenario.name if what == "name" else scenario.note)
        self.field.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.field.selectAll()
        self.refresh()

    def _finish(self) -> None:
        what, self._editing = self._editing, ""
        text = self.field.text().strip()
        self.field.hide()
        scenario = self._session.document.scenario
        if what == "name" and text:
            self._session.edit(RenameScenario(scenario.name, text))
        elif what == "note":
            self._session.edit(DescribeScenario(scenario.name, text))
        self.refresh()

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_Escape and self._editing:
            self._editing = ""
            self.field.hide()
            self.refresh()
            return
        super().keyPressEvent(event)

    def _name_field(self) -> None:
        hints = {"name": tr("Name of the scenario"), "note": tr("A sentence about this scenario")}
        hint = hints.get(self._editing, "")
        self.field.setPlaceholderText(hint)
        self.field.setAccessibleName(hint)
