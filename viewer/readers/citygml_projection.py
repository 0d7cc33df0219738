"""Pictures that CityGML lays on surfaces by where their points lie: aerial pictures of the map, and matrices.

Both are a matrix from places of the file to places of the picture. Which faces are meant is said by ``by_target`` of
``citygml_appearance``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.readers.citygml_names import local_name
from viewer.readers.citygml_numbers import numbers_in
from viewer.readers.pictures import PictureFinder, map_place_of, size_of

Element = Any
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: (n,) ids of targets -> (F,) which of them each face belongs to, -1 for none.
ByTarget = Callable[[Ints], NDArray[np.int32]]

GEOREFERENCED = (
    "Pictures of the map without a usable place (reference point and orientation, world file or GeoTIFF), "
    "not shown: {count}"
)  # fmt: skip
PROJECTED = "Textures that are projected by an unusable matrix, not shown: {count}"
OUTSIDE = "Faces that reach beyond the picture laid over them, shown without it: {count}"

#: Faces may leave a picture by so much of it; they end with it then. The same as where pictures are drawn.
_SLACK = 0.02
#: Larger than any coordinate.
_HUGE = 1e12
_REPEATING = frozenset({"wrap", "mirror"})


@dataclass(frozen=True, eq=False, slots=True)
class MapPlace:
    """Where a picture lies on the map.

    orientation : (2, 2) steps from pixel to pixel along a row and down a column, one in each column. point : (2,)
    middle of the upper left pixel. size : pixels in a row, and in a column. east_first : whether both are east before
    north, whatever the file does.
    """

    orientation: Floats
    point: Floats
    size: tuple[int, int]
    east_first: bool

    def matrix(self, north_first: bool) -> Floats:
        """(3, 4) from x, y, z, 1 in the order of axes of the file to s q, t q, q."""
        steps, point = self.orientation, self.point
        if north_first and self.east_first:
            steps, point = steps[::-1], point[::-1]
        elif north_first and abs(steps[0, 0] * steps[1, 1]) > abs(steps[0, 1] * steps[1, 0]):
            steps = steps[::-1]  # written as in a world file: rows run east, and not north
        inverse = np.linalg.inv(steps)
        width, height = self.size
        matrix = np.zeros((3, 4))
        matrix[0, :2], matrix[1, :2] = inverse[0] / width, -inverse[1] / height
        matrix[0, 3] = 0.5 / width - matrix[0, :2] @ point
        matrix[1, 3] = 1 - 0.5 / height - matrix[1, :2] @ point
        matrix[2, 3] = 1
        return matrix


@dataclass(frozen=True, eq=False, slots=True)
class Projection:
    """A picture laid on a target. place : where on the map, or the matrix of ``MapPlace.matrix`` itself."""

    back: int
    theme: int
    target: int
    texture: int
    place: MapPlace | Floats
    repeats: bool = False


def place_of(data: Element, finder: PictureFinder, name: str, picture: str) -> MapPlace | None:
    """Where the picture of a ``GeoreferencedTexture`` lies; None if nobody says.

    It says so itself, or else the world file beside the picture does, or the picture, if that is a GeoTIFF.
    name, picture : the picture as the file and as ``finder`` calls it.
    """
    size = size_of(picture)
    point, orientation = _numbers(data, "referencePoint"), _numbers(data, "orientation")
    if len(point) >= 2 and len(orientation) == 4:
        steps, corner, east_first = orientation.reshape(2, 2), point[:2], False
    else:
        prefers = _prefers_picture(data)
        world = map_place_of(picture) if prefers else finder.world_file(name)
        if len(world) != 6:
            world = finder.world_file(name) if prefers else map_place_of(picture)
        if len(world) != 6:
            return None
        steps, corner, east_first = world[:4].reshape(2, 2).T, world[4:], True
    if size is None or not (np.abs([*steps.ravel(), *corner]) < _HUGE).all():
        return None
    if abs(np.linalg.det(steps)) <= 1e-9 * np.prod(np.linalg.norm(steps, axis=0)):
        return None
    return MapPlace(steps, corner, size, east_first)


def matrix_of(generator: Element) -> Floats | None:
    """(3, 4) the matrix of a ``TexCoordGen``, None where it cannot be used."""
    numbers = _numbers(generator, "worldToTexture")
    if len(numbers) != 12 or not (np.abs(numbers) < _HUGE).all():
        return None
    return numbers.reshape(3, 4)


def repeats(data: Element) -> bool:
    """Whether a texture is to be repeated beyond its picture."""
    return any(local_name(child.tag) == "wrapMode" and (child.text or "").strip() in _REPEATING for child in data)


@dataclass(slots=True)
class Projections:
    """All such pictures of a file."""

    rows: list[Projection] = field(default_factory=list)

    def lay(
        self,
        theme: int,
        by_target: ByTarget,
        points: Floats,
        point_start: Ints,
        north_first: bool,
        uv: NDArray[np.float32],
        face_texture: NDArray[np.int32],
    ) -> int:
        """Give faces that have no texture yet those of a theme, in place; how many faces reach beyond their pictures.

        points : (P, 3) as in the file; those of face i begin at ``point_start[i]``, (F + 1,). Where a target has
        several pictures, each face takes the first one that it lies in.
        """
        of_target: dict[int, list[Projection]] = {}
        for row in sorted((row for row in self.rows if row.theme == theme), key=lambda row: row.back):
            of_target.setdefault(row.target, []).append(row)
        which = by_target(np.array(list(of_target), dtype=np.int64))
        free = np.flatnonzero((which >= 0) & (face_texture < 0) & (np.diff(point_start) > 0))
        free = free[np.argsort(which[free], kind="stable")]
        edges = np.searchsorted(which[free], np.arange(len(of_target) + 1)).tolist()
        beyond = 0
        for rows, first, last in zip(of_target.values(), edges[:-1], edges[1:], strict=True):
            faces = free[first:last]
            for row in rows if len(faces) else ():
                matrix = row.place.matrix(north_first) if isinstance(row.place, MapPlace) else row.place
                begins = _places(matrix, points[point_start[faces]], repeats=row.repeats)[1]  # spares most of the work
                inside = _lay_one(row, matrix, faces[begins], points, point_start, uv)
                face_texture[inside] = row.texture
                faces = faces[face_texture[faces] < 0]
            beyond += len(faces)
        return beyond


def _lay_one(
    row: Projection, matrix: Floats, faces: Ints, points: Floats, point_start: Ints, uv: NDArray[np.float32]
) -> Ints:
    """Write where one picture lies on those of its faces that lie in it; these faces."""
    if not len(faces):
        return faces
    size = point_start[faces + 1] - point_start[faces]
    begin = np.cumsum(size) - size
    own = np.arange(int(size.sum())) + np.repeat(point_start[faces] - begin, size)
    place, good = _places(matrix, points[own], repeats=row.repeats)
    fits = np.logical_and.reduceat(good, begin)
    uv[own[np.repeat(fits, size)]] = place[np.repeat(fits, size)].astype(np.float32)
    return faces[fits]


def _places(matrix: Floats, points: Floats, *, repeats: bool) -> tuple[Floats, NDArray[np.bool_]]:
    """(n, 2) where points (n, 3) lie in a picture, and (n,) whether that is in it."""
    with np.errstate(all="ignore"):  # what is no number lies nowhere
        s, t, q = (points @ matrix[:, :3].T + matrix[:, 3]).T
        place = np.column_stack([s / q, t / q])
        good = (q > 0) & np.isfinite(place).all(axis=1)
        if not repeats:
            good &= ((place >= -_SLACK) & (place <= 1 + _SLACK)).all(axis=1)
            place = np.clip(place, 0.0, 1.0)
    return place, good


def _prefers_picture(data: Element) -> bool:
    """Whether what a picture says of its place goes before its world file."""
    said = next((child.text or "" for child in data if local_name(child.tag) == "preferWorldFile"), "")
    return said.strip() in ("false", "0")


def _numbers(data: Element, name: str) -> Floats:
    """The numbers in a child, or in what stands in it; none where something else does."""
    return numbers_in(next((child for child in data if local_name(child.tag) == name), None))
