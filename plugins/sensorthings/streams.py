"""Datastreams out of what a server sends: place, last value, unit, earlier values. Odd entries cost only themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from viewer.plugin_api import History, ReadContext

MAX_TEXT = 500
_NOWHERE = (math.nan, math.nan)


@dataclass(frozen=True)
class Stream:
    """One datastream with at least one observation; times_s and values oldest first, numbers only."""

    thing: str
    name: str
    description: str
    quantity: str
    unit: str
    lonlat: tuple[float, float]
    moment: datetime
    value: float
    result: str
    times_s: np.ndarray
    values: np.ndarray


def streams_of(things: list[dict[str, Any]], context: ReadContext) -> list[Stream]:
    """Every datastream that has a value."""
    found: list[Stream] = []
    silent = 0
    for thing in things:
        place = _place(thing)
        for stream in _entries(thing.get("Datastreams")):
            made = _stream(thing, stream, place)
            if made is None:
                silent += 1
            else:
                found.append(made)
    context.info("{count} datastreams have no value.", count=silent)
    return found


def history_of(streams: list[Stream]) -> History:
    """The earlier values of all streams."""
    sizes = [len(stream.values) for stream in streams]
    units = {stream.unit for stream in streams}
    return History(
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([stream.times_s for stream in streams]),
        np.concatenate([stream.values for stream in streams]),
        units.pop() if len(units) == 1 else "",
    )


def _stream(thing: dict[str, Any], stream: dict[str, Any], place: tuple[float, float]) -> Stream | None:
    observations = [
        (moment, entry.get("result"))
        for entry in _entries(stream.get("Observations"))
        if (moment := _moment(entry.get("phenomenonTime"))) is not None
    ]
    if not observations:
        return None
    observations.sort(key=lambda observation: observation[0])
    numbers = np.array([_number(result) for _, result in observations])
    times = np.array([moment.timestamp() for moment, _ in observations])
    usable = np.isfinite(numbers)
    unit = stream.get("unitOfMeasurement")
    unit = unit if isinstance(unit, dict) else {}
    prop = stream.get("ObservedProperty")
    quantity = _text(prop.get("name")) if isinstance(prop, dict) else ""
    name = _text(stream.get("name"))
    moment, result = observations[-1]
    return Stream(
        _text(thing.get("name")) or name,
        name,
        _text(stream.get("description")),
        quantity or _text(unit.get("name")) or name or "–",
        _text(unit.get("symbol")),
        place if not math.isnan(place[0]) else _middle(stream.get("observedArea")),
        moment,
        float(numbers[-1]),
        "" if math.isfinite(numbers[-1]) else _text(result),
        times[usable],
        numbers[usable],
    )


def _entries(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _place(thing: dict[str, Any]) -> tuple[float, float]:
    for location in _entries(thing.get("Locations")):
        found = _middle(location.get("location"))
        if not math.isnan(found[0]):
            return found
    return _NOWHERE


def _middle(value: object) -> tuple[float, float]:
    """Longitude and latitude of a point in a GeoJSON geometry or feature; NaN where there is none."""
    import orjson
    import shapely

    if isinstance(value, dict) and isinstance(value.get("geometry"), dict):
        value = value["geometry"]
    if not isinstance(value, dict):
        return _NOWHERE
    shape = shapely.from_geojson(orjson.dumps(value).decode("utf-8"), on_invalid="ignore")
    if shape is None or shapely.is_empty(shape):
        return _NOWHERE
    coordinates = shapely.get_coordinates(shape)
    if not np.isfinite(coordinates).all() or np.abs(coordinates).max() > 360:
        return _NOWHERE
    middle = shapely.centroid(shape)
    return float(middle.x), float(middle.y)


def _moment(value: object) -> datetime | None:
    """A moment, or the end of a span of time."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.rpartition("/")[2])
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return moment if 1970 < moment.year < 9999 else None


def _number(value: object) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _text(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())[:MAX_TEXT]
