"""What a reader hands over to get a city: rings as flat arrays, before triangulation and checks.

``ReadContext.make_city`` turns it into a ``CityModel``; what a file means is decided before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.city.appearance import Appearance


@dataclass(eq=False)
class RawCity:
    """A city as it stands in the file: P ring points, R rings, F faces, N objects.

    points_crs : (P, 3) float64 in ``crs``, x/easting/longitude first, height last (metres). A closing
        point equal to the first is allowed.
    point_vertex : (P,) int, None for most; else ``points_crs`` are vertices (V, 3), and this tells that of each point.
    ring_start : (R + 1,) int into the points. ring_face : (R,) int ascending, the first ring of a face
        is its outer one.
    face_object, face_surface, face_lod : (F,) ints; lod indexes ``lods``.
    object_ids, object_types : N entries each. object_parent : (N,) int, -1 for none.
    attributes : name -> (object indices (n,), values: list of str | float | int | None (n,)).
    crs, vertical_crs : as written in the file, not yet recognised.
    attribution : who must be named in every picture of the city.
    appearance : textures and materials over the ring points and faces, None where the file has none.
    face_shell : (F,) int, solid and shell of each face (``viewer.city.solids``), None where all solids have one shell.
    """

    points_crs: NDArray[np.float64]
    ring_start: NDArray[np.integer]
    ring_face: NDArray[np.integer]
    face_object: NDArray[np.integer]
    face_surface: NDArray[np.integer]
    face_lod: NDArray[np.integer]
    lods: list[str]
    object_ids: list[str]
    object_types: list[str]
    object_parent: NDArray[np.integer]
    attributes: Mapping[str, tuple[NDArray[np.integer], list[object]]] = field(default_factory=dict)
    crs: str = ""
    vertical_crs: str = ""
    name: str = ""
    format: str = ""
    version: str = ""
    attribution: str = ""
    appearance: Appearance | None = None
    face_shell: NDArray[np.int32] | None = None
    point_vertex: NDArray[np.integer] | None = None

    def __len__(self) -> int:
        """How many ring points there are."""
        return len(self.points_crs if self.point_vertex is None else self.point_vertex)

    def some_points(self, most: int) -> NDArray[np.float64]:
        """(n, 3) ring points in ``crs``, ``most`` of them or fewer than twice as many, from all over the city."""
        step = max(1, len(self) // most)
        return self.points_crs[::step] if self.point_vertex is None else self.points_crs[self.point_vertex[::step]]
