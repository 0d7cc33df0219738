"""City + scenario -> what changes. Cheap enough for every slider tick; nothing here draws or adds up."""

from __future__ import annotations

from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.geometry import points_in_ring
from viewer.city.ground import Ground
from viewer.city.measures import Measures
from viewer.scenario.change import CityChange, lifted_z
from viewer.scenario.scenario import Scenario
from viewer.scenario.targets import Area, Target, WholeCity
from viewer.scenario.targets_mask import TargetMasks
from viewer.scenario.trees import tree_places

Number = TypeVar("Number", bound=np.generic)

#: Storeys taken away are at least so high, and eaves never sink below this height above the ground.
LOWEST_STOREY_M = 2.2
LOWEST_EAVES_M = 2.0


class Applier:
    """Applies scenarios to one city at one LoD; remembers what targets mean and where trees may stand.

    An array of a change that equals the last one is the last one, so that ``is`` tells what changed.

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
        m = self._measures
        k = len(m.ground_m)
        wanted = np.zeros(k, np.float64)
        factor = np.ones(k, np.float64)
        green = np.zeros(k, np.float64)
        columns = {
            "storeys_added": (wanted, 1.0),
            "height_percent": (factor, 0.01),
            "green_roof_share": (green, 0.01),
        }
        for setting in scenario.settings:
            if setting.parameter in columns:
                array, scale = columns[setting.parameter]
                if isinstance(setting.target, WholeCity):
                    array[m.is_building] = setting.value * scale
                else:
                    array[self.mask(setting.target) & m.is_building] = setting.value * scale
        added, lift = self._lift(wanted)
        exists = ~m.planned
        if scenario.built:
            built = self._masks.positions(scenario.built)
            exists[built] = True
        if scenario.removed:
            exists[self._masks.positions(scenario.removed)] = False
        self._scenario = scenario
        self._change = CityChange(
            lift_m=self._kept("lift_m", lift.astype(np.float32)),
            factor=self._kept("factor", factor.astype(np.float32)),
            exists=self._kept("exists", exists),
            green_roof_share=self._kept("green_roof_share", green.astype(np.float32)),
            storeys_added=self._kept("storeys_added", added.astype(np.float32)),
            unsealed=self._unsealed(scenario),
            trees_local=self._trees(scenario),
        )
        return self._change

    def _lift(self, wanted: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Storeys really added, and metres. One storey always stays, and eaves stay ``LOWEST_EAVES_M`` high;
        where a low wing forbids whole storeys, a part of one is taken away and counted."""
        storeys, storey_m, height_m, lowest_lift_m = self._limits
        added = np.maximum(wanted, 1.0 - storeys)
        if not (added < 0).any():
            return added, added * height_m
        per_storey = np.where(added < 0, storey_m, height_m)
        lift = np.where(added < 0, np.maximum(added * per_storey, lowest_lift_m), added * per_storey)
        return lift / per_storey, lift

    @cached_property
    def _limits(self) -> tuple[NDArray[np.float64], ...]:
        """(K,) storeys, the height of one to take away, of one to add, and how far the eaves may sink."""
        m = self._measures
        storeys = np.maximum(np.nan_to_num(m.storeys, nan=1.0), 1.0)
        eaves = np.maximum(np.nan_to_num(m.eaves_m - m.ground_m), 0.0)
        taken = np.minimum(m.storey_height_m, np.maximum(eaves / storeys, LOWEST_STOREY_M))
        return storeys, taken, m.storey_height_m, -np.maximum(eaves - LOWEST_EAVES_M, 0.0)

    def _kept(self, name: str, array: NDArray[Number]) -> NDArray[Number]:
        last = self._last.get(name)
        if last is not None and np.array_equal(last, array):
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
