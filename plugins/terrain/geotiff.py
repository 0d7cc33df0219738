"""Heights in a GeoTIFF, through rasterio: nodata, scale, units and the height system of a compound CRS."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from viewer.plugin_api import LimitError, ReadContext, ReadError

from .grid import UNITS, Grid, thinning

_MOST_NODES = 4_000_000_000
_MOST_BYTES = 16 * 1024**3
#: Kinds of numbers that are heights; short unsigned ones only where the name says so.
_HEIGHTS, _PERHAPS = {"float32", "float64", "int16", "int32"}, {"uint16", "uint32"}


def holds_heights(path: Path, *, named: bool) -> bool:
    """Whether a TIFF is one band of numbers that can be heights, with a place on the map."""
    if importlib.util.find_spec("rasterio") is None:
        return False
    import rasterio

    try:
        with rasterio.open(path, driver="GTiff", sharing=False) as data:
            kind = data.dtypes[0]
            heights = kind in _HEIGHTS or (named and kind in _PERHAPS)
            return data.count == 1 and not data.transform.is_identity and heights
    except rasterio.errors.RasterioError:
        return False


def read(path: Path, context: ReadContext) -> Grid:
    """The first band as heights in metres, thinned to what is kept.

    Raises
    ------
    ReadError, LimitError
        It is damaged, has no place, or is too large; or rasterio is not installed.
    """
    if importlib.util.find_spec("rasterio") is None:
        raise ReadError(
            "Heights in a GeoTIFF need the package rasterio, which is not installed.",
            hint="Install it, or convert the grid to ESRI ASCII (.asc).",
            path=path,
        )
    import rasterio
    from rasterio.enums import Resampling

    if path.stat().st_size > _MOST_BYTES:
        raise LimitError("This file is larger than {limit} GB.", path=path, limit=_MOST_BYTES // 1024**3)
    context.facts["format"] = "GeoTIFF"
    try:
        with rasterio.open(path, driver="GTiff", sharing=False) as data:
            if data.transform.is_identity:
                raise ReadError(
                    "This grid has no place on the map.", hint="Ask for a GeoTIFF with coordinates.", path=path
                )
            if data.width * data.height > _MOST_NODES:
                raise LimitError(
                    "This grid has {count} million heights; {limit} million is the limit.", path=path,
                    count=data.width * data.height // 1_000_000, limit=_MOST_NODES // 1_000_000,
                )  # fmt: skip
            step = thinning(data.height, data.width)
            shape = -(-data.height // step), -(-data.width // step)
            context.progress.report(0.1, "Reading the heights")
            band = data.read(1, out_shape=shape, masked=True, resampling=Resampling.average)
            heights = np.ma.filled(band.astype(np.float32), np.nan)
            crs, vertical, unit = _system(data.crs)
            factor = UNITS.get((data.units[0] or "").strip().lower(), unit)
            scale, offset = float(data.scales[0]), float(data.offsets[0])
            t = data.transform
            # The middle of the first cell; what is cut off at the far ends is less than a cell.
            wide, tall = data.width / shape[1], data.height / shape[0]
    except rasterio.errors.RasterioError as error:
        raise ReadError("This grid is damaged ({reason}).", path=path, reason=str(error)[:200]) from error
    if (scale, offset) != (1.0, 0.0):
        heights = heights * np.float32(scale) + np.float32(offset)
    if factor != 1.0:
        heights = heights * np.float32(factor)
        context.info("The heights are not in metres; they were multiplied by {factor}.", factor=round(factor, 6))
    matrix = np.array([[t.a * wide, t.b * tall, 0.0], [t.d * wide, t.e * tall, 0.0]])
    matrix[:, 2] = np.array([t.c, t.f]) + matrix[:, :2] @ np.full(2, 0.5)
    return Grid(heights, matrix, crs, vertical, step)


def _system(known: object) -> tuple[str, str, float]:
    """Horizontal system, height system and metres per height unit of a rasterio CRS."""
    if not known:
        return "", "", 1.0
    import pyproj

    try:
        crs = pyproj.CRS.from_wkt(known.to_wkt())  # type: ignore[attr-defined]
    except pyproj.exceptions.CRSError:
        return "", "", 1.0
    parts = crs.sub_crs_list if crs.is_compound else [crs]
    vertical = next((part for part in parts if part.is_vertical), None)
    code = parts[0].to_epsg()
    horizontal = f"EPSG:{code}" if code else parts[0].to_wkt()
    if vertical is None:
        return horizontal, "", 1.0
    factor = vertical.axis_info[0].unit_conversion_factor if vertical.axis_info else 1.0
    return horizontal, vertical.name, float(factor or 1.0)
