"""How often each trip runs on the day with the most trips, from calendars and frequencies."""

from __future__ import annotations

import numpy as np

from viewer.plugin_api import ReadContext

from .feed import Feed

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: Longest time a timetable is looked at, days.
_MOST_DAYS = 1500


def trips_per_day(feed: Feed, trips, context: ReadContext) -> np.ndarray:
    """(n,) runs of each trip on the busiest day; 1 for all of them where there is no calendar."""
    runs = _frequencies(feed, trips)
    services, service_of = np.unique(trips["service_id"].to_numpy().astype(str), return_inverse=True)
    weight = np.bincount(service_of, weights=runs, minlength=len(services))
    index = {service: row for row, service in enumerate(services.tolist())}
    regular = feed.table("calendar.txt", ("service_id", *_DAYS, "start_date", "end_date"))
    single = feed.table("calendar_dates.txt", ("service_id", "date", "exception_type"))
    first, last = _dates(regular["start_date"]), _dates(regular["end_date"])
    dates = _dates(single["date"])
    known = np.concatenate([first, last, dates])
    known = known[~np.isnat(known)]
    if not len(known):
        context.warn("The timetable has no calendar; all trips are counted as of one day.")
        return runs
    start = known.min()
    days = start + np.arange(min(int((known.max() - start).astype(int)) + 1, _MOST_DAYS))
    weekday = (days.astype("datetime64[D]").astype(int) + 3) % 7  # day 0 was a Thursday
    active = np.zeros((len(services), len(days)), dtype=bool)
    week = (
        np.column_stack([regular[day].to_numpy() == "1" for day in _DAYS]) if len(regular) else np.zeros((0, 7), bool)
    )
    for row, service in enumerate(regular["service_id"].tolist()):
        if service in index:
            active[index[service]] |= (days >= first[row]) & (days <= last[row]) & week[row][weekday]
    service = np.array([index.get(name, -1) for name in single["service_id"].tolist()], dtype=np.int64)
    with np.errstate(invalid="ignore"):
        usable = (service >= 0) & ~np.isnat(dates)
        usable[usable] &= (dates[usable] - start).astype(int) < len(days)
    at = (dates[usable] - start).astype(int)
    kind = single["exception_type"].to_numpy()[usable]
    for code, value in (("1", True), ("2", False)):
        active[service[usable][kind == code], at[kind == code]] = value
    total = weight @ active
    busiest = int(np.argmax(total))
    if total[busiest] <= 0:
        context.warn("No trip runs on any day of the calendar; all trips are counted as of one day.")
        return runs
    context.info("Departures are counted for {date}, the day with the most trips.", date=str(days[busiest]))
    return runs * active[service_of, busiest]


def _frequencies(feed: Feed, trips) -> np.ndarray:
    """(n,) how often each trip is repeated within a day."""
    table = feed.table("frequencies.txt", ("trip_id", "start_time", "end_time", "headway_secs"))
    runs = np.ones(len(trips))
    if not len(table):
        return runs
    index = {trip: row for row, trip in enumerate(trips["trip_id"].tolist())}
    trip = np.array([index.get(name, -1) for name in table["trip_id"].tolist()], dtype=np.int64)
    span = _seconds(table["end_time"]) - _seconds(table["start_time"])
    headway = np.array([float(cell) if cell.strip().isdigit() else np.nan for cell in table["headway_secs"].tolist()])
    usable = (trip >= 0) & (span > 0) & (headway >= 1)
    repeated = np.bincount(trip[usable], weights=np.floor(span / headway)[usable].clip(1, 5000), minlength=len(trips))
    return np.where(repeated > 0, repeated, runs)


def _seconds(column) -> np.ndarray:
    """Seconds of times such as ``25:10:00``; NaN for anything else."""
    parts = [cell.strip().split(":") for cell in column.tolist()]
    return np.array([
        int(p[0]) * 3600 + int(p[1]) * 60 + int(p[2]) if len(p) == 3 and all(x.isdigit() and len(x) < 4 for x in p)
        else np.nan for p in parts
    ], dtype=np.float64)  # fmt: skip


def _dates(column) -> np.ndarray:
    """(n,) datetime64[D] of dates such as 20240131, NaT for anything else."""
    import pandas

    parsed = pandas.to_datetime(column.astype(str).str.strip(), format="%Y%m%d", errors="coerce")
    return parsed.to_numpy().astype("datetime64[D]")
