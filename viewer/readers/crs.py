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

Floats = NDArray[np.float64]

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
    ``urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016``, CRS84, WKT. Never raises: an unknown one has no
    ``horizontal``.
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
            for part in parts[1:]:
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
        vertical = vertical or "ellipsoidal height"
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
    return pyproj.CRS(definition)


def crs_title(crs: str) -> str:
    """Readable name of a CRS, e.g. ``"ETRS89 / UTM zone 32N"``; the text itself if it is unknown."""
    from pyproj.exceptions import CRSError

    try:
        return str(_pyproj_crs(crs).name)
    except CRSError:
        return crs


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
    from pyproj.transformer import TransformerGroup

    a, b = parse_crs(crs_from), parse_crs(crs_to)
    if not (a.known and b.known):
        return float("nan")
    with warnings.catch_warnings():
        # That better grids exist is said by the accuracy.
        warnings.simplefilter("ignore", UserWarning)
        group = TransformerGroup(_pyproj_crs(a.horizontal), _pyproj_crs(b.horizontal), always_xy=True)
    if not group.transformers:
        return float("nan")
    accuracy = float(group.transformers[0].accuracy)
    return accuracy if accuracy >= 0 else float("nan")


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


def _share_in_europe(lon: Floats, lat: Floats) -> float:
    return float(np.mean((lon > -25) & (lon < 45) & (lat > 34) & (lat < 72)))


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
        east, north = _share_in_europe(*sample.T), _share_in_europe(*sample[:, ::-1].T)
        if abs(east - north) > 0.5:
            return AxisOrder(north > east, True)
        return AxisOrder(crs.north_first, True)
    return AxisOrder(False, True)


# -- guessing --------------------------------------------------------------------------------------------------

#: crs, west, south, east, north in its own units, reason. Checked from top to bottom.
_GUESSES: tuple[tuple[str, float, float, float, float, str], ...] = (
    ("EPSG:4647", 32.2e6, 5.2e6, 32.9e6, 6.2e6, "eastings begin with the UTM zone 32"),
    ("EPSG:5650", 33.1e6, 5.2e6, 33.9e6, 6.2e6, "eastings begin with the UTM zone 33"),
    ("EPSG:31466", 2.48e6, 5.2e6, 2.65e6, 6.15e6, "eastings of Gauß-Krüger zone 2"),
    ("EPSG:31467", 3.35e6, 5.2e6, 3.65e6, 6.15e6, "eastings of Gauß-Krüger zone 3"),
    ("EPSG:31468", 4.35e6, 5.2e6, 4.65e6, 6.15e6, "eastings of Gauß-Krüger zone 4"),
    ("EPSG:31469", 5.35e6, 5.2e6, 5.65e6, 6.15e6, "eastings of Gauß-Krüger zone 5"),
    ("EPSG:2056", 2.48e6, 1.07e6, 2.84e6, 1.3e6, "numbers of the Swiss grid LV95"),
    ("EPSG:25832", 2.7e5, 5.2e6, 9.3e5, 6.15e6, "numbers of UTM zone 32, the usual one in Germany"),
    ("EPSG:25833", 1.9e5, 5.2e6, 5.1e5, 6.15e6, "numbers of UTM zone 33, used in eastern Germany"),
    ("EPSG:3857", 6.0e5, 5.9e6, 1.7e6, 7.4e6, "numbers of web maps (Web Mercator)"),
    ("EPSG:2154", 1.0e5, 6.0e6, 1.25e6, 7.2e6, "numbers of the French grid Lambert-93"),
    ("EPSG:3946", 1.2e6, 5.0e6, 2.2e6, 5.4e6, "numbers of the French grid CC46"),
    ("EPSG:28992", 7.0e3, 3.0e5, 3.0e5, 6.3e5, "numbers of the Dutch grid RD"),
    ("EPSG:31287", 1.0e5, 2.5e5, 7.0e5, 6.0e5, "numbers of the Austrian Lambert grid"),
    ("EPSG:3068", 5.0e3, 5.0e3, 5.0e4, 4.5e4, "numbers of the Berlin Soldner grid"),
)


def guess_crs(points_xy: Floats) -> list[tuple[str, str]]:
    """Systems in which (N, 2+) points without a CRS would lie in a sensible place, likeliest first.

    Returns pairs of CRS and reason (a template without values, for people). Empty if nothing fits, e.g. for a
    drawing around zero. Degrees are taken for what they are only if the data spans less than 3 degrees.
    """
    points = np.asarray(points_xy, dtype=np.float64)[:, :2]
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return []
    low, high = np.quantile(points, 0.02, axis=0), np.quantile(points, 0.98, axis=0)
    found: list[tuple[str, str]] = []
    if (np.abs(low) <= 180).all() and (np.abs(high) <= 180).all():
        fractions = float(np.mean(points != np.round(points)))
        if (high - low).max() < 3.0 and fractions > 0.5 and np.abs(points).max() > 1.0:
            x, y = points.T
            if _share_in_europe(x, y) > 0.5:
                return [("EPSG:4326", "numbers are degrees of longitude and latitude in Europe")]
            if _share_in_europe(y, x) > 0.5:
                return [("EPSG:4326", "numbers are degrees of latitude and longitude in Europe")]
            return [("EPSG:4326", "numbers look like degrees of longitude and latitude")]
        return []
    for crs, west, south, east, north, reason in _GUESSES:
        if west <= low[0] and high[0] <= east and south <= low[1] and high[1] <= north:
            found.append((crs, reason))
    return found
