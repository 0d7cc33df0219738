"""City + scenario -> what changes. Cheap enough for every slider tick; nothing here draws or adds up."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.geometry import points_in_ring
from viewer.city.ground import Ground
from viewer.city.measures import Measures
from viewer.scenario.change import CityChange, Origin, Parts, Rows, differing_parts, lifted_z
from viewer.scenario.scenario import Scenario
from viewer.scenario.targets import Area, Target, WholeCity
from viewer.scenario.targets_mask import TargetMasks
from viewer.scenario.trees import tree_places

Number = TypeVar("Number", bound=np.generic)

#: Storeys taken away are at least so high, and eaves never sink below this height above the ground.
LOWEST_STOREY_M = 2.2
LOWEST_EAVES_M = 2.0
#: A city is on the screen after so many seconds, and then its places for trees are looked for.
SOON_S = 1.0

_BLOCK = 1 << 15
#: Levers that act on buildings, and what their numbers are multiplied by.
_BUILDING_LEVERS = {"storeys_added": 1.0, "height_percent": 0.01, "green_roof_share": 0.01}


class _Limits(NamedTuple):
    """(K,) float32: storeys that may be added at least (0 or below), metres of one that is taken away and of one
    that is added, and how far the eaves may sink (0 or below)."""

    fewer: NDArray[np.float32]
    taken_m: NDArray[np.float32]
    added_m: NDArray[np.float32]
    lowest_m: NDArray[np.float32]


class Applier:
    """Applies scenarios to one city at one LoD; remembers what targets mean and where trees may stand.

    An array of a change that equals the last one is the last one, so that ``is`` tells what changed. Only the lever
    that moved is worked out again: a tick over a million buildings costs a few milliseconds, an edit of one
    building no more than copying its lever's arrays.

    Parameters
    ----------
    faces : (F,) bool, the faces at the shown LoD; None for all.
    places : (n, 3) float64, ``tree_places`` of this city where they are known already.
    """

    def __init__(
        self,
        city: CityModel,
        measures: Measures,
        ground: Ground,
        faces: NDArray[np.bool_] | None = None,
        places: NDArray[np.float64] | None = None,
    ) -> None:
        self._city, self._measures, self._ground, self._faces = city, measures, ground, faces
        self._known_places = places
        self._masks = TargetMasks(city, measures)
        self._last: dict[str, NDArray[np.generic]] = {}
        self._last_unsealed: tuple[tuple[float, NDArray[np.float64] | None], ...] = ()
        self._unsealed_key: tuple[tuple[float, Target], ...] | None = None
        self._trees_key: tuple[tuple[float, Target], ...] | None = None
        self._last_parts: dict[str, Parts] = {}
        self._known_ids: dict[str, tuple[frozenset[str], Rows]] = {}
        self._exists_key: tuple[Rows, Rows] | None = None
        self._change: CityChange | None = None
        self._scenario: Scenario | None = None

    def mask(self, target: Target) -> NDArray[np.bool_]:
        """(K,) bool: the top-level objects a target means, buildings and others."""
        return self._masks.mask(target)

    @cached_property
    def tree_places(self) -> NDArray[np.float64]:
        """(n, 3) where new trees may stand, best first; more than these cannot be planted."""
        if self._known_places is not None:
            return self._known_places
        return tree_places(self._city, self._measures, self._ground, self._faces)

    def find_places_soon(self, seconds: float = SOON_S) -> None:
        """Find the places for trees in a thread a little later, so that the first picture need not wait for them, nor
        the first tick of the slider."""
        timer = threading.Timer(seconds, lambda: self.tree_places)
        timer.daemon = True
        timer.start()

    def places_for(self, target: Target) -> int:
        """How many new trees a target has room for; 0 for targets that are no ground."""
        if isinstance(target, WholeCity):
            return len(self.tree_places)
        if isinstance(target, Area):
            return int(points_in_ring(self.tree_places[:, :2], self._masks.ring_local(target)).sum())
        return 0

    def apply(self, scenario: Scenario) -> CityChange:
        """What a scenario changes. Later settings replace earlier ones where they overlap.

        Storeys, heights and green roofs act on buildings; unsealing and trees act on ground, so only
        the whole city and areas move them. Ids a city does not have are passed over.
        """
        if self._change is not None and scenario == self._scenario:
            return self._change
        levers = {name: self._parts(scenario, name) for name in _BUILDING_LEVERS}
        removed, built = self._positions("removed", scenario.removed), self._positions("built", scenario.built)
        lift_m, storeys_added = self._storeys(levers["storeys_added"])
        self._scenario = scenario
        self._change = CityChange(
            lift_m=lift_m,
            factor=self._spread("factor", levers["height_percent"], 1.0),
            exists=self._exists(removed, built),
            green_roof_share=self._spread("green_roof_share", levers["green_roof_share"], 0.0),
            storeys_added=storeys_added,
            unsealed=self._unsealed(scenario),
            trees_local=self._trees(scenario),
            origin=Origin(levers, removed, built),
        )
        return self._change

    # -- levers ------------------------------------------------------------------------------------------------

    def _parts(self, scenario: Scenario, lever: str) -> Parts:
        """The settings of a lever that count, in order; what the whole city is told replaces all before."""
        parts: list[tuple[float, Rows | None]] = []
        for setting in scenario.settings:
            if setting.parameter == lever:
                value = setting.value * _BUILDING_LEVERS[lever]
                if isinstance(setting.target, WholeCity):
                    parts = [(value, None)]
                else:
                    parts.append((value, self._masks.buildings(setting.target)))
        return tuple(parts)

    def _positions(self, name: str, ids: frozenset[str]) -> Rows:
        """(n,) positions of ids; the same array for the same ids as last time."""
        known = self._known_ids.get(name)
        if known is None or known[0] != ids:
            known = self._known_ids[name] = (ids, self._masks.positions(ids))
        return known[1]

    def _spread(self, name: str, parts: Parts, default: float) -> NDArray[np.float32]:
        """(K,) the value of a lever for every object."""
        differs = self._differs(name, parts)
        if differs is not None and not len(differs):
            return self._last[name]  # type: ignore[return-value]
        array = self._all_buildings(parts[0][0] if parts and parts[0][1] is None else default, default)
        for value, rows in parts:
            if rows is not None:
                array[rows] = value
        return self._kept(name, array, differs)

    def _storeys(self, parts: Parts) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(K,) metres of lift, and the storeys really added.

        One storey always stays, and eaves stay ``LOWEST_EAVES_M`` high; where a low wing forbids whole storeys, a
        part of one is taken away and counted.
        """
        differs = self._differs("storeys", parts)
        if differs is not None and not len(differs):
            return self._last["lift_m"], self._last["storeys_added"]  # type: ignore[return-value]
        everywhere = parts[0][0] if parts and parts[0][1] is None else 0.0
        lift, added = self._lift(everywhere, slice(None))
        for value, rows in parts:
            if rows is not None:
                lift[rows], added[rows] = self._lift(value, rows)
        return self._kept("lift_m", lift, differs), self._kept("storeys_added", added, differs)

    def _lift(self, storeys: float, rows: Rows | slice) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lift and storeys really added of some objects that are told to have so many more."""
        if not storeys:
            count = len(self._measures.ground_m) if isinstance(rows, slice) else len(rows)
            return np.zeros(count, np.float32), np.zeros(count, np.float32)
        limits = self._limits
        if storeys > 0:
            height = limits.added_m[rows]
            if isinstance(rows, slice):
                return height * np.float32(storeys), self._all_buildings(storeys, 0.0)
            return height * np.float32(storeys), np.full(len(height), storeys, np.float32)
        added = np.maximum(limits.fewer[rows], np.float32(storeys))
        per_storey = limits.taken_m[rows]
        lift = added * per_storey
        lowest = limits.lowest_m[rows]
        clipped = np.flatnonzero(lift < lowest)
        lift[clipped] = lowest[clipped]
        added[clipped] = lift[clipped] / per_storey[clipped]
        return lift, added

    def _all_buildings(self, value: float, default: float) -> NDArray[np.float32]:
        array = np.full(len(self._measures.ground_m), value, np.float32)
        if value != default:
            array[self._others] = default
        return array

    @cached_property
    def _others(self) -> Rows:
        """Positions of the objects that are no buildings."""
        return np.flatnonzero(~self._measures.is_building)

    @cached_property
    def _limits(self) -> _Limits:
        m, count = self._measures, len(self._measures.ground_m)
        limits = _Limits(*(np.empty(count, np.float32) for _ in _Limits._fields))
        for start in range(0, count, _BLOCK):  # in pieces that stay in the processor's own memory
            part = slice(start, start + _BLOCK)
            storeys = np.maximum(np.nan_to_num(m.storeys[part], nan=1.0), 1.0)
            eaves = np.maximum(np.nan_to_num(m.eaves_m[part] - m.ground_m[part]), 0.0)
            limits.fewer[part] = 1.0 - storeys
            limits.taken_m[part] = np.minimum(m.storey_height_m[part], np.maximum(eaves / storeys, LOWEST_STOREY_M))
            limits.added_m[part] = m.storey_height_m[part]
            limits.lowest_m[part] = -np.maximum(eaves - LOWEST_EAVES_M, 0.0)
        limits.fewer[self._others] = limits.added_m[self._others] = 0.0
        return limits

    def _exists(self, removed: Rows, built: Rows) -> NDArray[np.bool_]:
        key = (removed, built)
        if self._exists_key is not None and all(a is b for a, b in zip(key, self._exists_key, strict=True)):
            return self._last["exists"]  # type: ignore[return-value]
        self._exists_key = key
        exists = ~self._measures.planned
        exists[built] = True
        exists[removed] = False
        return self._kept("exists", exists)

    def _differs(self, name: str, parts: Parts) -> Rows | None:
        """For whom a lever may differ from the last time it was applied; None for any."""
        last, self._last_parts[name] = self._last_parts.get(name), parts
        found = None if last is None else differing_parts(last, parts)
        return None if found is None else np.concatenate([np.empty(0, np.intp), *found])

    def _kept(self, name: str, array: NDArray[Number], differs: Rows | None = None) -> NDArray[Number]:
        """An array, or the last one of its name if that is equal; ``differs`` says where alone it may not be."""
        last = self._last.get(name)
        if last is not None:
            look = slice(None, None, max(1, len(array) // 1000)) if differs is None else differs
            if np.array_equal(last[look], array[look]) and (differs is not None or np.array_equal(last, array)):
                return last  # type: ignore[return-value]
        self._last[name] = array
        return array

    def _unsealed(self, scenario: Scenario) -> tuple[tuple[float, NDArray[np.float64] | None], ...]:
        key = _on_ground(scenario, "unsealing_share")
        if key != self._unsealed_key:
            self._unsealed_key = key
            self._last_unsealed = tuple(
                (value / 100.0, self._masks.ring_local(target) if isinstance(target, Area) else None)
                for value, target in key
            )
        return self._last_unsealed

    def _trees(self, scenario: Scenario) -> NDArray[np.float64]:
        key = _on_ground(scenario, "trees_added")
        if key == self._trees_key and "trees_local" in self._last:
            return self._last["trees_local"]  # type: ignore[return-value]
        self._trees_key = key
        if not key:
            return self._kept("trees_local", np.empty((0, 3)))
        places = self.tree_places
        planted = np.zeros(len(places), bool)
        for value, target in key:
            if isinstance(target, Area):
                inside = points_in_ring(places[:, :2], self._masks.ring_local(target))
                planted &= ~inside
                planted[np.flatnonzero(inside)[: round(value)]] = True
            else:
                planted[:] = False
                planted[: round(value)] = True
        return self._kept("trees_local", places[planted])


def _on_ground(scenario: Scenario, parameter: str) -> tuple[tuple[float, Target], ...]:
    return tuple(
        (s.value, s.target)
        for s in scenario.settings
        if s.parameter == parameter and isinstance(s.target, WholeCity | Area)
    )


def apply(city: CityModel, measures: Measures, ground: Ground, scenario: Scenario) -> CityChange:
    """What a scenario changes in a city. Keep an ``Applier`` where this is asked often."""
    return Applier(city, measures, ground).apply(scenario)


def no_change(measures: Measures) -> CityChange:
    """The city as it is: nothing changed, planned buildings not there."""
    k = len(measures.ground_m)
    return CityChange(
        lift_m=np.zeros(k, np.float32),
        factor=np.ones(k, np.float32),
        exists=~measures.planned,
        green_roof_share=np.zeros(k, np.float32),
        storeys_added=np.zeros(k, np.float32),
        unsealed=(),
        trees_local=np.empty((0, 3)),
        origin=Origin(),
    )


def changed_positions(city: CityModel, measures: Measures, change: CityChange) -> NDArray[np.float64]:
    """(V, 3) float64: all vertices with their heights after a change, local metres.

    Those of removed buildings are moved like the others; ``change.exists`` says which count.
    """
    positions = city.positions_local.astype(np.float64)
    if not len(positions):
        return positions
    ground, eaves = np.nan_to_num(measures.ground_m), np.nan_to_num(measures.eaves_m)
    moved = np.flatnonzero((change.lift_m != 0) | (change.factor != 1))
    touched = np.zeros(len(ground), bool)
    touched[moved] = True
    feature = city.face_feature[city.vertex_face]
    vertex = np.flatnonzero(touched[feature])
    of = feature[vertex]
    positions[vertex, 2] = lifted_z(
        positions[vertex, 2],
        ground[of],
        eaves[of],
        change.lift_m[of].astype(np.float64),
        change.factor[of].astype(np.float64),
    )
    return positions
