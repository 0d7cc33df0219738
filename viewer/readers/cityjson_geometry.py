"""CityJSON boundaries to flat arrays, a whole batch of geometries at once.

Nothing here knows files, attributes or coordinate systems. Where a batch does not flatten in one go, each
geometry is tried alone, and only the broken ones are left out.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city.kinds import SURFACE_NAMES, SurfaceType
from viewer.city.solids import MOST_SOLIDS, joined, shell_code, solid_of
from viewer.readers.cityjson_appearance import LookCollector

#: A ring, a surface (rings) and a shell (surfaces) as parsed; anything may hide in untrusted JSON.
Surfaces = list[Any]

_SURFACE_TYPES = frozenset({"MultiSurface", "CompositeSurface"})
_SOLID_TYPES = frozenset({"MultiSolid", "CompositeSolid"})
_FLAT_TYPES = frozenset({"MultiPoint", "MultiLineString"})

#: No coordinate of any reference system is larger, metres or degrees.
FARTHEST = 9e9
_MOST = np.iinfo(np.int32).max
_BROKEN = (TypeError, ValueError, OverflowError, IndexError, KeyError, AttributeError)


@dataclass(eq=False)
class Chunk:
    """Faces as arrays: V vertices, P ring points, R rings, F faces.

    vertices (V, 3) float64; indices (P,) the vertex of each ring point; ring_size (R,) points of each ring;
    face_rings (F,) rings of each face; face_object, face_lod (F,) ints; face_surface (F,) uint8. number (F,) by which
    ``cityjson_appearance`` knows a face, -1 for none; None where no face has one. shell (F,) solid and shell, None
    where all solids have one shell.
    """

    vertices: NDArray[np.float64]
    indices: NDArray[np.int32]
    ring_size: NDArray[np.int32]
    face_rings: NDArray[np.int32]
    face_object: NDArray[np.int32]
    face_lod: NDArray[np.int32]
    face_surface: NDArray[np.uint8]
    number: NDArray[np.int64] | None = None
    shell: NDArray[np.int32] | None = None

    def keep_faces(self, keep: NDArray[np.bool_]) -> Chunk:
        """The chunk with the faces of ``keep`` (F,) only."""
        if keep.all():
            return self
        keep_ring = np.repeat(keep, self.face_rings)
        return Chunk(
            self.vertices,
            self.indices[np.repeat(keep_ring, self.ring_size)],
            self.ring_size[keep_ring],
            self.face_rings[keep],
            self.face_object[keep],
            self.face_lod[keep],
            self.face_surface[keep],
            None if self.number is None else self.number[keep],
            None if self.shell is None else self.shell[keep],
        )


def no_faces() -> Chunk:
    """A chunk without any face."""
    none = np.zeros(0, np.int32)
    return Chunk(np.zeros((0, 3)), none, none, none, none, none, np.zeros(0, np.uint8))


@dataclass(eq=False)
class IndexChunk:
    """Like ``Chunk``, but the vertices are still to come; -1 for a vertex that there cannot be."""

    indices: NDArray[np.int32]
    ring_size: NDArray[np.int32]
    face_rings: NDArray[np.int32]
    face_object: NDArray[np.int32]
    face_lod: NDArray[np.int32]
    face_surface: NDArray[np.uint8]
    number: NDArray[np.int64] | None = None
    shell: NDArray[np.int32] | None = None

    def with_points(self, vertices: NDArray[np.float64], findings: Findings) -> Chunk:
        """The faces with their points from ``vertices`` (V, 3); those with unusable points are left out."""
        chunk = Chunk(
            vertices=vertices,
            indices=self.indices,
            ring_size=self.ring_size,
            face_rings=self.face_rings,
            face_object=self.face_object,
            face_lod=self.face_lod,
            face_surface=self.face_surface,
            number=self.number,
            shell=self.shell,
        )
        return _without_broken_faces(chunk, findings)


def join(chunks: list[IndexChunk]) -> IndexChunk | None:
    """Several chunks as one, in their order."""
    if len(chunks) <= 1:
        return chunks[0] if chunks else None
    names = ("indices", "ring_size", "face_rings", "face_object", "face_lod", "face_surface")
    arrays = {name: np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names}
    return IndexChunk(**arrays, number=join_numbers(chunks), shell=join_shells(chunks))


def join_numbers(chunks: Sequence[Chunk | IndexChunk]) -> NDArray[np.int64] | None:
    """The numbers of the faces of several chunks, None where none of them has any."""
    if all(chunk.number is None for chunk in chunks):
        return None
    return np.concatenate(
        [np.full(len(chunk.face_rings), -1) if chunk.number is None else chunk.number for chunk in chunks]
    )


def join_shells(chunks: Sequence[Chunk | IndexChunk]) -> NDArray[np.int32] | None:
    """Solids and shells of the faces of several chunks, None where none of them tells any."""
    return joined([chunk.shell for chunk in chunks], [len(chunk.face_rings) for chunk in chunks])


@dataclass(eq=False)
class Findings:
    """Object positions of what a batch left out, one entry per case."""

    broken_geometries: list[int] = field(default_factory=list)
    broken_faces: list[int] = field(default_factory=list)
    broken_semantics: list[int] = field(default_factory=list)
    not_surfaces: list[int] = field(default_factory=list)
    inner_shells: list[int] = field(default_factory=list)


@dataclass(eq=False)
class GeometryBatch:
    """Collects geometries as parsed, then turns all of them into one ``Chunk``.

    ``lod_code`` gives the number of a level of detail written as text. ``looks`` takes textures and materials.
    """

    lod_code: Callable[[str], int]
    findings: Findings = field(default_factory=Findings)
    looks: LookCollector = field(default_factory=LookCollector)
    _surfaces: Surfaces = field(default_factory=list)
    _values: list[Any] = field(default_factory=list)
    _types: list[Any] = field(default_factory=list)
    _rows: list[tuple[int, int, int, int, int, int, int, int]] = field(default_factory=list)
    _shells: list[tuple[int, list[int]]] = field(default_factory=list)  # first surface, number of each from there on
    _codes: list[int] = field(default_factory=list)  # of the geometry at hand, empty where it has one shell
    _solids: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, geometry: dict[str, Any], owner: int, vertex_base: int, vertex_count: int) -> None:
        """Take one geometry of object ``owner``; it counts its ``vertex_count`` vertices from ``vertex_base``."""
        self._codes = []
        try:
            surfaces, values = self._all_surfaces(geometry, owner)
        except _BROKEN:
            self.findings.broken_geometries.append(owner)
            return
        if type(surfaces) is not list:
            self.findings.broken_geometries.append(owner)
            return
        n_faces = len(surfaces)
        if not n_faces:
            return
        semantics = geometry.get("semantics")
        try:
            types = semantics.get("surfaces") if semantics else None
            type_names = [surface["type"] for surface in types] if types else []
        except _BROKEN:
            self.findings.broken_semantics.append(owner)
            type_names, values = [], None
        if type(values) is not list or not type_names:
            if type_names or values:
                self.findings.broken_semantics.append(owner)
            type_names = []
            self._values.extend(repeat(None, n_faces))
        elif len(values) != n_faces:
            self.findings.broken_semantics.append(owner)
            self._values.extend((values + [None] * n_faces)[:n_faces])
        else:
            self._values.extend(values)
        lod = self.lod_code(text_of_lod(geometry.get("lod")))
        number = self.looks.add(geometry, n_faces) if "texture" in geometry or "material" in geometry else -1
        self._rows.append((owner, n_faces, lod, vertex_base, vertex_count, len(self._types), len(type_names), number))
        if self._codes:
            self._note_shells(owner, lod)
        self._surfaces.extend(surfaces)
        self._types.extend(type_names)

    def _all_surfaces(self, geometry: dict[str, Any], owner: int) -> tuple[Surfaces, list[Any] | None]:
        """Surfaces of all shells, and the semantic index of each (None: no semantics)."""
        kind = geometry["type"]
        boundaries = geometry["boundaries"]
        semantics = geometry.get("semantics")
        values = semantics.get("values") if type(semantics) is dict else None
        if kind == "Solid":
            if len(boundaries) > 1:
                return self._of_shells([boundaries], [values] if values else None, owner)
            if not boundaries:
                return [], None
            return boundaries[0], values[0] if type(values) is list and values else values
        if kind in _SURFACE_TYPES:
            return boundaries, values
        if kind in _SOLID_TYPES:
            return self._of_shells(boundaries, values, owner, composite=kind == "CompositeSolid")
        if kind in _FLAT_TYPES:
            self.findings.not_surfaces.append(owner)
            return [], None
        raise ValueError(kind)

    def _of_shells(
        self, solids: Surfaces, values: list[Any] | None, owner: int, *, composite: bool = False
    ) -> tuple[Surfaces, list[Any] | None]:
        """Surfaces of some solids with several shells in all, and the semantic index of each."""
        surfaces: Surfaces = []
        indices: list[Any] = []
        codes: list[int] = []
        of_solids = _list_of(values)
        fits = not values or len(of_solids) == len(solids)
        for number, solid in enumerate(solids):
            of_shells = _list_of(of_solids[number]) if number < len(of_solids) else []
            fits = fits and len(of_shells) in (0, len(solid))
            for place, shell in enumerate(solid):
                if type(shell) is not list:
                    raise TypeError("shell")
                own = _list_of(of_shells[place]) if place < len(of_shells) else []
                fits = fits and len(own) in (0, len(shell))
                surfaces += shell
                indices += own[: len(shell)] + [None] * (len(shell) - len(own))
                codes += [shell_code(number + 1, place, composite=composite)] * len(shell)
        if not fits:
            self.findings.broken_semantics.append(owner)
        self.findings.broken_geometries.extend(owner for solid in solids if not solid)
        self.findings.inner_shells.extend(owner for solid in solids if len(solid) > 1)
        self._codes = codes if len(solids) > 1 or any(len(solid) > 1 for solid in solids) else []
        return surfaces, indices if values else None

    def _note_shells(self, owner: int, lod: int) -> None:
        """Keep the shells of the surfaces added next; solids count on from those the object has already."""
        before = self._solids.get((owner, lod), 0)
        if before + solid_of(max(self._codes)) > MOST_SOLIDS:
            before = 0
        codes = self._codes if not before else [code + shell_code(before, 0) for code in self._codes]
        self._shells.append((len(self._surfaces), codes))
        self._solids[owner, lod] = solid_of(max(codes))

    def finish(self, vertices: NDArray[np.float64]) -> Chunk:
        """All geometries so far as one chunk over ``vertices`` (V, 3); the batch is empty afterwards."""
        chunk = self.flatten()
        return no_faces() if chunk is None else chunk.with_points(vertices, self.findings)

    def flatten(self) -> IndexChunk | None:
        """All geometries so far as arrays, None without any; the batch is empty afterwards."""
        surfaces, values, types, rows = self._surfaces, self._values, self._types, self._rows
        self._surfaces, self._values, self._types, self._rows = [], [], [], []
        if not rows:
            return None
        table = np.array(rows, dtype=np.int64)
        shell = self._take_shells(len(surfaces)) if self._shells else None
        try:
            face_rings, ring_size, indices = _flatten(surfaces)
        except _BROKEN:
            table, surfaces, values, shell = self._without_broken(table, surfaces, values, shell)
            if not len(table):
                return None
            face_rings, ring_size, indices = _flatten(surfaces)
        owner, n_faces, lod, vertex_base, vertex_count, type_base, n_types, number = table.T
        face_row = np.repeat(np.arange(len(table)), n_faces)
        if vertex_base.any():
            point_row = np.repeat(np.repeat(face_row, face_rings), ring_size)
            own = (indices >= 0) & (indices < vertex_count[point_row])
            indices = np.where(own, indices + vertex_base[point_row], -1)
        elif indices.max(initial=0) > _MOST:
            indices = np.where(indices > _MOST, -1, indices)
        return IndexChunk(
            indices=indices.astype(np.int32),
            ring_size=ring_size,
            face_rings=face_rings,
            face_object=owner[face_row].astype(np.int32),
            face_lod=lod[face_row].astype(np.int32),
            face_surface=self._surface_types(values, types, face_row, type_base, n_types, owner),
            number=_face_numbers(number, face_row, n_faces),
            shell=shell,
        )

    def _take_shells(self, count: int) -> NDArray[np.int32]:
        """(count,) solid and shell of every surface."""
        shell = np.zeros(count, np.int32)
        for first, codes in self._shells:
            shell[first : first + len(codes)] = codes
        self._shells, self._solids = [], {}
        return shell

    def _without_broken(
        self, table: NDArray[np.int64], surfaces: Surfaces, values: list[Any], shell: NDArray[np.int32] | None
    ) -> tuple[NDArray[np.int64], Surfaces, list[Any], NDArray[np.int32] | None]:
        """Leave out the geometries that do not flatten alone."""
        start = _starts(table[:, 1]).tolist()
        good: list[int] = []
        for row, (first, last) in enumerate(pairwise(start)):
            try:
                _flatten(surfaces[first:last])
            except _BROKEN:
                self.findings.broken_geometries.append(int(table[row, 0]))
            else:
                good.append(row)
        kept_surfaces = list(chain.from_iterable(surfaces[start[row] : start[row + 1]] for row in good))
        kept_values = list(chain.from_iterable(values[start[row] : start[row + 1]] for row in good))
        if shell is not None:
            kept = np.zeros(len(table), np.bool_)
            kept[good] = True
            shell = shell[np.repeat(kept, table[:, 1])]
        return table[good], kept_surfaces, kept_values, shell

    def _surface_types(
        self,
        values: list[Any],
        types: list[Any],
        face_row: NDArray[np.int64],
        type_base: NDArray[np.int64],
        n_types: NDArray[np.int64],
        owner: NDArray[np.int64],
    ) -> NDArray[np.uint8]:
        """Surface type of each face from its index into the semantic surfaces of its geometry."""
        if not types:
            return np.zeros(len(face_row), np.uint8)
        try:
            value = np.fromiter(values, np.int64, len(values))
        except _BROKEN:
            value = np.fromiter((v if type(v) is int else -1 for v in values), np.int64, len(values))
        known = {name: SURFACE_NAMES.get(name, SurfaceType.UNKNOWN) for name in set(map(str, types))}
        codes = np.fromiter((known[str(name)] for name in types), np.uint8, len(types))
        inside = (value >= 0) & (value < n_types[face_row])
        wrong = (value >= n_types[face_row]) & (n_types[face_row] > 0)
        if wrong.any():
            self.findings.broken_semantics.extend(owner[np.unique(face_row[wrong])].tolist())
        return np.where(inside, codes[np.where(inside, type_base[face_row] + value, 0)], np.uint8(0))


def _list_of(value: Any) -> list[Any]:
    """A list as it is, nothing for what is none."""
    return value if type(value) is list else []


def _face_numbers(
    first: NDArray[np.int64], face_row: NDArray[np.int64], n_faces: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """(F,) the numbers of faces from the first one of each geometry, -1 where it has none; None if none has."""
    if (first < 0).all():
        return None
    within = np.arange(len(face_row)) - (_starts(n_faces)[:-1])[face_row]
    return np.where(first[face_row] < 0, -1, first[face_row] + within)


def _without_broken_faces(chunk: Chunk, findings: Findings) -> Chunk:
    """Leave out faces without a ring and faces with a vertex that does not exist or is no number."""
    keep = chunk.face_rings > 0
    with np.errstate(over="ignore", invalid="ignore"):
        x, y, z = chunk.vertices.T
        usable = np.isfinite(x + y + z)
    bad = np.zeros(0, np.int64)
    if not (_all_exist(chunk.indices, len(usable)) and usable.all()):
        exists = (chunk.indices >= 0) & (chunk.indices < len(usable))
        bad = np.flatnonzero(~(exists & np.append(usable, False)[np.where(exists, chunk.indices, -1)]))
    if len(bad):
        ring_of_bad = np.searchsorted(np.cumsum(chunk.ring_size), bad, side="right")
        keep[np.searchsorted(np.cumsum(chunk.face_rings), ring_of_bad, side="right")] = False
    if not keep.all():
        findings.broken_faces.extend(chunk.face_object[~keep].tolist())
    return chunk.keep_faces(keep)


def _flatten(surfaces: Surfaces) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
    """Rings per surface, points per ring and all vertex indices of nested lists."""
    rings = list(chain.from_iterable(surfaces))
    face_rings = np.fromiter(map(len, surfaces), np.int32, len(surfaces))
    ring_size = np.fromiter(map(len, rings), np.int32, len(rings))
    # Whole numbers only: an array refuses text and fractions, which fromiter would turn into other vertices.
    indices = np.asarray(array("q", chain.from_iterable(rings)), dtype=np.int64)
    return face_rings, ring_size, indices


def _all_exist(indices: NDArray[np.int32], count: int) -> bool:
    return not len(indices) or bool(indices.min() >= 0 and indices.max() < count)


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def vertex_array(vertices: list[Any]) -> NDArray[np.float64]:
    """Parsed vertices as (V, 3) float64; NaN rows for those that are not three numbers."""
    try:
        if set(map(len, vertices)) <= {3}:
            flat = np.fromiter(chain.from_iterable(vertices), np.float64, 3 * len(vertices))
            return flat.reshape(-1, 3)
    except _BROKEN:
        return np.array([_one_vertex(vertex) for vertex in vertices], dtype=np.float64).reshape(-1, 3)
    return np.array([_one_vertex(vertex) for vertex in vertices], dtype=np.float64).reshape(-1, 3)


def _one_vertex(vertex: Any) -> tuple[float, float, float]:
    try:
        x, y, z = vertex
        return float(x), float(y), float(z)
    except _BROKEN:
        return np.nan, np.nan, np.nan


def text_of_lod(lod: object) -> str:
    """Level of detail as text: ``2``, ``2.0`` and ``"2"`` are all ``"2"``; empty where none is given."""
    if isinstance(lod, str):
        return lod.strip()
    if isinstance(lod, (int, float)) and not isinstance(lod, bool):
        return f"{lod:g}"
    return ""


def place_template(
    template: Chunk, matrices: NDArray[np.float64], anchors: NDArray[np.float64], owners: NDArray[np.int64]
) -> Chunk:
    """A template at n places: vertices = matrix x template vertex + anchor.

    matrices (n, 4, 4), anchors (n, 3) in the city's CRS, owners (n,) object of each place.
    """
    n, n_faces, n_vertices = len(owners), len(template.face_rings), len(template.vertices)
    with np.errstate(over="ignore", invalid="ignore"):
        turned = np.einsum("nij,pj->npi", matrices[:, :3, :3], template.vertices)
        placed = turned + (matrices[:, :3, 3] + anchors)[:, None, :]
        placed[np.abs(placed) > FARTHEST] = np.nan
    return Chunk(
        placed.reshape(-1, 3),
        (template.indices + n_vertices * np.arange(n, dtype=np.int32)[:, None]).reshape(-1),
        np.tile(template.ring_size, n),
        np.tile(template.face_rings, n),
        np.repeat(owners, n_faces),
        np.tile(template.face_lod, n),
        np.tile(template.face_surface, n),
        None if template.number is None else np.tile(template.number, n),
        None if template.shell is None else np.tile(template.shell, n),
    )
