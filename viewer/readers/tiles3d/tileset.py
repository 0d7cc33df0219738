"""A tileset as a growing tree: explicit tiles, nested tilesets and implicit subtrees, loaded when asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.city.report import Issue, IssueLog, Severity
from viewer.city.streamed import Content, Holds, Nodes, NodeTree, make_nodes
from viewer.errors import LimitError, ReadError
from viewer.readers.gltf.content import model_contents
from viewer.readers.gltf.fields import Fields, parse_fields, wrong
from viewer.readers.gltf.metadata import Schema, entity_values
from viewer.readers.tiles3d.formats import is_tileset, read_tile
from viewer.readers.tiles3d.implicit import (
    Tiling,
    coordinates,
    fill_template,
    read_subtree,
    read_tiling,
)
from viewer.readers.tiles3d.placement import Placement
from viewer.readers.tiles3d.tile import below, contents_of, fetch_below, scale_of, transform_of, with_values
from viewer.readers.tiles3d.volumes import Volume, boxes_of_numbers, divided, local_boxes, read_volume

Floats = NDArray[np.float64]

#: Tiles of one tileset file, nesting of tiles, and of tilesets in tilesets.
MAX_TILES, MAX_DEPTH, MAX_NESTED = 2_000_000, 500, 20
#: Numbers in transformations beyond this lead nowhere on Earth.
_MOST = 1e12
NO_SCHEMA = "The schema of the attributes cannot be read. {reason}"
DAMAGED = "Tiles that are damaged in the tileset, left out with all below them: {count}"
_KNOWN = {"3DTILES_implicit_tiling", "3DTILES_content_gltf", "3DTILES_metadata", "3DTILES_multiple_contents",
          "3DTILES_batch_table_hierarchy", "3DTILES_draco_point_compression"}  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Set:
    """One tileset file: what its tiles share. folder : addresses count from here, root : and stay below this."""

    folder: Path
    depth: int
    upright: bool
    schema: Schema
    groups: Sequence[Mapping[str, str | float]]
    extras: Mapping[str, str | float]


@dataclass(frozen=True, eq=False)
class _Payload:
    """What loading a node needs: its contents' addresses, or the subtree it stands for."""

    tileset: _Set
    uris: tuple[str, ...]
    matrix: Floats
    values: tuple[Mapping[str, str | float], ...] = ()
    subtree: _Subtree | None = None


@dataclass(frozen=True, eq=False)
class _Subtree:
    """The subtree whose first tile a node is; its contents' addresses are templates."""

    tiling: Tiling
    volume: Volume
    templates: tuple[str, ...]
    error_m: float
    add: bool
    level: int
    xyz: NDArray[np.int64]


