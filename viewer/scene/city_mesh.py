"""A city as the picture needs it: what is known of all of it from afar, and its tiles for whoever asks. No VTK."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.by_tiles import TRIANGLES_AT_ONCE, TRIANGLES_EACH, WORTH_SHARING, Each, batches
from viewer.city.kinds import Theme
from viewer.city.measures import Measures
from viewer.city.tiles import Tiles
from viewer.scene.coarse import Blocks, Masses, make_blocks, make_masses
from viewer.scene.faces import Faces, is_any

Kind = TypeVar("Kind", bound=np.generic)
SEALED_WORDS = ("asphalt", "paving", "concrete", "sealed", "versiegelt", "beton", "pflaster")
#: Columns of ``Far.count``.
BODY_TRIANGLES, BODY_VERTICES, FLAT_TRIANGLES, FLAT_VERTICES, OUTLINED_VERTICES = range(5)


@dataclass(frozen=True, eq=False)
class Far:
    """What is small and known of all K top-level objects and B tiles of a city.

    blocks, masses : see ``viewer.scene.coarse``.
    low, high : (K, 3) float32 local corners of the box of what is shown of each object, infinite for nothing.
    count : (B, 5) int64, triangles and vertices of bodies and of the ground, vertices of outlined faces.
    patch_m : (B,) float32, side of a typical face of the ground; larger faces count more.
    """

    blocks: Blocks
    masses: Masses
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    count: NDArray[np.int64]
    patch_m: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CityArrays:
    """A city at one level of detail. shown : (F,) bool, the faces of that level; None for all.

    tiles : the city's, or one tile for all of a city that is not sorted (see ``viewer.city.arrange``); such a city is
        always drawn whole.
    """

    city: CityModel
    measures: Measures
    shown: NDArray[np.bool_] | None
    tiles: Tiles

    @staticmethod
    def of(city: CityModel, shown: NDArray[np.bool_] | None, measures: Measures) -> CityArrays:
        """Nothing is worked out yet."""
        return CityArrays(city, measures, shown, _one_tile(city) if city.tiles is None else city.tiles)

    @cached_property
    def far(self) -> Far:
        """Made when first asked for, some tiles at a time."""
        return _make_far(self, map)

    def faces(self, first: int, last: int | None = None) -> Faces:
        """The faces of tile ``first``, or of ``first .. last - 1``."""
        if self.city.tiles is None:
            return Faces.of(self.city, self.shown)
        return Faces.of(self.city, self.shown, first, first + 1 if last is None else last)

    @cached_property
    def ground_z(self) -> NDArray[np.float32]:
        """(K,) float32: height from which each object is measured; its lowest point where the ground is unknown."""
        ground = self.measures.ground_m.astype(np.float32)
        unknown = ~np.isfinite(ground)
        if unknown.any():
            low = self.far.low[unknown, 2]
            ground[unknown] = np.where(np.isfinite(low), low, 0.0)
        return ground

    @cached_property
    def sealed(self) -> NDArray[np.bool_]:
        """(K,) bool: open sealed ground; streets and squares too, water and plants not."""
        objects = self.city.objects
        sealed = is_any(objects.feature_theme, (Theme.LAND_USE, Theme.SQUARE, Theme.ROAD))
        column = objects.feature_column("surfaceMaterial")
        if column is not None and not column.numeric:
            texts, code = np.unique(column.values, return_inverse=True)
            hard = np.array([any(w in str(t).lower() for w in SEALED_WORDS) or t == "" for t in texts])
            sealed &= hard[code]
        return sealed

    def make(self, each: Each = map) -> CityArrays:
        """Make the costly part now, in whatever thread this is called from; ``each`` may share the work with others."""
        if "far" not in vars(self):
            vars(self)["far"] = _make_far(self, each)  # where ``cached_property`` keeps it
        return self


_LAST: list[CityArrays] = []


def prepare(city: CityModel, shown: NDArray[np.bool_] | None, measures: Measures) -> CityArrays:
    """The arrays of a city at one LoD; the last two stay, so that a worker can make them before they are shown.

    Safe to call in any thread: two callers at once do the work twice, and get the same content.
    """
    for known in list(_LAST):
        if known.city is city and known.shown is shown and known.measures is measures:
            return known
    arrays = CityArrays.of(city, shown, measures)
    _LAST.append(arrays)
    del _LAST[:-2]
    return arrays


def _one_tile(city: CityModel) -> Tiles:
    low, high = city.extent_local
    counts = (
        len(city.objects), len(city.objects.features), len(city.face_surface),
        len(city.ring_start) - 1, len(city.positions_local), len(city.triangles),
    )  # fmt: skip
    objects, features, faces, rings, vertices, triangles = (np.array([0, n], np.int64) for n in counts)
    side = max(float(np.max(high[:2] - low[:2])) * 1.001, 1.0)
    corner = (float(low[0]), float(low[1]))
    none = np.zeros(1, np.int64)
    return Tiles(
        none, none.astype(np.uint8), side, corner, objects, features, faces, rings, vertices, triangles,
        low[None], high[None],
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Task:
    """Some tiles: their faces, the objects ``first .. first + len(eaves_m) - 1``, (b + 1,) the first face of every
    tile, counted from the first of them."""

    faces: Faces
    first: int
    eaves_m: NDArray[np.floating]
    face_start: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Piece:
    """``Far`` of some tiles."""

    blocks: Blocks
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    count: NDArray[np.int64]
    patch_m: NDArray[np.float32]


def _make_far(arrays: CityArrays, each: Each) -> Far:
    tiles = arrays.tiles
    large = len(arrays.city.triangles) >= WORTH_SHARING
    runs = batches(tiles, TRIANGLES_EACH if large else TRIANGLES_AT_ONCE)
    tasks = (_task(arrays, first, last) for first, last in runs)
    pieces = list(each(_far_of, tasks) if large else map(_far_of, tasks))

    def joined(parts: list[NDArray[Kind]], empty: NDArray[Kind]) -> NDArray[Kind]:
        return np.concatenate(parts) if parts else empty

    none = np.empty((0, 3), np.float32)
    blocks = Blocks(
        joined([p.blocks.place for p in pieces], np.empty((0, 8), np.float32)),
        joined([p.blocks.top for p in pieces], np.empty(0, np.uint8)),
        joined([p.blocks.side for p in pieces], np.empty(0, np.uint8)),
        joined([p.blocks.rank for p in pieces], np.empty(0, np.float32)),
    )
    return Far(
        blocks,
        make_masses(tiles, blocks),
        joined([p.low for p in pieces], none),
        joined([p.high for p in pieces], none),
        joined([p.count for p in pieces], np.zeros((0, 5), np.int64)),
        joined([p.patch_m for p in pieces], np.zeros(0, np.float32)),
    )


def _task(arrays: CityArrays, first: int, last: int) -> _Task:
    tiles = arrays.tiles
    faces = arrays.faces(first, last)
    begin, end = int(tiles.feature_start[first]), int(tiles.feature_start[last])
    start = np.asarray(tiles.face_start[first : last + 1] - faces.first_face)
    return _Task(faces, begin, arrays.measures.eaves_m[begin:end], start)


def _far_of(task: _Task) -> _Piece:
    faces, tiles = task.faces, len(task.face_start) - 1
    low = np.full((len(task.eaves_m), 3), np.inf, np.float32)
    high = np.full((len(task.eaves_m), 3), -np.inf, np.float32)
    count, patch = np.zeros((tiles, 5), np.int64), np.zeros(tiles, np.float32)
    blocks = make_blocks(faces, task.eaves_m, task.first, len(task.eaves_m))
    _boxes(faces, task.first, low, high)
    _count(faces, np.searchsorted(task.face_start, np.arange(len(faces)), "right") - 1, count, patch)
    return _Piece(blocks, low, high, count, patch)


def _boxes(faces: Faces, first: int, low: NDArray[np.float32], high: NDArray[np.float32]) -> None:
    """Fill in the boxes of the objects of some faces, which begin with ``first``."""
    index = np.flatnonzero(faces.shown[faces.vertex_face])
    if not len(index):
        return
    of = faces.feature[faces.vertex_face[index]] - first
    if np.any(np.diff(of) < 0):
        index = index[np.argsort(of, kind="stable")]
        of = faces.feature[faces.vertex_face[index]] - first
    start = np.flatnonzero(np.diff(of, prepend=-1))
    points = faces.positions[index]
    low[of[start]] = np.minimum.reduceat(points, start, axis=0)
    high[of[start]] = np.maximum.reduceat(points, start, axis=0)


def _count(faces: Faces, tile: NDArray[np.int64], count: NDArray[np.int64], patch: NDArray[np.float32]) -> None:
    """Sizes of what each tile shows."""
    vertices = np.diff(faces.face_start)
    triangles = np.bincount(faces.triangle_face, minlength=len(faces))
    for column, of, number in (
        (BODY_TRIANGLES, faces.body, triangles), (BODY_VERTICES, faces.body, vertices),
        (FLAT_TRIANGLES, faces.flat, triangles), (FLAT_VERTICES, faces.flat, vertices),
        (OUTLINED_VERTICES, faces.outlined, vertices),
    ):  # fmt: skip
        count[:, column] = np.bincount(tile[of], number[of], len(count))
    flat = np.flatnonzero(faces.flat)
    if len(flat):
        own = np.flatnonzero(faces.flat[faces.triangle_face])
        p = faces.positions[faces.triangles[own]].astype(np.float64)
        a, b = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
        area = np.bincount(faces.triangle_face[own], np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2, len(faces))
        total = np.bincount(tile[flat], area[flat], len(count))
        squared = np.bincount(tile[flat], area[flat] ** 2, len(count))
        patch[:] = np.sqrt(squared / np.maximum(total, 1e-9))
