"""Terrain from files: what kind of grid a file holds, and its heights in the frame of the city."""

from __future__ import annotations

import re
from pathlib import Path

from viewer.plugin_api import ReadContext, ReadError, TerrainLayer

from . import ascii_grid, geotiff, packed, xyz_grid
from .grid import placed

_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
#: Names of models that hold roofs and trees.
_SURFACE = re.compile(r"(?<![a-z])(n?dsm|n?dom|bdom)(?![a-z])", re.IGNORECASE)
_TERRAIN = re.compile(r"(?<![a-z])(dgm|dtm|dem|dhm|mnt|ahn|terrain|gelaende|gelände)", re.IGNORECASE)


def looks_like_terrain(path: Path, head: bytes) -> float:
    """How sure this is a grid of heights of the ground, by its content and its name."""
    ending = packed.inner_name(path).suffix.lower()
    if head.startswith(b"PK") and ending:
        head = packed.first_bytes(path)
    if ending in (".tif", ".tiff"):
        if not head.startswith(_TIFF) or not geotiff.holds_heights(path, named=bool(_TERRAIN.search(path.stem))):
            return 0.0
    elif ascii_grid.begins_like(head):
        return 0.95
    elif ending not in (".xyz", ".txt") or not xyz_grid.begins_like(head):
        return 0.0
    elif ending == ".txt":
        return 0.95 if _TERRAIN.search(path.stem) else 0.3
    return 0.3 if _SURFACE.search(path.stem) else 0.95


def read_terrain(path: Path, context: ReadContext) -> TerrainLayer:
    """The heights of a grid as the ground of the city."""
    context.progress.report(0.02, "Reading the heights")
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(_TIFF):
        grid = geotiff.read(path, context)
    else:
        with packed.opened(path) as stream:
            begin = stream.peek(4096)
            if ascii_grid.begins_like(begin):
                grid = ascii_grid.read(stream, path, context)
            elif xyz_grid.begins_like(begin):
                grid = xyz_grid.read(stream, path, context)
            else:
                raise ReadError("The content of this file is not what its name says.", path=path)
    return placed(path.name.split(".")[0], grid, path, context)
