"""One CityGML city on several cores: cut into runs of whole members, or tile by tile, read beside each other.

This process reads from the front, its helpers from the back, until they meet. What they find is put together in the
order of the file by ``citygml_gather``.
"""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from viewer.readers import limits
from viewer.readers.archive import ByteStream, Member
from viewer.readers.citygml_blocks import BlockReader, Head
from viewer.readers.citygml_gather import MEMBER_NAMES, MEMBERS_SEARCHED, Part, TogetherError
from viewer.readers.citygml_shortcut import InDoubtError
from viewer.readers.helpers import awaited, helper_count, submit

#: Below so many bytes, unpacked, one core is done before a helper has begun.
WORTH_BYTES = 24 * limits.MEBI
#: Bytes of a part: a helper has one in hand and two waiting, which nobody can take from it at the end.
PART_BYTES = 4 * limits.MEBI
_HEAD_BYTES = 4 * limits.MEBI


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
    here = on_bytes is not None
    report = on_bytes or (lambda _: None)
    with job.tile.open() as stream:
        if not job.end:
            return Part.gathered(BlockReader(stream, MEMBER_NAMES, report), job.search, here=here)
        opening = stream.read(_HEAD_BYTES)
        head = Head.of(opening)
        if head is None or head.size != job.head_size:
            raise InDoubtError
    with job.tile.path.open("rb") as file:
        file.seek(job.start)
        members = _Some(file, job.end - job.start)
        part = Part.gathered(BlockReader(members, MEMBER_NAMES, report, head, last=job.last), job.search, here=here)
    if job.search and not part.srs and part.searched < MEMBERS_SEARCHED:
        part.parcel.drop()
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


def parts_of(jobs: list[PartJob], on_bytes: Callable[[int], None]) -> Iterator[tuple[PartJob, Part]]:
    """The parts in their order; those that no helper has begun when their turn comes are read here.

    on_bytes : told how many bytes of the part at hand were read; may raise to cancel.
    """
    futures: list[Future[Part]] = []
    with contextlib.suppress(OSError):  # without helpers all is read here
        for job in reversed(jobs[1:]):
            futures.insert(0, submit(read_part, job))
    helped = len(jobs) - len(futures)
    try:
        for number, job in enumerate(jobs):
            future = futures[number - helped] if number >= helped else None
            if future is None or future.cancel():
                part = read_part(job, on_bytes)
            else:
                part = _result(future, job, on_bytes)
            on_bytes(0)
            yield job, part
    finally:
        for future in futures:
            if not future.cancel():
                future.add_done_callback(_drop)


def _result(future: Future[Part], job: PartJob, on_bytes: Callable[[int], None]) -> Part:
    try:
        return awaited(future, lambda: on_bytes(0))
    except OSError:  # the helper was ended, or had no room
        return read_part(job, on_bytes)


def _drop(future: Future[Part]) -> None:
    """Free what nobody takes any more."""
    if not future.cancelled() and future.exception() is None:
        future.result().parcel.drop()
