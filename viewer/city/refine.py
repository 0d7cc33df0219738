"""Triangles that follow bent ground: halved where it bends, the same way on both sides of every edge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Heights (n,) of places (n, 2), metres; NaN where unknown.
Height = Callable[[Floats], Floats]

#: Ground that bends less than this between two corners counts as flat there.
FLAT_M = 0.10
MAX_EDGE_M = 40.0
_MIN_EDGE_M = 3.0
MOST_POINTS = 800_000
_ROUNDS = 10


def refined(
    xy: Floats, triangles: Ints, owner: Ints, height: Height, max_edge_m: float = MAX_EDGE_M
) -> tuple[Floats, Ints, Ints]:
    """Triangles halved until each follows the ground.

    Whether an edge is halved depends on its ends alone, so neighbours agree and no gaps open; triangles without such an
    edge are done and leave the rounds. At ``MOST_POINTS`` it ends, with what follows the ground less closely.

    Parameters
    ----------
    xy : (n, 2) metres. triangles : (t, 3) into them. owner : (t,) what each belongs to. height : of places.

    Returns
    -------
    The same three, with more points and triangles.
    """
    done: list[tuple[Ints, Ints]] = []
    for _ in range(_ROUNDS):
        pairs = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1)
        low, high = pairs.min(axis=-1), pairs.max(axis=-1)
        codes, inverse = np.unique((low * len(xy) + high).ravel(), return_inverse=True)
        a, b = codes // len(xy), codes % len(xy)
        split = _bends(xy[a], xy[b], height, max_edge_m)
        if not split.any() or len(xy) + int(split.sum()) > MOST_POINTS:
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


def _bends(a: Floats, b: Floats, height: Height, max_edge_m: float) -> NDArray[np.bool_]:
    """Which edges leave the ground between their ends."""
    length = np.hypot(*(b - a).T)
    za, zb = height(a), height(b)
    off = np.zeros(len(a))
    for share in (0.25, 0.5, 0.75):
        off = np.fmax(off, np.abs(height(a + (b - a) * share) - (za + (zb - za) * share)))
    return np.asarray((length > _MIN_EDGE_M) & ((off > FLAT_M) | (length > max_edge_m)))


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
