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
from viewer.readers.helpers import Crew, OpenParcel, Parcel, helper_count
from viewer.readers.json_parse import collector_off

#: Below so many bytes one core is done before a helper has begun.
WORTH_BYTES = 12 * limits.MEBI
#: Text handed over at once.
PART_BYTES = limits.MEBI


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of a file; ``edges`` are where pieces of whole objects begin and end, or the ends of some vertices."""

    path: Path
    edges: tuple[int, ...]


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
    crew: Crew[Stretch, CityPart] = Crew(read_objects, lambda part: part.parcel.drop())
    try:
        edges: list[int] = []
        for start, end in pieces.cuts():
            edges = edges or [start]
            edges.append(end)
            if edges[-1] - edges[0] >= PART_BYTES:
                crew.add(Stretch(member.path, tuple(edges)))
                edges = []
                progress.report(min(0.05 + 0.1 * end / max(member.size, 1), 0.15), "Collecting objects")
        if edges:
            crew.add(Stretch(member.path, tuple(edges)))

        points: Crew[Stretch, Parcel | OpenParcel] = Crew(read_vertices, lambda parcel: parcel.drop())

        def share_vertices(start: int, end: int, text: memoryview) -> NDArray[np.float64]:
            for edges in _vertex_edges(start, text):
                points.add(Stretch(member.path, edges))
            return np.zeros((0, 3))

        document, _ = pieces.finish(share_vertices)
        for part in crew.finish(lambda done: progress.report(0.15 + 0.35 * done, "Collecting objects")):
            collector.absorb(part)
        vertices = [np.zeros((0, 3))]
        for parcel in points.finish(lambda done: progress.report(0.5 + 0.1 * done, "Collecting objects")):
            with parcel.open() as arrays:
                vertices.append(arrays["vertices"].copy())
                del arrays
    except BaseException:
        crew.leave()
        raise
    return document, np.concatenate(vertices)


def _vertex_edges(start: int, text: memoryview) -> list[tuple[int, int]]:
    """Where in the file runs of vertices begin and end, from the text of all, which begins at ``start``."""
    edges = [0]
    while edges[-1] < len(text):
        place = edges[-1] + PART_BYTES
        near = bytes(text[place : place + 1024])
        after = near.find(b"]") + 1
        if place < len(text) and not after:
            raise Unusual
        edges.append(place + after if place < len(text) else len(text))
    return [(start + one, start + other) for one, other in pairwise(edges)]


def read_objects(stretch: Stretch, here: bool) -> CityPart:
    """Parse and flatten some objects.

    Raises
    ------
    Unusual, TogetherError
        They cannot be taken apart from the others.
    """
    collector = CityCollector(ReadContext())
    text = _text(stretch)
    base = stretch.edges[0]
    with collector_off():
        for start, end in pairwise(stretch.edges):
            collector.add(parsed_objects(text[start - base : end - base]), None)
            collector.flatten()
        return collector.part(here=here)


def read_vertices(stretch: Stretch, here: bool) -> Parcel | OpenParcel:
    """Parse some vertices.

    Raises
    ------
    Unusual
        They are none.
    """
    with collector_off():
        arrays = {"vertices": parsed_vertices(memoryview(_text(stretch)))}
    return OpenParcel(arrays) if here else Parcel.of(arrays)


def _text(stretch: Stretch) -> bytes:
    with stretch.path.open("rb") as file:
        file.seek(stretch.edges[0])
        return file.read(stretch.edges[-1] - stretch.edges[0])
