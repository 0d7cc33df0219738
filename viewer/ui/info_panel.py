"""What is known about the picked object, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from viewer.session.edits import BuildPlanned, RemoveBuildings, RestoreBuildings
from viewer.ui.history_chart import HistoryChart
from viewer.ui.i18n import language_changed, locale_digits, number, tr, trn
from viewer.ui.widgets import Card, ScrollColumn, button, clear, column, label, row, tool
from viewer.ui.words import UNITS, attribute_text, type_text

#: Technical names that mean nothing to a resident; they stand at the end.
_LATE = ("gml:id", "creationDate", "externalReference", "terminationDate")

#: Name, value as written, and the whole value for the tooltip.
Row = tuple[str, str, str]


class InfoPanel(Card):
    """A card for one picked object, or a sum line for several."""

    zoom_wanted = Signal(object)  # features
    resized = Signal()

    def __init__(self, workspace, parent: QWidget | None = None) -> None:
        super().__init__("glass", parent, margin=12)
        self.workspace = workspace
        self.setFixedWidth(308)
        self._title = label("", "title", translate=False, wrap=True)
        self._type = label("", "muted", translate=False)
        self._scroll = ScrollColumn(margin=0)
        self._scroll.setMaximumHeight(260)
        self._shown: tuple[Row, ...] = ()
        self._rows = column(spacing=0)
        self._scroll.body.addLayout(self._rows)
        self._scroll.body.addStretch(1)
        self.remove = button("Remove building", self._remove, icon="trash")
        self.restore = button("Restore building", self._restore, icon="reset")
        self.build = button("Build it", self._build, icon="building")
        head = row()
        head.addWidget(self._title, 1)
        head.addWidget(tool("zoom-to", "Fly there", self._zoom), 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(tool("close", "Clear the selection", lambda: workspace.select([])), 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(head)
        self.body.addWidget(self._type)
        self.body.addWidget(self._scroll)
        self.chart = HistoryChart()
        self.body.addWidget(self.chart)
        self.body.addLayout(row(self.remove, self.restore, self.build, None))
        self.hide()
        workspace.selection_changed.connect(self.refresh)
        workspace.changed.connect(self.refresh)
        language_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show the selection."""
        chosen = self.workspace.selection
        if self.workspace.city is None or not len(chosen):
            self.hide()
            return
        self.chart.hide()
        self._fill(self._about_one(int(chosen[0])) if len(chosen) == 1 else self._about_many(chosen))
        self._show_buttons(chosen)
        self.show()
        self.adjustSize()
        self.resized.emit()

    def show_layer_object(self, layer, row: int) -> None:
        """Show one object of a layer: a tree with its species, a counting point with its values."""
        self._title.setText(layer.name)
        self._type.setText("")
        values = {**layer.row_values(row), **self.workspace.plan_values(layer, row)}
        known = {name: str(value) for name, value in values.items() if value == value and str(value)}
        self._fill([(attribute_text(name), value_text(name, text), text) for name, text in known.items()])
        history = getattr(layer, "history", None)
        if history is None:
            self.chart.hide()
        else:
            self.chart.show_values(*history.of_row(row), history.unit)
        for widget in (self.remove, self.restore, self.build):
            widget.hide()
        self.show()
        self.adjustSize()
        self.resized.emit()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self.resized.emit()

    def _about_one(self, feature: int) -> list[Row]:
        info = self.workspace.feature_info(feature)
        self._title.setText(info.title)
        self._type.setText(type_text(info.type))
        rows = [(name, value) for name, value in info.rows if value]
        early = [r for r in rows if r[0] not in _LATE]
        late = [r for r in rows if r[0] in _LATE]
        shown = [(attribute_text(name), value_text(name, value), value) for name, value in early + late]
        names = {name for name, _ in early}
        if "measuredHeight" in names:
            shown = [entry for entry in shown if entry[0] != attribute_text("measured:height")]
        if "storeysAboveGround" in names:
            shown = [entry for entry in shown if entry[0] != attribute_text("measured:storeys")]
        shown.append((tr("Identifier"), info.id, info.id))
        if info.parts:
            shown.append((tr("Parts"), trn("{n} part", "{n} parts", len(info.parts)), ""))
        return shown

    def _about_many(self, chosen) -> list[Row]:
        measures = self.workspace.measures
        self._title.setText(trn("{n} object selected", "{n} objects selected", len(chosen)))
        buildings = chosen[measures.is_building[chosen]]
        self._type.setText(trn("{n} building", "{n} buildings", len(buildings)))
        footprint = measures.footprint_m2[buildings]
        footprint = float(footprint[footprint == footprint].sum())
        volume = measures.volume_m3[buildings]
        volume = float(volume[volume == volume].sum())
        return [(tr("Footprint"), f"{number(footprint)} m²", ""), (tr("Volume"), f"{number(volume)} m³", "")]

    def _fill(self, rows: list[Row]) -> None:
        """Show the rows, as high as they need; nothing is made anew while they stay the same."""
        if tuple(rows) == self._shown:
            return
        self._shown = tuple(rows)
        clear(self._rows)
        table = QWidget()
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for at, (name, value, tip) in enumerate(rows):
            left = label(name, "muted", translate=False)
            left.setWordWrap(True)
            left.setFixedWidth(120)
            right = label(value, translate=False, wrap=True)
            right.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            right.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
            right.setToolTip(tip)
            grid.addWidget(left, at, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(right, at, 1)
            for words in (left, right):
                words.show()  # a label that was never shown takes no room in the layout
                words.ensurePolished()
        self._rows.addWidget(table)
        need = grid.heightForWidth(self.width() - 40)
        self._scroll.setFixedHeight(min(300, max(24, need + 4)))
        self._scroll.verticalScrollBar().setValue(0)

    def _show_buttons(self, chosen) -> None:
        measures = self.workspace.measures
        ids = set(self._ids())
        scenario = self.workspace.session.document.scenario
        planned = ids & set(self.workspace.planned_ids())
        removed = ids & scenario.removed
        any_building = bool(measures.is_building[chosen].any())
        self.remove.setVisible(any_building and bool(ids - removed - (planned - scenario.built)))
        self.restore.setVisible(bool(removed))
        self.build.setVisible(bool(planned - scenario.built))

    def _ids(self) -> tuple[str, ...]:
        measures = self.workspace.measures
        chosen = [int(f) for f in self.workspace.selection if measures.is_building[f]]
        return self.workspace.ids_of(chosen)

    def _remove(self) -> None:
        self.workspace.session.edit(RemoveBuildings(self._ids()))

    def _restore(self) -> None:
        self.workspace.session.edit(RestoreBuildings(self._ids()))

    def _build(self) -> None:
        ids = set(self._ids()) & set(self.workspace.planned_ids())
        self.workspace.session.edit(BuildPlanned(tuple(sorted(ids))))

    def _zoom(self) -> None:
        self.zoom_wanted.emit(self.workspace.selection)


def value_text(name: str, value: str) -> str:
    """A value as the language writes it, with its unit where the standard fixes one."""
    text = value
    try:
        number_value = float(value)
    except ValueError:
        return text
    if "year" not in name.lower() and not value.startswith("0") and "." in value and number_value == number_value:
        whole, _, decimals = value.partition(".")
        plain = decimals.isdigit() and whole.lstrip("-").isdigit()
        text = number(number_value, len(decimals)) if plain else locale_digits(value)
    unit = UNITS.get(name, "")
    return f"{text} {unit}" if unit else text
