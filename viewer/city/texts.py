"""Many texts as two plain arrays, unpacked only where somebody looks, and found again by what they say.

A million ids cost nothing until they are asked for. Files and their damage are no matter of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

#: Which rows (n,) may be believed, (n,) bool.
Guard = Callable[[NDArray[np.intp]], NDArray[np.bool_]]
#: Hashes (n,) uint64, ascending, and the row of each (n,) int32.
TextIndex = tuple[NDArray[np.uint64], NDArray[np.int32]]

_DTYPE = np.dtypes.StringDType()
_PRIME = np.uint64(0x100000001B3)
_AT_ONCE = 1 << 16


def pack(texts: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts as (bytes,) uint8 in UTF-8, one after the other, and (n + 1,) int64 offsets into them."""
    pieces = list(texts)
    whole = "".join(pieces)
    encoded = np.frombuffer(whole.encode("utf-8", "replace"), dtype=np.uint8)
    letters = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, pieces), np.int64, len(pieces)), out=letters[1:])
    if len(encoded) == len(whole):  # one byte for each letter
        return encoded, letters
    starts = np.flatnonzero((encoded & 0xC0) != 0x80)
    return encoded, np.append(starts, len(encoded))[letters]


class PackedTexts:
    """(n,) texts that answer like a read-only array of ``StringDType``; only what is asked for is unpacked.

    Parameters
    ----------
    encoded : (bytes,) uint8, UTF-8. start : (n + 1,) int64 offsets into them.
    guard : asked about rows before they are unpacked; those it refuses read as ``""``.
    index : ``index_of`` these texts, where it is known.
    """

    __slots__ = ("_encoded", "_guard", "_start", "index")
    __hash__ = None  # type: ignore[assignment]
    ndim = 1

    def __init__(
        self,
        encoded: NDArray[np.uint8],
        start: NDArray[np.int64],
        guard: Guard | None = None,
        index: TextIndex | None = None,
    ) -> None:
        self._encoded, self._start, self._guard, self.index = encoded, start, guard, index

    def __len__(self) -> int:
        return len(self._start) - 1

    @property
    def shape(self) -> tuple[int]:
        """(n,)."""
        return (len(self),)

    @property
    def size(self) -> int:
        """n."""
        return len(self)

    @property
    def dtype(self) -> np.dtypes.StringDType:
        """``StringDType``."""
        return _DTYPE

    @property
    def packed(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The two arrays."""
        return self._encoded, self._start

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int | np.integer):
            row = int(key) + (len(self) if key < 0 else 0)
            if not 0 <= row < len(self):
                raise IndexError(key)
            return self._unpacked(np.array([row]))[0]
        if isinstance(key, slice):
            return _array(self._unpacked(np.arange(*key.indices(len(self)))))
        rows = np.asarray(key)
        if rows.dtype == np.bool_:
            if rows.shape != self.shape:
                raise IndexError("a mask has one entry for each text")
            rows = np.flatnonzero(rows)
        rows = rows.astype(np.intp, copy=False)
        if rows.size and (rows.min() < -len(self) or rows.max() >= len(self)):
            raise IndexError("there are not so many texts")
        flat = np.where(rows < 0, rows + len(self), rows).reshape(-1)
        return _array(self._unpacked(flat)).reshape(rows.shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tolist())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.generic]:
        whole = _array(self.tolist())
        return whole if dtype is None else whole.astype(dtype)

    def __eq__(self, other: object) -> Any:
        if isinstance(other, str) and not other:
            rows = np.arange(len(self))
            return (np.diff(self._start) <= 0) | ~self._usable(rows)
        return np.asarray(self) == other

    def __ne__(self, other: object) -> Any:
        return ~(self == other)

    def take(self, rows: NDArray[np.integer]) -> PackedTexts:
        """Some of them, packed."""
        begin, size = self._places(np.asarray(rows, np.intp))
        start = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(size, out=start[1:])
        return PackedTexts(np.frombuffer(self._letters(begin, size), np.uint8), start)

    def tolist(self) -> list[str]:
        """All texts."""
        return self._unpacked(np.arange(len(self)))

    def copy(self) -> NDArray[np.generic]:
        """All texts as an array of its own."""
        return _array(self.tolist())

    def _usable(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        return np.ones(len(rows), bool) if self._guard is None else self._guard(rows)

    def _places(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the letters of some texts begin and how many there are; nothing outside, whatever was stored."""
        length = len(self._encoded)
        begin = np.clip(self._start[rows], 0, length)
        size = np.clip(self._start[rows + 1], begin, length) - begin
        return begin, np.where(self._usable(rows), size, 0)

    def _letters(self, begin: NDArray[np.int64], size: NDArray[np.int64]) -> bytes:
        ends = np.cumsum(size)
        total = int(ends[-1]) if len(ends) else 0
        if not total:
            return b""
        if total == int(begin[-1] + size[-1] - begin[0]) and bool((begin[1:] == begin[:-1] + size[:-1]).all()):
            return bytes(self._encoded[int(begin[0]) : int(begin[0]) + total].data)
        place = np.arange(total) + np.repeat(begin - (ends - size), size)
        return bytes(self._encoded[place].data)

    def _unpacked(self, rows: NDArray[np.intp]) -> list[str]:
        if not len(rows):
            return []
        begin, size = self._places(rows)
        raw = self._letters(begin, size)
        cuts = pairwise([0, *np.cumsum(size).tolist()])
        if raw.isascii():
            whole = raw.decode("ascii")
            return [whole[a:b] for a, b in cuts]
        return [raw[a:b].decode("utf-8", "replace") for a, b in cuts]


def packed_of(values: NDArray[np.generic] | PackedTexts) -> PackedTexts:
    """Texts as packed ones; those of a store are already."""
    return values if isinstance(values, PackedTexts) else PackedTexts(*pack(values.tolist()))


def as_array(texts: PackedTexts) -> NDArray[np.generic]:
    """The same object, for whoever expects an array: it answers like one."""
    return cast("NDArray[np.generic]", texts)


def index_of(texts: NDArray[np.generic] | PackedTexts) -> TextIndex:
    """What ``rows_of`` searches: all hashes in ascending order, and the row of each."""
    if isinstance(texts, PackedTexts) and texts.index is not None:
        return texts.index
    encoded, start = texts.packed if isinstance(texts, PackedTexts) else pack(texts.tolist())
    found = hashes(encoded, start)
    order = np.argsort(found, kind="stable").astype(np.int32)
    return found[order], order


def rows_of(texts: NDArray[np.generic] | PackedTexts, index: TextIndex, wanted: Iterable[str]) -> NDArray[np.intp]:
    """Rows whose text is among ``wanted``, ascending; costs nothing for the others."""
    names = list(dict.fromkeys(wanted))
    if not names or not len(texts):
        return np.zeros(0, np.intp)
    sought = hashes(*pack(names))
    first, last = (np.searchsorted(index[0], sought, side=side) for side in ("left", "right"))
    count = last - first
    place = np.arange(int(count.sum())) + np.repeat(first - (np.cumsum(count) - count), count)
    rows = index[1][place].astype(np.intp)
    known = set(names)  # two texts may have one hash
    same = np.fromiter((text in known for text in texts[rows].tolist()), np.bool_, len(rows))
    return np.unique(rows[same])


def hashes(encoded: NDArray[np.uint8], start: NDArray[np.int64]) -> NDArray[np.uint64]:
    """(n,) numbers that tell texts apart, the same in every run; worked out for all letters at once."""
    result = np.empty(len(start) - 1, np.uint64)
    for first in range(0, len(result), _AT_ONCE):
        own = start[first : first + _AT_ONCE + 1]
        size = np.diff(own)
        letters = encoded[own[0] : own[-1]].astype(np.uint64) + np.uint64(1)
        power = np.cumprod(np.full(int(size.max(initial=0)) + 1, _PRIME))
        letters *= power[np.arange(len(letters)) - np.repeat(own[:-1] - own[0], size)]
        running = np.zeros(len(letters) + 1, np.uint64)
        np.cumsum(letters, out=running[1:])
        total = running[own[1:] - own[0]] - running[own[:-1] - own[0]]
        total ^= total >> np.uint64(29)
        result[first : first + _AT_ONCE] = (total + size.astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
    return result


def _array(texts: list[str]) -> NDArray[np.generic]:
    array: NDArray[np.generic] = np.array(texts, dtype=_DTYPE)
    return array
