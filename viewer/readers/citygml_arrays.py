"""What the parts of the CityGML reader hand to each other: faces as arrays, and uses of surfaces elsewhere."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from viewer.readers.citygml_names import GML_IDS

Element = Any
Floats = NDArray[np.float64]


def gml_id(element: Element) -> str:
    """The id of an element, empty if it has none."""
    for name in GML_IDS:
        value = element.get(name)
        if value:
            return str(value).strip()
    return ""


class Reference(NamedTuple):
    """A surface used again by ``xlink:href``: where it belongs, to be settled when its target is known.

    shell : the solid and shell that use it, where they are told apart.
    """

    target: str
    owner: int
    lod: int
    surface: int
    backwards: bool
    shell: int = 0


class FaceArrays:
    """Faces as flat arrays; (P, 3) points, points per ring, face of each ring, and per face owner, surface, LoD.

    number : (F,) int64 by which a face is known to ``citygml_appearance``; None where nobody asks. shell : (F,) int32
    solid and shell, None where all solids have one shell.
    """

    __slots__ = ("face_lod", "face_object", "face_surface", "number", "points", "ring_face", "ring_size", "shell")

    def __init__(
        self,
        points: Floats,
        ring_size: NDArray[np.int32],
        ring_face: NDArray[np.int32],
        face_object: NDArray[np.int32],
        face_surface: NDArray[np.uint8],
        face_lod: NDArray[np.uint8],
        number: NDArray[np.int64] | None = None,
        shell: NDArray[np.int32] | None = None,
    ) -> None:
        self.number, self.shell = number, shell
        self.points, self.ring_size, self.ring_face = points, ring_size, ring_face
        self.face_object, self.face_surface, self.face_lod = face_object, face_surface, face_lod
