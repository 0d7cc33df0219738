"""A grid of heights as a file holds it, thinned where it is large, and brought into the frame of the city."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.plugin_api import ReadContext, ReadError, TerrainLayer

#: Nodes along a side of a terrain that is kept; larger grids are averaged.
MAX_SIDE = 4096
#: What can be ground on this planet, metres.
LOWEST_M, HIGHEST_M = -450.0, 8900.0
#: Feet in metres, by the names files use.
UNITS = {
    "ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "us survey foot": 1200 / 3937, "us-ft": 1200 / 3937,
    "us_survey_foot": 1200 / 3937, "cm": 0.01, "centimetre": 0.01, "mm": 0.001, "dm": 0.1,
}  # fmt: skip
_LATTICE = 33
#: No place on this planet is farther from a city, metres.
_FARTHEST_M, _WIDEST_M = 5.0e7, 1.9e6


@dataclass(frozen=True, eq=False)
class Grid:
    """heights (ny, nx) float32, NaN unknown; matrix (2, 3) from (column, row) of a node to map coordinates.

    vertical : height system as the file names it. thinned : so many nodes became one along each axis.
    """

    heights: np.ndarray
    matrix: np.ndarray
    crs: str = ""
    vertical: str = ""
    thinned: int = 1

    def nodes(self, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        """(n, 2) map coordinates of nodes."""
        return np.column_stack([column, row, np.ones(len(column))]) @ self.matrix.T


def thinning(rows: int, columns: int) -> int:
    """So many nodes along each axis become one."""
    return max(1, -(-max(rows, columns) // MAX_SIDE))


def block_means(heights: np.ndarray, step: int) -> np.ndarray:
    """Means of (step, step) blocks of known heights; NaN where a block knows none. Cut-off blocks are kept."""
    if step == 1:
        return heights
    rows, columns = (-(-n // step) for n in heights.shape)
    padded = np.full((rows * step, columns * step), np.nan, np.float32)
    padded[: heights.shape[0], : heights.shape[1]] = heights
    blocks = padded.reshape(rows, step, columns, step)
    known = np.isfinite(blocks)
    count = known.sum(axis=(1, 3))
    total = np.where(known, blocks, 0).sum(axis=(1, 3), dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def thinned_matrix(matrix: np.ndarray, step: int) -> np.ndarray:
    """The matrix of a grid whose nodes are the middles of blocks."""
    shift = matrix[:, :2] @ np.full(2, (step - 1) / 2)
    return np.column_stack([matrix[:, :2] * step, matrix[:, 2] + shift])


def placed(name: str, grid: Grid, path: Path, context: ReadContext) -> TerrainLayer:
    """The terrain in the frame of the city; says what was averaged or resampled.

    Raises
    ------
    ReadError
        There are no heights in it, or it has no place in the city's coordinate system.
    """
    heights = _believed(grid.heights, path, context)
    rows, columns = heights.shape
    steps = np.linspace(0.0, 1.0, 9)
    u, v = (side.ravel() for side in np.meshgrid(steps * (columns - 1), steps * (rows - 1)))
    there = grid.nodes(u, v)
    local = context.place(there, grid.crs)[:, :2]
    if not (np.abs(local) < _FARTHEST_M).all():  # and no NaN among them
        raise ReadError(
            "This terrain has no place in the city's coordinate system.",
            hint="Check the coordinate system of the file.",
            path=path,
        )
    size = np.ptp(local, axis=0)
    sides = grid.matrix[:, :2]
    flat = abs(np.linalg.det(sides)) <= 1e-9 * np.prod(np.linalg.norm(sides, axis=0))
    if flat or not 0 < size.min() <= size.max() < _WIDEST_M:
        raise ReadError("The cells of this grid have an impossible size.", path=path)
    if grid.vertical:
        context.facts["vertical_crs"] = grid.vertical
    if grid.thinned > 1:
        context.info(
            "The grid is large: every {n} × {n} heights became one, their mean. It has {columns} × {rows} now.",
            n=grid.thinned, columns=columns, rows=rows,
        )  # fmt: skip
    _tell_range(heights, context)
    base = np.float32(context.frame.origin_crs[2])
    context.progress.report(0.8, "Placing the terrain")
    straight = _as_it_is(grid, there, local)
    if straight is None:
        heights, origin, cell = _resampled(grid, heights, local, context)
    else:
        cell, flip_x, flip_y = straight
        heights = heights[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
        origin = (float(local[:, 0].min()), float(local[:, 1].min()))
    heights = np.ascontiguousarray(heights - base, np.float32)
    return TerrainLayer(name, heights, origin, cell, vertical_crs=grid.vertical)


def _believed(heights: np.ndarray, path: Path, context: ReadContext) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        odd = np.isfinite(heights) & ((heights < LOWEST_M) | (heights > HIGHEST_M))
    heights = np.where(odd | ~np.isfinite(heights), np.float32(np.nan), heights)
    if min(heights.shape) < 2 or not np.isfinite(heights).any():
        raise ReadError(
            "There are no heights of ground in this file.",
            hint="Open it as a map image if it is a picture.",
            path=path,
        )
    context.warn("Heights no ground on earth has, left out: {count}", count=int(odd.sum()))
    return heights


def _tell_range(heights: np.ndarray, context: ReadContext) -> None:
    known = np.isfinite(heights)
    context.info(
        "Heights from {low} to {high} m; {share} % of the grid are known.",
        low=round(float(heights[known].min()), 1),
        high=round(float(heights[known].max()), 1),
        share=round(100 * float(known.mean()), 1),
    )


def _as_it_is(grid: Grid, there: np.ndarray, local: np.ndarray) -> tuple[float, bool, bool] | None:
    """Spacing and directions of a grid that needs no resampling: only shifted, north up, square cells."""
    shift = local - there
    (a, b), (d, e) = grid.matrix[:, :2]
    square = abs(b) + abs(d) < 1e-9 * abs(a) and abs(abs(a) - abs(e)) < 1e-6 * abs(a)
    if not square or np.ptp(shift, axis=0).max() > 0.01:
        return None
    return float(abs(a)), bool(a < 0), bool(e < 0)


def _resampled(
    grid: Grid, heights: np.ndarray, local: np.ndarray, context: ReadContext
) -> tuple[np.ndarray, tuple[float, float], float]:
    """Heights on a square grid in the city's frame, bilinear between the nodes of the file."""
    rows, columns = heights.shape
    low, high = local.min(axis=0), local.max(axis=0)
    corner = local.reshape(9, 9, 2)
    across = np.linalg.norm(corner[0, -1] - corner[0, 0]) / max(columns - 1, 1)
    along = np.linalg.norm(corner[-1, 0] - corner[0, 0]) / max(rows - 1, 1)
    cell = float(np.sqrt(max(across * along, 1e-12)))
    cell = max(cell, float((high - low).max()) / MAX_SIDE)
    shape = tuple(max(int(np.ceil(size / cell)) + 1, 2) for size in (high - low)[::-1])
    # The way back is smooth: worked out on a lattice, bilinear between.
    count = min(_LATTICE, *shape)
    x = low[0] + np.linspace(0, shape[1] - 1, count) * cell
    y = low[1] + np.linspace(0, shape[0] - 1, count) * cell
    points = np.column_stack([side.ravel() for side in np.meshgrid(x, y)])
    crs = context.facts.get("crs", "")
    back = context.transform(context.frame.crs_from_local(points), context.frame.crs, crs) if crs else points
    inverse = np.linalg.inv(grid.matrix[:, :2])
    place = ((back - grid.matrix[:, 2]) @ inverse.T).reshape(count, count, 2)
    result = np.full(shape, np.nan, np.float32)
    u = np.linspace(0, count - 1, shape[1])
    i = np.minimum(u.astype(int), count - 2)
    s = (u - i)[:, None]
    for row in range(shape[0]):
        if not row % 256:
            context.progress.report(0.8 + 0.2 * row / shape[0], "Placing the terrain")
        v = row * (count - 1) / max(shape[0] - 1, 1)
        j = min(int(v), count - 2)
        line = place[j] * (1 - (v - j)) + place[j + 1] * (v - j)
        result[row] = _bilinear(heights, line[i] * (1 - s) + line[i + 1] * s)
    context.info("The grid was turned into the city's coordinate system; its cells are {cell} m now.",
                 cell=round(cell, 2))  # fmt: skip
    return result, (float(low[0]), float(low[1])), cell


def _bilinear(heights: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(n,) heights at (column, row) places, NaN outside and beside unknown nodes."""
    rows, columns = heights.shape
    u, v = place.T
    inside = (u >= -1e-6) & (v >= -1e-6) & (u <= columns - 1 + 1e-6) & (v <= rows - 1 + 1e-6)
    u, v = np.where(inside, np.clip(u, 0, columns - 1), 0), np.where(inside, np.clip(v, 0, rows - 1), 0)
    i, j = np.minimum(u.astype(np.int64), columns - 2), np.minimum(v.astype(np.int64), rows - 2)
    s, t = u - i, v - j
    low = heights[j, i] * (1 - s) + heights[j, i + 1] * s
    high = heights[j + 1, i] * (1 - s) + heights[j + 1, i + 1] * s
    return np.where(inside, low * (1 - t) + high * t, np.nan)
