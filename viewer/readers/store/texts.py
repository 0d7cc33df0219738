"""Columns of text as two plain arrays: all texts in UTF-8 after each other, and where each begins."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError


def pack(texts: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts as (bytes,) uint8 and (n + 1,) int64 offsets into them."""
    pieces = list(texts)
    whole = "".join(pieces)
    encoded = np.frombuffer(whole.encode("utf-8", "replace"), dtype=np.uint8)
    letters = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=letters[1:])
    if len(encoded) == len(whole):  # one byte for each letter
        return encoded, letters
    return encoded, np.append(_letter_starts(encoded), len(encoded))[letters]


def unpack(encoded: NDArray[np.uint8], start: NDArray[np.int64], name: str) -> list[str]:
    """The texts again.

    Raises
    ------
    ReadError
        Offsets and bytes contradict each other.
    """
    if encoded.dtype != np.uint8 or start.dtype != np.int64 or encoded.ndim != 1 or start.ndim != 1 or not len(start):
        raise damaged(name)
    if start[0] != 0 or start[-1] != len(encoded) or (start[1:] < start[:-1]).any():
        raise damaged(name)
    try:
        whole = encoded.tobytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise damaged(name) from error
    if len(whole) != len(encoded):
        letters = np.append(_letter_starts(encoded), len(encoded))
        place = np.searchsorted(letters, start)
        if not np.array_equal(letters[place], start):
            raise damaged(name)  # an offset inside a letter
        start = place
    return [whole[a:b] for a, b in pairwise(start.tolist())]


def damaged(part: str) -> ReadError:
    """The error for a copy that cannot be trusted."""
    return ReadError(
        "This prepared city is damaged ({part}).", hint="Prepare it again from the original file.", part=part
    )


def _letter_starts(encoded: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.flatnonzero((encoded & 0xC0) != 0x80)
