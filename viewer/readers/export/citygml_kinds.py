"""CityGML 2.0 from the writer's side: element, namespace and properties of every type of object. Names only."""

from __future__ import annotations

from typing import Literal, NamedTuple

from viewer.city.kinds import SurfaceType

NAMESPACES: dict[str, str] = {
    "core": "http://www.opengis.net/citygml/2.0",
    "gml": "http://www.opengis.net/gml",
    "bldg": "http://www.opengis.net/citygml/building/2.0",
    "brid": "http://www.opengis.net/citygml/bridge/2.0",
    "tun": "http://www.opengis.net/citygml/tunnel/2.0",
    "tran": "http://www.opengis.net/citygml/transportation/2.0",
    "veg": "http://www.opengis.net/citygml/vegetation/2.0",
    "wtr": "http://www.opengis.net/citygml/waterbody/2.0",
    "luse": "http://www.opengis.net/citygml/landuse/2.0",
    "frn": "http://www.opengis.net/citygml/cityfurniture/2.0",
    "dem": "http://www.opengis.net/citygml/relief/2.0",
    "app": "http://www.opengis.net/citygml/appearance/2.0",
    "gen": "http://www.opengis.net/citygml/generics/2.0",
    "grp": "http://www.opengis.net/citygml/cityobjectgroup/2.0",
    "xAL": "urn:oasis:names:tc:ciq:xsdschema:xAL:2.0",
    "xlink": "http://www.w3.org/1999/xlink",
}

Shape = Literal["construction", "installation", "surfaces", "geometry", "water", "road", "terrain", "none"]


class Kind(NamedTuple):
    """How one type of object is written.

    tag : element with its prefix. shape : which properties hold its geometry. lowest : lowest level of detail
    the schema has. below : property of the object above, for parts. properties : attributes with an element
    of their own, in the order of the schema.
    """

    tag: str
    shape: Shape
    lowest: int = 1
    below: str = ""
    properties: tuple[tuple[str, str], ...] = ()


_USE = (("class", "code"), ("function", "codes"), ("usage", "codes"))
_BUILDING = (
    *_USE, ("yearOfConstruction", "year"), ("yearOfDemolition", "year"), ("roofType", "code"),
    ("measuredHeight", "metres"), ("storeysAboveGround", "count"), ("storeysBelowGround", "count"),
)  # fmt: skip
_YEARS = (*_USE, ("yearOfConstruction", "year"), ("yearOfDemolition", "year"))
_TREE = (
    *_USE, ("species", "code"), ("height", "metres"), ("trunkDiameter", "metres"), ("crownDiameter", "metres"),
)  # fmt: skip

KINDS: dict[str, Kind] = {
    "Building": Kind("bldg:Building", "construction", 0, "", _BUILDING),
    "BuildingPart": Kind("bldg:BuildingPart", "construction", 0, "bldg:consistsOfBuildingPart", _BUILDING),
    "BuildingInstallation": Kind(
        "bldg:BuildingInstallation", "installation", 2, "bldg:outerBuildingInstallation", _USE
    ),
    "BuildingConstructiveElement": Kind(
        "bldg:BuildingInstallation", "installation", 2, "bldg:outerBuildingInstallation", _USE
    ),
    "Bridge": Kind("brid:Bridge", "construction", 1, "", _YEARS),
    "BridgePart": Kind("brid:BridgePart", "construction", 1, "brid:consistsOfBridgePart", _YEARS),
    "BridgeInstallation": Kind("brid:BridgeInstallation", "installation", 2, "brid:outerBridgeInstallation", _USE),
    "BridgeConstructiveElement": Kind(
        "brid:BridgeConstructionElement", "installation", 1, "brid:outerBridgeConstruction", _USE
    ),
    "Tunnel": Kind("tun:Tunnel", "construction", 1, "", _YEARS),
    "TunnelPart": Kind("tun:TunnelPart", "construction", 1, "tun:consistsOfTunnelPart", _YEARS),
    "TunnelInstallation": Kind("tun:TunnelInstallation", "installation", 2, "tun:outerTunnelInstallation", _USE),
    "Road": Kind("tran:Road", "road", 1, "", _USE),
    "Railway": Kind("tran:Railway", "road", 1, "", _USE),
    "TransportSquare": Kind("tran:Square", "road", 1, "", _USE),
    "Section": Kind("tran:TransportationComplex", "road", 1, "", _USE),
    "Intersection": Kind("tran:TransportationComplex", "road", 1, "", _USE),
    "Track": Kind("tran:Track", "road", 1, "", _USE),
    "+TransportationComplex": Kind("tran:TransportationComplex", "road", 1, "", _USE),
    "WaterBody": Kind("wtr:WaterBody", "water", 0, "", _USE),
    "PlantCover": Kind("veg:PlantCover", "surfaces", 1, "", (*_USE, ("averageHeight", "metres"))),
    "SolitaryVegetationObject": Kind("veg:SolitaryVegetationObject", "geometry", 1, "", _TREE),
    "LandUse": Kind("luse:LandUse", "surfaces", 0, "", _USE),
    "CityFurniture": Kind("frn:CityFurniture", "geometry", 1, "", _USE),
    "TINRelief": Kind("dem:TINRelief", "terrain", 0),
    "MassPointRelief": Kind("dem:TINRelief", "terrain", 0),
    "BreaklineRelief": Kind("dem:TINRelief", "terrain", 0),
    "RasterRelief": Kind("dem:TINRelief", "terrain", 0),
    "GenericCityObject": Kind("gen:GenericCityObject", "geometry", 0, "", _USE),
    "CityObjectGroup": Kind("grp:CityObjectGroup", "none", 0, "", _USE),
}
#: Whatever CityGML 2.0 has no element for; its type is kept as an attribute.
OTHER = KINDS["GenericCityObject"]

#: Types written as another one, which they are the nearest to.
RENAMED = frozenset(
    {"Section", "Intersection", "BuildingConstructiveElement", "MassPointRelief", "BreaklineRelief", "RasterRelief"}
)

#: Which whole may hold which part; any other child is written beside its parent.
HOLDS = {"bldg": ("bldg:Building", "bldg:BuildingPart"), "brid": ("brid:Bridge", "brid:BridgePart"),
         "tun": ("tun:Tunnel", "tun:TunnelPart")}  # fmt: skip

#: Boundary surfaces of buildings, bridges, tunnels and installations.
BOUNDARIES: dict[int, str] = {
    SurfaceType.GROUND: "GroundSurface",
    SurfaceType.WALL: "WallSurface",
    SurfaceType.ROOF: "RoofSurface",
    SurfaceType.OUTER_CEILING: "OuterCeilingSurface",
    SurfaceType.OUTER_FLOOR: "OuterFloorSurface",
    SurfaceType.CLOSURE: "ClosureSurface",
    SurfaceType.INTERIOR: "InteriorWallSurface",
}
OPENINGS: dict[int, str] = {SurfaceType.WINDOW: "Window", SurfaceType.DOOR: "Door"}
WATERS: dict[int, str] = {
    SurfaceType.WATER: "WaterSurface",
    SurfaceType.WATER_GROUND: "WaterGroundSurface",
    SurfaceType.CLOSURE: "WaterClosureSurface",
}
TRAFFIC: dict[int, str] = {
    SurfaceType.TRAFFIC: "TrafficArea",
    SurfaceType.AUXILIARY_TRAFFIC: "AuxiliaryTrafficArea",
}
