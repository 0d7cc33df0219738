"""City + scenario -> changed arrays. ``lifted_z`` is the one formula the shader and NumPy share.

Changes are cheap to compare, at any number of buildings:

- An ``Applier`` gives the same array again where nothing changed, so ``new.lift_m is old.lift_m`` says that no
  building has another lift; a tick of one lever replaces the arrays of that lever alone.
- ``differing(old, new)`` names the objects that may differ, from the settings the two were made of, without looking
  at the arrays: one building for an edit of one building, None where any may differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
#: A lever's values in order, and whom each is for, None for all buildings.
Parts = tuple[tuple[float, Rows | None], ...]

_NONE: Rows = np.empty(0, np.intp)
_NONE.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Origin:
    """The settings a change was made of, in terms of the K top-level objects.

    levers : name -> ((value, objects), ...) in order, a later one replacing earlier ones where they overlap;
        objects (n,) are positions, ascending and the same array for the same target, None for all buildings.
    removed, built : (n,) positions.
    """

    levers: Mapping[str, Parts] = field(default_factory=dict)
    removed: Rows = field(default_factory=lambda: _NONE)
    built: Rows = field(default_factory=lambda: _NONE)

    @property
    def is_baseline(self) -> bool:
        """Whether nothing is set at all."""
        return not any(self.levers.values()) and not len(self.removed) and not len(self.built)


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
    origin : what the change was made of, None where that is not known.

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
    origin: Origin | None = None

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


def differing(one: CityChange, other: CityChange) -> Rows | None:
    """Positions of the objects that may differ between two changes of one city, ascending; None for any.

    Costs as much as the objects whose settings differ, whatever the size of the city.
    """
    if one is other:
        return _NONE
    if one.origin is None or other.origin is None:
        return None
    a, b = one.origin, other.origin
    found: list[Rows] = []
    for name in {*a.levers, *b.levers}:
        rows = differing_parts(a.levers.get(name, ()), b.levers.get(name, ()))
        if rows is None:
            return None
        found += rows
    for before, after in ((a.removed, b.removed), (a.built, b.built)):
        if before is not after:
            found.append(np.setxor1d(before, after))
    if not found:
        return _NONE
    return found[0] if len(found) == 1 else np.unique(np.concatenate(found))


def differing_parts(one: Parts, other: Parts) -> list[Rows] | None:
    """Objects for which one lever may differ between two lists of its settings; None for any."""
    same = 0
    for (value, rows), (other_value, other_rows) in zip(one, other, strict=False):
        if value != other_value or rows is not other_rows:
            break
        same += 1
    found = [rows for _, rows in (*one[same:], *other[same:])]
    return None if any(rows is None for rows in found) else [rows for rows in found if rows is not None]


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
