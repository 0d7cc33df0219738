"""A deterministic quarter of gable houses as CityGML and CityJSON text, for measuring only.

Every house is LoD2 with 7 faces (16 triangles): a solid by reference to its boundary surfaces, and the usual
attributes. The same number of houses gives the same bytes everywhere. ``city(n)`` is the larger and more varied town
(see ``town`` and ``shapes``).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.shapes import city

__all__ = ["CORNERS", "FACES", "ORIGIN", "TRIANGLES", "city", "houses", "write_citygml", "write_cityjson"]

#: Corners of each face of a house, counter-clockwise seen from outside, and what the face is.
FACES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("GroundSurface", (0, 3, 2, 1)),
    ("WallSurface", (0, 1, 5, 4)),
    ("WallSurface", (1, 2, 6, 9, 5)),
    ("WallSurface", (2, 3, 7, 6)),
    ("WallSurface", (3, 0, 4, 8, 7)),
    ("RoofSurface", (4, 5, 9, 8)),
    ("RoofSurface", (6, 7, 8, 9)),
)
CORNERS = 10
TRIANGLES = 16
ORIGIN = (560_000.0, 5_930_000.0, 12.0)
_SEED = 20_260_101

_USES = ("31001_1000", "31001_2000", "31001_1010", "31001_9998")


def houses(n_houses: int) -> NDArray[np.float64]:
    """(n, 10, 3) corners in EPSG:25832, metres: 4 on the ground, 4 at the eaves, 2 on the ridge."""
    rng = np.random.default_rng(_SEED)
    columns = max(1, int(np.ceil(np.sqrt(n_houses))))
    number = np.arange(n_houses)
    column, row = number % columns, number // columns
    # Two rows of gardens back to back, then a street; a cross street after every twelfth house.
    x = column * 18.0 + (column // 12) * 12.0
    y = row * 24.0 + (row // 2) * 14.0
    half = np.stack([rng.uniform(4.0, 6.5, n_houses), rng.uniform(3.5, 5.0, n_houses)], axis=1)
    eaves = rng.choice([3.2, 5.9, 8.6, 11.4], n_houses, p=[0.35, 0.4, 0.2, 0.05]) + rng.uniform(-0.3, 0.3, n_houses)
    ridge = eaves + half[:, 1] * rng.uniform(0.5, 1.1, n_houses)
    ground = 3.0 * np.sin(x / 300.0) + 2.0 * np.cos(y / 220.0)

    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1], [1, -1], [1, 1], [-1, 1], [-1, 0], [1, 0]])
    plan = signs[None] * half[:, None, :]
    turned = (column % 3 == 0)[:, None]  # every third house stands with its gable to the street
    plan = np.where(turned[..., None], np.stack([-plan[..., 1], plan[..., 0]], axis=-1), plan)
    height = np.zeros((n_houses, CORNERS))
    height[:, 4:8] = eaves[:, None]
    height[:, 8:] = ridge[:, None]
    corners = np.empty((n_houses, CORNERS, 3))
    corners[..., 0] = plan[..., 0] + x[:, None] + ORIGIN[0]
    corners[..., 1] = plan[..., 1] + y[:, None] + ORIGIN[1]
    corners[..., 2] = height + ground[:, None] + ORIGIN[2]
    return np.round(corners, 3)


def _attributes(corners: NDArray[np.float64]) -> list[tuple[float, int, int, str]]:
    """Height, storeys, year and use of every house."""
    rng = np.random.default_rng(_SEED + 1)
    n_houses = len(corners)
    height = corners[:, 9, 2] - corners[:, 0, 2]
    storeys = np.maximum(1, np.rint((corners[:, 4, 2] - corners[:, 0, 2]) / 2.8)).astype(int)
    years = rng.integers(1890, 2024, n_houses)
    uses = [_USES[i] for i in rng.integers(0, len(_USES), n_houses)]
    return list(zip(np.round(height, 3).tolist(), storeys.tolist(), years.tolist(), uses, strict=True))


def write_citygml(path: Path, n_houses: int) -> Path:
    """Write CityGML 2.0 of ``n_houses`` houses."""
    corners = houses(n_houses)
    ring_order = np.concatenate([np.append(face, face[0]) for _, face in FACES])
    numbers = corners[:, ring_order].reshape(n_houses, -1).tolist()
    template = _citygml_template()
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_CITYGML_HEAD % (*low.tolist(), *high.tolist()))
        for i, (row, (height, storeys, year, use)) in enumerate(zip(numbers, _attributes(corners), strict=True)):
            ids = tuple(f"H{i:06d}_{k}" for k in range(len(FACES)))
            values = iter(row)
            surfaces: list[object] = []
            for own, (_, face) in zip(ids, FACES, strict=True):
                surfaces.append(own)
                surfaces.extend(next(values) for _ in range(3 * (len(face) + 1)))
            file.write(template % (f"H{i:06d}", f"house {i}", use, year, height, storeys, *ids, *surfaces))
        file.write("</core:CityModel>\n")
    return path


_CITYGML_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml" \
xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:gen="http://www.opengis.net/citygml/generics/2.0" \
xmlns:xlink="http://www.w3.org/1999/xlink">
<gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783" srsDimension="3">\
<gml:lowerCorner>%.3f %.3f %.3f</gml:lowerCorner><gml:upperCorner>%.3f %.3f %.3f</gml:upperCorner>\
</gml:Envelope></gml:boundedBy>
"""


