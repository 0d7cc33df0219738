"""What is repaired or left out while a city is put together, told to the data check with all ids and places.

``assemble`` decides what becomes of faulty rings and faces; how faults are told is decided in ``city.quality``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city.report import Fault
from viewer.plugin_api.context import ReadContext
from viewer.plugin_api.raw import RawCity

#: Rings whose ends are nearer than this are closed, metres.
_SNAP_M = 0.001


def note_repeated_ids(context: ReadContext, ids: list[str]) -> None:
    """Objects whose id another one has already."""
    context.log.faults.append(Fault("O01", tuple(ids), np.full((len(ids), 3), np.nan)))


def note_rings(
    positions: NDArray[np.float32], keep: NDArray[np.bool_], ring_ok: NDArray[np.bool_],
    raw: RawCity, ids: list[str], context: ReadContext,
) -> None:  # fmt: skip
    """Note for the data check what becomes invisible here: short rings, repeated points, rings left open."""
    start = np.asarray(raw.ring_start[:-1], dtype=np.int64)
    end = np.asarray(raw.ring_start[1:], dtype=np.int64)
    ring_object = np.asarray(raw.face_object)[np.asarray(raw.ring_face)]
    short = np.flatnonzero(~ring_ok)
    if len(short):
        places = np.full((len(short), 3), np.nan)
        some = end[short] > start[short]
        places[some] = positions[start[short[some]]]
        note_faults(context, "101", ring_object[short], places, ids, lost=True)
    closes = raw.format == "CityGML"
    repeated = ~keep
    filled = end > start
    if closes:
        repeated[end[filled] - 1] = False
        last = np.flatnonzero(filled & ring_ok & (end - start > 2))
        last = last[keep[end[last] - 1]]  # the others end where they begin, to the last bit
        with np.errstate(invalid="ignore"):  # places that are no numbers
            gap = positions[end[last] - 1].astype(np.float64) - positions[start[last]]
        left_open = last[np.abs(gap).max(axis=1, initial=0.0) >= _SNAP_M]
        note_faults(context, "103", ring_object[left_open], positions[start[left_open]], ids)
    repeated &= np.repeat(ring_ok, end - start)
    if repeated.any():
        points = np.flatnonzero(repeated)
        ring = np.searchsorted(end, points, side="right")
        note_faults(context, "102", ring_object[ring], positions[points], ids)


def note_without_area(
    context: ReadContext, bad: NDArray[np.bool_], positions: NDArray[np.float32], face_start: NDArray[np.int32],
    face_object: NDArray[np.integer], ids: list[str],
) -> None:  # fmt: skip
    """Tell apart faces whose points are one or lie in a line, and outlines whose halves cancel out, as in a bow tie."""
    faces = np.flatnonzero(bad)
    sizes = np.diff(face_start)[faces]
    points = positions[np.repeat(bad, np.diff(face_start))].astype(np.float64)
    starts = np.cumsum(sizes) - sizes
    points -= np.repeat(np.add.reduceat(points, starts) / sizes[:, None], sizes, axis=0)
    spread = np.linalg.eigvalsh(np.add.reduceat(points[:, :, None] * points[:, None, :], starts) / sizes[:, None, None])
    crossed, spot = spread[:, 1] > _SNAP_M**2, spread[:, 2] <= _SNAP_M**2
    for code, some in (("101", faces[spot]), ("104", faces[crossed]), ("F01", faces[~(crossed | spot)])):
        note_faults(context, code, face_object[some], positions[face_start[some]], ids, lost=True)


def note_faults(
    context: ReadContext, code: str, objects: NDArray[np.integer], places: NDArray[np.floating], ids: list[str],
    *, lost: bool = False,
) -> None:  # fmt: skip
    """Tell the data check of faults of objects (n,) at places (n, 3)."""
    if len(objects):
        names = tuple(ids[i] for i in objects.tolist())
        context.log.faults.append(Fault(code, names, np.asarray(places, dtype=np.float64), lost))
