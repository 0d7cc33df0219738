"""Buildings as CSV: one row each, with measures, indicators and attributes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import numpy as np

from viewer.plugin_api import Progress
from viewer.readers.export.bake import Baked
from viewer.readers.export.numbers import Column, rows_of
from viewer.readers.export.request import Export

_ROWS = 5000
#: A spreadsheet takes a text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_chunks(export: Export, baked: Baked, progress: Progress | None = None) -> Iterator[bytes]:
    """The table, UTF-8 with byte order mark, comma between columns and point in numbers, piece by piece."""
    progress = Progress() if progress is None else progress
    rows = rows_of(export, baked)
    texts = [_texts(column) for column in rows.columns.values()]
    count = len(rows.features)
    for start in range(-1, count, _ROWS) if count else (-1,):
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\r\n")
        if start < 0:
            writer.writerow([_safe(name) for name in rows.columns])
        first = max(start, 0)
        writer.writerows(zip(*(column[first : start + _ROWS] for column in texts), strict=True))
        progress.report(first / max(count, 1), "Writing the table")
        data = out.getvalue().encode()
        yield b"\xef\xbb\xbf" + data if start < 0 else data


def _texts(column: Column) -> list[str]:
    values = column.tolist()
    if column.dtype.kind == "f":
        return ["" if value != value else _number(value) for value in values]
    return [_safe(str(value)) for value in values]


def _number(value: float) -> str:
    if not np.isfinite(value):
        return ""
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _safe(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA) else text
