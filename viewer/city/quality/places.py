"""Faults of place: far-away objects, impossible sizes, and buildings above or below the terrain of the file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city.kinds import Theme
from viewer.city.quality.findings import Collector
from viewer.city.quality.objects import HEIGHTS_M, Buildings
from viewer.city.quality.pairs import overlapping

Floats = NDArray[np.float64]

#: A building floats when its lowest point is this far above the highest terrain under it, metres.
FLOAT_M = 1.0
#: Far away: farther from the middle than this many times where nine of ten objects lie, and than ``FAR_M``.
FAR_TIMES, FAR_M = 10.0, 2_000.0
#: Larger than any building, metres across.
_WIDEST_M = 3_000.0


def check_places(buildings: Buildings, found: Collector) -> None:
    """Objects far from all others, and buildings of impossible size."""
    some = np.flatnonzero(buildings.shaped)
    if len(some) >= 5:
        centre = buildings.centre[some, :2]
        away = np.linalg.norm(centre - np.median(centre, axis=0), axis=1)
        limit = max(FAR_M, FAR_TIMES * float(np.quantile(away, 0.9)))
        far = away > limit
        buildings.note(found, "P03", some[far], away[far])
    size = buildings.high - buildings.low
    with np.errstate(invalid="ignore"):
        bad = buildings.standing & ((size[:, 2] > HEIGHTS_M[1]) | (size[:, :2].max(axis=1) > _WIDEST_M))
    chosen = np.flatnonzero(bad)
    buildings.note(found, "P06", chosen, size[chosen, 2])


def check_terrain(buildings: Buildings, found: Collector) -> None:
    """Buildings that float above the terrain of the file, or lie below it."""
    city = buildings.city
    terrain = city.objects.feature_theme == tuple(Theme).index(Theme.TERRAIN)
    ground = np.flatnonzero((terrain[city.face_feature] & buildings.faces)[city.triangle_face])
    some = np.flatnonzero(buildings.standing)
    if not len(ground) or not len(some):
        return
    # Middle and four places around it, within the building's box.
    grid = np.array([[0.5, 0.5], [0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
    size = (buildings.high - buildings.low)[some, :2]
    points = (buildings.low[some, None, :2] + grid[None] * size[:, None]).reshape(-1, 2)
    low, high = heights_under(points, city.positions_local[city.triangles[ground]].astype(np.float64))
    low, high = low.reshape(-1, len(grid)).min(axis=1), high.reshape(-1, len(grid)).max(axis=1)
    gap = buildings.low[some, 2] - high
    floating = np.isfinite(gap) & (gap > FLOAT_M)
    buildings.note(found, "P04", some[floating], gap[floating])
    depth = low - buildings.high[some, 2]
    sunk = np.isfinite(depth) & (depth > 0)
    buildings.note(found, "P05", some[sunk], depth[sunk])


def heights_under(points: Floats, triangles: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest z of triangles (T, 3, 3) at points (n, 2); infinite where there is none."""
    n = len(points)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    near = np.ones(len(triangles), dtype=bool)
    for axis in (0, 1):
        reach = triangles[:, :, axis]
        near &= (reach.max(axis=1) >= points[:, axis].min()) & (reach.min(axis=1) <= points[:, axis].max())
    triangles = triangles[near]
    # In strips from south to north, each swept from west to east.
    strips = max(1, int(np.sqrt(n)))
    south = float(points[:, 1].min())
    height = max(float(np.ptp(points[:, 1])), 1e-3) / strips

    def strip_of(y: Floats) -> NDArray[np.int64]:
        return np.asarray(np.clip(np.floor((y - south) / height), 0, strips - 1).astype(np.int64))

    first, last = strip_of(triangles[:, :, 1].min(axis=1)), strip_of(triangles[:, :, 1].max(axis=1))
    number = last - first + 1
    again = np.repeat(np.arange(len(triangles)), number)
    strip = first[again] + np.arange(len(again)) - np.repeat(np.cumsum(number) - number, number)
    begin = np.concatenate([points[:, 0], triangles[again, :, 0].min(axis=1)])
    end = np.concatenate([points[:, 0], triangles[again, :, 0].max(axis=1)])
    for i, j in overlapping(np.concatenate([strip_of(points[:, 1]), strip]), begin, end):
        mixed = (i < n) != (j < n)
        point, triangle = np.where(i < n, i, j)[mixed], again[np.where(i < n, j, i)[mixed] - n]
        y = points[point, 1]
        within = (triangles[triangle, :, 1].min(axis=1) <= y) & (triangles[triangle, :, 1].max(axis=1) >= y)
        point, triangle = point[within], triangle[within]
        a, b, c = (triangles[triangle, k] for k in range(3))
        p = points[point]
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
        flat = np.abs(area) > 1e-12
        area = np.where(flat, area, 1.0)
        u = ((p[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1])) / area
        v = ((b[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1]) - (p[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])) / area
        hit = flat & (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9)
        z = a[:, 2] + u * (b[:, 2] - a[:, 2]) + v * (c[:, 2] - a[:, 2])
        np.minimum.at(low, point[hit], z[hit])
        np.maximum.at(high, point[hit], z[hit])
    return low, high
