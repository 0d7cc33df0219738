"""Triangulation of planar faces with holes: most faces in whole arrays, the rest one by one by earcut.

Knows nothing of cities: rings in, triangles out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.readers.crew import Crew
from viewer.readers.growing import Growing
from viewer.readers.helpers import warm
from viewer.readers.parcel import Label, Shelf

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Indices = NDArray[np.int64]

#: Faces below this area carry nothing that could be seen (a square millimetre).
MIN_AREA_M2 = 1e-6
#: Corners that turn inwards by less than this share of the face are taken as straight.
_FLAT_SHARE = 1e-7
_BLOCK_POINTS = 40_000
#: Helpers take so many blocks at once, and none of fewer points than this.
_MOST_BLOCKS = 4
_WORTH_POINTS = 200_000


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
    with Cutting(positions, ring_start, face_ring_start) as cutting:
        return cutting.finish(on_block)


@dataclass(frozen=True, slots=True)
class _Part:
    """Faces ``first .. last``; ``arrays`` are those of all faces, for a helper."""

    arrays: Label | None
    first: int
    last: int


class Cutting:
    """Triangulation of faces as ``triangulate`` does it; helpers begin at once where they are ready."""

    def __init__(
        self, positions: NDArray[np.float32], ring_start: NDArray[np.integer], face_ring_start: NDArray[np.integer]
    ) -> None:
        self._positions, self._ring_start, self._face_ring_start = positions, ring_start, face_ring_start
        self._shelf: Shelf | None = None
        if len(positions) >= _WORTH_POINTS and warm():
            arrays = {"positions": positions, "ring_start": ring_start, "face_ring_start": face_ring_start}
            with contextlib.suppress(OSError):  # without room for them all is done here
                self._shelf = Shelf(arrays)
        shared = None if self._shelf is None else self._shelf.label
        self._crew: Crew[_Part, dict[str, NDArray[Any]]] = Crew(
            _cut_there, self._cut, _MOST_BLOCKS, helped=shared is not None
        )
        face_count = len(face_ring_start) - 1
        face_start = ring_start[face_ring_start]
        first = 0
        while first < face_count:
            last = int(np.searchsorted(face_start, face_start[first] + _BLOCK_POINTS, side="right")) - 1
            last = min(max(last, first + 1), face_count)
            self._crew.add(_Part(shared, first, last))
            first = last

    def __enter__(self) -> Cutting:
        return self

    def __exit__(self, *_: object) -> None:
        self._crew.leave()
        if self._shelf is not None:
            self._shelf.clear()
            self._shelf = None

    def finish(self, on_block: Callable[[float], None] | None = None) -> Triangulation:
        """All triangles, once; as ``triangulate`` gives them."""
        triangles: Growing[np.int32] = Growing(np.int32, 3)
        found: list[dict[str, NDArray[Any]]] = []
        for _, arrays in self._crew.results(on_block or (lambda _: None)):
            triangles.append(arrays.pop("triangles"))
            found.append(arrays)
        count, usable, crossing = (
            np.concatenate([part[name] for part in found] or [np.zeros(0, kind)])
            for name, kind in (("count", np.int32), ("usable", np.bool_), ("crossing", np.bool_))
        )
        face = np.arange(len(count), dtype=np.int32)
        return Triangulation(triangles.finish(), np.repeat(face, count), usable, crossing)

    def _cut(self, parts: list[_Part]) -> dict[str, NDArray[Any]]:
        return _cut(self._positions, self._ring_start, self._face_ring_start, parts)


def _cut_there(parts: list[_Part]) -> dict[str, NDArray[Any]]:
    """Cut faces whose arrays another process shows."""
    assert parts[0].arrays is not None
    with parts[0].arrays.look() as arrays:
        found = _cut(arrays["positions"], arrays["ring_start"], arrays["face_ring_start"], parts)
        del arrays
    return found


def _cut(
    positions: NDArray[np.float32],
    ring_start: NDArray[np.integer],
    face_ring_start: NDArray[np.integer],
    parts: list[_Part],
) -> dict[str, NDArray[Any]]:
    """The triangles of faces that follow each other, and for each face how many, whether it is usable, and crosses."""
    blocks = [_Block(positions, ring_start, face_ring_start, part.first, part.last).triangulate() for part in parts]
    return {
        name: np.concatenate([getattr(block, name) for block in blocks])
        for name in ("triangles", "count", "usable", "crossing")
    }


@dataclass(frozen=True, eq=False)
class _Cut:
    """Triangles of a block, and of each of its faces how many it has, whether it is usable, and crosses itself."""

    triangles: Ints
    count: Ints
    usable: NDArray[np.bool_]
    crossing: NDArray[np.bool_]


class _Block:
    """Faces ``first .. last`` with coordinates relative to the first point of each face, in float64.

    Coordinates stand axis by axis, (3, n). ``flat`` (2, n) are those of each point in the plane its face is seen best
    in: along the axis that its normal is nearest to, turned so that the outer ring runs counter-clockwise.
    """

    def __init__(
        self,
        positions: NDArray[np.float32],
        ring_start: NDArray[np.integer],
        face_ring_start: NDArray[np.integer],
        first: int,
        last: int,
    ) -> None:
        rings = face_ring_start[first : last + 1].astype(np.int64)
        starts = ring_start[rings[0] : rings[-1] + 1].astype(np.int64)
        self.base = int(starts[0])
        self.ring_start = starts - self.base
        self.face_ring = rings - rings[0]
        self.face_start = self.ring_start[self.face_ring]
        self.size = np.diff(self.face_start)
        points = positions[self.base : int(starts[-1])].T.astype(np.float64, order="C")
        for axis in points:
            axis -= np.repeat(axis[self.face_start[:-1]], self.size)
        self.points = points

    def triangulate(self) -> _Cut:
        outer_start = self.face_start[:-1]
        single = np.diff(self.face_ring) == 1
        normal = self._outer_normals()
        usable = (normal**2).sum(axis=0) > (2 * MIN_AREA_M2) ** 2
        crossing = np.zeros(len(usable), bool)
        # Twice the area in the plane, and how much less a corner that turns inwards may have.
        reach = self._look_along(normal)
        limit = -_FLAT_SHARE * reach

        found: list[tuple[Indices, Indices]] = []  # faces, and the corners of their triangles (n, 3 * triangles)
        three = np.flatnonzero(usable & single & (self.size == 3))
        found.append((three, outer_start[three, None] + np.arange(3)))
        left = usable & ~(single & (self.size == 3))
        for size in range(4, 9):
            several = np.flatnonzero(left & single & (self.size == size))
            if len(several):
                split = self._split_quads if size == 4 else self._fan_convex
                corners, valid = split(outer_start[several], size, limit[several])
                found.append((several[valid], corners[valid] if not valid.all() else corners))
                left[several[valid]] = False
        concave = np.flatnonzero(left)
        triangles, counts = self._earcut(concave, crossing)
        usable[concave[counts == 0]] = False

        count = np.zeros(len(self.size), np.int64)
        count[concave] = counts
        for faces, corners in found:
            count[faces] = corners.shape[1] // 3
        start = np.cumsum(count) - count
        result = np.empty((int(count.sum()), 3), np.int32)
        for faces, corners in found:
            for k in range(corners.shape[1] // 3):
                result[start[faces] + k] = corners[:, 3 * k : 3 * k + 3] + self.base
        within = np.arange(len(triangles)) - np.repeat(np.cumsum(counts) - counts, counts)
        result[np.repeat(start[concave], counts) + within] = triangles + self.base
        return _Cut(result, count.astype(np.int32), usable, crossing)

    def _outer_normals(self) -> Floats:
        """(3, F) normals of the outer rings after Newell; their length is twice the area."""
        x, y, z = self.points
        outer_start = self.face_start[:-1]
        outer_end = self.ring_start[self.face_ring[:-1] + 1]
        cross = np.zeros(len(x) + 1)
        edges = outer_start
        if len(self.ring_start) > len(self.face_start):
            edges = np.stack([outer_start, outer_end], axis=1).ravel()
        normal = np.empty((3, len(outer_start)))
        for own, (a, b) in zip(normal, ((y, z), (z, x), (x, y)), strict=True):
            np.subtract(a[:-1] * b[1:], b[:-1] * a[1:], out=cross[: len(x) - 1])
            cross[outer_end - 1] = 0.0  # back to the first point, where all counts from
            own[:] = np.add.reduceat(cross, edges)[:: len(edges) // len(outer_start)]
        return normal

    def _look_along(self, normal: Floats) -> Floats:
        """Set ``flat``; twice the area of each face in it, (F,)."""
        along = np.abs(normal)
        axis = np.where((along[0] >= along[1]) & (along[0] >= along[2]), 0, np.where(along[1] >= along[2], 1, 2))
        every = np.arange(len(axis))
        turned = normal[axis, every] < 0
        u, v = (axis + 1) % 3, (axis + 2) % 3
        place = np.arange(self.points.shape[1])
        self.flat = np.empty((2, len(place)))
        for own, chosen in zip(self.flat, (np.where(turned, v, u), np.where(turned, u, v)), strict=True):
            np.take(self.points.reshape(-1), np.repeat(chosen * len(place), self.size) + place, out=own, mode="clip")
        return np.asarray(along[axis, every])

    def _split_quads(self, start: Indices, _: int, limit: Floats) -> tuple[Indices, NDArray[np.bool_]]:
        """(n, 6) corners along the better diagonal and whether one lies inside, for faces of four points."""
        bu, cu, du = (self.flat[0][start + k] for k in (1, 2, 3))
        bv, cv, dv = (self.flat[1][start + k] for k in (1, 2, 3))
        abc, acd, abd = bu * cv - bv * cu, cu * dv - cv * du, bu * dv - bv * du
        by_ac, by_bd = np.minimum(abc, acd), np.minimum(abd, abc + acd - abd)
        corners = np.where((by_ac >= by_bd)[:, None], np.array([0, 1, 2, 0, 2, 3]), np.array([0, 1, 3, 1, 2, 3]))
        corners += start[:, None]
        return corners, np.maximum(by_ac, by_bd) > limit

    def _fan_convex(self, start: Indices, size: int, limit: Floats) -> tuple[Indices, NDArray[np.bool_]]:
        """(n, 3 * (size - 2)) corners of a fan around the first point, and whether the face is convex."""
        ring = start + np.arange(size)[:, None]
        u, v = self.flat[0][ring], self.flat[1][ring]
        # A fan that only ever turns one way, with a corner of less than 180 degrees, covers a convex face once.
        valid = (u[1:-1] * v[2:] - v[1:-1] * u[2:] > 0).all(axis=0)
        along_u, along_v = np.roll(u, -1, axis=0) - u, np.roll(v, -1, axis=0) - v
        for corner in range(size):
            after = (corner + 1) % size
            valid &= along_u[corner] * along_v[after] - along_v[corner] * along_u[after] > limit
        k = np.arange(1, size - 1)
        return start[:, None] + np.stack([np.zeros_like(k), k, k + 1], axis=1).ravel(), valid

    def _earcut(self, faces: Indices, crossing: NDArray[np.bool_]) -> tuple[Indices, Indices]:
        """Triangles of concave faces and faces with holes, (T, 3), and how many each of them has."""
        if not len(faces):
            return np.zeros((0, 3), np.int64), np.zeros(0, np.int64)
        from mapbox_earcut import triangulate_float64

        flat = np.ascontiguousarray(self.flat.T)
        corners: list[Indices] = []
        counts = np.zeros(len(faces), dtype=np.int64)
        starts, ends = self.face_start[faces].tolist(), self.face_start[faces + 1].tolist()
        for i, (f, begin, end) in enumerate(zip(faces.tolist(), starts, ends, strict=True)):
            ring_ends = (self.ring_start[self.face_ring[f] + 1 : self.face_ring[f + 1] + 1] - begin).astype(np.uint32)
            cut = triangulate_float64(flat[begin:end], ring_ends)
            counts[i] = len(cut) // 3
            corners.append(cut.astype(np.int64) + begin)
        triangles = np.concatenate(corners).reshape(-1, 3)
        owner = np.repeat(np.arange(len(faces)), counts)
        (au, av), (bu, bv), (cu, cv) = (self.flat[:, triangles[:, k]] for k in range(3))
        signed = (bu - au) * (cv - av) - (bv - av) * (cu - au)
        total = np.bincount(owner, weights=np.abs(signed), minlength=len(faces))
        facing = np.bincount(owner, weights=signed, minlength=len(faces))
        turned_round = (facing < 0)[owner]
        triangles[turned_round] = triangles[turned_round][:, ::-1]
        crossing[faces] = np.abs(total - self._net_area(faces)) > 0.01 * total + MIN_AREA_M2
        return triangles, counts

    def _net_area(self, faces: Indices) -> Floats:
        """Twice the area of each face in its plane: outer ring less the holes, whichever way those turn."""
        first, last = self.face_ring[faces], self.face_ring[faces + 1]
        owner = np.repeat(np.arange(len(faces)), last - first)
        rings = np.arange(len(owner)) - np.repeat(np.cumsum(last - first) - last, last - first)
        begin, end = self.ring_start[rings], self.ring_start[rings + 1]
        u, v = self.flat
        cross = np.zeros(len(u) + 1)
        np.subtract(u[:-1] * v[1:], v[:-1] * u[1:], out=cross[: len(u) - 1])
        cross[end - 1] = u[end - 1] * v[begin] - v[end - 1] * u[begin]
        area = np.abs(np.add.reduceat(cross, np.stack([begin, end], axis=1).ravel())[::2])
        outer = rings == first[owner]
        return np.asarray(np.bincount(owner, weights=np.where(outer, area, -area), minlength=len(faces)))
