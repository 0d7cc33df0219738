"""Faults of solids with several shells, and of solids that form one: hollows out of place, bodies that overlap.

Only what a file tells apart is judged (``CityModel.face_shell``), a few objects of a city if any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from viewer.city.model import CityModel
from viewer.city.quality.crossings import MAX_TRIANGLES, TOUCH_M, crossing_faces
from viewer.city.quality.findings import Collector
from viewer.city.quality.pairs import clusters, overlapping
from viewer.city.quality.polygons import SNAP_M
from viewer.city.solids import is_composite, shell_of, solid_of

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Places of a shell that are looked up in another one.
_SAMPLES = 48
#: Which places of a triangle: off its middle and its axes, where surfaces often meet those of others.
_PLACES = np.array([[0.43, 0.36, 0.21], [0.19, 0.27, 0.54]])
#: Places whose winding number is no farther from a whole one are surely inside or outside.
_SURE = 0.2


@dataclass(frozen=True, eq=False)
class Shells:
    """S shells of solids.

    body : (S,) object and level of detail as one number; owner : (S,) the object. code : (S,) of ``face_shell``.
    sound : (S,) bool, shells that can be trusted. faces : (N,) and shell : (N,) the faces and the shell of each.
    """

    body: Index
    owner: Index
    code: NDArray[np.int32]
    sound: Flags
    faces: Index
    shell: Index


def check_solids(city: CityModel, shells: Shells, found: Collector) -> None:
    """Judge the shells of every solid against each other, then the solids of every CompositeSolid.

    A solid with an unsound shell is not judged, and no CompositeSolid with a solid at fault.
    """
    order = np.argsort(shells.shell, kind="stable")
    start = np.searchsorted(shells.shell[order], np.arange(len(shells.body) + 1))
    faces = [np.sort(shells.faces[order[a:b]]) for a, b in pairwise(start.tolist())]
    for rows in _groups(shells.body):
        meshes = [_Mesh.of(city, faces[row]) for row in rows.tolist()]
        if sum(len(mesh.corners) for mesh in meshes) > MAX_TRIANGLES:
            continue
        solids: list[tuple[_Mesh, _Mesh]] = []
        for own in _groups(solid_of(shells.code[rows])):
            parts = [meshes[i] for i in own[np.argsort(shell_of(shells.code[rows[own]]))].tolist()]
            sound = bool(shells.sound[rows[own]].all()) and bool((shell_of(shells.code[rows[own]]) == 0).any())
            if sound and not _note(_faults_of_solid(city, parts), shells.owner[rows[0]], found):
                solids.append((parts[0], _Mesh.joined(parts)))
        several = len(solids) > 1 and bool(is_composite(shells.code[rows]).all())
        if several and len(solids) == len(np.unique(solid_of(shells.code[rows]))):
            _note(_faults_of_composite(city, solids), shells.owner[rows[0]], found)


def _groups(number: NDArray[np.integer]) -> Iterator[Index]:
    """Rows with the same number."""
    order = np.argsort(number, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(number[order])) + 1) if len(order) else ()


def _note(faults: list[tuple[str, Floats]], owner: np.int64, found: Collector) -> bool:
    for code, place in faults:
        found.add(code, np.array([owner]), place[None])
    return bool(faults)


# -- one solid -----------------------------------------------------------------------------------------------------


def _faults_of_solid(city: CityModel, shells: list[_Mesh]) -> list[tuple[str, Floats]]:
    """The gravest faults between the shells of a solid, the outer one first; code and place."""
    if len(shells) < 2:
        return []
    near = _near(shells)
    twice = {j for i, j in near if shells[i].is_same(shells[j])}
    if twice:
        return [("402", shells[j].middle) for j in sorted(twice)]
    place = _first_crossing(city, shells)
    if place is not None:
        return [("401", place)]
    outside = set(range(1, len(shells))) - {j for i, j in near if i == 0}
    for i, j in near:
        one, other = shells[i], shells[j]
        shared = one.shared_place(other)
        if shared is not None:
            return [("401", shared)]
        inside, around = other.lies_in(one), one.lies_in(other)[0]
        if (i == 0 and inside == (True, True)) or (i > 0 and inside[0]) or (around and not inside[0]):
            return [("401", other.middle)]
        if i == 0 and inside == (False, True):
            outside.add(j)
    if outside:
        return [("403", shells[j].middle) for j in sorted(outside)]
    pieces = _interiors(city, shells)
    return [("404", shells[0].middle)] if pieces > 1 else []


def _first_crossing(city: CityModel, meshes: list[_Mesh]) -> Floats | None:
    """Where an edge of one of some bodies, none of which crosses itself, pierces another one."""
    faces = np.sort(np.concatenate([mesh.faces for mesh in meshes]))
    places = crossing_faces(city, faces, np.zeros(len(faces), np.int64))[1]
    return np.asarray(places[0]) if len(places) else None


def _interiors(city: CityModel, shells: list[_Mesh]) -> int:
    """Into how many pieces the hollows cut the interior of a solid; contact along common edges alone is seen.

    Around an edge where several surfaces meet, the two that bound the same part of the interior belong together.
    Surfaces that hang together so bound one piece of it from outside, where they hold a volume, or a hollow.
    """
    faces = np.sort(np.concatenate([mesh.faces for mesh in shells]))
    sizes = np.diff(city.face_start)[faces]
    face = np.repeat(np.arange(len(faces)), sizes)
    offset = np.arange(len(face)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    vertex = city.face_start[faces].astype(np.int64)[face] + offset
    ring = np.searchsorted(city.ring_start, vertex, side="right") - 1
    last = vertex == city.ring_start[ring + 1] - 1
    after = np.where(last, city.ring_start[ring], vertex + 1)
    name = _names(city.positions_local[vertex].astype(np.float64))
    number = np.full(int(vertex.max()) + 1, -1)
    number[vertex] = name
    start, end = name, number[after]
    normal = np.zeros((len(faces), 3))
    here, there = (city.positions_local[which].astype(np.float64) for which in (vertex, after))
    origin = here[np.cumsum(sizes) - sizes][face]
    np.add.at(normal, face, np.cross(here - origin, there - origin))
    label = np.arange(len(faces))

    def top(item: int) -> int:
        while label[item] != item:
            label[item] = label[label[item]]
            item = int(label[item])
        return item

    low, high = np.minimum(start, end), np.maximum(start, end)
    for use in _groups(low * (int(name.max(initial=0)) + 1) + high):
        use = use[start[use] != end[use]]
        if len(use) < 2:
            continue
        forward = start[use] < end[use]
        along = (there[use[0]] - here[use[0]]) * (1.0 if forward[0] else -1.0)
        along /= np.linalg.norm(along)
        into = np.cross(normal[face[use]], np.where(forward, 1.0, -1.0)[:, None] * along)
        side = np.cross(along, into[0])
        angle = np.mod(np.arctan2(into @ side / max(np.linalg.norm(into[0]), 1e-12), into @ into[0]), 2 * np.pi)
        turn = np.argsort(angle, kind="stable")
        for here_, next_ in zip(turn, np.roll(turn, -1), strict=True):
            if not forward[here_] and forward[next_]:
                label[top(int(face[use[here_]]))] = top(int(face[use[next_]]))
    group = np.array([top(item) for item in range(len(faces))])
    volume = np.bincount(group[face], np.einsum("ij,ij->i", here - here[0], np.cross(here - origin, there - origin)))
    return int((volume > 6 * SNAP_M**3).sum())


# -- several solids ------------------------------------------------------------------------------------------------


def _faults_of_composite(city: CityModel, solids: list[tuple[_Mesh, _Mesh]]) -> list[tuple[str, Floats]]:
    """The gravest faults between the solids of a CompositeSolid, each as its outer shell and as a whole."""
    outer, whole = [solid[0] for solid in solids], [solid[1] for solid in solids]
    near = _near(outer)
    twice = {j for i, j in near if outer[i].is_same(outer[j])}
    if twice:
        return [("502", outer[j].middle) for j in sorted(twice)]
    place = _first_crossing(city, whole)
    if place is not None:
        return [("501", place)]
    for i, j in _near(outer, -SNAP_M):  # what only touches is in nothing
        if outer[j].lies_in(whole[i])[0] or outer[i].lies_in(whole[j])[0]:
            return [("501", outer[j].middle)]
    piece = np.arange(len(solids))  # the same number for what hangs together
    for i, j in near:
        if piece[i] != piece[j] and whole[i].shared_place(whole[j]) is not None:
            piece[piece == piece[j]] = piece[i]
    return [("503", outer[i].middle) for i in np.flatnonzero(piece != piece[0]).tolist()]


def _near(meshes: list[_Mesh], slack: float = SNAP_M) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, ascending, of meshes whose boxes, larger by ``slack``, have a place in common."""
    low, high = (np.array([mesh.box[k] for mesh in meshes]) for k in (0, 1))
    pairs: set[tuple[int, int]] = set()
    for i, j in overlapping(np.zeros(len(meshes), np.int64), low[:, 0] - SNAP_M, high[:, 0] + SNAP_M):
        met = ((low[i] <= high[j] + slack) & (low[j] <= high[i] + slack)).all(axis=1)
        pairs.update(zip(np.minimum(i, j)[met].tolist(), np.maximum(i, j)[met].tolist(), strict=True))
    return sorted(pairs)


