"""Heights -> triangles through all of them: scattered ones after Delaunay, those of a grid cell by cell.

Whole arrays only; knows no files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Places are told apart to this share of the extent of all: whole numbers keep the triangulation exact.
_STEPS = 2.0**25
#: Points further from the middle than this many times nine tenths of all are mistakes,
_FAR = 20.0
#: and so are heights that differ so much from the others, metres.
_FAR_UP_M = 12_000.0
#: Larger than any coordinate.
_HUGE = 1e12
#: Triangles lower than so many steps lie along a straight edge of the terrain and have no area.
_FLAT_STEPS = 4.0
#: Turned by one of these, radians, points on a grid are triangulated in a quarter of the time; the others are for
#: where that fails.
_TURNS = (0.3, 1.1, 0.0)
_SAME_HEIGHT_M = 1e-3


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles (T, 3) over some points, and how many of those were not used.

    lost : without a place, or far from all others. repeated : where another one is, with another height.
    """

    triangles: Ints
    lost: int
    repeated: int


def surface_through(points: Floats) -> Surface:
    """The Delaunay triangulation of (n, 3) points in the plane of the first two axes; of points at one place the
    first counts. Without triangles where the points span no surface."""
    usable = np.flatnonzero(_usable(points))
    lost = len(points) - len(usable)
    xy = points[usable, :2]
    if len(xy) < 3:
        return Surface(np.zeros((0, 3), np.int64), lost, 0)
    middle = (xy.min(axis=0) + xy.max(axis=0)) / 2
    step = float(np.abs(xy - middle).max()) / _STEPS
    if step <= 0:
        return Surface(np.zeros((0, 3), np.int64), lost, 0)
    place = np.round((xy - middle) / step).astype(np.int64)
    _, first, of = np.unique(place[:, 0] * (1 << 30) + place[:, 1], return_index=True, return_inverse=True)
    height = points[usable, 2]
    repeated = int((np.abs(height - height[first][of]) > _SAME_HEIGHT_M).sum())
    triangles = _triangulated((xy[first] - middle) / step)
    return Surface(usable[first][triangles], lost, repeated)


def _usable(points: Floats) -> NDArray[np.bool_]:
    """(n,) bool, points that are numbers and lie where most of the others do."""
    good = np.asarray((np.abs(points) < _HUGE).all(axis=1))
    if not good.any():
        return good
    away = np.abs(np.where(good[:, None], points, np.inf) - np.median(points[good], axis=0))
    flat = away[:, :2].max(axis=1)
    reach = float(np.quantile(flat[good], 0.9))
    good &= away[:, 2] <= _FAR_UP_M
    if reach > 0:
        good &= flat <= _FAR * reach
    return good


def _triangulated(places: Floats) -> Ints:
    """Triangles (T, 3) over (n, 2) different places, without those that have no area."""
    import shapely

    for turn in _TURNS:
        c, s = np.cos(turn), np.sin(turn)
        own = np.round(places @ np.array([[c, -s], [s, c]]))
        numbered = np.column_stack([own, np.arange(len(own))])  # the number travels as a height
        try:
            found = shapely.delaunay_triangles(shapely.multipoints(numbered))
        except shapely.errors.GEOSException:
            continue
        triangles = shapely.get_coordinates(found, include_z=True)[:, 2].reshape(-1, 4)[:, :3].astype(np.int64)
        a, b, c = (own[triangles[:, k]] for k in range(3))
        longest = np.max([np.hypot(*(q - p).T) for p, q in ((a, b), (b, c), (c, a))], axis=0, initial=0.0)
        return np.asarray(triangles[np.abs(_doubled_area(a, b, c)) > _FLAT_STEPS * longest])
    return np.zeros((0, 3), np.int64)


def surface_on(known: NDArray[np.bool_]) -> Ints:
    """Triangles (T, 3) over the nodes of a grid, row by row: two in every cell of (rows, columns) known nodes, one
    where three of its nodes are known."""
    rows, columns = known.shape
    node = np.arange(rows * columns, dtype=np.int64).reshape(rows, columns)
    corners = (node[:-1, :-1], node[:-1, 1:], node[1:, 1:], node[1:, :-1])
    a, b, c, d = (corner.ravel() for corner in corners)
    flags = known.ravel()
    has_a, has_b, has_c, has_d = (flags[corner] for corner in (a, b, c, d))
    parts = (
        (has_a & has_b & has_c, (a, b, c)),
        (has_a & has_c & has_d, (a, c, d)),
        (~has_a & has_b & has_c & has_d, (b, c, d)),
        (has_a & has_b & ~has_c & has_d, (a, b, d)),
    )
    return np.concatenate([np.column_stack(nodes)[chosen] for chosen, nodes in parts])


def upwards(points: Floats, triangles: Ints, *, north_first: bool) -> Ints:
    """The triangles (T, 3), turned round where they would face down; ``north_first`` says what the first axis is."""
    a, b, c = (points[triangles[:, k], :2] for k in range(3))
    down = (_doubled_area(a, b, c) < 0) ^ north_first
    result = triangles.copy()
    result[down, 1], result[down, 2] = triangles[down, 2], triangles[down, 1]
    return result


def _doubled_area(a: Floats, b: Floats, c: Floats) -> Floats:
    """(T,) twice the areas of triangles in the plane, positive where they turn from the first axis to the second."""
    p, q = b - a, c - a
    return np.asarray(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])
