"""Map tiles in files, put together to one picture: MBTiles and GeoPackage through sqlite3, PMTiles."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from viewer.plugin_api import (
    Raster,
    ReadContext,
    ReadError,
    TileLevel,
    area_in,
    finest_level,
    mercator_level,
    mosaic,
    wanted_area,
)

from .picture import Picture
from .pmtiles import Archive

_WEB = "EPSG:3857"
_MAX_LEVEL = 30


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
    """The tiles of an SQLite file around the open city (or all of them) at the finest level that fits."""
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


def read_pmtiles(path: Path, context: ReadContext) -> Picture:
    """The tiles of a PMTiles file around the open city at the finest level that fits."""
    context.facts["format"] = "PMTiles"
    with Archive.opened(path) as archive:
        levels = [mercator_level(zoom).around(archive.extent) for zoom in range(archive.lowest, archive.highest + 1)]
        level = _finest(levels, _WEB, path, context)
        return _picture(archive.tiles(level), level, _WEB, _plain(archive.attribution), path, context)


def _read_mbtiles(path: Path, database: sqlite3.Connection, context: ReadContext) -> Picture:
    metadata = dict(_metadata(database))
    if metadata.get("format") == "pbf":
        raise ReadError("This file holds vector tiles, which are not shown.", path=path)
    context.facts["format"] = "MBTiles"
    levels = []
    query = (
        "SELECT zoom_level, min(tile_column), max(tile_column), min(tile_row), max(tile_row)"
        " FROM tiles GROUP BY zoom_level"
    )
    for zoom, west, east, south, north in database.execute(query):
        if 0 <= zoom <= _MAX_LEVEL:
            web, top = mercator_level(zoom), 2**zoom - 1
            rows = (top - north, top - south)  # rows count from the south
            levels.append(TileLevel(str(zoom), web.west, web.north, web.tile_x, web.tile_y, (west, east), rows))
    level = _finest(levels, _WEB, path, context)
    top = 2 ** int(level.name) - 1
    found = database.execute(
        "SELECT tile_column, ? - tile_row, tile_data FROM tiles WHERE zoom_level = ?"
        " AND tile_column BETWEEN ? AND ? AND tile_row BETWEEN ? AND ?",
        (top, int(level.name), *level.columns, top - level.rows[1], top - level.rows[0]),
    )
    return _picture(found, level, _WEB, _plain(metadata.get("attribution", "")), path, context)


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
    levels = []
    for zoom, tile_width, tile_height, pixel_x, pixel_y in database.execute(
        "SELECT zoom_level, tile_width, tile_height, pixel_x_size, pixel_y_size FROM gpkg_tile_matrix"
        " WHERE table_name = ? LIMIT 100",
        (name,),
    ).fetchall():
        used = database.execute(
            f"SELECT min(tile_column), max(tile_column), min(tile_row), max(tile_row) FROM {quoted}"
            " WHERE zoom_level = ?",
            (zoom,),
        ).fetchone()
        size = tile_width * pixel_x, tile_height * pixel_y
        if used[0] is not None and size[0] > 0 and size[1] > 0 and min(tile_width, tile_height) > 0:
            across = max(int(tile_width), int(tile_height))
            levels.append(TileLevel(str(zoom), west, north, *size, (used[0], used[1]), (used[2], used[3]), across))
    level = _finest(levels, crs, path, context)
    rows = database.execute(
        f"SELECT tile_column, tile_row, tile_data FROM {quoted} WHERE zoom_level = ?"
        " AND tile_column BETWEEN ? AND ? AND tile_row BETWEEN ? AND ?",
        (int(level.name), *level.columns, *level.rows),
    )
    return _picture(rows, level, crs, "", path, context)


def _finest(levels: list[TileLevel], crs: str, path: Path, context: ReadContext) -> TileLevel:
    """The finest level whose tiles, cut to the open city's surroundings, are few enough."""
    extent = None
    if context.city_extent_local is not None and context.frame.crs and crs:
        extent = area_in(context, wanted_area(context), crs)
    level = finest_level(levels, extent)
    if level is None:
        raise ReadError(
            "No level of these map tiles is small enough to be shown, or none covers the city.",
            hint="Open the city first; then only the tiles around it are read.",
            path=path,
        )
    return level


def _picture(
    tiles: Iterable[tuple[int, int, bytes]], level: TileLevel, crs: str, credit: str, path: Path, context: ReadContext
) -> Picture:
    columns, rows = level.count

    def counted() -> Iterator[tuple[int, int, bytes]]:
        for number, tile in enumerate(tiles):
            context.progress.report(0.1 + 0.7 * number / (columns * rows), "Reading the picture")
            yield tile

    try:
        raster, damaged = mosaic(level, counted(), crs)
    except ReadError as error:
        raise ReadError("The tiles of this file are too large to be shown.", path=path) from error
    context.warn("{count} map tiles are damaged and were left out.", count=damaged)
    if raster is None:
        raise ReadError("There are no map tiles in this file.", path=path)
    return _as_picture(raster, credit)


def _as_picture(raster: Raster, credit: str) -> Picture:
    return Picture(raster.rgba, raster.corners, raster.crs, credit)


def _plain(written: str) -> str:
    """A credit without its markup."""
    return " ".join(re.sub(r"<[^>]*>", " ", written).split())


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
