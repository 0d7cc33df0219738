"""Textures and materials of CityGML 1.0 to 3.0: which picture lies how on which face.

Surfaces are told by the ids of their rings and polygons, and an appearance may stand before, in or after what it
dresses. So while a file with appearances is read, every face gathered gets a number (``NamedFaces``), the
appearances are gathered beside it (``AppearanceCollector``), and both are brought together at the end. A file
without appearances is read as ever.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city.appearance import WHITE, Appearance, nothing
from viewer.plugin_api import ReadContext
from viewer.readers.archive import Member
from viewer.readers.citygml_arrays import FaceArrays, gml_id
from viewer.readers.citygml_faces import CHUNK_CHARACTERS, FaceCollector
from viewer.readers.citygml_names import HREF, local_name
from viewer.readers.citygml_numbers import RING_MARK, parse_runs
from viewer.readers.citygml_projection import (
    GEOREFERENCED,
    OUTSIDE,
    PROJECTED,
    Projection,
    Projections,
    matrix_of,
    place_of,
    repeats,
)
from viewer.readers.pictures import PictureFinder, note_lost
from viewer.readers.texture_rings import Lookup, lay, order_in_face

Element = Any
Ints = NDArray[np.int64]

THEMES = "The city is shown with the textures of the theme {theme}; it also has {others}."
UNFIT = "Texture coordinates that do not fit their ring, not used: {count}"

#: How much of the beginning and the end of a file is looked at for appearances, bytes.
_PEEK_BYTES = 1 << 19
_MARKS = (b"TexCoordList", b"X3DMaterial", b"GeoreferencedTexture", b"TexCoordGen")
_POLYGONS = ("{*}Polygon", "{*}PolygonPatch", "{*}Triangle", "{*}Rectangle")
_COLLECTIONS = (
    "{*}MultiSurface", "{*}CompositeSurface", "{*}Surface", "{*}Shell", "{*}Solid", "{*}OrientableSurface",
    "{*}CompositeSolid", "{*}MultiSolid", "{*}TriangulatedSurface", "{*}PolyhedralSurface", "{*}Tin",
)  # fmt: skip
_DATA = ("{*}ParameterizedTexture", "{*}X3DMaterial", "{*}GeoreferencedTexture")
_GREY = "0.8 0.8 0.8"
#: Mixes the number of a ring within its face into the face's id.
_ODD = 0x9E3779B97F4A7C15


def likely_dressed(member: Member) -> bool:
    """Whether a file seems to have textures or materials, from its beginning and its end; quick, may be wrong."""
    if any(mark in member.head() for mark in _MARKS):
        return True
    if member.kind != "plain":
        return False
    with member.path.open("rb") as file:
        begin = file.read(_PEEK_BYTES)
        file.seek(max(0, member.size - _PEEK_BYTES))
        end = file.read(_PEEK_BYTES)
    return any(mark in part for part in (begin, end) for mark in _MARKS)


@dataclass(eq=False)
class Names:
    """Ids of the faces gathered, as hashes; every face has a number, in the order of gathering.

    face : id of each face, 0 for none. ring, ring_face : ids of rings and the numbers of their faces. whole : ids of
    collections and what holds them, with the first and the last number of their faces. turned : numbers of faces
    that were turned round.
    """

    face: array[int] = field(default_factory=lambda: array("q"))
    ring: array[int] = field(default_factory=lambda: array("q"))
    ring_face: array[int] = field(default_factory=lambda: array("q"))
    whole: list[tuple[int, int, int]] = field(default_factory=list)
    turned: list[Ints] = field(default_factory=list)


class NamedFaces(FaceCollector):
    """A ``FaceCollector`` that numbers its faces and remembers ids in ``names``, which several may share."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self._numbers: list[int] = []
        super().__init__()

    def adopt(self, names: tuple[str, ...], count: int) -> Ints:
        """Numbers (count,) for faces that were made elsewhere, of what has these ids."""
        first = len(self.names.face)
        self.names.face.frombytes(bytes(8 * count))
        self.names.whole.extend((_hash(name), first, first + count - 1) for name in names)
        return np.arange(first, first + count)

    def another(self) -> NamedFaces:
        """One more that numbers on."""
        return NamedFaces(self.names)

    def collect(self, geometry: Element, owner: int, lod: int, surface: int, *, backwards: bool = False) -> bool:
        """Gather all faces below ``geometry`` with their ids."""
        first_face, first_ring = len(self._owner), len(self._ring_face)
        done = super().collect(geometry, owner, lod, surface, backwards=backwards)
        self._name(geometry, first_face, first_ring)
        return done

    def collect_lone(self, prop: Element, owner: int, kinds: dict[str, int], levels: dict[str, int]) -> bool:
        """No short way: ids are wanted."""
        return False

    def take(self) -> FaceArrays:
        """Everything gathered so far, with the numbers of the faces."""
        numbers = np.array(self._numbers, dtype=np.int64)
        if self._turned:
            self.names.turned.append(numbers[np.array(self._turned, dtype=np.int64)])
        self._numbers = []
        arrays = super().take()
        arrays.number = numbers
        return arrays

    def _name(self, geometry: Element, first_face: int, first_ring: int) -> None:
        """Give numbers to the faces since ``first_face``, and note the ids of ``geometry`` and all in it."""
        names, count = self.names, len(self._owner) - first_face
        first = len(names.face)
        self._numbers.extend(range(first, first + count))
        polygons = list(geometry.iter(*_POLYGONS))
        if len(polygons) != count:  # not understood in the same way: without names there is no texture
            names.face.extend([0] * count)
            return
        rings_of = Counter(self._ring_face[first_ring:])
        for number, polygon in enumerate(polygons):
            names.face.append(_hash(gml_id(polygon)))
            rings = [gml_id(ring) for ring in polygon.iter("{*}LinearRing", "{*}Ring")]
            if len(rings) == rings_of[first_face + number]:
                names.ring.extend(_hash(ring) for ring in rings)
                names.ring_face.extend([first + number] * len(rings))
        self._name_wholes(geometry, polygons, first)

    def _name_wholes(self, geometry: Element, polygons: list[Element], first: int) -> None:
        place = {id(polygon): first + number for number, polygon in enumerate(polygons)}
        above = geometry.getparent()
        feature = above.getparent() if above is not None else None
        for element in (*geometry.iter(*_COLLECTIONS), above, feature):
            name = gml_id(element) if element is not None else ""
            if not name:
                continue
            within = polygons if element in (above, feature) else list(element.iter(*_POLYGONS))
            if within:
                self.names.whole.append((_hash(name), place[id(within[0])], place[id(within[-1])]))


