"""Tables of a PostGIS database as vector layers, for the part around the city."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from viewer.plugin_api import (
    Layer,
    ReadContext,
    ReadError,
    Request,
    SourceFile,
    VectorTable,
    area_in,
    columns_of,
    credited,
    json_object,
    looks_like_source,
    read_source,
    table_layers,
    wanted_area,
)

from .connect import Login, connected, rows, table_name

_MAX_TABLES = 20
_MAX_ANSWER = 512 * 1024 * 1024


def looks_like_postgis(head: bytes) -> float:
    """How sure this is a source file of a PostGIS database."""
    return 1.0 if looks_like_source(head) == "postgis" else 0.0


def read(path: Path, context: ReadContext) -> list[Layer]:
    """The tables the file names, each as layers; without names a sentence that lists what there is."""
    source = read_source(path)
    area = wanted_area(context)
    layers: list[Layer] = []
    for name in source.layers[:_MAX_TABLES] or ("",):
        layers += _layers(source, name, area, context)
    if not layers:
        raise ReadError("There is nothing of this table around the city.")
    return credited(layers, context, source.credit)


def _layers(source: SourceFile, name: str, area: np.ndarray, context: ReadContext) -> list[Layer]:
    corners = ",".join(f"{value:.2f}" for value in context.frame.crs_from_local(area).ravel().tolist())
    asked = Request(
        f"{source.url}?{urlencode({'table': name, 'area': corners, 'crs': context.frame.crs})}", "application/json",
        max_bytes=_MAX_ANSWER,
    )  # fmt: skip
    answer = context.ask(asked, lambda login: _ask(source, name, area, context, login))
    value = json_object(answer)
    import shapely

    geometry = shapely.from_wkb(
        np.array([base64.b64decode(text) for text in value["wkb"]], object), on_invalid="ignore"
    )
    table = VectorTable(str(value["table"]), np.asarray(geometry), columns_of(value["rows"]), str(value["crs"]))
    if not len(table.geometry):
        context.warn("There is nothing of the table {table} around the city.", table=str(value["table"]))
        return []
    return table_layers(source.title if len(source.layers) == 1 and source.title else table.name, table, context)


def _ask(source: SourceFile, name: str, area: np.ndarray, context: ReadContext, login: Login) -> bytes:
    """The rows of one table in the area, as the bytes that are kept for the day the network is gone."""
    import orjson
    from psycopg import sql

    with connected(source, login) as connection:
        schema, table, column, srid = _find(connection, name, source)
        crs = f"EPSG:{srid}" if srid > 0 else context.frame.crs
        box = area_in(context, area, crs)
        names = [
            row[0]
            for row in connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema=%s AND table_name=%s AND "
                "data_type NOT IN ('USER-DEFINED', 'bytea', 'ARRAY', 'json', 'jsonb') ORDER BY ordinal_position",
                (schema, table),
            ).fetchall()
        ]
        query = sql.SQL(
            "SELECT ST_AsBinary(ST_CurveToLine(ST_Force2D({geometry}))) {columns} FROM {table} "
            "WHERE {geometry} && ST_MakeEnvelope(%s, %s, %s, %s, %s)"
        ).format(
            geometry=sql.Identifier(column),
            columns=sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(own)) for own in names),
            table=sql.Identifier(schema, table),
        )
        found = rows(connection, context, query, (*box, srid))
    return orjson.dumps(
        {
            "table": table,
            "crs": crs,
            "wkb": [base64.b64encode(row[0] or b"").decode("ascii") for row in found],
            "rows": [{own: _plain(value) for own, value in zip(names, row[1:], strict=True)} for row in found],
        },
        option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY,
    )


def _find(connection: Any, name: str, source: SourceFile) -> tuple[str, str, str, int]:
    """Schema, table, geometry column and its SRID.

    Raises
    ------
    ReadError
        There is no such table with a geometry; the message lists those there are.
    """
    known = connection.execute(
        "SELECT f_table_schema, f_table_name, f_geometry_column, srid FROM geometry_columns "
        "WHERE f_table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2 LIMIT 500"
    ).fetchall()
    wanted_schema, wanted = table_name(name) if name else ("", "")
    column = source.settings.get("geometry", "")
    for schema, table, geometry, srid in known:
        if table == wanted and wanted_schema in ("", schema) and column in ("", geometry):
            return str(schema), str(table), str(geometry), int(srid)
    tables = ", ".join(f"{row[0]}.{row[1]}" for row in known[:30]) or "-"
    if not name:
        raise ReadError("The source file names no table.", hint="There are: {tables}.", tables=tables)
    raise ReadError(
        "This database has no table {name} with a geometry.", hint="There are: {tables}.", name=name[:80], tables=tables
    )


def _plain(value: object) -> object:
    """A value JSON can hold."""
    from datetime import date, datetime, time
    from decimal import Decimal

    if isinstance(value, Decimal):
        return float(value)
    if value is None or isinstance(value, bool | int | float | str | date | datetime | time):
        return value
    return str(value)[:2000]
