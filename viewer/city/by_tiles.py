"""What follows from a sorted city, worked out some tiles at a time: the same numbers in a fraction of the memory.

The rules stand in ``lod`` and ``measures``; they know one top-level object at a time, so tiles do not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.city.cut import cut_tiles
from viewer.city.lod import faces_at
from viewer.city.measures import Measures, measure
from viewer.city.model import CityModel
from viewer.city.tiles import Tiles

#: So many triangles are worked on at once.
TRIANGLES_AT_ONCE = 500_000
#: Cities of fewer triangles are done on one core before others have begun; so many each takes at once.
WORTH_SHARING, TRIANGLES_EACH = 2_000_000, 150_000

Item = TypeVar("Item")
Result = TypeVar("Result")


class Each(Protocol):
    """Does work for every item, here or elsewhere, and gives the results in their order; ``map`` does."""

    def __call__(self, work: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result]: ...


def batches(tiles: Tiles, most: int = TRIANGLES_AT_ONCE) -> Iterator[tuple[int, int]]:
    """Runs of tiles (first, last + 1) of at most so many triangles, or of one tile."""
    first = 0
    while first < len(tiles):
        end = int(np.searchsorted(tiles.triangle_start, tiles.triangle_start[first] + most, side="right")) - 1
        last = min(max(end, first + 1), len(tiles))
        yield first, last
        first = last


def faces_by_tiles(city: CityModel, lod: str = "") -> NDArray[np.bool_]:
    """``faces_at(city, lod)``, (F,) bool, read-only."""
    if city.tiles is None or len(city.triangles) <= TRIANGLES_AT_ONCE:
        return faces_at(city, lod)
    result = np.zeros(len(city.face_surface), bool)
    for first, last in batches(city.tiles):
        own = slice(int(city.tiles.face_start[first]), int(city.tiles.face_start[last]))
        result[own] = faces_at(cut_tiles(city, first, last, attributes=False), lod)
    result.setflags(write=False)
    return result


def measure_by_tiles(city: CityModel, faces: NDArray[np.bool_], each: Each = map) -> Measures:
    """``measure(city, faces)``; ``each`` may share the work of a large city with others."""
    tiles = city.tiles
    if tiles is None or len(city.triangles) <= TRIANGLES_AT_ONCE:
        return measure(city, faces)
    bare = replace(city, appearance=None)
    large = len(city.triangles) >= WORTH_SHARING
    cuts = (
        (cut_tiles(bare, first, last), faces[tiles.face_start[first] : tiles.face_start[last]])
        for first, last in batches(tiles, TRIANGLES_EACH if large else TRIANGLES_AT_ONCE)
    )
    pieces = list(each(_measured, cuts) if large else map(_measured, cuts))
    joined = {item.name: np.concatenate([getattr(piece, item.name) for piece in pieces]) for item in fields(Measures)}
    return Measures(**joined)


def _measured(cut: tuple[CityModel, NDArray[np.bool_]]) -> Measures:
    return measure(*cut)
