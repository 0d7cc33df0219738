"""Laying flat things on the ground: heights for points, lines cut at its bends, polygons as fine triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city import AreaLayer
from viewer.city.ground import Ground
from viewer.readers.triangulate import triangulate
from viewer.scene.shading import light_on

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Ground that bends less than this between two corners counts as flat there.
FLAT_M = 0.10
MAX_EDGE_M = 40.0
_MIN_EDGE_M = 3.0
#: How much light and shade of the ground show through what lies on it.
_CONTRAST = 1.7
_MOST_POINTS = 800_000
_ROUNDS = 10


def drape_points(xy: ArrayLike, ground: Ground | None, offset: float = 0.0) -> Floats:
    """(n, 3) points at ``offset`` metres above the ground (z = 0 without one)."""
    xy = np.asarray(xy, np.float64).reshape(-1, 2)
    z = ground.height_at(xy) if ground is not None and len(xy) else np.zeros(len(xy))
    return np.column_stack([xy, z + offset])


def on_ground(points: Floats, ground: Ground | None) -> Floats:
    """(n, 3) points with the ground's height where z is NaN."""
    points = np.array(points, np.float64).reshape(-1, 3)
    unknown = ~np.isfinite(points[:, 2])
    if unknown.any():
        points[unknown] = drape_points(points[unknown, :2], ground)
    return points


def shade_of(xy: Floats, ground: Ground | None) -> Floats:
    """(n,) how bright a colour laid on the ground is at places (n, 2): 1 on level ground, darker in its shade."""
    if ground is None or is_flat(ground) or not len(xy):
        return np.ones(len(xy))
    step = 1.0 if ground.detail is None else max(ground.detail.cell_m, 1.0)
    east, north = np.array([step, 0.0]), np.array([0.0, step])
    rise_x = (ground.height_at(xy + east) - ground.height_at(xy - east)) / (2 * step)
    rise_y = (ground.height_at(xy + north) - ground.height_at(xy - north)) / (2 * step)
    normal = np.column_stack([-rise_x, -rise_y, np.ones(len(xy))])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    level = float(light_on(np.array([[0.0, 0.0, 1.0]])).mean())
    return np.asarray(np.clip((light_on(normal).mean(axis=1) / level) ** _CONTRAST, 0.55, 1.12))


def is_flat(ground: Ground | None) -> bool:
    """Whether the ground is a level plane."""
    return ground is None or ground.range_m[1] - ground.range_m[0] < FLAT_M


def drape_polygons(
    layer: AreaLayer, ground: Ground | None, max_edge: float = MAX_EDGE_M, offset: float = 0.0
) -> tuple[Floats, Ints, Ints]:
    """Polygons as triangles that follow the ground.

    Returns
    -------
    points : (n, 3) float64 local. triangles : (t, 3) int64 into them. polygon : (t,) int64, the polygon of each.
    """
    flat = np.column_stack([layer.positions_local, np.zeros(len(layer.positions_local))])
    cut = triangulate(flat, layer.ring_start, layer.polygon_ring_start)
    xy, triangles, owner = flat[:, :2], cut.triangles.astype(np.int64), cut.triangle_face.astype(np.int64)
    if ground is not None and not is_flat(ground) and len(triangles):
        xy, triangles, owner = _refined(xy, triangles, owner, ground, max_edge)
    return drape_points(xy, ground, offset), triangles, owner


def drape_rings(
    xy: Floats, start: NDArray[np.integer], ground: Ground | None, *, closed: bool, step: float = 8.0
) -> tuple[Floats, Ints, Ints]:
    """Lines or rings cut where the ground may bend.

    Returns
    -------
    points : (n, 2) float64. segments : (s, 2) int64 into them. line : (s,) int64, the line each belongs to.
    """
    xy = np.asarray(xy, np.float64).reshape(-1, 2)
    sizes = np.diff(start).astype(np.int64)
    line_of = np.repeat(np.arange(len(sizes)), sizes)
    following = np.arange(1, len(xy) + 1, dtype=np.int64)
    filled = sizes > 0
    ends = np.asarray(start)[1:][filled].astype(np.int64) - 1
    following[ends] = np.asarray(start)[:-1][filled]
    keep = np.ones(len(xy), bool)
    if not closed:
        keep[ends] = False
    first = np.flatnonzero(keep)
    second = following[first]
    line = line_of[first]
    if is_flat(ground) or not len(first):
        return xy, np.column_stack([first, second]), line
    length = np.hypot(*(xy[second] - xy[first]).T)
    parts = np.clip(np.ceil(length / step), 1, 200).astype(np.int64)
    if int(parts.sum()) > _MOST_POINTS:
        parts = np.ones_like(parts)
    added = parts - 1
    which = np.repeat(np.arange(len(first)), added)
    place = np.arange(len(which)) - np.repeat(np.cumsum(added) - added, added) + 1
    share = (place / parts[which])[:, None]
    between = xy[first[which]] * (1 - share) + xy[second[which]] * share
    base = len(xy) + np.cumsum(added) - added
    # Each segment runs first, its added points, second.
    segment = np.repeat(np.arange(len(first)), parts)
    k = np.arange(len(segment)) - np.repeat(np.cumsum(parts) - parts, parts)
    a = np.where(k == 0, first[segment], base[segment] + k - 1)
    b = np.where(k == parts[segment] - 1, second[segment], base[segment] + k)
    return np.concatenate([xy, between]), np.column_stack([a, b]), line[segment]


