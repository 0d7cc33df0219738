"""The city as a few meshes whose heights, visibility and tint the vertex shader reads from two small textures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkDataObject
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

from viewer.city.kinds import Theme
from viewer.scenario.change import CityChange
from viewer.scene.atlas import atlas_of, dressed
from viewer.scene.city_mesh import CityArrays, face_colors, part_colors
from viewer.scene.feature_table import FeatureTexture
from viewer.scene.palettes import Look, rgb
from viewer.scene.shading import Program, light_on, set_eye, set_look
from viewer.scene.textured import ATTRIBUTE, AtlasTextures, picture_attribute
from viewer.scene.vtk_data import Mesh, segments_mesh, triangles_mesh

#: Above this many triangles a moving picture shows blocks instead of houses.
BLOCKS_FROM = 80_000
#: Edges are drawn while moving, too, up to this many.
EDGES_WHILE_MOVING = 120_000
SEALED_WORDS = ("asphalt", "paving", "concrete", "sealed", "versiegelt", "beton", "pflaster")

_BODY = Program()
_BLOCKS = Program(flat=True)
_EDGES = Program(painted=False, line=True)
_GROUND = Program(lifted=False, painted=False)
_BODY_PICTURES = Program(textured=True)
_GROUND_PICTURES = Program(lifted=False, painted=False, textured=True)


class CityActors:
    """All actors of one city at one level of detail."""

    def __init__(self, arrays: CityArrays, style: Look, span: float) -> None:
        self.arrays = arrays
        self._style, self._span = style, span
        self._programs: dict[vtkActor, Program] = {}
        count = max(len(arrays.city.objects.features), 1)
        self._state = FeatureTexture(count, np.float32)
        self._color = FeatureTexture(count, np.uint8)
        points = arrays.city.positions_local
        self._body = triangles_mesh(points[arrays.body.index], arrays.body.triangles)
        self._body.add("feat", arrays.body.feat)
        self._body.add("faceNormal", arrays.body.normals)
        self._ground = triangles_mesh(points[arrays.ground.index], arrays.ground.triangles)
        self.body = self._actor(self._body, _BODY)
        self.ground = self._actor(self._ground, _GROUND)
        self.edges = self._edge_actors()
        self.coarse = self._coarse_actor() if len(arrays.body.triangles) > BLOCKS_FROM else None
        self._ground_light = light_on(np.abs(arrays.ground.normals) * (0, 0, 1) + arrays.ground.normals * (1, 1, 0))
        self._ground_base: NDArray[np.uint8] = np.empty((0, 3), np.uint8)
        self._unsealed: object = None
        self._pictures: AtlasTextures | None = None
        self._dressed = self._occlusion = False
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
        colors = self._face_colors(style)
        self._body.set_colors(part_colors(self.arrays, self.arrays.body, colors))
        self._ground_base = part_colors(self.arrays, self.arrays.ground, colors)
        self._show_ground(self._ground_base)
        self._unsealed = None
        for actor in self.actors():
            set_look(actor, style, self._span * 1.6, self._span * 5.5)
        for actor, *_ in self.edges:
            actor.GetProperty().SetColor(*rgb(style.edge))
        if self.coarse is not None:
            self._coarse_mesh.set_colors(self._coarse_colors(style, colors))

    def set_occlusion(self, on: bool) -> None:
        """Whether a pass that darkens corners draws this city."""
        self._occlusion = on
        for actor, program in self._programs.items():
            if not program.line:  # lines take no shade
                program.apply(actor, occlusion=on)

    def set_textures(self, on: bool) -> None:
        """Whether faces show the pictures and materials of the file, where it has some."""
        city = self.arrays.city
        if on == self._dressed or city.appearance is None:
            return
        self._dressed = on
        atlas = atlas_of(city) if on else None
        if atlas is not None and self._pictures is None:
            self._pictures = AtlasTextures(atlas)
        for actor, mesh, part, plain, pictured in (
            (self.body, self._body, self.arrays.body, _BODY, _BODY_PICTURES),
            (self.ground, self._ground, self.arrays.ground, _GROUND, _GROUND_PICTURES),
        ):
            if atlas is not None and self._pictures is not None:
                self._pictures.give_to(actor)
                mesh.add(ATTRIBUTE, picture_attribute(city, atlas, part.index))
                mesh.add("faceNormal", part.normals)
                mapper = actor.GetMapper()
                for name in (ATTRIBUTE, "faceNormal"):
                    mapper.MapDataArrayToVertexAttribute(name, name, vtkDataObject.FIELD_ASSOCIATION_POINTS, -1)
            holes = self._pictures is not None and self._pictures.holes
            self._programs[actor] = replace(pictured, holes=holes) if atlas is not None else plain
            self._programs[actor].apply(actor, occlusion=self._occlusion)
        self.paint(self._style)

    def _face_colors(self, style: Look) -> NDArray[np.floating]:
        """(F, 3) in 0..1."""
        colors = face_colors(self.arrays, style)
        if not self._dressed:
            return colors
        return dressed(colors, self.arrays.city, None if self._pictures is None else self._pictures.atlas)

    def _show_ground(self, colors: NDArray[np.floating] | NDArray[np.uint8]) -> None:
        """(n, 3) colours 0..255 of the ground, before light falls on them."""
        self._ground.set_colors(np.clip(np.round(colors * self._ground_light), 0, 255).astype(np.uint8))

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
            self._show_ground(self._ground_base)
            return
        share = self._unsealed_share(wanted)[:, None]
        green = rgb(self._style.themes[Theme.VEGETATION]) * 255.0
        mixed = self._ground_base * (1.0 - share) + green * share
        self._show_ground(mixed)

    def _unsealed_share(self, unsealed: tuple[tuple[float, NDArray[np.float64] | None], ...]) -> NDArray[np.float64]:
        """(n,) share of green on each vertex of the ground."""
        from viewer.city.geometry import points_in_ring

        city = self.arrays.city
        face = city.vertex_face[self.arrays.ground.index]
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

    def aim(self, moving: bool, eye: NDArray[np.float64], reach: float, shade_reach: float) -> None:
        """While moving: blocks for large cities and no edges. At rest: edges within reach, metres.
        Soft shade in corners ends at ``shade_reach``."""
        use_blocks = moving and self.coarse is not None
        self.body.SetVisibility(not use_blocks)
        set_eye(self.body, eye, shade_reach)
        set_eye(self.ground, eye, shade_reach)
        if self.coarse is not None:
            self.coarse.SetVisibility(use_blocks)
            set_eye(self.coarse, eye, 0.0)
        if not self.edges:
            return
        near = np.linalg.norm(self._edge_centres - eye, axis=1) - self._edge_radii < reach
        if moving and self._edge_count > EDGES_WHILE_MOVING:
            near[:] = False
        for (actor, *_), shown in zip(self.edges, near.tolist(), strict=True):
            actor.SetVisibility(shown)

    # -- making ----------------------------------------------------------------------------------------

    def _actor(self, mesh: Mesh, program: Program) -> vtkActor:
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(mesh.data)
        actor = vtkActor()
        actor.SetMapper(mapper)
        actor.ForceOpaqueOn()
        actor.PickableOff()
        names = (("feat",) if program.lifted else ()) + (("faceNormal",) if program.painted else ())
        for name in names:
            mapper.MapDataArrayToVertexAttribute(name, name, vtkDataObject.FIELD_ASSOCIATION_POINTS, -1)
        if program.lifted:
            actor.GetProperty().SetTexture("featureState", self._state.texture)
            actor.GetProperty().SetTexture("featureColor", self._color.texture)
        program.apply(actor)
        self._programs[actor] = program
        return actor

    def _edge_actors(self) -> list[tuple[vtkActor, Mesh]]:
        cells = self.arrays.edge_cells
        self._edge_centres = np.array([c.centre for c in cells]).reshape(-1, 3)
        self._edge_radii = np.array([c.radius for c in cells])
        self._edge_count = sum(len(c.segments) for c in cells)
        result = []
        for cell in cells:
            mesh = segments_mesh(cell.points, cell.segments)
            mesh.add("feat", cell.feat)
            actor = self._actor(mesh, _EDGES)
            actor.GetProperty().SetLineWidth(1.0)
            result.append((actor, mesh))
        return result

    def _coarse_actor(self) -> vtkActor:
        points, triangles, features = self.arrays.blocks
        mesh = triangles_mesh(points, triangles)
        corner = points.reshape(-1, 8, 3)
        feat = np.full((len(features), 8, 4), 2.0, np.float32)
        feat[..., 0] = features[:, None]
        feat[..., 1] = corner[..., 2] - corner[:, :1, 2]
        feat[..., 2] = (0, 0, 0, 0, 1, 1, 1, 1)
        rank = np.full(len(self.arrays.measures.ground_m), 2.0, np.float32)
        np.minimum.at(rank, self.arrays.city.face_feature, self.arrays.green_rank)
        feat[:, 4, 3] = rank[features]
        mesh.add("feat", feat.reshape(-1, 4))
        # each corner carries the normal of the side that ends there, see ``blocks``
        along = corner[:, (1, 2, 3, 0)] - corner[:, :4]
        normals = np.zeros_like(corner)
        normals[:, :4, 0], normals[:, :4, 1], normals[:, 4:, 2] = along[..., 1], -along[..., 0], 1.0
        normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-6)
        mesh.add("faceNormal", normals.reshape(-1, 3))
        self._coarse_mesh = mesh
        actor = self._actor(mesh, _BLOCKS)
        actor.GetProperty().BackfaceCullingOn()
        actor.VisibilityOff()
        return actor

    def _coarse_colors(self, style: Look, colors: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Mean colours of the upright and of the lying faces of every object."""
        arrays = self.arrays
        features = arrays.blocks[2]
        result = np.empty((len(features), 8, 3))
        upright = np.abs(arrays.slope_up) < 0.3
        for corners, wanted, other in (
            (slice(0, 4), arrays.standing & upright, rgb(style.wall)),
            (slice(4, 8), arrays.standing & (arrays.slope_up >= 0.3), rgb(style.roof)),
        ):
            of = arrays.city.face_feature[wanted]
            count = np.bincount(of, minlength=len(arrays.measures.ground_m))[features]
            for k in range(3):
                total = np.bincount(of, colors[wanted, k], minlength=len(arrays.measures.ground_m))[features]
                result[:, corners, k] = np.where(count > 0, total / np.maximum(count, 1), other[k])[:, None]
        return np.round(np.clip(result.reshape(-1, 3), 0, 1) * 255).astype(np.uint8)
