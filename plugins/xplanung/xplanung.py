"""Development plans in XPlanGML as layers: areas with their limits, overlays as hatches, lines, single signs."""

from __future__ import annotations

from pathlib import Path

from viewer.plugin_api import Layer, ReadContext, ReadError

from .document import read_document
from .layers import make_layers


def looks_like_plan(path: Path, head: bytes) -> float:
    """How sure this is XPlanGML: by its name space."""
    return 0.97 if b"xplanung.de/xplangml" in head.lower() else 0.0


def read_plan(path: Path, context: ReadContext) -> list[Layer]:
    """The plan's areas first, then overlays, lines and single signs."""
    context.progress.report(0.05, "Reading the plan")
    document = read_document(path, context)
    context.facts["version"] = document.version
    context.progress.report(0.6, "Drawing the plan")
    layers = make_layers(path.stem, document, context)
    if not layers:
        raise ReadError("There is nothing in this plan that can be shown.", path=path)
    return layers