@dataclass
class Tileset:
    """A tileset and everything below it.

    tree : the nodes known so far. log : what was found on the way; ask ``issues``.
    """

    root: Path
    placement: Placement
    tree: NodeTree = field(init=False)
    log: IssueLog = field(default_factory=IssueLog)
    _payloads: dict[int, _Payload] = field(default_factory=dict)
    _grown: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, document: Fields, folder: Path) -> None:
        """Take the outermost tileset file."""
        tileset = self._describe(document, folder, 0)
        nodes, payloads = self._tiles(document.child("root"), tileset, np.eye(4), add=False)
        self.tree = NodeTree(nodes)
        self._payloads.update({node: payload for node, payload in enumerate(payloads) if payload is not None})

    def issues(self) -> tuple[Issue, ...]:
        """What loading has found so far."""
        with self._lock:
            return self.log.issues()

    # -- loading ------------------------------------------------------------------------------------------

    def load(self, node: int) -> tuple[Content, ...]:
        """The contents of a node; lets the tree grow where it stands for more. Safe in several threads.

        Raises
        ------
        ReadError
            Nothing of it can be read.
        """
        with self._lock:
            payload = self._payloads.get(node)
            grown = node in self._grown and payload is not None and self.tree.nodes.holds[node] == Holds.NODES
        if payload is None or grown:
            return ()
        if payload.subtree is not None:
            self._grow_subtree(node, payload, payload.subtree)
            return ()
        found: list[Content] = []
        failed: ReadError | None = None
        for number, uri in enumerate(payload.uris):
            try:
                values = payload.values[number] if number < len(payload.values) else {}
                found += self._content(node, payload, uri, values)
            except ReadError as error:
                failed = error
        if failed is not None and not found:
            raise failed
        return tuple(found)

    def load_once(self, node: int) -> None:
        """Let the tree grow below a node that stands for more, unless that was done already.

        Raises
        ------
        ReadError
            What it stands for cannot be read.
        """
        with self._lock:
            if node in self._grown:
                return
        self.load(node)

    def facts(self, document: Fields) -> tuple[tuple[str, str], ...]:
        """What the outermost file says of the whole: (name, value) rows."""
        schema = self._describe(document, self.root, 0)
        return tuple((name, value if isinstance(value, str) else f"{value:g}") for name, value in schema.extras.items())

    def _content(
        self, node: int, payload: _Payload, uri: str, values: Mapping[str, str | float]
    ) -> tuple[Content, ...]:
        data, folder = self._fetch(payload.tileset, uri)
        if is_tileset(data):
            self._grow_tileset(node, payload, parse_fields(data), folder)
            return ()
        log = IssueLog()
        result: list[Content] = []
        matrix = payload.matrix

        def place(points: Floats) -> Floats:
            with np.errstate(invalid="ignore", over="ignore"):
                return self.placement.local(points @ matrix[:3, :3].T + matrix[:3, 3])

        for tile in read_tile(data, fetch_below(self.root, folder), log, upright=payload.tileset.upright):
            middle = matrix[:3, :3] @ np.asarray(tile.model.centre) + matrix[:3, 3]
            turn = self.placement.turn(middle) @ matrix[:3, :3] / max(scale_of(matrix), 1e-30)
            result += model_contents(tile.model, place, turn, tile.table, upright=True)
        with self._lock:
            for issue in log.issues():
                self.log.add(issue.severity, issue.text, count=issue.count, where=uri, **issue.values)
        return tuple(with_values(content, values) for content in result)

    def _fetch(self, tileset: _Set, uri: str) -> tuple[bytes, Path]:
        """The bytes of a content, and the folder its own addresses count from."""
        path = below(self.root, tileset.folder, uri)
        if path is None:
            raise ReadError("{name} lies outside the folder of the file and is not opened.", name=uri[:120])
        return fetch_below(self.root, tileset.folder)(uri), path.parent

    def files(self) -> list[tuple[int, Path | None]]:
        """(node, file) of all contents known so far; None where an address leads outside."""
        with self._lock:
            payloads = list(self._payloads.items())
        return [
            (node, below(self.root, payload.tileset.folder, uri)) for node, payload in payloads for uri in payload.uris
        ]

    # -- growing ------------------------------------------------------------------------------------------

    def _grow_tileset(self, node: int, payload: _Payload, document: Fields, folder: Path) -> None:
        depth = payload.tileset.depth + 1
        if depth > MAX_NESTED:
            raise LimitError("Tilesets are nested too deeply, or in a ring.")
        tileset = self._describe(document, folder, depth)
        add = bool(self.tree.nodes.add[node])
        nodes, payloads = self._tiles(document.child("root"), tileset, payload.matrix, add=add)
        self._hang(node, nodes, payloads)

    def _grow_subtree(self, node: int, payload: _Payload, wanted: _Subtree) -> None:
        tiling = wanted.tiling
        uri = fill_template(tiling.subtrees, wanted.level, wanted.xyz)
        data, folder = self._fetch(payload.tileset, uri)
        left = tiling.levels - wanted.level
        files = fetch_below(self.root, folder)
        found = read_subtree(data, tiling, len(wanted.templates), left, files, payload.tileset.schema)
        if not len(found.level):
            return
        size = 2**found.level
        xyz = wanted.xyz * size[:, None] + coordinates(found.morton, octree=tiling.octree)
        count = len(found.level)
        numbers = np.zeros((count, len(wanted.volume.numbers)))
        for level in np.unique(found.level).tolist():
            rows = found.level == level
            numbers[rows] = divided(wanted.volume, wanted.level + level, xyz[rows], octree=tiling.octree)
        low, high = boxes_of_numbers(numbers, self.placement, region=wanted.volume.region)
        level = wanted.level + found.level
        error = wanted.error_m / 2.0**level
        has = found.contents.any(axis=0)
        # the subtrees below: one node each, that stands for the tiles in it
        below_xyz = xyz[found.further_parent] * 2 + _child_of(found.further, tiling)
        below_numbers = divided(
            wanted.volume, wanted.level + tiling.subtree_levels, below_xyz, octree=tiling.octree
        ) if len(below_xyz) else np.zeros((0, numbers.shape[1]))  # fmt: skip
        below_low, below_high = boxes_of_numbers(below_numbers, self.placement, region=wanted.volume.region)
        nodes = make_nodes(
            np.concatenate([found.parent, found.further_parent]),
            np.concatenate([error, error[found.further_parent] / 2]),
            np.concatenate([low, below_low]),
            np.concatenate([high, below_high]),
            wanted.add,
            np.concatenate([
                np.where(has, int(Holds.CONTENT), int(Holds.NOTHING)), np.full(len(below_xyz), int(Holds.NODES))
            ]),
        )  # fmt: skip
        payloads: list[_Payload | None] = []
        for row in range(count):
            own = [number for number in range(len(wanted.templates)) if found.contents[number, row]]
            uris = tuple(fill_template(wanted.templates[number], int(level[row]), xyz[row]) for number in own)
            values = tuple({**payload.values[number], **found.values(row, number)} for number in own)
            payloads.append(_Payload(payload.tileset, uris, payload.matrix, values) if uris else None)
        for place in below_xyz:
            deeper = replace(wanted, level=wanted.level + tiling.subtree_levels, xyz=place)
            payloads.append(replace(payload, subtree=deeper))
        self._hang(node, nodes, payloads)

    def _hang(self, node: int, nodes: Nodes, payloads: Sequence[_Payload | None]) -> None:
        with self._lock:
            if node in self._grown:
                return  # another view has asked for it meanwhile
            self._grown.add(node)
            first = self.tree.grow(node, nodes)
            for number, payload in enumerate(payloads):
                if payload is not None:
                    self._payloads[first + number] = payload

    # -- reading ------------------------------------------------------------------------------------------

    def _describe(self, document: Fields, folder: Path, depth: int) -> _Set:
        required = [str(name)[:80] for name in document.entries("extensionsRequired") if str(name) not in _KNOWN]
        if required:
            raise ReadError("The tileset needs {extensions}, which this program does not know.",
                            extensions=", ".join(required[:5]))  # fmt: skip
        schema = Schema(None)
        try:
            if "schema" in document:
                schema = Schema(document.child("schema"))
            elif "schemaUri" in document:
                schema = Schema(parse_fields(fetch_below(self.root, folder)(document.text("schemaUri")), "schema"))
        except ReadError as error:
            with self._lock:
                self.log.add(
                    Severity.WARNING, "The schema of the attributes cannot be read. {reason}", reason=str(error)
                )
        return _Set(
            folder, depth,
            upright=document.child("asset").text("gltfUpAxis", "Y").upper() == "Z",
            schema=schema,
            groups=[entity_values(group, schema) for group in document.children("groups")],
            extras=entity_values(document.child("metadata"), schema),
        )  # fmt: skip

    def _tiles(self, root: Fields, tileset: _Set, matrix: Floats, *, add: bool) -> tuple[Nodes, list[_Payload | None]]:
        """All tiles of one file, parents first."""
        parent: list[int] = []
        errors: list[float] = []
        adds: list[bool] = []
        holds: list[int] = []
        volumes: list[Volume] = []
        payloads: list[_Payload | None] = []
        damaged = 0
        waiting: list[tuple[Fields, int, Floats, bool, int]] = [(root, -1, matrix, add, 0)]
        while waiting:
            tile, above, outer, adding, depth = waiting.pop()
            if len(parent) >= MAX_TILES or depth > MAX_DEPTH:
                raise LimitError("The tree of tiles has more than {limit} nodes.", limit=MAX_TILES)
            try:
                inner = outer @ transform_of(tile)
                if not (np.abs(inner) < _MOST).all():
                    raise wrong(tile.place("transform"))
                volume = read_volume(tile, inner)
                refine = tile.text("refine").upper()
                adding = adding if not refine else refine == "ADD"
                error = min(max(tile.number("geometricError") * scale_of(inner), 0.0), _MOST)
                payload, kind = self._payload(tile, tileset, inner, volume, error, adding)
                children = tile.entries("children")
            except ReadError:
                if above < 0:
                    raise
                damaged += 1
                continue
            number = len(parent)
            parent.append(above)
            errors.append(error)
            adds.append(adding)
            holds.append(kind)
            volumes.append(volume)
            payloads.append(payload)
            for position in range(len(children) - 1, -1, -1):
                if isinstance(children[position], dict):
                    child = tile.item("children", position)
                    waiting.append((child, number, inner, adding, depth + 1))
                else:
                    damaged += 1
        with self._lock:
            self.log.add(Severity.WARNING, DAMAGED, count=damaged)
        low, high = local_boxes(volumes, self.placement)
        return make_nodes(parent, errors, low, high, adds, holds), payloads

    def _payload(
        self, tile: Fields, tileset: _Set, matrix: Floats, volume: Volume, error: float, add: bool
    ) -> tuple[_Payload | None, int]:
        contents = contents_of(tile)
        uris = tuple(item.text("uri") or item.text("url") for item in contents)
        values = tuple(self._values(tile, item, tileset) for item in contents)
        tiling = read_tiling(tile)
        if tiling is not None:
            start = _Subtree(tiling, volume, uris, error, add, 0, np.zeros(3, np.int64))
            return _Payload(tileset, (), matrix, values, start), Holds.NODES
        if not any(uris):
            return None, Holds.NOTHING
        nested = all(uri.partition("?")[0].lower().endswith(".json") for uri in uris if uri)
        kind = Holds.NODES if nested else Holds.CONTENT
        return _Payload(tileset, tuple(uri for uri in uris if uri), matrix, values), kind

    def _values(self, tile: Fields, content: Fields, tileset: _Set) -> dict[str, str | float]:
        """Attributes of a tile, its content and its group."""
        values: dict[str, str | float] = {}
        if "group" in content:
            number = content.count("group")
            if number < len(tileset.groups):
                values.update(tileset.groups[number])
        for owner in (tile, content):
            values.update(entity_values(owner.child("metadata"), tileset.schema))
        return values


def _child_of(morton: NDArray[np.int64], tiling: Tiling) -> NDArray[np.int64]:
    """(m, 3) place of subtrees within the tile above: 0 or 1 along every axis."""
    return coordinates(morton % tiling.children, octree=tiling.octree)
