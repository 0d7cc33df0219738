"""Textures and materials of a city as CityJSON 2.0 writes them: lists of a document, and values of its geometries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city.model import CityModel

Ints = NDArray[np.int64]
#: Steps of texture coordinates.
_STEP = 1e-6
_PLAIN_THEME = "visual"
_TYPES = {"jpg": "JPG", "jpeg": "JPG", "png": "PNG"}


class AppearanceWriter:
    """Looks of the faces of a document, or of several documents with lists of their own.

    Parameters
    ----------
    faces : (F,) positions in the city. face_ring : (F + 1,) into the rings, ring_start : (R + 1,) into the points,
        source : (P,) the city's vertex of every point; as they are written.
    names : of the pictures, by their number in the city's appearance; pictures without a name are left out.
    document, documents : (F,) the number of the document of every face, and how many there are.
    """

    def __init__(
        self,
        city: CityModel,
        faces: Ints,
        face_ring: Ints,
        ring_start: Ints,
        source: Ints,
        names: Mapping[int, str],
        document: Ints | None = None,
        documents: int = 1,
    ) -> None:
        appearance = city.appearance
        assert appearance is not None
        self._theme = appearance.theme or _PLAIN_THEME
        document = np.zeros(len(faces), np.int64) if document is None else document
        texture = appearance.face_texture[faces].astype(np.int64)
        texture[~np.isin(texture, list(names))] = -1
        pictures, picture_start, texture_of = _numbered(texture, document, documents)
        material = appearance.face_material[faces].astype(np.int64)
        materials, material_start, material_of = _numbered(material, document, documents)
        textured_point = np.repeat(np.repeat(texture >= 0, np.diff(face_ring)), np.diff(ring_start))
        of_point = np.repeat(np.repeat(document, np.diff(face_ring)), np.diff(ring_start))
        rows, row_of = _unique(appearance.uv[source[textured_point]])
        every = np.full(len(source), -1, np.int64)
        every[textured_point] = row_of
        points, point_start, number = _numbered(every, of_point, documents)
        #: The ``appearance`` of every document; empty where nothing is left of it.
        self.sections: list[dict[str, Any]] = [{} for _ in range(documents)]
        for own, first, last in _runs(material_start):
            colors = appearance.materials[materials[first:last]].tolist()
            self.sections[own]["materials"] = [_material(i, row) for i, row in enumerate(colors)]
            self.sections[own]["default-theme-material"] = self._theme
        for own, first, last in _runs(picture_start):
            self.sections[own]["textures"] = [_texture(names[i]) for i in pictures[first:last].tolist()]
            self.sections[own]["default-theme-texture"] = self._theme
        for own, first, last in _runs(point_start):
            self.sections[own]["vertices-texture"] = rows[points[first:last]].tolist()
        self._texture, self._material = texture_of.tolist(), material_of.tolist()
        self._rings = [number[a:b] for a, b in pairwise(ring_start.tolist())]
        self._bounds = face_ring.tolist()

    def members(self, first: int, last: int, nested: Callable[[list[Any]], list[Any]]) -> dict[str, Any]:
        """``texture`` and ``material`` of a geometry of the faces ``first .. last - 1``, where they have any.

        nested : makes of a list with an entry per face one that is nested as deep as the geometry asks.
        """
        result: dict[str, Any] = {}
        textures, materials = self._texture[first:last], self._material[first:last]
        if max(textures, default=-1) >= 0:
            values = [self._values(face) for face in range(first, last)]
            result["texture"] = {self._theme: {"values": nested(values)}}
        if max(materials, default=-1) >= 0:
            own = [None if number < 0 else number for number in materials]
            result["material"] = {self._theme: {"values": nested(own)}}
        return result

    def _values(self, face: int) -> list[list[int | None]]:
        rings = self._rings[self._bounds[face] : self._bounds[face + 1]]
        number = self._texture[face]
        return [[None] if number < 0 else [number, *ring.tolist()] for ring in rings]


def _numbered(numbers: Ints, document: Ints, documents: int) -> tuple[Ints, Ints, Ints]:
    """Numbers that are not negative, counted anew in every document.

    Returns what each document uses, one after the other, where each one's begin, and the place of every number among
    those of its document, -1 for negative ones.
    """
    count = int(numbers.max(initial=0)) + 1
    there = numbers >= 0
    pairs, index = np.unique(document[there] * count + numbers[there], return_inverse=True)
    start = np.searchsorted(pairs // count, np.arange(documents + 1))
    place = np.full(len(numbers), -1, np.int64)
    place[there] = index.reshape(-1) - start[document[there]]
    return pairs % count, start, place


def _runs(start: Ints) -> list[tuple[int, int, int]]:
    """(document, first, last) of the documents that have something."""
    own = np.flatnonzero(np.diff(start))
    return list(zip(own.tolist(), start[own].tolist(), start[own + 1].tolist(), strict=True))


def _unique(uv: NDArray[np.float32]) -> tuple[NDArray[np.float64], Ints]:
    """Different texture coordinates, and the number of each given one among them."""
    whole = np.rint(uv.astype(np.float64) / _STEP).astype(np.int64)
    rows, index = np.unique(whole, axis=0, return_inverse=True)
    return np.round(rows * _STEP, 6), index.reshape(-1)


def _texture(name: str) -> dict[str, str]:
    kind = _TYPES.get(name.rpartition(".")[2].lower(), "PNG")
    return {"type": kind, "image": name, "wrapMode": "wrap"}


def _material(number: int, row: list[int]) -> dict[str, Any]:
    red, green, blue, opacity = (round(value / 255, 4) for value in row)
    result: dict[str, Any] = {"name": f"material-{number + 1}", "diffuseColor": [red, green, blue]}
    if opacity < 1:
        result["transparency"] = round(1 - opacity, 4)
    return result
