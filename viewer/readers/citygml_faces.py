"""GML surfaces -> flat arrays of rings. Texts of coordinates are gathered and parsed in one go per chunk.

Knows GML, but not what an object is; how texts become numbers stands in ``citygml_numbers``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city.solids import shell_code
from viewer.readers.citygml_arrays import FaceArrays, Reference
from viewer.readers.citygml_names import GML_IDS, HREF
from viewer.readers.citygml_numbers import RING_MARK, parse_rings, turn_round
from viewer.readers.citygml_shortcut import COUNT, FACE, NUMBER, REFERENCES, Shortcuts

Element = Any

#: Texts are parsed as soon as this many characters are waiting.
CHUNK_CHARACTERS = 250_000

_FACE, _INTERIOR, _POS_LIST, _POS, _COORDINATES, _MEMBER, _ORIENTABLE, _SOLID = range(1, 9)
_LINE, _POINT, _CONTROL, _COLLECTION, _IMPLICIT, _TAKEN, _TAKEN_REFERENCES = range(9, 16)
_CODES = {
    "Polygon": _FACE, "PolygonPatch": _FACE, "Triangle": _FACE, "Rectangle": _FACE,
    "interior": _INTERIOR, "innerBoundaryIs": _INTERIOR,
    "posList": _POS_LIST, "pos": _POS, "coordinates": _COORDINATES,
    "surfaceMember": _MEMBER, "baseSurface": _MEMBER, "solidMember": _MEMBER, "geometryMember": _MEMBER,
    "OrientableSurface": _ORIENTABLE, "Solid": _SOLID, "LineString": _LINE, "Point": _POINT,
    "controlPoint": _CONTROL, "stopLines": _CONTROL, "breakLines": _CONTROL, "ImplicitGeometry": _IMPLICIT,
    FACE: _TAKEN, REFERENCES: _TAKEN_REFERENCES,
}  # fmt: skip
_WANTED = tuple(f"{{*}}{name}" for name in _CODES)
_FACES = ("{*}Polygon", "{*}PolygonPatch", "{*}Triangle", "{*}Rectangle", f"{{*}}{FACE}")
_COLLECTIONS = frozenset({"MultiSurface", "CompositeSurface", "Shell"})
_SEVERAL_SOLIDS = frozenset({"MultiSolid", "CompositeSolid"})
#: Elements of a thematic surface with one polygon without holes: property, surface, level of detail, collection,
#: member, polygon, exterior, ring, positions.
_LONE_SURFACE = 9


class _Codes(dict[str, int]):
    """Full tag -> code, filled as tags are met."""

    def __missing__(self, tag: str) -> int:
        local = tag.rpartition("}")[2]
        code = self[tag] = _COLLECTION if local in _COLLECTIONS else _CODES.get(local, 0)
        return code


_CODE_OF = _Codes()


class FaceCollector:
    """Gathers the faces of geometries. ``take`` turns what was gathered into arrays.

    ids : id of each polygon gathered since ``new_member`` -> levels of detail it was gathered for.
    references : uses by ``xlink:href`` since ``new_member``.
    lines : geometries that are lines or points, which are not shown. flat_rings : rings without heights.
    hollows : owner of each inner shell of a solid. empty : owner of each solid among others that has nothing.
    taken : what was taken out of the text around the members gathered now.
    """

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.references: list[Reference] = []
        self.target_groups: list[tuple[list[str], int, int, int]] = []
        self.taken_groups: list[tuple[list[str], int, int, int]] = []
        self.lines = 0
        self.flat_rings = 0
        self.hollows: list[int] = []
        self.empty: list[int] = []
        self.taken = Shortcuts()
        self._coded: Shortcuts | None = None
        self._lone_lod: list[int] = []
        self._taken_ids: list[tuple[list[str], list[int]]] = []
        self._shell_references: list[Reference] = []
        self._solid_count: dict[tuple[int, int], int] = {}
        self._clear()

    def _clear(self) -> None:
        self._tokens: list[str] = []
        self._characters = 0
        self._ring_face: list[int] = []
        self._owner: list[int] = []
        self._surface: list[int] = []
        self._lod: list[int] = []
        self._turned: list[int] = []
        self._shells: list[tuple[int, int, int]] = []  # first and last face, solid and shell

    def adopt(self, names: tuple[str, ...], count: int) -> NDArray[np.int64] | None:
        """Numbers (count,) for faces that were made elsewhere, of what has these ids; None where nobody asks."""
        return None

    def another(self) -> FaceCollector:
        """A collector of the same kind for shapes that are gathered apart."""
        return FaceCollector()

    @property
    def full(self) -> bool:
        """Whether enough is waiting to be parsed."""
        return self._characters > CHUNK_CHARACTERS

    def __len__(self) -> int:
        return len(self._owner)

    def new_member(self) -> None:
        """Forget ids and references: another city object follows."""
        self.ids = {}
        self.references = []
        self.target_groups = []
        self.taken_groups = []
        self._taken_ids = []
        self._shell_references = []
        self._solid_count = {}

    def open_references(self) -> list[Reference]:
        """References since the last call whose target was not gathered for their level of detail, or not as a shell."""
        if self._shell_references:
            left, self._shell_references = self._shell_references, []
            return left
        if not (self.references or self.target_groups or self.taken_groups):
            return []
        ids = self.ids
        if len(self._taken_ids) == 1 and len(self.taken_groups) == 1 and not (self.references or self.target_groups):
            # nearly always: the solid of a house, and its surfaces
            names, lods = self._taken_ids[0]
            targets, _, lod, _ = self.taken_groups[0]
            if lods.count(lod) == len(lods) and set(names).issuperset(targets):
                self.taken_groups = []
                return []
        for names, lods in self._taken_ids:
            for name, lod in zip(names, lods, strict=True):
                ids[name] = ids.get(name, 0) | 1 << lod
        self._taken_ids = []
        known = self.ids.get
        left = [r for r in self.references if not known(r.target, 0) >> r.lod & 1]
        for targets, owner, lod, surface in self.target_groups:
            for target in targets:
                if not known(target[1:], 0) >> lod & 1:
                    left.append(Reference(target.rpartition("#")[2], owner, lod, surface, False))
        for targets, owner, lod, surface in self.taken_groups:
            left += [Reference(t, owner, lod, surface, False) for t in targets if not known(t, 0) >> lod & 1]
        self.references, self.target_groups, self.taken_groups = [], [], []
        return left

    def collect(self, geometry: Element, owner: int, lod: int, surface: int, *, backwards: bool = False) -> bool:
        """Gather all faces below ``geometry``; ``backwards`` turns them round. False for an implicit geometry."""
        code = _CODE_OF[geometry.tag]
        if backwards:
            self._collect_any(geometry, owner, lod, surface, backwards)
        elif code == _COLLECTION:
            self._collect_members(geometry, owner, lod, surface)
        elif code == _SOLID:
            if len(geometry) > 1:
                self._collect_solids([geometry], owner, lod, surface)
            else:
                for shell in geometry:
                    self._collect_shell(shell, owner, lod, surface)
        elif code == 0 and _name_of(geometry) in _SEVERAL_SOLIDS:
            solids = [solid for member in geometry for solid in (member if len(member) else (member,))]
            if all(_name_of(solid) == "Solid" or solid.get(HREF) for solid in solids):
                composite = _name_of(geometry) == "CompositeSolid"
                self._collect_solids(solids, owner, lod, surface, composite=composite)
            else:  # nested otherwise
                self._collect_any(geometry, owner, lod, surface)
        elif code == _IMPLICIT:
            return False
        else:
            self._collect_any(geometry, owner, lod, surface)
        return True

    def _collect_shell(self, shell: Element, owner: int, lod: int, surface: int) -> None:
        if len(shell) == 1 and _CODE_OF[shell[0].tag] == _COLLECTION:
            self._collect_members(shell[0], owner, lod, surface)
        elif len(shell):
            self._collect_any(shell, owner, lod, surface)
        else:
            self.refer(shell, owner, lod, surface)

    def _collect_solids(
        self, solids: list[Element], owner: int, lod: int, surface: int, *, composite: bool = False
    ) -> None:
        """Solids, or references to some, whose shells are told apart if there is more than one in all."""
        shells = [
            [shell for shell in solid if _name_of(shell) in ("exterior", "interior")] if len(solid) else [solid]
            for solid in solids
        ]
        several = len(solids) > 1 or any(len(own) > 1 for own in shells)
        before = self._solid_count.get((owner, lod), 0)
        for number, own in enumerate(shells, start=before + 1):
            inner = 0
            if len(solids) > 1 and not any(len(shell) or shell.get(HREF) for shell in own):
                self.empty.append(owner)
            for shell in own:
                if _name_of(shell) == "interior":
                    inner += 1
                    self.hollows.append(owner)
                first, references = len(self._owner), self._reference_counts()
                self._collect_shell(shell, owner, lod, surface)
                if several:
                    code = shell_code(number, inner if _name_of(shell) == "interior" else 0, composite=composite)
                    self.note_shell(first, code)
                    self._refer_as(code, references)
        if several:
            self._solid_count[owner, lod] = before + len(solids)

    def note_shell(self, first: int, code: int) -> None:
        """The faces since ``first`` belong to one shell, unless they told themselves apart."""
        if len(self._owner) > first and not (self._shells and self._shells[-1][1] > first):
            self._shells.append((first, len(self._owner), code))

    def _reference_counts(self) -> tuple[int, int, int]:
        return len(self.references), len(self.target_groups), len(self.taken_groups)

    def _refer_as(self, code: int, before: tuple[int, int, int]) -> None:
        """The references noted since ``before`` are those of one shell."""
        single, targets, taken = before
        new = [reference._replace(shell=code) for reference in self.references[single:]]
        for names, owner, lod, surface in self.target_groups[targets:]:
            new += [Reference(name.rpartition("#")[2], owner, lod, surface, False, code) for name in names]
        for names, owner, lod, surface in self.taken_groups[taken:]:
            new += [Reference(name, owner, lod, surface, False, code) for name in names]
        del self.references[single:], self.target_groups[targets:], self.taken_groups[taken:]
        self._shell_references += new

    def collect_lone(self, prop: Element, owner: int, kinds: dict[str, int], levels: dict[str, int]) -> bool:
        """The shortest way, for a property around one thematic surface with one polygon and nothing else.

        kinds : tag of a surface -> its kind. levels : tag of a geometry's property -> index of its LoD. Only tags
        met before are in them. False, and nothing gathered, if ``prop`` is anything else. Asking an element for
        its tag is what costs most, so only those are asked that tell such a property from all others.
        """
        elements = list(islice(prop.iter(), _LONE_SURFACE + 1))
        if len(elements) != _LONE_SURFACE:
            return False
        _, surface, level, collection, _, polygon, _, _, positions = elements
        kind, lod, text = kinds.get(surface.tag), levels.get(level.tag), positions.text
        codes = _CODE_OF
        if (
            kind is None
            or lod is None
            or not text
            or codes[positions.tag] != _POS_LIST
            or codes[collection.tag] != _COLLECTION
            or codes[polygon.tag] != _FACE
        ):
            return False
        self._add_simple(polygon, text, owner, lod, kind)
        return True

    def collect_taken(self, stand_in: Element, owner: int, code_of: Callable[[str], int]) -> None:
        """A run of properties around one thematic surface with one polygon that were taken out of the text.

        code_of : level of detail as text -> its index.
        """
        taken, first, last = self.taken, *_run(stand_in)
        if self._coded is not taken:
            codes = {level: code_of(level) for level in dict.fromkeys(taken.lone_level)}
            self._coded, self._lone_lod = taken, [codes[level] for level in taken.lone_level]
        lods = self._lone_lod[first:last]
        self._add_taken(taken.lone_id[first:last], taken.lone_text[first:last], owner, lods)
        self._surface.extend(taken.lone_surface[first:last])

    def _collect_taken_faces(self, stand_in: Element, owner: int, lod: int, surface: int) -> int:
        """A run of faces with one ring that were taken out of the text; returns how many."""
        taken, first, last = self.taken, *_run(stand_in)
        self._add_taken(taken.face_id[first:last], taken.face_text[first:last], owner, [lod] * (last - first))
        self._surface.extend([surface] * (last - first))
        return last - first

    def _add_taken(self, names: list[str], texts: list[str], owner: int, lods: list[int]) -> None:
        """Faces with one ring each, all but their surfaces."""
        count, face = len(texts), len(self._owner)
        tokens = [RING_MARK] * (2 * count)
        tokens[1::2] = texts
        self._taken_ids.append((names, lods))
        self._ring_face.extend(range(face, face + count))
        self._owner.extend([owner] * count)
        self._lod.extend(lods)
        self._tokens.extend(tokens)
        self._characters += sum(map(len, texts))

    def _add_simple(self, polygon: Element, text: str, owner: int, lod: int, surface: int) -> None:
        """A face with one ring."""
        name = polygon.get(GML_IDS[0]) or polygon.get(GML_IDS[1])
        if name:
            self.ids[name] = self.ids.get(name, 0) | 1 << lod
        self._ring_face.append(len(self._owner))
        self._owner.append(owner)
        self._surface.append(surface)
        self._lod.append(lod)
        self._tokens.append(RING_MARK)
        self._tokens.append(text)
        self._characters += len(text)

    def _collect_members(self, collection: Element, owner: int, lod: int, surface: int) -> None:
        """The short way for nearly all faces: polygons without holes and references, directly in a collection."""
        codes = _CODE_OF
        targets: list[str] = []
        for member in collection:
            if not len(member):
                href = member.get(HREF)
                if href:
                    targets.append(href)
                elif codes[member.tag] == _TAKEN_REFERENCES:
                    taken = self.taken.references[int(member.get(NUMBER))]
                    self.taken_groups.append((taken, owner, lod, surface))
                continue
            polygon = member[0]
            if not len(polygon) and len(member) == 1 and codes[polygon.tag] == _TAKEN:
                self._collect_taken_faces(polygon, owner, lod, surface)
                continue
            if len(polygon) == 1 and len(member) == 1:
                exterior = polygon[0]
                linear = exterior[0] if len(exterior) == 1 else exterior
                if len(linear) == 1:
                    # Only in a plain polygon or triangle do positions lie exactly here.
                    positions = linear[0]
                    text = positions.text
                    if text and codes[positions.tag] == _POS_LIST:
                        self._add_simple(polygon, text, owner, lod, surface)
                        continue
            self._collect_any(member, owner, lod, surface)
        if targets:
            self.target_groups.append((targets, owner, lod, surface))

    def _collect_any(self, geometry: Element, owner: int, lod: int, surface: int, backwards: bool = False) -> None:
        """Any geometry, in the order of the file."""
        tokens, ring_face = self._tokens, self._ring_face
        owners, surfaces, lods, ids = self._owner, self._surface, self._lod, self.ids
        codes, mark = _CODE_OF, RING_MARK
        id_name, other_id = GML_IDS[0], GML_IDS[1]
        turn = 1_000_000_000 if backwards else 0
        open_face = new_ring = False
        characters = 0
        for element in geometry.iter(*_WANTED):
            code = codes[element.tag]
            if code in (_POS_LIST, _POS):
                text = element.text
                if not open_face or not text:
                    continue
                if new_ring:
                    ring_face.append(len(owners) - 1)
                    tokens.append(mark)
                    new_ring = False
                tokens.append(text)
                characters += len(text)
            elif code == _FACE:
                name = element.get(id_name) or element.get(other_id)
                if name:
                    ids[name] = ids.get(name, 0) | 1 << lod
                if turn:
                    turn -= 1
                    self._turned.append(len(owners))
                owners.append(owner)
                surfaces.append(surface)
                lods.append(lod)
                open_face = new_ring = True
            elif code == _TAKEN:
                count = self._collect_taken_faces(element, owner, lod, surface)
                turned = min(turn, count)
                turn -= turned
                self._turned.extend(range(len(owners) - count, len(owners) - count + turned))
                open_face = False
            elif code == _TAKEN_REFERENCES:
                self.references += [
                    Reference(target, owner, lod, surface, backwards)
                    for target in self.taken.references[int(element.get(NUMBER))]
                ]
            elif code == _MEMBER:
                href = element.get(HREF)
                if href and not len(element):
                    backward = backwards ^ _is_negative(element.getparent())
                    self.references.append(Reference(href.rpartition("#")[2], owner, lod, surface, backward))
            elif code == _INTERIOR:
                new_ring = True
            elif code == _COORDINATES:
                if open_face and element.text:
                    if new_ring:
                        ring_face.append(len(owners) - 1)
                        tokens.append(mark)
                        new_ring = False
                    tokens.append(element.text.replace(",", " "))
                    characters += len(element.text)
            elif code == _ORIENTABLE:
                if _is_negative(element):
                    count = sum(_count(face) for face in element.iter(*_FACES))
                    if backwards:
                        turn = max(turn - count, 0)
                    else:
                        turn = max(turn, count)
            elif code == _SOLID:
                for shell in element:
                    href = shell.get(HREF) if isinstance(shell.tag, str) else None
                    if href:
                        self.references.append(Reference(href.rpartition("#")[2], owner, lod, surface, backwards))
            elif code == _LINE:
                if not _is_part_of_ring(element):
                    open_face = False
                    self.lines += 1
            elif code == _POINT:
                parent = element.getparent()
                if parent is None or not str(parent.tag).endswith("}pointProperty"):
                    open_face = False
                    self.lines += 1
            elif code == _CONTROL:
                open_face = False
        self._characters += characters

    def refer(self, element: Element, owner: int, lod: int, surface: int) -> None:
        """Note that ``element`` stands for a geometry elsewhere, if it has an ``xlink:href``."""
        href = element.get(HREF)
        if href:
            self.references.append(Reference(href.rpartition("#")[2], owner, lod, surface, backwards=False))

    def take(self) -> FaceArrays:
        """Everything gathered so far as arrays, and start anew."""
        points, size, flat = parse_rings(self._tokens, len(self._ring_face))
        ring_face = np.array(self._ring_face, dtype=np.int32)
        self.flat_rings += flat
        if self._turned:
            turn_round(points, size, ring_face, np.array(self._turned))
        arrays = FaceArrays(
            points,
            size,
            ring_face,
            np.array(self._owner, dtype=np.int32),
            np.array(self._surface, dtype=np.uint8),
            np.array(self._lod, dtype=np.uint8),
        )
        if self._shells:
            arrays.shell = np.zeros(len(arrays.face_object), dtype=np.int32)
            for first, last, shell in self._shells:
                arrays.shell[first:last] = shell
        self._clear()
        return arrays


def _run(stand_in: Element) -> tuple[int, int]:
    """Number of the first of a run, and the one after its last."""
    first = int(stand_in.get(NUMBER))
    return first, first + int(stand_in.get(COUNT))


def _name_of(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _count(face: Element) -> int:
    """How many faces a face, or what stands for some, is."""
    return int(face.get(COUNT)) if _CODE_OF[face.tag] == _TAKEN else 1


def _is_negative(element: Element) -> bool:
    return element is not None and element.get("orientation") == "-"


def _is_part_of_ring(line: Element) -> bool:
    parent = line.getparent()
    above = parent.getparent() if parent is not None else None
    return above is not None and str(above.tag).endswith("}Ring")
