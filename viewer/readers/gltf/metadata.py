"""Attributes after the 3D Metadata Specification: schemas, binary property tables, and values in JSON.

Used by glTF models (EXT_structural_metadata), tilesets and subtrees, which share these words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.readers.gltf.fields import Fields, wrong
from viewer.readers.limits import MAX_ATTRIBUTE_LENGTH, MAX_ATTRIBUTES

Columns = Mapping[str, NDArray[np.generic]]
#: Gives the bytes of a buffer view.
ViewBytes = Callable[[int], memoryview]

MAX_ROWS = 5_000_000
_COMPONENTS = {
    "INT8": "i1", "UINT8": "u1", "INT16": "<i2", "UINT16": "<u2", "INT32": "<i4", "UINT32": "<u4",
    "INT64": "<i8", "UINT64": "<u8", "FLOAT32": "<f4", "FLOAT64": "<f8",
}  # fmt: skip
_WIDTHS = {"SCALAR": 1, "ENUM": 1, "BOOLEAN": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
#: Whole numbers beyond this are kept as text, so that no digit of an id is lost.
_EXACT = 2**53


class Schema:
    """Classes and enumerations; an empty one knows nothing."""

    def __init__(self, fields: Fields | None) -> None:
        self.fields = Fields({}, "schema") if fields is None else fields

    def properties(self, name: str) -> dict[str, Fields]:
        """The properties of a class."""
        properties = self.fields.child("classes").child(name).child("properties")
        if len(properties.data) > MAX_ATTRIBUTES:
            raise wrong(properties.where)
        return {key: properties.child(key) for key in properties.data}

    def enum(self, name: str) -> tuple[str, dict[int, str]]:
        """Kind of number of an enumeration, and the name of every value."""
        enum = self.fields.child("enums").child(name)
        names: dict[int, str] = {}
        for item in enum.children("values"):
            value = item.data.get("value")
            if isinstance(value, int):
                names[value] = item.text("name")
        return enum.text("valueType", "UINT16"), names


def table_columns(table: Fields, schema: Schema, view: ViewBytes) -> dict[str, NDArray[np.generic]]:
    """The columns of a binary property table: float64 with NaN, or text, one row per feature.

    A property that cannot be read costs only itself.

    Raises
    ------
    ReadError
        The table has an impossible number of rows.
    """
    count = table.count("count")
    if count > MAX_ROWS:
        raise wrong(table.where)
    stored = table.child("properties")
    columns: dict[str, NDArray[np.generic]] = {}
    for name, kind in schema.properties(table.text("class")).items():
        if name not in stored:
            continue
        try:
            columns[kind.text("name") or name] = _column(kind, stored.child(name), count, schema, view)
        except ReadError:
            continue
    return columns


def entity_values(entity: Fields, schema: Schema) -> dict[str, str | float]:
    """Names and values of metadata written as JSON: of a tileset, a tile, a content or a group."""
    known = schema.properties(entity.text("class")) if "class" in entity else {}
    values = entity.child("properties")
    result: dict[str, str | float] = {}
    for key, value in list(values.data.items())[:MAX_ATTRIBUTES]:
        name = known[key].text("name") or key if key in known else key
        result[name[:200]] = plain_value(value)
    return result


def plain_value(value: object) -> str | float:
    """A value of JSON as a number or a text; several in a row with commas."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return float(value) if abs(value) < _EXACT else str(value)
    if isinstance(value, list):
        return ", ".join(_text(plain_value(item)) for item in value[:100])[:MAX_ATTRIBUTE_LENGTH]
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(plain_value(item))}" for key, item in list(value.items())[:50])[
            :MAX_ATTRIBUTE_LENGTH
        ]
    return str(value)[:MAX_ATTRIBUTE_LENGTH]


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def json_column(values: list[object]) -> NDArray[np.generic]:
    """Values of JSON as a column: float64 where all are numbers or missing, else text."""
    plain = [plain_value(value) for value in values]
    if all(isinstance(value, float) or value == "" for value in plain) and any(value != "" for value in plain):
        return np.array([np.nan if value == "" else value for value in plain], np.float64)
    return np.array([_text(value) for value in plain], np.dtypes.StringDType())


