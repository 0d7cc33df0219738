"""Bounding volumes of tiles: boxes, regions and spheres, halved by implicit tilings, as boxes in the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.readers.gltf.fields import Fields, wrong
from viewer.readers.tiles3d.placement import Placement, boxes_of

Floats = NDArray[np.float64]

#: Corners, and middles between them: where boxes and regions are sampled, because the Earth is round.
_CUBE = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
#: Radians, not degrees; a region over the date line runs on beyond pi.
_MOST_LATITUDE = np.pi / 2 + 1e-6
_MOST_LONGITUDE = 3 * np.pi + 1e-6
_MOST_M = 1e9


@dataclass(frozen=True, eq=False)
class Volume:
    """region : west, south, east, north (radians), lowest and highest height (metres); or a box of a middle and
    three half axes: (12,) float64 in the coordinates of the tileset."""

    numbers: Floats
    region: bool

    def samples(self) -> Floats:
        """(27, 3): places in the tileset's coordinates, or longitude and latitude in degrees and height."""
        return np.asarray(samples(self.numbers[None], region=self.region)[0])


def read_volume(tile: Fields, matrix: Floats) -> Volume:
    """The bounding volume of a tile, with its transformation applied.

    Raises
    ------
    ReadError
        It has none, or an impossible one.
    """
    given = tile.child("boundingVolume")
    region = given.numbers("region", 6)
    if region is not None:
        west, south, east, north, low, high = region
        if abs(south) > _MOST_LATITUDE or abs(north) > _MOST_LATITUDE or max(abs(west), abs(east)) > _MOST_LONGITUDE:
            raise wrong(given.place("region"))
        if east < west:
            east += 2 * np.pi
        ends = min(low, high), max(low, high)
        return Volume(np.array([west, min(south, north), east, max(south, north), *ends]), region=True)
    box = given.numbers("box", 12)
    if box is None:
        sphere = given.numbers("sphere", 4)
        if sphere is None:
            raise wrong(given.where)
        box = [*sphere[:3], *(np.eye(3) * abs(sphere[3])).ravel().tolist()]
    rows = np.array(box).reshape(4, 3)
    moved = rows @ matrix[:3, :3].T
    moved[0] += matrix[:3, 3]
    if not (np.abs(moved) < _MOST_M).all():
        raise wrong(given.where)
    return Volume(moved.ravel(), region=False)


def samples(numbers: Floats, *, region: bool) -> Floats:
    """(N, 27, 3) places in N volumes (N, 6) or (N, 12)."""
    if region:
        middle = (numbers[:, [0, 1, 4]] + numbers[:, [2, 3, 5]]) / 2
        half = (numbers[:, [2, 3, 5]] - numbers[:, [0, 1, 4]]) / 2
        points = middle[:, None] + _CUBE[None] * half[:, None]
        points[..., :2] = np.degrees(points[..., :2])
        return points
    rows = numbers.reshape(-1, 4, 3)
    return np.asarray(rows[:, None, 0] + np.einsum("mk,nkj->nmj", _CUBE, rows[:, 1:]))


def local_boxes(volumes: Sequence[Volume], placement: Placement) -> tuple[Floats, Floats]:
    """Lowest and highest corners (N, 3) of volumes in the frame."""
    low, high = np.zeros((len(volumes), 3)), np.zeros((len(volumes), 3))
    for region in (True, False):
        which = [k for k, volume in enumerate(volumes) if volume.region == region]
        if which:
            numbers = np.stack([volumes[k].numbers for k in which])
            low[which], high[which] = boxes_of_numbers(numbers, placement, region=region)
    return low, high


def boxes_of_numbers(numbers: Floats, placement: Placement, *, region: bool) -> tuple[Floats, Floats]:
    """Lowest and highest corners (N, 3) of volumes given as rows of numbers."""
    points = samples(numbers, region=region)
    flat = points.reshape(-1, 3)
    placed = placement.local_from_degrees(flat) if region else placement.local(flat)
    return boxes_of(placed.reshape(points.shape))


def divided(volume: Volume, level: int, xyz: NDArray[np.int64], *, octree: bool) -> Floats:
    """Numbers (N, 6) or (N, 12) of the parts of a volume at a level of an implicit tiling, at (N, 3) places."""
    count = 2.0**level
    share = xyz / count
    numbers = np.tile(volume.numbers, (len(xyz), 1))
    axes = 3 if octree else 2
    if volume.region:
        for axis, (low, high) in enumerate(((0, 2), (1, 3), (4, 5))[:axes]):
            start, size = volume.numbers[low], volume.numbers[high] - volume.numbers[low]
            numbers[:, low] = start + size * share[:, axis]
            numbers[:, high] = start + size * (share[:, axis] + 1.0 / count)
        return numbers
    rows = numbers.reshape(-1, 4, 3)
    own = volume.numbers.reshape(4, 3)
    for axis in range(axes):
        rows[:, 0] += own[1 + axis] * (2 * share[:, axis] + 1.0 / count - 1.0)[:, None]
        rows[:, 1 + axis] /= count
    return rows.reshape(-1, 12)
