"""Where the buildings of the measured town stand: blocks, lots, kinds, heights. Their faces are made in ``shapes``.

The town has no end: ``lots(n)`` takes the n buildings nearest to its centre, so a smaller town is the middle of a
larger one, and one camera path fits all sizes. Nothing here is drawn from a running generator; every number is a
hash of the place it belongs to, so the same town comes out everywhere and at every size.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Kind(IntEnum):
    """Shape of a building."""

    FLAT = 0
    GABLE = 1
    HIP = 2
    SHED = 3
    ELL = 4
    TOWER = 5


class Quarter(IntEnum):
    """How a block is built up."""

    PARK = 0
    PERIMETER = 1
    SLABS = 2
    TOWERS = 3
    TERRACES = 4
    DETACHED = 5
    HALLS = 6


@dataclass(frozen=True)
class Lots:
    """n buildings as turned rectangles of the plan: ``origin + t * along + d * inward`` with t and d in 0 .. 1.

    block : (n,) int64, number of the block, ascending. key : (n,) uint64, hash of the place.
    origin, along, inward : (n, 2) float64, metres, ``along`` to ``inward`` counter-clockwise; the plan is bent by
    ``bend`` into the town. kind : (n,) int64, ``Kind``. eaves_m, rise_m : (n,) float64, eaves above the ground and
    ridge above the eaves. storeys : (n,) int64. quarter : (n,) int64, ``Quarter``.
    """

    block: Ints
    key: NDArray[np.uint64]
    origin: Floats
    along: Floats
    inward: Floats
    kind: Ints
    eaves_m: Floats
    rise_m: Floats
    storeys: Ints
    quarter: Ints

    def __len__(self) -> int:
        return len(self.block)

    @property
    def middle(self) -> Floats:
        """(n, 2) middles in the plan."""
        return self.origin + 0.5 * (self.along + self.inward)

    def take(self, index: NDArray[np.generic]) -> Lots:
        """Some of them, by mask or index."""
        return Lots(**{name: values[index] for name, values in self.__dict__.items()})


#: Streets between blocks, metres; every fifth street along a strip is a wide one.
_STREET_M, _WIDE_STREET_M = 13.0, 26.0
#: Avenues leave the centre in these directions; ring roads lie at these distances.
_AVENUES_RAD = np.radians([12.0, 71.0, 133.0, 187.0, 251.0, 318.0])
_RINGS_M = np.array([850.0, 1900.0, 3600.0, 6200.0, 9500.0, 14_000.0, 20_000.0])
_AVENUE_HALF_M, _RIVER_HALF_M = 15.0, 70.0
_SQUARE_M = 70.0  # nothing is built around the very centre
_STOREY_M = 3.1
#: Perimeter blocks: leg of a corner building and depth of all buildings.
_LEG_M, _DEPTH_M = 20.0, 12.0


def lots(count: int) -> Lots:
    """The ``count`` buildings nearest to the centre of the town, block by block."""
    reach_m = 260.0 + 13.5 * np.sqrt(count)
    while True:
        found = _within(reach_m)
        if len(found) >= count:
            break
        reach_m *= 1.12
    distance = np.hypot(*found.middle.T)
    chosen = np.sort(np.argpartition(distance, count - 1)[:count]) if count else np.zeros(0, np.int64)
    return found.take(chosen)


def bend(plan: Floats) -> Floats:
    """Bend (..., 2) positions of the plan into the town, metres: straight streets become long curves."""
    u, v = plan[..., 0], plan[..., 1]
    bent = np.empty_like(plan)
    bent[..., 0] = u + 190.0 * np.sin(v / 1150.0 + 0.4) + 35.0 * np.sin((u + v) / 310.0)
    bent[..., 1] = v + 230.0 * np.sin(u / 1400.0 - 0.9) + 30.0 * np.sin((u - 1.7 * v) / 420.0)
    return bent


def ground_m(position: Floats) -> Floats:
    """Height of the ground at (..., 2) positions of the town: a wide valley with low hills."""
    x, y = position[..., 0], position[..., 1]
    hills = 5.0 * np.sin(x / 900.0) + 4.0 * np.cos(y / 700.0 + x / 2100.0)
    return np.asarray(hills + 9.0 * (1.0 - np.exp(-((y / 2600.0) ** 2))))


def share(key: NDArray[np.uint64], salt: int) -> Floats:
    """Numbers in 0 .. 1 that follow from ``key`` and ``salt`` alone (the finaliser of splitmix64)."""
    with np.errstate(over="ignore"):
        z = key + np.uint64(0x9E3779B97F4A7C15) * np.uint64(salt + 1)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return np.asarray((z >> np.uint64(11)) * 2.0**-53)


@dataclass(frozen=True)
class _Blocks:
    """Blocks as rectangles of the plan. low, high : (B, 2); number : (B,); key : (B,); quarter : (B,)."""

    low: Floats
    high: Floats
    number: Ints
    key: NDArray[np.uint64]
    quarter: Ints

    def of(self, *quarters: Quarter) -> _Blocks:
        mask = np.isin(self.quarter, quarters)
        return _Blocks(*(values[mask] for values in self.__dict__.values()))

    @property
    def size(self) -> Floats:
        return self.high - self.low


def _within(reach_m: float) -> Lots:
    blocks = _blocks(reach_m)
    parts = [
        *_perimeter(blocks.of(Quarter.PERIMETER)),
        *_slabs(blocks.of(Quarter.SLABS)),
        *_towers(blocks.of(Quarter.TOWERS)),
        *_terraces(blocks.of(Quarter.TERRACES)),
        *_detached(blocks.of(Quarter.DETACHED)),
        *_halls(blocks.of(Quarter.HALLS)),
    ]
    every = Lots(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in Lots.__annotations__})
    every = every.take(_free(every) & (np.hypot(*every.middle.T) <= reach_m))
    return every.take(np.argsort(every.block, kind="stable"))


def _blocks(reach_m: float) -> _Blocks:
    """Strips of different widths, each cut into blocks of its own lengths: no cross street runs straight through."""
    strip = _cuts(reach_m, np.zeros(1, np.uint64), 1, 62.0, 70.0)
    left, right, names = strip[0][0], strip[1][0], strip[2]
    low_v, high_v, rows = _cuts(reach_m, names.view(np.uint64), 2, 58.0, 90.0)
    there = high_v > low_v
    column = np.broadcast_to(np.arange(len(left))[:, None], low_v.shape)[there]
    low = np.stack([left[column], low_v[there]], axis=1)
    high = np.stack([right[column], high_v[there]], axis=1)
    row = np.broadcast_to(rows[None], low_v.shape)[there]
    key = _key(names[column].view(np.uint64), row.view(np.uint64))
    near = np.hypot(*(0.5 * (low + high)).T) < reach_m + 200.0
    low, high, key = low[near], high[near], key[near]
    return _Blocks(low, high, np.arange(len(low)), key, _quarter(0.5 * (low + high), key))


def _cuts(
    reach_m: float, key: NDArray[np.uint64], salt: int, shortest_m: float, spread_m: float
) -> tuple[Floats, Floats, Ints]:
    """Pieces on both sides of 0 with streets between them: (n, m) begins, (n, m) ends, (m,) numbers, per key."""
    half = int(np.ceil(reach_m / (shortest_m + _STREET_M))) + 1
    begins, ends, numbers = [], [], []
    for side in (1, -1):
        number = np.arange(half, dtype=np.int64) * side + min(side, 0)
        name = _key(key[:, None], number.view(np.uint64)[None])
        length = shortest_m + spread_m * share(name, salt)
        street = np.where(number % 5 == 0, _WIDE_STREET_M, _STREET_M)[None]
        end = np.cumsum(length + street, axis=1)
        begins.append(np.where(side > 0, end - length, -end))
        ends.append(np.where(side > 0, end, -(end - length)))
        numbers.append(number)
    return np.concatenate(begins, axis=1), np.concatenate(ends, axis=1), np.concatenate(numbers)


def _quarter(middle: Floats, key: NDArray[np.uint64]) -> Ints:
    u, v = middle.T
    distance = np.hypot(u, v)
    waves = np.sin(u / 430.0 + 1.1) * np.cos(v / 510.0) + 0.7 * np.sin((u + 1.3 * v) / 980.0 + 2.0)
    urban = 0.75 * np.exp(-distance / 2400.0) + 0.22 * waves + 0.2 * share(key, 3) + 0.1
    chance = share(key, 4)
    quarter = np.select(
        [urban > 0.68, urban > 0.42, urban > 0.25],
        [
            np.full(len(u), Quarter.PERIMETER),
            np.select([chance < 0.35, chance < 0.6], [Quarter.PERIMETER, Quarter.SLABS], default=Quarter.TERRACES),
            np.select([chance < 0.2, chance < 0.55], [Quarter.SLABS, Quarter.TERRACES], default=Quarter.DETACHED),
        ],
        default=Quarter.DETACHED,
    )
    special = share(key, 5)
    quarter[special < 0.055] = Quarter.PARK
    quarter[(special > 0.955) & (distance > 600.0)] = Quarter.HALLS
    quarter[(special > 0.92) & (special <= 0.955)] = Quarter.TOWERS
    return np.asarray(quarter, np.int64)


def _free(every: Lots) -> NDArray[np.bool_]:
    """Which buildings stand on no avenue, ring road or river, and off the square in the middle."""
    middle = every.middle
    half = 0.5 * np.hypot(*(every.along + every.inward).T)
    u, v = middle.T
    distance = np.hypot(u, v)
    free = (distance > _SQUARE_M + half) & (np.abs(v - 520.0 - 380.0 * np.sin(u / 1700.0)) > _RIVER_HALF_M + half)
    for ring in _RINGS_M:
        free &= np.abs(distance - ring) > _AVENUE_HALF_M + half
    for angle in _AVENUES_RAD:
        ahead = u * np.cos(angle) + v * np.sin(angle) > 0
        free &= ~ahead | (np.abs(u * np.sin(angle) - v * np.cos(angle)) > _AVENUE_HALF_M + half)
    return np.asarray(free)


_ALONG = np.array([(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)])
_INWARD = np.array([(0.0, 1.0), (-1.0, 0.0), (0.0, -1.0), (1.0, 0.0)])


@dataclass(frozen=True)
class _Row:
    """Lots in a row: the block of each (index), its hash, and its rectangle."""

    owner: Ints
    key: NDArray[np.uint64]
    origin: Floats
    along: Floats
    inward: Floats


def _row(
    blocks: _Blocks, side: Ints, lot_m: float, depth_m: float | Floats, *,
    ends_m: float = 0.0, front_m: float | Floats = 0.0, built: float = 1.0, salt: int,
) -> _Row:  # fmt: skip
    """Lots of about ``lot_m`` along one side of every block, ``front_m`` behind its edge; ``built`` is the share of
    a lot's width that is built on."""
    corner = np.stack(
        [np.where((side == 0) | (side == 3), blocks.low[:, 0], blocks.high[:, 0]),
         np.where(side <= 1, blocks.low[:, 1], blocks.high[:, 1])], axis=1,
    )  # fmt: skip
    length = np.where(side % 2 == 0, blocks.size[:, 0], blocks.size[:, 1]) - 2 * ends_m
    many = np.maximum(np.rint(length / lot_m), 0).astype(np.int64)
    owner = np.repeat(np.arange(len(many)), many)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(many) - many, many)
    width = (length / np.maximum(many, 1))[owner]
    key = _key(blocks.key[owner], (number * 64 + salt).view(np.uint64))
    begin, end = ends_m + width * number, ends_m + width * (number + 1)  # the end of one is exactly the next begin
    if built < 1.0:
        begin = begin + width * (1.0 - built) * share(key, 11)
        end = begin + width * built
    along, inward = _ALONG[side[owner]], _INWARD[side[owner]]
    front = np.broadcast_to(front_m, len(many))[owner][:, None]
    depth = np.broadcast_to(depth_m, len(many))[owner][:, None]
    origin = corner[owner] + along * begin[:, None] + inward * front
    return _Row(owner, key, origin, along * (end - begin)[:, None], inward * depth)


