"""What the graphics card gets of one tile or square: points, cells and three packed numbers a point. No VTK.

Made in worker threads from slices of the city's arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.scenario.change import lift_weight
from viewer.scene.city_mesh import CityArrays
from viewer.scene.coarse import BOX_TRIANGLES, COS, SIN, Blocks, box_corners
from viewer.scene.faces import Faces, edges
from viewer.scene.packing import face_codes, pack, pack_boxes, with_weight


@dataclass(frozen=True, eq=False)
class TileMesh:
    """points : (n, 3) float32 local. cells : (m, 3) or (m, 2) int32 into them, triangles or segments.
    feat : (n, 3) float32, see ``viewer.scene.packing``; of segments (n, 2); empty for the ground.
    face : (n,) int32, face of the tile of every point; empty for boxes."""

    points: NDArray[np.float32]
    cells: NDArray[np.int32]
    feat: NDArray[np.float32]
    face: NDArray[np.int32]


_NO_FEAT = np.empty((0, 3), np.float32)
_NO_FACE = np.empty(0, np.int32)


def body_mesh(arrays: CityArrays, faces: Faces, first_row: int, wanted: NDArray[np.bool_] | None = None) -> TileMesh:
    """What stands of some faces, or the ``wanted`` ones (n,). Rows of objects count from ``first_row``."""
    index, triangles = _some(faces, faces.body if wanted is None else wanted)
    face = faces.vertex_face[index]
    code = face_codes(faces.surface, faces.theme, faces.normals[:, 2])
    feat = pack(
        faces.feature[face] - first_row,
        _weights(arrays, faces, index),
        faces.green_rank[face],
        faces.normals[face],
        code[face],
    )
    return TileMesh(faces.positions[index], triangles, feat, face)


def shared_mesh(arrays: CityArrays, faces: Faces, first_row: int) -> TileMesh:
    """The same with points shared by faces: the last corner of every triangle has the numbers of its face, the others
    have only place, row and weight right.

    A house has some ten places for thirty corners of faces, so this takes less than half the memory, and the card
    less than half the work.
    """
    index, triangles = _some(faces, faces.body)
    if not len(triangles):
        return TileMesh(faces.positions[index], triangles, _NO_FEAT[: len(index)], _NO_FACE)
    face = faces.vertex_face[index]
    code = face_codes(faces.surface, faces.theme, faces.normals[:, 2])
    own = pack(faces.feature - first_row, np.zeros(len(faces)), faces.green_rank, faces.normals, code)
    place, number = _places(faces.positions[index], faces.feature[face])
    kind = _numbered(own)[face]
    # Of each triangle the corner that most triangles of its face have, so that few points do for all.
    busy = np.bincount(triangles.ravel(), minlength=len(index))[triangles]
    last = np.argmax(busy * np.int64(number) + place[triangles], axis=1)
    turned = np.take_along_axis(triangles, (last[:, None] + np.array([1, 2, 0])) % 3, axis=1)
    wanted = place[turned[:, 2]] * np.int64(kind.max() + 1) + kind[turned[:, 2]]
    _, first, leads = np.unique(wanted, return_index=True, return_inverse=True)
    leading = turned[first, 2]
    led = np.zeros(number, bool)
    led[place[leading]] = True
    some = np.zeros(number, np.int64)
    some[place[::-1]] = np.arange(len(index))[::-1]  # the first corner at each place
    bare = np.unique(place[turned[:, :2]])
    corner = np.concatenate([leading, some[bare[~led[bare]]]])  # and where no triangle has its last corner
    order = np.argsort(corner)  # near each other in memory as in the city: drawing remembers the last points only
    corner = corner[order]
    new = np.empty(len(order), np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    at = np.empty(number, np.int32)
    at[place[corner[::-1]]] = np.arange(len(corner), dtype=np.int32)[::-1]
    feat = own[face[corner]]
    feat[:, 1] += with_weight(_weights(arrays, faces, index[corner]))
    cells = np.column_stack([at[place[turned[:, 0]]], at[place[turned[:, 1]]], new[leads]])
    return TileMesh(faces.positions[index[corner]], np.ascontiguousarray(cells), feat, _NO_FACE)


def _places(positions: NDArray[np.float32], feature: NDArray[np.int32]) -> tuple[NDArray[np.int64], int]:
    """(n,) number of the place of each point, the same for points of one object at one place; and how many."""
    bits = np.ascontiguousarray(positions + np.float32(0.0)).view(np.uint32).astype(np.uint64)  # -0 becomes 0
    mixed = (bits[:, 0] * np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(0x2545F4914F6CDD1D)
    for more in (bits[:, 1], bits[:, 2], feature.astype(np.uint64)):
        mixed = (mixed ^ (mixed >> np.uint64(31)) ^ more) * np.uint64(0xBF58476D1CE4E5B9)
    _, first, number = np.unique(mixed, return_index=True, return_inverse=True)
    alike = (positions[first[number]] == positions).all(axis=1) & (feature[first[number]] == feature)
    if alike.all():
        return number, len(first)
    return np.arange(len(positions)), len(positions)  # two places with one number: as good as never


def _numbered(rows: NDArray[np.float32]) -> NDArray[np.int64]:
    """(n,) number of each of n rows of three whole numbers below 2**24, the same for rows that are alike."""
    one, two, three = (rows[:, k].astype(np.int64) for k in range(3))
    _, small = np.unique(one << 24 | two, return_inverse=True)
    _, number = np.unique(small.astype(np.int64) << 24 | three, return_inverse=True)
    return np.asarray(number, np.int64)


def edge_mesh(arrays: CityArrays, faces: Faces, first_row: int, pictured: NDArray[np.bool_] | None = None) -> TileMesh:
    """Outlines of the buildings and bridges among some faces; ``pictured`` ones (n,) show a picture and need none."""
    index, pairs = edges(faces, faces.outlined if pictured is None else faces.outlined & ~pictured)
    feat = np.empty((len(index), 2), np.float32)  # of the third number only faces make use
    feat[:, 0] = faces.feature[faces.vertex_face[index]] - first_row
    feat[:, 1] = with_weight(_weights(arrays, faces, index))
    return TileMesh(faces.positions[index], pairs, feat, _NO_FACE)


def ground_mesh(faces: Faces) -> TileMesh:
    """What lies on the ground of some faces."""
    index, triangles = _some(faces, faces.flat)
    return TileMesh(faces.positions[index], triangles, _NO_FEAT, faces.vertex_face[index])


def blocks_mesh(boxes: Blocks, first_row: int) -> TileMesh:
    """Boxes of consecutive objects or masses, without those that are not there; the first has row ``first_row``."""
    there = np.flatnonzero(boxes.there)
    place = boxes.place[there]
    feat = pack_boxes(
        there + first_row, boxes.rank[there], place[:, SIN], place[:, COS], boxes.side[there], boxes.top[there]
    )
    triangles = np.arange(len(there), dtype=np.int32)[:, None, None] * np.int32(8) + BOX_TRIANGLES
    return TileMesh(box_corners(place).reshape(-1, 3), triangles.reshape(-1, 3), feat.reshape(-1, 3), _NO_FACE)


def some_blocks(boxes: Blocks, first: int, last: int) -> Blocks:
    """The boxes ``first .. last - 1``."""
    own = slice(first, last)
    return Blocks(boxes.place[own], boxes.top[own], boxes.side[own], boxes.rank[own])


def _some(faces: Faces, wanted: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Vertices of some faces, and their triangles into them."""
    keep = wanted[faces.vertex_face]
    number = np.cumsum(keep, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(keep), number[faces.triangles[wanted[faces.triangle_face]]]


def _weights(arrays: CityArrays, faces: Faces, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) lift weights of some vertices; nothing moves where the ground is unknown."""
    feature = faces.feature[faces.vertex_face[index]]
    ground, eaves = arrays.measures.ground_m[feature], arrays.measures.eaves_m[feature]
    z = faces.positions[index, 2].astype(np.float64)
    ground = np.where(np.isfinite(ground), ground, z)
    return lift_weight(z, ground, np.where(np.isfinite(eaves), eaves, ground + 3.0))
