"""The city as a few meshes whose heights, visibility and tint the vertex shader reads from two small textures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkDataObject
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

from viewer.city.kinds import SurfaceType, Theme
from viewer.scenario.change import CityChange
from viewer.scene.city_mesh import CityArrays, blocks, edges, vertex_colors
from viewer.scene.environment import add_haze, set_haze
from viewer.scene.feature_table import DECLARE, MOVE, NEARER, PAINT, FeatureTexture
from viewer.scene.palettes import Look, rgb
from viewer.scene.vtk_data import Mesh, segments_mesh, triangles_mesh

#: Above this many triangles a moving picture shows blocks instead of houses.
BLOCKS_FROM = 150_000
#: Cells into which edges are split, so that only near ones are drawn.
EDGE_CELL_M = 260.0
SEALED_WORDS = ("asphalt", "paving", "concrete", "sealed", "versiegelt", "beton", "pflaster")


class CityActors:
    """All actors of one city at one level of detail."""

    def __init__(self, arrays: CityArrays, style: Look, span: float) -> None:
        self.arrays = arrays
        self._style, self._span = style, span
        count = max(len(arrays.city.objects.features), 1)
        self._state = FeatureTexture(count, np.float32)
        self._color = FeatureTexture(count, np.uint8)
        self._body_index, body_triangles = arrays.vertices_of(arrays.standing)
        self._ground_index, ground_triangles = arrays.vertices_of(arrays.flat)
        points = arrays.city.positions_local
        attributes = arrays.attributes(self._body_index)
        self._body = triangles_mesh(points[self._body_index], body_triangles)
        self._body.add("feat", attributes)
        self._ground = triangles_mesh(points[self._ground_index], ground_triangles)
        self.body = self._lifted(self._body)
        self.ground = self._plain(self._ground)
        self.edges = self._edge_actors()
        self.coarse = self._coarse_actor() if len(body_triangles) > BLOCKS_FROM else None
        self._ground_base: NDArray[np.uint8] = np.empty((0, 3), np.uint8)
        self._unsealed: object = None
        self.paint(style)

    # -- adding and colours --------------------------------------------------------------------------

    def actors(self) -> list[vtkActor]:
        """Every actor."""
        return [self.ground, self.body, *(a for a, *_ in self.edges), *([self.coarse] if self.coarse else [])]

    def add_to(self, renderer: vtkRenderer) -> None:
        """Put the city into a renderer."""
        for actor in self.actors():
            renderer.AddActor(actor)

    def remove_from(self, renderer: vtkRenderer) -> None:
        """Take the city out."""
        for actor in self.actors():
            renderer.RemoveActor(actor)

    def paint(self, style: Look) -> None:
        """Colours of a theme."""
        self._style = style
        self._body.set_colors(vertex_colors(self.arrays, self._body_index, style))
        self._ground_base = vertex_colors(self.arrays, self._ground_index, style)
        self._ground.set_colors(self._ground_base)
        self._unsealed = None
        for actor in (self.ground, self.body, *([self.coarse] if self.coarse else [])):
            set_haze(actor, style, self._span * 1.6, self._span * 5.5)
            actor.GetShaderProperty().GetVertexCustomUniforms().SetUniform3f(
                "greenColor", [float(v) for v in rgb(style.green)]
            )
        for actor, *_ in self.edges:
            actor.GetProperty().SetColor(*rgb(style.edge))
        if self.coarse is not None:
            self._coarse_mesh.set_colors(self._coarse_colors(style))

    # -- what changes --------------------------------------------------------------------------------

    def set_change(self, change: CityChange | None) -> None:
        """Heights, visibility and green roofs of every object: one small texture."""
        count = len(self.arrays.city.objects.features)
        values = np.zeros((count, 4), np.float32)
        values[:, 3] = 1.0
        values[:, 2] = -1.0
        if change is not None:
            values[:, 0] = change.factor - 1.0
            values[:, 1] = change.lift_m
            values[:, 2] = np.where(change.green_roof_share > 0, change.green_roof_share, -1.0)
            values[:, 3] = change.exists
        self._state.set(values)
        self._unseal(change)

    def set_tint(self, tint: NDArray[np.uint8]) -> None:
        """(K, 4) uint8: colour laid over each object and how much of it (alpha)."""
        self._color.set(tint)

    def _unseal(self, change: CityChange | None) -> None:
        """Blend sealed ground towards green where the scenario unseals it."""
        wanted = () if change is None else change.unsealed
        if wanted is self._unsealed or not len(self._ground_base):
            return
        self._unsealed = wanted
        if not wanted:
            self._ground.set_colors(self._ground_base)
            return
        share = self._unsealed_share(wanted)[:, None]
        green = rgb(self._style.themes[Theme.VEGETATION]) * 255.0
        mixed = self._ground_base * (1.0 - share) + green * share
        self._ground.set_colors(np.round(mixed).astype(np.uint8))

    def _unsealed_share(self, unsealed: tuple[tuple[float, NDArray[np.float64] | None], ...]) -> NDArray[np.float64]:
        """(n,) share of green on each vertex of the ground."""
        from viewer.city.geometry import points_in_ring

        city = self.arrays.city
        face = city.vertex_face[self._ground_index]
        starts = city.face_start[:-1]
        sums = np.add.reduceat(
            city.positions_local[:, :2].astype(np.float64), np.minimum(starts, len(city.positions_local) - 1), axis=0
        )
        centre = sums / np.maximum(np.diff(city.face_start), 1)[:, None]
        share = np.zeros(len(city.face_surface))
        for value, ring in unsealed:
            inside = np.ones(len(share), bool) if ring is None else points_in_ring(centre, ring)
            share[inside] = value
        return np.asarray((share * self._sealed_faces())[face])

    def _sealed_faces(self) -> NDArray[np.bool_]:
        """(F,) bool: open sealed ground; streets and squares too, water and plants not."""
        city = self.arrays.city
        themes = tuple(Theme)
        theme = city.objects.feature_theme[city.face_feature]
        sealed = np.isin(theme, [themes.index(t) for t in (Theme.LAND_USE, Theme.SQUARE, Theme.ROAD)])
        column = city.objects.feature_column("surfaceMaterial")
        if column is not None and not column.numeric:
            texts, code = np.unique(column.values, return_inverse=True)
            hard = np.array([any(w in str(t).lower() for w in SEALED_WORDS) or t == "" for t in texts])
            sealed &= hard[code][city.face_feature]
        return np.asarray(sealed)

    def set_moving(self, moving: bool, eye: NDArray[np.float64], reach: float) -> None:
        """While moving: blocks for large cities and no edges. At rest: edges within reach, metres."""
        use_blocks = moving and self.coarse is not None
        self.body.SetVisibility(not use_blocks)
        if self.coarse is not None:
            self.coarse.SetVisibility(use_blocks)
        for actor, centre, radius, small in self.edges:
            near = float(np.linalg.norm(centre - eye)) - radius < reach
            actor.SetVisibility(near and (not moving or small))

    # -- making ----------------------------------------------------------------------------------------

    def _lifted(self, mesh: Mesh, extra: str = "", *, paint: bool = True) -> vtkActor:
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(mesh.data)
        mapper.SetVBOShiftScaleMethod(0)
        mapper.MapDataArrayToVertexAttribute("feat", "feat", vtkDataObject.FIELD_ASSOCIATION_POINTS, -1)
        actor = vtkActor()
        actor.SetMapper(mapper)
        self._finish(actor, haze=paint)
        actor.GetProperty().SetTexture("featureState", self._state.texture)
        actor.GetProperty().SetTexture("featureColor", self._color.texture)
        shader = actor.GetShaderProperty()
        shader.AddVertexShaderReplacement("//VTK::PositionVC::Dec", True, DECLARE, False)
        shader.AddVertexShaderReplacement(
            "//VTK::PositionVC::Impl", True, MOVE + (PAINT if paint else "") + extra, False
        )
        return actor

    def _plain(self, mesh: Mesh) -> vtkActor:
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(mesh.data)
        mapper.SetVBOShiftScaleMethod(0)
        actor = vtkActor()
        actor.SetMapper(mapper)
        self._finish(actor)
        return actor

    def _finish(self, actor: vtkActor, *, haze: bool = True) -> None:
        p = actor.GetProperty()
        p.SetAmbient(0.45)
        p.SetDiffuse(0.76)
        p.SetSpecular(0.0)
        actor.ForceOpaqueOn()
        actor.PickableOff()
        if haze:
            add_haze(actor, self._style, self._span * 1.6, self._span * 5.5)

    def _edge_actors(self) -> list[tuple[vtkActor, NDArray[np.float64], float, bool]]:
        arrays = self.arrays
        themes = tuple(Theme)
        theme = arrays.city.objects.feature_theme[arrays.city.face_feature] if len(arrays.city.objects) else np.zeros(0)
        built = arrays.standing & np.isin(theme, [themes.index(t) for t in (Theme.BUILDING, Theme.BRIDGE)])
        built &= arrays.city.face_surface != SurfaceType.GROUND
        index, pairs = edges(arrays, built)
        if not len(pairs):
            return []
        points = arrays.city.positions_local[index]
        attributes = arrays.attributes(index)
        middle = points[pairs[:, 0], :2]
        cell = np.floor(middle / max(EDGE_CELL_M, self._span / 24.0)).astype(np.int64)
        _, group = np.unique(cell[:, 0] * 1_000_003 + cell[:, 1], return_inverse=True)
        order = np.argsort(group, kind="stable")
        result = []
        for part in np.split(pairs[order], np.flatnonzero(np.diff(group[order])) + 1):
            used, number = np.unique(part, return_inverse=True)
            mesh = segments_mesh(points[used], number.reshape(-1, 2))
            mesh.add("feat", attributes[used])
            actor = self._lifted(mesh, NEARER, paint=False)
            actor.GetProperty().LightingOff()
            actor.GetProperty().SetLineWidth(1.0)
            low, high = points[used].min(axis=0).astype(np.float64), points[used].max(axis=0).astype(np.float64)
            result.append((actor, (low + high) / 2, float(np.linalg.norm(high - low) / 2), len(pairs) < 120_000))
            self._keep(mesh)
        return result

    def _coarse_actor(self) -> vtkActor:
        points, triangles, features = blocks(self.arrays)
        mesh = triangles_mesh(points, triangles)
        low = points.reshape(-1, 8, 3)[:, :1, 2]
        height = points.reshape(-1, 8, 3)[:, :, 2] - low
        attributes = np.full((len(points), 4), 2.0, np.float32)
        attributes[:, 0] = np.repeat(features, 8)
        attributes[:, 1] = height.ravel()
        attributes[:, 2] = np.tile([0, 0, 0, 0, 1, 1, 1, 1], len(features))
        mesh.add("feat", attributes)
        self._coarse_mesh = mesh
        self._coarse_count = len(features)
        mesh.set_colors(self._coarse_colors(self._style))
        actor = self._lifted(mesh)
        actor.VisibilityOff()
        return actor

    def _coarse_colors(self, style: Look) -> NDArray[np.uint8]:
        wall, roof = rgb(style.wall) * 0.9, (rgb(style.roof) * 0.6 + rgb(style.wall) * 0.4)
        one = np.concatenate([np.tile(wall, (4, 1)), np.tile(roof, (4, 1))])
        return np.round(np.tile(one, (self._coarse_count, 1)) * 255).astype(np.uint8)

    def _keep(self, mesh: Mesh) -> None:
        self._meshes: list[Any] = getattr(self, "_meshes", [])
        self._meshes.append(mesh)
