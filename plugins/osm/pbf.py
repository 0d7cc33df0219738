"""OpenStreetMap PBF, decoded block by block with zlib and NumPy; a damaged block costs only itself.

After the format's description at wiki.openstreetmap.org/wiki/PBF_Format. Nothing here knows what tags mean.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from viewer.plugin_api import LimitError, ReadContext, ReadError

from .data import KEYS, NO_TAGS, Collector

MAX_PBF_BYTES = 2 * 1024**3
#: The format's own limits.
MAX_HEADER_BYTES, MAX_BLOCK_BYTES = 64 * 1024, 32 * 1024**2
_FEATURES = {b"OsmSchema-V0.6", b"DenseNodes"}
_INTERESTING = {key.encode() for key in KEYS}
_WAY = 1


class Damaged(ValueError):
    """These bytes are not what the format says."""


def read_pbf(path: Path, collector: Collector, context: ReadContext) -> None:
    """Hand the nodes, ways and relations of a file to the collector.

    Raises
    ------
    ReadError, LimitError
        It is no PBF file, needs something unknown, or is too large.
    """
    size = path.stat().st_size
    if size > MAX_PBF_BYTES:
        raise LimitError("This file is larger than {limit} GB.", path=path, limit=MAX_PBF_BYTES // 1024**3)
    damaged = 0
    with path.open("rb") as file:
        for kind, blob in _blobs(file, context):
            try:
                if kind == b"OSMHeader":
                    _check_header(_unpacked(blob), path)
                elif kind == b"OSMData":
                    _read_block(_unpacked(blob), collector)
            except (Damaged, IndexError, KeyError, TypeError, ValueError, OverflowError, zlib.error):
                damaged += 1
            context.progress.report(0.02 + 0.35 * file.tell() / max(size, 1), "Reading")
    context.warn("Damaged blocks of the file, left out: {count}", count=damaged)
    if collector.empty:
        raise ReadError("There is nothing readable in this OpenStreetMap file.", path=path)


def _blobs(file: BinaryIO, context: ReadContext) -> Iterator[tuple[bytes, bytes]]:
    """(type, blob) of every block as far as their frames can be followed."""
    while lead := file.read(4):
        try:
            header_size = int.from_bytes(lead, "big")
            if len(lead) < 4 or header_size > MAX_HEADER_BYTES:
                raise Damaged
            header = dict(_fields(file.read(header_size)))
            kind, blob_size = header.get(1), header.get(3)
            if not isinstance(kind, bytes) or not isinstance(blob_size, int) or blob_size > MAX_BLOCK_BYTES:
                raise Damaged
            blob = file.read(blob_size)
            if len(blob) < blob_size:
                raise Damaged
        except (Damaged, IndexError):
            context.warn("The file breaks off or is damaged; what stands before that place is shown.")
            return
        yield kind, blob


def _unpacked(blob: bytes) -> bytes:
    fields = dict(_fields(blob))
    if isinstance(fields.get(1), bytes):
        return fields[1]
    if not isinstance(fields.get(3), bytes):
        raise Damaged
    stream = zlib.decompressobj()
    data = stream.decompress(fields[3], MAX_BLOCK_BYTES)
    if stream.unconsumed_tail or not stream.eof:
        raise Damaged
    return data


def _check_header(data: bytes, path: Path) -> None:
    needed = {bytes(value) for number, value in _fields(data) if number == 4 and isinstance(value, bytes)}
    unknown = needed - _FEATURES
    if unknown:
        raise ReadError(
            "This OpenStreetMap file needs {features}, which is not read.",
            hint="Convert it with osmium cat.",
            path=path,
            features=", ".join(sorted(name.decode("utf-8", "replace")[:40] for name in unknown)),
        )


def _read_block(data: bytes, collector: Collector) -> None:
    fields = list(_fields(data))
    strings = [value for number, table in fields if number == 1 for _, value in _fields(table)]
    scalar = {number: _signed(value) for number, value in fields if number in (17, 19, 20)}
    step = scalar.get(17, 100) * 1e-9
    place = (scalar.get(20, 0) * 1e-9, scalar.get(19, 0) * 1e-9, step)
    interesting = {number for number, text in enumerate(strings) if text in _INTERESTING}
    for number, group in fields:
        if number == 2:
            _read_group(group, strings, interesting, place, collector)


def _read_group(group: bytes, strings: list, interesting: set[int], place: tuple, collector: Collector) -> None:
    ways = []
    for number, message in _fields(group):
        if number == 2:
            _read_dense(dict(_fields(message)), strings, place, collector)
        elif number == 1:
            node = dict(_fields(message))
            lon_lat = np.array([[_unzigzag(node[9]), _unzigzag(node[8])]]) * place[2] + place[:2]
            own_id = _unzigzag(node[1])
            collector.add_nodes(np.array([own_id]), lon_lat)
            tags = _tags(node.get(2, b""), node.get(3, b""), strings)
            if tags.get("natural") == "tree":
                collector.add_tree(own_id, *lon_lat[0].tolist(), tags)
        elif number == 3:
            ways.append(dict(_fields(message)))
        elif number == 4:
            _read_relation(dict(_fields(message)), strings, interesting, collector)
    if ways:
        _read_ways(ways, strings, interesting, collector)


def _read_dense(dense: dict, strings: list, place: tuple, collector: Collector) -> None:
    ids, lat, lon = (np.cumsum(_zigzag(_varints(dense.get(number, b"")))) for number in (1, 8, 9))
    lon_lat = np.column_stack([lon, lat]) * place[2] + place[:2]
    collector.add_nodes(ids, lon_lat)
    pairs = _varints(dense.get(10, b"")).astype(np.int64)
    if b"tree" not in strings or not len(pairs):
        return
    tree, natural = strings.index(b"tree"), strings.index(b"natural")
    ends = np.flatnonzero(pairs == 0)  # keys and values in turn, a 0 after those of each node
    starts = np.concatenate([[0], ends[:-1] + 1])
    at = np.flatnonzero((pairs[:-1] == natural) & (pairs[1:] == tree))
    for node in np.unique(np.searchsorted(ends, at)).tolist():
        own = pairs[starts[node] : ends[node]].tolist()
        tags = {_text(strings[key]): _text(strings[value]) for key, value in zip(own[::2], own[1::2], strict=True)}
        if tags.get("natural") == "tree":
            collector.add_tree(int(ids[node]), *lon_lat[node].tolist(), tags)


def _read_ways(ways: list[dict], strings: list, interesting: set[int], collector: Collector) -> None:
    packed = [way.get(8, b"") for way in ways]
    joined = b"".join(packed)
    steps = _zigzag(_varints(joined))
    ends = np.cumsum([len(part) for part in packed])
    finished = np.concatenate([[0], np.cumsum(np.frombuffer(joined, np.uint8) < 0x80)])
    sizes = np.diff(finished[np.concatenate([[0], ends])])
    running = np.concatenate([[0], np.cumsum(steps)])
    first = np.cumsum(sizes) - sizes
    nodes = running[1:] - np.repeat(running[first], sizes)
    tags = [
        _tags(way.get(2, b""), way.get(3, b""), strings) if interesting & set(_few(way.get(2, b""))) else NO_TAGS
        for way in ways
    ]
    collector.add_ways(np.array([_signed(way[1]) for way in ways], dtype=np.int64), sizes, nodes, tags)


def _read_relation(relation: dict, strings: list, interesting: set[int], collector: Collector) -> None:
    if not interesting & set(_few(relation.get(2, b""))):
        return
    members = np.cumsum(_zigzag(_varints(relation.get(9, b"")))).tolist()
    roles, kinds = _few(relation.get(8, b"")), _few(relation.get(10, b""))
    ways = [(way, _text(strings[role])) for way, role, kind in zip(members, roles, kinds, strict=True) if kind == _WAY]
    collector.add_relation(_signed(relation[1]), _tags(relation.get(2, b""), relation.get(3, b""), strings), ways)


def _tags(keys: bytes, values: bytes, strings: list) -> dict[str, str]:
    return {_text(strings[k]): _text(strings[v]) for k, v in zip(_few(keys), _few(values), strict=True)}


def _text(value: bytes | int) -> str:
    if not isinstance(value, bytes):
        raise Damaged
    return value.decode("utf-8", "replace")


# -- protocol buffers ------------------------------------------------------------------------------------------


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """(number, value) of every field of a message; numbers unsigned as they stand, everything else bytes."""
    if not isinstance(data, bytes):
        raise Damaged
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise Damaged
        if at + size > end:
            raise Damaged
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise Damaged


def _varints(data: bytes) -> np.ndarray:
    """(n,) uint64 of packed numbers, all at once."""
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw < 0x80)
    if not len(raw):
        return np.zeros(0, np.uint64)
    if not len(ends) or ends[-1] != len(raw) - 1:
        raise Damaged
    starts = np.concatenate([[0], ends[:-1] + 1])
    sizes = ends - starts + 1
    if sizes.max() > 10:
        raise Damaged
    shift = (np.arange(len(raw)) - np.repeat(starts, sizes)) * 7
    return np.add.reduceat((raw & 0x7F).astype(np.uint64) << shift.astype(np.uint64), starts)


def _few(data: bytes) -> list[int]:
    """A handful of packed numbers, where an array would cost more than it saves."""
    if data.isascii():
        return list(data)
    return _varints(data).tolist()


def _zigzag(values: np.ndarray) -> np.ndarray:
    return (values >> np.uint64(1)).astype(np.int64) ^ -(values & np.uint64(1)).astype(np.int64)


def _unzigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _signed(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise Damaged
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value
