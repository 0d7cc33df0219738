"""OpenStreetMap XML, element by element: no entities, nothing fetched, a cut-off end costs only the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from viewer.plugin_api import LimitError, ReadContext, ReadError

from .data import KEYS, NO_TAGS, Collector

MAX_XML_BYTES = 8 * 1024**3
_BLOCK = 100_000


def read_xml(path: Path, collector: Collector, context: ReadContext) -> None:
    """Hand the nodes, ways and relations of a file to the collector.

    Raises
    ------
    ReadError, LimitError
        It is no OpenStreetMap XML, declares entities, or is too large.
    """
    from lxml import etree

    size = path.stat().st_size
    if size > MAX_XML_BYTES:
        raise LimitError("This file is larger than {limit} GB.", path=path, limit=MAX_XML_BYTES // 1024**3)
    blocks = _Blocks(collector)
    with path.open("rb") as file:
        events = etree.iterparse(
            file, events=("start", "end"), tag=("osm", "node", "way", "relation"), resolve_entities=False,
            no_network=True, load_dtd=False, attribute_defaults=False, remove_comments=True, remove_pis=True,
            collect_ids=False, huge_tree=True,
        )  # fmt: skip
        try:
            for number, (event, element) in enumerate(events):
                if event == "start":
                    _refuse_entities(element, path)
                    continue
                blocks.take(element)
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
                if not number % 20_000:
                    context.progress.report(0.02 + 0.35 * file.tell() / max(size, 1), "Reading")
        except etree.XMLSyntaxError as error:
            blocks.finish()
            if collector.empty:
                reason = str(error.msg)[:200]
                raise ReadError("This is no OpenStreetMap file ({reason}).", path=path, reason=reason) from error
            context.warn(
                "The file breaks off or is damaged; what stands before that place is shown.",
                where=f"line {error.lineno}",
            )
    blocks.finish()
    context.warn("Elements that cannot be understood, left out: {count}", count=blocks.passed_over)


def _refuse_entities(element, path: Path) -> None:
    """An extract has no document type; a hostile file has."""
    if element.getparent() is None and element.getroottree().docinfo.internalDTD is not None:
        raise ReadError("The file declares a document type, which OpenStreetMap files do not have.", path=path)


class _Blocks:
    """Elements gathered until there are enough for an array."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._nodes: list[tuple[int, float, float]] = []
        self._ways: list[tuple[int, list[int], dict[str, str]]] = []
        self.passed_over = 0

    def take(self, element) -> None:
        """Keep what an element says; one that cannot be understood is counted."""
        if element.get("visible") == "false" or element.get("action") == "delete":
            return
        try:
            if element.tag == "node":
                self._node(element)
            elif element.tag == "way":
                nodes = [_int64(child.get("ref")) for child in element.iterchildren("nd")]
                tags = _tags(element)
                self._ways.append((_id(element), nodes, tags if KEYS & tags.keys() else NO_TAGS))
            elif element.tag == "relation":
                members = [
                    (_int64(child.get("ref")), child.get("role") or "")
                    for child in element.iterchildren("member")
                    if child.get("type") == "way"
                ]
                self._collector.add_relation(_id(element), _tags(element), members)
        except (TypeError, ValueError, OverflowError):
            self.passed_over += 1
        if len(self._nodes) >= _BLOCK or len(self._ways) >= _BLOCK:
            self.finish()

    def finish(self) -> None:
        """Hand over what was gathered."""
        if self._nodes:
            ids = np.array([node[0] for node in self._nodes], dtype=np.int64)
            self._collector.add_nodes(ids, np.array([node[1:] for node in self._nodes], dtype=np.float64))
        if self._ways:
            self._collector.add_ways(
                np.array([way[0] for way in self._ways], dtype=np.int64),
                np.array([len(way[1]) for way in self._ways], dtype=np.int64),
                np.array([node for way in self._ways for node in way[1]], dtype=np.int64),
                [way[2] for way in self._ways],
            )
        self._nodes, self._ways = [], []

    def _node(self, element) -> None:
        own_id, lon, lat = _id(element), float(element.get("lon")), float(element.get("lat"))
        self._nodes.append((own_id, lon, lat))
        if len(element):
            tags = _tags(element)
            if tags.get("natural") == "tree":
                self._collector.add_tree(own_id, lon, lat, tags)


def _id(element) -> int:
    return _int64(element.get("id"))


def _int64(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise OverflowError
    return value


def _tags(element) -> dict[str, str]:
    return {child.get("k") or "": child.get("v") or "" for child in element.iterchildren("tag")}
