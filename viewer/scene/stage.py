"""One renderer showing one ``SceneState``: touches only what differs from the last state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer, vtkRenderWindow

from viewer.scenario.trees import CROWN_M, HEIGHT_M
from viewer.scene.camera import CameraController, Pose
from viewer.scene.city_actors import CityActors
from viewer.scene.city_mesh import FLAT_TRIANGLES, prepare
from viewer.scene.environment import GroundPlane, light_city
from viewer.scene.layers import LayerDrawing, make_drawing, trees_drawing
from viewer.scene.levels import AROUND, View
from viewer.scene.pace import Pace
from viewer.scene.palettes import look, map_values, rgb
from viewer.scene.picking import CityPicker, Pick
from viewer.scene.sky import Sky
from viewer.scene.state import SceneState
from viewer.scene.vtk_data import segments_mesh

SELECT_ALPHA, HOVER_ALPHA = 190, 110
#: Samples per pixel of the soft shade in corners, and how far it reaches, metres for a distance of one.
OCCLUSION_SAMPLES, OCCLUSION_RADIUS = 64, (0.012, 3.0, 22.0)
#: The pass keeps depths as half floats: beyond these shares of the distance they would draw rings.
OCCLUSION_DEPTH, OCCLUSION_ROUNDING = 1.45, 0.0015


class Stage:
    """Shows a state in a renderer of its own."""

    def __init__(
        self, window: vtkRenderWindow, controller: CameraController, told: Callable[[str], None] | None = None
    ) -> None:
        self._window, self._controller, self._told = window, controller, told
        self._pace = Pace()
        self._colored: tuple[object, NDArray[np.uint8]] | None = None
        self.renderer = vtkRenderer()
        self.renderer.GetCullers().RemoveAllItems()  # what is in view is known before
        window.AddRenderer(self.renderer)
        self.state = SceneState()
        self._style = look("light")
        self._city: CityActors | None = None
        self._picker: CityPicker | None = None
        self._plane: GroundPlane | None = None
        self._layers: dict[str, tuple[object, LayerDrawing]] = {}
        self._places: dict[str, int] = {}
        self._flat: list[LayerDrawing] = []  # in the order in which they are drawn
        self._new_trees: LayerDrawing | None = None
        self._outline: vtkActor | None = None
        self._kept: list[object] = []
        self._moving = self._sparing = False
        self._occlusion = False
        light_city(self.renderer)
        self._sky = Sky()
        self.renderer.AddActor(self._sky.actor)
        self._paint_sky()

    # -- showing ---------------------------------------------------------------------------------------

    def show(self, state: SceneState) -> None:
        """Draw a state."""
        old, self.state = self.state, state
        themed = state.theme != old.theme
        self._style = look(state.theme)
        if themed:
            self._paint_sky()
        if state.city is not old.city or state.lod_faces is not old.lod_faces or state.measures is not old.measures:
            self._build_city()
            old = SceneState(theme=state.theme)
            themed = False
        elif themed:
            self._paint()
        if self._city is not None:
            self._city.set_textures(state.textures)
            if state.change is not old.change:
                self._city.set_change(state.change)
            if (
                themed or state.colouring is not old.colouring or state.hovered != old.hovered
                or state.selection is not old.selection
            ):  # fmt: skip
                self._city.set_tint(self._tint())
        self._show_layers(rebuild=themed or state.ground is not old.ground)
        if (
            themed
            or state.change is None
            or old.change is None
            or state.change.trees_local is not old.change.trees_local
        ):
            self._show_new_trees()
        if themed or state.outline is not old.outline:
            self._show_outline()

    def _build_city(self) -> None:
        if self._city is not None:
            self._city.remove_from(self.renderer)
        if self._plane is not None:
            for actor in self._plane.actors:
                self.renderer.RemoveActor(actor)
        self._city, self._picker, self._plane = None, None, None
        state = self.state
        if state.city is None or state.measures is None:
            return
        arrays = prepare(state.city, state.lod_faces, state.measures)
        low, high = state.city.extent_local
        span = float(max(np.hypot(*(high - low)[:2]), 30.0))
        if state.ground is not None and state.ground.detail is not None:
            west, south, east, north = state.ground.detail.rectangle
            span = max(span, float(np.hypot(east - west, north - south)))
        self._city = CityActors(arrays, self._style, span, self._told)
        self._city.set_occlusion(self._occlusion)
        self._city.set_textures(state.textures)
        self._city.add_to(self.renderer)
        self._picker = CityPicker(arrays)
        if state.ground is not None:
            has_surface = bool(arrays.far.count[:, FLAT_TRIANGLES].any())
            self._plane = GroundPlane(state.ground, span, below_m=1.2 if has_surface else 0.12)
            self._plane.paint(self._style)
            self._plane.set_occlusion(self._occlusion)
            for actor in self._plane.actors:
                self.renderer.AddActor(actor)

    def _paint_sky(self) -> None:
        self.renderer.SetBackground(*rgb(self._style.horizon))
        self._sky.paint(self._style)

    def _paint(self) -> None:
        if self._city is not None:
            self._city.paint(self._style)
            self._city.set_change(self.state.change)
        if self._plane is not None:
            self._plane.paint(self._style)

    def _tint(self) -> NDArray[np.uint8]:
        """(K, 4): thematic colours, then selection and pointer on top."""
        state = self.state
        assert state.city is not None
        count = len(state.city.objects.features)
        tint = self._colored_tint(count).copy()
        for features, color, alpha in (
            (state.selection, self._style.select, SELECT_ALPHA),
            (np.array([state.hovered]) if 0 <= state.hovered < count else [], self._style.hover, HOVER_ALPHA),
        ):
            if len(features):
                share = alpha / 255.0
                under = tint[features]
                kept = under[:, 3:4] / 255.0
                mixed = (
                    rgb(color) * 255 * share
                    + under[:, :3] * (1 - share) * kept
                    + rgb(color) * 255 * (1 - share) * (1 - kept)
                )
                tint[features, :3] = np.round(mixed)
                tint[features, 3] = np.maximum(under[:, 3], alpha)
        return tint

    def _colored_tint(self, count: int) -> NDArray[np.uint8]:
        """(K, 4): thematic colours alone, kept until the colouring is another one."""
        colouring = self.state.colouring
        if self._colored is None or self._colored[0] is not colouring or len(self._colored[1]) != count:
            tint = np.zeros((count, 4), np.uint8)
            if colouring.values is not None and len(colouring.values) == count:
                tint[:, :3] = map_values(colouring.values, colouring.palette, colouring.low, colouring.high)
                tint[:, 3] = 255
            self._colored = colouring, tint
        return self._colored[1]

    # -- layers ----------------------------------------------------------------------------------------

    def _show_layers(self, *, rebuild: bool) -> None:
        wanted = {view.key: view for view in self.state.layers if view.visible}
        for key in [k for k in self._layers if k not in wanted]:
            self._drop_layer(key)
        for number, view in enumerate(wanted.values()):
            known = self._layers.get(view.key)
            if known is not None and self._places.get(view.key) != number:
                self._drop_layer(view.key)  # it lies higher or lower than before
                known = None
            self._places[view.key] = number
            if known is not None and known[0] is view and not rebuild:
                continue
            if known is not None and not rebuild and known[1].update(view, self._style):
                self._layers[view.key] = (view, known[1])
                continue
            self._drop_layer(view.key)
            drawing = make_drawing(view, self.state.ground, self._style, 0.06 * number)
            for prop in drawing.props:
                self.renderer.AddViewProp(prop)
            drawing.set_occlusion(self._occlusion)
            drawing.set_sparing(self._sparing)
            drawing.attach(self.renderer, self._span(), self._told)
            self._layers[view.key] = (view, drawing)
        for _, drawing in self._layers.values():
            drawing.set_textures(self.state.textures)
        self._sort_flat([drawing for key in wanted if (drawing := self._layers[key][1]).flat])

    def _sort_flat(self, drawings: list[LayerDrawing]) -> None:
        """Draw what lies on the ground in the order of the layers, in which it is blended. What is taken out and put in
        again is handed to the graphics card anew, so most changes leave it where it is."""
        kept = [drawing for drawing in self._flat if drawing in drawings]
        self._flat = drawings
        if drawings[: len(kept)] == kept:  # all others were added after them
            return
        props = [prop for drawing in drawings for prop in drawing.props]
        for prop in props:
            self.renderer.RemoveViewProp(prop)
        for prop in props:
            self.renderer.AddViewProp(prop)

    def _span(self) -> float:
        """Diagonal of the city on the ground, metres."""
        if self.state.city is None:
            return 1000.0
        low, high = self.state.city.extent_local
        return float(max(np.hypot(*(high - low)[:2]), 30.0))

    def _drop_layer(self, key: str) -> None:
        known = self._layers.pop(key, None)
        if known is not None:
            known[1].detach()
            for prop in known[1].props:
                self.renderer.RemoveViewProp(prop)

    def _show_new_trees(self) -> None:
        if self._new_trees is not None:
            self._new_trees.detach()
            for prop in self._new_trees.props:
                self.renderer.RemoveViewProp(prop)
            self._new_trees = None
        change = self.state.change
        if change is None or not len(change.trees_local):
            return
        self._new_trees = trees_drawing(change.trees_local, HEIGHT_M, CROWN_M, style=self._style)
        for prop in self._new_trees.props:
            self.renderer.AddViewProp(prop)
        self._new_trees.attach(self.renderer, self._span())

    def _drawings(self) -> list[LayerDrawing]:
        """All layers, and the trees of the scenario."""
        layers = [drawing for _, drawing in self._layers.values()]
        return layers if self._new_trees is None else [*layers, self._new_trees]

    def _show_outline(self) -> None:
        if self._outline is not None:
            self.renderer.RemoveActor(self._outline)
            self._outline = None
        ring = self.state.outline
        if len(ring) < 2:
            return
        points = ring + np.array([0.0, 0.0, 0.8])
        n = len(points)
        pairs = np.column_stack([np.arange(n), (np.arange(n) + 1) % n])
        mesh = segments_mesh(points, pairs)
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(mesh.data)
        actor = vtkActor()
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*rgb(self._style.select))
        actor.GetProperty().SetLineWidth(3.0)
        actor.GetProperty().LightingOff()
        actor.PickableOff()
        self._outline = actor
        self._kept = [mesh]
        self.renderer.AddActor(actor)

    # -- looking ---------------------------------------------------------------------------------------

    def aim(self, pose: Pose) -> None:
        """Give the renderer's camera a pose and decide what is drawn from there."""
        camera = self.renderer.GetActiveCamera()
        camera.SetViewAngle(pose.view_angle_deg)
        camera.SetPosition(*pose.position)
        camera.SetFocalPoint(*(pose.position + pose.forward * max(pose.distance, 1.0)))
        camera.SetViewUp(*pose.up)
        near, far = self._controller.clipping_range()
        camera.SetClippingRange(near, far)
        self._sky.aim(pose, far)
        if self._city is not None:
            self._aim_city(pose, self._pace)
        if self._plane is not None:
            self._plane.aim(pose.position, pose.distance * OCCLUSION_DEPTH)
        for drawing in self._drawings():
            drawing.aim(View.of(pose, self._controller.size), pose.distance * OCCLUSION_DEPTH)
        # Bodies one sees through are mixed whatever their order from the eye; that is dear without a graphics card.
        bodies = self._city is not None and self._city.see_through
        self.renderer.SetUseOIT(bodies or any(drawing.see_through for drawing in self._drawings()))
        if self._occlusion:
            share, least, most = OCCLUSION_RADIUS
            radius = float(np.clip(pose.distance * share, least, most))
            self.renderer.SetSSAORadius(radius)
            self.renderer.SetSSAOBias(max(radius * 0.05, pose.distance * OCCLUSION_ROUNDING))

    def _aim_city(self, pose: Pose, pace: Pace) -> None:
        assert self._city is not None
        size = self._controller.size
        # a storey should be more than two pixels high for its edges to help
        reach = 3.0 * max(size[1], 1) / (2.0 * 2 * np.tan(np.radians(pose.view_angle_deg) / 2))
        view, around = View.of(pose, size), View.of(pose, size, AROUND)
        self._city.aim(view, around, float(reach), pose.distance * OCCLUSION_DEPTH, pace)

    def finish(self, pose: Pose) -> None:
        """Wait until everything this view shows is loaded; for pictures that are drawn once."""
        if self._city is not None:
            self._aim_city(pose, replace(self._pace, at_once=True))
        for drawing in self._drawings():
            drawing.finish(View.of(pose, self._controller.size), pose.distance * OCCLUSION_DEPTH)

    @property
    def busy(self) -> bool:
        """Whether a later picture of the same view would show more."""
        waiting = self._city is not None and self._city.pending
        return waiting or any(drawing.busy for drawing in self._drawings())

    @property
    def due(self) -> bool:
        """While busy: whether a picture right now would show more already."""
        city = self._city
        return city is None or not city.pending or city.due or any(drawing.busy for drawing in self._drawings())

    def set_pace(self, pace: Pace) -> None:
        """What the next pictures may cost."""
        self._pace = pace

    def set_moving(self, moving: bool) -> None:
        """Coarser while moving."""
        if moving != self._moving:
            self._moving = moving
            for drawing in self._drawings():
                drawing.set_moving(moving)

    def set_sparing(self, sparing: bool) -> None:
        """Leave out what one can do without while the computer does not keep up."""
        if sparing != self._sparing:
            self._sparing = sparing
            for drawing in self._drawings():
                drawing.set_sparing(sparing)

    def set_smooth(self, smooth: bool) -> None:
        """Smooth edges by a filter."""
        self.renderer.SetUseFXAA(smooth)

    def set_quality(self, *, smooth: bool, occlusion: bool, fine: bool) -> None:
        """Smooth edges by a filter, ``fine`` or quick; soft shade in corners by a pass that is dear without a graphics
        card."""
        self.set_smooth(smooth)
        options = self.renderer.GetFXAAOptions()
        options.SetUseHighQualityEndpoints(fine)
        options.SetEndpointSearchIterations(12 if fine else 4)
        if occlusion == self._occlusion:
            return
        self._occlusion = occlusion
        self.renderer.SetUseSSAO(occlusion)
        for drawn in (self._city, self._plane):
            if drawn is not None:
                drawn.set_occlusion(occlusion)
        for _, drawing in self._layers.values():
            drawing.set_occlusion(occlusion)
        self.renderer.SetSSAOKernelSize(OCCLUSION_SAMPLES)
        self.renderer.SetSSAOBlur(True)

    def pick(self, origin: NDArray[np.float64], direction: NDArray[np.float64]) -> Pick | None:
        """The nearest object or layer row a ray meets."""
        best = self._picker.cast(origin, direction, self.state.change) if self._picker is not None else None
        for key, (_, drawing) in self._layers.items():
            hit = drawing.pick(origin, direction)
            if hit is not None and (best is None or hit[1] < best.distance_m - 0.5):
                point = origin + direction * hit[1]
                best = Pick((float(point[0]), float(point[1]), float(point[2])), float(hit[1]), layer=key, row=hit[0])
        return best

    @property
    def city(self) -> CityActors | None:
        """What is drawn of the city."""
        return self._city

    @property
    def work(self) -> float:
        """Work of the city's part of the last picture, in triangles of a block."""
        return 0.0 if self._city is None else self._city.work

    @property
    def uploading(self) -> bool:
        """Whether something is handed to the graphics card with the last picture."""
        return self._city is not None and self._city.fresh

    @property
    def limited(self) -> bool:
        """Whether the last picture would have been finer without its limits."""
        return self._city is not None and self._city.limited

    def rim(self) -> NDArray[np.float64] | None:
        """(n, 3) points such that the city lies between them; None without anything to see."""
        return None if self._picker is None else self._picker.rim()

    @property
    def picker(self) -> CityPicker | None:
        """Boxes and rays of the city shown."""
        return self._picker

    def attributions(self) -> tuple[str, ...]:
        """Who must be named for what is visible."""
        return tuple(dict.fromkeys(v.layer.attribution for v in self.state.layers if v.visible and v.layer.attribution))

    def close(self) -> None:
        """Give everything back."""
        for key in list(self._layers):
            self._drop_layer(key)
        if self._city is not None:
            self._city.remove_from(self.renderer)
        self.renderer.RemoveAllViewProps()
        self._window.RemoveRenderer(self.renderer)
        self._city, self._picker, self._plane, self._new_trees = None, None, None, None
