"""Attributes of one CityJSON object: what stands where, nested ones made flat, addresses as one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from viewer.readers.json_parse import to_text

#: Members of a city object with a meaning of their own; anything else is an extension's attribute.
_OWN_MEMBERS = frozenset(
    {
        "type", "attributes", "geometry", "parents", "children", "address", "geographicalExtent",
        "members", "children_roles",
    }
)  # fmt: skip

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
