"""Models as what a scene draws: parts joined, z up, features in one table, colours in sRGB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.city.streamed import Content, MeshContent, PointContent
from viewer.readers.gltf.materials import Material, srgb_of
from viewer.readers.gltf.metadata import Columns
from viewer.readers.gltf.model import Model, Part

Floats = NDArray[np.float64]
Number = TypeVar("Number", np.float32, np.float64)
#: Brings places (V, 3) float64, z up, to where they are drawn: (V, 3) float64.
Place = Callable[[Floats], Floats]

#: From y up to z up, as 3D Tiles and everybody else does it.
Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def z_up(points: NDArray[Number]) -> NDArray[Number]:
    """(V, 3) places or directions of glTF (y up) with z up: (x, -z, y)."""
    result = np.empty_like(points)
    result[:, 0], result[:, 2] = points[:, 0], points[:, 1]
    np.negative(points[:, 2], out=result[:, 1])
    return result


def model_contents(
    model: Model, place: Place, turn: Floats | None = None, table: Columns | None = None, *, upright: bool = False
) -> tuple[Content, ...]:
    """What a model shows: one mesh, and points where it has any.

    Parameters
    ----------
    place : where the corners lie. turn : (3, 3) float64 that turns directions (z up) the same way.
    table : attributes of features whose model has no table of its own: a batch table of 3D Tiles 1.0.
    upright : the model has z up already.
    """
    result: list[Content] = []
    for points in (False, True):
        parts = [part for part in model.parts if (part.triangles is None) == points and len(part.positions)]
        if parts:
            result.append(_joined(model, parts, place, turn, table, points=points, upright=upright))
    return tuple(result)


def _joined(
    model: Model, parts: Sequence[Part], place: Place, turn: Floats | None, table: Columns | None, *,
    points: bool, upright: bool,
) -> Content:  # fmt: skip
    if not points and any(part.normals is not None for part in parts):
        parts = [part if part.normals is not None else flat(part) for part in parts]
    feature, attributes = _features(parts, model.tables, table)
    whole = np.concatenate([part.positions for part in parts], dtype=np.float64)
    whole = whole if upright else z_up(whole)
    if any(model.centre):
        whole += np.asarray(model.centre)
    origin, positions = relative(place(whole))
    del whole
    rgba = np.concatenate([_colors(part) for part in parts])
    if points:
        return PointContent(positions, origin, rgba, feature, attributes)
    normals = None
    if parts[0].normals is not None:
        normals = np.concatenate([part.normals for part in parts if part.normals is not None])
        normals = normals if upright else z_up(normals)
        if turn is not None:
            normals = normals @ np.asarray(turn, np.float32).T
        normals = np.asarray(normals, np.float32)
    start = np.cumsum([0, *(len(part.positions) for part in parts)])
    triangles = np.concatenate(
        [part.triangles + np.int32(first) for part, first in zip(parts, start.tolist(), strict=False)
         if part.triangles is not None]
    ).astype(np.int32)  # fmt: skip
    uv, pictures, which = _pictures(model, parts)
    return MeshContent(
        positions, origin, rgba, feature, attributes,
        triangles=triangles, normals=normals, uv=uv, pictures=pictures, triangle_picture=which,
    )  # fmt: skip


def relative(places: Floats) -> tuple[tuple[float, float, float], NDArray[np.float32]]:
    """An origin in whole metres in the middle of places (V, 3), and the places from there as float32."""
    ends = np.array([v.min(initial=np.inf) + v.max(initial=-np.inf) for v in places.T])  # not finite if any is not
    if not np.isfinite(ends).all():
        good = np.isfinite(places).all(axis=1)
        if not good.any():
            return (0.0, 0.0, 0.0), np.full(places.shape, np.nan, np.float32)
        ends = places[good].min(axis=0) + places[good].max(axis=0)
    middle = np.round(ends / 2)
    with np.errstate(over="ignore", invalid="ignore"):
        return (float(middle[0]), float(middle[1]), float(middle[2])), (places - middle).astype(np.float32)


def flat(part: Part) -> Part:
    """The part with corners of its own for every triangle, and the normals of the triangles."""
    assert part.triangles is not None
    corner = part.triangles.ravel()
    positions = part.positions[corner]
    a, b, c = positions.reshape(-1, 3, 3).transpose(1, 0, 2)
    with np.errstate(invalid="ignore", over="ignore"):
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        normal = np.where(length > 0, normal / np.where(length > 0, length, 1.0), (0.0, 1.0, 0.0))
    features = part.features
    return replace(
        part,
        positions=positions,
        triangles=np.arange(len(corner), dtype=np.int32).reshape(-1, 3),
        normals=np.repeat(normal, 3, axis=0).astype(np.float32),
        rgba=None if part.rgba is None else part.rgba[corner],
        uv=None if part.uv is None else part.uv[corner],
        features=None if features is None else replace(features, ids=features.ids[corner]),
    )


def _colors(part: Part) -> NDArray[np.uint8]:
    """(V, 4) uint8 sRGB: the material's colour times that of the corners."""
    linear = np.broadcast_to(part.material.rgba, (1 if part.rgba is None else len(part.rgba), 4)).copy()
    if part.rgba is not None:
        linear = linear * part.rgba
    linear[:, :3] = srgb_of(linear[:, :3])
    if part.triangles is not None and part.material.mode != "BLEND":
        linear[:, 3] = 1.0
    colors = np.round(np.clip(linear, 0.0, 1.0) * 255).astype(np.uint8)
    return np.broadcast_to(colors, (len(part.positions), 4)).copy() if len(colors) == 1 else colors


