"""How a city is sorted by squares of the ground, so that a part of it is a slice of every array.

Objects, faces, rings, vertices and triangles follow the squares in Z-order: every square, and every larger
square of the quadtree above, is one range. Nothing here sorts a city (see ``arrange``) or draws one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

#: What ``Tiles.verify`` says about a tile that is not what was written.
DAMAGED_TEXT = "A part of the prepared city is damaged; its buildings are shown as blocks only."
LEFT_OUT_TEXT = "Parts of this prepared city are damaged and were left out; objects without a picture: {count}"


@dataclass(frozen=True, eq=False)
class Tiles:
    """B squares ("tiles") of a city in Z-order.

    Parameters
    ----------
    code : (B,) int64, Z-order number of the tile's lower corner in squares of ``side_m``; ascending.
    level : (B,) uint8, the tile's side is ``side_m * 2 ** level``.
    side_m : side of the smallest square, metres.
    corner_local : (x, y) where the squares begin, metres.
    object_start, feature_start, face_start, ring_start, vertex_start, triangle_start : (B + 1,) int64,
        first of each in every tile; features are positions in ``objects.features``.
    low, high : (B, 3) float64, box of what belongs to the tile, metres; infinite (low > high) where it has no
        geometry. An object belongs to the tile of its middle, so boxes may overlap a little.
    verify : called with a tile before its arrays are trusted: "" if they are what was written, else a sentence
        for people. None where there is nothing to check: the arrays are in memory.
    """

    code: NDArray[np.int64]
    level: NDArray[np.uint8]
    side_m: float
    corner_local: tuple[float, float]
    object_start: NDArray[np.int64]
    feature_start: NDArray[np.int64]
    face_start: NDArray[np.int64]
    ring_start: NDArray[np.int64]
    vertex_start: NDArray[np.int64]
    triangle_start: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    verify: Callable[[int], str] | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.code)

    def damaged(self) -> tuple[int, ...]:
        """Tiles that ``verify`` refuses; looks at all of them, so that a large city is read whole."""
        return () if self.verify is None else tuple(b for b in range(len(self)) if self.verify(b))

    def starts(self) -> dict[str, NDArray[np.int64]]:
        """First row of every tile, (B + 1,), by what is counted: object, feature, face, ring, vertex, triangle."""
        names = ("object", "feature", "face", "ring", "vertex", "triangle")
        return {name: getattr(self, f"{name}_start") for name in names}

    @cached_property
    def quadtree(self) -> Quadtree:
        """The larger squares above the tiles."""
        return _quadtree(self)


@dataclass(frozen=True, eq=False)
class Quadtree:
    """Q squares over the tiles, parents before children; 0 is the root. Leaves are the tiles themselves.

    parent : (Q,) int32, -1 for the root. level : (Q,) uint8, side ``side_m * 2 ** level``.
    tile_start, tile_end : (Q,) int32, the tiles under each square. leaf : (Q,) bool.
    low, high : (Q, 3) float64, boxes of what lies under each square.
    """

    parent: NDArray[np.int32]
    level: NDArray[np.uint8]
    tile_start: NDArray[np.int32]
    tile_end: NDArray[np.int32]
    leaf: NDArray[np.bool_]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.parent)

    @cached_property
    def children(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """First child and number of children of every square, (Q,) each; children of one square lie together."""
        count = np.bincount(self.parent[1:], minlength=len(self)).astype(np.int32)
        first = np.zeros(len(self), np.int32)
        own = np.flatnonzero(np.diff(self.parent, prepend=-2))[1:]
        first[self.parent[own]] = own
        return first, count


def z_order(column: NDArray[np.integer], row: NDArray[np.integer]) -> NDArray[np.int64]:
    """Z-order numbers of squares, columns and rows in 0 .. 2**24 - 1."""
    return (_spread(column) | (_spread(row) << np.uint64(1))).astype(np.int64)


def _spread(number: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Put a zero between the bits of numbers below 2**24."""
    n = number.astype(np.uint64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333), (1, 0x5555555555555555),
    ):  # fmt: skip
        n = (n | (n << np.uint64(shift))) & np.uint64(mask)
    return n


def _quadtree(tiles: Tiles) -> Quadtree:
    count = len(tiles)
    if not count:
        none = np.zeros(0, np.int32)
        box = np.zeros((0, 3))
        return Quadtree(none, none.astype(np.uint8), none, none, none.astype(bool), box, box)
    top = int(tiles.level.max())
    while int(tiles.code[0]) >> 2 * top != int(tiles.code[-1]) >> 2 * top:
        top += 1
    levels, starts, ends, parents, leaves = [], [], [], [], []
    above = np.zeros(count, np.int64)  # the square of the level above, by tile
    made = 0
    for level in range(top, -1, -1):
        here = np.flatnonzero(tiles.level <= level)  # tiles larger than this level are leaves further up
        if not len(here):
            break
        prefix = tiles.code[here] >> np.int64(2 * level)
        first = np.flatnonzero(np.diff(prefix, prepend=prefix[0] - 1))
        last = np.append(first[1:], len(here)) - 1
        start = here[first]
        parents.append(above[start] if level < top else np.full(len(first), -1))
        starts.append(start)
        ends.append(here[last] + 1)
        levels.append(np.full(len(first), level))
        leaves.append((ends[-1] - start == 1) & (tiles.level[start] == level))
        above[here] = made + np.repeat(np.arange(len(first)), np.diff(np.append(first, len(here))))
        made += len(first)
    tile_start: NDArray[np.int32] = np.concatenate(starts).astype(np.int32)
    tile_end: NDArray[np.int32] = np.concatenate(ends).astype(np.int32)
    # ``reduceat`` wants ranges one after the other: every second one is that of a square.
    ends_too = np.column_stack([tile_start, tile_end]).ravel()
    low = np.minimum.reduceat(np.append(tiles.low, tiles.low[-1:], axis=0), ends_too, axis=0)[::2]
    high = np.maximum.reduceat(np.append(tiles.high, tiles.high[-1:], axis=0), ends_too, axis=0)[::2]
    return Quadtree(
        parent=np.concatenate(parents).astype(np.int32),
        level=np.concatenate(levels).astype(np.uint8),
        tile_start=tile_start,
        tile_end=tile_end,
        leaf=np.concatenate(leaves),
        low=low,
        high=high,
    )
