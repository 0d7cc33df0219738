"""Texture coordinates of rings onto the points of a city, whatever the format they stand in. Whole arrays only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Lookup:
    """Finds keys in an array: (n,) keys -> (n,) the value of the first of their kind, -1 for 0 and unknown ones."""

    def __init__(self, keys: Ints, values: Ints) -> None:
        self._keys, first = np.unique(keys, return_index=True)
        self._values = values[first]

    def __call__(self, wanted: Ints) -> Ints:
        """(n,) int64."""
        if not len(self._keys):
            return np.full(len(wanted), -1, np.int64)
        place = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return np.where((self._keys[place] == wanted) & (wanted != 0), self._values[place], -1)


def order_in_face(ring_face: NDArray[np.integer], faces: int) -> tuple[Ints, Ints]:
    """The place of each of R rings within its face, and (F,) rings of each face; ``ring_face`` (R,) ascends."""
    count = np.bincount(ring_face, minlength=faces).astype(np.int64)
    first = np.cumsum(count) - count
    return np.arange(len(ring_face)) - first[ring_face], count


def lay(
    uv: NDArray[np.float32],
    ring_start: Ints,
    rings: Ints,
    values: NDArray[np.floating],
    first: Ints,
    pairs: Ints,
    turned: NDArray[np.bool_] | None = None,
    *,
    closed: bool = False,
) -> NDArray[np.bool_]:
    """Write texture coordinates of n different rings into ``uv`` (P, 2), in place.

    ring_start : (R + 1,) into the points. rings : (n,) which. values : (m, 2) coordinates; those of ring i are
    ``values[first[i]:first[i] + pairs[i]]``. turned : (n,) rings whose points were turned round since.
    closed : whether rings end with their first point; then that may be missing on either side.

    Returns
    -------
    (n,) bool, which rings fitted; the others are left as they were.
    """
    points = ring_start[rings + 1] - ring_start[rings]
    turned = np.zeros(len(rings), bool) if turned is None else turned
    fits = (np.abs(pairs - points) <= int(closed)) & (pairs >= 3)
    rings, first, pairs, points = rings[fits], first[fits], pairs[fits], points[fits]
    many = np.minimum(points, pairs)
    step = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many)
    start = np.repeat(ring_start[rings], many)
    last = start + np.repeat(points, many) - 1
    to = np.where(np.repeat(turned[fits], many), last - step, start + step)
    uv[to] = values[np.repeat(first, many) + step]
    short = points > pairs  # the closing point lies where the first one does
    ends = ring_start[rings + 1] - 1
    missing = np.where(turned[fits], ring_start[rings], ends)[short]
    uv[missing] = uv[np.where(turned[fits], ends, ring_start[rings])[short]]
    return fits
