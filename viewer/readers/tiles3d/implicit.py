"""Subtrees of implicit tilings (quadtrees and octrees): which tiles, contents and further subtrees there are."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.readers.gltf.container import Fetch
from viewer.readers.gltf.fields import Fields, parse_fields, wrong
from viewer.readers.gltf.metadata import Columns, Schema, table_columns

#: Levels of one subtree, and of a whole tiling.
MAX_SUBTREE_LEVELS, MAX_LEVELS = 10, 30
_MOST_TILES = 4_000_000


@dataclass(frozen=True, eq=False)
class Tiling:
    """octree : eight children instead of four. levels : of the tiling; subtree_levels : of one subtree."""

    octree: bool
    levels: int
    subtree_levels: int
    subtrees: str

    @property
    def children(self) -> int:
        """Children of a tile."""
        return 8 if self.octree else 4


@dataclass(frozen=True, eq=False)
class Subtree:
    """Tiles of one subtree, parents first.

    level : (n,) within the subtree. morton : (n,) number within the level. parent : (n,) row, -1 for the first.
    contents : (c, n) bool, which of the tiling's contents each has. further : (m,) Morton numbers of the subtrees
    below, and further_parent : (m,) rows of the tiles above them. tile_values, content_values : attributes of the
    tiles, and of every one of their contents, a row for each tile.
    """

    level: NDArray[np.int64]
    morton: NDArray[np.int64]
    parent: NDArray[np.int64]
    contents: NDArray[np.bool_]
    further: NDArray[np.int64]
    further_parent: NDArray[np.int64]
    tile_values: Columns = field(default_factory=dict)
    content_values: tuple[Columns, ...] = ()

    def values(self, row: int, content: int) -> dict[str, str | float]:
        """Attributes of one content of one tile and of the tile itself; missing ones are left out."""
        tables = [self.tile_values, *self.content_values[content : content + 1]]
        found = {name: column[row] for table in tables for name, column in table.items()}
        plain = {n: str(v) if isinstance(v, str) else float(v) for n, v in found.items()}
        return {n: v for n, v in plain.items() if v != "" and v == v}


def read_tiling(tile: Fields) -> Tiling | None:
    """The implicit tiling of a tile; None for an explicit one.

    Raises
    ------
    ReadError
        It is one that nobody defined.
    """
    given = tile.child("implicitTiling")
    if not given.data:
        given = tile.child("extensions").child("3DTILES_implicit_tiling")
        if not given.data:
            return None
    scheme = given.text("subdivisionScheme")
    levels = given.count("availableLevels", given.count("maximumLevel", 0) + 1)
    subtree_levels = given.count("subtreeLevels", 1)
    if scheme not in ("QUADTREE", "OCTREE") or not 1 <= subtree_levels <= MAX_SUBTREE_LEVELS:
        raise wrong(given.where)
    if not 1 <= levels <= MAX_LEVELS:
        raise wrong(given.place("availableLevels"))
    return Tiling(scheme == "OCTREE", levels, subtree_levels, given.child("subtrees").text("uri"))


def coordinates(morton: NDArray[np.int64], *, octree: bool) -> NDArray[np.int64]:
    """(n, 3) x, y, z of Morton numbers."""
    axes = 3 if octree else 2
    result = np.zeros((len(morton), 3), np.int64)
    for bit in range(MAX_LEVELS):
        for axis in range(axes):
            result[:, axis] |= (morton >> (bit * axes + axis) & 1) << bit
    return result


def morton_of(xyz: NDArray[np.int64], *, octree: bool) -> NDArray[np.int64]:
    """(n,) Morton numbers of (n, 3) x, y, z."""
    axes = 3 if octree else 2
    result = np.zeros(len(xyz), np.int64)
    for bit in range(63 // axes):
        for axis in range(axes):
            result |= (xyz[:, axis] >> bit & 1) << (bit * axes + axis)
    return result


def fill_template(template: str, level: int, xyz: NDArray[np.int64]) -> str:
    """The address of one tile or subtree."""
    x, y, z = xyz.tolist()
    for name, value in (("level", level), ("x", x), ("y", y), ("z", z)):
        template = template.replace("{" + name + "}", str(value))
    return template


def read_subtree(
    data: bytes, tiling: Tiling, contents: int, levels: int, fetch: Fetch, schema: Schema | None = None
) -> Subtree:
    """One subtree file, binary or JSON.

    Parameters
    ----------
    contents : how many contents a tile may have. levels : levels that are left for this subtree.

    Raises
    ------
    ReadError
        It is damaged.
    """
    document, buffers = _open(data, fetch)
    bits = _Bits(document, buffers)
    depth = min(tiling.subtree_levels, levels)
    sizes = tiling.children ** np.arange(depth)
    total = int(sizes.sum())
    whole = int((tiling.children ** np.arange(tiling.subtree_levels)).sum())
    if whole > _MOST_TILES * 2:
        raise wrong("subtreeLevels")
    there = bits.read(document.child("tileAvailability"), whole)[:total]
    given = document.data.get("contentAvailability")
    listed = list(document.children("contentAvailability")) if isinstance(given, list) else []
    if isinstance(given, dict):
        listed = [document.child("contentAvailability")]
    filled = np.zeros((max(contents, 1), total), bool)
    for number, item in enumerate(listed[:contents]):
        filled[number] = bits.read(item, whole)[:total]
    further = np.zeros(0, np.int64)
    if levels > tiling.subtree_levels:
        below = tiling.children**tiling.subtree_levels
        if below > _MOST_TILES * 2:
            raise wrong("subtreeLevels")
        further = np.flatnonzero(bits.read(document.child("childSubtreeAvailability"), below))
    found, places = _connected(tiling, sizes, there, filled, further, depth)
    tables = _Tables(document, bits, Schema(None) if schema is None else schema)
    listed_values = document.entries("contentMetadata")
    return replace(
        found,
        tile_values=tables.rows(document.data.get("tileMetadata"), there, places),
        content_values=tuple(
            tables.rows(number, filled[k], places) for k, number in enumerate(listed_values[: len(filled)])
        ),
    )


class _Tables:
    """Property tables of a subtree: a row for every available tile or content, in the order of their bits."""

    def __init__(self, document: Fields, bits: _Bits, schema: Schema) -> None:
        self._document, self._bits, self._schema = document, bits, schema

    def rows(self, number: object, there: NDArray[np.bool_], places: NDArray[np.int64]) -> Columns:
        """Columns of one table for the tiles at ``places`` in the bits; empty where there is none or it is damaged."""
        if isinstance(number, bool) or not isinstance(number, int):
            return {}
        try:
            table = self._document.item("propertyTables", number)
            columns = table_columns(table, self._schema, self._bits.view)
        except ReadError:
            return {}
        if table.count("count") < int(there.sum()):
            return {}
        row = np.cumsum(there) - 1
        result: dict[str, NDArray[np.generic]] = {}
        for name, values in columns.items():
            own = values[row[places]]
            own[~there[places]] = np.nan if values.dtype.kind == "f" else ""
            result[name] = own
        return result


def _connected(
    tiling: Tiling, sizes: NDArray[np.int64], there: NDArray[np.bool_], filled: NDArray[np.bool_],
    further: NDArray[np.int64], depth: int,
) -> tuple[Subtree, NDArray[np.int64]]:  # fmt: skip
    """Tiles whose parents are there, level by level; and the place of each in the bits."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    row = np.full(int(starts[-1]), -1, np.int64)
    level, morton, parent, places = [], [], [], []
    count = 0
    for k in range(depth):
        number = np.flatnonzero(there[starts[k] : starts[k + 1]])
        if k:
            above = row[starts[k - 1] + number // tiling.children]
            number, above = number[above >= 0], above[above >= 0]
        else:
            above = np.full(len(number), -1, np.int64)
        place = starts[k] + number
        row[place] = count + np.arange(len(number))
        count += len(number)
        level.append(np.full(len(number), k, np.int64))
        morton.append(number)
        parent.append(above)
        places.append(place)
    last = starts[depth - 1]
    above = row[last + further // tiling.children] if len(further) else further
    place = np.concatenate(places)
    found = Subtree(
        np.concatenate(level), np.concatenate(morton), np.concatenate(parent),
        filled[:, place], further[above >= 0], above[above >= 0],
    )  # fmt: skip
    return found, place


def _open(data: bytes, fetch: Fetch) -> tuple[Fields, list[bytes]]:
    """The JSON of a subtree and its buffers."""
    binary = b""
    if data[:4] == b"subt":
        if len(data) < 24:
            raise ReadError("The subtree ends in the middle.")
        json_size, binary_size = struct.unpack_from("<QQ", data, 8)
        if 24 + json_size + binary_size > len(data):
            raise ReadError("The subtree ends in the middle.")
        document = parse_fields(data[24 : 24 + json_size])
        binary = data[24 + json_size : 24 + json_size + binary_size]
    else:
        document = parse_fields(data)
    buffers = []
    for item in document.children("buffers"):
        content = fetch(item.text("uri")) if "uri" in item else binary
        buffers.append(content[: item.count("byteLength")])
    return document, buffers


class _Bits:
    """Availability: a constant, or bits in a buffer view."""

    def __init__(self, document: Fields, buffers: list[bytes]) -> None:
        self._document, self._buffers = document, buffers

    def view(self, number: int) -> memoryview:
        """The bytes of a buffer view."""
        view = self._document.item("bufferViews", number)
        which = view.count("buffer")
        if which >= len(self._buffers):
            raise wrong(view.where)
        first, length = view.count("byteOffset"), view.count("byteLength")
        return memoryview(self._buffers[which])[first : first + length]

    def read(self, item: Fields, count: int) -> NDArray[np.bool_]:
        if "constant" in item:
            return np.full(count, item.count("constant") == 1)
        data = self.view(item.count("bitstream", item.count("bufferView")))
        if len(data) * 8 < count:
            raise ReadError("The subtree ends in the middle.")
        return np.unpackbits(np.frombuffer(data, np.uint8), count=count, bitorder="little").astype(bool)
