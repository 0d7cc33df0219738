"""The ground under a city: one height for every place, from terrain where there is one, else from buildings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Ground:
    """A regular height grid in the local frame.

    origin_local : (x, y) of cell [0, 0]'s node, metres. cell_m : spacing. heights : (ny, nx) float32,
    local z, no NaN. exact : whether it comes from terrain in the data (else from building feet).
    """

    origin_local: tuple[float, float]
    cell_m: float
    heights: NDArray[np.float32]
    exact: bool = False

    def height_at(self, xy_local: ArrayLike) -> NDArray[np.float64]:
        """Bilinear height (...,) at points (..., 2), metres; the edge's height outside the grid."""
        xy = np.asarray(xy_local, dtype=np.float64)
        ny, nx = self.heights.shape
        u = np.clip((xy[..., 0] - self.origin_local[0]) / self.cell_m, 0, nx - 1)
        v = np.clip((xy[..., 1] - self.origin_local[1]) / self.cell_m, 0, ny - 1)
        i = np.minimum(u.astype(np.int64), max(nx - 2, 0))
        j = np.minimum(v.astype(np.int64), max(ny - 2, 0))
        s, t = u - i, v - j
        i1, j1 = np.minimum(i + 1, nx - 1), np.minimum(j + 1, ny - 1)
        h = self.heights
        low = h[j, i] * (1 - s) + h[j, i1] * s
        high = h[j1, i] * (1 - s) + h[j1, i1] * s
        return np.asarray(low * (1 - t) + high * t, dtype=np.float64)
