"""What is under the pointer: a view ray against the *changed* city, in NumPy. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.scenario.change import CityChange, lifted_z
from viewer.scene.city_mesh import CityArrays
from viewer.scene.faces import Faces
from viewer.scene.rays import nearest_triangle

Vector = NDArray[np.float64]
#: Tiles whose faces stay at hand for the next ray.
KEPT_TILES = 12
#: In so many directions the outermost corners of a city are looked for.
DIRECTIONS = 48


@dataclass(frozen=True, slots=True)
class Pick:
    """What a person pointed at.

    feature : position in ``city.objects.features``, -1 for a layer or the bare ground. surface : the
    ``SurfaceType`` hit. layer, row : key and row of a layer's object, "" and -1 for none.
    """

    position_local: tuple[float, float, float]
    distance_m: float
    feature: int = -1
    surface: int = 0
    layer: str = ""
    row: int = -1


@dataclass(eq=False)
class CityPicker:
    """Casts rays at a city: boxes of tiles first, then of their objects, then the triangles of the few that remain."""

    arrays: CityArrays
    _faces: dict[int, Faces] = field(init=False, default_factory=dict)
    _rise: tuple[CityChange | None, float, float] = field(init=False, default=(None, 1.0, 0.0))

    def cast(self, origin: Vector, direction: Vector, change: CityChange | None) -> Pick | None:
        """The nearest thing a ray meets."""
        tiles = self.arrays.tiles
        near, hit = _slabs(*self._tile_boxes(change), origin, direction)
        order = np.flatnonzero(hit)
        best: Pick | None = None
        for tile in order[np.argsort(near[order])].tolist():
            if best is not None and near[tile] > best.distance_m:
                break
            own = np.arange(tiles.feature_start[tile], tiles.feature_start[tile + 1])
            low, high = self._boxes(own, change)
            entry, met = _slabs(low, high, origin, direction)
            if change is not None:
                met &= change.exists[own]
            if not met.any():
                continue
            if tiles.verify is not None and tiles.verify(tile):
                first = int(np.argmin(np.where(met, entry, np.inf)))
                found: Pick | None = _at(origin, direction, max(float(entry[first]), 0.0), int(own[first]), 0)
            else:
                found = self._triangles(tile, own[met], origin, direction, change)
            if found is not None and (best is None or found.distance_m < best.distance_m):
                best = found
        return best

    def centres(self, change: CityChange | None) -> tuple[Vector, NDArray[np.bool_]]:
        """(K, 3) middles of the boxes of all objects, and which of them are there."""
        low, high = self._boxes(slice(None), change)
        there = np.isfinite(low[:, 0])
        if change is not None:
            there &= change.exists
        return np.where(there[:, None], (low + high) / 2, 0.0), there

    def box(self, features: NDArray[np.integer], change: CityChange | None) -> tuple[Vector, Vector] | None:
        """Corners of the box around some objects; None if nothing of them is shown."""
        low, high = self._boxes(features, change)
        there = np.isfinite(low[:, 0])
        return (low[there].min(axis=0), high[there].max(axis=0)) if there.any() else None

    def rim(self) -> Vector | None:
        """(n, 3) points such that the city lies between them: the outermost corners of boxes in some directions, the
        lowest and the highest. None if nothing is shown."""
        far = self.arrays.far
        known = np.isfinite(far.low[:, 0])
        if not known.any():
            return None
        some = np.flatnonzero(self._may_be_outermost() & known)
        low, high = far.low[some].astype(np.float64), far.high[some].astype(np.float64)
        corners = np.stack([low, high, np.column_stack([low[:, 0], high[:, 1], low[:, 2]]),
                            np.column_stack([high[:, 0], low[:, 1], low[:, 2]])]).reshape(-1, 3)  # fmt: skip
        last = min(50, len(known)) - 1
        deep = np.argpartition(np.where(known, far.low[:, 2], np.inf), last)[:50]
        tall = np.argpartition(np.where(known, -far.high[:, 2], np.inf), last)[:50]
        outer = (_outermost(corners, DIRECTIONS), far.low[deep[known[deep]]], far.high[tall[known[tall]]])
        return np.asarray(np.concatenate(outer), np.float64)

    def _may_be_outermost(self) -> NDArray[np.bool_]:
        """(K,) bool: objects of tiles that reach as far in some direction as any tile surely does."""
        far, first = self.arrays.far, self.arrays.tiles.feature_start
        first = first[:-1][np.diff(first) > 0]
        low = np.minimum.reduceat(far.low[:, :2], first, axis=0).astype(np.float64)
        high = np.maximum.reduceat(far.high[:, :2], first, axis=0).astype(np.float64)
        x, y = (np.stack([low[:, k], high[:, k]]) for k in (0, 1))  # (2, B)
        there = np.isfinite(x).all(axis=0)
        chosen = np.zeros(len(first), bool)
        for a in _angles(DIRECTIONS):
            with np.errstate(invalid="ignore"):
                ahead, left = (np.where(there, v, -np.inf) for v in (x * np.cos(a), y * np.sin(a)))
            most = ahead.max(axis=0) + left.max(axis=0)
            # something touches each side of the box around a tile
            least = np.maximum(ahead.max(axis=0) + left.min(axis=0), ahead.min(axis=0) + left.max(axis=0))
            chosen |= most >= least.max()
        return np.repeat(chosen, np.diff(first, append=len(far.low)))

    def _tile_boxes(self, change: CityChange | None) -> tuple[Vector, Vector]:
        """Boxes of all tiles, high enough for whatever the change makes of their buildings."""
        tiles = self.arrays.tiles
        if change is None or not len(change.factor):
            return tiles.low, tiles.high
        if self._rise[0] is not change:
            self._rise = (change, max(float(change.factor.max()), 1.0), max(float(change.lift_m.max()), 0.0))
        _, factor, lift = self._rise
        high = tiles.high.copy()
        with np.errstate(invalid="ignore"):
            high[:, 2] += (tiles.high[:, 2] - tiles.low[:, 2]) * (factor - 1.0) + lift
        return tiles.low, high

    def _boxes(self, features: NDArray[np.integer] | slice, change: CityChange | None) -> tuple[Vector, Vector]:
        """(n, 3) corners of the boxes of objects as they stand now."""
        far = self.arrays.far
        low, high = far.low[features].astype(np.float64), far.high[features].astype(np.float64)
        if change is not None:
            ground = self.arrays.ground_z[features]
            with np.errstate(invalid="ignore"):
                tall = (high[:, 2] - ground) * change.factor[features]
                high[:, 2] = ground + tall + np.maximum(change.lift_m[features], 0)
        return low, high

    def _faces_of(self, tile: int) -> Faces:
        faces = self._faces.pop(tile, None) or self.arrays.faces(tile)
        self._faces[tile] = faces
        while len(self._faces) > KEPT_TILES:
            del self._faces[next(iter(self._faces))]
        return faces

    def _triangles(
        self, tile: int, features: NDArray[np.int64], origin: Vector, direction: Vector, change: CityChange | None
    ) -> Pick | None:
        faces = self._faces_of(tile)
        begin = int(self.arrays.tiles.feature_start[tile])
        wanted = np.zeros(int(self.arrays.tiles.feature_start[tile + 1]) - begin, bool)
        wanted[features - begin] = True
        triangles = np.flatnonzero((wanted[faces.feature - begin] & faces.shown)[faces.triangle_face])
        if not len(triangles):
            return None
        nearest, distance = nearest_triangle(self._moved(faces, triangles, change), origin, direction)
        if nearest < 0:
            return None
        face = int(faces.triangle_face[triangles[nearest]])
        return _at(origin, direction, distance, int(faces.feature[face]), int(faces.surface[face]))

    def _moved(self, faces: Faces, triangles: NDArray[np.int64], change: CityChange | None) -> Vector:
        """(n, 3, 3) corners of triangles where the scenario puts them."""
        corners = faces.positions[faces.triangles[triangles]].astype(np.float64)
        if change is None:
            return corners
        feature = faces.feature[faces.triangle_face[triangles]]
        m = self.arrays.measures
        ground, eaves = m.ground_m[feature][:, None], m.eaves_m[feature][:, None]
        known = np.isfinite(ground) & np.isfinite(eaves)
        z = lifted_z(
            corners[:, :, 2], np.where(known, ground, 0.0), np.where(known, eaves, 1.0),
            np.where(known, change.lift_m[feature][:, None], 0.0),
            np.where(known, change.factor[feature][:, None], 1.0),
        )  # fmt: skip
        corners[:, :, 2] = np.where(known, z, corners[:, :, 2])
        return corners


def _at(origin: Vector, direction: Vector, distance: float, feature: int, surface: int) -> Pick:
    point = origin + direction * distance
    return Pick((float(point[0]), float(point[1]), float(point[2])), distance, feature, surface)


def _outermost(points: Vector, directions: int) -> Vector:
    """(directions, 3) of (n, 3) points: the one that lies farthest on the ground in each direction."""
    return points[[int(np.argmax(points[:, 0] * np.cos(a) + points[:, 1] * np.sin(a))) for a in _angles(directions)]]


def _angles(directions: int) -> Vector:
    return np.asarray(np.arange(directions) * (2 * np.pi / directions))


def _slabs(low: Vector, high: Vector, origin: Vector, direction: Vector) -> tuple[Vector, NDArray[np.bool_]]:
    """(n,) how far a ray goes until it enters boxes (n, 3), and whether it meets them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / direction
        a, b = (low - origin) * inverse, (high - origin) * inverse
        near = np.fmax.reduce(np.fmin(a, b), axis=1)
        far = np.fmin.reduce(np.fmax(a, b), axis=1)
    return near, (near <= far) & (far > 0) & (low[:, 0] <= high[:, 0])
