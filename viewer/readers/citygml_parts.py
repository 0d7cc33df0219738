"""One CityGML city on several cores: cut into runs of whole members, or tile by tile, read beside each other.

This process reads from the front, its helpers from the back, until they meet. What they find is put together in the
order of the file by ``citygml_gather``.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from viewer.readers import limits
from viewer.readers.archive import ByteStream, Member
from viewer.readers.citygml_blocks import BlockReader, Head
from viewer.readers.citygml_gather import MEMBER_NAMES, MEMBERS_SEARCHED, Part, TogetherError
from viewer.readers.citygml_shortcut import InDoubtError
from viewer.readers.crew import Crew
from viewer.readers.helpers import helper_count

#: Below so many bytes, unpacked, one core is done before a helper has begun.
WORTH_BYTES = 24 * limits.MEBI
#: Bytes of a part, and how many of them are read at once.
PART_BYTES = limits.MEBI // 2
_MOST_PARTS = 8
_HEAD_BYTES = 4 * limits.MEBI
#: No start of a member is longer, bytes.
_MEMBER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class PartJob:
    """A tile, or some members of one: bytes ``start`` to ``end``; ``head_size`` bytes come before its first member.

    last : whether the tile ends with it. search : members that are searched for the reference system.
    """

    tile: Member
    start: int = 0
    end: int = 0
    head_size: int = 0
    last: bool = True
    search: int = MEMBERS_SEARCHED

    @property
    def size(self) -> int:
        """Bytes to read."""
        return self.end - self.start if self.end else self.tile.size


def part_jobs(path: Path, tiles: list[Member]) -> list[PartJob]:
    """How to share the reading of some tiles; empty where one core is as quick.

    Raises
    ------
    InDoubtError
        It is not a plain CityGML file.
    """
    if not helper_count() or sum(tile.size for tile in tiles) < WORTH_BYTES:
        return []
    if len(tiles) > 1:
        return [PartJob(tile) for tile in tiles]
    return _cut(path, tiles[0]) if tiles[0].kind == "plain" else []


def _cut(path: Path, tile: Member) -> list[PartJob]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        head = Head.of(text[:_HEAD_BYTES])
        if head is None:
            raise InDoubtError
        edges = [head.size]
        while True:
            place = text.find(head.member, edges[-1] + PART_BYTES)
            while place > 0 and text[place + len(head.member)] not in b" \t\r\n>":
                place = text.find(head.member, place + 1)
            if place < 0:
                break
            edges.append(place)
        edges.append(len(text))
    count = len(edges) - 1
    return [
        PartJob(tile, edges[i], edges[i + 1], head.size, i == count - 1, MEMBERS_SEARCHED if i == 0 else 0)
        for i in range(count)
        if count > 1
    ]


def read_part(job: PartJob, on_bytes: Callable[[int], None] | None = None) -> Part:
    """Read one part, in a helper, or here if somebody wants to be told how many bytes were read.

    Raises
    ------
    InDoubtError
        It has to be read with care. TogetherError: the whole has to be read on one core.
    """
    report = on_bytes or (lambda _: None)
    with job.tile.open() as stream:
        if not job.end:
            return Part.gathered(BlockReader(stream, MEMBER_NAMES, report), job.search)
        opening = stream.read(job.head_size + _MEMBER_BYTES)
        head = Head.of(opening)
        if head is None or head.size != job.head_size:
            raise InDoubtError
    with job.tile.path.open("rb") as file:
        file.seek(job.start)
        members = _Some(file, job.end - job.start)
        part = Part.gathered(BlockReader(members, MEMBER_NAMES, report, head, last=job.last), job.search)
    if job.search and not part.srs and part.searched < MEMBERS_SEARCHED:
        raise TogetherError  # the search would have to go on in the next part
    return part


class _Some:
    """So many bytes of a file from where it stands."""

    def __init__(self, file: ByteStream, size: int) -> None:
        self._file, self._left = file, size

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes."""
        data = self._file.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(data)
        return data


def parts_of(jobs: list[PartJob], on_bytes: Callable[[int], None]) -> Iterator[tuple[int, Part]]:
    """How many bytes were read, and what was found in them, in the order of the file.

    on_bytes : told how many bytes of those at hand were read; may raise to cancel.
    """

    def here(jobs: list[PartJob]) -> Part:
        return read_part(_joined(jobs), on_bytes)

    most = _MOST_PARTS if jobs[0].end else 1
    crew: Crew[PartJob, Part] = Crew(_read_there, here, most)
    for job in jobs:
        crew.add(job)
    for own, part in crew.results(lambda _: on_bytes(0)):
        yield sum(job.size for job in own), part


def _read_there(jobs: list[PartJob]) -> Part:
    return read_part(_joined(jobs))


def _joined(jobs: list[PartJob]) -> PartJob:
    """Parts of a tile that follow each other as one."""
    return replace(jobs[0], end=jobs[-1].end, last=jobs[-1].last)
