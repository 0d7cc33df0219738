"""Textures and materials of CityJSON: members of geometries and of documents, laid on the faces at the end.

A geometry that has some gives its faces numbers (``LookCollector.add``), by which they are known when the pictures,
materials and coordinates of the document are there. Other geometries and files cost nothing.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city.appearance import WHITE, Appearance, nothing
from viewer.plugin_api import ReadContext
from viewer.readers.pictures import PictureFinder, note_lost
from viewer.readers.texture_rings import lay, order_in_face

Ints = NDArray[np.int64]

BROKEN = "Textures and materials that do not fit their geometry, not used: {count}"
THEMES = "The city is shown with the textures of the theme {theme}; it also has {others}."
UNKNOWN = "Surfaces with a texture that is not in the file: {count}"
NO_MATERIAL = "Surfaces with a material that is not in the file: {count}"
UNFIT = "Texture coordinates that do not fit their ring, not used: {count}"

_SOLIDS = frozenset({"MultiSolid", "CompositeSolid"})
_BAD = (TypeError, ValueError, OverflowError, IndexError, KeyError, AttributeError)
#: Rings of one face that are told apart.
_MOST_RINGS = 1 << 20


@dataclass(eq=False)
class _Waiting:
    """Members of geometries as parsed, of one theme: one entry per face, and per geometry its first face's number,
    how many faces it has and where the lists of its document begin."""

    faces: list[Any] = field(default_factory=list)
    rows: list[tuple[int, int, int, int]] = field(default_factory=list)  # number, faces, picture base, point base


@dataclass(eq=False)
class _Rings:
    """Flat: number of the face, place within it, picture, first point and points of each ring, and all points."""

    key: list[Ints] = field(default_factory=list)
    texture: list[Ints] = field(default_factory=list)
    size: list[Ints] = field(default_factory=list)
    points: list[Ints] = field(default_factory=list)


class LookCollector:
    """Gathers the looks of one city, whose documents may each bring pictures, materials and coordinates."""

    def __init__(self, finder: PictureFinder | None = None) -> None:
        self._finder = finder
        self._faces = 0
        self._broken = 0
        self._pictures: dict[str, int] = {}
        self._textures: list[int] = []  # of all documents, into the pictures, -1 for those that are lost
        self._materials: list[tuple[int, int, int, int]] = []
        self._points: list[NDArray[np.float32]] = []
        self._point_count = 0
        self._bases = (0, 0, 0)
        self._default = ("", "")
        self._waiting: dict[str, _Waiting] = {}
        self._rings: dict[str, _Rings] = {}
        self._painted: dict[str, list[tuple[Ints, Ints]]] = {}

    @property
    def untouched(self) -> bool:
        """Whether no geometry brought any look."""
        return not self._faces and not self._broken

    # -- what documents bring ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """A document follows, in whose lists its geometries count; ``set_section`` brings those, early or late."""
        self._bases = (len(self._textures), len(self._materials), self._point_count)

    def set_section(self, section: Any) -> None:
        """Take the ``appearance`` of the document begun last."""
        if not isinstance(section, dict):
            return
        for picture in _list(section, "textures"):
            name = picture.get("image") if isinstance(picture, dict) else None
            path = self._finder.find(name) if self._finder is not None and isinstance(name, str) else ""
            self._textures.append(self._pictures.setdefault(path, len(self._pictures)) if path else -1)
        self._materials.extend(_material(entry) for entry in _list(section, "materials"))
        points = _points(_list(section, "vertices-texture"))
        self._points.append(points)
        self._point_count += len(points)
        texture, material = section.get("default-theme-texture"), section.get("default-theme-material")
        self._default = (
            self._default[0] or (texture if isinstance(texture, str) else ""),
            self._default[1] or (material if isinstance(material, str) else ""),
        )

    # -- what geometries bring ---------------------------------------------------------------------------------

    def add(self, geometry: dict[str, Any], faces: int) -> int:
        """Take ``texture`` and ``material`` of a geometry of so many faces; the number of its first face."""
        first = self._faces
        self._faces += faces
        kind = geometry.get("type")
        for theme, values in _themes(geometry.get("texture")):
            of_faces = _of_faces(kind, values.get("values"))
            if of_faces is None or len(of_faces) != faces:
                self._broken += 1
                continue
            waiting = self._waiting.setdefault(theme, _Waiting())
            waiting.faces.extend(of_faces)
            waiting.rows.append((first, faces, self._bases[0], self._bases[2]))
        for theme, values in _themes(geometry.get("material")):
            self._paint(theme, kind, values, first, faces)
        return first

    def _paint(self, theme: str, kind: object, values: dict[str, Any], first: int, faces: int) -> None:
        numbers = np.arange(first, first + faces)
        single = values.get("value")
        if isinstance(single, int):
            material = np.full(faces, single, np.int64)
        else:
            of_faces = _of_faces(kind, values.get("values"))
            if of_faces is None or len(of_faces) != faces:
                self._broken += 1
                return
            try:
                material = np.array([-1 if value is None else value for value in of_faces], dtype=np.int64)
            except _BAD:
                self._broken += 1
                return
        own = material >= 0
        if own.any():
            self._painted.setdefault(theme, []).append((numbers[own], material[own] + self._bases[1]))

    def flatten(self) -> None:
        """Turn what waits into arrays."""
        for theme, waiting in self._waiting.items():
            rings = self._rings.setdefault(theme, _Rings())
            try:
                self._flatten(rings, waiting.faces, waiting.rows)
            except _BAD:
                start = np.cumsum([0, *(row[1] for row in waiting.rows)]).tolist()
                for row, (begin, end) in zip(waiting.rows, pairwise(start), strict=True):
                    try:
                        self._flatten(rings, waiting.faces[begin:end], [row])
                    except _BAD:
                        self._broken += 1
        self._waiting = {}

    @staticmethod
    def _flatten(rings: _Rings, faces: list[Any], rows: list[tuple[int, int, int, int]]) -> None:
        table = np.array(rows, dtype=np.int64)
        per_face = np.repeat(np.arange(len(rows)), table[:, 1])
        begin = np.cumsum(table[:, 1]) - table[:, 1]
        number = table[per_face, 0] + np.arange(len(faces)) - begin[per_face]
        lists = [face or () for face in faces]
        count = np.fromiter(map(len, lists), np.int64, len(lists))
        flat = [ring if ring and ring[0] is not None else () for ring in chain.from_iterable(lists)]
        size = np.fromiter(map(len, flat), np.int64, len(flat))
        values = np.asarray(array("q", chain.from_iterable(flat)), dtype=np.int64)
        face = np.repeat(np.arange(len(lists)), count)
        order = np.arange(len(flat)) - np.repeat(np.cumsum(count) - count, count)
        there = size > 0
        start = (np.cumsum(size) - size)[there]
        face, order, size = face[there], order[there], size[there]
        is_point = np.ones(len(values), bool)
        is_point[start] = False
        texture, points = values[start], values[is_point]
        if (values < 0).any():
            raise ValueError("negative index")
        rings.key.append(number[face] * _MOST_RINGS + order)
        rings.texture.append(texture + table[per_face[face], 2])
        rings.size.append(size - 1)
        rings.points.append(points + np.repeat(table[per_face[face], 3], size - 1))

    # -- the end -----------------------------------------------------------------------------------------------

    def finish(
        self, number: Ints | None, ring_face: NDArray[np.integer], ring_start: Ints, context: ReadContext
    ) -> Appearance | None:
        """The appearance of F faces with these numbers (-1 for none), R rings and P ring points; None without any.

        What could not be used is told to ``context``.
        """
        self.flatten()
        self._rings = {theme: rings for theme, rings in self._rings.items() if rings.key}  # what could be used
        if self._finder is not None:
            note_lost(self._finder.lost, context)
        context.warn(BROKEN, count=self._broken)
        if number is None or not (self._rings or self._painted):
            return None
        uses = Counter({theme: sum(map(len, rings.key)) for theme, rings in self._rings.items()})
        painted = Counter({theme: sum(len(pair[0]) for pair in pairs) for theme, pairs in self._painted.items()})
        theme, paint = _choose(uses, self._default[0]), _choose(painted, self._default[1])
        _tell_themes(theme if uses else paint, {**uses, **painted}, context)
        result = nothing(int(ring_start[-1]), len(number))
        uv, texture, material = result.uv.copy(), result.face_texture.copy(), result.face_material.copy()
        if theme in self._rings:
            unknown, unfit = self._lay(self._rings[theme], number, ring_face, ring_start, uv, texture)
            context.warn(UNKNOWN, count=unknown)
            context.warn(UNFIT, count=unfit)
        if paint in self._painted:
            context.warn(NO_MATERIAL, count=self._dye(self._painted[paint], number, material))
        return Appearance(
            uv=uv,
            face_texture=texture,
            face_material=material,
            textures=tuple(self._pictures),
            materials=np.array(self._materials, dtype=np.uint8).reshape(-1, 4),
            theme=theme or paint,
        )

    def _lay(
        self,
        rings: _Rings,
        number: Ints,
        ring_face: NDArray[np.integer],
        ring_start: Ints,
        uv: NDArray[np.float32],
        face_texture: NDArray[np.int32],
    ) -> tuple[int, int]:
        """Fill in texture coordinates and textures; how many rings ask for an unknown one, and how many do not fit."""
        key, texture, size = (np.concatenate(part) for part in (rings.key, rings.texture, rings.size))
        index, values = np.concatenate(rings.points), self._all_points()
        order, _ = order_in_face(ring_face, len(number))
        wanted = number[ring_face] * _MOST_RINGS + order
        place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)  # keys ascend: numbers were given in order
        there = np.flatnonzero((key[place] == wanted) & (number[ring_face] >= 0)) if len(key) else np.zeros(0, np.int64)
        entry = place[there]
        known = texture[entry] < len(self._textures)
        picture = np.array([*self._textures, -1])[np.where(known, texture[entry], -1)]  # -1 is the last entry
        there, entry, picture = there[picture >= 0], entry[picture >= 0], picture[picture >= 0]
        beyond = index >= len(values)
        first = np.cumsum(size) - size
        values = np.concatenate([values, np.full((1, 2), np.nan, np.float32)])  # the last one is of those beyond
        points = values[np.where(beyond, -1, index)]
        fits = lay(uv, ring_start, there, points, first[entry], size[entry])
        face_texture[ring_face[there[fits]]] = picture[fits]
        return int((~known).sum()), int((~fits).sum())

    def _dye(self, painted: list[tuple[Ints, Ints]], number: Ints, face_material: NDArray[np.int32]) -> int:
        """Fill in materials; how many faces ask for an unknown one."""
        of_number = np.full(self._faces + 1, -1, np.int64)  # the last one is that of faces without a number
        for numbers, material in painted:
            of_number[numbers] = material
        material = of_number[number]
        unknown = material >= len(self._materials)
        material[unknown] = -1
        face_material[:] = material
        return int(unknown.sum())

    def _all_points(self) -> NDArray[np.float32]:
        return np.concatenate(self._points) if self._points else np.zeros((0, 2), np.float32)


def _of_faces(kind: object, values: Any) -> list[Any] | None:
    """The values of the faces of all shells, nested as deep as a geometry of this kind asks; None if unusable."""
    try:
        if kind == "Solid":
            values = None if not values else values[0] if len(values) == 1 else list(chain.from_iterable(values))
        elif kind in _SOLIDS:
            values = list(chain.from_iterable(chain.from_iterable(values)))
    except _BAD:
        return None
    return values if isinstance(values, list) else None


def _themes(member: Any) -> Iterable[tuple[str, dict[str, Any]]]:
    """Theme -> values of a geometry."""
    if not isinstance(member, dict):
        return
    for theme, values in member.items():
        if isinstance(values, dict) and values:
            yield str(theme), values


def _choose(uses: Counter[str], default: str) -> str:
    """The default theme if anything uses it, else the most used one."""
    return default if uses.get(default) else (uses.most_common(1)[0][0] if uses else "")


def _tell_themes(chosen: str, uses: dict[str, int], context: ReadContext) -> None:
    others = [theme or "?" for theme in uses if theme != chosen]
    if others:
        context.info(THEMES, theme=chosen or "?", others=", ".join(others))


def _list(section: dict[str, Any], name: str) -> list[Any]:
    value = section.get(name)
    return value if isinstance(value, list) else []


def _points(values: list[Any]) -> NDArray[np.float32]:
    """(n, 2) float32 texture coordinates; NaN for those that are not two numbers."""
    try:
        if set(map(len, values)) <= {2}:
            flat = np.fromiter(chain.from_iterable(values), np.float64, 2 * len(values))
            return np.clip(flat, -1e9, 1e9).astype(np.float32).reshape(-1, 2)
    except _BAD:
        pass  # one by one, then
    return np.array([_pair(value) for value in values], dtype=np.float32).reshape(-1, 2)


def _pair(value: Any) -> tuple[float, float]:
    try:
        u, v = value
        return min(max(float(u), -1e9), 1e9), min(max(float(v), -1e9), 1e9)
    except _BAD:
        return float("nan"), float("nan")


def _material(entry: Any) -> tuple[int, int, int, int]:
    """Colour and opacity of a material, white where it says nothing."""
    try:
        red, green, blue = (round(255 * min(max(float(share), 0.0), 1.0)) for share in entry["diffuseColor"])
    except _BAD:
        red, green, blue = WHITE[:3]
    try:
        clear = min(max(float(entry.get("transparency", 0.0)), 0.0), 1.0)
    except _BAD:
        clear = 0.0
    return red, green, blue, round(255 * (1.0 - clear))
