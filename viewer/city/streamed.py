"""Layers too large to be held whole: a growing tree of nodes whose contents are loaded when they are looked at.

What a node holds, and the gate its arrays pass. Choosing nodes, loading threads and drawing are the scene's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city.layers import Attributes, Layer
from viewer.errors import ReadError, ViewerError

#: Nodes of one tree; more are refused.
MAX_NODES = 5_000_000
#: Corners or points and triangles of one content.
MAX_CONTENT = 50_000_000
#: Rows of a layer are numbers of a node, a part of its content and a feature in it.
_FEATURE_BITS, _PART_BITS = 32, 8


class Holds(IntEnum):
    """What loading a node brings."""

    #: Nothing; there is nothing to load.
    NOTHING = 0
    #: Something to draw, and possibly further nodes.
    CONTENT = 1
    #: Further nodes only: a nested tileset, a part of an index.
    NODES = 2


@dataclass(frozen=True, eq=False)
class Nodes:
    """N nodes of a tree as columns; a parent always stands before its children.

    parent : (N,) int32, -1 for a root.
    geometric_error_m : (N,) float64, metres by which the picture is wrong where children are left out.
    low, high : (N, 3) float64 local metres, the box around the node and everything below it.
    add : (N,) bool, children are drawn beside the node (else in its place).
    holds : (N,) uint8, ``Holds``.
    """

    parent: NDArray[np.int32]
    geometric_error_m: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    add: NDArray[np.bool_]
    holds: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.parent)


def make_nodes(
    parent: ArrayLike, geometric_error_m: ArrayLike, low: ArrayLike, high: ArrayLike, add: ArrayLike, holds: ArrayLike
) -> Nodes:
    """``Nodes`` of anything array-like; one value of ``add`` or ``holds`` may stand for all."""
    parent = np.asarray(parent, np.int32).reshape(-1)
    count = len(parent)
    return Nodes(
        parent,
        np.asarray(geometric_error_m, np.float64).reshape(-1),
        np.asarray(low, np.float64).reshape(-1, 3),
        np.asarray(high, np.float64).reshape(-1, 3),
        np.broadcast_to(np.asarray(add, bool), (count,)).copy(),
        np.broadcast_to(np.asarray(holds, np.uint8), (count,)).copy(),
    )


class NodeTree:
    """A tree that only grows; numbers of nodes stay. Safe to use from several threads."""

    def __init__(self, nodes: Nodes) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._kept = _room(max(2 * len(nodes), 64))
        if not len(nodes):
            raise ReadError("There is nothing in this file that can be shown.")
        self._append(nodes, 0)

    def __len__(self) -> int:
        return self._count

    @property
    def nodes(self) -> Nodes:
        """The nodes there are now. What is in it never changes."""
        with self._lock:
            return _first(self._kept, self._count)

    def grow(self, parent: int, nodes: Nodes) -> int:
        """Hang nodes below a node; their parents count within ``nodes``, -1 is ``parent``.

        Returns
        -------
        Number of the first new node; the others follow.

        Raises
        ------
        ReadError
            The arrays contradict each other, or the tree becomes too large.
        """
        with self._lock:
            if not 0 <= parent < self._count:
                raise IndexError(parent)
            first = self._count
            _check_nodes(nodes)
            above = np.where(nodes.parent < 0, np.int32(parent), nodes.parent + np.int32(first)).astype(np.int32)
            self._append(replace(nodes, parent=above), first, checked=True)
            return first

    def _append(self, nodes: Nodes, first: int, *, checked: bool = False) -> None:
        if not checked:
            _check_nodes(nodes)
        last = first + len(nodes)
        if last > MAX_NODES:
            raise ReadError("The tree of tiles has more than {limit} nodes.", limit=MAX_NODES)
        if last > len(self._kept.parent):
            larger = _room(2 * last)
            for name, array in _columns(larger):
                array[:first] = getattr(self._kept, name)[:first]
            self._kept = larger
        for name, array in _columns(self._kept):
            array[first:last] = getattr(nodes, name)
        self._count = last


def _room(count: int) -> Nodes:
    return Nodes(
        np.zeros(count, np.int32), np.zeros(count), np.zeros((count, 3)), np.zeros((count, 3)),
        np.zeros(count, bool), np.zeros(count, np.uint8),
    )  # fmt: skip


def _columns(nodes: Nodes) -> list[tuple[str, NDArray[np.generic]]]:
    return [(name, getattr(nodes, name)) for name in Nodes.__dataclass_fields__]


def _first(nodes: Nodes, count: int) -> Nodes:
    parts = {}
    for name, array in _columns(nodes):
        parts[name] = array[:count]
        parts[name].setflags(write=False)
    return Nodes(**parts)  # type: ignore[arg-type]


def _check_nodes(nodes: Nodes) -> None:
    count = len(nodes)
    for name, array in _columns(nodes):
        _require(array.shape == ((count, 3) if name in ("low", "high") else (count,)), name)
    _require((nodes.parent < np.arange(count)).all() and (nodes.parent >= -1).all(), "parent")
    _require((np.isfinite(nodes.geometric_error_m) & (nodes.geometric_error_m >= 0)).all(), "geometric_error_m")
    _require(np.isfinite(nodes.low).all() and np.isfinite(nodes.high).all(), "low")
    _require((nodes.low <= nodes.high).all(), "high")
    _require((nodes.holds <= max(Holds)).all(), "holds")


# -- contents --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Content:
    """Common part of what a node shows. Positions are relative to ``origin_local``, metres.

    positions : (V, 3) float32.
    rgba : (V, 4) uint8, the colours its makers gave it; None for none.
    feature : (V,) int32 row in ``attributes`` of each position, -1 for none; None if there are no features, for
        points: if every point is a row of its own.
    attributes : columns of features, as in a layer.
    """

    positions: NDArray[np.float32]
    origin_local: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rgba: NDArray[np.uint8] | None = None
    feature: NDArray[np.int32] | None = None
    attributes: Attributes = field(default_factory=dict)

    @property
    def feature_count(self) -> int:
        """Number of rows of the attributes."""
        first = next(iter(self.attributes.values()), None)
        if first is not None:
            return len(first)
        return 0 if self.feature is None or not len(self.feature) else int(self.feature.max()) + 1

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, about as many as drawing takes once more."""
        arrays = [self.positions, self.rgba, self.feature, *self.attributes.values()]
        return sum(array.nbytes for array in arrays if array is not None)


