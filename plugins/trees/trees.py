"""Tree registers of cities: CSV, GeoPackage, GeoJSON and other vector files, and JSON lists of trees.

Columns are found by their German and English names. A tree without a height or crown gets one by its
genus and age; how many did is counted in the report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.plugin_api import (
    LimitError,
    ReadContext,
    ReadError,
    TreeLayer,
    find_column,
    find_places,
    number_column,
    peek,
    read_table,
    read_vector,
    text_column,
)

from . import species as species_of

#: Column words, best first.
HEIGHT = (
    "baumhoehe",
    "hoehe",
    "tree height",
    "height",
    "ht",
    "hoehe m",
    "hoehe in m",
    "gesamthoehe",
    "baumh",
    "hauteur",
)
CROWN = (
    "kronendurchmesser", "kronedurch", "kronendm", "kronenbreite", "crown diameter", "crowndiameter", "crown width",
    "crown", "krone", "kronend", "spread", "dia", "canopy diameter",
)  # fmt: skip
SPECIES = (
    "species", "baumart", "baumart de", "art deutsch", "art dtsch", "baumart deutsch", "art latein", "art bot",
    "baumart wi", "botanischer name", "tree species", "espece", "art",
)  # fmt: skip
GENUS = ("gattung deutsch", "gattung", "genus", "gattung latein")
LATIN = ("baumart wi", "art bot", "art latein", "botanischer name", "scientific name", "gattung latein")
YEAR = ("pflanzjahr", "planting year", "plantingyear", "year planted", "pflanzdatum", "yr")
AGE = ("standalter", "alter", "age", "baumalter")
TRUNK = (
    "stammumfang",
    "stammumfg",
    "stammdurchmesser",
    "trunk",
    "trunkradius",
    "trunk ht",
    "circumference",
    "dbh",
    "bhd",
)

#: Limits of belief, metres.
MAX_HEIGHT_M, MAX_CROWN_M = 80.0, 45.0
MAX_JSON_BYTES = 512 * 1024**2
_RANGE = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:-|–|bis|to)\s*(\d+(?:[.,]\d+)?)")
_FIRST_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


@dataclass(frozen=True, eq=False)
class Register:
    """N rows: xy (N, 2) in ``crs``, columns, and how to name row i to a person."""

    xy: np.ndarray
    columns: Mapping[str, np.ndarray]
    crs: str
    row_word: str
    rows: np.ndarray
    attribution: str = ""


def looks_like_register(path: Path, head: bytes) -> float:
    """How sure this is a tree register: by the words in its columns and its name."""
    if path.suffix.lower() == ".json" and b'"Feature' not in head:
        is_list = re.search(rb'"(trees|baeume|baum)"\s*:\s*\[', head) or (b"crown" in head and b"species" in head)
        return 0.9 if is_list else 0.0
    seen = peek(path, head)
    if seen.kind not in ("point", "table") or not seen.columns:
        return 0.0
    sure = 0.3 if re.search(r"baum|baeume|bäume|tree", path.stem.lower()) else 0.0
    for words, weight in (
        (CROWN, 0.35),
        (SPECIES + GENUS, 0.35),
        (TRUNK, 0.2),
        (YEAR, 0.15),
        (HEIGHT, 0.1),
        (AGE, 0.1),
    ):
        sure += weight if find_column(seen.columns, [word for word in words if word not in ("art", "dia")]) else 0.0
    return min(sure, 0.95) if sure >= 0.45 else 0.0


def read_register(path: Path, context: ReadContext) -> TreeLayer:
    """One tree per row with a position."""
    register = _open(path, context)
    usable = np.isfinite(register.xy).all(axis=1)
    lost = register.rows[~usable]
    context.warn(
        "{count} trees have no position and were left out.",
        count=len(lost),
        where=tuple(f"{register.row_word} {row}" for row in lost[:20].tolist()),
    )
    if not usable.any():
        raise ReadError(
            "No tree in this register has a position.",
            path=path,
            hint="The file needs columns such as lon and lat, or x and y.",
        )
    columns = {name: values[usable] for name, values in register.columns.items()}
    xy_local = context.place(register.xy[usable], register.crs)
    context.progress.report(0.7, "Placing trees")
    kinds, kind_column = _species(columns)
    height_m, crown_m = _sizes(columns, kinds, context)
    attributes = {name: values for name, values in columns.items() if values.dtype.kind in "fT"}
    if kind_column and "species" not in attributes:
        attributes = {"species": text_column(columns[kind_column]), **attributes}
    return TreeLayer(
        path.stem,
        np.column_stack([xy_local[:, :2], np.full(len(xy_local), np.nan)]),
        height_m,
        crown_m,
        kinds.conifer,
        attributes=attributes,
        attribution=register.attribution,
    )


def _open(path: Path, context: ReadContext) -> Register:
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        table = read_table(path, context)
        places = find_places(table, x=context.options.get("x_column", ""), y=context.options.get("y_column", ""))
        if places is None:
            raise ReadError(
                "This table has no columns for a position.",
                path=path,
                hint="The file needs columns such as lon and lat, or x and y.",
            )
        context.facts["format"] = "CSV"
        return Register(places.xy, table.columns, places.crs, "line", table.lines)
    if suffix == ".json":
        with path.open("rb") as file:
            if b'"Feature' not in file.read(65536):
                return _open_list(path, context)
    return _open_vector(path, context)


def _open_vector(path: Path, context: ReadContext) -> Register:
    table = read_vector(path, context, context.options.get("layer", ""))
    return Register(table.centres, table.columns, table.crs, "row", np.arange(1, len(table) + 1))


def _open_list(path: Path, context: ReadContext) -> Register:
    """A JSON list of trees, each with a position [lon, lat, ...] or fields for it."""
    import orjson

    if path.stat().st_size > MAX_JSON_BYTES:
        raise LimitError("This file is larger than {limit} MB.", path=path, limit=MAX_JSON_BYTES // 1024**2)
    try:
        content = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ReadError("This is no valid JSON ({reason}).", path=path, reason=str(error)[:200]) from error
    top = content if isinstance(content, dict) else {}
    lists = [content] if isinstance(content, list) else [value for value in top.values() if isinstance(value, list)]
    trees = next((rows for rows in lists if rows and all(isinstance(row, dict) for row in rows)), None)
    if trees is None:
        raise ReadError("There is no list of trees in this file.", path=path)
    names = list(dict.fromkeys(name for tree in trees for name in tree))
    columns = {
        name: column
        for name in names
        if name != "position" and (column := _plain_column([tree.get(name) for tree in trees])) is not None
    }
    if "position" in names:
        xy, crs = np.array([_pair(tree.get("position")) for tree in trees], dtype=np.float64), "EPSG:4326"
    else:
        x = find_column(columns, ("lon", "longitude", "lng", "x"))
        y = find_column(columns, ("lat", "latitude", "y"))
        if not (x and y):
            raise ReadError("The trees in this file have no positions.", path=path)
        xy = np.column_stack([number_column(columns[x]), number_column(columns[y])])
        crs = "EPSG:4326" if x.lower().startswith("l") else ""
    if np.nanmax(np.abs(xy), initial=0.0) > 180:
        crs = ""
    context.facts["format"] = "JSON"
    attribution = top.get("attribution", "")
    rows = np.arange(1, len(trees) + 1)
    return Register(xy, columns, crs, "tree", rows, attribution if isinstance(attribution, str) else "")


def _pair(position: object) -> tuple[float, float]:
    if isinstance(position, list) and len(position) >= 2 and all(isinstance(v, int | float) for v in position[:2]):
        return float(position[0]), float(position[1])
    return np.nan, np.nan


def _plain_column(values: list[object]) -> np.ndarray | None:
    """A column of numbers or texts; None for lists and objects."""
    if any(isinstance(value, list | dict) for value in values):
        return None
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return np.array([np.nan if value is None else float(value) for value in values])  # type: ignore[arg-type]
    return np.array(["" if value is None else str(value) for value in values], dtype=np.dtypes.StringDType())


def _species(columns: Mapping[str, np.ndarray]) -> tuple[species_of.Kinds, str]:
    """What kind of tree each row is, and the column that says so best for people."""
    count = len(next(iter(columns.values()))) if columns else 0
    shown = find_column(columns, SPECIES) or find_column(columns, GENUS)
    told = dict.fromkeys(filter(None, (find_column(columns, LATIN), shown, find_column(columns, GENUS))))
    texts = [text_column(columns[name]) for name in told if columns[name].dtype.kind == "T"]
    return species_of.kinds_of(texts, count), shown


def _sizes(
    columns: Mapping[str, np.ndarray], kinds: species_of.Kinds, context: ReadContext
) -> tuple[np.ndarray, np.ndarray]:
    """Heights and crown diameters, (N,) float32 metres, from columns or else by genus and age."""
    count = len(kinds.conifer)
    height = _metres(columns, HEIGHT, MAX_HEIGHT_M, context, "height_column")
    crown = _metres(columns, CROWN, MAX_CROWN_M, context, "crown_column")
    height = np.full(count, np.nan) if height is None else height
    crown = np.full(count, np.nan) if crown is None else crown
    age = _ages(columns, count)
    grown = species_of.height_at_age(kinds, age)
    from_crown = np.clip(crown / kinds.crown_ratio, 2.0, 30.0)
    no_height, no_crown = np.isnan(height), np.isnan(crown)
    height = np.where(no_height, np.where(np.isnan(grown) & ~no_crown, from_crown, grown), height)
    by_age = no_height & ~np.isnan(age)
    standard = np.isnan(height)
    height = np.where(standard, kinds.typical_height_m, height)
    crown = np.where(no_crown, np.clip(height * kinds.crown_ratio, 1.0, 20.0), crown)
    context.warn("{count} trees without a height got one by kind and age.", count=int(by_age.sum()))
    context.warn("{count} trees without height and age got a usual height of their kind.", count=int(standard.sum()))
    context.warn("{count} trees without a crown got one by height and kind.", count=int(no_crown.sum()))
    return height.astype(np.float32), crown.astype(np.float32)


def _metres(
    columns: Mapping[str, np.ndarray], words: tuple[str, ...], most: float, context: ReadContext, option: str
) -> np.ndarray | None:
    """A column of lengths in metres, NaN where missing or impossible; None if there is no such column."""
    name = context.options.get(option, "") or find_column(columns, words)
    if name not in columns:
        return None
    values = columns[name]
    metres = number_column(values)
    if values.dtype.kind == "T":
        unread = np.flatnonzero(np.isnan(metres) & (values != ""))
        texts, inverse = np.unique(values[unread], return_inverse=True)
        metres[unread] = np.array([_length(text) for text in texts.tolist()] or [0.0])[inverse]
    known = np.isfinite(metres) & (metres != 0)
    possible = (metres > 0) & (metres <= most)
    context.warn(
        "{count} values in {column} are impossible and were not used.",
        count=int((known & ~possible).sum()),
        column=name,
    )
    return np.where(possible, metres, np.nan)


def _length(text: str) -> float:
    """Metres from texts such as "10-15 m" (the middle) or "8,5 m"."""
    found = _RANGE.search(text)
    if found:
        return (float(found[1].replace(",", ".")) + float(found[2].replace(",", "."))) / 2
    first = _FIRST_NUMBER.search(text)
    return float(first[0].replace(",", ".")) if first else np.nan


def _ages(columns: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    """Ages in years, NaN where unknown. Counted from the newest planting year, not from today's clock."""
    age = np.full(count, np.nan)
    name = find_column(columns, AGE)
    if name:
        age = number_column(columns[name])
    name = find_column(columns, YEAR)
    if name:
        year = number_column(columns[name])
        year = np.where((year > 1500) & (year < 2200), year, np.nan)
        if np.isfinite(year).any():
            age = np.where(np.isnan(age), np.nanmax(year) - year + 1, age)
    return np.where((age >= 0) & (age < 1000), age, np.nan)
