"""Areas, volumes and samples of polygons and meshes, vectorised over whole cities.

Formulas only: what a face means (roof, ground, part of a building) is decided in ``measures``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city.model import CityModel

Floats = NDArray[np.float64]
Number = TypeVar("Number", bound=np.generic)


def polygon_area(rings: Sequence[ArrayLike]) -> float:
    """Area of a polygon with holes in the xy plane, square metres; whichever way its rings turn.

    Parameters
    ----------
    rings : (n, 2) or (n, 3) corner lists without closing corner; the first is the outer ring.
    """
    areas = []
    for ring in rings:
        xy = np.asarray(ring, dtype=np.float64)[:, :2]
        xy = xy - xy[0]
        after = np.roll(xy, -1, axis=0)
        areas.append(abs(float(np.sum(xy[:, 0] * after[:, 1] - xy[:, 1] * after[:, 0]))) / 2)
    return areas[0] - sum(areas[1:]) if areas else 0.0


def points_in_ring(points: ArrayLike, ring: ArrayLike) -> NDArray[np.bool_]:
    """Which points (n, 2) lie inside a ring (m, 2), by the even-odd rule; (n,) bool.

    A ring of fewer than three corners holds nothing.
    """
    xy = np.asarray(points, dtype=np.float64)
    corners = np.asarray(ring, dtype=np.float64).reshape(-1, 2)
    inside = np.zeros(len(xy), dtype=bool)
    if len(corners) < 3:
        return inside
    low, high = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero(np.all((xy >= low) & (xy <= high), axis=1))
    near = near[np.argsort(xy[near, 1], kind="stable")]
    x, y = xy[near, 0], xy[near, 1]
    odd = np.zeros(len(near), dtype=bool)
    # One pass per corner of the drawn ring, over the points at its height alone: rings are short, cities are not.
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            first, last = np.searchsorted(y, (min(y0, y1), max(y0, y1)))
            own = slice(int(first), int(last))
            odd[own] ^= x[own] < (x1 - x0) * (y[own] - y0) / (y1 - y0) + x0
    inside[near] = odd
    return inside


def sums(group: NDArray[np.integer], weights: NDArray[np.generic], n: int) -> Floats:
    """(n,) sum of the weights of each group; the groups are numbers below n."""
    return np.asarray(np.bincount(group, weights=weights, minlength=n)[:n], dtype=np.float64)


def segment_reduce(ufunc: np.ufunc, values: NDArray[Number], start: NDArray[np.int32]) -> NDArray[Number]:
    """``ufunc.reduceat`` over segments ``start[i] .. start[i + 1]``; 0 where a segment is empty."""
    result = np.zeros((len(start) - 1, *values.shape[1:]), dtype=values.dtype)
    filled = np.flatnonzero(start[1:] > start[:-1])
    if len(filled):
        result[filled] = ufunc.reduceat(values, start[filled].astype(np.intp), axis=0)
    return result


@dataclass(frozen=True, eq=False)
class FaceGeometry:
    """Geometry of the F faces of a city, float64, metres, in the city's frame.

    area_vector : (F, 3) normal times area, holes taken off; it points outwards.
    anchor : (F, 3) the first corner. low_m, high_m : (F,) lowest and highest z.
    mean_z : (F,) mean z of the corners. centroid : (F, 2) of the outline seen from above; the mean
        of the corners for upright faces. edge_sum : (F,) uint64, see ``closed_objects``.
    """

    area_vector: Floats
    anchor: Floats
    low_m: Floats
    high_m: Floats
    mean_z: Floats
    centroid: Floats
    edge_sum: NDArray[np.uint64]

    @property
    def area(self) -> Floats:
        """(F,) area of the face itself, square metres."""
        return np.asarray(np.linalg.norm(self.area_vector, axis=1))

    @property
    def projected_area(self) -> Floats:
        """(F,) area seen from above, square metres, never negative."""
        return np.abs(self.area_vector[:, 2])


def face_geometry(city: CityModel) -> FaceGeometry:
    """Measure every face of a city once; O(V), no sorting."""
    # Columns one by one: half the time of (V, 3) arrays.
    x, y, z = (np.ascontiguousarray(city.positions_local[:, axis], dtype=np.float64) for axis in range(3))
    n_vertices, n_rings, n_faces = len(x), len(city.ring_start) - 1, len(city.face_surface)
    ring_of_vertex = np.repeat(np.arange(n_rings, dtype=np.int32), np.diff(city.ring_start))
    face_of_ring = np.repeat(np.arange(n_faces, dtype=np.int32), np.diff(city.face_ring_start))
    after = np.arange(1, n_vertices + 1, dtype=np.int64)
    filled = city.ring_start[1:] > city.ring_start[:-1]
    after[city.ring_start[1:][filled] - 1] = city.ring_start[:-1][filled]

    def first_of(values: Floats, start: NDArray[np.int32]) -> Floats:
        return values[np.minimum(start[:-1], n_vertices - 1)] if n_vertices else np.zeros(len(start) - 1)

    def per_ring(values: Floats) -> Floats:
        return segment_reduce(np.add, values, city.ring_start)

    def per_face(values: Floats) -> Floats:
        return segment_reduce(np.add, values, city.face_ring_start)

    # From the ring's own first corner, so that no digits are lost far from the origin.
    dx, dy, dz = (c - first_of(c, city.ring_start)[ring_of_vertex] for c in (x, y, z))
    ex, ey, ez = dx[after], dy[after], dz[after]
    twice_z = dx * ey - dy * ex
    normal = [per_ring(dy * ez - dz * ey) / 2, per_ring(dz * ex - dx * ez) / 2, per_ring(twice_z) / 2]

    outer = np.zeros(n_rings, dtype=bool)
    outer[city.face_ring_start[:-1][city.face_ring_start[1:] > city.face_ring_start[:-1]]] = True
    # Holes turn the other way round; those that do not are read as if they did.
    along = np.zeros(n_rings)
    for component in normal:
        of_face = np.zeros(n_faces)
        of_face[face_of_ring[outer]] = component[outer]
        along += component * of_face[face_of_ring]
    wrong = ~outer & (along > 0)
    sign = np.where(wrong, -1.0, 1.0)
    area_vector = np.column_stack([per_face(component * sign) for component in normal])

    corners = np.maximum(np.diff(city.face_start), 1)
    level = np.abs(area_vector[:, 2]) > 1e-6
    centroid = []
    for c, d, e in ((x, dx, ex), (y, dy, ey)):
        moment = per_ring((d + e) * twice_z) / 6 + first_of(c, city.ring_start) * normal[2]
        mean = segment_reduce(np.add, c, city.face_start) / corners
        centroid.append(np.where(level, per_face(moment * sign) / np.where(level, area_vector[:, 2], 1.0), mean))

    edges = _edge_signature(x, y, z, after)
    if wrong.any():
        edges = np.where(wrong[ring_of_vertex], np.uint64(0) - edges, edges)
    return FaceGeometry(
        area_vector=area_vector,
        anchor=np.column_stack([first_of(c, city.face_start) for c in (x, y, z)]),
        low_m=segment_reduce(np.minimum, z, city.face_start),
        high_m=segment_reduce(np.maximum, z, city.face_start),
        mean_z=segment_reduce(np.add, z, city.face_start) / corners,
        centroid=np.column_stack(centroid),
        edge_sum=segment_reduce(np.add, edges, city.face_start),
    )


def _mixed(h: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of 64-bit numbers (finaliser of SplitMix64); overflow is meant."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


def _edge_signature(x: Floats, y: Floats, z: Floats, after: NDArray[np.int64]) -> NDArray[np.uint64]:
    """(V,) a random-looking number for the directed edge leaving each corner; minus it for the way back.

    Corners are snapped to millimetres.
    """
    with np.errstate(invalid="ignore"):  # places beyond all numbers belong to faces that are left out
        qx, qy, qz = (np.rint(c * 1000).astype(np.int64).view(np.uint64) for c in (x, y, z))
    corner = _mixed(qx * np.uint64(0x9E3779B97F4A7C15) ^ _mixed(qy + np.uint64(0x632BE59BD9B4E019)) ^ _mixed(~qz))
    other = corner[after]
    low, high = np.minimum(corner, other), np.maximum(corner, other)
    edge = _mixed(low ^ _mixed(high + np.uint64(0x9E3779B97F4A7C15)))
    edge[low == high] = 0
    return np.where(corner > other, np.uint64(0) - edge, edge)


def closed_objects(
    city: CityModel, geometry: FaceGeometry, faces: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], Floats]:
    """Which objects are bounded by closed shells, and their signed volumes: (N,) bool, (N,) m³.

    A shell is closed when every edge is walked as often one way as the other (METHODS B2). The edges of
    an object are added up as signed 64-bit signatures, which vanish for closed shells and, but for a
    chance of about 2^-64, for no others. Volumes are negative where faces look inwards; they mean
    nothing for open shells.
    """
    n = len(city.objects)
    owner = city.face_object[faces]
    edges = np.zeros(n, dtype=np.uint64)
    np.add.at(edges, owner, geometry.edge_sum[faces])
    has_faces = np.bincount(owner, minlength=n) > 3
    first_face = np.full(n, -1, dtype=np.int64)
    chosen = np.flatnonzero(faces)
    first_face[owner[::-1]] = chosen[::-1]
    # From a corner of the object itself, so that no digits are lost far from the origin.
    reach = geometry.anchor[chosen] - geometry.anchor[first_face[owner]]
    parts = np.einsum("ij,ij->i", reach, geometry.area_vector[chosen]) / 3
    volume = sums(owner, parts, n)
    return has_faces & (edges == 0), volume


def mesh_volume(points: ArrayLike, triangles: ArrayLike) -> float:
    """Signed volume of a closed triangle mesh, m³; positive where faces look outwards (METHODS B2)."""
    p = np.asarray(points, dtype=np.float64)
    t = np.asarray(triangles, dtype=np.int64)
    p = p - p[t[0, 0]]
    a, b, c = p[t[:, 0]], p[t[:, 1]], p[t[:, 2]]
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def sample_triangles(corners: Floats, spacing_m: float, *, limit: int = 2_000_000) -> tuple[Floats, NDArray[np.int64]]:
    """Evenly spread points on triangles seen from above: (S, 3) points and (S,) the triangle of each.

    Parameters
    ----------
    corners : (T, 3, 3) float64. Every triangle gives its middle at least.
    spacing_m : about one point per ``spacing_m`` squared. limit : widen the spacing beyond so many points.
    """
    if not len(corners):
        return np.empty((0, 3)), np.empty(0, dtype=np.int64)
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2
    step = max(spacing_m**2, float(area.sum()) / limit)
    count = np.maximum(1, np.ceil(area / step)).astype(np.int64)
    which = np.repeat(np.arange(len(corners)), count)
    number = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    # A low-discrepancy sequence (Roberts' R2), folded into the triangle; (1/3, 1/3) is near its start.
    s = np.where(count[which] == 1, 1 / 3, (0.5 + 0.7548776662466927 * (number + 1)) % 1.0)
    t = np.where(count[which] == 1, 1 / 3, (0.5 + 0.5698402909980532 * (number + 1)) % 1.0)
    over = s + t > 1
    s, t = np.where(over, 1 - s, s), np.where(over, 1 - t, t)
    return corners[which, 0] + s[:, None] * u[which] + t[:, None] * v[which], which
