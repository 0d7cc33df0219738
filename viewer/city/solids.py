"""Which solid a face belongs to, and which of its shells: one number per face, ``CityModel.face_shell``.

0 is the outer shell of the only solid of an object at a level of detail, or no solid at all. So is nearly every face;
a city where all are 0 carries no numbers. Solids count from 1 within an object at a level of detail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from viewer.city.model import CityModel

Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]
Number = TypeVar("Number", int, NDArray[np.int32])

_SHELL_BITS, _SOLID_BITS = 12, 18
#: More shells of a solid, or solids of an object, than can be told apart are taken for the last one.
MOST_SHELLS, MOST_SOLIDS = (1 << _SHELL_BITS) - 1, (1 << _SOLID_BITS) - 1
_COMPOSITE = 1 << (_SHELL_BITS + _SOLID_BITS)


def shell_code(solid: int, shell: int, *, composite: bool = False) -> int:
    """The number of the faces of a shell: 0 for the outer one; ``composite`` for solids of a CompositeSolid."""
    code = min(solid, MOST_SOLIDS) << _SHELL_BITS | min(shell, MOST_SHELLS)
    return code | _COMPOSITE if composite else code


def shell_of(code: Number) -> Number:
    """Which shell of its solid, 0 for the outer one."""
    return code & MOST_SHELLS


def solid_of(code: Number) -> Number:
    """Which solid, 0 for the only one."""
    return code >> _SHELL_BITS & MOST_SOLIDS


def is_composite(codes: Codes) -> Flags:
    """Whether solids are parts of a CompositeSolid."""
    return np.asarray(codes & _COMPOSITE != 0)


def hollow_faces(city: CityModel) -> Flags | None:
    """(F,) the faces of inner shells, which bound the hollows of solids; None where there are none."""
    if city.face_shell is None:
        return None
    inner = shell_of(city.face_shell) > 0
    return inner if inner.any() else None


def arranged(codes: Codes) -> list[list[int]]:
    """How many faces each shell of each solid has, of faces sorted by their numbers; empty where that tells nothing.

    Nor is anything told where an outer shell or the number of some face is missing.
    """
    if not len(codes) or not codes.any():
        return []
    solids: dict[int, dict[int, int]] = {}
    for code, count in zip(*(part.tolist() for part in np.unique(codes, return_counts=True)), strict=True):
        solids.setdefault(solid_of(code), {})[shell_of(code)] = count
    if 0 in solids or any(0 not in shells for shells in solids.values()):
        return []
    return [[shells[shell] for shell in sorted(shells)] for _, shells in sorted(solids.items())]


def told(codes: Codes | None) -> Codes | None:
    """The numbers, or None where they tell nothing."""
    return None if codes is None or not codes.any() else codes


def joined(pieces: list[Codes | None], sizes: list[int]) -> Codes | None:
    """The numbers of several runs of faces of these sizes, one after the other; None where no run has any."""
    if all(piece is None for piece in pieces):
        return None
    return np.concatenate(
        [
            np.zeros(size, np.int32) if piece is None else piece.astype(np.int32, copy=False)
            for piece, size in zip(pieces, sizes, strict=True)
        ]
    )
