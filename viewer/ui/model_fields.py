"""The fields of a placed model in the layers panel: place, height, turn and size by number, and what it replaces."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QFormLayout, QSizePolicy, QWidget

from viewer.session.document import Source
from viewer.session.edits import PlaceModel, ReplaceBuildings
from viewer.session.placement import LEAST_SCALE, MOST_SCALE, Placement, placement_of
from viewer.ui.i18n import bind, language_changed, tr, trn
from viewer.ui.widgets import beside_the_middle, button, column, label, set_number_language

#: Field -> label, unit, range, digits, step.
_FIELDS: tuple[tuple[str, str, str, float, float, int, float], ...] = (
    ("east", "East", " m", -1e8, 1e8, 2, 1.0),
    ("north", "North", " m", -1e8, 1e8, 2, 1.0),
    ("height_m", "Above ground", " m", -500.0, 2000.0, 2, 0.1),
    ("turn_deg", "Turn", " °", 0.0, 360.0, 1, 5.0),
    ("scale", "Metres per unit", "", LEAST_SCALE, MOST_SCALE, 4, 0.1),
)


class ModelFields(QWidget):
    """Numbers of one model's place. Every change is an edit; changes of one field in a row are one step."""

    #: The model is to be moved with the pointer, or no longer.
    move_wanted = Signal(bool)

    def __init__(self, workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._source: Source | None = None
        form = QFormLayout()
        form.setSpacing(6)
        self.fields: dict[str, QDoubleSpinBox] = {}
        for name, text, unit, low, high, digits, step in _FIELDS:
            field = QDoubleSpinBox()
            field.setRange(low, high)
            field.setDecimals(digits)
            field.setSingleStep(step)
            field.setSuffix(unit)
            field.setWrapping(name == "turn_deg")
            field.setKeyboardTracking(False)
            field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            field.setMinimumWidth(84)
            bind(field.setAccessibleName, text)
            field.valueChanged.connect(lambda value, name=name: self._edit(**{name: value}))
            field.editingFinished.connect(workspace.session.end_gesture)
            self.fields[name] = field
            form.addRow(label(text, "muted"), field)
        beside_the_middle(form)
        self.move_button = button("Move in the picture", icon="move")
        self.move_button.setCheckable(True)
        self.move_button.toggled.connect(self.move_wanted)
        self.only = QCheckBox()
        self.only.toggled.connect(self._set_only)
        self.replace_button = button("", self._replace)
        self.note = label("The model is shown; the indicators do not count it.", "small", wrap=True)
        layout = column(spacing=6)
        layout.addLayout(form)
        for widget in (self.move_button, self.only, self.replace_button, self.note):
            layout.addWidget(widget)
        layout.setContentsMargins(0, 4, 0, 4)
        self.setLayout(layout)
        workspace.selection_changed.connect(self._show_choice)
        language_changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Texts and numbers in the current language."""
        for field in self.fields.values():
            set_number_language(field)
        self._show_choice()

    def show_source(self, source: Source) -> bool:
        """Show the place of a source's model; False, and nothing, for what is no placed model."""
        self._source = source
        placement = placement_of(source.options)
        self.setVisible(placement is not None)
        if placement is None:
            return False
        for name, field in self.fields.items():
            if not (field.hasFocus() and field.value() == getattr(placement, name)):
                with QSignalBlocker(field):
                    field.setValue(getattr(placement, name))
        self._show_choice()
        return True

    def set_moving(self, moving: bool) -> None:
        """Show whether the pointer moves the model."""
        with QSignalBlocker(self.move_button):
            self.move_button.setChecked(moving)

    def _placement(self) -> Placement | None:
        return None if self._source is None else placement_of(self._source.options)

    def _edit(self, **changes: float) -> None:
        placement = self._placement()
        if placement is None or self._source is None:
            return
        self._workspace.session.edit(PlaceModel(self._source.key, replace(placement, **changes)), merge=True)

    def _set_only(self, only: bool) -> None:
        placement = self._placement()
        if placement is not None and self._source is not None:
            name = self._workspace.session.document.active if only else ""
            self._workspace.session.edit(PlaceModel(self._source.key, replace(placement, scenario=name)))

    def _replace(self) -> None:
        if self._source is not None and len(self._workspace.selection):
            ids = self._workspace.ids_of(self._workspace.selection)
            self._workspace.session.edit(ReplaceBuildings(self._source.key, ids))
            self._workspace.select([])

    def _show_choice(self) -> None:
        placement = self._placement()
        if placement is None:
            return
        name = placement.scenario or self._workspace.session.document.active
        with QSignalBlocker(self.only):
            self.only.setText(tr("Only in {scenario}", scenario=name))
            self.only.setChecked(bool(placement.scenario))
        count = len(self._workspace.selection)
        self.replace_button.setEnabled(count > 0)
        self.replace_button.setText(
            trn("Replace {n} selected building", "Replace {n} selected buildings", count)
            if count
            else tr("Replace selected buildings")
        )
