"""A streamed layer: nodes chosen for the view, loaded by threads, drawn within a budget, picked by ray.

VTK is touched on the main thread only; what threads make are arrays. A parent stays until its children are there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city.streamed import MeshContent, PointContent, StreamedLayer, row_of
from viewer.errors import ViewerError
from viewer.scene.layers.content_actors import ContentActors, PreparedContent
from viewer.scene.layers.content_colors import ColorScale
from viewer.scene.layers.drawing import Floats, LayerDrawing
from viewer.scene.layers.node_choice import ABSENT, FAILED, READY, Choice, Family, choose
from viewer.scene.levels import View
from viewer.scene.loader import Loader
from viewer.scene.palettes import Look
from viewer.scene.state import LayerView

#: Pixels by which a picture may be wrong at rest, and while moving.
ERROR_PX, MOVING_ERROR_PX = 12.0, 24.0
#: Bytes of contents kept in memory, and given to VTK in one picture at rest and while moving.
BUDGET_BYTES, UPLOAD_BYTES, MOVING_UPLOAD_BYTES = 768 * 2**20, 64 * 2**20, 6 * 2**20
#: Longest wait for one picture that is not to be shown unfinished, seconds.
FINISH_S = 120.0
#: What a person is told when a tile cannot be read; the reasons stand with the layer.
FAILED_TEXT = "Some tiles of a layer cannot be read; coarser ones stay visible there, where there are any."
#: Haze begins and is thick at so many times the size of the city, as for the city itself.
HAZE = (1.6, 5.5)
#: Pictures a content may stay unused before it may be forgotten.
_KEPT_PICTURES = 30


@dataclass(eq=False)
class _Node:
    """A loaded node. used : number of the last picture that drew it."""

    prepared: tuple[PreparedContent, ...]
    actors: list[ContentActors] = field(default_factory=list)
    used: int = 0
    nbytes: int = 0


@dataclass(frozen=True)
class _Trouble:
    """Why a node could not be loaded."""

    error: ViewerError


class StreamedDrawing(LayerDrawing):
    """Draws a ``StreamedLayer``. ``aim`` chooses and shows; ``busy`` says whether a further picture would differ."""

    def __init__(self, view: LayerView, style: Look) -> None:
        super().__init__(view)
        layer = view.layer
        assert isinstance(layer, StreamedLayer)
        self._layer, self._style, self._haze = layer, style, (1e7, 2e7)
        self._nodes: dict[int, _Node] = {}
        self._state = np.zeros(0, np.uint8)
        self._family = Family()
        self._loader: Loader[int, tuple[PreparedContent, ...] | _Trouble] = Loader()
        self._scale = ColorScale.of(view, style)
        self._textures = True
        self._clear = False
        self._moving = self._occlusion = False
        self._picture = 0
        self._drawn: set[int] = set()
        self._coarser = 1.0
        self._renderer: Any = None
        self._told: Callable[[str], None] | None = None
        self._complete = False
        self.budget_bytes = BUDGET_BYTES

    # -- what the scene asks -----------------------------------------------------------------------------

    def attach(self, renderer: Any, span_m: float, told: Callable[[str], None] | None = None) -> None:
        """Actors come and go while one looks around, so the drawing puts them into the renderer itself."""
        self._renderer = renderer
        self._told = told
        self._haze = (span_m * HAZE[0], span_m * HAZE[1])

    def detach(self) -> None:
        """Take everything out of the renderer and stop loading."""
        self._loader.close()
        for node in self._nodes.values():
            self._remove(node)
        self._nodes.clear()

    def set_moving(self, moving: bool) -> None:
        self._moving = moving

    def set_occlusion(self, on: bool) -> None:
        self._occlusion = on
        for node in self._nodes.values():
            for part in node.actors:
                part.set_occlusion(on)

    @property
    def busy(self) -> bool:
        """Whether something is still on its way."""
        return self.view.visible and not self._complete

    def aim(self, view: View, occlusion_reach_m: float = 0.0) -> None:
        """Choose what this view shows, take in what was loaded, and ask for what is lacking."""
        if not self.view.visible:
            return
        self._picture += 1
        self._take_loaded()
        choice = self._choose(view)
        uploaded = self._show(choice, view, occlusion_reach_m)
        self._loader.wish([(node, partial(self._job, node)) for node in choice.wanted[:64].tolist()])
        self._complete = choice.complete and uploaded and not self._loader.busy
        self._forget(choice)

    def finish(self, view: View, occlusion_reach_m: float = 0.0, seconds: float = FINISH_S) -> None:
        """Load everything this view shows; for pictures that are drawn once."""
        end = time.monotonic() + seconds
        self.aim(view, occlusion_reach_m)
        while self.busy and time.monotonic() < end:
            self._loader.wait(0.2)
            self.aim(view, occlusion_reach_m)

    def pick(self, origin: Floats, direction: Floats) -> tuple[int, float] | None:
        if not self.view.visible:
            return None
        best: tuple[int, float] | None = None
        for number in self._drawn:
            for part, prepared in enumerate(self._nodes[number].prepared):
                found = _hit(prepared, origin, direction)
                if found is not None and (best is None or found[1] < best[1]):
                    best = row_of(number, part, found[0]), found[1]
        return best

    @property
    def failed(self) -> int:
        """Nodes that could not be loaded."""
        return int((self._state == FAILED).sum())

    @property
    def drawn_nodes(self) -> tuple[int, ...]:
        """Nodes of the last picture."""
        return tuple(sorted(self._drawn))

    @property
    def nbytes(self) -> int:
        """Bytes of what is loaded."""
        return sum(node.nbytes for node in self._nodes.values())

    # -- loading -----------------------------------------------------------------------------------------

    def _job(self, number: int) -> tuple[PreparedContent, ...] | _Trouble:
        try:
            return tuple(PreparedContent(content) for content in self._layer.contents(number))
        except ViewerError as error:
            return _Trouble(error)

    def _take_loaded(self) -> None:
        while (answer := self._loader.fetch()) is not None:
            number, found = answer
            self._follow_tree()
            if isinstance(found, _Trouble):
                self._state[number] = FAILED
                self._layer.note_failure(number, found.error)
                if self._told is not None:
                    self._told(FAILED_TEXT)
                continue
            self._state[number] = READY
            node = _Node(found, used=self._picture, nbytes=sum(part.nbytes for part in found))
            self._nodes[number] = node

    def _follow_tree(self) -> None:
        count = len(self._layer.tree)
        if count > len(self._state):
            self._state = np.concatenate([self._state, np.full(count - len(self._state), ABSENT, np.uint8)])

    def _choose(self, view: View) -> Choice:
        nodes = self._layer.tree.nodes
        self._follow_tree()
        limit = (MOVING_ERROR_PX if self._moving else ERROR_PX) * self._coarser
        choice = choose(nodes, self._family, self._state[: len(nodes)], view, limit)
        held = sum(self._nodes[n].nbytes for n in choice.visited.tolist() if n in self._nodes)
        # more in view than memory allows: everything a little coarser; finer again when there is room
        if held > self.budget_bytes and self._coarser < 64:
            self._coarser *= 1.25
            return choose(nodes, self._family, self._state[: len(nodes)], view, limit * 1.25)
        if self._coarser > 1.0 and held < 0.5 * self.budget_bytes:
            self._coarser = max(1.0, self._coarser / 1.1)
        return choice

    # -- drawing -----------------------------------------------------------------------------------------

    def _show(self, choice: Choice, view: View, occlusion_reach_m: float) -> bool:
        """Show the chosen nodes; False where some wait for the next picture, because too much is new."""
        room = MOVING_UPLOAD_BYTES if self._moving else UPLOAD_BYTES
        wanted = set(choice.drawn.tolist())
        waiting = False
        for number in wanted:
            node = self._nodes[number]
            node.used = self._picture
            if not node.actors:
                if room <= 0:
                    waiting = True
                    continue
                room -= node.nbytes
                self._make(node)
        shown = {number for number in wanted if self._nodes[number].actors or not self._nodes[number].prepared}
        # what was drawn before stays until all that replaces it is there
        stay = {number for number in self._drawn - wanted if number in self._nodes} if waiting else set()
        for number in self._drawn - shown - stay:
            if number in self._nodes:
                for part in self._nodes[number].actors:
                    part.show(False)
        for number in shown | stay:
            for part in self._nodes[number].actors:
                part.show(True)
                part.aim(view.eye, occlusion_reach_m)
        self._drawn = shown | stay
        return not waiting

    @property
    def see_through(self) -> bool:
        return self._clear or super().see_through

    def _make(self, node: _Node) -> None:
        for prepared in node.prepared:
            if not len(prepared.content.positions):
                continue
            part = ContentActors(prepared, self._scale.of_content(prepared.content), self._layer.point_size_px)
            part.paint(self._style, self._haze, self.view.opacity)
            part.set_occlusion(self._occlusion)
            part.recolor(self._scale.of_content(prepared.content), pictures=self._wears_pictures)
            node.actors.append(part)
            self._clear = self._clear or any(group.clear for group in prepared.groups)
            if self._renderer is not None:
                for actor in part.actors:
                    self._renderer.AddActor(actor)

    def set_textures(self, on: bool) -> None:
        if on != self._textures:
            self._textures = on
            self._restyle(self._style)

    @property
    def _wears_pictures(self) -> bool:
        return self._textures and not self._scale.column and self._scale.single is None

    def _remove(self, node: _Node) -> None:
        for part in node.actors:
            for actor in part.actors:
                if self._renderer is not None:
                    self._renderer.RemoveActor(actor)
        node.actors.clear()

    def _forget(self, choice: Choice) -> None:
        """Let go of what was not looked at for longest, as soon as there is more than the budget."""
        total = self.nbytes
        if total <= self.budget_bytes:
            return
        needed = set(choice.visited.tolist()) | self._drawn
        old = sorted((n for n in self._nodes if n not in needed), key=lambda n: self._nodes[n].used)
        for number in old:
            if total <= self.budget_bytes:
                break
            node = self._nodes.pop(number)
            total -= node.nbytes
            self._remove(node)
            self._state[number] = ABSENT

    def _restyle(self, style: Look) -> None:
        scale = ColorScale.of(self.view, style)
        self._style, self._scale = style, scale
        for node in self._nodes.values():
            for part in node.actors:
                part.recolor(scale.of_content(part.content), pictures=self._wears_pictures)
                part.paint(style, self._haze, self.view.opacity)


def _hit(prepared: PreparedContent, origin: Floats, direction: Floats) -> tuple[int, float] | None:
    """Feature a ray meets first in a content, and the distance."""
    content = prepared.content
    if not len(content.positions):
        return None
    start = origin - np.asarray(content.origin_local)
    if isinstance(content, MeshContent):
        found = _nearest_triangle(content.positions, content.triangles, start, direction)
        if found is None:
            return None
        corner = int(content.triangles[found[0], 0])
        feature = -1 if content.feature is None else int(content.feature[corner])
        return (feature, found[1]) if feature >= 0 else None
    assert isinstance(content, PointContent)
    return _nearest_point(content, start, direction)


def _nearest_triangle(
    positions: NDArray[np.float32], triangles: NDArray[np.int32], origin: Floats, direction: Floats
) -> tuple[int, float] | None:
    """The triangle a ray meets first (Möller and Trumbore, 1997), and the distance."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (low - origin) / direction, (high - origin) / direction
    if not np.nanmax(np.minimum(a, b)) <= np.nanmin(np.maximum(a, b)):
        return None
    # only triangles around the ray: distance of their corners from its line
    corner = positions[triangles].astype(np.float64) - origin
    a0 = corner[:, 0]
    e1, e2 = corner[:, 1] - a0, corner[:, 2] - a0
    p = np.cross(direction, e2)
    det = (e1 * p).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        u = -(a0 * p).sum(axis=1) / det
        q = np.cross(-a0, e1)
        v = (q @ direction) / det
        t = (e2 * q).sum(axis=1) / det
        good = (np.abs(det) > 1e-12) & (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (t > 1e-6)
    if not good.any():
        return None
    row = int(np.argmin(np.where(good, t, np.inf)))
    return row, float(t[row])


def _nearest_point(content: PointContent, origin: Floats, direction: Floats) -> tuple[int, float] | None:
    """The first point near a ray: within most of a spacing, or a thousandth of the distance."""
    away = content.positions.astype(np.float64) - origin
    along = away @ direction
    aside = np.sqrt(np.maximum((away * away).sum(axis=1) - along * along, 0.0))
    near = (along > 0) & (aside < np.maximum(content.spacing_m * 0.75, along * 0.002))
    if not near.any():
        return None
    point = int(np.argmin(np.where(near, along, np.inf)))
    row = point if content.feature is None else int(content.feature[point])
    if row < 0 or (content.feature is None and not content.attributes):
        return None
    return row, float(along[point])
