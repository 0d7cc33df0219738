"""Faults of rings and polygons: repeated points, crossings, holes out of place, surfaces that are not planar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city.geometry import segment_reduce
from viewer.city.model import CityModel
from viewer.city.quality.findings import Collector
from viewer.city.quality.pairs import crossing_or_along, inside_rings, overlapping, to_segment, touching

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Points closer than this are one point, metres.
SNAP_M = 0.001
#: Segments of one ring that come closer than this touch, metres.
TOUCH_M = SNAP_M / 2
#: How far a point may lie off the plane of its surface, metres.
PLANE_M = 0.01
#: How far parts of a surface may be turned against each other, degrees.
NORMALS_DEG = 20.0
#: Triangles thinner than this say nothing about the direction of their surface, metres.
_THIN_M = 0.02
_SAMPLES = 16
#: Rings and polygons of more points are not searched for crossings: a spiteful one would take hours.
MAX_RING_POINTS, MAX_POLYGON_POINTS = 10_000, 50_000


class Polygons:
    """The faces ``first .. last`` of a city, each seen in its own plane.

    After ``check``: broken (n,) bool faces whose outline cannot be trusted, so that no shell is judged by them.
    """

    def __init__(self, city: CityModel, first: int, last: int) -> None:
        rings = city.face_ring_start[first : last + 1].astype(np.int64)
        starts = city.ring_start[rings[0] : rings[-1] + 1].astype(np.int64)
        self.city, self.first, self.count = city, first, last - first
        self.base = int(starts[0])
        self.ring_start = starts - self.base
        self.face_ring = rings - rings[0]
        self.face_start = self.ring_start[self.face_ring]
        self.size = np.diff(self.face_start)
        self.ring_size = np.diff(self.ring_start)
        absolute = city.positions_local[self.base : int(starts[-1])].astype(np.float64)
        self.face_of_ring = np.repeat(np.arange(self.count), np.diff(self.face_ring))
        self.ring_of = np.repeat(np.arange(len(self.ring_size)), self.ring_size)
        self.face_of = np.repeat(np.arange(self.count), self.size)
        self.after = np.arange(1, len(absolute) + 1)
        self.after[self.ring_start[1:] - 1] = self.ring_start[:-1]
        self.points = absolute - absolute[self.face_start[:-1]][self.face_of]
        # What float32 cannot tell apart this far from the origin of the city.
        reach = np.maximum.reduceat(np.abs(absolute).max(axis=1), self.face_start[:-1])
        self.noise = np.spacing(reach.astype(np.float32)).astype(np.float64)
        self.outer = np.zeros(len(self.ring_size), dtype=bool)
        self.outer[self.face_ring[:-1]] = True
        self._look_at_planes()

    def _look_at_planes(self) -> None:
        cross = np.cross(self.points, self.points[self.after])
        self.ring_normal = segment_reduce(np.add, cross, self.ring_start.astype(np.int32))
        normal = self.ring_normal[self.outer]
        length = np.linalg.norm(normal, axis=1)
        self.normal = normal / np.where(length > 0, length, 1.0)[:, None]
        for face in np.flatnonzero(length < 1e-9).tolist():  # outlines whose halves cancel out, such as a bow tie
            own = self.points[self.face_start[face] : self.face_start[face + 1]]
            self.normal[face] = np.linalg.svd(own - own.mean(axis=0), full_matrices=False)[2][-1]
        helper = np.eye(3)[np.abs(self.normal).argmin(axis=1)]
        u = np.cross(helper, self.normal)
        u /= np.maximum(np.linalg.norm(u, axis=1), 1e-12)[:, None]
        v = np.cross(self.normal, u)
        self.xy = np.column_stack([np.einsum("ij,ij->i", self.points, axis[self.face_of]) for axis in (u, v)])
        self.touch = np.maximum(TOUCH_M, 2 * self.noise)

    def check(self, found: Collector) -> Flags:
        """Look for all faults and note them; returns (n,) bool, faces that are no sound outline."""
        self.found = found
        broken = self._repeated_points() | self._ring_crossings()
        several = (np.diff(self.face_ring) > 1) & (self.size <= MAX_POLYGON_POINTS)
        if several.any():
            broken |= self._holes(several & ~broken)
        self._planes(broken)
        return broken

    def _note(self, code: str, faces: Index, places: Floats, amounts: Floats | None = None) -> None:
        """Note faults of faces (m,) at places (m, 3) given from the first corner of each."""
        if len(faces):
            anchor = self.city.positions_local[self.base + self.face_start[faces]].astype(np.float64)
            self.found.add(code, self.city.face_object[self.first + faces], anchor + places, amounts)

    def _note_rings(self, code: str, rings: Index) -> Flags:
        """Note one fault for each ring at its first point; returns the faces concerned."""
        rings = np.unique(rings)
        self._note(code, self.face_of_ring[rings], self.points[self.ring_start[rings]])
        return self._faces(self.face_of_ring[rings])

    def _faces(self, faces: Index) -> Flags:
        result = np.zeros(self.count, dtype=bool)
        result[faces] = True
        return result

    # -- rings -----------------------------------------------------------------------------------------

    def _repeated_points(self) -> Flags:
        step = np.linalg.norm(self.points[self.after] - self.points, axis=1)
        same = step < SNAP_M - 2 * np.minimum(self.noise, SNAP_M / 4)[self.face_of]
        if not same.any():
            return np.zeros(self.count, dtype=bool)
        left = np.add.reduceat(~same, self.ring_start[:-1])
        few = left < 3
        faces = self._note_rings("101", np.flatnonzero(few))
        repeated = np.flatnonzero(same & ~few[self.ring_of])
        self._note("102", self.face_of[repeated], self.points[repeated], step[repeated])
        return faces

    def _ring_crossings(self) -> Flags:
        """Rings of four and more points whose edges meet elsewhere than at their common corners."""
        before = np.empty_like(self.after)
        before[self.after] = np.arange(len(self.after))
        here = self.xy
        coming, going = here - here[before], here[self.after] - here
        side = np.sign(np.einsum("ij,ij->i", self.ring_normal, self.normal[self.face_of_ring]))[self.ring_of]
        cross = (coming[:, 0] * going[:, 1] - coming[:, 1] * going[:, 0]) * side
        dot = np.einsum("ij,ij->i", coming, going)
        angle = np.arctan2(cross, dot)
        turn = np.add.reduceat(angle, self.ring_start[:-1])
        sharp = np.minimum.reduceat(angle, self.ring_start[:-1])
        widest = np.maximum.reduceat(angle, self.ring_start[:-1])
        # Always the same way, once around, and no corner of nearly no angle: such a ring cannot meet itself.
        convex = (sharp >= -1e-9) & (np.abs(turn - 2 * np.pi) < 1e-3) & (widest < np.pi - 1e-3)
        suspect = ~convex & (self.ring_size > 3) & (self.ring_size <= MAX_RING_POINTS)
        edge = np.flatnonzero(suspect[self.ring_of])
        if not len(edge):
            return np.zeros(self.count, dtype=bool)
        hit: list[Index] = []
        places: list[Floats] = []
        a, b = here, here[self.after]
        low, high = np.minimum(a, b), np.maximum(a, b)
        slack = self.touch[self.face_of[edge]]
        for i, j in overlapping(self.ring_of[edge], low[edge, 0] - slack, high[edge, 0] + slack):
            p, q, near = edge[i], edge[j], slack[i]
            meet = (low[p, 1] - near <= high[q, 1]) & (low[q, 1] - near <= high[p, 1])
            meet &= (self.after[p] != q) & (self.after[q] != p)
            p, q, near = p[meet], q[meet], near[meet]
            meet = touching(a[p], b[p], a[q], b[q], near)
            # Edges of less than the tolerance beside a common corner meet without being a fault.
            meet &= ~self._neighbours(p, q)
            hit.append(p[meet])
            places.append(self._meeting(p[meet], q[meet]))
        # Spikes: an edge that runs back over the one before.
        back = edge[dot[edge] < 0]
        tip, near = here[back], self.touch[self.face_of[back]]
        folded = to_segment(here[self.after[back]], here[before[back]], tip) < near
        folded |= to_segment(here[before[back]], tip, here[self.after[back]]) < near
        hit.append(back[folded])
        places.append(self.points[back[folded]])
        every = np.concatenate(hit)
        if not len(every):
            return np.zeros(self.count, dtype=bool)
        rings, which = np.unique(self.ring_of[every], return_index=True)
        self._note("104", self.face_of_ring[rings], np.concatenate(places)[which])
        return self._faces(self.face_of_ring[rings])

    def _neighbours(self, p: Index, q: Index) -> Flags:
        """(n,) edges with only one edge shorter than the snap tolerance between them."""
        result = np.zeros(len(p), dtype=bool)
        for one, other in ((p, q), (q, p)):
            between = self.after[one]
            short = np.linalg.norm(self.points[self.after[between]] - self.points[between], axis=1) < SNAP_M
            result |= short & (self.after[between] == other)
        return result

    def _meeting(self, p: Index, q: Index) -> Floats:
        """(n, 3) about where edges p and q meet, from the first corner of their face."""
        a, b, c, d = self.xy[p], self.xy[self.after[p]], self.xy[q], self.xy[self.after[q]]
        ab, cd = b - a, d - c
        across = ab[:, 0] * cd[:, 1] - ab[:, 1] * cd[:, 0]
        ac = c - a
        t = (ac[:, 0] * cd[:, 1] - ac[:, 1] * cd[:, 0]) / np.where(np.abs(across) > 1e-12, across, np.inf)
        start = self.points[p]
        return np.asarray(start + np.clip(t, 0.0, 1.0)[:, None] * (self.points[self.after[p]] - start))

    # -- holes -----------------------------------------------------------------------------------------

    def _holes(self, faces: Flags) -> Flags:
        """Faults of the holes of some faces."""
        hole = np.flatnonzero(~self.outer & faces[self.face_of_ring])
        if not len(hole):
            return np.zeros(self.count, dtype=bool)
        along = np.einsum("ij,ij->i", self.ring_normal[hole], self.normal[self.face_of_ring[hole]])
        turned = self._note_rings("208", hole[along > 0])
        twice, crossed = self._meeting_rings(faces)
        self._note_rings("202", np.flatnonzero(twice))
        bad = self._note_rings("201", np.flatnonzero(crossed & ~twice)) | self._faces(self.face_of_ring[twice])
        left = faces & ~bad
        hole = hole[left[self.face_of_ring[hole]]]
        outside = hole[~self._lies_in(hole, self.face_ring[self.face_of_ring[hole]])]
        bad |= self._note_rings("206", outside)
        bad |= self._nested(np.setdiff1d(hole, outside))
        bad |= self._cut_apart(left & ~bad)
        return bad | turned  # what is turned may lie right, but closes no shell

    def _meeting_rings(self, faces: Flags) -> tuple[Flags, Flags]:
        """(R,) rings that are the same as another of their face, and rings that cross another."""
        twice = np.zeros(len(self.ring_size), dtype=bool)
        crossed = np.zeros(len(self.ring_size), dtype=bool)
        edge = np.flatnonzero(faces[self.face_of])
        a, b = self.xy, self.xy[self.after]
        low, high = np.minimum(a, b), np.maximum(a, b)
        ring_low = np.minimum.reduceat(self.xy, self.ring_start[:-1], axis=0)
        ring_high = np.maximum.reduceat(self.xy, self.ring_start[:-1], axis=0)
        area = np.linalg.norm(self.ring_normal, axis=1)
        for i, j in overlapping(self.face_of[edge], low[edge, 0], high[edge, 0]):
            p, q = edge[i], edge[j]
            meet = (low[p, 1] <= high[q, 1]) & (low[q, 1] <= high[p, 1]) & (self.ring_of[p] != self.ring_of[q])
            p, q = p[meet], q[meet]
            meet = crossing_or_along(a[p], b[p], a[q], b[q], self.touch[self.face_of[p]])
            r, s = self.ring_of[p[meet]], self.ring_of[q[meet]]
            same = np.abs(ring_low[r] - ring_low[s]).max(axis=1, initial=0.0) < SNAP_M
            same &= np.abs(ring_high[r] - ring_high[s]).max(axis=1, initial=0.0) < SNAP_M
            same &= np.abs(area[r] - area[s]) <= 0.01 * area[r]
            later = np.maximum(r, s)
            twice[later[same]] = True
            # The hole is told, not the outline.
            crossed[later[~same]] = True
        return twice, crossed

    def _lies_in(self, ring: Index, other: Index) -> Flags:
        """(n,) whether most of the points of each ring lie inside the other one."""
        if not len(ring):
            return np.zeros(0, dtype=bool)
        step = np.maximum(1, self.ring_size[ring] // _SAMPLES)
        number = np.minimum(self.ring_size[ring], _SAMPLES)
        which = np.repeat(np.arange(len(ring)), number)
        offset = np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number)
        corner = self.ring_start[ring][which] + offset * step[which]
        # Between a corner and the next but one of a small ring lies a place that is on no outline.
        middle = (self.xy[corner] + self.xy[self.after[corner]]) / 2
        inside = inside_rings(
            np.concatenate([self.xy[corner], middle]), np.tile(other[which], 2), self.xy, self.ring_start, self.after
        )
        share = np.bincount(np.tile(which, 2), weights=inside, minlength=len(ring)) / (2 * number)
        return np.asarray(share > 0.5)

    def _nested(self, hole: Index) -> Flags:
        """Holes that lie in another hole of their face."""
        inner: list[Index] = []
        low = np.minimum.reduceat(self.xy, self.ring_start[:-1], axis=0)[hole]
        high = np.maximum.reduceat(self.xy, self.ring_start[:-1], axis=0)[hole]
        for i, j in overlapping(self.face_of_ring[hole], low[:, 0], high[:, 0]):
            for one, other in ((i, j), (j, i)):
                within = np.all((low[one] >= low[other] - SNAP_M) & (high[one] <= high[other] + SNAP_M), axis=1)
                one, other = one[within], other[within]
                inner.append(hole[one[self._lies_in(hole[one], hole[other])]])
        return self._note_rings("207", np.concatenate(inner)) if inner else np.zeros(self.count, dtype=bool)

    def _cut_apart(self, faces: Flags) -> Flags:
        """Faces whose rings touch in a closed chain, so that a piece is cut off."""
        corner = np.flatnonzero(faces[self.face_of] & (np.diff(self.face_ring) > 1)[self.face_of])
        links: list[NDArray[np.int64]] = []
        a, b = self.xy, self.xy[self.after]
        kind = np.concatenate([np.zeros(len(corner), int), np.ones(len(corner), int)])
        both = np.concatenate([corner, corner])
        low = np.where(kind == 0, a[both, 0], np.minimum(a, b)[both, 0])
        high = np.where(kind == 0, a[both, 0], np.maximum(a, b)[both, 0])
        near = self.touch[self.face_of[both]]
        for i, j in overlapping(self.face_of[both], low - near, high + near):
            mixed = (kind[i] != kind[j]) & (self.ring_of[both[i]] != self.ring_of[both[j]])
            i, j = i[mixed], j[mixed]
            point, edge = both[np.where(kind[i] == 0, i, j)], both[np.where(kind[i] == 0, j, i)]
            close = to_segment(a[point], a[edge], b[edge]) < self.touch[self.face_of[point]]
            point, edge = point[close], edge[close]
            links.append(np.column_stack([self.face_of[point], point, self.ring_of[point], self.ring_of[edge]]))
        table = np.concatenate(links) if links else np.zeros((0, 4), np.int64)
        cut: list[int] = []
        for face in np.unique(table[:, 0]).tolist():  # only faces whose rings touch: a handful
            rows = table[table[:, 0] == face]
            spots = np.unique(np.round(self.xy[rows[:, 1]] / SNAP_M).astype(np.int64), axis=0, return_inverse=True)[1]
            pairs = {(int(r), int(spot)) for row, spot in zip(rows, spots, strict=True) for r in row[2:]}
            if _has_cycle(pairs):
                cut.append(face)
        return self._note_rings("205", self.face_ring[:-1][np.array(cut, dtype=np.int64)])

    # -- planes ----------------------------------------------------------------------------------------

    def _planes(self, broken: Flags) -> None:
        mean = segment_reduce(np.add, self.points, self.face_start.astype(np.int32)) / self.size[:, None]
        level = self.points - mean[self.face_of]
        off = np.abs(np.einsum("ij,ij->i", level, self.normal[self.face_of]))
        away = np.maximum.reduceat(off, self.face_start[:-1])
        tolerance = PLANE_M + np.minimum(4 * self.noise, PLANE_M)
        bent = np.flatnonzero((away > tolerance) & (self.size > 3) & ~broken)
        if len(bent):
            which = np.repeat(np.arange(len(bent)), self.size[bent])
            some = level[np.isin(self.face_of, bent)]
            spread = segment_reduce(
                np.add, some[:, :, None] * some[:, None, :], np.append(0, np.cumsum(self.size[bent])).astype(np.int32)
            )
            best = np.linalg.eigh(spread)[1][:, :, 0]
            fitted = np.abs(np.einsum("ij,ij->i", some, best[which]))
            starts = np.cumsum(self.size[bent]) - self.size[bent]
            least = np.minimum(np.maximum.reduceat(fitted, starts), away[bent])
            bad = least > tolerance[bent]
            worst = self.face_start[bent]  # the point that lies farthest off
            peak = off == away[self.face_of]
            worst = np.array([], dtype=np.int64) if not bad.any() else self._first_of(peak)[bent[bad]]
            self._note("203", bent[bad], self.points[worst], least[bad])
            broken = broken | self._faces(bent[bad])
        self._folds(broken)

    def _first_of(self, flags: Flags) -> Index:
        """(n,) first corner of each face that is marked (its first corner if none is)."""
        marked = np.flatnonzero(flags)
        result = self.face_start[:-1].copy()
        result[self.face_of[marked[::-1]]] = marked[::-1]
        return np.asarray(result)

    def _folds(self, left_out: Flags) -> None:
        """Faces with a triangle turned away from the whole by more than the tolerance."""
        low, high = np.searchsorted(self.city.triangle_face, [self.first, self.first + self.count])
        face = self.city.triangle_face[low:high].astype(np.int64) - self.first
        some = (self.size[face] > 3) & ~left_out[face]
        face = face[some]
        if not len(face):
            return
        corner = self.points[self.city.triangles[low:high][some].astype(np.int64) - self.base]
        p, q, r = corner[:, 0], corner[:, 1], corner[:, 2]
        normal = np.cross(q - p, r - p)
        double_area = np.linalg.norm(normal, axis=1)
        longest = np.sqrt(np.maximum.reduce([((q - p) ** 2).sum(1), ((r - q) ** 2).sum(1), ((p - r) ** 2).sum(1)]))
        thick = double_area > _THIN_M * longest
        cosine = np.einsum("ij,ij->i", normal, self.normal[face]) / np.where(double_area > 0, double_area, 1.0)
        # Which way a triangle is turned round depends on how the surface was cut, not on the surface.
        turned = np.degrees(np.arccos(np.clip(np.abs(cosine), 0.0, 1.0)))
        worst = np.zeros(self.count)
        np.maximum.at(worst, face[thick], turned[thick])
        bad = np.flatnonzero(worst > NORMALS_DEG)
        self._note("204", bad, self.points[self.face_start[bad]], worst[bad])


def _has_cycle(pairs: set[tuple[int, int]]) -> bool:
    """Whether rings and the spots where they touch form a closed chain; pairs of (ring, spot)."""
    up: dict[tuple[str, int], tuple[str, int]] = {}

    def top(node: tuple[str, int]) -> tuple[str, int]:
        while up.setdefault(node, node) != node:
            node = up[node]
        return node

    for ring, spot in sorted(pairs):
        one, other = top(("ring", ring)), top(("spot", spot))
        if one == other:
            return True
        up[one] = other
    return False
