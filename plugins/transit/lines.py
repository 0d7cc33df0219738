"""The courses of lines, from shapes or else from the order of their stops, with runs and departures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from viewer.plugin_api import LimitError, ReadContext, number_column

from .feed import Feed

MAX_STOP_TIMES = 60_000_000
WGS84 = "EPSG:4326"


@dataclass(eq=False)
class Lines:
    """n courses. xy : (V, 2) local metres; start : (n + 1,); runs : (n,) a day; departures : (stops,) a day."""

    xy: np.ndarray
    start: np.ndarray
    route_ids: list[str]
    runs: np.ndarray
    departures: np.ndarray


def runs_of_lines(feed: Feed, trips, stops, runs: np.ndarray, stop_xy: np.ndarray, context: ReadContext) -> Lines:
    """One course per line and shape; per line and order of stops where a trip has no shape."""
    trip, stop, no_entry = _stop_times(feed, trips, stops, context)
    count = np.bincount(trip, minlength=len(trips))
    first = np.cumsum(count) - count
    last = np.zeros(len(trip), dtype=bool)
    last[(first + count - 1)[count > 0]] = True
    departures = np.bincount(stop, weights=runs[trip] * ~(last | no_entry), minlength=len(stops))
    context.progress.report(0.8, "Drawing lines")
    shape_xy, shape_start, shape_row = _shapes(feed, context)
    route_ids = trips["route_id"].tolist()
    shape_of = [shape_row.get(name, -1) for name in trips["shape_id"].tolist()]
    usable = np.isfinite(stop_xy).all(axis=1)
    courses: dict[tuple[str, object], list] = {}
    for row, (route, shape) in enumerate(zip(route_ids, shape_of, strict=True)):
        own = stop[first[row] : first[row] + count[row]]
        key = (route, shape if shape >= 0 else own.tobytes())
        known = courses.get(key)
        if known is None:
            points = shape_xy[shape_start[shape] : shape_start[shape + 1]] if shape >= 0 else stop_xy[own[usable[own]]]
            known = courses[key] = [points, 0.0]
        known[1] += runs[row]
    drawn = [(route, points, total) for (route, _), (points, total) in courses.items() if len(points) >= 2]
    sizes = [len(points) for _, points, _ in drawn]
    return Lines(
        np.concatenate([points for _, points, _ in drawn] or [np.zeros((0, 2))]),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        [route for route, _, _ in drawn],
        np.array([total for _, _, total in drawn], dtype=np.float64),
        departures,
    )


def _stop_times(feed: Feed, trips, stops, context: ReadContext) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) trip, stop and whether nobody may get on, sorted by trip and order within it."""
    import pandas

    trip_index, stop_index = pandas.Index(trips["trip_id"]), pandas.Index(stops["stop_id"])
    columns = ("trip_id", "stop_id", "stop_sequence", "pickup_type")
    found: list[tuple[np.ndarray, ...]] = []
    total = lost = 0
    for chunk in feed.chunks("stop_times.txt", columns, needed=columns[:2]):
        total += len(chunk)
        if total > MAX_STOP_TIMES:
            raise LimitError("This timetable has more than {limit} stop times.", limit=f"{MAX_STOP_TIMES:,}")
        trip = trip_index.get_indexer(chunk["trip_id"]).astype(np.int32)
        stop = stop_index.get_indexer(chunk["stop_id"]).astype(np.int32)
        order = number_column(chunk["stop_sequence"].to_numpy().astype(np.dtypes.StringDType())).astype(np.float32)
        known = (trip >= 0) & (stop >= 0)
        lost += int((~known).sum())
        found.append((trip[known], stop[known], order[known], (chunk["pickup_type"] == "1").to_numpy()[known]))
        context.progress.report(0.2 + 0.5 * min(total / 5_000_000, 1.0), "Counting departures")
    context.warn("Stop times of unknown trips or stops, left out: {count}", count=lost)
    if not found:
        none = np.zeros(0, np.int32)
        return none, none, none.astype(bool)
    trip, stop, order, no_entry = (np.concatenate(parts) for parts in zip(*found, strict=True))
    by = np.lexsort([order, trip])
    return trip[by], stop[by], no_entry[by]


def _shapes(feed: Feed, context: ReadContext) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """Points of all shapes in local metres, where each begins, and the row of each id."""
    table = feed.table("shapes.txt", ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"))
    text = np.dtypes.StringDType()
    lon, lat, order = (
        number_column(table[name].to_numpy().astype(text))
        for name in ("shape_pt_lon", "shape_pt_lat", "shape_pt_sequence")
    )
    good = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    context.warn("Points of lines without a position, left out: {count}", count=int((~good).sum()))
    names, shape = np.unique(table["shape_id"].to_numpy().astype(str)[good], return_inverse=True)
    by = np.lexsort([order[good], shape])
    lon_lat = np.column_stack([lon, lat])[good][by]
    xy = context.place(lon_lat, WGS84)[:, :2] if len(lon_lat) else lon_lat
    start = np.concatenate([[0], np.cumsum(np.bincount(shape, minlength=len(names)))]).astype(np.int64)
    return xy, start, {name: row for row, name in enumerate(names.tolist())}
