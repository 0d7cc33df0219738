"""What the graphics card gets of one tile or square: points, cells and three packed numbers a point. No VTK.

Made in worker threads from slices of the city's arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.scenario.change import lift_weight
from viewer.scene.city_mesh import CityArrays
from viewer.scene.coarse import BOX_TRIANGLES, Blocks, box_corners
from viewer.scene.faces import Faces, edges
from viewer.scene.packing import face_codes, pack

_NEVER = np.float32(2.0)
#: Points per triangle from which on it pays to look for points that are alike.
MANY_POINTS = 2.1


@dataclass(frozen=True, eq=False)
class TileMesh:
    """points : (n, 3) float32 local. cells : (m, 3) or (m, 2) int32 into them, triangles or segments.
    feat : (n, 3) float32, see ``viewer.scene.packing``; empty for the ground.
    face : (n,) int32, face of the tile of every point; empty for boxes."""

    points: NDArray[np.float32]
    cells: NDArray[np.int32]
    feat: NDArray[np.float32]
    face: NDArray[np.int32]


_NO_FEAT = np.empty((0, 3), np.float32)
_NO_FACE = np.empty(0, np.int32)


def body_mesh(arrays: CityArrays, faces: Faces, first_row: int) -> TileMesh:
    """What stands of some faces. Rows of objects count from ``first_row``."""
    index, triangles = _some(faces, faces.body)
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


def joined(mesh: TileMesh) -> TileMesh:
    """The same triangles with points that are alike in everything there once: those of faces that continue each other.

    A surface that came as single triangles takes a third of the memory less.
    """
    rows = np.ascontiguousarray(np.concatenate([mesh.points, mesh.feat], axis=1)).view(np.dtype((np.void, 24))).ravel()
    _, first, number = np.unique(rows, return_index=True, return_inverse=True)
    return TileMesh(mesh.points[first], number.astype(np.int32)[mesh.cells], mesh.feat[first], mesh.face[first])


def edge_mesh(arrays: CityArrays, faces: Faces, first_row: int, pictured: NDArray[np.bool_] | None = None) -> TileMesh:
    """Outlines of the buildings and bridges among some faces; ``pictured`` ones (n,) show a picture and need none."""
    index, pairs = edges(faces, faces.outlined if pictured is None else faces.outlined & ~pictured)
    face = faces.vertex_face[index]
    none = np.zeros(len(index), np.uint8)
    up = np.broadcast_to(np.array([0.0, 0.0, 1.0], np.float32), (len(index), 3))
    rank = np.full(len(index), _NEVER)
    feat = pack(faces.feature[face] - first_row, _weights(arrays, faces, index), rank, up, none)
    return TileMesh(faces.positions[index], pairs, feat, _NO_FACE)


def ground_mesh(faces: Faces) -> TileMesh:
    """What lies on the ground of some faces."""
    index, triangles = _some(faces, faces.flat)
    return TileMesh(faces.positions[index], triangles, _NO_FEAT, faces.vertex_face[index])


def blocks_mesh(boxes: Blocks, first_row: int) -> TileMesh:
    """Boxes of consecutive objects or masses, without those that are not there; the first has row ``first_row``."""
    there = np.flatnonzero(boxes.there)
    corner = box_corners(boxes.place[there])
    count = len(there)
    along = corner[:, (1, 2, 3, 0)].astype(np.float64) - corner[:, :4]
    normals = np.zeros((count, 8, 3))
    normals[:, :4, 0], normals[:, :4, 1], normals[:, 4:, 2] = along[..., 1], -along[..., 0], 1.0
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-6)
    rank = np.full((count, 8), _NEVER)
    rank[:, 4] = boxes.rank[there]
    code = np.repeat(np.column_stack([boxes.side[there], boxes.top[there]]), 4, axis=1)
    weight = np.tile(np.repeat(np.array([0.0, 1.0]), 4), count)
    row = np.repeat(there + first_row, 8)
    feat = pack(row, weight, rank.ravel(), normals.reshape(-1, 3), code.ravel())
    triangles = (np.arange(count, dtype=np.int32)[:, None, None] * np.int32(8) + BOX_TRIANGLES).reshape(-1, 3)
    return TileMesh(corner.reshape(-1, 3), triangles, feat, _NO_FACE)


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
