"""The trees a scenario plants, as objects of a city: one simple crown on a trunk each, as they are after 25 years."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Column, Frame, ObjectTable
from viewer.scenario.trees import CROWN_M, HEIGHT_M

Floats = NDArray[np.float64]

_SIDES, _TRUNK_SIDES = 6, 4
#: Where the crown begins and is widest, as shares of the height; and the trunk, metres.
_CROWN_FOOT, _CROWN_MIDDLE = 0.22, 0.55
_TRUNK_M = 0.25


def _template() -> tuple[Floats, NDArray[np.int32]]:
    """Corners of one tree face by face (52, 3), and how many each face has (16,)."""

    def ring(count: int, radius: float, height: float) -> Floats:
        angle = np.arange(count) * 2 * np.pi / count
        return np.column_stack([np.cos(angle) * radius, np.sin(angle) * radius, np.full(count, height)])

    low, high = ring(_TRUNK_SIDES, _TRUNK_M, 0.0), ring(_TRUNK_SIDES, _TRUNK_M, HEIGHT_M * 0.4)
    faces = [np.stack([low[i - 1], low[i], high[i], high[i - 1]]) for i in range(_TRUNK_SIDES)]
    wide = ring(_SIDES, CROWN_M / 2, HEIGHT_M * _CROWN_MIDDLE)
    top, foot = np.array([0.0, 0.0, HEIGHT_M]), np.array([0.0, 0.0, HEIGHT_M * _CROWN_FOOT])
    faces += [np.stack([wide[i - 1], wide[i], top]) for i in range(_SIDES)]
    faces += [np.stack([wide[i], wide[i - 1], foot]) for i in range(_SIDES)]
    return np.concatenate(faces), np.array([len(face) for face in faces], np.int32)


def tree_city(trees_local: Floats, frame: Frame, scenario: str) -> CityModel:
    """A city of trees alone.

    Parameters
    ----------
    trees_local : (n, 3) feet, local metres in ``frame``.
    """
    n = len(trees_local)
    corners, sizes = _template()
    start = np.concatenate([[0], np.cumsum(np.tile(sizes, n))]).astype(np.int32)
    first = np.cumsum(sizes) - sizes
    fans = [(f + np.array([0, i, i + 1])) for f, s in zip(first, sizes, strict=True) for i in range(1, s - 1)]
    own_face = np.repeat(np.arange(len(sizes)), sizes - 2)
    number = np.arange(n)
    text = np.dtypes.StringDType()
    columns = {
        "height": Column("height", np.full(n, HEIGHT_M)),
        "crownDiameter": Column("crownDiameter", np.full(n, CROWN_M)),
    }
    if scenario:
        columns["scenario"] = Column("scenario", np.array([scenario] * n, dtype=text))
    return CityModel(
        name="",
        frame=frame,
        positions_local=(trees_local[:, None] + corners).reshape(-1, 3).astype(np.float32),
        ring_start=start,
        face_ring_start=np.arange(len(start), dtype=np.int32),
        face_surface=np.zeros(len(start) - 1, np.uint8),
        face_object=np.repeat(number, len(sizes)).astype(np.int32),
        face_lod=np.zeros(len(start) - 1, np.uint8),
        triangles=(np.array(fans)[None] + (number * len(corners))[:, None, None]).reshape(-1, 3).astype(np.int32),
        triangle_face=(own_face[None] + (number * len(sizes))[:, None]).ravel().astype(np.int32),
        objects=ObjectTable(
            ids=np.array([f"new-tree-{i + 1}" for i in range(n)], dtype=text),
            types=("SolitaryVegetationObject",),
            type_code=np.zeros(n, np.uint16),
            parent=np.full(n, -1, np.int32),
            attributes=columns,
        ),
        lods=("2",),
    )
