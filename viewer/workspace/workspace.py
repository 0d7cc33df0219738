"""The workspace: opens files through the plugin host, derives what is shown and what is counted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from psygnal import Signal

from viewer.city import (
    AreaLayer,
    CityModel,
    Frame,
    ImageLayer,
    ImportReport,
    Layer,
    PointLayer,
    TerrainLayer,
    TreeLayer,
)
from viewer.city.arrange import arrange
from viewer.city.bare import bare_city, extent_of
from viewer.city.cut import sound_faces
from viewer.city.ground import Ground
from viewer.city.measures import Measures, measure_issues
from viewer.city.models import ModelLayer
from viewer.city.terrain import mosaic, terrains_of
from viewer.errors import OutOfMemoryError, ViewerError, lacks_memory
from viewer.indicators import IndicatorTable, Surfaces, make_surfaces, statement_from_layer
from viewer.indicators.limits import PlanLimits, limits_in, make_limits
from viewer.indicators.record import IndicatorRecord
from viewer.plugin_api import Progress, ReadContext
from viewer.plugin_host import PluginHost
from viewer.readers.store.folder import entry_of, title_of
from viewer.scenario import CityChange, Scenario, Target
from viewer.scene.state import Colouring, LayerView, SceneState
from viewer.session import Document, Session, Source
from viewer.session.document import reading_options
from viewer.session.edits import AddSource, ReadAgain, RemoveSource, SetOption
from viewer.workspace import models as placing
from viewer.workspace import pictures, ready
from viewer.workspace.describe import FeatureInfo, colour_by_attribute, colour_by_number, feature_info
from viewer.workspace.loaded import CityKey, Derived, Loaded, derive, far_away

SelectMode = Literal["replace", "add", "toggle", "remove"]
_NONE = np.empty(0, np.int32)
_NO_RING = np.empty((0, 3))
#: What a layer's view depends on: source, number of the layer in it, shown, the layer itself, the ground.
_ViewKey = tuple[Source, int, bool, int, int]


class Workspace:
    """A session with its data. Reading is done in a worker, everything else on the main thread.

    The document says *what* is open; the arrays of what was once read stay here as long as the session
    lives, so that undo and redo of opening a file are immediate.
    """

    #: The document or derived data changed: refresh. No arguments.
    changed = Signal()
    #: A layer has to be read again, because the city lies in another coordinate system now: its key.
    outdated = Signal(str)
    #: Selection or hovered object changed. No arguments.
    selection_changed = Signal()

    def __init__(self, session: Session, host: PluginHost) -> None:
        self.session = session
        self.host = host
        self.reports: dict[str, ImportReport] = {}
        self.questions: dict[str, dict[str, str]] = {}
        self.selection: NDArray[np.int32] = _NONE
        self.hovered = -1
        self.outline_local: NDArray[np.float64] = _NO_RING
        #: Whether the pictures and materials of files are shown; a preference of whoever draws.
        self.textures = False
        self._cities: dict[str, CityModel] = {}
        self._layers: dict[str, tuple[Layer, ...]] = {}
        self._readings: dict[tuple[str, tuple[tuple[str, str], ...], Frame | None], Loaded] = {}
        self._derived: Derived | None = None
        self._recent: OrderedDict[tuple[CityKey, int], Derived] = OrderedDict()
        self._changes: OrderedDict[Scenario, CityChange] = OrderedDict()
        self._tables: dict[str, tuple[IndicatorTable, CityChange, tuple[IndicatorRecord, ...]]] = {}
        self._colourings: OrderedDict[object, Colouring] = OrderedDict()
        self._layer_views: tuple[object, dict[str | None, tuple[LayerView, ...]]] = (None, {})
        self._views: dict[_ViewKey, LayerView] = {}
        self._surfaces: tuple[object, Surfaces | None] = (None, None)
        self._limits: tuple[object, PlanLimits | None] = (None, None)
        self._study_ring: NDArray[np.float64] | None = None
        self._next_key = 1
        self._stale = False
        session.changed.connect(self._on_document)

    # -- what is open ------------------------------------------------------------------------------

    @property
    def city(self) -> CityModel | None:
        """All open cities as one; None while nothing is open."""
        return None if self._derived is None else self._derived.city

    @property
    def measures(self) -> Measures | None:
        """Facts about the city's top-level objects."""
        return None if self._derived is None else self._derived.measures

    @property
    def ground(self) -> Ground | None:
        """The ground under the city."""
        return None if self._derived is None else self._derived.ground

    @property
    def terrain(self) -> TerrainLayer | None:
        """What the city stands on: all visible terrains as one. None without one."""
        return mosaic(self._terrains())

    @property
    def derived(self) -> Derived | None:
        """Everything that follows from the open cities alone."""
        return self._derived

    @property
    def frame(self) -> Frame:
        """The frame everything is read into; empty while no city is open."""
        return Frame() if self._derived is None else self._derived.frame

    def attributions(self) -> tuple[str, ...]:
        """Who must be named in a picture of what is visible now."""
        texts = [view.layer.attribution for view in self.layer_views() if view.visible and view.layer.attribution]
        city = "" if self.city is None else self.city.attribution
        return tuple(dict.fromkeys(filter(None, (self.session.document.credits, city, *texts))))

    def missing_sources(self) -> tuple[Source, ...]:
        """Sources of the document whose data is not read yet, cities first: layers need their frame."""
        missing = [s for s in self.session.document.sources if s.key not in self._cities and s.key not in self._layers]
        return tuple(sorted(missing, key=lambda source: source.kind != "city"))

    def new_key(self) -> str:
        """A source key that is free in the document and in the loaded data."""
        used = {s.key for s in self.session.document.sources} | set(self._cities) | set(self._layers)
        while f"source-{self._next_key}" in used:
            self._next_key += 1
        key = f"source-{self._next_key}"
        self._next_key += 1
        return key

    def read(
        self,
        path: str | Path,
        progress: Progress | None = None,
        *,
        options: Mapping[str, str] | None = None,
        reader: str = "",
        key: str = "",
        refresh: bool = False,
    ) -> Loaded:
        """Read one file; safe to call in a worker, changes nothing. ``refresh`` takes everything from servers anew.

        Raises
        ------
        ViewerError, Cancelled
            The file cannot be read at all, also for lack of memory, or a person stopped it.
        """
        try:
            return self._read(path, progress, options, reader, key, refresh)
        except (MemoryError, OSError, RuntimeError) as error:
            if not lacks_memory(error):
                raise
        raise OutOfMemoryError(path)

    def _read(
        self,
        path: str | Path,
        progress: Progress | None,
        options: Mapping[str, str] | None,
        reader: str,
        key: str,
        refresh: bool,
    ) -> Loaded:
        progress = Progress() if progress is None else progress
        path = entry_of(Path(path))
        options = dict(options or {})
        key = key or self.new_key()
        base = self._city_key(self.session.document)
        others = {name: self._cities[name] for name, _ in base if name != key}
        context = ReadContext(
            frame=self.frame if others else Frame(),
            options=options,
            progress=progress.part(0, 0.7),
            refresh=refresh,
            city_extent_local=self._derived.city.extent_local if others and self._derived is not None else None,
        )
        reading = self.host.read(path, context, reader)
        city, derived = (None if reading.city is None else arrange(reading.city)), None
        box = extent_of(reading.layers) if not others else None
        if box is not None:  # nothing to lie on yet: the layer brings the frame, and the ground at its foot
            city = bare_city(title_of(path), reading.frame, box)
        if city is not None:
            lods = {**dict(base), key: options.get("lod", "")}
            order = [s.key for s in self.session.document.sources if s.key in lods]
            wanted = tuple((name, lods[name]) for name in dict.fromkeys([*order, key]))
            alone = len(wanted) == 1
            cities, rest, known = {**others, key: city}, progress.part(0.7, 1.0), reading.ready if alone else None
            derived = derive(wanted, cities, rest, known, mosaic((*self._terrains(key), *terrains_of(reading.layers))))
            if reading.ticket is not None:
                pack = partial(ready.pack, derived) if alone and derived.terrain is None else dict
                reading.ticket.keep_in_background(city, reading.report, reading.questions, pack)
            told = far_away(city, others) if others else measure_issues(derived.city, derived.measures)
            reading = replace(reading, report=replace(reading.report, issues=(*reading.report.issues, *told)))
        elif others and (new := terrains_of(reading.layers)):
            beside = tuple(part for part in base if part[0] != key)
            derived = derive(beside, others, progress.part(0.7, 1.0), None, mosaic((*self._terrains(key), *new)))
        damaged = pictures.make_ready(derived.city, progress) if derived is not None and self.textures else ()
        if derived is not None and (derived.notes or damaged):
            issues = pictures.with_damaged((*reading.report.issues, *derived.notes), damaged)
            reading = replace(reading, report=replace(reading.report, issues=issues))
        below = city if city is not None or self._derived is None else self._derived.city
        if below is not None and len(reading.layers) == 1 and isinstance(reading.layers[0], ModelLayer):
            under = self.ground if derived is None else derived.ground
            options = dict(placing.with_first_place(tuple(options.items()), reading.layers[0], below, under))
        return Loaded(
            key=key,
            path=str(path.resolve()),
            reader=reading.reader,
            title=title_of(path) if reading.city is not None else reading.layers[0].name,
            report=reading.report,
            options=tuple(sorted(options.items())),
            questions=dict(reading.questions),
            city=city,
            layers=reading.layers,
            derived=derived,
        )

    def adopt(self, loaded: Loaded) -> str:
        """Put what was read into the session; returns the key of its source.

        Raises
        ------
        ViewerError
            A layer without a city: there is no frame to lay it into.
        """
        if loaded.city is None and self._derived is None:
            raise ViewerError(
                "A layer needs a city to lie on.", hint="Open a city model first, then this file.", path=loaded.path
            )
        for frame in loaded.frames or (self.frame,):
            self._readings[loaded.key, reading_options(loaded.options), frame] = loaded
        former = self._layers.get(loaded.key, ())
        self._take(loaded)
        if loaded.derived is not None:
            self._remember(loaded.derived)
        known = self.session.document.source(loaded.key)
        if known is None:
            self.session.edit(
                AddSource(
                    Source(
                        loaded.key, loaded.path, loaded.kind, loaded.reader, loaded.title, loaded.options, loaded.style
                    )
                )
            )
        elif reading_options(known.options) != reading_options(loaded.options):
            self.session.edit(ReadAgain(loaded.key, loaded.options))
        elif former and all(isinstance(layer, PointLayer | ImageLayer) for layer in (*former, *loaded.layers)):
            self.changed.emit()  # newer values of sensors, a newer map: no number about the city depends on them
        else:
            self._refresh()
        return loaded.key

    def open_document(self, document: Document, *, saved: bool = True, path: Path | None = None) -> None:
        """Show another document; read ``missing_sources`` afterwards and ``adopt`` them."""
        self._cities.clear()
        self._layers.clear()
        self._readings.clear()
        self._recent.clear()
        self.reports.clear()
        self.questions.clear()
        self.outline_local = _NO_RING
        self.session.open(document, saved=saved, path=path)
        self._refresh()

    def remove(self, key: str) -> None:
        """Take a source out of the session (one undo step)."""
        self.session.edit(RemoveSource(key))

    def set_lod(self, key: str, lod: str) -> None:
        """Choose the level of detail of one city; "" is the highest."""
        self.session.edit(SetOption(key, "lod", lod))

    def layer(self, key: str) -> tuple[Layer, ...]:
        """The layers read from one source."""
        return self._layers.get(key, ())

    def source_city(self, key: str) -> CityModel | None:
        """The city read from one source, before merging; None for a layer that only brought the frame along."""
        return None if key in self._layers else self._cities.get(key)

    # -- what is shown -----------------------------------------------------------------------------

    def change(self, scenario: str | None = None) -> CityChange | None:
        """What a scenario changes: None = the active one, "" = the baseline."""
        return None if self._derived is None else self._change_of(self._scenario(scenario))

    def scene_state(self, scenario: str | None = None, *, theme: str = "light") -> SceneState:
        """Everything to draw for a scenario: None = the active one, "" = the baseline."""
        derived = self._derived
        if derived is None:
            return SceneState(theme=theme)
        return SceneState(
            city=derived.city,
            lod_faces=derived.lod_faces,
            measures=derived.measures,
            ground=derived.ground,
            change=self.change(scenario),
            colouring=self.colouring(scenario),
            layers=self.layer_views(self._scenario(scenario).name),
            selection=self.selection,
            hovered=self.hovered,
            outline=self.outline_local,
            theme=theme,
            textures=self.textures and pictures.ready(derived.city),
        )

    def layer_views(self, scenario: str | None = None) -> tuple[LayerView, ...]:
        """The layers as drawn, bottom to top; the same object until something differs.

        scenario : models that only one scenario shows are hidden in all others; None shows every model.
        """
        document = self.session.document
        key = (document.sources, tuple(sorted((k, id(v)) for k, v in self._layers.items())), id(self.ground))
        if self._layer_views[0] != key:
            self._layer_views = (key, {})
        known = self._layer_views[1].get(scenario)
        if known is not None:
            return known
        views: list[LayerView] = []
        kept: dict[_ViewKey, LayerView] = {}
        for source in document.sources:
            seen = placing.shown(source, scenario)
            for number, layer in enumerate(self._layers.get(source.key, ())):
                own = (source, number, seen, id(layer), id(self.ground) if isinstance(layer, ModelLayer) else 0)
                view = self._views.get(own) or self._view(source, number, layer, seen)
                kept[own] = view
                views.append(view)
        open_now = set(document.sources)
        self._views = {key: view for key, view in self._views.items() if key[0] in open_now} | kept
        self._layer_views[1][scenario] = tuple(views)
        return self._layer_views[1][scenario]

    def _view(self, source: Source, number: int, layer: Layer, seen: bool) -> LayerView:
        style = source.style
        return LayerView(
            key=source.key if number == 0 else f"{source.key}#{number}",
            layer=layer,
            visible=style.visible and seen,
            opacity=style.opacity,
            column=style.column or layer.style_column,
            palette=style.palette,
            color=style.color,
            labels=style.labels,
            matrix=placing.matrix_of(source, layer, self.frame, self.ground),
        )

    def colourings(self) -> tuple[tuple[str, str], ...]:
        """What the city can be coloured by: (key, title), surfaces first."""
        if self._derived is None:
            return (("surface", "Surfaces"),)
        names = [("surface", "Surfaces")]
        names += [(f"indicator:{d.id}", d.label) for d in self._baseline_table().definitions if d.column]
        names += [(f"attribute:{name}", name) for name in self.attribute_names()]
        return tuple(names)

    def colouring(self, scenario: str | None = None) -> Colouring:
        """The colouring of the document's ``color_by``."""
        derived = self._derived
        what = self.session.document.color_by
        if derived is None or what == "surface":
            return self._keep_colouring(("surface",), Colouring)
        kind, _, name = what.partition(":")
        if kind == "attribute":
            return self._keep_colouring((what, id(derived)), lambda: colour_by_attribute(derived.city, name))
        value = self._scenario(scenario)
        change = self._change_of(value)

        def by_indicator() -> Colouring:
            table, _, _ = self._table(value.name if not value.is_baseline else "", change)
            numbers = table.per_feature(name)
            if numbers is None:
                return Colouring()
            definition = next(d for d in table.definitions if d.id == name)
            reference = self._baseline_table().per_feature(name)
            colours = colour_by_number(np.asarray(reference), definition.label, definition.unit)
            return replace(colours, values=np.asarray(numbers))

        return self._keep_colouring((what, id(derived), id(change)), by_indicator)

    # -- numbers -----------------------------------------------------------------------------------

    def indicators(self, scenario: str | None = None) -> tuple[IndicatorRecord, ...]:
        """The records of a scenario: None = the active one, "" = the baseline."""
        if self._derived is None:
            return ()
        value = self._scenario(scenario)
        return self._table("" if value.is_baseline else value.name, self._change_of(value))[2]

    def exact_indicators(self, scenario: str | None = None) -> tuple[IndicatorRecord, ...]:
        """The records of ``indicators`` with every sum added up anew and exactly rounded; for what leaves here."""
        if self._derived is None:
            return ()
        value = self._scenario(scenario)
        name = "" if value.is_baseline else value.name
        table, change, _ = self._table(name, self._change_of(value))
        self._tables[name] = (table, change, table.exact())
        return self._tables[name][2]

    def set_study_area(self, ring_local: ArrayLike | None) -> None:
        """Count only what lies in this ring ((n, 2) local metres); None for the outline around the city."""
        self._study_ring = None if ring_local is None else np.asarray(ring_local, np.float64).reshape(-1, 2)
        self._tables.clear()
        self.changed.emit()

    def plan_values(self, layer: Layer, row: int, scenario: str | None = None) -> dict[str, float]:
        """What stands on one area of a visible plan, by name: the planned values beside the limits; else empty."""
        plans = self._plans() if self._derived is not None and isinstance(layer, AreaLayer) else ()
        limits = self._plan_limits() if layer in plans else None
        if limits is None:
            return {}
        there = np.flatnonzero((limits.layer == plans.index(layer)) & (limits.row == row))
        if not len(there):
            return {}
        on = limits.on_areas(self._change_of(self._scenario(scenario)))
        area = int(there[0])
        values = {"plan:coverage": float(on.coverage[area]), "plan:density": float(on.density[area])}
        if on.storeys[area] > 0:
            values |= {"plan:storeys": float(on.storeys[area]), "plan:height": float(on.height_m[area])}
        return {name: round(value, 2) for name, value in values.items()}

    # -- objects -----------------------------------------------------------------------------------

    def select(self, features: ArrayLike, mode: SelectMode = "replace") -> None:
        """Change the selection; ``features`` are positions in ``city.objects.features``."""
        new = np.unique(np.asarray(features, dtype=np.int32).reshape(-1))
        if mode == "add":
            new = np.union1d(self.selection, new)
        elif mode == "toggle":
            new = np.setxor1d(self.selection, new)
        elif mode == "remove":
            new = np.setdiff1d(self.selection, new)
        if not np.array_equal(new, self.selection):
            self.selection = new.astype(np.int32)
            self.selection.setflags(write=False)
            self.selection_changed.emit()

    def hover(self, feature: int) -> None:
        """The object under the pointer, -1 for none."""
        if feature != self.hovered:
            self.hovered = feature
            self.selection_changed.emit()

    def show_outline(self, ring_local: ArrayLike) -> None:
        """Show a ring ((n, 2) local metres, empty for none) as the area being talked about."""
        ring = np.asarray(ring_local, np.float64).reshape(-1, 2)
        ground = self.ground
        heights = ground.height_at(ring) if ground is not None and len(ring) else np.zeros(len(ring))
        self.outline_local = np.column_stack([ring, heights])
        self.changed.emit()

    def feature_info(self, feature: int) -> FeatureInfo:
        """A picked object in words."""
        derived = self._need()
        return feature_info(derived.city, derived.measures, feature)

    def ids_of(self, features: Iterable[int]) -> tuple[str, ...]:
        """Ids of top-level objects, sorted."""
        derived = self._need()
        index = derived.city.objects.features[np.fromiter(features, np.int64)]
        return tuple(sorted(str(i) for i in derived.city.objects.ids[index]))

    def features_of(self, ids: Iterable[str]) -> NDArray[np.int32]:
        """Positions of top-level objects, or of those that own an object, with these ids."""
        derived = self._need()
        objects = derived.city.objects
        return np.unique(objects.feature_of_object[objects.rows_of(ids)]).astype(np.int32)

    def planned_ids(self) -> tuple[str, ...]:
        """Ids of planned buildings, which exist only in scenarios that build them."""
        if self._derived is None:
            return ()
        return self.ids_of(np.flatnonzero(self._derived.measures.planned))

    def target_count(self, target: Target) -> int:
        """How many buildings a target touches."""
        if self._derived is None:
            return 0
        return int((self._derived.applier.mask(target) & self._derived.measures.is_building).sum())

    def attribute_names(self) -> tuple[str, ...]:
        """Attributes of the city's objects, in the file's order."""
        return () if self._derived is None else tuple(self._derived.city.objects.attributes)

    # -- inside ------------------------------------------------------------------------------------

    def _need(self) -> Derived:
        if self._derived is None:
            raise ViewerError("No city is open.", hint="Open a city model first.")
        return self._derived

    def _scenario(self, name: str | None) -> Scenario:
        document = self.session.document
        if name is None:
            return document.scenario
        return next((s for s in document.scenarios if s.name == name), Scenario(""))

    def _change_of(self, scenario: Scenario) -> CityChange:
        derived = self._need()
        key = replace(scenario, name="", note="")
        found = self._changes.get(key)
        if found is None:
            found = derived.applier.apply(key)
        self._changes[key] = found
        self._changes.move_to_end(key)
        while len(self._changes) > 16:
            self._changes.popitem(last=False)
        return found

    def _table(self, name: str, change: CityChange) -> tuple[IndicatorTable, CityChange, tuple[IndicatorRecord, ...]]:
        """The indicator table of a scenario, brought up to ``change`` additively."""
        known = self._tables.get(name)
        if known is not None and known[1] is change:
            return known
        table = known[0] if known is not None else self._new_table()
        self._tables[name] = (table, change, table.update(change))
        return self._tables[name]

    def _baseline_table(self) -> IndicatorTable:
        return self._table("", self._change_of(Scenario("")))[0]

    def _new_table(self) -> IndicatorTable:
        derived = self._need()
        return IndicatorTable(
            derived.city, derived.measures, derived.ground,
            lod_faces=derived.lod_faces, surfaces=self._partition(), limits=self._plan_limits(),
        )  # fmt: skip

    def _plan_limits(self) -> PlanLimits | None:
        """Limits of the visible plans, and what stands on their areas."""
        derived = self._need()
        plans = self._plans()
        key = (derived, plans)
        if self._limits[0] != key:
            made = make_limits(plans, derived.measures, derived.frame.origin_crs[2]) if plans else None
            self._limits = (key, made)
        return self._limits[1]

    def _plans(self) -> tuple[AreaLayer, ...]:
        shown = [view.layer for view in self.layer_views() if view.visible]
        return tuple(layer for layer in shown if isinstance(layer, AreaLayer) and limits_in(layer))

    def _partition(self) -> Surfaces:
        """What the ground of the study area is made of, from the city and every open layer."""
        derived = self._need()
        layers = [view.layer for view in self.layer_views() if isinstance(view.layer, AreaLayer | TreeLayer)]
        if not layers and self._study_ring is None:
            return derived.surfaces
        key = (id(derived), self._study_ring is None or id(self._study_ring), *map(id, layers))
        if self._surfaces[0] != key or self._surfaces[1] is None:
            city, faces = sound_faces(derived.city, derived.lod_faces)
            made = make_surfaces(
                city,
                derived.measures,
                faces=faces,
                area_ring=self._study_ring,
                areas=tuple(statement_from_layer(layer) for layer in layers if isinstance(layer, AreaLayer)),
                trees=tuple(layer for layer in layers if isinstance(layer, TreeLayer)),
            )
            self._surfaces = (key, made)
        assert self._surfaces[1] is not None
        return self._surfaces[1]

    def _keep_colouring(self, key: object, make: Callable[[], Colouring]) -> Colouring:
        found = self._colourings.get(key)
        if found is None:
            found = make()
        self._colourings[key] = found
        self._colourings.move_to_end(key)
        while len(self._colourings) > 4:
            self._colourings.popitem(last=False)
        return found

    def _city_key(self, document: Document) -> CityKey:
        return tuple((s.key, dict(s.options).get("lod", "")) for s in document.sources if s.key in self._cities)

    def _take(self, loaded: Loaded) -> None:
        """Use one reading of a source; another one of the same source stays for undo."""
        if loaded.layers:
            self._layers[loaded.key] = loaded.layers
        if loaded.city is not None and self._cities.get(loaded.key) is not loaded.city:
            self._cities[loaded.key] = loaded.city
            for known in [key for key in self._recent if any(name == loaded.key for name, _ in key[0])]:
                del self._recent[known]
            if loaded.derived is not None and {name for name, _ in loaded.derived.key} == {loaded.key}:
                self._remember(loaded.derived)
            if self._derived is not None and any(name == loaded.key for name, _ in self._derived.key):
                self._stale = True
        self.reports[loaded.key] = loaded.report
        self.questions[loaded.key] = loaded.questions

    def _terrains(self, but: str = "") -> tuple[TerrainLayer, ...]:
        """Visible terrains, bottom to top, without those of one source."""
        shown = [s.key for s in self.session.document.sources if s.style.visible and s.key != but]
        return tuple(layer for key in shown for layer in terrains_of(self._layers.get(key, ())))

    def _remember(self, derived: Derived) -> None:
        key = derived.key, id(derived.terrain)
        self._recent[key] = derived
        self._recent.move_to_end(key)
        while len(self._recent) > 3:
            self._recent.popitem(last=False)

    def _on_document(self, old: Document, new: Document) -> None:
        if old.sources != new.sources:
            self._refresh()
        else:
            self.changed.emit()

    def _refresh(self) -> None:
        """Derive again what follows from the open cities and layers, if they are others than before."""
        self._tables.clear()
        for source in self.session.document.sources:
            reading = self._readings.get((source.key, reading_options(source.options), None))
            if reading is not None:
                self._take(reading)
        key = self._city_key(self.session.document)
        if not key:
            self._set_derived(None)
        elif (
            self._derived is None or self._stale or self._derived.key != key
            or self._derived.terrain is not self.terrain
        ):  # fmt: skip
            self._stale = False
            found = self._recent.get((key, id(self.terrain)))
            if found is None:
                found = derive(key, self._cities, terrain=self.terrain)
                self._remember(found)
            self._set_derived(found)
        outdated = self._take_layers()
        self.changed.emit()
        for name in outdated:
            self.outdated.emit(name)

    def _take_layers(self) -> list[str]:
        """Show the layers as they were read into the present frame; the keys of those that have to be read again."""
        lacking = []
        for source in self.session.document.sources:
            if source.key not in self._layers or self._derived is None:
                continue
            reading = self._readings.get((source.key, reading_options(source.options), self.frame))
            if reading is not None:
                self._take(reading)
            elif any(key == source.key for key, _, _ in self._readings):
                del self._layers[source.key]
                lacking.append(source.key)
        return lacking

    def _set_derived(self, derived: Derived | None) -> None:
        if derived is self._derived:
            return
        ids = self.ids_of(self.selection) if len(self.selection) and self._derived is not None else ()
        self._derived = derived
        self._changes.clear()
        self._tables.clear()
        self._colourings.clear()
        self.hovered = -1
        self.selection = self.features_of(ids) if ids and derived is not None else _NONE
        self.selection_changed.emit()
