"""The bulk of a CityGML text taken out before it is parsed: faces with one ring, references, plain texts.

Most of a file is the same few elements around numbers, over and over. Where they stand exactly as expected they
are found in the text itself and replaced by short stand-ins, so that the parser and the walk through its tree have
a fraction to do. Whatever looks different stays as it is and is read element by element. Knows no objects and no
files.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from viewer.readers.citygml_names import GML_NAMESPACES, INTERIOR_SURFACES, SPACES, SURFACES

#: Not to be guessed, so that no file can hold stand-ins of its own.
_SECRET = secrets.token_hex(3)
#: Names of the stand-ins: a face; properties around thematic surfaces with one face; members by reference;
#: properties that are one text.
FACE, LONE, REFERENCES, LEAVES = f"_f{_SECRET}", f"_s{_SECRET}", f"_r{_SECRET}", f"_t{_SECRET}"
STAND_INS = frozenset({FACE, LONE, REFERENCES, LEAVES})
#: Attributes of the stand-ins: number of the first thing, and how many there are.
NUMBER, COUNT = "n", "c"

#: A text with one of these is left to the parser as it is: names mean something else within, or shapes lie in
#: frames of their own.
_HANDS_OFF = ("xmlns", "mplicit")
#: Properties of objects that are one text, and stored under their own name.
LEAF_NAMES = (
    "class", "function", "usage", "yearOfConstruction", "yearOfDemolition", "roofType", "measuredHeight",
    "storeysAboveGround", "storeysBelowGround", "creationDate", "terminationDate",
)  # fmt: skip
_XLINK = "http://www.w3.org/1999/xlink"
#: Characters of values and texts that need no decoding and hide nothing: printable ASCII without markup.
_VALUE = r"[ !#-%'-;=?-~]*"
_TEXT = r"[ -%'-;=?-~\t\r\n]*"
_ATTRIBUTES = rf'(?:\s+(?!xmlns)[\w:.-]+="{_VALUE}")*'
_NUMBERS = r"[-+.0-9eE \t\r\n]+"
_TAGS = re.compile(r"<[^>]*>")
_BLANK = re.compile(r"\s*", re.ASCII)


class InDoubtError(Exception):
    """Something is not as the short way needs it; the file has to be read element by element."""


@dataclass(slots=True)
class Shortcuts:
    """What stands behind the stand-ins of one text, by their numbers.

    face_id, face_text : id and coordinates of each face. lone_id, lone_text, lone_surface, lone_level : those of
    the face of each lone surface, the kind of surface and the level of detail. references : targets of each list.
    leaf_name, leaf_unit, leaf_text : each property that is one text; the unit is empty where none is written.
    """

    face_id: list[str] = field(default_factory=list)
    face_text: list[str] = field(default_factory=list)
    lone_id: list[str] = field(default_factory=list)
    lone_text: list[str] = field(default_factory=list)
    lone_surface: list[int] = field(default_factory=list)
    lone_level: list[str] = field(default_factory=list)
    references: list[list[str]] = field(default_factory=list)
    leaf_name: list[str] = field(default_factory=list)
    leaf_unit: list[str] = field(default_factory=list)
    leaf_text: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether no face was taken out."""
        return not (self.face_id or self.lone_id)


def shorten(text: str, namespaces: Mapping[str | None, str]) -> tuple[str, Shortcuts]:
    """``text`` with stand-ins, and what they stand for.

    text : a run of whole elements, its bytes read as Latin-1. namespaces : prefix -> URI in force around it.
    Comments and CDATA must not be in it.
    """
    patterns = _patterns(tuple(sorted((prefix or "", uri) for prefix, uri in namespaces.items())))
    if patterns is None:
        return text, Shortcuts()
    found = Shortcuts()

    between, group = _taken(patterns.lone, text)
    surfaces, shapes = group("surface"), group("shape")  # groups within these would be more texts to make
    kinds = {name: int(SURFACES[name.rpartition(":")[2]]) for name in set(surfaces)}
    found.lone_surface = [kinds[name] for name in surfaces]
    levels = {name: name[-len("0MultiSurface")] for name in set(shapes)}
    found.lone_level = [levels[name] for name in shapes]
    found.lone_id = [name or "" for name in group("id")]
    found.lone_text = _coordinates(group("list"), group("points"))
    short = _with_runs(between, LONE, _BLANK)

    between, group = _taken(patterns.face, short)
    found.face_id = [name or "" for name in group("id")]
    found.face_text = _coordinates(group("list"), group("points"))
    short = _with_runs(between, FACE, patterns.next_member)
    if any(mark in short for mark in _HANDS_OFF):
        return text, Shortcuts()

    between, group = _taken(patterns.references, short)
    found.references = [[piece.partition('"')[0] for piece in run.split('href="#')] for run in group("members")]
    short = _with_runs(between, REFERENCES)

    between, group = _taken(patterns.leaf, short)
    found.leaf_name = [name or "name" for name in group("name")]
    found.leaf_unit = [unit or "" for unit in group("unit")]
    found.leaf_text = group("text")
    return _with_runs(between, LEAVES, _BLANK), found


def _taken(pattern: re.Pattern[str], text: str) -> tuple[list[str], Callable[[str], list[str]]]:
    """What lies between the matches of a pattern, and a way to get one group of all of them."""
    parts = pattern.split(text)
    step = pattern.groups + 1
    return parts[::step], lambda name: parts[pattern.groupindex[name] :: step]


