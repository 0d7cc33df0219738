"""The contents of tiles: b3dm, i3dm, pnts, cmpt, glb and gltf as models with their attributes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from viewer.city.report import IssueLog
from viewer.city.streamed import MAX_CONTENT
from viewer.errors import LimitError, ReadError
from viewer.readers.gltf.container import Fetch
from viewer.readers.gltf.content import z_up
from viewer.readers.gltf.draco import unpack
from viewer.readers.gltf.features import FeatureIds
from viewer.readers.gltf.fields import Fields, parse_fields, wrong
from viewer.readers.gltf.materials import DEFAULT
from viewer.readers.gltf.metadata import Columns
from viewer.readers.gltf.model import Model, Part, read_gltf, transformed
from viewer.readers.tiles3d.batch_table import BinaryTable

Floats = NDArray[np.float64]

#: Tiles inside composite tiles.
MAX_NESTING, MAX_INNER = 5, 1000
_OCT_MOST = 65535.0


@dataclass(frozen=True, eq=False)
class TileModel:
    """A model in the coordinates of its tile, z up. table : attributes by feature, of formats that carry them."""

    model: Model
    table: Columns


def read_tile(data: bytes, fetch: Fetch, log: IssueLog, *, upright: bool = False) -> list[TileModel]:
    """The models in one tile.

    Parameters
    ----------
    upright : models have z up already, as some old tilesets say.

    Raises
    ------
    ReadError
        It is of no known kind, or damaged.
    """
    return list(_models(memoryview(data), fetch, log, upright, 0))


def is_tileset(data: bytes) -> bool:
    """Whether a content is a tileset of its own."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith(b"{") and b'"root"' in data and b'"geometricError"' in data


def _models(view: memoryview, fetch: Fetch, log: IssueLog, upright: bool, depth: int) -> Iterator[TileModel]:
    kind = bytes(view[:4])
    if kind == b"cmpt":
        if depth >= MAX_NESTING:
            raise LimitError("Composite tiles are nested too deeply.")
        yield from _composite(view, fetch, log, upright, depth)
    elif kind == b"b3dm":
        yield _b3dm(view, fetch, log, upright)
    elif kind == b"i3dm":
        yield _i3dm(view, fetch, log, upright)
    elif kind == b"pnts":
        yield _pnts(view)
    elif kind == b"glTF" or kind[:1] in (b"{", b" ", b"\n", b"\r", b"\t", b"\xef"):
        yield TileModel(_standing(read_gltf(view, fetch, log), upright), {})
    else:
        raise ReadError("This is no tile of a known kind (b3dm, i3dm, pnts, cmpt, glb).")


def _composite(view: memoryview, fetch: Fetch, log: IssueLog, upright: bool, depth: int) -> Iterator[TileModel]:
    (count,) = _unpacked("<I", view, 12)
    place = 16
    if count > MAX_INNER:
        raise wrong("cmpt")
    for _ in range(count):
        (length,) = _unpacked("<I", view, place + 8)
        if length < 12 or place + length > len(view):
            raise ReadError("The tile ends in the middle.")
        yield from _models(view[place : place + length], fetch, log, upright, depth + 1)
        place += length


def _unpacked(form: str, view: memoryview, place: int) -> tuple[int, ...]:
    if place + struct.calcsize(form) > len(view):
        raise ReadError("The tile ends in the middle.")
    return struct.unpack_from(form, view, place)


def _tables(view: memoryview, start: int) -> tuple[BinaryTable, BinaryTable, memoryview]:
    """Feature table, batch table and the rest of a tile whose four lengths stand at byte 12."""
    lengths = _unpacked("<4I", view, 12)
    (whole,) = _unpacked("<I", view, 8)
    view = view[: max(min(whole, len(view)), start)]
    places = [start + sum(lengths[:k]) for k in range(5)]
    if places[4] > len(view):
        raise ReadError("The tile ends in the middle.")
    parts = [view[a:b] for a, b in pairwise(places)]
    features = BinaryTable(parse_fields(parts[0], "featureTable"), parts[1])
    batch = BinaryTable(parse_fields(parts[2], "batchTable"), parts[3])
    return features, batch, view[places[4] :]


def _b3dm(view: memoryview, fetch: Fetch, log: IssueLog, upright: bool) -> TileModel:
    for place in (20, 24):  # tiles of before version 1.0 have shorter headers; what stands in them is passed over
        if bytes(view[place : place + 4]) == b"glTF":
            return TileModel(_standing(read_gltf(view[place:], fetch, log), upright), {})
    features, batch, rest = _tables(view, 28)
    count = features.fields.count("BATCH_LENGTH")
    model = _standing(read_gltf(rest, fetch, log), upright)
    return TileModel(_around(model, features), batch.columns(count) if count else {})


def _standing(model: Model, upright: bool) -> Model:
    """The model with z up."""
    if upright:
        return model
    parts = tuple(
        replace(
            part,
            positions=z_up(part.positions).astype(np.float64),
            normals=None if part.normals is None else z_up(part.normals).astype(np.float32),
        )
        for part in model.parts
    )
    return replace(model, parts=parts)


def _around(model: Model, features: BinaryTable) -> Model:
    centre = features.vector("RTC_CENTER", 3)
    if centre is None or not np.isfinite(centre).all():
        return model
    x, y, z = (np.asarray(model.centre) + centre).tolist()
    return replace(model, centre=(x, y, z))


# -- instances ------------------------------------------------------------------------------------------------


def _i3dm(view: memoryview, fetch: Fetch, log: IssueLog, upright: bool) -> TileModel:
    features, batch, rest = _tables(view, 32)
    (form,) = _unpacked("<I", view, 28)
    if form == 0:
        rest = memoryview(fetch(bytes(rest).rstrip(b"\0 ").decode("utf-8", "replace")))
    model = _standing(read_gltf(rest, fetch, log), upright)
    count = features.fields.count("INSTANCES_LENGTH")
    corners = sum(len(part.positions) for part in model.parts)
    if count * max(corners, 1) > MAX_CONTENT:
        raise LimitError("The model has more than {limit} corners.", limit=MAX_CONTENT)
    matrices = _instance_matrices(features, count)
    ids = features.array("BATCH_ID", count, "UNSIGNED_SHORT", 1)
    row = np.arange(count, dtype=np.int64) if ids is None else ids[:, 0].astype(np.int64)
    parts = tuple(
        replace(transformed(part, matrices), features=FeatureIds(np.repeat(row, len(part.positions))))
        for part in model.parts
    )
    rows = max(int(row.max(initial=-1)) + 1, batch.longest())
    return TileModel(_around(replace(model, parts=parts), features), batch.columns(rows))


def _instance_matrices(features: BinaryTable, count: int) -> Floats:
    places = _positions(features, count, "UNSIGNED_SHORT")
    up, right = _directions(features, count)
    matrices = np.zeros((count, 4, 4))
    if up is None or right is None:
        matrices[:, :3, :3] = np.eye(3)
        if features.fields.flag("EAST_NORTH_UP"):
            matrices[:, :3, :3] = east_north_up(places + _centre(features))
    else:
        matrices[:, :3, 0], matrices[:, :3, 1] = right, up
        matrices[:, :3, 2] = np.cross(right, up)
    scale = features.array("SCALE", count, "FLOAT", 1)
    scales = features.array("SCALE_NON_UNIFORM", count, "FLOAT", 3)
    factor = np.ones((count, 3))
    for given in (scale, scales):
        if given is not None:
            factor = factor * given.astype(np.float64)
    matrices[:, :3, :3] *= factor[:, None, :]
    matrices[:, :3, 3] = places
    matrices[:, 3, 3] = 1.0
    return matrices


def _centre(features: BinaryTable) -> Floats:
    centre = features.vector("RTC_CENTER", 3)
    return np.zeros(3) if centre is None else centre


def _positions(features: BinaryTable, count: int, quantized: str) -> Floats:
    places = features.array("POSITION", count, "FLOAT", 3)
    if places is not None:
        return places.astype(np.float64)
    packed = features.array("POSITION_QUANTIZED", count, quantized, 3)
    offset, scale = features.vector("QUANTIZED_VOLUME_OFFSET", 3), features.vector("QUANTIZED_VOLUME_SCALE", 3)
    if packed is None or offset is None or scale is None:
        raise wrong("featureTable.POSITION")
    return packed.astype(np.float64) / 65535.0 * scale + offset


def _directions(features: BinaryTable, count: int) -> tuple[Floats | None, Floats | None]:
    up = features.array("NORMAL_UP", count, "FLOAT", 3)
    right = features.array("NORMAL_RIGHT", count, "FLOAT", 3)
    if up is not None and right is not None:
        return up.astype(np.float64), right.astype(np.float64)
    packed_up = features.array("NORMAL_UP_OCT32P", count, "UNSIGNED_SHORT", 2)
    packed_right = features.array("NORMAL_RIGHT_OCT32P", count, "UNSIGNED_SHORT", 2)
    if packed_up is None or packed_right is None:
        return None, None
    return _from_octahedron(packed_up, _OCT_MOST), _from_octahedron(packed_right, _OCT_MOST)


def _from_octahedron(packed: NDArray[np.generic], most: float) -> Floats:
    """(n, 3) unit vectors of places on an unfolded octahedron."""
    x, y = (packed.astype(np.float64) / most * 2 - 1).T
    z = 1.0 - np.abs(x) - np.abs(y)
    folded = np.maximum(-z, 0.0)
    x = x + np.where(x >= 0, -folded, folded)
    y = y + np.where(y >= 0, -folded, folded)
    vectors = np.stack([x, y, z], axis=1)
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def east_north_up(places: Floats) -> Floats:
    """(n, 3, 3) whose columns point east, north and up at earth-centred places (n, 3)."""
    length = np.linalg.norm(places, axis=1, keepdims=True)
    # up is at right angles to the ellipsoid of WGS 84
    axes = np.array([6378137.0, 6378137.0, 6356752.314245])
    up = places / axes**2
    up = up / np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-30)
    east = np.stack([-places[:, 1], places[:, 0], np.zeros(len(places))], axis=1)
    across = np.linalg.norm(east, axis=1, keepdims=True)
    east = np.where(across > 1e-9 * np.maximum(length, 1e-9), east / np.maximum(across, 1e-30), (1.0, 0.0, 0.0))
    return np.stack([east, np.cross(up, east), up], axis=2)


