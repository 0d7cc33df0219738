"""All pictures of a city in one large picture, made once per city, in any thread. NumPy only; what draws it knows VTK.

Pictures keep a border against their neighbours that is wide enough for the coarser levels of the graphics card, and
lie on multiples of it, so that no colour bleeds from one to the next. Pictures that repeat are continued in
their border, others end in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel
from viewer.city.appearance import Appearance
from viewer.plugin_api import Progress
from viewer.readers.pictures import pixels_of, size_of

#: Levels of detail that keep pictures apart, and the border they need, pixels.
LEVELS = 3
BORDER = 1 << LEVELS
#: Sides and pixels of the whole; 100 MB at three bytes a pixel.
MAX_WIDTH, MAX_HEIGHT = 4096, 8192
#: Sides of one picture in it, pixels.
MAX_SIDE, MIN_SIDE = 2048, 2
#: Sides below which fineness makes no picture smaller, pixels.
MIN_DETAIL = 64
#: Pixels of a picture need not be smaller than this on the faces, metres.
FINEST_M = 0.012
#: Texture coordinates may leave the picture by so much before it counts as repeated.
SLACK = 0.02
#: Points of a triangle whose mean is the colour of a face from afar, as shares of its corners.
_SAMPLES = np.array([[1 / 3, 1 / 3, 1 / 3], [0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6]], np.float32)

_KNOWN: WeakKeyDictionary[Appearance, Atlas | None] = WeakKeyDictionary()
Reader = Callable[[str, tuple[int, int]], "NDArray[np.uint8] | None"]


@dataclass(frozen=True, eq=False)
class Atlas:
    """N pictures in one, over F faces.

    image : (H, W, 3) uint8, the lowest row first; (H, W, 4) with opacity where pictures have holes.
    place : (N, 4) float32 left, lower end, width and height of every picture, as shares of the whole; the width is
        negative where the picture ends at its sides instead of repeating, 0 where there is none.
    face_color : (F, 3) uint8, mean colour of every face; 0 where it has no picture.
    textured : (F,) bool, faces that have one. lost : pictures that turned out to be damaged.
    """

    image: NDArray[np.uint8]
    place: NDArray[np.float32]
    face_color: NDArray[np.uint8]
    textured: NDArray[np.bool_]
    lost: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for array in (self.image, self.place, self.face_color, self.textured):
            array.setflags(write=False)

    @property
    def nbytes(self) -> int:
        """Size of the picture in bytes."""
        return self.image.nbytes


def build_atlas(
    city: CityModel,
    progress: Progress | None = None,
    *,
    max_size: tuple[int, int] = (MAX_WIDTH, MAX_HEIGHT),
    read: Reader = pixels_of,
) -> Atlas | None:
    """The atlas of a city's textures, None where it has none that can be used.

    progress : told how many pictures are in; may cancel. max_size : width and height of the whole, powers of two;
    pictures are made smaller together until they fit. read : gives the pixels of a picture, see ``pixels_of``.
    """
    appearance = city.appearance
    if appearance is None or not (appearance.face_texture >= 0).any():
        return None
    progress = Progress() if progress is None else progress
    repeats, used = _use(city, appearance)
    sizes = np.zeros((len(appearance.textures), 2), np.int64)
    for number in np.flatnonzero(used).tolist():
        sizes[number] = size_of(appearance.textures[number]) or (0, 0)
    sizes = _not_finer_than(sizes, _metres(city, appearance, used), FINEST_M)
    there = np.flatnonzero(sizes.all(axis=1))
    if not len(there):
        return None
    scaled, corner, whole = _fit(sizes[there], max_size)
    canvas = _Canvas(np.zeros((whole[1], whole[0], 3), np.uint8))
    jobs = list(zip(there.tolist(), scaled.tolist(), corner.tolist(), strict=True))
    good = np.zeros(len(sizes), bool)
    draw = partial(_draw, canvas, appearance.textures, repeats, read)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for done, (job, drawn) in enumerate(zip(jobs, pool.map(draw, jobs), strict=True)):
            good[job[0]] = drawn
            if done % 32 == 0:
                progress.report(done / len(jobs), "Reading textures")
    place = np.zeros((len(sizes), 4), np.float32)
    place[there, 0] = (corner[:, 0] + BORDER) / whole[0]
    place[there, 1] = (corner[:, 1] + BORDER) / whole[1]
    place[there, 2] = scaled[:, 0] / whole[0] * np.where(repeats[there], 1, -1)
    place[there, 3] = scaled[:, 1] / whole[1]
    place[~good] = 0
    texture = appearance.face_texture
    textured = (texture >= 0) & good[texture]
    color = _face_colors(city, appearance, canvas.image, place, textured)
    image = canvas.finish()
    lost = tuple(appearance.textures[number] for number in np.flatnonzero(used & ~good).tolist())
    return Atlas(image, place, color, textured, lost)


def sample(atlas: Atlas, uv: NDArray[np.floating], texture: NDArray[np.integer]) -> NDArray[np.uint8]:
    """(n, 3 or 4) the pixels at texture coordinates (n, 2) of pictures (n,): what the graphics card shows close by."""
    return np.asarray(_pixels(atlas.image, atlas.place, uv, texture))


def atlas_of(city: CityModel, progress: Progress | None = None) -> Atlas | None:
    """``build_atlas``, kept as long as the city's appearance lives; asked first in a worker, then at no cost."""
    if city.appearance is None:
        return None
    if city.appearance not in _KNOWN:
        _KNOWN[city.appearance] = build_atlas(city, progress)
    return _KNOWN[city.appearance]


