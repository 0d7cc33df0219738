"""Parts of one building whose bodies overlap, from the heights at which vertical lines enter and leave them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city.model import CityModel
from viewer.city.quality.findings import Collector
from viewer.city.quality.pairs import overlapping
from viewer.city.quality.solids import Shells

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

#: Bodies overlap whose common height is larger than this, and the box around both so long and wide, metres.
LEAST_M = 0.1
#: Vertical lines per side of the box that two bodies have in common, and how far they stand off its grid.
_LINES, _OFF = 5, 0.37
#: At most so many pairs of parts are compared.
MAX_PAIRS = 200_000
#: About so many triangles are cut at once.
_BLOCK = 2_000_000


def check_parts(city: CityModel, shells: Shells, found: Collector) -> None:
    """Note every sound body that overlaps another one of its building at one level of detail.

    The smaller one of each pair is told once, with the largest common height. Parts that only touch, or overlap by a
    sliver between the lines, are no fault.
    """
    some = np.flatnonzero(shells.sound & (shells.code == 0))
    feature = city.objects.feature_of_object[shells.owner[some]].astype(np.int64)
    group = feature * len(city.lods) + shells.body[some] % len(city.lods)
    _, number, count = np.unique(group, return_inverse=True, return_counts=True)
    several = count[number] > 1
    some, group = some[several], group[several]
    if not len(some):
        return
    place = np.full(len(shells.body), -1)
    place[some] = np.arange(len(some))
    of_face = np.full(len(city.face_object), -1)
    of_face[shells.faces] = place[shells.shell]
    chosen = np.flatnonzero(of_face[city.triangle_face] >= 0)
    body = of_face[city.triangle_face[chosen]]
    order = np.argsort(body, kind="stable")
    corners = city.positions_local[city.triangles[chosen[order]]].astype(np.float64)
    start = np.searchsorted(body[order], np.arange(len(some) + 1))
    low = np.minimum.reduceat(corners.min(axis=1), start[:-1])
    high = np.maximum.reduceat(corners.max(axis=1), start[:-1])
    pairs = _pairs(group, low, high)
    if not len(pairs):
        return
    size = np.prod(high - low, axis=1)
    common, where = _common_heights(corners, start, pairs, low, high)
    bad = common > LEAST_M
    smaller = np.where(size[pairs[:, 0]] < size[pairs[:, 1]], pairs[:, 0], pairs[:, 1])[bad]
    order = np.lexsort((-common[bad], smaller))
    told, first = np.unique(smaller[order], return_index=True)
    row = np.flatnonzero(bad)[order[first]]
    found.add("601", shells.owner[some[told]], where[row], common[row])


def _pairs(group: Index, low: Floats, high: Floats) -> Index:
    """(p, 2) bodies of one group whose boxes have more than a sliver in common."""
    found = [np.zeros((0, 2), np.int64)]
    for i, j in overlapping(group, low[:, 0], high[:, 0]):
        deep = (np.minimum(high[i], high[j]) - np.maximum(low[i], low[j]) > LEAST_M).all(axis=1)
        found.append(np.column_stack([i[deep], j[deep]]))
        if sum(map(len, found)) > MAX_PAIRS:
            break
    return np.concatenate(found)[:MAX_PAIRS]


def _common_heights(corners: Floats, start: Index, pairs: Index, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """(p,) the largest height both bodies of a pair share on some vertical lines, and (p, 3) where."""
    steps = (np.arange(_LINES) + _OFF) / (_LINES + 1 - 2 * _OFF)
    grid = np.stack(np.meshgrid(steps, steps[::-1] * 0.97, indexing="ij"), axis=-1).reshape(-1, 2)
    first, second = pairs.T
    corner = np.maximum(low[first], low[second])[:, :2]
    side = np.minimum(high[first], high[second])[:, :2] - corner
    count = np.diff(start)
    cost = np.cumsum((count[first] + count[second]) * len(grid))
    common, where = np.zeros(len(pairs)), np.zeros((len(pairs), 3))
    begin = 0
    while begin < len(pairs):
        done = cost[begin - 1] if begin else 0
        end = max(int(np.searchsorted(cost, done + _BLOCK, side="right")), begin + 1)
        own = slice(begin, end)
        points = (corner[own, None] + grid * side[own, None]).reshape(-1, 2)
        lines = np.repeat(np.arange(end - begin), len(grid))
        events = [_crossings(corners, start, bodies[own][lines], points) for bodies in (first, second)]
        height, middle = _shared(events, len(points))
        height, middle = height.reshape(-1, len(grid)), middle.reshape(-1, len(grid))
        best = height.argmax(axis=1)
        row = np.arange(end - begin)
        common[own] = height[row, best]
        where[own] = np.column_stack([points.reshape(-1, len(grid), 2)[row, best], middle[row, best]])
        begin = end
    return common, where


def _crossings(corners: Floats, start: Index, body: Index, points: Floats) -> tuple[Index, Floats, Index]:
    """Where vertical lines at points (n, 2) cross the surface of their body: line, height, and 1 in or -1 out."""
    count = np.diff(start)[body]
    line = np.repeat(np.arange(len(body)), count)
    triangle = np.arange(len(line)) - np.repeat(np.cumsum(count) - count - start[body], count)
    a, b, c = np.moveaxis(corners[triangle], 1, 0)
    p = points[line]
    area = _cross(b - a, c - a)
    flat = np.abs(area) > 1e-12
    area = np.where(flat, area, 1.0)
    u, v = _cross(p - a[:, :2], c - a) / area, _cross(b - a, p - a[:, :2]) / area
    hit = flat & (u >= 0) & (v >= 0) & (u + v <= 1)
    height = a[hit, 2] + u[hit] * (b - a)[hit, 2] + v[hit] * (c - a)[hit, 2]
    return line[hit], height, np.where(area[hit] < 0, 1, -1)


def _cross(p: Floats, q: Floats) -> Floats:
    return np.asarray(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])


def _shared(events: list[tuple[Index, Floats, Index]], lines: int) -> tuple[Floats, Floats]:
    """(lines,) the height that is inside both bodies, and the middle of its longest stretch."""
    line = np.concatenate([event[0] for event in events])
    height = np.concatenate([event[1] for event in events])
    of = np.concatenate([np.full(len(event[0]), k) for k, event in enumerate(events)])
    step = np.concatenate([event[2] for event in events])
    whole = np.ones(lines, bool)  # a line through an edge may meet one of its two surfaces, or both
    for k in range(2):
        whole &= np.bincount(line[of == k], step[of == k], lines) == 0
    keep = whole[line]
    line, height, of, step = line[keep], height[keep], of[keep], step[keep]
    order = np.lexsort((height, line))
    line, height, of, step = line[order], height[order], of[order], step[order]
    inside = np.cumsum(np.where(of == 0, step, 0)), np.cumsum(np.where(of == 1, step, 0))
    both = (inside[0][:-1] > 0) & (inside[1][:-1] > 0) & (line[1:] == line[:-1])
    length = np.where(both, np.diff(height), 0.0)
    middle = np.zeros(lines)
    longest = np.flatnonzero(both)[np.argsort(length[both], kind="stable")]
    middle[line[longest]] = (height[longest] + height[longest + 1]) / 2
    heights: Floats = np.zeros(lines)
    np.add.at(heights, line[:-1], length)
    return heights, middle