# -- points ---------------------------------------------------------------------------------------------------


def _pnts(view: memoryview) -> TileModel:
    features, batch, _ = _tables(view, 28)
    count = features.fields.count("POINTS_LENGTH")
    if count > MAX_CONTENT:
        raise LimitError("The model has more than {limit} corners.", limit=MAX_CONTENT)
    packed = features.fields.child("extensions").child("3DTILES_draco_point_compression")
    unpacked: dict[str, NDArray[np.generic]] = {}
    if packed.data:
        unpacked = _unpacked_points(packed, features.binary)
    if "POSITION" in unpacked:
        positions = unpacked["POSITION"].astype(np.float64)
        count = len(positions)
    else:
        positions = _positions(features, count, "UNSIGNED_SHORT")
    ids = features.array("BATCH_ID", count, "UNSIGNED_SHORT", 1)
    if ids is None and "BATCH_ID" in unpacked:
        ids = unpacked["BATCH_ID"]
    row = None if ids is None else ids[:, 0].astype(np.int64)
    rows = features.fields.count("BATCH_LENGTH") if ids is not None else count
    table = batch.columns(rows)
    if row is None and table:
        row = np.arange(count, dtype=np.int64)
    part = Part(
        positions,
        None,
        DEFAULT,
        rgba=_point_colors(features, count, unpacked),
        features=None if row is None else FeatureIds(row),
    )
    return TileModel(_around(Model((part,)), features), table)


