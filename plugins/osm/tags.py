"""What tags mean: kinds of objects, heights, widths, and the attributes people see.

After the OpenStreetMap wiki (Map features, Simple 3D buildings). Pure functions of one object's tags.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

Tags = dict[str, str]

STOREY_M, ASSUMED_M = 3.0, 9.0
MAX_HEIGHT_M, MAX_STOREYS = 1000.0, 200.0
TREE_M, CROWN_SHARE = 10.0, 0.5


class Kind(StrEnum):
    """Object types in the words of CityJSON."""

    BUILDING = "Building"
    PART = "BuildingPart"
    ROAD = "Road"
    RAILWAY = "Railway"
    SQUARE = "TransportSquare"
    WATER = "WaterBody"
    GREEN = "PlantCover"
    LAND_USE = "LandUse"
    TREE = "SolitaryVegetationObject"


#: How far flat areas lie above the ground, so that the lower one never shines through the upper one.
FLAT_LEVEL_M = {
    Kind.LAND_USE: 0.05, Kind.GREEN: 0.15, Kind.WATER: 0.25, Kind.SQUARE: 0.35, Kind.RAILWAY: 0.4, Kind.ROAD: 0.45,
}  # fmt: skip

#: Usual widths of carriageways and paths, metres, where neither width nor lanes are given.
ROAD_WIDTH_M = {
    "motorway": 12.0, "trunk": 10.0, "primary": 9.0, "secondary": 8.0, "tertiary": 7.0, "motorway_link": 6.0,
    "trunk_link": 6.0, "primary_link": 6.0, "secondary_link": 6.0, "tertiary_link": 6.0, "unclassified": 5.5,
    "residential": 5.5, "living_street": 5.0, "pedestrian": 5.0, "service": 3.5, "road": 5.0, "busway": 6.5,
    "track": 2.5, "cycleway": 2.5, "footway": 2.0, "bridleway": 2.0, "steps": 2.0, "path": 1.5,
}  # fmt: skip
RAIL_WIDTH_M = {"rail": 3.0, "light_rail": 3.0, "subway": 3.0, "tram": 2.6, "narrow_gauge": 2.2, "monorail": 2.0,
                "funicular": 2.5, "preserved": 3.0}  # fmt: skip
STREAM_WIDTH_M = {"river": 12.0, "canal": 10.0, "stream": 2.0, "ditch": 1.5, "drain": 1.5}
LANE_M = 3.25

_NO_BUILDING = {"no", "proposed", "construction", "demolished", "razed", "ruins:no"}
_WATER_AREAS = {("natural", "water"), ("waterway", "riverbank"), ("waterway", "dock"), ("landuse", "reservoir"),
                ("landuse", "basin"), ("leisure", "swimming_pool")}  # fmt: skip
_GREEN_AREAS = {
    "natural": {"wood", "scrub", "grassland", "heath", "wetland", "shrubbery", "fell", "tundra"},
    "landuse": {"forest", "grass", "meadow", "orchard", "vineyard", "village_green", "cemetery", "flowerbed",
                "allotments", "recreation_ground", "plant_nursery", "greenery"},
    "leisure": {"park", "garden", "golf_course", "common", "dog_park"},
}  # fmt: skip
_LAND_USES = {
    "landuse": {"residential", "commercial", "retail", "industrial", "farmland", "farmyard", "railway", "garages",
                "construction", "brownfield", "greenfield", "military", "quarry", "landfill", "education", "depot",
                "religious", "institutional", "port", "harbour", "fairground"},
    "leisure": {"pitch", "playground", "sports_centre", "track", "stadium"},
    "natural": {"beach", "sand", "bare_rock", "scree", "shingle"},
    "amenity": {"school", "university", "college", "hospital", "kindergarten", "grave_yard"},
}  # fmt: skip
_NUMBER = re.compile(
    r"\s*(\d+(?:[.,]\d+)?)\s*(m|metres?|meters?|ft|feet|'|’|cm|km)?\s*(?:(\d+(?:[.,]\d+)?)\s*(?:\"|”|in))?\s*"
)
_UNIT_M = {"cm": 0.01, "km": 1000.0, "ft": 0.3048, "feet": 0.3048, "'": 0.3048, "’": 0.3048}


class Height(NamedTuple):
    """Base and top above ground, metres; NaN where unknown. source : "height", "levels" or "assumed"."""

    base_m: float
    top_m: float
    source: str


class TreeSize(NamedTuple):
    """Height and crown diameter in metres; assumed : the height is not known."""

    height_m: float
    crown_m: float
    conifer: bool
    assumed: bool


def metres(text: str) -> float:
    """A length such as ``12``, ``12.5 m``, ``12,5``, ``40 ft`` or ``7'4"``; NaN for everything else."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return float("nan")
    value = float(found[1].replace(",", ".")) * _UNIT_M.get(found[2] or "", 1.0)
    return value + (float(found[3].replace(",", ".")) * 0.0254 if found[3] else 0.0)


def storeys(text: str) -> float:
    """A number of levels; of several (``3;4``, ``3-4``) the highest; NaN for everything else."""
    numbers = [
        float(part.replace(",", "."))
        for part in re.split(r"[;\-]", text)
        if re.fullmatch(r"\s*\d+(?:[.,]\d+)?\s*", part)
    ]
    value = max(numbers, default=float("nan"))
    return value if value <= MAX_STOREYS else float("nan")


