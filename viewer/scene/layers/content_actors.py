"""One content of a streamed layer as VTK actors: lit and hazed like the city, pictures where it has some."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkDataObject, vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkTexture

from viewer.city.streamed import Content, MeshContent, PointContent
from viewer.scene.layers.mesh_groups import Group, groups_of
from viewer.scene.palettes import Look
from viewer.scene.shading import Program, set_eye, set_look
from viewer.scene.vtk_data import Mesh, triangles_mesh

Floats = NDArray[np.float64]


class _LitProgram(Program):
    """Light per corner from the mesh's own colours and normals, seen from either side; then haze."""

    def _body(self, occlusion: bool) -> str:
        body = """
  vec4 moved = vertexMC;
  gl_Position = MCDCMatrix * moved;
  vec3 n = normalize(faceNormal);
  if (dot(n, eye - moved.xyz) < 0.0) { n = -n; }
  vec3 shown = scalarColor.rgb * lightOn(n);
  shown = mix(min(shown, vec3(1.0)), hazeColor, smoothstep(hazeRange.x, hazeRange.y, gl_Position.w));
  vertexColorVSOutput = vec4(shown, scalarColor.a);
"""
        if occlusion:
            body += "  placeVC = (MCVCMatrix * moved).xyz;\n  facingVC = mat3(MCVCMatrix) * n;\n"
        return body


_LIT = _LitProgram(lifted=False, painted=True)
_POINTS = Program(lifted=False, painted=False)


class PreparedContent:
    """A content with what its actors need, made in a worker: normals for every corner, triangles by picture."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.groups: list[Group] = []
        self.normals: NDArray[np.float32] | None = None
        self.source = np.empty(0, np.int64)
        if isinstance(content, MeshContent):
            self._prepare_mesh(content)

    def _prepare_mesh(self, content: MeshContent) -> None:
        self.groups = groups_of(content)
        if content.normals is None:
            # flat faces: every triangle gets corners of its own
            corner = np.concatenate([group.triangles.ravel() for group in self.groups])
            self.source = corner.astype(np.int64)
            a, b, c = content.positions[corner].reshape(-1, 3, 3).transpose(1, 0, 2)
            normal = np.cross(b - a, c - a)
            length = np.linalg.norm(normal, axis=1, keepdims=True)
            normal = np.where(length > 0, normal / np.where(length > 0, length, 1), (0, 0, 1)).astype(np.float32)
            self.normals = np.repeat(normal, 3, axis=0)
            ends = np.cumsum([len(group.triangles) for group in self.groups])
            own = np.split(np.arange(len(corner), dtype=np.int32).reshape(-1, 3), ends[:-1])
            self.groups = [replace(group, triangles=new) for group, new in zip(self.groups, own, strict=True)]
        else:
            self.normals = np.asarray(content.normals, np.float32)

    def taken(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of positions as values of drawn corners."""
        return values[self.source] if len(self.source) else values

    @property
    def nbytes(self) -> int:
        """Bytes of the content and of what drawing it takes."""
        own = self.content.nbytes
        if self.normals is not None:
            own += self.normals.nbytes + len(self.normals) * 16
        return own + len(self.content.positions) * 16


