"""Terrain of CityGML that is not written as triangles: points, break lines and grids -> triangles through all of them.

What is gathered waits until the order of axes of the city is known. Knows the elements of the relief module; what a
grid is stands in ``citygml_grid``, which points may be joined to a surface in ``terrain_points``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.plugin_api import ReadContext
from viewer.readers import limits
from viewer.readers.citygml_arrays import FaceArrays, gml_id
from viewer.readers.citygml_grid import evenly, file_of, grid_of
from viewer.readers.citygml_names import HREF, local_name
from viewer.readers.citygml_numbers import RING_MARK, parse_runs
from viewer.readers.terrain_points import surface_on, surface_through, upwards

Element = Any
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Properties around points and lines of terrain, which no other part of the reader looks into.
POINT_PROPERTIES = frozenset({"reliefPoints", "pointCloud"})
LINE_PROPERTIES = frozenset({"ridgeOrValleyLines", "breaklines"})
NO_SURFACE = "Terrains without three points that span a surface, not shown: {count}"
DAMAGED = "Terrains whose grid is damaged, not shown: {count}"
LOST = "Points of terrain without a usable place, left out: {count}"
REPEATED = "Points of terrain where there is one already with another height, left out: {count}"
THINNED = "Terrains with more points than are shown, thinned: {count}"
JOINED = "Break lines, shown as part of the terrain of the points beside them: {count}"
BESIDE = "Break lines beside a terrain of triangles or a grid, left out: {count}"
IN_FILES = "Terrains whose heights lie in another file, not shown: {count}. Open {example} as a terrain of its own."


@dataclass(slots=True)
class Relief:
    """Points of one terrain object. lines : whether they are those of break lines.

    names : ids it is known by. points : (n, 3) in the order of axes of the file. shape : rows and columns of a grid,
    row by row; the heights of unknown nodes are NaN. (0, 0) for points in no order.
    """

    owner: int
    lod: int
    names: tuple[str, ...]
    points: Floats
    lines: bool = False
    shape: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class Reliefs:
    """Terrain gathered so far, and what is to be said of it: a sentence -> objects, with how much of it they had."""

    pieces: list[Relief] = field(default_factory=list)
    notes: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    # -- gathering ---------------------------------------------------------------------------------------------

    def add(self, element: Element, owner: int, lod: int) -> None:
        """Take the geometry of terrain that is not written as triangles, whatever its kind."""
        if local_name(element.tag) == "RasterRelief":
            self._add_grid(element, owner, lod)
        else:
            self._add_points(element, owner, lod)

    def _add_grid(self, element: Element, owner: int, lod: int) -> None:
        file = file_of(element)
        if file:
            self._note_file(owner, file)
            return
        grid, every = grid_of(element, limits.MAX_RELIEF_POINTS)
        self._note(DAMAGED, owner, int(grid is None))
        if grid is not None:
            self._note(THINNED, owner, int(every > 1))
            names = [gml_id(element), *(gml_id(own) for own in element.iter("{*}RectifiedGridCoverage"))]
            self.pieces.append(Relief(owner, lod, _given(names), grid.points, shape=grid.shape))

    def _add_points(self, element: Element, owner: int, lod: int) -> None:
        own: list[Floats] = []
        lines, names = False, [gml_id(element)]
        for prop in element:
            name = local_name(prop.tag)
            if name in POINT_PROPERTIES or name in LINE_PROPERTIES:
                lines = lines or name in LINE_PROPERTIES
                file = next(prop.iter("{*}pointFile"), None)
                if file is not None:
                    self._note_file(owner, file.text or "")
                    return
                points, lost = points_in(prop)
                self._note(LOST, owner, lost)
                own.append(points)
                names += [gml_id(geometry) for geometry in prop]
        self.pieces.append(Relief(owner, lod, _given(names), _joined(own), lines))

    def add_unmeshed(self, element: Element, owner: int, lod: int) -> None:
        """Take the points of a ``TINRelief`` that leaves it to its readers to make triangles of them."""
        found = [points_in(prop) for prop in element.iter("{*}controlPoint", "{*}stopLines", "{*}breakLines")]
        if found:
            self._note(LOST, owner, sum(lost for _, lost in found))
            names = [gml_id(element), *(gml_id(tin) for tin in element.iter("{*}Tin"))]
            self.pieces.append(Relief(owner, lod, _given(names), _joined([points for points, _ in found])))

    def join(self, first: int, *, triangles: bool) -> None:
        """The pieces since ``first`` are those of one relief feature: its break lines join the points beside them.

        triangles : whether the feature has a terrain of triangles too.
        """
        own = self.pieces[first:]
        lines, masses = [p for p in own if p.lines], [p for p in own if not p.lines and not p.shape[0]]
        if not lines or not (masses or triangles or len(lines) < len(own)):
            return
        for line in lines:
            self._note(JOINED if masses else BESIDE, line.owner, 1)
            if masses:
                near = max(masses, key=lambda mass: _shared(mass.points, line.points))
                near.points = np.concatenate([near.points, line.points])
        self.pieces[first:] = [p for p in own if not p.lines]

    def absorb(self, other: Reliefs, first: int, lods: list[int]) -> None:
        """Take over what was gathered elsewhere, where owners counted from 0 and levels of detail had other codes."""
        for piece in other.pieces:
            piece.owner, piece.lod = piece.owner + first, lods[piece.lod]
            self.pieces.append(piece)
        for text, rows in other.notes.items():
            self.notes.setdefault(text, []).extend((owner + first, count) for owner, count in rows)
        self.files += other.files

    def _note(self, text: str, owner: int, count: int) -> None:
        if count:
            self.notes.setdefault(text, []).append((owner, count))

    def _note_file(self, owner: int, name: str) -> None:
        self._note(IN_FILES, owner, 1)
        self.files.append(name.strip()[:200])

    # -- the end -----------------------------------------------------------------------------------------------

    @property
    def sample(self) -> Floats:
        """Some points, (n, 3), to judge the order of axes by."""
        return np.concatenate([np.zeros((0, 3)), *(piece.points[:1000] for piece in self.pieces[:10])])

    def place(
        self, north_first: bool, number: Callable[[tuple[str, ...], int], Ints | None], report: Callable[[], None]
    ) -> Iterator[FaceArrays]:
        """Triangles of every terrain, facing up where ``north_first`` says what the first axis is; used up by that.

        number : gives numbers to so many faces of what has these ids. report : called before each; may raise.
        """
        every = max(1, -(-sum(len(piece.points) for piece in self.pieces) // limits.MAX_RELIEF_POINTS_TOGETHER))
        pieces, self.pieces = self.pieces[::-1], []
        while pieces:
            report()
            piece = pieces.pop()
            points, triangles = self._surface(piece, every)
            if not len(triangles):
                self._note(NO_SURFACE, piece.owner, 1)
                continue
            count = len(triangles)
            closed = upwards(points, triangles, north_first=north_first)[:, [0, 1, 2, 0]]
            yield FaceArrays(
                points[closed].reshape(-1, 3),
                np.full(count, 4, np.int32),
                np.arange(count, dtype=np.int32),
                np.full(count, piece.owner, np.int32),
                np.zeros(count, np.uint8),
                np.full(count, piece.lod, np.uint8),
                number(piece.names, count),
            )

    def _surface(self, piece: Relief, every: int) -> tuple[Floats, Ints]:
        """Points of a piece, thinned where there are too many, and the triangles between them."""
        points = piece.points
        if piece.shape[0]:
            return self._grid_surface(piece, math.isqrt(every - 1) + 1)
        every = max(every, -(-len(points) // limits.MAX_RELIEF_POINTS))
        self._note(THINNED, piece.owner, int(every > 1))
        points = points[::every]
        surface = surface_through(points)
        self._note(LOST, piece.owner, surface.lost)
        self._note(REPEATED, piece.owner, surface.repeated)
        return points, surface.triangles

    def _grid_surface(self, piece: Relief, every: int) -> tuple[Floats, Ints]:
        self._note(THINNED, piece.owner, int(every > 1))
        rows, columns = (evenly(count, every) for count in piece.shape)
        points = piece.points.reshape(*piece.shape, 3)[np.ix_(rows, columns)]
        known = np.isfinite(points[..., 2])
        return points.reshape(-1, 3), surface_on(known)

    def tell(self, ids: list[str], context: ReadContext) -> None:
        """Say what was found, with the ids of the objects."""
        for text, rows in self.notes.items():
            where = tuple(ids[owner] for owner in dict.fromkeys(owner for owner, _ in rows[:1000]))[:20]
            count = sum(count for _, count in rows)
            if text == IN_FILES:
                context.warn(text, where=where, count=count, example=self.files[0])
            elif text in (JOINED, THINNED):
                context.info(text, where=where, count=count)
            else:
                context.warn(text, where=where, count=count)


def points_in(prop: Element) -> tuple[Floats, int]:
    """(n, 3) points of all points and lines below an element, and how many had no height or lie elsewhere."""
    tokens: list[str] = []
    runs = lost = 0
    for element in (prop, *prop.iter("{*}pos", "{*}posList", "{*}coordinates", "{*}pointMember", "{*}curveMember")):
        text = element.text
        if not len(element) and element.get(HREF):
            lost += 1
        elif text and not len(element) and element is not prop:
            runs += 1
            tokens += (RING_MARK, text.replace(",", " "))
    values, size = parse_runs(tokens, runs)
    fits = size % 3 == 0
    if prop.xpath('.//@srsDimension[normalize-space()="2"]'):
        fits &= size % 2 != 0
    lost += int(np.maximum(size[~fits] // 2, 1).sum())
    if not fits.all():
        values = values[np.repeat(fits, size)]
    return values.reshape(-1, 3), lost


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate([np.zeros((0, 3)), *parts])


def _given(names: list[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name)


def _shared(mass: Floats, line: Floats) -> int:
    """How many points of a line lie in the box around other points."""
    if not len(mass):
        return -1
    low, high = np.nanmin(mass[:, :2], axis=0), np.nanmax(mass[:, :2], axis=0)
    return int(((line[:, :2] >= low) & (line[:, :2] <= high)).all(axis=1).sum())
