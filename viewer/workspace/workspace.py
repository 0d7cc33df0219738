"""The workspace: opens files through the plugin host, derives what is shown and what is counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from psygnal import Signal

from viewer.city import CityModel, Frame, ImageLayer, ImportReport, Layer, PointLayer, TerrainLayer
from viewer.city.ground import Ground
from viewer.city.measures import Measures
from viewer.errors import OutOfMemoryError, ViewerError, lacks_memory
from viewer.indicators.record import IndicatorRecord
from viewer.plugin_api import Progress
from viewer.plugin_host import PluginHost
from viewer.scenario import CityChange, Target
from viewer.scene.state import Colouring, LayerView, SceneState
from viewer.session import Document, Session, Source
from viewer.session.document import reading_options
from viewer.session.edits import AddSource, ReadAgain, RemoveSource, SetOption
from viewer.workspace import pictures
from viewer.workspace.colouring import Colours
from viewer.workspace.describe import FeatureInfo, feature_info
from viewer.workspace.held import Held
from viewer.workspace.loaded import Derived, Loaded
from viewer.workspace.numbers import Numbers
from viewer.workspace.reading import read_file
from viewer.workspace.showing import LayerViews

SelectMode = Literal["replace", "add", "toggle", "remove"]
_NONE = np.empty(0, np.int32)
_NO_RING = np.empty((0, 3))


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
        self.selection: NDArray[np.int32] = _NONE
        self.hovered = -1
        self.outline_local: NDArray[np.float64] = _NO_RING
        #: Whether the pictures and materials of files are shown; a preference of whoever draws.
        self.textures = False
        self._held = Held(session)
        self._views = LayerViews(self._held)
        self._numbers = Numbers(self._held, self._views)
        self._colours = Colours(self._held, self._numbers)
        session.changed.connect(self._on_document)

    # -- what is open ------------------------------------------------------------------------------

    @property
    def reports(self) -> dict[str, ImportReport]:
        """What reading each source told, by its key."""
        return self._held.reports

    @property
    def questions(self) -> dict[str, dict[str, str]]:
        """What was assumed when reading each source, by its key."""
        return self._held.questions

    @property
    def city(self) -> CityModel | None:
        """All open cities as one; None while nothing is open."""
        return None if self._held.derived is None else self._held.derived.city

    @property
    def measures(self) -> Measures | None:
        """Facts about the city's top-level objects."""
        return None if self._held.derived is None else self._held.derived.measures

    @property
    def ground(self) -> Ground | None:
        """The ground under the city."""
        return self._held.ground

    @property
    def terrain(self) -> TerrainLayer | None:
        """What the city stands on: all visible terrains as one. None without one."""
        return self._held.terrain

    @property
    def derived(self) -> Derived | None:
        """Everything that follows from the open cities alone."""
        return self._held.derived

    @property
    def frame(self) -> Frame:
        """The frame everything is read into; empty while no city is open."""
        return self._held.frame

    def attributions(self) -> tuple[str, ...]:
        """Who must be named in a picture of what is visible now."""
        texts = [view.layer.attribution for view in self.layer_views() if view.visible and view.layer.attribution]
        city = "" if self.city is None else self.city.attribution
        return tuple(dict.fromkeys(filter(None, (self.session.document.credits, city, *texts))))

    def missing_sources(self) -> tuple[Source, ...]:
        """Sources of the document whose data is not read yet, cities first: layers need their frame."""
        return self._held.missing_sources()

    def new_key(self) -> str:
        """A source key that is free in the document and in the loaded data."""
        return self._held.new_key()

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
            return read_file(
                self.host, self._held, path, progress,
                options=options, reader=reader, key=key, refresh=refresh, textures=self.textures,
            )  # fmt: skip
        except (MemoryError, OSError, RuntimeError) as error:
            if not lacks_memory(error):
                raise
        raise OutOfMemoryError(path)

    def adopt(self, loaded: Loaded) -> str:
        """Put what was read into the session; returns the key of its source.

        Raises
        ------
        ViewerError
            A layer without a city: there is no frame to lay it into.
        """
        if loaded.city is None and self._held.derived is None:
            raise ViewerError(
                "A layer needs a city to lie on.", hint="Open a city model first, then this file.", path=loaded.path
            )
        former = self.layer(loaded.key)
        self._held.keep(loaded)
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
        self._held.forget()
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
        return self._held.layers.get(key, ())

    def source_city(self, key: str) -> CityModel | None:
        """The city read from one source, before merging; None for a layer that only brought the frame along."""
        return None if key in self._held.layers else self._held.cities.get(key)

    # -- what is shown -----------------------------------------------------------------------------

    def change(self, scenario: str | None = None) -> CityChange | None:
        """What a scenario changes: None = the active one, "" = the baseline."""
        return None if self._held.derived is None else self._numbers.change_of(self._numbers.scenario(scenario))

    def scene_state(self, scenario: str | None = None, *, theme: str = "light") -> SceneState:
        """Everything to draw for a scenario: None = the active one, "" = the baseline."""
        derived = self._held.derived
        if derived is None:
            return SceneState(theme=theme)
        return SceneState(
            city=derived.city,
            lod_faces=derived.lod_faces,
            measures=derived.measures,
            ground=derived.ground,
            change=self.change(scenario),
            colouring=self.colouring(scenario),
            layers=self.layer_views(self._numbers.scenario(scenario).name),
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
        return self._views.of(scenario)

    def colourings(self) -> tuple[tuple[str, str], ...]:
        """What the city can be coloured by: (key, title), surfaces first."""
        return self._colours.choices()

    def colouring(self, scenario: str | None = None) -> Colouring:
        """The colouring of the document's ``color_by``."""
        return self._colours.of(scenario)

    # -- numbers -----------------------------------------------------------------------------------

    def indicators(self, scenario: str | None = None) -> tuple[IndicatorRecord, ...]:
        """The records of a scenario: None = the active one, "" = the baseline."""
        return self._numbers.indicators(scenario)

    def exact_indicators(self, scenario: str | None = None) -> tuple[IndicatorRecord, ...]:
        """The records of ``indicators`` with every sum added up anew and exactly rounded; for what leaves here."""
        return self._numbers.exact_indicators(scenario)

    def set_study_area(self, ring_local: ArrayLike | None) -> None:
        """Count only what lies in this ring ((n, 2) local metres); None for the outline around the city."""
        self._numbers.set_study_area(ring_local)
        self.changed.emit()

    def plan_values(self, layer: Layer, row: int, scenario: str | None = None) -> dict[str, float]:
        """What stands on one area of a visible plan, by name: the planned values beside the limits; else empty."""
        return self._numbers.plan_values(layer, row, scenario)

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
        derived = self._held.need()
        return feature_info(derived.city, derived.measures, feature)

    def ids_of(self, features: Iterable[int]) -> tuple[str, ...]:
        """Ids of top-level objects, sorted."""
        derived = self._held.need()
        index = derived.city.objects.features[np.fromiter(features, np.int64)]
        return tuple(sorted(str(i) for i in derived.city.objects.ids[index]))

    def features_of(self, ids: Iterable[str]) -> NDArray[np.int32]:
        """Positions of top-level objects, or of those that own an object, with these ids."""
        derived = self._held.need()
        objects = derived.city.objects
        return np.unique(objects.feature_of_object[objects.rows_of(ids)]).astype(np.int32)

    def planned_ids(self) -> tuple[str, ...]:
        """Ids of planned buildings, which exist only in scenarios that build them."""
        if self._held.derived is None:
            return ()
        return self.ids_of(np.flatnonzero(self._held.derived.measures.planned))

    def target_count(self, target: Target) -> int:
        """How many buildings a target touches."""
        if self._held.derived is None:
            return 0
        return int((self._held.derived.applier.mask(target) & self._held.derived.measures.is_building).sum())

    def attribute_names(self) -> tuple[str, ...]:
        """Attributes of the city's objects, in the file's order."""
        return () if self._held.derived is None else tuple(self._held.derived.city.objects.attributes)

    # -- following the document --------------------------------------------------------------------

    def _on_document(self, old: Document, new: Document) -> None:
        if old.sources != new.sources:
            self._refresh()
        else:
            self.changed.emit()

    def _refresh(self) -> None:
        """Derive again what follows from the open cities and layers, if they are others than before."""
        self._numbers.forget_tables()
        self._use(self._held.fitting())
        outdated = self._held.take_layers()
        self.changed.emit()
        for name in outdated:
            self.outdated.emit(name)

    def _use(self, derived: Derived | None) -> None:
        if derived is self._held.derived:
            return
        ids = self.ids_of(self.selection) if len(self.selection) and self._held.derived is not None else ()
        self._held.derived = derived
        self._numbers.forget()
        self._colours.forget()
        self.hovered = -1
        self.selection = self.features_of(ids) if ids and derived is not None else _NONE
        self.selection_changed.emit()
