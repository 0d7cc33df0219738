"""Polygons as cells of a regular grid: exact at cell centres, whole cities at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city.arrange import ranges
from viewer.city.model import CityModel

#: So many faces are worked on at once: a large city needs no more memory than a small one.
FACES_AT_ONCE = 300_000

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Grid:
    """Square cells in the local frame: ``low`` is the corner of cell [0, 0], rows run along y."""

    low: tuple[float, float]
    cell_m: float
    shape: tuple[int, int]

    @classmethod
    def around(cls, low: Floats, high: Floats, *, finest_m: float = 1.0, most_cells: int = 2_000_000) -> Grid:
        """A grid over a rectangle, as fine as allowed."""
        size = np.maximum(np.asarray(high) - np.asarray(low), finest_m)
        cell = max(finest_m, float(np.sqrt(np.prod(size) / most_cells)))
        columns, rows = (int(np.ceil(s / cell)) for s in size)
        return cls((float(low[0]), float(low[1])), cell, (max(rows, 1), max(columns, 1)))

    @property
    def centres(self) -> Floats:
        """(rows * columns, 2) middles of the cells, row by row."""
        x = self.low[0] + (np.arange(self.shape[1]) + 0.5) * self.cell_m
        y = self.low[1] + (np.arange(self.shape[0]) + 0.5) * self.cell_m
        return np.column_stack([np.tile(x, self.shape[0]), np.repeat(y, self.shape[1])])

    def cells(self, xy: Floats) -> NDArray[np.int64]:
        """(n,) number of the cell of each point, row by row; -1 outside the grid."""
        column = np.floor((xy[:, 0] - self.low[0]) / self.cell_m)
        row = np.floor((xy[:, 1] - self.low[1]) / self.cell_m)
        inside = (row >= 0) & (row < self.shape[0]) & (column >= 0) & (column < self.shape[1])
        return np.where(inside, row * self.shape[1] + column, -1).astype(np.int64)


def covered(grid: Grid, xy: Floats, ring_start: NDArray[np.integer], outer: Flags) -> Flags:
    """Cells whose middle lies in any of some polygons; (rows, columns) bool.

    Rings are turned the right way first, so that polygons may overlap and touch: a cell is covered
    where the windings around its middle add up to more than none.

    Parameters
    ----------
    xy : (V, 2) corners. ring_start : (R + 1,) first corner of each ring. outer : (R,) outer rings; the
        others are holes.
    """
    return _inside(grid, _steps(grid, xy, ring_start, outer))


def _inside(grid: Grid, steps: Floats) -> Flags:
    rows, columns = grid.shape
    winding = np.cumsum(steps.reshape(rows, columns + 1)[:, :columns], axis=1)
    return np.asarray(winding > 0.5)


def _steps(grid: Grid, xy: Floats, ring_start: NDArray[np.integer], outer: Flags) -> Floats:
    """(rows * (columns + 1),) how the winding changes from one cell of a row to the next; adds up over polygons."""
    rows, columns = grid.shape
    count = np.diff(ring_start)
    if not len(count) or not count.sum():
        return np.zeros(rows * (columns + 1))
    ring = np.repeat(np.arange(len(count)), count)
    after = np.arange(1, len(xy) + 1)
    after[np.asarray(ring_start[1:])[count > 0] - 1] = np.asarray(ring_start[:-1])[count > 0]
    u = (xy[:, 0] - grid.low[0]) / grid.cell_m - 0.5
    v = (xy[:, 1] - grid.low[1]) / grid.cell_m - 0.5
    du, dv = u[after] - u, v[after] - v
    first = np.minimum(np.asarray(ring_start[:-1]), len(xy) - 1)
    twice = (u - u[first][ring]) * dv - (v - v[first][ring]) * du
    area = np.bincount(ring, weights=twice, minlength=len(count))
    turn = np.where(area >= 0, 1, -1) * np.where(outer, 1, -1)

    # An edge crosses the rows whose middle lies between its ends, the lower end included.
    low, high = np.minimum(v, v[after]), np.maximum(v, v[after])
    start = np.clip(np.ceil(low), 0, rows).astype(np.int64)
    stop = np.clip(np.ceil(high), 0, rows).astype(np.int64)
    crossings = stop - start
    edge = np.repeat(np.arange(len(xy)), crossings)
    row = start[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(crossings) - crossings, crossings)
    at = u[edge] + (row - v[edge]) * du[edge] / dv[edge]
    column = np.clip(np.ceil(at), 0, columns).astype(np.int64)
    # To the right of an edge that falls, one is inside a ring that turns left.
    sign = np.where(dv[edge] < 0, 1, -1) * turn[ring[edge]]
    steps = np.bincount(row * (columns + 1) + column, weights=sign, minlength=rows * (columns + 1))
    return np.asarray(steps, np.float64)


def covered_by_faces(grid: Grid, city: CityModel, faces: Flags) -> Flags:
    """Cells covered by some faces of a city seen from above; upright faces cover nothing."""
    chosen = np.flatnonzero(faces)
    if not len(chosen):
        return np.zeros(grid.shape, bool)
    steps = np.zeros(grid.shape[0] * (grid.shape[1] + 1))
    for begin in range(0, len(chosen), FACES_AT_ONCE):
        own = chosen[begin : begin + FACES_AT_ONCE]
        rings = ranges(city.face_ring_start, own)
        first = city.face_ring_start[own].astype(np.int64)
        outer = np.isin(rings, first, assume_unique=True)
        count = city.ring_start[rings + 1] - city.ring_start[rings]
        start = np.concatenate([[0], np.cumsum(count)])
        steps += _steps(grid, city.positions_local[ranges(city.ring_start, rings), :2].astype(np.float64), start, outer)
    return _inside(grid, steps)
