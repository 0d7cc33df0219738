"""Members of one CityGML file or part of it -> objects and faces, gathered in one process.

What is gathered in another process comes back as a ``Part``, numbered from 0, and ``absorb`` numbers it on.
Files, archives and reference systems are left to ``citygml``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from viewer.city.solids import joined as joined_codes
from viewer.city.solids import told
from viewer.readers import limits
from viewer.readers.citygml_arrays import FaceArrays, Reference
from viewer.readers.citygml_blocks import BlockReader, ElementReader
from viewer.readers.citygml_faces import FaceCollector
from viewer.readers.citygml_implicit import Places
from viewer.readers.citygml_names import GML_NAMESPACES, local_name, version_of
from viewer.readers.citygml_objects import ObjectCollector
from viewer.readers.citygml_references import ReferenceSettler
from viewer.readers.citygml_relief import Reliefs
from viewer.readers.citygml_repeats import drop_repeats

Element = Any
#: Takes faces, and the owners of those that were dropped because they stand twice.
Take = Callable[[FaceArrays, list[int]], None]

#: Children of the root that are read, or at least let go of again.
MEMBERS = (
    "{*}cityObjectMember",
    "{*}featureMember",
    "{*}featureMembers",
    "{*}member",
    "{*}appearanceMember",
    "{*}versionMember",
)
MEMBER_NAMES = frozenset(local_name(tag) for tag in MEMBERS)
_OBJECT_MEMBERS = frozenset({"cityObjectMember", "featureMember", "featureMembers", "member"})
#: So many members of a file are searched for its reference system.
MEMBERS_SEARCHED = 200
_ARRAYS = ("points", "ring_size", "ring_face", "face_object", "face_surface", "face_lod")


class TogetherError(Exception):
    """The parts of a file cannot be read apart from each other."""


class Gatherer:
    """Objects and faces of members, file after file.

    srs : reference system that the file read last names, empty if it names none. searched : members of it that were
    searched for one. version : of the first file that names one. dressed : whether an appearance was met.
    """

    def __init__(self, faces: FaceCollector | None = None) -> None:
        self.objects = ObjectCollector(faces)
        self.settler = ReferenceSettler(self.objects)
        self.srs = ""
        self.searched = 0
        self.version = ""
        self._dressed = False

    @property
    def dressed(self) -> bool:
        """Whether an appearance was met."""
        return self._dressed or self.objects.dressed

    def read(
        self,
        reader: ElementReader | BlockReader,
        take: Take,
        on_member: Callable[[Element], None] | None = None,
        search: int = MEMBERS_SEARCHED,
    ) -> None:
        """Gather all members of a file; ``search`` of them at most are searched for its reference system."""
        self.srs, self.searched = "", 0
        objects, faces, settle = self.objects, self.objects.faces, self.settler.settle
        for member in reader:
            if on_member is not None:
                on_member(member)
            if local_name(member.tag) not in _OBJECT_MEMBERS:
                self._dressed = self._dressed or len(member) > 0
                continue
            if not self.srs and self.searched < search:
                self._find_crs(reader, member)
                self.searched += 1
            faces.taken = reader.taken
            objects.add_member(member)
            settle(member, reader.whole)
            if faces.full:
                self.flush(take)
        self.flush(take)
        objects.settle_leaves()
        self.version = self.version or version_of(own_namespaces(reader.root))

    def flush(self, take: Take) -> None:
        """Turn the texts of coordinates gathered so far into arrays."""
        if len(self.objects.faces):
            take(*drop_repeats(self.objects.faces.take()))

    def _find_crs(self, reader: ElementReader | BlockReader, member: Element) -> None:
        if not self.searched and reader.root is not None:
            for child in reader.root:
                if local_name(child.tag) == "boundedBy":
                    self.srs = next((e.get("srsName") for e in child.iter("{*}Envelope") if e.get("srsName")), "")
        if not self.srs:
            names = (reader.whole(member) if reader.hides("srsName") else member).xpath("(.//@srsName)[1]")
            self.srs = str(names[0]) if names else ""

    def absorb(self, part: Part, take: Take) -> None:
        """Take over what was gathered elsewhere, in the order of the file.

        Raises
        ------
        TogetherError
            It cannot be told apart what belongs to whom, or there are more attributes than may be.
        """
        objects, first = self.objects, len(self.objects.ids)
        if len({*objects.attributes, *part.attributes}) > limits.MAX_ATTRIBUTES:
            raise TogetherError
        for index, name in part.unnamed:
            part.ids[index] = f"{name}_{first + index + 1}"
        lods = np.array([objects.lod_code(lod) for lod in part.lods] or [0], dtype=np.uint8)
        objects.faces.hollows += [owner + first for owner in part.hollows]
        objects.faces.empty += [owner + first for owner in part.empty]
        codes = lods.tolist()
        objects.ids += part.ids
        objects.types += part.types
        objects.parents += [parent + first if parent >= 0 else parent for parent in part.parents]
        for name, (where, texts) in part.attributes.items():
            column = objects.attributes.setdefault(name, ([], []))
            column[0].extend((where + first).tolist())
            column[1].extend(texts)
        objects.interiors = (objects.interiors + part.interiors)[:20]
        objects.interior_count += part.interior_count
        objects.left_out.update(part.left_out)
        objects.faces.lines += part.lines
        objects.faces.flat_rings += part.flat_rings
        objects.implicit.absorb(part.shapes, part.places, part.external, first, codes)
        objects.reliefs.absorb(part.reliefs, first, codes)
        self.settler.pending += [
            reference._replace(owner=reference.owner + first, lod=codes[reference.lod]) for reference in part.pending
        ]
        self.version = self.version or part.version
        self._dressed = self._dressed or part.dressed
        self.srs = part.srs
        face = ring = point = 0
        arrays = part.arrays
        for faces, rings, points, dropped in part.chunks:
            own_faces, own_rings = slice(face, face + faces), slice(ring, ring + rings)
            take(
                FaceArrays(
                    arrays["points"][point : point + points],
                    arrays["ring_size"][own_rings],
                    arrays["ring_face"][own_rings] - np.int32(face),
                    arrays["face_object"][own_faces] + np.int32(first),
                    arrays["face_surface"][own_faces],
                    lods[arrays["face_lod"][own_faces]],
                    shell=arrays["shell"][own_faces] if "shell" in arrays else None,
                ),
                [owner + first for owner in dropped],
            )
            face, ring, point = face + faces, ring + rings, point + points


@dataclass(slots=True)
class Part:
    """What a ``Gatherer`` in another process gathered; everything counts from 0.

    unnamed : objects without an id of their own, and the names they go by. chunks : faces, rings and points that
    were turned into arrays together, and the owners of the faces that were dropped from them. arrays : those of
    ``FaceArrays`` for all chunks in a row.
    """

    ids: list[str]
    unnamed: list[tuple[int, str]]
    types: list[str]
    parents: list[int]
    attributes: dict[str, tuple[Any, list[str]]]
    lods: list[str]
    interiors: list[str]
    interior_count: int
    left_out: Counter[str]
    lines: int
    flat_rings: int
    hollows: list[int]
    empty: list[int]
    shapes: dict[str, FaceArrays]
    places: Places
    external: int
    reliefs: Reliefs
    pending: list[Reference]
    version: str
    srs: str
    searched: int
    dressed: bool
    chunks: list[tuple[int, int, int, list[int]]]
    arrays: dict[str, Any]

    @classmethod
    def gathered(cls, reader: BlockReader, search: int) -> Part:
        """All members of a reader."""
        gatherer = Gatherer()
        arrays: list[FaceArrays] = []
        chunks: list[tuple[int, int, int, list[int]]] = []
        faces = 0

        def take(chunk: FaceArrays, dropped: list[int]) -> None:
            nonlocal faces
            chunk.ring_face += np.int32(faces)
            arrays.append(chunk)
            chunks.append((len(chunk.face_object), len(chunk.ring_size), len(chunk.points), dropped))
            faces += len(chunk.face_object)

        gatherer.read(reader, take, search=search)
        objects = gatherer.objects
        if len(objects.attributes) >= limits.MAX_ATTRIBUTES:
            raise TogetherError
        empty = FaceCollector().take()
        joined = {name: np.concatenate([getattr(chunk, name) for chunk in (*arrays, empty)]) for name in _ARRAYS}
        shells = told(joined_codes([chunk.shell for chunk in arrays], [len(chunk.face_object) for chunk in arrays]))
        if shells is not None:
            joined["shell"] = shells
        return cls(
            ids=objects.ids,
            unnamed=objects.unnamed,
            types=objects.types,
            parents=objects.parents,
            attributes={
                name: (np.array(where, dtype=np.int64), texts) for name, (where, texts) in objects.attributes.items()
            },
            lods=objects.lods,
            interiors=objects.interiors,
            interior_count=objects.interior_count,
            left_out=objects.left_out,
            lines=objects.faces.lines,
            flat_rings=objects.faces.flat_rings,
            hollows=objects.faces.hollows,
            empty=objects.faces.empty,
            shapes=objects.implicit.shapes,
            places=objects.implicit.places,
            external=objects.implicit.external,
            reliefs=objects.reliefs,
            pending=gatherer.settler.pending,
            version=gatherer.version,
            srs=gatherer.srs,
            searched=gatherer.searched,
            dressed=gatherer.dressed,
            chunks=chunks,
            arrays=joined,
        )


def own_namespaces(root: Element) -> list[str]:
    """Namespaces declared at the root, less those of GML."""
    if root is None:
        return []
    return [uri for uri in root.nsmap.values() if uri not in GML_NAMESPACES]