def numbers_column(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Numbers (n,) or (n, w) as a column: float64, or text where digits would be lost or there are several."""
    if values.ndim == 2:
        return np.array([", ".join(f"{v:g}" for v in row) for row in values.tolist()], np.dtypes.StringDType())
    if values.dtype.kind in "iu" and len(values) and int(np.abs(values.astype(np.float64)).max()) >= _EXACT:
        return np.array([str(value) for value in values.tolist()], np.dtypes.StringDType())
    return values.astype(np.float64)


def _column(kind: Fields, stored: Fields, count: int, schema: Schema, view: ViewBytes) -> NDArray[np.generic]:
    type_name, is_array = kind.text("type"), kind.flag("array")
    data = view(stored.count("values"))
    if is_array and "count" not in kind:
        starts = _offsets(stored, "arrayOffsets", "arrayOffsetType", count, view)
    else:
        starts = np.arange(count + 1, dtype=np.int64) * (kind.count("count", 1) if is_array else 1)
    total = int(starts[-1])
    if type_name == "STRING":
        texts = _texts(data, _offsets(stored, "stringOffsets", "stringOffsetType", total, view))
        return _grouped(texts, starts) if is_array else np.array(texts, np.dtypes.StringDType())
    if type_name == "BOOLEAN":
        if len(data) * 8 < total:
            raise wrong(stored.where)
        bits = np.unpackbits(np.frombuffer(data, np.uint8), count=total, bitorder="little")
        if is_array:
            return _grouped(["true" if bit else "false" for bit in bits.tolist()], starts)
        return bits.astype(np.float64)
    if type_name == "ENUM":
        number, names = schema.enum(kind.text("enumType"))
        codes = _numbers(data, number, total, 1, stored)[:, 0]
        texts = [names.get(int(code), str(int(code))) for code in codes.tolist()]
        return _grouped(texts, starts) if is_array else np.array(texts, np.dtypes.StringDType())
    values = _numbers(data, kind.text("componentType"), total, _WIDTHS.get(type_name, 0), stored)
    values = _scaled(values, kind, stored)
    if is_array:
        return _grouped([", ".join(f"{v:g}" for v in row) for row in values.tolist()], starts)
    column = numbers_column(values[:, 0] if values.shape[1] == 1 else values)
    none = kind.data.get("noData")
    if column.dtype.kind == "f" and isinstance(none, int | float):
        column = np.where(column == float(none), np.nan, column)
    return column


def _numbers(data: memoryview, component: str, rows: int, width: int, stored: Fields) -> NDArray[np.generic]:
    dtype = np.dtype(_COMPONENTS.get(component, "V"))
    if dtype.kind == "V" or width == 0 or rows * width * dtype.itemsize > len(data):
        raise wrong(stored.where)
    return np.frombuffer(data, dtype, rows * width).reshape(rows, width)


def _scaled(values: NDArray[np.generic], kind: Fields, stored: Fields) -> NDArray[np.generic]:
    if kind.flag("normalized") and values.dtype.kind in "iu":
        bits = 8 * values.dtype.itemsize - (values.dtype.kind == "i")
        values = np.maximum(values.astype(np.float64) / (2.0**bits - 1.0), -1.0)
    for key, change in (("scale", np.multiply), ("offset", np.add)):
        given = stored.data.get(key, kind.data.get(key))
        if isinstance(given, int | float) and not isinstance(given, bool):
            values = change(values.astype(np.float64), float(given))
    return values


def _offsets(stored: Fields, key: str, kind_key: str, count: int, view: ViewBytes) -> NDArray[np.int64]:
    dtype = np.dtype(_COMPONENTS.get(stored.text(kind_key, "UINT32"), "V"))
    if dtype.kind != "u" or key not in stored or count > MAX_ROWS * 100:
        raise wrong(stored.where)
    data = view(stored.count(key))
    if len(data) < (count + 1) * dtype.itemsize:
        raise wrong(stored.where)
    found = np.frombuffer(data, dtype, count + 1).astype(np.int64)
    if found[0] < 0 or (np.diff(found) < 0).any():
        raise wrong(stored.where)
    return found


def _texts(data: memoryview, starts: NDArray[np.int64]) -> list[str]:
    if int(starts[-1]) > len(data):
        raise ReadError("The file is damaged at {place}.", place="stringOffsets")
    whole = bytes(data)
    ends = starts.tolist()
    return [whole[a:b].decode("utf-8", "replace")[:MAX_ATTRIBUTE_LENGTH] for a, b in pairwise(ends)]


def _grouped(texts: list[str], starts: NDArray[np.int64]) -> NDArray[np.generic]:
    ends = starts.tolist()
    rows = [", ".join(texts[a:b])[:MAX_ATTRIBUTE_LENGTH] for a, b in pairwise(ends)]
    return np.array(rows, np.dtypes.StringDType())
