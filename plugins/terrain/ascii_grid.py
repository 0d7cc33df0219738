"""ESRI ASCII grids: a short header, then heights row by row from the north."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np

from viewer.plugin_api import LimitError, ReadContext, ReadError

from .grid import Grid, block_means, thinned_matrix, thinning
from .numbers import floats

_BLOCK = 8 * 1024**2
_MOST_NODES = 1_000_000_000
_KEYS = {
    "ncols", "nrows", "xllcorner", "yllcorner", "xllcenter", "yllcenter", "cellsize", "dx", "dy", "nodata_value",
    "nodata",
}  # fmt: skip
_HEADER = re.compile(rb"\s*(ncols|nrows)\s+\d+", re.IGNORECASE)


def begins_like(head: bytes) -> bool:
    """Whether a file begins with the header of such a grid."""
    return bool(_HEADER.match(head.removeprefix(b"\xef\xbb\xbf")))


def read(stream: io.BufferedReader, path: Path, context: ReadContext) -> Grid:
    """The heights, averaged in blocks where the grid is large.

    Raises
    ------
    ReadError, LimitError
        The header makes no sense or claims too much.
    """
    context.facts["format"] = "ESRI ASCII grid"
    header, rest = _header(stream, path)
    columns, rows = int(header["ncols"]), int(header["nrows"])
    wide, tall = header.get("dx", header.get("cellsize", 0.0)), header.get("dy", header.get("cellsize", 0.0))
    if min(columns, rows) < 2 or not min(wide, tall) > 0:
        raise _senseless(path)
    if columns * rows > _MOST_NODES:
        raise LimitError(
            "This grid has {count} million heights; {limit} million is the limit.", path=path,
            count=columns * rows // 1_000_000, limit=_MOST_NODES // 1_000_000,
        )  # fmt: skip
    step = thinning(rows, columns)
    heights = np.full((-(-rows // step), -(-columns // step)), np.nan, np.float32)
    nodata = header.get("nodata_value", header.get("nodata", -9999.0))
    bad = got = row = 0
    pending = np.empty(0, np.float32)
    for block in _blocks(stream, rest):
        values, wrong = floats(block)
        bad += wrong
        got += len(values)
        values = values.astype(np.float32)
        values[values == np.float32(nodata)] = np.nan
        pending = np.concatenate([pending, values]) if len(pending) else values
        whole = len(pending) // columns // step * step
        if whole:
            row = _put(heights, row, pending[: whole * columns].reshape(whole, columns), step)
            pending = pending[whole * columns :]
        context.progress.report(0.05 + 0.7 * min(got / (columns * rows), 1.0), "Reading the heights")
        if row * step >= rows:
            break
    if len(pending) and row * step < rows:
        last = np.full((-(-len(pending) // columns), columns), np.nan, np.float32)
        last.ravel()[: len(pending)] = pending
        _put(heights, row, last[: rows - row * step], step)
    context.warn("Heights that are no numbers, left out: {count}", count=bad)
    context.warn("The grid breaks off: {count} heights are missing.", count=max(columns * rows - got, 0))
    x, y = _first_node(header, wide, tall)
    matrix = np.array([[wide, 0.0, x], [0.0, -tall, y + (rows - 1) * tall]])
    return Grid(heights, thinned_matrix(matrix, step), _beside(path), "", step)


def _put(heights: np.ndarray, row: int, block: np.ndarray, step: int) -> int:
    means = block_means(block, step)[: len(heights) - row]
    heights[row : row + len(means)] = means
    return row + len(means)


def _header(stream: io.BufferedReader, path: Path) -> tuple[dict[str, float], bytes]:
    found: dict[str, float] = {}
    for _ in range(12):
        line = stream.readline(2000)
        words = line.replace(b",", b".").split()
        key = words[0].decode("latin-1").removeprefix("ï»¿").lower() if words else ""
        if key not in _KEYS:
            if words:
                break
            continue
        try:
            found[key] = float(words[1])
        except (IndexError, ValueError) as error:
            raise _senseless(path) from error
    corner = ("xllcorner" in found or "xllcenter" in found) and ("yllcorner" in found or "yllcenter" in found)
    if not {"ncols", "nrows"} <= set(found) or not corner or not np.isfinite(list(found.values())).all():
        raise _senseless(path)
    return found, line


def _first_node(header: dict[str, float], wide: float, tall: float) -> tuple[float, float]:
    """The south-western node: the middle of its cell."""
    x = header["xllcenter"] if "xllcenter" in header else header["xllcorner"] + wide / 2
    y = header["yllcenter"] if "yllcenter" in header else header["yllcorner"] + tall / 2
    return x, y


def _blocks(stream: io.BufferedReader, first: bytes):
    """The text in blocks that end between two numbers."""
    rest = first
    while data := stream.read(_BLOCK):
        data = rest + data
        cut = max(data.rfind(b" "), data.rfind(b"\n"), data.rfind(b"\t")) + 1
        if cut:
            yield data[:cut]
        rest = data[cut:]
    if rest:
        yield rest


def _beside(path: Path) -> str:
    """The coordinate system in a ``.prj`` file beside the grid, "" for none."""
    beside = path.with_suffix(".prj")
    try:
        return beside.read_text(encoding="utf-8")[:20_000] if beside.is_file() else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _senseless(path: Path) -> ReadError:
    return ReadError(
        "The header of this grid makes no sense.",
        hint="It needs ncols, nrows, xllcorner, yllcorner and cellsize.",
        path=path,
    )
