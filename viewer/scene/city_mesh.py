"""City arrays -> what the graphics card gets: points, colours, lift weights, edges, coarse blocks. No VTK."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.kinds import SurfaceType, Theme
from viewer.city.measures import Measures
from viewer.scenario.change import lift_weight
from viewer.scene.palettes import Look, rgb, surface_color

#: Faces whose normals have at least this scalar product lie in one plane (about one degree).
IN_ONE_PLANE = 0.9998
#: Cells into which edges are split, so that only near ones are drawn.
EDGE_CELL_M = 260.0
#: Normals (F, 3) float32 and green ranks (F,) float32 of all faces.
KnownFaces = tuple[NDArray[np.float32], NDArray[np.float32]]
_STANDING = (Theme.BUILDING, Theme.BRIDGE, Theme.TUNNEL, Theme.FURNITURE, Theme.TREE, Theme.GENERIC)


@dataclass(frozen=True, eq=False)
class Part:
    """Some faces of a city as the graphics card takes them.

    index : (n,) int64, vertex of the city behind each point. triangles : (m, 3) int32 into the points.
    feat : (n, 4) float32, see ``viewer.scene.shading``. normals : (n, 3) float32, of the face.
    """

    index: NDArray[np.int64]
    triangles: NDArray[np.int32]
    feat: NDArray[np.float32]
    normals: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EdgeCell:
    """Edges of one square of the city: points (n, 3), segments (m, 2) into them, feat (n, 4), and the ball
    around them."""

    points: NDArray[np.float32]
    segments: NDArray[np.int32]
    feat: NDArray[np.float32]
    centre: NDArray[np.float64]
    radius: float


@dataclass(frozen=True, eq=False)
class Boxes:
    """Triangles of object k are ``triangles[start[k]:start[k + 1]]``; low, high : (K, 3) float64 local corners
    of its box, infinite for objects that show nothing."""

    triangles: NDArray[np.int64]
    start: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CityArrays:
    """Arrays that depend on the city and the shown LoD only; the heavy ones are made when first asked for.

    standing : (F,) bool, shown faces that are lifted and picked as bodies. flat : (F,) bool, shown faces
    of the ground. normals : (F, 3) float32. green_rank : (F,) float32 in 0..1 for flat roofs, 2 elsewhere;
    a roof of an object is greened where its rank is at most the share.
    """

    city: CityModel
    measures: Measures
    standing: NDArray[np.bool_]
    flat: NDArray[np.bool_]
    normals: NDArray[np.float32]
    green_rank: NDArray[np.float32]

    @staticmethod
    def of(
        city: CityModel, faces: NDArray[np.bool_] | None, measures: Measures, known: KnownFaces | None = None
    ) -> CityArrays:
        """Sort the faces; ``known`` are their normals and green ranks where they need not be worked out."""
        shown = np.ones(len(city.face_surface), bool) if faces is None else np.asarray(faces, bool)
        theme = city.objects.feature_theme[city.face_feature] if len(city.objects) else np.zeros(0, np.uint8)
        standing = shown & _is_any(theme, _STANDING)
        if known is None:
            normals = face_normals(city)
            known = normals, _green_rank(city, shown, normals)
        return CityArrays(city, measures, standing, shown & ~standing, *known)

    @property
    def slope_up(self) -> NDArray[np.float32]:
        """(F,) z of the face normals."""
        return self.normals[:, 2]

    @cached_property
    def body(self) -> Part:
        """What stands, without the undersides nobody sees."""
        city = self.city
        under = self.standing & (city.face_surface == SurfaceType.GROUND)
        above = np.bincount(city.face_feature[self.standing & ~under], minlength=len(self.measures.ground_m)) > 0
        return self._part(self.standing & ~(under & above[city.face_feature]))

    @cached_property
    def ground(self) -> Part:
        """What lies on the ground."""
        return self._part(self.flat)

    @cached_property
    def edge_cells(self) -> tuple[EdgeCell, ...]:
        """Outlines of buildings and bridges, by squares of the ground."""
        return _edge_cells(self)

    @cached_property
    def blocks(self) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
        """See ``blocks``."""
        return blocks(self)

    @cached_property
    def boxes(self) -> Boxes:
        """Shown triangles by object, and the box of each object, for picking."""
        city = self.city
        triangles = np.flatnonzero((self.standing | self.flat)[city.triangle_face])
        feature = city.face_feature[city.triangle_face[triangles]]
        order = np.argsort(feature, kind="stable")
        triangles = triangles[order]
        count = len(city.objects.features)
        start = np.searchsorted(feature[order], np.arange(count + 1))
        low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
        if len(triangles):
            points = city.positions_local[city.triangles[triangles]]
            present = np.flatnonzero(np.diff(start))
            low[present] = np.minimum.reduceat(points.min(axis=1), start[present], axis=0)
            high[present] = np.maximum.reduceat(points.max(axis=1), start[present], axis=0)
        return Boxes(triangles, start, low, high)

    def make(self) -> CityArrays:
        """Make the heavy arrays now, in whatever thread this is called from."""
        _ = self.body, self.ground, self.edge_cells, self.blocks, self.boxes
        return self

    def _part(self, faces: NDArray[np.bool_]) -> Part:
        city = self.city
        keep = faces[city.vertex_face]
        index = np.flatnonzero(keep)
        number = np.cumsum(keep, dtype=np.int32) - np.int32(1)
        triangles = number[city.triangles[faces[city.triangle_face]]]
        return Part(index, triangles, self.attributes(index), self.normals[city.vertex_face[index]])

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


_LAST: list[tuple[CityModel, NDArray[np.bool_] | None, Measures, CityArrays]] = []


def prepare(
    city: CityModel, faces: NDArray[np.bool_] | None, measures: Measures, ready: KnownFaces | None = None
) -> CityArrays:
    """The arrays of a city at one LoD; the last two stay, so that a worker can make them before they are shown.

    ready : normals and green ranks where they need not be worked out.
    Safe to call in any thread: two callers at once do the work twice, and get the same content.
    """
    for known in list(_LAST):
        if known[0] is city and known[1] is faces and known[2] is measures:
            return known[3]
    arrays = CityArrays.of(city, faces, measures, ready)
    _LAST.append((city, faces, measures, arrays))
    del _LAST[:-2]
    return arrays


def _is_any(theme: NDArray[np.generic], wanted: Iterable[Theme]) -> NDArray[np.bool_]:
    table = np.array([t in wanted for t in Theme])
    return np.asarray(table[theme.astype(np.intp)], dtype=bool)


def face_normals(city: CityModel) -> NDArray[np.float32]:
    """(F, 3) unit normals, the mean over the triangles of each face by area; zeros where there is none."""
    p, t = city.positions_local, city.triangles
    origin = p[t[:, 0]].astype(np.float64)
    cross = np.cross(p[t[:, 1]] - origin, p[t[:, 2]] - origin)
    count = len(city.face_surface)
    total = np.stack([np.bincount(city.triangle_face, cross[:, k], count) for k in range(3)], axis=1)
    length = np.sqrt((total * total).sum(axis=1, keepdims=True))
    return np.asarray(total / np.maximum(length, 1e-12), dtype=np.float32)


def _green_rank(city: CityModel, shown: NDArray[np.bool_], normals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spread flat roofs (at most 10 degrees) evenly over 0..1, in an order that looks like chance."""
    rank = np.full(len(normals), 2.0, np.float32)
    if not len(normals):
        return rank
    building = city.objects.feature_is_building[city.face_feature]
    roofs = np.flatnonzero(
        shown & building & (normals[:, 2] >= np.cos(np.radians(10.0)))
        & ((city.face_surface == SurfaceType.ROOF) | (city.face_surface == SurfaceType.UNKNOWN))
    )  # fmt: skip
    if len(roofs):
        mixed = (roofs.astype(np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)
        order = np.argsort(mixed, kind="stable")
        rank[roofs[order]] = (np.arange(len(roofs)) + 0.5) / len(roofs)
    return rank


def part_colors(arrays: CityArrays, part: Part, colors: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(n, 3) uint8: the (F, 3) colours of its faces, feet of walls a little darker as in soft shade."""
    city = arrays.city
    face = city.vertex_face[part.index]
    foot = np.float32(0.86) + np.float32(0.14) * np.clip(part.feat[:, 1] / np.float32(9.0), 0, 1)
    shade = np.where(arrays.standing[face], foot, np.float32(1.0))
    return np.asarray(_bytes(colors[face] * shade[:, None]))


def face_colors(arrays: CityArrays, style: Look) -> NDArray[np.float32]:
    """(F, 3) 0..1: colour of every face by surface and theme."""
    city = arrays.city
    themes = tuple(Theme)
    theme_colors = np.array([rgb(style.themes[t]) for t in themes], np.float32)
    face_theme = city.objects.feature_theme[city.face_feature]
    colors = theme_colors[face_theme]
    building = face_theme == themes.index(Theme.BUILDING)
    for surface in SurfaceType:
        if color := surface_color(style, int(surface)):
            of = (city.face_surface == surface) & (building | (surface == SurfaceType.WATER))
            colors[of] = rgb(color)
    unknown = building & (city.face_surface == SurfaceType.UNKNOWN)
    colors[unknown & (np.abs(arrays.slope_up) < 0.3)] = rgb(style.wall)
    colors[unknown & (arrays.slope_up >= 0.3)] = rgb(style.roof)
    top = (city.face_surface == SurfaceType.ROOF) | (city.face_surface == SurfaceType.UNKNOWN)
    colors[building & (arrays.slope_up > 0.985) & top] = rgb(style.flat_roof)
    # neighbours of one kind differ a little, so that a row of houses reads as houses
    feature = city.face_feature
    tone = (1.0 + 0.035 * (((feature.astype(np.int64) * 7919) % 101) / 50.0 - 1.0)).astype(np.float32)
    tone[~arrays.standing] = 1.0
    return np.asarray(colors * tone[:, None])


def _bytes(colors: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.round(colors * 255), 0, 255), dtype=np.uint8)


def edges(arrays: CityArrays, faces: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Outlines of faces as segments: the vertices and pairs into them.

    A shared edge appears once, and not at all between two faces that lie in one plane.
    """
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
    p = np.rint(city.positions_local * np.float32(100)).astype(np.int64)
    code = (p[:, 0] * 73856093) ^ (p[:, 1] * 19349663) ^ (p[:, 2] * 83492791)
    low, high = np.minimum(code[a], code[b]), np.maximum(code[a], code[b])
    key = low * 31 + high
    order = np.argsort(key, kind="stable")
    new = np.flatnonzero(np.diff(key[order], prepend=key[order[0]] - 1))
    first, count = order[new], np.diff(np.append(new, len(order)))
    # where two faces continue each other in one plane, people see no edge
    second = order[np.minimum(new + 1, len(order) - 1)]
    normals = arrays.normals
    one, other = city.vertex_face[index[first]], city.vertex_face[index[second]]
    level = (normals[one] * normals[other]).sum(axis=1) > IN_ONE_PLANE
    first = first[~((count == 2) & level & (one != other))]
    number = np.cumsum(keep, dtype=np.int64) - 1
    pairs = np.column_stack([number[a[first]], number[b[first]]]).astype(np.int32)
    return index, pairs


def _edge_cells(arrays: CityArrays) -> tuple[EdgeCell, ...]:
    city = arrays.city
    if not len(city.face_surface):
        return ()
    theme = city.objects.feature_theme[city.face_feature]
    built = arrays.standing & _is_any(theme, (Theme.BUILDING, Theme.BRIDGE))
    index, pairs = edges(arrays, built & (city.face_surface != SurfaceType.GROUND))
    if not len(pairs):
        return ()
    points = city.positions_local[index]
    feat = arrays.attributes(index)
    low, high = city.extent_local
    side = max(EDGE_CELL_M, float(np.hypot(*(high - low)[:2])) / 24.0)
    cell = np.floor(points[pairs[:, 0], :2] / side).astype(np.int64)
    group = cell[:, 0] * 1_000_003 + cell[:, 1]
    order = np.argsort(group, kind="stable")
    cells = []
    for part in np.split(pairs[order], np.flatnonzero(np.diff(group[order])) + 1):
        own, ends = points[part.ravel()], feat[part.ravel()]
        bottom, top = own.min(axis=0).astype(np.float64), own.max(axis=0).astype(np.float64)
        segments = np.arange(len(own), dtype=np.int32).reshape(-1, 2)
        cells.append(EdgeCell(own, segments, ends, (bottom + top) / 2, float(np.linalg.norm(top - bottom)) / 2))
    return tuple(cells)


def blocks(arrays: CityArrays) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    """Coarse stand-ins for moving pictures: one upright box per standing object, turned along its longest wall.

    Returns points (8 * B, 3) in the order low ring, high ring; triangles (10 * B, 3); feature of each box (B,).
    """
    city = arrays.city
    where = arrays.body.index
    of = city.face_feature[city.vertex_face[where]]
    where = where[np.argsort(of, kind="stable")]
    of = city.face_feature[city.vertex_face[where]]
    present, first = np.unique(of, return_index=True)
    count = len(present)
    if not count:
        return np.empty((0, 3), np.float32), np.empty((0, 3), np.int32), present.astype(np.int32)
    group = np.repeat(np.arange(count), np.diff(np.append(first, len(of))))
    p = city.positions_local[where].astype(np.float64)
    following = np.arange(1, len(city.positions_local) + 1, dtype=np.int64)
    sizes = np.diff(city.ring_start)
    following[city.ring_start[1:][sizes > 0] - 1] = city.ring_start[:-1][sizes > 0]
    d = (city.positions_local[following[where]] - city.positions_local[where]).astype(np.float64)
    length = np.hypot(d[:, 0], d[:, 1])
    peaks = np.flatnonzero(length == np.maximum.reduceat(length, first)[group])
    longest = d[peaks[np.searchsorted(group[peaks], np.arange(count))]]
    norm = np.maximum(np.hypot(longest[:, 0], longest[:, 1]), 1e-9)
    c, s = longest[:, 0] / norm, longest[:, 1] / norm
    u, v = p[:, 0] * c[group] + p[:, 1] * s[group], -p[:, 0] * s[group] + p[:, 1] * c[group]

    def extreme(values: NDArray[np.float64], upper: bool) -> NDArray[np.float64]:
        return np.asarray((np.maximum if upper else np.minimum).reduceat(values, first))

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
        # each side ends its triangles at its own corner 0..3, the top at 4, which carries colour and normal
        [[1, 5, 0], [5, 4, 0], [2, 6, 1], [6, 5, 1], [3, 7, 2], [7, 6, 2], [0, 4, 3], [4, 7, 3], [5, 6, 4], [6, 7, 4]]
    )
    triangles = (np.arange(count)[:, None, None] * 8 + one).reshape(-1, 3)
    return points.reshape(-1, 3).astype(np.float32), triangles.astype(np.int32), present.astype(np.int32)
