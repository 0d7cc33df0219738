"""Kinds of city objects and surfaces, in the words of CityGML 3.0 and CityJSON 2.0."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class SurfaceType(IntEnum):
    """Semantic surface of a face (stored as uint8)."""

    UNKNOWN = 0
    GROUND = 1
    WALL = 2
    ROOF = 3
    OUTER_CEILING = 4
    OUTER_FLOOR = 5
    CLOSURE = 6
    WINDOW = 7
    DOOR = 8
    WATER = 9
    WATER_GROUND = 10
    TRAFFIC = 11
    AUXILIARY_TRAFFIC = 12
    INTERIOR = 13


#: Names of semantic surfaces as CityJSON and CityGML write them.
SURFACE_NAMES: dict[str, SurfaceType] = {
    "GroundSurface": SurfaceType.GROUND,
    "WallSurface": SurfaceType.WALL,
    "RoofSurface": SurfaceType.ROOF,
    "OuterCeilingSurface": SurfaceType.OUTER_CEILING,
    "OuterFloorSurface": SurfaceType.OUTER_FLOOR,
    "ClosureSurface": SurfaceType.CLOSURE,
    "Window": SurfaceType.WINDOW,
    "WindowSurface": SurfaceType.WINDOW,
    "Door": SurfaceType.DOOR,
    "DoorSurface": SurfaceType.DOOR,
    "WaterSurface": SurfaceType.WATER,
    "WaterGroundSurface": SurfaceType.WATER_GROUND,
    "WaterClosureSurface": SurfaceType.CLOSURE,
    "TrafficArea": SurfaceType.TRAFFIC,
    "AuxiliaryTrafficArea": SurfaceType.AUXILIARY_TRAFFIC,
    "InteriorWallSurface": SurfaceType.INTERIOR,
    "CeilingSurface": SurfaceType.INTERIOR,
    "FloorSurface": SurfaceType.INTERIOR,
}


class Theme(StrEnum):
    """What a top-level object is about; decides its calm default colour and its legend group."""

    BUILDING = "building"
    BRIDGE = "bridge"
    TUNNEL = "tunnel"
    ROAD = "road"
    RAILWAY = "railway"
    SQUARE = "square"
    WATER = "water"
    VEGETATION = "vegetation"
    TREE = "tree"
    LAND_USE = "land use"
    TERRAIN = "terrain"
    FURNITURE = "furniture"
    GENERIC = "generic"


_THEME_OF_PREFIX: tuple[tuple[str, Theme], ...] = (
    ("Building", Theme.BUILDING),
    ("Bridge", Theme.BRIDGE),
    ("Tunnel", Theme.TUNNEL),
    ("Road", Theme.ROAD),
    ("Track", Theme.ROAD),
    ("Section", Theme.ROAD),
    ("Intersection", Theme.ROAD),
    ("Transport", Theme.ROAD),
    ("Railway", Theme.RAILWAY),
    ("Square", Theme.SQUARE),
    ("TransportSquare", Theme.SQUARE),
    ("Water", Theme.WATER),
    ("PlantCover", Theme.VEGETATION),
    ("SolitaryVegetationObject", Theme.TREE),
    ("LandUse", Theme.LAND_USE),
    ("TINRelief", Theme.TERRAIN),
    ("MassPointRelief", Theme.TERRAIN),
    ("BreaklineRelief", Theme.TERRAIN),
    ("RasterRelief", Theme.TERRAIN),
    ("Relief", Theme.TERRAIN),
    ("CityFurniture", Theme.FURNITURE),
    ("OtherConstruction", Theme.BUILDING),
)


def theme_of_type(object_type: str) -> Theme:
    """Theme of a CityJSON/CityGML object type; extensions (``+Name``) and unknown ones are generic."""
    if object_type == "TransportSquare":
        return Theme.SQUARE
    for prefix, theme in _THEME_OF_PREFIX:
        if object_type.startswith(prefix):
            return theme
    return Theme.GENERIC


def lod_key(lod: str) -> tuple[float, str]:
    """Order of levels of detail given as text: ``"1.2" < "1.3" < "2" < "2.2"``; unknown first."""
    try:
        return float(lod), lod
    except ValueError:
        return -1.0, lod
