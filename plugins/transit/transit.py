"""Public transport timetables (GTFS): stops with departures a day, and lines by means of transport.

Departures and runs are counted for the day with the most trips, which is named. Times of day are not read.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from viewer.plugin_api import Layer, LineLayer, PointLayer, ReadContext, ReadError, number_column

from .calendar import trips_per_day
from .feed import Feed, folder_of, with_feed
from .lines import runs_of_lines

#: Means of transport by GTFS number; extended numbers count by their hundred.
_MODES = {
    0: "Tram", 1: "Underground", 2: "Train", 3: "Bus", 4: "Ferry", 5: "Cable tram", 6: "Cable car", 7: "Funicular",
    11: "Trolleybus", 12: "Monorail",
}  # fmt: skip
_EXTENDED = {1: "Train", 2: "Coach", 3: "Train", 4: "Underground", 5: "Underground", 6: "Underground", 7: "Bus",
             8: "Trolleybus", 9: "Tram", 10: "Ferry", 12: "Ferry", 13: "Cable car", 14: "Funicular",
             15: "Taxi"}  # fmt: skip
WGS84 = "EPSG:4326"


def looks_like_gtfs(path: Path) -> float:
    """How sure an archive is a timetable: by the tables the format demands."""
    try:
        with zipfile.ZipFile(path) as archive:
            return 0.97 if folder_of(archive.namelist()[:10_000]) is not None else 0.0
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError):
        return 0.0


def read_transit(path: Path, context: ReadContext) -> list[Layer]:
    """Lines, then stops, so that stops are drawn above them."""
    return with_feed(path, context, lambda feed: _layers(feed, path, context))


def _layers(feed: Feed, path: Path, context: ReadContext) -> list[Layer]:
    context.progress.report(0.05, "Reading")
    stops = feed.table(
        "stops.txt", ("stop_id", "stop_name", "stop_lat", "stop_lon", "location_type", "parent_station"),
        needed=("stop_id", "stop_lat", "stop_lon"),
    ).drop_duplicates("stop_id", ignore_index=True)  # fmt: skip
    routes = feed.table(
        "routes.txt", ("route_id", "route_short_name", "route_long_name", "route_type", "route_color", "agency_id"),
        needed=("route_id",),
    ).drop_duplicates("route_id", ignore_index=True)  # fmt: skip
    trips = feed.table(
        "trips.txt", ("trip_id", "route_id", "service_id", "shape_id", "direction_id"), needed=("trip_id", "route_id")
    ).drop_duplicates("trip_id", ignore_index=True)
    if not len(stops):
        raise ReadError("There are no stops in this timetable.", path=path)
    lon_lat = np.column_stack([_numbers(stops["stop_lon"]), _numbers(stops["stop_lat"])])
    lon_lat[(np.abs(lon_lat[:, 0]) > 180) | (np.abs(lon_lat[:, 1]) > 90) | (lon_lat == 0).all(axis=1)] = np.nan
    placed = np.isfinite(lon_lat).all(axis=1)
    if not placed.any():
        raise ReadError("No stop in this timetable has a position.", path=path)
    xy = np.full(lon_lat.shape, np.nan)
    xy[placed] = context.place(lon_lat[placed], WGS84)[:, :2]
    runs = trips_per_day(feed, trips, context)
    context.progress.report(0.2, "Counting departures")
    lines = runs_of_lines(feed, trips, stops, runs, xy, context)
    agencies = feed.table("agency.txt", ("agency_id", "agency_name"))
    attribution = ", ".join(dict.fromkeys(name for name in agencies["agency_name"].tolist() if name))[:300]
    layers: list[Layer] = []
    if len(lines.start) > 1:
        layers.append(_line_layer(path.stem, lines, routes, agencies, attribution))
    else:
        context.warn("No line in this timetable has a course.")
    layers.append(_stop_layer(path.stem, stops, xy, lines.departures, attribution, context))
    return layers


def _line_layer(stem: str, lines, routes, agencies, attribution: str) -> LineLayer:
    """One row per line and course."""
    import pandas

    own = routes.set_index("route_id").reindex(lines.route_ids).fillna("")
    names = pandas.Series(agencies["agency_name"].to_numpy(), index=agencies["agency_id"].to_numpy(), dtype=object)
    names = names[~names.index.duplicated()]
    text = np.dtypes.StringDType()
    colours = [f"#{colour.lower().lstrip('#')}" if colour else "" for colour in own["route_color"].tolist()]
    attributes = {
        "route_short_name": own["route_short_name"].to_numpy().astype(text),
        "route_long_name": own["route_long_name"].to_numpy().astype(text),
        "means_of_transport": np.array([_mode(number) for number in own["route_type"].tolist()], dtype=text),
        "runs_per_day": lines.runs,
        "route_color": np.array(colours, dtype=text),
        "operator": names.reindex(own["agency_id"]).fillna("").to_numpy().astype(text),
    }
    modes = len(np.unique(attributes["means_of_transport"]))
    style = "means_of_transport" if modes > 1 else "route_short_name"
    return LineLayer(
        f"{stem}: lines", lines.xy, lines.start, attributes=attributes, attribution=attribution, style_column=style,
        width_m=6.0,
    )  # fmt: skip


def _stop_layer(
    stem: str, stops, xy: np.ndarray, departures: np.ndarray, attribution: str, context: ReadContext
) -> PointLayer:
    """One point per station, or per stop where stops belong to none; entrances and ways inside are left out."""
    kind = np.nan_to_num(_numbers(stops["location_type"]), nan=0.0).astype(np.int64)
    rows = np.arange(len(stops))
    by_id = {stop_id: row for row, stop_id in enumerate(stops["stop_id"].tolist())}
    parent = np.array([by_id.get(stop_id, -1) for stop_id in stops["parent_station"].tolist()], dtype=np.int64)
    here = np.isfinite(xy).all(axis=1)
    inside = (parent >= 0) & (kind == 0)
    inside[inside] = here[parent[inside]] & (kind[parent[inside]] == 1)
    station = np.where(inside, parent, rows)
    total = np.bincount(station, weights=departures, minlength=len(stops))
    shown = (kind == 0) & ~inside | (kind == 1) & np.isin(rows, station[inside])
    context.info("Platforms gathered into their station: {count}", count=int(inside.sum()))
    context.info("Entrances and other places that are no stops, left out: {count}", count=int((~shown & ~inside).sum()))
    context.warn("Stops without a position, left out: {count}", count=int((shown & ~here).sum()))
    shown &= here
    text = np.dtypes.StringDType()
    platforms = np.bincount(station, minlength=len(stops))
    attributes = {
        "name": stops["stop_name"].to_numpy()[shown].astype(text),
        "departures_per_day": total[shown],
        "platforms": np.where(kind[shown] == 1, platforms[shown] - 1, 1).astype(np.float64),
        "stop_id": stops["stop_id"].to_numpy()[shown].astype(text),
    }
    return PointLayer(
        f"{stem}: stops", np.column_stack([xy[shown], np.full(int(shown.sum()), np.nan)]), attributes=attributes,
        attribution=attribution, style_column="departures_per_day", size_column="departures_per_day",
        label_column="name",
    )  # fmt: skip


def _numbers(column) -> np.ndarray:
    return number_column(column.to_numpy().astype(np.dtypes.StringDType()))


def _mode(number: str) -> str:
    if not number.strip().isdigit() or len(number.strip()) > 4:
        return "Other"
    value = int(number)
    return _MODES.get(value) or _EXTENDED.get(value // 100, "Other")
