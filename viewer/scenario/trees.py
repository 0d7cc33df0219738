"""Where new trees may stand: once for a city, in a fixed order in which the first n are spread plausibly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, Theme
from viewer.city.arrange import ranges
from viewer.city.ground import Ground
from viewer.city.measures import Measures
from viewer.city.raster import Grid, covered_by_faces

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Trees as they are after 25 years: crown diameter and height in metres (METHODS section 2; UNVERIFIED).
CROWN_M = 6.0
HEIGHT_M = 9.0
#: Distance of neighbouring places, free distance to buildings, and how far from buildings a quarter reaches.
SPACING_M = 8.0
KEEP_OFF_M = 3.5
QUARTER_M = 45.0
_CELL_M = 2.0
_MOST_CELLS = 4_000_000
_MOST_PLACES = 100_000
_BLOCKED = (Theme.RAILWAY, Theme.WATER, Theme.BRIDGE, Theme.TUNNEL)
_GREEN = (Theme.VEGETATION,)


def tree_places(city: CityModel, measures: Measures, ground: Ground, faces: Flags | None = None) -> Floats:
    """Places for new trees, best first: (n, 3) float64, local metres, read-only.

    Open ground near buildings, away from walls, roads, rails, water and existing trees. Streets' edges
    and green ground come first; within each rank the order is mixed by a hash of the place, so that any
    first n are spread over the quarter. The same city gives the same places.
    """
    stands = measures.is_building & np.isfinite(measures.centre_local).all(axis=1)
    if not stands.any():
        return _frozen(np.empty((0, 3)))
    shown = np.ones(len(city.face_surface), bool) if faces is None else np.asarray(faces, bool)
    centres = measures.centre_local[stands]
    low, high = centres.min(axis=0) - QUARTER_M - 30, centres.max(axis=0) + QUARTER_M + 30
    grid = Grid.around(low, high, finest_m=_CELL_M, most_cells=_MOST_CELLS)
    cell = grid.cell_m

    built = _covered(grid, city, shown, (Theme.BUILDING,))
    street = _covered(grid, city, shown, (Theme.ROAD, Theme.SQUARE))
    blocked = _covered(grid, city, shown, _BLOCKED)
    green = _covered(grid, city, shown, _GREEN)
    trees = _covered(grid, city, shown, (Theme.TREE,), corners=True)
    free = ~(_grown(built, KEEP_OFF_M / cell) | street | blocked | _grown(trees, 4.0 / cell))
    free &= _near(built, QUARTER_M / cell)
    kerb = _grown(street, max(1.0, 3.0 / cell)) & ~street

    spacing = max(SPACING_M, float(np.sqrt(np.prod(high - low) / (4 * _MOST_PLACES))))
    columns, rows = (int(n) + 1 for n in (high - low) / spacing)
    row, column = (a.ravel() for a in np.mgrid[0:rows, 0:columns])
    number = row.astype(np.uint64) * np.uint64(1_000_003) + column.astype(np.uint64)
    jitter = np.column_stack([_hashed(number, 1), _hashed(number, 2)])
    # Half a step of jitter keeps neighbours at least half a step apart.
    places = low + (np.column_stack([column, row]) + 0.25 + 0.5 * jitter) * spacing
    cells = grid.cells(places)
    usable = (cells >= 0) & free.ravel()[cells]
    places, number, cells = places[usable], number[usable], cells[usable]
    rank = _hashed(number, 3) - 0.6 * kerb.ravel()[cells] - 0.3 * green.ravel()[cells]
    order = np.argsort(rank, kind="stable")[:_MOST_PLACES]
    places = places[order]
    return _frozen(np.column_stack([places, ground.height_at(places)]) if len(places) else np.empty((0, 3)))


def _frozen(points: Floats) -> Floats:
    points.setflags(write=False)
    return points


def _covered(grid: Grid, city: CityModel, shown: Flags, themes: tuple[Theme, ...], *, corners: bool = False) -> Flags:
    """(rows, columns) cells under the objects of some themes; ``corners`` for those thinner than a cell."""
    if not len(city.face_surface):
        return np.zeros(grid.shape, bool)
    codes = [tuple(Theme).index(theme) for theme in themes]
    wanted = shown & np.isin(city.objects.feature_theme, codes)[city.face_feature]
    cells = covered_by_faces(grid, city, wanted)
    if corners and wanted.any():
        corner = ranges(city.face_start, np.flatnonzero(wanted))
        touched = grid.cells(city.positions_local[corner, :2].astype(np.float64))
        cells.ravel()[touched[touched >= 0]] = True
    return cells


def _grown(mask: Flags, cells: float) -> Flags:
    """A mask grown by a number of cells in every direction."""
    result = mask
    for _ in range(int(np.ceil(cells))):
        p = np.pad(result, 1)
        result = p[1:-1, 1:-1] | p[:-2, 1:-1] | p[2:, 1:-1] | p[1:-1, :-2] | p[1:-1, 2:]
    return result


def _near(mask: Flags, cells: float) -> Flags:
    """Cells within a square of a number of cells around any of the mask: those with more of it up to some cells after
    them than up to some cells before them, in each direction in turn."""
    r = max(1, int(cells))
    rows, columns = mask.shape
    counts = np.int16 if max(mask.shape) < 2**15 else np.int32
    beside = np.zeros((rows, columns + 2 * r + 1), counts)
    np.cumsum(mask, axis=1, out=beside[:, r + 1 : r + 1 + columns])
    beside[:, r + 1 + columns :] = beside[:, r + columns, None]
    below = np.zeros((rows + 2 * r + 1, columns), counts)
    np.cumsum(beside[:, 2 * r + 1 :] > beside[:, :columns], axis=0, out=below[r + 1 : r + 1 + rows])
    below[r + 1 + rows :] = below[r + rows]
    return np.asarray(below[2 * r + 1 :] > below[:rows])


def _hashed(number: NDArray[np.uint64], salt: int) -> Floats:
    """Numbers in 0..1 that look random and are always the same."""
    h = number * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt * 0xD1B54A32D192ED03 % 2**64)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((h ^ (h >> np.uint64(31))) >> np.uint64(11), dtype=np.float64) / 2.0**53
