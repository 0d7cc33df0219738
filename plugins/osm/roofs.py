"""Roofs by ``roof:shape`` and its companions (Simple 3D buildings), for all buildings at once.

Every footprint is looked at in the unit square of its tightest rectangle; a roof is a height over that square, flat
on a few pieces. Faces of blocks with flat roofs are made in ``blocks``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from viewer.plugin_api import SurfaceType

from .tags import STOREY_M, Tags, metres, storeys

#: Height of a roof as a share of its height, over the way across it: 0 at one eaves, 1 at the other.
PROFILES: dict[str, tuple[tuple[float, float], ...]] = {
    "gabled": ((0, 0), (0.5, 1), (1, 0)),
    "half-hipped": ((0, 0), (0.5, 1), (1, 0)),
    "saltbox": ((0, 0), (0.35, 1), (1, 0)),
    "gambrel": ((0, 0), (0.22, 0.62), (0.5, 1), (0.78, 0.62), (1, 0)),
    "round": tuple((k / 8, float(np.sin(np.pi * k / 8))) for k in range(9)),
    "skillion": ((0, 0), (1, 1)),
}
_SAME = {"lean_to": "skillion", "mansard": "hipped", "cone": "pyramidal", "onion": "dome", "side_hipped": "hipped",
         "side_half-hipped": "gabled", "gabled_row": "gabled", "shed": "skillion"}  # fmt: skip
#: Shapes that rise to one point over a footprint without notches.
_ROUND = ("pyramidal", "dome")
#: Usual pitch of a roof whose height nobody wrote down, and the most it may take of the building.
_PITCH = np.tan(np.radians(35.0))
_MOST_SHARE = 0.6


class Roof(NamedTuple):
    """What tags say of a roof. height_m, direction_deg : NaN where nothing is said."""

    shape: str
    height_m: float
    direction_deg: float
    across: bool


class RoofFaces(NamedTuple):
    """Faces: points (P, 3), ring sizes, face of each ring, outline and surface type of each face."""

    points: np.ndarray
    ring_sizes: np.ndarray
    ring_face: np.ndarray
    face_outline: np.ndarray
    face_surface: np.ndarray


def roof_of(tags: Tags) -> Roof | None:
    """The roof of a building or part; None for a flat one or one of no known shape."""
    shape = tags.get("roof:shape", tags.get("building:roof:shape", "")).strip().lower()
    shape = _SAME.get(shape, shape)
    if shape not in PROFILES and shape not in (*_ROUND, "hipped"):
        return None
    height = metres(tags.get("roof:height", ""))
    if not height > 0:
        height = storeys(tags.get("roof:levels", "")) * STOREY_M
    return Roof(shape, height, _direction(tags.get("roof:direction", "")), tags.get("roof:orientation") == "across")


def roofed(
    outlines: np.ndarray, roofs: list[Roof], base_m: np.ndarray, top_m: np.ndarray
) -> tuple[RoofFaces, np.ndarray]:
    """Buildings with their roofs; and (n,) bool, which outlines could be given one.

    Outlines with several polygons, and notched ones under a roof that rises to a point, are left to flat roofs.
    """
    import shapely

    single = shapely.get_type_id(outlines) == 3
    shape = np.array([roof.shape for roof in roofs], dtype=object)
    pointed = np.isin(shape, _ROUND)
    convex = np.zeros(len(outlines), bool)
    convex[single] = shapely.area(outlines[single]) > 0.97 * shapely.area(shapely.convex_hull(outlines[single]))
    done = single & (~pointed | (convex & (shapely.get_num_interior_rings(outlines) == 0)))
    parts: list[RoofFaces] = []
    rows = np.flatnonzero(done)
    if len(rows):
        polygons = shapely.orient_polygons(outlines[rows], exterior_cw=False)
        squares = _Squares(polygons, [roofs[row] for row in rows])
        rise = _rise([roofs[row] for row in rows], squares.width_m, base_m[rows], top_m[rows])
        for kind in dict.fromkeys(shape[rows]):
            here = np.flatnonzero(shape[rows] == kind)
            pieces, owner, height = _PIECES.get(kind, _strips(kind))(squares.unit[here], squares.ratio[here])
            parts.append(_faces(polygons, squares, pieces, here[owner], height, base_m[rows], top_m[rows] - rise, rise))
            # where a ridge meets a gable the ground has a corner, too: so it is made of the same pieces
            under = (polygons[here], here) if kind in _ROUND else (_placed(squares, pieces, here[owner]), here[owner])
            parts.append(_grounds(*under, base_m[rows]))
        parts = [part._replace(face_outline=rows[part.face_outline]) for part in parts]
    return _joined(parts), done


class _Squares:
    """n polygons in the unit square of their tightest rectangle: u along the ridge, v across it, uphill for a
    single slope."""

    def __init__(self, polygons: np.ndarray, roofs: list[Roof]) -> None:
        import shapely

        corners = shapely.get_coordinates(shapely.oriented_envelope(polygons)).reshape(len(polygons), -1, 2)[:, :4]
        first, second = corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]
        long_first = np.hypot(*first.T) >= np.hypot(*second.T)
        across = np.array([roof.across for roof in roofs])
        along = np.where((long_first ^ across)[:, None], first, second)
        towards = np.array([roof.direction_deg for roof in roofs])
        slope = np.column_stack([np.sin(np.radians(towards)), np.cos(np.radians(towards))])  # downhill
        told = np.isfinite(towards)
        nearer_first = np.abs((first * slope).sum(axis=1)) / np.maximum(np.hypot(*first.T), 1e-9) < np.abs(
            (second * slope).sum(axis=1)
        ) / np.maximum(np.hypot(*second.T), 1e-9)
        along = np.where(told[:, None], np.where(nearer_first[:, None], first, second), along)
        other = np.where((along == first).all(axis=1)[:, None], second, first)
        origin = corners[:, 0].copy()
        turn = told & ((other * slope).sum(axis=1) > 0)  # v has to point uphill
        origin[turn] += other[turn]
        other = np.where(turn[:, None], -other, other)
        mirrored = along[:, 0] * other[:, 1] - along[:, 1] * other[:, 0] < 0  # would turn faces inside out
        origin[mirrored] += along[mirrored]
        along = np.where(mirrored[:, None], -along, along)
        self._origin, self._along, self._across = origin, along, other
        self.length_m, self.width_m = np.hypot(*along.T), np.hypot(*other.T)
        self.ratio = self.length_m / np.maximum(self.width_m, 1e-9)
        self.unit = self._map(polygons)

    def _map(self, polygons: np.ndarray) -> np.ndarray:
        import shapely

        xy, of = shapely.get_coordinates(polygons, return_index=True)
        d = xy - self._origin[of]
        u = (d * self._along[of]).sum(axis=1) / np.maximum(self.length_m[of], 1e-9) ** 2
        v = (d * self._across[of]).sum(axis=1) / np.maximum(self.width_m[of], 1e-9) ** 2
        return shapely.set_coordinates(polygons.copy(), np.column_stack([u, v]))

    def back(self, uv: np.ndarray, of: np.ndarray) -> np.ndarray:
        """(n, 2) metres of points in the unit squares ``of``."""
        return self._origin[of] + uv[:, :1] * self._along[of] + uv[:, 1:] * self._across[of]


Height = Callable[[np.ndarray, np.ndarray], np.ndarray]
Pieces = tuple[np.ndarray, np.ndarray, Height]


def _strips(kind: str) -> Callable[[np.ndarray, np.ndarray], Pieces]:
    """Pieces between the bends of a profile."""
    import shapely

    steps = np.array(PROFILES.get(kind, PROFILES["gabled"]), dtype=np.float64)

    def cut(unit: np.ndarray, ratio: np.ndarray) -> Pieces:
        bands = shapely.box(-1.0, np.where(steps[:-1, 0] == 0, -1, steps[:-1, 0]), 2.0,
                            np.where(steps[1:, 0] == 1, 2, steps[1:, 0]))  # fmt: skip
        pieces = shapely.intersection(unit[:, None], bands[None]).ravel()
        owner = np.repeat(np.arange(len(unit)), len(bands))
        return pieces, owner, lambda uv, of: np.interp(uv[:, 1], steps[:, 0], steps[:, 1])

    return cut


def _hipped(unit: np.ndarray, ratio: np.ndarray) -> Pieces:
    """Four slopes of one pitch; a ridge along the middle of what is longer than wide."""
    import shapely

    a = np.minimum(0.5 / np.maximum(ratio, 1e-9), 0.5)
    low, mid, high, far = np.full_like(a, -1e-6), np.full_like(a, 0.5), np.full_like(a, 1 + 1e-6), 1 - a

    def piece(*corners: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return shapely.polygons(np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1))

    four = np.stack(
        [
            piece((low, low), (a, mid), (low, high)),
            piece((high, low), (high, high), (far, mid)),
            piece((low, low), (high, low), (far, mid), (a, mid)),
            piece((low, high), (a, mid), (far, mid), (high, high)),
        ],
        axis=1,
    )
    pieces = shapely.intersection(unit[:, None], four).ravel()

    def height(uv: np.ndarray, of: np.ndarray) -> np.ndarray:
        u, v, at = uv[:, 0], uv[:, 1], 1.0 / np.maximum(2 * a[of], 1e-9)
        rise = np.minimum(np.minimum(v, 1 - v) * 2, np.minimum(u, 1 - u) * 2 * at)
        return np.clip(rise, 0, 1)

    return pieces, np.repeat(np.arange(len(unit)), 4), height


def _fan(levels: tuple[tuple[float, float], ...]) -> Callable[[np.ndarray, np.ndarray], Pieces]:
    """Rings shrinking towards the middle: (size, height) from the eaves to the last ring before the tip."""
    import shapely

    def cut(unit: np.ndarray, ratio: np.ndarray) -> Pieces:
        xy, of = shapely.get_coordinates(unit, return_index=True)
        centre = shapely.get_coordinates(shapely.centroid(unit))
        edge = np.flatnonzero(of[1:] == of[:-1])
        a, b, c = xy[edge], xy[edge + 1], centre[of[edge]]
        rings, owners = [], []
        for (size, _), (next_size, _) in zip(levels, (*levels[1:], (0.0, 1.0)), strict=True):
            corners = [c + (a - c) * size, c + (b - c) * size, c + (b - c) * next_size, c + (a - c) * next_size]
            rings.append(shapely.polygons(np.stack(corners[: 3 if next_size == 0 else 4], axis=1)))
            owners.append(of[edge])
        sizes = np.array([size for size, _ in levels] + [0.0])[::-1]
        heights = np.array([height for _, height in levels] + [1.0])[::-1]
        # how far out a point lies: its share of the way from the middle to the rim, by the nearest ring
        outer = unit

        def height(uv: np.ndarray, of: np.ndarray) -> np.ndarray:
            way = uv - centre[of]
            reach = np.maximum(np.abs(way).max(axis=1), 1e-12)
            far = centre[of] + way * (3.0 / reach)[:, None]
            ray = shapely.linestrings(np.stack([centre[of], far], axis=1))
            rim = shapely.length(shapely.intersection(ray, outer[of]))
            share = np.hypot(*way.T) / np.maximum(rim, 1e-12)
            return np.interp(np.round(share, 6), sizes, heights)

        return np.concatenate(rings), np.concatenate(owners), height

    return cut


_PIECES: dict[str, Callable[[np.ndarray, np.ndarray], Pieces]] = {
    "hipped": _hipped,
    "pyramidal": _fan(((1.0, 0.0),)),
    "dome": _fan(tuple((float(np.cos(t)), float(np.sin(t))) for t in np.radians((0, 25, 50, 72)))),
}


def _rise(roofs: list[Roof], width_m: np.ndarray, base_m: np.ndarray, top_m: np.ndarray) -> np.ndarray:
    """(n,) height of each roof, metres: as written, else from a usual pitch, never more than a share of the house."""
    told = np.array([roof.height_m for roof in roofs], dtype=np.float64)
    span = np.where([roof.shape == "skillion" for roof in roofs], 0.35, 0.5) * width_m
    rise = np.where(told > 0, told, span * _PITCH)
    return np.minimum(rise, _MOST_SHARE * np.maximum(top_m - base_m, 0.1))


def _faces(
    polygons: np.ndarray, squares: _Squares, pieces: np.ndarray, owner: np.ndarray, height: Height,
    base_m: np.ndarray, eaves_m: np.ndarray, rise: np.ndarray,
) -> RoofFaces:  # fmt: skip
    """Roof faces of all pieces, and walls below those of their edges that lie on the outline."""
    import shapely

    flat, of = shapely.get_parts(pieces, return_index=True)
    usable = (shapely.get_type_id(flat) == 3) & (shapely.area(flat) > 1e-9)
    flat, own = shapely.orient_polygons(flat[usable], exterior_cw=False), owner[of[usable]]
    first = _local(owner)[of[usable]]
    lines, ring_face = shapely.get_rings(flat, return_index=True)
    uv, ring = shapely.get_coordinates(lines, return_index=True)
    point_own, point_first = own[ring_face[ring]], first[ring_face[ring]]
    xy = squares.back(uv, point_own)
    z = eaves_m[point_own] + rise[point_own] * np.clip(height(uv, point_first), 0, 1)
    inside = ring[1:] == ring[:-1]
    keep = np.append(inside, False)  # every ring ends where it began
    keep[:-1] &= (uv[1:] != uv[:-1]).any(axis=1)
    sizes = np.bincount(ring[keep], minlength=len(lines))
    roof = RoofFaces(np.column_stack([xy, z])[keep], sizes, ring_face, own, np.full(len(flat), SurfaceType.ROOF))
    edge = np.flatnonzero(inside)
    middle = shapely.points((xy[edge] + xy[edge + 1]) / 2)
    outside = shapely.distance(middle, shapely.boundary(polygons)[point_own[edge]]) < 1e-3
    edge = edge[outside]
    a, b, foot = xy[edge], xy[edge + 1], base_m[point_own[edge]]
    walls = np.stack(
        [np.column_stack([a, foot]), np.column_stack([b, foot]), np.column_stack([b, z[edge + 1]]),
         np.column_stack([a, z[edge]])], axis=1,
    )  # fmt: skip
    count = len(edge)
    wall = RoofFaces(
        walls.reshape(-1, 3), np.full(count, 4), np.arange(count), point_own[edge], np.full(count, SurfaceType.WALL)
    )
    return _joined([roof, wall])


def _local(owner: np.ndarray) -> np.ndarray:
    """Position of each owner among the distinct ones, in order of appearance as they were cut."""
    return np.unique(owner, return_inverse=True)[1]


def _placed(squares: _Squares, pieces: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Pieces of unit squares where they lie on the ground."""
    import shapely

    uv, of = shapely.get_coordinates(pieces, return_index=True)
    return shapely.set_coordinates(pieces.copy(), squares.back(uv, owner[of]))


