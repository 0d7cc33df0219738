"""Models to be placed in the city: glTF and GLB by our own parser; OBJ, PLY and STL through ``trimesh``.

Where a model stands is no part of its file; see ``viewer.session.placement``.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np

from viewer.city.models import ModelLayer, model_layer
from viewer.city.streamed import MeshContent
from viewer.errors import LimitError, ReadError
from viewer.plugin_api import ReadContext
from viewer.readers.gltf import model_contents, read_gltf
from viewer.readers.gltf.container import fetch_beside

#: A model larger than this is a city and belongs into a city format.
MAX_BYTES = 512 << 20
#: A model longer than this in its own units is taken for millimetres, metres otherwise.
MILLIMETRES_FROM = 2000.0
#: Metres of each unit a person may choose.
UNITS = {"mm": 0.001, "cm": 0.01, "m": 1.0, "ft": 0.3048, "in": 0.0254}
#: Which axis points up where a format does not say.
_UP = {".obj": "y", ".stl": "z", ".ply": "z"}
#: What a reader of others may stumble over in a damaged file.
_STUMBLES = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, OverflowError, RecursionError,
    MemoryError, NotImplementedError, ZeroDivisionError, struct.error, EOFError, StopIteration,
)  # fmt: skip


def looks_like_model(path: Path, head: bytes) -> float:
    """How sure this is a model, by its ending and its first bytes."""
    if head.startswith((b"glTF", b"ply\n", b"ply\r")):
        return 0.9
    if head[:4096].lstrip().startswith(b"{"):
        return 0.9 if b'"asset"' in head and b'"meshes"' in head else 0.0
    return 0.5 if Path(path).suffix.lower() in (".obj", ".stl") else 0.0


def read_model(path: Path, context: ReadContext) -> ModelLayer:
    """One model, its foot at zero.

    Raises
    ------
    ReadError
        It is damaged, empty, or a package it needs is not installed. LimitError: it is too large.
    """
    path = Path(path)
    if path.stat().st_size > MAX_BYTES:
        raise LimitError("This model is larger than {limit} MB.", path=path, limit=MAX_BYTES >> 20)
    context.progress.report(0.1, "Reading")
    ending = path.suffix.lower()
    if ending in (".glb", ".gltf"):
        meshes, scale = _gltf(path, context), 1.0
    else:
        meshes = _turned(_by_trimesh(path, context), _up(ending, context))
        scale = _scale(meshes, context)
    context.facts["format"] = {".glb": "glTF", ".gltf": "glTF"}.get(ending, ending[1:].upper())
    layer = model_layer(path.stem, meshes, scale=scale)
    size = (layer.high - layer.low) * layer.scale
    context.info(
        "The model is {length} x {width} x {height} m and has {triangles} triangles.",
        length=f"{size[0]:.1f}", width=f"{size[1]:.1f}", height=f"{size[2]:.1f}", triangles=layer.triangles,
    )  # fmt: skip
    return layer


def _gltf(path: Path, context: ReadContext) -> tuple[MeshContent, ...]:
    model = read_gltf(path.read_bytes(), fetch_beside(path.parent), context.log)
    contents = model_contents(model, lambda places: places)
    return tuple(content for content in contents if isinstance(content, MeshContent))


def _by_trimesh(path: Path, context: ReadContext) -> tuple[MeshContent, ...]:
    """Meshes of a file; materials become colours, no other file is opened."""
    try:
        import trimesh
    except ImportError as error:
        raise ReadError(
            "To read {ending} models the package {package} is needed.",
            hint="Install it with: pip install stadtforum[mesh]. Or save the model as GLB.",
            path=path,
            ending=path.suffix.upper().lstrip("."),
            package="trimesh",
        ) from error
    _check_claims(path)
    try:
        with path.open("rb") as file:
            loaded = trimesh.load_scene(
                io.BytesIO(file.read()), file_type=path.suffix.lower()[1:], resolver=None, process=False
            )
        parts = loaded.dump(concatenate=False)
        meshes = [_mesh(part) for part in parts if isinstance(part, trimesh.Trimesh) and len(part.faces)]
    except _STUMBLES as error:
        raise ReadError(
            "This model is damaged or of a kind that cannot be read ({reason}).",
            hint="Save it again, best as GLB.",
            path=path,
            reason=str(error)[:120] or type(error).__name__,
        ) from error
    return tuple(meshes)


def _check_claims(path: Path) -> None:
    """Counts in the header against the size of the file: memory is not taken for what is not there.

    Raises
    ------
    ReadError
        The header promises more than the file can hold.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4096)
    claimed = 0
    if path.suffix.lower() == ".ply":
        for line in head.split(b"end_header")[0].splitlines():
            words = line.split()
            if len(words) == 3 and words[0] == b"element" and words[2].isdigit():
                claimed += int(words[2])
    elif path.suffix.lower() == ".stl" and not head.lstrip().startswith(b"solid") and len(head) >= 84:
        claimed = 50 * struct.unpack_from("<I", head, 80)[0]
    if claimed > size:
        raise ReadError("The header of this model promises more than the file holds.", path=path)


