"""Small OpenStreetMap files for tests, written as XML and as PBF from the same description."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

#: Hamburg; at this latitude these are metres per degree, well enough for a test.
LON, LAT = 9.99, 53.55
LON_M, LAT_M = 66_242.0, 111_312.0


@dataclass
class Extract:
    """Nodes, ways and relations; ids count up from 1 within each."""

    nodes: list[tuple[float, float, dict]] = field(default_factory=list)
    ways: list[tuple[list[int], dict]] = field(default_factory=list)
    relations: list[tuple[list[tuple[int, str]], dict]] = field(default_factory=list)

    def node(self, x_m: float, y_m: float, **tags: str) -> int:
        self.nodes.append((LON + x_m / LON_M, LAT + y_m / LAT_M, clean(tags)))
        return len(self.nodes)

    def way(self, *points: tuple[float, float], closed: bool = False, **tags: str) -> int:
        ids = [self.node(*point) for point in points]
        self.ways.append((ids + ids[:1] if closed else ids, clean(tags)))
        return len(self.ways)

    def square(self, x: float, y: float, side: float, **tags: str) -> int:
        return self.way((x, y), (x + side, y), (x + side, y + side), (x, y + side), closed=True, **tags)

    def relation(self, *members: tuple[int, str], **tags: str) -> int:
        self.relations.append((list(members), clean(tags)))
        return len(self.relations)

    def write_xml(self, path: Path) -> Path:
        lines = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6">']
        for number, (lon, lat, tags) in enumerate(self.nodes, 1):
            lines.append(f'<node id="{number}" lat="{lat:.7f}" lon="{lon:.7f}">{xml_tags(tags)}</node>')
        for number, (nodes, tags) in enumerate(self.ways, 1):
            refs = "".join(f'<nd ref="{node}"/>' for node in nodes)
            lines.append(f'<way id="{number}">{refs}{xml_tags(tags)}</way>')
        for number, (members, tags) in enumerate(self.relations, 1):
            refs = "".join(f'<member type="way" ref="{way}" role="{role}"/>' for way, role in members)
            lines.append(f'<relation id="{number}">{refs}{xml_tags(tags)}</relation>')
        path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
        return path

    def write_pbf(self, path: Path, *, dense: bool = True, features: tuple[str, ...] = ("OsmSchema-V0.6",)) -> Path:
        header = b"".join(message(4, name.encode()) for name in features)
        path.write_bytes(blob("OSMHeader", header) + blob("OSMData", self._block(dense)))
        return path

    def _block(self, dense: bool) -> bytes:
        strings = [""]

        def sid(text: str) -> int:
            if text not in strings:
                strings.append(text)
            return strings.index(text)

        def keys_values(tags: dict) -> bytes:
            return packed(2, [sid(key) for key in tags]) + packed(3, [sid(value) for value in tags.values()])

        places = [(round(lon * 1e7), round(lat * 1e7), tags) for lon, lat, tags in self.nodes]
        ids = range(1, len(places) + 1)
        if dense:
            pairs = [n for _, _, tags in places for n in (*(sid(t) for kv in tags.items() for t in kv), 0)]
            nodes = message(2, packed(1, deltas(ids)) + packed(8, deltas(p[1] for p in places))
                            + packed(9, deltas(p[0] for p in places)) + packed(10, pairs))  # fmt: skip
        else:
            nodes = b"".join(
                message(1, number(1, zigzag(i)) + keys_values(tags) + number(8, zigzag(lat)) + number(9, zigzag(lon)))
                for i, (lon, lat, tags) in zip(ids, places, strict=True)
            )
        ways = b"".join(
            message(3, number(1, i) + keys_values(tags) + packed(8, deltas(refs)))
            for i, (refs, tags) in enumerate(self.ways, 1)
        )
        relations = b"".join(
            message(4, number(1, i) + keys_values(tags) + packed(8, [sid(role) for _, role in members])
                    + packed(9, deltas(way for way, _ in members)) + packed(10, [1] * len(members)))
            for i, (members, tags) in enumerate(self.relations, 1)
        )  # fmt: skip
        groups = message(2, nodes) + message(2, ways) + message(2, relations)
        return message(1, b"".join(message(1, text.encode()) for text in strings)) + groups


def clean(tags: dict) -> dict:
    """Keyword names to keys: ``building__levels`` is ``building:levels``."""
    return {key.replace("__", ":"): value for key, value in tags.items()}


def xml_tags(tags: dict) -> str:
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())


def blob(kind: str, data: bytes) -> bytes:
    body = number(2, len(data)) + message(3, zlib.compress(data))
    head = message(1, kind.encode()) + number(3, len(body))
    return struct.pack(">I", len(head)) + head + body


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def number(field_number: int, value: int) -> bytes:
    return varint(field_number << 3) + varint(value)


def message(field_number: int, data: bytes) -> bytes:
    return varint(field_number << 3 | 2) + varint(len(data)) + data


def packed(field_number: int, values) -> bytes:
    return message(field_number, b"".join(varint(value) for value in values))


def deltas(values):
    before = 0
    for value in values:
        yield zigzag(value - before)
        before = value
