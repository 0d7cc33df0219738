"""Map pictures: decoding within limits, putting tiles together, and warping into the city's coordinate system."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.plugin_api.context import ReadContext

Floats = NDArray[np.float64]
Rgba = NDArray[np.uint8]
#: West, south, east, north in map units.
Extent = tuple[float, float, float, float]

#: Longest side of a shown picture, pixels of one decoded tile, tiles of one picture.
MAX_SIDE, MAX_TILE_PIXELS, MAX_TILES = 4096, 4096 * 4096, 1024
#: A picture without a city to lie on may be so wide, metres.
MAX_EXTENT_M = 1.0e6
#: Half the width of the world in metres of EPSG:3857.
WORLD_M = 20_037_508.342789244
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF")
#: Exact places of the warp lie so many pixels apart; between them they are interpolated (error far below a pixel).
_STEP = 16
_ROWS = 256


@dataclass(frozen=True, eq=False)
class Raster:
    """A north-up picture: rgba (H, W, 4) uint8, first row north; (west, north) its outer corner in units of ``crs``;
    pixel_x, pixel_y > 0 the size of a pixel."""

    rgba: Rgba
    west: float
    north: float
    pixel_x: float
    pixel_y: float
    crs: str

    @property
    def corners(self) -> Floats:
        """(4, 2) float64: north-west, north-east, south-east, south-west outer corner."""
        height, width = self.rgba.shape[:2]
        east, south = self.west + width * self.pixel_x, self.north - height * self.pixel_y
        return np.array([[self.west, self.north], [east, self.north], [east, south], [self.west, south]])


@dataclass(frozen=True)
class TileLevel:
    """A level of a pyramid: (west, north) corner of tile 0, 0; size of a tile in map units and in pixels; first and
    last column and row there are. Rows count from the north."""

    name: str
    west: float
    north: float
    tile_x: float
    tile_y: float
    columns: tuple[int, int]
    rows: tuple[int, int]
    pixels: int = 256

    @property
    def count(self) -> tuple[int, int]:
        """Columns and rows, 0 where there are none."""
        return max(0, self.columns[1] - self.columns[0] + 1), max(0, self.rows[1] - self.rows[0] + 1)

    def around(self, extent: Extent) -> TileLevel:
        """The same level cut to the tiles that touch an extent."""
        west, south, east, north = extent
        columns = math.floor((west - self.west) / self.tile_x), math.ceil((east - self.west) / self.tile_x) - 1
        rows = math.floor((self.north - north) / self.tile_y), math.ceil((self.north - south) / self.tile_y) - 1
        return replace(
            self,
            columns=(max(self.columns[0], columns[0]), min(self.columns[1], columns[1])),
            rows=(max(self.rows[0], rows[0]), min(self.rows[1], rows[1])),
        )

    def tiles(self) -> list[tuple[int, int]]:
        """(column, row) of every tile."""
        return [
            (column, row)
            for row in range(self.rows[0], self.rows[1] + 1)
            for column in range(self.columns[0], self.columns[1] + 1)
        ]


def mercator_level(zoom: int, pixels: int = 256) -> TileLevel:
    """A level of the usual web pyramid in EPSG:3857."""
    size, last = 2 * WORLD_M / 2**zoom, 2**zoom - 1
    return TileLevel(str(zoom), -WORLD_M, WORLD_M, size, size, (0, last), (0, last), pixels)


def finest_level(
    levels: Sequence[TileLevel], extent: Extent | None, *, max_side: int = MAX_SIDE, max_tiles: int = MAX_TILES
) -> TileLevel | None:
    """The finest level whose tiles, cut to ``extent``, stay within the budget; None if none does or none is there."""
    for level in sorted(levels, key=lambda level: level.tile_x / level.pixels):
        cut = level if extent is None else level.around(extent)
        columns, rows = cut.count
        if columns and rows and max(columns, rows) * cut.pixels <= max_side and columns * rows <= max_tiles:
            return cut
    return None


def decode_picture(data: bytes, max_pixels: int = MAX_TILE_PIXELS) -> Rgba:
    """(H, W, 4) uint8 of a PNG, JPEG, WebP, GIF or TIFF.

    Raises
    ------
    ReadError
        It is damaged, of another kind, or has too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > max_pixels:
                    raise ReadError("A picture has more than {limit} million pixels.", limit=max_pixels // 1_000_000)
                return np.array(image.convert("RGBA"))
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ReadError("A picture is damaged.") from error
    except (OSError, SyntaxError, ValueError, EOFError, TypeError) as error:
        raise ReadError("A picture is damaged.") from error


def mosaic(level: TileLevel, tiles: Iterable[tuple[int, int, bytes]], crs: str) -> tuple[Raster | None, int]:
    """Tiles (column, row, picture) put together, and how many could not be used. None if not one could.

    All tiles are as large as the first usable one; where there is none the picture is clear.
    """
    columns, rows = level.count
    rgba: Rgba | None = None
    height = width = damaged = 0
    for column, row, data in tiles:
        try:
            tile = decode_picture(data)
        except ReadError:
            damaged += 1
            continue
        if rgba is None:
            height, width = tile.shape[:2]
            if columns * width > 2 * MAX_SIDE or rows * height > 2 * MAX_SIDE:
                raise ReadError("The tiles of this source are too large to be shown.")
            rgba = np.zeros((rows * height, columns * width, 4), np.uint8)
        if tile.shape[:2] != (height, width):
            damaged += 1
            continue
        top, left = (row - level.rows[0]) * height, (column - level.columns[0]) * width
        rgba[top : top + height, left : left + width] = tile
    if rgba is None:
        return None, damaged
    west, north = level.west + level.columns[0] * level.tile_x, level.north - level.rows[0] * level.tile_y
    return Raster(rgba, west, north, level.tile_x / width, level.tile_y / height, crs), damaged


def place_raster(raster: Raster, context: ReadContext, area_local: Floats | None = None) -> tuple[Rgba, Floats]:
    """The picture in the frame of the city: pixels and (4, 2) local corners, north-west first.

    In the frame's own system nothing is changed; any other is warped pixel by pixel into a north-up picture of the
    same fineness. ``area_local`` (2, 2) limits the result.

    Raises
    ------
    ReadError
        The picture has no place in the city's coordinate system.
    """
    if not raster.crs or not context.frame.crs or raster.crs == context.frame.crs:
        return raster.rgba, context.place(raster.corners, raster.crs)[:, :2]
    height, width = raster.rgba.shape[:2]
    edge = _edge_points(raster)
    there = context.place(edge, raster.crs)[:, :2]
    there = there[np.isfinite(there).all(axis=1)]
    if not len(there):
        raise ReadError("This picture has no place in the city's coordinate system.")
    low, high = there.min(axis=0), there.max(axis=0)
    span = high - low
    if area_local is None and float(span.max()) > MAX_EXTENT_M:
        raise ReadError(
            "This picture covers more than {limit} km, too much for one city.",
            hint="Open the city first; then only the part around it is read.",
            limit=round(MAX_EXTENT_M / 1000),
        )
    if area_local is not None:
        low, high = np.maximum(low, area_local[0]), np.minimum(high, area_local[1])
        if (high <= low).any():
            raise ReadError("This picture does not reach the city.")
    pixel = float(np.sqrt(span.prod() / (height * width)))  # as fine as the source
    pixel = max(pixel, float((high - low).max()) / MAX_SIDE)
    columns, rows = (max(1, math.ceil(size / pixel)) for size in (high - low).tolist())
    columns, rows = min(columns, MAX_SIDE), min(rows, MAX_SIDE)
    high = np.array([low[0] + columns * pixel, high[1]])
    low = np.array([low[0], high[1] - rows * pixel])
    rgba = _warped(raster, context, low[0], high[1], pixel, columns, rows)
    return rgba, np.array([[low[0], high[1]], [high[0], high[1]], [high[0], low[1]], [low[0], low[1]]])


def _edge_points(raster: Raster) -> Floats:
    share = np.linspace(0.0, 1.0, 33)
    u, v = (grid.ravel()[:, None] for grid in np.meshgrid(share, share))
    nw, ne, se, sw = raster.corners
    return np.asarray((1 - v) * ((1 - u) * nw + u * ne) + v * ((1 - u) * sw + u * se))


def _warped(
    raster: Raster, context: ReadContext, west: float, north: float, pixel: float, columns: int, rows: int
) -> Rgba:
    """(rows, columns, 4) uint8: for every pixel of the result the source is asked, through an exact coarse grid."""
    x = np.arange(0, columns + _STEP, _STEP, dtype=np.float64)
    y = np.arange(0, rows + _STEP, _STEP, dtype=np.float64)
    grid_x, grid_y = np.meshgrid(west + x * pixel, north - y * pixel)
    points = context.frame.crs_from_local(np.column_stack([grid_x.ravel(), grid_y.ravel()]))
    source = context.transform(points, context.frame.crs, raster.crs)
    u = ((source[:, 0] - raster.west) / raster.pixel_x).reshape(len(y), len(x))
    v = ((raster.north - source[:, 1]) / raster.pixel_y).reshape(len(y), len(x))
    result = np.empty((rows, columns, 4), np.uint8)
    opaque = bool((raster.rgba[..., 3] == 255).all())
    across = np.arange(columns) + 0.5
    left, share = np.divmod(across / _STEP, 1.0)
    at = left.astype(np.intp)
    columns_of = [grid[:, at] * (1 - share) + grid[:, at + 1] * share for grid in (u, v)]
    for start in range(0, rows, _ROWS):
        context.progress.raise_if_cancelled()
        down = np.arange(start, min(start + _ROWS, rows)) + 0.5
        upper, part = np.divmod(down / _STEP, 1.0)
        top, part = upper.astype(np.intp), part[:, None]
        block_u, block_v = (grid[top] * (1 - part) + grid[top + 1] * part for grid in columns_of)
        result[start : start + len(down)] = _sampled(raster.rgba, block_u, block_v, opaque)
    return result


def _sampled(rgba: Rgba, u: Floats, v: Floats, opaque: bool) -> Rgba:
    """Bilinear colours at pixel coordinates (edges at whole numbers); clear outside. Clear pixels lend no colour."""
    height, width = rgba.shape[:2]
    with np.errstate(invalid="ignore"):
        inside = (u >= 0) & (u <= width) & (v >= 0) & (v <= height)
    u = np.clip(np.where(inside, u, 0.0) - 0.5, 0, width - 1).astype(np.float32)
    v = np.clip(np.where(inside, v, 0.0) - 0.5, 0, height - 1).astype(np.float32)
    column, row = u.astype(np.int32), v.astype(np.int32)
    right, below = np.minimum(column + 1, width - 1), np.minimum(row + 1, height - 1)
    fu, fv = (u - column.astype(np.float32))[..., None], (v - row.astype(np.float32))[..., None]
    weights = ((1 - fu) * (1 - fv), fu * (1 - fv), (1 - fu) * fv, fu * fv)
    places = ((row, column), (row, right), (below, column), (below, right))
    if opaque:
        mixed = np.full((*u.shape, 4), 0.5, np.float32)  # rounds
        for weight, (r, c) in zip(weights, places, strict=True):
            mixed += weight * rgba[r, c]
        mixed[~inside] = 0
        return mixed.astype(np.uint8)
    colour = np.zeros((*u.shape, 3), np.float32)
    alpha = np.zeros((*u.shape, 1), np.float32)
    for weight, (r, c) in zip(weights, places, strict=True):
        pixel = rgba[r, c].astype(np.float32)
        opaque = weight * pixel[..., 3:]
        alpha += opaque
        colour += opaque * pixel[..., :3]
    colour /= np.maximum(alpha, 1e-6)
    alpha[~inside] = 0
    return np.concatenate([colour, alpha], axis=-1).round().astype(np.uint8)
