"""The recorded flight: one camera path over the middle of the measured town, the same at every size.

From high above down along an avenue, low over the roofs, around a corner and up again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.scene.camera import Pose

#: Share of the flight, x and y from the middle (m), distance (m), compass heading and tilt (degrees).
KEYS = np.array([
    (0.00, 0.0, 0.0, 2600.0, 20.0, 40.0),
    (0.14, 150.0, 60.0, 950.0, 45.0, 32.0),
    (0.28, 420.0, 120.0, 330.0, 74.0, 17.0),
    (0.44, 900.0, 130.0, 260.0, 80.0, 12.0),
    (0.60, 880.0, -420.0, 460.0, 195.0, 27.0),
    (0.74, -80.0, -720.0, 720.0, 272.0, 30.0),
    (0.88, -520.0, -220.0, 1250.0, 332.0, 35.0),
    (1.00, 0.0, 0.0, 3000.0, 385.0, 46.0),
])  # fmt: skip
#: Where the picture comes to rest and is compared with the floor, as shares of the flight.
RESTS = (0.0, 0.14, 0.28, 0.50, 0.74, 1.0)

#: The least share of the distances, so that the eye stays above the roofs of a small city.
_LOWEST = 0.45


def pose_at(share: float, middle: ArrayLike, scale: float = 1.0) -> Pose:
    """The camera at a share of the flight over a town whose ``middle`` (x, y, z) is given in metres of its frame.

    scale : a smaller circle for smaller cities; it comes nearer to the roofs only as far as there is room.
    """
    x, y, distance, heading, tilt = _between(share)
    around = np.asarray(middle, np.float64)
    target = (float(around[0] + x * scale), float(around[1] + y * scale), float(around[2]))
    return Pose(target, float(distance * max(scale, _LOWEST)), float(heading % 360.0), float(tilt))


def poses(frames: int, middle: ArrayLike, scale: float = 1.0) -> list[Pose]:
    """The whole flight in ``frames`` pictures."""
    return [pose_at(share, middle, scale) for share in np.linspace(0.0, 1.0, frames).tolist()]


def _between(share: float) -> NDArray[np.float64]:
    """Smooth curves through the keys (cubic, with the slopes of the neighbours); distances grow by factors."""
    keys = KEYS.copy()
    keys[:, 3] = np.log(keys[:, 3])
    time, values = keys[:, 0], keys[:, 1:]
    slope = np.gradient(values, time, axis=0)
    slope[[0, -1]] = 0.0
    i = int(np.clip(np.searchsorted(time, share, side="right") - 1, 0, len(time) - 2))
    span = time[i + 1] - time[i]
    t = float(np.clip((share - time[i]) / span, 0.0, 1.0))
    found = (
        (2 * t**3 - 3 * t**2 + 1) * values[i]
        + (t**3 - 2 * t**2 + t) * span * slope[i]
        + (3 * t**2 - 2 * t**3) * values[i + 1]
        + (t**3 - t**2) * span * slope[i + 1]
    )
    found[2] = np.exp(found[2])
    return np.asarray(found)
