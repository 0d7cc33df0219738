"""The scenario panel: which scenario, where it acts, what its levers do, which buildings go or come.

It shows the document and turns what a person does into edits; it computes nothing. Run it alone with
``python -m viewer.ui.scenario_panel``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from viewer.scenario import LEVERS, Area, Parameter, Target, WholeCity
from viewer.scenario.parameters import TREES_ADDED, UNSEALING_SHARE
from viewer.session.edits import BuildPlanned, RemoveBuildings, ResetLever, ResetScenario, RestoreBuildings, SetLever
from viewer.ui.i18n import bind, language_changed, tr, trn
from viewer.ui.lever_row import LeverRow
from viewer.ui.scenarios_bar import ScenariosBar
from viewer.ui.target_bar import TargetBar
from viewer.ui.widgets import ScrollColumn, button, column, label, line, row

#: Levers that move ground; chosen buildings have none.
GROUND_LEVERS = frozenset({UNSEALING_SHARE.name, TREES_ADDED.name})
#: Levers that count things: what the whole city gets says nothing about a part of it.
COUNTING_LEVERS = frozenset({TREES_ADDED.name})
#: Headings of the groups of levers, in plain words.
GROUP_TEXT = {"height": "Height of the buildings", "green": "Green and ground"}


class ScenarioPanel(QWidget):
    """Scenarios, target, levers and buildings of the active scenario."""

    #: True while a person keeps the button for the city of today pressed.
    baseline_held = Signal(bool)
    #: A person wants to draw an area; answer with ``set_area``.
    draw_area_requested = Signal()

    def __init__(self, workspace, tasks=None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace, self.tasks = workspace, tasks
        self._stale = True
        self._area_shown = False
        self.scenarios = ScenariosBar(workspace.session)
        self.scenarios.baseline_held.connect(self.baseline_held)
        self.target = TargetBar(workspace)
        self.target.changed.connect(self._on_target)
        self.target.draw_area_requested.connect(self.draw_area_requested)
        self.rows: dict[str, LeverRow] = {}
        self.remove = button("Remove", self._remove, icon="trash")
        self.restore = button("Restore", self._restore, icon="reset")
        self.build = button("Build planned", self._build, icon="building")
        self.reset_all = button("Reset everything", self._reset_all, role="quiet", icon="reset")
        bind(self.reset_all.setToolTip, "Take every change of this scenario back")
        self._lay_out()
        self.setMinimumWidth(300)
        workspace.changed.connect(self.refresh)
        workspace.selection_changed.connect(self._on_selection)
        language_changed.connect(self.retranslate)
        self.refresh()

    def _lay_out(self) -> None:
        scroll = ScrollColumn(margin=16)
        scroll.body.setSpacing(10)
        scroll.body.addWidget(self.scenarios)
        scroll.body.addWidget(line())
        scroll.body.addWidget(label("Where does it apply?", "title"))
        scroll.body.addWidget(self.target)
        scroll.body.addWidget(line())
        for group in dict.fromkeys(p.group for p in LEVERS.values()):
            scroll.body.addWidget(label(GROUP_TEXT.get(group, group), "title"))
            for parameter in LEVERS.values():
                if parameter.group == group:
                    scroll.body.addWidget(self._make_row(parameter))
        scroll.body.addWidget(line())
        scroll.body.addWidget(label("Single buildings", "title"))
        scroll.body.addLayout(column(self.remove, self.restore, self.build, spacing=6))
        scroll.body.addLayout(row(self.reset_all, None))
        scroll.body.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def _make_row(self, parameter: Parameter) -> LeverRow:
        made = LeverRow(parameter)
        made.moved.connect(lambda value, merge: self._move(parameter, value, merge))
        made.released.connect(self.workspace.session.end_gesture)
        made.reset_wanted.connect(lambda: self._reset(parameter))
        self.rows[parameter.name] = made
        return made

    # -- showing -----------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the document; waits while nobody sees the panel."""
        if not self.isVisible():
            self._stale = True
            return
        self._stale = False
        self.scenarios.refresh()
        self.target.refresh()
        self._show_levers()
        self._show_buildings()

    def showEvent(self, event) -> None:
        super().showEvent(event)
        if self._stale:
            self.refresh()

    def retranslate(self) -> None:
        """Texts that depend on numbers."""
        self.target.retranslate()
        self._show_levers()
        self._show_buildings()

    def set_area(self, ring_local: ArrayLike) -> None:
        """Act inside a drawn ring ((n, 2) or (n, 3), local metres, no closing corner) from now on."""
        ring = np.asarray(ring_local, np.float64)[:, :2]
        if len(ring) < 3:
            return
        corners = self.workspace.frame.crs_from_local(ring)
        area = Area(self.target.free_area_name(), tuple((float(x), float(y)) for x, y in corners))
        self.target.add_area(area)

    def _show_levers(self) -> None:
        target = self.target.target
        for parameter in LEVERS.values():
            self._show_lever(parameter, target)

    def _show_lever(self, parameter: Parameter, target: Target | None) -> None:
        scenario = self.workspace.session.document.scenario
        shown = self.rows[parameter.name]
        if target is None:
            shown.show_value(parameter.default, own=False, enabled=False)
            return
        if parameter.name in GROUND_LEVERS and not isinstance(target, WholeCity | Area):
            note = tr("Works on ground: choose the whole city or draw an area.")
            shown.show_value(parameter.default, own=False, enabled=False, note=note)
            return
        own = any(s.parameter == parameter.name and s.target == target for s in scenario.settings)
        note = ""
        value = scenario.value(parameter.name, target)
        whole = scenario.value(parameter.name)
        if not own and whole != parameter.default:
            note = tr("As set for the whole city")
            value = parameter.default if parameter.name in COUNTING_LEVERS else whole
        elif parameter.name == TREES_ADDED.name:
            note = self._room_for_trees(value, target)
        shown.show_value(value, own=own, note=note)

    def _room_for_trees(self, wanted: float, target: Target) -> str:
        """A sentence where fewer trees find a place than are wanted; known for the whole city alone."""
        settings = self.workspace.session.document.scenario.settings
        only = [s.target for s in settings if s.parameter == TREES_ADDED.name] == [target]
        change = self.workspace.change() if only and isinstance(target, WholeCity) else None
        if change is None or len(change.trees_local) >= round(wanted):
            return ""
        return tr("Only {n} find a place.", n=len(change.trees_local))

    def _on_target(self) -> None:
        """The levers act on something else: show its values and, for an area, its outline."""
        target = self.target.target
        if isinstance(target, Area):
            self.workspace.show_outline(self.workspace.frame.local_from_crs(np.array(target.ring_crs)))
        elif self._area_shown:
            self.workspace.show_outline(np.empty((0, 2)))
        self._area_shown = isinstance(target, Area)
        self._show_levers()

    def _on_selection(self) -> None:
        if self.isVisible():
            self.target.refresh()
            self._show_buildings()
        else:
            self._stale = True

    # -- levers ------------------------------------------------------------------------------------

    def _move(self, parameter: Parameter, value: float, merge: bool) -> None:
        target = self.target.target
        if target is not None:
            self.workspace.session.edit(SetLever(parameter.name, parameter.check(value), target), merge=merge)

    def _reset(self, parameter: Parameter) -> None:
        target = self.target.target
        if target is not None:
            self.workspace.session.edit(ResetLever(parameter.name, target))

    def _reset_all(self) -> None:
        self.workspace.session.edit(ResetScenario())

    # -- buildings ---------------------------------------------------------------------------------

    def _chosen(self) -> frozenset[str]:
        return frozenset(self.target.chosen_ids())

    def _removable(self) -> frozenset[str]:
        scenario = self.workspace.session.document.scenario
        planned = frozenset(self.workspace.planned_ids())
        return self._chosen() - scenario.removed - (planned - scenario.built)

    def _restorable(self) -> frozenset[str]:
        removed = self.workspace.session.document.scenario.removed
        return (self._chosen() & removed) or removed

    def _buildable(self) -> frozenset[str]:
        planned = frozenset(self.workspace.planned_ids())
        missing = planned - self.workspace.session.document.scenario.built
        return (self._chosen() & missing) or missing

    def _show_buildings(self) -> None:
        scenario = self.workspace.session.document.scenario
        removable, restorable, buildable = self._removable(), self._restorable(), self._buildable()
        _say(
            self.remove,
            trn("Remove {n} selected building", "Remove {n} selected buildings", len(removable)) if removable else "",
            tr("Remove selected buildings"),
            tr("Select buildings in the picture first."),
        )
        _say(
            self.restore,
            trn("Restore {n} building", "Restore {n} buildings", len(restorable)) if restorable else "",
            tr("Restore buildings"),
            tr("No building is removed in this scenario."),
        )
        nothing = tr("All planned buildings stand.") if scenario.built else tr("This city has no planned buildings.")
        _say(
            self.build,
            trn("Build {n} planned building", "Build {n} planned buildings", len(buildable)) if buildable else "",
            tr("Build planned buildings"),
            nothing,
        )
        self.reset_all.setEnabled(not scenario.is_baseline)

    def _remove(self) -> None:
        self.workspace.session.edit(RemoveBuildings(tuple(sorted(self._removable()))))

    def _restore(self) -> None:
        self.workspace.session.edit(RestoreBuildings(tuple(sorted(self._restorable()))))

    def _build(self) -> None:
        self.workspace.session.edit(BuildPlanned(tuple(sorted(self._buildable()))))


def _say(act: QPushButton, text: str, text_without: str, reason: str) -> None:
    """A button with its count, or disabled with the reason beside the pointer."""
    wanted = text or text_without
    if act.text() != wanted:
        act.setText(wanted)
    if act.isEnabled() != bool(text):
        act.setEnabled(bool(text))
    act.setToolTip("" if text else reason)
    act.setAccessibleDescription("" if text else reason)


if __name__ == "__main__":
    from viewer.ui.planning_sample import run_alone

    run_alone(ScenarioPanel)
