"""Where a ray meets triangles, all of them at once. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def triangles_hit(
    positions: NDArray[np.floating], triangles: NDArray[np.integer], origin: Vector, direction: Vector
) -> float:
    """Distance along a ray to the nearest of T triangles, infinite where it meets none.

    Parameters
    ----------
    positions : (V, 3). triangles : (T, 3) into them. origin, direction : (3,), the direction has length 1.

    Notes
    -----
    Both sides of a triangle are met (Möller and Trumbore, 1997).
    """
    if not len(triangles):
        return float("inf")
    a, b, c = (positions[triangles[:, k]].astype(np.float64) for k in range(3))
    ab, ac = b - a, c - a
    across = np.cross(direction, ac)
    det = (ab * across).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / det
        away = origin - a
        u = (away * across).sum(axis=1) * inverse
        over = np.cross(away, ab)
        v = (over @ direction) * inverse
        distance = (ac * over).sum(axis=1) * inverse
        met = (np.abs(det) > 1e-12) & (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 0)
    return float(np.min(distance[met], initial=np.inf))
