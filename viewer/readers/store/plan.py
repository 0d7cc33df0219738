"""What of several sorted cities goes where when they become one: a few numbers for each top-level object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Frame
from viewer.city.arrange import SMALLEST_M, Places, places_of, ranges, squares_of
from viewer.city.kinds import lod_key
from viewer.city.report import IssueLog
from viewer.city.texts import PackedTexts, packed_of
from viewer.city.tiles import Tiles
from viewer.errors import LimitError
from viewer.readers.store.names import Names

#: Indices are int32.
_MOST = np.iinfo(np.int32).max
_COUNTED = ("object", "face", "ring", "vertex", "triangle")
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Part:
    """One city with what tells where it goes.

    number : among all cities.
    start : by what is counted, (K + 1,) first of each top-level object. types, lods : its codes in the whole.
    shift : of its positions into the frame of the whole, metres. textures : its pictures in the whole.
    materials : where its materials begin in the whole.
    """

    number: int
    city: CityModel
    start: Mapping[str, Ints]
    types: NDArray[np.uint16]
    lods: NDArray[np.uint8]
    shift: NDArray[np.float64]
    textures: NDArray[np.int32]
    materials: int

    @cached_property
    def ids(self) -> PackedTexts:
        """The ids of its objects."""
        return packed_of(self.city.objects.ids)

    @cached_property
    def texts(self) -> dict[str, PackedTexts]:
        """Its columns of texts."""
        columns = self.city.objects.attributes.items()
        return {key: packed_of(column.values) for key, column in columns if not column.numeric}


@dataclass(frozen=True, eq=False)
class Piece:
    """Some top-level objects of one part that go into one tile, and where each begins there."""

    part: Part
    features: NDArray[np.intp]
    new: Mapping[str, Ints]

    def rows(self, axis: str) -> Ints:
        """All rows of these objects in the part."""
        return ranges(self.part.start[axis], self.features)

    @cached_property
    def vertices(self) -> Ints:
        """Their vertices."""
        return self.rows("vertex")

    @cached_property
    def faces(self) -> Ints:
        """Their faces."""
        return self.rows("face")

    @cached_property
    def objects(self) -> Ints:
        """They and their parts."""
        return self.rows("object")

    def moved(self, into: str, along: str) -> NDArray[np.int32]:
        """For each row ``along`` one axis: how far its index ``into`` another one moves."""
        start = self.part.start
        step = self.new[into] - start[into][self.features]
        return np.repeat(step, start[along][self.features + 1] - start[along][self.features]).astype(np.int32)


class Plan:
    """The city that comes out: what is known of it before anything is copied."""

    def __init__(self, cities: Sequence[CityModel], log: IssueLog | None) -> None:
        if not cities or any(city.frame.crs != cities[0].frame.crs for city in cities):
            raise ValueError("cities to be joined lie in one coordinate system")
        self.cities = cities
        vertical = next((city.frame.vertical_crs for city in cities if city.frame.vertical_crs), "")
        first = cities[0].frame
        self.frame = Frame(first.crs, first.origin_crs, first.vertical_crs or vertical)
        self.lods = tuple(sorted({lod for city in cities for lod in city.lods}, key=lod_key))
        self.types = tuple(dict.fromkeys(kind for city in cities for kind in city.objects.types))
        self.textures = tuple(
            dict.fromkeys(t for c in cities if c.appearance is not None for t in c.appearance.textures)
        )
        self.attribution = " · ".join(dict.fromkeys(city.attribution for city in cities if city.attribution))
        self.parts = self._parts()
        totals = {axis: sum(int(part.start[axis][-1]) for part in self.parts) for axis in _COUNTED}
        if max(totals.values()) > _MOST:
            raise LimitError("Together these files hold more than {limit} points.", limit=_MOST)
        self._sort()
        self.names = Names([city.objects.ids for city in cities], log)

    def _parts(self) -> list[Part]:
        lods, types = ({name: i for i, name in enumerate(names)} for names in (self.lods, self.types))
        textures = {path: i for i, path in enumerate(self.textures)}
        parts, materials = [], 0
        for number, city in enumerate(self.cities):
            look = city.appearance
            parts.append(
                Part(
                    number=number,
                    city=city,
                    start=_feature_starts(city),
                    types=np.array([types[kind] for kind in city.objects.types] or [0], np.uint16),
                    lods=np.array([lods[lod] for lod in city.lods] or [0], np.uint8),
                    shift=np.subtract(city.frame.origin_crs, self.frame.origin_crs),
                    textures=np.array([textures[t] for t in (look.textures if look else ())] + [-1], np.int32),
                    materials=materials,
                )
            )
            materials += 0 if look is None else len(look.materials)
        return parts

    def _sort(self) -> None:
        """The tiles of the whole, and which objects of which part go into each."""
        found = [places_of(part.city) for part in self.parts]
        centre = [own.centre + part.shift[:2] for own, part in zip(found, self.parts, strict=True)]
        places = Places(np.concatenate(centre), np.concatenate([own.triangles for own in found]))
        squares = squares_of(places)
        counts = [len(own.centre) for own in found]
        self.order = np.argsort(squares.code, kind="stable")
        self.part_of = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        self.place_of = np.concatenate([np.arange(count, dtype=np.int32) for count in counts])
        code, level = squares.code[self.order], squares.level[self.order]
        first = np.flatnonzero(np.diff(code, prepend=-1)) if len(code) else np.zeros(0, np.int64)
        sizes = {axis: np.concatenate([np.diff(part.start[axis]) for part in self.parts]) for axis in _COUNTED}
        starts: dict[str, Any] = {
            f"{axis}_start": _tile_starts(size[self.order], first) for axis, size in sizes.items()
        }
        self.tiles = Tiles(
            code=code[first],
            level=level[first],
            side_m=SMALLEST_M,
            corner_local=squares.corner_local,
            feature_start=np.append(first, len(code)).astype(np.int64),
            low=np.full((len(first), 3), np.inf),
            high=np.full((len(first), 3), -np.inf),
            **starts,
        )

    def pieces(self, tile: int) -> list[Piece]:
        """What goes into one tile, in the order of the parts."""
        own = self.order[int(self.tiles.feature_start[tile]) : int(self.tiles.feature_start[tile + 1])]
        begin = {axis: int(self.tiles.starts()[axis][tile]) for axis in _COUNTED}
        pieces = []
        of, place = self.part_of[own], self.place_of[own].astype(np.intp)
        for number in np.unique(of).tolist():
            part, features = self.parts[number], place[of == number]
            new = {}
            for axis in _COUNTED:
                sizes = part.start[axis][features + 1] - part.start[axis][features]
                ends = begin[axis] + np.cumsum(sizes)
                new[axis] = ends - sizes
                begin[axis] = int(ends[-1])
            pieces.append(Piece(part, features, new))
        return pieces


def _feature_starts(city: CityModel) -> dict[str, Ints]:
    """First object, face, ring, vertex and triangle of every top-level object of a sorted city, (K + 1,) each."""
    assert city.tiles is not None
    count = np.arange(len(city.objects.features) + 1)
    face = np.searchsorted(city.face_feature, count).astype(np.int64)
    ring = city.face_ring_start[face].astype(np.int64)
    return {
        "object": np.searchsorted(city.objects.feature_of_object, count).astype(np.int64),
        "face": face,
        "ring": ring,
        "vertex": city.ring_start[ring].astype(np.int64),
        "triangle": np.searchsorted(city.triangle_face, face).astype(np.int64),
    }


def _tile_starts(sizes: Ints, first: NDArray[np.intp]) -> Ints:
    """(B + 1,) first row of every tile, from the rows of each top-level object in their new order."""
    running = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=running[1:])
    return np.asarray(running[np.append(first, len(sizes))])
