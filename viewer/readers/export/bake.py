"""A scenario put into a city for good: moved heights, and attributes that say the same as the geometry.

The result is a plain city that any writer can write and any reader reads back. Formats are no matter here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Column, ObjectTable
from viewer.city.measures import HEIGHT_NAMES, STOREY_NAMES, Measures
from viewer.city.merge import merge
from viewer.city.subset import take_features
from viewer.city.use import numbers_of
from viewer.readers.export.new_trees import tree_city
from viewer.readers.export.request import Export
from viewer.scenario.apply import changed_positions
from viewer.scenario.change import CityChange, lift_weight

Floats = NDArray[np.float64]

#: Attributes that changed buildings get, so that a file says what was done to them.
SCENARIO, STOREYS, PERCENT, GREEN_ROOF = (
    "scenario", "scenarioStoreysAdded", "scenarioHeightPercent", "scenarioGreenRoofPercent",
)  # fmt: skip
#: Planned objects that a scenario builds are written as CityGML 3.0 calls them, and stand when opened again.
PLANNED, BUILT = "planned", "projected"
_CONDITION = "conditionOfConstruction"
#: Below this an object is taken for flat; its height stands in an attribute alone.
_HAS_HEIGHT_M = 0.3
_TEXT = np.dtypes.StringDType()


@dataclass(frozen=True, eq=False)
class Baked:
    """A city as it is written.

    faces : (F,) bool, the faces at the shown LoD. features : positions of its top-level objects in those of
    the city it was made from; new trees come behind them and have none.
    """

    city: CityModel
    faces: NDArray[np.bool_]
    features: NDArray[np.intp]


def bake(export: Export) -> Baked:
    """The chosen part of the city with heights, storeys and attributes as the scenario makes them."""
    city, wanted, faces = export.city, export.written(), export.lod_faces
    if export.change is not None:
        positions = changed_positions(city, export.measures, export.change).astype(np.float32)
        objects = _changed_objects(city, positions, export.measures, export.change, export.scenario)
        city = replace(city, positions_local=positions, objects=objects)
    city = replace(city, name=export.title or city.name)
    kept = wanted[city.face_feature] if len(wanted) else np.zeros(len(faces), np.bool_)
    city, faces = take_features(city, wanted), faces[kept]
    trees = export.new_trees()
    if len(trees):
        city = merge([city, tree_city(trees, city.frame, export.scenario)], name=city.name)
        faces = np.append(faces, np.ones(len(city.face_object) - len(faces), np.bool_))
    return Baked(city, faces, np.flatnonzero(wanted))


def _changed_objects(
    city: CityModel, positions: NDArray[np.float32], m: Measures, change: CityChange, scenario: str
) -> ObjectTable:
    objects = city.objects
    feature = objects.feature_of_object
    lift, factor = change.lift_m.astype(np.float64), change.factor.astype(np.float64)
    higher = ((lift != 0) | (factor != 1))[feature]
    low, high = _span(city, city.positions_local)
    new_low, new_high = _span(city, positions)
    solid = high - low >= _HAS_HEIGHT_M
    grown = (new_high - new_low) - (high - low)

    # A low wing takes a part of the lift only, and so a part of the storeys.
    with np.errstate(invalid="ignore"):
        share = lift_weight(high, m.ground_m[feature], m.eaves_m[feature])
    share = np.where(solid & np.isfinite(share), share, 1.0)
    added = change.storeys_added.astype(np.float64)[feature] * share

    def taller(height: Floats) -> Floats:
        return np.where(solid, height + grown, height * factor[feature] + lift[feature])

    def storeyed(storeys: Floats) -> Floats:
        fits = np.maximum(1.0, np.floor(storeys * factor[feature] + 0.5))
        fits = np.where(factor[feature] == 1.0, storeys, fits)
        return np.maximum(np.floor(fits + added + 0.5), 1.0)

    attributes = dict(objects.attributes)
    for name, column in objects.attributes.items():
        plain = _plain(name)
        if plain in _HEIGHTS:
            attributes[name] = _with(column, higher, np.round(taller(numbers_of(column)), 3))
        elif plain in _STOREYS:
            attributes[name] = _with(column, higher, storeyed(numbers_of(column)))
        elif name == _CONDITION and not column.numeric:
            values = column.values.copy()
            planned = np.array([str(text).strip().lower() == PLANNED for text in values.tolist()], np.bool_)
            values[planned & change.exists[feature]] = BUILT
            attributes[name] = Column(name, values)
    attributes.update(_marks(objects, change, scenario))
    return replace(objects, attributes=attributes)


def _marks(objects: ObjectTable, change: CityChange, scenario: str) -> dict[str, Column]:
    """What was done to each building, at the buildings it was done to."""
    features = objects.features
    done = {
        STOREYS: np.where(change.storeys_added != 0, change.storeys_added, np.nan),
        PERCENT: np.where(change.factor != 1, change.factor * 100.0, np.nan),
        GREEN_ROOF: np.where(change.green_roof_share != 0, change.green_roof_share * 100.0, np.nan),
    }
    result: dict[str, Column] = {}
    touched = np.zeros(len(features), np.bool_)
    for name, values in done.items():
        has = np.isfinite(values)
        if has.any():
            touched |= has
            column = np.full(len(objects), np.nan)
            column[features] = np.round(values.astype(np.float64), 3)
            result[name] = Column(name, column)
    if scenario and touched.any():
        texts: NDArray[np.generic] = np.full(len(objects), "", dtype=_TEXT)
        texts[features[touched]] = scenario
        result = {SCENARIO: Column(SCENARIO, texts), **result}
    return result


def _span(city: CityModel, positions: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """(N,) lowest and highest z of every object with all below it; infinite where there is nothing."""
    n = len(city.objects)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    if len(positions):
        z = positions[:, 2].astype(np.float64)
        np.minimum.at(low, city.face_object, np.minimum.reduceat(z, city.face_start[:-1]))
        np.maximum.at(high, city.face_object, np.maximum.reduceat(z, city.face_start[:-1]))
    below, above = np.arange(n), city.objects.parent
    for _ in range(16):  # objects are nested a few levels deep
        has = above >= 0
        if not has.any():
            break
        below, above = below[has], above[has]
        np.minimum.at(low, above, low[below])
        np.maximum.at(high, above, high[below])
        above = city.objects.parent[above]
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)


def _with(column: Column, where: NDArray[np.bool_], numbers: Floats) -> Column:
    """The column with other numbers at some objects that have one."""
    where = where & np.isfinite(numbers)
    values = column.values.copy()
    values[where] = numbers[where] if column.numeric else [f"{number:g}" for number in numbers[where].tolist()]
    return Column(column.name, values)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


_HEIGHTS = frozenset(_plain(name) for name in HEIGHT_NAMES)
_STOREYS = frozenset(_plain(name) for name in STOREY_NAMES)
