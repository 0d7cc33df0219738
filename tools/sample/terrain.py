"""The lie of the land: a river with flat banks and a hill in the south, as one function of x and y."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

CRS = "EPSG:25832"
#: South-west corner of the quarter in EPSG:25832. No real place looks like this.
ORIGIN = (600_000.0, 5_650_000.0)
SIZE = (1500.0, 1180.0)
WATER_Z = 164.0
RIVER_WIDTH = 34.0
BANK_WIDTH = 36.0


def river_y(x: ArrayLike) -> NDArray[np.float64]:
    """Middle of the river."""
    x = np.asarray(x, float)
    return 505 + 62 * np.sin(x / 250 + 0.4) + 16 * np.sin(x / 91)


def river() -> shapely.Polygon:
    """The water."""
    x = np.arange(-60, SIZE[0] + 61, 15.0)
    line = shapely.LineString(np.column_stack([x, river_y(x)]))
    return line.buffer(RIVER_WIDTH / 2, cap_style="flat").intersection(world()).simplify(0.3)


def world() -> shapely.Polygon:
    """The whole quarter."""
    return shapely.box(0, 0, *SIZE)


_RIVER = river()


def smooth(t: ArrayLike) -> NDArray[np.float64]:
    """0 to 1 with soft ends."""
    t = np.clip(np.asarray(t, float), 0, 1)
    return t * t * (3 - 2 * t)


def height(xy: ArrayLike) -> NDArray[np.float64]:
    """Height of the ground, metres above sea, at points (n, 2)."""
    xy = np.asarray(xy, float).reshape(-1, 2)
    x, y = xy[:, 0], xy[:, 1]
    distance = shapely.distance(shapely.points(xy), _RIVER)
    hill = 15 * np.exp(-(((x - 1020) / 520) ** 2) - ((y + 60) / 330) ** 2)
    hill += 5 * np.exp(-(((x - 320) / 300) ** 2) - ((y - 1120) / 260) ** 2)
    swell = 0.8 * np.sin(x / 210) * np.cos(y / 170)
    return WATER_Z + 2.6 * smooth(distance / BANK_WIDTH) + (hill + swell + 0.6) * smooth((distance - 20) / 240)
