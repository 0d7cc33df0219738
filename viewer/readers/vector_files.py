"""Vector files through GDAL (pyogrio): which layers hold polygons, and their shapes and columns as arrays.

GDAL would open far more than we mean: what a file begins with decides, and lists of other files (VRT),
addresses and ``/vsi`` paths are refused. What the layers mean is judged elsewhere.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.plugin_api import ReadContext
from viewer.plugin_api.offline import offline_pyogrio
from viewer.readers.cityjson import looks_like_cityjson
from viewer.readers.footprint_columns import building_score

Ints = NDArray[np.int64]

_DRIVERS = {"GPKG", "GeoJSON", "GeoJSONSeq", "ESRI Shapefile", "FlatGeobuf", "SQLite"}


@dataclass(frozen=True, slots=True)
class LayerInfo:
    name: str
    features: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class VectorTable:
    shapes: NDArray[np.object_]
    fids: Ints
    columns: dict[str, NDArray[np.generic]]
    crs: str
    driver: str


def _check_format(path: Path) -> None:
    """Only local files of the formats we mean, by their first bytes; GDAL would open far more."""
    if str(path).replace("\\", "/").startswith("/vsi") or "://" in str(path):
        raise ReadError("Only files on this computer can be opened.", path=path)
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise ReadError("The file cannot be opened: {reason}.", path=path, reason=error.strerror or "") from error
    text = head.lstrip(b"\xef\xbb\xbf\x1e \t\r\n")
    binary = head.startswith((b"SQLite format 3\x00", b"fgb\x03", b"\x00\x00\x27\x0a"))
    if not binary and (not text.startswith(b"{") or looks_like_cityjson(head)):
        raise ReadError(
            "This is not a vector file that can be read.",
            path=path,
            hint="GeoPackage, GeoJSON, Shapefile, FlatGeobuf and SpatiaLite can be read.",
        )


def polygon_layers(path: Path) -> list[LayerInfo]:
    """Layers that hold polygons, the most likely buildings first."""
    _check_format(path)
    pyogrio = offline_pyogrio()
    try:
        listed = [(str(name), str(kind)) for name, kind in pyogrio.list_layers(path)]
        found = []
        for name, kind in listed:
            if "Polygon" not in kind and kind not in ("Unknown", "GeometryCollection"):
                continue
            info = pyogrio.read_info(path, layer=name, force_feature_count=True)
            if info["driver"] not in _DRIVERS:
                raise ReadError("This is not a vector file that can be read.", path=path)
            if not info["features"]:
                continue
            score = building_score(f"{name} {path.stem}", [str(field) for field in info["fields"]])
            found.append(LayerInfo(name, int(info["features"]), score if "Polygon" in kind else score / 2))
    except _gdal_errors() as error:
        raise ReadError("The file cannot be read: {reason}.", path=path, reason=str(error).rstrip(".")) from error
    return sorted(found, key=lambda layer: (-round(layer.score, 1), -layer.features))


def _gdal_errors() -> tuple[type[Exception], ...]:
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

    return (DataSourceError, DataLayerError, FeatureError, FieldError, GeometryError, UnicodeDecodeError, ValueError)


def read_layer(path: Path, layer: str, context: ReadContext) -> VectorTable:
    import shapely

    pyogrio = offline_pyogrio()
    try:
        meta, fids, geometry, fields = pyogrio.raw.read(
            path, layer=layer, return_fids=True, encoding=_encoding(path), datetime_as_string=True
        )
        driver = str(pyogrio.read_info(path, layer=layer)["driver"])
    except _gdal_errors() as error:
        raise ReadError("The file cannot be read: {reason}.", path=path, reason=str(error).rstrip(".")) from error
    context.progress.report(0.25, "Reading the file")
    shapes = shapely.from_wkb(geometry, on_invalid="ignore")
    columns = {str(name): values for name, values in zip(meta["fields"], fields, strict=True)}
    return VectorTable(shapes, np.asarray(fids, dtype=np.int64), columns, str(meta["crs"] or ""), driver)


def _encoding(path: Path) -> str | None:
    """UTF-8 for a Shapefile that says nothing about its texts but holds valid UTF-8 beyond ASCII."""
    table = path.with_suffix(".dbf")
    if path.suffix.lower() != ".shp" or path.with_suffix(".cpg").exists() or not table.exists():
        return None
    with table.open("rb") as file:
        head = file.read(12)
        if len(head) < 12:
            return None
        file.seek(struct.unpack("<H", head[8:10])[0])
        text = file.read(1 << 24)
    # The last character may be cut in two where only a part of the table was read.
    try:
        text[: len(text) - 4].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(text) - 8:
            return None
    return None if text.isascii() else "UTF-8"


def plain_values(values: NDArray[np.generic]) -> list[object]:
    """A column as plain values, None for missing ones; binary ones are left out."""
    result: list[Any] = values.tolist()
    if values.dtype.kind == "f":
        return [None if value != value else value for value in result]
    if values.dtype.kind in "iu":
        return result
    return [plain_value(value) for value in result]


def plain_value(value: object) -> object:
    if value is None or isinstance(value, (bytes, bytearray)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return None if value != value else value
    text = str(value).strip()
    return None if text in ("", "NaT") else text