class ContentActors:
    """The actors of one content. Main thread only."""

    def __init__(self, prepared: PreparedContent, colors: NDArray[np.uint8], point_size: float) -> None:
        self._prepared = prepared
        self._meshes: list[Mesh] = []
        self._pictures: list[vtkTexture | None] = []
        self.actors: list[vtkActor] = []
        content = prepared.content
        if isinstance(content, PointContent):
            self._add_points(content, colors, point_size)
        elif isinstance(content, MeshContent):
            self._add_mesh(content, colors)
        for actor in self.actors:
            actor.SetPosition(*content.origin_local)

    @property
    def content(self) -> Content:
        """What is drawn."""
        return self._prepared.content

    def recolor(self, colors: NDArray[np.uint8], *, pictures: bool) -> None:
        """Other colours; with pictures or without."""
        drawn = self._prepared.taken(colors)
        groups: list[Group | None] = [*self._prepared.groups] or [None]  # points have none
        for group, mesh, actor, picture in zip(groups, self._meshes, self.actors, self._pictures, strict=True):
            mesh.set_colors(drawn if group is None else group.colors(drawn))
            if picture is not None:
                actor.SetTexture(picture if pictures else None)  # type: ignore[arg-type]

    def paint(self, style: Look, haze: tuple[float, float], opacity: float) -> None:
        """The look of the theme."""
        for actor in self.actors:
            set_look(actor, style, *haze)
            actor.GetProperty().SetOpacity(opacity)

    def aim(self, eye: Floats, reach_m: float) -> None:
        """Where the eye is: the lights fall on what faces it."""
        own = eye - np.asarray(self._prepared.content.origin_local)
        for actor in self.actors:
            set_eye(actor, own, reach_m)

    def set_occlusion(self, on: bool) -> None:
        """With or without what soft shade in corners needs."""
        program = _POINTS if isinstance(self._prepared.content, PointContent) else _LIT
        for actor in self.actors:
            program.apply(actor, occlusion=on)

    def show(self, shown: bool) -> None:
        """Draw it or not."""
        for actor in self.actors:
            actor.SetVisibility(shown)

    def _add_mesh(self, content: MeshContent, colors: NDArray[np.uint8]) -> None:
        prepared = self._prepared
        assert prepared.normals is not None
        positions = np.ascontiguousarray(prepared.taken(content.positions))
        drawn = np.ascontiguousarray(prepared.taken(colors))
        uv = None if content.uv is None else np.ascontiguousarray(prepared.taken(content.uv), np.float32)
        for group in prepared.groups:
            mesh = triangles_mesh(positions, group.triangles)
            mesh.set_colors(group.colors(drawn))
            mesh.add("faceNormal", prepared.normals)
            actor = _actor(mesh, _LIT)
            actor.GetMapper().MapDataArrayToVertexAttribute(
                "faceNormal", "faceNormal", vtkDataObject.FIELD_ASSOCIATION_POINTS, -1
            )
            number = group.picture
            worn = _wear(actor, mesh, uv, content.pictures[number]) if number >= 0 and uv is not None else None
            self._pictures.append(worn)
            self._meshes.append(mesh)
            self.actors.append(actor)

    def _add_points(self, content: PointContent, colors: NDArray[np.uint8], size: float) -> None:
        positions = np.ascontiguousarray(content.positions)
        count = len(positions)
        points = vtkPoints()
        points.SetData(numpy_to_vtk(positions))
        index, starts = np.arange(count, dtype=np.int32), np.array([0, count], np.int32)
        cells = vtkCellArray()
        cells.SetData(numpy_to_vtk(starts), numpy_to_vtk(index))
        data = vtkPolyData()
        data.SetPoints(points)
        data.SetVerts(cells)
        mesh = Mesh(data, [positions, index, starts])
        mesh.set_colors(colors)
        actor = _actor(mesh, _POINTS)
        actor.GetProperty().SetPointSize(size)
        self._pictures.append(None)
        self._meshes.append(mesh)
        self.actors.append(actor)


def _actor(mesh: Mesh, program: Program) -> vtkActor:
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh.data)
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.PickableOff()
    program.apply(actor)
    return actor


def _wear(actor: vtkActor, mesh: Mesh, uv: NDArray[np.float32], picture: NDArray[np.uint8]) -> vtkTexture:
    """Lay a picture on an actor; glTF counts texture coordinates from the top."""
    flipped = np.ascontiguousarray(np.column_stack([uv[:, 0], 1.0 - uv[:, 1]]), np.float32)
    mesh.data.GetPointData().SetTCoords(numpy_to_vtk(flipped))
    height, width = picture.shape[:2]
    pixels = np.ascontiguousarray(picture[::-1]).reshape(-1, 4)
    image = vtkImageData()
    image.SetDimensions(width, height, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(pixels))
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.InterpolateOn()
    texture.MipmapOn()
    texture.RepeatOn()
    texture.SetColorModeToDirectScalars()
    mesh.kept += [flipped, pixels]
    actor.SetTexture(texture)
    return texture
