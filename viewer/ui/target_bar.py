"""Where the levers act: the whole city, the selection, a drawn area, or buildings found by an attribute."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QLineEdit, QPushButton, QSizePolicy, QToolButton, QWidget

from viewer.scenario import Area, Selection, Target, Where, WholeCity
from viewer.session.edits import ResetTarget
from viewer.ui.figures import OPERATOR_TEXT, target_text
from viewer.ui.flow import FlowBox
from viewer.ui.i18n import bind, language_changed, tr, trn
from viewer.ui.icons import bind_icon
from viewer.ui.theme import TARGET, set_role
from viewer.ui.widgets import Card, button, clear, column, label, row, tool
from viewer.ui.words import attribute_text

#: What the four buttons stand for: (key, icon, text).
KINDS = (
    ("city", "map", "City"),
    ("selection", "select", "Selection"),
    ("area", "polygon", "Drawn area"),
    ("where", "sliders", "Filter"),
)


class TargetBar(QWidget):
    """Lets a person choose a target. ``target`` is None while the choice is not complete."""

    #: The target is another one; no arguments, ask ``target``.
    changed = Signal()
    draw_area_requested = Signal()

    def __init__(self, workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._kind = "city"
        self._drawn: list[Area] = []
        self._area: Area | None = None
        self._areas: tuple[Area, ...] = ()
        self._where: Where | None = None
        self._targets: tuple[Target, ...] = ()
        self._told: Target | None = WholeCity()
        self._showing = False
        self.kinds = self._make_kinds()
        self.areas = QComboBox()
        self.areas.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.areas.activated.connect(self._choose_area)
        self.draw = button("Draw area", self.draw_area_requested.emit, icon="polygon")
        self.attribute, self.operator, self.value = QComboBox(), QComboBox(), QLineEdit()
        self._pages = {"area": self._area_page(), "where": self._where_page()}
        self.count = label("", "muted", wrap=True, translate=False)
        self.chips = FlowBox()
        buttons = row(*self.kinds.values(), spacing=4)
        self.setLayout(column(buttons, *self._pages.values(), self.count, self.chips, spacing=8))
        language_changed.connect(self.retranslate)
        self.retranslate()

    def _make_kinds(self) -> dict[str, QToolButton]:
        group = QButtonGroup(self)
        made = {}
        for key, icon, text in KINDS:
            choice = QToolButton()
            choice.setProperty("role", "segment")
            choice.setCheckable(True)
            choice.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            choice.setMinimumHeight(TARGET)
            bind_icon(choice.setIcon, icon)
            bind(choice.setText, text)
            choice.clicked.connect(lambda _=False, key=key: self._choose_kind(key))
            group.addButton(choice)
            made[key] = choice
        made["city"].setChecked(True)
        return made

    def _area_page(self) -> QWidget:
        page = QWidget()
        page.setLayout(row(self.areas, self.draw))
        page.hide()
        return page

    def _where_page(self) -> QWidget:
        page = QWidget()
        self.attribute.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.attribute.setMinimumContentsLength(8)
        self.attribute.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.attribute.activated.connect(self._choose_where)
        self.operator.activated.connect(self._choose_where)
        self.value.editingFinished.connect(self._choose_where)
        below = row(self.operator)
        below.addWidget(self.value, 1)
        page.setLayout(column(self.attribute, below, spacing=6))
        page.hide()
        return page

    # -- what is chosen ----------------------------------------------------------------------------

    @property
    def target(self) -> Target | None:
        """What the levers act on; None where a choice is still missing."""
        if self._kind == "city":
            return WholeCity()
        if self._kind == "selection":
            ids = self.chosen_ids()
            known = (t for t in self._workspace.session.document.scenario.targets() if isinstance(t, Selection))
            return next((t for t in known if t.ids == ids), Selection(ids)) if ids else None
        return self._area if self._kind == "area" else self._where

    def choose(self, target: Target) -> None:
        """Go to a target, as a click on its chip does; a selection is selected in the picture too."""
        if isinstance(target, Selection):
            self._workspace.select(self._workspace.features_of(target.ids))
            self._choose_kind("selection")
        elif isinstance(target, Area):
            self._area = target
            self._choose_kind("area")
        elif isinstance(target, Where):
            self._where = target
            self._choose_kind("where")
        else:
            self._choose_kind("city")

    def add_area(self, area: Area) -> None:
        """Offer an area that was just drawn, and choose it."""
        self._drawn.append(area)
        self.choose(area)

    def free_area_name(self) -> str:
        """A name no area has yet."""
        names = {area.name for area in self._known_areas()}
        return next(name for n in range(1, len(names) + 2) if (name := tr("Area {n}", n=n)) not in names)

    def chosen_ids(self) -> tuple[str, ...]:
        """Ids of the selected buildings, sorted."""
        measures = self._workspace.measures
        chosen = self._workspace.selection
        if measures is not None and len(chosen):
            chosen = chosen[measures.is_building[chosen]]
        return self._workspace.ids_of(chosen) if len(chosen) else ()

    def _known_areas(self) -> tuple[Area, ...]:
        """Areas with settings in any scenario, and those drawn in this sitting."""
        scenarios = self._workspace.session.document.scenarios
        used = [t for s in scenarios for t in s.targets() if isinstance(t, Area)]
        return tuple(dict.fromkeys([*used, *self._drawn]))

    def _choose_kind(self, kind: str) -> None:
        self._kind = kind
        self.kinds[kind].setChecked(True)
        if kind == "area" and self._area is None:
            known = self._known_areas()
            self._area = known[0] if known else None
        self._show_page()
        if kind == "where":
            self._fill_where()
        self.refresh()

    def _choose_area(self, index: int) -> None:
        self._area = self.areas.itemData(index)
        self.refresh()

    def _choose_where(self) -> None:
        if self._showing:
            return
        attribute, text = self.attribute.currentData(), self.value.text().strip()
        self._where = Where(attribute, self.operator.currentData(), text) if attribute and text else None
        self.refresh()

    # -- showing -----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the document and the selection; cheap while nothing of the targets changed."""
        scenario = self._workspace.session.document.scenario
        targets = tuple(dict.fromkeys(setting.target for setting in scenario.settings))
        target = self.target
        if targets != self._targets:
            self._targets = targets
            self._fill_areas()
            self._fill_chips()
        if target != self._told:
            self._told = target
            self._fill_areas()
            self._show_count()
            self._mark_chips()
            self.changed.emit()

    def retranslate(self) -> None:
        """Every text this bar writes itself."""
        self._showing = True
        chosen = self.operator.currentData()
        self.operator.clear()
        for key, text in OPERATOR_TEXT.items():
            self.operator.addItem(tr(text), key)
        self.operator.setCurrentIndex(max(0, self.operator.findData(chosen)))
        self._showing = False
        tips = {
            "city": tr("Levers act on the whole city"),
            "selection": tr("Levers act on the selected buildings"),
            "area": tr("Levers act inside a drawn area"),
            "where": tr("Levers act on buildings with a certain attribute"),
        }
        for key, choice in self.kinds.items():
            choice.setToolTip(tips[key])
            choice.setAccessibleName(tips[key])
        self.areas.setAccessibleName(tr("Drawn area"))
        self.attribute.setAccessibleName(tr("Attribute"))
        self.operator.setAccessibleName(tr("Comparison"))
        self.value.setAccessibleName(tr("Value"))
        self.value.setPlaceholderText(tr("Value, for example 1960"))
        self._fill_areas()
        self._fill_where()
        self._fill_chips()
        self._show_count()

    def _show_page(self) -> None:
        for key, page in self._pages.items():
            page.setVisible(key == self._kind)

    def _show_count(self) -> None:
        target = self.target
        if self._kind == "city":
            text = ""
        elif target is None:
            text = {
                "selection": tr("Nothing is selected. Click a building in the picture; Ctrl and click adds more."),
                "area": tr("No area yet. Draw one in the picture: a click sets a corner, a double click ends it."),
                "where": tr("Choose an attribute and write a value."),
            }[self._kind]
        else:
            n = self._workspace.target_count(target)
            text = trn("Acts on {n} building.", "Acts on {n} buildings.", n)
        self.count.setText(text)
        self.count.setVisible(bool(text))

    def _fill_areas(self) -> None:
        areas = self._known_areas()
        if areas != self._areas:
            self._areas = areas
            self.areas.clear()
            for area in areas:
                self.areas.addItem(area.name, area)
        self.areas.setVisible(bool(areas))
        if self._area is not None and self._area in areas:
            self.areas.setCurrentIndex(areas.index(self._area))

    def _fill_where(self) -> None:
        self._showing = True
        names = self._workspace.attribute_names()
        shown = [(attribute_text(name), name) for name in names]
        if [(self.attribute.itemText(i), self.attribute.itemData(i)) for i in range(self.attribute.count())] != shown:
            chosen = self.attribute.currentData()
            self.attribute.clear()
            for text, name in shown:
                self.attribute.addItem(text, name)
            self.attribute.setCurrentIndex(max(0, self.attribute.findData(chosen)))
        if self._where is not None:
            self.attribute.setCurrentIndex(self.attribute.findData(self._where.attribute))
            self.operator.setCurrentIndex(self.operator.findData(self._where.operator))
            self.value.setText(self._where.value)
        self._showing = False

    def _fill_chips(self) -> None:
        clear(self.chips.flow)
        for target in self._targets:
            self.chips.flow.addWidget(TargetChip(target, self.choose, self._remove))
        self.chips.setVisible(bool(self._targets))
        self._mark_chips()

    def _mark_chips(self) -> None:
        for at in range(self.chips.flow.count()):
            chip = self.chips.flow.itemAt(at).widget()
            chip.mark(chip.target == self._told)

    def _remove(self, target: Target) -> None:
        self._workspace.session.edit(ResetTarget(target))


