"""Counts the objects of a file by other means than the readers: element names, JSON members, rows, header fields.

Nothing of ``viewer`` is imported here, so that a mistake of a reader cannot hide itself.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

#: City objects whose CityGML element is called as the object type is in a report.
ELEMENTS = frozenset(
    {
        "Building", "BuildingPart", "BuildingInstallation", "Bridge", "BridgePart", "Tunnel", "Road", "Railway",
        "WaterBody", "LandUse", "PlantCover", "SolitaryVegetationObject", "CityFurniture", "GenericCityObject",
        "TINRelief", "MassPointRelief", "BreaklineRelief", "RasterRelief", "Section", "Intersection",
    }
)  # fmt: skip
#: "everything together", where a file does not name kinds.
ALL = "*"


def count(path: Path) -> dict[str, int] | None:
    """Objects by type, or everything under ``"*"``; None where there is no simple other way to count."""
    name = path.name.lower()
    if name.endswith(".zip"):
        return _zip(path)
    if name.endswith((".gml", ".xml", ".citygml")):
        return count_elements([io.BytesIO(path.read_bytes())])
    if name.endswith((".jsonl", ".jsonl.gz")):
        return _sequence(path)
    if name.endswith((".json", ".geojson")):
        return _json(json.loads(path.read_text(encoding="utf-8")), path)
    for ending, how in (
        (".gpkg", _geopackage), (".sqlite", _spatialite), (".shp", _shapefile), (".fgb", _flatgeobuf),
        (".csv", _rows), (".osm", _osm_xml), (".osm.pbf", _osm_pbf), (".las", _las), (".laz", _las),
        (".b3dm", _b3dm),
    ):  # fmt: skip
        if name.endswith(ending):
            return how(path)
    return None


def count_elements(files: Sequence[IO[bytes]]) -> dict[str, int] | None:
    """City objects of CityGML files by the names of their elements; None if the first file is no CityGML."""
    found: Counter[str] = Counter()
    root: list[str] = []
    for file in files:
        parser = expat.ParserCreate(namespace_separator=" ")

        def start(tag: str, attributes: dict[str, str]) -> None:
            space, _, local = tag.rpartition(" ")
            if not root:
                root.append(local)
            if local in ELEMENTS and "citygml" in space.lower():
                found[local] += 1

        parser.StartElementHandler = start
        parser.ParseFile(file)
    return dict(found) if root and root[0] == "CityModel" else None


def _zip(path: Path) -> dict[str, int] | None:
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if "__MACOSX" not in n and not n.endswith("/")]
        if "stops.txt" in names:
            rows = csv.DictReader(io.StringIO(archive.read("stops.txt").decode("utf-8-sig")))
            stops = [row for row in rows if row.get("location_type") in ("", "0", None)]
            return {"Point": len({row["parent_station"] or row["stop_id"] for row in stops})}  # platforms of a stop
        cities = [n for n in names if n.lower().endswith((".json", ".jsonl"))]
        if cities:
            return _json(json.loads(archive.read(cities[0])), path)
        files = [io.BytesIO(archive.read(n)) for n in names if n.lower().endswith((".gml", ".xml"))]
    return count_elements(files) if files else None


def _json(content: Any, path: Path) -> dict[str, int] | None:
    if not isinstance(content, dict):
        return {ALL: len(content)} if isinstance(content, list) else None
    if content.get("type") == "CityJSON":
        return dict(Counter(entry["type"] for entry in content["CityObjects"].values()))
    if content.get("type") == "FeatureCollection":
        return {ALL: len(content["features"])}
    if content.get("type") == "Feature":
        return {ALL: 1}
    if "asset" in content and "root" in content:
        return _tileset(content, path)
    if "value" in content and isinstance(content["value"], list):
        return None  # one page of a service, opened through a source file
    lists = [value for value in content.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    return {ALL: len(lists[0])} if len(lists) == 1 else None


def _sequence(path: Path) -> dict[str, int]:
    found: Counter[str] = Counter()
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for line in file:
            content = json.loads(line) if line.strip() else {}
            if content.get("type") == "CityJSONFeature":
                found.update(entry["type"] for entry in content["CityObjects"].values())
    return dict(found)


def _geopackage(path: Path) -> dict[str, int]:
    with sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True) as base:
        tables = [row[0] for row in base.execute("SELECT table_name FROM gpkg_contents WHERE data_type='features'")]
        counts = {table: base.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] for table in tables}
    buildings = [table for table in tables if "build" in table.lower()]
    return {ALL: counts[buildings[0] if buildings else tables[0]]}


def _spatialite(path: Path) -> dict[str, int]:
    with sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True) as base:
        table = base.execute("SELECT f_table_name FROM geometry_columns").fetchone()[0]
        return {ALL: base.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]}


def _shapefile(path: Path) -> dict[str, int]:
    """The header of the table beside it: number of records, little-endian, at byte 4."""
    head = path.with_suffix(".dbf").read_bytes()[:8]
    return {ALL: struct.unpack("<I", head[4:8])[0]}


def _flatgeobuf(path: Path) -> dict[str, int]:
    """``features_count`` of the header, a flatbuffer: its ninth field."""
    content = path.read_bytes()
    start = 12
    table = start + struct.unpack_from("<I", content, start)[0]
    fields = table - struct.unpack_from("<i", content, table)[0]
    place = struct.unpack_from("<H", content, fields + 4 + 2 * 8)[0]
    return {ALL: struct.unpack_from("<Q", content, table + place)[0]}


def _rows(path: Path) -> dict[str, int]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {ALL: sum(1 for row in csv.reader(file, delimiter=";") if any(row)) - 1}


def _osm_xml(path: Path) -> dict[str, int]:
    found: Counter[str] = Counter()
    inside: list[str] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag in ("node", "way", "relation"):
            inside[:] = [tag]
        elif tag == "tag" and inside:
            if inside[0] == "way" and attributes["k"] == "building" and attributes["v"] != "no":
                found["Building"] += 1
            if inside[0] == "node" and attributes["k"] == "natural" and attributes["v"] == "tree":
                found["SolitaryVegetationObject"] += 1

    parser.StartElementHandler = start
    with path.open("rb") as file:
        parser.ParseFile(file)
    return dict(found)


def _osm_pbf(path: Path) -> dict[str, int]:
    """Trees of dense nodes: the key ``natural`` followed by the value ``tree``, counted in the packed pairs."""
    trees = 0
    for block in _blobs(path.read_bytes()):
        texts = [text for table in _fields(block, 1) for text in _fields(table, 1)]
        if b"natural" not in texts or b"tree" not in texts:
            continue
        natural, tree = texts.index(b"natural"), texts.index(b"tree")
        for group in _fields(block, 2):
            for dense in _fields(group, 2):
                for packed in _fields(dense, 10):
                    pairs = list(_numbers(packed))
                    at = 0
                    while at < len(pairs):
                        if pairs[at] == 0:
                            at += 1
                            continue
                        trees += pairs[at] == natural and pairs[at + 1] == tree
                        at += 2
    return {"SolitaryVegetationObject": trees} if trees else {}


def _blobs(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        size = struct.unpack_from(">I", content, at)[0]
        header = content[at + 4 : at + 4 + size]
        at += 4 + size
        length = _varint(header, 3)
        blob = content[at : at + length]
        at += length
        if next(_fields(header, 1)) == b"OSMData":
            packed = list(_fields(blob, 3))
            yield zlib.decompress(packed[0]) if packed else next(_fields(blob, 1))


def _walk(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field number and value of every field of a protocol-buffer message."""
    at = 0
    while at < len(message):
        key, at = _read(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _read(message, at)
            yield key >> 3, value
        elif kind == 2:
            size, at = _read(message, at)
            yield key >> 3, message[at : at + size]
            at += size
        else:
            at += 8 if kind == 1 else 4


def _fields(message: bytes, number: int) -> Iterator[bytes]:
    return (value for field, value in _walk(message) if field == number and isinstance(value, bytes))


def _varint(message: bytes, number: int) -> int:
    return next(value for field, value in _walk(message) if field == number and isinstance(value, int))


def _read(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _numbers(packed: bytes) -> Iterator[int]:
    at = 0
    while at < len(packed):
        value, at = _read(packed, at)
        yield value


def _las(path: Path) -> dict[str, int]:
    """Number of points in the public header: 64 bits at byte 247 from version 1.4 on, else 32 bits at 107."""
    head = path.read_bytes()[:375]
    if head[25] >= 4:
        return {ALL: struct.unpack_from("<Q", head, 247)[0]}
    return {ALL: struct.unpack_from("<I", head, 107)[0]}


def _b3dm(path: Path) -> dict[str, int]:
    """``BATCH_LENGTH`` of the feature table."""
    content = path.read_bytes()
    size = struct.unpack_from("<I", content, 12)[0]
    return {ALL: int(json.loads(content[28 : 28 + size])["BATCH_LENGTH"])}


def _tileset(content: dict[str, Any], path: Path) -> dict[str, int] | None:
    """Features of all batched models an explicit tileset names."""
    total, waiting = 0, [content["root"]]
    while waiting:
        tile = waiting.pop()
        waiting.extend(tile.get("children", ()))
        if "implicitTiling" in tile or "contents" in tile:
            return None
        uri = str(tile.get("content", {}).get("uri", tile.get("content", {}).get("url", "")))
        if uri.endswith(".b3dm"):
            total += _b3dm(path.parent / uri)[ALL]
        elif uri:
            return None
    return {ALL: total}
