"""One CityJSON document on several cores: where its objects begin is found here, helpers parse and flatten them.

Objects and vertices are read from the file again by whoever parses them, so that only arrays, ids and attributes go
from one process to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.plugin_api import Progress, ReadContext
from viewer.readers import limits
from viewer.readers.archive import Member
from viewer.readers.cityjson_objects import CityCollector
from viewer.readers.cityjson_part import CityPart
from viewer.readers.cityjson_stream import PiecewiseDocument, Unusual, parsed_objects, parsed_vertices
from viewer.readers.crew import Crew
from viewer.readers.helpers import helper_count
from viewer.readers.json_parse import collector_off

#: Below so many bytes one core is done before a helper has begun.
WORTH_BYTES = 12 * limits.MEBI
#: Text of a unit of work, and how many of them are taken at once.
UNIT_BYTES = limits.MEBI // 4
_MOST_UNITS = 4


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of a file; ``edges`` are where pieces of whole objects begin and end, or the ends of some ``vertices``."""

    path: Path
    edges: tuple[int, ...]
    vertices: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of some stretches: objects, vertices, or both."""

    objects: CityPart | None = None
    vertices: NDArray[np.float64] | None = None


def worth_sharing(member: Member) -> bool:
    """Whether a file is large enough, and can be read from several places."""
    return member.kind == "plain" and member.size >= WORTH_BYTES and helper_count() > 0


def collect_in_parts(
    member: Member, pieces: PiecewiseDocument, collector: CityCollector, progress: Progress
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """Let ``collector`` take all objects; the rest of the document, and its vertices.

    Raises
    ------
    Unusual, TogetherError
        The document cannot be taken apart.
    """
    crew: Crew[Stretch, Taken] = Crew(take, take, _MOST_UNITS)
    try:
        edges: list[int] = []
        for start, end in pieces.cuts():
            edges = edges or [start]
            edges.append(end)
            if edges[-1] - edges[0] >= UNIT_BYTES:
                crew.add(Stretch(member.path, tuple(edges)))
                edges = []
                progress.report(min(0.05 + 0.1 * end / max(member.size, 1), 0.15), "Collecting objects")
        if edges:
            crew.add(Stretch(member.path, tuple(edges)))

        def share_vertices(start: int, end: int, text: memoryview) -> NDArray[np.float64]:
            for edges in _vertex_edges(start, text):
                crew.add(Stretch(member.path, edges, vertices=True))
            return np.zeros((0, 3))

        document, _ = pieces.finish(share_vertices)
        vertices = [np.zeros((0, 3))]
        for _, taken in crew.results(lambda done: progress.report(0.15 + 0.45 * done, "Collecting objects")):
            if taken.objects is not None:
                collector.absorb(taken.objects)
            if taken.vertices is not None:
                vertices.append(taken.vertices)
    finally:
        crew.leave()
    return document, np.concatenate(vertices)


def _vertex_edges(start: int, text: memoryview) -> list[tuple[int, int]]:
    """Where in the file runs of vertices begin and end, from the text of all, which begins at ``start``."""
    edges = [0]
    while edges[-1] < len(text):
        place = edges[-1] + UNIT_BYTES
        near = bytes(text[place : place + 1024])
        after = near.find(b"]") + 1
        if place < len(text) and not after:
            raise Unusual
        edges.append(place + after if place < len(text) else len(text))
    return [(start + one, start + other) for one, other in pairwise(edges)]


def take(stretches: list[Stretch]) -> Taken:
    """Parse some stretches that follow each other, and flatten the objects in them.

    Raises
    ------
    Unusual, TogetherError
        They cannot be taken apart from the others.
    """
    with collector_off():
        objects = [stretch for stretch in stretches if not stretch.vertices]
        part = _objects(objects) if objects else None
        places = [parsed_vertices(memoryview(_text(stretch))) for stretch in stretches if stretch.vertices]
        return Taken(part, np.concatenate(places) if places else None)


def _objects(stretches: list[Stretch]) -> CityPart:
    collector = CityCollector(ReadContext())
    for stretch in stretches:
        text, base = _text(stretch), stretch.edges[0]
        for start, end in pairwise(stretch.edges):
            collector.add(parsed_objects(text[start - base : end - base]), None)
            collector.flatten()
    return collector.part()


def _text(stretch: Stretch) -> bytes:
    with stretch.path.open("rb") as file:
        file.seek(stretch.edges[0])
        return file.read(stretch.edges[-1] - stretch.edges[0])
