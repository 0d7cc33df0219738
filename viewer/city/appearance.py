"""Textures and materials on the faces of a city, as its makers gave them; neither read nor drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: Opaque white: of a material that says nothing else.
WHITE = (255, 255, 255, 255)


@dataclass(frozen=True, eq=False)
class Appearance:
    """Textures and materials of one theme over V vertices and F faces.

    Parameters
    ----------
    uv : (V, 2) float32, texture coordinates, (0, 0) lower left; NaN where a vertex has none. Beyond 0..1 the
        picture repeats.
    face_texture : (F,) int32 into ``textures``, -1 for none.
    face_material : (F,) int32 into ``materials``, -1 for none.
    textures : files of pictures, absolute paths inside the folder of the city's file; ``archive.zip!/name`` for
        those inside an archive.
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

    @property
    def empty(self) -> bool:
        """Whether no face has a texture or a material."""
        return not ((self.face_texture >= 0).any() or (self.face_material >= 0).any())

    @property
    def wholly_transparent(self) -> NDArray[np.bool_]:
        """(M + 1,) bool of materials nobody would see; the last one is False, for faces without a material (-1).

        Nobody models a wall to leave it out, and some programs write opacity where the standards say transparency, so
        these are shown opaque.
        """
        return np.append(self.materials[:, 3] == 0, False)

    def fault(self, vertices: int, faces: int) -> str:
        """What contradicts a city of so many vertices and faces: the name of an array, "" if nothing does."""
        if self.uv.shape != (vertices, 2) or self.uv.dtype != np.float32:
            return "uv"
        for name, count in (("face_texture", len(self.textures)), ("face_material", len(self.materials))):
            index = getattr(self, name)
            if index.shape != (faces,) or index.dtype.kind not in "iu":
                return name
            if len(index) and (int(index.min()) < -1 or int(index.max()) >= count):
                return name
        if self.materials.shape != (len(self.materials), 4) or self.materials.dtype != np.uint8:
            return "materials"
        return ""

    def without_gaps(self, face_start: NDArray[np.integer]) -> tuple[Appearance, int]:
        """The same with textures only on faces all of whose vertices have coordinates; and how many faces lost
        theirs. ``face_start`` (F + 1,) first vertex of every face."""
        textured = self.face_texture >= 0
        if not textured.any():
            return self, 0
        missing = ~np.isfinite(self.uv[:, 0] + self.uv[:, 1])
        running = np.zeros(len(missing) + 1, np.int64)
        np.cumsum(missing, out=running[1:])
        lost = textured & (running[face_start[1:]] > running[face_start[:-1]])
        count = int(lost.sum())
        if not count:
            return self, 0
        texture = np.where(lost, np.int32(-1), self.face_texture).astype(np.int32)
        return Appearance(self.uv, texture, self.face_material, self.textures, self.materials, self.theme), count


def nothing(vertices: int, faces: int) -> Appearance:
    """No texture and no material on so many vertices and faces."""
    none = np.full(faces, -1, np.int32)
    return Appearance(np.full((vertices, 2), np.nan, np.float32), none, none.copy())


def join(parts: Sequence[Appearance | None], sizes: Sequence[tuple[int, int]]) -> Appearance | None:
    """The appearances of several cities in a row, None where none of them has one.

    sizes : vertices and faces of every city. A picture that several use is there once; the first theme that has a
    name gives its name.
    """
    if all(part is None for part in parts):
        return None
    whole = [nothing(*size) if part is None else part for part, size in zip(parts, sizes, strict=True)]
    place: dict[str, int] = {}
    textures, materials, first = [], [], 0
    for part in whole:
        number = np.array([place.setdefault(path, len(place)) for path in part.textures] + [-1], np.int32)
        textures.append(number[part.face_texture])  # -1 is the last entry
        materials.append(np.where(part.face_material < 0, np.int32(-1), part.face_material + np.int32(first)))
        first += len(part.materials)
    return Appearance(
        uv=np.concatenate([part.uv for part in whole]),
        face_texture=np.concatenate(textures),
        face_material=np.concatenate(materials).astype(np.int32),
        textures=tuple(place),
        materials=np.concatenate([part.materials for part in whole]),
        theme=next((part.theme for part in whole if part.theme), ""),
    )
