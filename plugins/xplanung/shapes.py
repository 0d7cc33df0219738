"""GML shapes as lists of corners: polygons with holes, lines and points, arcs as short straight pieces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: An arc leaves its chords by no more than this, metres; at most so many pieces.
ARC_ERROR_M, MAX_PIECES = 0.02, 180
MAX_CORNERS = 2_000_000
_CURVES = {"LineString", "Curve", "CompositeCurve", "Ring", "LinearRing", "OrientableCurve"}
_SEGMENTS = {"LineStringSegment", "Arc", "ArcString", "Circle", "LineString"}


@dataclass(slots=True)
class Shape:
    """polygons : rings of each, (n, 2) without closing corner, the first outer. lines : (n, 2). points : (n, 2)."""

    polygons: list[list[np.ndarray]] = field(default_factory=list)
    lines: list[np.ndarray] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)


def read_shape(element: Any) -> Shape | None:
    """The shape below an element; None where there is none, or one that cannot be understood."""
    shape = Shape()
    try:
        for child in element:
            _collect(child, shape)
    except (ValueError, IndexError):
        return None
    parts = [ring for rings in shape.polygons for ring in rings] + shape.lines + shape.points
    if not parts or not all(np.isfinite(part).all() for part in parts):
        return None
    return shape


def _collect(element: Any, shape: Shape) -> None:
    name = _local(element)
    if name in ("Polygon", "PolygonPatch", "Rectangle", "Triangle"):
        rings = [_closed(_curve(ring)) for side in element for ring in side if _local(side) in ("exterior", "interior")]
        rings = [ring for ring in rings if len(ring) >= 3]
        if not rings:
            raise ValueError("a polygon without corners")
        shape.polygons.append(rings)
    elif name in _CURVES:
        line = _curve(element)
        if len(line) >= 2:
            shape.lines.append(line)
    elif name == "Point":
        shape.points.append(_numbers(element).reshape(-1, 2)[:1])
    else:
        for child in element:
            _collect(child, shape)


def _curve(element: Any) -> np.ndarray:
    """(n, 2) corners of a curve or ring, its segments one after the other."""
    name = _local(element)
    if name in ("LinearRing", "LineString", "LineStringSegment"):
        return _numbers(element)
    if name in ("Arc", "ArcString", "Circle"):
        return _arcs(_numbers(element), whole=name == "Circle")
    parts = [_curve(child) for child in element if isinstance(child.tag, str)]
    parts = [part for part in parts if len(part)]
    if not parts:
        return np.empty((0, 2))
    joined = [parts[0]]
    for part in parts[1:]:
        same = np.hypot(*(part[0] - joined[-1][-1])) < 1e-6
        joined.append(part[1:] if same else part)
    return np.concatenate([part for part in joined if len(part)])


def _numbers(element: Any) -> np.ndarray:
    """(n, 2) of all ``posList``, ``pos`` and ``coordinates`` below an element; heights are left out."""
    found = []
    for part in element.iter():
        name = _local(part)
        if name in ("posList", "pos", "coordinates") and part.text:
            width = int(part.get("srsDimension") or element.get("srsDimension") or 2)
            values = np.array(part.text.replace(",", " ").split(), np.float64)
            if len(values) > 2 * MAX_CORNERS or len(values) % width:
                raise ValueError("a list of corners of a wrong length")
            found.append(values.reshape(-1, width)[:, :2])
    return np.concatenate(found) if found else np.empty((0, 2))


def _arcs(points: np.ndarray, *, whole: bool) -> np.ndarray:
    """Arcs through every first, middle and last of three points, as corners; a circle goes all around."""
    if whole:
        centre = _centre(*points[:3])
        if centre is None:
            return points
        start = points[0] - centre
        angle = np.linspace(0, 2 * np.pi, 73)
        turn = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return centre + np.column_stack([turn @ [start[0], -start[1]], turn @ [start[1], start[0]]])
    parts = [points[:1]]
    for k in range(0, len(points) - 2, 2):
        parts.append(_arc(points[k], points[k + 1], points[k + 2])[1:])
    return np.concatenate(parts)


def _arc(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    centre = _centre(a, b, c)
    if centre is None:
        return np.array([a, b, c])
    first, middle, last = (np.arctan2(*(p - centre)[::-1]) for p in (a, b, c))
    full = 2 * np.pi
    sweep = (last - first) % full
    if (middle - first) % full > sweep:
        sweep -= full
    radius = float(np.hypot(*(a - centre)))
    step = 2 * np.arccos(max(1 - ARC_ERROR_M / max(radius, ARC_ERROR_M), 0.0))
    pieces = int(np.clip(np.ceil(abs(sweep) / max(step, 1e-3)), 2, MAX_PIECES))
    angle = first + sweep * np.linspace(0, 1, pieces + 1)
    arc = centre + radius * np.column_stack([np.cos(angle), np.sin(angle)])
    arc[0], arc[-1] = a, c
    return arc


def _centre(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray | None:
    """Middle of the circle through three points; None where they lie on a line."""
    u, v = b - a, c - a
    twice = 2 * (u[0] * v[1] - u[1] * v[0])
    if abs(twice) < 1e-9:
        return None
    x = (v[1] * (u @ u) - u[1] * (v @ v)) / twice
    y = (u[0] * (v @ v) - v[0] * (u @ u)) / twice
    return np.asarray(a + np.array([x, y]))


def _closed(ring: np.ndarray) -> np.ndarray:
    """A ring without its closing corner and without repeated ones."""
    if len(ring) > 1 and np.hypot(*(ring[0] - ring[-1])) < 1e-6:
        ring = ring[:-1]
    keep = np.ones(len(ring), bool)
    keep[1:] = (ring[1:] != ring[:-1]).any(axis=1)
    return ring[keep]


def axes_swapped(crs: str, places: np.ndarray) -> bool:
    """Whether the file writes north before east.

    A ``urn:ogc:def:crs:EPSG`` name means the order of the authority, plain names east first. Where that puts the plan
    outside the area of its system and the other order inside, the other one is taken.
    """
    import pyproj

    digits = crs.rstrip("/").rpartition(":")[2].rpartition("/")[2]
    if not digits.isdigit():
        return False
    try:
        known = pyproj.CRS.from_epsg(int(digits))
    except pyproj.exceptions.CRSError:
        return False
    north_first = bool(known.axis_info) and known.axis_info[0].direction.lower() in ("north", "south")
    swapped = north_first and ("urn:ogc" in crs.lower() or "opengis.net" in crs.lower())
    area = known.area_of_use
    if area is None:
        return swapped
    to_degrees = pyproj.Transformer.from_crs(known, 4326, always_xy=True)
    middle = np.median(places, axis=0)

    def inside(x: float, y: float) -> bool:
        lon, lat = to_degrees.transform(x, y)
        return bool(area.west - 3 <= lon <= area.east + 3 and area.south - 3 <= lat <= area.north + 3)

    x, y = middle[::-1] if swapped else middle
    return swapped if inside(x, y) or not inside(y, x) else not swapped


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