def building_height(tags: Tags) -> Height:
    """Height and base of a building or part: measured, else levels of 3 m, else unknown ("assumed")."""
    levels, base_levels = storeys(tags.get("building:levels", "")), storeys(tags.get("building:min_level", ""))
    base = metres(tags.get("min_height", "") or tags.get("building:min_height", ""))
    base = base if base == base else base_levels * STOREY_M if base_levels == base_levels else 0.0
    for name in ("height", "building:height"):
        top = metres(tags.get(name, ""))
        if 0 < top <= MAX_HEIGHT_M:
            return Height(base, top, "height")
    roof = metres(tags.get("roof:height", ""))
    if not 0 < roof <= MAX_HEIGHT_M:
        roof_levels = storeys(tags.get("roof:levels", ""))
        roof = roof_levels * STOREY_M if roof_levels == roof_levels else 0.0
    if levels == levels and levels * STOREY_M + roof > 0:
        return Height(base, levels * STOREY_M + roof, "levels")
    return Height(base, float("nan"), "assumed")


def is_building(tags: Tags) -> bool:
    """Whether these are the tags of a building above the ground."""
    return tags.get("building", "no") not in _NO_BUILDING and not is_underground(tags)


def is_part(tags: Tags) -> bool:
    """Whether these are the tags of a part of a building above the ground."""
    return tags.get("building:part", "no") != "no" and not is_underground(tags)


def area_kind(tags: Tags) -> Kind | None:
    """What a closed outline with these tags is; None for nothing that is drawn as an area."""
    if is_building(tags):
        return Kind.BUILDING
    if is_part(tags):
        return Kind.PART
    if is_underground(tags):
        return None
    as_area = tags.get("area") == "yes" or tags.get("type") == "multipolygon"
    if tags.get("highway") in ROAD_WIDTH_M and as_area:
        return Kind.SQUARE if tags["highway"] == "pedestrian" else Kind.ROAD
    if tags.get("amenity") == "parking" and tags.get("parking", "surface") == "surface":
        return Kind.SQUARE
    if any(tags.get(key) == value for key, value in _WATER_AREAS):
        return Kind.WATER
    if any(tags.get(key) in values for key, values in _GREEN_AREAS.items()):
        return Kind.GREEN
    if any(tags.get(key) in values for key, values in _LAND_USES.items()):
        return Kind.LAND_USE
    return None


def line_kind(tags: Tags) -> tuple[Kind, float] | None:
    """What a line with these tags is, and its width in metres; None for nothing that is drawn."""
    if tags.get("area") == "yes" or is_underground(tags):
        return None
    for kind, key, widths in (
        (Kind.ROAD, "highway", ROAD_WIDTH_M), (Kind.RAILWAY, "railway", RAIL_WIDTH_M),
        (Kind.WATER, "waterway", STREAM_WIDTH_M),
    ):  # fmt: skip
        usual = widths.get(tags.get(key, ""))
        if usual is None:
            continue
        width = metres(tags.get("width", ""))
        if 0.3 <= width <= 400:
            return kind, width
        lanes = storeys(tags.get("lanes", "")) if kind is Kind.ROAD else float("nan")
        return kind, lanes * LANE_M if 1 <= lanes <= 12 else usual
    return None


def tree_size(tags: Tags) -> TreeSize:
    """How large a tree is drawn: as tagged, else 10 m with a crown of half its height."""
    height, crown = metres(tags.get("height", "")), metres(tags.get("diameter_crown", ""))
    assumed = not 0.5 <= height <= 100
    height = TREE_M if assumed else height
    crown = crown if 0.3 <= crown <= 40 else height * CROWN_SHARE
    return TreeSize(height, crown, tags.get("leaf_type") == "needleleaved", assumed)


def describe(tags: Tags, kind: Kind) -> dict[str, object]:
    """The attributes people see, under their CityGML names where there is one."""
    values: dict[str, object] = {"name": tags.get("name")}
    if kind in (Kind.BUILDING, Kind.PART):
        use = tags.get("building") or tags.get("building:part")
        height = building_height(tags)
        levels = storeys(tags.get("building:levels", ""))
        values |= {
            "function": None if use == "yes" else use,
            "measuredHeight": height.top_m if height.source == "height" else None,
            "storeysAboveGround": levels if levels == levels else None,
            "roofType": tags.get("roof:shape"),
            "yearOfConstruction": tags.get("start_date"),
            "address": _address(tags),
        }
    elif kind is Kind.TREE:
        height_m, crown_m = metres(tags.get("height", "")), metres(tags.get("diameter_crown", ""))
        values |= {
            "species": tags.get("species") or tags.get("genus") or tags.get("species:de"),
            "height": height_m if height_m == height_m else None,
            "crownDiameter": crown_m if crown_m == crown_m else None,
        }
    else:
        keys = ("highway", "railway", "water", "waterway", "leisure", "landuse", "natural", "amenity")
        values |= {"function": next((tags[key] for key in keys if key in tags), None), "surface": tags.get("surface")}
    return {name: value for name, value in values.items() if value not in (None, "")}


def is_underground(tags: Tags) -> bool:
    """Whether this lies in a tunnel, below the ground or inside a building, so that nobody sees it from above."""
    return (
        tags.get("location") == "underground" or tags.get("tunnel", "no") not in ("no", "building_passage")
        or tags.get("indoor", "no") != "no"
    )  # fmt: skip


def _address(tags: Tags) -> str | None:
    street = " ".join(filter(None, (tags.get("addr:street") or tags.get("addr:place"), tags.get("addr:housenumber"))))
    town = " ".join(filter(None, (tags.get("addr:postcode"), tags.get("addr:city"))))
    return ", ".join(filter(None, (street, town))) or None
