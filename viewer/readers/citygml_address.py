"""Addresses in the words of xAL 2 and xAL 3 -> one line for people."""

from __future__ import annotations

from typing import Any

from viewer.readers.citygml_names import local_name

_STREET = frozenset({"ThoroughfareName"})
_NUMBER = frozenset({"ThoroughfareNumber", "Number"})
_TOWN = frozenset({"LocalityName"})
_CODE = frozenset({"PostalCodeNumber"})
#: xAL 3: what a NameElement or an Identifier names is said by the element around it.
_AROUND = {"Thoroughfare": "street", "Locality": "town", "PostCode": "code"}
_WANTED = tuple(
    f"{{*}}{name}" for name in sorted({"NameElement", "Identifier", "AddressLine", *_STREET, *_NUMBER, *_TOWN, *_CODE})
)


def address_text(element: Any) -> str:
    """``"Rathausmarkt 1, 20095 Hamburg"``; what is missing is left out, empty if nothing is known."""
    street = number = code = town = ""
    lines: list[str] = []
    for leaf in element.iter(*_WANTED):
        text = (leaf.text or "").strip()
        if not text:
            continue
        name = local_name(leaf.tag)
        if name in ("NameElement", "Identifier"):
            around = _AROUND.get(local_name(leaf.getparent().tag), "")
            street = street or (text if around == "street" else "")
            town = town or (text if around == "town" else "")
            code = code or (text if around == "code" else "")
        elif name in _STREET:
            street = street or text
        elif name in _NUMBER:
            number = f"{number} {text}".strip() if name == "ThoroughfareNumber" else number or text
        elif name in _TOWN:
            town = town or text
        elif name in _CODE:
            code = code or text
        elif name == "AddressLine":
            lines.append(text)
    if lines and not (street or town):
        return ", ".join(lines)
    parts = (" ".join(filter(None, (street, number))), " ".join(filter(None, (code, town))))
    return ", ".join(filter(None, parts))