def _built(blocks: _Blocks, row: _Row, kind: Ints, storeys: Ints, rise_m: Floats, base_m: float = 0.5) -> Lots:
    eaves = base_m + _STOREY_M * storeys + 0.6 * (share(row.key, 21) - 0.5)
    return Lots(
        block=blocks.number[row.owner], key=row.key, origin=row.origin, along=row.along, inward=row.inward,
        kind=kind, eaves_m=eaves, rise_m=np.where(np.isin(kind, (Kind.GABLE, Kind.HIP, Kind.SHED)), rise_m, 0.0),
        storeys=storeys, quarter=blocks.quarter[row.owner],
    )  # fmt: skip


def _pick(key: NDArray[np.uint64], salt: int, kinds: tuple[Kind, ...], weights: tuple[float, ...]) -> Ints:
    return np.asarray(np.array(kinds, np.int64)[np.searchsorted(np.cumsum(weights)[:-1], share(key, salt))])


def _storeys(key: NDArray[np.uint64], salt: int, low: int, high: int) -> Ints:
    return np.asarray((low + np.floor(share(key, salt) * (high - low + 1))).astype(np.int64))


def _sides(blocks: _Blocks, number: int) -> Ints:
    return np.full(len(blocks.key), number, np.int64)


def _long_sides(blocks: _Blocks) -> tuple[Ints, Ints, Floats]:
    """Numbers of the two long sides of every block, and how deep it is between them."""
    upright = blocks.size[:, 1] >= blocks.size[:, 0]
    return np.where(upright, 1, 0), np.where(upright, 3, 2), np.where(upright, blocks.size[:, 0], blocks.size[:, 1])


