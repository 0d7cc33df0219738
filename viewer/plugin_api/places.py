"""Where the rows of a table lie, and what kind of data a file holds, from its first bytes."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.plugin_api.tables import Column, Table, delimiter_of, find_column, number_column, text_column
from viewer.plugin_api.vector import list_vector_layers, points_xy

_DEGREES = (
    (
        "lon", "longitude", "lng", "long", "laengengrad", "geogr laenge", "geo laenge", "laenge wgs84", "x wgs84",
        "koordinate laengengrad wgs84", "geo lon",
    ),
    (
        "lat", "latitude", "breitengrad", "geogr breite", "geo breite", "breite wgs84", "y wgs84",
        "koordinate breitengrad wgs84", "geo lat",
    ),
)  # fmt: skip
_METRES = (
    (
        "x", "rechtswert", "ostwert", "easting", "x koordinate", "x koord", "koordinate x", "xcoord", "coord x",
        "utm x", "utm e", "utm ost", "x utm", "x etrs89", "ost", "east", "e utm", "x",
    ),
    (
        "y", "hochwert", "nordwert", "northing", "y koordinate", "y koord", "koordinate y", "ycoord", "coord y",
        "utm y", "utm n", "utm nord", "y utm", "y etrs89", "nord", "north", "n utm", "y",
    ),
)  # fmt: skip
_GEOMETRY = ("wkt", "geom", "geometry", "the geom", "geometrie", "shape")
_KIND = {"Point": "point", "MultiPoint": "point", "LineString": "line", "MultiLineString": "line",
         "Polygon": "area", "MultiPolygon": "area"}  # fmt: skip
_GEOJSON_TYPE = re.compile(r'"type"\s*:\s*"(MultiPoint|Point|MultiLineString|LineString|MultiPolygon|Polygon)"')
_XML_TYPE = re.compile(r"<(?:\w+:)?(MultiPoint|Point|MultiLineString|LineString|MultiPolygon|Polygon)\b")


@dataclass(frozen=True, eq=False)
class Places:
    """Where the rows of a table lie.

    xy : (N, 2) float64, x or longitude first; NaN where a row has no position.
    crs : ``"EPSG:4326"`` where the column names say degrees, else "".
    columns : names of the columns the positions were taken from.
    """

    xy: NDArray[np.float64]
    crs: str
    columns: tuple[str, ...]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(N,) bool: rows with a position."""
        return np.asarray(np.isfinite(self.xy).all(axis=1))


@dataclass(frozen=True, slots=True)
class Peek:
    """What a file seems to hold: kind is "table", "point", "line", "area" or ""; columns as far as seen."""

    kind: str
    columns: tuple[str, ...] = ()


def find_places(table: Table, *, x: str = "", y: str = "") -> Places | None:
    """The positions of a table's rows from columns for longitude and latitude, east and north, or WKT points.

    ``x``, ``y`` name the columns where a person chose them. None if there are no such columns.
    """
    names = list(table.columns)
    if x in names and y in names:
        return _places(table, x, y, "")
    for words, crs in ((_DEGREES, "EPSG:4326"), (_METRES, "")):
        x = find_column(names, words[0])
        y = find_column(names, words[1], taken=[x])
        if x and y:
            places = _places(table, x, y, crs)
            if places.usable.any():
                return places
    name = find_column(names, _GEOMETRY)
    return _from_wkt(name, table.columns[name]) if name else None


def peek(path: Path, head: bytes) -> Peek:
    """What kind of data a file holds, from its first bytes (and from its index, where it has one). For sniffers."""
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        return Peek("table", _csv_columns(head))
    if suffix in (".json", ".geojson", ".geojsonl"):
        return _peek_geojson(head.decode("utf-8-sig", "replace"))
    if suffix in (".kml", ".gml", ".xml"):
        text = head.decode("utf-8", "replace")
        found = _XML_TYPE.search(text)
        return Peek(_KIND[found[1]] if found else "")
    if suffix in (".gpkg", ".sqlite", ".db", ".shp", ".fgb"):
        return _peek_indexed(path)
    return Peek("")


def _places(table: Table, x: str, y: str, crs: str) -> Places:
    xy = np.column_stack([number_column(table.columns[x]), number_column(table.columns[y])])
    xy[(xy == 0).all(axis=1)] = np.nan  # 0, 0 stands for "not known" in every register
    return Places(xy, crs, (x, y))


def _from_wkt(name: str, values: Column) -> Places | None:
    import shapely

    text = text_column(values)
    srid = re.match(r"SRID=(\d{4,6});", str(text[0])) if len(text) else None
    bare = [cell.partition(";")[2] if cell.startswith("SRID=") else cell for cell in text.tolist()]
    points = shapely.from_wkt(np.array(bare, dtype=object), on_invalid="ignore")
    xy = points_xy(points)
    if not np.isfinite(xy).any():
        return None
    return Places(xy, f"EPSG:{srid[1]}" if srid else "", (name,))


def _csv_columns(head: bytes) -> tuple[str, ...]:
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = head.decode("cp1252", "replace")
    if not text.strip() or "\x00" in text:
        return ()
    try:
        first = next(csv.reader(text.lstrip().splitlines()[:1], delimiter=delimiter_of(text)), [])
    except csv.Error:
        return ()
    return tuple(" ".join(cell.split()) for cell in first)


def _peek_geojson(text: str) -> Peek:
    if '"Feature' not in text:
        return Peek("")
    kinds = [_KIND[kind] for kind in _GEOJSON_TYPE.findall(text)]
    kind = max(set(kinds), key=kinds.count) if kinds else ""
    columns: tuple[str, ...] = ()
    start = re.search(r'"properties"\s*:\s*(?=\{)', text[text.find('"features"') :] if '"features"' in text else text)
    if start:
        rest = (text[text.find('"features"') :] if '"features"' in text else text)[start.end() :]
        try:
            properties, _ = json.JSONDecoder().raw_decode(rest)
            columns = tuple(properties)
        except ValueError:
            columns = tuple(re.findall(r'"([^"\\]{1,60})"\s*:', rest[:8000]))
    return Peek(kind, columns)


def _peek_indexed(path: Path) -> Peek:
    import pyogrio

    try:
        layers = list_vector_layers(path)
        if not layers:
            return Peek("")
        name, geometry = layers[0]
        fields = pyogrio.read_info(path, layer=name)["fields"]
    except (ReadError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError):
        return Peek("")
    kind = _KIND.get(geometry.split()[0].removesuffix("Z").removesuffix("25D"), "")
    return Peek(kind, tuple(str(field) for field in fields))
