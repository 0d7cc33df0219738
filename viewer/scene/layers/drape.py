"""Laying flat things on the ground: heights for points, lines cut at its bends, polygons as fine triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city import AreaLayer
from viewer.city.ground import Ground
from viewer.city.refine import FLAT_M, MAX_EDGE_M, MOST_POINTS, refined
from viewer.readers.triangulate import triangulate
from viewer.scene.shading import light_on

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: How much light and shade of the ground show through what lies on it.
_CONTRAST = 1.7


def drape_points(xy: ArrayLike, ground: Ground | None, offset: float = 0.0) -> Floats:
    """(n, 3) points at ``offset`` metres above the ground (z = 0 without one)."""
    xy = np.asarray(xy, np.float64).reshape(-1, 2)
    z = ground.height_at(xy) if ground is not None and len(xy) else np.zeros(len(xy))
    return np.column_stack([xy, z + offset])


def on_ground(points: Floats, ground: Ground | None) -> Floats:
    """(n, 3) points with the ground's height where z is NaN."""
    points = np.array(points, np.float64).reshape(-1, 3)
    unknown = ~np.isfinite(points[:, 2])
    if unknown.any():
        points[unknown] = drape_points(points[unknown, :2], ground)
    return points


def shade_of(xy: Floats, ground: Ground | None) -> Floats:
    """(n,) how bright a colour laid on the ground is at places (n, 2): 1 on level ground, darker in its shade."""
    if ground is None or is_flat(ground) or not len(xy):
        return np.ones(len(xy))
    step = 1.0 if ground.detail is None else max(ground.detail.cell_m, 1.0)
    east, north = np.array([step, 0.0]), np.array([0.0, step])
    rise_x = (ground.height_at(xy + east) - ground.height_at(xy - east)) / (2 * step)
    rise_y = (ground.height_at(xy + north) - ground.height_at(xy - north)) / (2 * step)
    normal = np.column_stack([-rise_x, -rise_y, np.ones(len(xy))])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    level = float(light_on(np.array([[0.0, 0.0, 1.0]])).mean())
    return np.asarray(np.clip((light_on(normal).mean(axis=1) / level) ** _CONTRAST, 0.55, 1.12))


def is_flat(ground: Ground | None) -> bool:
    """Whether the ground is a level plane."""
    return ground is None or ground.range_m[1] - ground.range_m[0] < FLAT_M


def drape_polygons(
    layer: AreaLayer, ground: Ground | None, max_edge: float = MAX_EDGE_M, offset: float = 0.0
) -> tuple[Floats, Ints, Ints]:
    """Polygons as triangles that follow the ground.

    Returns
    -------
    points : (n, 3) float64 local. triangles : (t, 3) int64 into them. polygon : (t,) int64, the polygon of each.
    """
    flat = np.column_stack([layer.positions_local, np.zeros(len(layer.positions_local))])
    cut = triangulate(flat, layer.ring_start, layer.polygon_ring_start)
    xy, triangles, owner = flat[:, :2], cut.triangles.astype(np.int64), cut.triangle_face.astype(np.int64)
    if ground is not None and not is_flat(ground) and len(triangles):
        xy, triangles, owner = refined(xy, triangles, owner, ground.height_at, max_edge)
    return drape_points(xy, ground, offset), triangles, owner


def drape_rings(
    xy: Floats, start: NDArray[np.integer], ground: Ground | None, *, closed: bool, step: float = 8.0
) -> tuple[Floats, Ints, Ints]:
    """Lines or rings cut where the ground may bend.

    Returns
    -------
    points : (n, 2) float64. segments : (s, 2) int64 into them. line : (s,) int64, the line each belongs to.
    """
    xy = np.asarray(xy, np.float64).reshape(-1, 2)
    sizes = np.diff(start).astype(np.int64)
    line_of = np.repeat(np.arange(len(sizes)), sizes)
    following = np.arange(1, len(xy) + 1, dtype=np.int64)
    filled = sizes > 0
    ends = np.asarray(start)[1:][filled].astype(np.int64) - 1
    following[ends] = np.asarray(start)[:-1][filled]
    keep = np.ones(len(xy), bool)
    if not closed:
        keep[ends] = False
    first = np.flatnonzero(keep)
    second = following[first]
    line = line_of[first]
    if is_flat(ground) or not len(first):
        return xy, np.column_stack([first, second]), line
    length = np.hypot(*(xy[second] - xy[first]).T)
    parts = np.clip(np.ceil(length / step), 1, 200).astype(np.int64)
    if int(parts.sum()) > MOST_POINTS:
        parts = np.ones_like(parts)
    added = parts - 1
    which = np.repeat(np.arange(len(first)), added)
    place = np.arange(len(which)) - np.repeat(np.cumsum(added) - added, added) + 1
    share = (place / parts[which])[:, None]
    between = xy[first[which]] * (1 - share) + xy[second[which]] * share
    base = len(xy) + np.cumsum(added) - added
    # Each segment runs first, its added points, second.
    segment = np.repeat(np.arange(len(first)), parts)
    k = np.arange(len(segment)) - np.repeat(np.cumsum(parts) - parts, parts)
    a = np.where(k == 0, first[segment], base[segment] + k - 1)
    b = np.where(k == parts[segment] - 1, second[segment], base[segment] + k)
    return np.concatenate([xy, between]), np.column_stack([a, b]), line[segment]