def _perimeter(blocks: _Blocks) -> list[Lots]:
    parts = []
    usual = _storeys(blocks.key, 31, 4, 6)  # a block has its height, a building may differ by one storey
    for number in range(4):
        row = _row(blocks, _sides(blocks, number), 17.0, _DEPTH_M, ends_m=_LEG_M, salt=number)
        kind = _pick(row.key, 32, (Kind.GABLE, Kind.FLAT), (0.72, 0.28))
        storeys = usual[row.owner] + _storeys(row.key, 33, -1, 1) + (share(row.key, 34) < 0.02) * 4
        parts.append(_built(blocks, row, kind, storeys, 2.5 + 2.0 * share(row.key, 35), 1.2))
        parts.append(_corners(blocks, number, usual))
    first, second, depth = _long_sides(blocks)
    roomy = depth > 2 * _DEPTH_M + 42.0
    inner = _Blocks(*(values[roomy] for values in blocks.__dict__.values()))
    for side, salt in ((first[roomy], 16), (second[roomy], 17)):
        row = _row(inner, side, 26.0, 9.0, ends_m=34.0, front_m=_DEPTH_M + 8.0, built=0.5, salt=salt)
        kind = _pick(row.key, 36, (Kind.FLAT, Kind.SHED), (0.6, 0.4))
        parts.append(_built(inner, row, kind, _storeys(row.key, 37, 1, 3), 1.0 + share(row.key, 38)))
    return parts


