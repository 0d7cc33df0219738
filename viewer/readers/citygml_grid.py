"""A grid of heights in GML (``RectifiedGridCoverage``) -> its nodes. Heights in other files are named, not read."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewer.readers.citygml_names import HREF
from viewer.readers.citygml_numbers import RING_MARK, numbers_in, parse_runs

Element = Any
Floats = NDArray[np.float64]

#: Elements around all heights of a grid.
_LISTS = ("{*}tupleList", "{*}doubleOrNilReasonTupleList", "{*}doubleOrNullTupleList", "{*}QuantityList")
_FILES = ("{*}fileName", "{*}fileReference")
_NO_DATA = ("{*}nilValue", "{*}nilValues", "{*}nullValue", "{*}noDataValue")
#: What programs write for an unknown height without saying so, and how high nothing is, metres.
_UNSAID = (-9999.0, -99999.0, -32768.0, -32767.0)
_TOO_HIGH_M = 100_000.0
#: Larger than any coordinate.
_HUGE = 1e12
_ORDER = re.compile(r"([+-]?)\s*([12xy])", re.IGNORECASE)
_AXES = {"1": 0, "x": 0, "2": 1, "y": 1}


class Grid(NamedTuple):
    """Nodes of a grid, row by row. points : (rows * columns, 3), heights NaN where unknown. shape : rows, columns."""

    points: Floats
    shape: tuple[int, int]


class _Scan(NamedTuple):
    """In which order heights follow each other: the axis that changes fastest, and whether axes run backwards."""

    fast: int
    backwards: tuple[bool, bool]


def file_of(relief: Element) -> str:
    """The file in which the heights of a ``RasterRelief`` lie, empty if they are written where they belong."""
    for name in relief.iter(*_FILES):
        return (name.text or name.get(HREF) or "").strip()
    grid = next(relief.iter("{*}grid"), None)
    return "" if grid is None or len(grid) else str(grid.get(HREF) or "").strip()


def grid_of(relief: Element, most: int) -> tuple[Grid | None, int]:
    """The grid of a ``RasterRelief``, None where it is damaged, and every how many-th node was taken.

    most : nodes that may be in it about; others are left out evenly.
    """
    frame = _frame(next(relief.iter("{*}RectifiedGrid"), None))
    if frame is None:
        return None, 1
    low, high, origin, steps = frame
    size = high - low + 1
    heights = _heights(relief)
    if len(heights) != int(size[0]) * int(size[1]):  # before anything as large as the file says is made
        return None, 1
    scan = _scan(relief, low, high)
    slow = 1 - scan.fast
    every = max(1, int(np.ceil(np.sqrt(len(heights) / most))))
    kept = [evenly(int(size[axis]), every) for axis in (slow, scan.fast)]
    numbers = [
        high[axis] - own if scan.backwards[axis] else low[axis] + own
        for axis, own in zip((slow, scan.fast), kept, strict=True)
    ]
    place = origin + numbers[0][:, None, None] * steps[slow] + numbers[1][None, :, None] * steps[scan.fast]
    if not (np.abs(place) < _HUGE).all():
        return None, 1
    chosen = heights.reshape(int(size[slow]), int(size[scan.fast]))[np.ix_(*kept)]
    shape = (len(kept[0]), len(kept[1]))
    return Grid(np.concatenate([place, chosen[..., None]], axis=2).reshape(-1, 3), shape), every


def evenly(count: int, every: int) -> NDArray[np.int64]:
    """Every so many-th of a row of things, with the last."""
    return np.unique(np.append(np.arange(0, count, every), count - 1))


def _frame(
    grid: Element | None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats] | None:
    """Lowest and highest number of both axes (2,), place of node 0 0 (2,) and the steps along the axes (2, 2)."""
    if grid is None:
        return None
    limits = [numbers_in(next(grid.iter(name), None)) for name in ("{*}low", "{*}high")]
    origin = next((numbers_in(point) for point in grid.iter("{*}origin")), np.zeros(0))
    steps = [numbers_in(vector) for vector in grid.iter("{*}offsetVector")]
    if len(steps) != 2 or min(len(own) for own in (*limits, *steps, origin)) < 2 or len(limits[0]) != len(limits[1]):
        return None
    low, high = limits
    spans = np.array([own[:2] for own in steps])
    if len(low) != 2 or not (np.abs([*low, *high, *origin[:2], *spans.ravel()]) < _HUGE).all():
        return None
    area = abs(spans[0, 0] * spans[1, 1] - spans[0, 1] * spans[1, 0])
    if (high <= low).any() or area <= 1e-9 * np.hypot(*spans[0]) * np.hypot(*spans[1]):
        return None
    return low.astype(np.int64), high.astype(np.int64), origin[:2], spans


def _scan(relief: Element, low: NDArray[np.int64], high: NDArray[np.int64]) -> _Scan:
    """The order in which the heights follow: the first axis changes fastest, from low to high, unless it is said."""
    rule = next(relief.iter("{*}sequenceRule"), None)
    start = numbers_in(next(relief.iter("{*}startPoint"), None))
    said = "" if rule is None else str(rule.get("axisOrder") or rule.get("order") or "")
    axes = [(_AXES[name.lower()], sign == "-") for sign, name in _ORDER.findall(said)]
    if sorted(axis for axis, _ in axes) == [0, 1]:
        signs = dict(axes)
        return _Scan(axes[0][0], (signs[0], signs[1]))
    from_end = len(start) == 2
    return _Scan(0, (from_end and start[0] == high[0], from_end and start[1] == high[1]))


def _heights(relief: Element) -> Floats:
    """All heights in the order of the file, NaN where one is unknown."""
    element = next(relief.iter(*_LISTS), None)
    if element is None:
        return np.zeros(0)
    text = element.text or ""
    decimal, between = element.get("decimal") or ".", element.get("cs") or ","
    text = text.replace(",", ".") if decimal == "," else text.replace(between, " ").replace(",", " ")
    values, _ = parse_runs([RING_MARK, text], 1)
    unknown = [*_UNSAID, *(value for own in relief.iter(*_NO_DATA) for value in numbers_in(own).tolist())]
    values = np.where(np.isin(values, unknown) | ~(np.abs(values) < _TOO_HIGH_M), np.nan, values)
    return np.asarray(values)
