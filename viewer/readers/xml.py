"""One hardened way to read XML: members of a collection one after the other, nothing expanded, nothing fetched.

Entities are refused, DTDs are not loaded, the network is off. Knows nothing of cities.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from lxml import etree

from viewer.errors import LimitError, ReadError
from viewer.readers import limits
from viewer.readers.archive import ByteStream

Element = Any

#: For every parser of files from strangers.
SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": True,
    "remove_comments": True,
    "remove_pis": True,
    "collect_ids": False,
}
_CHUNK = 1 << 18
_ROOT_START = re.compile(rb"<[A-Za-z_]")


@dataclass(slots=True)
class MemberReader:
    """Iterates over the members of one XML collection; each is cleared when the next one is asked for.

    stream : bytes of the file. tags : names of the member elements, ``"{*}cityObjectMember"``; only children of
    the root count. on_bytes : told how many bytes were read so far; may raise to cancel.
    root : the root element, once the first member was seen or the end was reached. broken : why reading ended
    before the end of the file, as said by the parser; empty if it did not. line : where.
    """

    stream: ByteStream
    tags: tuple[str, ...]
    path: str | PathLike[str]
    on_bytes: Callable[[int], None] | None = None
    root: Element = None
    broken: str = ""
    line: int = 0
    complete: bool = False

    def __iter__(self) -> Iterator[Element]:
        """Members in the order of the file.

        Raises
        ------
        ReadError
            The file declares entities. LimitError: it is nested too deeply or too large.
        """
        parser = etree.XMLPullParser(events=("end",), tag=self.tags, **SAFE)
        self._feed_prolog(parser)
        events = parser.read_events()
        read = 0
        while True:
            yield from self._members(events)
            chunk, error = self._read()
            read += len(chunk)
            if read > limits.MAX_FILE_BYTES:
                raise limits.too_large(Path(self.path).name, limits.MAX_FILE_BYTES, self.path)
            if self.on_bytes is not None:
                self.on_bytes(read)
            try:
                if error:
                    raise error
                if chunk:
                    parser.feed(chunk)
                    continue
                self._keep_root(parser.close())
                self.complete = True
            except (etree.XMLSyntaxError, EOFError, OSError) as problem:
                self._note(problem)
            yield from self._members(events)
            return

    def _read(self) -> tuple[bytes, Exception | None]:
        try:
            return self.stream.read(_CHUNK), None
        except (EOFError, OSError, ValueError) as error:
            return b"", error if isinstance(error, (EOFError, OSError)) else EOFError(str(error))

    def _members(self, events: Any) -> Iterator[Element]:
        for _, element in events:
            parent = element.getparent()
            if parent is None or parent.getparent() is not None:
                continue
            self._keep_root(parent)
            yield element
            element.clear()
            previous = element.getprevious()
            while previous is not None and previous.tag == element.tag:
                parent.remove(previous)
                previous = element.getprevious()

    def _keep_root(self, root: Element) -> None:
        if self.root is not None or root is None:
            return
        self.root = root
        dtd = root.getroottree().docinfo.internalDTD
        if dtd is not None and any(True for _ in dtd.iterentities()):
            raise _entities(self.path)

    def _feed_prolog(self, parser: Any) -> None:
        """Look at everything before the root element, where entities would be declared."""
        head = b""
        while len(head) < limits.MAX_PROLOG_BYTES:
            chunk, error = self._read()
            if error:
                self._note(error)
            if not chunk:
                break
            head += chunk
            if _ROOT_START.search(_plain(head)):
                break
        start = _ROOT_START.search(_plain(head))
        prolog = _plain(head)[: start.start()] if start else _plain(head)
        if b"<!ENTITY" in prolog:
            raise _entities(self.path)
        try:
            if head:
                parser.feed(head)
        except etree.XMLSyntaxError as problem:
            self._note(problem)

    def _note(self, problem: Exception) -> None:
        text = str(getattr(problem, "msg", "") or problem)
        if "depth" in text.lower():
            raise LimitError(
                "The file is nested deeper than {limit} levels, the limit for safe reading.",
                path=self.path,
                limit=limits.MAX_XML_DEPTH,
            ) from problem
        if "entity" in text.lower() and "amplification" in text.lower():
            raise _entities(self.path) from problem
        if not self.broken:
            self.broken = text
            self.line = int(getattr(problem, "lineno", 0) or 0)


def _plain(head: bytes) -> bytes:
    """The head with UTF-16 and UTF-32 made readable as ASCII."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:8]:
        return head.replace(b"\0", b"")
    return head


def _entities(path: str | PathLike[str]) -> ReadError:
    return ReadError(
        "The file declares XML entities, which city files do not need and which can do harm.",
        hint="Nothing was read. Ask whoever made the file for one without a DOCTYPE.",
        path=path,
    )
