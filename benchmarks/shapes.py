"""Faces of the measured town's buildings: a handful of shapes, and a whole town as one ``CityModel``.

A shape is a list of corners, each a place in the lot and a height (ground, eaves, ridge), and faces over them.
Every face is listed from a corner that sees all of it, so a fan of triangles fills it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from benchmarks.town import Kind, Lots, Quarter, bend, ground_m, lots, share
from viewer.city import CityModel, Frame, ObjectTable, SurfaceType
from viewer.city.model import Column

Floats = NDArray[np.float64]

#: Where the middle of the town lies, metres in EPSG:25832.
ORIGIN = (565_000.0, 5_935_000.0, 10.0)
CRS = "EPSG:25832"
SURFACES = {SurfaceType.GROUND: "GroundSurface", SurfaceType.WALL: "WallSurface", SurfaceType.ROOF: "RoofSurface"}
USES = ("31001_1000", "31001_1010", "31001_2000", "31001_2020", "31001_9998")
ROOF_CODES = {Kind.FLAT: "1000", Kind.GABLE: "3100", Kind.HIP: "3200", Kind.SHED: "2100", Kind.ELL: "1000",
               Kind.TOWER: "1000"}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """A kind of building.

    place : (C, 2) places of the corners in the lot, 0 .. 1. eaves, ridge : (C,) share of the eaves' height and of the
    rise above them. faces : surface and corners of each, counter-clockwise seen from outside.
    """

    place: Floats
    eaves: Floats
    ridge: Floats
    faces: tuple[tuple[SurfaceType, tuple[int, ...]], ...]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Corners of every face."""
        return np.array([len(corners) for _, corners in self.faces], np.int64)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Corner of every vertex, face after face."""
        return np.concatenate([np.array(corners) for _, corners in self.faces])

    @cached_property
    def fans(self) -> NDArray[np.int64]:
        """(T, 3) triangles over the vertices."""
        first = np.cumsum(self.sizes) - self.sizes
        return np.array(
            [(a, a + i, a + i + 1) for a, n in zip(first.tolist(), self.sizes.tolist(), strict=True)
             for i in range(1, n - 1)]
        )  # fmt: skip


def _prism(outline: list[tuple[float, float]], first: int = 0) -> Shape:
    """Upright walls and a flat roof over an outline; floor and roof begin at corner ``first``."""
    n = len(outline)
    place = np.array(outline * 2)
    height = np.repeat([0.0, 1.0], n)
    turn = [(first + i) % n for i in range(n)]
    floor = (turn[0], *reversed(turn[1:]))
    walls = [(SurfaceType.WALL, (i, (i + 1) % n, (i + 1) % n + n, i + n)) for i in range(n)]
    return Shape(place, height, np.zeros(2 * n), (
        (SurfaceType.GROUND, floor), *walls, (SurfaceType.ROOF, tuple(i + n for i in turn)),
    ))  # fmt: skip


def _ridged(ridge: tuple[float, float], faces: list[tuple[SurfaceType, tuple[int, ...]]]) -> Shape:
    """A rectangle with a ridge along the street between two places."""
    square = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    place = np.array([*square, *square, (ridge[0], 0.5), (ridge[1], 0.5)])
    eaves = np.array([0.0] * 4 + [1.0] * 6)
    top = np.array([0.0] * 8 + [1.0] * 2)
    return Shape(place, eaves, top, ((SurfaceType.GROUND, (0, 3, 2, 1)), *faces))


def _shapes() -> dict[Kind, Shape]:
    wall, roof = SurfaceType.WALL, SurfaceType.ROOF
    square = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
    flat = _prism(square)
    low, high = 0.29, 0.71
    walls = [(wall, (i, (i + 1) % 4, (i + 1) % 4 + 4, i + 4)) for i in range(4)]
    return {
        Kind.FLAT: flat,
        Kind.GABLE: _ridged((0.0, 1.0), [
            (wall, (0, 1, 5, 4)), (wall, (1, 2, 6, 9, 5)), (wall, (2, 3, 7, 6)), (wall, (3, 0, 4, 8, 7)),
            (roof, (4, 5, 9, 8)), (roof, (6, 7, 8, 9)),
        ]),
        Kind.HIP: _ridged((0.28, 0.72), [
            *walls, (roof, (4, 5, 9, 8)), (roof, (5, 6, 9)), (roof, (6, 7, 8, 9)), (roof, (7, 4, 8)),
        ]),
        Kind.SHED: replace(flat, ridge=np.array([0.0] * 6 + [1.0] * 2)),
        Kind.ELL: _prism([(0, 0), (1, 0), (1, 0.6), (0.6, 0.6), (0.6, 1), (0, 1)], first=3),
        Kind.TOWER: _prism([(low, 0), (high, 0), (1, low), (1, high), (high, 1), (low, 1), (0, high), (0, low)]),
    }  # fmt: skip


SHAPES = _shapes()


@dataclass(frozen=True)
class Buildings:
    """Buildings with their corners and attributes.

    lots : where and what they are. corners : per kind, which buildings it has (ascending) and their (n, C, 3)
    corners, metres above ``ORIGIN``. height_m, year, use : (n,) each.
    """

    lots: Lots
    corners: dict[Kind, tuple[NDArray[np.int64], Floats]]
    height_m: Floats
    year: NDArray[np.int64]
    use: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lots)

    def identifier(self, number: int) -> str:
        """The id of a building."""
        return f"DEHHTOWN{number:08d}"


def buildings(count: int) -> Buildings:
    """``count`` buildings with corners rounded to millimetres."""
    where = lots(count)
    ground = ground_m(bend(where.middle))
    corners = {}
    for kind, shape in SHAPES.items():
        own = np.flatnonzero(where.kind == kind)
        t, d = shape.place.T
        plan = (
            where.origin[own, None]
            + t[None, :, None] * where.along[own, None]
            + d[None, :, None] * where.inward[own, None]
        )
        points = np.empty((len(own), len(t), 3))
        points[..., :2] = bend(plan)
        points[..., 2] = ground[own, None] + shape.eaves * where.eaves_m[own, None]
        points[..., 2] += shape.ridge * where.rise_m[own, None]
        corners[kind] = (own, np.round(points, 3))
    old = np.where(where.quarter == Quarter.PERIMETER, 1875, 1925)
    year = (old + share(where.key, 91) ** 2 * (2024 - old)).astype(np.int64)
    home = np.where(where.quarter == Quarter.HALLS, 2, np.where(share(where.key, 92) < 0.85, 0, 3))
    use = np.where(share(where.key, 93) < 0.06, 4, np.where(share(where.key, 94) < 0.1, 1, home))
    return Buildings(where, corners, np.round(where.eaves_m + where.rise_m, 3), year, use)


def city(count: int) -> CityModel:
    """The town of ``count`` LoD2 buildings in the order of its blocks, every face with vertices of its own."""
    all_buildings = buildings(count)
    kind = all_buildings.lots.kind
    vertices, faces, triangles = (np.zeros(len(Kind), np.int64) for _ in range(3))
    for each, shape in SHAPES.items():
        vertices[each], faces[each], triangles[each] = len(shape.order), len(shape.faces), len(shape.fans)
    vertex_start, face_start, triangle_start = (_starts(sizes[kind]) for sizes in (vertices, faces, triangles))
    positions = np.empty((vertex_start[-1], 3), np.float32)
    sizes = np.empty(face_start[-1], np.int32)
    surface = np.empty(face_start[-1], np.uint8)
    corners = np.empty((triangle_start[-1], 3), np.int32)
    triangle_face = np.empty(triangle_start[-1], np.int32)
    for each, shape in SHAPES.items():
        own, points = all_buildings.corners[each]
        positions[_members(vertex_start, own, len(shape.order))] = points[:, shape.order]
        of_faces = _members(face_start, own, len(shape.faces))
        sizes[of_faces] = shape.sizes
        surface[of_faces] = [surface_type for surface_type, _ in shape.faces]
        of_triangles = _members(triangle_start, own, len(shape.fans))
        corners[of_triangles] = shape.fans + vertex_start[own, None, None]
        owner = np.repeat(np.arange(len(shape.faces)), shape.sizes - 2)
        triangle_face[of_triangles] = owner + face_start[own, None]
    ring_start = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=ring_start[1:])
    return CityModel(
        name=f"{count} buildings",
        frame=Frame(CRS, ORIGIN),
        positions_local=positions,
        ring_start=ring_start,
        face_ring_start=np.arange(len(sizes) + 1, dtype=np.int32),
        face_surface=surface,
        face_object=np.repeat(np.arange(count, dtype=np.int32), faces[kind]),
        face_lod=np.zeros(len(sizes), np.uint8),
        triangles=corners,
        triangle_face=triangle_face,
        objects=_objects(all_buildings),
        lods=("2",),
    )


def _objects(found: Buildings) -> ObjectTable:
    count = len(found)
    texts = np.dtypes.StringDType()
    roof = np.array([ROOF_CODES[kind] for kind in Kind], dtype=texts)
    columns = {
        "measuredHeight": found.height_m,
        "storeysAboveGround": found.lots.storeys.astype(np.float64),
        "yearOfConstruction": found.year.astype(np.float64),
        "function": np.array(USES, dtype=texts)[found.use],
        "roofType": roof[found.lots.kind],
    }
    return ObjectTable(
        ids=np.array([found.identifier(i) for i in range(count)], dtype=texts),
        types=("Building",),
        type_code=np.zeros(count, np.uint16),
        parent=np.full(count, -1, np.int32),
        attributes={name: Column(name, values) for name, values in columns.items()},
    )


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    starts = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


def _members(start: NDArray[np.int64], own: NDArray[np.int64], each: int) -> NDArray[np.int64]:
    """(n, each) places of the members of some buildings."""
    return start[own, None] + np.arange(each)
