"""PMTiles, version 3: one file of map tiles with a directory ordered along a Hilbert curve. Local files only.

Sizes and places in the file are taken for claims: they are held against the file, and unpacking has a limit.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from viewer.plugin_api import ReadError, TileLevel

MAGIC = b"PMTiles"
_HEADER = struct.Struct("<7sB11Q6B4i")
_WORLD_M = 20_037_508.342789244
_MAX_DIRECTORY, _MAX_TILE, _MAX_DEPTH, _MAX_ZOOM = 32 * 1024 * 1024, 16 * 1024 * 1024, 3, 26
_PLAIN, _GZIP = 1, 2
_PACKINGS = {3: "Brotli", 4: "Zstandard"}
_VECTOR, _PICTURES = 1, {0, 2, 3, 4}


@dataclass(frozen=True)
class Directory:
    """Entries in ascending order of tile ids; a run of 0 names another directory."""

    ids: np.ndarray
    runs: np.ndarray
    lengths: np.ndarray
    offsets: np.ndarray


@dataclass
class Archive:
    """An open file. extent : west, south, east, north in EPSG:3857."""

    file: IO[bytes]
    path: Path
    size: int
    leaves_at: int
    tiles_at: int
    packing: int
    tile_packing: int
    lowest: int
    highest: int
    extent: tuple[float, float, float, float]
    root: Directory
    attribution: str = ""
    _leaves: dict[int, Directory] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Archive]:
        """An archive for reading.

        Raises
        ------
        ReadError
            It is damaged, or holds something else than pictures.
        """
        try:
            with path.open("rb") as file:
                yield cls._from(file, path)
        except (struct.error, OSError, zlib.error, OverflowError, IndexError) as error:
            raise _damaged(path) from error

    @classmethod
    def _from(cls, file: IO[bytes], path: Path) -> Archive:
        size = path.stat().st_size
        head = _HEADER.unpack(file.read(_HEADER.size))
        magic, version, root_at, root_length, about_at, about_length, leaves_at, _, tiles_at = head[:9]
        packing, tile_packing, kind, lowest, highest = head[14:19]
        if magic != MAGIC or version != 3:
            raise ReadError("Only version 3 of PMTiles is read.", path=path)
        if kind == _VECTOR:
            raise ReadError("This file holds vector tiles, which are not shown.", path=path)
        if kind not in _PICTURES or lowest > highest or highest > _MAX_ZOOM:
            raise _damaged(path)
        for used in (packing, tile_packing):
            if used in _PACKINGS:
                raise ReadError(
                    "This file is packed with {packing}, which cannot be unpacked here.",
                    hint="Convert it with gzip or without packing.",
                    path=path,
                    packing=_PACKINGS[used],
                )
        west, south, east, north = (degrees / 1e7 for degrees in head[19:23])
        archive = cls(
            file, path, size, leaves_at, tiles_at, packing, tile_packing, lowest, highest,
            _extent(west, south, east, north), Directory(*np.zeros((4, 0), np.uint64)),
        )  # fmt: skip
        archive.root = archive._directory(root_at, root_length)
        archive.attribution = archive._credit(about_at, about_length)
        return archive

    def tiles(self, level: TileLevel) -> Iterator[tuple[int, int, bytes]]:
        """(column, row, picture) of the tiles of a level that there are."""
        places = np.array(level.tiles(), np.int64).reshape(-1, 2)
        ids = tile_ids(int(level.name), places[:, 0], places[:, 1])
        for (column, row), ident in zip(places.tolist(), ids.tolist(), strict=True):
            found = self._find(ident)
            if found is not None:
                yield column, row, found

    def _find(self, ident: int) -> bytes | None:
        directory = self.root
        for _ in range(_MAX_DEPTH):
            at = int(np.searchsorted(directory.ids, ident, side="right")) - 1
            if at < 0:
                return None
            offset, length = int(directory.offsets[at]), int(directory.lengths[at])
            run = int(directory.runs[at])
            if run:
                inside = ident - int(directory.ids[at]) < run
                return self._read(self.tiles_at + offset, length, self.tile_packing, _MAX_TILE) if inside else None
            if offset not in self._leaves:
                self._leaves[offset] = self._directory(self.leaves_at + offset, length)
            directory = self._leaves[offset]
        return None

    def _directory(self, at: int, length: int) -> Directory:
        numbers = varints(self._read(at, length, self.packing, _MAX_DIRECTORY))
        count = int(numbers[0]) if len(numbers) else 0
        if len(numbers) != 1 + 4 * count:
            raise _damaged(self.path)
        steps, runs, lengths, offsets = numbers[1:].reshape(4, count)
        follows = offsets == 0  # right behind the one before
        if count and follows[0]:
            raise _damaged(self.path)
        ends = np.where(follows, 0, offsets - 1).astype(np.int64)
        sizes = lengths.astype(np.int64)
        # An entry behind another begins where that one ends: add up the sizes since the last written offset.
        before = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if count else np.zeros(0, np.int64)
        written = np.maximum.accumulate(np.where(follows, 0, np.arange(count)))
        places = ends[written] + before - before[written]
        return Directory(np.cumsum(steps.astype(np.int64)), runs.astype(np.int64), sizes, places)

    def _credit(self, at: int, length: int) -> str:
        try:
            about = json.loads(self._read(at, length, self.packing, _MAX_DIRECTORY))
        except (ValueError, ReadError, RecursionError):
            return ""
        found = about.get("attribution") if isinstance(about, dict) else None
        return found[:2000] if isinstance(found, str) else ""

    def _read(self, at: int, length: int, packing: int, limit: int) -> bytes:
        if length > limit or at + length > self.size:
            raise _damaged(self.path)
        self.file.seek(at)
        data = self.file.read(length)
        if packing != _GZIP:
            return data
        unpacker = zlib.decompressobj(wbits=31)
        plain = unpacker.decompress(data, limit)
        if unpacker.unconsumed_tail:
            raise _damaged(self.path)
        return plain


def varints(data: bytes) -> np.ndarray:
    """(n,) uint64: numbers written with seven bits a byte, lowest first."""
    octets = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(octets < 128)
    if not len(ends):
        return np.zeros(0, np.uint64)
    octets = octets[: ends[-1] + 1]
    starts = np.concatenate([[0], ends[:-1] + 1])
    place = np.arange(len(octets)) - np.repeat(starts, ends - starts + 1)
    if place.max() > 9:
        raise IndexError("a number of more than ten bytes")
    return np.add.reduceat((octets & 127).astype(np.uint64) << (7 * place).astype(np.uint64), starts)


def tile_ids(zoom: int, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(n,) int64 ids of tiles: all coarser levels first, then along the Hilbert curve of this one."""
    x, y = columns.astype(np.int64), rows.astype(np.int64)
    ids = np.full(len(x), (4**zoom - 1) // 3, np.int64)
    for bit in range(zoom - 1, -1, -1):
        side = 1 << bit
        right, below = (x & side) > 0, (y & side) > 0
        ids += side * side * ((3 * right.astype(np.int64)) ^ below)
        # turn the quarter so that the curve goes on in it
        flip = ~below & right
        x, y = np.where(flip, side - 1 - x, x), np.where(flip, side - 1 - y, y)
        x, y = np.where(below, x, y), np.where(below, y, x)
    return ids


def _extent(west: float, south: float, east: float, north: float) -> tuple[float, float, float, float]:
    """Degrees as metres of the web's map; the whole world where they make no sense."""
    if not (-180 <= west < east <= 180 and -85.06 <= south < north <= 85.06):
        return -_WORLD_M, -_WORLD_M, _WORLD_M, _WORLD_M

    def y(latitude: float) -> float:
        return math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2)) / math.pi * _WORLD_M

    return west / 180 * _WORLD_M, y(south), east / 180 * _WORLD_M, y(north)


def _damaged(path: Path) -> ReadError:
    return ReadError("This file of map tiles is damaged.", path=path)
