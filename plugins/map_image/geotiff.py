"""GeoTIFF: colour pictures and heights. Through rasterio where it is installed, else Pillow and the file's own tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from viewer.plugin_api import LimitError, ReadContext, ReadError

from . import world_file
from .picture import MAX_FILE_BYTES, MAX_PIXELS, MAX_SIDE, Picture, affine_corners, north_up, opened, stretched, to_rgba
from .relief import shaded

_PIXEL_SCALE, _TIEPOINT, _TRANSFORMATION, _GEO_KEYS, _NODATA = 33550, 33922, 34264, 34735, 42113
_GEOGRAPHIC_KEY, _PROJECTED_KEY, _RASTER_TYPE_KEY, _PIXEL_IS_POINT = 2048, 3072, 1025, 2
_M_PER_DEGREE = 111_320.0


def read(path: Path, context: ReadContext) -> Picture:
    """The picture, or a shaded relief where the file holds heights."""
    if path.stat().st_size > MAX_FILE_BYTES:
        raise LimitError("This file is larger than {limit} GB.", path=path, limit=MAX_FILE_BYTES // 1024**3)
    context.facts["format"] = "GeoTIFF"
    try:
        import rasterio
    except ImportError:
        return north_up(_with_pillow(path, context))
    try:
        return north_up(_with_rasterio(path, context))
    except rasterio.errors.RasterioError as error:
        raise ReadError("This picture is damaged ({reason}).", path=path, reason=str(error)[:200]) from error


def _with_rasterio(path: Path, context: ReadContext) -> Picture:
    import rasterio

    with rasterio.open(path, driver="GTiff", sharing=False) as data:
        if data.transform.is_identity and world_file.find(path) is None:
            raise _without_place(path)
        if data.width * data.height > 100 * MAX_PIXELS:
            raise LimitError(
                "This picture has more than {limit} million pixels.", path=path, limit=100 * MAX_PIXELS // 1_000_000
            )
        t = data.transform
        corners = affine_corners(np.array([[t.a, t.b, t.c], [t.d, t.e, t.f]]), data.width, data.height)
        crs = "" if data.crs is None else _crs_text(data.crs)
        step = max(1, -(-max(data.width, data.height) // MAX_SIDE))
        shape = -(-data.height // step), -(-data.width // step)
        context.progress.report(0.2, "Reading the picture")
        if data.count < 3:
            band = data.read(1, out_shape=shape)
            clear = data.read_masks(1, out_shape=shape) == 0
            if band.dtype.kind == "f" or band.dtype.itemsize > 1:
                heights = np.where(clear, np.nan, band.astype(np.float64))
                return Picture(_relief(heights, corners, crs, data.crs, context), corners, crs)
            rgba = _grey_or_palette(band, data)
        else:
            bands = data.read([1, 2, 3], out_shape=(3, *shape)).transpose(1, 2, 0)
            clear = data.read_masks(1, out_shape=shape) == 0
            if bands.dtype == np.uint8:
                alpha = np.full(shape, 255, np.uint8)
                rgba = np.dstack([bands, alpha])
            else:
                rgba = stretched(bands.astype(np.float64))
        rgba[clear, 3] = 0
        return Picture(rgba, corners, crs)


def _crs_text(crs: object) -> str:
    code = crs.to_epsg()  # type: ignore[attr-defined]
    return f"EPSG:{code}" if code else str(crs.to_wkt())  # type: ignore[attr-defined]


def _grey_or_palette(band: np.ndarray, data: object) -> np.ndarray:
    try:
        table = np.zeros((256, 4), np.uint8)
        for index, colour in data.colormap(1).items():  # type: ignore[attr-defined]
            table[index] = colour
        return table[band]
    except ValueError:  # no palette
        return np.dstack([band, band, band, np.full(band.shape, 255, np.uint8)])


def _relief(heights: np.ndarray, corners: np.ndarray, crs: str, known: object, context: ReadContext) -> np.ndarray:
    width_m = float(np.linalg.norm(corners[1] - corners[0]))
    height_m = float(np.linalg.norm(corners[3] - corners[0]))
    if np.abs(corners).max() <= 360 and (known is None or getattr(known, "is_geographic", True)):
        width_m *= _M_PER_DEGREE * float(np.cos(np.radians(corners[:, 1].mean())))
        height_m *= _M_PER_DEGREE
    if np.isfinite(heights).any():
        context.info(
            "Heights from {low} to {high} m are shown as a shaded relief, light from the north-west.",
            low=round(float(np.nanmin(heights)), 1),
            high=round(float(np.nanmax(heights)), 1),
        )
    return shaded(heights, width_m / heights.shape[1], height_m / heights.shape[0])


def _with_pillow(path: Path, context: ReadContext) -> Picture:
    with opened(path, ("TIFF",), path) as image:
        tags = dict(image.tag_v2)
        width, height = image.size
        matrix = _matrix(path, tags)
        corners = affine_corners(matrix, width, height)
        crs = _crs_of(tags) or world_file.written_crs(path)
        if image.mode in ("F", "I", "I;16", "I;16B", "I;16L"):
            heights = np.asarray(image, dtype=np.float64)
            nodata = _number(tags.get(_NODATA))
            heights = np.where(heights == nodata, np.nan, heights)
            step = max(1, -(-max(width, height) // MAX_SIDE))
            return Picture(_relief(heights[::step, ::step], corners, crs, None, context), corners, crs)
        return Picture(to_rgba(image), corners, crs)


def _matrix(path: Path, tags: dict[int, object]) -> np.ndarray:
    """(2, 3) from pixel edges to map coordinates, by the GeoTIFF tags or a world file."""
    shift = 0.5 if _geo_keys(tags).get(_RASTER_TYPE_KEY) == _PIXEL_IS_POINT else 0.0
    full, scale, tie = (_numbers(tags.get(tag)) for tag in (_TRANSFORMATION, _PIXEL_SCALE, _TIEPOINT))
    if len(full) == 16:
        matrix = np.array([[full[0], full[1], full[3]], [full[4], full[5], full[7]]])
    elif len(scale) >= 2 and len(tie) >= 6:
        column, row, _, x, y, _ = tie[:6]
        matrix = np.array([[scale[0], 0, x - column * scale[0]], [0, -scale[1], y + row * scale[1]]])
    else:
        beside = world_file.find(path)
        if beside is None:
            raise _without_place(path)
        return world_file.matrix(beside)
    matrix[:, 2] -= matrix[:, :2] @ [shift, shift]
    return matrix


def _crs_of(tags: dict[int, object]) -> str:
    keys = _geo_keys(tags)
    for key in (_PROJECTED_KEY, _GEOGRAPHIC_KEY):
        if 1024 <= keys.get(key, 0) < 32767:
            return f"EPSG:{keys[key]}"
    return ""


def _geo_keys(tags: dict[int, object]) -> dict[int, int]:
    """GeoTIFF keys with a short value."""
    numbers = [int(number) for number in _numbers(tags.get(_GEO_KEYS))]
    entries = (numbers[i : i + 4] for i in range(4, len(numbers) - 3, 4))
    return {key: value for key, location, _, value in entries if location == 0}


def _numbers(value: object) -> list[float]:
    if isinstance(value, tuple | list):
        return [float(number) for number in value]
    return []


def _number(value: object) -> float:
    try:
        return float(str(value).strip("\x00 "))
    except ValueError:
        return np.nan


def _without_place(path: Path) -> ReadError:
    return ReadError(
        "This picture has no place on the map.",
        hint="Put a world file beside it, for example {name}, or use a GeoTIFF.",
        path=path,
        name=path.with_suffix(".tfw").name,
    )
