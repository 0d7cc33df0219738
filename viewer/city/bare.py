"""A city of no objects: the ground a layer brings along that is opened before any city."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city.frame import Frame
from viewer.city.layers import AreaLayer, ImageLayer, Layer, LineLayer, PointLayer, TerrainLayer, TreeLayer
from viewer.city.model import CityModel, ObjectTable
from viewer.city.models import ModelLayer
from viewer.city.streamed import StreamedLayer
from viewer.city.tiles import Tiles


def extent_of(layers: tuple[Layer, ...]) -> NDArray[np.float64] | None:
    """(2, 3) float64 local metres: the box of what can be looked at without a city; None if there is nothing.

    Streamed layers, terrain and models have heights of their own; everything else lies on a level ground at zero.
    """
    boxes = []
    for layer in layers:
        if isinstance(layer, StreamedLayer | ModelLayer):
            boxes.append(layer.extent_local)
        elif isinstance(layer, TerrainLayer):
            known = layer.heights[np.isfinite(layer.heights)]
            if len(known):
                corners = layer.corners_local
                low = np.array([*corners.min(axis=0), known.min()], np.float64)
                boxes.append(np.array([low, [*corners.max(axis=0), known.max()]]))
        elif isinstance(layer, ImageLayer):
            boxes.append(_level(layer.corners_local))
        elif isinstance(layer, PointLayer | TreeLayer | LineLayer | AreaLayer) and len(layer.positions_local):
            boxes.append(_level(layer.positions_local))
    if not boxes:
        return None
    return np.array([np.min(boxes, axis=0)[0], np.max(boxes, axis=0)[1]])


def _level(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3) box of (n, 2+) places on a level ground."""
    return np.column_stack([[places[:, k].min(), places[:, k].max()] for k in (0, 1)] + [[0.0, 0.0]])


def bare_city(name: str, frame: Frame, extent_local: NDArray[np.float64]) -> CityModel:
    """A city without objects whose extent is given: (2, 3) float64, local metres."""
    none = np.zeros(1, np.int32)
    starts = np.zeros(2, np.int64)
    low, high = np.asarray(extent_local, np.float64)
    tiles = Tiles(
        code=np.zeros(1, np.int64),
        level=np.zeros(1, np.uint8),
        side_m=float(max(np.ptp([low, high], axis=0).max(), 1.0)),
        corner_local=(float(low[0]), float(low[1])),
        object_start=starts,
        feature_start=starts,
        face_start=starts,
        ring_start=starts,
        vertex_start=starts,
        triangle_start=starts,
        low=low[None],
        high=high[None],
    )
    return CityModel(
        name=name,
        frame=frame,
        positions_local=np.empty((0, 3), np.float32),
        ring_start=none,
        face_ring_start=none.copy(),
        face_surface=np.empty(0, np.uint8),
        face_object=np.empty(0, np.int32),
        face_lod=np.empty(0, np.uint8),
        triangles=np.empty((0, 3), np.int32),
        triangle_face=np.empty(0, np.int32),
        objects=ObjectTable(np.empty(0, np.dtypes.StringDType()), (), np.empty(0, np.uint16), np.empty(0, np.int32)),
        tiles=tiles,
    )
