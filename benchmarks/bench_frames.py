"""The quarter of equal houses (``generate.houses``) as a city; the larger town is ``shapes.city``."""

from __future__ import annotations

import numpy as np

from benchmarks.generate import CORNERS, FACES, ORIGIN, houses
from viewer.city import CityModel, Frame, ObjectTable, SurfaceType

_SURFACES = {"GroundSurface": SurfaceType.GROUND, "WallSurface": SurfaceType.WALL, "RoofSurface": SurfaceType.ROOF}


def city_of_houses(count: int) -> CityModel:
    """The benchmark's quarter as a city, every face with vertices of its own."""
    corners = houses(count) - ORIGIN
    order = np.concatenate([face for _, face in FACES])
    sizes = np.array([len(face) for _, face in FACES])
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    fans = np.concatenate([[(a, a + i, a + i + 1) for i in range(1, n - 1)] for a, n in zip(first, sizes, strict=True)])
    owner = np.repeat(np.arange(len(FACES)), sizes - 2)
    per_house = len(order)
    number = np.arange(count)[:, None, None]
    assert corners.shape == (count, CORNERS, 3)
    rings = np.concatenate([[0], np.cumsum(np.tile(sizes, count))])
    return CityModel(
        name=f"{count} houses",
        frame=Frame("EPSG:25832", ORIGIN),
        positions_local=corners[:, order].reshape(-1, 3).astype(np.float32),
        ring_start=rings.astype(np.int32),
        face_ring_start=np.arange(len(rings), dtype=np.int32),
        face_surface=np.tile([_SURFACES[name] for name, _ in FACES], count).astype(np.uint8),
        face_object=np.repeat(np.arange(count, dtype=np.int32), len(FACES)),
        face_lod=np.zeros(count * len(FACES), np.uint8),
        triangles=(fans[None] + number * per_house).reshape(-1, 3).astype(np.int32),
        triangle_face=(owner[None] + np.arange(count)[:, None] * len(FACES)).ravel().astype(np.int32),
        objects=ObjectTable(
            ids=np.array([f"h{i}" for i in range(count)], dtype=np.dtypes.StringDType()),
            types=("Building",),
            type_code=np.zeros(count, np.uint16),
            parent=np.full(count, -1, np.int32),
        ),
        lods=("2",),
    )