def _coordinates(lists: list[str], points: list[str]) -> list[str]:
    """Texts of numbers, from a list of them or from elements around each point."""
    return [text or _TAGS.sub(" ", points[number]) for number, text in enumerate(lists)]


def _with_runs(between: list[str], name: str, joint: re.Pattern[str] | None = None) -> str:
    """Texts with a numbered stand-in after each but the last; one for all matches that only joints lie between."""
    count = len(between) - 1
    if joint is None:
        first = list(range(count))
    else:
        joins = {text: bool(joint.fullmatch(text)) for text in set(between)}
        first = [number for number, text in enumerate(between[:-1]) if not (number and joins[text])]
    pieces = [""] * (2 * len(first) + 1)
    pieces[:-1:2] = [between[number] for number in first]
    pieces[1::2] = [f'<{name} {NUMBER}="{start}" {COUNT}="{end - start}"/>' for start, end in pairwise([*first, count])]
    pieces[-1] = between[-1]
    return "".join(pieces)


@dataclass(frozen=True, slots=True)
class _Patterns:
    lone: re.Pattern[str]
    face: re.Pattern[str]
    references: re.Pattern[str]
    leaf: re.Pattern[str]
    next_member: re.Pattern[str]


def _one_of(namespaces: Mapping[str, str], wanted: str) -> str:
    """A pattern for the prefixes of the namespaces that are wanted."""
    prefixes = sorted((prefix for prefix, uri in namespaces.items() if re.search(wanted, uri)), reverse=True)
    return (
        "(?:" + "|".join(f"{re.escape(prefix)}:" if prefix else "" for prefix in prefixes) + ")" if prefixes else "(?!)"
    )


@lru_cache(maxsize=16)
def _patterns(namespaces: tuple[tuple[str, str], ...]) -> _Patterns | None:
    """Patterns for the prefixes of a file; None where its GML has none or several."""
    gml = [prefix for prefix, uri in namespaces if uri in GML_NAMESPACES]
    others = {prefix: uri for prefix, uri in namespaces if uri not in GML_NAMESPACES}
    links = [prefix for prefix, uri in namespaces if uri == _XLINK]
    if len(gml) != 1 or not gml[0] or not others:
        return None
    g, own_id, link = f"{re.escape(gml[0])}:", f"{re.escape(gml[0])}:id", re.escape(links[0]) if links else "xlink"
    # which of CityGML's modules it is does not matter to the reader either; a few are quicker to look for than any
    c = _one_of(others, "building|bridge|tunnel|construction|water|transportation|generics|/citygml/[1-3]")
    any_module = _one_of(others, "citygml(?!/(?:appearance|textured))")
    unlike = rf'(?:\s+(?!xmlns|{own_id}=)[\w:.-]+="{_VALUE}")*'
    face = (
        rf'<{g}(?P<face>Polygon|Triangle|PolygonPatch|Rectangle){unlike}(?:\s+{own_id}="(?P<id>{_VALUE})")?{unlike}\s*>'
        rf"\s*<{g}exterior>\s*<{g}LinearRing{_ATTRIBUTES}\s*>\s*"
        rf"(?:<{g}posList{_ATTRIBUTES}\s*>(?P<list>{_NUMBERS})</{g}posList>\s*"
        rf"|(?P<points>(?:<{g}pos{_ATTRIBUTES}\s*>{_NUMBERS}</{g}pos>\s*)+))"
        rf"</{g}LinearRing>\s*</{g}exterior>\s*</{g}(?P=face)>"
    )
    surfaces = "|".join(sorted(set(SURFACES) - INTERIOR_SURFACES - SPACES))
    lone = (
        rf"<(?P<property>{c}(?:boundedBy|boundary|opening|fillingSurface))>\s*"
        rf"<(?P<surface>{c}(?:{surfaces})){_ATTRIBUTES}\s*>\s*"
        # what a surface may say about itself is not read
        rf"(?:(?:<(?P<date>{c}creationDate)>{_TEXT}</(?P=date)>|<(?P<own>{g}(?:name|description))>{_TEXT}</(?P=own)>"
        rf"|<(?P<generic>{c}(?:string|int|double|date|uri|measure)Attribute){_ATTRIBUTES}\s*>"
        rf"\s*<(?P<value>{c}value){_ATTRIBUTES}>{_TEXT}</(?P=value)>\s*</(?P=generic)>)\s*)*"
        rf"<(?P<shape>{c}lod[0-4]MultiSurface)>\s*"
        rf"<(?P<collection>{g}(?:MultiSurface|CompositeSurface)){_ATTRIBUTES}\s*>\s*<{g}surfaceMember>\s*{face}"
        rf"\s*</{g}surfaceMember>\s*</(?P=collection)>\s*</(?P=shape)>\s*</(?P=surface)>\s*</(?P=property)>"
    )
    one = rf'<{g}surfaceMember\s+{link}:href="#'
    references = rf'{one}(?P<members>{_VALUE}"\s*/>(?:\s*{one}{_VALUE}"\s*/>)*)'
    leaf = (
        rf"<(?P<tag>{any_module}(?P<name>{'|'.join(LEAF_NAMES)})|{g}(?P<label>name))"
        rf'(?:\s+(?:uom="(?P<unit>{_VALUE})"|(?!xmlns|uom=)[\w:.-]+="{_VALUE}"))*\s*>(?P<text>{_TEXT})</(?P=tag)>'
    )
    next_member = rf"\s*(?:</{g}surfaceMember>\s*<{g}surfaceMember>)?\s*"
    return _Patterns(*(re.compile(pattern, re.ASCII) for pattern in (lone, face, references, leaf, next_member)))
