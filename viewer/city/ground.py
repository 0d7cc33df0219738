"""The ground under a city: one height for every place, from terrain where there is one, else from buildings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city.arrange import ranges
from viewer.city.geometry import sample_triangles
from viewer.city.kinds import SurfaceType, Theme
from viewer.city.layers import TerrainLayer
from viewer.city.measures import Measures
from viewer.city.model import CityModel

Floats = NDArray[np.float64]

#: The grid reaches beyond the city by this share of its longer side, and is about so many nodes wide.
MARGIN_SHARE = 0.2
NODES = 400
#: Heights further than this from what surrounds them are taken for faults; real files hold z = 0 for unknown.
OUTLIER_M = 30.0
#: Surfaces further than this above or below the feet of the houses around do not lie on the ground.
ON_GROUND_M = 6.0
#: So many nodes of a terrain shape the ground around it.
_TERRAIN_SAMPLES = 200_000
#: Feet of houses this near to a terrain are left to it: to a height grid, to one made of triangles.
_NEAR_GRID_M, _NEAR_TIN_M = 150.0, 25.0
_LAID_ON_GROUND = (Theme.LAND_USE, Theme.ROAD, Theme.RAILWAY, Theme.SQUARE, Theme.VEGETATION, Theme.WATER)


@dataclass(frozen=True, eq=False)
class Ground:
    """A regular height grid in the local frame.

    origin_local : (x, y) of cell [0, 0]'s node, metres. cell_m : spacing. heights : (ny, nx) float32,
    local z, no NaN. exact : whether it comes from terrain in the data (else from building feet).
    detail : a finer ground that counts within its rectangle, None without one.
    """

    origin_local: tuple[float, float]
    cell_m: float
    heights: NDArray[np.float32]
    exact: bool = False
    detail: Ground | None = None

    @cached_property
    def range_m(self) -> tuple[float, float]:
        """Lowest and highest local z, metres."""
        own = float(self.heights.min()), float(self.heights.max())
        if self.detail is None:
            return own
        fine = self.detail.range_m
        return min(own[0], fine[0]), max(own[1], fine[1])

    @property
    def rectangle(self) -> tuple[float, float, float, float]:
        """West, south, east and north end of the grid, local metres."""
        ny, nx = self.heights.shape
        x, y = self.origin_local
        return x, y, x + (nx - 1) * self.cell_m, y + (ny - 1) * self.cell_m

    def height_at(self, xy_local: ArrayLike) -> NDArray[np.float64]:
        """Bilinear height (...,) at points (..., 2), metres; the edge's height outside the grid."""
        xy = np.asarray(xy_local, dtype=np.float64)
        if self.detail is None:
            return self._coarse_at(xy)
        west, south, east, north = self.detail.rectangle
        inside = (xy[..., 0] >= west) & (xy[..., 0] <= east) & (xy[..., 1] >= south) & (xy[..., 1] <= north)
        if inside.all():
            return self.detail.height_at(xy)
        z = self._coarse_at(xy)
        if inside.any():
            z[inside] = self.detail.height_at(xy[inside])
        return z

    def _coarse_at(self, xy: Floats) -> Floats:
        i, j, s, t = _place(xy, self.origin_local, self.cell_m, self.heights.shape)
        ny, nx = self.heights.shape
        i1, j1 = np.minimum(i + 1, nx - 1), np.minimum(j + 1, ny - 1)
        h = self.heights
        low = h[j, i] * (1 - s) + h[j, i1] * s
        high = h[j1, i] * (1 - s) + h[j1, i1] * s
        return np.asarray(low * (1 - t) + high * t, dtype=np.float64)


