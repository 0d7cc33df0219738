"""Some tiles of a sorted city as a city of their own: cut out of every array; nothing else is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.city.model import CityModel, Column, ObjectTable
from viewer.city.solids import told
from viewer.city.tiles import Tiles

Kind = TypeVar("Kind", bound=np.generic)


def without_damage(city: CityModel) -> tuple[CityModel, int]:
    """The city without the faces of damaged tiles, and how many top-level objects that concerns.

    For whoever works with whole arrays: no offset and no index of the result leads astray. Looks at all tiles; all
    objects stay.
    """
    if city.tiles is None or city.tiles.verify is None:
        return city, 0
    bad = city.tiles.damaged()
    if not bad:
        return replace(city, tiles=replace(city.tiles, verify=None)), 0  # nobody need look again
    return without_tiles(city, bad), int(np.diff(city.tiles.feature_start)[list(bad)].sum())


def sound_faces(city: CityModel, faces: NDArray[np.bool_]) -> tuple[CityModel, NDArray[np.bool_]]:
    """``without_damage``, and which of its faces are meant by ``faces`` (F,) of the whole city."""
    sound, gone = without_damage(city)
    if not gone or city.tiles is None:
        return sound, faces
    bad = np.zeros(len(city.tiles), bool)
    bad[list(city.tiles.damaged())] = True
    return sound, faces[~np.repeat(bad, np.diff(city.tiles.face_start))]


def without_tiles(city: CityModel, tiles: Iterable[int]) -> CityModel:
    """The city without the faces of some tiles; all objects stay. Arrays of those tiles are not looked at."""
    assert city.tiles is not None
    left_out = set(tiles)
    kept = [b for b in range(len(city.tiles)) if b not in left_out]
    return _cut(city, city.tiles, kept, city.objects, 0)


def cut_tiles(city: CityModel, first: int, last: int, *, attributes: bool = True) -> CityModel:
    """Tiles ``first .. last - 1`` as a city of their own, in the same frame, with their objects alone.

    attributes : whether ids and columns come along; without them the ids are empty.
    """
    tiles = city.tiles
    assert tiles is not None
    own = slice(int(tiles.object_start[first]), int(tiles.object_start[last]))
    table = city.objects
    parent = table.parent[own]
    columns = table.attributes if attributes else {}
    objects = ObjectTable(
        ids=table.ids[own] if attributes else np.full(len(parent), "", np.dtypes.StringDType()),
        types=table.types,
        type_code=table.type_code[own],
        parent=np.where(parent >= 0, parent - np.int32(own.start), np.int32(-1)),
        attributes={key: Column(column.name, column.values[own]) for key, column in columns.items()},
    )
    return _cut(city, tiles, range(first, last), objects, own.start)


def _cut(city: CityModel, tiles: Tiles, kept: Iterable[int], objects: ObjectTable, first_object: int) -> CityModel:
    runs = _runs(kept)

    def rows(start: NDArray[np.int64]) -> list[slice]:
        return [slice(int(start[a]), int(start[b])) for a, b in runs]

    vertex, ring, face = rows(tiles.vertex_start), rows(tiles.ring_start), rows(tiles.face_start)
    triangle = rows(tiles.triangle_start)
    vertices, faces = _taken(vertex), _taken(face)
    look = city.appearance
    return replace(
        city,
        positions_local=_joined([city.positions_local[own] for own in vertex], city.positions_local),
        ring_start=_offsets(city.ring_start, ring),
        face_ring_start=_offsets(city.face_ring_start, face),
        face_surface=_joined([city.face_surface[own] for own in face], city.face_surface),
        face_object=_joined([city.face_object[own] for own in face], city.face_object) - np.int32(first_object),
        face_lod=_joined([city.face_lod[own] for own in face], city.face_lod),
        triangles=_shifted(city.triangles, triangle, vertex),
        triangle_face=_shifted(city.triangle_face, triangle, face),
        objects=objects,
        tiles=None,
        appearance=None if look is None else look.take(vertices, faces),
        face_shell=None if city.face_shell is None else told(city.face_shell[faces]),
    )


def _runs(kept: Iterable[int]) -> list[tuple[int, int]]:
    """Tiles that follow each other, as (first, last + 1)."""
    numbers = np.fromiter(kept, np.int64)
    if not len(numbers):
        return []
    ends = np.flatnonzero(np.diff(numbers) != 1)
    return list(zip(numbers[np.append(0, ends + 1)], numbers[np.append(ends, -1)] + 1, strict=True))


def _joined(pieces: list[NDArray[Kind]], whole: NDArray[Kind]) -> NDArray[Kind]:
    return np.concatenate(pieces) if pieces else whole[:0]


def _taken(pieces: list[slice]) -> NDArray[np.int64]:
    return _joined([np.arange(own.start, own.stop) for own in pieces], np.zeros(0, np.int64))


def _offsets(start: NDArray[np.int32], pieces: list[slice]) -> NDArray[np.int32]:
    sizes = _joined([np.diff(start[own.start : own.stop + 1]) for own in pieces], start[:0])
    result = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=result[1:])
    return result


def _shifted(index: NDArray[np.int32], pieces: list[slice], into: list[slice]) -> NDArray[np.int32]:
    """Indices of some pieces that point into pieces of another array, which now follow each other."""
    end, moved = 0, []
    for own, target in zip(pieces, into, strict=True):
        moved.append(index[own] + np.int32(end - target.start))
        end += target.stop - target.start
    return _joined(moved, index[:0])
