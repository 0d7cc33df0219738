"""Outlines in local metres: closed ways and multipolygon relations as polygons, lines widened to areas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from viewer.plugin_api import ReadContext

from .data import NO_TAGS, OsmData, Relation
from .tags import Kind, area_kind, is_building, is_underground, line_kind

WGS84 = "EPSG:4326"


@dataclass(eq=False)
class Shapes:
    """n things with an outline: shapely polygons or multipolygons in local metres, valid and not empty."""

    outlines: np.ndarray
    ids: list[str]
    tags: list[dict[str, str]]
    kinds: list[Kind]
    tree_xy: np.ndarray

    def tree_places(self, data: OsmData) -> tuple[np.ndarray, np.ndarray]:
        """(T, 2) local metres of trees with a place, and their rows in ``data``."""
        rows = np.flatnonzero(np.isfinite(self.tree_xy).all(axis=1))
        return self.tree_xy[rows], rows


def find_shapes(data: OsmData, context: ReadContext) -> Shapes:
    """Everything that is drawn as an area or a block; trees are only placed."""
    import shapely

    node_xy = _place(data, context)
    ways = _Ways(data, node_xy)
    in_relation = _outlines_of_buildings(data.relations, ways)
    closed = ways.closed
    tagged = [row for row, tags in enumerate(data.way_tags) if tags is not NO_TAGS]
    areas: list[tuple[int, Kind]] = []
    lines: list[tuple[int, Kind, float]] = []
    doubled = 0
    for row in tagged:
        tags = data.way_tags[row]
        kind = area_kind(tags) if closed[row] else None
        if kind is Kind.BUILDING and row in in_relation:
            doubled += 1
        elif kind is not None:
            areas.append((row, kind))
        elif (line := line_kind(tags)) is not None:
            lines.append((row, *line))
    context.info("Outlines of buildings that a relation describes again, drawn once: {count}", count=doubled)
    context.info(
        "Roads, rails, buildings and others underground or in tunnels, not shown: {count}",
        count=sum(is_underground(data.way_tags[row]) for row in tagged),
    )
    context.info(
        "Coastlines are not turned into sea: {count}",
        count=sum(data.way_tags[row].get("natural") == "coastline" for row in tagged),
    )
    context.progress.report(0.45, "Making outlines")
    area_rows = np.array([row for row, _ in areas], dtype=np.int64)
    line_rows = np.array([row for row, _, _ in lines], dtype=np.int64)
    polygons = ways.polygons(area_rows, context)
    widths = np.array([width for _, _, width in lines], dtype=np.float64)
    bands = shapely.buffer(ways.lines(line_rows, context), widths / 2, quad_segs=2)
    relations, relation_kinds = _of_relations(data.relations)
    context.progress.report(0.5, "Making outlines")
    collected = _multipolygons(relations, ways, context)
    shapes = np.concatenate([polygons, collected, bands]).astype(object)
    usable = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes)) & (shapely.area(shapes) > 0.01)
    kinds = [kind for _, kind in areas] + relation_kinds + [kind for _, kind, _ in lines]
    rows = np.concatenate([area_rows, line_rows]).tolist()
    way_ids = [f"way/{data.way_ids[row]}" for row in rows]
    ids = way_ids[: len(areas)] + [f"relation/{relation.id}" for relation in relations] + way_ids[len(areas) :]
    way_tags = [data.way_tags[row] for row in rows]
    tags_of = way_tags[: len(areas)] + [relation.tags for relation in relations] + way_tags[len(areas) :]
    keep = np.flatnonzero(usable).tolist()
    return Shapes(
        shapes[usable], [ids[i] for i in keep], [tags_of[i] for i in keep], [kinds[i] for i in keep],
        node_xy[len(data.node_ids) :],
    )  # fmt: skip


def _place(data: OsmData, context: ReadContext) -> np.ndarray:
    """(N + T, 2) local metres of all nodes, then of all trees; NaN where a place is impossible."""
    lon_lat = np.concatenate([data.lon_lat, data.tree_lon_lat])
    possible = (np.abs(lon_lat[:, 0]) <= 180) & (np.abs(lon_lat[:, 1]) <= 90)
    context.warn("Points that lie nowhere on earth, left out: {count}", count=int((~possible).sum()))
    xy = np.full(lon_lat.shape, np.nan)
    if possible.any():
        xy[possible] = context.place(lon_lat[possible], WGS84)[:, :2]
    xy[~np.isfinite(xy).all(axis=1)] = np.nan
    return xy


class _Ways:
    """Ways with the places of their nodes."""

    def __init__(self, data: OsmData, node_xy: np.ndarray) -> None:
        start, nodes = data.way_start, data.way_nodes
        known = data.node_ids
        at = np.minimum(np.searchsorted(known, nodes), max(len(known) - 1, 0))
        found = known[at] == nodes if len(known) else np.zeros(len(nodes), bool)
        self._xy = np.full((len(nodes), 2), np.nan)
        self._xy[found] = node_xy[at[found]]
        self._start = start
        lost = np.concatenate([[0], np.cumsum(~np.isfinite(self._xy).all(axis=1))])
        self.complete = lost[start[1:]] == lost[start[:-1]]
        sizes = np.diff(start)
        self.closed = sizes >= 4
        if len(nodes):
            last = np.maximum(start[1:] - 1, 0)
            self.closed &= nodes[np.minimum(start[:-1], len(nodes) - 1)] == nodes[last]
        order = np.argsort(data.way_ids, kind="stable")
        self._ids, self._order = data.way_ids[order], order

    def rows_of(self, ids: np.ndarray) -> np.ndarray:
        """Row of each way id, -1 where it is not in the file."""
        if not len(self._ids):
            return np.full(len(ids), -1)
        at = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        return np.where(self._ids[at] == ids, self._order[at], -1)

    def polygons(self, rows: np.ndarray, context: ReadContext) -> np.ndarray:
        """A valid polygon for each closed way; None where points are missing."""
        import shapely

        whole = self.complete[rows]
        context.warn("Outlines with missing points, left out: {count}", count=int((~whole).sum()))
        shapes = np.full(len(rows), None, dtype=object)
        xy, way = self._points(rows[whole])
        shapes[whole] = shapely.polygons(shapely.linearrings(xy, indices=way)) if len(xy) else []
        return _valid(shapes, context)

    def lines(self, rows: np.ndarray, context: ReadContext) -> np.ndarray:
        """A line for each way through the points that are there; None with fewer than two."""
        import shapely

        xy, way = self._points(rows)
        here = np.isfinite(xy).all(axis=1)
        short = np.bincount(way[here], minlength=len(rows)) < 2
        here &= ~short[way]
        context.warn("Lines with missing points, left out: {count}", count=int(short.sum()))
        shapes = np.full(len(rows), None, dtype=object)
        if here.any():
            _, index = np.unique(way[here], return_inverse=True)
            shapes[~short] = shapely.linestrings(xy[here], indices=index)
        return shapes

    def _points(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of all points of some ways one after the other, and the position of their way in ``rows``."""
        sizes = self._start[rows + 1] - self._start[rows]
        way = np.repeat(np.arange(len(rows)), sizes)
        inner = np.arange(len(way)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self._xy[self._start[rows][way] + inner], way


def _of_relations(relations: list[Relation]) -> tuple[list[Relation], list[Kind]]:
    """Relations that are drawn, each id once, and what they are."""
    unique = {relation.id: relation for relation in relations}
    drawn = [(relation, kind) for relation in unique.values() if (kind := area_kind(relation.tags)) is not None]
    return [relation for relation, _ in drawn], [kind for _, kind in drawn]


def _outlines_of_buildings(relations: list[Relation], ways: _Ways) -> set[int]:
    """Rows of ways that are outer outlines of a building's relation."""
    outer = [
        way
        for relation in relations
        if is_building(relation.tags)
        for way, role in zip(relation.ways, relation.roles, strict=True)
        if role != "inner"
    ]
    return set(ways.rows_of(np.array(outer, dtype=np.int64)).tolist()) - {-1}


def _multipolygons(relations: list[Relation], ways: _Ways, context: ReadContext) -> np.ndarray:
    """Polygons with holes out of the ways of each relation; None where they do not close.

    What lies inside an odd number of rings is part of the area: roles are often wrong, rings hardly ever.
    """
    import shapely

    shapes = np.full(len(relations), None, dtype=object)
    if not relations:
        return shapes
    owner = np.repeat(np.arange(len(relations)), [len(relation.ways) for relation in relations])
    rows = ways.rows_of(np.array([way for relation in relations for way in relation.ways], dtype=np.int64))
    there = rows >= 0
    there[there] = ways.complete[rows[there]]
    lines = ways.lines(rows[there], context)
    owner = owner[there]
    drawn = ~shapely.is_missing(lines)
    present, index = np.unique(owner[drawn], return_inverse=True)
    if len(present):
        shapes[present] = shapely.build_area(shapely.multilinestrings(lines[drawn], indices=index))
    failed = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    context.warn(
        "Areas put together from lines that do not close, left out: {count}",
        count=int(failed.sum()),
        where=tuple(f"relation/{relations[row].id}" for row in np.flatnonzero(failed)[:20].tolist()),
    )
    return _valid(shapes, context)


def _valid(shapes: np.ndarray, context: ReadContext) -> np.ndarray:
    """The same shapes, those that cross themselves repaired."""
    import shapely

    bad = ~(shapely.is_valid(shapes) | shapely.is_missing(shapes))
    if bad.any():
        shapes[bad] = shapely.make_valid(shapes[bad], method="structure", keep_collapsed=False)
    context.info("Outlines that crossed themselves, repaired: {count}", count=int(bad.sum()))
    return shapes
