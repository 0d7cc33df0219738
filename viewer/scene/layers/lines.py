"""Lines on the ground, as bands of their real width where that is seen and as thin lines from afar."""

from __future__ import annotations

import numpy as np

from viewer.city import LineLayer
from viewer.city.ground import Ground
from viewer.scene.layer_colors import row_colors
from viewer.scene.layers.areas import ground_hit
from viewer.scene.layers.drape import drape_points, drape_rings
from viewer.scene.layers.drawing import Floats, LayerDrawing, actor_of, draw_nearer
from viewer.scene.palettes import Look
from viewer.scene.state import LayerView
from viewer.scene.vtk_data import segments_mesh, triangles_mesh

OFFSET_M = 0.34
#: A click this far beside a line still means it, metres.
PICK_REACH_M = 3.0


class LinesDrawing(LayerDrawing):
    """Bands along lines and their middle lines, which stay visible when a band is narrower than a pixel."""

    flat = True

    def __init__(self, view: LayerView, ground: Ground | None, style: Look, lift_m: float = 0.0) -> None:
        super().__init__(view)
        layer = view.layer
        assert isinstance(layer, LineLayer)
        self._ground, self._lift, self._reach = ground, OFFSET_M + lift_m, layer.width_m / 2 + PICK_REACH_M
        xy, segments, line = drape_rings(layer.positions_local, layer.line_start, ground, closed=False)
        self._a, self._b, self._row = xy[segments[:, 0]], xy[segments[:, 1]], line
        points = drape_points(xy, ground, self._lift)
        self._thin = segments_mesh(points[segments.ravel()], np.arange(2 * len(segments)).reshape(-1, 2))
        self._band = triangles_mesh(*_bands(points[segments[:, 0]], points[segments[:, 1]], layer.width_m))
        share = 0.0026 + 0.0006 * min(lift_m, 2.0)
        band, thin = actor_of(self._band.data, lit=False), actor_of(self._thin.data, lit=False)
        thin.GetProperty().SetLineWidth(1.6)
        draw_nearer(band, share)
        draw_nearer(thin, share)
        self.props = (band, thin)
        self.update(view, style)

    def pick(self, origin: Floats, direction: Floats) -> tuple[int, float] | None:
        hit = ground_hit(self._ground, origin, direction, self._lift)
        if hit is None or not self.view.visible or not len(self._row):
            return None
        along = self._b - self._a
        share = ((hit[:2] - self._a) * along).sum(axis=1) / np.maximum((along * along).sum(axis=1), 1e-12)
        near = self._a + along * np.clip(share, 0.0, 1.0)[:, None]
        away = np.hypot(*(hit[:2] - near).T)
        k = int(np.argmin(away))
        return (int(self._row[k]), float(np.linalg.norm(hit - origin))) if away[k] <= self._reach else None

    def _restyle(self, style: Look) -> None:
        colors = row_colors(self.view, style).rgb
        if not len(colors):
            return
        self._band.set_colors(np.repeat(colors[self._row], 4, axis=0))
        self._thin.set_colors(np.repeat(colors[self._row], 2, axis=0))
        for prop in self.props:
            prop.GetProperty().SetOpacity(self.view.opacity)


def _bands(a: Floats, b: Floats, width_m: float) -> tuple[Floats, np.ndarray]:
    """A quad (4 points, 2 triangles) along every segment, half a width longer at both ends to close bends."""
    along = b - a
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    side = np.column_stack([-along[:, 1], along[:, 0], np.zeros(len(a))]) * (width_m / 2)
    more = np.column_stack([along[:, :2], np.zeros(len(a))]) * (width_m * 0.3)
    corners = np.stack([a - more - side, b + more - side, b + more + side, a - more + side], axis=1)
    first = np.arange(len(a))[:, None] * 4
    triangles = np.concatenate([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])])
    return corners.reshape(-1, 3), triangles
