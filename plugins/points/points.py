"""Points with values: counts, sensors, power plants, contributions, from tables and vector files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.plugin_api import (
    PointLayer,
    ReadContext,
    ReadError,
    Table,
    find_column,
    find_places,
    peek,
    read_table,
    read_vector,
)

#: Words of columns with a value worth colouring and scaling by, best first.
VALUE = (
    "value", "wert", "messwert", "median", "mean", "mittelwert", "count", "anzahl", "counts", "total", "summe",
    "gesamt", "dtv", "rating", "votes", "total votes", "bruttoleistung", "leistung", "power", "score", "menge",
    "temperature", "temperatur", "pm10", "pm25", "no2", "laerm", "population", "einwohner", "height", "hoehe",
)  # fmt: skip
LABEL = (
    "name", "label", "title", "titel", "anzeige name", "bezeichnung", "location", "standort", "station", "ort",
    "adresse", "address", "beschreibung",
)  # fmt: skip
CLASS = ("category", "kategorie", "type", "typ", "art", "class", "klasse", "thema", "rubric", "status")
#: Numbers that are names: never a value.
NOT_A_VALUE = ("id", "nr", "nummer", "number", "plz", "postleitzahl", "key", "schluessel", "code", "jahr", "year")
MAX_CLASSES = 40


def looks_like_points(path: Path, head: bytes) -> float:
    """How sure this is a set of points: by its geometry, or by columns for a position."""
    seen = peek(path, head)
    if seen.kind == "point":
        return 0.55
    if seen.kind == "table" and len(seen.columns) > 1:
        numbers = Table({name: np.array([1.0]) for name in seen.columns}, np.array([2]))
        return 0.55 if find_places(numbers) is not None else 0.1
    return 0.0


def read_points(path: Path, context: ReadContext) -> PointLayer:
    """One point per row with a position."""
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        xy, columns, crs, rows, word = _from_table(path, context)
    else:
        xy, columns, crs, rows, word = _from_vector(path, context)
    usable = np.isfinite(xy).all(axis=1)
    lost = rows[~usable]
    context.warn(
        "{count} rows have no position and were left out.",
        count=len(lost),
        where=tuple(f"{word} {row}" for row in lost[:20].tolist()),
    )
    if not usable.any():
        raise ReadError(
            "No row of this file has a position.",
            path=path,
            hint="The file needs columns such as lon and lat, or x and y.",
        )
    columns = {name: values[usable] for name, values in columns.items()}
    xy_local = context.place(xy[usable], crs)
    value = context.options.get("value_column", "") or _value_column(columns)
    texts = [name for name, values in columns.items() if values.dtype.kind == "T"]
    label = find_column(texts, LABEL) or next((name for name in texts if _names_each(columns[name])), "")
    style = value or _class_column(columns)
    return PointLayer(
        path.stem,
        np.column_stack([xy_local[:, :2], np.full(len(xy_local), np.nan)]),
        attributes=columns,
        style_column=style,
        size_column=value,
        label_column=label,
    )


def _names_each(values: NDArray[np.generic]) -> bool:
    """Whether a text column looks like a name of each point: short and hardly ever the same."""
    known = values[values != ""]
    short = len(known) > 0 and float(np.mean(np.strings.str_len(known))) <= 40
    return short and len(np.unique(known)) > 0.9 * len(values)


def _from_table(path: Path, context: ReadContext) -> tuple[np.ndarray, Mapping[str, np.ndarray], str, np.ndarray, str]:
    table = read_table(path, context)
    places = find_places(table, x=context.options.get("x_column", ""), y=context.options.get("y_column", ""))
    if places is None:
        raise ReadError(
            "This table has no columns for a position.",
            path=path,
            hint="The file needs columns such as lon and lat, or x and y.",
        )
    context.facts["format"] = "CSV"
    columns = {name: values for name, values in table.columns.items() if name not in places.columns}
    return places.xy, columns, places.crs, table.lines, "line"


def _from_vector(path: Path, context: ReadContext) -> tuple[np.ndarray, Mapping[str, np.ndarray], str, np.ndarray, str]:
    import shapely

    table = read_vector(path, context, context.options.get("layer", ""))
    not_points = int((~np.isin(shapely.get_type_id(table.geometry), (-1, 0, 4))).sum())
    context.warn("{count} entries are no points; their middle is shown.", count=not_points)
    return table.centres, table.columns, table.crs, np.arange(1, len(table) + 1), "row"


def _value_column(columns: Mapping[str, np.ndarray]) -> str:
    """The number to show: named like a value, else the first one that varies and is no identifier."""
    varying = [
        name
        for name, values in columns.items()
        if values.dtype.kind == "f" and np.isfinite(values).any() and np.nanmax(values) > np.nanmin(values)
    ]
    names = {find_column([name], NOT_A_VALUE) for name in varying}
    candidates = [name for name in varying if name not in names]
    return find_column(candidates, VALUE) or (candidates[0] if candidates else "")


def _class_column(columns: Mapping[str, np.ndarray]) -> str:
    """A text column with a few different values."""
    few = [
        name
        for name, values in columns.items()
        if values.dtype.kind == "T" and 2 <= len(np.unique(values)) <= MAX_CLASSES
    ]
    return find_column(few, CLASS) or (few[0] if few else "")
