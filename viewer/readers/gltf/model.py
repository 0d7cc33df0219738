"""A glTF 2.0 model as arrays: every primitive of every node at its place, y up, metres.

Everything in the file is checked; what cannot be shown costs only itself and is told in ``Model.issues``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from viewer.city.report import IssueLog, Severity
from viewer.city.streamed import MAX_CONTENT
from viewer.errors import LimitError, ReadError
from viewer.readers.gltf.accessors import Accessors, as_numbers
from viewer.readers.gltf.container import Fetch, no_files, open_document, view_bytes
from viewer.readers.gltf.draco import Unpacked, unpack
from viewer.readers.gltf.features import FeatureIds, instance_features, mesh_features, property_tables
from viewer.readers.gltf.fields import Fields, wrong
from viewer.readers.gltf.materials import (
    DEFAULT,
    LOST_PICTURES,
    PACKED_PICTURES,
    Material,
    materials_of,
    read_picture,
)
from viewer.readers.gltf.metadata import Columns
from viewer.readers.gltf.nodes import Placed, placed_meshes

POINTS, TRIANGLES, STRIP, FAN = 0, 4, 5, 6
#: Extensions without which a model can still be shown rightly enough.
_UNDERSTOOD = {
    "KHR_draco_mesh_compression", "KHR_mesh_quantization", "KHR_texture_transform", "KHR_materials_unlit",
    "EXT_mesh_gpu_instancing", "EXT_mesh_features", "EXT_instance_features", "EXT_structural_metadata",
    "EXT_texture_webp", "KHR_texture_basisu", "EXT_meshopt_compression", "KHR_meshopt_compression", "CESIUM_RTC",
    "KHR_materials_pbrSpecularGlossiness",
}  # fmt: skip
LEFT_OUT = "Parts of the model that are damaged, left out: {count}"
LINES = "Lines in the model are not shown: {count}"


@dataclass(frozen=True, eq=False)
class Part:
    """One primitive at its place; points where there are no triangles.

    positions : (V, 3) float64. triangles : (T, 3) int32, None for points. normals : (V, 3) float32.
    rgba : (V, 4) float32 linear colours of the corners. uv : (V, 2) float32. features : of the corners.
    name : of its node, mesh or material.
    """

    positions: NDArray[np.float64]
    triangles: NDArray[np.int32] | None
    material: Material
    normals: NDArray[np.float32] | None = None
    rgba: NDArray[np.float32] | None = None
    uv: NDArray[np.float32] | None = None
    features: FeatureIds | None = None
    name: str = ""
    node: int = 0


@dataclass(frozen=True, eq=False)
class Model:
    """parts : in the order of the nodes. tables : property tables, columns each. pictures : by their number."""

    parts: tuple[Part, ...]
    tables: tuple[Columns, ...] = ()
    pictures: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)


def read_gltf(data: bytes | memoryview, fetch: Fetch = no_files, log: IssueLog | None = None) -> Model:
    """Read a GLB or glTF file.

    Parameters
    ----------
    fetch : gives the bytes of files it names, see ``fetch_beside``; by default none may be named.
    log : told what was left out.

    Raises
    ------
    ReadError
        It is no glTF 2.0, is damaged as a whole, or packed in a way that cannot be unpacked.
    """
    log = IssueLog() if log is None else log
    document, buffers = open_document(data, fetch)
    lacking = [str(name)[:80] for name in document.entries("extensionsRequired") if str(name) not in _UNDERSTOOD]
    if lacking:
        raise ReadError(
            "The model needs {extensions}, which this program does not know.",
            hint="Write it without, for example with gltf-transform.",
            extensions=", ".join(lacking[:5]),
        )
    accessors = Accessors(document, buffers)
    materials, packed = materials_of(document)
    reader = _Reader(document, accessors, materials, log)
    parts = tuple(reader.parts())
    if packed:
        log.add(Severity.WARNING, PACKED_PICTURES)
    pictures, lost = {}, 0
    for number in sorted({part.material.picture for part in parts if part.uv is not None} - {-1}):
        try:
            pictures[number] = read_picture(document, buffers, number, fetch)
        except ReadError:
            lost += 1
    log.add(Severity.WARNING, LOST_PICTURES, count=lost)
    rtc = document.child("extensions").child("CESIUM_RTC").numbers("center", 3) or [0.0, 0.0, 0.0]
    return Model(parts, tuple(property_tables(document, buffers, fetch)), pictures, (rtc[0], rtc[1], rtc[2]))


class _Reader:
    """Reads the primitives of one document; a damaged one costs only itself, unless it is the only one."""

    def __init__(self, document: Fields, accessors: Accessors, materials: list[Material], log: IssueLog) -> None:
        self._document, self._accessors, self._materials, self._log = document, accessors, materials, log
        self._meshes: dict[int, list[Part]] = {}
        self._broken: ReadError | None = None

    def parts(self) -> list[Part]:
        result: list[Part] = []
        total = 0
        for number, placed in enumerate(placed_meshes(self._document, self._accessors)):
            for part in self._mesh(placed.mesh):
                times = 1 if placed.instances is None else len(placed.instances)
                total += times * max(len(part.positions), 0 if part.triangles is None else len(part.triangles))
                if total > MAX_CONTENT:
                    raise LimitError("The model has more than {limit} corners.", limit=MAX_CONTENT)
                result.append(replace(self._at_place(part, placed), node=number))
        if not result and self._broken is not None:
            raise self._broken
        return result

    def _mesh(self, number: int) -> list[Part]:
        if number not in self._meshes:
            mesh = self._document.item("meshes", number)
            found = []
            for primitive in mesh.children("primitives"):
                try:
                    part = self._primitive(primitive)
                except LimitError:
                    raise
                except ReadError as error:
                    self._broken = error
                    self._log.add(Severity.WARNING, LEFT_OUT)
                    continue
                if part is not None:
                    found.append(replace(part, name=mesh.text("name")[:200]))
            self._meshes[number] = found
        return self._meshes[number]

    def _primitive(self, primitive: Fields) -> Part | None:
        mode = primitive.count("mode", TRIANGLES)
        if mode not in (POINTS, TRIANGLES, STRIP, FAN):
            self._log.add(Severity.INFO, LINES)
            return None
        given = primitive.child("attributes")
        packed = primitive.child("extensions").child("KHR_draco_mesh_compression")
        unpacked = None
        if packed.data:
            unpacked = unpack(view_bytes(self._document, self._accessors.buffers, packed.count("bufferView")))
        columns = {name: self._column(name, given, packed, unpacked) for name in given.data if _is_used(name)}
        positions = columns.get("POSITION")
        if positions is None or positions.ndim != 2 or positions.shape[1] != 3:
            raise wrong(given.place("POSITION"))
        count = len(positions)
        if any(len(values) != count for values in columns.values()):
            raise wrong(given.where)
        triangles = None
        if mode != POINTS:
            triangles = self._triangles(primitive, unpacked, count, mode)
        material = DEFAULT
        if "material" in primitive:
            number = primitive.count("material")
            if number >= len(self._materials):
                raise wrong(primitive.place("material"))
            material = self._materials[number]
        features = mesh_features(primitive, {n: v for n, v in columns.items() if n not in _FLOATS}, count)
        return Part(
            positions.astype(np.float64), triangles, material,
            normals=_of_width(columns.get("NORMAL"), 3),
            rgba=_rgba(columns.get("COLOR_0")),
            uv=_uv(columns.get(f"TEXCOORD_{material.uv_set}"), material),
            features=features,
        )  # fmt: skip

    def _column(self, name: str, given: Fields, packed: Fields, unpacked: Unpacked | None) -> NDArray[np.generic]:
        number = given.count(name)
        inside = packed.child("attributes")
        if unpacked is not None and name in inside:
            values = unpacked.attributes.get(inside.count(name))
            if values is None:
                raise wrong(inside.place(name))
            values = values[:, 0] if values.shape[1] == 1 else values
            shares = self._document.item("accessors", number).flag("normalized")
            return as_numbers(values, normalized=shares) if name in _FLOATS else values
        if name in _FLOATS:
            return self._accessors.numbers(number)
        return self._accessors.raw(number, 1)

    def _triangles(self, primitive: Fields, unpacked: Unpacked | None, count: int, mode: int) -> NDArray[np.int32]:
        if unpacked is not None:
            return unpacked.triangles.astype(np.int32)
        if "indices" in primitive:
            index = self._accessors.indices(primitive.count("indices"), count)
        else:
            index = np.arange(count, dtype=np.int64)
        if mode == TRIANGLES:
            result = index[: len(index) // 3 * 3].reshape(-1, 3)
        elif len(index) < 3:
            result = np.empty((0, 3), np.int64)
        elif mode == STRIP:
            result = np.column_stack([index[:-2], index[1:-1], index[2:]])
            result[1::2, :2] = result[1::2, 1::-1]
        else:
            result = np.column_stack([np.full(len(index) - 2, index[0]), index[1:-1], index[2:]])
        a, b, c = result.T
        return np.asarray(result[(a != b) & (b != c) & (c != a)], np.int32)

    def _at_place(self, part: Part, placed: Placed) -> Part:
        matrices = placed.matrix[None]
        features = part.features
        if placed.instances is not None:
            matrices = placed.matrix @ placed.instances
            own = instance_features(placed.node, self._accessors, len(matrices))
            if own is not None:
                features = FeatureIds(np.repeat(own.ids, len(part.positions)), own.table)
            elif features is not None:
                features = FeatureIds(np.tile(features.ids, len(matrices)), features.table)
        return replace(transformed(part, matrices), features=features, name=placed.node.text("name")[:200] or part.name)


def transformed(part: Part, matrices: NDArray[np.float64]) -> Part:
    """A part at n places (n, 4, 4), one copy after the other; mirrored ones keep their outside."""
    if len(matrices) == 1 and np.array_equal(matrices[0, :3, :3], np.eye(3)) and _even(part.normals):
        return replace(part, positions=part.positions + matrices[0, :3, 3])
    count, places = len(part.positions), len(matrices)
    with np.errstate(invalid="ignore", over="ignore"):
        linear, shift = matrices[:, :3, :3], matrices[:, :3, 3]
        positions = np.einsum("nij,vj->nvi", linear, part.positions) + shift[:, None, :]
        normals = part.normals
        if normals is not None:
            turned = np.einsum("nij,vj->nvi", _cofactors(linear), normals.astype(np.float64))
            length = np.linalg.norm(turned, axis=2, keepdims=True)
            turned = np.where(length > 0, turned / np.where(length > 0, length, 1.0), (0.0, 1.0, 0.0))
            normals = turned.reshape(-1, 3).astype(np.float32)
        mirrored = np.linalg.det(linear) < 0
    triangles = part.triangles
    if triangles is not None:
        corners = triangles[None] + (np.arange(places, dtype=np.int64) * count)[:, None, None].astype(np.int32)
        corners[mirrored] = corners[mirrored][:, :, ::-1]
        triangles = corners.reshape(-1, 3).astype(np.int32)
    return replace(
        part,
        positions=positions.reshape(-1, 3),
        triangles=triangles,
        normals=normals,
        rgba=None if part.rgba is None else np.tile(part.rgba, (places, 1)),
        uv=None if part.uv is None else np.tile(part.uv, (places, 1)),
    )


def _even(normals: NDArray[np.float32] | None) -> bool:
    """Whether all normals are there and as long as they should be."""
    if normals is None:
        return True
    return bool((np.abs(np.einsum("vi,vi->v", normals, normals) - 1.0) < 1e-3).all())


def _cofactors(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3, 3) that turn normals where ``linear`` turns places; of mirrored ones too."""
    rows = [np.cross(linear[:, (k + 1) % 3], linear[:, (k + 2) % 3]) for k in range(3)]
    sign = np.where(np.linalg.det(linear) < 0, -1.0, 1.0)
    return np.stack(rows, axis=1) * sign[:, None, None]


