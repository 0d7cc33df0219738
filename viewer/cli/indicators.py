"""``stadtforum indicators``: the numbers about a city, as it is and with levers moved."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from viewer.cli.opening import UsageError, check_file, move_levers, open_files, settings_of
from viewer.cli.words import say, show, show_json
from viewer.errors import ReadError
from viewer.scenario import Area, Target, WholeCity

if TYPE_CHECKING:
    from viewer.indicators import IndicatorRecord
    from viewer.workspace import Workspace

_MAX_AREA_BYTES = 16 << 20
_MAX_CORNERS = 100_000


def run(options: Namespace) -> int:
    """Read, move the levers, print the numbers."""
    settings = settings_of(options.set)
    polygon = None if options.area is None else read_area(options.area)
    workspace = open_files(options)
    if workspace.city is None or not len(workspace.city.objects):
        raise ReadError("There is no city among these files.", hint="Name a city model too.", path=options.files[0])
    targets: list[Target] = [WholeCity()]
    ring = None
    if polygon is not None:
        ring = ring_crs(workspace, *polygon, options.area)
        targets = [Area(options.area.stem, tuple((float(x), float(y)) for x, y in ring))]
    move_levers(workspace, settings, targets)
    records = workspace.exact_indicators() if ring is None else _inside(workspace, ring)
    if options.json:
        show_json({record.id: _values(record) for record in records})
    else:
        _print(records)
    return 0


def _values(record: IndicatorRecord) -> dict[str, Any]:
    return {
        "label": record.label,
        "value": _finite(record.value),
        "unit": record.unit,
        "baseline": _finite(record.baseline),
        "difference": _finite(record.difference),
        "status": record.status.value,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _print(records: tuple[IndicatorRecord, ...]) -> None:
    group = None
    for record in records:
        if record.group != group:
            group = record.group
            show(say(group) if group else "")
        value = "-" if record.value is None else _number(record.value, record.digits)
        change = f"  ({_number(record.difference, record.digits, '+')})" if record.difference else ""
        unit = say(record.unit) if record.unit not in ("", "1") else ""
        show(f"  {say(record.label):<36}{value:>16} {unit:<12}{change}".rstrip())


def _number(value: float, digits: int, sign: str = "") -> str:
    """A number rounded as its record says; negative digits round to tens and hundreds."""
    return f"{round(value, digits):{sign},.{max(digits, 0)}f}"


def _inside(workspace: Workspace, ring_crs: NDArray[np.float64]) -> tuple[IndicatorRecord, ...]:
    """The numbers of what lies inside a ring."""
    from viewer.indicators import IndicatorTable

    city, measures, change = workspace.city, workspace.measures, workspace.change()
    assert city is not None and measures is not None and change is not None
    ring_local = workspace.frame.local_from_crs(ring_crs)
    table = IndicatorTable(city, measures, workspace.ground, area_ring=ring_local)
    table.update(change)
    return table.exact()


def read_area(path: Path) -> tuple[NDArray[np.float64], str]:
    """Outer ring (n, 2) and CRS of the one polygon in a GeoJSON file.

    Raises
    ------
    ReadError
        It is no GeoJSON, or holds no polygon or several.
    """
    check_file(path)
    try:
        if path.stat().st_size > _MAX_AREA_BYTES:
            raise ReadError("This area file is larger than {limit} MB.", path=path, limit=_MAX_AREA_BYTES >> 20)
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        polygons = list(_polygons(data))
    except OSError as error:
        raise ReadError("This file cannot be read.", path=path) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise ReadError("This is not a GeoJSON file with a polygon.", path=path) from error
    if len(polygons) != 1:
        raise ReadError("This file holds {count} polygons; an area is exactly one.", path=path, count=len(polygons))
    try:
        ring = np.array([corner[:2] for corner in polygons[0][0]], dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise ReadError("The polygon in this file is damaged.", path=path) from error
    if len(ring) and (ring[0] == ring[-1]).all():
        ring = ring[:-1]
    if not 3 <= len(ring) <= _MAX_CORNERS or not np.isfinite(ring).all():
        raise ReadError("The polygon in this file is damaged.", path=path)
    return ring, _crs(data)


def _polygons(data: Any) -> list[Any]:
    """Coordinates of every polygon in a GeoJSON value."""
    if not isinstance(data, dict):
        raise ValueError("no object")
    match data.get("type"):
        case "FeatureCollection":
            return [polygon for feature in data.get("features") or [] for polygon in _polygons(feature)]
        case "Feature":
            return _polygons(data.get("geometry"))
        case "Polygon":
            return [data.get("coordinates")]
        case "MultiPolygon":
            return list(data.get("coordinates") or [])
        case _:
            raise ValueError("no polygon")


def _crs(data: dict[str, Any]) -> str:
    """The CRS GeoJSON names the old way; longitude and latitude where it names none, as its standard says."""
    crs = data.get("crs")
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return name if isinstance(name, str) and "CRS84" not in name else "EPSG:4326"


def ring_crs(workspace: Workspace, ring: NDArray[np.float64], crs: str, path: Path) -> NDArray[np.float64]:
    """The ring in the city's CRS.

    Raises
    ------
    UsageError
        It lies outside the city.
    """
    from viewer.readers.crs import parse_crs, transform

    target = workspace.frame.crs
    city = workspace.city
    assert city is not None
    looks_like_degrees = bool((np.abs(ring) <= [180.0, 90.0]).all())
    if target and (crs != "EPSG:4326" or looks_like_degrees):  # other numbers can only be the city's own
        ring = transform(ring, parse_crs(crs).horizontal, target)
    local = workspace.frame.local_from_crs(ring)
    low, high = city.extent_local[:, :2]
    inside = np.isfinite(local).all() and (local.min(axis=0) <= high).all() and (local.max(axis=0) >= low).all()
    if not inside:
        raise UsageError("This area lies outside the city.", path=path)
    return ring
