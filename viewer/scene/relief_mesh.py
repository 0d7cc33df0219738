"""A height grid as few triangles that stay near to it: right-angled triangles, halved where the ground bends.

Pure NumPy, no VTK. The hierarchy is that of "right-triangulated irregular networks" (Evans, Kirkpatrick and
Townsend 2001): an edge is halved or not for both its triangles, so no gaps open, whatever the limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Heights = NDArray[np.float32]
Ints = NDArray[np.int64]

#: Side of the largest pair of triangles, in cells; a power of two.
BLOCK = 256
#: Cells along a side beyond which a grid is thinned before it is drawn.
MAX_CELLS = 2048


@dataclass(frozen=True, eq=False)
class ReliefMesh:
    """place : (n, 2) float64 shares 0..1 of the way east and north. z : (n,) metres. triangles : (t, 3) int64,
    counter-clockwise from above. border : (m,) int64 vertices around the rim, counter-clockwise from the south-west.
    error_m : every node left out lies this near to the edge it would have halved, and so do those below it.
    """

    place: Floats
    z: Floats
    triangles: Ints
    border: Ints
    error_m: float


def relief_mesh(heights: Heights, *, most: int = 60_000, close_m: float = 0.08) -> ReliefMesh:
    """Triangles that follow a height grid.

    Parameters
    ----------
    heights : (ny, nx) float32 without NaN, first row south. most : about so many triangles at most.
    close_m : nearer than this is not needed.
    """
    block = _block_of(heights.shape)
    grid = resampled(heights, tuple(_cells(n, block) + 1 for n in heights.shape))
    error = _errors(grid, block)
    limit = _limit(error, most, close_m)
    triangles = _triangles(error, limit, block)
    used, triangles = np.unique(triangles, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    rows, columns = grid.shape
    row, column = np.divmod(used, columns)
    place = np.column_stack([column / (columns - 1), row / (rows - 1)])
    return ReliefMesh(place, grid.ravel()[used].astype(np.float64), triangles, _rim(row, column, grid.shape), limit)


def resampled(heights: Heights, shape: tuple[int, ...]) -> Heights:
    """The same heights on another number of nodes, bilinear; thinner grids are averaged first."""
    for axis in (0, 1):
        step = (heights.shape[axis] - 1) // max(shape[axis] - 1, 1)
        if step > 1:
            heights = _smoothed(heights, step, axis)
        if heights.shape[axis] != shape[axis]:
            at = np.linspace(0, heights.shape[axis] - 1, shape[axis])
            low = np.minimum(at.astype(np.int64), heights.shape[axis] - 2)
            share = (at - low).astype(np.float32)
            share = share[:, None] if axis == 0 else share[None, :]
            heights = heights.take(low, axis) * (1 - share) + heights.take(low + 1, axis) * share
    return np.ascontiguousarray(heights, np.float32)


def _smoothed(heights: Heights, width: int, axis: int) -> Heights:
    """Running means over ``width`` nodes, shorter at the ends."""
    total = np.cumsum(heights, axis=axis, dtype=np.float64)
    total = np.concatenate([np.zeros_like(total.take([0], axis)), total], axis=axis)
    count = heights.shape[axis]
    low = np.clip(np.arange(count) - width // 2, 0, count)
    high = np.clip(np.arange(count) - width // 2 + width, 0, count)
    size = (high - low).reshape((-1, 1) if axis == 0 else (1, -1))
    return np.asarray((total.take(high, axis) - total.take(low, axis)) / size, np.float32)


def _block_of(shape: tuple[int, ...]) -> int:
    block = BLOCK
    while block > 2 and block > min(shape) - 1:
        block //= 2
    return block


def _cells(nodes: int, block: int) -> int:
    """Cells along a side: whole blocks, about as many as there are, within what is drawn."""
    return max(1, -(-min(nodes - 1, MAX_CELLS) // block)) * block


def _errors(grid: Heights, block: int) -> Heights:
    """(rows, columns) how far the ground leaves an edge if its middle, this node, is left out; never less than that
    of any node that can only be there if this one is."""
    error = np.zeros_like(grid)
    step = 1
    while step < block:
        s, d = step, 2 * step
        half = step // 2
        for along, turned in ((grid, error), (grid.T, error.T)):
            # Middles of horizontal edges; turned round, those of vertical ones.
            own = np.abs(along[::d, s::d] - (along[::d, :-1:d] + along[::d, d::d]) / 2)
            if half:
                around = turned[half::s, half::s]
                left, right = around[:, ::2], around[:, 1::2]
                both = np.maximum(left, right)
                own[:-1] = np.maximum(own[:-1], both[::2])
                own[1:] = np.maximum(own[1:], both[1::2])
            turned[::d, s::d] = own
        a, b = grid[:-1:d, :-1:d], grid[d::d, d::d]
        c, e = grid[d::d, :-1:d], grid[:-1:d, d::d]
        middle = grid[s::d, s::d]
        rising = np.add.outer(np.arange(a.shape[0]), np.arange(a.shape[1])) % 2 == 0
        own = np.abs(middle - np.where(rising, a + b, c + e) / 2)
        sides = np.maximum(error[s::d, :-1:d], error[s::d, d::d])
        sides = np.maximum(sides, np.maximum(error[:-1:d, s::d], error[d::d, s::d]))
        error[s::d, s::d] = np.maximum(own, sides)
        step = d
    return error


def _limit(error: Heights, most: int, close_m: float) -> float:
    """The error that leaves about ``most`` triangles: every node that is kept brings two."""
    count = max(most // 2, 16)
    flat = error.ravel()
    if np.count_nonzero(flat > close_m) <= count:
        return close_m
    return max(close_m, float(np.partition(flat, len(flat) - count)[len(flat) - count]))


def _triangles(error: Heights, limit: float, block: int) -> Ints:
    """(t, 3) nodes as row * columns + column."""
    rows, columns = error.shape
    flat = error.ravel()
    j, i = np.meshgrid(np.arange(0, rows - 1, block), np.arange(0, columns - 1, block), indexing="ij")
    a = (j * columns + i).ravel()
    b, c, d = a + block, a + block * columns + block, a + block * columns  # south-east, north-east, north-west
    rising = ((j + i) // block % 2 == 0).ravel()
    # The last corner is the right angle, the other two the ends of the longest edge.
    todo = np.concatenate([
        np.column_stack([c, a, b])[rising], np.column_stack([a, c, d])[rising],
        np.column_stack([b, d, a])[~rising], np.column_stack([d, b, c])[~rising],
    ])  # fmt: skip
    done = []
    for _ in range(2 * int(np.log2(block))):
        middle = (todo[:, 0] + todo[:, 1]) // 2
        halve = flat[middle] > limit
        done.append(todo[~halve])
        todo, middle = todo[halve], middle[halve]
        first, second, apex = todo.T
        todo = np.concatenate([np.column_stack([apex, first, middle]), np.column_stack([second, apex, middle])])
    return np.concatenate([*done, todo])


def _rim(row: Ints, column: Ints, shape: tuple[int, ...]) -> Ints:
    """Vertices on the rim, once around, each once."""
    top, right = shape[0] - 1, shape[1] - 1
    south, north = np.flatnonzero(row == 0), np.flatnonzero(row == top)
    west, east = np.flatnonzero(column == 0), np.flatnonzero(column == right)
    around = [
        south[np.argsort(column[south])][:-1],
        east[np.argsort(row[east])][:-1],
        north[np.argsort(-column[north])][:-1],
        west[np.argsort(-row[west])][:-1],
    ]
    return np.concatenate(around)
