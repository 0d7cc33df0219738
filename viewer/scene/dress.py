"""What a city wears: pictures and materials of its files, and the colours these have from afar. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.scene.atlas import Atlas
from viewer.scene.coarse import Masses
from viewer.scene.palettes import Look

#: Faces steeper than this count as sides, by the z of their normals.
_UPRIGHT = 0.3
SIDE, TOP = 0, 1


@dataclass(frozen=True, eq=False)
class Dress:
    """Faces of a city show the pictures of ``atlas`` (None for materials alone) in a theme."""

    city: CityModel
    atlas: Atlas | None
    style: Look

    def face_colors(self, first: int, last: int) -> NDArray[np.float32]:
        """(n, 3) in 0..1: colours from afar of the faces ``first .. last - 1``, NaN for those that wear nothing."""
        appearance = self.city.appearance
        assert appearance is not None
        result = np.full((last - first, 3), np.nan, np.float32)
        material = appearance.face_material[first:last]
        painted = material >= 0
        if painted.any():
            result[painted] = appearance.materials[material[painted], :3] / np.float32(255.0)
        if self.atlas is not None:
            textured = self.atlas.textured[first:last]
            result[textured] = self.atlas.face_color[first:last][textured] / np.float32(255.0)
        return result

    def opacity(self, first: int, last: int) -> NDArray[np.uint8]:
        """(n,) 1..255 of the faces ``first .. last - 1``; pictures bring their own."""
        appearance = self.city.appearance
        assert appearance is not None
        result = np.full(last - first, 255, np.uint8)
        material = appearance.face_material[first:last]
        painted = (material >= 0) & (appearance.face_texture[first:last] < 0)
        if painted.any():
            share = np.where(appearance.wholly_transparent[:-1], np.uint8(255), appearance.materials[:, 3])
            result[painted] = share[material[painted]]
        return result

    @cached_property
    def of_objects(self) -> NDArray[np.float32]:
        """(K, 2, 3) in 0..1: mean colours of the sides and of the tops of top-level objects, NaN where they wear
        nothing."""
        city = self.city
        colors = self.face_colors(0, len(city.face_surface))
        size, up = _sizes(city)
        count = len(city.objects.features)
        worn = np.isfinite(colors[:, 0])
        result = np.full((count, 2, 3), np.nan, np.float32)
        for part, own in ((SIDE, worn & (np.abs(up) < _UPRIGHT)), (TOP, worn & (up >= _UPRIGHT))):
            weight = np.bincount(city.face_feature[own], size[own], count)
            with np.errstate(invalid="ignore", divide="ignore"):
                for k in range(3):
                    total = np.bincount(city.face_feature[own], size[own] * colors[own, k], count)
                    result[:, part, k] = total / weight
        return result

    def of_masses(self, masses: Masses, first: int, last: int) -> NDArray[np.float32]:
        """(n, 2, 3) the same of the masses ``first .. last - 1``: means over their members."""
        start, end = masses.member_start[first:last].astype(np.int64), masses.member_end[first:last].astype(np.int64)
        count = end - start
        member = np.repeat(start - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
        colors = self.of_objects[masses.order[member]].reshape(-1, 6).astype(np.float64)
        mass = np.repeat(np.arange(len(count)), count)
        known = np.isfinite(colors)
        result = np.full((len(count), 6), np.nan, np.float32)
        with np.errstate(invalid="ignore", divide="ignore"):
            for k in range(6):
                own = known[:, k]
                total = np.bincount(mass[own], colors[own, k], len(count))
                result[:, k] = total / np.bincount(mass[own], minlength=len(count))
        return result.reshape(-1, 2, 3)


def _sizes(city: CityModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(F,) areas of faces, square metres, and z of their normals."""
    p, t = city.positions_local, city.triangles
    origin = p[t[:, 0]].astype(np.float64)
    cross = np.cross(p[t[:, 1]] - origin, p[t[:, 2]] - origin)
    count = len(city.face_surface)
    total = np.stack([np.bincount(city.triangle_face, cross[:, k], count) for k in range(3)], axis=1)
    length = np.linalg.norm(total, axis=1)
    return length / 2, total[:, 2] / np.maximum(length, 1e-12)
