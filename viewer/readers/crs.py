"""Coordinate reference systems: recognise them in every spelling, transform between them, guess a missing one.

Heights are never changed: the horizontal system is transformed, the height system is only named. PROJ is
imported when first needed and never asks the network.
"""

from __future__ import annotations

import re
import threading
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import CrsError
from viewer.readers.crs_guess import guess_crs, share_in_europe

__all__ = [
    "AxisOrder",
    "Crs",
    "axis_order",
    "crs_title",
    "guess_crs",
    "height_title",
    "missing_grids",
    "parse_crs",
    "transform",
    "transform_accuracy",
    "utm_zone_for",
]

Floats = NDArray[np.float64]

#: What heights above the ellipsoid are called; they have no code of their own.
ELLIPSOIDAL = "ellipsoidal height"
_ADV_ELLIPSOIDAL = ("ETRS89_H", "WGS84_H")
#: Height systems in the names of the German surveying authorities.
_ADV_VERTICAL = {
    "DE_DHHN2016_NH": "EPSG:7837",
    "DE_DHHN92_NH": "EPSG:5783",
    "DE_DHN92_NH": "EPSG:5783",
    "DE_DHHN12_NOH": "EPSG:7699",
    "DE_DHHN85_NOH": "EPSG:5784",
    "DE_SNN76_NH": "EPSG:5785",
    "DE_AMST": "EPSG:5709",
}
_ADV_HORIZONTAL: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"ETRS89_UTM(?P<zone>3[0-9]|2[89])", re.I), 25800),
    (re.compile(r"DE_DHDN_3GK(?P<zone>[2-5])", re.I), 31464),
    (re.compile(r"DE_RD-?83_3GK(?P<zone>[45])", re.I), 3394),
    (re.compile(r"DE_PD-?83_3GK(?P<zone>[34])", re.I), 3393),
    (re.compile(r"DE_42-?83_3GK(?P<zone>[345])", re.I), 2394),
    (re.compile(r"DE_DHDN_(?:SoldnerBerlin|Cassini)", re.I), 3068),
    (re.compile(r"ETRS89_Lat-?Lon", re.I), 4258),
    (re.compile(r"WGS84_UTM(?P<zone>3[0-9])", re.I), 32600),
    (re.compile(r"WGS84_Lat-?Lon", re.I), 4326),
)
_WKT_START = re.compile(r"\s*(PROJ|GEOG|GEOD|COMPD|COMPOUND|BOUND|GEOC)[A-Z]*\s*\[", re.I)
_MAX_WKT = 20_000
#: PROJ needs less than this to find a way from one system to another.
_ROOM_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Crs:
    """A recognised reference system.

    horizontal : ``"EPSG:25832"`` (or WKT where there is no code); empty if not recognised.
    vertical : ``"EPSG:7837"``, or the name in the file; empty if not named.
    geographic : degrees instead of a projection. geocentric : metres from the centre of the Earth.
    north_first : the authority lists latitude or northing before longitude or easting. Files often do not
        follow; see ``north_comes_first``.
    unit_m : length of a horizontal unit in metres; 1.0 for degrees.
    vertical_unit_m : length of a unit of height in metres.
    text : as written in the file.
    """

    horizontal: str = ""
    vertical: str = ""
    geographic: bool = False
    geocentric: bool = False
    north_first: bool = False
    unit_m: float = 1.0
    vertical_unit_m: float = 1.0
    text: str = ""

    @property
    def known(self) -> bool:
        """Whether the horizontal system was recognised."""
        return bool(self.horizontal)