def _hash(name: str) -> int:
    """A number for an id, 0 for none; two ids share one with a chance of about 2^-64."""
    return hash(name) if name else 0


@dataclass(slots=True)
class _Lists:
    """Texture coordinates of rings: whose, in which theme, by which picture, and how many numbers follow."""

    ring: array[int] = field(default_factory=lambda: array("q"))
    target: array[int] = field(default_factory=lambda: array("q"))
    theme: array[int] = field(default_factory=lambda: array("q"))
    texture: array[int] = field(default_factory=lambda: array("q"))
    back: array[int] = field(default_factory=lambda: array("q"))


class AppearanceCollector:
    """Gathers the appearances of a file; ``finish`` lays them on its faces."""

    def __init__(self) -> None:
        self._finders: list[PictureFinder] = []
        self._lists = _Lists()
        self._tokens: list[str] = []
        self._waiting = self._characters = 0
        self._values: list[NDArray[np.float32]] = []
        self._sizes: list[NDArray[np.int32]] = []
        self._themes: dict[str, int] = {}
        self._theme_uses: Counter[int] = Counter()
        self._textures: dict[str, int] = {}
        self._materials: dict[tuple[int, int, int, int], int] = {}
        self._painted: list[tuple[int, int, int, int]] = []  # back, theme, target, material
        self._projections = Projections()
        self._left_out: Counter[str] = Counter()

    def begin(self, finder: PictureFinder) -> None:
        """Another file of the city follows, whose pictures ``finder`` knows."""
        self._finders.append(finder)

    def add(self, member: Element) -> None:
        """Take the appearances in a member of the collection, or in the objects of one."""
        for appearance in member.iter("{*}Appearance"):
            name = next((child.text or "" for child in appearance if local_name(child.tag) == "theme"), "").strip()
            theme = self._themes.setdefault(name, len(self._themes))
            for data in appearance.iter(*_DATA):
                kind = local_name(data.tag)
                if kind == "X3DMaterial":
                    self._add_material(data, theme)
                elif kind == "ParameterizedTexture":
                    self._add_texture(data, theme)
                else:
                    self._add_georeferenced(data, theme)
        if self._characters > CHUNK_CHARACTERS:
            self._parse()

    def _add_texture(self, data: Element, theme: int) -> None:
        children = {local_name(child.tag): child.text or "" for child in data}
        picture = self._finders[-1].find(children.get("imageURI", ""))
        if not picture:
            return
        texture = self._textures.setdefault(picture, len(self._textures))
        back = int(children.get("isFront", "").strip() in ("false", "0"))
        lists = self._lists
        for coordinates in data.iter("{*}TexCoordList"):
            texts = [child.text or "" for child in coordinates if local_name(child.tag) == "textureCoordinates"]
            rings = [child.get("ring") or "" for child in coordinates if local_name(child.tag) == "textureCoordinates"]
            apart = [child.text or "" for child in coordinates if local_name(child.tag) == "ring"]
            if len(apart) == len(rings):
                rings = apart
            target = _hash(_id_of(_target_of(coordinates)))
            for number, (text, ring) in enumerate(zip(texts, rings, strict=True)):
                lists.ring.append(_hash(_id_of(ring)))
                lists.target.append(_in_order(target, number))
                lists.theme.append(theme)
                lists.texture.append(texture)
                lists.back.append(back)
                self._tokens += (RING_MARK, text)
                self._characters += len(text)
            self._waiting += len(texts)
            self._theme_uses[theme] += len(texts)
        for generator in data.iter("{*}TexCoordGen"):
            matrix = matrix_of(generator)
            if matrix is None:
                self._left_out[PROJECTED] += 1
            else:
                target = _hash(_id_of(_target_of(generator)))
                self._projections.rows.append(Projection(back, theme, target, texture, matrix, repeats(data)))
                self._theme_uses[theme] += 1

    def _add_georeferenced(self, data: Element, theme: int) -> None:
        children = {local_name(child.tag): child.text or "" for child in data}
        name, finder = children.get("imageURI", ""), self._finders[-1]
        picture = finder.find(name)
        if not picture:
            return
        place = place_of(data, finder, name, picture)
        if place is None:
            self._left_out[GEOREFERENCED] += 1
            return
        texture = self._textures.setdefault(picture, len(self._textures))
        back = int(children.get("isFront", "").strip() in ("false", "0"))
        for target in _targets(data):
            self._projections.rows.append(Projection(back, theme, _hash(target), texture, place))
            self._theme_uses[theme] += 1

    def _add_material(self, data: Element, theme: int) -> None:
        children = {local_name(child.tag): child.text or "" for child in data}
        red, green, blue = _color(children.get("diffuseColor", _GREY))
        seen = 1.0 - (_fraction(children.get("transparency", "0")) or 0.0)
        color = (red, green, blue, round(255 * seen))
        material = self._materials.setdefault(color, len(self._materials))
        back = int(children.get("isFront", "").strip() in ("false", "0"))
        for name in _targets(data):
            self._painted.append((back, theme, _hash(name), material))
            self._theme_uses[theme] += 1

    def _parse(self) -> None:
        """Turn the texts waiting into numbers."""
        if self._waiting:
            values, size = parse_runs(self._tokens, self._waiting)
            with np.errstate(over="ignore"):
                self._values.append(values.astype(np.float32))
            self._sizes.append(size)
        self._tokens, self._waiting, self._characters = [], 0, 0

    # -- the end -----------------------------------------------------------------------------------------------

    def finish(
        self,
        names: Names,
        number: Ints,
        ring_face: NDArray[np.integer],
        ring_start: Ints,
        points: NDArray[np.float64],
        context: ReadContext,
        *,
        north_first: bool,
    ) -> Appearance | None:
        """The appearance of F faces with these numbers (F,), R rings and P ring points (P, 3); None without any.

        points : as the file writes them; ``north_first`` says what comes first. What could not be used is told to
        ``context``.
        """
        self._parse()
        note_lost(tuple(name for finder in self._finders for name in finder.lost), context)
        for text, count in self._left_out.items():
            context.warn(text, count=count)
        if not self._theme_uses:
            return None
        theme = max(self._theme_uses, key=lambda own: (self._theme_uses[own], -own))
        self._tell_themes(theme, context)
        result = nothing(int(ring_start[-1]), len(number))
        uv, texture = result.uv.copy(), result.face_texture.copy()
        lost = self._lay(theme, names, number, ring_face, ring_start, uv, texture)
        context.warn(UNFIT, count=lost)
        if self._projections.rows:
            first = ring_start[np.searchsorted(ring_face, np.arange(len(number) + 1))]
            beyond = self._projections.lay(
                theme, partial(by_target, names, number), points, first, north_first, uv, texture
            )
            context.info(OUTSIDE, count=beyond)
        return Appearance(
            uv=uv,
            face_texture=texture,
            face_material=self._paint(theme, names, number),
            textures=tuple(self._textures),
            materials=np.array(list(self._materials), dtype=np.uint8).reshape(-1, 4),
            theme=next(name for name, own in self._themes.items() if own == theme),
        )

    def _tell_themes(self, theme: int, context: ReadContext) -> None:
        used = [name for name, own in self._themes.items() if own in self._theme_uses]
        if len(used) > 1:
            chosen = next(name for name, own in self._themes.items() if own == theme)
            others = ", ".join(name or "?" for name in used if name != chosen)
            context.info(THEMES, theme=chosen or "?", others=others)

    def _lay(
        self,
        theme: int,
        names: Names,
        number: Ints,
        ring_face: NDArray[np.integer],
        ring_start: Ints,
        uv: NDArray[np.float32],
        face_texture: NDArray[np.int32],
    ) -> int:
        """Fill texture coordinates and textures in place; how many rings had coordinates that do not fit."""
        lists = self._lists
        own = _array(lists.theme) == theme
        if not own.any():
            return 0
        chosen = np.flatnonzero(own)
        chosen = chosen[np.argsort(_array(lists.back)[chosen], kind="stable")]  # what is meant for the front first
        by_ring = Lookup(_array(lists.ring)[chosen], chosen)
        by_face = Lookup(_array(lists.target)[chosen], chosen)
        ring_id, face_id = _ring_ids(names, number, ring_face)
        entry = by_ring(ring_id)
        unnamed = entry < 0
        entry[unnamed] = by_face(face_id[unnamed])
        rings = np.flatnonzero(entry >= 0)
        entry = entry[rings]

        sizes = np.concatenate(self._sizes).astype(np.int64)
        values = np.concatenate(self._values)
        turned = np.isin(number, np.concatenate(names.turned)) if names.turned else np.zeros(len(number), bool)
        start, pairs = np.cumsum(sizes) - sizes, sizes // 2
        odd = sizes % 2 != 0
        if odd.any():  # a list with half a pair is no list; without its numbers the others are pairs
            values = values[~np.repeat(odd, sizes)]
            pairs[odd] = 0
            start = (np.cumsum(pairs) - pairs) * 2
        coordinates, first, back = values.reshape(-1, 2), start[entry] // 2, turned[ring_face[rings]]
        fits = lay(uv, ring_start, rings, coordinates, first, pairs[entry], back, closed=True)
        face_texture[ring_face[rings[fits]]] = _array(lists.texture)[entry[fits]]
        return int((~fits).sum())

    def _paint(self, theme: int, names: Names, number: Ints) -> NDArray[np.int32]:
        """(F,) material of every face."""
        result = np.full(len(number), -1, np.int32)
        painted = np.array([row for row in self._painted if row[1] == theme], dtype=np.int64).reshape(-1, 4)
        if not len(painted) or not len(number):
            return result
        painted = painted[np.argsort(painted[:, 0], kind="stable")]
        which = by_target(names, number, painted[:, 2])
        result[which >= 0] = painted[which[which >= 0], 3]
        return result


