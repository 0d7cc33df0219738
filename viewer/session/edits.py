"""Every edit a person can make, as a frozen value that turns a document into another.

Printed in order, the edits of a session are its story. ``text`` is a template over the edit's own
fields and a translation key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from viewer.scenario import Scenario, Target, WholeCity
from viewer.session.document import Document, LayerStyle, Source, View
from viewer.session.placement import Placement, placement_of, with_placement

_WHOLE_CITY = WholeCity()


@dataclass(frozen=True, slots=True)
class SetLever:
    """Move one lever of the active scenario, as a slider does."""

    text: ClassVar[str] = "Set {parameter} to {value:g}"
    parameter: str
    value: float
    target: Target = _WHOLE_CITY

    def apply(self, document: Document) -> Document:
        return document.with_scenario(document.scenario.with_value(self.parameter, self.value, self.target))


@dataclass(frozen=True, slots=True)
class ResetLever:
    """Put one lever back, as if it had never been moved for this target."""

    text: ClassVar[str] = "Reset {parameter}"
    parameter: str
    target: Target = _WHOLE_CITY

    def apply(self, document: Document) -> Document:
        return document.with_scenario(document.scenario.without(self.parameter, self.target))


@dataclass(frozen=True, slots=True)
class ResetTarget:
    """Put every lever back for one target, as if none had ever been moved there."""

    text: ClassVar[str] = "Reset a target"
    target: Target = _WHOLE_CITY

    def apply(self, document: Document) -> Document:
        scenario = document.scenario
        return document.with_scenario(
            replace(scenario, settings=tuple(s for s in scenario.settings if s.target != self.target))
        )


@dataclass(frozen=True, slots=True)
class ResetScenario:
    """Take every change of the active scenario back."""

    text: ClassVar[str] = "Reset the scenario"

    def apply(self, document: Document) -> Document:
        return document.with_scenario(Scenario(document.scenario.name, note=document.scenario.note))


@dataclass(frozen=True, slots=True)
class RemoveBuildings:
    """Take buildings away in the active scenario (planned ones are simply not built)."""

    text: ClassVar[str] = "Remove buildings"
    ids: tuple[str, ...]

    def apply(self, document: Document) -> Document:
        scenario = document.scenario
        ids = frozenset(self.ids)
        return document.with_scenario(
            replace(scenario, removed=scenario.removed | (ids - scenario.built), built=scenario.built - ids)
        )


@dataclass(frozen=True, slots=True)
class RestoreBuildings:
    """Put removed buildings back."""

    text: ClassVar[str] = "Restore buildings"
    ids: tuple[str, ...]

    def apply(self, document: Document) -> Document:
        scenario = document.scenario
        return document.with_scenario(replace(scenario, removed=scenario.removed - frozenset(self.ids)))


@dataclass(frozen=True, slots=True)
class BuildPlanned:
    """Put planned buildings up in the active scenario."""

    text: ClassVar[str] = "Build planned buildings"
    ids: tuple[str, ...]

    def apply(self, document: Document) -> Document:
        scenario = document.scenario
        return document.with_scenario(replace(scenario, built=scenario.built | frozenset(self.ids)))


@dataclass(frozen=True, slots=True)
class AddScenario:
    """Add a scenario (a copy of ``of``, or an empty one) and show it."""

    text: ClassVar[str] = "Add scenario {name}"
    name: str
    of: str = ""

    def apply(self, document: Document) -> Document:
        name = document.free_scenario_name(self.name)
        source = next((s for s in document.scenarios if s.name == self.of), Scenario(name))
        return replace(document, scenarios=(*document.scenarios, replace(source, name=name)), active=name)


@dataclass(frozen=True, slots=True)
class RenameScenario:
    """Give a scenario another name; views follow."""

    text: ClassVar[str] = "Rename {name} to {new_name}"
    name: str
    new_name: str

    def apply(self, document: Document) -> Document:
        if self.new_name == self.name or not self.new_name.strip():
            return document
        new_name = document.free_scenario_name(self.new_name.strip())
        scenario = next((s for s in document.scenarios if s.name == self.name), None)
        if scenario is None:
            return document
        views = tuple(replace(v, scenario=new_name) if v.scenario == self.name else v for v in document.views)
        sources = tuple(_shown_in(source, self.name, new_name) for source in document.sources)
        renamed = document.with_scenario(replace(scenario, name=new_name), name=self.name)
        return replace(renamed, views=views, sources=sources)


@dataclass(frozen=True, slots=True)
class DeleteScenario:
    """Delete a scenario; the last one is emptied instead."""

    text: ClassVar[str] = "Delete scenario {name}"
    name: str

    def apply(self, document: Document) -> Document:
        rest = tuple(s for s in document.scenarios if s.name != self.name)
        if not rest:
            return document.with_scenario(Scenario(self.name))
        active = document.active if document.active != self.name else rest[0].name
        sources = tuple(_shown_in(source, self.name, "") for source in document.sources)
        return replace(document, scenarios=rest, active=active, sources=sources)


def _shown_in(source: Source, name: str, new_name: str) -> Source:
    """A model that only one scenario shows follows its new name; if the scenario is gone, it is hidden."""
    placement = placement_of(source.options)
    if placement is None or placement.scenario != name:
        return source
    moved = replace(source, options=with_placement(source.options, replace(placement, scenario=new_name)))
    return moved if new_name else replace(moved, style=replace(moved.style, visible=False))


@dataclass(frozen=True, slots=True)
class DescribeScenario:
    """Change the note of a scenario."""

    text: ClassVar[str] = "Describe scenario {name}"
    name: str
    note: str

    def apply(self, document: Document) -> Document:
        scenario = next((s for s in document.scenarios if s.name == self.name), None)
        if scenario is None:
            return document
        return document.with_scenario(replace(scenario, note=self.note), name=self.name)


@dataclass(frozen=True, slots=True)
class ShowScenario:
    """Switch to a scenario. Looking is no change of the plan, so it makes no undo step."""

    text: ClassVar[str] = "Show scenario {name}"
    undoable: ClassVar[bool] = False
    name: str

    def apply(self, document: Document) -> Document:
        if self.name not in {s.name for s in document.scenarios}:
            return document
        return replace(document, active=self.name)


@dataclass(frozen=True, slots=True)
class AddSource:
    """Open a file into the session."""

    text: ClassVar[str] = "Open {title}"
    source: Source

    @property
    def title(self) -> str:
        return self.source.title

    def apply(self, document: Document) -> Document:
        return document.with_source(self.source)


@dataclass(frozen=True, slots=True)
class RemoveSource:
    """Take a file out of the session; the file itself is not touched."""

    text: ClassVar[str] = "Remove {key}"
    key: str

    def apply(self, document: Document) -> Document:
        return replace(document, sources=tuple(s for s in document.sources if s.key != self.key))


@dataclass(frozen=True, slots=True)
class MoveSource:
    """Move a layer up (+1) or down (-1) in the drawing order."""

    text: ClassVar[str] = "Reorder layers"
    key: str
    by: int

    def apply(self, document: Document) -> Document:
        order = list(document.sources)
        index = next((i for i, s in enumerate(order) if s.key == self.key), None)
        if index is None:
            return document
        source = order.pop(index)
        order.insert(min(max(index + self.by, 0), len(order)), source)
        return replace(document, sources=tuple(order))


@dataclass(frozen=True, slots=True)
class StyleSource:
    """Change visibility, opacity, column, palette or colour of a layer."""

    text: ClassVar[str] = "Style {key}"
    key: str
    style: LayerStyle

    def apply(self, document: Document) -> Document:
        source = document.source(self.key)
        return document if source is None else document.with_source(replace(source, style=self.style))


@dataclass(frozen=True, slots=True)
class SetOption:
    """Change how a source is read (LoD, CRS, height column); the source is read again."""

    text: ClassVar[str] = "Change {name} of {key}"
    key: str
    name: str
    value: str

    def apply(self, document: Document) -> Document:
        source = document.source(self.key)
        if source is None:
            return document
        options = dict(source.options)
        options[self.name] = self.value
        return document.with_source(replace(source, options=tuple(sorted(options.items()))))


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """Read a source with other choices (CRS, height column); undo shows it as it was read before."""

    text: ClassVar[str] = "Read {key} again"
    key: str
    options: tuple[tuple[str, str], ...]

    def apply(self, document: Document) -> Document:
        source = document.source(self.key)
        return document if source is None else document.with_source(replace(source, options=self.options))


@dataclass(frozen=True, slots=True)
class PlaceModel:
    """Move, turn or scale a placed model, or let one scenario alone show it."""

    text: ClassVar[str] = "Place {key}"
    key: str
    placement: Placement

    def apply(self, document: Document) -> Document:
        source = document.source(self.key)
        if source is None:
            return document
        return document.with_source(replace(source, options=with_placement(source.options, self.placement)))


@dataclass(frozen=True, slots=True)
class ReplaceBuildings:
    """Let a placed model stand instead of some buildings, in the active scenario only."""

    text: ClassVar[str] = "Replace buildings by {key}"
    key: str
    ids: tuple[str, ...]

    def apply(self, document: Document) -> Document:
        source = document.source(self.key)
        placement = None if source is None else placement_of(source.options)
        if source is None or placement is None:
            return document
        only_here = with_placement(source.options, replace(placement, scenario=document.active))
        return RemoveBuildings(self.ids).apply(document.with_source(replace(source, options=only_here)))


@dataclass(frozen=True, slots=True)
class ColorBy:
    """Colour the city by surface type, an attribute or an indicator."""

    text: ClassVar[str] = "Colour by {what}"
    what: str

    def apply(self, document: Document) -> Document:
        return replace(document, color_by=self.what)


@dataclass(frozen=True, slots=True)
class SetViews:
    """Replace the saved views (adding, renaming, ordering and deleting them are all this)."""

    text: ClassVar[str] = "Change the saved views"
    views: tuple[View, ...]

    def apply(self, document: Document) -> Document:
        return replace(document, views=self.views)


@dataclass(frozen=True, slots=True)
class SetTitle:
    """Change the title and credits of the session."""

    text: ClassVar[str] = "Name the session"
    title: str
    credits: str = ""

    def apply(self, document: Document) -> Document:
        return replace(document, title=self.title, credits=self.credits)
