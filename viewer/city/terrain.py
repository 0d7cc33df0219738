"""What a terrain says about a city: heights at places, houses set on it, and whether both mean the same heights.

The ground that everything else uses is made in ``ground``; nothing here reads files or draws.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city.arrange import take_faces
from viewer.city.kinds import Theme
from viewer.city.layers import Layer, TerrainLayer
from viewer.city.measures import Measures
from viewer.city.model import CityModel
from viewer.city.refine import refined
from viewer.city.report import Issue, IssueLog, Severity

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: So many houses or more that stand at one level within this are taken to have no ground height of their own.
LEVEL_M = 0.01
LEVEL_FROM = 5
#: Streets and parks this little above the level of the houses lie on the ground with them.
LAID_M = 0.6
#: A house this near to the terrain is left where it is.
NEAR_M = 0.5
#: From this median difference on a person is told.
DISAGREE_M = 2.0
#: Fewest houses on a terrain that say something about its height system.
FEWEST = 3
#: Nodes of joined terrains, at most; and so few that nobody minds empty ones between.
MOST_NODES, FEW_NODES = 36_000_000, 4_000_000
_FEET = 3.28084
#: Heights above the ellipsoid less those above the sea, where people measure so (Europe, Japan), metres.
_GEOID_M = (20.0, 56.0)
_ON_GROUND = (Theme.LAND_USE, Theme.ROAD, Theme.RAILWAY, Theme.SQUARE, Theme.VEGETATION, Theme.WATER)

SET_ON = "{count} buildings without a ground height of their own were set on the terrain {terrain}."
ABOVE = "The buildings stand {metres} m above the terrain {terrain} (median of {n}; half of them {low} to {high} m)."
BELOW = "The buildings stand {metres} m below the terrain {terrain} (median of {n}; half of them {low} to {high} m)."
BY_GEOID = (
    "That is what heights above the ellipsoid differ from heights above sea level: one of the two files probably"
    " holds the former. City: {city}. Terrain: {own}."
)
BY_FEET = "One of the two is probably in feet: the heights differ by the factor {factor}. City: {city}. Terrain: {own}."
BY_ROOFS = "The grid follows the roofs: it is probably a surface model with buildings and trees, not a terrain."
BY_DATUM = "The two files probably use different height systems. City: {city}. Terrain: {own}."
BY_TIME = (
    "The difference changes from place to place: one of the two is probably a surface model, coarse, or from another"
    " time. City: {city}. Terrain: {own}."
)
_NOT_NAMED = "?"


def height_at(terrain: TerrainLayer, xy_local: ArrayLike) -> Floats:
    """Bilinear height (n,) at points (n, 2), local metres; NaN beside the grid and next to unknown nodes."""
    xy = np.asarray(xy_local, np.float64).reshape(-1, 2)
    heights = terrain.heights
    rows, columns = heights.shape
    u = (xy[:, 0] - terrain.origin_local[0]) / terrain.cell_m
    v = (xy[:, 1] - terrain.origin_local[1]) / terrain.cell_m
    with np.errstate(invalid="ignore"):
        inside = (u >= 0) & (v >= 0) & (u <= columns - 1) & (v <= rows - 1)
    u, v = np.where(inside, u, 0.0), np.where(inside, v, 0.0)
    i, j = np.minimum(u.astype(np.int64), columns - 2), np.minimum(v.astype(np.int64), rows - 2)
    s, t = u - i, v - j
    low = heights[j, i] * (1 - s) + heights[j, i + 1] * s
    high = heights[j + 1, i] * (1 - s) + heights[j + 1, i + 1] * s
    return np.where(inside, low * (1 - t) + high * t, np.nan)


def set_on(city: CityModel, faces: Flags | None, terrain: TerrainLayer) -> tuple[CityModel, int]:
    """A city read from one file with what has no ground height of its own set on the terrain.

    A building stands at height 0 of the coordinate system, or all of the file stand at one level, and the terrain
    says otherwise: then it is moved up or down as a whole, its lowest corner onto the lowest terrain under it.
    What lies flat on the ground at that level is cut into triangles that follow the terrain.

    Returns
    -------
    The city (the same object where nothing moved) and the number of buildings moved.
    """
    count = len(city.objects.features) if len(city.objects) else 0
    if not count or not len(city.positions_local):
        return city, 0
    shown = np.ones(len(city.face_surface), bool) if faces is None else faces
    vertex_feature = city.face_feature[city.vertex_face]
    used = shown[city.vertex_face]
    z = city.positions_local[:, 2]
    low, high = np.full(count, np.inf, np.float32), np.full(count, -np.inf, np.float32)
    np.minimum.at(low, vertex_feature[used], z[used])
    np.maximum.at(high, vertex_feature[used], z[used])
    building = city.objects.feature_is_building & np.isfinite(low)
    feet = low[building] if building.any() else low[np.isfinite(low)]
    if not len(feet):
        return city, 0
    level = float(np.median(feet))
    sea = -city.frame.origin_crs[2]
    with np.errstate(invalid="ignore"):
        above = low - sea
        flat = np.abs(above) < LEVEL_M
        if len(feet) >= LEVEL_FROM and float(np.ptp(feet)) < LEVEL_M:
            flat |= np.abs(low - level) < LEVEL_M
            above = np.where(np.abs(above) < LAID_M, above, low - level)
        # Roads lie a little higher than the parks they cross.
        laid = (np.abs(above) < LAID_M) & (high - low < LEVEL_M) & _of_themes(city, _ON_GROUND)
    flat &= ~laid
    if not (flat | laid).any():
        return city, 0

    near = np.flatnonzero(flat[vertex_feature])
    under = height_at(terrain, city.positions_local[near, :2])
    feature = vertex_feature[near]
    ground = np.full(count, np.inf)
    at_foot = np.isfinite(under) & (z[near] - low[feature] < NEAR_M)
    np.minimum.at(ground, feature[at_foot], under[at_foot])
    with np.errstate(invalid="ignore"):
        lift = np.where(flat & np.isfinite(ground), ground - low, 0.0)
    lift[np.abs(lift) < NEAR_M] = 0.0
    if lift.any():
        positions = city.positions_local.copy()
        positions[near, 2] += lift[feature].astype(np.float32)
        city = replace(city, positions_local=positions, tiles=None)
    moved = int(((lift != 0) & city.objects.feature_is_building).sum())
    return _laid(city, np.flatnonzero(laid[city.face_feature]), terrain, np.where(laid, above, 0.0)), moved


def _laid(city: CityModel, faces: NDArray[np.int64], terrain: TerrainLayer, above_m: Floats) -> CityModel:
    """The city with some level faces laid on the terrain, cut into triangles where it bends.

    above_m : (K,) height above the ground of every top-level object. Faces that reach beyond the terrain stay.
    """
    if not len(faces):
        return city
    corner = np.flatnonzero(np.isin(city.vertex_face, faces))
    beyond = np.isnan(height_at(terrain, city.positions_local[corner, :2]))
    faces = np.setdiff1d(faces, city.vertex_face[corner[beyond]])
    of_faces = np.zeros(len(city.face_surface), bool)
    of_faces[faces] = True
    chosen = of_faces[city.triangle_face]
    used, triangles = np.unique(city.triangles[chosen], return_inverse=True)
    xy = city.positions_local[used, :2].astype(np.float64)
    owner = city.triangle_face[chosen].astype(np.int64)

    def height(places: Floats) -> Floats:
        return height_at(terrain, places)

    xy, triangles, owner = refined(xy, triangles.reshape(-1, 3), owner, height)
    corners = xy[triangles].reshape(-1, 2)
    z = height(corners) + np.repeat(above_m[city.face_feature[owner]], 3)
    inside = np.isfinite(z).reshape(-1, 3).all(axis=1)  # over a gap in the terrain
    if not len(owner) or (city.appearance is not None):
        positions = city.positions_local.copy()
        own = np.flatnonzero(of_faces[city.vertex_face])
        under = height_at(terrain, positions[own, :2]) + above_m[city.face_feature[city.vertex_face[own]]]
        positions[own, 2] = np.where(np.isfinite(under), under, positions[own, 2])
        return replace(city, positions_local=positions, tiles=None)
    kept = take_faces(city, np.flatnonzero(~of_faces))
    pieces = np.column_stack([corners, z]).reshape(-1, 3, 3)[inside].reshape(-1, 3).astype(np.float32)
    owner = owner[inside]
    number = np.arange(len(owner), dtype=np.int32)
    first_vertex, first_ring, first_face = len(kept.positions_local), len(kept.ring_start) - 1, len(kept.face_surface)
    return replace(
        kept,
        positions_local=np.concatenate([kept.positions_local, pieces]),
        ring_start=np.concatenate([kept.ring_start, (first_vertex + 3 * (number + 1)).astype(np.int32)]),
        face_ring_start=np.concatenate([kept.face_ring_start, (first_ring + number + 1).astype(np.int32)]),
        face_surface=np.concatenate([kept.face_surface, city.face_surface[owner]]),
        face_object=np.concatenate([kept.face_object, city.face_object[owner]]),
        face_lod=np.concatenate([kept.face_lod, city.face_lod[owner]]),
        triangles=np.concatenate(
            [kept.triangles, (first_vertex + np.arange(3 * len(owner))).reshape(-1, 3).astype(np.int32)]
        ),
        triangle_face=np.concatenate([kept.triangle_face, first_face + number]),
        tiles=None,
    )


def _of_themes(city: CityModel, themes: tuple[Theme, ...]) -> Flags:
    codes = [tuple(Theme).index(theme) for theme in themes]
    return np.isin(city.objects.feature_theme, codes)


@dataclass(frozen=True, slots=True)
class Difference:
    """Ground heights of buildings less the terrain under them, metres: median, quartiles, number.

    over_roofs : median of the terrain less the buildings' tops. Heights are those of the median building, in the
    coordinate system: of the city and of the terrain.
    """

    median_m: float
    low_m: float
    high_m: float
    count: int
    over_roofs_m: float
    city_m: float
    terrain_m: float


def difference(city: CityModel, measures: Measures, terrain: TerrainLayer) -> Difference | None:
    """How the feet of the buildings differ from the terrain; None with fewer than three on it."""
    stands = measures.is_building & ~measures.planned & np.isfinite(measures.ground_m)
    stands &= np.isfinite(measures.centre_local).all(axis=1)
    under = height_at(terrain, measures.centre_local[stands])
    known = np.isfinite(under)
    if known.sum() < FEWEST:
        return None
    feet, under = measures.ground_m[stands][known], under[known]
    apart = feet - under
    low, middle, high = np.percentile(apart, (25, 50, 75)).tolist()
    top = measures.top_m[stands][known]
    origin = city.frame.origin_crs[2]
    return Difference(
        middle, low, high, len(apart), float(np.nanmedian(under - top)),
        float(np.median(feet)) + origin, float(np.median(under)) + origin,
    )  # fmt: skip


def disagreement(city: CityModel, measures: Measures, terrain: TerrainLayer) -> tuple[Issue, ...]:
    """What a person is told where city and terrain lie metres apart: the numbers, then the probable reason."""
    found = difference(city, measures, terrain)
    if found is None or abs(found.median_m) < DISAGREE_M:
        return ()
    log = IssueLog()
    log.add(
        Severity.WARNING,
        ABOVE if found.median_m > 0 else BELOW,
        metres=round(abs(found.median_m), 1),
        terrain=terrain.name,
        n=found.count,
        low=round(found.low_m, 1),
        high=round(found.high_m, 1),
    )
    named: dict[str, Any] = {
        "city": city.frame.vertical_crs or _NOT_NAMED,
        "own": terrain.vertical_crs or _NOT_NAMED,
    }
    spread = found.high_m - found.low_m
    factor = found.terrain_m / found.city_m if abs(found.city_m) > 1.0 else 0.0
    if abs(found.over_roofs_m) < 0.25 * abs(found.median_m) and found.median_m < 0:
        log.add(Severity.WARNING, BY_ROOFS)
    elif min(abs(factor - _FEET), abs(factor - 1 / _FEET) * _FEET) < 0.05:
        log.add(Severity.WARNING, BY_FEET, factor=round(max(factor, 1 / factor), 2), **named)
    elif spread > max(3.0, 0.3 * abs(found.median_m)):
        log.add(Severity.WARNING, BY_TIME, **named)
    elif _GEOID_M[0] <= abs(found.median_m) <= _GEOID_M[1]:
        log.add(Severity.WARNING, BY_GEOID, **named)
    else:
        log.add(Severity.WARNING, BY_DATUM, **named)
    return log.issues()


def terrains_of(layers: tuple[Layer, ...]) -> tuple[TerrainLayer, ...]:
    """The terrains among some layers."""
    return tuple(layer for layer in layers if isinstance(layer, TerrainLayer))


@lru_cache(maxsize=4)
def mosaic(layers: tuple[TerrainLayer, ...]) -> TerrainLayer | None:
    """Several terrains, bottom to top, as one; each covers what lies below where it knows heights.

    The finest spacing is kept while the whole stays below 36 million nodes. Terrains too far apart for that are not
    joined: the topmost one is taken. None without any; a single one is itself.
    """
    if len(layers) < 2:
        return layers[0] if layers else None
    top = layers[-1]
    corners = np.concatenate([layer.corners_local for layer in layers])
    low, high = corners.min(axis=0), corners.max(axis=0)
    cell = min(layer.cell_m for layer in layers)
    nodes = float(np.prod((high - low) / cell + 1))
    if nodes > max(FEW_NODES, 16 * sum(layer.heights.size * (layer.cell_m / cell) ** 2 for layer in layers)):
        return top
    cell *= max(1.0, float(np.sqrt(nodes / MOST_NODES)))
    first = np.floor((low - top.origin_local) / cell + 1e-6)
    origin = (top.origin_local[0] + float(first[0]) * cell, top.origin_local[1] + float(first[1]) * cell)
    columns, rows = (int(n) for n in np.ceil((high - origin) / cell - 1e-6) + 1)
    heights = np.full((rows, columns), np.nan, np.float32)
    for layer in layers:
        _lay(heights, origin, cell, layer)
    heights.setflags(write=False)
    name = ", ".join(dict.fromkeys(layer.name for layer in reversed(layers[-3:]))) + (", …" if len(layers) > 3 else "")
    return TerrainLayer(name, heights, origin, cell, vertical_crs=top.vertical_crs)


def _lay(heights: NDArray[np.float32], origin: tuple[float, float], cell: float, layer: TerrainLayer) -> None:
    """Put the known heights of a terrain into a grid."""
    west, south = (np.array(layer.corners_local[3]) - origin) / cell
    east, north = (np.array(layer.corners_local[1]) - origin) / cell
    i, j = round(float(west)), round(float(south))
    if abs(layer.cell_m - cell) < 1e-9 * cell and max(abs(west - i), abs(south - j)) < 0.01:
        part = heights[j : j + layer.heights.shape[0], i : i + layer.heights.shape[1]]
        np.copyto(part, layer.heights, where=np.isfinite(layer.heights))
        return
    column = np.arange(max(int(np.ceil(west - 1e-6)), 0), min(int(np.floor(east + 1e-6)) + 1, heights.shape[1]))
    for row in range(max(int(np.ceil(south - 1e-6)), 0), min(int(np.floor(north + 1e-6)) + 1, heights.shape[0])):
        xy = np.column_stack([origin[0] + column * cell, np.full(len(column), origin[1] + row * cell)])
        found = height_at(layer, xy).astype(np.float32)
        known = np.isfinite(found)
        heights[row, column[known]] = found[known]
