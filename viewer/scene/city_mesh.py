"""City arrays -> what the graphics card gets: points, colours, lift weights, edges, coarse blocks. No VTK."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.kinds import SurfaceType, Theme
from viewer.city.measures import Measures
from viewer.scenario.change import lift_weight
from viewer.scene.palettes import Look, rgb, surface_color

_STANDING = (Theme.BUILDING, Theme.BRIDGE, Theme.TUNNEL, Theme.FURNITURE, Theme.TREE, Theme.GENERIC)


@dataclass(frozen=True, eq=False)
class CityArrays:
    """Arrays that depend on the city and the shown LoD only.

    standing : (F,) bool, shown faces that are lifted and picked as bodies. flat : (F,) bool, shown faces
    of the ground. slope_up : (F,) float32, z of the face normal. green_rank : (F,) float32 in 0..1 for
    flat roofs, 2 elsewhere; a roof of an object is greened where its rank is at most the share.
    """

    city: CityModel
    measures: Measures
    standing: NDArray[np.bool_]
    flat: NDArray[np.bool_]
    slope_up: NDArray[np.float32]
    green_rank: NDArray[np.float32]

    @staticmethod
    def of(city: CityModel, faces: NDArray[np.bool_] | None, measures: Measures) -> CityArrays:
        """Sort the faces."""
        shown = np.ones(len(city.face_surface), bool) if faces is None else np.asarray(faces, bool)
        themes = tuple(Theme)
        theme = city.objects.feature_theme[city.face_feature] if len(city.objects) else np.zeros(0, np.uint8)
        standing = shown & np.isin(theme, [themes.index(t) for t in _STANDING])
        flat = shown & ~standing
        normal = face_normals(city)
        up = normal[:, 2].astype(np.float32)
        return CityArrays(city, measures, standing, flat, up, _green_rank(city, shown, up, normal))

    def vertices_of(self, faces: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Vertices of some faces and their triangles counted anew."""
        city = self.city
        keep = faces[city.vertex_face]
        index = np.flatnonzero(keep)
        number = np.cumsum(keep, dtype=np.int64) - 1
        triangles = number[city.triangles[faces[city.triangle_face]]]
        return index, triangles.astype(np.int32)

    def attributes(self, vertices: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, 4) float32 for the shader: object, height above its ground, lift weight, green rank."""
        city, m = self.city, self.measures
        face = city.vertex_face[vertices]
        feature = city.face_feature[face]
        z = city.positions_local[vertices, 2].astype(np.float64)
        ground, eaves = m.ground_m[feature], m.eaves_m[feature]
        ground = np.where(np.isfinite(ground), ground, z)
        eaves = np.where(np.isfinite(eaves), eaves, ground + 3.0)
        result = np.empty((len(vertices), 4), np.float32)
        result[:, 0] = feature
        result[:, 1] = z - ground
        result[:, 2] = lift_weight(z, ground, eaves)
        result[:, 3] = self.green_rank[face]
        return result


def face_normals(city: CityModel) -> NDArray[np.float64]:
    """(F, 3) unit normals, the mean over the triangles of each face by area."""
    p = city.positions_local.astype(np.float64)
    t = city.triangles
    cross = np.cross(p[t[:, 1]] - p[t[:, 0]], p[t[:, 2]] - p[t[:, 0]])
    count = len(city.face_surface)
    total = np.stack([np.bincount(city.triangle_face, cross[:, k], count) for k in range(3)], axis=1)
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12))


def _green_rank(
    city: CityModel, shown: NDArray[np.bool_], up: NDArray[np.float32], normal: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Spread flat roofs (at most 10 degrees) evenly over 0..1, largest first within an object by chance."""
    rank = np.full(len(up), 2.0, np.float32)
    if not len(up):
        return rank
    building = city.objects.feature_is_building[city.face_feature]
    roofs = np.flatnonzero(
        shown & building & (up >= np.cos(np.radians(10.0)))
        & ((city.face_surface == SurfaceType.ROOF) | (city.face_surface == SurfaceType.UNKNOWN))
    )  # fmt: skip
    if len(roofs):
        mixed = (roofs.astype(np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)
        order = np.argsort(mixed, kind="stable")
        rank[roofs[order]] = (np.arange(len(roofs)) + 0.5) / len(roofs)
    return rank


def vertex_colors(arrays: CityArrays, vertices: NDArray[np.int64], style: Look) -> NDArray[np.uint8]:
    """(n, 3) uint8: colour by surface and theme, feet of walls a little darker as in soft shade."""
    city = arrays.city
    themes = tuple(Theme)
    theme_colors = np.array([rgb(style.themes[t]) for t in themes])
    face_theme = city.objects.feature_theme[city.face_feature]
    colors = theme_colors[face_theme]
    building = face_theme == themes.index(Theme.BUILDING)
    for surface in np.unique(city.face_surface):
        if color := surface_color(style, int(surface)):
            of = (city.face_surface == surface) & (building | (surface == SurfaceType.WATER))
            colors[of] = rgb(color)
    unknown = building & (city.face_surface == SurfaceType.UNKNOWN)
    colors[unknown & (np.abs(arrays.slope_up) < 0.3)] = rgb(style.wall)
    colors[unknown & (arrays.slope_up >= 0.3)] = rgb(style.roof)
    flat_roof = (
        building & (arrays.slope_up > 0.985) & np.isin(city.face_surface, (SurfaceType.ROOF, SurfaceType.UNKNOWN))
    )
    colors[flat_roof] = rgb(style.flat_roof)
    # neighbours of one kind differ a little, so that a row of houses reads as houses
    feature = city.face_feature
    tone = 1.0 + 0.035 * (((feature.astype(np.int64) * 7919) % 101) / 50.0 - 1.0)
    colors = np.where(arrays.standing[:, None], colors * tone[:, None], colors)
    result = colors[city.vertex_face[vertices]]
    foot = arrays.attributes(vertices)
    shade = np.where(arrays.standing[city.vertex_face[vertices]], 0.86 + 0.14 * np.clip(foot[:, 1] / 9.0, 0, 1), 1.0)
    return np.asarray(np.clip(np.round(result * shade[:, None] * 255), 0, 255), dtype=np.uint8)


def edges(arrays: CityArrays, faces: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Outlines of faces as segments: the vertices and pairs into them. Each shared edge appears once where
    both sides run it in opposite directions."""
    city = arrays.city
    keep = faces[city.vertex_face]
    index = np.flatnonzero(keep)
    if not len(index):
        return index, np.empty((0, 2), np.int32)
    following = np.arange(1, len(city.positions_local) + 1, dtype=np.int64)
    sizes = np.diff(city.ring_start)
    ends = city.ring_start[1:][sizes > 0] - 1
    following[ends] = city.ring_start[:-1][sizes > 0]
    a, b = index, following[index]
    p = np.round(city.positions_local.astype(np.float64) * 100).astype(np.int64)
    code = (p[:, 0] * 73856093) ^ (p[:, 1] * 19349663) ^ (p[:, 2] * 83492791)
    low, high = np.minimum(code[a], code[b]), np.maximum(code[a], code[b])
    _, first = np.unique(low * 31 + high, return_index=True)
    number = np.cumsum(keep, dtype=np.int64) - 1
    pairs = np.column_stack([number[a[first]], number[b[first]]]).astype(np.int32)
    return index, pairs


def blocks(arrays: CityArrays) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    """Coarse stand-ins for moving pictures: one upright box per standing object, turned along its longest wall.

    Returns points (8 * B, 3) in the order low ring, high ring; triangles (10 * B, 3); feature of each box (B,).
    """
    city = arrays.city
    keep = arrays.standing[city.vertex_face]
    p = city.positions_local[keep].astype(np.float64)
    of = city.face_feature[city.vertex_face[keep]]
    present, group = np.unique(of, return_inverse=True)
    count = len(present)
    if not count:
        return np.empty((0, 3), np.float32), np.empty((0, 3), np.int32), present.astype(np.int32)
    where = np.flatnonzero(keep)
    following = np.arange(1, len(city.positions_local) + 1, dtype=np.int64)
    sizes = np.diff(city.ring_start)
    following[city.ring_start[1:][sizes > 0] - 1] = city.ring_start[:-1][sizes > 0]
    d = (city.positions_local[following[where]] - city.positions_local[where]).astype(np.float64)
    length = np.hypot(d[:, 0], d[:, 1])
    order = np.lexsort((length, group))
    last = np.flatnonzero(np.diff(np.append(group[order], count)) > 0)
    longest = d[order[last]]
    norm = np.maximum(np.hypot(longest[:, 0], longest[:, 1]), 1e-9)
    c, s = longest[:, 0] / norm, longest[:, 1] / norm
    u, v = p[:, 0] * c[group] + p[:, 1] * s[group], -p[:, 0] * s[group] + p[:, 1] * c[group]

    def extreme(values: NDArray[np.float64], upper: bool) -> NDArray[np.float64]:
        result = np.full(count, -np.inf if upper else np.inf)
        (np.maximum if upper else np.minimum).at(result, group, values)
        return result

    u0, u1, v0, v1 = extreme(u, False), extreme(u, True), extreme(v, False), extreme(v, True)
    z0 = extreme(p[:, 2], False)
    eaves, top = arrays.measures.eaves_m[present], extreme(p[:, 2], True)
    z1 = np.where(np.isfinite(eaves), (eaves + top) / 2, top)
    points = np.empty((count, 8, 3))
    for k, (a, b) in enumerate(((u0, v0), (u1, v0), (u1, v1), (u0, v1))):
        points[:, k, 0] = points[:, k + 4, 0] = a * c - b * s
        points[:, k, 1] = points[:, k + 4, 1] = a * s + b * c
    points[:, :4, 2], points[:, 4:, 2] = z0[:, None], z1[:, None]
    one = np.array(
        [[0, 1, 5], [0, 5, 4], [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7], [4, 5, 6], [4, 6, 7]]
    )
    triangles = (np.arange(count)[:, None, None] * 8 + one).reshape(-1, 3)
    return points.reshape(-1, 3).astype(np.float32), triangles.astype(np.int32), present.astype(np.int32)
