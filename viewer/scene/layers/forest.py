"""Hundreds of thousands of trees: squares of the ground with few large, many plain or a few detailed trees each.

The squares form a quadtree, drawn like the city's (``levels``): from afar some trees of a square stand for all of it,
with wider crowns; nearer every tree is a plain shape; close by they are the instanced shapes of ``trees``. Plain
trees are one mesh per square with their light in their colours: where there is no graphics card, instances cost
about eight times as much.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from viewer.city.tiles import z_order
from viewer.scene.layers.drawing import Floats, LayerDrawing, hashed, nearest_hit, sphere_hits
from viewer.scene.layers.trees import Grove, TreesDrawing, crown_colors
from viewer.scene.levels import AROUND, LevelTree, Limits, View
from viewer.scene.palettes import Look
from viewer.scene.shading import Program, light_on, set_eye, set_look
from viewer.scene.state import LayerView
from viewer.scene.vtk_data import triangles_mesh

#: Trees a square shows at most.
IN_SQUARE = 1024
#: A plain tree is this far from a detailed one, metres.
PLAIN_ERROR_M = 0.7
#: Work of a plain and of a detailed tree, in triangles of a block.
PLAIN_WORK, DETAILED_WORK = 10.0, 90.0
RESTING, MOVING = Limits(500_000.0, 300e6, 1.5), Limits(80_000.0, 300e6, 3.0)
#: Up to so many trees are all in detail at rest.
ALL_DETAILED = 15_000
ALL = Limits(ALL_DETAILED * DETAILED_WORK * 2, 300e6, 0.0)
#: Squares made for one picture while moving.
MADE_AT_ONCE = 6
#: Crowns become this much wider at most where one tree stands for many.
WIDEST = 4.0
_PROGRAM = Program(lifted=False, painted=False)
#: Rings of a plain tree: height, radius and shade, for broad crowns and needles.
_PLAIN = {False: ((0.10, 0.0, 0.66), (0.56, 0.5, 0.86), (1.0, 0.0, 1.06)),
          True: ((0.06, 0.0, 0.66), (0.14, 0.5, 0.70), (1.0, 0.0, 1.06))}  # fmt: skip
_SIDES = 5
#: Plain trees are as light as the instances next to them, which VTK lights.
AS_INSTANCES = 0.86


class ForestDrawing(LayerDrawing):
    """Very many trees of one layer. ``grove`` holds one row per tree."""

    def __init__(self, view: LayerView, grove: Grove, style: Look) -> None:
        super().__init__(view)
        self._grove, self._style = grove, style
        self._colors = crown_colors(view, grove.conifer, style)
        self._squares = _Squares(grove)
        self._nodes: dict[int, vtkActor | TreesDrawing] = {}
        self._refined = np.zeros(len(self._squares.tree), bool)
        self._renderer: Any = None
        self._span_m = 1000.0
        self._moving = self._busy = False
        self._seen: dict[int, int] = {}
        self._number = 0

    # -- coming and going ------------------------------------------------------------------------------

    def attach(self, renderer: Any, span_m: float, told: Callable[[str], None] | None = None) -> None:
        self._renderer, self._span_m = renderer, span_m

    def detach(self) -> None:
        self._forget()
        self._renderer = None

    def set_moving(self, moving: bool) -> None:
        self._moving = moving

    @property
    def busy(self) -> bool:
        return self._busy

    def counters(self) -> tuple[int, int]:
        """Squares that are kept, and trees that are visible."""
        shown = [n for n, drawn in self._nodes.items() if _visible(drawn)]
        return len(self._nodes), int(self._squares.shown[shown].sum())

    def _restyle(self, style: Look) -> None:
        self._style = style
        self._colors = crown_colors(self.view, self._grove.conifer, style)
        self._forget()

    def _forget(self) -> None:
        for node in list(self._nodes):
            self._drop(node)

    def _drop(self, node: int) -> None:
        drawn = self._nodes.pop(node)
        for prop in (drawn,) if isinstance(drawn, vtkActor) else drawn.props:
            self._renderer.RemoveViewProp(prop)

    # -- one picture -----------------------------------------------------------------------------------

    def aim(self, view: View, occlusion_reach_m: float = 0.0) -> None:
        self._show(view, MADE_AT_ONCE if self._moving else 8 * MADE_AT_ONCE)

    def finish(self, view: View, occlusion_reach_m: float = 0.0) -> None:
        self._show(view, len(self._squares.tree))

    def _show(self, view: View, most: int) -> None:
        if self._renderer is None or not self.view.visible:
            return
        tree = self._squares.tree
        self._number += 1
        resting = ALL if len(self._grove.foot) <= ALL_DETAILED else RESTING
        limits = MOVING if self._moving else resting
        ready = np.zeros(len(tree), bool)
        ready[list(self._nodes)] = True
        around = view.wider(AROUND)
        choice = tree.choose(view, around, ready, self._refined, limits)
        needed = choice.needed.tolist()
        if not self._moving:  # and what takes over when it moves
            needed += tree.choose(view, around, ready, self._refined, MOVING).needed.tolist()
        for node in [0, *needed[:most]]:
            if node not in self._nodes:
                self._make(node)
                ready[node] = True
        choice = tree.choose(view, around, ready, self._refined, limits)
        self._refined, self._busy = choice.refined, not choice.complete
        wanted = set(choice.drawn.tolist())
        for node, drawn in self._nodes.items():
            shown = node in wanted
            if shown:
                self._seen[node] = self._number
            if isinstance(drawn, vtkActor):
                drawn.SetVisibility(shown)
                if shown:
                    set_eye(drawn, view.eye, 0.0)
            elif shown != _visible(drawn):
                drawn.set_shown(shown)
        kept = sum(float(tree.card_bytes[n]) for n in self._nodes)
        for node in sorted(set(self._nodes) - wanted - {0}, key=lambda n: self._seen.get(n, 0)):
            if kept <= limits.card_bytes:
                break
            kept -= float(tree.card_bytes[node])
            self._drop(node)

    def _make(self, node: int) -> None:
        rows, scale = self._squares.rows_of(node)
        if node >= self._squares.detailed:
            drawn: vtkActor | TreesDrawing = TreesDrawing(self.view, self._grove.some(rows), self._colors[rows])
            for prop in drawn.props:
                prop.GetProperty().SetOpacity(self.view.opacity)
                self._renderer.AddViewProp(prop)
        else:
            drawn = self._plain_actor(rows, scale)
            self._renderer.AddViewProp(drawn)
        self._nodes[node] = drawn

    def _plain_actor(self, rows: NDArray[np.int64], scale: float) -> vtkActor:
        points, triangles, colors = plain_trees(self._grove.some(rows), self._colors[rows], scale)
        mesh = triangles_mesh(points, triangles)
        mesh.set_colors(colors)
        mapper = vtkPolyDataMapper()
        mapper.SetInputData(mesh.data)
        actor = vtkActor()
        actor.SetMapper(mapper)
        actor.PickableOff()
        actor.GetProperty().SetOpacity(self.view.opacity)
        _PROGRAM.apply(actor)
        set_look(actor, self._style, self._span_m * 1.6, self._span_m * 5.5)
        return actor

    # -- picking ---------------------------------------------------------------------------------------

    def pick(self, origin: Floats, direction: Floats) -> tuple[int, float] | None:
        if not self.view.visible:
            return None
        rows = self._squares.near_ray(origin, direction)
        if not len(rows):
            return None
        grove = self._grove.some(rows)
        middle = grove.foot + np.column_stack([np.zeros((len(rows), 2)), grove.height * 0.55])
        half = np.column_stack([grove.crown / 2, grove.crown / 2, grove.height * 0.46])
        hit = nearest_hit(sphere_hits(origin, direction, middle, np.maximum(half, 0.1)))
        return None if hit is None else (int(rows[hit[0]]), hit[1])


def _visible(drawn: vtkActor | TreesDrawing) -> bool:
    return bool(drawn.GetVisibility()) if isinstance(drawn, vtkActor) else drawn.shown


def plain_trees(
    grove: Grove, colors: Floats, scale: float
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.uint8]]:
    """Points, triangles and lit colours of trees as double cones, their crowns wider by a factor."""
    count, corners = len(grove.foot), _SIDES + 2
    turn = grove.foot[:, 0] * 1.7 + grove.foot[:, 1] * 2.3
    angle = np.arange(_SIDES) / _SIDES * 2 * np.pi + turn[:, None]
    rings = [np.where(grove.conifer[:, None], n, b) for n, b in zip(_PLAIN[True], _PLAIN[False], strict=True)]
    height, radius = grove.height[:, None], grove.crown[:, None] * scale
    points = np.empty((count, corners, 3))
    points[:] = grove.foot[:, None, :]
    points[:, 0, 2] += (rings[0][:, :1] * height)[:, 0]
    points[:, 1, 2] += (rings[2][:, :1] * height)[:, 0]
    points[:, 2:, 0] += np.cos(angle) * rings[1][:, 1:2] * radius
    points[:, 2:, 1] += np.sin(angle) * rings[1][:, 1:2] * radius
    points[:, 2:, 2] += rings[1][:, :1] * height
    normals = np.zeros((count, corners, 3))
    normals[:, 0, 2], normals[:, 1, 2] = -1.0, 1.0
    normals[:, 2:, 0], normals[:, 2:, 1], normals[:, 2:, 2] = np.cos(angle) * 0.86, np.sin(angle) * 0.86, 0.5
    shade = np.empty((count, corners))
    shade[:, 0], shade[:, 1], shade[:, 2:] = rings[0][:, 2], rings[2][:, 2], rings[1][:, 2:3]
    light = light_on(normals.reshape(-1, 3)) * (shade.reshape(-1, 1) * AS_INSTANCES)
    lit = np.repeat(colors, corners, axis=0) * light
    side = np.arange(_SIDES)
    following = (side + 1) % _SIDES
    one = np.concatenate([np.column_stack([following + 2, side + 2, 0 * side]),
                          np.column_stack([side + 2, following + 2, 0 * side + 1])])  # fmt: skip
    triangles = (np.arange(count)[:, None, None] * corners + one).reshape(-1, 3)
    return (
        points.reshape(-1, 3).astype(np.float32),
        triangles.astype(np.int32),
        np.clip(np.round(lit * 255), 0, 255).astype(np.uint8),
    )


class _Squares:
    """The quadtree over the trees. Nodes ``0 .. detailed - 1`` are squares, the rest leaves in detail.

    shown : (n,) trees that each node shows.
    """

    def __init__(self, grove: Grove) -> None:
        foot = grove.foot[:, :2]
        low = foot.min(axis=0)
        extent = float(max(np.ptp(foot, axis=0).max(), 1.0))
        levels = int(np.ceil(np.log2(max(len(foot) / IN_SQUARE, 1.0)) / 2)) + 3
        side = extent * 1.0001 / 2**levels
        cell = np.floor((foot - low) / side).astype(np.int64)
        code = z_order(cell[:, 0], cell[:, 1])
        luck = hashed(len(foot), 31)
        self._order = np.lexsort((luck, code))
        code = code[self._order]
        nodes: list[tuple[int, int, int, float]] = []  # parent, start, end, side; parents before children
        waiting, groups, leaves = [(-1, 0, len(code), levels)], [], []
        while waiting:
            begin, following = len(nodes), []
            for parent, start, end, level in waiting:
                number = len(nodes)
                nodes.append((parent, start, end, side * 2.0**level))
                if end - start <= IN_SQUARE or level == 0:
                    leaves.append(number)
                    continue
                first = code[start] >> (2 * level) << (2 * level)
                bounds = first + np.arange(5) * (1 << (2 * (level - 1)))
                cuts = start + np.searchsorted(code[start:end], bounds)
                parts = pairwise(cuts.tolist())
                following += [(number, a, b, level - 1) for a, b in parts if b > a]
            groups.append(slice(begin, len(nodes)))
            waiting = following
        parents = np.array([n[0] for n in nodes] + leaves)
        self.detailed = len(nodes)
        self._start = np.array([n[1] for n in nodes] + [nodes[k][1] for k in leaves])
        self._end = np.array([n[2] for n in nodes] + [nodes[k][2] for k in leaves])
        self._leaves = np.array(leaves)
        self.shown = np.minimum(self._end - self._start, IN_SQUARE)
        reach = np.column_stack([grove.crown / 2, grove.crown / 2, np.zeros(len(foot))])
        top = np.column_stack([grove.crown / 2, grove.crown / 2, grove.height])
        bottom, above = (grove.foot - reach)[self._order], (grove.foot + top)[self._order]
        runs = zip(self._start.tolist(), self._end.tolist(), strict=True)
        boxes = np.array([(bottom[a:b].min(axis=0), above[a:b].max(axis=0)) for a, b in runs])
        error = np.array([n[3] for n in nodes]) / np.sqrt(IN_SQUARE) / 2
        error[leaves] = PLAIN_ERROR_M
        groups.append(slice(len(nodes), len(parents)))
        plain = self.shown[: len(nodes)]
        self.tree = LevelTree(
            parent=parents,
            kind=np.zeros(len(parents), np.uint8),
            tile=np.full(len(parents), -1),
            low=boxes[:, 0],
            high=boxes[:, 1],
            error_m=np.concatenate([error, np.zeros(len(leaves))]),
            work=np.concatenate([plain * PLAIN_WORK, self.shown[len(nodes) :] * DETAILED_WORK]) + 1200.0,
            card_bytes=np.concatenate([plain * 232.0, self.shown[len(nodes) :] * 130.0]),
            groups=tuple(groups),
        )

    def rows_of(self, node: int) -> tuple[NDArray[np.int64], float]:
        """Rows of the trees a node shows, and how much wider their crowns are."""
        start, end = int(self._start[node]), int(self._end[node])
        count = end - start
        if count <= IN_SQUARE:
            return self._order[start:end], 1.0
        picked = start + np.linspace(0, count - 1, IN_SQUARE).astype(np.int64)  # in Z-order: evenly over the square
        return self._order[picked], min(float(np.sqrt(count / IN_SQUARE)), WIDEST)

    def near_ray(self, origin: Floats, direction: Floats) -> NDArray[np.int64]:
        """Rows of the trees of all leaves a ray meets."""
        low, high = self.tree.low[self._leaves], self.tree.high[self._leaves]
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (low - origin) / direction, (high - origin) / direction
            near, far = np.fmax.reduce(np.fmin(a, b), axis=1), np.fmin.reduce(np.fmax(a, b), axis=1)
        met = self._leaves[(near <= far) & (far > 0)]
        rows = [self._order[self._start[k] : self._end[k]] for k in met.tolist()]
        return np.concatenate(rows) if rows else np.empty(0, np.int64)
