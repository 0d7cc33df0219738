"""Texts of GML coordinates -> points of rings, a whole chunk in one go; numbers in an element. Knows no objects."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.readers import json_parse

Floats = NDArray[np.float64]

#: Stands before the numbers of each ring.
RING_MARK = "1.7e308"
_MARK = float(RING_MARK)
#: Characters that JSON gives a meaning which they do not have among coordinates.
_JSON_SIGNS = '"[{tf,'


def parse_rings(tokens: list[str], ring_count: int) -> tuple[Floats, NDArray[np.int32], int]:
    """(P, 3) points, points per ring, and the number of rings without heights, which lie at height 0.

    tokens : texts of coordinates, with ``RING_MARK`` before those of each of the ``ring_count`` rings.
    A ring with something that is no number, or that fits neither two nor three dimensions, becomes infinite.
    """
    values, size = parse_runs(tokens, ring_count)
    return _lift(values, size)


def numbers_in(element: Any) -> Floats:
    """The numbers in an element, or in those below it; none where something else stands there, or for None."""
    if element is None:
        return np.zeros(0)
    try:
        return np.array([float(word) for word in "".join(element.itertext()).replace(",", " ").split()])
    except ValueError:
        return np.zeros(0)


def parse_runs(tokens: list[str], ring_count: int) -> tuple[Floats, NDArray[np.int32]]:
    """All numbers in a row and how many belong to each ring; infinite for what is no number."""
    if not tokens:
        return np.zeros(0), np.zeros(0, np.int32)
    values = _numbers(" ".join(tokens))
    marked = values == _MARK
    if np.count_nonzero(marked) != ring_count:
        values = np.array([number for text in tokens for number in _numbers_one_by_one(text)])
        marked = values == _MARK
    size = np.diff(np.flatnonzero(marked), append=len(values)) - 1
    return values[~marked], size.astype(np.int32)


def _numbers(text: str) -> Floats:
    """All numbers of a text; empty if something in it is no number."""
    values = _numbers_as_json(text)
    if values is not None:
        return values
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError):
            return np.zeros(0)


def _numbers_as_json(text: str) -> Floats | None:
    """Numbers with single blanks between them are JSON but for the commas, and read as such in half the time.

    None where they are not: other white space, ``+1``, ``1.``, ``NaN``, or no number at all.
    """
    if any(sign in text for sign in _JSON_SIGNS):
        return None
    try:
        values: Any = json_parse.parse(f"[{text.replace(' ', ',')}]".encode())
        return np.fromiter(values, dtype=np.float64, count=len(values))
    except (ValueError, TypeError):
        return None


def _numbers_one_by_one(text: str) -> list[float]:
    """Numbers of one text; what is no number becomes infinite, so that its face is found and left out."""
    if text is RING_MARK:
        return [_MARK]
    numbers = []
    for word in text.split():
        try:
            number = float(word)
        except ValueError:
            number = np.inf
        numbers.append(number if abs(number) < _MARK else np.inf)
    return numbers


def _lift(values: Floats, size: NDArray[np.int32]) -> tuple[Floats, NDArray[np.int32], int]:
    """(P, 3) points of numbers in a row, points per ring, and the number of rings without heights.

    Whether a ring is flat is seen from where it closes. A ring that fits neither becomes infinite.
    """
    if not len(size):
        return values.reshape(-1, 3), size, 0
    end = np.cumsum(size, dtype=np.int64)
    start = end - size
    odd = size % 3 != 0
    several = size >= 6
    closes = np.zeros(len(size), dtype=bool)
    a, b = start[several], end[several]
    closes[several] = (values[a] == values[b - 3]) & (values[a + 1] == values[b - 2]) & (values[a + 2] == values[b - 1])
    closes_flat = np.zeros(len(size), dtype=bool)
    closes_flat[several] = (values[a] == values[b - 2]) & (values[a + 1] == values[b - 1])
    flat = (size % 2 == 0) & closes_flat & ~closes
    if not (odd | flat).any():
        return values.reshape(-1, 3), size // 3, 0
    parts = []
    for i, (first, last) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        if flat[i]:
            ring = np.zeros(((last - first) // 2, 3))
            ring[:, :2] = values[first:last].reshape(-1, 2)
        elif odd[i]:
            ring = np.full((3, 3), np.inf)
            ring[:, 0] = 0.0
            ring[1, 1] = 0.0
        else:
            ring = values[first:last].reshape(-1, 3)
        parts.append(ring)
    sizes = np.array([len(part) for part in parts], dtype=np.int32)
    return np.concatenate(parts), sizes, int(flat.sum())


def turn_round(points: Floats, size: NDArray[np.int32], ring_face: NDArray[np.int32], faces: NDArray[np.int64]) -> None:
    """Reverse the points of all rings of ``faces``, in place."""
    end = np.cumsum(size, dtype=np.int64)
    for ring in np.flatnonzero(np.isin(ring_face, faces)).tolist():
        first, last = int(end[ring] - size[ring]), int(end[ring])
        points[first:last] = points[first:last][::-1]
