"""Sort a city by squares of the ground, see ``Tiles``. The content stays; only the order changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.city.gate import offsets
from viewer.city.model import CityModel, Column, ObjectTable
from viewer.city.solids import told
from viewer.city.tiles import Tiles, z_order

#: Sides of the smallest and the largest tile, metres.
SMALLEST_M, LARGEST_LEVEL = 250.0, 2
#: A tile with more triangles is divided, down to the smallest side.
MOST_TRIANGLES = 16_000
#: A Z-order number has 24 bits per axis.
_MOST_SQUARES = 1 << 24


def arrange(city: CityModel) -> CityModel:
    """The same city in tile order, with ``tiles``; the city itself if it is already.

    A tile holds whole top-level objects with their parts. Within a tile objects keep their order.
    """
    return arrange_with_order(city)[0]


def arrange_with_order(city: CityModel) -> tuple[CityModel, NDArray[np.intp]]:
    """``arrange``, and (F,) the former place of every face."""
    if city.tiles is not None:
        return city, np.arange(len(city.face_surface))
    squares = squares_of(places_of(city))
    order = np.argsort(squares.code, kind="stable")
    code, level = squares.code[order], squares.level[order]
    objects, new_of_old = _sort_objects(city.objects, order)
    faces = np.argsort(new_of_old[city.face_object], kind="stable")
    arranged = take_faces(city, faces)
    arranged = replace(arranged, objects=objects, face_object=new_of_old[arranged.face_object])
    first = np.flatnonzero(np.diff(code, prepend=-1)) if len(code) else np.zeros(0, np.int64)
    return replace(arranged, tiles=_tiles(arranged, first, code[first], level[first], squares.corner_local)), faces


def take_faces(city: CityModel, order: NDArray[np.intp]) -> CityModel:
    """The city with its faces in another order, or some of them; all objects stay. ``tiles`` are gone."""
    face_start = city.face_start
    rings = ranges(city.face_ring_start, order)
    vertices = ranges(face_start, order)
    triangle_start = np.searchsorted(city.triangle_face, np.arange(len(face_start)))
    triangles = ranges(triangle_start, order)
    sizes = np.diff(face_start)[order]
    moved = offsets(sizes)[:-1] - face_start[:-1][order]  # how far the vertices of each face move
    face = np.repeat(np.arange(len(order), dtype=np.int32), np.diff(triangle_start)[order])
    corners = city.triangles[triangles]
    corners += moved.astype(np.int32)[face][:, None]
    return replace(
        city,
        positions_local=city.positions_local[vertices],
        ring_start=offsets(np.diff(city.ring_start)[rings]),
        face_ring_start=offsets(np.diff(city.face_ring_start)[order]),
        face_surface=city.face_surface[order],
        face_object=city.face_object[order],
        face_lod=city.face_lod[order],
        triangles=corners,
        triangle_face=face,
        tiles=None,
        appearance=None if city.appearance is None else city.appearance.take(vertices, order),
        face_shell=None if city.face_shell is None else told(city.face_shell[order]),
    )


@dataclass(frozen=True, eq=False)
class Places:
    """Where K top-level objects lie: centre (K, 2) metres, NaN without geometry, and triangles (K,) of each."""

    centre: NDArray[np.float64]
    triangles: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Squares:
    """The tile of each of K top-level objects: code (K,) int64, level (K,) uint8, and where the squares begin."""

    code: NDArray[np.int64]
    level: NDArray[np.uint8]
    corner_local: tuple[float, float]


def places_of(city: CityModel) -> Places:
    """Where the top-level objects of a city lie: the mean of the first corners of their faces."""
    count = len(city.objects.features)
    feature = city.face_feature
    first = city.positions_local[city.face_start[:-1], :2].astype(np.float64)
    faces = np.bincount(feature, minlength=count)
    total = np.stack([np.bincount(feature, first[:, k], count) for k in range(2)], axis=1)
    centre = np.where(faces[:, None] > 0, total / np.maximum(faces, 1)[:, None], np.nan)
    return Places(centre, np.bincount(feature[city.triangle_face], minlength=count))


def squares_of(places: Places) -> Squares:
    """The tiles: small squares where much is drawn, larger ones elsewhere."""
    count = len(places.centre)
    there: NDArray[np.bool_] = np.asarray(np.isfinite(places.centre).all(axis=1))
    if not there.any():
        return Squares(np.zeros(count, np.int64), np.zeros(count, np.uint8), (0.0, 0.0))
    low = np.floor(places.centre[there].min(axis=0) / SMALLEST_M) * SMALLEST_M
    centre = np.where(there[:, None], places.centre, low)
    square = np.minimum((centre - low) // SMALLEST_M, _MOST_SQUARES - 1).astype(np.int64)
    fine = z_order(square[:, 0], square[:, 1])
    level = np.zeros(count, np.uint8)
    open_ = np.ones(count, bool)
    for larger in range(LARGEST_LEVEL, 0, -1):
        group, number = np.unique(fine >> np.int64(2 * larger), return_inverse=True)
        triangles = np.bincount(number, places.triangles, len(group))
        small: NDArray[np.bool_] = np.asarray(triangles[number] <= MOST_TRIANGLES)
        level[open_ & small] = larger
        open_ &= ~small
    shift = (2 * level).astype(np.int64)
    return Squares((fine >> shift) << shift, level, (float(low[0]), float(low[1])))


def _sort_objects(table: ObjectTable, order: NDArray[np.intp]) -> tuple[ObjectTable, NDArray[np.int32]]:
    """Objects by the new order of their top-level objects; and the new place of every old object."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    objects = np.argsort(rank[table.feature_of_object], kind="stable") if len(table) else np.zeros(0, np.int64)
    new_of_old = np.empty(len(table), np.int32)
    new_of_old[objects] = np.arange(len(table), dtype=np.int32)
    parent = table.parent[objects]
    sorted_table = ObjectTable(
        ids=table.ids[objects],
        types=table.types,
        type_code=table.type_code[objects],
        parent=np.where(parent >= 0, new_of_old[parent], -1).astype(np.int32),
        attributes={key: Column(column.name, column.values[objects]) for key, column in table.attributes.items()},
    )
    return sorted_table, new_of_old


