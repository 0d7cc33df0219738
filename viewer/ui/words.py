"""Plain words for what files call things: attribute names, object types, steps of the history."""

from __future__ import annotations

from viewer.scenario import LEVERS, Scenario
from viewer.session.document import Document
from viewer.session.session import edit_values
from viewer.ui.i18n import tr

#: Attribute names as files write them -> what a person reads. Others are shown as they are.
ATTRIBUTES: dict[str, str] = {
    "measuredHeight": "Height",
    "measured:height": "Height (measured)",
    "measured:storeys": "Storeys (counted or estimated)",
    "measured:footprint": "Footprint",
    "measured:volume": "Volume",
    "storeysAboveGround": "Storeys above ground",
    "storeysBelowGround": "Storeys below ground",
    "storeyHeightsAboveGround": "Storey heights",
    "yearOfConstruction": "Year of construction",
    "yearOfDemolition": "Year of demolition",
    "function": "Function",
    "usage": "Use",
    "class": "Class",
    "roofType": "Roof type",
    "name": "Name",
    "address": "Address",
    "description": "Description",
    "datastream": "Datastream",
    "value": "Value",
    "result": "Result",
    "unit": "Unit",
    "time": "Measured at",
    "creationDate": "Created",
    "species": "Species",
    "height": "Height",
    "height_m": "Height",
    "crown": "Crown diameter",
    "crown_m": "Crown diameter",
    "crownDiameter": "Crown diameter",
    "trunkDiameter": "Trunk diameter",
    "conditionOfConstruction": "State of construction",
    "plan:coverage": "Built on today or as planned (GRZ)",
    "plan:density": "Floor area today or as planned (GFZ)",
    "plan:storeys": "Most storeys there",
    "plan:height": "Highest building there",
    "Hmax": "Height limit above ground",
    "Hmax NHN": "Height limit above sea level",
}

#: Units of those whose unit the standard fixes.
UNITS: dict[str, str] = {
    "measuredHeight": "m",
    "measured:height": "m",
    "measured:footprint": "m²",
    "measured:volume": "m³",
    "height_m": "m",
    "crown_m": "m",
    "plan:height": "m",
    "Hmax": "m",
    "Hmax NHN": "m",
}

#: Object types in CityJSON words -> what a person reads.
TYPES: dict[str, str] = {
    "Building": "Building",
    "BuildingPart": "Building part",
    "BuildingInstallation": "Building installation",
    "BuildingUnit": "Building unit",
    "BuildingRoom": "Room",
    "BuildingFurniture": "Building furniture",
    "BuildingConstructiveElement": "Building element",
    "Bridge": "Bridge",
    "BridgePart": "Bridge part",
    "BridgeInstallation": "Bridge installation",
    "BridgeConstructiveElement": "Bridge element",
    "Tunnel": "Tunnel",
    "TunnelPart": "Tunnel part",
    "TunnelInstallation": "Tunnel installation",
    "Road": "Road",
    "Railway": "Railway",
    "Track": "Path",
    "TransportSquare": "Square",
    "Square": "Square",
    "Waterway": "Waterway",
    "WaterBody": "Water",
    "PlantCover": "Green area",
    "SolitaryVegetationObject": "Tree",
    "LandUse": "Land use",
    "TINRelief": "Terrain",
    "MassPointRelief": "Terrain of points",
    "BreaklineRelief": "Break lines of the terrain",
    "RasterRelief": "Terrain of a grid",
    "ReliefFeature": "Terrain",
    "CityFurniture": "Street furniture",
    "GenericCityObject": "Other object",
    "OtherConstruction": "Other construction",
    "CityObjectGroup": "Group",
}


def attribute_text(name: str) -> str:
    """An attribute's name in plain words; unknown names stay as the file writes them."""
    return tr(ATTRIBUTES[name]) if name in ATTRIBUTES else name


def type_text(name: str) -> str:
    """An object type in plain words; unknown types (extensions) stay as they are."""
    return tr(TYPES[name]) if name in TYPES else name


def colouring_text(key: str, title: str) -> str:
    """What the city is coloured by; attribute names come from files, the rest are keys."""
    if key.startswith("attribute:"):
        return attribute_text(title)
    return tr(title)


def fresh_document() -> Document:
    """An empty document whose first scenario is named in the language of the interface."""
    name = tr("Scenario {n}", n=1)
    return Document(scenarios=(Scenario(name),), active=name)


def edit_text(edit: object, document: Document) -> str:
    """One step of the history in plain words, with names instead of keys."""
    values = edit_values(edit)
    parameter = values.get("parameter")
    if isinstance(parameter, str) and parameter in LEVERS:
        values["parameter"] = tr(LEVERS[parameter].text)
    key = values.get("key")
    source = document.source(key) if isinstance(key, str) else None
    if source is not None:
        values["key"] = source.title or source.key
    what = values.get("what")
    if isinstance(what, str):
        values["what"] = colouring_text(what, what.partition(":")[2] or "Surfaces")
    return tr(getattr(edit, "text", ""), **values)
