"""Arrays that grow in place, so that reading a city never holds all of its points twice."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from viewer.plugin_api.raw import RawCity
from viewer.readers.citygml_arrays import FaceArrays

Scalar = TypeVar("Scalar", bound=np.generic)

#: Small steps cost little, because the operating system moves pages instead of copying them.
_GROWTH = 1.125
_FIRST_ROWS = 4096


class Growing(Generic[Scalar]):
    """One array to which rows are added at the end."""

    def __init__(self, dtype: DTypeLike, columns: int = 0) -> None:
        self._array: NDArray[Scalar] = np.empty((0, columns) if columns else (0,), dtype=dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, rows: NDArray[np.generic]) -> None:
        """Add rows."""
        end = self._length + len(rows)
        if end > len(self._array):
            self._resize(max(end, int(len(self._array) * _GROWTH), _FIRST_ROWS))
        self._array[self._length : end] = rows
        self._length = end

    def rows(self) -> NDArray[Scalar]:
        """The rows so far; valid until the next ``append``."""
        return self._array[: self._length]

    def finish(self) -> NDArray[Scalar]:
        """The array at its final size; nothing may be added after."""
        self._resize(self._length)
        array, self._array, self._length = self._array, self._array[:0].copy(), 0
        return array

    def _resize(self, rows: int) -> None:
        self._array.resize((rows, *self._array.shape[1:]), refcheck=False)


class GrowingFaces:
    """Faces of a city, added chunk by chunk."""

    def __init__(self) -> None:
        self._points: Growing[np.float64] = Growing(np.float64, 3)
        self._ring_size: Growing[np.int32] = Growing(np.int32)
        self._ring_face: Growing[np.int32] = Growing(np.int32)
        self._object: Growing[np.int32] = Growing(np.int32)
        self._surface: Growing[np.uint8] = Growing(np.uint8)
        self._lod: Growing[np.uint8] = Growing(np.uint8)
        self._number: Growing[np.int64] = Growing(np.int64)
        self._shells: list[tuple[int, NDArray[np.int32]]] = []  # first face of a chunk, solid and shell of its faces

    def append(self, faces: FaceArrays) -> None:
        """Add a chunk; its faces are numbered on."""
        self._ring_face.append(faces.ring_face + np.int32(len(self._object)))
        if faces.shell is not None:
            self._shells.append((len(self._object), faces.shell))
        self._points.append(faces.points)
        self._ring_size.append(faces.ring_size)
        self._object.append(faces.face_object)
        self._surface.append(faces.face_surface)
        self._lod.append(faces.face_lod)
        if faces.number is not None:
            self._number.append(faces.number)

    def first_points(self) -> NDArray[np.float64]:
        """Some points of the beginning, (n, 3), to judge the order of axes by."""
        return self._points.rows()[:10_000]

    def numbers(self) -> NDArray[np.int64]:
        """What ``FaceArrays.number`` brought, once, (F,); empty if nothing."""
        return self._number.finish()

    def finish(self) -> RawCity:
        """A raw city with these faces and no objects yet."""
        sizes = self._ring_size.finish()
        ring_start = np.zeros(len(sizes) + 1, dtype=np.int64)
        np.cumsum(sizes, out=ring_start[1:])
        shell = np.zeros(len(self._object), np.int32) if self._shells else None
        for first, codes in self._shells:
            assert shell is not None
            shell[first : first + len(codes)] = codes
        return RawCity(
            points_crs=self._points.finish(),
            ring_start=ring_start,
            ring_face=self._ring_face.finish(),
            face_object=self._object.finish(),
            face_surface=self._surface.finish(),
            face_lod=self._lod.finish(),
            lods=[],
            object_ids=[],
            object_types=[],
            object_parent=np.zeros(0, dtype=np.int32),
            face_shell=shell,
        )
