"""Maps and features of servers, named by source files: WMS, WMTS, XYZ tiles, WFS, OGC API Features.

Each kind of service has a module; all of them ask through the context, which asks a person first.
"""

from __future__ import annotations

from pathlib import Path

from viewer.plugin_api import Layer, ReadContext, ReadError, looks_like_source, read_source

from . import features, wfs, wms, wmts, xyz
from .browse import browse

__all__ = ["browse", "looks_like_service", "read"]

_KINDS = {"wms": wms.read, "wmts": wmts.read, "xyz": xyz.read, "wfs": wfs.read, "features": features.read}
_NAMES = {"wms": "WMS", "wmts": "WMTS", "xyz": "XYZ", "wfs": "WFS", "features": "OGC API Features"}


def looks_like_service(head: bytes) -> float:
    """How sure this is a source file of one of these services."""
    return 1.0 if looks_like_source(head) in _KINDS else 0.0


def read(path: Path, context: ReadContext) -> list[Layer]:
    """The part of a service around the open city, or the part a person chose."""
    source = read_source(path)
    if source.type not in _KINDS:
        raise ReadError("Services of the kind {kind} are not known.", path=path, kind=source.type[:40])
    context.facts["format"] = _NAMES[source.type]
    return _KINDS[source.type](source, context)
