"""A city as 3D Tiles 1.1: one GLB per square of its quadtree, with ids and attributes, on the globe.

A city with a coordinate system lies where it is: earth-centred coordinates, regions in longitude and latitude. Heights
are written as they are. A city without one stays in its own metres. Files are made one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer import __version__
from viewer.city import CityModel, Frame
from viewer.city.arrange import arrange_with_order
from viewer.city.cut import cut_tiles
from viewer.city.subset import take_features
from viewer.plugin_api import Progress
from viewer.readers.crs import transform
from viewer.readers.export.bake import Baked
from viewer.readers.export.gltf import planned_features, tile_glb
from viewer.readers.export.request import Export
from viewer.readers.tiles3d.formats import east_north_up
from viewer.readers.tiles3d.placement import KEPT_HEIGHTS

Floats = NDArray[np.float64]

#: Half axes of the ellipsoid of WGS 84, metres.
_A, _B = 6378137.0, 6356752.314245179
#: An object stands in the smallest square of which its size is at least this share: what is left out of a square is
#: smaller, and that is the geometric error of the square.
_SHARE = 0.1
#: Regions and boxes are so much larger than what is in them, metres: numbers in tiles are rounded.
_SLACK_M = 0.01


@dataclass(frozen=True, eq=False)
class _Placed:
    """The content of one square where it lies.

    matrix : (4, 4) from the content (x east, y north, z up) to the tileset. low, high : region (degrees and metres) or
    box around it.
    """

    matrix: Floats
    low: Floats
    high: Floats


def tileset_files(export: Export, baked: Baked, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every file of the tileset, ``tileset.json`` last.

    Every object is written once: large ones in large squares, which a globe shows from afar, small ones in the tiles.
    Planned objects that no scenario built are left out, as in every mesh.
    """
    city, order = arrange_with_order(baked.city)
    shown = baked.faces[order]
    if len(city.objects):
        shown = shown & ~planned_features(city)[city.face_feature]
    tiles = city.tiles
    assert tiles is not None
    tree = tiles.quadtree
    square_of = _square_of_features(city, shown)
    placed: dict[int, _Placed] = {}
    for square in range(len(tree)):
        progress.report(square / max(len(tree), 1), "Writing the city")
        first, last = int(tree.tile_start[square]), int(tree.tile_end[square])
        wanted = square_of[tiles.feature_start[first] : tiles.feature_start[last]] == square
        if not wanted.any():
            continue
        part, own = cut_tiles(city, first, last), shown[tiles.face_start[first] : tiles.face_start[last]]
        if not wanted.all():
            own = own[wanted[part.face_feature]]
            part = take_features(part, wanted)
        used = np.repeat(own, np.diff(part.face_start))
        place, positions = _placed(part.positions_local.astype(np.float64), used, city.frame)
        placed[square] = place
        moved = replace(part, positions_local=positions.astype(np.float32))
        yield f"tiles/{square}.glb", b"".join(tile_glb(moved, own, export.credits))
    yield "tileset.json", _json(_tileset(city, placed, export))


