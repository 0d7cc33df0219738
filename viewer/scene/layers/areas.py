"""Areas: polygons with holes laid on the ground, coloured by a column, with thin outlines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.city import AreaLayer
from viewer.city.ground import Ground
from viewer.scene.layer_colors import row_colors
from viewer.scene.layers.drape import drape_points, drape_polygons, drape_rings, shade_of
from viewer.scene.layers.drawing import Floats, LayerDrawing, actor_of, draw_nearer
from viewer.scene.layers.labels import MAX_LABELS, Labels
from viewer.scene.levels import View
from viewer.scene.palettes import Look
from viewer.scene.state import LayerView
from viewer.scene.vtk_data import segments_mesh, triangles_mesh

#: How far above the ground areas lie, and the texts in them: above what lies on the ground and is drawn nearer.
OFFSET_M, LABEL_M = 0.30, 12.0


class AreasDrawing(LayerDrawing):
    """Filled polygons and their outlines."""

    flat = True

    def __init__(self, view: LayerView, ground: Ground | None, style: Look, lift_m: float = 0.0) -> None:
        super().__init__(view)
        layer = view.layer
        assert isinstance(layer, AreaLayer)
        self._layer, self._ground, self._lift = layer, ground, OFFSET_M + lift_m
        share = 0.0022 + 0.0006 * min(lift_m, 2.0)

        points, triangles, owner = drape_polygons(layer, ground, offset=self._lift)
        row = np.zeros(len(points), np.int64)
        row[triangles.ravel()] = np.repeat(layer.polygon_feature[owner], 3)
        self._fill_row, self._shade = row, shade_of(points[:, :2], ground)[:, None]
        self._fill = triangles_mesh(points, triangles)
        fill = actor_of(self._fill.data, lit=False)
        draw_nearer(fill, share)

        xy, segments, ring = drape_rings(layer.positions_local, layer.ring_start, ground, closed=True)
        polygon = np.searchsorted(layer.polygon_ring_start, ring, side="right") - 1
        row = np.zeros(len(xy), np.int64)
        row[segments.ravel()] = np.repeat(layer.polygon_feature[polygon], 2)
        self._line_row = row
        self._lines = segments_mesh(drape_points(xy, ground, self._lift + 0.03), segments)
        lines = actor_of(self._lines.data, lit=False)
        lines.GetProperty().SetLineWidth(1.2)
        draw_nearer(lines, share + 0.0004)
        self._labels = self._make_labels()
        self._sparing = False
        self.props = (fill, lines, *self._labels.actors)
        self.update(view, style)

    def aim(self, view: View, occlusion_reach_m: float = 0.0) -> None:
        self._labels.aim(view)

    def set_sparing(self, on: bool) -> None:
        self._sparing = on
        self.props[1].SetVisibility(self.view.visible and not on)

    def update(self, view: LayerView, style: Look) -> bool:
        done = super().update(view, style)
        self._labels.show(bool(view.visible and view.labels))
        self.set_sparing(self._sparing)
        return done

    def _make_labels(self) -> Labels:
        """Texts of the largest areas, each in its largest polygon."""
        layer = self._layer
        texts = layer.attributes.get(layer.label_column) if layer.label_column else None
        if texts is None or not len(layer.positions_local):
            return Labels([], np.empty((0, 3)))
        order = np.argsort(-polygon_sizes(layer), kind="stable")
        rows, first = np.unique(layer.polygon_feature[order], return_index=True)
        largest = order[first]  # of each row
        largest = largest[texts[rows] != ""]
        largest = largest[np.argsort(-polygon_sizes(layer)[largest], kind="stable")][:MAX_LABELS]
        places = np.array([place_in(layer, polygon) for polygon in largest.tolist()]).reshape(-1, 2)
        texts_there = [str(text) for text in texts[layer.polygon_feature[largest]]]
        return Labels(texts_there, drape_points(places, self._ground, LABEL_M), size=13, centred=True)

    def pick(self, origin: Floats, direction: Floats) -> tuple[int, float] | None:
        hit = ground_hit(self._ground, origin, direction, self._lift)
        if hit is None or not self.view.visible:
            return None
        row = self._row_at(hit[:2])
        return None if row < 0 else (row, float(np.linalg.norm(hit - origin)))

    def _row_at(self, xy: Floats) -> int:
        """Row of the polygon around a point, the last drawn where several are; -1 for none."""
        layer = self._layer
        if not len(layer.positions_local):
            return -1
        p, start = layer.positions_local, layer.ring_start
        a, b = p, p[_following(start, len(p))]
        crosses = (a[:, 1] > xy[1]) != (b[:, 1] > xy[1])
        rise = np.where(crosses, b[:, 1] - a[:, 1], 1.0)
        crosses &= xy[0] < a[:, 0] + (xy[1] - a[:, 1]) / rise * (b[:, 0] - a[:, 0])
        # Odd crossings over all rings of a polygon: inside, holes left out.
        total = np.concatenate([[0], np.cumsum(crosses)])
        ends = start[layer.polygon_ring_start]
        inside = np.flatnonzero((total[ends[1:]] - total[ends[:-1]]) % 2 == 1)
        return int(layer.polygon_feature[inside[-1]]) if len(inside) else -1

    def _restyle(self, style: Look) -> None:
        colors = row_colors(self.view, style).rgb
        if not len(colors):
            return
        fill, lines = self.props[:2]
        self._fill.set_colors(np.clip(np.rint(colors[self._fill_row] * self._shade), 0, 255).astype(np.uint8))
        self._lines.set_colors(outline_colors(colors)[self._line_row])
        fill.GetProperty().SetOpacity(self.view.opacity)
        lines.GetProperty().SetOpacity(min(1.0, self.view.opacity + 0.15) * (self.view.opacity > 0))
        self._labels.paint(style)


def polygon_sizes(layer: AreaLayer) -> Floats:
    """(P,) area of the outer ring of every polygon, m²."""
    p, start = layer.positions_local, layer.ring_start
    sizes = np.diff(start)
    ring = np.repeat(np.arange(len(sizes)), sizes)
    from_first = p - p[np.minimum(start[:-1], len(p) - 1)][ring]
    after = _following(start, len(p))
    x, y = from_first.T
    twice = np.bincount(ring, x * y[after] - x[after] * y, len(sizes))
    return np.asarray(np.abs(twice)[layer.polygon_ring_start[:-1]] / 2)


def place_in(layer: AreaLayer, polygon: int) -> Floats:
    """(2,) a place in a polygon that suits a text: in the middle of its widest stretch at half its height."""
    first, last = layer.polygon_ring_start[polygon], layer.polygon_ring_start[polygon + 1]
    start = layer.ring_start[first : last + 1] - layer.ring_start[first]
    corners = layer.positions_local[layer.ring_start[first] : layer.ring_start[last]]
    level = (corners[:, 1].min() + corners[:, 1].max()) / 2 + 1e-6
    a, b = corners, corners[_following(start, len(corners))]
    crosses = (a[:, 1] > level) != (b[:, 1] > level)
    a, b = a[crosses], b[crosses]
    x = np.sort(a[:, 0] + (level - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0]))
    if len(x) < 2:
        return np.asarray(corners.mean(axis=0))
    x = x[: len(x) // 2 * 2].reshape(-1, 2)
    widest = x[int(np.argmax(x[:, 1] - x[:, 0]))]
    return np.array([widest.mean(), level])


def _following(start: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """(count,) the corner after each corner of its ring."""
    following = np.arange(1, count + 1)
    filled = np.diff(start) > 0
    following[start[1:][filled] - 1] = start[:-1][filled]
    return following


def outline_colors(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A darker shade of colours (n, 3)."""
    return np.asarray(np.round(colors * 0.62), dtype=np.uint8)


