"""What the ground of the study area is made of: one class per cell, none twice, none left out.

Where the data is silent an assumption stands in, and is counted. What buildings cover is added up from
their footprints (``table``), not here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city import AreaLayer, CityModel, Column, SurfaceType, Theme, TreeLayer
from viewer.city.arrange import ranges
from viewer.city.geometry import points_in_ring
from viewer.city.measures import Measures
from viewer.city.raster import Grid, covered, covered_by_faces
from viewer.city.tiles import Tiles
from viewer.city.use import texts_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Unsealed = tuple[tuple[float, Floats | None], ...]

#: How far the study area reaches beyond the outermost buildings.
RIM_M = 10.0
#: A tile counts as near the rim if it reaches so close to the outermost middle of a building, metres.
RIM_TILE_M = 100.0
#: So many buildings tell about how far a city reaches.
MOST_MIDDLES = 20_000
#: Corners of that outline.
_NO_POINTS = np.empty((0, 2), np.float32)
_DIRECTIONS = 128


class Ground(IntEnum):
    """Class of a cell of ground."""

    OUTSIDE = 0
    UNKNOWN = 1
    BUILDING = 2
    SEALED = 3
    PARTLY = 4
    VEGETATION = 5
    WATER = 6


# First match decides; German and English words of land use, OpenStreetMap and ALKIS, in lower case.
_WORDS: tuple[tuple[str, Ground], ...] = (
    (r"parking|parkplatz|car park|parkhaus|concrete|beton\b|asphalt|einfahrt|zufahrt|driveway", Ground.SEALED),
    (r"unseal|entsiegel|unpaved|open joint|grass paver|gravel|schotter|rasengitter"
     r"|wassergebunden|kies|spielplatz|playground|\brail|gleis"
     r"|eisenbahn|(?<!auto)bahn\b", Ground.PARTLY),
    (r"water|wasser|fluss|see\b|teich|\briver|\blake|hafenbecken|kanal", Ground.WATER),
    (r"grün|gruen|green|parks?\b|parkanlage|wald|forest|wood|wiese|meadow|lawn|grass|rasen|garten|garden|allotment|vegetat"
     r"|scrub|gehölz|acker|farm|landwirtschaft|friedhof|cemetery|orchard|heath|moor|sport|pitch|baum|laub|nadel",
     Ground.VEGETATION),
    (r"straße|strasse|street|road|weg\b|platz|square|verkehr|traffic|transport|hof\b|cobble|paving|pflaster|paved"
     r"|sealed|versiegelt|industr|gewerbe|fußgänger|footway|pedestrian|plaza", Ground.SEALED),
)  # fmt: skip
# Columns of a layer that may speak of ground; names of streets and people do not.
_COLUMNS_OF_USE = (
    r"nutz|use|type|typ|art|class|klasse|kategor|categor|function|funktion|bezeich|natural|leisure|surface|belag"
    r"|kind|material"
)
# ALKIS use of land (tatsächliche Nutzung), lower bounds.
_ALKIS_LAND: tuple[tuple[int, Ground], ...] = (
    (41000, Ground.UNKNOWN), (41008, Ground.VEGETATION), (42000, Ground.SEALED), (42010, Ground.PARTLY),
    (42015, Ground.SEALED), (43000, Ground.VEGETATION), (44000, Ground.WATER), (45000, Ground.UNKNOWN),
)  # fmt: skip


def ground_of_text(text: str) -> Ground:
    """Class of ground named by a land use code or word; ``UNKNOWN`` if it names none."""
    text = text.strip().lower()
    code = re.fullmatch(r"(?:.*[_#/:])?(4\d{4})", text)
    if code:
        return [kind for lowest, kind in ((0, Ground.UNKNOWN), *_ALKIS_LAND) if lowest <= int(code.group(1))][-1]
    return next((kind for pattern, kind in _WORDS if re.search(pattern, text)), Ground.UNKNOWN)


@dataclass(frozen=True, eq=False)
class AreaStatement:
    """What open layers say about the ground: polygons with a class, and plots.

    kind : (P,) uint8 ``Ground`` of each polygon; ``UNKNOWN`` says nothing. plot : (P,) bool.
    The other arrays are those of ``AreaLayer``.
    """

    positions_local: Floats
    ring_start: NDArray[np.int32]
    polygon_ring_start: NDArray[np.int32]
    kind: NDArray[np.uint8]
    plot: Flags
    source: str = ""

    def cells(self, grid: Grid, polygons: Flags) -> Flags:
        """Cells covered by some of the polygons."""
        ring_polygon = np.repeat(np.arange(len(self.kind)), np.diff(self.polygon_ring_start))
        outer = np.zeros(len(ring_polygon), bool)
        outer[self.polygon_ring_start[:-1]] = True
        chosen = np.flatnonzero(polygons[ring_polygon]) if len(ring_polygon) else np.empty(0, np.intp)
        count = np.diff(self.ring_start)[chosen]
        start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
        vertex = np.repeat(self.ring_start[:-1][chosen] - start[:-1], count) + np.arange(start[-1])
        return covered(grid, self.positions_local[vertex], start, outer[chosen])


def statement_from_layer(layer: AreaLayer) -> AreaStatement:
    """Read ground classes and plots out of the names and texts of an area layer.

    A layer whose name speaks of parcels or plots holds plots, but for those used as green, traffic or
    water. Else each feature is classed by its texts about use or surface, or by the name of the layer
    where they name nothing.
    """
    plots = bool(re.search(r"parcel|plot\b|plots|flurst|grundst|parzelle", layer.name.lower()))
    kind = np.full(layer.feature_count, Ground.UNKNOWN if plots else ground_of_text(layer.name), np.uint8)
    for column, values in layer.attributes.items():
        if values.dtype.kind == "f" or not re.search(_COLUMNS_OF_USE, column.lower()):
            continue
        texts, which = texts_of(Column(column, values))
        named = np.array([ground_of_text(str(text)) for text in texts], np.uint8)[which]
        kind = np.where(named != Ground.UNKNOWN, named, kind).astype(np.uint8)
    of = layer.polygon_feature
    plot = np.full(len(of), plots) & (kind[of] == Ground.UNKNOWN)
    said = np.full(len(of), Ground.UNKNOWN, np.uint8) if plots else kind[of]
    return AreaStatement(layer.positions_local, layer.ring_start, layer.polygon_ring_start, said, plot, layer.name)


@dataclass(frozen=True, eq=False)
class Surfaces:
    """The ground of a study area.

    ring_local : (n, 2) the study area. kind : (rows, columns) uint8 ``Ground`` per cell of ``grid``.
    planned_share : (K, 7) for planned buildings, the shares of the classes on which they would stand.
    plots : (rows, columns) bool or None without parcels. canopy : cells under existing crowns.
    drawn : whether the study area was given (else it is the outline around all buildings).
    """

    grid: Grid
    ring_local: Floats
    kind: NDArray[np.uint8]
    planned_share: Floats
    canopy: Flags
    plots: Flags | None = None
    drawn: bool = False
    sources: tuple[str, ...] = field(default=())

    @cached_property
    def area_m2(self) -> Floats:
        """(7,) area by class, square metres."""
        counts = np.bincount(self.kind.ravel(), minlength=len(Ground))
        return np.asarray(counts * self.grid.cell_m**2, dtype=np.float64)

    @property
    def total_m2(self) -> float:
        """The study area, square metres."""
        return float(self.area_m2.sum() - self.area_m2[Ground.OUTSIDE])

    @cached_property
    def plots_m2(self) -> float:
        """Area of the plots within the study area; 0 without."""
        return 0.0 if self.plots is None else float(self.plots.sum()) * self.grid.cell_m**2

    def within(self, xy_local: Floats) -> Flags:
        """Which points (n, 2) lie in the study area."""
        known = np.isfinite(xy_local).all(axis=1)
        inside = np.zeros(len(xy_local), bool)
        inside[known] = points_in_ring(xy_local[known], self.ring_local)
        return inside

    def on_plots(self, xy_local: Floats) -> Flags:
        """Which points (n, 2) lie on a plot."""
        cell = self.grid.cells(np.nan_to_num(xy_local, nan=-1e9))
        if self.plots is None:
            return np.zeros(len(cell), bool)
        return np.asarray(self.plots.ravel()[np.maximum(cell, 0)] & (cell >= 0))


class Unsealing:
    """How much sealed and unknown ground the rings of a change unseal; remembers the rings."""

    def __init__(self, surfaces: Surfaces) -> None:
        self._surfaces = surfaces
        self._areas: list[Floats] = []
        self._rings: tuple[int, ...] = ()
        self._kept: Unsealed = ()

    def shares(self, unsealed: Unsealed) -> tuple[float, float]:
        """Shares of the sealed and of the unknown ground of the study area to which unsealing applies, 0..1.

        A later ring replaces what earlier ones say about its ground.
        """
        if not unsealed:
            return 0.0, 0.0
        if all(ring is None for _, ring in unsealed):
            return unsealed[-1][0], unsealed[-1][0]
        key = tuple(id(ring) for _, ring in unsealed)
        if key != self._rings:
            self._areas = self._counts(unsealed)
            self._rings, self._kept = key, unsealed
        share = np.array([0.0, *(value for value, _ in unsealed)])
        sealed, unknown = (float(share @ counts / max(counts.sum(), 1.0)) for counts in self._areas)
        return sealed, unknown

    def _counts(self, unsealed: Unsealed) -> list[Floats]:
        """Twice (1 + rings,) number of sealed and of unknown cells that each ring decides; the first is for none."""
        grid, kind = self._surfaces.grid, self._surfaces.kind
        decides = np.zeros(grid.shape, np.int32)
        for number, (_, ring) in enumerate(unsealed, start=1):
            if ring is None:
                decides[:] = number
            elif len(ring) >= 3:
                decides[covered(grid, ring, np.array([0, len(ring)]), np.array([True]))] = number
        bins = len(unsealed) + 1
        return [
            np.bincount(decides[kind == ground], minlength=bins).astype(np.float64)
            for ground in (Ground.SEALED, Ground.UNKNOWN)
        ]


def study_ring(city: CityModel, measures: Measures) -> Floats:
    """The outline around all buildings: convex, 10 m outside the outermost footprints; (n, 2)."""
    angle = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    ways = np.column_stack([np.cos(angle), np.sin(angle)])
    stands = measures.is_building & ~measures.planned
    tiles = city.tiles
    rim = None if tiles is None else _near_the_rim(tiles, measures.centre_local[stands], ways)
    known: dict[int, NDArray[np.float32]] = {}  # corners of the buildings of a tile

    def corners(tile: int) -> NDArray[np.float32]:
        if tile not in known:
            own = slice(0, len(city.face_surface))
            if tiles is not None:
                own = slice(int(tiles.face_start[tile]), int(tiles.face_start[tile + 1]))
            faces = own.start + np.flatnonzero(stands[city.objects.feature_of_object[city.face_object[own]]])
            known[tile] = city.positions_local[ranges(city.face_start, faces), :2]
        return known[tile]

    outermost = []
    for k, (x, y) in enumerate(ways.astype(np.float32)):
        places = [0] if rim is None else np.flatnonzero(rim[:, k]).tolist()
        points = np.concatenate([corners(tile) for tile in places]) if len(city.objects) and places else _NO_POINTS
        if not len(points):
            low, high = city.extent_local[:, :2]
            return np.array([low, (high[0], low[1]), high, (low[0], high[1])], dtype=np.float64)
        outermost.append(points[int(np.argmax(points[:, 0] * x + points[:, 1] * y))])
    return np.asarray(np.array(outermost, dtype=np.float64) + RIM_M * ways)


def _near_the_rim(tiles: Tiles, centre_local: Floats, ways: Floats) -> Flags:
    """(B, directions) tiles that may reach farther in a direction than the middle of every building."""
    known = centre_local[np.isfinite(centre_local).all(axis=1)]
    if not len(known):
        return np.ones((len(tiles), len(ways)), bool)
    known = known[:: max(1, len(known) // MOST_MIDDLES)]
    reached = (known @ ways.T).max(axis=0) - RIM_TILE_M
    low, high = tiles.low[:, None, :2], tiles.high[:, None, :2]
    with np.errstate(invalid="ignore"):
        farthest = np.where(ways > 0, high * ways, low * ways).sum(axis=2)
        return np.asarray(farthest >= reached)


def make_surfaces(
    city: CityModel,
    measures: Measures,
    *,
    faces: Flags | None = None,
    area_ring: ArrayLike | None = None,
    areas: tuple[AreaStatement, ...] = (),
    trees: tuple[TreeLayer, ...] = (),
) -> Surfaces:
    """Partition the ground of the study area.

    From coarse to fine, the later over the earlier: land use of the city, ``areas`` (from layers, bottom
    to top), then plants, railways, roads and squares, and water of the city, then buildings.

    Parameters
    ----------
    area_ring : (n, 2) local metres, the study area; None for the outline around all buildings.
    """
    ring = study_ring(city, measures) if area_ring is None else np.asarray(area_ring, dtype=np.float64).reshape(-1, 2)
    grid = Grid.around(ring.min(axis=0), ring.max(axis=0))
    shown = np.ones(len(city.face_surface), bool) if faces is None else np.asarray(faces, bool)
    inside = covered(grid, ring, np.array([0, len(ring)]), np.array([True]))
    kind = np.full(grid.shape, Ground.UNKNOWN, np.uint8)
    sources = []

    def lay(surfaces: list[tuple[str, Flags, Ground]]) -> None:
        for name, faces_of_kind, ground in surfaces:
            if faces_of_kind.any():
                kind[covered_by_faces(grid, city, faces_of_kind)] = ground
                sources.append(name)

    coarse, fine = _city_ground(city, shown)
    lay(coarse)
    plots: Flags | None = None
    for statement in areas:
        for ground in (Ground.VEGETATION, Ground.PARTLY, Ground.SEALED, Ground.WATER):
            if (statement.kind == ground).any():
                kind[statement.cells(grid, statement.kind == ground)] = ground
        if statement.plot.any():
            on = statement.cells(grid, statement.plot)
            plots = on if plots is None else plots | on
        sources.append(statement.source)
    lay(fine)

    planned_share = _under_planned(city, measures, grid, kind, shown)
    stands = measures.is_building & ~measures.planned
    building_faces = shown & stands[city.face_feature] if len(city.face_feature) else shown
    building_faces = building_faces & _seen_from_above(city)
    kind[covered_by_faces(grid, city, building_faces)] = Ground.BUILDING
    kind[~inside] = Ground.OUTSIDE
    if plots is not None:
        plots &= inside
    canopy = crowns(grid, *_existing_trees(city, shown, trees)) & inside
    kind.setflags(write=False)
    return Surfaces(
        grid, ring, kind, planned_share, canopy, plots if plots is not None and plots.any() else None,
        area_ring is not None, tuple(dict.fromkeys(s for s in sources if s)),
    )  # fmt: skip


def crowns(grid: Grid, xy: Floats, diameter_m: Floats) -> Flags:
    """(rows, columns) cells whose middle lies under any crown (METHODS G5: the union)."""
    under = np.zeros(grid.shape[0] * grid.shape[1], bool)
    known = np.isfinite(xy).all(axis=1) & np.isfinite(diameter_m)
    xy, radius = xy[known], np.clip(diameter_m[known], 0.0, 60.0) / 2 / grid.cell_m
    u, v = ((xy - np.array(grid.low)) / grid.cell_m - 0.5).T
    for reach in np.unique(np.ceil(radius).astype(int)):
        of = np.flatnonzero(np.ceil(radius).astype(int) == reach)
        step = np.arange(-reach, reach + 1)
        for part in np.array_split(of, max(1, len(of) * len(step) ** 2 // 4_000_000)):
            column = np.rint(u[part])[:, None, None] + step[None, None, :]
            row = np.rint(v[part])[:, None, None] + step[None, :, None]
            near = (column - u[part, None, None]) ** 2 + (row - v[part, None, None]) ** 2 <= radius[
                part, None, None
            ] ** 2
            near &= (column >= 0) & (column < grid.shape[1]) & (row >= 0) & (row < grid.shape[0])
            under[(row * grid.shape[1] + column)[near].astype(np.int64)] = True
    return under.reshape(grid.shape)


def _seen_from_above(city: CityModel) -> Flags:
    upright = (SurfaceType.WALL, SurfaceType.WINDOW, SurfaceType.DOOR, SurfaceType.CLOSURE, SurfaceType.INTERIOR)
    return ~np.isin(city.face_surface, upright)


def _city_ground(
    city: CityModel, shown: Flags
) -> tuple[list[tuple[str, Flags, Ground]], list[tuple[str, Flags, Ground]]]:
    """Faces of the city that say what the ground is, coarse ones and fine ones, each in the order in which
    they lie over each other."""
    if not len(city.face_surface):
        return [], []
    themes = tuple(Theme)
    theme = city.objects.feature_theme[city.face_feature]
    land = np.full(len(city.objects.features), Ground.UNKNOWN, np.uint8)
    for name in ("surfaceMaterial", "function", "usage", "class"):
        column = city.objects.feature_column(name)
        if column is not None:
            texts, which = texts_of(column)
            named = np.array([ground_of_text(str(text)) for text in texts], np.uint8)[which]
            land = np.where(land == Ground.UNKNOWN, named, land).astype(np.uint8)
    of_face = land[city.face_feature]

    def of(*wanted: Theme) -> Flags:
        return np.asarray(shown & np.isin(theme, [themes.index(t) for t in wanted]))

    is_land = of(Theme.LAND_USE)
    kinds = (Ground.VEGETATION, Ground.PARTLY, Ground.SEALED, Ground.WATER)
    coarse = [("LandUse", np.asarray(is_land & (of_face == kind)), kind) for kind in kinds]
    return coarse, [
        ("PlantCover", of(Theme.VEGETATION), Ground.VEGETATION),
        ("Railway", of(Theme.RAILWAY), Ground.PARTLY),
        ("Road", of(Theme.ROAD, Theme.SQUARE), Ground.SEALED),
        ("WaterBody", of(Theme.WATER), Ground.WATER),
    ]


def _under_planned(city: CityModel, measures: Measures, grid: Grid, kind: NDArray[np.uint8], shown: Flags) -> Floats:
    """(K, 7) shares of the classes under planned buildings, from the middles and corners of their faces."""
    share = np.zeros((len(measures.planned), len(Ground)))
    planned = measures.planned & measures.is_building
    if not planned.any():
        return share
    faces = shown & planned[city.face_feature] & _seen_from_above(city)
    triangles = city.triangles[faces[city.triangle_face]]
    feature = city.face_feature[city.triangle_face[faces[city.triangle_face]]]
    corners = city.positions_local[triangles][:, :, :2].astype(np.float64)
    weights = np.array([(1 / 3, 1 / 3), (0.6, 0.2), (0.2, 0.6), (0.2, 0.2)])
    for a, b in weights:
        middle = corners[:, 0] * (1 - a - b) + corners[:, 1] * a + corners[:, 2] * b
        u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
        cell = grid.cells(middle)
        ground = np.where(cell >= 0, kind.ravel()[np.maximum(cell, 0)], Ground.UNKNOWN)
        np.add.at(share, (feature, ground), area)
    total = share.sum(axis=1, keepdims=True)
    return np.asarray(share / np.where(total > 0, total, 1.0))


def _existing_trees(city: CityModel, shown: Flags, layers: tuple[TreeLayer, ...]) -> tuple[Floats, Floats]:
    """Feet and crown diameters of trees in the city and in layers; a city's tree is as wide as it is drawn."""
    xy, crown = [np.empty((0, 2))], [np.empty(0)]
    is_tree = city.objects.feature_theme == tuple(Theme).index(Theme.TREE) if len(city.objects) else np.zeros(0, bool)
    if is_tree.any():
        vertex = np.flatnonzero((shown & is_tree[city.face_feature])[city.vertex_face])
        feature = city.face_feature[city.vertex_face[vertex]]
        low, high = np.full((len(is_tree), 2), np.inf), np.full((len(is_tree), 2), -np.inf)
        np.minimum.at(low, feature, city.positions_local[vertex, :2])
        np.maximum.at(high, feature, city.positions_local[vertex, :2])
        drawn = np.isfinite(low[:, 0])
        xy.append((low[drawn] + high[drawn]) / 2)
        crown.append((high[drawn] - low[drawn]).mean(axis=1))
    for layer in layers:
        xy.append(layer.positions_local[:, :2])
        crown.append(layer.crown_m.astype(np.float64))
    return np.concatenate(xy), np.concatenate(crown)
