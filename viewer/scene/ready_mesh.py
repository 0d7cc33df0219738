"""The costly arrays of a city's picture as plain named arrays, for a store, and back again, checked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.scene.city_mesh import Boxes, CityArrays, EdgeCell, KnownFaces

Array = NDArray[np.generic]


def pack(arrays: CityArrays) -> dict[str, Array]:
    """What takes longest to make: normals, outlines, coarse blocks, boxes for picking."""
    cells = arrays.edge_cells
    points, triangles, features = arrays.blocks
    boxes = arrays.boxes
    none = np.empty((0, 3), np.float32)
    return {
        "face_normals": arrays.normals,
        "green_rank": arrays.green_rank,
        "edge_points": np.concatenate([c.points for c in cells]) if cells else none,
        "edge_feat": np.concatenate([c.feat for c in cells]) if cells else np.empty((0, 4), np.float32),
        "edge_count": np.array([len(c.points) for c in cells], np.int64),
        "edge_centre": np.array([c.centre for c in cells], np.float64).reshape(-1, 3),
        "edge_radius": np.array([c.radius for c in cells], np.float64),
        "block_points": points,
        "block_triangles": triangles,
        "block_features": features,
        "box_triangles": boxes.triangles,
        "box_start": np.asarray(boxes.start, np.int64),
        "box_low": boxes.low,
        "box_high": boxes.high,
    }


def faces_of(city: CityModel, packed: Mapping[str, Array]) -> KnownFaces | None:
    """Normals and green ranks among packed arrays; None if they are not this city's."""
    normals, rank = packed.get("face_normals"), packed.get("green_rank")
    faces = len(city.face_surface)
    if normals is None or rank is None or not is_kind(normals, "<f4", (faces, 3)) or not is_kind(rank, "<f4", (faces,)):
        return None
    return normals, rank  # type: ignore[return-value]


def restore(arrays: CityArrays, packed: Mapping[str, Array]) -> bool:
    """Give a city's arrays what was packed; False if it does not fit this city, which leaves them to be made."""
    if not _fits(arrays, packed):
        return False
    made = {
        "edge_cells": _cells(packed),
        "blocks": (packed["block_points"], packed["block_triangles"], packed["block_features"]),
        "boxes": Boxes(packed["box_triangles"], packed["box_start"], packed["box_low"], packed["box_high"]),  # type: ignore[arg-type]
    }
    vars(arrays).update(made)  # where ``cached_property`` looks first
    return True


def _cells(packed: Mapping[str, Array]) -> tuple[EdgeCell, ...]:
    count = packed["edge_count"].astype(np.int64)
    ends = np.cumsum(count)
    segments = np.arange(int(count.max(initial=0)), dtype=np.int32).reshape(-1, 2)
    cells = []
    for k, (start, end) in enumerate(zip((ends - count).tolist(), ends.tolist(), strict=True)):
        points, feat = packed["edge_points"][start:end], packed["edge_feat"][start:end]
        own = segments[: (end - start) // 2]
        cells.append(EdgeCell(points, own, feat, packed["edge_centre"][k], float(packed["edge_radius"][k])))  # type: ignore[arg-type]
    return tuple(cells)


def _fits(arrays: CityArrays, packed: Mapping[str, Array]) -> bool:
    """Kinds, sizes and indices agree with the city: what is drawn must not reach beyond its arrays."""
    city = arrays.city
    features, triangles = len(city.objects.features), len(city.triangles)
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "edge_points": ("<f4", (-1, 3)), "edge_feat": ("<f4", (-1, 4)), "edge_count": ("<i8", (-1,)),
        "edge_centre": ("<f8", (-1, 3)), "edge_radius": ("<f8", (-1,)),
        "block_points": ("<f4", (-1, 3)), "block_triangles": ("<i4", (-1, 3)), "block_features": ("<i4", (-1,)),
        "box_triangles": ("<i8", (-1,)), "box_start": ("<i8", (features + 1,)),
        "box_low": ("<f8", (features, 3)), "box_high": ("<f8", (features, 3)),
    }  # fmt: skip
    if not all(name in packed and is_kind(packed[name], *kind) for name, kind in shapes.items()):
        return False
    count = len(packed["block_features"])
    blocks = len(packed["block_points"]) == 8 * count and len(packed["block_triangles"]) == 10 * count
    return (
        blocks
        and _edges_fit(packed)
        and is_offsets(packed["box_start"], len(packed["box_triangles"]))
        and in_range(packed["block_triangles"], len(packed["block_points"]))
        and in_range(packed["block_features"], features)
        and in_range(packed["box_triangles"], triangles)
        and _in_features(packed["edge_feat"][:, 0], features)
    )


def _edges_fit(packed: Mapping[str, Array]) -> bool:
    """Every cell has whole segments, a middle and a radius, and all cells have all points."""
    count = packed["edge_count"].astype(np.int64)
    if not len(count) == len(packed["edge_centre"]) == len(packed["edge_radius"]):
        return False
    whole = (count > 0) & (count % 2 == 0) & (count <= len(packed["edge_points"]))
    return bool(whole.all()) and len(packed["edge_feat"]) == len(packed["edge_points"]) == int(count.sum())


def is_offsets(start: Array, end: int) -> bool:
    """Whether an array counts up from 0 to ``end``."""
    steps = np.diff(start.astype(np.int64))
    return int(start.flat[0]) == 0 and int(start.flat[-1]) == end and bool((steps >= 0).all())


def is_kind(array: Array, dtype: str, shape: tuple[int, ...]) -> bool:
    """Whether an array has this type and shape; -1 stands for any length."""
    if array.dtype.str != dtype or array.ndim != len(shape):
        return False
    return all(wanted in (-1, there) for wanted, there in zip(shape, array.shape, strict=True))


def in_range(index: Array, count: int) -> bool:
    """Whether all indices lie in ``0 .. count - 1``."""
    return not index.size or (int(index.min()) >= 0 and int(index.max()) < count)


def _in_features(numbers: Array, features: int) -> bool:
    return not numbers.size or (float(numbers.min()) >= 0 and float(numbers.max()) < features)
