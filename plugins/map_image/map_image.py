"""Pictures with a place: GeoTIFF, tiles in MBTiles, PMTiles and GeoPackage, PNG and JPEG with a world file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np

from viewer.plugin_api import ImageLayer, Raster, ReadContext, ReadError, place_raster

from . import geotiff, pmtiles, tiles, world_file
from .picture import Picture

_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_PNG, _JPEG, _SQLITE = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"SQLite format 3\x00"


def looks_like_image(path: Path, head: bytes) -> float:
    """How sure this is a picture with a place: by its first bytes, its world file, its tables."""
    if head.startswith(_TIFF):
        return 0.9
    if head.startswith((_PNG, _JPEG)):
        return 0.9 if world_file.find(path) else 0.5
    if head.startswith(pmtiles.MAGIC):
        return 0.9
    if head.startswith(_SQLITE):
        try:
            return 0.9 if tiles.holds_pictures(path) else 0.0
        except sqlite3.Error:
            return 0.0
    return 0.0


def read_image(path: Path, context: ReadContext) -> ImageLayer:
    """The picture with its four corners in the frame of the city."""
    with path.open("rb") as file:
        head = file.read(16)
    context.progress.report(0.05, "Reading the picture")
    if head.startswith(_TIFF):
        picture = geotiff.read(path, context)
    elif head.startswith((_PNG, _JPEG)):
        picture = world_file.read(path, context)
    elif head.startswith(_SQLITE):
        picture = tiles.read(path, context)
    elif head.startswith(pmtiles.MAGIC):
        picture = tiles.read_pmtiles(path, context)
    else:
        raise ReadError("The content of this file is not what its name says.", path=path)
    context.progress.report(0.9, "Placing the picture")
    try:
        rgba, corners = _place(picture, context)
    except ReadError as error:
        error.path = error.path or path
        raise
    return ImageLayer(path.stem, np.ascontiguousarray(rgba), corners, attribution=picture.attribution)


def _place(picture: Picture, context: ReadContext) -> tuple[np.ndarray, np.ndarray]:
    """Pixels, and corners (4, 2) in local metres. Where the projection bends, the picture is warped; one that lies
    askew is placed by its corners, and it is said how far its inside is off."""
    steps = np.linspace(0.0, 1.0, 5)
    u, v = (grid.ravel() for grid in np.meshgrid(steps, steps))
    points = context.place(picture.between(u, v), picture.crs)[:, :2]
    placed = {(a, b): point for a, b, point in zip(u.tolist(), v.tolist(), points, strict=True)}
    corners = np.array([placed[0, 0], placed[1, 0], placed[1, 1], placed[0, 1]])
    if not np.isfinite(corners).all():
        raise ReadError(
            "The corners of this picture have no place in the city's coordinate system.",
            hint="Check the coordinate system of the picture.",
        )
    off = np.linalg.norm(points - Picture(picture.rgba, corners, "").between(u, v), axis=1).max()
    pixel_m = np.linalg.norm(corners[1] - corners[0]) / picture.rgba.shape[1]
    if off > max(pixel_m, 0.5):
        upright = _upright(picture)
        if upright is not None and context.facts.get("crs"):
            return place_raster(replace(upright, crs=context.facts["crs"]), context)
        context.warn(
            "The picture was placed by its four corners; inside it is up to {metres} m off.",
            metres=round(float(off), 1),
        )
    return picture.rgba, corners


def _upright(picture: Picture) -> Raster | None:
    """The picture as a raster, if its rows run from west to east; None if it lies askew."""
    (west, north), (east, top), (right, south), (left, bottom) = picture.corners
    height, width = picture.rgba.shape[:2]
    pixel_x, pixel_y = (east - west) / width, (north - south) / height
    askew = max(abs(top - north) / pixel_y, abs(bottom - south) / pixel_y, abs(left - west) / pixel_x)
    if not pixel_x > 0 or not pixel_y > 0 or max(askew, abs(right - east) / pixel_x) > 0.01:
        return None
    return Raster(picture.rgba, float(west), float(north), float(pixel_x), float(pixel_y), picture.crs)
