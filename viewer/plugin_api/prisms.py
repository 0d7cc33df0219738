"""Polygons with a ground and a roof height become block models (LoD1), all of them at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city.kinds import SurfaceType

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Polygons as flat rings without closing point.

    xy : (P, 2) metres, outer rings counter-clockwise, holes clockwise. ring_start : (R + 1,) into the points.
    ring_polygon : (R,) ascending, the first ring of a polygon is its outer one.
    """

    xy: Floats
    ring_start: Ints
    ring_polygon: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Prisms:
    """Faces of the block models: all grounds, then all roofs, then all walls.

    points : (P, 3). ring_start : (R + 1,). ring_face : (R,) ascending. face_polygon, face_surface : (F,).
    """

    points: Floats
    ring_start: Ints
    ring_face: Ints
    face_polygon: Ints
    face_surface: Ints


def extrude(rings: Rings, ground: Floats, top: Floats) -> Prisms:
    """Ground, flat roof and one wall per edge for every polygon; normals point outwards.

    Parameters
    ----------
    ground, top : (N,) heights of each polygon, metres, in the unit and frame of the result.
    """
    sizes = np.diff(rings.ring_start)
    point_ring = np.repeat(np.arange(len(sizes)), sizes)
    point_polygon = rings.ring_polygon[point_ring]
    n_points, n_polygons = len(rings.xy), len(ground)

    following = np.arange(n_points) + 1
    following[rings.ring_start[1:] - 1] = rings.ring_start[:-1]
    backwards = (rings.ring_start[:-1] + rings.ring_start[1:] - 1)[point_ring] - np.arange(n_points)

    low = np.column_stack([rings.xy, ground[point_polygon]])
    high = np.column_stack([rings.xy, top[point_polygon]])
    walls = np.stack([low, low[following], high[following], high], axis=1).reshape(-1, 3)

    wall_face = np.arange(n_points) + 2 * n_polygons
    return Prisms(
        points=np.concatenate([low[backwards], high, walls]),
        ring_start=np.concatenate([[0], np.cumsum(np.concatenate([sizes, sizes, np.full(n_points, 4)]))]),
        ring_face=np.concatenate([rings.ring_polygon, rings.ring_polygon + n_polygons, wall_face]),
        face_polygon=np.concatenate([np.arange(n_polygons), np.arange(n_polygons), point_polygon]),
        face_surface=np.concatenate(
            [
                np.full(n_polygons, SurfaceType.GROUND),
                np.full(n_polygons, SurfaceType.ROOF),
                np.full(n_points, SurfaceType.WALL),
            ]
        ).astype(np.int64),
    )
