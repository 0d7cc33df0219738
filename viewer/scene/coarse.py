"""What a city looks like from afar: one upright box per object, and few large boxes for the objects of a square.

Plain arrays, made once per city and kept in prepared copies; nothing here draws or chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.city.kinds import Theme
from viewer.city.tiles import Tiles, z_order
from viewer.scene.faces import Faces, is_any
from viewer.scene.packing import MIX, MIXES, WALL, face_codes

Kind = TypeVar("Kind", bound=np.generic)
#: A square of the quadtree is divided into this many cells a side for its masses.
CELLS = 32
#: Columns of ``place``: middle, half sides, direction of the first side, bottom and top.
X, Y, HALF_U, HALF_V, COS, SIN, LOW, HIGH = range(8)


@dataclass(frozen=True, eq=False)
class Blocks:
    """One box for each of n objects.

    place : (n, 8) float32, metres: middle x, y; half sides u, v; cos, sin of u; bottom, top. NaN where the object has
    nothing that stands. top, side : (n,) uint8 colour codes. rank : (n,) float32, the least green rank of its roofs.
    """

    place: NDArray[np.float32]
    top: NDArray[np.uint8]
    side: NDArray[np.uint8]
    rank: NDArray[np.float32]

    @property
    def there(self) -> NDArray[np.bool_]:
        """(n,) bool: objects that have a box."""
        return np.isfinite(self.place[:, X])


@dataclass(frozen=True, eq=False)
class Masses:
    """M merged boxes of the squares of a quadtree, coarse squares first.

    node_start : (Q + 1,) int64, first mass of every square; squares that are tiles have none.
    member_start, member_end : (M,) int32, members of each mass in ``order``.
    order : (n,) int32, objects in fine Z-order, none where there are no masses. boxes : their places and colours.
    """

    node_start: NDArray[np.int64]
    member_start: NDArray[np.int32]
    member_end: NDArray[np.int32]
    order: NDArray[np.int32]
    boxes: Blocks


def make_blocks(faces: Faces, eaves_m: NDArray[np.floating], first: int, count: int) -> Blocks:
    """Boxes of the objects ``first .. first + count - 1``, turned along their longest wall.

    eaves_m : (count,) local heights of their eaves, NaN where unknown: a box ends between eaves and ridge.
    """
    place = np.full((count, 8), np.nan, np.float32)
    where = np.flatnonzero(faces.body[faces.vertex_face])
    of = faces.feature[faces.vertex_face[where]]
    if np.any(np.diff(of) < 0):  # the city is not sorted
        where = where[np.argsort(of, kind="stable")]
        of = faces.feature[faces.vertex_face[where]]
    present, start = np.unique(of, return_index=True)
    if len(present):
        place[present - first] = _turned_boxes(faces, where, start, eaves_m[present - first])
    top, side = _codes(faces, first, count)
    rank = np.full(count, 2.0, np.float32)
    roofs = faces.green_rank <= 1.0
    np.minimum.at(rank, faces.feature[roofs] - first, faces.green_rank[roofs])
    return Blocks(place, top, side, rank)


def _turned_boxes(
    faces: Faces, where: NDArray[np.int64], start: NDArray[np.int64], eaves: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(g, 8) boxes round groups of vertices; group k begins at ``start[k]`` of ``where``."""
    count = len(start)
    group = np.repeat(np.arange(count), np.diff(np.append(start, len(where))))
    following = np.arange(1, len(faces.positions) + 1, dtype=np.int64)
    sizes = np.diff(faces.ring_start)
    following[faces.ring_start[1:][sizes > 0] - 1] = faces.ring_start[:-1][sizes > 0]
    p = faces.positions[where].astype(np.float64)
    d = faces.positions[following[where]].astype(np.float64)[:, :2] - p[:, :2]
    length = np.hypot(d[:, 0], d[:, 1])
    peaks = np.flatnonzero(length == np.maximum.reduceat(length, start)[group])
    longest = d[peaks[np.searchsorted(group[peaks], np.arange(count))]]
    norm = np.maximum(np.hypot(longest[:, 0], longest[:, 1]), 1e-9)
    c, s = longest[:, 0] / norm, longest[:, 1] / norm
    flat = norm <= 1e-9
    c[flat], s[flat] = 1.0, 0.0
    u, v = p[:, 0] * c[group] + p[:, 1] * s[group], -p[:, 0] * s[group] + p[:, 1] * c[group]
    u0, v0, z0 = (np.minimum.reduceat(values, start) for values in (u, v, p[:, 2]))
    u1, v1, z1 = (np.maximum.reduceat(values, start) for values in (u, v, p[:, 2]))
    z1 = np.where(np.isfinite(eaves), np.maximum((eaves + z1) / 2, z0), z1)
    um, vm = (u0 + u1) / 2, (v0 + v1) / 2
    return np.column_stack([um * c - vm * s, um * s + vm * c, (u1 - u0) / 2, (v1 - v0) / 2, c, s, z0, z1])


