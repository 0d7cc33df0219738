"""Pictures laid on the ground: a grid that follows it, with the picture as texture, shown as it is."""

from __future__ import annotations

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkTexture

from viewer.city import ImageLayer
from viewer.city.ground import Ground
from viewer.scene.layers.drape import drape_points, is_flat
from viewer.scene.layers.drawing import Floats, LayerDrawing, actor_of, draw_nearer
from viewer.scene.palettes import Look
from viewer.scene.state import LayerView
from viewer.scene.vtk_data import triangles_mesh

OFFSET_M = 0.22
#: Quads along a side where the ground bends, and where a terrain bends it.
QUADS, FINE_QUADS = 96, 320


class ImageDrawing(LayerDrawing):
    """One picture."""

    flat = True

    def __init__(self, view: LayerView, ground: Ground | None, style: Look, lift_m: float = 0.0) -> None:
        super().__init__(view)
        layer = view.layer
        assert isinstance(layer, ImageLayer)
        self._ground, self._lift = ground, OFFSET_M + lift_m
        self._corners = np.asarray(layer.corners_local, np.float64)
        n = 2 if is_flat(ground) else QUADS if ground is None or ground.detail is None else FINE_QUADS
        u, v = np.meshgrid(np.linspace(0, 1, n + 1), np.linspace(0, 1, n + 1))  # v from the south
        nw, ne, se, sw = self._corners
        u, v = u.ravel()[:, None], v.ravel()[:, None]
        xy = (sw * (1 - u) + se * u) * (1 - v) + (nw * (1 - u) + ne * u) * v
        j, i = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
        a = (j * (n + 1) + i).ravel()
        triangles = np.concatenate([np.column_stack([a, a + 1, a + n + 2]), np.column_stack([a, a + n + 2, a + n + 1])])
        self._mesh = triangles_mesh(drape_points(xy, ground, self._lift), triangles)
        self._coordinates = np.column_stack([u, v]).astype(np.float32)
        self._mesh.data.GetPointData().SetTCoords(numpy_to_vtk(self._coordinates))
        height, width = layer.rgba.shape[:2]
        self._pixels = np.ascontiguousarray(layer.rgba[::-1]).reshape(-1, 4)
        image = vtkImageData()
        image.SetDimensions(width, height, 1)
        image.GetPointData().SetScalars(numpy_to_vtk(self._pixels))
        texture = vtkTexture()
        texture.SetInputData(image)
        texture.InterpolateOn()
        texture.MipmapOn()
        texture.RepeatOff()
        texture.SetColorModeToDirectScalars()
        actor = actor_of(self._mesh.data, lit=False)
        actor.SetTexture(texture)
        draw_nearer(actor, 0.0016 + 0.0006 * min(lift_m, 2.0))
        if not (layer.rgba[..., 3] < 255).any():
            actor.ForceOpaqueOn()
        self.props = (actor,)
        self._opaque = not (layer.rgba[..., 3] < 255).any()
        self.update(view, style)

    def pick(self, origin: Floats, direction: Floats) -> tuple[int, float] | None:
        return None  # a picture has no rows, and what stands on it is what is meant

    def _restyle(self, style: Look) -> None:
        actor = self.props[0]
        actor.GetProperty().SetOpacity(self.view.opacity)
        if self._opaque and self.view.opacity >= 1.0:
            actor.ForceOpaqueOn()
        else:
            actor.ForceOpaqueOff()
