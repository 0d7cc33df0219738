"""Attributes of CityJSON objects -> columns: what stands where, nested ones made flat, addresses as one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.readers.json_parse import to_text

#: Members of a city object with a meaning of their own; anything else is an extension's attribute.
_OWN_MEMBERS = frozenset(
    {
        "type", "attributes", "geometry", "parents", "children", "address", "geographicalExtent",
        "members", "children_roles",
    }
)  # fmt: skip

#: A nested attribute with more different members than this stays one text.
_MAX_MEMBERS = 24

_NO_MEMBERS: Mapping[str, Any] = {}

#: An address in reading order; every version and producer spells the members a little differently.
_ADDRESS_LINES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("thoroughfarename", "street", "streetname", "thoroughfare"), ("thoroughfarenumber", "housenumber", "number")),
    (("postalcode", "postcode", "zip"), ("localityname", "locality", "city")),
    (("administrativearea",), ("countryname", "country")),
)


def attributes_of(entry: dict[str, Any]) -> Mapping[str, Any]:
    """Attributes of a city object, with its address and what extensions added beside them."""
    attributes = entry.get("attributes")
    if type(attributes) is not dict:
        attributes = _NO_MEMBERS
    if entry.keys() <= _OWN_MEMBERS and "address" not in entry:
        return attributes
    more = {name: value for name, value in entry.items() if name not in _OWN_MEMBERS}
    address = _address_text(entry.get("address"))
    if address:
        more["address"] = address
    return {**more, **attributes} if more else attributes


def flat_members(name: str, value: dict[str, Any]) -> Iterable[tuple[str, object]]:
    """``{"a": {"b": 1}}`` under ``name`` as (``name.a.b``, 1); what lies deeper than three stays JSON text."""
    stack: list[tuple[str, Any, int]] = [(name, value, 0)]
    while stack:
        path, item, depth = stack.pop()
        if isinstance(item, dict) and depth < 3:
            stack.extend((f"{path}.{key}", inner, depth + 1) for key, inner in reversed(item.items()))
        elif isinstance(item, dict):
            yield path, to_text(item)
        elif item is not None:
            yield path, item


def _address_text(address: Any) -> str:
    """Addresses as one line: ``"Street 5, 12345 Town"``; several are separated by semicolons."""
    entries = address if isinstance(address, list) else [address]
    lines = (_one_address(entry) if isinstance(entry, dict) else str(entry or "") for entry in entries)
    return "; ".join(line for line in lines if line)


def _one_address(entry: dict[str, Any]) -> str:
    members = {
        str(key).lower().replace("_", ""): value
        for key, value in entry.items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    }
    found: set[str] = set()
    lines = []
    for line in _ADDRESS_LINES:
        words = []
        for names in line:
            name = next((name for name in names if name in members), "")
            if name:
                found.add(name)
                words.append(str(members[name]).strip())
        lines.append(" ".join(word for word in words if word))
    rest = [str(value).strip() for name, value in members.items() if name not in found]
    return ", ".join(line for line in lines + rest if line)


class AttributeColumns:
    """Attributes of object after object, as columns.

    kept_whole : nested attributes that stay one text, because their members differ from object to object.
    """

    def __init__(self) -> None:
        self.kept_whole: set[str] = set()
        self._columns: dict[str, tuple[list[NDArray[np.int64]], list[object]]] = {}
        self._waiting: list[Mapping[str, Any]] = []
        self._first = 0

    def add(self, entry: dict[str, Any]) -> None:
        """The next object."""
        self._waiting.append(attributes_of(entry))

    def absorb(self, columns: Mapping[str, tuple[NDArray[np.int64], list[object]]], count: int) -> None:
        """The columns of ``count`` more objects, which count from 0 there."""
        for name, (where, values) in columns.items():
            known = self._columns.setdefault(name, ([], []))
            known[0].append(where + self._first)
            known[1].extend(values)
        self._first += count

    def columns(self) -> dict[str, tuple[NDArray[np.int64], list[object]]]:
        """Positions of the objects, and their values, by name."""
        return {name: (np.concatenate(where), values) for name, (where, values) in self._columns.items()}

    def flatten(self) -> None:
        """Turn the waiting attributes into columns; whole columns at once where most objects have them."""
        rows, first = self._waiting, self._first
        self._waiting = []
        self._first = first + len(rows)
        filled = [(first + i, row) for i, row in enumerate(rows) if row]
        if not filled:
            return
        names = dict.fromkeys(name for _, row in filled for name in row)
        if len(names) * len(filled) <= 4 * sum(len(row) for _, row in filled):
            indices = np.array([index for index, _ in filled], dtype=np.int64)
            for name in names:
                self._extend(name, indices, [row.get(name) for _, row in filled])
            return
        sparse: dict[str, tuple[list[int], list[object]]] = {name: ([], []) for name in names}
        for index, row in filled:
            for name, value in row.items():
                column = sparse[name]
                column[0].append(index)
                column[1].append(value)
        for name, (own, values) in sparse.items():
            self._extend(name, np.array(own, dtype=np.int64), values)

    def _extend(self, name: str, indices: NDArray[np.int64], values: list[object]) -> None:
        kinds = set(map(type, values))
        if dict in kinds:
            values = self._extend_inner(name, indices, values)
        if bool in kinds:
            values = [("true" if value else "false") if isinstance(value, bool) else value for value in values]
        if list in kinds:
            values = [to_text(value) if isinstance(value, list) else value for value in values]
        if all(value is None for value in values):
            return
        known = self._columns.setdefault(name, ([], []))
        known[0].append(indices)
        known[1].extend(values)

    def _extend_inner(self, name: str, indices: NDArray[np.int64], values: list[object]) -> list[object]:
        """Give the members of nested attributes columns of their own; returns what stays in this one.

        Where the members differ from object to object (keys that are data), JSON text stays instead.
        """
        inner: dict[str, tuple[list[int], list[object]]] = {}
        if name not in self.kept_whole:
            for index, value in zip(indices.tolist(), values, strict=True):
                if isinstance(value, dict):
                    for path, item in flat_members(name, value):
                        column = inner.setdefault(path, ([], []))
                        column[0].append(index)
                        column[1].append(item)
                if len(inner) > _MAX_MEMBERS:
                    self.kept_whole.add(name)
                    break
        if name in self.kept_whole:
            return [to_text(value) if isinstance(value, dict) else value for value in values]
        for path, (own, items) in inner.items():
            self._extend(path, np.array(own, dtype=np.int64), items)
        return [None if isinstance(value, dict) else value for value in values]
