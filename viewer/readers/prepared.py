"""Reads a prepared city (``.city`` folder) as if it were a file; what is in it is decided in ``store``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from viewer.city import CityModel, Frame
from viewer.city.cut import without_damage
from viewer.city.tiles import LEFT_OUT_TEXT
from viewer.errors import CrsError
from viewer.plugin_api import ReadContext
from viewer.readers.store.city import open_store
from viewer.readers.store.folder import FORMAT, MANIFEST


def looks_like_prepared(path: Path, head: bytes) -> float:
    """How sure we are that this is the manifest of a prepared city."""
    return 1.0 if path.name == MANIFEST and FORMAT.encode() in head[:200] else 0.0


def read_prepared(path: Path, context: ReadContext) -> CityModel:
    """The city whose manifest is ``path``, with the findings of its first reading.

    Raises
    ------
    ReadError
        It is damaged, half written or of another version.
    CrsError
        It cannot be brought into the frame of the open city.
    """
    stored = open_store(path.parent, context.log)
    report = stored.report
    for issue in report.issues:
        values = {name: value for name, value in issue.values.items() if name not in ("where", "count")}
        context.log.add(issue.severity, issue.text, where=issue.where, count=issue.count, **values)
    context.questions.update(stored.questions)
    context.facts.update(format=report.format, version=report.version, crs=report.crs, vertical_crs=report.vertical_crs)
    city = _into(stored.city, context)
    if city is stored.city:
        same_lod = context.options.get("lod", "") == stored.options.get("lod", "")
        context.ready = stored.ready if same_lod else {}  # what was derived belongs to one level of detail
        context.log.faults.extend(report.faults)
    return city


def _into(city: CityModel, context: ReadContext) -> CityModel:
    """The city in the context's frame; the same where there is none yet or it is that one."""
    frame = context.frame
    if frame == Frame() or frame == city.frame:
        return city
    city, gone = without_damage(city)  # every place is needed now
    if gone:
        context.warn(LEFT_OUT_TEXT, count=gone)
    points = city.frame.crs_from_local(city.positions_local)
    if city.frame.crs and frame.crs and city.frame.crs != frame.crs:
        points = context.transform(points, city.frame.crs, frame.crs)
    positions = frame.local_from_crs(points).astype(np.float32)
    if len(positions) and not np.isfinite(positions).all():
        raise CrsError(
            "This prepared city cannot be brought into the coordinate system of the open one ({crs}).",
            hint="Open it on its own.",
            crs=frame.crs,
        )
    return replace(city, frame=frame, positions_local=positions, tiles=None)
