"""The local frame of a city: metres, x east, y north, z up, near zero so that float32 suffices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """A local Cartesian frame, shifted from a projected CRS and nothing else.

    Parameters
    ----------
    crs : horizontal projected CRS as ``"EPSG:25832"`` (or WKT); empty if unknown.
    origin_crs : (x, y, z) of the local origin in that CRS, metres, float64.
    vertical_crs : height system as ``"EPSG:7837"`` or its name; empty if not named.
    """

    crs: str = ""
    origin_crs: tuple[float, float, float] = (0.0, 0.0, 0.0)
    vertical_crs: str = ""

    def local_from_crs(self, points_crs: ArrayLike) -> NDArray[np.float64]:
        """Shift points of the frame's own CRS into the frame: (..., 2) or (..., 3), metres."""
        points = np.asarray(points_crs, dtype=np.float64)
        return np.subtract(points, np.asarray(self.origin_crs, np.float64)[: points.shape[-1]])

    def crs_from_local(self, points_local: ArrayLike) -> NDArray[np.float64]:
        """Shift local points (..., 2) or (..., 3) back into the CRS, metres, float64."""
        points = np.asarray(points_local, dtype=np.float64)
        return np.add(points, np.asarray(self.origin_crs, np.float64)[: points.shape[-1]])
