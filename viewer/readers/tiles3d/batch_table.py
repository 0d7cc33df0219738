"""Feature tables and batch tables of 3D Tiles 1.0: JSON with references into binary data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.readers.gltf.fields import Fields, wrong
from viewer.readers.gltf.metadata import json_column, numbers_column
from viewer.readers.limits import MAX_ATTRIBUTES

_COMPONENTS = {
    "BYTE": "i1", "UNSIGNED_BYTE": "u1", "SHORT": "<i2", "UNSIGNED_SHORT": "<u2", "INT": "<i4", "UNSIGNED_INT": "<u4",
    "FLOAT": "<f4", "DOUBLE": "<f8",
}  # fmt: skip
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class BinaryTable:
    """A JSON object whose members may lie in binary data behind it."""

    def __init__(self, fields: Fields, binary: memoryview) -> None:
        self.fields, self.binary = fields, binary

    def __contains__(self, key: str) -> bool:
        return key in self.fields

    def array(self, key: str, count: int, component: str, width: int) -> NDArray[np.generic] | None:
        """(n, w) numbers of a known kind; None where the member is missing.

        Raises
        ------
        ReadError
            They do not lie within the data.
        """
        if key not in self.fields:
            return None
        value = self.fields.data[key]
        if isinstance(value, list):
            if len(value) != count * width or not all(isinstance(v, int | float) for v in value):
                raise wrong(self.fields.place(key))
            return np.array(value, np.float64).reshape(count, width)
        reference = self.fields.child(key)
        kind = reference.text("componentType") or component
        return self._numbers(reference, kind, count, width)

    def vector(self, key: str, width: int) -> NDArray[np.float64] | None:
        """(w,) numbers of one member; None where it is missing."""
        found = self.array(key, 1, "FLOAT", width)
        return None if found is None else found[0].astype(np.float64)

    def longest(self) -> int:
        """Entries of the longest list among the members."""
        return max((len(value) for value in self.fields.data.values() if isinstance(value, list)), default=0)

    def columns(self, count: int) -> dict[str, NDArray[np.generic]]:
        """All members as columns of ``count`` rows; what does not fit is left out."""
        result: dict[str, NDArray[np.generic]] = {}
        for name, value in list(self.fields.data.items())[:MAX_ATTRIBUTES]:
            if name in ("extensions", "extras", "HIERARCHY"):
                continue
            try:
                if isinstance(value, list):
                    if len(value) == count:
                        result[name[:200]] = json_column(value)
                elif isinstance(value, dict):
                    item = self.fields.child(name)
                    width = _WIDTHS.get(item.text("type"), 0)
                    numbers = self._numbers(item, item.text("componentType"), count, width)
                    result[name[:200]] = numbers_column(numbers[:, 0] if width == 1 else numbers)
            except ReadError:
                continue
        return result

    def _numbers(self, reference: Fields, component: str, count: int, width: int) -> NDArray[np.generic]:
        dtype = np.dtype(_COMPONENTS.get(component, "V"))
        first = reference.count("byteOffset")
        if dtype.kind == "V" or not width or first + count * width * dtype.itemsize > len(self.binary):
            raise wrong(reference.where)
        return np.frombuffer(self.binary, dtype, count * width, first).reshape(count, width)
