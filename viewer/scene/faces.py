"""Consecutive faces of a city, sorted into what stands and what lies: some tiles, or a whole small city. No VTK."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.kinds import SurfaceType, Theme

#: Faces whose normals have at least this scalar product lie in one plane (about one degree).
IN_ONE_PLANE = 0.9998
#: Roofs up to this slope may turn green, degrees.
GREEN_SLOPE = 10.0
STANDING = (Theme.BUILDING, Theme.BRIDGE, Theme.TUNNEL, Theme.FURNITURE, Theme.TREE, Theme.GENERIC)
_OUTLINED = (Theme.BUILDING, Theme.BRIDGE)


@dataclass(frozen=True, eq=False)
class Faces:
    """n faces with v vertices and t triangles; indices count from the first of them.

    first_face, first_vertex, first_triangle : where they begin in the city.
    positions : (v, 3) float32. ring_start : (r + 1,) int32. face_start : (n + 1,) int32, first vertex of every face.
    triangles : (t, 3) int32. triangle_face : (t,) int32. surface : (n,) uint8, ``SurfaceType``.
    feature : (n,) int32, position in ``objects.features``. theme : (n,) uint8, index into ``tuple(Theme)``.
    shown : (n,) bool, whether the face belongs to the level of detail that is shown.
    """

    first_face: int
    first_vertex: int
    first_triangle: int
    positions: NDArray[np.float32]
    ring_start: NDArray[np.int32]
    face_start: NDArray[np.int32]
    triangles: NDArray[np.int32]
    triangle_face: NDArray[np.int32]
    surface: NDArray[np.uint8]
    feature: NDArray[np.int32]
    theme: NDArray[np.uint8]
    shown: NDArray[np.bool_]

    @staticmethod
    def of(city: CityModel, shown: NDArray[np.bool_] | None = None, first: int = 0, last: int | None = None) -> Faces:
        """Faces of the tiles ``first .. last - 1``, or all of them; ``shown`` (F,) bool, None for all."""
        tiles = city.tiles
        a, b, own = 0, len(city.face_surface), slice(0, len(city.triangles))
        if tiles is not None and not (first == 0 and last is None):
            end = len(tiles) if last is None else last
            a, b = int(tiles.face_start[first]), int(tiles.face_start[end])
            own = slice(int(tiles.triangle_start[first]), int(tiles.triangle_start[end]))
        rings = city.ring_start[int(city.face_ring_start[a]) : int(city.face_ring_start[b]) + 1]
        first_vertex, end_vertex = (int(rings[0]), int(rings[-1])) if len(rings) else (0, 0)
        objects = city.objects
        if len(objects):
            feature = objects.feature_of_object[city.face_object[a:b]]
            theme = objects.feature_theme[feature].astype(np.uint8)
        else:
            feature, theme = np.zeros(b - a, np.int32), np.zeros(b - a, np.uint8)
        ring_first = int(city.face_ring_start[a])
        return Faces(
            first_face=a,
            first_vertex=first_vertex,
            first_triangle=own.start,
            positions=city.positions_local[first_vertex:end_vertex],
            ring_start=rings - np.int32(first_vertex),
            face_start=rings[city.face_ring_start[a : b + 1] - np.int32(ring_first)] - np.int32(first_vertex),
            triangles=city.triangles[own] - np.int32(first_vertex),
            triangle_face=city.triangle_face[own] - np.int32(a),
            surface=city.face_surface[a:b],
            feature=feature,
            theme=theme,
            shown=np.ones(b - a, bool) if shown is None else np.asarray(shown[a:b], bool),
        )

    def __len__(self) -> int:
        return len(self.surface)

    @cached_property
    def vertex_face(self) -> NDArray[np.int32]:
        """(v,) int32: face of each vertex."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.face_start))

    @cached_property
    def normals(self) -> NDArray[np.float32]:
        """(n, 3) float32, see ``face_normals``."""
        return face_normals(self.positions, self.triangles, self.triangle_face, len(self))

    @cached_property
    def standing(self) -> NDArray[np.bool_]:
        """(n,) bool: shown faces that are lifted and picked as bodies."""
        return np.asarray(self.shown & is_any(self.theme, STANDING))

    @cached_property
    def flat(self) -> NDArray[np.bool_]:
        """(n,) bool: shown faces of the ground."""
        return np.asarray(self.shown & ~self.standing)

    @cached_property
    def body(self) -> NDArray[np.bool_]:
        """(n,) bool: what stands, without the undersides nobody sees."""
        under = self.standing & (self.surface == SurfaceType.GROUND)
        if not under.any():
            return self.standing
        first = int(self.feature.min())
        own = self.feature - first
        above = np.bincount(own[self.standing & ~under], minlength=int(own.max()) + 1) > 0
        return np.asarray(self.standing & ~(under & above[own]))

    @cached_property
    def outlined(self) -> NDArray[np.bool_]:
        """(n,) bool: faces whose outlines are drawn."""
        return np.asarray(self.standing & is_any(self.theme, _OUTLINED) & (self.surface != SurfaceType.GROUND))

    @cached_property
    def green_rank(self) -> NDArray[np.float32]:
        """(n,) float32: 0..1 for flat roofs of buildings, spread evenly; 2 elsewhere. A roof is greened where its rank
        is at most the share. The rank follows from the face's place in the city alone."""
        rank = np.full(len(self), 2.0, np.float32)
        roofs = np.flatnonzero(
            self.shown & is_any(self.theme, (Theme.BUILDING,))
            & (self.normals[:, 2] >= np.cos(np.radians(GREEN_SLOPE)))
            & ((self.surface == SurfaceType.ROOF) | (self.surface == SurfaceType.UNKNOWN))
        )  # fmt: skip
        rank[roofs] = spread_rank(roofs + self.first_face)
        return rank


