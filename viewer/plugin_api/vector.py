"""Vector files through GDAL, the safe way: known formats by content, no web, no virtual file systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import LimitError, ReadError
from viewer.plugin_api.context import ReadContext
from viewer.plugin_api.offline import offline_pyogrio
from viewer.plugin_api.tables import TEXT, Column

#: GDAL drivers a file may be opened with; no VRT, no databases, nothing from the web.
DRIVERS = {
    "GPKG", "SQLite", "GeoJSON", "GeoJSONSeq", "TopoJSON", "ESRIJSON", "ESRI Shapefile", "FlatGeobuf",
    "KML", "LIBKML", "GML",
}  # fmt: skip
MAX_FEATURES = 2_000_000
MAX_VECTOR_BYTES = 4 * 1024**3
MAX_GML_BYTES = 256 * 1024**2

_MAGIC: dict[str, tuple[bytes, ...]] = {
    ".gpkg": (b"SQLite format 3\x00",),
    ".sqlite": (b"SQLite format 3\x00",),
    ".db": (b"SQLite format 3\x00",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".fgb": (b"fgb\x03fgb",),
}
_XML = {".kml", ".gml", ".xml"}
_JSON = {".geojson", ".json", ".geojsonl", ".geojsons"}
_NOT_HERE = (
    b"OGRVRT",
    b"VRTDataset",
    b"OGRWFS",
    b"GDAL_WM",
    b"OGRServiceDescription",
    b"<!ENTITY",
    b"gdal_streamed_alg",
)


@dataclass(frozen=True, eq=False)
class VectorTable:
    """One layer of a vector file: N features.

    geometry : (N,) object array of shapely geometries without heights, None where there is none or it is broken.
    columns : attribute -> (N,) float64 (NaN missing) or StringDType ("" missing).
    crs : ``"EPSG:25832"`` or WKT; "" if the file names none. geometry_type : as GDAL names it.
    """

    name: str
    geometry: NDArray[Any]
    columns: Mapping[str, Column]
    crs: str
    geometry_type: str = ""

    def __len__(self) -> int:
        return len(self.geometry)

    @property
    def centres(self) -> NDArray[np.float64]:
        """(N, 2) float64: the middle of every geometry, a point itself; NaN where there is none."""
        import shapely

        return points_xy(shapely.centroid(self.geometry))


def points_xy(points: NDArray[Any]) -> NDArray[np.float64]:
    """(N, 2) float64 of shapely points; NaN for everything else and for empty ones."""
    import shapely

    usable = (shapely.get_type_id(points) == 0) & ~shapely.is_empty(points)
    xy = np.full((len(points), 2), np.nan)
    xy[usable] = shapely.get_coordinates(points[usable])
    return xy


def list_vector_layers(path: Path) -> list[tuple[str, str]]:
    """(name, geometry type) of every layer with a geometry.

    Raises
    ------
    ReadError, LimitError
        It is no vector file of a known format, or it is damaged or too large.
    """
    check_vector_file(path)
    pyogrio = offline_pyogrio()
    try:
        source = _source(path)
        found = pyogrio.list_layers(source)
        driver = pyogrio.read_info(source, layer=found[0][0])["driver"] if len(found) else "GPKG"
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise _unreadable(path, error) from error
    if driver not in DRIVERS:
        raise ReadError("Files of the kind {kind} are not read.", path=path, kind=driver)
    return [(str(name), str(kind)) for name, kind in found if kind is not None]


def read_vector(path: Path, context: ReadContext, layer: str = "") -> VectorTable:
    """Read one layer of a vector file (the first one by default).

    Raises
    ------
    ReadError, LimitError
        As ``list_vector_layers``, or there is no layer of this name.
    """
    import shapely

    pyogrio = offline_pyogrio()
    layers = list_vector_layers(path)
    if not layers:
        raise ReadError("There is no layer with places in this file.", path=path)
    name = layer or layers[0][0]
    try:
        source = _source(path)
        info = pyogrio.read_info(source, layer=name, force_feature_count=True)
        count, context.facts["format"] = info["features"], str(info["driver"])
        if count > MAX_FEATURES:
            raise LimitError(
                "This layer has {count} entries; {limit} is the limit.", path=path, count=count, limit=MAX_FEATURES
            )
        context.progress.report(0.1, "Reading")
        meta, _, wkb, data = pyogrio.raw.read(source, layer=name, force_2d=True)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        raise _unreadable(path, error) from error
    except (pyogrio.errors.GeometryError, ValueError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    context.progress.report(0.5, "Reading")
    geometry = np.full(len(data[0]) if data else 0, None) if wkb is None else shapely.from_wkb(wkb, on_invalid="ignore")
    columns = {str(field): _column(values) for field, values in zip(meta["fields"], data, strict=True)}
    return VectorTable(name, np.asarray(geometry), columns, str(meta["crs"] or ""), str(meta["geometry_type"]))


def check_vector_file(path: Path) -> None:
    """Raise ReadError or LimitError unless the content is of the format its name says."""
    suffix = path.suffix.lower()
    if path.as_posix().startswith("/vsi"):
        raise ReadError("Only files on this computer can be opened.", path=path)
    try:
        if path.stat().st_size > MAX_VECTOR_BYTES:
            raise LimitError("This file is larger than {limit} GB.", path=path, limit=MAX_VECTOR_BYTES // 1024**3)
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise _unreadable(path, error) from error
    if suffix in _MAGIC:
        good = head.startswith(_MAGIC[suffix])
    else:
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        good = (suffix in _JSON and start.startswith((b"{", b"[", b"\x1e"))) or (
            suffix in _XML and start.startswith(b"<") and (b"gml" in head or b"kml" in head)
        )
        good = good and not any(word in head for word in _NOT_HERE)
    if not good:
        raise ReadError("The content of this file is not what its name says.", path=path)


def _source(path: Path) -> Path | bytes:
    """What GDAL is given. GML goes through memory: its driver would write beside the file and follow what lies there.

    Raises
    ------
    LimitError
        A GML file is too large for that.
    """
    if path.suffix.lower() not in (".gml", ".xml"):
        return path
    if path.stat().st_size > MAX_GML_BYTES:
        raise LimitError("This file is larger than {limit} MB.", path=path, limit=MAX_GML_BYTES // 1024**2)
    return path.read_bytes()


def _column(values: NDArray[Any]) -> Column:
    kind = values.dtype.kind
    if kind in "fiub":
        return values.astype(np.float64)
    if kind == "M":
        text = values.astype("datetime64[s]").astype(str)
        return np.where(np.isnat(values), "", text).astype(TEXT)
    return np.array(["" if value is None else str(value) for value in values.tolist()], dtype=TEXT)


def _unreadable(path: Path, error: Exception) -> ReadError:
    reason = " ".join(str(error).split())[:200]
    return ReadError("This file cannot be read ({reason}).", path=path, reason=reason)