#: Attributes that are numbers whatever they are stored as; feature numbers stay what they are.
_FLOATS = ("POSITION", "NORMAL", "COLOR_0", "TEXCOORD_0", "TEXCOORD_1")


def _is_used(name: str) -> bool:
    return name in _FLOATS or name.startswith("_FEATURE_ID_") or name in ("_BATCHID", "BATCHID")


def _of_width(values: NDArray[np.generic] | None, width: int) -> NDArray[np.float32] | None:
    if values is None or values.ndim != 2 or values.shape[1] != width:
        return None
    return np.asarray(values, np.float32)


def _rgba(values: NDArray[np.generic] | None) -> NDArray[np.float32] | None:
    if values is None or values.ndim != 2 or values.shape[1] not in (3, 4):
        return None
    colors = np.ones((len(values), 4), np.float32)
    colors[:, : values.shape[1]] = np.nan_to_num(np.asarray(values, np.float32), nan=1.0, posinf=1.0, neginf=0.0)
    return np.clip(colors, 0.0, 1.0)


def _uv(values: NDArray[np.generic] | None, material: Material) -> NDArray[np.float32] | None:
    uv = _of_width(values, 2) if material.picture >= 0 else None
    if uv is None or material.uv_matrix is None:
        return uv
    moved = uv.astype(np.float64) @ material.uv_matrix[:, :2].T + material.uv_matrix[:, 2]
    return moved.astype(np.float32)


def names_of(parts: Iterable[Part]) -> list[str]:
    """The names of parts, numbered where they have none."""
    return [part.name or f"{number + 1}" for number, part in enumerate(parts)]
