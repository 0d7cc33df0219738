"""Areas and lines of vector files: green, land use, parcels, plan areas, streets.

A file with several layers gives several; ``layer`` in the options picks one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from viewer.plugin_api import (
    AreaLayer,
    Layer,
    LineLayer,
    ReadContext,
    ReadError,
    VectorTable,
    find_column,
    list_vector_layers,
    peek,
    read_vector,
)

#: Columns that colour a layer at first, best word first.
STYLE = (
    "nutzung", "nutzungsart", "landuse", "land use", "fclass", "landcover", "flaechenart", "zweckbestimmung",
    "besondereartderbaulichennutzung", "allgartderbaulnutzung", "kategorie", "category", "klasse", "class", "type",
    "typ", "kind", "art", "nature", "function", "funktion", "strassenkl", "highway", "bezeichnung", "name",
)  # fmt: skip
LAND_USE = ("nutzung", "landuse", "fclass", "nature", "flaechenart", "landcover", "strassenkl", "class", "kategorie")
MAX_CLASSES = 60
MAX_LAYERS = 40
_LINE, _RING, _POLYGON = 1, 2, 3


def looks_like_areas(path: Path, head: bytes) -> float:
    """How sure this is a layer of areas or lines: by its geometry, more by words for land use."""
    if b"citygml" in head.lower():
        return 0.0
    seen = peek(path, head)
    if path.suffix.lower() in (".kml", ".gml"):
        return 0.5 if seen.kind in ("area", "line") or b"xplan" in head.lower() else 0.2
    if seen.kind == "line":
        return 0.7
    if seen.kind == "area":
        return 0.65 if find_column(seen.columns, LAND_USE) else 0.5
    return 0.0


def read_areas(path: Path, context: ReadContext) -> list[Layer]:
    """Every layer of the file that holds areas or lines."""
    chosen = context.options.get("layer", "")
    names = [chosen] if chosen else [name for name, _ in list_vector_layers(path)]
    if len(names) > MAX_LAYERS:
        context.warn("The file has {n} layers; the first {limit} are read.", n=len(names), limit=MAX_LAYERS)
    layers: list[Layer] = []
    for number, name in enumerate(names[:MAX_LAYERS]):
        context.progress.report(number / len(names), "Reading")
        table = read_vector(path, context, name)
        title = path.stem if len(names) == 1 else f"{path.stem}: {name}"
        layers.extend(_layers(title, table, context))
    if not layers:
        raise ReadError("There are no areas and no lines in this file.", path=path)
    return layers


def _layers(title: str, table: VectorTable, context: ReadContext) -> list[Layer]:
    import shapely

    broken = np.flatnonzero(shapely.is_missing(table.geometry) | shapely.is_empty(table.geometry))
    context.warn(
        "{count} entries have no usable outline and were left out.",
        count=len(broken),
        where=tuple(f"row {row + 1}" for row in broken[:20].tolist()),
    )
    parts, feature = shapely.get_parts(table.geometry, return_index=True)
    while (shapely.get_type_id(parts) >= 4).any():  # collections in collections
        parts, inner = shapely.get_parts(parts, return_index=True)
        feature = feature[inner]
    kind = shapely.get_type_id(parts)
    is_polygon, is_line = kind == _POLYGON, (kind == _LINE) | (kind == _RING)
    context.warn("{count} points among the areas were left out.", count=int((kind == 0).sum()))
    endless = is_polygon & _has_endless_place(parts)
    context.warn("Areas with an impossible outline, left out: {count}", count=int(endless.sum()))
    is_polygon &= ~endless
    style = _style_column(table.columns)
    both = bool(is_polygon.any() and is_line.any())
    layers: list[Layer] = []
    if is_polygon.any():
        layers.append(_areas(title, parts[is_polygon], feature[is_polygon], table, style, context))
    if is_line.any():
        name = f"{title} (lines)" if both else title
        layers.append(_lines(name, parts[is_line], feature[is_line], table, style, context))
    return layers


def _has_endless_place(shapes: np.ndarray) -> np.ndarray:
    """(n,) bool: shapes with a coordinate that is no number or infinite; GEOS stops at those."""
    import shapely

    coordinates, shape = shapely.get_coordinates(shapes, return_index=True)
    return np.bincount(shape[~np.isfinite(coordinates).all(axis=1)], minlength=len(shapes)) > 0


def _areas(
    title: str, polygons: np.ndarray, feature: np.ndarray, table: VectorTable, style: str, context: ReadContext
) -> AreaLayer:
    """Polygons as flat arrays; only features with a polygon keep their row."""
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
        style_column=style,
    )


def _lines(
    title: str, lines: np.ndarray, feature: np.ndarray, table: VectorTable, style: str, context: ReadContext
) -> LineLayer:
    """Lines as flat arrays; a part of a multi-line repeats the row of its feature."""
    import shapely

    coordinates, line_of = shapely.get_coordinates(lines, return_index=True)
    return LineLayer(
        title,
        context.place(coordinates, table.crs)[:, :2],
        _offsets(np.bincount(line_of, minlength=len(lines))),
        attributes={name: values[feature] for name, values in table.columns.items()},
        style_column=style,
    )


def _offsets(sizes: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


def _style_column(columns: Mapping[str, np.ndarray]) -> str:
    """A column that says what an area is: by its name, with a few different values."""
    useful = [name for name, values in columns.items() if 2 <= _classes(values) <= MAX_CLASSES]
    words = list(STYLE)
    named = find_column([name for name in useful if columns[name].dtype.kind == "T"], words)
    return named or find_column(useful, words)


def _classes(values: np.ndarray) -> int:
    if values.dtype.kind == "f":
        values = values[~np.isnan(values)]
    else:
        values = values[values != ""]
    return len(np.unique(values))