def by_target(names: Names, number: Ints, targets: Ints) -> NDArray[np.int32]:
    """(F,) the first of some targets (n,) that is a face with this number, or else a whole it is in; -1 for none."""
    of = Lookup(targets, np.arange(len(targets)))
    every = np.full(len(names.face), -1, np.int32)  # by number of the face
    if names.whole:
        whole = np.array(names.whole, dtype=np.int64)
        found = of(whole[:, 0])
        for row in np.flatnonzero(found >= 0)[::-1].tolist():
            every[whole[row, 1] : whole[row, 2] + 1] = found[row]
    found = of(_array(names.face))
    every[found >= 0] = found[found >= 0]
    result = np.full(len(number), -1, np.int32)
    known = (number >= 0) & (number < len(every))
    result[known] = every[number[known]]
    return result


def _ring_ids(names: Names, number: Ints, ring_face: NDArray[np.integer]) -> tuple[Ints, Ints]:
    """Ids of R rings, and those of their faces with the ring's number mixed in; 0 where there is none."""
    faces = len(names.face)
    order, rings = order_in_face(ring_face, len(number))
    name_face = _array(names.ring_face)
    first = np.searchsorted(name_face, np.arange(faces + 1))
    count = np.diff(first)
    own = number[ring_face]
    named = (own >= 0) & (own < faces)
    own = np.where(named, own, 0)
    ring_id = np.zeros(len(ring_face), np.int64)
    if not faces:
        return ring_id, ring_id.copy()
    agree = named & (rings[ring_face] == count[own])
    ring_id[agree] = _array(names.ring)[first[:-1][own[agree]] + order[agree]]
    face_id = np.where(named, _array(names.face)[own], 0)
    mixed = (face_id.view(np.uint64) + order.astype(np.uint64) * np.uint64(_ODD)).view(np.int64)
    return ring_id, np.where(face_id == 0, 0, mixed)


