"""The city in a renderer: nodes of its level tree as actors, made in the background, uploaded little by little.

Heights, visibility, colours and tint are read by the vertex shader from small textures (``rows``), so that no slider
and no colouring touches geometry. Which nodes are drawn, ``levels`` decides; what they hold, ``tile_jobs`` makes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkProperty, vtkRenderer

from viewer.city.kinds import Theme
from viewer.scenario.change import CityChange
from viewer.scene.atlas import atlas_of
from viewer.scene.city_mesh import FLAT_TRIANGLES, OUTLINED_VERTICES, CityArrays
from viewer.scene.dress import Dress
from viewer.scene.feature_table import FeatureTexture
from viewer.scene.levels import HOUSES, Choice, LevelTree, Limits, View
from viewer.scene.loader import Loader
from viewer.scene.node_actor import NodeActor, node_actor
from viewer.scene.pace import Counters, Pace
from viewer.scene.packing import CODES, code_colors
from viewer.scene.palettes import Look, rgb
from viewer.scene.rows import Rows
from viewer.scene.shading import Program, light_on, set_eye, set_look
from viewer.scene.textured import AtlasTextures
from viewer.scene.tile_jobs import Jobs, Key, Made, Paint, Refused, Unsealed

#: Edges are drawn while moving, too, up to this many.
EDGES_WHILE_MOVING = 120_000
#: A city of at most so many triangles is made at once, not in the background.
AT_ONCE_TRIANGLES = 120_000

#: Seconds after a picture at rest in which parts are gathered for the next one.
GATHERING_S = 0.12

#: Share of the memory on the card for what the picture shows; the rest is for stand-ins, edges and what was seen last.
CHOSEN = 0.5
#: From this share on only what the picture shows is loaded, no stand-ins.
TIGHT = 0.8

_BODY = Program(shared=True)
_BLOCKS = Program(flat=True)
_EDGES = Program(painted=False, line=True)
_GROUND = Program(lifted=False, painted=False)
_BODY_MATERIALS = Program(colored=True)
_BLOCKS_MATERIALS = Program(flat=True, colored=True)
_BODY_PICTURES = Program(textured=True)
_PANES = Program(colored=True, clear=True)
_GROUND_PICTURES = Program(lifted=False, painted=False, textured=True)


class CityActors:
    """All actors of one city at one level of detail.

    told : called once for every tile whose stored arrays are damaged, with a sentence for people.
    Attributes: choice, of the last picture. work : its work, in triangles of a block. pending : whether finer parts are
    on their way. limited : whether it would be finer without its limits. uploaded_bytes : handed over for it.
    fresh : whether the graphics card sees something for the first time. see_through : whether panes are in the picture.
    """

    def __init__(self, arrays: CityArrays, style: Look, span: float, told: Callable[[str], None] | None = None) -> None:
        self.arrays = arrays
        self.tree = LevelTree.of(arrays)
        self.rows = Rows(arrays)
        self.pending = self.limited = self.fresh = self.see_through = False
        self.work = 0.0
        self.uploaded_bytes = 0
        self.choice: Choice | None = None
        self._jobs = Jobs(arrays, self.tree, self.rows)
        self._style, self._span, self._told = style, span, told
        self._codes = FeatureTexture(CODES, np.uint8)
        self._nodes: dict[Key, NodeActor] = {}
        self._paints: dict[int, Paint] = {}
        self._surfaces: dict[tuple[int, Program], vtkProperty] = {}
        self._loader: Loader[Key, Made | Refused] = Loader()
        self._renderer: vtkRenderer | None = None
        self._observer = self._taken = self._number = 0
        self._ready = np.zeros(len(self.tree), bool)
        self._refined = np.zeros(len(self.tree), bool)
        self._refused: set[int] = set()
        self._later: list[int] = []
        self._unsealed: Unsealed = ()
        self._rise_m = self._taken_s = 0.0
        self._occlusion = self._dressed = False
        self._pictures: AtlasTextures | None = None
        self._ground_tiles = np.flatnonzero(arrays.far.count[:, FLAT_TRIANGLES])
        self._small = int(arrays.far.count[:, (0, 2)].sum()) <= AT_ONCE_TRIANGLES
        self.paint(style)

    # -- adding and colours --------------------------------------------------------------------------

    def add_to(self, renderer: vtkRenderer) -> None:
        """Put the city into a renderer."""
        self._renderer = renderer
        self._observer = renderer.AddObserver("EndEvent", self._on_picture)

    def remove_from(self, renderer: vtkRenderer) -> None:
        """Take the city out and end its work in the background."""
        self._loader.close()
        self.forget()
        renderer.RemoveObserver(self._observer)
        self._renderer = None

    def _on_picture(self, _renderer: object, _event: str) -> None:
        self._taken, self._taken_s = self._number, time.perf_counter()
        if self._later:  # the picture at rest is there: now there is time for what may stand in while moving
            self._wish([], self._later)
            self._later = []

    def forget(self) -> None:
        """Drop everything the graphics card has; it is made anew when it is needed."""
        for key in list(self._nodes):
            self._drop(key)

    def paint(self, style: Look) -> None:
        """Colours of a theme."""
        self._style = style
        colors = np.full((CODES, 4), 255, np.uint8)
        colors[:, :3] = np.rint(code_colors(style) * 255)
        self._codes.set(colors)
        if self._dressed:
            self._jobs.dress = Dress(self.arrays.city, None if self._pictures is None else self._pictures.atlas, style)
        for key, node in list(self._nodes.items()):
            if node.program.lifted and (node.program.textured or node.program.colored):
                self._drop(key)  # its colours are in the mesh
            else:
                self._look(node)
        for tile in self._paints:
            self._color_ground(tile)

    def set_occlusion(self, on: bool) -> None:
        """Whether a pass that darkens corners draws this city."""
        if on == self._occlusion:
            return
        self._occlusion = on
        for node in self._nodes.values():
            if node.program.shaded:
                node.program.apply(node.actor, occlusion=on)

    def set_textures(self, on: bool) -> None:
        """Whether faces show the pictures and materials of the file, where it has some."""
        city = self.arrays.city
        if on == self._dressed or city.appearance is None:
            return
        self._dressed = on
        atlas = atlas_of(city) if on else None
        if atlas is not None and self._pictures is None:
            self._pictures = AtlasTextures(atlas)
        self._jobs.dress = Dress(city, atlas, self._style) if on else None
        self.forget()

    def _look(self, node: NodeActor) -> None:
        set_look(node.actor, self._style, self._span * 1.6, self._span * 5.5)
        if node.program.line:
            node.actor.GetProperty().SetColor(*rgb(self._style.edge))

    # -- what changes --------------------------------------------------------------------------------

    def set_change(self, change: CityChange | None) -> None:
        """Heights, visibility and green roofs of every object."""
        self.rows.set_change(change)
        self._rise_m = 0.0
        if change is not None and len(change.factor):
            height = float(np.max(self.tree.high[:, 2] - self.tree.low[:, 2]))
            taller = max(float(change.factor.max()) - 1.0, 0.0) * height
            self._rise_m = taller + max(float(change.lift_m.max()), 0.0)
        unsealed = () if change is None else change.unsealed
        if unsealed is not self._unsealed:
            different = bool(unsealed or self._unsealed)
            self._unsealed = unsealed
            for tile in self._paints if different else ():
                self._color_ground(tile)

    def set_tint(self, tint: NDArray[np.uint8]) -> None:
        """(K, 4) uint8: colour laid over each object and how much of it (alpha)."""
        self.rows.set_tint(tint)

    def _color_ground(self, tile: int) -> None:
        """Colours of the ground of a tile, greener where the scenario unseals it, and lit."""
        paint = self._paints[tile]
        colors = paint.colors(self._style)
        if self._unsealed:
            share = paint.unsealed_share(self._unsealed)[:, None]
            colors = colors * (1.0 - share) + rgb(self._style.themes[Theme.VEGETATION]) * share
        light = light_on(np.abs(paint.normals) * (0, 0, 1) + paint.normals * (1, 1, 0))
        lit = np.clip(np.round(np.round(colors * 255) * light), 0, 255)
        self._nodes[("ground", tile)].mesh.set_colors(lit.astype(np.uint8))

    # -- one picture -----------------------------------------------------------------------------------

    def aim(self, view: View, around: View, edge_reach: float, shade_reach: float, pace: Pace) -> None:
        """Decide what the next picture shows. Edges are drawn within ``edge_reach`` metres; soft shade in corners ends
        at ``shade_reach``. ``around`` is a wider view, what it sees is made ready, too."""
        at_once = pace.at_once or self._small
        self._after_last_picture()
        self._number += 1
        self.uploaded_bytes = 0
        if not self._ready[0] and self.tree.work[0] > 0:
            self._make_now([("node", 0)])
        if not at_once:
            shown = 0 if pace.moving else self._shown_bytes()  # at rest at most as much again as is shown
            self._take_answers(max(pace.upload_bytes, shown))
        choice = self._choose(view, around, pace.limits)
        while at_once and len(choice.needed):
            self._make_now([("node", n) for n in choice.needed.tolist()])
            choice = self._choose(view, around, pace.limits)
        keys: list[Key] = [("node", n) for n in choice.drawn.tolist()]
        keys += self._beside(choice, view, edge_reach, pace)
        missing = [key for key in keys if key not in self._nodes]
        if at_once:
            self._make_now(missing)
        else:
            roomy = self._kept_bytes() <= TIGHT * pace.limits.card_bytes
            standing_in = choice.wanted.tolist() if roomy else []
            if pace.moving:
                self._wish(missing, standing_in or choice.needed.tolist())
            else:
                further = self._choose(view, around, pace.later).needed.tolist() if choice.limited else []
                self._wish(missing, [*choice.needed.tolist(), *further])
        self.choice, self._refined, self.limited = choice, choice.refined, choice.limited
        flat = sum(int(self.arrays.far.count[t, FLAT_TRIANGLES]) for kind, t in keys if kind == "ground")
        self.work = float(self.tree.work[choice.drawn].sum()) + flat
        self._show(keys, view.eye, shade_reach, exact=not pace.moving, ahead=not at_once)
        for n in np.flatnonzero(choice.seen & self._ready).tolist():
            if (node := self._nodes.get(("node", n))) is not None:
                node.last_seen = self._number
        self.fresh = any(node.offered and not node.drawn for node in self._nodes.values())
        self._keep_budget(pace.limits.card_bytes)
        self.pending = not choice.complete or any(key not in self._nodes for key in keys)  # what is around may wait
        self._later = [] if at_once or pace.moving or self.pending else standing_in

    def _choose(self, view: View, around: View, limits: Limits) -> Choice:
        own = Limits(limits.work, limits.card_bytes * CHOSEN, limits.error_px)
        return self.tree.choose(view, around, self._ready, self._refined, own, self._rise_m)

    def _beside(self, choice: Choice, view: View, edge_reach: float, pace: Pace) -> list[Key]:
        """The ground in view, and the edges near the eye of houses that are drawn."""
        tiles, tree = self.arrays.tiles, self.tree
        keys: list[Key] = []
        if len(own := self._ground_tiles):
            low, high = tiles.low[own], tiles.high[own]
            patch = self.arrays.far.patch_m[own] * view.pixels_per_m(low, high)
            keys += [("ground", t) for t in own[view.sees(low, high) & (patch > 1.0)].tolist()]
        houses = tree.tile[choice.drawn[tree.kind[choice.drawn] == HOUSES]]
        outlined = self.arrays.far.count[:, OUTLINED_VERTICES]
        distance = view.pixels / view.pixels_per_m(tiles.low[houses], tiles.high[houses])
        near = houses[(outlined[houses] > 0) & (distance < edge_reach)]
        if not pace.moving or int(outlined[near].sum()) <= EDGES_WHILE_MOVING:
            keys += [("edges", t) for t in near.tolist()]
        return [key for key in keys if key[1] not in self._refused]

    def _show(self, keys: list[Key], eye: NDArray[np.float64], shade_reach: float, *, exact: bool, ahead: bool) -> None:
        """Make exactly these visible and bring up to date what moves them. ``ahead``: what else is there goes to the
        graphics card, too."""
        panes: list[Key] = [("panes", number) for kind, number in keys if kind == "node"]
        wanted = {key for key in (*keys, *panes) if key in self._nodes}
        self.see_through = any(kind == "panes" for kind, _ in wanted)
        pages = set()
        for key, node in self._nodes.items():
            node.show(key in wanted, ahead)
            if key not in wanted:
                continue
            node.last_seen = self._number
            set_eye(node.actor, eye, shade_reach)
            pages.add(node.page)
        for page in pages - {-1}:
            self.rows.refresh(self.rows.pages[page], exact=exact)

    def _after_last_picture(self) -> None:
        """What was drawn is on the graphics card now."""
        if self._taken != self._number or not self._number:
            return
        for key, node in self._nodes.items():
            if node.offered and not node.drawn:
                if key[0] == "ground":  # its colours may change
                    node.drawn = True
                else:
                    node.release()

    # -- making ----------------------------------------------------------------------------------------

    def _wish(self, keys: list[Key], nodes: list[int]) -> None:
        """Have these made in the background, first things first, and nothing else."""
        wishes: dict[Key, None] = dict.fromkeys((*keys, *(("node", n) for n in nodes)))
        self._loader.wish([(key, self._jobs.job(key)) for key in wishes if self._may_make(key)])

    def _may_make(self, key: Key) -> bool:
        if key in self._nodes:
            return False
        kind, number = key
        if kind == "node" and self.tree.kind[number] != HOUSES:
            return True
        return (int(self.tree.tile[number]) if kind == "node" else number) not in self._refused

    def _make_now(self, keys: list[Key]) -> None:
        for key in keys:
            if self._may_make(key):
                made = self._jobs.job(key)()
                if isinstance(made, Refused):
                    self._refuse(made)
                else:
                    self._add(key, made)

    def _take_answers(self, upload_bytes: int) -> None:
        """Put what threads made on its way to the graphics card, no more than fits one picture."""
        while self.uploaded_bytes < upload_bytes and (answer := self._loader.fetch()) is not None:
            key, made = answer
            if isinstance(made, Refused):
                self._refuse(made)
            elif key not in self._nodes:
                self._add(key, made)

    def _refuse(self, refused: Refused) -> None:
        if refused.tile not in self._refused:
            self._refused.add(refused.tile)
            self.tree.refuse(refused.tile)
            if self._told is not None:
                self._told(refused.sentence)

    def _add(self, key: Key, made: Made) -> None:
        """Actors of what was made, not yet in the picture."""
        program = self._program(key, made)
        page = self._jobs.page_of(key)
        node = node_actor(
            made.mesh, program, self._surface(page, program), page,
            more=made.more, colors=made.colors, occlusion=self._occlusion,
        )  # fmt: skip
        self._nodes[key] = node
        self.uploaded_bytes += node.card_bytes
        node.last_seen = self._number
        self._look(node)
        set_eye(node.actor, np.zeros(3), 0.0)
        if made.paint is not None:
            self._paints[key[1]] = made.paint
            self._color_ground(key[1])
        assert self._renderer is not None
        self._renderer.AddActor(node.actor)
        if key[0] == "node":
            self._ready[key[1]] = True
        if made.panes is not None:
            self._add(("panes", key[1]), made.panes)

    def _program(self, key: Key, made: Made) -> Program:
        if key[0] in ("edges", "panes"):
            return _EDGES if key[0] == "edges" else _PANES
        holes = self._pictures is not None and self._pictures.holes
        if key[0] == "ground":
            return replace(_GROUND_PICTURES, holes=holes) if made.more else _GROUND
        if self.tree.kind[key[1]] != HOUSES:
            return _BLOCKS if made.colors is None else _BLOCKS_MATERIALS
        if made.colors is None:
            return _BODY
        return replace(_BODY_PICTURES, holes=holes) if made.more else _BODY_MATERIALS

    def _surface(self, page: int, program: Program) -> vtkProperty:
        """The property all actors of a page and program share: it holds their textures."""
        known = self._surfaces.get((page, program))
        if known is not None:
            return known
        surface = vtkProperty()
        if page >= 0:
            surface.SetTexture("featureState", self.rows.pages[page].state.texture)
            surface.SetTexture("featureColor", self.rows.pages[page].tint.texture)
            surface.SetTexture("codeColor", self._codes.texture)
        if program.textured and self._pictures is not None:
            self._pictures.give_to(surface)
        surface.SetBackfaceCulling(program.flat)
        surface.SetLineWidth(1.0)
        self._surfaces[page, program] = surface
        return surface

    def _drop(self, key: Key) -> int:
        """Give a node back, with its panes; the bytes that are free now."""
        node = self._nodes.pop(key, None)
        if node is None:
            return 0
        if self._renderer is not None:
            self._renderer.RemoveActor(node.actor)
        if key[0] == "ground":
            self._paints.pop(key[1], None)
        if key[0] != "node":
            return node.card_bytes
        self._ready[key[1]] = False
        return node.card_bytes + self._drop(("panes", key[1]))

    @property
    def due(self) -> bool:
        """While ``pending``: whether the next picture would show more already, or nothing is being made any more. A
        little is waited for: without a graphics card drawing takes the cores from making."""
        waited = time.perf_counter() - self._taken_s
        return not self._loader.making or (self._loader.answered and waited > GATHERING_S)

    def _shown_bytes(self) -> int:
        return sum(node.card_bytes for node in self._nodes.values() if node.seen)

    def _kept_bytes(self) -> int:
        return sum(node.card_bytes for node in self._nodes.values())

    def _keep_budget(self, card_bytes: float) -> None:
        """Drop what was not needed for longest until the rest fits, then stand-ins; never what is in this picture, nor
        the whole."""
        total = self._kept_bytes()
        if total <= card_bytes:
            return
        unseen = [(node.last_seen, key) for key, node in self._nodes.items() if not node.seen]
        for _, key in sorted(unseen):
            if total <= card_bytes:
                return
            if key != ("node", 0) and key[0] != "panes":
                total -= self._drop(key)

    def shown_keys(self) -> tuple[Key, ...]:
        """What is visible."""
        return tuple(key for key, node in self._nodes.items() if node.seen)

    def counters(self) -> Counters:
        """What the last picture showed and what is kept."""
        drawn = np.array([], np.int64) if self.choice is None else self.choice.drawn
        kinds = np.bincount(self.tree.kind[drawn], minlength=3)
        return Counters(
            masses=int(kinds[0]), blocks=int(kinds[1]), houses=int(kinds[2]),
            triangles=sum(n.triangles for n in self._nodes.values() if n.seen),
            work=self.work,
            card_bytes=self._kept_bytes(),
            uploaded_bytes=self.uploaded_bytes,
            rows_written=self.rows.written,
            waiting=self.pending,
        )  # fmt: skip