def _corners(blocks: _Blocks, side: int, usual: Ints) -> Lots:
    """One L-shaped building at the corner where a side begins."""
    corner = np.stack(
        [blocks.low[:, 0] if side in (0, 3) else blocks.high[:, 0],
         blocks.low[:, 1] if side <= 1 else blocks.high[:, 1]], axis=1,
    )  # fmt: skip
    many = len(blocks.key)
    key = _key(blocks.key, np.full(many, 900 + side, np.uint64))
    leg = np.full((many, 1), _LEG_M)
    row = _Row(np.arange(many), key, corner, _ALONG[side] * leg, _INWARD[side] * leg)
    storeys = usual + _storeys(key, 39, 0, 1)
    return _built(blocks, row, np.full(many, Kind.ELL, np.int64), storeys, np.zeros(many), 1.2)


def _slabs(blocks: _Blocks) -> list[Lots]:
    parts = []
    first, second, depth = _long_sides(blocks)
    usual = _storeys(blocks.key, 41, 3, 8)
    for side, salt in ((first, 1), (second, 2)):
        row = _row(blocks, side, 46.0, 11.5, ends_m=4.0, front_m=7.0, built=0.74, salt=salt)
        kind = _pick(row.key, 42, (Kind.FLAT, Kind.GABLE), (0.8, 0.2))
        parts.append(_built(blocks, row, kind, usual[row.owner], np.full(len(kind), 2.4)))
    row = _row(blocks, first, 38.0, 11.5, ends_m=10.0, front_m=0.5 * depth - 5.75, built=0.6, salt=3)
    deep = depth[row.owner] > 80.0
    row = _Row(*(values[deep] for values in row.__dict__.values()))
    kind = np.full(len(row.owner), Kind.FLAT, np.int64)
    return [*parts, _built(blocks, row, kind, usual[row.owner], np.zeros(len(kind)))]