def spread_rank(numbers: NDArray[np.integer]) -> NDArray[np.float32]:
    """(n,) float32 in 0..1, evenly spread over any run of numbers (multiples of the golden section)."""
    mixed = (numbers.astype(np.uint64) * np.uint64(2654435769)) % np.uint64(2**32)
    return np.asarray((mixed >> np.uint64(8)).astype(np.float32) / np.float32(2**24))


def is_any(theme: NDArray[np.generic], wanted: Iterable[Theme]) -> NDArray[np.bool_]:
    """(n,) bool: whether themes (indices into ``tuple(Theme)``) are among some."""
    table = np.array([t in wanted for t in Theme])
    return np.asarray(table[theme.astype(np.intp)], dtype=bool)


def face_normals(
    positions: NDArray[np.float32], triangles: NDArray[np.int32], triangle_face: NDArray[np.int32], count: int
) -> NDArray[np.float32]:
    """(count, 3) unit normals, the mean over the triangles of each face by area; zeros where there is none."""
    origin = positions[triangles[:, 0]].astype(np.float64)
    a, b = positions[triangles[:, 1]] - origin, positions[triangles[:, 2]] - origin
    total = np.empty((count, 3))
    for k, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        total[:, k] = np.bincount(triangle_face, a[:, i] * b[:, j] - a[:, j] * b[:, i], count)[:count]
    length = np.sqrt((total * total).sum(axis=1, keepdims=True))
    return np.asarray(total / np.maximum(length, 1e-12), dtype=np.float32)


def edges(faces: Faces, wanted: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Outlines of the ``wanted`` faces ((n,) bool) as segments: some of the vertices, each place once, and pairs into
    them.

    A shared edge appears once, and not at all between two faces that lie in one plane.
    """
    keep = wanted[faces.vertex_face]
    index = np.flatnonzero(keep)
    if not len(index):
        return index, np.empty((0, 2), np.int32)
    following = np.arange(1, len(faces.positions) + 1, dtype=np.int64)
    sizes = np.diff(faces.ring_start)
    following[faces.ring_start[1:][sizes > 0] - 1] = faces.ring_start[:-1][sizes > 0]
    p = np.rint(faces.positions[index] * np.float32(100)).astype(np.int64)
    code = np.zeros(len(faces.positions), np.int64)
    code[index] = (p[:, 0] * 73856093) ^ (p[:, 1] * 19349663) ^ (p[:, 2] * 83492791)
    a, b = index, following[index]
    key = np.minimum(code[a], code[b]) * 31 + np.maximum(code[a], code[b])
    order = np.argsort(key, kind="stable")
    new = np.flatnonzero(np.diff(key[order], prepend=key[order[0]] - 1))
    first, count = order[new], np.diff(np.append(new, len(order)))
    # where two faces continue each other in one plane, people see no edge
    second = order[np.minimum(new + 1, len(order) - 1)]
    one, other = faces.vertex_face[index[first]], faces.vertex_face[index[second]]
    level = (faces.normals[one] * faces.normals[other]).sum(axis=1) > IN_ONE_PLANE
    first = first[~((count == 2) & level & (one != other))]
    return _each_once(faces, np.column_stack([a[first], b[first]]), code)


def _each_once(
    faces: Faces, pairs: NDArray[np.int64], code: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Ends of segments with every place of an object there once, and the pairs into them."""
    ends = pairs.ravel()
    of = faces.feature[faces.vertex_face[ends]].astype(np.int64)
    _, first, number = np.unique(code[ends] * 131 + of, return_index=True, return_inverse=True)
    return ends[first], number.reshape(-1, 2).astype(np.int32)
