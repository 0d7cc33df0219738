"""Sensors of an OGC SensorThings server around the city: one symbol per datastream, coloured by its last value."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from viewer.plugin_api import (
    Issue,
    LimitError,
    PointLayer,
    ReadContext,
    ReadError,
    Severity,
    SourceFile,
    area_in,
    credited,
    date_text,
    looks_like_source,
    read_source,
    wanted_area,
)

from .ask import things
from .streams import Stream, history_of, streams_of

#: Values arrive so often unless the source file says otherwise, seconds; asking more often than this is rude.
USUAL_S, OFTEN_S = 300.0, 10.0
#: Datastreams of one thing stand in a circle of this radius, so that each can be clicked, metres.
_APART_M = 3.0
_MAX_NAMES = 12
#: Largest saved answer, bytes.
MAX_ANSWER = 256 << 20


def looks_like_sensors(head: bytes) -> float:
    """How sure this is a source file of a SensorThings server."""
    return 1.0 if looks_like_source(head) == "sensorthings" else 0.0


def read(path: Path, context: ReadContext) -> list[PointLayer]:
    """The datastreams of one measured quantity around the city, the most frequent one unless a person chose another."""
    source = read_source(path)
    area = wanted_area(context)
    found = things(source, area_in(context, area, "EPSG:4326"), context)
    streams = streams_of(found, context)
    lonlat = np.array([stream.lonlat for stream in streams]).reshape(-1, 2)
    context.warn("{count} sensors have no place and were left out.", count=int(np.isnan(lonlat).any(axis=1).sum()))
    local = context.place(lonlat, "EPSG:4326")[:, :2] if np.isfinite(lonlat).any() else lonlat
    with np.errstate(invalid="ignore"):
        near = ((local >= area[0]) & (local <= area[1])).all(axis=1)
    if not near.any():
        raise ReadError("There are no sensors with a value around the city.")
    streams, local = [stream for stream, kept in zip(streams, near, strict=True) if kept], local[near]
    chosen = _quantity(streams, source, context)
    of_it = np.array([stream.quantity == chosen for stream in streams])
    streams, local = [stream for stream, kept in zip(streams, of_it, strict=True) if kept], local[of_it]
    layer = _layer(source, chosen, streams, _spread(local))
    return credited([replace(layer, refresh_s=_interval(source))], context, source.credit)


def looks_like_answer(head: bytes) -> float:
    """How sure this is a saved answer of a SensorThings server."""
    return 0.95 if b'"@iot.' in head and b'"Datastreams"' in head else 0.0


def read_answer(path: Path, context: ReadContext) -> PointLayer:
    """The datastreams of an answer somebody saved: things with their datastreams and observations."""
    if path.stat().st_size > MAX_ANSWER:
        raise LimitError("This file is larger than {limit} MB.", path=path, limit=MAX_ANSWER >> 20)
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ReadError("This is no answer of a SensorThings server.", path=path) from error
    entries = value.get("value", [value]) if isinstance(value, dict) else value
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    streams = streams_of(found, context)
    lonlat = np.array([stream.lonlat for stream in streams]).reshape(-1, 2)
    placed = np.isfinite(lonlat).all(axis=1)
    context.warn("{count} sensors have no place and were left out.", count=int((~placed).sum()))
    if not placed.any():
        raise ReadError("There are no sensors with a value in this file.", path=path)
    chosen = _quantity([s for s, there in zip(streams, placed, strict=True) if there], SourceFile("", ""), context)
    kept = np.array([there and s.quantity == chosen for s, there in zip(streams, placed, strict=True)])
    local = context.place(lonlat[kept], "EPSG:4326")[:, :2]
    streams = [stream for stream, there in zip(streams, kept, strict=True) if there]
    return _layer(SourceFile("", "", path.stem), chosen, streams, _spread(local))


def _quantity(streams: list[Stream], source: SourceFile, context: ReadContext) -> str:
    """What is shown: a person's choice, the source file's, or what most sensors measure."""
    names, counts = np.unique([stream.quantity for stream in streams], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    ranked = [str(names[k]) for k in order]
    wanted = context.options.get("property", "") or source.settings.get("property", "")
    if wanted:
        if wanted not in ranked:
            raise ReadError(
                "No sensor around the city measures {name}.",
                hint="Measured are: {names}.",
                name=wanted[:80],
                names=", ".join(ranked[:_MAX_NAMES]),
            )
        return wanted
    if len(ranked) > 1:
        context.questions["property"] = ranked[0]
        context.info("Also measured here: {names}.", names=", ".join(ranked[1:_MAX_NAMES]))
    return ranked[0]


def _layer(source: SourceFile, quantity: str, streams: list[Stream], local: np.ndarray) -> PointLayer:
    text = np.dtypes.StringDType()
    newest = max(stream.moment for stream in streams)
    columns = {
        "name": np.array([stream.thing for stream in streams], text),
        "datastream": np.array([stream.name for stream in streams], text),
        "value": np.array([stream.value for stream in streams]),
        "result": np.array([stream.result for stream in streams], text),
        "unit": np.array([stream.unit for stream in streams], text),
        "time": np.array([date_text(stream.moment) for stream in streams], text),
        "description": np.array([stream.description for stream in streams], text),
    }
    numeric = np.isfinite(columns["value"])
    if numeric.all():
        del columns["result"]
    return PointLayer(
        source.title or quantity,
        np.column_stack([local, np.full(len(local), np.nan)]),
        attributes=columns,
        style_column="value" if numeric.any() else "result",
        label_column="name",
        history=history_of(streams),
        note=Issue(Severity.INFO, "Last value {date}", values={"date": date_text(newest)}),
    )


def _spread(local: np.ndarray) -> np.ndarray:
    """The same places, those that coincide moved apart in a small circle."""
    _, which, counts = np.unique(np.round(local, 1), axis=0, return_inverse=True, return_counts=True)
    which = which.ravel()
    order = np.argsort(which, kind="stable")
    rank = np.empty(len(local), np.int64)
    rank[order] = np.arange(len(local)) - np.repeat(np.cumsum(counts) - counts, counts)
    several = counts[which]
    angle = 2 * np.pi * rank / several
    circle = np.column_stack([np.sin(angle), np.cos(angle)]) * _APART_M
    return np.asarray(local + np.where(several[:, None] > 1, circle, 0.0))


def _interval(source: SourceFile) -> float:
    try:
        seconds = float(source.settings.get("refresh_s", USUAL_S))
    except ValueError:
        seconds = USUAL_S
    return max(OFTEN_S, seconds) if seconds > 0 else 0.0