def _towers(blocks: _Blocks) -> list[Lots]:
    parts = []
    first, second, _ = _long_sides(blocks)
    for side, salt in ((first, 1), (second, 2)):
        row = _row(blocks, side, 48.0, 21.0, ends_m=6.0, front_m=7.0, built=0.46, salt=salt)
        kind = _pick(row.key, 51, (Kind.TOWER, Kind.FLAT), (0.5, 0.5))
        storeys = np.where(share(row.key, 52) < 0.55, _storeys(row.key, 53, 9, 22), _storeys(row.key, 54, 2, 5))
        parts.append(_built(blocks, row, kind, storeys, np.zeros(len(kind)), 1.5))
    return parts


def _terraces(blocks: _Blocks) -> list[Lots]:
    parts = []
    first, second, depth = _long_sides(blocks)
    usual = _storeys(blocks.key, 61, 2, 3)
    rows = [(first, 5.0, 1), (second, 5.0, 2)]
    for side, front, salt in rows:
        row = _row(blocks, side, 7.2, 10.5, ends_m=5.0, front_m=front, salt=salt)
        kind = np.full(len(row.owner), Kind.GABLE, np.int64)
        apart = np.mod(np.floor(share(row.key, 62) * 9.0), 9) > 0  # now and then a way through the row
        row, kind = _Row(*(values[apart] for values in row.__dict__.values())), kind[apart]
        parts.append(_built(blocks, row, kind, usual[row.owner], np.full(len(kind), 3.6)))
    for side, salt in ((first, 3), (second, 4)):
        row = _row(blocks, side, 7.2, 9.5, ends_m=9.0, front_m=0.5 * depth - 13.5, salt=salt)
        deep = (depth[row.owner] > 92.0) & (share(row.key, 63) > 0.08)
        row = _Row(*(values[deep] for values in row.__dict__.values()))
        kind = np.full(len(row.owner), Kind.GABLE, np.int64)
        parts.append(_built(blocks, row, kind, usual[row.owner], np.full(len(kind), 3.4)))
    return parts


def _detached(blocks: _Blocks) -> list[Lots]:
    parts = []
    first, second, depth = _long_sides(blocks)
    for side, inner, salt in ((first, False, 1), (second, False, 2), (first, True, 3), (second, True, 4)):
        front = 0.5 * depth - 16.0 if inner else 6.0
        row = _row(blocks, side, 17.5, 9.5, ends_m=6.0, front_m=front, built=0.62, salt=salt)
        there = share(row.key, 71) > 0.07
        if inner:
            there &= depth[row.owner] > 84.0
        row = _Row(*(values[there] for values in row.__dict__.values()))
        kind = _pick(row.key, 72, (Kind.GABLE, Kind.HIP, Kind.SHED, Kind.FLAT), (0.62, 0.22, 0.06, 0.10))
        rise = np.where(kind == Kind.SHED, 1.6, 2.6 + 2.2 * share(row.key, 73))
        parts.append(_built(blocks, row, kind, _storeys(row.key, 74, 1, 2), rise))
    return parts


def _halls(blocks: _Blocks) -> list[Lots]:
    parts = []
    first, second, depth = _long_sides(blocks)
    for side, salt in ((first, 1), (second, 2)):
        row = _row(blocks, side, 55.0, 0.5 * depth - 12.0, ends_m=5.0, front_m=6.0, built=0.82, salt=salt)
        kind = _pick(row.key, 81, (Kind.FLAT, Kind.GABLE, Kind.SHED), (0.55, 0.3, 0.15))
        parts.append(_built(blocks, row, kind, _storeys(row.key, 82, 2, 4), 1.5 + 1.5 * share(row.key, 83)))
    return parts


def _key(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One hash of two names."""
    with np.errstate(over="ignore"):
        mixed = (first ^ np.uint64(0x2545F4914F6CDD1D)) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(29))) + second * np.uint64(0xD1342543DE82EF95)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray(mixed ^ (mixed >> np.uint64(27)))
