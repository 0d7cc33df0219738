"""Guesses from names and numbers: which column is a height, which one storeys, is this layer buildings at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Names of height above ground in metres, best first; compared in lower case without signs.
HEIGHT_NAMES = (
    "measuredheight", "buildingheight", "bldgheight", "heightm", "height", "bldgh", "hauteur", "gebaeudehoehe",
    "gebäudehöhe", "hoehe", "höhe", "htrauf", "hoogte", "altezza", "altura", "relativeheight", "hoehem",
    "buildingh", "roofheight", "heightmean", "hmean", "hgt",
)  # fmt: skip

#: Names of a number of storeys above ground.
STOREY_NAMES = (
    "storeysaboveground", "buildinglevels", "levels", "storeys", "stories", "numstories", "numfloors", "nofloors",
    "floors", "floorcount", "geschosse", "anzahlgeschosse", "anzahldeoberirdischengeschosse", "aog", "geschossza",
    "geschosszahl", "stockwerke", "vollgeschosse", "nbetages", "etages", "nombredetages", "verdiepingen", "pisos",
    "piani",
)  # fmt: skip

#: Names of the height of the ground above sea level.
GROUND_NAMES = (
    "groundheight", "groundheightm", "groundelevation", "zminsol", "hmaaiveld", "terrainheight", "gelaendehoehe",
    "geländehöhe", "baseelevation", "groundz", "zground",
)  # fmt: skip

_BUILDING_WORDS = (
    "building", "bldg", "gebaeude", "gebäude", "bati", "bâti", "pand", "house", "haus", "edifici", "footprint",
    "bauwerk", "batiment", "bâtiment", "immeuble",
)  # fmt: skip

_AREA_WORDS = (
    "landuse", "land_use", "nutzung", "landcover", "vegetation", "begroeid", "plantcover", "tree", "baum", "canop",
    "water", "wasser", "gewaesser", "eau", "plot", "parcel", "flurst", "parzelle", "gruen", "grün", "green", "park",
    "zone", "zoning", "plan", "district", "bezirk", "stadtteil", "commune", "gemeinde", "border", "boundary",
    "grenze", "wegdeel", "traffic", "road", "strasse", "straße", "tessellation", "terrain", "soil", "boden",
)  # fmt: skip

_NUMBER = re.compile(r"\s*(-?\d+(?:[.,]\d+)?)\s*(?:m|meter|metres|meters)?\s*", re.IGNORECASE)

#: Heights of buildings in metres and storeys that are believed.
MAX_HEIGHT_M = 1000.0
MAX_STOREYS = 200.0


def plain(name: str) -> str:
    """A column name for comparing: lower case letters and digits only."""
    return re.sub(r"[\W_]+", "", name.lower())


def find(names: Iterable[str], wanted: tuple[str, ...]) -> list[str]:
    """Those of ``names`` that are among ``wanted``, in the order of ``wanted``."""
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(plain(name), name)
    return [by_plain[own] for own in wanted if own in by_plain]


def numbers(values: NDArray[np.generic]) -> Floats:
    """A column as float64; texts like ``"12,5 m"`` count, anything else is NaN."""
    if values.dtype.kind in "fiu":
        return values.astype(np.float64)
    if values.dtype.kind != "O":
        return np.full(len(values), np.nan)
    return np.array([_number(value) for value in values.tolist()], dtype=np.float64)


def _number(value: object) -> float:
    if isinstance(value, bool) or value is None:
        return np.nan
    if isinstance(value, (int, float)):
        return float(value)
    match = _NUMBER.fullmatch(str(value))
    return float(match[1].replace(",", ".")) if match else np.nan


def guess(columns: Mapping[str, NDArray[np.generic]], wanted: tuple[str, ...], most: float) -> tuple[str, Floats]:
    """The first column by name whose numbers are believable for at least one in ten, and its numbers.

    Numbers outside ``0 < n <= most`` are NaN. ``("", all NaN)`` where there is none.
    """
    for name in find(columns, wanted):
        found = believed(numbers(columns[name]), most)
        if len(found) and np.isfinite(found).mean() >= 0.1:
            return name, found
    count = len(next(iter(columns.values()))) if columns else 0
    return "", np.full(count, np.nan)


def believed(values: Floats, most: float) -> Floats:
    """``values`` with NaN outside ``0 < value <= most``."""
    with np.errstate(invalid="ignore"):
        return np.where((values > 0) & (values <= most), values, np.nan)


def building_score(layer: str, columns: Iterable[str]) -> float:
    """How much a polygon layer's names speak for buildings, 0 to 1."""
    names = list(columns)
    words = " ".join([layer, *names]).lower()
    about_buildings = any(word in words for word in _BUILDING_WORDS)
    if not about_buildings and any(word in layer.lower() for word in _AREA_WORDS):
        return 0.05
    if find(names, HEIGHT_NAMES):
        return 0.95 if about_buildings else 0.8
    if find(names, STOREY_NAMES):
        return 0.9 if about_buildings else 0.75
    if about_buildings:
        return 0.7
    return 0.05 if any(word in words for word in _AREA_WORDS) else 0.2