@dataclass(frozen=True, eq=False)
class PointContent(Content):
    """Points, drawn as dots. spacing_m : typical distance of neighbours, 0 if not known."""

    spacing_m: float = 0.0


@dataclass(frozen=True, eq=False)
class MeshContent(Content):
    """Triangles.

    triangles : (T, 3) int32 into the positions. normals : (V, 3) float32 unit vectors, None for flat faces.
    uv : (V, 2) float32 texture coordinates, (0, 0) upper left; pictures : (H, W, 4) uint8 each;
    triangle_picture : (T,) int16 into them, -1 for none; all None or empty without textures.
    """

    triangles: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 3), np.int32))
    normals: NDArray[np.float32] | None = None
    uv: NDArray[np.float32] | None = None
    pictures: tuple[NDArray[np.uint8], ...] = ()
    triangle_picture: NDArray[np.int16] | None = None

    @property
    def nbytes(self) -> int:
        more = [self.triangles, self.normals, self.uv, self.triangle_picture, *self.pictures]
        return super().nbytes + sum(array.nbytes for array in more if array is not None)


#: Loads one node; called in several threads at once. May let the tree grow.
Load = Callable[[int], Sequence[Content]]


def row_of(node: int, part: int, feature: int) -> int:
    """The row of a layer that a feature of a part of a node's content is."""
    return (node << _PART_BITS | part) << _FEATURE_BITS | feature


def split_row(row: int) -> tuple[int, int, int]:
    """(node, part, feature) of a row."""
    above = row >> _FEATURE_BITS
    return above >> _PART_BITS, above & ((1 << _PART_BITS) - 1), row & ((1 << _FEATURE_BITS) - 1)


@dataclass(frozen=True, eq=False)
class StreamedLayer(Layer):
    """A layer that is loaded node by node while it is looked at.

    ``attributes`` hold a sample of its features: names, kinds and range of the columns, for legends and choices;
    its length is that of the sample.

    tree : the nodes. load : reads the contents of one node, positions in the frame the layer was read into.
    facts : what is known of the whole: (name, value) rows.
    """

    tree: NodeTree
    load: Load
    point_size_px: float = field(default=2.0, kw_only=True)
    facts: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)
    _failed: dict[int, ViewerError] = field(default_factory=dict, kw_only=True, repr=False)
    _recent: dict[int, tuple[Content, ...]] = field(default_factory=dict, kw_only=True, repr=False)

    def __len__(self) -> int:
        first = next(iter(self.attributes.values()), None)
        return 0 if first is None else len(first)

    @property
    def extent_local(self) -> NDArray[np.float64]:
        """(2, 3) float64: lowest and highest corner of the roots, metres."""
        nodes = self.tree.nodes
        roots = nodes.parent < 0
        return np.array([nodes.low[roots].min(axis=0), nodes.high[roots].max(axis=0)])

    @property
    def tile_count(self) -> int:
        """Nodes known so far that hold something to draw."""
        return int((self.tree.nodes.holds == Holds.CONTENT).sum())

    def contents(self, node: int) -> tuple[Content, ...]:
        """The checked contents of a node. Slow: reads a file; safe to call in a worker.

        Raises
        ------
        ReadError
            It cannot be read, or its arrays contradict each other.
        """
        return tuple(check_content(part) for part in self.load(node))

    def note_failure(self, node: int, error: ViewerError) -> None:
        """Remember that a node cannot be read, for ``failures``. Once per node."""
        self._failed.setdefault(node, error)

    @property
    def failures(self) -> tuple[ViewerError, ...]:
        """Why nodes could not be read so far, one for each."""
        return tuple(self._failed.values())

    def row_values(self, row: int) -> dict[str, object]:
        """The attributes of one row, names and values; empty if its node cannot be read any more."""
        node, part, feature = split_row(row)
        try:
            found = self._recent.get(node)
            if found is None:
                found = self.contents(node)
                self._recent.clear()
                self._recent[node] = found
            if part >= len(found):
                return {}
            columns: Mapping[str, NDArray[np.generic]] = found[part].attributes
            return {name: values[feature] for name, values in columns.items() if feature < len(values)}
        except ViewerError:
            return {}