@lru_cache(maxsize=256)
def parse_crs(text: str) -> Crs:
    """Recognise a reference system as city files spell it.

    ``EPSG:25832``, ``25832``, ``urn:ogc:def:crs:EPSG::25832``,
    ``urn:ogc:def:crs,crs:EPSG:6.12:25832,crs:EPSG:6.12:5783``,
    ``http://www.opengis.net/def/crs/EPSG/0/7415``, ``.../gml/srs/epsg.xml#25832``,
    ``urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016``, CRS84, WKT. An unknown one has no ``horizontal``; too little
    memory alone raises an error (``MemoryError``).
    """
    plain = text.strip()
    if not plain:
        return Crs(text=text)
    if _WKT_START.match(plain):
        return _from_pyproj(plain, text) if len(plain) <= _MAX_WKT else Crs(text=text)
    if re.search(r"\bCRS:?84h?$", plain, re.I):
        return Crs("EPSG:4326", geographic=True, text=text)
    codes = _epsg_codes(plain)
    if codes:
        crs = _from_pyproj(f"EPSG:{codes[0]}", text)
        if len(codes) > 1 and crs.known:
            vertical = _vertical_from_code(codes[1])
            return _replace_vertical(crs, *vertical) if vertical[0] else crs
        return crs
    return _from_adv(plain, text)


def _epsg_codes(text: str) -> list[int]:
    """EPSG codes in the order they are written; versions such as 6.12 or 0 are not codes."""
    if re.fullmatch(r"\d{4,6}", text):
        return [int(text)]
    found = re.findall(r"EPSG(?:/[\d.]*/|:[\d.]*:|:+|\.xml#|\s+|_)(\d{4,6})(?!\d)", text, re.I)
    if found and "+" in text:
        found += re.findall(r"\+\s*(\d{4,6})\b", text)
    return [int(code) for code in found]


def _from_adv(text: str, written: str) -> Crs:
    name = text.rsplit(":", 1)[-1]
    parts = [part.strip() for part in re.split(r"[*]", name) if part.strip()]
    for pattern, base in _ADV_HORIZONTAL:
        match = pattern.match(parts[0]) if parts else None
        if match:
            code = base + int(match.groupdict().get("zone") or 0)
            crs = _from_pyproj(f"EPSG:{code}", written)
            vertical = ""
            if parts[0].lower().endswith("-h"):
                vertical = ELLIPSOIDAL
            for part in parts[1:]:
                if part.upper() in _ADV_ELLIPSOIDAL:
                    vertical = ELLIPSOIDAL
                    break
                if part.upper().startswith("DE_"):
                    vertical = _ADV_VERTICAL.get(part.upper(), part)
                    break
            return _replace_vertical(crs, vertical, 1.0) if vertical else crs
    return Crs(text=written)


def _replace_vertical(crs: Crs, vertical: str, unit_m: float) -> Crs:
    return Crs(crs.horizontal, vertical, crs.geographic, crs.geocentric, crs.north_first, crs.unit_m, unit_m, crs.text)


def _from_pyproj(definition: str, text: str) -> Crs:
    from pyproj.exceptions import CRSError

    try:
        crs = _pyproj_crs(definition)
    except CRSError:
        return Crs(text=text)
    vertical, vertical_unit = "", 1.0
    horizontal = crs
    if crs.is_compound:
        for part in crs.sub_crs_list:
            if part.is_vertical:
                vertical = _code_of(part) or str(part.name)
                vertical_unit = float(part.axis_info[0].unit_conversion_factor or 1.0)
            else:
                horizontal = part
    if horizontal.is_bound:
        horizontal = horizontal.source_crs
    if horizontal.is_vertical:
        return Crs(text=text)
    geocentric = bool(horizontal.is_geocentric)
    if not geocentric and len(horizontal.axis_info) == 3:
        vertical = vertical or ELLIPSOIDAL
        horizontal = horizontal.to_2d()
    axes = horizontal.axis_info
    geographic = bool(horizontal.is_geographic)
    unit = 1.0 if geographic or not axes else float(axes[0].unit_conversion_factor or 1.0)
    north_first = bool(axes) and not geocentric and axes[0].direction.lower() in ("north", "south")
    name = _code_of(horizontal) or (definition if definition.startswith("EPSG:") else horizontal.to_wkt())
    return Crs(name, vertical, geographic, geocentric, north_first, unit, vertical_unit, text)