def _citygml_template() -> str:
    members = "".join('<gml:surfaceMember xlink:href="#%s"/>' for _ in FACES)
    surfaces = "".join(
        f"<bldg:boundedBy><bldg:{name}><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember>"
        '<gml:Polygon gml:id="%s"><gml:exterior><gml:LinearRing><gml:posList srsDimension="3">'
        f"{' '.join(['%.3f'] * (3 * (len(face) + 1)))}"
        "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"
        f"</gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:{name}></bldg:boundedBy>\n"
        for name, face in FACES
    )
    return (
        '<core:cityObjectMember><bldg:Building gml:id="%s"><gml:name>%s</gml:name>'
        "<bldg:function>%s</bldg:function><bldg:yearOfConstruction>%d</bldg:yearOfConstruction>"
        '<bldg:roofType>3100</bldg:roofType><bldg:measuredHeight uom="m">%.3f</bldg:measuredHeight>'
        "<bldg:storeysAboveGround>%d</bldg:storeysAboveGround>\n"
        f"<bldg:lod2Solid><gml:Solid><gml:exterior><gml:CompositeSurface>{members}"
        "</gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod2Solid>\n"
        f"{surfaces}</bldg:Building></core:cityObjectMember>\n"
    )


def write_cityjson(path: Path, n_houses: int) -> Path:
    """Write CityJSON 2.0 of ``n_houses`` houses."""
    corners = houses(n_houses)
    whole = np.rint((corners - ORIGIN) * 1000).astype(np.int64).reshape(-1, 3).tolist()
    names = tuple(dict.fromkeys(name for name, _ in FACES))
    order = [corner for _, face in FACES for corner in face]
    boundaries = ",".join(f"[[{','.join(['%d'] * len(face))}]]" for _, face in FACES)
    semantics = ",".join(f'{{"type":"{name}"}}' for name in names)
    values = ",".join(str(names.index(name)) for name, _ in FACES)
    template = (
        '"H%06d":{"type":"Building","attributes":{"name":"house %d","function":"%s","yearOfConstruction":%d,'
        '"roofType":"3100","measuredHeight":%.3f,"storeysAboveGround":%d},"geometry":[{"type":"Solid","lod":"2",'
        f'"boundaries":[[{boundaries}]],"semantics":{{"surfaces":[{semantics}],"values":[[{values}]]}}}}]}}'
    )
    indices = (np.arange(n_houses)[:, None] * CORNERS + np.array(order)).tolist()
    objects = ",\n".join(
        template % (i, i, use, year, height, storeys, *row)
        for i, (row, (height, storeys, year, use)) in enumerate(zip(indices, _attributes(corners), strict=True))
    )
    vertices = ",".join(f"[{x},{y},{z}]" for x, y, z in whole)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(
            '{"type":"CityJSON","version":"2.0","transform":{"scale":[0.001,0.001,0.001],"translate":'
            f"[{ORIGIN[0]},{ORIGIN[1]},{ORIGIN[2]}]}},"
            '"metadata":{"referenceSystem":"https://www.opengis.net/def/crs/EPSG/0/25832"},"CityObjects":{\n'
        )
        file.write(objects)
        file.write(f'\n}},"vertices":[{vertices}]}}\n')
    return path
