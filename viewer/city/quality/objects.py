"""Faults of objects and attributes: missing and implausible values, duplicates, overlaps, parts without a whole."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from viewer.city.geometry import FaceGeometry, sums
from viewer.city.kinds import lod_key
from viewer.city.measures import Measures
from viewer.city.model import CityModel, Column
from viewer.city.quality.findings import Collector
from viewer.city.quality.pairs import clusters, overlapping
from viewer.city.use import column_like, numbers_of

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: measuredHeight may differ so much from the geometry, metres.
HEIGHT_M = 1.0
#: Believable heights, storeys, years and metres per storey.
HEIGHTS_M = (0.5, 900.0)
STOREYS = (1.0, 163.0)
FIRST_YEAR = 500
STOREY_HEIGHTS_M = (1.8, 12.0)
#: Outlines and heights this near are the same, metres.
SAME_M = 0.01
#: Buildings overlap that share this much of the smaller one.
OVERLAP_SHARE = 0.1
_GRID = 5
#: At most so many pairs of neighbours are compared point by point.
_MAX_PAIRS = 400_000

_NAMES = {
    "A01": ("measuredHeight", "height", "building:height", "hoehe", "gebaeudehoehe"),
    "A02": ("storeysAboveGround", "numberOfStoreys", "storeys", "building:levels", "levels", "b3_bouwlagen"),
    "A03": ("function", "usage", "use", "class", "building"),
    "A04": ("roofType", "roof:shape", "b3_dak_type", "dachform"),
    "A05": ("yearOfConstruction", "dateOfConstruction", "baujahr", "year", "oorspronkelijkbouwjaar"),
}
_COLUMN_OF = {"A11": "A01", "A12": "A02", "A13": "A05"}


class Buildings:
    """The buildings of a city as boxes and columns; K top-level objects, positions in ``objects.features``."""

    def __init__(self, city: CityModel, faces: Flags, shape: FaceGeometry, measures: Measures) -> None:
        self.city, self.measures, self.shape, self.faces = city, measures, shape, faces
        k = len(city.objects.features)
        self.low, self.high = np.full((k, 3), np.inf), np.full((k, 3), -np.inf)
        vertex = np.flatnonzero(faces[city.vertex_face])
        owner = city.face_feature[city.vertex_face[vertex]]
        points = city.positions_local[vertex].astype(np.float64)
        np.minimum.at(self.low, owner, points)
        np.maximum.at(self.high, owner, points)
        self.shaped = np.isfinite(self.low[:, 0])
        self.centre = np.full((k, 3), np.nan)
        self.centre[self.shaped] = (self.low[self.shaped] + self.high[self.shaped]) / 2
        self.standing = measures.is_building & self.shaped

    def note(self, found: Collector, code: str, features: Index, amounts: Floats | None = None) -> None:
        """Note a fault of some top-level objects at their middle."""
        found.add(code, self.city.objects.features[features], self.centre[features], amounts)

    # -- objects ---------------------------------------------------------------------------------------

    def check_objects(self, found: Collector) -> None:
        """Parts without a whole, buildings without geometry, mixed levels of detail."""
        objects = self.city.objects
        part = np.array([t.endswith("Part") for t in objects.types] or [False])
        lost = np.flatnonzero(part[objects.type_code] & (objects.parent < 0))
        position = np.searchsorted(objects.features, lost)
        found.add("O04", lost, self.centre[np.minimum(position, len(self.centre) - 1)])
        self.note(found, "O05", np.flatnonzero(self.measures.is_building & ~self.shaped))
        self._levels(found)

    def _levels(self, found: Collector) -> None:
        keys = [lod_key(lod) for lod in self.city.lods]
        rank = np.array([sorted(set(keys)).index(key) for key in keys])
        highest = np.full(len(self.low), -1)
        np.maximum.at(highest, self.city.face_feature[self.faces], rank[self.city.face_lod[self.faces]])
        some = np.flatnonzero(self.standing)
        if len(some):
            usual = np.bincount(highest[some]).argmax()
            self.note(found, "O06", some[highest[some] != usual])

    def check_twins(self, found: Collector) -> None:
        """Buildings that stand twice, and buildings that overlap."""
        some = np.flatnonzero(self.standing)
        same = np.zeros(len(some), dtype=np.int64)
        box = np.column_stack([self.low[some], self.high[some]])
        for axis in range(6):
            near = clusters(np.zeros(len(some), np.int64), box[:, axis], SAME_M)
            same = np.unique(same * (len(some) + 1) + near, return_inverse=True)[1]
        area = self.measures.footprint_m2[some]
        faces = sums(self.city.face_feature[self.faces], np.ones(int(self.faces.sum())), len(self.low))[some]
        order = np.lexsort((area, faces, same))
        again = np.zeros(len(some), dtype=bool)
        again[1:] = (np.diff(same[order]) == 0) & (np.diff(faces[order]) == 0)
        again[1:] &= np.abs(np.diff(area[order])) <= 0.01 * np.maximum(area[order][1:], 1.0)
        twin = some[order[again]]
        self.note(found, "O02", twin)
        self._overlaps(np.setdiff1d(some, twin), found)

    def _overlaps(self, some: Index, found: Collector) -> None:
        """Compare neighbours point by point on a small grid over the smaller of the two."""
        low, high = self.low[some], self.high[some]
        pairs: list[NDArray[np.int64]] = []
        number = 0
        for i, j in overlapping(np.zeros(len(some), np.int64), low[:, 0], high[:, 0]):
            common = np.minimum(high[i], high[j]) - np.maximum(low[i], low[j])
            deep = (common[:, :2] > 0.2).all(axis=1) & (common[:, 2] > 0.5)
            pairs.append(np.column_stack([some[i[deep]], some[j[deep]]]))
            number += len(pairs[-1])
            if number > _MAX_PAIRS:
                break
        table = np.concatenate(pairs)[:_MAX_PAIRS] if pairs else np.zeros((0, 2), np.int64)
        if not len(table):
            return
        footprint = np.nan_to_num(self.measures.footprint_m2)
        first_smaller = footprint[table[:, 0]] <= footprint[table[:, 1]]
        small = np.where(first_smaller, table[:, 0], table[:, 1])
        large = np.where(first_smaller, table[:, 1], table[:, 0])
        own, common = self._shares(small, large)
        share = common / np.maximum(own, 1)
        bad = np.flatnonzero((share > OVERLAP_SHARE) & (common >= 2))
        best = np.zeros(len(self.low))
        np.maximum.at(best, small[bad], share[bad])
        overlapped = np.unique(small[bad])
        self.note(found, "O03", overlapped, 100.0 * best[overlapped])

    def _shares(self, small: Index, large: Index) -> tuple[Floats, Floats]:
        """Grid points within the outline of the smaller building, and within both; (n,) each."""
        own, common = np.zeros(len(small)), np.zeros(len(small))
        step = (np.arange(_GRID) + 0.5) / _GRID
        grid = np.stack(np.meshgrid(step, step), axis=-1).reshape(-1, 2)
        size = self.high[small, :2] - self.low[small, :2]
        points = self.low[small, None, :2] + grid[None] * size[:, None]
        inside_own = self._covers(small, points)
        inside_both = inside_own & self._covers(large, points)
        own[:], common[:] = inside_own.sum(axis=1), inside_both.sum(axis=1)
        return own, common

    def _covers(self, feature: Index, points: Floats) -> Flags:
        """(n, g) whether points (n, g, 2) lie under a surface of their building."""
        city = self.city
        face = city.triangle_face
        use = self.faces[face] & (np.abs(self.shape.area_vector[face, 2]) > 1e-3)
        triangle = np.flatnonzero(use)
        owner = city.face_feature[face[triangle]]
        order = np.argsort(owner, kind="stable")
        triangle, owner = triangle[order], owner[order]
        start, end = np.searchsorted(owner, feature), np.searchsorted(owner, feature, side="right")
        result = np.zeros(points.shape[:2], dtype=bool)
        running = np.append(0, np.cumsum(end - start))
        at = 0
        while at < len(feature):
            to = max(int(np.searchsorted(running, running[at] + 50_000, side="right")) - 1, at + 1)
            count = (end - start)[at:to]
            which = np.repeat(np.arange(at, to), count)
            offset = np.arange(len(which)) - np.repeat(running[at:to] - running[at], count)
            corner = city.positions_local[city.triangles[triangle[start[which] + offset]]][:, :, :2].astype(np.float64)
            hit = _in_triangles(points[which], corner)
            pair, point = np.nonzero(hit)
            result[which[pair], point] = True
            at = to
        return result

    # -- attributes ------------------------------------------------------------------------------------

    def check_attributes(self, found: Collector) -> None:
        """Missing and implausible values, and heights that differ from the geometry."""
        objects = self.city.objects
        building = self.measures.is_building
        columns = {code: column_like(objects, names) for code, names in _NAMES.items()}
        for code, column in columns.items():
            self.note(found, code, np.flatnonzero(building & ~_filled(column, len(building))))
        height, storeys, year = (_numbers(columns[code], len(building)) for code in ("A01", "A02", "A05"))
        for code, values, (least, most) in (
            ("A11", height, HEIGHTS_M),
            ("A12", storeys, STOREYS),
            ("A13", year, (float(FIRST_YEAR), float(date.today().year + 10))),
        ):
            unreadable = _filled(columns[_COLUMN_OF[code]], len(building)) & np.isnan(values)
            bad = np.flatnonzero(building & ((values < least) | (values > most) | unreadable))
            self.note(found, code, bad, values[bad])
        drawn = np.where(self.shaped, self.high[:, 2] - self.low[:, 2], np.nan)
        solid = building & (drawn > HEIGHTS_M[0])
        difference = np.where(solid & (height >= HEIGHTS_M[0]) & (height <= HEIGHTS_M[1]), height - drawn, np.nan)
        bad = np.flatnonzero(np.abs(difference) > HEIGHT_M + 1e-3)
        self.note(found, "A21", bad, difference[bad])
        told = (storeys >= STOREYS[0]) & (storeys <= STOREYS[1])
        each = np.where(solid & told, drawn / np.where(told, storeys, 1.0), np.nan)
        bad = np.flatnonzero((each < STOREY_HEIGHTS_M[0]) | (each > STOREY_HEIGHTS_M[1]))
        self.note(found, "A22", bad, each[bad])


def _filled(column: Column | None, count: int) -> Flags:
    if column is None:
        return np.zeros(count, dtype=bool)
    return np.asarray(~np.isnan(column.values) if column.numeric else column.values != "")


def _numbers(column: Column | None, count: int) -> Floats:
    return np.full(count, np.nan) if column is None else numbers_of(column)


def _in_triangles(points: Floats, corner: Floats) -> Flags:
    """(n, g) whether points (n, g, 2) lie in triangles (n, 3, 2), whichever way those turn."""
    signs = []
    for a, b in ((0, 1), (1, 2), (2, 0)):
        way = corner[:, b] - corner[:, a]
        reach = points - corner[:, a, None]
        signs.append(way[:, None, 0] * reach[..., 1] - way[:, None, 1] * reach[..., 0])
    one, two, three = signs
    return np.asarray(((one > 0) & (two > 0) & (three > 0)) | ((one < 0) & (two < 0) & (three < 0)))