def _in_order(face: int, ring: int) -> int:
    """The id of a face with the number of a ring mixed in, as in ``_ring_ids``; 0 for no face."""
    if not face:
        return 0
    mixed = (face + ring * _ODD) & 0xFFFFFFFFFFFFFFFF
    return mixed - (1 << 64) if mixed >> 63 else mixed


def _array(numbers: array[int]) -> Ints:
    return np.frombuffer(numbers, dtype=np.int64) if len(numbers) else np.zeros(0, np.int64)


def _id_of(uri: str) -> str:
    """``#id``, ``id`` or ``file.gml#id`` -> ``id``."""
    return uri.strip().rpartition("#")[2]


def _targets(data: Element) -> list[str]:
    """Ids of all surfaces that a material or a picture of the map is for."""
    found = (_id_of(target.get("uri") or target.get(HREF) or target.text or "") for target in data.iter("{*}target"))
    return [name for name in found if name]


def _target_of(coordinates: Element) -> str:
    """Whom a ``TexCoordList`` is for: the target around it, or in 3.0 the one beside it."""
    above = coordinates.getparent()
    while above is not None:
        name = local_name(above.tag)
        if name == "target":
            return above.get("uri") or above.get(HREF) or ""
        if name == "TextureAssociation":
            target = next(above.iter("{*}target"), None)
            return "" if target is None else target.text or target.get(HREF) or ""
        if name == "ParameterizedTexture":
            return ""
        above = above.getparent()
    return ""


def _fraction(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return min(max(value, 0.0), 1.0) if value == value else None


def _color(text: str) -> tuple[int, int, int]:
    """Three shares as bytes; white where they are none."""
    shares = [_fraction(word) for word in text.split()]
    if len(shares) != 3 or None in shares:
        return WHITE[:3]
    red, green, blue = (round(255 * (share or 0.0)) for share in shares)
    return red, green, blue
