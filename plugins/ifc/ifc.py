"""Building models as IFC: triangles made by a helper process, put where the file says they stand."""

from __future__ import annotations

import importlib.util
import math
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from viewer.plugin_api import (
    LimitError,
    MeshContent,
    ModelLayer,
    ModelPlace,
    ReadContext,
    ReadError,
    model_layer,
    run_helper,
)

#: A larger file is no proposal but an archive of one.
MAX_BYTES = 2 << 30
#: What the helper may take.
SECONDS, MEMORY_BYTES = 600.0, 8 * 1024**3
_PACKAGE = "ifcopenshell"
#: A model farther from the open city than this is not put at its own place, metres.
_FAR_M = 20_000.0


def looks_like_ifc(path: Path, head: bytes) -> float:
    """How sure this is IFC: by the first line of its STEP form, or by the name of a packed one."""
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"ISO-10303-21"):
        return 0.95 if b"IFC" in head.upper() else 0.2
    return 0.3 if Path(path).suffix.lower() in (".ifc", ".ifczip") else 0.0


def read_ifc(path: Path, context: ReadContext) -> ModelLayer:
    """One model, its foot at zero, with the place the file names for it.

    Raises
    ------
    ReadError
        It is damaged or empty, or the package for it is not installed. LimitError: it is too large.
    """
    path = Path(path)
    if importlib.util.find_spec(_PACKAGE) is None:
        raise ReadError(
            "To read IFC models the package {package} is needed.",
            hint="Install it with: pip install stadtforum[ifc]. Or convert the model: IfcConvert model.ifc model.glb",
            path=path,
            package=_PACKAGE,
        )
    if path.stat().st_size > MAX_BYTES:
        raise LimitError("This model is larger than {limit} MB.", path=path, limit=MAX_BYTES >> 20)
    _check_kind(path)
    with tempfile.TemporaryDirectory(prefix="stadtforum-") as name:
        folder = Path(name)
        found = run_helper(
            Path(__file__).with_name("tessellate.py"), {"path": str(path), "folder": name}, context.progress,
            path=path, seconds=SECONDS, memory_bytes=MEMORY_BYTES,
        )  # fmt: skip
        positions, colors, triangles = (
            np.load(folder / f"{part}.npy", allow_pickle=False) for part in ("positions", "colors", "triangles")
        )
    x, y, z = (float(v) for v in found["origin"])
    mesh = MeshContent(positions, (x, y, z), colors, triangles=triangles)
    layer = model_layer(path.stem, (mesh,))
    context.facts["format"], context.facts["version"] = "IFC", str(found["schema"])
    _tell(found, layer, context)
    return _at_its_place(layer, found["place"], context)


def _check_kind(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(512)
    if not head.startswith(b"PK") and b"ISO-10303-21" not in head:
        raise ReadError(
            "This is no IFC file in its STEP form.",
            hint="Save the model as .ifc again; .ifcxml cannot be read.",
            path=path,
        )


def _tell(found: Mapping[str, Any], layer: ModelLayer, context: ReadContext) -> None:
    size = layer.high - layer.low
    context.info(
        "The model is {length} x {width} x {height} m and has {parts} parts of {triangles} triangles.",
        length=f"{size[0]:.1f}", width=f"{size[1]:.1f}", height=f"{size[2]:.1f}",
        parts=found["parts"], triangles=layer.triangles,
    )  # fmt: skip
    if found["far"]:
        context.warn("Parts far away from the rest, left out: {count}", count=found["far"])
    if found["shapeless"]:
        context.warn("Parts whose shape could not be made: {count}", count=found["shapeless"])
    if found["place_unclear"]:
        context.warn("What the model says about its place is damaged.")


def _at_its_place(layer: ModelLayer, place: Mapping[str, Any], context: ReadContext) -> ModelLayer:
    """The layer with the place the file names, brought into the city's frame; without one as it is."""
    if not place:
        context.info("The model does not say where it stands; it is put beside the city.")
        return layer
    base = np.array([float(place["east"]), float(place["north"])])
    degrees = place["kind"] == "globe"
    ahead, expected = ((0.0, 0.001), math.pi / 2) if degrees else ((100.0, 0.0), 0.0)
    local = context.place(np.array([base, base + ahead]), str(place["crs"]))
    if not np.isfinite(local).all():
        context.warn("The place of the model lies outside its coordinate system; it is put beside the city.")
        return layer
    step = local[1] - local[0]
    # The model's x axis in the frame: turned on the map, and with the map against the frame.
    angle = float(place["angle"]) + math.atan2(step[1], step[0]) - expected
    scale = float(place["scale"]) * (1.0 if degrees else math.hypot(*step) / 100.0)
    x, y, z = (scale * v for v in layer.foot)
    east = float(local[0, 0]) + x * math.cos(angle) - y * math.sin(angle)
    north = float(local[0, 1]) + x * math.sin(angle) + y * math.cos(angle)
    low_high = context.city_extent_local
    if low_high is not None:
        away = np.maximum(low_high[0][:2] - (east, north), (east, north) - low_high[1][:2]).max()
        if away > _FAR_M:
            context.warn(
                "The model says it stands {km} km from the city; it is put beside the city.", km=round(away / 1000)
            )
            return layer
    height = place["height"]
    if place["vertical"]:
        context.facts["vertical_crs"] = str(place["vertical"])
    if degrees:
        context.warn("The place of the model is that of its site in degrees: it may be metres off.")
    else:
        context.info("The model stands where its file says ({crs}).", crs=context.facts.get("crs") or place["crs"])
    height_local = None if height is None else float(height) + z - context.frame.origin_crs[2]
    return replace(layer, place=ModelPlace(east, north, height_local, -math.degrees(angle) % 360.0), scale=scale)
