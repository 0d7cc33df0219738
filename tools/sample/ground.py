"""Lays the flat plan onto the terrain: every surface is cut along a grid and follows the ground."""

from __future__ import annotations

import numpy as np
import shapely
from shapely import Polygon

from tools.sample import terrain
from tools.sample.builder import CityBuilder
from tools.sample.plan import Plan, polygons
from viewer.city import SurfaceType

CELL = 30.0


class Drape:
    """Cuts polygons along a square grid so that their corners follow the terrain."""

    def __init__(self) -> None:
        x = np.arange(0, terrain.SIZE[0] + CELL, CELL)
        y = np.arange(0, terrain.SIZE[1] + CELL, CELL)
        gx, gy = np.meshgrid(x[:-1], y[:-1])
        self._cells = shapely.box(gx.ravel(), gy.ravel(), gx.ravel() + CELL, gy.ravel() + CELL)
        self._tree = shapely.STRtree(self._cells)

    def pieces(self, shape: Polygon) -> list[list[np.ndarray]]:
        """Rings (n, 3) of every piece of a polygon, outer ring first."""
        shapely.prepare(shape)
        near = self._tree.query(shape, predicate="intersects")
        result = []
        cut = shapely.set_precision(shapely.intersection(self._cells[near], shape), 0.01)
        for piece in polygons(shapely.GeometryCollection(list(cut))):
            rings = []
            for ring in (piece.exterior, *piece.interiors):
                xy = np.round(shapely.get_coordinates(ring)[:-1], 2)
                rings.append(np.column_stack([xy, terrain.height(xy)]))
            if len(rings[0]) >= 3:
                result.append(rings)
        return result


def lay_surface(
    city: CityBuilder, drape: Drape, kind: str, prefix: str, shape: Polygon, surface: int, **attributes: object
) -> None:
    """One object draped on the terrain."""
    index = city.add(kind, prefix, **attributes)
    for rings in drape.pieces(shape):
        city.face(index, rings, surface)


def lay_water(city: CityBuilder, shape: Polygon, name: str) -> None:
    """Flat water."""
    index = city.add("WaterBody", "wasser", name=name, surfaceMaterial="water")
    level = (
        terrain.WATER_Z
        if name == "Aue"
        else float(terrain.height(shapely.get_coordinates(shape.exterior)).min()) - 0.15
    )
    rings = []
    for ring in (shape.exterior, *shape.interiors):
        xy = shapely.get_coordinates(ring)[:-1]
        rings.append(np.column_stack([xy, np.full(len(xy), level)]))
    city.face(index, rings, SurfaceType.WATER)


def build_bridge(city: CityBuilder, line: np.ndarray, name: str, width: float = 12.0) -> None:
    """A slightly arched road bridge along a centre line (n, 2), with parapets and two piers."""
    index = city.add("Bridge", "brücke", name=name, yearOfConstruction=1927)
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    t = along / along[-1]
    ends = terrain.height(line[[0, -1]])
    z = ends[0] + (ends[1] - ends[0]) * t + 1.7 * np.sin(np.pi * t) + 0.15
    direction = np.gradient(line, axis=0)
    direction /= np.hypot(direction[:, 0], direction[:, 1])[:, None]
    side = np.column_stack([-direction[:, 1], direction[:, 0]])

    def edge(offset: float, dz: float) -> np.ndarray:
        return np.column_stack([line + side * offset, z + dz])

    def strip(a: np.ndarray, b: np.ndarray, surface: int) -> None:
        for i in range(len(line) - 1):
            city.face(index, [np.array([a[i], a[i + 1], b[i + 1], b[i]])], surface)

    half = width / 2
    strip(edge(-half, 0), edge(half, 0), SurfaceType.TRAFFIC)
    strip(edge(half, -1.1), edge(-half, -1.1), SurfaceType.OUTER_CEILING)
    for s in (-1.0, 1.0):
        out, inn = edge(s * (half + 0.35), 1.0), edge(s * half, 1.0)
        foot_out, foot_in = edge(s * (half + 0.35), -1.1), edge(s * half, 0.0)
        if s > 0:
            strip(out, foot_out, SurfaceType.WALL)
            strip(foot_in, inn, SurfaceType.WALL)
            strip(inn, out, SurfaceType.WALL)
        else:
            strip(foot_out, out, SurfaceType.WALL)
            strip(inn, foot_in, SurfaceType.WALL)
            strip(out, inn, SurfaceType.WALL)
    for share in (0.36, 0.64):
        k = round(share * (len(line) - 1))
        u, v = direction[k] * 1.2, side[k] * (half - 0.6)
        ring = np.array([line[k] - u - v, line[k] + u - v, line[k] + u + v, line[k] - u + v])
        city.prism(index, ring, terrain.WATER_Z - 1.0, float(z[k]) - 1.1, floor=False)


def bridges(city: CityBuilder, plan: Plan, names: tuple[str, ...]) -> None:
    """A bridge on every ramp of the plan."""
    for ramp, name in zip(plan.ramps, names, strict=True):
        box = shapely.get_coordinates(shapely.orient_polygons(ramp.minimum_rotated_rectangle).exterior)[:-1]
        lengths = np.hypot(*(np.roll(box, -1, axis=0) - box).T)
        k = int(np.argmin(lengths))
        a, b = (box[k] + box[(k + 1) % 4]) / 2, (box[(k + 2) % 4] + box[(k + 3) % 4]) / 2
        if a[1] > b[1]:
            a, b = b, a
        t = np.linspace(0, 1, 13)[:, None]
        build_bridge(city, a + (b - a) * t, name)
