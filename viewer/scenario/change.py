"""City + scenario -> changed arrays. ``lifted_z`` is the one formula the shader and NumPy share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CityChange:
    """What a scenario changes, per top-level object (K) and on the ground. Read-only arrays.

    lift_m : (K,) float32, metres by which eaves and everything above move up (storeys x storey height).
    factor : (K,) float32, scale of heights above the object's ground (1 = unchanged).
    exists : (K,) bool, false for removed and for planned objects not built.
    green_roof_share : (K,) float32, 0..1 of the eligible roof area.
    storeys_added : (K,) float32, storeys really added (never below one storey).
    unsealed : ((share, ring_local or None), ...) in order, a later one replaces: share 0..1 of the
        sealed open ground within a ring ((n, 2) float64 local metres; None = everywhere).
    trees_local : (n, 3) float64, feet of the new trees.

    Height of a vertex (METHODS section 2, FINDINGS section 2)::

        z' = ground + (z - ground) * factor + weight * lift,   weight = clip((z - ground) / (eaves - ground), 0, 1)
    """

    lift_m: NDArray[np.float32]
    factor: NDArray[np.float32]
    exists: NDArray[np.bool_]
    green_roof_share: NDArray[np.float32]
    storeys_added: NDArray[np.float32]
    unsealed: tuple[tuple[float, NDArray[np.float64] | None], ...]
    trees_local: NDArray[np.float64]

    def __post_init__(self) -> None:
        for array in (
            self.lift_m,
            self.factor,
            self.exists,
            self.green_roof_share,
            self.storeys_added,
            self.trees_local,
        ):
            array.setflags(write=False)


def lift_weight(
    z: NDArray[np.floating], ground_m: NDArray[np.floating], eaves_m: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How much of the lift a point takes: 0 on the ground, 1 at the eaves and above, linear between."""
    span = np.maximum(eaves_m - ground_m, 1e-3)
    return np.asarray(np.clip((z - ground_m) / span, 0.0, 1.0), dtype=np.float64)


def lifted_z(
    z: NDArray[np.floating],
    ground_m: NDArray[np.floating],
    eaves_m: NDArray[np.floating],
    lift_m: NDArray[np.floating],
    factor: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Height of points after a change; all arguments broadcast, local metres. Used wherever a change
    is computed; the scene's vertex shader is its twin and a test compares the two pictures."""
    moved = ground_m + (z - ground_m) * factor + lift_weight(z, ground_m, eaves_m) * lift_m
    return np.asarray(moved, dtype=np.float64)
