"""Arrays as plain ``.npy`` files that other programs read too, with a checksum for every tile of the large ones.

What is divided into tiles is checked when a tile is looked at, everything else at opening. What the arrays mean
is not known here.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.readers.store.folder import MANIFEST, damaged

Array = NDArray[np.generic]

MAX_ARRAYS = 10_000
#: Smaller arrays are read, larger ones mapped: every mapping holds a file open.
MAPPED_FROM_BYTES = 1 << 18
#: The array that holds the checksums of all tiles, (divided arrays, tiles) uint32.
SUMS = "tile_sums"

_FILE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,150}\.npy")
_DTYPE = re.compile(r"\|[bu]1|\|i1|<[iuf][248]")


@dataclass(frozen=True, eq=False)
class Split:
    """How an array is divided: rows ``start[b] .. start[b + 1] + extra`` belong to tile b.

    Parameters
    ----------
    by : name of the array that holds ``start``, (B + 1,) int64.
    extra : rows shared with the next tile: 1 for offsets, which have one more than there are pieces.
    """

    by: str
    start: NDArray[np.int64]
    extra: int = 0

    def __len__(self) -> int:
        return len(self.start) - 1

    def rows(self, tile: int) -> slice:
        """The rows of one tile."""
        return slice(int(self.start[tile]), int(self.start[tile + 1]) + self.extra)


@dataclass(frozen=True, eq=False)
class Divided:
    """An array whose tiles have checksums: how it is divided, and ``sums`` (B,) uint32."""

    array: Array
    split: Split
    sums: NDArray[np.uint32]

    def is_sound(self, tile: int) -> bool:
        """Whether one tile is what was written."""
        return crc(self.array[self.split.rows(tile)]) == int(self.sums[tile])


class ArrayWriter:
    """Writes the arrays of one folder, and remembers what the manifest has to say about them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 0
        self._entries: dict[str, dict[str, Any]] = {}
        self._sums: list[NDArray[np.uint32]] = []

    def put(self, name: str, array: Array, split: Split | None = None) -> None:
        """Write one array. Raises OSError; ValueError for a name or kind that a store does not hold."""
        plain = np.ascontiguousarray(array)
        plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False).reshape(array.shape)
        path = self.path(name, plain.dtype)
        with path.open("xb") as file:
            np.lib.format.write_array(file, plain, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        self._note(name, plain, split)

    def entries(self) -> dict[str, dict[str, Any]]:
        """JSON values of all arrays for the manifest; call it last."""
        if self._sums and SUMS not in self._entries:
            self.put(SUMS, np.stack(self._sums))
        return self._entries

    def path(self, name: str, dtype: np.dtype[Any]) -> Path:
        """The file of an array. Raises ValueError for a name or kind that a store does not hold."""
        path = self.folder / f"{name}.npy"
        if not _FILE.fullmatch(path.name) or not _DTYPE.fullmatch(dtype.newbyteorder("<").str):
            raise ValueError(f"{path.name} with {dtype} is no array of a store")
        return path

    def _note(self, name: str, array: Array, split: Split | None) -> None:
        if split is None or not len(split):
            self.note(name, array.dtype.str, array.shape, array.nbytes, crc(array))
        else:
            sums = [crc(array[split.rows(b)]) for b in range(len(split))]
            self.note(name, array.dtype.str, array.shape, array.nbytes, split=split, sums=sums)

    def note(
        self,
        name: str,
        dtype: str,
        shape: tuple[int, ...],
        size: int,
        crc32: int = 0,
        split: Split | None = None,
        sums: Sequence[int] = (),
    ) -> None:
        """Remember what the manifest has to say about a written array of ``size`` bytes."""
        entry: dict[str, Any] = {"file": f"{name}.npy", "dtype": dtype, "shape": list(shape)}
        if split is None:
            entry["crc32"] = crc32
        else:
            entry |= {"tiles": split.by, "extra": split.extra, "row": len(self._sums)}
            self._sums.append(np.array(sums, np.uint32))
        self._entries[name] = entry
        self.size += size


class ArrayStream:
    """An array on its way to the disk, tile by tile; never more than a tile of it is in memory.

    Use it as a context manager: at its end the array is whole, and ``start`` says where each tile begins.
    """

    def __init__(self, writer: ArrayWriter, name: str, dtype: str, tail: tuple[int, ...] = ()) -> None:
        self._writer, self._name, self._tail = writer, name, tail
        self._dtype = np.dtype(dtype)
        self._sums: list[int] = []
        self._starts = [0]
        self._file = writer.path(name, self._dtype).open("xb")
        self._header()

    @property
    def start(self) -> NDArray[np.int64]:
        """(tiles + 1,) first row of every tile written."""
        return np.array(self._starts, np.int64)

    def write(self, rows: Array, following: Array | None = None) -> None:
        """Write the next tile; ``following`` is the first row of the one after it, for offsets. Raises OSError."""
        plain = np.ascontiguousarray(rows, self._dtype)
        whole = plain if following is None else np.concatenate([plain, np.asarray(following, self._dtype)])
        self._sums.append(crc(whole))
        self._file.write(plain.reshape(-1).view(np.uint8).data if plain.size else b"")
        self._starts.append(self._starts[-1] + len(plain))

    def finish(self, by: str, last: Array | None = None) -> None:
        """All tiles are written: ``by`` names the array of their starts, ``last`` is the last row of offsets."""
        rows = self._starts[-1]
        if last is not None:
            self._file.write(np.asarray(last, self._dtype).tobytes())
            rows += len(last)
        self._file.seek(0)
        self._header(rows)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        size = rows * int(np.prod(self._tail, dtype=np.int64)) * self._dtype.itemsize
        split = Split(by, self.start, 0 if last is None else len(last)) if self._sums else None
        whole = crc(np.zeros(0, self._dtype) if last is None else np.asarray(last, self._dtype))
        self._writer.note(self._name, self._dtype.str, (rows, *self._tail), size, whole, split, self._sums)

    def close(self) -> None:
        """Give up, unless it is finished."""
        self._file.close()

    def _header(self, rows: int = 0) -> None:
        """The head of the file; it leaves room for any number of rows, so that it can be written again at the end."""
        np.lib.format.write_array_header_1_0(
            self._file, {"descr": self._dtype.str, "fortran_order": False, "shape": (rows, *self._tail)}
        )


@dataclass(frozen=True, eq=False)
class Arrays:
    """What a folder holds: all arrays by name, read-only, and those of them that are divided into tiles.

    lost : names of damaged arrays that can be done without.
    """

    by_name: Mapping[str, Array]
    divided: Mapping[str, Divided]
    lost: tuple[str, ...] = ()


def read_arrays(folder: Path, body: Mapping[str, Any], *, spare: str = "") -> Arrays:
    """The arrays the manifest names; large ones stay in their files and are mapped.

    Parameters
    ----------
    spare : damaged arrays whose name begins so are left out, if it is not "".

    Raises
    ------
    ReadError
        One is missing, is not what the manifest says, or has a name that leads out of the folder. Arrays that are
        divided into tiles are checked in kind and size only.
    """
    entries = body.get("arrays")
    if not isinstance(entries, dict) or len(entries) > MAX_ARRAYS:
        raise damaged(MANIFEST)
    found: dict[str, Array] = {}
    divided: dict[str, Divided] = {}
    lost = []
    # what divides others comes first
    for name, entry in sorted(entries.items(), key=lambda item: isinstance(item[1], dict) and "tiles" in item[1]):
        try:
            found[name] = _read(folder, name, entry)
            if "tiles" in entry:
                divided[name] = _divided(name, entry, found, found.get(SUMS))
        except ReadError:
            if not spare or not name.startswith(spare):
                raise
            found.pop(name, None)
            lost.append(name)
    return Arrays({name: found[name] for name in entries if name in found}, divided, tuple(lost))


def crc(array: Array) -> int:
    """CRC-32 of the bytes of a contiguous array."""
    return zlib.crc32(array.reshape(-1).view(np.uint8).data if array.size else b"")


def load(path: Path) -> NDArray[Any]:
    """One array, mapped if it is large. Raises OSError, ValueError, EOFError."""
    mapped = path.stat().st_size >= MAPPED_FROM_BYTES
    array: NDArray[Any] = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return array


def _divided(name: str, entry: Mapping[str, Any], found: Mapping[str, Array], sums: Array | None) -> Divided:
    array, extra, row = found[name], entry.get("extra"), entry.get("row")
    start = found.get(str(entry["tiles"]))
    if start is None or sums is None or extra not in (0, 1) or not isinstance(row, int):
        raise damaged(name)
    if start.dtype.str != "<i8" or start.ndim != 1 or len(start) < 2 or not array.ndim:
        raise damaged(name)
    if sums.dtype.str != "<u4" or sums.ndim != 2 or sums.shape[1] != len(start) - 1 or not 0 <= row < len(sums):
        raise damaged(name)
    offsets: NDArray[np.int64] = start  # type: ignore[assignment]
    if offsets[0] != 0 or offsets[-1] + extra != len(array) or (offsets[1:] < offsets[:-1]).any():
        raise damaged(name)
    return Divided(array, Split(str(entry["tiles"]), offsets, int(extra)), sums[row])


def _read(folder: Path, name: str, entry: object) -> Array:
    if not isinstance(entry, dict):
        raise damaged(MANIFEST)
    file, dtype, shape = entry.get("file"), entry.get("dtype"), entry.get("shape")
    if not isinstance(file, str) or not _FILE.fullmatch(file) or (folder / file).is_symlink():
        raise damaged(name)
    if not isinstance(dtype, str) or not _DTYPE.fullmatch(dtype) or not isinstance(shape, list):
        raise damaged(name)
    try:
        array = load(folder / file)
    except (OSError, ValueError, EOFError) as error:
        raise damaged(name) from error
    if not isinstance(array, np.ndarray) or array.dtype.str != dtype or list(array.shape) != shape:
        raise damaged(name)
    plain = array.view(np.ndarray)
    if not plain.flags.c_contiguous or ("tiles" not in entry and crc(plain) != entry.get("crc32")):
        raise damaged(name)
    plain.setflags(write=False)
    return plain
