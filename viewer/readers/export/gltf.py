"""A city as GLB (glTF 2.0 binary): one mesh per theme and kind of surface, flat normals, y up, feature ids.

The local frame is kept, so that numbers stay small; the place on the map stands in ``extras``.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer import __version__
from viewer.city import CityModel, Column
from viewer.city.kinds import SurfaceType, Theme
from viewer.errors import SaveError
from viewer.plugin_api import Progress
from viewer.readers.export.bake import PLANNED, Baked
from viewer.readers.export.request import Export

_FLOAT, _UINT = 5126, 5125
_VERTICES, _INDICES = 34962, 34963
#: Lengths in the header have 32 bits.
_MOST_BYTES = 2**32 - 1
#: Stands for a missing number: JSON has none that is no number.
_NO_DATA = -1.7976931348623157e308

#: Colours of what is written, sRGB.
_COLORS: dict[str, str] = {
    "roof": "#b5735a", "wall": "#e8e2d6", "ground": "#a9a59c", "window": "#7fa3bd", "door": "#8a6a4f",
    "other": "#d9d4c8", "bridge": "#b9b4aa", "tunnel": "#a39e94", "road": "#8c8f93", "railway": "#77726c",
    "square": "#b3afa7", "water": "#7fb2d6", "vegetation": "#93b96f", "tree": "#5f9a4f", "land use": "#d5d8b8",
    "terrain": "#c9c4ae", "furniture": "#9a8f80", "generic": "#c4c4c4",
}  # fmt: skip
_BUILT = {
    SurfaceType.ROOF: "roof", SurfaceType.WALL: "wall", SurfaceType.GROUND: "ground",
    SurfaceType.WINDOW: "window", SurfaceType.DOOR: "door",
}  # fmt: skip


def glb_chunks(export: Export, baked: Baked, progress: Progress | None = None) -> Iterator[bytes]:
    """The file, piece by piece: header, JSON, then the arrays.

    Planned objects that no scenario built are left out, because a mesh cannot say that it is only planned.

    Raises
    ------
    SaveError
        The city is larger than the format allows (4 GB).
    """
    progress = Progress() if progress is None else progress
    progress.report(0.1, "Writing the city")
    city = baked.city
    shown = baked.faces & ~planned_features(city)[city.face_feature] if len(city.objects) else baked.faces
    document = _Document()
    arrays = document.add_meshes(city, shown) + document.add_features(city)
    document.place(city, export)
    document.finish(export.credits)
    yield from _pack(document.json, arrays)


def tile_glb(city: CityModel, shown: NDArray[np.bool_], credits: tuple[str, ...] = ()) -> Iterator[bytes]:
    """The faces ``shown`` ((F,) bool) of one tile of a city with all attributes of its objects, piece by piece.

    Positions are metres east, north and up from wherever the tile is put.
    """
    document = _Document()
    arrays = document.add_meshes(city, shown) + document.add_features(city, attributes=True)
    document.finish(credits)
    yield from _pack(document.json, arrays)


def planned_features(city: CityModel) -> NDArray[np.bool_]:
    """(K,) bool: top-level objects that are only planned."""
    column = city.objects.feature_column("conditionOfConstruction")
    if column is None or column.numeric:
        return np.zeros(len(city.objects.features), np.bool_)
    return np.array([str(text).strip().lower() == PLANNED for text in column.values.tolist()], np.bool_)


def _groups(city: CityModel) -> tuple[NDArray[np.int64], list[str]]:
    """(F,) group of each face, and the names of the groups: kinds of surface for buildings, else the theme."""
    themes = tuple(Theme)
    names = list(_COLORS)
    by_theme = np.array([names.index(str(theme)) if str(theme) in _COLORS else -1 for theme in themes])
    by_surface = np.full(256, names.index("other"))
    for surface, name in _BUILT.items():
        by_surface[surface] = names.index(name)
    if not len(city.objects):
        return np.zeros(0, np.int64), names
    theme = by_theme[city.objects.feature_theme[city.face_feature]]
    return np.where(theme >= 0, theme, by_surface[city.face_surface]), names


def _mesh(city: CityModel, faces: NDArray[np.bool_]) -> dict[str, NDArray[np.generic]]:
    """Positions, normals, feature ids and indices of some faces; corners belong to one face, so normals are flat."""
    of_face = np.repeat(faces, np.diff(city.face_start))
    number = np.cumsum(of_face) - 1
    triangles = number[city.triangles[faces[city.triangle_face]]]
    positions = _y_up(city.positions_local[of_face].astype(np.float64))
    corners = positions[triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    owner = city.vertex_face[of_face]
    total = np.zeros((len(city.face_surface), 3))
    triangle_face = city.triangle_face[faces[city.triangle_face]]
    for axis in range(3):
        total[:, axis] = np.bincount(triangle_face, normal[:, axis], len(total))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    unit = np.where(length > 0, total / np.where(length > 0, length, 1.0), [0.0, 1.0, 0.0])
    return {
        "POSITION": positions.astype("<f4"),
        "NORMAL": unit[owner].astype("<f4"),
        "_FEATURE_ID_0": city.face_feature[owner].astype("<f4"),
        "indices": triangles.astype("<u4").ravel(),
    }


def _y_up(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """East stays x, up becomes y, south becomes z."""
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1)


class _Document:
    """The JSON part while it grows; arrays are told where they will lie."""

    def __init__(self) -> None:
        self.json: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": f"Stadtforum {__version__}"},
            "scene": 0,
            "scenes": [{"nodes": []}],
            "nodes": [],
            "meshes": [],
            "materials": [],
            "accessors": [],
            "bufferViews": [],
        }
        self._length = 0

    def add_meshes(self, city: CityModel, shown: NDArray[np.bool_]) -> list[bytes]:
        """Meshes of the faces ``shown``, one for each kind; the bytes that belong to them."""
        group, names = _groups(city)
        data: list[bytes] = []
        for number, name in enumerate(names):
            faces = shown & (group == number)
            if faces.any():
                data += self.add_mesh(name, _mesh(city, faces))
        return data

    def add_mesh(self, name: str, arrays: dict[str, NDArray[np.generic]]) -> list[bytes]:
        """A mesh with its node and material; the bytes that belong to it."""
        data: list[bytes] = []
        attributes = {}
        for key in ("POSITION", "NORMAL", "_FEATURE_ID_0"):
            attributes[key] = self._accessor(arrays[key], data, bounds=key == "POSITION")
        primitive = {
            "attributes": attributes,
            "indices": self._accessor(arrays["indices"], data),
            "material": len(self.json["materials"]),
            "mode": 4,
            "extensions": {
                "EXT_mesh_features": {
                    "featureIds": [
                        {"featureCount": len(np.unique(arrays["_FEATURE_ID_0"])), "attribute": 0, "propertyTable": 0}
                    ]
                }
            },
        }
        self.json["materials"].append(
            {
                "name": name,
                "pbrMetallicRoughness": {
                    "baseColorFactor": [*_linear(_COLORS[name]), 1.0],
                    "metallicFactor": 0.0,
                    "roughnessFactor": 0.9,
                },
                "doubleSided": True,
            }
        )
        self.json["scenes"][0]["nodes"].append(len(self.json["nodes"]))
        self.json["nodes"].append({"name": name, "mesh": len(self.json["meshes"])})
        self.json["meshes"].append({"name": name, "primitives": [primitive]})
        return data

    def add_features(self, city: CityModel, *, attributes: bool = False) -> list[bytes]:
        """Table of the top-level objects, a row for each feature id: ids and types, and their attributes if wanted."""
        objects = city.objects
        if not self.json["meshes"]:
            return []
        index = objects.features
        types = [objects.types[code] for code in objects.type_code[index].tolist()]
        data: list[bytes] = []
        properties: dict[str, dict[str, object]] = {}
        for name, texts in (("id", [str(i) for i in objects.ids[index].tolist()]), ("type", types)):
            properties[name] = self._texts(texts, data)
        kinds: dict[str, dict[str, object]] = {name: {"type": "STRING"} for name in properties}
        if attributes:
            for name, column in _columns(city, taken=set(properties)):
                kinds[name] = {"name": column.name}
                if column.numeric:
                    numbers = np.where(np.isfinite(column.values.astype("<f8")), column.values.astype("<f8"), _NO_DATA)
                    properties[name] = {"values": self._view(numbers.astype("<f8").tobytes(), data)}
                    kinds[name] |= {"type": "SCALAR", "componentType": "FLOAT64", "noData": _NO_DATA}
                else:
                    properties[name] = self._texts([str(text) for text in column.values.tolist()], data)
                    kinds[name] |= {"type": "STRING", "noData": ""}
        schema = {"properties": kinds}
        self.json["extensions"] = {
            "EXT_structural_metadata": {
                "schema": {"id": "stadtforum", "classes": {"cityObject": schema}},
                "propertyTables": [{"class": "cityObject", "count": len(index), "properties": properties}],
            }
        }
        self.json["extensionsUsed"] = ["EXT_mesh_features", "EXT_structural_metadata"]
        return data

    def _texts(self, texts: list[str], data: list[bytes]) -> dict[str, object]:
        encoded = [text.encode() for text in texts]
        offsets = np.cumsum([0, *map(len, encoded)]).astype("<u4")
        return {
            "values": self._view(b"".join(encoded) or b"\0", data),
            "stringOffsets": self._view(offsets.tobytes(), data),
            "stringOffsetType": "UINT32",
        }

    def place(self, city: CityModel, export: Export) -> None:
        """Say where the model lies."""
        frame = city.frame
        place: dict[str, Any] = {
            "crs": frame.crs,
            "vertical_crs": frame.vertical_crs,
            "origin_crs": list(frame.origin_crs),
            "axes": "x = east - origin, y = height - origin, z = -(north - origin); metres",
        }
        if export.scenario:
            place["scenario"] = export.scenario
        self.json["asset"]["extras"] = place
        if city.name:
            self.json["scenes"][0]["name"] = city.name

    def finish(self, credits: tuple[str, ...]) -> None:
        """Say who must be named, and drop what is empty."""
        if credits:
            self.json["asset"]["copyright"] = "; ".join(credits)
        if self._length:
            self.json["buffers"] = [{"byteLength": self._length}]
        for name in ("nodes", "meshes", "materials", "accessors", "bufferViews"):
            if not self.json[name]:
                del self.json[name]
        if not self.json["scenes"][0]["nodes"]:
            del self.json["scenes"][0]["nodes"]

    def _accessor(self, array: NDArray[np.generic], data: list[bytes], *, bounds: bool = False) -> int:
        flat = array.ndim == 1
        entry: dict[str, Any] = {
            "bufferView": self._view(array.tobytes(), data, _INDICES if array.dtype.kind == "u" else _VERTICES),
            "componentType": _UINT if array.dtype.kind == "u" else _FLOAT,
            "count": len(array),
            "type": "SCALAR" if flat else "VEC3",
        }
        if bounds:
            entry["min"] = array.min(axis=0).tolist()
            entry["max"] = array.max(axis=0).tolist()
        self.json["accessors"].append(entry)
        return len(self.json["accessors"]) - 1

    def _view(self, content: bytes, data: list[bytes], target: int = 0) -> int:
        padded = content + b"\0" * (-len(content) % 8)
        view = {"buffer": 0, "byteOffset": self._length, "byteLength": len(content)}
        if target:
            view["target"] = target
        self.json["bufferViews"].append(view)
        self._length += len(padded)
        data.append(padded)
        return len(self.json["bufferViews"]) - 1


def _columns(city: CityModel, taken: set[str]) -> Iterator[tuple[str, Column]]:
    """Attributes of the top-level objects with names that the metadata format allows, all different."""
    used = set(taken)
    for name in city.objects.attributes:
        column = city.objects.feature_column(name)
        if column is None:
            continue
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
        plain = f"_{plain}" if plain[0].isdigit() else plain
        free, number = plain, 2
        while free in used:
            free, number = f"{plain}_{number}", number + 1
        used.add(free)
        yield free, column


def _linear(color: str) -> list[float]:
    """Linear red, green, blue of an sRGB colour."""
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return [round(value, 5) for value in linear.tolist()]


def _pack(document: dict[str, Any], arrays: list[bytes]) -> Iterator[bytes]:
    content = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    content += b" " * (-len(content) % 4)
    binary = sum(map(len, arrays))
    total = 12 + 8 + len(content) + (8 + binary if binary else 0)
    if total > _MOST_BYTES:
        raise SaveError("A GLB file cannot hold a city this large.", hint="Export a part of the city instead.")
    yield struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(content), b"JSON") + content
    if binary:
        yield struct.pack("<I4s", binary, b"BIN\0")
        yield from arrays
