"""Source files: a few lines of JSON that name a service, so that a server opens like a file.

They hold no password and no key, and nothing is contacted by reading one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from viewer.errors import LimitError, ReadError
from viewer.plugin_api.net.request import host_of

SUFFIX = ".source.json"
_MAX_BYTES = 1024 * 1024
_MAX_TEXT = 4000
_MARK = "source"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A service as a source file names it.

    Parameters
    ----------
    type : kind of service, ``"wms"``, ``"wmts"``, ``"xyz"``, ``"wfs"``, ``"features"``, ``"sensorthings"`` ...
    url : address of the service. layers : names of what is wanted from it.
    settings : everything else in the file, as text.
    """

    type: str
    url: str
    title: str = ""
    layers: tuple[str, ...] = ()
    attribution: str = ""
    licence: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The server."""
        return host_of(self.url)

    @property
    def credit(self) -> str:
        """Who is named in a picture, with the licence."""
        return ", ".join(filter(None, (self.attribution, self.licence)))


def looks_like_source(head: bytes) -> str:
    """The type of service in a source file, from its first bytes; "" if it is none."""
    if b'"stadtforum"' not in head or b'"type"' not in head or len(head) > _MAX_BYTES:
        return ""
    try:
        value = json.loads(head)
    except ValueError:
        return ""
    if not isinstance(value, dict) or value.get("stadtforum") != _MARK:
        return ""
    return str(value.get("type", "")).lower()


def read_source(path: Path) -> SourceFile:
    """Read a source file.

    Raises
    ------
    ReadError, LimitError
        It is none, names no address, or is longer than such a file can be.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise LimitError("This file is larger than {limit} MB.", path=path, limit=_MAX_BYTES // 1024**2)
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ReadError("This file cannot be read ({reason}).", path=path, reason=error.strerror) from error
    except ValueError as error:
        raise ReadError("This source file is no JSON.", path=path) from error
    try:
        return source_of(value)
    except ReadError as error:
        error.path = path
        raise


def source_of(value: object) -> SourceFile:
    """A source from parsed JSON.

    Raises
    ------
    ReadError
        An entry is missing or of the wrong kind.
    """
    if not isinstance(value, dict) or value.get("stadtforum") != _MARK:
        raise ReadError("This is no source file.")
    kind, url = _text(value, "type").lower(), _text(value, "url").strip()
    if not kind or not url:
        raise ReadError("This source file names no {entry}.", entry="type" if not kind else "url")
    host_of(url)
    layers = value.get("layers", [])
    if isinstance(layers, str):
        layers = [layers]
    if not isinstance(layers, list) or not all(isinstance(name, str) for name in layers):
        raise ReadError("The entry {entry} of this source file is of the wrong kind.", entry="layers")
    known = {"stadtforum", "type", "url", "title", "layers", "attribution", "licence"}
    settings = {
        str(name): str(entry)[:_MAX_TEXT]
        for name, entry in value.items()
        if name not in known and isinstance(entry, str | int | float)
    }
    return SourceFile(
        kind,
        url,
        _text(value, "title"),
        tuple(layers[:100]),
        _text(value, "attribution"),
        _text(value, "licence"),
        settings,
    )


def source_bytes(source: SourceFile) -> bytes:
    """The source file of a service."""
    value: dict[str, Any] = {"stadtforum": _MARK, "type": source.type, "url": source.url, "title": source.title}
    if source.layers:
        value["layers"] = list(source.layers)
    value |= {name: text for name in ("attribution", "licence") if (text := getattr(source, name))}
    value |= source.settings
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _text(value: Mapping[str, object], name: str) -> str:
    entry = value.get(name, "")
    if not isinstance(entry, str) or len(entry) > _MAX_TEXT:
        raise ReadError("The entry {entry} of this source file is of the wrong kind.", entry=name)
    return " ".join(entry.split())
