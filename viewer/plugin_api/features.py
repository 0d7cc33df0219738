"""Features with geometry and attributes, from GeoJSON objects or any table, turned into layers for the city."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city import AreaLayer, Layer, LineLayer, PointLayer
from viewer.plugin_api.context import ReadContext
from viewer.plugin_api.tables import TEXT, Column, find_column
from viewer.plugin_api.vector import VectorTable, points_xy

#: Attributes of one table and characters of one text.
MAX_COLUMNS, MAX_TEXT = 200, 2000
MAX_CLASSES = 40
_NAMES = ("name", "label", "title", "titel", "bezeichnung", "standort", "station", "adresse", "address")
_CLASSES = (
    "kategorie", "category", "nutzung", "nutzungsart", "landuse", "klasse", "class", "type", "typ", "art",
    "gattung", "funktion", "function", "status", "bezirk", "stadtteil",
)  # fmt: skip


def geojson_table(name: str, features: Iterable[object], crs: str = "EPSG:4326") -> VectorTable:
    """A table of GeoJSON features. What is no feature is left out; a broken geometry becomes None, its row stays."""
    import orjson
    import shapely

    usable = [feature for feature in features if isinstance(feature, dict)]
    texts = np.array([_geometry_text(feature.get("geometry"), orjson.dumps) for feature in usable], dtype=object)
    geometry = shapely.from_geojson(texts, on_invalid="ignore") if len(texts) else np.empty(0, dtype=object)
    rows = [_properties(feature) for feature in usable]
    return VectorTable(name, shapely.force_2d(np.asarray(geometry)), columns_of(rows), crs)


def columns_of(rows: Sequence[Mapping[str, object]]) -> dict[str, Column]:
    """Attribute columns of (N,) rows: float64 where every given value is a number, else text."""
    names: dict[str, None] = {}
    for row in rows:
        if len(names) < MAX_COLUMNS:
            names.update(dict.fromkeys(row))
    return {str(name)[:200]: _column([row.get(name) for row in rows]) for name in list(names)[:MAX_COLUMNS]}


def table_layers(title: str, table: VectorTable, context: ReadContext, attribution: str = "") -> list[Layer]:
    """Areas, lines and points of a table as layers; what has no usable place is counted and left out."""
    import shapely

    lost = shapely.is_missing(table.geometry) | shapely.is_empty(table.geometry)
    there = np.flatnonzero(~lost)
    parts, feature = shapely.get_parts(table.geometry[there], return_index=True)
    feature = there[feature]
    while (shapely.get_type_id(parts) >= 4).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        feature = feature[inner]
    usable = ~has_endless_place(parts) & ~shapely.is_empty(parts)
    parts, feature = parts[usable], feature[usable]
    lost[np.setdiff1d(np.arange(len(table)), feature)] = True
    context.warn(
        "{count} entries have no usable outline and were left out.",
        count=int(lost.sum()),
        where=tuple(f"row {row + 1}" for row in np.flatnonzero(lost)[:20].tolist()),
    )
    kind = shapely.get_type_id(parts)
    found = [
        (make, chosen)
        for make, chosen in ((area_layer, kind == 3), (line_layer, (kind == 1) | (kind == 2)), (_points, kind == 0))
        if chosen.any()
    ]
    layers = []
    for make, chosen in found:
        layer = make(title, parts[chosen], feature[chosen], table, context)
        layers.append(replace(layer, attribution=attribution, style_column=_style(layer.attributes)))
    return layers


def has_endless_place(shapes: NDArray[Any]) -> NDArray[np.bool_]:
    """(n,) which shapes have a coordinate that is no number or infinite; GEOS stops at those."""
    import shapely

    coordinates, of = shapely.get_coordinates(shapes, return_index=True)
    bad = np.bincount(of[~np.isfinite(coordinates).all(axis=1)], minlength=len(shapes)) > 0
    return np.asarray(bad)


def area_layer(
    title: str, polygons: NDArray[Any], feature: NDArray[np.intp], table: VectorTable, context: ReadContext
) -> AreaLayer:
    """(n,) polygons as flat arrays; only features with a polygon keep their row.

    feature : (n,) row of the table each polygon belongs to; several may belong to one.
    """
    import shapely

    rows, polygon_feature = np.unique(feature, return_inverse=True)
    rings, ring_polygon = shapely.get_rings(shapely.orient_polygons(polygons), return_index=True)
    coordinates, ring_of = shapely.get_coordinates(rings, return_index=True)
    closing = np.append(ring_of[1:] != ring_of[:-1], True)
    coordinates, ring_of = coordinates[~closing], ring_of[~closing]
    return AreaLayer(
        title,
        context.place(coordinates, table.crs)[:, :2],
        _offsets(np.bincount(ring_of, minlength=len(rings))),
        _offsets(np.bincount(ring_polygon, minlength=len(polygons))),
        polygon_feature.astype(np.int32),
        len(rows),
        attributes={name: values[rows] for name, values in table.columns.items()},
    )


def line_layer(
    title: str, lines: NDArray[Any], feature: NDArray[np.intp], table: VectorTable, context: ReadContext
) -> LineLayer:
    """(n,) lines as flat arrays; a part of a multi-line repeats the row of its feature, in (n,) ``feature``."""
    import shapely

    coordinates, line_of = shapely.get_coordinates(lines, return_index=True)
    return LineLayer(
        title,
        context.place(coordinates, table.crs)[:, :2],
        _offsets(np.bincount(line_of, minlength=len(lines))),
        attributes={name: values[feature] for name, values in table.columns.items()},
    )


def _geometry_text(value: object, dumps: Any) -> str | None:
    return dumps(value).decode("utf-8") if isinstance(value, dict) else None


def _properties(feature: Mapping[str, Any]) -> dict[str, object]:
    found = feature.get("properties")
    rows: dict[str, object] = dict(found) if isinstance(found, dict) else {}
    if "id" in feature and "id" not in rows and isinstance(feature["id"], str | int):
        rows["id"] = str(feature["id"])
    return rows


def _column(values: list[object]) -> Column:
    given = [value for value in values if value is not None]
    if given and all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
        return np.array([np.nan if value is None else float(value) for value in values])  # type: ignore[arg-type]
    return np.array([_text(value) for value in values], dtype=TEXT)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        import orjson

        return orjson.dumps(value).decode("utf-8")[:MAX_TEXT]
    return str(value)[:MAX_TEXT]


def _points(
    title: str, points: NDArray[Any], feature: NDArray[np.intp], table: VectorTable, context: ReadContext
) -> Layer:
    local = context.place(points_xy(points), table.crs)[:, :2]
    attributes = {name: values[feature] for name, values in table.columns.items()}
    texts = [name for name, values in attributes.items() if values.dtype.kind == "T"]
    return PointLayer(
        title,
        np.column_stack([local, np.full(len(local), np.nan)]),
        attributes=attributes,
        label_column=find_column(texts, _NAMES),
    )


def _offsets(sizes: NDArray[np.intp]) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def _style(attributes: Mapping[str, NDArray[np.generic]]) -> str:
    """A text column with a few different values, named like a class where there is one."""
    few = [
        name
        for name, values in attributes.items()
        if values.dtype.kind == "T" and 2 <= len(np.unique(values[values != ""])) <= MAX_CLASSES
    ]
    return find_column(few, _CLASSES) or (few[0] if few else "")