def ground_hit(ground: Ground | None, origin: Floats, direction: Floats, offset: float = 0.0) -> Floats | None:
    """(3,) where a view ray meets the ground; None if it looks up or meets nothing."""
    origin, direction = np.asarray(origin, np.float64), np.asarray(direction, np.float64)
    if ground is None:
        if direction[2] > -1e-6:
            return None
        along = (offset - origin[2]) / direction[2]
        return origin + direction * along if along > 0 else None
    low, high = (height + offset for height in ground.range_m)
    if direction[2] > -1e-6:
        return None
    first, last = max((high - origin[2]) / direction[2], 0.0), (low - origin[2]) / direction[2]
    if last < 0:
        return None
    # March in steps of the grid, then halve the step in which the ray goes under.
    cell_m = ground.cell_m if ground.detail is None else min(ground.cell_m, max(ground.detail.cell_m, 1.0))
    steps = int(np.clip((last - first) * np.hypot(direction[0], direction[1]) / cell_m * 2, 2, 4000))
    along = np.linspace(first, last + 1e-6, steps + 1)
    for _ in range(3):
        at = origin + along[:, None] * direction
        under = at[:, 2] <= ground.height_at(at[:, :2]) + offset
        if not under.any():
            return np.asarray(at[-1])
        k = int(np.argmax(under))
        along = np.linspace(along[max(k - 1, 0)], along[k], 17)
    return np.asarray(origin + along[-1] * direction)
