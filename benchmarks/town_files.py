"""The measured town as CityGML 2.0 and CityJSON 2.0 files: what an office would hand over, at any size.

Texts are filled into one template per shape, some thousand buildings at a time, so that a million of them need little
memory. The exporters of the project are not used: what is measured should not be written by what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.shapes import ORIGIN, ROOF_CODES, SHAPES, SURFACES, USES, Buildings, Shape, buildings
from benchmarks.town import Kind

Floats = NDArray[np.float64]
#: Buildings written at a time.
_AT_ONCE = 20_000

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml" \
xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:xlink="http://www.w3.org/1999/xlink">
<gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783" srsDimension="3">\
<gml:lowerCorner>%.3f %.3f %.3f</gml:lowerCorner><gml:upperCorner>%.3f %.3f %.3f</gml:upperCorner>\
</gml:Envelope></gml:boundedBy>
"""


def write_citygml(path: Path, count: int) -> Path:
    """Write the town of ``count`` buildings: solids by reference to boundary surfaces, usual attributes."""
    town = buildings(count)
    templates = {kind: _citygml_template(kind, shape) for kind, shape in SHAPES.items()}
    orders = {kind: _closed_rings(shape) for kind, shape in SHAPES.items()}

    def text(kind: Kind, identifier: str, values: list[float], facts: tuple[object, ...]) -> str:
        return templates[kind].replace("@", identifier) % (*facts, *values)

    def numbers(kind: Kind, points: Floats) -> Floats:
        return points[:, orders[kind]] + ORIGIN

    low, high = _extent(town)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_HEAD % (*low, *high))
        for piece in _pieces(town, numbers, text):
            file.write("".join(piece))
        file.write("</core:CityModel>\n")
    return path


def write_cityjson(path: Path, count: int) -> Path:
    """Write the town of ``count`` buildings, a solid with semantics each."""
    town = buildings(count)
    templates = {kind: _cityjson_template(kind, shape) for kind, shape in SHAPES.items()}
    corners_of = np.zeros(len(Kind), np.int64)
    for kind, shape in SHAPES.items():
        corners_of[kind] = len(shape.place)
    sizes = corners_of[town.lots.kind]
    first = np.cumsum(sizes) - sizes
    starts = iter(first.tolist())
    orders = {kind: shape.order for kind, shape in SHAPES.items()}

    def text(kind: Kind, identifier: str, values: list[float], facts: tuple[object, ...]) -> str:
        return templates[kind].replace("@", identifier) % (*facts, *(orders[kind] + next(starts)).tolist())

    def vertices(kind: Kind, identifier: str, values: list[float], facts: tuple[object, ...]) -> str:
        return rows[kind] % tuple(values)

    def millimetres(kind: Kind, points: Floats) -> Floats:
        return np.rint(points * 1000)

    rows = {kind: ",".join(["[%d,%d,%d]"] * len(shape.place)) for kind, shape in SHAPES.items()}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(
            '{"type":"CityJSON","version":"2.0","transform":{"scale":[0.001,0.001,0.001],"translate":'
            f"[{ORIGIN[0]},{ORIGIN[1]},{ORIGIN[2]}]}},"
            '"metadata":{"referenceSystem":"https://www.opengis.net/def/crs/EPSG/0/25832"},"CityObjects":{\n'
        )
        _write_joined(file.write, _pieces(town, lambda kind, points: points[:, :0], text), ",\n")
        file.write('\n},"vertices":[')
        _write_joined(file.write, _pieces(town, millimetres, vertices), ",")
        file.write("]}\n")
    return path


def _write_joined(write: Callable[[str], object], pieces: Iterator[list[str]], between: str) -> None:
    for number, piece in enumerate(pieces):
        write((between if number else "") + between.join(piece))


