"""What is under the pointer: a view ray against the *changed* city, in NumPy. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.scenario.change import CityChange, lifted_z
from viewer.scene.city_mesh import CityArrays

Vector = NDArray[np.float64]


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
    """Casts rays at a city: boxes of all objects first, triangles of the few that remain."""

    arrays: CityArrays
    _order: NDArray[np.int64] = field(init=False)
    _start: NDArray[np.int64] = field(init=False)
    _low: Vector = field(init=False)
    _high: Vector = field(init=False)

    def __post_init__(self) -> None:
        boxes = self.arrays.boxes
        self._order, self._start, self._low, self._high = boxes.triangles, boxes.start, boxes.low, boxes.high

    def cast(self, origin: Vector, direction: Vector, change: CityChange | None) -> Pick | None:
        """The nearest thing a ray meets."""
        low, high = self._boxes(change)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / direction
            a, b = (low - origin) * inverse, (high - origin) * inverse
        near = np.nanmax(np.minimum(a, b), axis=1)
        far = np.nanmin(np.maximum(a, b), axis=1)
        hit = np.flatnonzero((near <= far) & (far > 0) & np.isfinite(low[:, 0]))
        if change is not None:
            hit = hit[change.exists[hit]]
        best: Pick | None = None
        for batch in _batches(hit[np.argsort(near[hit])], np.diff(self._start)):
            if best is not None and near[batch].min() > best.distance_m:
                break
            found = self._triangles(batch, origin, direction, change)
            if found is not None and (best is None or found.distance_m < best.distance_m):
                best = found
        return best

    def centres(self, change: CityChange | None) -> tuple[Vector, NDArray[np.bool_]]:
        """(K, 3) middles of the boxes of all objects, and which of them are there."""
        low, high = self._boxes(change)
        there = np.isfinite(low[:, 0])
        if change is not None:
            there &= change.exists
        return np.where(there[:, None], (low + high) / 2, 0.0), there

    def box(self, features: NDArray[np.integer], change: CityChange | None) -> tuple[Vector, Vector] | None:
        """Corners of the box around some objects; None if nothing of them is shown."""
        low, high = self._boxes(change)
        there = features[np.isfinite(low[features, 0])]
        return (low[there].min(axis=0), high[there].max(axis=0)) if len(there) else None

    def _boxes(self, change: CityChange | None) -> tuple[Vector, Vector]:
        if change is None:
            return self._low, self._high
        ground = np.where(np.isfinite(self.arrays.measures.ground_m), self.arrays.measures.ground_m, self._low[:, 2])
        high = self._high.copy()
        with np.errstate(invalid="ignore"):
            high[:, 2] = ground + (high[:, 2] - ground) * change.factor + np.maximum(change.lift_m, 0)
        return self._low, high

    def _triangles(
        self, features: NDArray[np.int64], origin: Vector, direction: Vector, change: CityChange | None
    ) -> Pick | None:
        counts = np.diff(self._start)[features]
        total = int(counts.sum())
        if not total:
            return None
        first = np.repeat(self._start[features] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
        triangles = self._order[first + np.arange(total)]
        city = self.arrays.city
        corners = _moved(city, self.arrays, triangles, change)
        a, e1, e2 = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        p = np.cross(direction, e2)
        det = (e1 * p).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / det
            s = origin - a
            u = (s * p).sum(axis=1) * inverse
            q = np.cross(s, e1)
            v = (q @ direction) * inverse
            t = (e2 * q).sum(axis=1) * inverse
            good = (np.abs(det) > 1e-12) & (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (t > 1e-6)
        if not good.any():
            return None
        k = int(np.argmin(np.where(good, t, np.inf)))
        point = origin + direction * t[k]
        face = int(city.triangle_face[triangles[k]])
        return Pick(
            (float(point[0]), float(point[1]), float(point[2])), float(t[k]),
            int(city.face_feature[face]), int(city.face_surface[face]),
        )  # fmt: skip


def _moved(
    city: CityModel, arrays: CityArrays, triangles: NDArray[np.int64], change: CityChange | None
) -> NDArray[np.float64]:
    """(n, 3, 3) corners of triangles where the scenario puts them."""
    corners = city.positions_local[city.triangles[triangles]].astype(np.float64)
    if change is None:
        return corners
    feature = city.face_feature[city.triangle_face[triangles]]
    m = arrays.measures
    ground, eaves = m.ground_m[feature][:, None], m.eaves_m[feature][:, None]
    known = np.isfinite(ground) & np.isfinite(eaves)
    z = lifted_z(
        corners[:, :, 2], np.where(known, ground, 0.0), np.where(known, eaves, 1.0),
        np.where(known, change.lift_m[feature][:, None], 0.0), np.where(known, change.factor[feature][:, None], 1.0),
    )  # fmt: skip
    corners[:, :, 2] = np.where(known, z, corners[:, :, 2])
    return corners


def _batches(features: NDArray[np.int64], counts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Objects near to far in batches of some thousand triangles."""
    if not len(features):
        return []
    cuts = np.cumsum(counts[features]) // 20_000
    return np.split(features, np.flatnonzero(np.diff(cuts)) + 1)
