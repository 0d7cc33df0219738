"""The sky: a dome that follows the eye, so that the horizon stands where the ground ends."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from viewer.scene.camera import Pose
from viewer.scene.palettes import Look, rgb
from viewer.scene.vtk_data import Mesh, triangles_mesh

#: Heights above the horizon, degrees, and how far the colour has gone from horizon to zenith there.
_BANDS = ((-4.0, 0.0), (0.0, 0.0), (2.5, 0.10), (6.0, 0.28), (12.0, 0.52), (25.0, 0.80), (55.0, 1.0), (90.0, 1.0))
_SECTORS = 24


class Sky:
    """One unlit actor around the eye."""

    def __init__(self) -> None:
        self._mesh = _dome()
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(self._mesh.data)
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        self.actor.GetProperty().LightingOff()
        self.actor.PickableOff()
        self.actor.UseBoundsOff()

    def paint(self, style: Look) -> None:
        """Colours of a theme."""
        horizon, zenith = rgb(style.horizon), rgb(style.sky_top)
        bands = np.array([horizon + (zenith - horizon) * share for _, share in _BANDS])
        self._mesh.set_colors(np.round(np.repeat(bands, _SECTORS, axis=0) * 255).astype(np.uint8))

    def aim(self, pose: Pose, far: float) -> None:
        """Stand around the eye, just within the far plane; not drawn where only ground is in the picture."""
        in_sight = pose.tilt_deg - pose.view_angle_deg / 2 < -_BANDS[0][0]
        self.actor.SetVisibility(in_sight)
        self.actor.SetPosition(*pose.position)
        self.actor.SetScale(far * 0.98)


def _dome() -> Mesh:
    """Rings of a unit sphere."""
    heights = np.radians([height for height, _ in _BANDS])[:, None]
    around = np.arange(_SECTORS) * (2 * np.pi / _SECTORS)
    points = np.stack(
        [np.cos(heights) * np.sin(around), np.cos(heights) * np.cos(around), np.sin(heights) * np.ones(_SECTORS)],
        axis=-1,
    ).reshape(-1, 3)
    band, sector = np.meshgrid(np.arange(len(_BANDS) - 1), np.arange(_SECTORS), indexing="ij")
    a = (band * _SECTORS + sector).ravel()
    b = (band * _SECTORS + (sector + 1) % _SECTORS).ravel()
    triangles = np.concatenate(
        [np.column_stack([a, b, b + _SECTORS]), np.column_stack([a, b + _SECTORS, a + _SECTORS])]
    )
    return triangles_mesh(points, triangles)
