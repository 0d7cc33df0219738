"""Grids as text of three columns: east, north, height of each node, in any order, gaps allowed."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np

from viewer.plugin_api import LimitError, ReadContext, ReadError

from .grid import MAX_SIDE, Grid

_BLOCK = 16 * 1024**2
_MOST_POINTS = 60_000_000
_LINE = re.compile(rb"^\s*[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?(?:[\s;]+|,\s*)[-+]?\d+", re.MULTILINE)


def begins_like(head: bytes) -> bool:
    """Whether the first lines hold three numbers each, after at most one line of names."""
    lines = [line for line in head[:8192].splitlines()[:-1] if line.strip() and not line.startswith(b"#")]
    if len(lines) < 3:
        return False
    return all(_is_row(line) for line in lines[1:20])


def _is_row(line: bytes) -> bool:
    words = _words(line)
    try:
        return len(words) >= 3 and all(np.isfinite(float(word)) for word in words[:3])
    except ValueError:
        return False


def _words(line: bytes) -> list[bytes]:
    if b";" in line or b"\t" in line:
        line = line.replace(b",", b".")
    return line.replace(b";", b" ").replace(b",", b" ").split()


def read(stream: io.BufferedReader, path: Path, context: ReadContext) -> Grid:
    """The nodes sorted into a grid; a fine grid that is too large keeps every n-th node.

    Raises
    ------
    ReadError, LimitError
        It is no regular grid, or too large.
    """
    context.facts["format"] = "XYZ grid"
    parts: list[np.ndarray] = []
    spacing: tuple[float, float] | None = None
    start = (0.0, 0.0)
    step, bad, seen = 1, 0, 0
    for rows, wrong in _rows(stream):
        bad += wrong
        seen += len(rows)
        if spacing is None and len(rows):
            spacing, start = (_spacing(rows[:, 0]), _spacing(rows[:, 1])), (rows[0, 0], rows[0, 1])
        if step > 1 and spacing is not None:
            rows = rows[_every(rows, start, spacing, step)]
        parts.append(rows)
        while sum(map(len, parts)) > MAX_SIDE**2 and spacing is not None:
            step *= 2
            parts = [part[_every(part, start, spacing, step)] for part in parts]
        if seen > 40 * _MOST_POINTS:
            raise LimitError(
                "This grid has more than {limit} million heights.", path=path, limit=40 * _MOST_POINTS // 1_000_000
            )
        context.progress.report(0.05 + 0.6 * (1 - 1 / (1 + seen / 5e6)), "Reading the heights")
    points = np.concatenate(parts) if parts else np.empty((0, 3))
    context.warn("Lines that are no three numbers, left out: {count}", count=bad)
    if len(points) < 4:
        raise ReadError("There are no heights of ground in this file.", path=path)
    return _sorted_in(points, path, context, step)


def _rows(stream: io.BufferedReader):
    """Blocks of (n, 3) float64 rows, and how many lines of each are no rows."""
    import pandas

    first = True
    rest = b""
    separator, decimal = r"\s+", "."
    while True:
        data = stream.read(_BLOCK)
        text = rest + data
        cut = text.rfind(b"\n") + 1 if data else len(text)
        text, rest = text[:cut], text[cut:]
        if text.strip():
            if first:
                text = text.removeprefix(b"\xef\xbb\xbf")
                separator, decimal, skip = _dialect(text)
                text = text.split(b"\n", 1)[1] if skip else text
                first = False
            if decimal == ",":
                text = text.replace(b",", b".")
            table = pandas.read_csv(
                io.BytesIO(text), sep=separator, header=None, usecols=[0, 1, 2], comment="#",
                on_bad_lines="skip", skipinitialspace=True, engine="c", encoding="latin-1", low_memory=False,
                index_col=False,
            )  # fmt: skip
            columns = [np.asarray(pandas.to_numeric(table[k], errors="coerce"), np.float64) for k in range(3)]
            rows = np.column_stack(columns)
            good = np.isfinite(rows).all(axis=1)
            wrong = int((~good).sum())
            if wrong or len(rows) != text.count(b"\n") + (not text.endswith(b"\n")):
                wrong = sum(1 for line in text.splitlines() if line.strip() and line[:1] != b"#") - int(good.sum())
            yield rows[good], wrong
        if not data:
            return


def _dialect(text: bytes) -> tuple[str, str, bool]:
    """Separator, decimal sign, and whether the first line holds names."""
    lines = [line for line in text[:8192].splitlines() if line.strip() and not line.startswith(b"#")]
    sample = lines[min(1, len(lines) - 1)]
    skip = not _is_row(lines[0])
    if b";" in sample:
        return ";", "," if b"," in sample else ".", skip
    if b"\t" in sample or not (b"," in sample and len(sample.split(b",")) >= 3):
        return r"\s+", "," if b"," in sample else ".", skip
    return ",", ".", skip


def _spacing(values: np.ndarray) -> float:
    """The usual step between neighbouring values of a grid's axis; 0 where there is one value only."""
    steps = np.diff(np.unique(np.round(values[:2_000_000], 4)))
    steps = steps[steps > 1e-6]
    return float(np.median(steps)) if len(steps) else 0.0


def _every(rows: np.ndarray, start: tuple[float, float], spacing: tuple[float, float], step: int) -> np.ndarray:
    """Which rows lie on every ``step``-th line and column."""
    keep = np.ones(len(rows), bool)
    for axis in (0, 1):
        if spacing[axis] > 0:
            keep &= np.rint((rows[:, axis] - start[axis]) / spacing[axis]).astype(np.int64) % step == 0
    return keep


def _sorted_in(points: np.ndarray, path: Path, context: ReadContext, step: int) -> Grid:
    dx, dy = _spacing(points[:, 0]), _spacing(points[:, 1])
    dx, dy = dx or dy, dy or dx
    if not dx > 0:
        raise ReadError("The points of this file do not lie on a regular grid.", path=path)
    low = points[:, :2].min(axis=0)
    columns, rows = (np.rint((points[:, :2].max(axis=0) - low) / (dx, dy)).astype(np.int64) + 1).tolist()
    if min(columns, rows) < 2 or columns * rows > max(20 * len(points), 10_000) or max(columns, rows) > 4 * MAX_SIDE:
        raise ReadError(
            "The points of this file do not lie on a regular grid.",
            hint="Open it as points, or make a grid of it first.",
            path=path,
        )
    column = np.rint((points[:, 0] - low[0]) / dx).astype(np.int64)
    row = np.rint((points[:, 1] - low[1]) / dy).astype(np.int64)
    off = np.abs(points[:, 0] - low[0] - column * dx) > 0.25 * dx
    off |= np.abs(points[:, 1] - low[1] - row * dy) > 0.25 * dy
    if off.mean() > 0.1:
        raise ReadError(
            "The points of this file do not lie on a regular grid.",
            hint="Open it as points, or make a grid of it first.",
            path=path,
        )
    context.warn("Points beside the grid, left out: {count}", count=int(off.sum()))
    heights = np.full((rows, columns), np.nan, np.float32)
    keep = ~off & (points[:, 2] > -9000)
    heights[row[keep], column[keep]] = points[keep, 2]
    if step > 1:
        context.info("The grid is large: every {n}th height along each axis was kept.", n=step)
    return Grid(heights, np.array([[dx, 0.0, low[0]], [0.0, dy, low[1]]]), "", "", 1)
