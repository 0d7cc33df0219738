"""Small GLB files written by hand, for tests of the reader."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

_KINDS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
_TYPES = {0: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}

#: A square of two triangles in the plane y = 0, x to the right, z to the front (glTF has y up).
SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 0, -1], [0, 0, -1]], np.float32)
TWO = np.array([0, 1, 2, 0, 2, 3], np.uint16)


class Glb:
    """A GLB while it grows; ``json`` may be changed at will before ``bytes``."""

    def __init__(self) -> None:
        self.binary = bytearray()
        self.json: dict[str, Any] = {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": [], "meshes": [],
            "accessors": [], "bufferViews": [],
        }  # fmt: skip

    def view(self, data: bytes, **more: Any) -> int:
        self.binary += b"\0" * (-len(self.binary) % 8)
        self.json["bufferViews"].append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data), **more})
        self.binary += data
        return len(self.json["bufferViews"]) - 1

    def accessor(self, array: np.ndarray, **more: Any) -> int:
        array = np.ascontiguousarray(array)
        width = 0 if array.ndim == 1 else array.shape[1]
        entry = {
            "bufferView": self.view(array.tobytes()), "componentType": _KINDS[array.dtype.str[1:]],
            "count": len(array), "type": _TYPES[width], **more,
        }  # fmt: skip
        self.json["accessors"].append(entry)
        return len(self.json["accessors"]) - 1

    def mesh(self, attributes: dict[str, int], indices: int | None = None, **more: Any) -> int:
        primitive = {"attributes": attributes, **more}
        if indices is not None:
            primitive["indices"] = indices
        self.json["meshes"].append({"primitives": [primitive]})
        return len(self.json["meshes"]) - 1

    def node(self, mesh: int | None = None, *, root: bool = True, **more: Any) -> int:
        self.json["nodes"].append({**({} if mesh is None else {"mesh": mesh}), **more})
        number = len(self.json["nodes"]) - 1
        if root:
            self.json["scenes"][0]["nodes"].append(number)
        return number

    def bytes(self) -> bytes:
        document = dict(self.json)
        if self.binary:
            document["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(document).encode()
        text += b" " * (-len(text) % 4)
        binary = bytes(self.binary) + b"\0" * (-len(self.binary) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        if binary:
            chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def square(**more: Any) -> Glb:
    """One square; ``more`` goes into its primitive."""
    glb = Glb()
    glb.node(glb.mesh({"POSITION": glb.accessor(SQUARE)}, glb.accessor(TWO), **more))
    return glb


def with_features() -> Glb:
    """A square whose two triangles are two features with a name, a height, a flag and a list each."""
    glb = Glb()
    corners = SQUARE[TWO]
    ids = np.array([0, 0, 0, 1, 1, 1], np.float32)
    glb.node(
        glb.mesh(
            {"POSITION": glb.accessor(corners), "_FEATURE_ID_0": glb.accessor(ids)},
            extensions={"EXT_mesh_features": {"featureIds": [{"featureCount": 2, "attribute": 0, "propertyTable": 0}]}},
        )
    )

    def texts(*values: str) -> dict[str, Any]:
        encoded = [value.encode() for value in values]
        offsets = np.cumsum([0, *map(len, encoded)]).astype("<u4")
        return {"values": glb.view(b"".join(encoded)), "stringOffsets": glb.view(offsets.tobytes())}

    numbers = {"values": glb.view(np.array([1.5, -9.0], "<f8").tobytes())}
    flags = {"values": glb.view(bytes([0b10]))}
    kinds = {"values": glb.view(np.array([2, 7], "<u2").tobytes())}
    lists = {
        "values": glb.view(np.array([1, 2, 3], "<u1").tobytes()),
        "arrayOffsets": glb.view(np.array([0, 1, 3], "<u4").tobytes()),
    }
    big = {"values": glb.view(np.array([2**60 + 1, 3], "<u8").tobytes())}
    glb.json["extensions"] = {
        "EXT_structural_metadata": {
            "schema": {
                "classes": {
                    "house": {
                        "properties": {
                            "nm": {"name": "name", "type": "STRING"},
                            "height": {"type": "SCALAR", "componentType": "FLOAT64", "noData": -9.0},
                            "listed": {"type": "BOOLEAN"},
                            "use": {"type": "ENUM", "enumType": "uses"},
                            "storeys": {"type": "SCALAR", "componentType": "UINT8", "array": True},
                            "cadastre": {"type": "SCALAR", "componentType": "UINT64"},
                            "lost": {"type": "SCALAR", "componentType": "FLOAT64"},
                        }
                    }
                },
                "enums": {"uses": {"values": [{"name": "dwelling", "value": 2}, {"name": "school", "value": 7}]}},
            },
            "propertyTables": [
                {
                    "class": "house",
                    "count": 2,
                    "properties": {
                        "nm": texts("Mühle", "Hof"), "height": numbers, "listed": flags, "use": kinds,
                        "storeys": lists, "cadastre": big, "lost": {"values": 999},
                    },
                }
            ],
        }
    }  # fmt: skip
    return glb
