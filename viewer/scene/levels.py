"""Which squares of a city are drawn, and how finely: by what is in view, by distance, within budgets. No VTK.

A *node* is one way to draw a square of the ground. Nodes form a tree: the masses of a square stand for those of the
squares within it, the blocks of a tile for its masses, all faces of a tile for its blocks. A choice is a cut
through this tree: every square in view is drawn by exactly one node.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from viewer.scene.camera import Pose
from viewer.scene.city_mesh import BODY_TRIANGLES, BODY_VERTICES, CityArrays
from viewer.scene.coarse import CELLS

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: How far a block may be from the house it stands for, metres.
BLOCK_ERROR_M = 3.0
#: Work of the graphics card, in triangles of a block: a triangle of a house, and the call that draws a node.
HOUSE_TRIANGLE, DRAW_CALL = 1.6, 1200.0
_BLOCK_BYTES, _TRIANGLES = 8 * 24 + 10 * 12, 10
#: Share of the corners of faces that are left as points where faces share them.
SHARED = 0.45
#: What is refined stays so until its error is this much smaller than the limit.
KEEP = 1.3
#: So many further nodes are tried where the next one does not fit into the limits.
TRIED = 60
#: Nodes are loaded this much beyond the edge of the picture (as a factor of its angle).
AROUND = 1.25
MASSES, BLOCKS, HOUSES = 0, 1, 2


@dataclass(frozen=True, eq=False)
class View:
    """Where a picture is taken from. eye : (3,) local metres. normals : (5, 3) unit vectors into the picture from its
    four sides and its back, through the eye. pixels : height of one metre in one metre's distance, pixels."""

    eye: Floats
    normals: Floats
    pixels: float

    @staticmethod
    def of(pose: Pose, size: tuple[int, int], wider: float = 1.0) -> View:
        """The view of a pose in a picture of ``size`` pixels, or one wider by a factor."""
        half = float(np.tan(np.radians(pose.view_angle_deg) / 2))
        tall, wide = half * wider, half * wider * size[0] / max(size[1], 1)
        f, r, u = pose.forward, pose.right, pose.up
        sides = np.array([wide * f + r, wide * f - r, tall * f + u, tall * f - u, f])
        sides /= np.linalg.norm(sides, axis=1, keepdims=True)
        return View(np.asarray(pose.position, np.float64), sides, max(size[1], 1) / (2.0 * half))

    def wider(self, factor: float) -> View:
        """The view of a picture wider by a factor, from the same place."""
        back = self.normals[4]
        along = self.normals[:4] @ back  # sine of half the angle
        out = self.normals[:4] - along[:, None] * back
        tangent = along / np.maximum(np.linalg.norm(out, axis=1), 1e-9) * factor
        sides = tangent[:, None] * back + out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
        sides /= np.linalg.norm(sides, axis=1, keepdims=True)
        return View(self.eye, np.vstack([sides, back]), self.pixels)

    def sees(self, low: Floats, high: Floats) -> Bools:
        """(n,) bool: boxes that may be in the picture."""
        middle, half = (low + high) / 2 - self.eye, (high - low) / 2
        inside = middle @ self.normals.T + half @ np.abs(self.normals).T >= 0
        return np.asarray(inside.all(axis=1))

    def pixels_per_m(self, low: Floats, high: Floats) -> Floats:
        """(n,) pixels of a metre at the nearest point of boxes."""
        away = np.maximum(np.maximum(low - self.eye, self.eye - high), 0.0)
        return np.asarray(self.pixels / np.maximum(np.sqrt((away * away).sum(axis=1)), 1.0))


@dataclass(frozen=True)
class Limits:
    """What a picture may cost: work in triangles of a block, bytes on the card; and the error in pixels below which
    nothing is refined."""

    work: float = np.inf
    card_bytes: float = np.inf
    error_px: float = 1.0


@dataclass(frozen=True, eq=False)
class Choice:
    """What to draw now and what to load.

    drawn : nodes to draw. wanted : nodes to load, coarse ones first, then by what they mend. needed : those of them
    without which the best cut cannot be drawn. refined : (n,) bool, nodes that are to be
    replaced by finer ones. seen : (n,) bool, nodes that this view needs or will need. complete : whether ``drawn`` is
    all that was asked for. limited : whether the limits of work and memory asked for less.
    """

    drawn: Ints
    wanted: Ints
    needed: Ints
    refined: Bools
    seen: Bools
    complete: bool
    limited: bool


