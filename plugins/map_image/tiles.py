"""Map tiles in SQLite files (MBTiles, GeoPackage), read by sqlite3, decoded by Pillow, put together to one picture."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.plugin_api import ReadContext, ReadError

from .picture import MAX_SIDE, Picture, opened

_WORLD_M = 20_037_508.342789244
_MAX_TILES = 4096
#: Around the open city as much again is read on each side.
_MARGIN = 0.5


@dataclass(frozen=True)
class Grid:
    """A level of tiles: the corner (west, north) of tile 0, 0 and the size of a tile, in map units."""

    level: int
    west: float
    north: float
    tile_x: float
    tile_y: float
    columns: tuple[int, int]
    rows: tuple[int, int]


def holds_pictures(path: Path) -> bool:
    """Whether an SQLite file holds map tiles that are pictures."""
    with _connected(path) as database:
        names = _tables(database)
        if {"metadata", "tiles"} <= names and "gpkg_contents" not in names:
            return dict(_metadata(database)).get("format", "png") != "pbf"
        if "gpkg_contents" in names:
            kinds = [kind for (kind,) in database.execute("SELECT data_type FROM gpkg_contents LIMIT 1000")]
            return "tiles" in kinds and "features" not in kinds
    return False


def read(path: Path, context: ReadContext) -> Picture:
    """The tiles around the open city (or all of them) at the finest level that fits."""
    try:
        with _connected(path) as database:
            names = _tables(database)
            if "gpkg_contents" in names:
                return _read_geopackage(path, database, context)
            if {"metadata", "tiles"} <= names:
                return _read_mbtiles(path, database, context)
    except (sqlite3.Error, TypeError, ValueError, OverflowError) as error:  # SQLite holds any kind in any column
        raise ReadError("This file cannot be read ({reason}).", path=path, reason=str(error)[:200]) from error
    raise ReadError("There are no map tiles in this file.", path=path)


def _read_mbtiles(path: Path, database: sqlite3.Connection, context: ReadContext) -> Picture:
    metadata = dict(_metadata(database))
    if metadata.get("format") == "pbf":
        raise ReadError("This file holds vector tiles, which are not shown.", path=path)
    context.facts["format"] = "MBTiles"
    grids = []
    query = (
        "SELECT zoom_level, min(tile_column), max(tile_column), min(tile_row), max(tile_row)"
        " FROM tiles GROUP BY zoom_level"
    )
    for level, west, east, south, north in database.execute(query):
        if not 0 <= level <= 30:
            continue
        count, size = 2**level, 2 * _WORLD_M / 2**level
        rows = (count - 1 - north, count - 1 - south)  # rows count from the south
        grids.append(Grid(level, -_WORLD_M, _WORLD_M, size, size, (west, east), rows))
    grid = _finest(grids, "EPSG:3857", path, context)
    top = 2**grid.level - 1
    rows = database.execute(
        "SELECT tile_column, ? - tile_row, tile_data FROM tiles WHERE zoom_level = ?"
        " AND tile_column BETWEEN ? AND ? AND tile_row BETWEEN ? AND ?",
        (top, grid.level, *grid.columns, top - grid.rows[1], top - grid.rows[0]),
    )
    attribution = " ".join(re.sub(r"<[^>]*>", " ", metadata.get("attribution", "")).split())
    return _mosaic(rows, grid, "EPSG:3857", attribution, path, context)


def _read_geopackage(path: Path, database: sqlite3.Connection, context: ReadContext) -> Picture:
    found = database.execute(
        "SELECT c.table_name, s.organization, s.organization_coordsys_id, m.min_x, m.max_y FROM gpkg_contents c"
        " JOIN gpkg_tile_matrix_set m ON m.table_name = c.table_name"
        " LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = m.srs_id WHERE c.data_type = 'tiles' LIMIT 1000"
    ).fetchall()
    chosen = context.options.get("layer", "")
    table = next((row for row in found if not chosen or row[0] == chosen), None)
    if table is None:
        raise ReadError("There are no map tiles in this file.", path=path)
    name, organization, code, west, north = table
    crs = f"{organization}:{code}".upper() if organization and code and int(code) > 0 else ""
    if len(found) > 1:
        context.questions["layer"] = str(name)
        context.warn("The file has {n} pictures; {name} is shown.", n=len(found), name=str(name))
    context.facts["format"] = "GPKG"
    quoted = '"' + str(name).replace('"', '""') + '"'
    grids = []
    for level, tile_width, tile_height, pixel_x, pixel_y in database.execute(
        "SELECT zoom_level, tile_width, tile_height, pixel_x_size, pixel_y_size FROM gpkg_tile_matrix"
        " WHERE table_name = ? LIMIT 100",
        (name,),
    ).fetchall():
        used = database.execute(
            f"SELECT min(tile_column), max(tile_column), min(tile_row), max(tile_row) FROM {quoted}"
            " WHERE zoom_level = ?",
            (level,),
        ).fetchone()
        if used[0] is not None:
            size = tile_width * pixel_x, tile_height * pixel_y
            grids.append(Grid(level, west, north, *size, (used[0], used[1]), (used[2], used[3])))
    grid = _finest(grids, crs, path, context)
    rows = database.execute(
        f"SELECT tile_column, tile_row, tile_data FROM {quoted} WHERE zoom_level = ?"
        " AND tile_column BETWEEN ? AND ? AND tile_row BETWEEN ? AND ?",
        (grid.level, *grid.columns, *grid.rows),
    )
    return _mosaic(rows, grid, crs, "", path, context)


def _finest(grids: list[Grid], crs: str, path: Path, context: ReadContext) -> Grid:
    """The finest level whose tiles, cut to the open city's surroundings, are few enough."""
    cut = [_around_city(grid, crs, context) for grid in sorted(grids, key=lambda grid: -grid.level)]
    for grid in cut:
        columns, rows = grid.columns[1] - grid.columns[0] + 1, grid.rows[1] - grid.rows[0] + 1
        if columns > 0 and rows > 0 and max(columns, rows) * 256 <= MAX_SIDE and columns * rows <= _MAX_TILES:
            return grid
    raise ReadError(
        "No level of these map tiles is small enough to be shown, or none covers the city.",
        hint="Open the city first; then only the tiles around it are read.",
        path=path,
    )


