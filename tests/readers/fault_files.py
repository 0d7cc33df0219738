"""One file for each fault of a geometry: a faulty building between two sound ones, as CityJSON and CityGML 2.0."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.builders import box, gable_house

import gml_fixtures as gml  # isort: skip

X0, Y0, Z0 = 565_000.0, 5_934_000.0, 8.0
FAULTY = "faulty"
SOUND = ("before", "after")

Point = tuple[float, float, float]
#: A surface: its rings, the outer one first, without closing points.
Surface = list[list[Point]]
Shell = list[Surface]


@dataclass(frozen=True)
class Body:
    """A geometry as it is to be written.

    kind : ``Solid``, ``MultiSurface``, ``MultiSolid`` or ``CompositeSolid``. solids : shells of each solid, the outer
    one first; a MultiSurface has one shell. left_open : rings (surface, ring) that CityGML leaves without their last
    point. parts : more bodies, each of a BuildingPart; the building itself has none then.
    """

    solids: list[list[Shell]] = field(default_factory=list)
    kind: str = "Solid"
    left_open: frozenset[tuple[int, int]] = frozenset()
    parts: tuple[Body, ...] = ()


def surfaces(faces: Iterable[tuple[Any, Surface]]) -> Shell:
    """The surfaces of faces made by ``tests.builders``."""
    return [[[tuple(map(float, point)) for point in ring] for ring in rings] for _, rings in faces]


def block(length: float = 10, width: float = 10, height: float = 6, **at: float) -> Shell:
    """A closed box: floor, four walls and, last, the roof."""
    return surfaces(box(length, width, height, **at))


def turned(shell: Shell) -> Shell:
    """Every surface turned round."""
    return [[ring[::-1] for ring in rings] for rings in shell]


def solid(shell: Shell, *hollows: Shell, left_open: Iterable[tuple[int, int]] = ()) -> Body:
    return Body([[shell, *hollows]], left_open=frozenset(left_open))


def house(x: float) -> Body:
    return solid(surfaces(gable_house(12, 8, 6, 9, origin=(x, 0.0, 0.0))))


def town(body: Body) -> dict[str, Body]:
    """The buildings of a file."""
    return {SOUND[0]: house(-60.0), FAULTY: body, SOUND[1]: house(60.0)}


# -- CityJSON ------------------------------------------------------------------------------------------------------


def cityjson(body: Body) -> dict[str, Any]:
    """A CityJSON 2.0 document, whole numbers of tenths of millimetres."""
    return document(town(body))


def document(buildings: dict[str, Body]) -> dict[str, Any]:
    vertices: dict[Point, int] = {}
    objects: dict[str, Any] = {}
    for name, body in buildings.items():
        objects[name] = _object("Building", body, vertices)
        for number, part in enumerate(body.parts, start=1):
            child = f"{name}-{number}"
            objects[child] = {**_object("BuildingPart", part, vertices), "parents": [name]}
            objects[name].setdefault("children", []).append(child)
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [1e-4] * 3, "translate": [X0, Y0, Z0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/5555"},
        "CityObjects": objects,
        "vertices": [[round(value * 1e4) for value in point] for point in vertices],
    }


def _object(kind: str, body: Body, vertices: dict[Point, int]) -> dict[str, Any]:
    def numbered(shell: Shell) -> list[list[list[int]]]:
        return [[[vertices.setdefault(point, len(vertices)) for point in ring] for ring in rings] for rings in shell]

    result: dict[str, Any] = {"type": kind, "attributes": {"function": "1000"}}
    if body.solids:
        solids = [[numbered(shell) for shell in shells] for shells in body.solids]
        boundaries: Any = solids[0][0] if body.kind == "MultiSurface" else solids[0] if body.kind == "Solid" else solids
        result["geometry"] = [{"type": body.kind, "lod": "2", "boundaries": boundaries}]
    return result


def write_cityjson(path: Path, body: Body) -> Path:
    path.write_text(json.dumps(cityjson(body)), encoding="utf-8")
    return path


# -- CityGML -------------------------------------------------------------------------------------------------------


def write_citygml(path: Path, body: Body) -> Path:
    """A CityGML 2.0 file, every polygon in the solid it belongs to."""
    members = [_building("Building", name, own) for name, own in town(body).items()]
    return gml.write(path, "2.0", members)


def _building(tag: str, name: str, body: Body) -> str:
    parts = "".join(
        f"<b:consistsOfBuildingPart>{_building('BuildingPart', f'{name}-{number}', part)}</b:consistsOfBuildingPart>"
        for number, part in enumerate(body.parts, start=1)
    )
    prop = f"b:lod2{'MultiSurface' if body.kind == 'MultiSurface' else 'Solid'}"
    shape = f"<{prop}>{_geometry(body)}</{prop}>" if body.solids else ""
    return f'<b:{tag} q:id="{name}"><b:function>1000</b:function>{shape}{parts}</b:{tag}>'


def _geometry(body: Body) -> str:
    if body.kind == "MultiSurface":
        return _members("MultiSurface", body.solids[0][0], body.left_open)
    solids = [_solid(shells, body.left_open) for shells in body.solids]
    if body.kind == "Solid":
        return solids[0]
    return "".join([f"<q:{body.kind}>", *(f"<q:solidMember>{s}</q:solidMember>" for s in solids), f"</q:{body.kind}>"])


def _solid(shells: list[Shell], left_open: frozenset[tuple[int, int]]) -> str:
    pieces = [
        f"<q:{role}>{_members('CompositeSurface', shell, left_open if role == 'exterior' else frozenset())}</q:{role}>"
        for role, shell in zip(["exterior", *["interior"] * len(shells)], shells, strict=False)
    ]
    return f"<q:Solid>{''.join(pieces)}</q:Solid>"


def _members(tag: str, shell: Shell, left_open: frozenset[tuple[int, int]]) -> str:
    polygons = []
    for number, rings in enumerate(shell):
        outer, *holes = [_ring(ring, (number, place) not in left_open) for place, ring in enumerate(rings)]
        inner = "".join(f"<q:interior>{hole}</q:interior>" for hole in holes)
        polygons.append(
            f"<q:surfaceMember><q:Polygon><q:exterior>{outer}</q:exterior>{inner}</q:Polygon></q:surfaceMember>"
        )
    return f"<q:{tag}>{''.join(polygons)}</q:{tag}>"


def _ring(points: list[Point], closed: bool) -> str:
    points = [*points, points[0]] if closed else points
    numbers = " ".join(f"{X0 + x:.4f} {Y0 + y:.4f} {Z0 + z:.4f}" for x, y, z in points)
    return f"<q:LinearRing><q:posList>{numbers}</q:posList></q:LinearRing>"


WRITERS: dict[str, Callable[[Path, Body], Path]] = {".city.json": write_cityjson, ".gml": write_citygml}
