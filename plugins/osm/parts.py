"""Buildings and their parts: which part belongs to which building, how tall each is, and what is drawn of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from viewer.plugin_api import ReadContext

from .shapes import Shapes
from .tags import ASSUMED_M, STOREY_M, Kind, building_height

#: Where parts cover this share of a building, they are the building and its outline is not drawn.
_COVERED = 0.9
_LEAST_M2 = 1.0


@dataclass(eq=False)
class Buildings:
    """n buildings and parts.

    parent : (n,) row of the building a part belongs to, -1 for buildings. base_m, top_m : (n,) above the ground.
    source : where each height is from. outlines : shapely shapes that are drawn; outline_row : their rows.
    """

    ids: list[str]
    tags: list[dict[str, str]]
    parent: np.ndarray
    base_m: np.ndarray
    top_m: np.ndarray
    source: list[str]
    outlines: np.ndarray
    outline_row: np.ndarray


def find_buildings(shapes: Shapes, context: ReadContext) -> Buildings:
    """Buildings with their parts. A part in no building is a building of its own."""
    rows = [row for row, kind in enumerate(shapes.kinds) if kind in (Kind.BUILDING, Kind.PART)]
    outlines = shapes.outlines[rows]
    tags = [shapes.tags[row] for row in rows]
    is_part = np.array([shapes.kinds[row] is Kind.PART for row in rows], dtype=bool)
    parent = _parents(outlines, is_part)
    context.info(
        "Parts of buildings that lie in no building, drawn on their own: {count}",
        count=int((is_part & (parent < 0)).sum()),
    )
    heights = [building_height(own) for own in tags]
    base = np.array([height.base_m for height in heights], dtype=np.float64)
    top = np.array([height.top_m for height in heights], dtype=np.float64)
    source = [height.source for height in heights]
    inherit = np.flatnonzero(np.isnan(top) & (parent >= 0))
    top[inherit] = top[parent[inherit]]
    assumed = np.isnan(top)
    top[assumed] = ASSUMED_M
    for row in inherit[~assumed[inherit]].tolist():
        source[row] = source[int(parent[row])]
    upside_down = base >= top
    context.warn("Buildings whose base lies above their top, drawn from the ground: {count}",
                 count=int(upside_down.sum()))  # fmt: skip
    base[upside_down] = 0.0
    context.info("Heights taken from a height: {count}", count=source.count("height"))
    context.info(
        "Heights reckoned from levels of {storey_m} m: {count}", count=source.count("levels"), storey_m=f"{STOREY_M:g}"
    )
    context.warn(
        "Buildings without height and levels, drawn {height_m} m tall: {count}",
        count=int(assumed.sum()),
        height_m=f"{ASSUMED_M:g}",
    )
    drawn, drawn_row = _without_parts(outlines, parent)
    return Buildings([shapes.ids[row] for row in rows], tags, parent, base, top, source, drawn, drawn_row)


def _parents(outlines: np.ndarray, is_part: np.ndarray) -> np.ndarray:
    """(n,) the smallest building around the middle of each part, -1 for none."""
    import shapely

    parent = np.full(len(outlines), -1, dtype=np.int64)
    parts, buildings = np.flatnonzero(is_part), np.flatnonzero(~is_part)
    if not len(parts) or not len(buildings):
        return parent
    tree = shapely.STRtree(outlines[buildings])
    part, building = tree.query(shapely.point_on_surface(outlines[parts]), predicate="intersects")
    order = np.argsort(-shapely.area(outlines[buildings[building]]), kind="stable")
    parent[parts[part[order]]] = buildings[building[order]]
    return parent


def _without_parts(outlines: np.ndarray, parent: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is drawn: parts as they are, buildings without what their parts cover; and the row of each."""
    import shapely

    rows = np.arange(len(outlines))
    parts = np.flatnonzero(parent >= 0)
    if not len(parts):
        return outlines, rows
    drawn = outlines.copy()
    owners, owner = np.unique(parent[parts], return_inverse=True)
    order = np.argsort(owner, kind="stable")
    flat, flat_of = shapely.get_parts(outlines[parts[order]], return_index=True)
    covers = shapely.union_all(shapely.multipolygons(flat, indices=owner[order][flat_of])[:, None], axis=1)
    rest = shapely.difference(outlines[owners], covers)
    share = 1 - shapely.area(rest) / shapely.area(outlines[owners])
    drawn[owners] = np.where(share >= _COVERED, None, rest)
    keep = ~shapely.is_missing(drawn)
    keep[keep] &= shapely.area(drawn[keep]) > _LEAST_M2 / 10
    return drawn[keep], rows[keep]
