"""Where a ray meets triangles, all of them at once. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
#: So far beyond its rim a triangle is still met, as a share of it, or rays would slip through between two neighbours;
#: so near to its origin a ray meets nothing, or it would meet what it starts on; and doubled areas too small to be met.
_RIM, _NEAR, _FLAT = 1e-9, 1e-6, 1e-12


def nearest_triangle(corners: Vector, origin: Vector, direction: Vector) -> tuple[int, float]:
    """Which of n triangles a ray meets first, and how far away; -1 and infinite where it meets none.

    Parameters
    ----------
    corners : (n, 3, 3). origin, direction : (3,), the direction has length 1.

    Notes
    -----
    Both sides of a triangle are met (Möller and Trumbore, 1997).
    """
    if not len(corners):
        return -1, float("inf")
    ax, ay, az, bx, by, bz, cx, cy, cz = np.ascontiguousarray(corners.reshape(-1, 9).T)  # a third of the time of rows
    # d: direction, o: origin, a: first corner, then the way from it to o; b, c: edges; p = d x c, q = a x b.
    dx, dy, dz = direction.tolist()
    ox, oy, oz = origin.tolist()
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        bx, by, bz, cx, cy, cz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
        px, py, pz = dy * cz - dz * cy, dz * cx - dx * cz, dx * cy - dy * cx
        det = bx * px + by * py + bz * pz
        inverse = 1.0 / det
        ax, ay, az = ox - ax, oy - ay, oz - az
        u = (ax * px + ay * py + az * pz) * inverse
        qx, qy, qz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        v = (dx * qx + dy * qy + dz * qz) * inverse
        distance = (cx * qx + cy * qy + cz * qz) * inverse
        met = (np.abs(det) > _FLAT) & (u >= -_RIM) & (v >= -_RIM) & (u + v <= 1 + _RIM) & (distance > _NEAR)
    if not met.any():
        return -1, float("inf")
    first = int(np.argmin(np.where(met, distance, np.inf)))
    return first, float(distance[first])
