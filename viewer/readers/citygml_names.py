"""The vocabulary of CityGML 1.0 to 3.0: what each element means to the reader. Names only, no reading."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from viewer.city.kinds import SURFACE_NAMES, SurfaceType

GML_NAMESPACES = ("http://www.opengis.net/gml", "http://www.opengis.net/gml/3.2", "http://www.opengis.net/gml/3.3")
GML_IDS = tuple(f"{{{namespace}}}id" for namespace in GML_NAMESPACES)
HREF = "{http://www.w3.org/1999/xlink}href"

#: CityGML name -> object type in CityJSON words. Others that hold geometry become "+Name".
OBJECT_TYPES: dict[str, str] = {
    name: name
    for name in (
        "Building", "BuildingPart", "BuildingInstallation", "BuildingConstructiveElement",
        "Bridge", "BridgePart", "BridgeInstallation", "BridgeConstructiveElement",
        "Tunnel", "TunnelPart", "TunnelInstallation", "TunnelConstructiveElement",
        "OtherConstruction", "Road", "Railway", "Track", "Waterway", "Section", "Intersection",
        "WaterBody", "PlantCover", "SolitaryVegetationObject", "LandUse", "CityFurniture",
        "TINRelief", "MassPointRelief", "BreaklineRelief", "RasterRelief", "GenericCityObject", "CityObjectGroup",
    )
}  # fmt: skip
OBJECT_TYPES.update(
    {
        "BridgeConstructionElement": "BridgeConstructiveElement",
        "Square": "TransportSquare",
        "TransportationComplex": "+TransportationComplex",
        "GenericOccupiedSpace": "GenericCityObject",
        "GenericUnoccupiedSpace": "GenericCityObject",
        "GenericLogicalSpace": "GenericCityObject",
    }
)
#: Objects whose content counts for the object around them, or stands for itself.
CONTAINERS = frozenset({"ReliefFeature"})
#: Terrain that is not given as triangles.
RELIEFS = frozenset({"RasterRelief", "MassPointRelief", "BreaklineRelief"})
#: Properties that hold it.
_RELIEF_PROPERTIES = frozenset({"reliefPoints", "ridgeOrValleyLines", "breaklines", "grid"})
#: Parts of a road of CityGML 3.0 that only hold surfaces; their own volume is free air.
SPACES = frozenset({"TrafficSpace", "AuxiliaryTrafficSpace", "ClearanceSpace", "Hole", "Marking"})
#: What lies inside; left out and counted.
INTERIORS = frozenset(
    {
        "Room", "BuildingRoom", "BridgeRoom", "HollowSpace", "IntBuildingInstallation", "IntBridgeInstallation",
        "IntTunnelInstallation", "BuildingFurniture", "BridgeFurniture", "TunnelFurniture", "Storey", "BuildingUnit",
    }
)  # fmt: skip
INTERIOR_PROPERTIES = frozenset(
    {
        "interiorRoom", "interiorBuildingInstallation", "interiorBridgeInstallation", "interiorTunnelInstallation",
        "interiorBridgeRoom", "interiorHollowSpace", "buildingRoom", "buildingFurniture", "interiorFurniture",
        "roomInstallation", "buildingSubdivision", "bridgeRoom", "bridgeFurniture", "hollowSpace", "tunnelFurniture",
    }
)  # fmt: skip
INTERIOR_SURFACES = frozenset({"InteriorWallSurface", "CeilingSurface", "FloorSurface"})

SURFACES: dict[str, SurfaceType] = {
    **SURFACE_NAMES,
    "TrafficSpace": SurfaceType.TRAFFIC,
    "AuxiliaryTrafficSpace": SurfaceType.AUXILIARY_TRAFFIC,
    "ClearanceSpace": SurfaceType.UNKNOWN,
    "Hole": SurfaceType.UNKNOWN,
    "HoleSurface": SurfaceType.UNKNOWN,
    "Marking": SurfaceType.TRAFFIC,
    "GenericThematicSurface": SurfaceType.UNKNOWN,
}

GEOMETRIES = frozenset(
    {
        "Polygon", "MultiSurface", "CompositeSurface", "Surface", "OrientableSurface", "PolyhedralSurface",
        "TriangulatedSurface", "Tin", "Solid", "CompositeSolid", "MultiSolid", "MultiGeometry", "GeometricComplex",
        "MultiCurve", "CompositeCurve", "Curve", "LineString", "MultiPoint", "Point", "Shell",
    }
)  # fmt: skip


class Role(IntEnum):
    """What the reader does with a child of an object."""

    SKIP = 0
    TEXT = 1
    GENERIC = 2
    GENERIC_3 = 3
    GEOMETRY = 4
    IMPLICIT = 5
    FEATURE = 6
    INTERIOR = 7
    ADDRESS = 8
    HEIGHT_3 = 9
    LOOK = 10
    ID_REFERENCE = 11
    COMPLEX = 12
    TAKEN_SURFACES = 13
    TAKEN_TEXTS = 14
    TAKEN = 15


class Meaning(NamedTuple):
    """Role of an element, the name it is stored under, and for geometry its level of detail and surface."""

    role: Role
    name: str = ""
    lod: str = ""
    surface: SurfaceType = SurfaceType.UNKNOWN
    solid: bool = False


_LOD = re.compile(r"^lod([0-4])(.*)$")
_SKIPPED = frozenset(
    {
        "externalReference", "appearance", "appearanceMember", "metaDataProperty", "generalizesTo", "relativeToTerrain",
        "relativeToWater", "storeyHeightsAboveGround", "storeyHeightsBelowGround", "elevation", "extent", "parent",
        "dynamizer", "pointCloud", "relatedTo", "identifier", "multiPoint", "surfaceMaterial", "adeOfAbstractFeature",
        "boundedByEnvelope",
    }
)  # fmt: skip
_RENAMED = {"dateOfConstruction": "yearOfConstruction"}
_GENERIC = frozenset(
    {"stringAttribute", "intAttribute", "doubleAttribute", "dateAttribute", "uriAttribute", "measureAttribute"}
)


def meaning(tag: str) -> Meaning:
    """What a property element of an object means, by its namespace and local name."""
    namespace, _, local = tag.rpartition("}")
    namespace = namespace[1:]
    gml = namespace in GML_NAMESPACES
    if gml:
        if local in ("name", "description"):
            return Meaning(Role.TEXT, local)
        return Meaning(Role.SKIP)
    lod = _LOD.match(local)
    if lod:
        level, rest = lod.groups()
        if "TerrainIntersection" in rest or rest in ("Network", "PointCloud"):
            return Meaning(Role.SKIP)
        if rest == "ImplicitRepresentation":
            return Meaning(Role.IMPLICIT, lod=level)
        surface = {"FootPrint": SurfaceType.GROUND, "RoofEdge": SurfaceType.ROOF}.get(rest, SurfaceType.UNKNOWN)
        return Meaning(Role.GEOMETRY, lod=level, surface=surface, solid=rest == "Solid")
    if local == "tin":
        return Meaning(Role.GEOMETRY)
    if local in _GENERIC:
        return Meaning(Role.GENERIC)
    if local == "genericAttributeSet":
        return Meaning(Role.COMPLEX)
    if local == "genericAttribute":
        return Meaning(Role.GENERIC_3)
    if local in _SKIPPED or (local in _RELIEF_PROPERTIES and "relief" in namespace):
        return Meaning(Role.SKIP)
    if local in INTERIOR_PROPERTIES:
        return Meaning(Role.INTERIOR)
    if local == "address":
        return Meaning(Role.ADDRESS)
    if local == "height" and "construction" in namespace:
        return Meaning(Role.HEIGHT_3)
    if local in ("boundedBy", "boundary", "opening", "fillingSurface"):
        return Meaning(Role.FEATURE)
    return Meaning(Role.LOOK, _RENAMED.get(local, local))


def local_name(tag: object) -> str:
    """Name without namespace; empty for what is no element."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def version_of(namespaces: object) -> str:
    """CityGML version from the namespaces of the root element; empty if none says."""
    text = " ".join(str(uri) for uri in namespaces) if isinstance(namespaces, (list, tuple)) else str(namespaces)
    for version in ("3.0", "2.0", "1.0"):
        if re.search(rf"opengis\.net/citygml/(?:\w+/)*{re.escape(version)}(?!\d)", text):
            return version
    return "0.4" if "citygml.org/citygml/1/0/0" in text else ""