def _require(condition: object, name: str) -> None:
    if not condition:
        raise ReadError("The data contradicts itself ({name}) and cannot be shown.", name=name)


def check_content(content: Content) -> Content:
    """The same content, safe to draw: single triangles and points with impossible places are left out.

    Raises
    ------
    ReadError
        Sizes, kinds or indices contradict each other.
    """
    positions = content.positions
    count = len(positions)
    _require(positions.ndim == 2 and positions.shape[1:] == (3,) and positions.dtype == np.float32, "positions")
    _require(count <= MAX_CONTENT, "positions")
    _require(np.isfinite(content.origin_local).all(), "origin_local")
    _check_optional(content.rgba, (count, 4), "u", "rgba")
    _check_optional(content.feature, (count,), "i", "feature")
    rows = count if content.feature is None and isinstance(content, PointContent) else content.feature_count
    for name, values in content.attributes.items():
        _require(values.shape == (rows,) and values.dtype.kind in "fTiub", name)
    if content.feature is not None and count:
        _require(int(content.feature.min()) >= -1, "feature")
        _require(not content.attributes or int(content.feature.max()) < rows, "feature")
    finite = np.isfinite(positions)
    usable = finite[:, 0] & finite[:, 1] & finite[:, 2]  # quicker than along the rows
    if isinstance(content, MeshContent):
        return _check_mesh(content, usable)
    if usable.all():
        return content
    own_rows = content.feature is None
    return replace(
        content,
        positions=positions[usable],
        rgba=None if content.rgba is None else content.rgba[usable],
        feature=None if content.feature is None else content.feature[usable],
        attributes={k: v[usable] for k, v in content.attributes.items()} if own_rows else content.attributes,
    )


def _check_optional(array: NDArray[np.generic] | None, shape: tuple[int, ...], kind: str, name: str) -> None:
    if array is not None:
        _require(array.shape == shape and array.dtype.kind == kind, name)


def _check_mesh(content: MeshContent, usable: NDArray[np.bool_]) -> MeshContent:
    count, triangles = len(content.positions), content.triangles
    _require(triangles.ndim == 2 and triangles.shape[1:] == (3,) and triangles.dtype == np.int32, "triangles")
    _require(len(triangles) <= MAX_CONTENT, "triangles")
    if len(triangles):
        _require(int(triangles.min()) >= 0 and int(triangles.max()) < count, "triangles")
    _check_optional(content.normals, (count, 3), "f", "normals")
    _check_optional(content.uv, (count, 2), "f", "uv")
    _check_optional(content.triangle_picture, (len(triangles),), "i", "triangle_picture")
    for picture in content.pictures:
        _require(picture.ndim == 3 and picture.shape[2] == 4 and picture.dtype == np.uint8 and picture.size, "pictures")
    if content.triangle_picture is not None and len(triangles):
        _require(int(content.triangle_picture.max()) < len(content.pictures), "triangle_picture")
    if content.normals is not None and not np.isfinite(content.normals).all():
        content = replace(content, normals=None)
    if usable.all():
        return content
    keep = usable[triangles].all(axis=1)
    which = content.triangle_picture
    return replace(
        content,
        positions=np.where(usable[:, None], content.positions, np.float32(0)),
        triangles=triangles[keep],
        triangle_picture=None if which is None else which[keep],
    )


__all__ = [
    "Content",
    "Holds",
    "Load",
    "MeshContent",
    "NodeTree",
    "Nodes",
    "PointContent",
    "StreamedLayer",
    "check_content",
    "make_nodes",
    "row_of",
    "split_row",
]
