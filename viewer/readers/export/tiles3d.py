"""A city as 3D Tiles 1.1: one GLB per tile of its quadtree, with ids and attributes, on the globe.

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
from viewer.plugin_api import Progress
from viewer.readers.crs import transform
from viewer.readers.export.bake import Baked
from viewer.readers.export.gltf import planned_features, tile_glb
from viewer.readers.export.request import Export
from viewer.readers.tiles3d.formats import east_north_up

Floats = NDArray[np.float64]

#: Half axes of the ellipsoid of WGS 84, metres.
_A, _B = 6378137.0, 6356752.314245179
#: Squares that stand for the tiles below them are so wrong, as a share of their side: they hold nothing.
_SQUARE_ERROR = 0.5
#: Regions and boxes are so much larger than what is in them, metres: numbers in tiles are rounded.
_SLACK_M = 0.01


@dataclass(frozen=True, eq=False)
class _Placed:
    """One tile of the city where it lies.

    matrix : (4, 4) from the tile (x east, y north, z up) to the tileset. volume : region or box, as the format has
    it. low, high : numbers of the region, or corners of the box.
    """

    matrix: Floats
    low: Floats
    high: Floats


def tileset_files(export: Export, baked: Baked, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every file of the tileset, ``tileset.json`` last.

    Planned objects that no scenario built are left out, as in every mesh.
    """
    city, order = arrange_with_order(baked.city)
    shown = baked.faces[order]
    if len(city.objects):
        shown = shown & ~planned_features(city)[city.face_feature]
    tiles = city.tiles
    assert tiles is not None
    placed: dict[int, _Placed] = {}
    for number in range(len(tiles)):
        progress.report(number / max(len(tiles), 1), "Writing the city")
        own = shown[tiles.face_start[number] : tiles.face_start[number + 1]]
        if not own.any():
            continue
        part = cut_tiles(city, number, number + 1)
        used = np.zeros(len(part.positions_local), bool)
        used[np.repeat(own, np.diff(part.face_start))] = True
        place, positions = _placed(part.positions_local.astype(np.float64), used, city.frame)
        placed[number] = place
        moved = replace(part, positions_local=positions.astype(np.float32))
        yield f"tiles/{number}.glb", b"".join(tile_glb(moved, own, export.credits))
    yield "tileset.json", _json(_tileset(city, placed, export))


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
    """The tree of squares with the tiles that were written as leaves."""
    assert city.tiles is not None
    tree, region = city.tiles.quadtree, bool(city.frame.crs)
    made: list[dict[str, Any] | None] = [None] * len(tree)
    boxes: list[tuple[Floats, Floats] | None] = [None] * len(tree)
    first, count = tree.children
    for square in range(len(tree) - 1, -1, -1):
        if tree.leaf[square]:
            place = placed.get(int(tree.tile_start[square]))
            if place is not None:
                boxes[square] = place.low, place.high
                made[square] = _leaf(int(tree.tile_start[square]), place, region)
            continue
        children = [k for k in range(int(first[square]), int(first[square] + count[square])) if made[k] is not None]
        within = [box for box in (boxes[k] for k in children) if box is not None]
        if within:
            low, high = np.min([low for low, _ in within], axis=0), np.max([high for _, high in within], axis=0)
            boxes[square] = low, high
            made[square] = {
                "boundingVolume": _volume(low, high, region),
                "geometricError": _SQUARE_ERROR * city.tiles.side_m * 2.0 ** int(tree.level[square]),
                "children": [made[k] for k in children],
            }
    root = made[0] if made else None
    if root is None:
        root = {"boundingVolume": {"sphere": [0, 0, 0, 1]}, "geometricError": 0}
    root["refine"] = "ADD"
    frame = city.frame
    extras: dict[str, Any] = {"crs": frame.crs, "verticalCrs": frame.vertical_crs, "heights": "as in the city's data"}
    if export.scenario:
        extras["scenario"] = export.scenario
    asset: dict[str, Any] = {"version": "1.1", "generator": f"Stadtforum {__version__}", "extras": extras}
    if export.credits:
        asset["copyright"] = "; ".join(export.credits)
    above = max(root["geometricError"] * 2, city.tiles.side_m)
    return {"asset": asset, "geometricError": above, "root": root}


def _leaf(number: int, place: _Placed, region: bool) -> dict[str, Any]:
    return {
        "boundingVolume": _volume(place.low, place.high, region, place.matrix),
        "transform": place.matrix.T.ravel().tolist(),
        "geometricError": 0,
        "content": {"uri": f"tiles/{number}.glb"},
    }


def _volume(low: Floats, high: Floats, region: bool, matrix: Floats | None = None) -> dict[str, list[float]]:
    """A bounding volume; a box is told in the coordinates of its tile, a region never."""
    if region:
        west, south, east, north = np.radians([low[0], low[1], high[0], high[1]]).tolist()
        return {"region": [west, south, east, north, float(low[2]), float(high[2])]}
    middle, half = (low + high) / 2, (high - low) / 2
    if matrix is not None:
        middle = middle - matrix[:3, 3]
    return {"box": [*middle.tolist(), half[0], 0.0, 0.0, 0.0, half[1], 0.0, 0.0, 0.0, half[2]]}
