"""The floor of all drawing: every triangle of a city with a colour per vertex in one resident VTK mesh."""

from __future__ import annotations

import numpy as np

from viewer.city import CityModel
from viewer.scene.camera import CameraController
from viewer.scene.offscreen import offscreen_window


class PlainMesh:
    """One mesh drawn by VTK as it comes, with or without the filter for smooth edges that a resting picture has."""

    def __init__(self, city: CityModel, size: tuple[int, int]) -> None:
        from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

        from viewer.scene.vtk_data import triangles_mesh

        self._mesh = triangles_mesh(city.positions_local, city.triangles)
        shade = np.array([90, 200, 160], np.uint8)[np.minimum(city.face_surface, 2)]
        self._mesh.set_colors(np.repeat(shade[city.vertex_face][:, None], 3, axis=1))
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(self._mesh.data)
        actor = vtkActor()
        actor.SetMapper(mapper)
        self._renderer = vtkRenderer()
        self._renderer.AddActor(actor)
        self._window = offscreen_window(size)
        self._window.AddRenderer(self._renderer)

    def draw(self, camera: CameraController, *, smooth: bool) -> None:
        """One picture from where ``camera`` is, until the driver says that it is done."""
        pose = camera.pose
        own = self._renderer.GetActiveCamera()
        self._renderer.SetUseFXAA(smooth)
        own.SetViewAngle(pose.view_angle_deg)
        own.SetPosition(*pose.position)
        own.SetFocalPoint(*pose.target)
        own.SetViewUp(*pose.up)
        own.SetClippingRange(*camera.clipping_range())
        self._window.Render()
        self._window.WaitForCompletion()

    def close(self) -> None:
        """Give the window back."""
        self._window.Finalize()
