"""Every fault that is looked for: its code, what it is called, how grave it is and what to do about it.

Numbers from 101 to 601 are those of val3dity, which took the words of ISO 19107; letters are our own.
"""

from __future__ import annotations

from dataclasses import dataclass

from viewer.city.report import Severity

#: Classes of faults in the order they are told, with their headings.
GROUPS: dict[str, str] = {
    "ring": "Rings",
    "polygon": "Polygons",
    "shell": "Shells",
    "solid": "Solids",
    "object": "Objects",
    "attribute": "Attributes",
    "place": "Place and extent",
    "file": "File",
}
#: Classes that decide whether a geometry is valid.
GEOMETRY_GROUPS = ("ring", "polygon", "shell", "solid")


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of fault. ``title`` and ``advice`` are English templates and keys of their translation.

    name : the name val3dity gives it, empty for our own. unit : of the amounts told with each fault.
    """

    code: str
    group: str
    severity: Severity
    title: str
    advice: str
    name: str = ""
    unit: str = ""


_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

_ALL = (
    Rule("101", "ring", _E, "Ring with fewer than three points",
         "Digitise the surface again or delete it; it was left out here.", "TOO_FEW_POINTS"),
    Rule("102", "ring", _W, "Consecutive points are the same",
         "Delete the repeated point; points closer than 1 mm are one point.", "CONSECUTIVE_POINTS_SAME", "m"),
    Rule("103", "ring", _W, "Ring is not closed",
         "Repeat the first point at the end of the ring; it was closed here.", "RING_NOT_CLOSED", "m"),
    Rule("104", "ring", _E, "Ring crosses or touches itself",
         "Look for exchanged points and spikes at the place named.", "RING_SELF_INTERSECTION"),
    Rule("201", "polygon", _E, "Rings of a polygon cross or share an edge",
         "Take the hole back inside the outline.", "INTERSECTION_RINGS"),
    Rule("202", "polygon", _E, "Ring stands twice in a polygon",
         "Delete one of the two rings.", "DUPLICATED_RINGS"),
    Rule("203", "polygon", _E, "Surface is not planar (distance)",
         "Split the surface into triangles or move its points into one plane.",
         "NON_PLANAR_POLYGON_DISTANCE_PLANE", "m"),
    Rule("204", "polygon", _E, "Surface is not planar (folded)",
         "Split the surface along its fold.", "NON_PLANAR_POLYGON_NORMALS_DEVIATION", "°"),
    Rule("205", "polygon", _E, "Holes cut a polygon into pieces",
         "Make a surface of its own of each piece.", "POLYGON_INTERIOR_DISCONNECTED"),
    Rule("206", "polygon", _E, "Hole lies outside its polygon",
         "Give the hole to the surface it belongs to, or delete it.", "INNER_RING_OUTSIDE"),
    Rule("207", "polygon", _E, "Hole lies inside another hole",
         "Make a surface of its own of the inner ring, or delete it.", "INNER_RINGS_NESTED"),
    Rule("208", "polygon", _E, "Hole turns the same way as its outline",
         "Turn the order of the hole's points round.", "ORIENTATION_RINGS_SAME"),
    Rule("300", "shell", _E, "Shell is not a valid 2-manifold",
         "Look for surplus or missing surfaces where an odd number of surfaces meet in one edge.",
         "NOT_VALID_2_MANIFOLD"),
    Rule("301", "shell", _E, "Shell has fewer than four surfaces",
         "Add the missing surfaces.", "TOO_FEW_POLYGONS"),
    Rule("302", "shell", _E, "Shell is not closed",
         "Add the surface missing at the place named, or let neighbouring surfaces use the same points.",
         "SHELL_NOT_CLOSED", "m"),
    Rule("303", "shell", _E, "More than two surfaces at one edge",
         "Split the body there, or delete the surface inside it.", "NON_MANIFOLD_CASE", "m"),
    Rule("305", "shell", _I, "Several bodies in one object",
         "Right for a MultiSolid; a single Solid must hang together.", "MULTIPLE_CONNECTED_COMPONENTS"),
    Rule("306", "shell", _E, "Shell runs through itself",
         "Move the points at the place named until no edge runs through a surface; the number of places is given.",
         "SELF_INTERSECTION"),
    Rule("307", "shell", _E, "Surfaces of a shell look different ways",
         "Turn the order of points round where a surface looks inwards.", "POLYGON_WRONG_ORIENTATION", "m"),
    Rule("401", "solid", _E, "Shells of a solid cross, share a surface or lie in each other",
         "Move the hollow until it lies free inside its solid.", "INTERSECTION_SHELLS"),
    Rule("402", "solid", _E, "Shell stands twice in a solid",
         "Delete one of the two shells.", "DUPLICATED_SHELLS"),
    Rule("403", "solid", _E, "Inner shell lies outside its solid",
         "Make a solid of its own of the shell, or delete it.", "INNER_SHELL_OUTSIDE"),
    Rule("404", "solid", _E, "Hollows cut a solid into pieces",
         "Make a solid of its own of each piece.", "SOLID_INTERIOR_DISCONNECTED"),
    Rule("405", "shell", _E, "Shell looks the wrong way",
         "Turn the order of points of all its surfaces round; those of a hollow look into it.",
         "WRONG_ORIENTATION_SHELL"),
    Rule("501", "solid", _E, "Solids of a CompositeSolid overlap",
         "Move their common border until both only touch there.", "INTERSECTION_SOLIDS"),
    Rule("502", "solid", _E, "Solid stands twice in a CompositeSolid",
         "Delete one of the two solids.", "DUPLICATED_SOLIDS"),
    Rule("503", "solid", _E, "Solids of a CompositeSolid do not hang together",
         "Let them share a surface, or make a MultiSolid of them.", "DISCONNECTED_SOLIDS"),
    Rule("601", "object", _W, "Parts of a building overlap",
         "Move their common wall until both only touch there; the largest common height is given.",
         "BUILDINGPARTS_OVERLAP", "m"),
    Rule("O01", "object", _E, "Id is used more than once",
         "Give every object an id of its own; a number was added here."),
    Rule("O02", "object", _E, "Building stands twice",
         "Delete one of the two; outline and heights are the same."),
    Rule("O03", "object", _W, "Buildings overlap",
         "Check the outlines of both; the share of the smaller one is given.", unit="%"),
    Rule("O04", "object", _E, "Building part without its building",
         "Add the building, or correct the part's reference to it."),
    Rule("O05", "object", _W, "Building without geometry",
         "Add its geometry, or delete the object."),
    Rule("O06", "object", _I, "Level of detail differs from most buildings",
         "Check whether the delivery should have one level of detail throughout."),
    Rule("A01", "attribute", _I, "No measuredHeight", "Add the height."),
    Rule("A02", "attribute", _I, "No storeysAboveGround", "Add the number of storeys; it is estimated here."),
    Rule("A03", "attribute", _I, "No function", "Add the function; floor areas by use need it."),
    Rule("A04", "attribute", _I, "No roofType", "Add the roof type."),
    Rule("A05", "attribute", _I, "No yearOfConstruction", "Add the year of construction."),
    Rule("A11", "attribute", _W, "measuredHeight is implausible", "Correct the height.", unit="m"),
    Rule("A12", "attribute", _W, "storeysAboveGround is implausible", "Correct the number of storeys."),
    Rule("A13", "attribute", _W, "yearOfConstruction is implausible", "Correct the year."),
    Rule("A21", "attribute", _W, "measuredHeight differs from the geometry",
         "Find out which is right; the difference (attribute less geometry) is given.", unit="m"),
    Rule("A22", "attribute", _W, "Storeys do not fit the height",
         "Check both; the metres per storey are given.", unit="m"),
    Rule("P01", "place", _W, "Coordinate system is not named",
         "Name it in the file (srsName or referenceSystem)."),
    Rule("P02", "place", _I, "Height system is not named",
         "Name it in the file, as in EPSG:25832+7837."),
    Rule("P03", "place", _W, "Object lies far from all others",
         "Check its coordinates; the distance is given.", unit="m"),
    Rule("P04", "place", _W, "Building floats above the terrain",
         "Check its ground height; the gap is given.", unit="m"),
    Rule("P05", "place", _W, "Building lies below the terrain",
         "Check its ground height; the depth of its roof is given.", unit="m"),
    Rule("P06", "place", _W, "Building of impossible size",
         "Check its coordinates; its height is given.", unit="m"),
    Rule("P07", "place", _W, "Coordinates are impossible",
         "Correct the coordinates; the surface was left out here."),
    Rule("F01", "file", _E, "Surface without area", "Delete the surface; it was left out here."),
)  # fmt: skip

#: Code -> rule, in the order they are told.
RULES: dict[str, Rule] = {rule.code: rule for rule in _ALL}
