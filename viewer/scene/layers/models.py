"""Placed models: meshes with their own colours and pictures, moved as a whole by one matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import VTK_UNSIGNED_CHAR
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPolyData
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkRenderingCore import vtkTexture

from viewer.city.models import ModelLayer
from viewer.city.streamed import MeshContent
from viewer.scene.layers.drawing import Floats, LayerDrawing, actor_of
from viewer.scene.layers.mesh_groups import Group, groups_of
from viewer.scene.palettes import Look, rgb
from viewer.scene.rays import nearest_triangle
from viewer.scene.state import LayerView
from viewer.scene.vtk_data import triangles_mesh

_PLAIN = "#d9d5cc"


class ModelDrawing(LayerDrawing):
    """A model as one actor per picture of each mesh. Moving it touches a matrix, never its geometry."""

    def __init__(self, view: LayerView, style: Look) -> None:
        super().__init__(view)
        layer = view.layer
        assert isinstance(layer, ModelLayer)
        self._layer = layer
        self._matrix = vtkMatrix4x4()
        self._kept: list[object] = []
        self._worn: list[tuple[Any, vtkTexture]] = []
        self._textures = True
        groups = [(mesh, group) for mesh in layer.meshes for group in groups_of(mesh)]
        self._clear = any(group.clear for _, group in groups)
        self.props = tuple(self._actor(mesh, group) for mesh, group in groups)
        self._restyle(style)

    @property
    def see_through(self) -> bool:
        return self._clear or super().see_through

    def _actor(self, mesh: MeshContent, group: Group) -> Any:
        """One actor of the triangles of a mesh that wear the same."""
        used, corners = _used(group.triangles, len(mesh.positions))
        points = mesh.positions[used] + np.asarray(mesh.origin_local, np.float32)
        made = triangles_mesh(points, corners)
        data: vtkPolyData = made.data
        colors = (
            np.full((len(points), 3), np.round(rgb(_PLAIN) * 255), np.uint8)
            if mesh.rgba is None
            else group.colors(mesh.rgba[used])
        )
        made.set_colors(colors)
        if mesh.normals is not None:
            normals = numpy_to_vtk(np.ascontiguousarray(mesh.normals[used]), deep=True)
            normals.SetName("Normals")
            data.GetPointData().SetNormals(normals)
        actor = actor_of(data)
        if mesh.normals is not None:
            actor.GetProperty().SetInterpolationToPhong()
        if group.picture >= 0 and mesh.uv is not None:
            uv = mesh.uv[used].copy()
            uv[:, 1] = 1.0 - uv[:, 1]  # VTK counts from below
            coordinates = numpy_to_vtk(np.ascontiguousarray(uv), deep=True)
            coordinates.SetName("uv")
            data.GetPointData().SetTCoords(coordinates)
            worn = _texture(mesh.pictures[group.picture])
            actor.SetTexture(worn)
            self._worn.append((actor, worn))
        actor.SetUserMatrix(self._matrix)
        actor.GetProperty().SetAmbient(0.45)
        actor.GetProperty().SetDiffuse(0.65)
        self._kept.append(made)
        return actor

    def _restyle(self, style: Look) -> None:
        matrix = self.view.matrix
        if matrix is not None:
            self._matrix.DeepCopy(matrix.ravel().tolist())
        for actor in self.props:
            actor.SetVisibility(self.view.visible and matrix is not None)
            actor.GetProperty().SetOpacity(self.view.opacity)

    def set_textures(self, on: bool) -> None:
        if on != self._textures:
            self._textures = on
            for actor, worn in self._worn:
                actor.SetTexture(worn if on else None)

    def pick(self, origin: Floats, direction: Floats) -> tuple[int, float] | None:
        if self.view.matrix is None or not self.view.visible:
            return None
        back = np.linalg.inv(self.view.matrix)
        start, way = back[:3, :3] @ origin + back[:3, 3], back[:3, :3] @ direction
        stretch = float(np.linalg.norm(way))
        nearest = min((_hit(mesh, start, way / stretch) for mesh in self._layer.meshes), default=np.inf)
        return (0, nearest / stretch) if np.isfinite(nearest) else None


def _used(triangles: NDArray[np.int32], count: int) -> tuple[NDArray[np.int64] | slice, NDArray[np.int32]]:
    """Which of ``count`` points some triangles use, and the triangles into these alone."""
    there = np.zeros(count, bool)
    there[triangles] = True
    if there.all():
        return slice(None), triangles
    number = np.cumsum(there, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(there), number[triangles]


def _hit(mesh: MeshContent, origin: Floats, direction: Floats) -> float:
    """How far a ray goes in the space of the model until it meets a mesh."""
    corners = mesh.positions[mesh.triangles].astype(np.float64)
    return nearest_triangle(corners, origin - np.asarray(mesh.origin_local), direction)[1]


def _texture(picture: NDArray[np.uint8]) -> vtkTexture:
    """A picture (H, W, 4) as a texture that repeats."""
    image = vtkImageData()
    height, width = picture.shape[:2]
    image.SetDimensions(width, height, 1)
    values = numpy_to_vtk(np.ascontiguousarray(picture[::-1]).reshape(-1, 4), deep=True, array_type=VTK_UNSIGNED_CHAR)
    image.GetPointData().SetScalars(values)
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.InterpolateOn()
    texture.MipmapOn()
    texture.RepeatOn()
    texture.SetColorModeToDirectScalars()
    return texture
