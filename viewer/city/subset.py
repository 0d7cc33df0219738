"""A part of a city as a city of its own: chosen top-level objects with all below them.

Nothing is moved or measured here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city.gate import select_faces
from viewer.city.model import CityModel, Column, ObjectTable


def take_features(city: CityModel, features: NDArray[np.bool_]) -> CityModel:
    """The city with only some of its top-level objects.

    Parameters
    ----------
    features : (K,) bool, over ``city.objects.features``.

    Returns
    -------
    The city itself where everything is kept. Attributes that no object has any more stay as empty columns.
    """
    if features.all():
        return city
    objects = city.objects
    kept = features[objects.feature_of_object]
    number = np.cumsum(kept, dtype=np.int32) - 1
    parent = objects.parent[kept]
    table = ObjectTable(
        ids=objects.ids[kept],
        types=objects.types,
        type_code=objects.type_code[kept],
        parent=np.where(parent >= 0, number[parent], -1).astype(np.int32),
        attributes={name: Column(name, column.values[kept]) for name, column in objects.attributes.items()},
    )
    part = select_faces(city, kept[city.face_object])
    arrays = {**part.arrays(), "face_object": number[part.face_object]}
    return CityModel(
        name=city.name, frame=city.frame, objects=table, lods=city.lods, attribution=city.attribution,
        appearance=part.appearance, face_shell=part.face_shell, **arrays,  # type: ignore[arg-type]
    )  # fmt: skip