def make_ground(
    city: CityModel, faces: NDArray[np.bool_] | None, measures: Measures, terrain: TerrainLayer | None = None
) -> Ground:
    """The ground of a city as a smooth grid.

    Terrain in the data decides; where it ends, and without it, surfaces that lie on the ground (land
    use, roads, squares, plants, water) and the feet of the buildings do. Between and beyond them the
    grid is filled smoothly.

    Parameters
    ----------
    faces : (F,) bool, the faces at the shown LoD; None for all.
    terrain : the height grid the city stands on; it decides wherever it reaches and stays as fine as it is.
    """
    if terrain is not None:
        relief = _relief(terrain)
        if len(relief):
            return _with_terrain(city, faces, measures, terrain, relief)
    feet = _without_outliers(_feet(city, faces, measures))
    tin = _without_outliers(_samples(city, faces, (Theme.TERRAIN,), 5.0))
    laid = _without_outliers(_samples(city, faces, _LAID_ON_GROUND, 5.0))
    if len(tin):  # it says more than anything else does, but not where it ends
        feet, laid = _far_from(tin, feet, _NEAR_TIN_M), _far_from(tin, laid, _NEAR_TIN_M)
    points = np.concatenate([tin, laid, feet])
    if not len(points):
        extent = city.extent_local
        flat = np.full((2, 2), extent[0, 2], np.float32)
        return Ground((float(extent[0, 0]), float(extent[0, 1])), 10.0, flat)

    low = np.minimum(points[:, :2].min(axis=0), city.extent_local[0, :2])
    high = np.maximum(points[:, :2].max(axis=0), city.extent_local[1, :2])
    span = float(max(np.max(high - low), 1.0))
    margin = max(MARGIN_SHARE * span, 50.0)
    cell = max(5.0, (span + 2 * margin) / NODES)
    low, high = low - margin, high + margin
    shape = (int(np.ceil((high - low)[1] / cell)) + 1, int(np.ceil((high - low)[0] / cell)) + 1)
    origin = (float(low[0]), float(low[1]))

    if len(laid) and len(feet) >= 10:
        # Bridges, and roads whose height nobody surveyed, are not the ground the houses stand on.
        under = _fitted(feet, np.ones(len(feet)), origin, cell, shape)
        laid = laid[np.abs(laid[:, 2] - _bilinear(under, laid[:, :2], origin, cell)) <= ON_GROUND_M]
        points = np.concatenate([tin, laid, feet])
    weights = np.ones(len(points))
    weights[len(tin) : len(points) - len(feet)] = 0.3
    result = _fitted(points, weights, origin, cell, shape).astype(np.float32)
    result.setflags(write=False)
    return Ground(origin, cell, result, exact=bool(len(tin)))


def _relief(terrain: TerrainLayer) -> Floats:
    """(n, 3) evenly spread known nodes of a terrain."""
    rows, columns = terrain.heights.shape
    step = max(1, int(np.ceil(np.sqrt(rows * columns / _TERRAIN_SAMPLES))))
    row, column = np.unique([*range(0, rows, step), rows - 1]), np.unique([*range(0, columns, step), columns - 1])
    z = terrain.heights[np.ix_(row, column)].astype(np.float64)
    x = terrain.origin_local[0] + column * terrain.cell_m
    y = terrain.origin_local[1] + row * terrain.cell_m
    gx, gy = np.meshgrid(x, y)
    known = np.isfinite(z)
    return np.column_stack([gx[known], gy[known], z[known]])


def _far_from(relief: Floats, points: Floats, near_m: float) -> Floats:
    """Points (n, 3) further than one or two squares of this side from all of a terrain: near it, it says more."""
    if not len(points):
        return points
    low = np.minimum(relief[:, :2].min(axis=0), points[:, :2].min(axis=0))
    squares = [np.floor((xy[:, :2] - low) / near_m).astype(np.int64) + 1 for xy in (relief, points)]
    shape = np.maximum(squares[0].max(axis=0), squares[1].max(axis=0)) + 2
    taken = np.zeros(shape, bool)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            taken[squares[0][:, 0] + dx, squares[0][:, 1] + dy] = True
    return np.asarray(points[~taken[squares[1][:, 0], squares[1][:, 1]]])