def is_known(city: CityModel) -> bool:
    """Whether ``atlas_of`` answers at once."""
    return city.appearance is None or city.appearance in _KNOWN


def known_atlas(city: CityModel) -> Atlas | None:
    """What ``atlas_of`` answers, None where it would have to be made first."""
    return None if city.appearance is None else _KNOWN.get(city.appearance)


def remember(city: CityModel, atlas: Atlas) -> None:
    """Let ``atlas_of`` answer with an atlas that was made before."""
    if city.appearance is not None:
        _KNOWN[city.appearance] = atlas


def dressed(colors: NDArray[np.floating], city: CityModel, atlas: Atlas | None) -> NDArray[np.floating]:
    """Colours of F faces (F, 3) in 0..1, with those of materials and of pictures from afar where faces have some."""
    appearance = city.appearance
    if appearance is None:
        return colors
    result = colors.copy()
    painted = appearance.face_material >= 0
    if painted.any():
        result[painted] = appearance.materials[appearance.face_material[painted], :3] / 255.0
    if atlas is not None:
        result[atlas.textured] = atlas.face_color[atlas.textured] / 255.0
    return result


# -- which and where -------------------------------------------------------------------------------------------


def _use(city: CityModel, appearance: Appearance) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pictures repeat, and which are used at all, (N,) each."""
    count = len(appearance.textures)
    of_vertex = np.repeat(appearance.face_texture, np.diff(city.face_start))
    there = of_vertex >= 0
    beyond = there & ((appearance.uv < -SLACK) | (appearance.uv > 1 + SLACK)).any(axis=1)
    repeats = np.zeros(count, bool)
    repeats[of_vertex[beyond]] = True
    used = np.zeros(count, bool)
    used[appearance.face_texture[appearance.face_texture >= 0]] = True
    return repeats, used


def _metres(city: CityModel, appearance: Appearance, used: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N,) how long a whole picture is on its faces, metres: the root of its area on all of them together."""
    of_triangle = appearance.face_texture[city.triangle_face]
    own = np.flatnonzero(of_triangle >= 0)
    texture, corners = of_triangle[own], city.triangles[own]
    p, uv = city.positions_local[corners], appearance.uv[corners].astype(np.float64)
    area = np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
    a, b = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    shown = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    count = len(used)
    pictures = np.bincount(texture, shown, count)
    return np.sqrt(np.bincount(texture, area, count) / np.maximum(pictures, 1e-12))


def _not_finer_than(sizes: NDArray[np.int64], metres: NDArray[np.float64], finest_m: float) -> NDArray[np.int64]:
    """Sizes of pictures that show no more than can be seen: a tile of a roof needs no thousand pixels."""
    share = np.minimum(1.0, metres / finest_m / np.maximum(np.sqrt(sizes.prod(axis=1)), 1.0))
    smaller = np.maximum(np.round(sizes * share[:, None]).astype(np.int64), MIN_DETAIL)
    return np.where(sizes > 0, np.minimum(sizes, smaller), 0)


def _fit(
    sizes: NDArray[np.int64], most: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int]]:
    """Sizes (n, 2) of pictures made smaller until they fit, their corners (n, 2) with border, and the whole."""
    scale = 1.0
    while True:
        scaled = _scaled(sizes, scale)
        for whole in _pages(most):
            corner = _shelves(scaled, whole)
            if corner is not None:
                return scaled, corner, whole
        scale *= 0.92
        if scale < 1e-3:
            raise ValueError("more pictures than the atlas has room for")


def _scaled(sizes: NDArray[np.int64], scale: float) -> NDArray[np.int64]:
    own: NDArray[np.float64] = np.minimum(scale, MAX_SIDE / sizes.max(axis=1))
    return np.asarray(np.maximum(np.round(sizes * own[:, None]).astype(np.int64), MIN_SIDE))


def _pages(most: tuple[int, int]) -> list[tuple[int, int]]:
    """Sizes of the whole to try, small ones first."""
    pages = [(256, 256)]
    while pages[-1] != most:
        width, height = pages[-1]
        wider = width < most[0] and (width <= height or height >= most[1])
        pages.append((width * 2, height) if wider else (width, height * 2))
    return pages


