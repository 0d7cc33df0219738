"""Areas and lines of vector files: green, land use, parcels, plan areas, streets.

A file with several layers gives several; ``layer`` in the options picks one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from viewer.plugin_api import (
    Layer,
    ReadContext,
    ReadError,
    VectorTable,
    area_layer,
    find_column,
    has_endless_place,
    line_layer,
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
    endless = is_polygon & has_endless_place(parts)
    context.warn("Areas with an impossible outline, left out: {count}", count=int(endless.sum()))
    is_polygon &= ~endless
    style = _style_column(table.columns)
    both = bool(is_polygon.any() and is_line.any())
    layers: list[Layer] = []
    if is_polygon.any():
        areas = area_layer(title, parts[is_polygon], feature[is_polygon], table, context)
        layers.append(replace(areas, style_column=style))
    if is_line.any():
        name = f"{title} (lines)" if both else title
        lines = line_layer(name, parts[is_line], feature[is_line], table, context)
        layers.append(replace(lines, style_column=style))
    return layers


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
