"""Textures and materials on the faces of a city, as its makers gave them; neither read nor drawn here."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Appearance:
    """Textures and materials of one theme over V vertices and F faces.

    Parameters
    ----------
    uv : (V, 2) float32, texture coordinates, (0, 0) lower left; NaN where a vertex has none.
    face_texture : (F,) int32 into ``textures``, -1 for none.
    face_material : (F,) int32 into ``materials``, -1 for none.
    textures : files of pictures, absolute paths inside the folder of the city's file.
    materials : (M, 4) uint8, red, green, blue and opacity.
    theme : name of the appearance theme, "" if it has none.
    """

    uv: NDArray[np.float32]
    face_texture: NDArray[np.int32]
    face_material: NDArray[np.int32]
    textures: tuple[str, ...] = ()
    materials: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 4), np.uint8))
    theme: str = ""

    def __post_init__(self) -> None:
        for array in (self.uv, self.face_texture, self.face_material, self.materials):
            array.setflags(write=False)

    def take(self, vertices: NDArray[np.generic], faces: NDArray[np.generic]) -> Appearance:
        """The appearance of a choice or another order of vertices and faces (masks or indices)."""
        return Appearance(
            self.uv[vertices], self.face_texture[faces], self.face_material[faces],
            self.textures, self.materials, self.theme,
        )  # fmt: skip
