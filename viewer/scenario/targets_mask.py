"""Which top-level objects a target means, as a mask; kept, because a slider asks at every tick."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.geometry import points_in_ring
from viewer.city.measures import Measures
from viewer.city.use import texts_of
from viewer.scenario.targets import Area, Operator, Selection, Target, Where, WholeCity

Flags = NDArray[np.bool_]

_ORDER: dict[Operator, Callable[[NDArray[np.float64], float], Flags]] = {
    "=": lambda values, bound: np.asarray(values == bound),
    "!=": lambda values, bound: np.asarray(values != bound),
    "<": lambda values, bound: np.asarray(values < bound),
    "<=": lambda values, bound: np.asarray(values <= bound),
    ">": lambda values, bound: np.asarray(values > bound),
    ">=": lambda values, bound: np.asarray(values >= bound),
}


class TargetMasks:
    """Masks of targets over the K top-level objects of one city, remembered."""

    KEPT = 64

    def __init__(self, city: CityModel, measures: Measures) -> None:
        self._city = city
        self._measures = measures
        self._masks: OrderedDict[Target, Flags] = OrderedDict()
        self._buildings: OrderedDict[Target, NDArray[np.intp]] = OrderedDict()
        self._rings: OrderedDict[Area, NDArray[np.float64]] = OrderedDict()

    def positions(self, ids: frozenset[str] | tuple[str, ...]) -> NDArray[np.intp]:
        """Positions of those ids that the city has; a session may know others."""
        objects = self._city.objects
        if not ids:  # most of the time; no index is made for them
            return np.empty(0, np.intp)
        rows = objects.rows_of(ids)
        own = objects.feature_of_object[rows]
        return np.asarray(own[objects.features[own] == rows], np.intp)

    def mask(self, target: Target) -> Flags:
        """(K,) bool, read-only: the objects meant by a target."""
        found = self._masks.get(target)
        if found is None:
            found = self._made(target)
            found.setflags(write=False)
            self._masks[target] = found
            if len(self._masks) > self.KEPT:
                self._masks.popitem(last=False)
        else:
            self._masks.move_to_end(target)
        return found

    def buildings(self, target: Target) -> NDArray[np.intp]:
        """(n,) positions of the buildings a target means, ascending; the same array for the same target."""
        found = self._buildings.get(target)
        if found is None:
            if isinstance(target, Selection):  # a few of many: nothing as long as the city is made for them
                rows = np.unique(self.positions(target.ids))
                found = rows[self._measures.is_building[rows]]
            else:
                found = np.flatnonzero(self.mask(target) & self._measures.is_building)
            found.setflags(write=False)
            self._buildings[target] = found
            if len(self._buildings) > self.KEPT:
                self._buildings.popitem(last=False)
        else:
            self._buildings.move_to_end(target)
        return found

    def ring_local(self, area: Area) -> NDArray[np.float64]:
        """(n, 2) corners of an area in the city's frame, metres; the same array for the same area."""
        ring = self._rings.get(area)
        if ring is None:
            ring = self._city.frame.local_from_crs(np.array(area.ring_crs, dtype=np.float64).reshape(-1, 2))
            ring.setflags(write=False)
            self._rings[area] = ring
            if len(self._rings) > self.KEPT:
                self._rings.popitem(last=False)
        return ring

    def _made(self, target: Target) -> Flags:
        k = len(self._city.objects.features)
        if isinstance(target, WholeCity):
            return np.ones(k, bool)
        if isinstance(target, Selection):
            mask = np.zeros(k, bool)
            mask[self.positions(target.ids)] = True
            return mask
        if isinstance(target, Area):
            return points_in_ring(self._measures.centre_local, self.ring_local(target))
        return where_mask(self._city, target)


def where_mask(city: CityModel, where: Where) -> Flags:
    """(K,) bool: top-level objects whose attribute compares so.

    Numbers compare as numbers where both sides are numbers, also in columns of text; otherwise texts
    compare, whatever their case, and only ``=``, ``!=`` and ``contains`` can hold. A missing value
    compares with nothing, not even by ``!=``.
    """
    k = len(city.objects.features)
    column = city.objects.feature_column(where.attribute)
    if column is None:
        return np.zeros(k, bool)
    texts, which = texts_of(column)
    wanted = where.value.strip().casefold()
    bound = _number(where.value)
    numbers = np.array([_number(str(text)) for text in texts], dtype=np.float64)
    folded = [str(text).strip().casefold() for text in texts]
    if where.operator == "contains":
        holds = np.array([wanted in text for text in folded], dtype=bool)
    else:
        as_number = np.isfinite(numbers) & np.isfinite(bound)
        holds = as_number & _ORDER[where.operator](numbers, bound)
        if where.operator in ("=", "!="):
            same = np.array([text == wanted for text in folded], dtype=bool)
            holds |= ~as_number & (same if where.operator == "=" else ~same)
    holds &= np.array([bool(text) for text in folded], dtype=bool)
    return np.asarray(holds[which]) if len(texts) else np.zeros(k, bool)


def _number(text: str) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return float("nan")
    return number if np.isfinite(number) else float("nan")