def _mesh(part: Any) -> MeshContent:
    """One mesh of trimesh as ours, with the colour of its material or of its corners."""
    positions = np.asarray(part.vertices, np.float64)
    faces = np.asarray(part.faces, np.int64)
    finite = np.isfinite(positions).all(axis=1)
    middle = positions[finite].mean(axis=0) if finite.any() else np.zeros(3)
    with np.errstate(over="ignore", invalid="ignore"):
        local = (positions - middle).astype(np.float32)
    in_range = ((faces >= 0) & (faces < len(positions))).all(axis=1)
    x, y, z = middle.tolist()
    return MeshContent(local, (x, y, z), _colors(part, len(positions)), triangles=faces[in_range].astype(np.int32))


def _colors(part: Any, count: int) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
    visual = part.visual
    if visual.kind == "texture":
        main = getattr(visual.material, "main_color", None)
        return None if main is None else np.tile(np.asarray(main, np.uint8)[:4], (count, 1))
    if visual.kind == "face":
        colors = np.zeros((count, 4), np.uint8)
        colors[np.asarray(part.faces).ravel()] = np.repeat(np.asarray(visual.face_colors, np.uint8), 3, axis=0)
        return colors
    if visual.kind == "vertex":
        found = np.asarray(visual.vertex_colors, np.uint8)
        return found if found.shape == (count, 4) else None
    return None


def _up(ending: str, context: ReadContext) -> str:
    chosen = context.options.get("up", "").lower()
    if chosen in ("x", "y", "z"):
        return chosen
    context.questions["up"] = _UP[ending]
    return _UP[ending]


def _turned(meshes: tuple[MeshContent, ...], up: str) -> tuple[MeshContent, ...]:
    """Meshes with z up."""
    if up == "z":
        return meshes
    order, sign = ((0, 2, 1), (1, -1, 1)) if up == "y" else ((2, 1, 0), (-1, 1, 1))
    turned = []
    for mesh in meshes:
        positions = np.ascontiguousarray(mesh.positions[:, order] * np.array(sign, np.float32))
        x, y, z = (np.asarray(mesh.origin_local)[list(order)] * sign).tolist()
        turned.append(MeshContent(positions, (x, y, z), mesh.rgba, triangles=mesh.triangles))
    return tuple(turned)


def _scale(meshes: tuple[MeshContent, ...], context: ReadContext) -> float:
    """Metres per unit: these formats name none, so it is guessed by the size and asked."""
    chosen = context.options.get("unit", "")
    if chosen in UNITS:
        return UNITS[chosen]
    with np.errstate(invalid="ignore"):
        size = max(
            (float(np.nanmax(np.ptp(mesh.positions, axis=0))) for mesh in meshes if len(mesh.positions)), default=0
        )
    unit = "mm" if np.isfinite(size) and size > MILLIMETRES_FROM else "m"
    context.questions["unit"] = unit
    return UNITS[unit]
