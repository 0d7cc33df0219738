"""CityJSONSeq: a header line, then one ``CityJSONFeature`` per line, read as a stream.

Lines are gathered into batches of vertices and flattened batch by batch, so memory stays near the arrays.
A line that cannot be used costs that line alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.plugin_api import ReadContext
from viewer.plugin_api.raw import RawCity
from viewer.readers.archive import Member
from viewer.readers.cityjson_header import NOT_CITYJSON, facts_of, transform_of
from viewer.readers.cityjson_objects import CityCollector
from viewer.readers.json_parse import collector_off, parse
from viewer.readers.pictures import PictureFinder

#: Vertices gathered before they become arrays.
BATCH_VERTICES = 50_000

BROKEN_LINE = "Lines that are not JSON were left out ({count})."
OTHER_LINE = "Lines that are neither a CityJSON header nor a feature were left out ({count})."
NO_HEADER = "The first line of CityJSONSeq should name scale and coordinate system, but it is missing."


def read_lines(lines: Iterable[bytes], member: Member, context: ReadContext) -> RawCity:
    """Everything of a sequence, before triangulation."""
    reader = _LineReader(context, member)
    taken = 0
    with collector_off():
        for number, line in enumerate(lines, start=1):
            taken += len(line)
            if number % 256 == 0:
                context.progress.report(0.05 + 0.6 * min(taken / max(member.size, 1), 1.0), "Reading the file")
            if line.strip():
                reader.take(line, f"line {number}")
    return reader.finish(member.path)


class _LineReader:
    """Takes line after line; knows the transform that holds for the features of the moment."""

    def __init__(self, context: ReadContext, member: Member) -> None:
        self._context = context
        self._collector = CityCollector(context, PictureFinder(member.path, member))
        self._header: dict[str, Any] | None = None
        self._of_header = (np.ones(3), np.zeros(3))
        self._current = self._of_header

    def take(self, line: bytes, place: str) -> None:
        try:
            document = parse(line[3:] if line.startswith(b"\xef\xbb\xbf") else line)
        except ValueError:
            self._context.warn(BROKEN_LINE, where=place)
            return
        kind = document.get("type") if isinstance(document, dict) else None
        if not isinstance(document, dict) or kind not in ("CityJSON", "CityJSONFeature"):
            self._context.warn(OTHER_LINE, where=place)
            return
        if kind == "CityJSON":
            self._take_header(document)
        transform = self._of_header
        if kind == "CityJSONFeature" and "transform" in document:
            transform = transform_of(document, self._context)
        self._use(transform)
        if kind == "CityJSONFeature" and "appearance" in document:
            self._collector.begin_looks()
            self._collector.set_looks(document["appearance"])
        objects = document.get("CityObjects")
        if objects or kind == "CityJSONFeature":
            self._collector.add(objects, document.get("vertices"), place)
        if self._collector.pending > BATCH_VERTICES:
            self._collector.flush(*self._current)

    def _take_header(self, document: dict[str, Any]) -> None:
        self._collector.flush(*self._current)
        self._of_header = transform_of(document, self._context)
        self._collector.begin_looks()
        self._collector.set_looks(document.get("appearance"))
        self._collector.set_templates(document.get("geometry-templates"))
        if self._header is None:
            self._header = {name: document[name] for name in document if name not in ("CityObjects", "vertices")}

    def _use(self, transform: tuple[NDArray[np.float64], NDArray[np.float64]]) -> None:
        if not np.array_equal(transform, self._current):
            self._collector.flush(*self._current)
            self._current = transform

    def finish(self, path: Path) -> RawCity:
        if not len(self._collector) and self._header is None:
            raise ReadError(NOT_CITYJSON, path=path)
        self._collector.flush(*self._current)
        if self._header is None:
            self._context.warn(NO_HEADER)
            facts = {"format": "CityJSON"}
        else:
            facts = facts_of(self._header, self._context)
        return self._collector.raw_city(**{**facts, "format": "CityJSONSeq"})
