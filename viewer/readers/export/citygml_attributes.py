"""Attributes of city objects as CityGML 2.0 writes them: as elements of the schema where they fit, else generic."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from viewer.city import ObjectTable
from viewer.readers.export.citygml_kinds import Kind
from viewer.readers.export.xml_text import attribute, text

#: One value: its name, its text, and whether it is a number.
Value = tuple[str, str, bool]

_CODES = re.compile(r"[\w:.\-]+(?:, [\w:.\-]+)+\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_DATES = ("creationDate", "terminationDate")


def values_of(objects: ObjectTable) -> list[list[Value]]:
    """Every given attribute of every object, in the order of the columns."""
    result: list[list[Value]] = [[] for _ in range(len(objects))]
    for name, column in objects.attributes.items():
        has = np.isfinite(column.values) if column.numeric else column.values != ""
        where = np.flatnonzero(has)
        given = column.values[where].tolist()
        texts = [_number(value) for value in given] if column.numeric else given
        for i, value in zip(where.tolist(), texts, strict=True):
            result[i].append((name, value, column.numeric))
    return result


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


class Attributes:
    """The values of one object, split into what the schema has elements for and the rest.

    head : ``gml:description``, ``gml:name`` and dates. generic : generic attributes. own : elements of the
    type, in the order of the schema. address : the ``Address`` element, empty if there is none.
    """

    def __init__(self, values: Iterable[Value], kind: Kind, *, with_address: bool) -> None:
        rest = {name: (value, number) for name, value, number in values}
        prefix = kind.tag.partition(":")[0]
        self.head = "".join(f"<gml:{name}>{text(rest.pop(name)[0])}</gml:{name}>" for name in ("description", "name")
                            if name in rest)  # fmt: skip
        self.head += "".join(
            f"<core:{name}>{rest.pop(name)[0]}</core:{name}>"
            for name in _DATES
            if name in rest and _DATE.match(rest[name][0])
        )
        self.address = ""
        if with_address and "address" in rest:
            self.address = _address(rest.pop("address")[0])
        own = []
        for name, form in kind.properties:
            if name in rest and _fits(rest[name][0], form):
                own.append(_property(f"{prefix}:{name}", rest.pop(name)[0], form))
        self.own = "".join(own)
        self.generic = "".join(_generic(name, value, number) for name, (value, number) in rest.items())


def _fits(value: str, form: str) -> bool:
    if form in ("code", "codes"):
        return True
    if form == "metres":
        return _is_number(value)
    if form == "count":
        return value.isascii() and value.isdigit()
    return value.isascii() and value.isdigit() and len(value) == 4  # a year


def _is_number(value: str) -> bool:
    try:
        return bool(np.isfinite(float(value)))
    except ValueError:
        return False


def _property(tag: str, value: str, form: str) -> str:
    if form == "metres":
        return f'<{tag} uom="m">{value}</{tag}>'
    parts = value.split(", ") if form == "codes" and _CODES.match(value) else [value]
    return "".join(f"<{tag}>{text(part)}</{tag}>" for part in parts)


def _generic(name: str, value: str, number: bool) -> str:
    kind = "stringAttribute"
    if number:
        whole = value.lstrip("-").isdigit() and abs(int(value)) < 2**31
        kind = "intAttribute" if whole else "doubleAttribute"
    return f'<gen:{kind} name="{attribute(name)}"><gen:value>{text(value)}</gen:value></gen:{kind}>'


def _address(line: str) -> str:
    return (
        "<core:Address><core:xalAddress><xAL:AddressDetails><xAL:AddressLines>"
        f"<xAL:AddressLine>{text(line)}</xAL:AddressLine>"
        "</xAL:AddressLines></xAL:AddressDetails></core:xalAddress></core:Address>"
    )
