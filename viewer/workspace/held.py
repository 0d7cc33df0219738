"""What was read for a session: cities, layers, reports; and what follows from those that are open now."""

from __future__ import annotations

from collections import OrderedDict

from viewer.city import CityModel, Frame, ImportReport, Layer, TerrainLayer
from viewer.city.ground import Ground
from viewer.city.terrain import mosaic, terrains_of
from viewer.errors import ViewerError
from viewer.session import Session, Source
from viewer.session.document import reading_options
from viewer.workspace.loaded import CityKey, Derived, Loaded, derive

#: Former states of the open cities that are kept for undo.
_RECENT = 3


class Held:
    """The arrays of a session. The document says *what* is open; here is everything that was once read for it.

    derived : what follows from the open cities; whoever owns this sets it, see ``fitting``.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.derived: Derived | None = None
        self.cities: dict[str, CityModel] = {}
        self.layers: dict[str, tuple[Layer, ...]] = {}
        self.reports: dict[str, ImportReport] = {}
        self.questions: dict[str, dict[str, str]] = {}
        self._readings: dict[tuple[str, tuple[tuple[str, str], ...], Frame | None], Loaded] = {}
        self._recent: OrderedDict[tuple[CityKey, int], Derived] = OrderedDict()
        self._next_key = 1
        self._stale = False

    @property
    def frame(self) -> Frame:
        """The frame everything is read into; empty while no city is open."""
        return Frame() if self.derived is None else self.derived.frame

    @property
    def terrain(self) -> TerrainLayer | None:
        """All visible terrains as one; None without one."""
        return mosaic(self.terrains())

    @property
    def ground(self) -> Ground | None:
        """The ground under the city."""
        return None if self.derived is None else self.derived.ground

    def need(self) -> Derived:
        """What follows from the open cities.

        Raises
        ------
        ViewerError
            None is open.
        """
        if self.derived is None:
            raise ViewerError("No city is open.", hint="Open a city model first.")
        return self.derived

    def new_key(self) -> str:
        """A source key that is free in the document and in the loaded data."""
        used = {s.key for s in self.session.document.sources} | set(self.cities) | set(self.layers)
        while f"source-{self._next_key}" in used:
            self._next_key += 1
        key = f"source-{self._next_key}"
        self._next_key += 1
        return key

    def missing_sources(self) -> tuple[Source, ...]:
        """Sources of the document whose data is not read yet, cities first: layers need their frame."""
        missing = [s for s in self.session.document.sources if s.key not in self.cities and s.key not in self.layers]
        return tuple(sorted(missing, key=lambda source: source.kind != "city"))

    @property
    def city_key(self) -> CityKey:
        """Which cities the document shows, and how fine."""
        sources = self.session.document.sources
        return tuple((s.key, dict(s.options).get("lod", "")) for s in sources if s.key in self.cities)

    def terrains(self, but: str = "") -> tuple[TerrainLayer, ...]:
        """Visible terrains, bottom to top, without those of one source."""
        shown = [s.key for s in self.session.document.sources if s.style.visible and s.key != but]
        return tuple(layer for key in shown for layer in terrains_of(self.layers.get(key, ())))

    # -- changing ----------------------------------------------------------------------------------

    def keep(self, loaded: Loaded) -> None:
        """Hold what was read, and use it from now on."""
        for frame in loaded.frames or (self.frame,):
            self._readings[loaded.key, reading_options(loaded.options), frame] = loaded
        self._take(loaded)
        if loaded.derived is not None:
            self._remember(loaded.derived)

    def forget(self) -> None:
        """Let everything go that was read; what was derived stays until it is replaced."""
        self.cities.clear()
        self.layers.clear()
        self._readings.clear()
        self._recent.clear()
        self.reports.clear()
        self.questions.clear()

    def fitting(self) -> Derived | None:
        """What follows from the cities and terrains the document shows now: ``derived`` itself if it still fits."""
        for source in self.session.document.sources:
            reading = self._readings.get((source.key, reading_options(source.options), None))
            if reading is not None:
                self._take(reading)
        key = self.city_key
        if not key:
            return None
        known, terrain = self.derived, self.terrain
        if known is not None and not self._stale and known.key == key and known.terrain is terrain:
            return known
        self._stale = False
        found = self._recent.get((key, id(terrain)))
        if found is None:
            found = derive(key, self.cities, terrain=terrain)
            self._remember(found)
        return found

    def take_layers(self) -> list[str]:
        """Show the layers as they were read into the present frame; the keys of those that have to be read again."""
        lacking = []
        for source in self.session.document.sources:
            if source.key not in self.layers or self.derived is None:
                continue
            reading = self._readings.get((source.key, reading_options(source.options), self.frame))
            if reading is not None:
                self._take(reading)
            elif any(key == source.key for key, _, _ in self._readings):
                del self.layers[source.key]
                lacking.append(source.key)
        return lacking

    def _take(self, loaded: Loaded) -> None:
        """Use one reading of a source; another one of the same source stays for undo."""
        if loaded.layers:
            self.layers[loaded.key] = loaded.layers
        if loaded.city is not None and self.cities.get(loaded.key) is not loaded.city:
            self.cities[loaded.key] = loaded.city
            for known in [key for key in self._recent if any(name == loaded.key for name, _ in key[0])]:
                del self._recent[known]
            if loaded.derived is not None and {name for name, _ in loaded.derived.key} == {loaded.key}:
                self._remember(loaded.derived)
            if self.derived is not None and any(name == loaded.key for name, _ in self.derived.key):
                self._stale = True
        self.reports[loaded.key] = loaded.report
        self.questions[loaded.key] = loaded.questions

    def _remember(self, derived: Derived) -> None:
        key = derived.key, id(derived.terrain)
        self._recent[key] = derived
        self._recent.move_to_end(key)
        while len(self._recent) > _RECENT:
            self._recent.popitem(last=False)
