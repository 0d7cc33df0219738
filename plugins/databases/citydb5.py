"""Questions to a 3DCityDB 5: features, their properties and geometries."""

from __future__ import annotations

import base64
from typing import Any

from viewer.plugin_api import ReadContext

from .connect import rows
from .records import Records, prefer_surfaces

Box = tuple[float, float, float, float] | None

#: Features that bound others or lie inside them; their faces belong to what they bound.
_BOUNDS = frozenset(
    {
        "RoofSurface", "WallSurface", "GroundSurface", "ClosureSurface", "OuterCeilingSurface", "OuterFloorSurface",
        "InteriorWallSurface", "CeilingSurface", "FloorSurface", "WaterSurface", "WaterGroundSurface", "TrafficArea",
        "AuxiliaryTrafficArea", "TrafficSpace", "AuxiliaryTrafficSpace", "Door", "Window", "DoorSurface",
        "WindowSurface",
    }
)  # fmt: skip
#: Features that are no part of the outside of a city.
_UNSEEN = frozenset({"BuildingRoom", "Storey", "BuildingUnit", "Address", "CityObjectGroup", "Appearance"})
_NAMES = {"storeysAboveGround": "storeysAboveGround", "storeysBelowGround": "storeysBelowGround", "class": "class"}


def ask_version_5(connection: Any, schema: str, box: Box, srid: int, context: ReadContext) -> Records:
    """Objects, faces and attributes of version 5."""
    from psycopg import sql

    def table(name: str) -> Any:
        return sql.Identifier(schema, name)

    where = sql.SQL("TRUE") if box is None else sql.SQL("f.envelope && ST_MakeEnvelope(%s, %s, %s, %s, %s)")
    values = () if box is None else (*box, srid)
    features = rows(
        connection, context,
        sql.SQL(
            "SELECT f.id, f.objectid, c.classname FROM {} f JOIN {} c ON c.id = f.objectclass_id "
            "WHERE f.termination_date IS NULL AND {} ORDER BY f.id"
        ).format(table("feature"), table("objectclass"), where),
        values,
    )  # fmt: skip
    kind = {int(key): str(name) for key, _, name in features if str(name) not in _UNSEEN}
    keys = list(kind)
    above: dict[int, int] = {}
    query = sql.SQL(
        "SELECT val_feature_id, feature_id FROM {} WHERE val_feature_id = ANY(%s) AND feature_id = ANY(%s) "
        "AND feature_id <> val_feature_id"
    ).format(table("property"))
    for child, parent in rows(connection, context, query, (keys, keys)):
        above.setdefault(int(child), int(parent))
    found = Records()
    for key, ident, name in features:
        if int(key) in kind and str(name) not in _BOUNDS:
            found.keys.append(int(key))
            found.ids.append(str(ident or f"ID_{key}"))
            found.types.append(str(name))
            found.parents.append(_owner(above.get(int(key), -1), kind, above))
    _faces(connection, found, table, kind, above, context)
    _attributes(connection, found, table, context)
    prefer_surfaces(found)
    return found


def _owner(key: int, kind: dict[int, str], above: dict[int, int]) -> int:
    """The nearest feature at or above this one that is an object of its own, -1 for none."""
    for _ in range(16):
        if key < 0 or kind.get(key, "") not in _BOUNDS:
            return key if key in kind else -1
        key = above.get(key, -1)
    return -1


def _faces(
    connection: Any, found: Records, table: Any, kind: dict[int, str], above: dict[int, int], context: ReadContext
) -> None:
    from psycopg import sql

    query = sql.SQL(
        "SELECT p.feature_id, coalesce(p.val_lod, ''), ST_AsBinary((ST_Dump(g.geometry)).geom) "
        "FROM {} p JOIN {} g ON g.id = p.val_geometry_id "
        "WHERE p.feature_id = ANY(%s) AND g.geometry IS NOT NULL AND p.name <> 'envelope' ORDER BY p.feature_id, p.id"
    ).format(table("property"), table("geometry_data"))
    for key, lod, wkb in rows(connection, context, query, (list(kind),)):
        name = kind[int(key)]
        owner = _owner(int(key), kind, above)
        if owner < 0 or wkb is None:
            continue
        found.face_key.append(owner)
        found.face_surface.append(name if name in _BOUNDS else "")
        found.face_lod.append(str(lod))
        found.wkb.append(base64.b64encode(wkb).decode("ascii"))


def _attributes(connection: Any, found: Records, table: Any, context: ReadContext) -> None:
    """Simple properties, generic ones, and the height, which is a property with a value of its own."""
    from psycopg import sql

    query = sql.SQL(
        "SELECT feature_id, name, val_string, val_double, val_int, val_uri, val_timestamp FROM {} "
        "WHERE feature_id = ANY(%s) AND parent_id IS NULL AND val_feature_id IS NULL AND val_geometry_id IS NULL"
    ).format(table("property"))
    for key, name, *values in rows(connection, context, query, (found.keys,)):
        value = next((value for value in values if value is not None), None)
        if name == "dateOfConstruction" and value is not None:
            name, value = "yearOfConstruction", str(value)[:4]
        plain = value if isinstance(value, int | float | str | None) else str(value)
        found.set(int(key), _NAMES.get(str(name), str(name)), plain)
    query = sql.SQL(
        "SELECT h.feature_id, v.val_double FROM {0} h JOIN {0} v ON v.parent_id = h.id "
        "WHERE h.feature_id = ANY(%s) AND h.name = 'height' AND v.name = 'value' AND v.val_double IS NOT NULL"
    ).format(table("property"))
    for key, value in rows(connection, context, query, (found.keys,)):
        found.set(int(key), "measuredHeight", float(value))