def _refined(xy: Floats, triangles: Ints, owner: Ints, ground: Ground, max_edge: float) -> tuple[Floats, Ints, Ints]:
    """Halve edges until each follows the ground. Whether an edge is halved depends on its ends alone, so
    neighbours agree and no gaps open; triangles without such an edge are done and leave the rounds."""
    done: list[tuple[Ints, Ints]] = []
    for _ in range(_ROUNDS):
        pairs = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1)
        low, high = pairs.min(axis=-1), pairs.max(axis=-1)
        codes, inverse = np.unique((low * len(xy) + high).ravel(), return_inverse=True)
        a, b = codes // len(xy), codes % len(xy)
        split = _bends(xy[a], xy[b], ground, max_edge)
        if not split.any() or len(xy) + int(split.sum()) > _MOST_POINTS:
            break
        middle = np.full(len(codes), -1, np.int64)
        middle[split] = len(xy) + np.arange(int(split.sum()))
        xy = np.concatenate([xy, (xy[a[split]] + xy[b[split]]) / 2])
        m = middle[inverse].reshape(-1, 3)
        whole = (m < 0).all(axis=1)
        done.append((triangles[whole], owner[whole]))
        triangles, owner = _divided(xy, triangles[~whole], owner[~whole], m[~whole])
    done.append((triangles, owner))
    return xy, np.concatenate([d[0] for d in done]), np.concatenate([d[1] for d in done])


def _bends(a: Floats, b: Floats, ground: Ground, max_edge: float) -> NDArray[np.bool_]:
    """Which edges leave the ground between their ends."""
    length = np.hypot(*(b - a).T)
    za, zb = ground.height_at(a), ground.height_at(b)
    off = np.zeros(len(a))
    for share in (0.25, 0.5, 0.75):
        z = ground.height_at(a + (b - a) * share)
        off = np.maximum(off, np.abs(z - (za + (zb - za) * share)))
    return np.asarray((length > _MIN_EDGE_M) & ((off > FLAT_M) | (length > max_edge)))


def _divided(xy: Floats, triangles: Ints, owner: Ints, m: Ints) -> tuple[Ints, Ints]:
    """Triangles with one, two or three halved edges as two, three or four. m : (t, 3), middle of the edge from
    corner k to k + 1, -1 for none."""
    halved = m >= 0
    count = halved.sum(axis=1)
    # One: turn so that edge 0 is the halved one. Two: so that edge 2 is the whole one.
    turn = np.where(count == 1, halved.argmax(axis=1), np.where(count == 2, (~halved).argmax(axis=1) + 1, 0))
    index = (np.arange(3) + turn[:, None]) % 3
    t, e = np.take_along_axis(triangles, index, 1), np.take_along_axis(m, index, 1)
    a, b, c = t.T
    ab, bc, ca = e.T
    parts: list[tuple[Ints, Ints]] = []

    def add(of: NDArray[np.bool_], *corners: Ints) -> None:
        parts.append((np.column_stack([corner[of] for corner in corners]), owner[of]))

    one, two, three = count == 1, count == 2, count == 3
    add(one, a, ab, c)
    add(one, ab, b, c)
    add(two, ab, b, bc)
    # The rest of a triangle with two halved edges is a quad; cut it along its shorter diagonal.
    by_a = np.zeros(len(t), bool)
    by_a[two] = np.hypot(*(xy[a[two]] - xy[bc[two]]).T) < np.hypot(*(xy[ab[two]] - xy[c[two]]).T)
    add(two & by_a, a, ab, bc)
    add(two & by_a, a, bc, c)
    add(two & ~by_a, a, ab, c)
    add(two & ~by_a, ab, bc, c)
    add(three, a, ab, ca)
    add(three, ab, b, bc)
    add(three, ca, bc, c)
    add(three, ab, bc, ca)
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
