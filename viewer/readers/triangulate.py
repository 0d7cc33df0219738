"""Triangulation of planar faces with holes: most faces in whole arrays, the rest one by one by earcut.

Knows nothing of cities: rings in, triangles out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from viewer.readers.helpers import in_order

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

#: Faces below this area carry nothing that could be seen (a square millimetre).
MIN_AREA_M2 = 1e-6
#: Corners that turn inwards by less than this share of the face are taken as straight.
_FLAT_SHARE = 1e-7
_BLOCK_POINTS = 40_000


@dataclass(frozen=True, eq=False)
class Triangulation:
    """Triangles of F faces over V points.

    triangles : (T, 3) int32 into the points, sorted by face. triangle_face : (T,) int32, ascending.
    usable : (F,) bool; faces without an area have no triangles. crossing : (F,) bool, faces whose outline
    crosses itself, so that their triangles only approximate them.
    """

    triangles: Ints
    triangle_face: Ints
    usable: NDArray[np.bool_]
    crossing: NDArray[np.bool_]


def triangulate(
    positions: NDArray[np.float32],
    ring_start: NDArray[np.integer],
    face_ring_start: NDArray[np.integer],
    on_block: Callable[[float], None] | None = None,
) -> Triangulation:
    """Triangulate F faces; triangles turn as the outer ring of their face does.

    Parameters
    ----------
    positions : (V, 3) float32, finite, metres. Rings without closing point and without repeated points.
    ring_start : (R + 1,) into the points. face_ring_start : (F + 1,) into the rings, first ring outer; every
        face has one.
    on_block : called with the share done (0 to 1) after each block of faces; may raise to cancel.
    """
    face_count = len(face_ring_start) - 1
    face_start = ring_start[face_ring_start]
    usable = np.zeros(face_count, dtype=bool)
    crossing = np.zeros(face_count, dtype=bool)
    edges = [0]
    while edges[-1] < face_count:
        first = edges[-1]
        last = int(np.searchsorted(face_start, face_start[first] + _BLOCK_POINTS, side="right")) - 1
        edges.append(min(max(last, first + 1), face_count))

    def cut(block: tuple[int, int]) -> tuple[Ints, Ints]:
        first, last = block
        faces = _Block(positions, ring_start, face_ring_start, first, last)
        return faces.triangulate(usable[first:last], crossing[first:last])

    parts: list[tuple[Ints, Ints]] = []
    for (_, last), part in zip(pairwise(edges), in_order(cut, list(pairwise(edges))), strict=True):
        parts.append(part)
        if on_block is not None:
            on_block(last / face_count)
    if not parts:
        return Triangulation(np.zeros((0, 3), np.int32), np.zeros(0, np.int32), usable, crossing)
    triangles = np.concatenate([part[0] for part in parts])
    triangle_face = np.concatenate([part[1] for part in parts])
    return Triangulation(triangles, triangle_face, usable, crossing)


class _Block:
    """Faces ``first .. last`` with coordinates relative to the first point of each face, in float64."""

    def __init__(
        self,
        positions: NDArray[np.float32],
        ring_start: NDArray[np.integer],
        face_ring_start: NDArray[np.integer],
        first: int,
        last: int,
    ) -> None:
        self.first_face = first
        rings = face_ring_start[first : last + 1].astype(np.int64)
        starts = ring_start[rings[0] : rings[-1] + 1].astype(np.int64)
        self.base = int(starts[0])
        self.ring_start = starts - self.base
        self.face_ring = rings - rings[0]
        self.face_start = self.ring_start[self.face_ring]
        self.size = np.diff(self.face_start)
        points = positions[self.base : int(starts[-1])].astype(np.float64)
        points -= np.repeat(points[self.face_start[:-1]], self.size, axis=0)
        self.points = points

    def triangulate(self, usable: NDArray[np.bool_], crossing: NDArray[np.bool_]) -> tuple[Ints, Ints]:
        outer_start = self.face_start[:-1]
        outer_size = self.ring_start[self.face_ring[:-1] + 1] - outer_start
        single = np.diff(self.face_ring) == 1
        normal = self._normals(outer_start, outer_size)
        length = np.linalg.norm(normal, axis=1)
        usable[:] = length > 2 * MIN_AREA_M2
        with np.errstate(invalid="ignore", divide="ignore"):
            unit = normal / length[:, None]

        found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        three = np.flatnonzero(usable & single & (self.size == 3))
        if len(three):
            found.append((outer_start[three, None] + np.arange(3), three))
        left = usable & ~(single & (self.size == 3))

        four = np.flatnonzero(left & single & (self.size == 4))
        if len(four):
            corners, valid = self._split_quads(outer_start[four], unit[four], length[four])
            done = four[valid]
            found.append((corners[valid].reshape(-1, 3), np.repeat(done, 2)))
            left[done] = False
        for size in range(5, 9):
            several = np.flatnonzero(left & single & (self.size == size))
            if len(several):
                corners, valid = self._fan_convex(outer_start[several], size, unit[several], length[several])
                done = several[valid]
                found.append((corners[valid].reshape(-1, 3), np.repeat(done, size - 2)))
                left[done] = False
        if left.any():
            found.append(self._earcut(np.flatnonzero(left), unit, usable, crossing))

        if not found:
            return np.zeros((0, 3), np.int32), np.zeros(0, np.int32)
        triangles = np.concatenate([part[0] for part in found]) + self.base
        faces = np.concatenate([part[1] for part in found])
        order = np.argsort(faces, kind="stable")
        return triangles[order].astype(np.int32), (faces[order] + self.first_face).astype(np.int32)

    def _normals(self, start: NDArray[np.int64], size: NDArray[np.int64]) -> Floats:
        """(F, 3) normals of the outer rings after Newell; their length is twice the area."""
        points = self.points
        cross = np.empty_like(points)
        cross[:-1] = np.cross(points[:-1], points[1:])
        ends = start + size - 1
        cross[ends] = np.cross(points[ends], points[start])
        edges = np.stack([start, start + size], axis=1).ravel()
        padded = np.concatenate([cross, np.zeros((1, 3))])
        return np.asarray(np.add.reduceat(padded, edges, axis=0)[::2])

    def _split_quads(
        self, start: NDArray[np.int64], unit: Floats, length: Floats
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """(n, 2, 3) corners along the better diagonal and whether one lies inside, for faces of four points."""
        a, b, c, d = (self.points[start + k] for k in range(4))

        def area(p: Floats, q: Floats, r: Floats) -> Floats:
            return np.asarray(np.einsum("ij,ij->i", np.cross(q - p, r - p), unit))

        by_ac = np.minimum(area(a, b, c), area(a, c, d))
        by_bd = np.minimum(area(a, b, d), area(b, c, d))
        ac = by_ac >= by_bd
        corners = np.where(ac[:, None], np.array([0, 1, 2, 0, 2, 3]), np.array([0, 1, 3, 1, 2, 3]))
        valid = np.maximum(by_ac, by_bd) > -_FLAT_SHARE * length
        return (start[:, None] + corners).reshape(-1, 2, 3), valid

    def _fan_convex(
        self, start: NDArray[np.int64], size: int, unit: Floats, length: Floats
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """(n, size - 2, 3) corners of a fan around the first point, and whether the face is convex."""
        ring = self.points[start[:, None] + np.arange(size)]
        edge = np.roll(ring, -1, axis=1) - ring
        turn = np.einsum("ijk,ik->ij", np.cross(edge, np.roll(edge, -1, axis=1)), unit)
        spoke = ring[:, 1:] - ring[:, :1]
        fan = np.einsum("ijk,ik->ij", np.cross(spoke[:, :-1], spoke[:, 1:]), unit)
        limit = -_FLAT_SHARE * length[:, None]
        # A fan that only ever turns one way, with a corner of less than 180 degrees, covers a convex face once.
        valid = (turn > limit).all(axis=1) & (fan > 0).all(axis=1)
        k = np.arange(1, size - 1)
        corners = np.stack([np.zeros_like(k), k, k + 1], axis=1)
        return start[:, None, None] + corners, valid

    def _earcut(
        self, faces: NDArray[np.int64], unit: Floats, usable: NDArray[np.bool_], crossing: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Triangles of concave faces and faces with holes, seen along the axis their normal is nearest to."""
        from mapbox_earcut import triangulate_float64

        axis = np.abs(unit[faces]).argmax(axis=1)
        # (u, v) so that the outer ring runs counter-clockwise in the plane.
        first = np.array([1, 2, 0])[axis]
        second = np.array([2, 0, 1])[axis]
        turned = unit[faces, axis] < 0
        first, second = np.where(turned, second, first), np.where(turned, first, second)
        corners: list[NDArray[np.int64]] = []
        counts = np.zeros(len(faces), dtype=np.int64)
        starts, ends = self.face_start[faces].tolist(), self.face_start[faces + 1].tolist()
        for i, (f, begin, end, u, v) in enumerate(
            zip(faces.tolist(), starts, ends, first.tolist(), second.tolist(), strict=True)
        ):
            flat = np.ascontiguousarray(self.points[begin:end, (u, v)])
            ring_ends = (self.ring_start[self.face_ring[f] + 1 : self.face_ring[f + 1] + 1] - begin).astype(np.uint32)
            cut = triangulate_float64(flat, ring_ends)
            counts[i] = len(cut) // 3
            corners.append(cut.astype(np.int64) + begin)
        triangles = np.concatenate(corners).reshape(-1, 3)
        owner = np.repeat(np.arange(len(faces)), counts)
        p, q, r = (self.points[triangles[:, k]] for k in range(3))
        signed = np.einsum("ij,ij->i", np.cross(q - p, r - p), unit[faces[owner]])
        total = np.bincount(owner, weights=np.abs(signed), minlength=len(faces))
        facing = np.bincount(owner, weights=signed, minlength=len(faces))
        turned_round = (facing < 0)[owner]
        triangles[turned_round] = triangles[turned_round][:, ::-1]
        usable[faces[counts == 0]] = False
        crossing[faces] = np.abs(total - self._net_area(faces, unit)) > 0.01 * total + MIN_AREA_M2
        return triangles, faces[owner]

    def _net_area(self, faces: NDArray[np.int64], unit: Floats) -> Floats:
        """Twice the area of each face: outer ring less the holes, whichever way those turn."""
        first, last = self.face_ring[faces], self.face_ring[faces + 1]
        rings = np.concatenate([np.arange(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True)])
        owner = np.repeat(np.arange(len(faces)), last - first)
        normals = self._normals(self.ring_start[rings], self.ring_start[rings + 1] - self.ring_start[rings])
        area = np.abs(np.einsum("ij,ij->i", normals, unit[faces[owner]]))
        outer = rings == first[owner]
        return np.asarray(np.bincount(owner, weights=np.where(outer, area, -area), minlength=len(faces)))