def _vertical_from_code(code: int) -> tuple[str, float]:
    from pyproj.exceptions import CRSError

    try:
        crs = _pyproj_crs(f"EPSG:{code}")
    except CRSError:
        return "", 1.0
    if not crs.is_vertical:
        return "", 1.0
    return f"EPSG:{code}", float(crs.axis_info[0].unit_conversion_factor or 1.0)


def _code_of(crs: Any) -> str:
    authority = crs.to_authority(min_confidence=70)
    return f"{authority[0]}:{authority[1]}" if authority and authority[0] in ("EPSG", "ESRI", "IGNF") else ""


@lru_cache(maxsize=256)
def _pyproj_crs(definition: str) -> Any:
    import pyproj
    import pyproj.network

    pyproj.network.set_network_enabled(active=False)
    try:
        return pyproj.CRS(definition)
    except pyproj.exceptions.CRSError:
        _need_room()
        raise


def _need_room() -> None:
    """PROJ does not tell when it is memory that is missing.

    Raises
    ------
    MemoryError
        It is.
    """
    bytearray(_ROOM_BYTES)


def crs_title(crs: str) -> str:
    """Readable name of a CRS, e.g. ``"ETRS89 / UTM zone 32N"``; the text itself if it is unknown."""
    from pyproj.exceptions import CRSError

    try:
        return str(_pyproj_crs(crs).name)
    except CRSError:
        return crs


def height_title(vertical: str) -> str:
    """Readable name of a height system, e.g. ``"DHHN2016 (EPSG:7837)"``; the text itself if it has no code."""
    title = crs_title(vertical) if vertical.startswith("EPSG:") else vertical
    return vertical if title == vertical else f"{title.removesuffix(' height')} ({vertical})"


# -- transforming ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _transformer(crs_from: str, crs_to: str, thread: int) -> Any:
    """One transformer per thread: PROJ objects must not be shared between threads."""
    import pyproj
    from pyproj.exceptions import ProjError

    a, b = parse_crs(crs_from), parse_crs(crs_to)
    for crs, text in ((a, crs_from), (b, crs_to)):
        if not crs.known:
            raise CrsError(
                "The coordinate system {crs} is not known.", hint="Choose another one, e.g. EPSG:25832.", crs=text
            )
    try:
        return pyproj.Transformer.from_crs(_pyproj_crs(a.horizontal), _pyproj_crs(b.horizontal), always_xy=True)
    except ProjError as error:
        _need_room()
        raise CrsError(
            "Coordinates cannot be transformed from {crs_from} to {crs_to}.", crs_from=crs_from, crs_to=crs_to
        ) from error


def transform(points: Floats, crs_from: str, crs_to: str) -> Floats:
    """Transform (..., 2) or (..., 3) points, x/easting/longitude first; heights stay as they are.

    A point outside the reach of a projection becomes infinite.

    Raises
    ------
    CrsError
        One of the systems is unknown, or there is no way between them.
    """
    points = np.asarray(points, dtype=np.float64)
    if crs_from == crs_to or not points.size:
        return points
    transformer = _transformer(crs_from, crs_to, threading.get_ident())
    if parse_crs(crs_from).geocentric and points.shape[-1] == 3:
        return np.stack(transformer.transform(points[..., 0], points[..., 1], points[..., 2]), axis=-1)
    result = points.copy()
    x, y = transformer.transform(points[..., 0], points[..., 1])
    result[..., 0], result[..., 1] = x, y
    return result


def transform_accuracy(crs_from: str, crs_to: str) -> float:
    """Accuracy in metres of the way ``transform`` takes between two systems; 0 for the same datum, NaN if not known.

    Without grid files a change of datum (Gauß-Krüger to UTM) is good to a few metres only.
    """
    if crs_from == crs_to:
        return 0.0
    return _best_way(crs_from, crs_to)[0]