def _tiles(
    city: CityModel,
    first: NDArray[np.int64],
    code: NDArray[np.int64],
    level: NDArray[np.uint8],
    corner: tuple[float, float],
) -> Tiles:
    feature_start = np.append(first, len(city.objects.features))
    face_start = np.searchsorted(city.face_feature, feature_start)
    ring_start = city.face_ring_start[face_start].astype(np.int64)
    vertex_start = city.face_start[face_start].astype(np.int64)
    low = np.full((len(code), 3), np.inf)
    high = np.full((len(code), 3), -np.inf)
    there = np.flatnonzero(np.diff(vertex_start))
    if len(there):
        low[there] = np.minimum.reduceat(city.positions_local, vertex_start[there], axis=0)
        high[there] = np.maximum.reduceat(city.positions_local, vertex_start[there], axis=0)
    return Tiles(
        code=code,
        level=level,
        side_m=SMALLEST_M,
        corner_local=corner,
        object_start=np.searchsorted(city.objects.feature_of_object, feature_start),
        feature_start=feature_start,
        face_start=face_start,
        ring_start=ring_start,
        vertex_start=vertex_start,
        triangle_start=np.searchsorted(city.triangle_face, face_start),
        low=low,
        high=high,
    )


def ranges(start: NDArray[np.integer], pieces: NDArray[np.integer]) -> NDArray[np.int64]:
    """Indices of all members of some pieces ``start[p] .. start[p + 1] - 1``, one piece after the other."""
    begin = start[pieces].astype(np.int64)
    sizes = start[pieces + 1] - begin
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total, dtype=np.int64) + np.repeat(begin - (ends - sizes), sizes))