class TargetChip(Card):
    """A target that has settings: click to go there, × to take its settings away."""

    def __init__(self, target: Target, choose, remove) -> None:
        super().__init__("chip", margin=0)
        self.target = target
        text = where_text(target)
        self.go = QPushButton(self._short(text).replace("&", "&&"))
        self.go.setProperty("role", "chip-text")
        self.go.setToolTip(tr("Go to: {target}", target=text))
        self.go.setAccessibleName(tr("Go to: {target}", target=text))
        self.go.clicked.connect(lambda: choose(target))
        self.off = tool("close", "Take these settings away", lambda: remove(target))
        self.off.setAccessibleName(tr("Take away the settings for: {target}", target=text))
        self.off.setMinimumSize(28, 28)
        self.off.setIconSize(self.off.iconSize() * 0.7)
        self.body.addLayout(row(self.go, self.off, spacing=0))

    def mark(self, on: bool) -> None:
        """Whether this is the target the sliders act on now."""
        wanted = "chip-on" if on else "chip"
        if self.property("role") != wanted:
            set_role(self, wanted)

    @staticmethod
    def _short(text: str) -> str:
        return text if len(text) <= 30 else text[:28].rstrip() + "…"


def where_text(target: Target) -> str:
    """A target in a few words, attributes in plain ones."""
    if isinstance(target, Where):
        return tr(
            "{attribute} {operator} {value}",
            attribute=attribute_text(target.attribute),
            operator=tr(OPERATOR_TEXT[target.operator]),
            value=target.value,
        )
    return target_text(target)
