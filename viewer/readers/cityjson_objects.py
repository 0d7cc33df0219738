"""CityJSON objects to columns: ids, types, parents and attributes of one file, document by document.

A document is a ``CityJSON`` file or one ``CityJSONFeature``; geometry goes to ``cityjson_geometry``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.plugin_api import ReadContext
from viewer.plugin_api.raw import RawCity
from viewer.readers.cityjson_appearance import LookCollector
from viewer.readers.cityjson_attributes import AttributeColumns
from viewer.readers.cityjson_geometry import (
    FARTHEST,
    Chunk,
    Findings,
    GeometryBatch,
    IndexChunk,
    join,
    join_numbers,
    join_shells,
    no_faces,
    place_template,
    vertex_array,
)
from viewer.readers.cityjson_part import FLAT_ARRAYS, CityPart, TogetherError
from viewer.readers.pictures import PictureFinder

BROKEN_OBJECT = "Objects that are not written as CityJSON asks were left out ({count})."
BROKEN_GEOMETRY = "Geometries that could not be understood were left out ({count})."
BROKEN_FACE = "Faces with missing or unusable vertices were left out ({count})."
BROKEN_SEMANTICS = "Surface types that do not fit their geometry were ignored ({count})."
NOT_SURFACES = "Geometries made of points or lines are not drawn ({count})."
INNER_SHELLS = "Inner shells of solids (hollows) are not drawn ({count})."
UNKNOWN_PARENT = "Objects name a parent that is not in the file; they stand alone ({count})."
UNKNOWN_CHILD = "Objects name a child that is not in the file ({count})."
REPEATED_KEY = "Objects with the id of another one are lost, because JSON keeps one of them only ({count})."
UNKNOWN_TYPE = "Objects without a type are shown as generic objects ({count})."
MISSING_TEMPLATE = "Copies of a template that is missing or unusable were left out ({count})."

_GROUP = "CityObjectGroup"


class CityCollector:
    """Takes documents one by one and gives a ``RawCity``; memory stays near the arrays."""

    def __init__(self, context: ReadContext, pictures: PictureFinder | None = None) -> None:
        self._context = context
        self._looks = LookCollector(pictures)
        self._ids: list[str] = []
        self._types: list[str] = []
        self._kinds: dict[str, str] = {}
        self._parents: list[int] = []
        self._lods: dict[str, int] = {}
        self._columns = AttributeColumns()
        self._chunks: list[Chunk] = []
        self._flat: list[IndexChunk] = []
        self._waiting_children: list[tuple[int, str]] = []
        self._findings = Findings()
        self._batch = GeometryBatch(self._lod_code, self._findings, self._looks)
        self._vertices: list[Any] = []
        self._waiting_parents: list[tuple[int, list[str]]] = []
        self._broken_objects: list[str] = []
        self._untyped: list[str] = []
        self._lost_instances: list[int] = []
        self._templates: list[Chunk | None] = []
        self._instances: list[tuple[int, int, int, Any]] = []

    def __len__(self) -> int:
        return len(self._ids)

    def expect(self, count: int) -> None:
        """Tell of objects that a document had beyond those taken; nothing is sure where some are broken."""
        if not self._broken_objects:
            self._context.warn(REPEATED_KEY, count=count - len(self._ids))

    @property
    def pending(self) -> int:
        """Vertices waiting for ``flush``."""
        return len(self._vertices)

    def set_templates(self, section: Any) -> None:
        """Take the ``geometry-templates`` of a file; later instances refer to them by position."""
        self._templates = []
        if not isinstance(section, dict):
            return
        vertices = section.get("vertices-templates")
        templates = section.get("templates")
        if not isinstance(vertices, list) or not isinstance(templates, list):
            return
        points = vertex_array(vertices)
        for template in templates:
            findings = Findings()
            batch = GeometryBatch(self._lod_code, findings, self._looks)
            if isinstance(template, dict):
                batch.add(template, 0, 0, len(points))
            chunk = batch.finish(points)
            self._templates.append(chunk if len(chunk.face_rings) else None)

    def begin_looks(self) -> None:
        """Another document follows, with an ``appearance`` of its own."""
        self._looks.begin()

    def set_looks(self, section: Any) -> None:
        """Take the ``appearance`` of the document begun last."""
        self._looks.set_section(section)

    def add(self, objects: Any, vertices: Any, place: str = "") -> None:
        """Take the ``CityObjects`` and ``vertices`` of one document; ``flush`` before the transform changes.

        ``place`` says where the document stands, for messages.
        """
        if not isinstance(objects, dict):
            self._broken_objects.append(place)
            return
        if not isinstance(vertices, list):
            vertices = []
        vertex_base, vertex_count = len(self._vertices), len(vertices)
        if vertex_base:
            self._vertices.extend(vertices)
        else:
            self._vertices = vertices
        local: dict[str, int] = {}
        add_geometry = self._batch.add
        for own_id, entry in objects.items():
            if type(entry) is not dict:
                self._broken_objects.append(own_id)
                continue
            index = len(self._ids)
            local[own_id] = index
            self._ids.append(own_id)
            self._types.append(self._type_of(entry, own_id))
            self._parents.append(-1)
            self._columns.add(entry)
            geometries = entry.get("geometry")
            if not geometries:
                continue
            if type(geometries) is not list:
                self._findings.broken_geometries.append(index)
                continue
            for geometry in geometries:
                if type(geometry) is not dict:
                    self._findings.broken_geometries.append(index)
                elif geometry.get("type") == "GeometryInstance":
                    self._add_instance(geometry, index, vertex_base)
                else:
                    add_geometry(geometry, index, vertex_base, vertex_count)
        self._connect(objects, local)

    def flatten(self) -> None:
        """Turn what waits into arrays that still refer to vertices to come."""
        chunk = self._batch.flatten()
        if chunk is not None:
            self._flat.append(chunk)
        self._looks.flatten()
        self._columns.flatten()

    def part(self) -> CityPart:
        """What was taken since the beginning, to be absorbed by another collector.

        Raises
        ------
        TogetherError
            It depends on what came before.
        """
        if self._columns.kept_whole or not self._looks.untouched or self._chunks:
            raise TogetherError
        flat = join(self._flat)
        arrays = {name: getattr(flat, name) for name in FLAT_ARRAYS} if flat is not None else {}
        if flat is not None and flat.shell is not None:
            arrays["shell"] = flat.shell
        return CityPart(
            ids=self._ids,
            types=self._types,
            parents=self._parents,
            lods=list(self._lods),
            columns=self._columns.columns(),
            children=self._waiting_children,
            unknown_parents=self._waiting_parents,
            findings=self._findings,
            broken=self._broken_objects,
            untyped=self._untyped,
            instances=self._instances,
            lost_instances=self._lost_instances,
            faces=arrays,
        )

    def absorb(self, part: CityPart) -> None:
        """Take over what another collector took of the same document, in the order of the file; uses it up."""
        first, codes = len(self._ids), np.array([self._lod_code(lod) for lod in part.lods] or [0], dtype=np.int32)
        self._ids += part.ids
        self._types += part.types
        self._parents += [parent + first if parent >= 0 else parent for parent in part.parents]
        self._columns.absorb(part.columns, len(part.ids))
        self._waiting_children += [(index + first, child) for index, child in part.children]
        self._waiting_parents += [(index + first, names) for index, names in part.unknown_parents]
        self._broken_objects += part.broken
        self._untyped += part.untyped
        self._instances += [(row[0] + first, *row[1:]) for row in part.instances]
        self._lost_instances += [index + first for index in part.lost_instances]
        for item in fields(Findings):
            getattr(self._findings, item.name).extend(index + first for index in getattr(part.findings, item.name))
        if part.faces:
            part.faces["face_object"] += np.int32(first)
            part.faces["face_lod"] = codes[part.faces["face_lod"]]
            self._flat.append(IndexChunk(**part.faces))

    def flush(
        self,
        scale: NDArray[np.float64],
        translate: NDArray[np.float64],
        vertices: NDArray[np.float64] | None = None,
    ) -> None:
        """Place what waits: vertex = number in the file x scale + translate.

        ``vertices`` (V, 3), used up, stand for those of all documents that came without.
        """
        self.flatten()
        if vertices is None:
            vertices = vertex_array(self._vertices)
        self._vertices = []
        with np.errstate(over="ignore", invalid="ignore"):
            vertices *= scale
            vertices += translate
            vertices[np.abs(vertices) > FARTHEST] = np.nan
        flat = join(self._flat)
        self._flat = []
        if flat is not None:
            self._keep(flat.with_points(vertices, self._findings))
        self._place_instances(vertices)

    def raw_city(self, **facts: str) -> RawCity:
        """Everything taken so far, and the findings told to the context. ``facts`` go into the result."""
        self._connect_waiting()
        self._tell()
        chunks = self._chunks or [no_faces()]
        self._chunks = []
        face_rings = np.concatenate([chunk.face_rings for chunk in chunks])
        ring_size = np.concatenate([chunk.ring_size for chunk in chunks])
        lods = list(self._lods) or [""]
        ring_start = np.concatenate([[0], np.cumsum(ring_size)])
        ring_face = np.repeat(np.arange(len(face_rings), dtype=np.int32), face_rings)
        bases = np.cumsum([0, *(len(chunk.vertices) for chunk in chunks)])[:-1]
        for chunk, base in zip(chunks[1:], bases[1:], strict=True):
            chunk.indices += np.int32(base)
        one = chunks[0] if len(chunks) == 1 else None
        return RawCity(
            points_crs=np.concatenate([chunk.vertices for chunk in chunks]) if one is None else one.vertices,
            point_vertex=np.concatenate([chunk.indices for chunk in chunks]) if one is None else one.indices,
            ring_start=ring_start,
            ring_face=ring_face,
            face_object=np.concatenate([chunk.face_object for chunk in chunks]),
            face_surface=np.concatenate([chunk.face_surface for chunk in chunks]),
            face_lod=np.concatenate([chunk.face_lod for chunk in chunks]),
            lods=lods,
            object_ids=self._ids,
            object_types=self._types,
            object_parent=np.array(self._parents, dtype=np.int64),
            attributes=self._columns.columns(),
            appearance=self._looks.finish(join_numbers(chunks), ring_face, ring_start, self._context),
            face_shell=join_shells(chunks),
            **facts,
        )

    def _lod_code(self, lod: str) -> int:
        return self._lods.setdefault(lod, len(self._lods))

    def _keep(self, chunk: Chunk) -> None:
        if len(chunk.face_rings):
            self._chunks.append(chunk)

    def _type_of(self, entry: dict[str, Any], own_id: str) -> str:
        kind = entry.get("type")
        if type(kind) is str and kind:
            return self._kinds.setdefault(kind, kind)  # one text for all objects of a kind
        self._untyped.append(own_id)
        return "GenericCityObject"

    def _add_instance(self, geometry: dict[str, Any], index: int, vertex_base: int) -> None:
        try:
            template, anchor = int(geometry["template"]), vertex_base + int(geometry["boundaries"][0])
        except (TypeError, ValueError, KeyError, IndexError):
            self._lost_instances.append(index)
        else:
            self._instances.append((index, template, anchor, geometry.get("transformationMatrix")))

    def _place_instances(self, vertices: NDArray[np.float64]) -> None:
        """Place all waiting template instances, template by template."""
        by_template: dict[int, list[tuple[int, NDArray[np.float64], NDArray[np.float64]]]] = {}
        for index, template, anchor, numbers in self._instances:
            matrix = _matrix(numbers)
            usable = 0 <= template < len(self._templates) and 0 <= anchor < len(vertices)
            if matrix is None or not usable or not np.isfinite(vertices[anchor]).all():
                self._lost_instances.append(index)
            else:
                by_template.setdefault(template, []).append((index, matrix, vertices[anchor]))
        self._instances = []
        for template, places in by_template.items():
            chunk = self._templates[template]
            owners, matrices, anchors = zip(*places, strict=True)
            if chunk is None:
                self._lost_instances.extend(owners)
            else:
                self._keep(place_template(chunk, np.array(matrices), np.array(anchors), np.array(owners)))

    def _connect(self, objects: dict[str, Any], local: dict[str, int]) -> None:
        """Parents of the objects of one document: named by the child, else by the parent's children.

        What a document does not hold itself may come with a later one.
        """
        for own_id, index in local.items():
            parents = objects[own_id].get("parents")
            if parents and isinstance(parents, list):
                self._choose_parent(index, parents, local)
        for own_id, index in local.items():
            children = objects[own_id].get("children")
            if not children or not isinstance(children, list) or self._types[index] == _GROUP:
                continue
            for child in children:
                if not isinstance(child, str):
                    continue
                if child in local:
                    self._adopt(local[child], index)
                else:
                    self._waiting_children.append((index, child))

    def _adopt(self, child: int, parent: int) -> None:
        if child != parent and self._parents[child] < 0:
            self._parents[child] = parent

    def _choose_parent(self, index: int, parents: list[Any], local: dict[str, int]) -> None:
        """A group is no parent: what it gathers still stands for itself."""
        unknown: list[str] = []
        for name in parents:
            position = local.get(name) if isinstance(name, str) else None
            if position is None:
                unknown.append(str(name))
            elif position != index and self._types[position] != _GROUP:
                self._parents[index] = position
                return
        if unknown:
            self._waiting_parents.append((index, unknown))

    def _connect_waiting(self) -> None:
        waits = self._waiting_parents or self._waiting_children
        last = len(self._ids) - 1  # from the last to the first, so that the first of some with one id counts
        places = {own_id: last - back for back, own_id in enumerate(reversed(self._ids))} if waits else {}
        lost: list[str] = []
        for index, names in self._waiting_parents:
            found = [places[name] for name in names if name in places]
            if not found:
                lost.append(self._ids[index])
            for position in found:
                if self._types[position] != _GROUP:
                    self._adopt(index, position)
        childless: list[str] = []
        for index, name in self._waiting_children:
            if name in places:
                self._adopt(places[name], index)
            else:
                childless.append(self._ids[index])
        self._waiting_parents, self._waiting_children = [], []
        self._warn(UNKNOWN_PARENT, lost)
        self._warn(UNKNOWN_CHILD, childless)

    def _tell(self) -> None:
        own = self._findings
        self._warn(BROKEN_OBJECT, self._broken_objects)
        self._warn(UNKNOWN_TYPE, self._untyped)
        self._warn(BROKEN_GEOMETRY, self._names(own.broken_geometries))
        self._warn(MISSING_TEMPLATE, self._names(self._lost_instances))
        self._warn(BROKEN_FACE, self._names(own.broken_faces))
        self._warn(BROKEN_SEMANTICS, self._names(own.broken_semantics))
        for text, owners in ((NOT_SURFACES, own.not_surfaces), (INNER_SHELLS, own.inner_shells)):
            names = self._names(owners)
            self._context.info(text, where=_places(names), count=len(names))
        self._findings = Findings()

    def _names(self, indices: list[int]) -> list[str]:
        return [self._ids[index] for index in indices]

    def _warn(self, text: str, names: list[str]) -> None:
        self._context.warn(text, where=_places(names), count=len(names))


def _places(names: Iterable[str]) -> tuple[str, ...]:
    """The first few different names."""
    return tuple(dict.fromkeys(names))[:20]


def _matrix(numbers: Any) -> NDArray[np.float64] | None:
    """A 4 x 4 matrix from 16 numbers, identity where none is given, None where unusable."""
    if numbers is None:
        return np.eye(4)
    try:
        matrix = np.array(numbers, dtype=np.float64).reshape(4, 4)
    except (TypeError, ValueError):
        return None
    return matrix if np.isfinite(matrix).all() else None
