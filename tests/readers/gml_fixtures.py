"""Makes small CityGML files in all versions, so that every path of the reader is walked without data of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

VERSIONS = ("1.0", "2.0", "3.0")
#: Faces and triangles of one ``house``.
HOUSE_FACES, HOUSE_TRIANGLES = 7, 16
X0, Y0, Z0 = 565_000.0, 5_935_000.0, 8.0

Point = tuple[float, float, float]


def root(version: str) -> tuple[str, str]:
    """Opening and closing tag of the root element, with unusual prefixes to be on the safe side."""
    gml = "http://www.opengis.net/gml/3.2" if version == "3.0" else "http://www.opengis.net/gml"
    base = "http://www.opengis.net/citygml"
    modules = {
        "b": "building", "g": "generics", "tr": "transportation", "w": "waterbody", "v": "vegetation", "d": "relief",
        "lu": "landuse", "f": "cityfurniture", "br": "bridge", "tu": "tunnel", "grp": "cityobjectgroup",
        "app": "appearance", "con": "construction",
    }  # fmt: skip
    if version == "1.0":
        del modules["con"], modules["br"], modules["tu"]
    names = "".join(f' xmlns:{prefix}="{base}/{module}/{version}"' for prefix, module in modules.items())
    xal = "urn:oasis:names:tc:ciq:xal:3" if version == "3.0" else "urn:oasis:names:tc:ciq:xsdschema:xAL:2.0"
    return (
        f'<c:CityModel xmlns:c="{base}/{version}" xmlns:q="{gml}" xmlns:x="http://www.w3.org/1999/xlink" '
        f'xmlns:xal="{xal}"{names}>',
        "</c:CityModel>",
    )


def document(
    version: str,
    members: Iterable[str],
    *,
    srs: str = "urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH*GCG2016",
    prolog: str = "",
) -> Iterator[str]:
    """The parts of a file, to be joined or written one after the other."""
    opening, closing = root(version)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n' + prolog + opening
    if srs:
        yield (
            f'<q:boundedBy><q:Envelope srsName="{srs}" srsDimension="3"><q:lowerCorner>0 0 0</q:lowerCorner>'
            "<q:upperCorner>1 1 1</q:upperCorner></q:Envelope></q:boundedBy>"
        )
    for member in members:
        yield f"<c:cityObjectMember>{member}</c:cityObjectMember>\n"
    yield closing


def write(path: Path, version: str, members: Iterable[str], *, srs: str | None = None, prolog: str = "") -> Path:
    """Write a file and return its path."""
    parts = document(version, members, prolog=prolog) if srs is None else document(version, members, srs=srs,
                                                                                  prolog=prolog)  # fmt: skip
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(parts)
    return path


def ring(points: Iterable[Point], *, style: str = "posList", closed: bool = True) -> str:
    """A linear ring; ``style`` is posList, pos or coordinates."""
    points = list(points)
    if closed:
        points.append(points[0])
    if style == "pos":
        inner = "".join(f"<q:pos>{x:.3f} {y:.3f} {z:.3f}</q:pos>" for x, y, z in points)
    elif style == "coordinates":
        inner = f"<q:coordinates>{' '.join(f'{x:.3f},{y:.3f},{z:.3f}' for x, y, z in points)}</q:coordinates>"
    else:
        inner = f"<q:posList>{' '.join(f'{x:.3f} {y:.3f} {z:.3f}' for x, y, z in points)}</q:posList>"
    return f"<q:LinearRing>{inner}</q:LinearRing>"


def polygon(
    points: Iterable[Point], *, name: str = "", holes: Iterable[list[Point]] = (), style: str = "posList"
) -> str:
    """A polygon with holes."""
    ident = f' q:id="{name}"' if name else ""
    inner = "".join(f"<q:interior>{ring(hole, style=style)}</q:interior>" for hole in holes)
    return f"<q:Polygon{ident}><q:exterior>{ring(points, style=style)}</q:exterior>{inner}</q:Polygon>"


def multi_surface(*surfaces: str) -> str:
    """Surfaces, or references to them (``"#id"``)."""
    members = "".join(
        f'<q:surfaceMember x:href="{s}"/>' if s.startswith("#") else f"<q:surfaceMember>{s}</q:surfaceMember>"
        for s in surfaces
    )
    return f"<q:MultiSurface>{members}</q:MultiSurface>"


def solid(version: str, *surfaces: str) -> str:
    """A solid of surfaces or references."""
    shell = "Shell" if version == "3.0" else "CompositeSurface"
    inner = multi_surface(*surfaces).replace("MultiSurface", shell)
    return f"<q:Solid><q:exterior>{inner}</q:exterior></q:Solid>"


def house_rings(x: float = X0, y: float = Y0, z: float = Z0) -> list[tuple[str, list[Point]]]:
    """Surfaces of a gabled house of 10 x 8 m, eaves at 6 m, ridge at 9 m: kind and ring."""
    a, b, c, d = (x, y, z), (x + 10, y, z), (x + 10, y + 8, z), (x, y + 8, z)
    e, f, g, h = ((px, py, z + 6) for px, py, _ in (a, b, c, d))
    r, s = (x, y + 4, z + 9), (x + 10, y + 4, z + 9)
    return [
        ("GroundSurface", [a, d, c, b]),
        ("WallSurface", [a, b, f, e]),
        ("WallSurface", [c, d, h, g]),
        ("WallSurface", [b, c, g, s, f]),
        ("WallSurface", [d, a, e, r, h]),
        ("RoofSurface", [e, f, s, r]),
        ("RoofSurface", [g, h, r, s]),
    ]


def boundary(version: str, kind: str, content: str, *, lod: int = 2, module: str = "b", extra: str = "") -> str:
    """A thematic surface around a geometry."""
    geometry = content if content.startswith("<q:Multi") else multi_surface(content)
    if version == "3.0":
        prefix = "con" if module == "b" else module
        return (
            f"<c:boundary><{prefix}:{kind}><c:lod{lod}MultiSurface>{geometry}</c:lod{lod}MultiSurface>{extra}"
            f"</{prefix}:{kind}></c:boundary>"
        )
    return (
        f"<{module}:boundedBy><{module}:{kind}><{module}:lod{lod}MultiSurface>{geometry}</{module}:lod{lod}MultiSurface>"
        f"{extra}</{module}:{kind}></{module}:boundedBy>"
    )


def house_surfaces(version: str, ident: str, x: float = X0, y: float = Y0, *, lod: int = 2) -> str:
    """Boundary surfaces of a house, polygons named ``<ident>_0`` to ``_6``."""
    return "".join(
        boundary(version, kind, polygon(points, name=f"{ident}_{i}"), lod=lod)
        for i, (kind, points) in enumerate(house_rings(x, y))
    )


def house_solid(version: str, ident: str, *, lod: int = 2) -> str:
    """The solid of a house by reference to its surfaces."""
    prefix = "c" if version == "3.0" else "b"
    inner = solid(version, *(f"#{ident}_{i}" for i in range(HOUSE_FACES)))
    return f"<{prefix}:lod{lod}Solid>{inner}</{prefix}:lod{lod}Solid>"


def attributes(version: str, number: int = 0) -> str:
    """What a state office writes about a building."""
    if version == "3.0":
        generic = (
            "<c:genericAttribute><g:StringAttribute><g:name>Gemeindeschluessel</g:name><g:value>02000000</g:value>"
            "</g:StringAttribute></c:genericAttribute><c:genericAttribute><g:DoubleAttribute><g:name>Dachneigung"
            "</g:name><g:value>36.5</g:value></g:DoubleAttribute></c:genericAttribute>"
        )
        height = "<con:height><con:Height><con:value uom='m'>9.0</con:value></con:Height></con:height>"
        year = "<con:dateOfConstruction>1965-07-01</con:dateOfConstruction>"
    else:
        generic = (
            '<g:stringAttribute name="Gemeindeschluessel"><g:value>02000000</g:value></g:stringAttribute>'
            '<g:doubleAttribute name="Dachneigung"><g:value>36.5</g:value></g:doubleAttribute>'
        )
        height = '<b:measuredHeight uom="urn:adv:uom:m">9.0</b:measuredHeight>'
        year = "<b:yearOfConstruction>1965</b:yearOfConstruction>"
    return (
        f"<q:name>Haus {number}</q:name>{generic}<b:function>31001_1000</b:function>{year}"
        f"<b:roofType>3100</b:roofType>{height}<b:storeysAboveGround>2</b:storeysAboveGround>"
    )


def address(version: str, number: int = 1) -> str:
    """An address in the xAL of the version."""
    if version == "3.0":
        inner = (
            "<xal:Address><xal:Locality><xal:NameElement>Hamburg</xal:NameElement></xal:Locality><xal:Thoroughfare>"
            f"<xal:NameElement>Lange Reihe</xal:NameElement><xal:Number>{number}</xal:Number></xal:Thoroughfare>"
            "<xal:PostCode><xal:Identifier>20099</xal:Identifier></xal:PostCode></xal:Address>"
        )
    else:
        inner = (
            "<xal:AddressDetails><xal:Country><xal:CountryName>Germany</xal:CountryName><xal:Locality Type='Town'>"
            "<xal:LocalityName>Hamburg</xal:LocalityName><xal:Thoroughfare Type='Street'><xal:ThoroughfareNumber>"
            f"{number}</xal:ThoroughfareNumber><xal:ThoroughfareName>Lange Reihe</xal:ThoroughfareName>"
            "</xal:Thoroughfare><xal:PostalCode><xal:PostalCodeNumber>20099</xal:PostalCodeNumber></xal:PostalCode>"
            "</xal:Locality></xal:Country></xal:AddressDetails>"
        )
    return f"<b:address><c:Address><c:xalAddress>{inner}</c:xalAddress></c:Address></b:address>"


def building(content: str, ident: str = "H1") -> str:
    """A building around its content."""
    return f'<b:Building q:id="{ident}">{content}</b:Building>'


def house(version: str, ident: str = "H1", x: float = X0, y: float = Y0, number: int = 0) -> str:
    """A complete LoD2 house as a state office ships it: solid first, by reference to surfaces that come later."""
    return building(
        attributes(version, number)
        + house_solid(version, ident)
        + house_surfaces(version, ident, x, y)
        + address(version, number),
        ident,
    )


def houses(version: str, count: int) -> Iterator[str]:
    """Many houses in a square, 25 m apart."""
    side = max(1, round(count**0.5))
    for i in range(count):
        yield house(version, f"H{i}", X0 + i % side * 25, Y0 + i // side * 25, i)


def box(x: float = X0, y: float = Y0, z: float = Z0, size: float = 4.0, height: float = 3.0) -> list[list[Point]]:
    """Six faces of a block, counter-clockwise seen from outside."""
    a, b, c, d = (x, y, z), (x + size, y, z), (x + size, y + size, z), (x, y + size, z)
    e, f, g, h = ((px, py, z + height) for px, py, _ in (a, b, c, d))
    return [[a, d, c, b], [e, f, g, h], [a, b, f, e], [b, c, g, f], [c, d, h, g], [d, a, e, h]]


def square(x: float = X0, y: float = Y0, z: float = Z0, size: float = 10.0) -> list[Point]:
    """A flat square seen from above."""
    return [(x, y, z), (x + size, y, z), (x + size, y + size, z), (x, y + size, z)]


def terrain() -> str:
    """A relief feature with points, a break line and a grid."""

    def text(points: Iterable[Point]) -> str:
        return " ".join(f"{c:.2f}" for point in points for c in point)

    points = [(X0 + 10.0 * i, Y0 + 10.0 * j, Z0 + i * j) for i in range(4) for j in range(4)]
    mass = "".join(f"<q:pointMember><q:Point><q:pos>{text([p])}</q:pos></q:Point></q:pointMember>" for p in points)
    line = f"<q:LineString><q:posList>{text((x, y + 3, z) for x, y, z in points[:4])}</q:posList></q:LineString>"
    heights = " ".join(str(number) for number in range(12))
    grid = (
        "<q:RectifiedGridCoverage><q:rectifiedGridDomain><q:RectifiedGrid dimension='2'><q:limits><q:GridEnvelope>"
        "<q:low>0 0</q:low><q:high>3 2</q:high></q:GridEnvelope></q:limits>"
        f"<q:origin><q:Point><q:pos>{X0 + 50} {Y0}</q:pos></q:Point></q:origin><q:offsetVector>10 0</q:offsetVector>"
        "<q:offsetVector>0 10</q:offsetVector></q:RectifiedGrid></q:rectifiedGridDomain><q:rangeSet><q:DataBlock>"
        f"<q:tupleList>{heights}</q:tupleList></q:DataBlock></q:rangeSet><q:coverageFunction><q:GridFunction>"
        "<q:sequenceRule order='+x+y'>Linear</q:sequenceRule><q:startPoint>0 0</q:startPoint></q:GridFunction>"
        "</q:coverageFunction></q:RectifiedGridCoverage>"
    )
    parts = {
        "MassPointRelief": f"<d:reliefPoints><q:MultiPoint>{mass}</q:MultiPoint></d:reliefPoints>",
        "BreaklineRelief": (
            f"<d:breaklines><q:MultiCurve><q:curveMember>{line}</q:curveMember></q:MultiCurve></d:breaklines>"
        ),
        "RasterRelief": f"<d:grid>{grid}</d:grid>",
    }
    inner = "".join(
        f'<d:reliefComponent><d:{kind} q:id="{kind[0]}"><d:lod>2</d:lod>{content}</d:{kind}></d:reliefComponent>'
        for kind, content in parts.items()
    )
    return f'<d:ReliefFeature q:id="R"><d:lod>2</d:lod>{inner}</d:ReliefFeature>'