def missing_grids(crs_from: str, crs_to: str) -> tuple[str, ...]:
    """Files that would make ``transform`` between two systems more accurate and are not installed."""
    return () if crs_from == crs_to else _best_way(crs_from, crs_to)[1]


@lru_cache(maxsize=64)
def _best_way(crs_from: str, crs_to: str) -> tuple[float, tuple[str, ...]]:
    """Accuracy in metres of the best way that can be gone, NaN if not known, and the grids a better one lacks."""
    from pyproj.transformer import TransformerGroup

    a, b = parse_crs(crs_from), parse_crs(crs_to)
    if not (a.known and b.known):
        return float("nan"), ()
    with warnings.catch_warnings():
        # that better grids exist is said by what is returned
        warnings.simplefilter("ignore", UserWarning)
        group = TransformerGroup(_pyproj_crs(a.horizontal), _pyproj_crs(b.horizontal), always_xy=True)
    accuracy = float(group.transformers[0].accuracy) if group.transformers else -1.0
    better = () if group.best_available else tuple(group.unavailable_operations[:1])
    grids = tuple(str(grid.short_name) for way in better for grid in way.grids if not grid.available)
    return accuracy if accuracy >= 0 else float("nan"), grids


def utm_zone_for(lon: float, lat: float) -> str:
    """Projected CRS in metres for a place given in degrees: ETRS89/UTM in Europe, else WGS 84/UTM."""
    zone = int(np.clip(np.floor((lon + 180.0) / 6.0) + 1, 1, 60))
    if -16.1 <= lon <= 40.2 and 32.9 <= lat <= 84.2 and 28 <= zone <= 38:
        return f"EPSG:{25800 + zone}"
    return f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"


# -- axis order ------------------------------------------------------------------------------------------------


def _area_of_use(horizontal: str) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees; the whole Earth if not known."""
    area = _pyproj_crs(horizontal).area_of_use
    return (-180.0, -90.0, 180.0, 90.0) if area is None else (area.west, area.south, area.east, area.north)


def _share_within(points_xy: Floats, crs: Crs, margin_deg: float = 2.0) -> float:
    """Share of (N, 2) points that fall into the area a system is made for."""
    degrees = points_xy if crs.geographic else transform(points_xy, crs.horizontal, "EPSG:4326")
    west, south, east, north = _area_of_use(crs.horizontal)
    lon, lat = degrees[:, 0], degrees[:, 1]
    with np.errstate(invalid="ignore"):
        inside_lat = (lat >= max(south - margin_deg, -90)) & (lat <= min(north + margin_deg, 90))
        if west > east:
            inside_lon = (lon >= west - margin_deg) | (lon <= east + margin_deg)
        else:
            inside_lon = (lon >= west - margin_deg) & (lon <= east + margin_deg)
    return float(np.mean(inside_lat & inside_lon)) if len(degrees) else 0.0


@dataclass(frozen=True, slots=True)
class AxisOrder:
    """What the numbers say: whether north comes first, and whether the place fits the system at all."""

    north_first: bool
    plausible: bool


def axis_order(points: Floats, crs: Crs) -> AxisOrder:
    """Order of the first two columns of (N, 2+) points in a file, judged by where they would lie.

    The authority's order counts only where the numbers leave both open: files follow it or not.
    """
    sample = np.asarray(points[:, :2][:: max(1, len(points) // 500)], dtype=np.float64)
    sample = sample[np.isfinite(sample).all(axis=1)]
    if not len(sample) or crs.geocentric or not crs.known:
        return AxisOrder(False, True)
    east, north = _share_within(sample, crs), _share_within(sample[:, ::-1], crs)
    if max(east, north) < 0.5:
        return AxisOrder(False, False)
    if abs(east - north) > 0.25:
        return AxisOrder(north > east, True)
    if crs.geographic:
        east, north = share_in_europe(*sample.T), share_in_europe(*sample[:, ::-1].T)
        if abs(east - north) > 0.5:
            return AxisOrder(north > east, True)
        return AxisOrder(crs.north_first, True)
    return AxisOrder(False, True)
