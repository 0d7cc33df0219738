"""The objects of a city as arrays of a store, and back: ids and columns wait in their files until asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city import Column, ObjectTable
from viewer.city import texts as packed
from viewer.city.texts import PackedTexts
from viewer.readers.store.arrays import Array, Arrays, ArrayWriter, Split
from viewer.readers.store.check import Soundness
from viewer.readers.store.folder import damaged


class StoredColumn(Column):
    """A column whose numbers are checked when they are first looked at; rows of damaged tiles have no value."""

    __slots__ = ("_checked", "_unchecked")
    _checked: NDArray[np.float64] | None
    _unchecked: Callable[[], NDArray[np.float64]]

    def __init__(self, name: str, array: NDArray[np.float64], array_name: str, soundness: Soundness) -> None:
        def look() -> NDArray[np.float64]:
            usable = soundness.of_rows((array_name,), np.arange(len(array)))
            if usable.all():
                return array
            values = np.where(usable, array, np.nan)
            values.setflags(write=False)
            return values

        object.__setattr__(self, "name", name)
        object.__setattr__(self, "_unchecked", look)
        object.__setattr__(self, "_checked", None)

    @property
    def numeric(self) -> bool:
        """True: texts are a matter of ``PackedTexts``."""
        return True

    @property
    def values(self) -> NDArray[np.generic]:
        """(N,) float64."""
        found = self._checked
        if found is None:
            found = self._unchecked()
            object.__setattr__(self, "_checked", found)
        return found


def put_objects(writer: ArrayWriter, table: ObjectTable, by_object: Split) -> list[dict[str, Any]]:
    """Write a table; what the manifest has to say about its columns.

    Raises
    ------
    OSError
        It could not be written.
    """
    writer.put("type_code", table.type_code)
    writer.put("parent", table.parent)
    encoded, start = put_texts(writer, "ids", _packed(table.ids), by_object)
    hashes, rows = packed.index_of(PackedTexts(encoded, start))
    writer.put("ids.hash", hashes)
    writer.put("ids.row", rows)
    columns = []
    for number, (key, column) in enumerate(table.attributes.items()):
        columns.append({"key": key, "name": column.name, "numeric": column.numeric})
        name = f"column.{number}"
        if column.numeric:
            writer.put(name, np.asarray(column.values, np.float64), by_object)
        else:
            put_texts(writer, name, _packed(column.values), by_object)
    return columns


def put_texts(
    writer: ArrayWriter, name: str, texts: tuple[NDArray[np.uint8], NDArray[np.int64]], by_object: Split
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Write texts of all objects as three arrays: the letters, where each text begins, and where each tile does."""
    encoded, start = texts
    tile_start = start[by_object.start]
    writer.put(f"{name}.tile_start", tile_start)
    writer.put(name, encoded, Split(f"{name}.tile_start", tile_start))
    writer.put(f"{name}.start", start, Split(by_object.by, by_object.start, extra=1))
    return texts


def objects_of(arrays: Arrays, types: Iterable[object], entries: Iterable[Any], soundness: Soundness) -> ObjectTable:
    """The table again.

    Raises
    ------
    ReadError
        Its arrays are not of the kinds and sizes a table has, or an index leads out of it.
    KeyError, TypeError
        The manifest is nonsense.
    """
    named = arrays.by_name
    names = tuple(str(kind) for kind in types)
    type_code, parent = named["type_code"], named["parent"]
    count = len(parent) if parent.ndim else 0
    for name, dtype in {"type_code": "<u2", "parent": "<i4", "ids.hash": "<u8", "ids.row": "<i4"}.items():
        if named[name].dtype.str != dtype or named[name].shape != (count,):
            raise damaged(name)
    in_range(type_code, 0, max(len(names), 1), "type_code")
    in_range(parent, -1, count, "parent")
    in_range(named["ids.row"], 0, count, "ids.row")
    index: Any = (named["ids.hash"], named["ids.row"])
    attributes: dict[str, Column] = {}
    for number, entry in enumerate(entries):
        key, title, name = str(entry["key"]), str(entry["name"]), f"column.{number}"
        if not entry["numeric"]:
            attributes[key] = Column(title, _texts(named, name, count, soundness))
            continue
        values = named[name]
        if values.dtype.str != "<f8" or values.shape != (count,):
            raise damaged(name)
        attributes[key] = StoredColumn(title, values, name, soundness)  # type: ignore[arg-type]
    return ObjectTable(
        ids=_texts(named, "ids", count, soundness, index),
        types=names,
        type_code=type_code,  # type: ignore[arg-type]
        parent=parent,  # type: ignore[arg-type]
        attributes=attributes,
    )


def in_range(index: Array, low: int, high: int, name: str) -> None:
    """Refuse indices outside ``low .. high - 1``. Raises ReadError."""
    if index.size and not (int(index.min()) >= low and int(index.max()) < high):
        raise damaged(name)


def _packed(values: NDArray[np.generic] | PackedTexts) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return packed.pack(values.tolist())


def _texts(
    named: Mapping[str, Array], name: str, count: int, soundness: Soundness, index: packed.TextIndex | None = None
) -> NDArray[np.generic]:
    encoded, start = named[name], named[f"{name}.start"]
    if encoded.dtype.str != "|u1" or encoded.ndim != 1 or start.dtype.str != "<i8" or start.shape != (count + 1,):
        raise damaged(name)
    parts = (name, f"{name}.start")

    def usable(rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        return soundness.of_rows(parts, rows)

    return packed.as_array(PackedTexts(encoded, start, usable if count else None, index))  # type: ignore[arg-type]