def _shelves(sizes: NDArray[np.int64], whole: tuple[int, int]) -> NDArray[np.int64] | None:
    """Corners of pictures with their borders, put side by side on shelves, high ones first; None if they do not fit."""
    taken = _taken(sizes)
    if int(taken.prod(axis=1).sum()) > whole[0] * whole[1]:
        return None
    corner = np.zeros_like(sizes)
    x = y = shelf = 0
    for number in np.lexsort((-taken[:, 0], -taken[:, 1])).tolist():
        width, height = int(taken[number, 0]), int(taken[number, 1])
        if x + width > whole[0]:
            x, y, shelf = 0, y + shelf, 0
        if width > whole[0] or y + height > whole[1]:
            return None
        corner[number] = x, y
        x, shelf = x + width, max(shelf, height)
    return corner


def _taken(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sizes with borders: whole steps of the coarsest level."""
    return -(-(sizes + 2 * BORDER) // BORDER) * BORDER


# -- pixels ----------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Canvas:
    """The whole while it is drawn, several pictures at a time. opacity : made when the first picture has holes."""

    image: NDArray[np.uint8]
    opacity: NDArray[np.uint8] | None = None
    _lock: Lock = field(default_factory=Lock)

    def put(self, y: int, x: int, pixels: NDArray[np.uint8]) -> None:
        """Draw (h, w, 3 or 4) pixels; nobody else draws there."""
        own = slice(y, y + pixels.shape[0]), slice(x, x + pixels.shape[1])
        self.image[own] = pixels[..., :3]
        if pixels.shape[2] == 4:
            with self._lock:
                if self.opacity is None:
                    self.opacity = np.full(self.image.shape[:2], 255, np.uint8)
            self.opacity[own] = pixels[..., 3]

    def finish(self) -> NDArray[np.uint8]:
        """The whole, with opacity if any picture has holes."""
        return self.image if self.opacity is None else np.dstack([self.image, self.opacity])


def _draw(
    canvas: _Canvas,
    names: tuple[str, ...],
    repeats: NDArray[np.bool_],
    read: Reader,
    job: tuple[int, list[int], list[int]],
) -> bool:
    """Put one picture with its border into the whole; False if it is damaged."""
    number, (width, height), (x, y) = job
    pixels = read(names[number], (width, height))
    if pixels is None:
        return False
    taken_x, taken_y = _taken(np.array([width, height])).tolist()
    border = ((BORDER, taken_y - height - BORDER), (BORDER, taken_x - width - BORDER), (0, 0))
    canvas.put(y, x, np.pad(pixels[::-1], border, mode="wrap" if repeats[number] else "edge"))
    return True


def _pixels(
    image: NDArray[np.uint8], place: NDArray[np.float32], uv: NDArray[np.floating], texture: NDArray[np.integer]
) -> NDArray[np.uint8]:
    own = place[texture]
    inside = np.where(own[:, 2:3] < 0, np.clip(uv, 0, 1), uv - np.floor(uv))
    at = own[:, :2] + inside * np.abs(own[:, 2:])
    row = np.clip((at[:, 1] * image.shape[0]).astype(np.int64), 0, image.shape[0] - 1)
    column = np.clip((at[:, 0] * image.shape[1]).astype(np.int64), 0, image.shape[1] - 1)
    return np.asarray(image[row, column])


def _face_colors(
    city: CityModel,
    appearance: Appearance,
    image: NDArray[np.uint8],
    place: NDArray[np.float32],
    textured: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """(F, 3) mean colour of every face with a picture, from a few points of each of its triangles."""
    height, width = image.shape[0] // BORDER, image.shape[1] // BORDER
    coarse = image.reshape(height, BORDER, width, BORDER, 3).mean(axis=(1, 3), dtype=np.float32).astype(np.uint8)
    result = np.zeros((len(textured), 3), np.uint8)
    triangles = np.flatnonzero(textured[city.triangle_face])
    if not len(triangles):
        return result
    face = city.triangle_face[triangles]
    corners = appearance.uv[city.triangles[triangles]]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).astype(np.float64) + 1e-12
    total = np.zeros((len(triangles), 3))
    texture = appearance.face_texture[face]
    for share in _SAMPLES:
        total += _pixels(coarse, place, np.einsum("k,nkc->nc", share, corners), texture)
    often = area > 2  # twice the triangle: the picture is there at least once
    total[often] = _mean_of_pictures(coarse, place)[texture[often]] * len(_SAMPLES)
    weight = np.bincount(face, area, len(textured))
    for k in range(3):
        mixed = np.bincount(face, area * total[:, k] / len(_SAMPLES), len(textured))
        result[:, k] = np.round(mixed / np.maximum(weight, 1e-12))
    result[~textured] = 0
    return result


def _mean_of_pictures(coarse: NDArray[np.uint8], place: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, 3) mean colour of every picture, from some of its pixels."""
    at = (np.arange(8) + 0.5) / 8
    grid = np.stack(np.meshgrid(at, at), axis=-1).reshape(-1, 2)
    every = np.repeat(np.arange(len(place)), len(grid))
    return np.asarray(_pixels(coarse, place, np.tile(grid, (len(place), 1)), every).reshape(len(place), -1, 3).mean(1))
