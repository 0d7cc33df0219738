"""Bodies whose surfaces run through each other: edges of one surface that pierce another one of the same body."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from viewer.city.model import CityModel
from viewer.city.quality.pairs import overlapping

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Both ends of an edge lie at least so far from the surface it pierces, and the place so far from its border: what
#: is nearer may touch. As much as a surface may be off its plane.
TOUCH_M = 0.01
#: Bodies of more triangles are not searched.
MAX_TRIANGLES = 5_000
#: Boxes that overlap by less than this only touch.
_LEAST_M = 1e-4


def crossing_faces(city: CityModel, faces: Index, body: Index) -> tuple[Index, Floats]:
    """Faces that another face of the same body pierces, each as often as it happens, and where.

    Parameters
    ----------
    faces : (N,) faces to judge. body : (N,) number of the body each belongs to.

    Returns
    -------
    (M,) faces, and (M, 3) places in local metres. Surfaces that lie upon each other pierce nothing.
    """
    body_of = np.full(len(city.face_object), -1, dtype=np.int64)
    body_of[faces] = body
    chosen = np.flatnonzero(body_of[city.triangle_face] >= 0)
    owner = body_of[city.triangle_face[chosen]]
    small = np.bincount(owner, minlength=1) <= MAX_TRIANGLES
    chosen = chosen[small[owner]]
    return _search(city, chosen, body_of) if len(chosen) else (np.zeros(0, np.int64), np.zeros((0, 3)))


def _search(city: CityModel, chosen: Index, body_of: Index) -> tuple[Index, Floats]:
    triangles = city.triangles[chosen].astype(np.int64)
    face = city.triangle_face[chosen].astype(np.int64)
    corners = city.positions_local[triangles].astype(np.float64)
    after = np.arange(1, len(city.positions_local) + 1)
    after[city.ring_start[1:] - 1] = city.ring_start[:-1]
    following = np.roll(triangles, -1, axis=1)
    border = (after[triangles] == following) | (after[following] == triangles)
    found, places = [np.zeros(0, np.int64)], [np.zeros((0, 3))]
    for edges, surface in _near(corners, face, body_of[face]):
        hit, place = _pierced(corners[edges], border[edges], corners[surface], border[surface])
        found.append(face[surface[hit]])
        places.append(place)
    return np.concatenate(found), np.concatenate(places)


def _near(corners: Floats, face: Index, body: Index) -> Iterator[tuple[Index, Index]]:
    """Pairs of triangles of two faces of a body of which the first could have an edge through the second."""
    low, high = corners.min(axis=1), corners.max(axis=1)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=1)
    normal /= np.where(length > 0, length, 1.0)[:, None]
    level = np.einsum("ij,ij->i", normal, corners[:, 0])
    low, high = low.T, high.T
    x, y, z = (np.ascontiguousarray(part) for part in np.moveaxis(corners, 2, 0))

    def beside(points: Index, planes: Index) -> tuple[Floats, Floats]:
        """The least and the largest distance of triangles' corners from the planes of others."""
        off = x[points] * normal[planes, 0, None] + y[points] * normal[planes, 1, None]
        off += z[points] * normal[planes, 2, None] - level[planes, None]
        return off.min(axis=1), off.max(axis=1)

    for i, j in overlapping(body, low[0], high[0]):
        keep = face[i] != face[j]
        for axis in range(3):  # boxes that only touch: an edge in the border of a box cannot cross it
            keep &= (low[axis, i] + _LEAST_M <= high[axis, j]) & (low[axis, j] + _LEAST_M <= high[axis, i])
        pairs = i[keep], j[keep]
        for edges, surface in (pairs, pairs[::-1]):
            least, most = beside(edges, surface)
            through = (least < -TOUCH_M) & (most > TOUCH_M)
            edges, surface = edges[through], surface[through]
            least, most = beside(surface, edges)
            meets = (least < TOUCH_M) & (most > -TOUCH_M)
            if meets.any():
                yield edges[meets], surface[meets]


def _pierced(lines: Floats, line_is_border: Flags, surface: Floats, surface_border: Flags) -> tuple[Index, Floats]:
    """Which of n pairs have an edge of the first triangle (a border of its face) through the second, and where.

    lines, surface : (n, 3, 3) corners. line_is_border, surface_border : (n, 3), edge k runs from corner k to the next.
    """
    a = surface[:, 0]
    normal = np.cross(surface[:, 1] - a, surface[:, 2] - a)
    length = np.linalg.norm(normal, axis=1)
    normal /= np.where(length > 0, length, 1.0)[:, None]
    which: list[Index] = []
    places: list[Floats] = []
    for edge in range(3):
        start, end = lines[:, edge], lines[:, (edge + 1) % 3]
        above = np.einsum("ij,ij->i", start - a, normal)
        below = np.einsum("ij,ij->i", end - a, normal)
        crosses = line_is_border[:, edge] & (length > 0)
        crosses &= (np.minimum(above, below) < -TOUCH_M) & (np.maximum(above, below) > TOUCH_M)
        row = np.flatnonzero(crosses)
        share = above[row] / (above[row] - below[row])
        place = start[row] + share[:, None] * (end[row] - start[row])
        inside = _well_inside(place, surface[row], surface_border[row], normal[row])
        which.append(row[inside])
        places.append(place[inside])
    return np.concatenate(which), np.concatenate(places)


def _well_inside(place: Floats, surface: Floats, border: Flags, normal: Floats) -> Flags:
    """Whether points in the planes of triangles lie in them, and off those of their edges that are a face's border."""
    inside = np.ones(len(place), dtype=bool)
    for edge in range(3):
        start, end = surface[:, edge], surface[:, (edge + 1) % 3]
        along = end - start
        length = np.linalg.norm(along, axis=1)
        off = np.einsum("ij,ij->i", np.cross(along, place - start), normal) / np.where(length > 0, length, 1.0)
        inside &= off > np.where(border[:, edge], TOUCH_M, -1e-9)
        inside &= np.linalg.norm(place - start, axis=1) > TOUCH_M
    return inside
