"""What an OpenStreetMap file holds, as a few arrays; both decoders fill the same collector."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from viewer.plugin_api import LimitError

#: Limits of one extract: a large city, not a country.
MAX_NODES, MAX_WAYS, MAX_RELATIONS, MAX_REFERENCES = 60_000_000, 8_000_000, 1_000_000, 120_000_000
#: A way or relation without one of these tags is only kept as part of another.
KEYS = frozenset({
    "building", "building:part", "highway", "railway", "waterway", "natural", "landuse", "leisure", "amenity",
})  # fmt: skip
NO_TAGS: dict[str, str] = {}


@dataclass(frozen=True, eq=False)
class Relation:
    """An area put together from ways. ways : ids of its outer and inner ways, each once; roles beside them."""

    id: int
    tags: dict[str, str]
    ways: list[int]
    roles: list[str]


@dataclass(frozen=True, eq=False)
class OsmData:
    """N nodes, W ways, trees and area relations.

    node_ids : (N,) int64 ascending. lon_lat : (N, 2) float64 degrees. way_start : (W + 1,) into way_nodes,
    which are node ids. tree_ids : (T,) int64, with their own places and tags.
    """

    node_ids: np.ndarray
    lon_lat: np.ndarray
    way_ids: np.ndarray
    way_start: np.ndarray
    way_nodes: np.ndarray
    way_tags: list[dict[str, str]]
    relations: list[Relation]
    tree_ids: np.ndarray
    tree_lon_lat: np.ndarray
    tree_tags: list[dict[str, str]]


class Collector:
    """Takes nodes, ways and relations as they are decoded and holds them to the limits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._nodes: list[tuple[np.ndarray, np.ndarray]] = []
        self._ways: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._way_tags: list[dict[str, str]] = []
        self._relations: list[Relation] = []
        self._trees: list[tuple[int, float, float, dict[str, str]]] = []
        self._count = {"nodes": 0, "ways": 0, "references": 0}

    @property
    def empty(self) -> bool:
        """Whether nothing was read yet."""
        return not self._nodes

    def add_nodes(self, ids: np.ndarray, lon_lat: np.ndarray) -> None:
        """Places: (n,) int64 ids and (n, 2) degrees. Damaged ones raise ValueError."""
        if len(ids) != len(lon_lat):
            raise ValueError("ids and places differ in number")
        self._add("nodes", len(ids), MAX_NODES)
        self._nodes.append((ids, lon_lat))

    def add_tree(self, own_id: int, lon: float, lat: float, tags: dict[str, str]) -> None:
        """A node that is a tree."""
        self._trees.append((own_id, lon, lat, tags))

    def add_ways(self, ids: np.ndarray, sizes: np.ndarray, nodes: np.ndarray, tags: list[dict[str, str]]) -> None:
        """Ways: (n,) ids, how many nodes each has, the node ids one after the other, and tags of each."""
        if len(ids) != len(sizes) or len(ids) != len(tags) or sizes.sum() != len(nodes):
            raise ValueError("ways and their nodes differ in number")
        self._add("ways", len(ids), MAX_WAYS)
        self._add("references", len(nodes), MAX_REFERENCES)
        self._ways.append((ids, sizes, nodes))
        self._way_tags.extend(tags)

    def add_relation(self, own_id: int, tags: dict[str, str], members: list[tuple[int, str]]) -> None:
        """A relation with the ways it names; only areas that mean something here are kept."""
        if tags.get("type") != "multipolygon" or not KEYS & tags.keys():
            return
        unique = {way: role for way, role in members if role in ("outer", "inner", "")}
        self._add("references", len(unique), MAX_REFERENCES)
        if unique and len(self._relations) < MAX_RELATIONS:
            self._relations.append(Relation(own_id, tags, list(unique), list(unique.values())))

    def finish(self) -> OsmData:
        """Everything that was added, nodes in order of their ids, each id once."""
        ids = np.concatenate([block for block, _ in self._nodes] or [np.zeros(0, np.int64)])
        places = np.concatenate([block for _, block in self._nodes] or [np.zeros((0, 2))])
        self._nodes.clear()
        node_ids, first = np.unique(ids, return_index=True)
        sizes = np.concatenate([block for _, block, _ in self._ways] or [np.zeros(0, np.int64)])
        trees = {tree[0]: tree for tree in self._trees}
        return OsmData(
            node_ids,
            places[first],
            np.concatenate([block for block, _, _ in self._ways] or [np.zeros(0, np.int64)]),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate([block for _, _, block in self._ways] or [np.zeros(0, np.int64)]),
            self._way_tags,
            self._relations,
            np.array(list(trees), dtype=np.int64),
            np.array([(lon, lat) for _, lon, lat, _ in trees.values()], dtype=np.float64).reshape(-1, 2),
            [tags for _, _, _, tags in trees.values()],
        )

    def _add(self, what: str, count: int, limit: int) -> None:
        self._count[what] += count
        if self._count[what] > limit:
            raise LimitError(
                "This extract holds more than {limit} {what}.",
                hint="Cut out the city first, for example with osmium extract.",
                path=self._path,
                limit=f"{limit:,}",
                what=what,
            )
