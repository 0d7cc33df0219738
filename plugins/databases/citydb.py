"""Cities of a 3DCityDB, versions 4 and 5, as CityGML readers would deliver them: objects, surfaces, attributes.

The tables are those of the 3DCityDB documentation; ``schema`` (``citydb``) can be named in the source file.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from viewer.plugin_api import (
    CityModel,
    RawCity,
    ReadContext,
    ReadError,
    Request,
    SourceFile,
    SurfaceType,
    area_in,
    json_object,
    looks_like_source,
    read_source,
    wanted_area,
)

from .citydb4 import ask_version_4
from .citydb5 import ask_version_5
from .connect import Login, connected, table_name
from .records import Records

_MAX_ANSWER = 2048 * 1024 * 1024
_SURFACES = {
    "RoofSurface": SurfaceType.ROOF, "WallSurface": SurfaceType.WALL, "GroundSurface": SurfaceType.GROUND,
    "ClosureSurface": SurfaceType.CLOSURE, "OuterCeilingSurface": SurfaceType.OUTER_CEILING,
    "OuterFloorSurface": SurfaceType.OUTER_FLOOR, "InteriorWallSurface": SurfaceType.INTERIOR,
    "CeilingSurface": SurfaceType.INTERIOR, "FloorSurface": SurfaceType.INTERIOR, "WaterSurface": SurfaceType.WATER,
    "TrafficArea": SurfaceType.TRAFFIC,
}  # fmt: skip


def looks_like_citydb(head: bytes) -> float:
    """How sure this is a source file of a 3DCityDB."""
    return 1.0 if looks_like_source(head) in ("3dcitydb", "citydb") else 0.0


def read(path: Path, context: ReadContext) -> CityModel:
    """The objects around the open city, or of a box the file names, or all of them if there is neither."""
    source = read_source(path)
    schema = table_name(source.settings.get("schema", "citydb"))[1]
    box = _box(source, context)
    asked = Request(
        f"{source.url}?{urlencode({'citydb': schema, 'area': str(box)})}", "application/json", max_bytes=_MAX_ANSWER
    )
    answer = context.ask(asked, lambda login: _ask(source, schema, box, context, login))
    records = Records.from_json(json_object(answer))
    context.progress.report(0.75, "Reading")
    raw = _raw(records, context)
    raw.attribution = source.credit
    raw.name = source.title or path.name.split(".")[0]
    return context.make_city(raw, path)


def _box(source: SourceFile, context: ReadContext) -> tuple[float, ...] | None:
    """West, south, east, north in the database's system with its SRID first, where a part is wanted."""
    text = source.settings.get("bbox", "")
    if text:
        try:
            numbers = tuple(float(word) for word in text.split(","))
        except ValueError:
            numbers = ()
        if len(numbers) != 4 or not np.isfinite(numbers).all():
            raise ReadError("The entry {entry} of this source file is of the wrong kind.", entry="bbox")
        return numbers
    if context.frame.crs and context.city_extent_local is not None:
        area = wanted_area(context)
        return area_in(context, area, context.frame.crs)
    return None


def _ask(source: SourceFile, schema: str, box: tuple[float, ...] | None, context: ReadContext, login: Login) -> bytes:
    import orjson

    with connected(source, login) as connection:
        tables = {
            row[0]
            for row in connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema=%s", (schema,)
            ).fetchall()
        }
        if {"feature", "property", "geometry_data"} <= tables:
            version, ask = "5", ask_version_5
        elif {"cityobject", "surface_geometry", "building"} <= tables:
            version, ask = "4", ask_version_4
        else:
            raise ReadError(
                "The schema {schema} of this database is no 3DCityDB.",
                hint='Name its schema in the source file, for example "schema": "citydb".',
                schema=schema,
            )
        srid = _srid(connection, schema)
        crs = f"EPSG:{srid}" if srid else ""
        here = None if box is None else _box_in(box, source, crs, context)
        records: Records = ask(connection, schema, here, srid, context)
    records.version, records.crs = version, crs
    return orjson.dumps(records.as_json())


def _box_in(
    box: tuple[float, ...], source: SourceFile, crs: str, context: ReadContext
) -> tuple[float, float, float, float]:
    if source.settings.get("bbox") or not context.frame.crs or crs in ("", context.frame.crs):
        west, south, east, north = box
        return west, south, east, north
    return area_in(context, wanted_area(context), crs)


def _srid(connection: Any, schema: str) -> int:
    from psycopg import sql

    found = connection.execute(
        sql.SQL("SELECT srid FROM {} LIMIT 1").format(sql.Identifier(schema, "database_srs"))
    ).fetchone()
    return int(found[0]) if found else 0


def _raw(records: Records, context: ReadContext) -> RawCity:
    """Rings, faces and objects of what the database said."""
    import shapely

    if not records.ids:
        raise ReadError("There are no objects of this database around the city.")
    number = {key: at for at, key in enumerate(records.keys)}
    blobs = np.array([base64.b64decode(text) for text in records.wkb], object)
    shapes = shapely.from_wkb(blobs, on_invalid="ignore") if len(blobs) else np.empty(0, object)
    usable = np.array([shape is not None and shape.geom_type == "Polygon" for shape in shapes], bool)
    owner = np.array([number.get(key, -1) for key in records.face_key], np.int64)
    usable &= owner >= 0
    context.warn("Surfaces of the database that could not be read were left out: {count}", count=int((~usable).sum()))
    lines, ring_face = shapely.get_rings(shapes[usable], return_index=True)
    points, ring = shapely.get_coordinates(lines, include_z=True, return_index=True)
    points[:, 2] = np.nan_to_num(points[:, 2])
    sizes = np.bincount(ring, minlength=len(lines))
    lods = sorted(set(records.face_lod)) or [""]
    place = {lod: at for at, lod in enumerate(lods)}
    context.facts["version"] = records.version
    return RawCity(
        points_crs=points,
        ring_start=np.concatenate([[0], np.cumsum(sizes)]),
        ring_face=ring_face,
        face_object=owner[usable],
        face_surface=np.array([int(_SURFACES.get(kind, SurfaceType.UNKNOWN)) for kind in records.face_surface])[usable],
        face_lod=np.array([place[lod] for lod in records.face_lod], np.int64)[usable],
        lods=lods,
        object_ids=records.ids,
        object_types=records.types,
        object_parent=np.array([number.get(key, -1) for key in records.parents], np.int64),
        attributes={
            name: (np.array([number[key] for key in keys if key in number]),
                   [value for key, value in zip(keys, values, strict=True) if key in number])
            for name, (keys, values) in records.attributes.items()
        },
        crs=records.crs,
        format="3DCityDB",
        version=records.version,
    )  # fmt: skip
