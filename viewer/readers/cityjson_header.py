"""What the header members of CityJSON say about a whole file: version, reference system, scale, extensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.plugin_api import ReadContext

NOT_CITYJSON = "This is JSON, but not CityJSON."
UNKNOWN_VERSION = "CityJSON {version} is not known; it was read like version 2.0."
NO_TRANSFORM = "Vertices are whole numbers but the file names no scale; they were taken as metres."
BROKEN_TRANSFORM = "The scale of the vertices is unusable; they were taken as metres."
EXTENSION = "The file uses the extension {name}; what it adds is shown as attributes and generic objects."
#: Our own member of ``metadata``: the height system, where no code covers both parts of the reference system.
VERTICAL_MEMBER = "+verticalReferenceSystem"
_KNOWN_VERSIONS = ("1.0", "1.1", "2.0")
_SUSPICIOUS_SPAN_M = 20_000.0


def transform_of(
    document: dict[str, Any], context: ReadContext, vertices: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and translation of the vertices, (3,) each; 1 and 0 where the file has none."""
    transform = document.get("transform")
    if transform is not None:
        try:
            scale = np.array(transform["scale"], dtype=np.float64)
            translate = np.array(transform["translate"], dtype=np.float64)
        except (TypeError, ValueError, KeyError):
            scale = translate = np.zeros(0)
        if scale.shape == translate.shape == (3,) and np.isfinite([scale, translate]).all() and scale.all():
            return scale, translate
        context.warn(BROKEN_TRANSFORM)
    elif vertices is not None and _look_like_millimetres(vertices):
        context.warn(NO_TRANSFORM)
    return np.ones(3), np.zeros(3)


def _look_like_millimetres(vertices: NDArray[np.float64]) -> bool:
    """Whole numbers everywhere, over a span that no city has in metres."""
    finite = vertices[np.isfinite(vertices).all(axis=1)]
    if not len(finite) or not np.array_equal(finite, np.rint(finite)):
        return False
    return bool(np.ptp(finite[:, :2], axis=0).max() > _SUSPICIOUS_SPAN_M)


def facts_of(document: dict[str, Any], context: ReadContext) -> dict[str, str]:
    """Format, version, CRS and title of a file from its header members."""
    version = document.get("version")
    text = version if isinstance(version, str) else ""
    known = next((own for own in _KNOWN_VERSIONS if text.startswith(own)), "")
    if not known:
        context.warn(UNKNOWN_VERSION, version=text or "?")
    extensions = document.get("extensions")
    if isinstance(extensions, dict):
        for name in extensions:
            context.info(EXTENSION, name=str(name))
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    title = next((metadata[key] for key in ("title", "datasetTitle") if isinstance(metadata.get(key), str)), "")
    return {
        "crs": _crs_of(metadata),
        "vertical_crs": str(metadata.get(VERTICAL_MEMBER) or ""),
        "name": title.strip()[:200],
        "format": "CityJSON",
        "version": known or text,
    }


def _crs_of(metadata: dict[str, Any]) -> str:
    """CRS as written: ``referenceSystem`` since 1.0, ``crs.epsg`` before."""
    system = metadata.get("referenceSystem")
    if isinstance(system, str):
        return system
    older = metadata.get("crs")
    code = older.get("epsg") if isinstance(older, dict) else metadata.get("epsg", system)
    return f"EPSG:{code}" if isinstance(code, int) and not isinstance(code, bool) else ""
