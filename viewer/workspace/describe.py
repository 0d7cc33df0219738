"""What a person is told about one picked object, and how a city is coloured by its data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.measures import Measures
from viewer.scene.state import Colouring

#: More values than this and a text attribute keeps its most frequent ones; the rest is "other".
MAX_CLASSES = 8


@dataclass(frozen=True, slots=True)
class FeatureInfo:
    """A top-level object in words: rows of (attribute name, value as text), parts as (type, id)."""

    feature: int
    id: str
    type: str
    title: str
    rows: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str], ...]


def feature_info(city: CityModel, measures: Measures, feature: int) -> FeatureInfo:
    """Attributes and measures of the top-level object at this position in ``city.objects.features``."""
    objects = city.objects
    index = int(objects.features[feature])
    members = np.flatnonzero(objects.feature_of_object == feature)
    rows: list[tuple[str, str]] = []
    for name, column in objects.attributes.items():
        value = column.values[index]
        if _missing(value):
            given = [v for v in column.values[members].tolist() if not _missing(v)]
            if not given:
                continue
            value = given[0]
        rows.append((name, _text(value)))
    if measures.is_building[feature]:
        rows += [
            ("measured:height", _text(measures.top_m[feature] - measures.ground_m[feature])),
            ("measured:storeys", _text(measures.storeys[feature])),
            ("measured:footprint", _text(measures.footprint_m2[feature])),
            ("measured:volume", _text(measures.volume_m3[feature])),
        ]
    type_name = objects.types[int(objects.type_code[index])]
    named = dict(rows)
    title = named.get("name") or named.get("address") or str(objects.ids[index])
    parts = tuple(
        (objects.types[int(objects.type_code[m])], str(objects.ids[m])) for m in members[:200] if int(m) != index
    )
    return FeatureInfo(feature, str(objects.ids[index]), type_name, title, tuple(rows), parts)


def _missing(value: object) -> bool:
    return value == "" or (isinstance(value, float) and np.isnan(value))


def _text(value: object) -> str:
    if isinstance(value, float | np.floating):
        number = float(value)
        if np.isnan(number):
            return ""
        return f"{number:.0f}" if number == round(number) else f"{number:.2f}".rstrip("0").rstrip(".")
    return str(value)


def colour_by_attribute(city: CityModel, name: str) -> Colouring:
    """Colouring of the top-level objects by one attribute; text becomes up to eight classes.

    Where buildings have it, their frequent texts are the classes: roads and trees must not use them up.
    """
    column = city.objects.feature_column(name)
    if column is None:
        return Colouring()
    if column.numeric:
        return colour_by_number(np.asarray(column.values, np.float64), name, "")
    texts, code = np.unique(column.values, return_inverse=True)
    told = column.values != ""
    of_buildings = told & city.objects.feature_is_building
    counts = np.bincount(code[of_buildings if of_buildings.any() else told], minlength=len(texts))
    kept = np.argsort(-counts, kind="stable")[: MAX_CLASSES - 1 if (counts > 0).sum() > MAX_CLASSES else MAX_CLASSES]
    kept = kept[counts[kept] > 0]
    number = np.full(len(texts), float(len(kept)))
    number[kept] = np.arange(len(kept))
    number[texts == ""] = np.nan
    classes = tuple(str(texts[k]) for k in kept)
    if (texts != "").sum() > len(kept):
        classes = (*classes, "other")
    return Colouring(number[code], "okabe-ito", 0.0, float(max(len(classes) - 1, 1)), classes, title=name)


def colour_by_number(values: NDArray[np.float64], title: str, unit: str) -> Colouring:
    """Colouring by a number, stretched between the 2nd and 98th percentile so that outliers do not rule."""
    known = values[np.isfinite(values)]
    if not len(known):
        return Colouring(values, title=title, unit=unit)
    low, high = np.percentile(known, [2, 98])
    if low == high:
        low, high = float(known.min()), float(known.max())
    return Colouring(values, "cividis", float(low), float(max(high, low + 1e-9)), title=title, unit=unit)
