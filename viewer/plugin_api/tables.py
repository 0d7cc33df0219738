"""Tables of any CSV dialect, and the guessing of columns that German and English registers need."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.errors import LimitError, ReadError
from viewer.plugin_api.context import ReadContext

Column = NDArray[np.generic]
Floats = NDArray[np.float64]

MAX_TABLE_BYTES = 1024**3
MAX_TABLE_ROWS = 5_000_000
TEXT = np.dtypes.StringDType()

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LEADING_ZERO = re.compile(r"0\d")


@dataclass(frozen=True, eq=False)
class Table:
    """A table of N rows.

    columns : header -> (N,) float64 (NaN missing) or StringDType ("" missing).
    lines : (N,) int64, line of each row in the file, the header being line 1.
    """

    columns: Mapping[str, Column]
    lines: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lines)


def read_table(path: Path, context: ReadContext) -> Table:
    """Read a CSV file: ``;``, ``,``, tab or ``|`` between columns, decimal comma or point, UTF-8 or Windows text.

    Raises
    ------
    ReadError, LimitError
        It is no table, or larger than the limits.
    """
    size = path.stat().st_size
    if size > MAX_TABLE_BYTES:
        raise LimitError("This table is larger than {limit} MB.", path=path, limit=MAX_TABLE_BYTES // 1024**2)
    text = _decoded(path.read_bytes())
    if "\x00" in text[:4096]:
        raise ReadError("This is no text table.", path=path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), skipinitialspace=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in reader:
            if any(row):
                rows.append(row)
                lines.append(reader.line_num)
            if not len(rows) % 50_000:
                context.progress.raise_if_cancelled()
            if len(rows) > MAX_TABLE_ROWS:
                raise LimitError("This table has more than {limit} rows.", path=path, limit=MAX_TABLE_ROWS)
    except csv.Error as error:
        raise ReadError("This is no text table ({reason}).", path=path, reason=str(error)) from error
    if not rows:
        raise ReadError("This table is empty.", path=path)
    if not all(_NUMBER.fullmatch(cell.strip().replace(",", ".")) for cell in rows[0] if cell.strip()):
        names = _header(rows.pop(0))
        lines.pop(0)
    else:
        names = [f"column {index + 1}" for index in range(len(rows[0]))]
    width = len(names)
    uneven = [line for row, line in zip(rows, lines, strict=True) if len(row) != width]
    if uneven:
        rows = [(row + [""] * width)[:width] if len(row) != width else row for row in rows]
        context.warn(
            "{count} rows have more or fewer cells than the header.",
            count=len(uneven),
            where=tuple(f"line {line}" for line in uneven[:20]),
        )
    cells = list(zip(*rows, strict=True)) if rows else [()] * width
    columns = {name: typed(np.array(column, dtype=TEXT)) for name, column in zip(names, cells, strict=True)}
    return Table(columns, np.array(lines, dtype=np.int64))


def delimiter_of(text: str) -> str:
    """The delimiter of a table: the one that cuts its first lines into the same number of cells, the most."""
    lines = [line for line in text[:20_000].splitlines()[:12] if line.strip()]
    best, best_key = ";", (-1.0, -1)
    for delimiter in (";", "\t", ",", "|"):
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        if widths and widths[0] > 1:
            key = (sum(width == widths[0] for width in widths) / len(widths), widths[0])
            if key > best_key:
                best, best_key = delimiter, key
    return best


def number_column(values: Column) -> Floats:
    """A column as (N,) float64; text is read with decimal point or comma, NaN where it is no number."""
    values = np.asarray(values)
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    text = np.strings.strip(values.astype(TEXT))
    dots, commas = np.strings.count(text, "."), np.strings.count(text, ",")
    if commas.any():
        comma_is_decimal = commas.max() == 1
        if dots.any():
            both = (dots > 0) & (commas > 0)
            comma_is_decimal = bool(
                (np.strings.rfind(text, ",") > np.strings.rfind(text, "."))[both].all() if both.any() else True
            )
        if comma_is_decimal:
            whole = np.strings.replace(text, ".", "") if (commas > 0)[dots > 0].any() else text
            text = np.strings.replace(whole, ",", ".")
        else:
            text = np.strings.replace(text, ",", "")
    elif len(dots) and dots.max() > 1:
        text = np.strings.replace(text, ".", "")
    try:
        return np.where(text == "", "nan", text).astype(TEXT).astype(np.float64)
    except ValueError:
        unique, inverse = np.unique(text, return_inverse=True)
        numbers = [float(cell) if _NUMBER.fullmatch(cell) else np.nan for cell in unique.tolist()]
        return np.array(numbers, dtype=np.float64)[inverse]


def text_column(values: Column) -> Column:
    """A column as (N,) StringDType; whole numbers without ".0", "" where there is nothing."""
    values = np.asarray(values)
    if values.dtype.kind == "f":
        known = np.isfinite(values)
        filled = np.where(known, values, 0.0)
        if (filled == np.round(filled)).all() and (len(filled) == 0 or np.abs(filled).max() < 2**53):
            text = filled.astype(np.int64).astype(TEXT)
        else:
            text = filled.astype(TEXT)
        return np.where(known, text, "").astype(TEXT)
    return values.astype(TEXT)


def typed(values: Column) -> Column:
    """A text column as numbers if every cell that is not empty is one; codes such as 04103 stay text."""
    text = np.strings.strip(values.astype(TEXT))
    sample = [cell for cell in text[:2000].tolist() if cell]
    plain = (cell.replace(".", "").replace(",", ".") if cell.count(",") == 1 else cell for cell in sample)
    if not sample or not all(_NUMBER.fullmatch(cell) for cell in plain):
        return text
    if any(_LEADING_ZERO.match(cell) for cell in sample):
        return text
    numbers = number_column(text)
    return numbers if bool((np.isfinite(numbers) | (text == "")).all()) else text


def find_column(names: Iterable[str], words: Sequence[str], *, taken: Iterable[str] = ()) -> str:
    """The column that one of these words names best, "" for none.

    Words are tried in order: first as the whole name, then as the name's beginning, then inside it (words
    of at least four letters). Case, accents, umlauts and punctuation do not count.
    """
    taken = set(taken)
    plain = {name: plain_word(name) for name in names if name not in taken}
    wanted = [plain_word(word) for word in words]
    for word in wanted:
        for name, text in plain.items():
            if text == word:
                return name
    for word in wanted:
        for name, text in plain.items():
            if text.startswith(word + " ") or (len(word) >= 4 and text.startswith(word)):
                return name
    for word in wanted:
        for name, text in plain.items():
            if f" {word} " in f" {text} " or (len(word) >= 5 and word in text):
                return name
    return ""


def plain_word(text: str) -> str:
    """Small letters and digits, umlauts spelled out, everything else one blank."""
    text = text.strip().lower()
    for letter, spelled in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(letter, spelled)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", " ", text).strip()


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _header(cells: Sequence[str]) -> list[str]:
    """Column names: no stray blanks or tabs, never empty, each one once."""
    names: list[str] = []
    for index, cell in enumerate(cells):
        name = " ".join(cell.split()) or f"column {index + 1}"
        number = 2
        unique = name
        while unique in names:
            unique = f"{name} {number}"
            number += 1
        names.append(unique)
    return names
