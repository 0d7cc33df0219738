"""Text for XML: escaped, without what XML forbids, and ids that XML accepts. No elements are known here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.sax.saxutils import escape

#: Characters that no XML 1.0 file may hold, however they are written.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ID = re.compile(r"[^\W\d][\w.\-]*\Z")
_NO_ID = re.compile(r"[^\w.\-]")
_QUOTES = {'"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}


def text(value: str) -> str:
    """A text between tags."""
    return escape(_FORBIDDEN.sub("", value), {"\r": "&#13;"})


def attribute(value: str) -> str:
    """A text between double quotes."""
    return escape(_FORBIDDEN.sub("", value), _QUOTES)


def xml_ids(ids: Iterable[str]) -> list[str]:
    """The ids with those made fit that XML does not accept (``{7F-3}`` becomes ``_7F-3_``), still unique."""
    given = list(ids)
    taken = {name for name in given if _ID.match(name)}
    result = []
    for name in given:
        if _ID.match(name):
            result.append(name)
            continue
        fit = _NO_ID.sub("_", name)
        fit = base = fit if _ID.match(fit) else f"_{fit}"
        number = 1
        while fit in taken:
            number += 1
            fit = f"{base}_{number}"
        taken.add(fit)
        result.append(fit)
    return result