def _codes(faces: Faces, first: int, count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colours of the tops and sides: of buildings by how many of their roofs are flat, of others by their theme."""
    code = face_codes(faces.surface, faces.theme, faces.normals[:, 2])
    building = is_any(faces.theme, (Theme.BUILDING,)) & faces.standing
    lying = building & (faces.normals[:, 2] >= 0.3)
    own = faces.feature - first
    all_lying = np.bincount(own[lying], minlength=count)
    level = np.bincount(own[lying & (code == MIX + MIXES - 1)], minlength=count)
    top = np.zeros(count, np.uint8)
    top[own[faces.standing]] = faces.theme[faces.standing]
    side = top.copy()
    is_building = np.bincount(own[building], minlength=count) > 0
    share = level / np.maximum(all_lying, 1)
    top[is_building] = (MIX + np.rint(share * (MIXES - 1))).astype(np.uint8)[is_building]
    side[is_building] = WALL
    return top, side


def make_masses(tiles: Tiles, blocks: Blocks) -> Masses:
    """Merge the boxes of a city: every square above the tiles gets at most ``CELLS`` x ``CELLS`` masses."""
    tree = tiles.quadtree
    features = np.flatnonzero(blocks.there)
    tile = np.searchsorted(tiles.feature_start, features, side="right") - 1
    code = _fine_code(tiles, blocks.place[features, :2], tile)
    sort = np.argsort(code, kind="stable")
    code, order = code[sort], features[sort].astype(np.int32)
    tile_level = tiles.level[tile[sort]]
    place = blocks.place[order].astype(np.float64)
    node_count = np.zeros(len(tree), np.int64)
    pieces: list[tuple[NDArray[np.int64], NDArray[np.int64], Blocks]] = []
    for level in range(int(tree.level[0]) if len(tree) else 0, 0, -1):
        inner = np.flatnonzero((tree.level == level) & ~tree.leaf)
        own = np.flatnonzero(tile_level < level)
        if not len(inner) or not len(own):
            continue
        cell = code[own] >> np.int64(2 * level)
        begin = np.flatnonzero(np.diff(cell, prepend=-1))
        end = np.append(begin[1:], len(own))
        side = tiles.side_m / CELLS * 2.0**level
        pieces.append((own[begin], own[end - 1] + 1, _merged(blocks, order[own], place[own], begin, side)))
        prefix = tiles.code[tree.tile_start[inner]] >> np.int64(2 * level)
        node = inner[np.searchsorted(prefix, cell[begin] >> np.int64(2 * _cell_bits()))]
        node_count += np.bincount(node, minlength=len(tree))
    return Masses(
        np.concatenate([[0], np.cumsum(node_count)]),
        _joined([a for a, _, _ in pieces], np.int32),
        _joined([b for _, b, _ in pieces], np.int32),
        order if pieces else order[:0],
        Blocks(
            np.concatenate([b.place for _, _, b in pieces]) if pieces else np.empty((0, 8), np.float32),
            _joined([b.top for _, _, b in pieces], np.uint8),
            _joined([b.side for _, _, b in pieces], np.uint8),
            _joined([b.rank for _, _, b in pieces], np.float32),
        ),
    )


def _cell_bits() -> int:
    return CELLS.bit_length() - 1


def _joined(arrays: list[NDArray[Any]], dtype: type[Kind]) -> NDArray[Kind]:
    return np.concatenate(arrays).astype(dtype) if arrays else np.empty(0, dtype)


def _fine_code(tiles: Tiles, middle: NDArray[np.float32], tile: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) Z-order numbers of the cells of places in the smallest squares, kept within their tiles."""
    low_col, low_row = (_unspread(tiles.code >> np.int64(axis)) * CELLS for axis in range(2))
    side = CELLS << tiles.level.astype(np.int64)
    cell_m = tiles.side_m / CELLS
    numbers = []
    for axis, low in ((0, low_col), (1, low_row)):
        at = np.floor((middle[:, axis].astype(np.float64) - tiles.corner_local[axis]) / cell_m)
        inside = np.clip(at, low[tile], (low + side)[tile] - 1).astype(np.int64)
        numbers.append(np.minimum(inside, (1 << 24) - 1))
    return z_order(*numbers)


def _unspread(code: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every second bit of Z-order numbers, put together: the column; of ``code >> 1`` the row."""
    n = code.astype(np.uint64) & np.uint64(0x5555555555555555)
    for shift, mask in (
        (1, 0x3333333333333333), (2, 0x0F0F0F0F0F0F0F0F), (4, 0x00FF00FF00FF00FF),
        (8, 0x0000FFFF0000FFFF), (16, 0x00000000FFFFFFFF),
    ):  # fmt: skip
        n = (n | (n >> np.uint64(shift))) & np.uint64(mask)
    return n.astype(np.int64)


def _merged(
    blocks: Blocks, members: NDArray[np.int32], place: NDArray[np.float64], begin: NDArray[np.int64], side_m: float
) -> Blocks:
    """One box for each run of members: their area and mean height on their middle, turned as most of them are."""
    area = np.maximum(4.0 * place[:, HALF_U] * place[:, HALF_V], 1.0)
    total = np.add.reduceat(area, begin)

    def mean(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(np.add.reduceat(area * values, begin) / total)

    double = 2.0 * place[:, COS] * place[:, SIN], place[:, COS] ** 2 - place[:, SIN] ** 2
    four_sin, four_cos = 2.0 * double[0] * double[1], double[1] ** 2 - double[0] ** 2
    angle = np.arctan2(mean(four_sin), mean(four_cos)) / 4.0
    half = np.minimum(np.sqrt(total), side_m) / 2.0
    low = np.minimum.reduceat(place[:, LOW], begin)
    high = np.maximum(mean(place[:, HIGH]), low)
    result = np.column_stack(
        [mean(place[:, X]), mean(place[:, Y]), half, half, np.cos(angle), np.sin(angle), low, high]
    )
    single = np.diff(np.append(begin, len(members))) == 1
    result[single] = place[begin[single]]
    group = np.repeat(np.arange(len(begin)), np.diff(np.append(begin, len(members))))
    peaks = np.flatnonzero(area == np.maximum.reduceat(area, begin)[group])
    largest = members[peaks[np.searchsorted(group[peaks], np.arange(len(begin)))]]
    top, side = blocks.top[largest].copy(), blocks.side[largest].copy()
    mixed = blocks.top[members] >= MIX
    flatness = np.where(mixed, blocks.top[members].astype(np.float64) - MIX, 0.0)
    weight = np.add.reduceat(area * mixed, begin)
    roof = np.rint(np.add.reduceat(area * flatness, begin) / np.maximum(weight, 1e-9))
    top = np.where(top >= MIX, MIX + roof, top).astype(np.uint8)
    return Blocks(result.astype(np.float32), top, side, np.minimum.reduceat(blocks.rank[members], begin))


def box_corners(place: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n, 8, 3) float32 corners of boxes (n, 8): the low ring counter-clockwise, then the high one."""
    p = place.astype(np.float64)
    corners = np.empty((len(p), 8, 3))
    for k, (a, b) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
        u, v = a * p[:, HALF_U], b * p[:, HALF_V]
        corners[:, k, 0] = corners[:, k + 4, 0] = p[:, X] + u * p[:, COS] - v * p[:, SIN]
        corners[:, k, 1] = corners[:, k + 4, 1] = p[:, Y] + u * p[:, SIN] + v * p[:, COS]
    corners[:, :4, 2], corners[:, 4:, 2] = p[:, LOW, None], p[:, HIGH, None]
    return corners.astype(np.float32)


#: Triangles of a box: each side ends its triangles at its own corner 0..3, the top at 4, which carries the normal.
BOX_TRIANGLES = np.array(
    [[1, 5, 0], [5, 4, 0], [2, 6, 1], [6, 5, 1], [3, 7, 2], [7, 6, 2], [0, 4, 3], [4, 7, 3], [5, 6, 4], [6, 7, 4]],
    np.int32,
)
