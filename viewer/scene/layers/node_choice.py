"""Which nodes of a streamed layer to draw and which to load, for one view. Pure NumPy, no VTK, no threads."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from viewer.city.streamed import Holds, Nodes
from viewer.scene.levels import View

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: States of a node: never asked for, in memory, not to be had.
ABSENT, READY, FAILED = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Choice:
    """drawn, wanted : nodes to draw, and to load, most urgent first. visited : nodes in view, drawn or not.
    complete : nothing in view is waited for."""

    drawn: Ints
    wanted: Ints
    visited: Ints
    complete: bool


@dataclass(eq=False)
class Family:
    """Children of every node, kept while the tree stands still."""

    count: int = 0
    order: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    start: Ints = field(default_factory=lambda: np.zeros(1, np.int64))

    def follow(self, nodes: Nodes) -> None:
        """Take over a tree that has grown."""
        if self.count == len(nodes):
            return
        self.count = len(nodes)
        self.order = np.argsort(nodes.parent, kind="stable")
        self.start = np.searchsorted(nodes.parent[self.order], np.arange(-1, self.count + 1))

    def roots(self) -> Ints:
        """Nodes without a parent."""
        return self.order[: self.start[1]]

    def children(self, nodes: Ints) -> tuple[Ints, Ints]:
        """Children of some nodes, and the position in ``nodes`` of the parent of each."""
        first, sizes = self.start[nodes + 1], np.diff(self.start)[nodes + 1]
        total = int(sizes.sum())
        owner = np.repeat(np.arange(len(nodes)), sizes)
        place = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(first, sizes)
        return self.order[place], owner

    def has(self, nodes: Ints) -> Bools:
        """Which nodes have children."""
        return np.asarray(np.diff(self.start)[nodes + 1] > 0)


@dataclass(eq=False)
class _Level:
    """Nodes of one depth on the way down; parent : position in the level above."""

    node: Ints
    parent: Ints
    seen: Bools
    refine: Bools
    error_px: Floats


def choose(nodes: Nodes, family: Family, state: NDArray[np.uint8], view: View, error_px: float) -> Choice:
    """The nodes of a view.

    A node is refined where leaving its children out would be seen (more than ``error_px`` pixels). In replacing
    refinement it stays until all children in view can be drawn, and for good where one of them failed.

    Parameters
    ----------
    state : (N,) ``ABSENT``, ``READY`` or ``FAILED``.
    """
    family.follow(nodes)
    levels = _descend(nodes, family, view, error_px)
    replaced = _covered(nodes, state, levels)
    drawn: list[Ints] = []
    reached = np.ones(len(levels[0].node), bool) if levels else np.zeros(0, bool)
    for depth, level in enumerate(levels):
        ready = state[level.node] == READY
        open_ = replaced[depth]
        shows = level.seen & reached & ready & (nodes.holds[level.node] == Holds.CONTENT)
        shows &= nodes.add[level.node] | ~open_
        drawn.append(level.node[shows])
        if depth + 1 < len(levels):
            below = levels[depth + 1]
            reached = (reached & open_)[below.parent]
    visited = np.concatenate([level.node[level.seen] for level in levels]) if levels else np.empty(0, np.int64)
    wanted = _wanted(nodes, state, levels)
    chosen = np.concatenate(drawn) if drawn else np.empty(0, np.int64)
    return Choice(chosen, wanted, visited, not len(wanted))


def _descend(nodes: Nodes, family: Family, view: View, error_px: float) -> list[_Level]:
    levels: list[_Level] = []
    node = family.roots()
    parent = np.zeros(len(node), np.int64)
    while len(node):
        low, high = nodes.low[node], nodes.high[node]
        seen = view.sees(low, high)
        pixels = nodes.geometric_error_m[node] * view.pixels_per_m(low, high)
        # what holds nothing to draw stands for what is below it
        empty = nodes.holds[node] != Holds.CONTENT
        refine = seen & family.has(node) & ((pixels > error_px) | empty)
        levels.append(_Level(node, parent, seen, refine, pixels))
        inside = np.flatnonzero(refine)
        node, owner = family.children(node[inside])
        parent = inside[owner]
    return levels


def _covered(nodes: Nodes, state: NDArray[np.uint8], levels: list[_Level]) -> list[Bools]:
    """For every level the nodes below which to go on: those that are replaced by their children, or added to."""
    replaced = [np.zeros(len(level.node), bool) for level in levels]
    covered = np.zeros(0, bool)
    for depth in range(len(levels) - 1, -1, -1):
        level = levels[depth]
        ready = state[level.node] == READY
        holds = nodes.holds[level.node]
        lacking = np.zeros(len(level.node), np.int64)
        if depth + 1 < len(levels):
            below = levels[depth + 1]
            lacking = np.bincount(below.parent[below.seen & ~covered], minlength=len(level.node))
        whole = level.refine & (lacking == 0)
        # adding, holding nothing, or not there itself: show what there is of the children
        replaced[depth] = whole | (level.refine & (nodes.add[level.node] | ~ready))
        # an empty tile is covered by nothing; one that stands for further tiles must have been opened
        empty = (holds == Holds.NOTHING) & ~level.refine
        opened = (holds == Holds.NODES) & ready & ~level.refine
        own = ready & (holds == Holds.CONTENT)
        covered = own | empty | opened | whole
    return replaced


def _wanted(nodes: Nodes, state: NDArray[np.uint8], levels: list[_Level]) -> Ints:
    """Nodes to load: coarse before fine, then what is seen largest."""
    found: list[Ints] = []
    for level in levels:
        lacks = level.seen & (state[level.node] == ABSENT) & (nodes.holds[level.node] != Holds.NOTHING)
        index = np.flatnonzero(lacks)
        found.append(level.node[index[np.argsort(-level.error_px[index], kind="stable")]])
    return np.concatenate(found) if found else np.empty(0, np.int64)