def _around_city(grid: Grid, crs: str, context: ReadContext) -> Grid:
    extent = context.city_extent_local
    if extent is None or not context.frame.crs or not crs:
        return grid
    low, high = np.asarray(extent)[0, :2], np.asarray(extent)[1, :2]
    low, high = low - _MARGIN * (high - low), high + _MARGIN * (high - low)
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    there = context.transform(context.frame.crs_from_local(corners), context.frame.crs, crs)
    if not np.isfinite(there).all():
        return grid
    columns = np.floor((there[:, 0] - grid.west) / grid.tile_x)
    rows = np.floor((grid.north - there[:, 1]) / grid.tile_y)
    return Grid(
        grid.level, grid.west, grid.north, grid.tile_x, grid.tile_y,
        (max(grid.columns[0], int(columns.min())), min(grid.columns[1], int(columns.max()))),
        (max(grid.rows[0], int(rows.min())), min(grid.rows[1], int(rows.max()))),
    )  # fmt: skip


def _mosaic(
    tiles: Iterable[tuple[int, int, bytes]], grid: Grid, crs: str, attribution: str, path: Path, context: ReadContext
) -> Picture:
    columns, rows = grid.columns[1] - grid.columns[0] + 1, grid.rows[1] - grid.rows[0] + 1
    rgba: np.ndarray | None = None
    width = height = 0
    damaged = 0
    for number, (column, row, data) in enumerate(tiles):
        context.progress.report(0.1 + 0.7 * number / (columns * rows), "Reading the picture")
        try:
            with opened(io.BytesIO(data), ("PNG", "JPEG", "WEBP"), path) as image:
                tile = np.array(image.convert("RGBA"))
        except (ReadError, TypeError):
            damaged += 1
            continue
        if rgba is None:
            height, width = tile.shape[:2]
            if columns * width > 2 * MAX_SIDE or rows * height > 2 * MAX_SIDE:
                raise ReadError("The tiles of this file are too large to be shown.", path=path)
            rgba = np.zeros((rows * height, columns * width, 4), np.uint8)
        if tile.shape[:2] != (height, width):
            damaged += 1
            continue
        top, left = (row - grid.rows[0]) * height, (column - grid.columns[0]) * width
        rgba[top : top + height, left : left + width] = tile
    context.warn("{count} map tiles are damaged and were left out.", count=damaged)
    if rgba is None:
        raise ReadError("There are no map tiles in this file.", path=path)
    west, east = grid.west + grid.columns[0] * grid.tile_x, grid.west + (grid.columns[1] + 1) * grid.tile_x
    north, south = grid.north - grid.rows[0] * grid.tile_y, grid.north - (grid.rows[1] + 1) * grid.tile_y
    corners = np.array([[west, north], [east, north], [east, south], [west, south]], dtype=np.float64)
    return Picture(rgba, corners, crs, attribution)


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A database opened for reading only; nothing is written beside it."""
    uri = path.resolve().as_uri() + "?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        database.execute("PRAGMA trusted_schema = OFF")
        yield database


def _tables(database: sqlite3.Connection) -> set[str]:
    return {str(name) for (name,) in database.execute("SELECT name FROM sqlite_master LIMIT 10000")}


def _metadata(database: sqlite3.Connection) -> list[tuple[str, str]]:
    rows = database.execute("SELECT name, value FROM metadata LIMIT 1000")
    return [(str(name), str(value)[:2000]) for name, value in rows]
