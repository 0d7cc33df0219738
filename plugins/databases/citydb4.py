"""Questions to a 3DCityDB 4: buildings with their surfaces, and the other kinds that have plain geometry columns."""

from __future__ import annotations

import base64
from typing import Any

from viewer.plugin_api import ReadContext

from .connect import rows
from .records import Records, prefer_surfaces

Box = tuple[float, float, float, float] | None

_BLOCKS = (
    ("1", "lod1_solid_id"), ("1", "lod1_multi_surface_id"), ("2", "lod2_solid_id"), ("2", "lod2_multi_surface_id"),
)  # fmt: skip
#: Table -> geometry columns by level of detail.
_PLAIN: dict[str, tuple[tuple[str, str], ...]] = {
    "building": (
        ("0", "lod0_footprint_id"), ("0", "lod0_roofprint_id"), ("1", "lod1_solid_id"), ("1", "lod1_multi_surface_id"),
        ("2", "lod2_solid_id"), ("2", "lod2_multi_surface_id"), ("3", "lod3_solid_id"), ("3", "lod3_multi_surface_id"),
    ),
    "building_installation": (("2", "lod2_brep_id"), ("3", "lod3_brep_id")),
    "bridge": _BLOCKS,
    "tunnel": _BLOCKS,
    "land_use": (("0", "lod0_multi_surface_id"), ("1", "lod1_multi_surface_id"), ("2", "lod2_multi_surface_id")),
    "transportation_complex": (
        ("1", "lod1_multi_surface_id"), ("2", "lod2_multi_surface_id"), ("3", "lod3_multi_surface_id"),
    ),
    "waterbody": (("1", "lod1_solid_id"), ("1", "lod1_multi_surface_id"), ("2", "lod2_solid_id")),
    "plant_cover": (("1", "lod1_multi_surface_id"), ("2", "lod2_multi_surface_id")),
    "solitary_vegetat_object": (("1", "lod1_brep_id"), ("2", "lod2_brep_id"), ("3", "lod3_brep_id")),
    "city_furniture": (("1", "lod1_brep_id"), ("2", "lod2_brep_id"), ("3", "lod3_brep_id")),
    "generic_cityobject": (("1", "lod1_brep_id"), ("2", "lod2_brep_id"), ("3", "lod3_brep_id")),
}  # fmt: skip
_SURFACE_LODS = (("2", "lod2_multi_surface_id"), ("3", "lod3_multi_surface_id"), ("4", "lod4_multi_surface_id"))
#: Column of ``building`` -> attribute.
_COLUMNS = {
    "function": "function", "usage": "usage", "year_of_construction": "yearOfConstruction", "roof_type": "roofType",
    "measured_height": "measuredHeight", "storeys_above_ground": "storeysAboveGround",
    "storeys_below_ground": "storeysBelowGround",
}  # fmt: skip


def ask_version_4(connection: Any, schema: str, box: Box, srid: int, context: ReadContext) -> Records:
    """Objects, faces and attributes of version 4."""
    from psycopg import sql

    def table(name: str) -> Any:
        return sql.Identifier(schema, name)

    there = {
        (row[0], row[1])
        for row in connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema=%s", (schema,)
        ).fetchall()
    }
    kinds = [name for name in _PLAIN if (name, "id") in there]
    found = Records()
    where = sql.SQL("TRUE") if box is None else sql.SQL("o.envelope && ST_MakeEnvelope(%s, %s, %s, %s, %s)")
    values = () if box is None else (*box, srid)
    ids = sql.SQL(" UNION ALL ").join(sql.SQL("SELECT id FROM {}").format(table(name)) for name in kinds)
    objects = rows(
        connection, context,
        sql.SQL(
            "SELECT o.id, o.gmlid, c.classname, o.name FROM {} o JOIN {} c ON c.id = o.objectclass_id "
            "WHERE o.id IN ({}) AND {} ORDER BY o.id"
        ).format(table("cityobject"), table("objectclass"), ids, where),
        values,
    )  # fmt: skip
    for key, gmlid, kind, name in objects:
        found.keys.append(int(key))
        found.ids.append(str(gmlid or f"ID_{key}"))
        found.types.append(str(kind))
        found.parents.append(-1)
        found.set(int(key), "name", name)
    _buildings(connection, found, table, there, context)
    _faces(connection, found, table, there, kinds, context)
    if ("cityobject_genericattrib", "attrname") in there:
        _generic(connection, found, table, context)
    prefer_surfaces(found)
    return found


