"""City objects of CityGML: one walk through each member gathers objects, attributes and where faces belong.

Coordinates are left to ``citygml_faces``; files and reference systems to ``citygml``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from viewer.city.kinds import SurfaceType
from viewer.readers import limits
from viewer.readers.citygml_address import address_text
from viewer.readers.citygml_arrays import gml_id
from viewer.readers.citygml_faces import FaceCollector
from viewer.readers.citygml_implicit import ImplicitGeometries
from viewer.readers.citygml_names import (
    CONTAINERS,
    GEOMETRIES,
    INTERIOR_SURFACES,
    INTERIORS,
    OBJECT_TYPES,
    RELIEFS,
    SPACES,
    SURFACES,
    Meaning,
    Role,
    local_name,
    meaning,
)
from viewer.readers.citygml_relief import Reliefs
from viewer.readers.citygml_shortcut import (
    COUNT,
    FACE,
    LEAF_NAMES,
    LEAVES,
    LONE,
    NUMBER,
    REFERENCES,
    STAND_INS,
    InDoubtError,
    Shortcuts,
)

Element = Any


# Looked up once: reading an enum's member costs more than the comparison it is for.
_SKIP, _TEXT, _GENERIC, _GENERIC_3, _GEOMETRY = Role.SKIP, Role.TEXT, Role.GENERIC, Role.GENERIC_3, Role.GEOMETRY
_IMPLICIT, _FEATURE, _INTERIOR, _ADDRESS = Role.IMPLICIT, Role.FEATURE, Role.INTERIOR, Role.ADDRESS
_HEIGHT_3, _LOOK, _COMPLEX = Role.HEIGHT_3, Role.LOOK, Role.COMPLEX
_TAKEN_SURFACES, _TAKEN_TEXTS, _TAKEN = Role.TAKEN_SURFACES, Role.TAKEN_TEXTS, Role.TAKEN
_ROLE_OF_STAND_IN = {LONE: _TAKEN_SURFACES, LEAVES: _TAKEN_TEXTS, FACE: _TAKEN, REFERENCES: _TAKEN}

_FACES_TAKEN = tuple(f"{{*}}{name}" for name in (FACE, LONE, REFERENCES))
_LEAF_NAMES = frozenset({*LEAF_NAMES, "name"})
#: So many different texts of attributes are kept to be used again.
_MOST_KNOWN = 4096
_UNIT_M = {"cm": 0.01, "mm": 0.001, "km": 1000.0, "ft": 0.3048, "dm": 0.1}


class _Meanings(dict[str, Meaning]):
    """Full tag -> meaning, filled as tags are met. What is no element means nothing."""

    def __missing__(self, tag: object) -> Meaning:
        if not isinstance(tag, str):
            return Meaning(Role.SKIP)
        stand_in = _ROLE_OF_STAND_IN.get(local_name(tag))
        found = self[tag] = meaning(tag) if stand_in is None else Meaning(stand_in)
        return found


class ObjectCollector:
    """Objects of all members so far, in columns.

    ids, types, parents : one entry per object. unnamed : objects without an id, and the names they go by.
    attributes : name -> (object indices, texts).
    left_out : what was passed over, as a sentence over ``count`` -> how often.
    """

    def __init__(self, faces: FaceCollector | None = None) -> None:
        self.faces = FaceCollector() if faces is None else faces
        self.implicit = ImplicitGeometries(self.faces)
        self.reliefs = Reliefs()
        self.lods: list[str] = []
        self.ids: list[str] = []
        self.unnamed: list[tuple[int, str]] = []
        self.types: list[str] = []
        self.parents: list[int] = []
        self.attributes: dict[str, tuple[list[int], list[str]]] = {}
        self.interiors: list[str] = []
        self.interior_count = 0
        self.left_out: Counter[str] = Counter()
        self._meaning = _Meanings()
        #: Tags of surfaces met before -> their kind, which spares most of the work.
        self._surface_of: dict[str, int] = {}
        #: Tags of properties around geometries in surfaces met before -> index of their level of detail.
        self._level_of: dict[str, int] = {}
        self._texts: dict[str, str] = {}
        self._lod_code: dict[str, int] = {}
        self._leaves_of: Shortcuts | None = None
        self._at_once = False
        #: Runs of texts taken out of the text around the members that wait for ``settle_leaves``: object, first, last.
        self._runs: list[tuple[int, int, int]] = []

    @property
    def dressed(self) -> bool:
        """Whether an object had an appearance of its own."""
        return any(tag.endswith("}appearance") for tag in self._meaning)

    # -- members -----------------------------------------------------------------------------------------------

    def add_member(self, member: Element) -> None:
        """Read the objects in one ``cityObjectMember``."""
        self.faces.new_member()
        for child in member:
            if isinstance(child.tag, str):
                self._feature(child, -1, -1, SurfaceType.UNKNOWN, 0)

    def lod_code(self, lod: str) -> int:
        """Index of a level of detail in ``lods``."""
        code = self._lod_code.get(lod)
        if code is None:
            code = self._lod_code[lod] = len(self.lods)
            self.lods.append(lod)
        return code

    # -- features ----------------------------------------------------------------------------------------------

    def _feature(self, element: Element, parent: int, owner: int, surface: int, depth: int) -> None:
        """An object, a thematic surface or a container, whichever the name says."""
        name = local_name(element.tag)
        if name in STAND_INS:
            raise InDoubtError
        if depth > limits.MAX_OBJECT_DEPTH:
            self.left_out["Objects nested too deeply, left out: {count}"] += 1
        elif name in INTERIORS:
            self._interior(element)
        elif name in SURFACES:
            if name in INTERIOR_SURFACES:
                self._interior(element)
            else:
                if name not in SPACES:
                    self._surface_of[element.tag] = int(SURFACES[name])
                self._surface(element, owner, int(SURFACES[name]), name, depth)
        elif name in RELIEFS:
            self.reliefs.add(element, len(self.ids), self.lod_code(_lod_of(element)))
            self._object(element, name, parent, depth)
        elif name in CONTAINERS:
            pieces, first = len(self.reliefs.pieces), len(self.types)
            for child in element:
                if isinstance(child.tag, str) and len(child) and self._meaning[child.tag].role is _LOOK:
                    self._property(child, parent, owner, surface, depth)
            self.reliefs.join(pieces, triangles="TINRelief" in self.types[first:])
        elif name in OBJECT_TYPES or owner < 0 or name.endswith(("Part", "Installation")):
            self._object(element, name, parent, depth)
        else:
            self._surface(element, owner, surface, name, depth)

    def _object(self, element: Element, name: str, parent: int, depth: int) -> None:
        index = len(self.ids)
        own_id = gml_id(element)
        if not own_id:
            own_id = f"{name}_{index + 1}"
            self.unnamed.append((index, name))
        self.ids.append(own_id)
        self.types.append(OBJECT_TYPES.get(name) or f"+{name}")
        self.parents.append(parent)
        lod, faces = "", -1
        if name == "TINRelief":
            lod, faces = _lod_of(element), len(self.faces)
        roles, surface_of, level_of = self._meaning, self._surface_of, self._level_of
        collect_lone = self.faces.collect_lone
        for child in element:
            meant = roles[child.tag]
            role = meant.role
            if role is _SKIP:
                continue
            if role is _TAKEN_SURFACES:
                self.faces.collect_taken(child, index, self.lod_code)
            elif role is _TAKEN_TEXTS:
                self._taken_leaves(child, index)
            elif role is _FEATURE:
                if collect_lone(child, index, surface_of, level_of):
                    continue
                for feature in child:
                    kind = surface_of.get(feature.tag)
                    if kind is not None:
                        self._surface(feature, index, kind, "", depth + 1)
                    else:
                        self._feature(feature, index, index, SurfaceType.UNKNOWN, depth + 1)
            elif role is _GENERIC:
                self._generic(child, index)
            elif role is _GEOMETRY:
                self._geometry(child, meant, index, meant.surface, lod)
            elif role is _TEXT:
                self._text(index, meant.name, child.text)
            elif role is _LOOK:
                if len(child):
                    above = -1 if name == "CityObjectGroup" else index
                    self._property(child, above, index, SurfaceType.UNKNOWN, depth)
                elif child.text:
                    self._leaf(index, meant.name, child)
            elif role is _ADDRESS:
                self._text(index, "address", address_text(child))
            elif role is _IMPLICIT:
                self.implicit.add(child, index, self.lod_code(meant.lod), int(SurfaceType.UNKNOWN))
            elif role is _INTERIOR:
                for feature in child:
                    self._interior(feature)
            elif role is _GENERIC_3:
                for attribute in child:
                    self._generic_3(attribute, index)
            elif role is _HEIGHT_3:
                self._height_3(child, index)
            elif role is _TAKEN:
                raise InDoubtError
            elif role is _COMPLEX:
                for attribute in child.iter("{*}stringAttribute", "{*}intAttribute", "{*}doubleAttribute",
                                            "{*}dateAttribute", "{*}measureAttribute"):  # fmt: skip
                    self._generic(attribute, index)
        if faces == len(self.faces):
            self.reliefs.add_unmeshed(element, index, self.lod_code(lod))

    def _property(self, element: Element, parent: int, owner: int, surface: int, depth: int) -> None:
        """A property that is not known by name: judged by what it holds."""
        for child in element:
            tag = child.tag
            if not isinstance(tag, str):
                continue
            name = local_name(tag)
            if name in GEOMETRIES or name == FACE:
                if owner >= 0:
                    self.faces.collect(child, owner, self.lod_code(""), surface)
            elif name in OBJECT_TYPES or name in SURFACES or name in INTERIORS or name in SPACES or name in CONTAINERS:
                self._feature(child, parent, owner, surface, depth + 1)
            elif owner >= 0 and not self._holds_geometry(child):
                self._leaves(child, owner)
            elif owner >= 0:
                self._feature(child, parent, owner, surface, depth + 1)

    @staticmethod
    def _holds_geometry(element: Element) -> bool:
        return next(element.iter("{*}posList", "{*}pos", "{*}coordinates", *_FACES_TAKEN), None) is not None

    def _surface(self, element: Element, owner: int, surface: int, name: str, depth: int) -> None:
        """A thematic surface, or a part of the object that only holds surfaces."""
        if owner < 0:
            self._object(element, name, -1, depth)
            return
        roles = self._meaning
        for child in element:
            meant = roles[child.tag]
            role = meant.role
            if role is _TAKEN_SURFACES:
                self.faces.collect_taken(child, owner, self.lod_code)
            elif role is _TAKEN:
                raise InDoubtError
            elif role is _GEOMETRY:
                if not (meant.solid and name in SPACES):
                    self._level_of[child.tag] = self.lod_code(meant.lod)
                    self._geometry(child, meant, owner, surface, "")
            elif role is _FEATURE or (role is _LOOK and len(child)):
                for feature in child:
                    inner = local_name(feature.tag)
                    if inner == LONE:
                        raise InDoubtError
                    if inner in SURFACES or inner in OBJECT_TYPES or inner in INTERIORS:
                        self._feature(feature, owner, owner, surface, depth + 1)
            elif role is _IMPLICIT:
                self.implicit.add(child, owner, self.lod_code(meant.lod), surface)

    def _geometry(self, element: Element, meant: Meaning, owner: int, surface: int, lod: str) -> None:
        code = self.lod_code(meant.lod or lod)
        if not len(element):
            self.faces.refer(element, owner, code, surface)
            return
        for geometry in element:
            if not self.faces.collect(geometry, owner, code, surface):
                self.implicit.add(element, owner, code, surface)

    def _interior(self, element: Element) -> None:
        if isinstance(element.tag, str):
            self.interior_count += 1
            if len(self.interiors) < 20:
                self.interiors.append(gml_id(element))

    # -- attributes --------------------------------------------------------------------------------------------

    def _text(self, index: int, name: str, text: str | None) -> None:
        if self._runs and name in _LEAF_NAMES:
            self.settle_leaves()
        if not text:
            return
        text = text.strip()
        if not text:
            return
        if len(text) > limits.MAX_ATTRIBUTE_LENGTH:
            text = text[: limits.MAX_ATTRIBUTE_LENGTH]
            self.left_out["Very long texts, cut at the end: {count}"] += 1
        column = self.attributes.get(name)
        if column is None:
            if len(self.attributes) >= limits.MAX_ATTRIBUTES:
                self.left_out["Values of attributes beyond the limit, left out: {count}"] += 1
                return
            column = self.attributes[name] = ([], [])
        where, texts = column
        text = self._once(text)
        if where and where[-1] == index:
            if text not in texts[-1].split(", "):
                texts[-1] = f"{texts[-1]}, {text}"[: limits.MAX_ATTRIBUTE_LENGTH]
            return
        where.append(index)
        texts.append(text)

    def _leaf(self, index: int, name: str, element: Element) -> None:
        text = element.text
        if name == "measuredHeight":
            text = _in_metres(text, element.get("uom"))
        self._text(index, name, text)

    def _taken_leaves(self, stand_in: Element, index: int) -> None:
        """A run of properties that are one text each."""
        taken, first = self.faces.taken, int(stand_in.get(NUMBER))
        last = first + int(stand_in.get(COUNT))
        if taken is not self._leaves_of:
            self.settle_leaves()
            self._leaves_of = taken
            self._at_once = self.attributes.keys() >= set(taken.leaf_name)  # else columns would come in another order
        if self._at_once:
            self._runs.append((index, first, last))
            return
        for name, text, unit in zip(
            taken.leaf_name[first:last], taken.leaf_text[first:last], taken.leaf_unit[first:last], strict=True
        ):
            self._text(index, name, (_in_metres(text, unit) or "") if unit and name == "measuredHeight" else text)

    def settle_leaves(self) -> None:
        """Put the runs of texts that wait into their columns."""
        runs, self._runs, taken = self._runs, [], self._leaves_of
        if not runs or taken is None:
            return
        owners = [index for index, first, last in runs for _ in range(first, last)]
        parts = (taken.leaf_name, taken.leaf_text, taken.leaf_unit)
        if runs[-1][2] - runs[0][1] == len(owners):
            names, texts, units = (part[runs[0][1] : runs[-1][2]] for part in parts)
        else:
            names, texts, units = ([part[k] for _, first, last in runs for k in range(first, last)] for part in parts)
        places: dict[str, list[int]] = {name: [] for name in dict.fromkeys(names)}
        for place, name in enumerate(names):
            places[name].append(place)
        for name, own in places.items():
            of, said = [owners[k] for k in own], [texts[k] for k in own]
            if name == "measuredHeight":
                said = [
                    (_in_metres(text, units[k]) or "") if units[k] else text for text, k in zip(said, own, strict=True)
                ]
            where, column = self.attributes[name]
            clean = self._alike(said)
            # The short way for what is usual; all else is left to ``_text``.
            if clean is None or len(set(of)) < len(of) or (where and where[-1] == of[0]):
                for index, text in zip(of, said, strict=True):
                    self._text(index, name, text)
            else:
                where.extend(of)
                column.extend(clean)

    def _alike(self, texts: list[str]) -> list[str] | None:
        """Texts without blanks around them, equal ones the same; None if one is empty or too long."""
        known = self._texts
        found = [known.get(text) for text in texts]
        for place, text in enumerate(texts) if None in found else ():
            if found[place] is None:
                text = text.strip()
                if not 0 < len(text) <= limits.MAX_ATTRIBUTE_LENGTH:
                    return None
                found[place] = self._once(text)
        return found  # type: ignore[return-value]

    def _once(self, text: str) -> str:
        """The text itself, or the same one met before, while there are not too many: most texts repeat a few."""
        known = self._texts
        return known.setdefault(text, text) if len(known) < _MOST_KNOWN else known.get(text, text)

    def _leaves(self, element: Element, index: int) -> None:
        """Texts deep inside an extension, by their own names."""
        for leaf in element.iter("*"):
            role = self._meaning[leaf.tag].role
            if role is _TAKEN_TEXTS:
                self._taken_leaves(leaf, index)
            elif role is _TAKEN_SURFACES or role is _TAKEN:
                raise InDoubtError
            elif not len(leaf) and leaf.text:
                self._text(index, local_name(leaf.tag), leaf.text)

    def _generic(self, element: Element, index: int) -> None:
        name = element.get("name")
        if name and len(element):
            self._text(index, name, element[0].text)

    def _generic_3(self, element: Element, index: int) -> None:
        """``gen:StringAttribute`` with ``gen:name`` and ``gen:value``; sets of them are opened."""
        name = value = None
        for child in element:
            local = local_name(child.tag)
            if local == "name":
                name = child.text
            elif local == "value":
                value = child.text
            elif local == "genericAttribute":
                for inner in child:
                    self._generic_3(inner, index)
        if name and value:
            self._text(index, name.strip(), value)

    def _height_3(self, element: Element, index: int) -> None:
        """Height of CityGML 3.0: the first one becomes ``measuredHeight``."""
        self.settle_leaves()
        column = self.attributes.get("measuredHeight")
        if column is not None and column[0] and column[0][-1] == index:
            return
        value = next(element.iter("{*}value"), None)
        if value is not None:
            self._leaf(index, "measuredHeight", value)


def _lod_of(relief: Element) -> str:
    """The level of detail that a terrain object says it has."""
    return next((child.text or "" for child in relief if local_name(child.tag) == "lod"), "").strip()


def _in_metres(text: str | None, unit: str | None) -> str | None:
    """A length in metres, if its unit is known as another one."""
    factor = _UNIT_M.get((unit or "").rpartition("#")[2].rpartition(":")[2])
    if factor is None:
        return text
    try:
        return f"{float(text or '') * factor:g}"
    except ValueError:
        return text