def _pictures(
    model: Model, parts: Sequence[Part]
) -> tuple[NDArray[np.float32] | None, tuple[NDArray[np.uint8], ...], NDArray[np.int16] | None]:
    used = [_worn(part.material) if part.uv is not None and part.material.picture in model.pictures else None
            for part in parts]  # fmt: skip
    numbers = {worn: k for k, worn in enumerate(sorted({worn for worn in used if worn is not None}))}
    if not numbers:
        return None, (), None
    materials = {worn: part.material for worn, part in zip(used, parts, strict=True)}
    uv = np.concatenate(
        [np.zeros((len(part.positions), 2), np.float32) if part.uv is None else part.uv for part in parts]
    )
    which = np.concatenate(
        [
            np.full(len(part.triangles), -1 if worn is None else numbers[worn], np.int16)
            for part, worn in zip(parts, used, strict=True)
            if part.triangles is not None
        ]
    )
    return uv, tuple(materials[worn].worn(model.pictures[worn[0]]) for worn in numbers), which


def _worn(material: Material) -> tuple[int, str, float]:
    """What says how a picture looks: its number, and how much of its opacity counts."""
    return material.picture, material.mode, material.cutoff if material.mode == "MASK" else 0.0


def _features(
    parts: Sequence[Part], tables: Sequence[Columns], batch: Columns | None
) -> tuple[NDArray[np.int32] | None, dict[str, NDArray[np.generic]]]:
    """(V,) feature of every corner and the columns of all features: of every table used, one after the other."""
    if all(part.features is None for part in parts):
        return _by_name(parts)
    numbers = [-2 if part.features is None else part.features.table for part in parts]
    first: dict[int, int] = {}
    columns: list[tuple[int, Columns]] = []
    count = 0
    for number in sorted(set(numbers) - {-2}):
        own: Columns = tables[number] if 0 <= number < len(tables) else batch or {}
        rows = _rows(own)
        if not rows:
            largest = [int(p.features.ids.max(initial=-1)) for p in parts if p.features and p.features.table == number]
            rows = max(largest, default=-1) + 1
        first[number] = count
        columns.append((rows, own))
        count += rows
    end = {number: first[number] + rows for number, (rows, _) in zip(first, columns, strict=True)}
    pieces = []
    for part, number in zip(parts, numbers, strict=True):
        if part.features is None:
            pieces.append(np.full(len(part.positions), -1, np.int64))
            continue
        ids = part.features.ids + first[number]
        pieces.append(np.where((part.features.ids >= 0) & (ids < end[number]), ids, -1))
    return np.concatenate(pieces).astype(np.int32), _stacked(columns)


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values()))) if columns else 0


def _stacked(tables: Sequence[tuple[int, Columns]]) -> dict[str, NDArray[np.generic]]:
    """Columns of tables one below the other, missing where a table lacks them."""
    names = dict.fromkeys(name for _, columns in tables for name in columns)
    result: dict[str, NDArray[np.generic]] = {}
    for name in names:
        found = [(rows, columns.get(name)) for rows, columns in tables]
        numeric = all(values is None or values.dtype.kind == "f" for _, values in found)
        pieces: list[NDArray[np.generic]] = []
        for rows, values in found:
            if values is None:
                pieces.append(np.full(rows, np.nan) if numeric else np.full(rows, "", np.dtypes.StringDType()))
            elif numeric or values.dtype.kind == "T":
                pieces.append(values)
            else:
                texts = ["" if value != value else f"{value:g}" for value in values.tolist()]
                pieces.append(np.array(texts, np.dtypes.StringDType()))
        result[name] = np.concatenate(pieces)
    return result


def _by_name(parts: Sequence[Part]) -> tuple[NDArray[np.int32] | None, dict[str, NDArray[np.generic]]]:
    """A model without features: its named nodes are its features."""
    nodes = {node: row for row, node in enumerate(dict.fromkeys(part.node for part in parts))}
    names = [""] * len(nodes)
    for part in parts:
        names[nodes[part.node]] = part.name
    if not any(names):
        return None, {}
    sizes = [len(part.positions) for part in parts]
    feature = np.repeat(np.array([nodes[part.node] for part in parts], np.int32), sizes)
    return feature, {"name": np.array(names, np.dtypes.StringDType())}
