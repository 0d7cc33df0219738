"""The document: everything a session file holds, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from viewer.scenario import Scenario
from viewer.session.placement import PLACE_OPTIONS


@dataclass(frozen=True, slots=True)
class Camera:
    """A view of the city, in the city's CRS (float64 metres), so that it survives another origin."""

    position_crs: tuple[float, float, float]
    target_crs: tuple[float, float, float]
    view_angle_deg: float = 30.0


@dataclass(frozen=True, slots=True)
class LayerStyle:
    """How one source is drawn. Columns are attribute names, "" for none; palette is a name."""

    visible: bool = True
    opacity: float = 1.0
    column: str = ""
    palette: str = ""
    color: str = ""
    labels: bool = False


@dataclass(frozen=True, slots=True)
class FileMark:
    """What a session file remembers of a source, so that a moved project finds its data again.

    relative : path from the session file's folder, with ``/``. absolute : where it was when saved.
    size : bytes. modified_ns : time of the last change. sha256 : of small files, else "".
    """

    relative: str = ""
    absolute: str = ""
    size: int = -1
    modified_ns: int = -1
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One opened file. The first city decides the frame; several cities become one.

    key : unique within the document. path : absolute while open, relative in the session file.
    reader : ``"plugin_id:reader_title"`` that read it. kind : "city" or "layer".
    options : what a person chose for this file (CRS, height column, LoD), as sorted pairs.
    mark : the file as the session file knew it, kept for a source that is missing today; two sources
        that differ in it alone are equal.
    """

    key: str
    path: str
    kind: str
    reader: str = ""
    title: str = ""
    options: tuple[tuple[str, str], ...] = ()
    style: LayerStyle = field(default_factory=LayerStyle)
    mark: FileMark | None = field(default=None, compare=False)


def reading_options(options: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The options of a source that decide how its file is read: not the level of detail shown, not a model's place."""
    return tuple(sorted(pair for pair in options if pair[0] != "lod" and pair[0] not in PLACE_OPTIONS))


@dataclass(frozen=True, slots=True)
class View:
    """A saved view, a step of a story."""

    name: str
    camera: Camera
    scenario: str = ""
    visible_layers: tuple[str, ...] | None = None
    text: str = ""
    seconds: float = 8.0


@dataclass(frozen=True, slots=True)
class Document:
    """Everything a session file holds.

    sources : bottom to top as drawn; cities and layers. scenarios : at least one; names are unique.
    active : name of the scenario shown. color_by : "surface", "attribute:NAME" or "indicator:ID".
    sun : ISO local date and time of the light, "" for the usual one. title, credits : shown when presenting.
    kept : (name, JSON) of what a newer version wrote at the top of the file; saved back unchanged.
    """

    sources: tuple[Source, ...] = ()
    scenarios: tuple[Scenario, ...] = (Scenario("Scenario 1"),)
    active: str = "Scenario 1"
    views: tuple[View, ...] = ()
    color_by: str = "surface"
    title: str = ""
    credits: str = ""
    note: str = ""
    sun: str = ""
    kept: tuple[tuple[str, str], ...] = ()

    @property
    def scenario(self) -> Scenario:
        """The scenario shown."""
        return next((s for s in self.scenarios if s.name == self.active), self.scenarios[0])

    def with_scenario(self, scenario: Scenario, *, name: str | None = None) -> Document:
        """This document with the scenario ``name`` (the active one by default) replaced."""
        name = self.active if name is None else name
        scenarios = tuple(scenario if s.name == name else s for s in self.scenarios)
        active = scenario.name if self.active == name else self.active
        return replace(self, scenarios=scenarios, active=active)

    def source(self, key: str) -> Source | None:
        """The source of this key."""
        return next((s for s in self.sources if s.key == key), None)

    def with_source(self, source: Source) -> Document:
        """This document with a source replaced, or added on top."""
        if self.source(source.key) is None:
            return replace(self, sources=(*self.sources, source))
        return replace(self, sources=tuple(source if s.key == source.key else s for s in self.sources))

    def free_scenario_name(self, wish: str) -> str:
        """``wish``, or ``wish 2``, ``wish 3`` ... if it is taken."""
        names = {s.name for s in self.scenarios}
        if wish not in names:
            return wish
        return next(f"{wish} {n}" for n in range(2, len(names) + 3) if f"{wish} {n}" not in names)