def _with_terrain(
    city: CityModel, faces: NDArray[np.bool_] | None, measures: Measures, terrain: TerrainLayer, relief: Floats
) -> Ground:
    """A smooth ground around a terrain, and the terrain itself as its detail, filled where it is unknown."""
    feet = _far_from(relief, _without_outliers(_feet(city, faces, measures)), _NEAR_GRID_M)
    points = np.concatenate([relief, feet])
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    if len(city.positions_local):
        low, high = np.minimum(low, city.extent_local[0, :2]), np.maximum(high, city.extent_local[1, :2])
    span = float(max(np.max(high - low), 1.0))
    margin = max(MARGIN_SHARE * span, 50.0)
    cell = max(5.0, (span + 2 * margin) / NODES)
    low, high = low - margin, high + margin
    shape = (int(np.ceil((high - low)[1] / cell)) + 1, int(np.ceil((high - low)[0] / cell)) + 1)
    origin = (float(low[0]), float(low[1]))
    around = _fitted(points, np.ones(len(points)), origin, cell, shape).astype(np.float32)
    around.setflags(write=False)
    heights = terrain.heights
    unknown = ~np.isfinite(heights)
    if unknown.any():
        row, column = np.nonzero(unknown)
        xy = np.column_stack([column, row]) * terrain.cell_m + np.array(terrain.origin_local)
        heights = heights.copy()
        heights[row, column] = _bilinear(around.astype(np.float64), xy, origin, cell)
        heights.setflags(write=False)
    fine = Ground(terrain.origin_local, terrain.cell_m, heights, exact=True)
    return Ground(origin, cell, around, exact=True, detail=fine)


def _fitted(
    points: Floats, weights: Floats, origin: tuple[float, float], cell: float, shape: tuple[int, int]
) -> Floats:
    """(ny, nx) smooth heights that pass through points (n, 3)."""
    heights = np.zeros(shape)
    known = np.zeros(shape, bool)
    # Averages first, then what the averages missed.
    for _ in range(3):
        rest = points[:, 2] - _bilinear(heights, points[:, :2], origin, cell)
        total, weight = _splat(points[:, :2], rest, weights, origin, cell, shape)
        known = weight > 1e-9
        heights += _filled(np.where(known, total / np.where(known, weight, 1.0), 0.0), weight)
    return _smoothed(heights, known)


def _feet(city: CityModel, faces: NDArray[np.bool_] | None, measures: Measures) -> Floats:
    """(n, 3) corners of the buildings' ground faces, and the middle of each building on its lowest ground."""
    shown = np.ones(len(city.face_surface), bool) if faces is None else faces
    stands = measures.is_building & np.isfinite(measures.ground_m) & np.isfinite(measures.centre_local).all(axis=1)
    stands = stands & ~measures.planned
    wanted = shown & (city.face_surface == SurfaceType.GROUND)
    if len(stands):
        wanted = wanted & stands[city.face_feature]
    own = np.flatnonzero(wanted)
    corners = city.positions_local[ranges(city.face_start, own)].astype(np.float64)
    if len(corners):
        # Ground faces of upper parts hang in the air, and walls are called ground by mistake.
        face = np.repeat(own, np.diff(city.face_start)[own])
        corners = corners[np.abs(corners[:, 2] - measures.ground_m[city.face_feature[face]]) < 2.0]
    middle = np.column_stack([measures.centre_local[stands], measures.ground_m[stands]])
    return np.concatenate([corners, middle])


def _samples(city: CityModel, faces: NDArray[np.bool_] | None, themes: tuple[Theme, ...], spacing_m: float) -> Floats:
    """(S, 3) points spread over the surfaces of some themes, with their corners."""
    if not len(city.triangles):
        return np.empty((0, 3))
    codes = [tuple(Theme).index(theme) for theme in themes]
    of_theme = np.isin(city.objects.feature_theme, codes)[city.face_feature]
    if faces is not None:
        of_theme = of_theme & faces
    corners = city.positions_local[city.triangles[of_theme[city.triangle_face]]].astype(np.float64)
    spread, _ = sample_triangles(corners, spacing_m, limit=1_000_000)
    return np.concatenate([spread, corners.reshape(-1, 3)])


