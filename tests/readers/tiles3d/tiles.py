"""Small tilesets and tiles of every kind, written by hand."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from tests.readers.gltf.glb import SQUARE, TWO, Glb, square
from viewer.city import Frame
from viewer.city.streamed import Content, Holds, StreamedLayer
from viewer.plugin_api import ReadContext
from viewer.plugin_host.coordinates import prepare
from viewer.readers.tiles3d.reader import read_tiles

ORIGIN = (565_000.0, 5_934_000.0, 0.0)


def padded(text: bytes, size: int = 8) -> bytes:
    return text + b" " * (-len(text) % size)


def table(value: dict[str, Any] | None, binary: bytes = b"") -> tuple[bytes, bytes]:
    text = b"" if value is None else padded(json.dumps(value).encode())
    return text, binary + b"\0" * (-len(binary) % 8)


def tile(
    magic: bytes, features: tuple[bytes, bytes], batch: tuple[bytes, bytes], rest: bytes, extra: bytes = b""
) -> bytes:
    parts = (*features, *batch)
    lengths = struct.pack("<4I", *map(len, parts))
    body = lengths + extra + b"".join(parts) + rest
    return magic + struct.pack("<II", 1, 12 + len(body)) + body


def batched_square() -> Glb:
    """A square whose two triangles are features 0 and 1, as in 3D Tiles 1.0."""
    glb = Glb()
    ids = np.array([0, 0, 0, 1, 1, 1], np.float32)
    glb.node(glb.mesh({"POSITION": glb.accessor(SQUARE[TWO]), "_BATCHID": glb.accessor(ids)}))
    return glb


def b3dm(batch: dict[str, Any] | None = None, binary: bytes = b"", **features: Any) -> bytes:
    head = table({"BATCH_LENGTH": 2, **features})
    return tile(b"b3dm", head, table(batch, binary), batched_square().bytes())


def i3dm(
    features: dict[str, Any], binary: bytes, batch: dict[str, Any] | None = None, model: bytes | None = None
) -> bytes:
    inside = model is None
    rest = square().bytes() if model is None else model
    form = struct.pack("<I", int(inside))
    return tile(b"i3dm", table(features, binary), table(batch), rest, form)


def pnts(features: dict[str, Any], binary: bytes, batch: dict[str, Any] | None = None) -> bytes:
    return tile(b"pnts", table(features, binary), table(batch), b"")


def cmpt(*tiles: bytes) -> bytes:
    inner = b"".join(tiles)
    return b"cmpt" + struct.pack("<III", 1, 16 + len(inner), len(tiles)) + inner


def box(x: float, y: float, z: float, half: float) -> dict[str, list[float]]:
    return {"box": [x, y, z, half, 0, 0, 0, half, 0, 0, 0, half]}


def tileset(root: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"asset": {"version": "1.1"}, "geometricError": 500, "root": root, **more}


def write(folder: Path, files: dict[str, bytes | dict[str, Any]]) -> Path:
    """Files by name; the path of the tileset."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return folder / "tileset.json"


def context_of(crs: str = "EPSG:25832", **more: Any) -> ReadContext:
    context = ReadContext(frame=Frame(crs, ORIGIN) if crs else Frame(), **more)
    prepare(context)
    return context


def opened(path: Path, context: ReadContext | None = None) -> StreamedLayer:
    return read_tiles(path, context_of("") if context is None else context)


def contents(layer: StreamedLayer) -> list[Content]:
    """Everything there is, with every index opened."""
    found: list[Content] = []
    node = 0
    while node < len(layer.tree):
        if layer.tree.nodes.holds[node] != Holds.NOTHING:
            found += layer.contents(node)
        node += 1
    return found


def places(content: Content) -> np.ndarray:
    return content.positions.astype(float) + content.origin_local
