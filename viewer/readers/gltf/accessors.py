"""Accessors of a glTF model as NumPy arrays: plain, interleaved, sparse, normalised; checked before use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.readers.gltf.container import view_bytes
from viewer.readers.gltf.fields import Fields, wrong

#: Values of one accessor: more are refused before memory is asked for.
MAX_VALUES = 200_000_000
_TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}

Array = NDArray[np.generic]


class Accessors:
    """The accessors of one document."""

    def __init__(self, document: Fields, buffers: list[memoryview]) -> None:
        self.document, self.buffers = document, buffers

    def count(self, number: int) -> int:
        """Entries of one accessor."""
        return self.document.item("accessors", number).count("count")

    def raw(self, number: int, width: int | None = None) -> Array:
        """(n,) or (n, w) numbers as they are stored.

        Raises
        ------
        ReadError
            It does not lie within the file, or has another number of columns than ``width``.
        """
        item = self.document.item("accessors", number)
        count = item.count("count")
        columns = _WIDTHS.get(item.text("type"))
        dtype = np.dtype(_TYPES.get(item.count("componentType"), "V"))
        if columns is None or dtype.kind == "V" or count * columns > MAX_VALUES or width not in (None, columns):
            raise wrong(item.where)
        if dtype.itemsize < 4 and item.text("type").startswith("MAT") and columns < 16:
            raise wrong(item.where)  # padded columns; nobody uses them here
        if "bufferView" in item:
            values = self._stored(item, count, columns, dtype)
        else:
            values = np.zeros((count, columns), dtype)
        if "sparse" in item:
            values = self._with_sparse(item.child("sparse"), values, dtype)
        return values[:, 0] if columns == 1 else values

    def numbers(self, number: int, width: int | None = None) -> NDArray[np.float32]:
        """(n,) or (n, w) float32; whole numbers that are said to be shares become 0 to 1 or -1 to 1."""
        values = self.raw(number, width)
        return as_numbers(values, normalized=self.document.item("accessors", number).flag("normalized"))

    def indices(self, number: int, below: int) -> NDArray[np.int64]:
        """(n,) whole numbers less than ``below``."""
        values = self.raw(number, 1)
        if values.dtype.kind not in "ui" or (len(values) and int(values.max()) >= below):
            raise wrong(f"accessors[{number}]")
        return values.astype(np.int64)

    def _stored(self, item: Fields, count: int, columns: int, dtype: np.dtype[np.generic]) -> Array:
        number = item.count("bufferView")
        data = view_bytes(self.document, self.buffers, number)
        size = dtype.itemsize * columns
        stride = self.document.item("bufferViews", number).count("byteStride") or size
        first = item.count("byteOffset")
        if stride < size or (count and first + stride * (count - 1) + size > len(data)):
            raise wrong(item.where)
        if not count:
            return np.zeros((0, columns), dtype)
        return np.ndarray((count, columns), dtype, data, first, (stride, dtype.itemsize))

    def _with_sparse(self, sparse: Fields, values: Array, dtype: np.dtype[np.generic]) -> Array:
        count = sparse.count("count")
        if count > len(values):
            raise wrong(sparse.where)
        places, changed = sparse.child("indices"), sparse.child("values")
        kind = np.dtype(_TYPES.get(places.count("componentType"), "V"))
        if kind.kind != "u":
            raise wrong(places.where)
        index = self._stored(places, count, 1, kind)[:, 0].astype(np.int64)
        if len(index) and int(index.max()) >= len(values):
            raise wrong(places.where)
        result = np.array(values)
        result[index] = self._stored(changed, count, values.shape[1], dtype)
        return result


def as_numbers(values: Array, *, normalized: bool) -> NDArray[np.float32]:
    """Stored numbers as float32, shares unpacked."""
    if values.dtype.kind == "f" or not normalized:
        return np.asarray(values, np.float32)
    bits = 8 * values.dtype.itemsize - (values.dtype.kind == "i")
    return np.asarray(np.maximum(values.astype(np.float64) / (2.0**bits - 1.0), -1.0), np.float32)
