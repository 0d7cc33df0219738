"""Faces of a city out of outlines: blocks, flat areas and low-poly trees, all of a kind at once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from viewer.plugin_api import Frame, RawCity, Rings, SurfaceType, extrude

from .roofs import Roof, roofed
from .tags import FLAT_LEVEL_M, Kind, TreeSize

_SURFACE = {Kind.ROAD: SurfaceType.TRAFFIC, Kind.SQUARE: SurfaceType.TRAFFIC, Kind.RAILWAY: SurfaceType.TRAFFIC,
            Kind.WATER: SurfaceType.WATER}  # fmt: skip
_SIDES = 6
_TRUNK_RADIUS = 0.06


class FaceList:
    """Collects faces in local metres with heights above the ground."""

    def __init__(self) -> None:
        self._points: list[np.ndarray] = [np.zeros((0, 3))]
        self._ring_sizes: list[np.ndarray] = [np.zeros(0, np.int64)]
        self._ring_face: list[np.ndarray] = [np.zeros(0, np.int64)]
        self._face_object: list[np.ndarray] = [np.zeros(0, np.int64)]
        self._face_surface: list[np.ndarray] = [np.zeros(0, np.int64)]
        self._face_lod: list[np.ndarray] = [np.zeros(0, np.int64)]
        self._faces = 0

    def add_roofed(
        self, outlines: np.ndarray, objects: np.ndarray, base_m: np.ndarray, top_m: np.ndarray, roofs: list[Roof]
    ) -> np.ndarray:
        """Buildings with shaped roofs; (n,) bool, which of the outlines could be given one."""
        faces, done = roofed(outlines, roofs, base_m, top_m)
        self._add(
            faces.points, faces.ring_sizes, faces.ring_face, objects[faces.face_outline], faces.face_surface, lod=1
        )
        return done

    def add_blocks(self, outlines: np.ndarray, objects: np.ndarray, base_m: np.ndarray, top_m: np.ndarray) -> None:
        """Ground, walls and flat roof of n outlines; ``objects``, ``base_m``, ``top_m`` are (n,)."""
        rings, owner = _rings(outlines)
        prisms = extrude(rings, base_m[owner], top_m[owner])
        surface = prisms.face_surface.copy()
        floating = base_m[owner][prisms.face_polygon] > 0
        surface[floating & (surface == SurfaceType.GROUND)] = SurfaceType.OUTER_CEILING
        self._add(prisms.points, np.diff(prisms.ring_start), prisms.ring_face, objects[owner[prisms.face_polygon]],
                  surface)  # fmt: skip

    def add_flat(self, outlines: np.ndarray, first: int, kinds: list[Kind]) -> None:
        """n areas just above the ground, objects ``first`` and following."""
        rings, owner = _rings(outlines)
        level = np.array([FLAT_LEVEL_M[kind] for kind in kinds], dtype=np.float64)
        surface = np.array([_SURFACE.get(kind, SurfaceType.UNKNOWN) for kind in kinds], dtype=np.int64)
        sizes = np.diff(rings.ring_start)
        z = level[owner][np.repeat(rings.ring_polygon, sizes)]
        self._add(np.column_stack([rings.xy, z]), sizes, rings.ring_polygon, first + owner, surface[owner])

    def add_trees(self, xy: np.ndarray, first: int, sizes: list[TreeSize]) -> None:
        """(n, 2) places and as many sizes; objects ``first`` and following. Broad crowns and pointed ones."""
        scale = np.array([(size.crown_m, size.crown_m, size.height_m) for size in sizes], dtype=np.float64)
        conifer = np.array([size.conifer for size in sizes], dtype=bool)
        for pointed in (False, True):
            chosen = np.flatnonzero(conifer == pointed)
            points, ring_sizes = _tree(pointed)
            placed = points * scale[chosen].reshape(-1, 1, 3)
            placed[:, :, :2] += xy[chosen][:, None]
            faces = len(chosen) * len(ring_sizes)
            self._add(
                placed.reshape(-1, 3), np.tile(ring_sizes, len(chosen)), np.arange(faces),
                first + np.repeat(chosen, len(ring_sizes)), np.full(faces, SurfaceType.UNKNOWN),
            )  # fmt: skip

    def raw_city(self, frame: Frame, ground_m: float) -> RawCity:
        """All faces in the system of the frame, ``ground_m`` high; objects are filled in by the caller."""
        points = np.concatenate(self._points)
        points[:, :2] = frame.crs_from_local(points[:, :2])
        points[:, 2] += ground_m
        return RawCity(
            points_crs=points,
            ring_start=np.concatenate([[0], np.cumsum(np.concatenate(self._ring_sizes))]),
            ring_face=np.concatenate(self._ring_face),
            face_object=np.concatenate(self._face_object),
            face_surface=np.concatenate(self._face_surface),
            face_lod=np.concatenate(self._face_lod),
            lods=["1", "2"],
            object_ids=[],
            object_types=[],
            object_parent=np.zeros(0, np.int64),
            crs=frame.crs,
        )

    def _add(
        self, points: np.ndarray, ring_sizes: np.ndarray, ring_face: np.ndarray, objects: np.ndarray,
        surface: np.ndarray, lod: int = 0,
    ) -> None:  # fmt: skip
        self._points.append(points)
        self._ring_sizes.append(ring_sizes)
        self._ring_face.append(ring_face + self._faces)
        self._face_object.append(objects)
        self._face_surface.append(surface)
        self._face_lod.append(np.full(len(objects), lod))
        self._faces += len(objects)


def _rings(outlines: np.ndarray) -> tuple[Rings, np.ndarray]:
    """Rings of all polygons of n outlines without closing and repeated points, and the outline of each polygon."""
    import shapely

    parts, owner = shapely.get_parts(outlines, return_index=True)
    parts, inner = shapely.get_parts(parts, return_index=True)
    owner = owner[inner]
    usable = (shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 0.01)
    parts, owner = shapely.orient_polygons(parts[usable], exterior_cw=False), owner[usable]
    lines, ring_polygon = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(lines, return_index=True)
    keep = np.ones(len(xy), dtype=bool)
    keep[:-1] = (xy[1:] != xy[:-1]).any(axis=1) & (ring[1:] == ring[:-1])
    if len(keep):
        keep[-1] = False  # every ring ends where it began
    sizes = np.bincount(ring[keep], minlength=len(lines))
    return Rings(xy[keep], np.concatenate([[0], np.cumsum(sizes)]), ring_polygon), owner


def _tree(pointed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Corners and ring sizes of a tree 1 m tall with a crown 1 m wide: trunk, then crown."""
    angle = np.arange(_SIDES) * 2 * np.pi / _SIDES
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    levels = ((0.15, 0.5),) if pointed else ((0.4, 0.46), (0.7, 0.42))

    def ring(z: float, radius: float) -> list[tuple[float, float, float]]:
        return [(x * radius, y * radius, z) for x, y in circle.tolist()]

    def band(low: list, high: list) -> list[list]:
        return [[low[i - 1], low[i], high[i], high[i - 1]] for i in range(len(low))]

    crown = [ring(z, radius) for z, radius in levels]
    foot, top = (0.0, 0.0, levels[0][0] - (0.0 if pointed else 0.18)), (0.0, 0.0, 1.0)
    faces = band(ring(0.0, _TRUNK_RADIUS)[::2], ring(levels[0][0], _TRUNK_RADIUS)[::2])
    faces += [[foot, crown[0][i], crown[0][i - 1]] for i in range(_SIDES)]
    for low, high in pairwise(crown):
        faces += band(low, high)
    faces += [[crown[-1][i - 1], crown[-1][i], top] for i in range(_SIDES)]
    return np.array([corner for face in faces for corner in face]), np.array([len(face) for face in faces])