def _pieces(
    town: Buildings,
    numbers: Callable[[Kind, Floats], Floats],
    text: Callable[[Kind, str, list[float], tuple[object, ...]], str],
) -> Iterator[list[str]]:
    """The texts of all buildings in their order, some thousand at a time; ``numbers`` gives (n, m, 3) per shape."""
    heights, storeys, years, uses = town.height_m, town.lots.storeys, town.year, town.use
    for begin in range(0, len(town), _AT_ONCE):
        end = min(begin + _AT_ONCE, len(town))
        rows: list[list[float]] = [[]] * (end - begin)
        for kind, (own, points) in town.corners.items():
            a, b = np.searchsorted(own, [begin, end])
            values = numbers(kind, points[a:b])
            flat = values.reshape(b - a, values.shape[1] * 3)
            for number, row in zip(own[a:b].tolist(), flat.tolist(), strict=True):
                rows[number - begin] = row
        facts = zip(
            [USES[i] for i in uses[begin:end].tolist()], years[begin:end].tolist(), heights[begin:end].tolist(),
            storeys[begin:end].tolist(), strict=True,
        )  # fmt: skip
        kinds = [Kind(kind) for kind in town.lots.kind[begin:end].tolist()]
        yield [
            text(kind, town.identifier(begin + i), row, fact)
            for i, (kind, row, fact) in enumerate(zip(kinds, rows, facts, strict=True))
        ]


def _closed_rings(shape: Shape) -> NDArray[np.int64]:
    return np.concatenate([np.append(corners, corners[0]) for _, corners in shape.faces])


def _citygml_template(kind: Kind, shape: Shape) -> str:
    members = "".join(f'<gml:surfaceMember xlink:href="#@_{k}"/>' for k in range(len(shape.faces)))
    surfaces = "".join(
        f"<bldg:boundedBy><bldg:{SURFACES[surface]}><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember>"
        f'<gml:Polygon gml:id="@_{k}"><gml:exterior><gml:LinearRing><gml:posList srsDimension="3">'
        f"{' '.join(['%.3f'] * (3 * (len(corners) + 1)))}"
        "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface>"
        f"</bldg:lod2MultiSurface></bldg:{SURFACES[surface]}></bldg:boundedBy>\n"
        for k, (surface, corners) in enumerate(shape.faces)
    )
    return (
        '<core:cityObjectMember><bldg:Building gml:id="@">'
        "<bldg:function>%s</bldg:function><bldg:yearOfConstruction>%d</bldg:yearOfConstruction>"
        f"<bldg:roofType>{ROOF_CODES[kind]}</bldg:roofType>"
        '<bldg:measuredHeight uom="m">%.3f</bldg:measuredHeight>'
        "<bldg:storeysAboveGround>%d</bldg:storeysAboveGround>\n"
        f"<bldg:lod2Solid><gml:Solid><gml:exterior><gml:CompositeSurface>{members}"
        "</gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod2Solid>\n"
        f"{surfaces}</bldg:Building></core:cityObjectMember>\n"
    )


def _cityjson_template(kind: Kind, shape: Shape) -> str:
    names = tuple(dict.fromkeys(SURFACES[surface] for surface, _ in shape.faces))
    boundaries = ",".join(f"[[{','.join(['%d'] * len(corners))}]]" for _, corners in shape.faces)
    semantics = ",".join(f'{{"type":"{name}"}}' for name in names)
    values = ",".join(str(names.index(SURFACES[surface])) for surface, _ in shape.faces)
    return (
        '"@":{"type":"Building","attributes":{"function":"%s","yearOfConstruction":%d,"measuredHeight":%.3f,'
        f'"storeysAboveGround":%d,"roofType":"{ROOF_CODES[kind]}"}},"geometry":[{{"type":"Solid","lod":"2",'
        f'"boundaries":[[{boundaries}]],"semantics":{{"surfaces":[{semantics}],"values":[[{values}]]}}}}]}}'
    )


def _extent(town: Buildings) -> tuple[list[float], list[float]]:
    every = [points.reshape(-1, 3) for _, points in town.corners.values() if len(points)]
    if not every:
        return list(ORIGIN), list(ORIGIN)
    low = np.min([points.min(axis=0) for points in every], axis=0) + ORIGIN
    high = np.max([points.max(axis=0) for points in every], axis=0) + ORIGIN
    return low.tolist(), high.tolist()