def _square_of_features(city: CityModel, shown: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(K,) square of the quadtree each object is written in, -1 where it shows nothing."""
    assert city.tiles is not None
    tiles, tree = city.tiles, city.tiles.quadtree
    count = len(city.objects.features)
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    vertex = np.repeat(shown, np.diff(city.face_start))
    owner = city.face_feature[city.vertex_face[vertex]]
    first = np.flatnonzero(np.diff(owner, prepend=-1))  # a sorted city has the corners of an object in one row
    if len(first):
        corners = city.positions_local[vertex]
        low[owner[first]] = np.minimum.reduceat(corners, first)
        high[owner[first]] = np.maximum.reduceat(corners, first)
    there = np.isfinite(low[:, 0])
    size = np.linalg.norm(np.where(there[:, None], high - low, 0.0), axis=1)
    result = np.full(count, -1, np.int64)
    for square in range(len(tree)):  # parents before children
        own = slice(*tiles.feature_start[[tree.tile_start[square], tree.tile_end[square]]].tolist())
        free = there[own] & (result[own] < 0)
        if not tree.leaf[square]:
            free &= size[own] >= _error(city, square)
        result[own][free] = square
    return result


def _error(city: CityModel, square: int) -> float:
    """Metres: everything smaller is left out of a square that has others below it."""
    assert city.tiles is not None
    return _SHARE * city.tiles.side_m * 2.0 ** int(city.tiles.quadtree.level[square])


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _placed(local: Floats, used: NDArray[np.bool_], frame: Frame) -> tuple[_Placed, Floats]:
    """Where a tile lies, and its corners from there: (V, 3) metres east, north and up."""
    corners = local[used]
    if not frame.crs:
        middle = np.round((corners.min(axis=0) + corners.max(axis=0)) / 2)
        matrix = np.eye(4)
        matrix[:3, 3] = middle
        return _Placed(matrix, corners.min(axis=0) - _SLACK_M, corners.max(axis=0) + _SLACK_M), local - middle
    degrees = transform(frame.crs_from_local(local), frame.crs, "EPSG:4326")
    inside = degrees[used]
    low, high = inside.min(axis=0), inside.max(axis=0)
    globe = earth_centred(degrees)
    middle = earth_centred(((low + high) / 2)[None])[0]
    axes = east_north_up(middle[None])[0]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, middle
    slack = np.array([_SLACK_M / 60_000.0, _SLACK_M / 60_000.0, _SLACK_M])
    return _Placed(matrix, low - slack, high + slack), (globe - middle) @ axes


def earth_centred(degrees: Floats) -> Floats:
    """(n, 3) metres from the middle of the Earth of longitude, latitude (degrees) and height above the ellipsoid."""
    lon, lat = np.radians(degrees[:, 0]), np.radians(degrees[:, 1])
    height = degrees[:, 2]
    squeezed = (_B / _A) ** 2
    normal = _A / np.sqrt(1.0 - (1.0 - squeezed) * np.sin(lat) ** 2)
    across = (normal + height) * np.cos(lat)
    return np.stack([across * np.cos(lon), across * np.sin(lon), (normal * squeezed + height) * np.sin(lat)], axis=1)


def _tileset(city: CityModel, placed: dict[int, _Placed], export: Export) -> dict[str, Any]:
    """The tree of squares with what was written for each."""
    assert city.tiles is not None
    boxes = _boxes(city, placed)
    frame = city.frame
    root: dict[str, Any] = {"boundingVolume": {"sphere": [0, 0, 0, 1]}, "geometricError": 0}
    if len(boxes) and boxes[0] is not None:
        root = _tile(city, placed, boxes, 0, np.eye(4))
    root["refine"] = "ADD"
    extras: dict[str, Any] = {"crs": frame.crs, "verticalCrs": frame.vertical_crs, "heights": KEPT_HEIGHTS}
    if export.scenario:
        extras["scenario"] = export.scenario
    asset: dict[str, Any] = {"version": "1.1", "generator": f"Stadtforum {__version__}", "extras": extras}
    if export.credits:
        asset["copyright"] = "; ".join(export.credits)
    above = max(root["geometricError"] * 2, city.tiles.side_m)
    return {"asset": asset, "geometricError": above, "root": root}


_Boxes = list[tuple[Floats, Floats] | None]


def _boxes(city: CityModel, placed: dict[int, _Placed]) -> _Boxes:
    """Lowest and highest corner of every square with all below it; None where nothing was written."""
    assert city.tiles is not None
    tree = city.tiles.quadtree
    boxes: _Boxes = [
        None if (own := placed.get(square)) is None else (own.low, own.high) for square in range(len(tree))
    ]
    for square in range(len(tree) - 1, 0, -1):
        above, box = int(tree.parent[square]), boxes[square]
        known = boxes[above]
        if box is not None:
            boxes[above] = box if known is None else (np.minimum(known[0], box[0]), np.maximum(known[1], box[1]))
    return boxes


def _tile(city: CityModel, placed: dict[int, _Placed], boxes: _Boxes, square: int, outer: Floats) -> dict[str, Any]:
    """One square and all below it. outer : (4, 4) of the tile above: transformations add up."""
    assert city.tiles is not None
    tree = city.tiles.quadtree
    first, count = tree.children
    box, place = boxes[square], placed.get(square)
    assert box is not None
    matrix = outer if place is None else place.matrix
    tile: dict[str, Any] = {"boundingVolume": _volume(*box, bool(city.frame.crs), matrix)}
    if place is not None:
        inner = np.eye(4)
        inner[:3, :3] = outer[:3, :3].T @ matrix[:3, :3]
        inner[:3, 3] = outer[:3, :3].T @ (matrix[:3, 3] - outer[:3, 3])
        tile["transform"] = inner.T.ravel().tolist()
        tile["content"] = {"uri": f"tiles/{square}.glb"}
    below = [k for k in range(int(first[square]), int(first[square] + count[square])) if boxes[k] is not None]
    tile["geometricError"] = _error(city, square) if below else 0
    if below:
        tile["children"] = [_tile(city, placed, boxes, k, matrix) for k in below]
    return tile


def _volume(low: Floats, high: Floats, region: bool, matrix: Floats) -> dict[str, list[float]]:
    """A bounding volume; a box is told in the coordinates of its tile, a region never."""
    if region:
        west, south, east, north = np.radians([low[0], low[1], high[0], high[1]]).tolist()
        return {"region": [west, south, east, north, float(low[2]), float(high[2])]}
    middle, half = (low + high) / 2 - matrix[:3, 3], (high - low) / 2
    return {"box": [*middle.tolist(), half[0], 0.0, 0.0, 0.0, half[1], 0.0, 0.0, 0.0, half[2]]}