def _buildings(connection: Any, found: Records, table: Any, there: set[tuple[str, str]], context: ReadContext) -> None:
    from psycopg import sql

    columns = [name for name in _COLUMNS if ("building", name) in there]
    at = {key: row for row, key in enumerate(found.keys)}
    query = sql.SQL("SELECT id, building_parent_id {} FROM {} WHERE id = ANY(%s)").format(
        sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(name)) for name in columns), table("building")
    )
    for key, parent, *values in rows(connection, context, query, (found.keys,)):
        if parent is not None and int(parent) in at:
            found.parents[at[int(key)]] = int(parent)
        for name, value in zip(columns, values, strict=True):
            if name == "year_of_construction" and value is not None:
                value = value.year
            found.set(int(key), _COLUMNS[name], value if isinstance(value, int | float | str | None) else float(value))
    if ("building_installation", "building_id") in there:
        query = sql.SQL("SELECT id, building_id FROM {} WHERE id = ANY(%s)").format(table("building_installation"))
        for key, parent in rows(connection, context, query, (found.keys,)):
            if parent is not None and int(parent) in at:
                found.parents[at[int(key)]] = int(parent)


def _faces(
    connection: Any, found: Records, table: Any, there: set[tuple[str, str]], kinds: list[str], context: ReadContext
) -> None:
    """Polygons below every geometry, and the class of the surface they belong to."""
    from psycopg import sql

    parts = []
    for name in kinds:
        own = [(lod, column) for lod, column in _PLAIN[name] if (name, column) in there]
        parts += [
            sql.SQL("SELECT t.id AS key, '' AS surface, {} AS lod, t.{} AS root FROM {} t").format(
                sql.Literal(lod), sql.Identifier(column), table(name)
            )
            for lod, column in own
        ]
    if ("thematic_surface", "building_id") in there:
        parts += [
            sql.SQL(
                "SELECT t.building_id, c.classname, {}, t.{} FROM {} t JOIN {} c ON c.id = t.objectclass_id "
                "WHERE t.building_id IS NOT NULL"
            ).format(sql.Literal(lod), sql.Identifier(column), table("thematic_surface"), table("objectclass"))
            for lod, column in _SURFACE_LODS
            if ("thematic_surface", column) in there
        ]
    query = sql.SQL(
        "SELECT p.key, p.surface, p.lod, ST_AsBinary(g.geometry) FROM ({}) p JOIN {} g ON g.root_id = p.root "
        "WHERE p.root IS NOT NULL AND g.geometry IS NOT NULL AND p.key = ANY(%s) ORDER BY p.key, g.id"
    ).format(sql.SQL(" UNION ALL ").join(parts), table("surface_geometry"))
    for key, surface, lod, wkb in rows(connection, context, query, (found.keys,)):
        found.face_key.append(int(key))
        found.face_surface.append(str(surface))
        found.face_lod.append(str(lod))
        found.wkb.append(base64.b64encode(wkb).decode("ascii"))


def _generic(connection: Any, found: Records, table: Any, context: ReadContext) -> None:
    from psycopg import sql

    query = sql.SQL(
        "SELECT cityobject_id, attrname, strval, intval, realval, urival FROM {} WHERE cityobject_id = ANY(%s)"
    ).format(table("cityobject_genericattrib"))
    for key, name, *values in rows(connection, context, query, (found.keys,)):
        value = next((value for value in values if value is not None), None)
        found.set(int(key), str(name), value if isinstance(value, int | float | str | None) else float(value))
