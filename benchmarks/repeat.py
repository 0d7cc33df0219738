"""A real city set beside itself again and again until it has so many buildings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, ObjectTable
from viewer.city.model import Column


def repeated(city: CityModel, count: int) -> CityModel:
    """Copies of a city in rows and columns with a street between them: at least ``count`` top-level objects.

    Textures are left out. Ids of copies end in their number.
    """
    times = max(1, -(-count // max(len(city.objects.features), 1)))
    low, high = city.extent_local
    side = int(np.ceil(np.sqrt(times)))
    number = np.arange(times)
    place = np.stack([number % side, number // side, np.zeros(times)], axis=1)
    step = np.append((high - low)[:2] + 40.0, 0.0)
    shift = (place - [side // 2, side // 2, 0]) * step
    positions = (city.positions_local[None] + shift[:, None].astype(np.float32)).reshape(-1, 3)
    table = city.objects
    several = np.arange(times)

    def counted(array: NDArray[np.integer], each: int) -> NDArray[np.int32]:
        """Places of the copies' members: each copy's lie ``each`` further on."""
        return np.asarray((array[None] + (several * each).reshape(-1, *[1] * array.ndim)), np.int32).reshape(
            -1, *array.shape[1:]
        )

    def starts(array: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.append(counted(array[:-1], int(array[-1])), np.int32(int(array[-1]) * times))

    parent = counted(table.parent, len(table))
    return replace(
        city,
        name=f"{city.name} x {times}",
        positions_local=positions.astype(np.float32),
        ring_start=starts(city.ring_start),
        face_ring_start=starts(city.face_ring_start),
        face_surface=np.tile(city.face_surface, times),
        face_object=counted(city.face_object, len(table)),
        face_lod=np.tile(city.face_lod, times),
        triangles=counted(city.triangles, len(city.positions_local)),
        triangle_face=counted(city.triangle_face, len(city.face_surface)),
        objects=ObjectTable(
            ids=np.array([f"{i}-{k}" for k in range(times) for i in table.ids.tolist()], np.dtypes.StringDType()),
            types=table.types,
            type_code=np.tile(table.type_code, times),
            parent=np.where(np.tile(table.parent, times) < 0, np.int32(-1), parent),
            attributes={
                name: Column(column.name, np.tile(column.values, times)) for name, column in table.attributes.items()
            },
        ),
        tiles=None,
        appearance=None,
    )