def _without_outliers(points: Floats) -> Floats:
    """Points (n, 3) less those whose height nothing around supports (0 for unknown, a basement, junk).

    A height is compared with the median of its square of 250 m, or of everything where that holds too few.
    """
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 5:
        return points
    column, row = np.floor((points[:, :2] - points[:, :2].min(axis=0)) / 250.0).astype(np.int64).T
    square = row * (column.max() + 1) + column
    order = np.lexsort((points[:, 2], square))
    _, which, count = np.unique(square, return_inverse=True, return_counts=True)
    first = np.cumsum(count) - count
    middle = points[order, 2][first + count // 2]
    whole = float(np.median(points[:, 2]))
    expected = np.where(count >= 5, middle, whole)
    # A square that is junk as a whole still differs from the city.
    far = np.abs(expected - whole) > OUTLIER_M * 8
    expected = np.where(far, whole, expected)
    return points[np.abs(points[:, 2] - expected[which]) <= np.where(count >= 5, OUTLIER_M, OUTLIER_M * 8)[which]]


def _place(
    xy: Floats, origin: tuple[float, float], cell: float, shape: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    """Column, row and the shares of the way to the next node, of points (..., 2) in a grid."""
    ny, nx = shape
    u = np.clip((xy[..., 0] - origin[0]) / cell, 0, nx - 1)
    v = np.clip((xy[..., 1] - origin[1]) / cell, 0, ny - 1)
    i = np.minimum(u.astype(np.int64), max(nx - 2, 0))
    j = np.minimum(v.astype(np.int64), max(ny - 2, 0))
    return i, j, u - i, v - j


def _bilinear(heights: Floats, xy: Floats, origin: tuple[float, float], cell: float) -> Floats:
    i, j, s, t = _place(xy, origin, cell, heights.shape)
    low = heights[j, i] * (1 - s) + heights[j, i + 1] * s
    high = heights[j + 1, i] * (1 - s) + heights[j + 1, i + 1] * s
    return np.asarray(low * (1 - t) + high * t)


def _splat(
    xy: Floats, values: Floats, weights: Floats, origin: tuple[float, float], cell: float, shape: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Weighted sums of values at the four nodes around each point, and the sums of the weights."""
    i, j, s, t = _place(xy, origin, cell, shape)
    size = shape[0] * shape[1]
    total, weight = np.zeros(size), np.zeros(size)
    for dj, di, share in ((0, 0, (1 - s) * (1 - t)), (0, 1, s * (1 - t)), (1, 0, (1 - s) * t), (1, 1, s * t)):
        node = (j + dj) * shape[1] + i + di
        total += np.bincount(node, weights=values * weights * share, minlength=size)
        weight += np.bincount(node, weights=weights * share, minlength=size)
    return total.reshape(shape), weight.reshape(shape)


def _filled(values: Floats, weight: Floats) -> Floats:
    """Fill nodes of no weight from coarser and coarser averages of those around (a pyramid)."""
    if values.size == 1 or (weight > 1e-9).all():
        return values
    presence = np.minimum(weight, 1.0)
    ny, nx = values.shape
    pad = ((0, ny % 2), (0, nx % 2))
    summed = np.pad(values * presence, pad)
    counted = np.pad(presence, pad)
    quarter = (counted.shape[0] // 2, 2, counted.shape[1] // 2, 2)
    total, count = summed.reshape(quarter).sum(axis=(1, 3)), counted.reshape(quarter).sum(axis=(1, 3))
    coarse = _filled(np.where(count > 1e-9, total / np.where(count > 1e-9, count, 1.0), 0.0), count)
    v = np.clip((np.arange(ny) - 0.5) / 2, 0, coarse.shape[0] - 1)
    u = np.clip((np.arange(nx) - 0.5) / 2, 0, coarse.shape[1] - 1)
    j, i = v.astype(int), u.astype(int)
    j1, i1 = np.minimum(j + 1, coarse.shape[0] - 1), np.minimum(i + 1, coarse.shape[1] - 1)
    t, s = (v - j)[:, None], (u - i)[None, :]
    fine = (coarse[j][:, i] * (1 - s) + coarse[j][:, i1] * s) * (1 - t)
    fine += (coarse[j1][:, i] * (1 - s) + coarse[j1][:, i1] * s) * t
    return np.where(weight > 1e-9, values, fine)


def _smoothed(heights: Floats, fixed: NDArray[np.bool_], rounds: int = 24) -> Floats:
    """Let the filled nodes settle between the known ones."""
    for _ in range(rounds):
        padded = np.pad(heights, 1, mode="edge")
        around = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
        heights = np.where(fixed, heights, around)
    return heights