# -- triangles -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Mesh:
    """A closed surface: its faces (n,) ascending, and its triangles' corners (t, 3, 3)."""

    faces: Index
    corners: Floats

    @staticmethod
    def of(city: CityModel, faces: Index) -> _Mesh:
        first = np.searchsorted(city.triangle_face, faces)
        count = np.searchsorted(city.triangle_face, faces, side="right") - first
        which = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
        return _Mesh(faces, city.positions_local[city.triangles[which]].astype(np.float64))

    @staticmethod
    def joined(meshes: list[_Mesh]) -> _Mesh:
        return _Mesh(np.concatenate([m.faces for m in meshes]), np.concatenate([m.corners for m in meshes]))

    @cached_property
    def box(self) -> tuple[Floats, Floats]:
        return self.corners.min(axis=(0, 1)), self.corners.max(axis=(0, 1))

    @property
    def middle(self) -> Floats:
        low, high = self.box
        return np.asarray((low + high) / 2)

    @cached_property
    def volume(self) -> float:
        a, b, c = np.moveaxis(self.corners - self.corners[0, 0], 1, 0)
        return abs(float(np.einsum("ij,ij->", a, np.cross(b, c)))) / 6

    def is_same(self, other: _Mesh) -> bool:
        """Whether both have the same corners and volume."""
        if not np.allclose(self.box, other.box, atol=SNAP_M) or not np.isclose(self.volume, other.volume, rtol=1e-4):
            return False
        points = np.concatenate([self.corners.reshape(-1, 3), other.corners.reshape(-1, 3)])
        name = _names(points)
        first = 3 * len(self.corners)
        return bool(np.array_equal(np.unique(name[:first]), np.unique(name[first:])))

    def shared_place(self, other: _Mesh) -> Floats | None:
        """A place where a face of one lies upon a face of the other, None where there is none."""
        corners = np.concatenate([self.corners, other.corners])
        own = np.arange(len(corners)) < len(self.corners)
        low, high = corners.min(axis=1), corners.max(axis=1)
        for i, j in overlapping(np.zeros(len(corners), np.int64), low[:, 0] - SNAP_M, high[:, 0] + SNAP_M):
            keep = own[i] != own[j]
            keep &= ((low[i] <= high[j] + SNAP_M) & (low[j] <= high[i] + SNAP_M)).all(axis=1)
            i, j = i[keep], j[keep]
            hit = _lie_upon(corners[i], corners[j])
            if hit.any():
                return np.asarray(corners[i[hit][0]].mean(axis=0))
        return None

    def lies_in(self, other: _Mesh) -> tuple[bool, bool]:
        """Whether some of it lies inside a closed surface, and whether some lies outside."""
        step = max(1, len(self.corners) // _SAMPLES)
        places = np.einsum("tij,ki->ktj", self.corners[::step], _PLACES).reshape(-1, 3)
        around = np.abs([_winding(place, other.corners) for place in places])
        return bool((around > 1 - _SURE).any()), bool((around < _SURE).any())


def _names(points: Floats) -> Index:
    """(n,) numbers; points closer than the snap tolerance get the same."""
    name: Index = np.zeros(len(points), np.int64)
    for axis in range(3):
        near = clusters(np.zeros(len(points), np.int64), points[:, axis], 0.9 * SNAP_M)
        name = np.unique(name * (int(near.max(initial=0)) + 1) + near, return_inverse=True)[1]
    return name


def _winding(point: Floats, corners: Floats) -> float:
    """How often a closed surface goes round a point: 1 or -1 inside, 0 outside, NaN upon it.

    From the solid angles of its triangles (van Oosterom and Strackee 1983).
    """
    a, b, c = np.moveaxis(corners - point, 1, 0)
    la, lb, lc = (np.linalg.norm(side, axis=1) for side in (a, b, c))
    above = np.einsum("ij,ij->i", a, np.cross(b, c))
    below = la * lb * lc
    below += np.einsum("ij,ij->i", a, b) * lc + np.einsum("ij,ij->i", b, c) * la + np.einsum("ij,ij->i", c, a) * lb
    angle = np.arctan2(above, below)
    upon = (np.abs(angle) > np.pi - 1e-3) | (np.hypot(above, below) < 1e-6 * la * lb * lc + 1e-12)
    return float("nan") if upon.any() else float(angle.sum() / (2 * np.pi))


def _lie_upon(one: Floats, other: Floats) -> Flags:
    """(n,) which of n pairs of triangles lie in one plane and overlap there by more than they may touch."""
    normal = np.cross(one[:, 1] - one[:, 0], one[:, 2] - one[:, 0])
    length = np.linalg.norm(normal, axis=1)
    normal /= np.where(length > 0, length, 1.0)[:, None]
    off = np.abs(np.einsum("nij,nj->ni", other - one[:, :1], normal)).max(axis=1)
    upon = (off < SNAP_M) & (length > 0)
    for triangle in (one, other):
        for k in range(3):
            axis = np.cross(triangle[:, (k + 1) % 3] - triangle[:, k], normal)
            size = np.linalg.norm(axis, axis=1)
            axis /= np.where(size > 0, size, 1.0)[:, None]
            p, q = (np.einsum("nij,nj->ni", corners, axis) for corners in (one, other))
            depth = np.minimum(p.max(axis=1), q.max(axis=1)) - np.maximum(p.min(axis=1), q.min(axis=1))
            upon &= depth > TOUCH_M
    return np.asarray(upon)
