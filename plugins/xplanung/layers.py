"""A plan as layers: areas with their limits, overlays as hatches, lines, the border of the plan, single signs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from viewer.plugin_api import AreaLayer, Layer, LineLayer, PointLayer, ReadContext

from .document import Document, PlanObject
from .shapes import Shape, axes_swapped
from .signs import PLAN_BORDER, label_of, limits_of, line_of, overlay_of, use_of

#: Columns of the areas: the limits in them are what the indicators compare with.
USE, SHORT, LABEL, KIND, OBJECT = "Nutzung", "Kürzel", "Festsetzung", "Objektart", "id"
LIMITS = {
    "GRZ": "GRZ", "GFZ": "GFZ", "BMZ": "BMZ", "Z": "Z", "height_m": "Hmax", "height_nhn_m": "Hmax NHN",
    "GR": "GR", "GF": "GF", "dwellings": "Wohnungen",
}  # fmt: skip
#: Hatch lines of one area, at most; and the share of the plan above which an overlay is an outline only.
_MOST_HATCH, _MOST_HATCHED = 2000, 0.4
_TEXT = np.dtypes.StringDType()


def make_layers(name: str, document: Document, context: ReadContext) -> list[Layer]:
    """All layers of a plan, the areas first; empty where it shows nothing."""
    shown = [o for o in document.objects if o.shape is not None and not o.kind.startswith("XP_")]
    if not shown:
        return []
    place = _Placing(document, shown, context)
    title = document.name or name
    areas = [(o, use) for o in shown if o.shape.polygons and (use := use_of(o)) is not None]
    used = {id(o) for o, _ in areas}
    layers: list[Layer] = []
    if areas:
        layers.append(_areas(title, areas, place, context))
    overlays = [
        (o, sign) for o in shown if o.shape.polygons and id(o) not in used and (sign := overlay_of(o)) is not None
    ]
    if overlays:
        layers.append(_overlays(f"{title}: Überlagerungen", overlays, place, _size(shown, place)))
    lines = [(o, sign) for o in shown if o.shape.lines and (sign := line_of(o)) is not None]
    if lines:
        parts = [(part, sign[0], o) for o, sign in lines for part in o.shape.lines]
        layers.append(_lines(f"{title}: Linien", parts, {s[0]: s[1] for _, s in lines}, 0.7, place))
    border = [o for o in shown if o.kind.endswith("_Plan") and o.shape.polygons]
    if border:
        text, color, width = PLAN_BORDER
        rings = [(_around(ring), text, o) for o in border for rings in o.shape.polygons for ring in rings]
        layers.append(_lines(f"{title}: Geltungsbereich", rings, {text: color}, width, place))
    points = [o for o in shown if o.shape.points]
    if points:
        layers.append(_points(f"{title}: Einzelzeichen", points, place))
    known = {id(o) for o, _ in [*areas, *overlays, *lines]} | {id(o) for o in [*border, *points]}
    rest = [o for o in shown if id(o) not in known and not o.kind.endswith(("_Plan", "_Bereich"))]
    context.warn(
        "Objects of kinds without a sign here, left out: {count}", count=len(rest),
        where=tuple(dict.fromkeys(o.kind for o in rest)),
    )  # fmt: skip
    return layers


class _Placing:
    """Corners of the file -> local metres."""

    def __init__(self, document: Document, shown: Sequence[PlanObject], context: ReadContext) -> None:
        corners = np.concatenate([part for o in shown for part in _parts(o.shape)])
        self._swapped = axes_swapped(document.crs, corners)
        corners = corners[:, ::-1] if self._swapped else corners
        context.place(corners, document.crs)
        self._crs, self._context = context.facts.get("crs", ""), context

    def __call__(self, corners: np.ndarray) -> np.ndarray:
        corners = corners[:, ::-1] if self._swapped else corners
        return self._context.local_from(corners, self._crs)[:, :2]


def _parts(shape: Shape) -> list[np.ndarray]:
    return [ring for rings in shape.polygons for ring in rings] + shape.lines + shape.points


def _areas(
    title: str, areas: Sequence[tuple[PlanObject, tuple[str, str, str]]], place: _Placing, context: ReadContext
) -> AreaLayer:
    """Areas from large to small, so that what lies within another is seen."""
    placed = [[[place(ring) for ring in rings] for rings in o.shape.polygons] for o, _ in areas]
    size = [sum(_area(rings) for rings in polygons) for polygons in placed]
    order = np.argsort(-np.array(size), kind="stable").tolist()
    areas, placed = [areas[i] for i in order], [placed[i] for i in order]
    rings = [ring for polygons in placed for polygon in polygons for ring in polygon]
    polygons = [polygon for parts in placed for polygon in parts]
    limits = [limits_of(o) for o, _ in areas]
    columns: dict[str, np.ndarray] = {
        USE: _texts([use[1] for _, use in areas]),
        SHORT: _texts([use[0] for _, use in areas]),
        LABEL: _texts([label_of(o) for o, _ in areas]),
    }
    for key, column in LIMITS.items():
        values = np.array([limit.get(key, np.nan) for limit in limits])
        if np.isfinite(values).any():
            columns[column] = values
    columns[KIND], columns[OBJECT] = _texts([o.kind for o, _ in areas]), _texts([o.id for o, _ in areas])
    limited = sum(any(key in limit for key in ("GRZ", "GFZ", "Z", "height_m")) for limit in limits)
    context.info("{count} areas of the plan have limits that scenarios can be compared with.", count=limited)
    return AreaLayer(
        title,
        np.concatenate(rings),
        _offsets([len(ring) for ring in rings]),
        _offsets([len(polygon) for polygon in polygons]),
        np.repeat(np.arange(len(areas)), [len(parts) for parts in placed]).astype(np.int32),
        len(areas),
        attributes=columns,
        style_column=USE,
        label_column=LABEL,
        class_colors={use[1]: use[2] for _, use in areas},
    )


def _overlays(
    title: str, overlays: Sequence[tuple[PlanObject, tuple[str, str, float]]], place: _Placing, plan_m2: float
) -> LineLayer:
    parts = []
    for found, (name, _, gap) in overlays:
        for rings in found.shape.polygons:
            local = [place(ring) for ring in rings]
            size = _area(local)
            wide = 0.0 if size > _MOST_HATCHED * plan_m2 else max(gap, np.sqrt(size) / 20) if gap else 0.0
            parts += [(_around(ring), name, found) for ring in local]
            parts += [(line, name, found) for line in _hatch(local, wide)]
    return _lines(title, parts, {name: color for _, (name, color, _) in overlays}, 0.45, None)


def _hatch(rings: Sequence[np.ndarray], gap: float) -> list[np.ndarray]:
    """Slanting lines within a polygon."""
    if gap <= 0:
        return []
    import shapely

    polygon = shapely.Polygon(rings[0], rings[1:])
    if not polygon.is_valid:
        polygon = polygon.buffer(0)
    if polygon.is_empty:
        return []
    west, south, east, north = polygon.bounds
    height = north - south
    step = max(gap * np.sqrt(2), (east - west + height) / _MOST_HATCH)
    start = np.arange(np.floor((west - height) / step) * step, east, step)
    ends = np.stack([np.column_stack([start, np.full(len(start), south)]),
                     np.column_stack([start + height, np.full(len(start), north)])], axis=1)  # fmt: skip
    cut = shapely.get_parts(shapely.intersection(shapely.linestrings(ends), polygon))
    return [shapely.get_coordinates(line) for line in cut if line.geom_type == "LineString" and not line.is_empty]


def _lines(
    title: str, parts: Sequence[tuple[np.ndarray, str, PlanObject]], colors: dict[str, str], width_m: float,
    place: _Placing | None,
) -> LineLayer:  # fmt: skip
    """Lines with the name of what they mean; places are local already without ``place``."""
    lines = [part if place is None else place(part) for part, _, _ in parts]
    return LineLayer(
        title,
        np.concatenate(lines),
        _offsets([len(line) for line in lines]),
        attributes={
            USE: _texts([name for _, name, _ in parts]),
            KIND: _texts([o.kind for _, _, o in parts]),
            OBJECT: _texts([o.id for _, _, o in parts]),
        },
        width_m=width_m,
        style_column=USE,
        class_colors=colors,
    )


def _points(title: str, objects: Sequence[PlanObject], place: _Placing) -> PointLayer:
    rows = [(o, point) for o in objects for point in o.shape.points]
    xy = place(np.concatenate([point for _, point in rows]))
    return PointLayer(
        title,
        np.column_stack([xy, np.full(len(xy), np.nan)]),
        attributes={KIND: _texts([o.kind for o, _ in rows]), OBJECT: _texts([o.id for o, _ in rows])},
        style_column=KIND,
    )


def _around(ring: np.ndarray) -> np.ndarray:
    return np.concatenate([ring, ring[:1]])


def _area(rings: Sequence[np.ndarray]) -> float:
    x, y = (rings[0] - rings[0][0]).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _size(shown: Sequence[PlanObject], place: _Placing) -> float:
    """Square metres of the plan, of the box around it where it has no border of its own."""
    borders = [rings for o in shown if o.kind.endswith("_Plan") for rings in o.shape.polygons]
    if borders:
        return sum(_area([place(rings[0])]) for rings in borders)
    return float(np.prod(np.ptp(place(np.concatenate([part for o in shown for part in _parts(o.shape)])), axis=0)))


def _offsets(sizes: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.array(sizes, np.int64))]).astype(np.int32)


def _texts(values: Sequence[str]) -> np.ndarray:
    return np.array(list(values), dtype=_TEXT)