def _unpacked_points(packed: Fields, binary: memoryview) -> dict[str, NDArray[np.generic]]:
    first, length = packed.count("byteOffset"), packed.count("byteLength")
    if first + length > len(binary):
        raise wrong(packed.where)
    found = unpack(binary[first : first + length]).attributes
    names = packed.child("properties")
    return {name: found[names.count(name)] for name in names.data if names.count(name) in found}


def _point_colors(
    features: BinaryTable, count: int, unpacked: dict[str, NDArray[np.generic]]
) -> NDArray[np.float32] | None:
    """(n, 4) linear colours; None for none."""
    colors = np.ones((count, 4))
    for name, width in (("RGBA", 4), ("RGB", 3)):
        found = unpacked.get(name)
        if found is None:
            found = features.array(name, count, "UNSIGNED_BYTE", width)
        if found is not None and found.shape == (count, width):
            colors[:, :width] = found.astype(np.float64) / 255.0
            return _linear(colors)
    small = features.array("RGB565", count, "UNSIGNED_SHORT", 1)
    if small is not None:
        bits = small[:, 0].astype(np.int64)
        colors[:, 0], colors[:, 1], colors[:, 2] = (bits >> 11) / 31.0, (bits >> 5 & 63) / 63.0, (bits & 31) / 31.0
        return _linear(colors)
    constant = features.array("CONSTANT_RGBA", 1, "UNSIGNED_BYTE", 4)
    if constant is not None:
        return _linear(colors * constant.astype(np.float64) / 255.0)
    return None


def _linear(srgb: Floats) -> NDArray[np.float32]:
    """Linear light of sRGB colours of points; opacity stays."""
    result = np.clip(srgb, 0.0, 1.0)
    rgb = result[:, :3]
    result[:, :3] = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return result.astype(np.float32)