@dataclass(eq=False)
class LevelTree:
    """All nodes: first the squares of the quadtree (masses; blocks where the square is a tile), then all faces of
    every tile. Node 0 is the whole city.

    parent : (n,) int64, -1 for the root; parents come before children. kind : (n,) ``MASSES``, ``BLOCKS``, ``HOUSES``.
    tile : (n,) tile of blocks and houses, -1 for masses. low, high : (n, 3) boxes. error_m : (n,) how wrong a node is.
    work, card_bytes : (n,) what drawing and keeping it costs; 0 where there is nothing to draw.
    """

    parent: Ints
    kind: NDArray[np.uint8]
    tile: Ints
    low: Floats
    high: Floats
    error_m: Floats
    work: Floats
    card_bytes: Floats
    groups: tuple[slice, ...]

    @staticmethod
    def of(arrays: CityArrays) -> LevelTree:
        """The nodes of a city."""
        tiles, far = arrays.tiles, arrays.far
        tree = tiles.quadtree
        squares, count = len(tree), len(tiles)
        leaf = np.flatnonzero(tree.leaf)
        tile = np.full(squares, -1)
        tile[leaf] = tree.tile_start[leaf]
        leaf_of_tile = np.zeros(count, np.int64)
        leaf_of_tile[tile[leaf]] = leaf
        there = np.concatenate([[0], np.cumsum(far.blocks.there)])
        boxes = np.diff(far.masses.node_start)
        boxes[leaf] = np.diff(there[tiles.feature_start])[tile[leaf]]
        body = far.count[:, BODY_TRIANGLES]
        error = tiles.side_m * 2.0 ** tree.level.astype(np.float64) / CELLS / 2
        error[leaf] = np.where(body[tile[leaf]] > 0, BLOCK_ERROR_M, 0.0)
        work = np.concatenate([boxes * float(_TRIANGLES), body * HOUSE_TRIANGLE])
        low, high = np.concatenate([tree.low, tiles.low]), np.concatenate([tree.high, tiles.high])
        empty = ~(low <= high).all(axis=1)
        low[empty], high[empty] = 0.0, 0.0
        starts = np.append(np.flatnonzero(np.diff(tree.level.astype(int), prepend=99)), squares).tolist()
        groups = [slice(a, b) for a, b in pairwise(starts)]
        return LevelTree(
            parent=np.concatenate([tree.parent.astype(np.int64), leaf_of_tile]),
            kind=np.concatenate([np.where(tree.leaf, BLOCKS, MASSES), np.full(count, HOUSES)]).astype(np.uint8),
            tile=np.concatenate([tile, np.arange(count)]),
            low=low,
            high=high,
            error_m=np.concatenate([error, np.zeros(count)]),
            work=np.where(work > 0, work + DRAW_CALL, 0.0),
            card_bytes=np.concatenate(
                [boxes * float(_BLOCK_BYTES), body * 12.0 + far.count[:, BODY_VERTICES] * (24.0 * SHARED)]
            ),
            groups=(*groups, slice(squares, squares + count)),
        )

    def __len__(self) -> int:
        return len(self.parent)

    def refuse(self, tile: int) -> None:
        """Never again replace the blocks of a tile by its faces."""
        self.error_m[self.parent[self.groups[-1].start + tile]] = 0.0

    def choose(
        self, view: View, around: View, ready: Bools, refined: Bools, limits: Limits, rise_m: float = 0.0
    ) -> Choice:
        """The best cut within the limits, and the best one that can be drawn with what is ``ready`` ((n,) bool; the
        root is).

        around : a wider view; what it sees is loaded, too. refined : of the last choice, for steadiness.
        rise_m : how far buildings may reach above their boxes.
        """
        high = self.high + (0.0, 0.0, rise_m)
        visible = view.sees(self.low, high)
        near = around.sees(self.low, high) | visible  # boxes beside a corner may be seen by the narrower view alone
        error = self.error_m * view.pixels_per_m(self.low, high)
        error[refined] *= KEEP
        error[~near] = 0.0
        for group in self.groups[1:]:  # a part is never refined before the whole
            np.minimum(error[group], error[self.parent[group]], out=error[group])
        refine, limited = self._within(error, near, limits)
        parent = self.parent
        asked = near.copy()
        asked[1:] &= refine[parent[1:]]
        for group in self.groups[1:]:
            asked[group] &= asked[parent[group]]
        replaced = self._replaced(refine & asked, ready, visible)
        reached = visible.copy()
        for group in self.groups[1:]:
            reached[group] &= reached[parent[group]] & replaced[parent[group]]
        drawn = reached & ~replaced
        ideal = asked & visible & ~refine
        missing = np.flatnonzero(asked & ~ready & (self.work > 0))
        missing = missing[np.lexsort((-error[np.maximum(parent[missing], 0)], ~visible[missing]))]
        return Choice(
            drawn=np.flatnonzero(drawn & (self.work > 0)),
            wanted=missing,
            needed=missing[ideal[missing]],
            refined=refine & asked,
            seen=asked | drawn,
            complete=bool((drawn == ideal).all()),
            limited=limited,
        )

    def _within(self, error: Floats, near: Bools, limits: Limits) -> tuple[Bools, bool]:
        """(n,) bool: nodes to refine, worst first, as long as the limits allow; and whether they did not for all."""
        index = np.flatnonzero(error > limits.error_px)
        refine = np.zeros(len(self), bool)
        if not len(index):
            return refine, False
        index = index[np.argsort(-error[index], kind="stable")]
        costs = np.column_stack([self.work, self.card_bytes])
        most = np.array([limits.work, limits.card_bytes])
        parts = [np.bincount(self.parent[1:], np.where(near, cost, 0.0)[1:], len(self)) for cost in costs.T]
        more = (np.column_stack(parts) - costs)[index]
        total = costs[0] + np.cumsum(more, axis=0)
        end = np.flatnonzero((total <= most).all(axis=1))
        count = int(end[-1]) + 1 if len(end) else 0
        refine[index[:count]] = True
        left = most - (total[count - 1] if count else costs[0])
        for k in range(count, min(count + TRIED, len(index))):  # what is too large as a next step may leave room
            node = int(index[k])
            if (more[k] <= left).all() and (node == 0 or refine[self.parent[node]]):
                refine[node] = True
                left = left - more[k]
        return refine, count < len(index)

    def _replaced(self, refine: Bools, ready: Bools, visible: Bools) -> Bools:
        """(n,) bool: refined nodes all of whose parts in view can be drawn, themselves or by finer ones."""
        covered = ready | (self.work == 0)
        replaced = np.zeros(len(self), bool)
        lacking = np.zeros(len(self), np.int64)
        for group in reversed(self.groups):
            replaced[group] = refine[group] & (lacking[group] == 0)
            covered[group] |= replaced[group]
            if group.start:
                lacks = visible[group] & ~covered[group]
                lacking += np.bincount(self.parent[group][lacks], minlength=len(self))
        return replaced