def _grounds(shapes: np.ndarray, owner: np.ndarray, base_m: np.ndarray) -> RoofFaces:
    """Undersides, seen from below."""
    import shapely

    flat, of = shapely.get_parts(shapes, return_index=True)
    usable = (shapely.get_type_id(flat) == 3) & (shapely.area(flat) > 1e-4)
    flat, own = shapely.orient_polygons(flat[usable], exterior_cw=True), owner[of[usable]]
    lines, ring_face = shapely.get_rings(flat, return_index=True)
    xy, ring = shapely.get_coordinates(lines, return_index=True)
    keep = np.append(ring[1:] == ring[:-1], False)
    keep[:-1] &= (xy[1:] != xy[:-1]).any(axis=1)
    points = np.column_stack([xy, base_m[own[ring_face[ring]]]])[keep]
    surface = np.where(base_m[own] > 0, SurfaceType.OUTER_CEILING, SurfaceType.GROUND)
    return RoofFaces(points, np.bincount(ring[keep], minlength=len(lines)), ring_face, own, surface)


def _joined(parts: list[RoofFaces]) -> RoofFaces:
    none = np.zeros(0, np.int64)
    faces = np.cumsum([0, *(len(part.face_outline) for part in parts)])
    return RoofFaces(
        np.concatenate([np.zeros((0, 3)), *(part.points for part in parts)]),
        np.concatenate([none, *(part.ring_sizes for part in parts)]),
        np.concatenate([none, *(part.ring_face + at for part, at in zip(parts, faces, strict=False))]),
        np.concatenate([none, *(part.face_outline for part in parts)]),
        np.concatenate([none, *(part.face_surface for part in parts)]),
    )


_COMPASS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")


def _direction(text: str) -> float:
    """Degrees from north, clockwise, of ``135``, ``SE``; NaN for everything else."""
    plain = text.strip().upper()
    if plain in _COMPASS:
        return _COMPASS.index(plain) * 22.5
    value = metres(plain.removesuffix("°"))
    return value if 0 <= value <= 360 else float("nan")
