"""Features in GML 2 and 3 as a feature service sends them: simple attributes and one geometry each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from viewer.plugin_api import ReadContext, VectorTable, columns_of

from .ows import child, children, epsg, local, north_first

_MEMBERS = {"member", "featureMember", "featureMembers", "additionalObjects"}
_LINES = {"LineString", "Curve", "LinearRing", "CompositeCurve", "OrientableCurve", "Ring"}
_SURFACES = {"Polygon", "Surface", "PolyhedralSurface", "CompositeSurface", "OrientableSurface", "PolygonPatch"}
_COLLECTIONS = {"MultiPoint", "MultiLineString", "MultiCurve", "MultiPolygon", "MultiSurface", "MultiGeometry"}
_GEOMETRIES = {"Point", *_LINES, *_SURFACES, *_COLLECTIONS}
_MAX_DEPTH = 12


def features_of(root: Any) -> list[Any]:
    """The elements of the features in an answer."""
    found = []
    for member in root:
        if local(member) in _MEMBERS:
            found += [feature for feature in member if isinstance(feature.tag, str)]
    return found


def gml_table(name: str, features: list[Any], crs: str, context: ReadContext) -> VectorTable:
    """A table of features. ``crs`` is what was asked for; what the geometries say counts more."""
    import shapely

    shapes, rows, broken = [], [], 0
    system = ""
    for feature in features:
        properties, element = _taken_apart(feature)
        shape = None
        if element is not None:
            system = system or _srs(element)
            try:
                shape = _shape(element, _dimension(element), 0)
            except (ValueError, shapely.errors.GEOSException):
                broken += 1
        shapes.append(shape)
        rows.append(properties)
    context.warn("{count} geometries are damaged and were left out.", count=broken)
    geometry = np.array(shapes, dtype=object)
    system = system or crs
    code = epsg(system)
    by_authority = system.lower().startswith(("urn:", "http://www.opengis.net/def", "https://www.opengis.net/def"))
    if by_authority and north_first(code) and "CRS84" not in system.upper():
        geometry = shapely.transform(geometry, lambda xy: xy[:, ::-1])
    return VectorTable(name, geometry, columns_of(rows), f"EPSG:{code}" if code else "")


def _taken_apart(feature: Any) -> tuple[dict[str, object], Any]:
    """Attributes of one feature, and its first geometry."""
    properties: dict[str, object] = {}
    geometry = None
    ident = next((value for key, value in feature.attrib.items() if key.endswith("}id") or key == "fid"), "")
    if ident:
        properties["id"] = ident
    for element in feature:
        name = local(element)
        inner = next((each for each in element if isinstance(each.tag, str)), None)
        if inner is None:
            if name and element.text and element.text.strip():
                properties[name] = _value(element.text.strip())
        elif name != "boundedBy" and geometry is None:
            geometry = next((each for each in element.iter() if local(each) in _GEOMETRIES), None)
    return properties, geometry


def _value(text: str) -> object:
    """A number where the text is one and nothing is lost by it; identifiers with leading zeros stay text."""
    digits = text.lstrip("+-")
    if len(digits) > 15 or not digits[:1].isdigit() or (digits[0] == "0" and digits[1:2].isdigit()):
        return text
    try:
        return float(text)
    except ValueError:
        return text


def _srs(element: Any) -> str:
    while element is not None:
        name = element.get("srsName")
        if name:
            return str(name)
        element = element.getparent()
    return ""


def _dimension(element: Any) -> int:
    while element is not None:
        for name in ("srsDimension", "dimension"):
            if element.get(name, "").isdigit():
                return 3 if int(element.get(name)) == 3 else 2
        element = element.getparent()
    return 2


def _shape(element: Any, dimension: int, depth: int) -> Any:
    """A shapely geometry of an element.

    Raises
    ------
    ValueError
        Its numbers make none.
    """
    import shapely

    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    name = local(element)
    if name == "Point":
        return shapely.Point(_places(element, dimension)[0])
    if name in _LINES:
        return shapely.LineString(_line(element, dimension))
    if name in ("Polygon", "PolygonPatch"):
        return _polygon(element, dimension)
    inner = [_shape(each, dimension, depth + 1) for each in _parts(element)]
    if not inner:
        raise ValueError("empty")
    if name in _SURFACES or name in ("MultiPolygon", "MultiSurface"):
        polygons = [part for shape in inner for part in (shape.geoms if hasattr(shape, "geoms") else [shape])]
        return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    return shapely.GeometryCollection(inner)


def _parts(element: Any) -> Iterator[Any]:
    """The nearest geometries inside an element."""
    for each in element:
        if local(each) in _GEOMETRIES:
            yield each
        elif isinstance(each.tag, str):
            yield from _parts(each)


def _polygon(element: Any, dimension: int) -> Any:
    import shapely

    outer = child(element, "exterior")
    outer = child(element, "outerBoundaryIs") if outer is None else outer
    if outer is None:
        raise ValueError("no outline")
    holes = [*children(element, "interior"), *children(element, "innerBoundaryIs")]
    return shapely.Polygon(_line(outer, dimension), [_line(hole, dimension) for hole in holes])


def _line(element: Any, dimension: int) -> np.ndarray:
    """(N, 2) places of a line that may be made of segments; where two meet the place is not repeated."""
    pieces = list(_runs(element, dimension))
    if not pieces:
        raise ValueError("no places")
    joined = np.concatenate(pieces)
    keep = np.ones(len(joined), bool)
    keep[1:] = (joined[1:] != joined[:-1]).any(axis=1)
    return joined[keep]


def _runs(element: Any, dimension: int) -> Iterator[np.ndarray]:
    loose: list[str] = []
    for each in element.iter():
        name = local(each)
        if name == "posList":
            size = each.get("srsDimension", "")
            yield _numbers(each.text, 3 if size == "3" else dimension)
        elif name == "coordinates":
            yield _coordinates(each)
        elif name == "pos" and each.text:
            loose.append(each.text)
    if loose:
        yield np.array([_numbers(text, len(text.split()))[0, :2] for text in loose])


def _places(element: Any, dimension: int) -> np.ndarray:
    found = [*_runs(element, dimension)]
    if not found or not len(found[0]):
        raise ValueError("no place")
    return found[0]


def _numbers(text: str | None, dimension: int) -> np.ndarray:
    values = np.array((text or "").split(), dtype=np.float64)
    if not len(values) or dimension < 2 or len(values) % dimension or not np.isfinite(values).all():
        raise ValueError("not pairs of numbers")
    return values.reshape(-1, dimension)[:, :2]


def _coordinates(element: Any) -> np.ndarray:
    """GML 2: pairs with a comma inside, blanks between; both may be named otherwise."""
    decimal, inner, outer = (element.get(name, usual) for name, usual in (("decimal", "."), ("cs", ","), ("ts", " ")))
    text = (element.text or "").replace(outer or " ", " ")
    tuples = [each.split(inner) for each in text.split()]
    convert: Callable[[str], float] = lambda word: float(word.replace(decimal, "."))  # noqa: E731
    values = np.array([[convert(word) for word in each[:2]] for each in tuples], dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 2 or not np.isfinite(values).all():
        raise ValueError("not pairs of numbers")
    return values
