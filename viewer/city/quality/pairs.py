"""Pairs of things that could meet, without comparing each with each; segments that touch; points inside rings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: About so many pairs are compared at once.
BLOCK_PAIRS = 1_000_000


def overlapping(group: NDArray[np.integer], low: Floats, high: Floats) -> Iterator[tuple[Index, Index]]:
    """Pairs (i, j) of the same group whose intervals ``low .. high`` overlap, each once, in blocks.

    A few pairs that only nearly overlap may be among them.
    """
    if len(group) < 2:
        return
    _, group = np.unique(group, return_inverse=True)
    order = np.lexsort((low, group))
    which = group[order]
    first = np.full(which[-1] + 1, np.inf)
    last = np.full(which[-1] + 1, -np.inf)
    np.minimum.at(first, which, low[order])
    np.maximum.at(last, which, high[order])
    span = np.maximum(last - first, 1e-9)[which]
    begin = 2.0 * which + (low[order] - first[which]) / span
    end = np.searchsorted(begin, 2.0 * which + (high[order] - first[which]) / span + 1e-8, side="right")
    count = np.maximum(end - np.arange(len(order)) - 1, 0)
    yield from ((order[a], order[b]) for a, b in _expanded(count, np.arange(1, len(order) + 1)))


def _expanded(count: NDArray[np.integer], start: NDArray[np.integer]) -> Iterator[tuple[Index, Index]]:
    """For each i the pairs (i, start[i]), (i, start[i] + 1) ... ``count[i]`` of them, in blocks."""
    running = np.zeros(len(count) + 1, dtype=np.int64)
    np.cumsum(count, out=running[1:])
    at = 0
    while at < len(count):
        to = max(int(np.searchsorted(running, running[at] + BLOCK_PAIRS, side="right")) - 1, at + 1)
        some = count[at:to]
        left = np.repeat(np.arange(at, to), some)
        if len(left):
            offset = np.arange(len(left)) - np.repeat(running[at:to] - running[at], some)
            yield left, start[left] + offset
        at = to


def to_segment(p: Floats, a: Floats, b: Floats) -> Floats:
    """(n,) distance of points from the segments a-b, all (n, 2)."""
    ab = b - a
    length = np.einsum("ij,ij->i", ab, ab)
    t = np.einsum("ij,ij->i", p - a, ab) / np.where(length > 0, length, 1.0)
    return np.asarray(np.linalg.norm(a + np.clip(t, 0.0, 1.0)[:, None] * ab - p, axis=1))


def line_sides(a: Floats, b: Floats, c: Floats, d: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Signed distances of c and d from the line a-b, and of a and b from the line c-d; (n,) each."""

    def side(p: Floats, q: Floats, r: Floats) -> Floats:
        way = q - p
        length = np.linalg.norm(way, axis=1)
        cross = way[:, 0] * (r[:, 1] - p[:, 1]) - way[:, 1] * (r[:, 0] - p[:, 0])
        return np.asarray(cross / np.where(length > 0, length, 1.0))

    return side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)


def touching(a: Floats, b: Floats, c: Floats, d: Floats, tolerance: Floats) -> Flags:
    """(n,) whether segments a-b and c-d cross or come closer than ``tolerance`` (n,)."""
    c_side, d_side, a_side, b_side = line_sides(a, b, c, d)
    crossing = (c_side * d_side < 0) & (a_side * b_side < 0)
    near = np.minimum.reduce([to_segment(a, c, d), to_segment(b, c, d), to_segment(c, a, b), to_segment(d, a, b)])
    return np.asarray(crossing | (near < tolerance))


def crossing_or_along(a: Floats, b: Floats, c: Floats, d: Floats, tolerance: Floats) -> Flags:
    """(n,) whether segments cross through each other, or run along each other for more than twice ``tolerance``."""
    c_side, d_side, a_side, b_side = line_sides(a, b, c, d)
    deep = np.minimum.reduce([np.abs(c_side), np.abs(d_side), np.abs(a_side), np.abs(b_side)]) > tolerance
    crossing = (c_side * d_side < 0) & (a_side * b_side < 0) & deep
    ab = b - a
    length = np.maximum(np.linalg.norm(ab, axis=1), 1e-12)
    t, u = (np.einsum("ij,ij->i", p - a, ab) / length for p in (c, d))
    common = np.minimum(np.maximum(t, u), length) - np.maximum(np.minimum(t, u), 0.0)
    along = (np.maximum(np.abs(c_side), np.abs(d_side)) < tolerance) & (common > 2 * tolerance)
    return np.asarray(crossing | along)


def inside_rings(
    points: Floats, ring: NDArray[np.integer], xy: Floats, ring_start: NDArray[np.integer], after: NDArray[np.integer]
) -> Flags:
    """(n,) whether each point lies inside its ring, by the even-odd rule.

    points : (n, 2). ring : (n,) ring of each point. xy : (V, 2) corners of rings ``ring_start`` (R + 1,);
    ``after`` (V,) the next corner along the ring.
    """
    odd = np.zeros(len(points), dtype=np.int64)
    for i, edge in _expanded(ring_start[ring + 1] - ring_start[ring], ring_start[ring]):
        a, b, p = xy[edge], xy[after[edge]], points[i]
        spans = (a[:, 1] > p[:, 1]) != (b[:, 1] > p[:, 1])
        rise = np.where(spans, b[:, 1] - a[:, 1], 1.0)
        left = p[:, 0] < a[:, 0] + (b[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1]) / rise
        np.add.at(odd, i[spans & left], 1)
    return np.asarray(odd % 2 == 1)


def clusters(group: NDArray[np.integer], values: Floats, tolerance: float) -> Index:
    """(n,) numbers; values of one group that have no others near them get the same if they lie within ``tolerance``.

    Where values crowd, so that a chain of them would join what lies far apart, they fall into cells of that size.
    """
    order = np.lexsort((values, group))
    if not len(order):
        return np.zeros(0, dtype=np.int64)
    g, v = group[order], values[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (g[1:] != g[:-1]) | (v[1:] - v[:-1] > tolerance)
    begin = v[new][np.cumsum(new) - 1]
    cell = np.floor((v - begin) / (tolerance * 1.001))
    new[1:] |= cell[1:] != cell[:-1]
    result = np.empty(len(order), dtype=np.int64)
    result[order] = np.cumsum(new) - 1
    return result
