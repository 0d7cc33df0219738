"""A large CityJSON file piece by piece: objects as they come, then vertices, then what is left.

Parsed as a whole, the lists of a city take ten times the memory of its arrays. Here only the places of
quotes and braces are looked at to find where one object ends and the next begins; each piece is then parsed
by orjson. A file that does not have the usual shape is refused with ``Unusual`` and parsed as a whole instead.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.readers.cityjson_geometry import vertex_array
from viewer.readers.json_parse import parse

#: Text looked at in one go; parsed, it takes about ten times as much memory.
BLOCK_BYTES = 1 << 17

#: So much may come before the objects, bytes.
_MOST_BEFORE = 1 << 22

_OBJECTS = re.compile(rb'(?<!\\)"CityObjects"\s*:\s*\{')
_VERTICES = re.compile(rb'(?<!\\)"vertices"\s*:\s*\[')
_END_OF_VERTICES = re.compile(rb"\]\s*\]")
_BETWEEN = b" \t\r\n,"

#: (start, end, text) -> (V, 3)
ReadVertices = Callable[[int, int, memoryview], NDArray[np.float64]]


class Unusual(Exception):
    """The file is not shaped in the way that can be cut into pieces; never shown to a person."""


class PiecewiseDocument:
    """One CityJSON document read from ``file``, which stands at ``before``'s end.

    First take all of ``objects()``, or of ``cuts()``, then ``finish()`` once.
    """

    def __init__(self, file: io.BufferedIOBase, before: bytes) -> None:
        self._file = file
        self._before = before
        self._prefix = b""
        self._rest = b""
        self._used = self._end = 0
        #: How many objects were seen, once all were taken.
        self.count = 0

    def objects(self) -> Iterator[dict[str, Any]]:
        """The city objects, some at a time, as parsed.

        Raises
        ------
        Unusual
            They were not found or cannot be cut apart.
        """
        waiting: list[bytes] = []
        for block, first, last, _, whole in self._pieces():
            waiting.append(block[first:last])
            if whole:
                yield parsed_objects(b"".join(waiting))
                waiting = []

    def cuts(self) -> Iterator[tuple[int, int]]:
        """Where in the file some whole objects begin and end, in the same pieces as ``objects`` gives them.

        Raises
        ------
        Unusual
            They were not found or cannot be cut apart.
        """
        start = -1
        for _, first, last, end, whole in self._pieces():
            start = end - (last - first) if start < 0 else start
            if whole:
                yield start, end
                start = end

    def _pieces(self) -> Iterator[tuple[bytes, int, int, int, bool]]:
        """Runs of text: a block, from where to where in it, where in the file that is, and whether an object ends."""
        blocks = self._blocks()
        block = next(blocks, b"")
        match = _OBJECTS.search(block)
        if match is None:
            raise Unusual
        self._prefix, block = block[: match.end()], block[match.end() :]
        at = match.end()
        scanner = _Scanner()
        while True:
            block = self._whole_escapes(block)
            cut, end = scanner.scan(block)
            if end is not None:
                self._end, self.count = at + end, scanner.count
                self._rest = block[end:] + self._before[self._used :]
                self._before = b""
                yield block, 0, end, at + end, True
                return
            if cut:
                yield block, 0, cut, at + cut, True
            if cut < len(block):
                yield block, cut, len(block), at + len(block), False
            at += len(block)
            block = next(blocks, b"")
            if not block:
                raise Unusual

    def _blocks(self) -> Iterator[bytes]:
        """The text in runs, first of what was read before; the objects begin in the first."""
        found = _OBJECTS.search(self._before)
        while found is None and len(self._before) < _MOST_BEFORE and (more := self._file.read(BLOCK_BYTES)):
            looked_at = max(len(self._before) - BLOCK_BYTES, 0)
            self._before += more
            found = _OBJECTS.search(self._before, looked_at)
        size = (found.end() if found is not None else len(self._before)) + BLOCK_BYTES
        while block := self._before[self._used : self._used + size]:
            self._used += len(block)
            size = BLOCK_BYTES
            yield block
        while block := self._file.read(BLOCK_BYTES):
            yield block

    def _whole_escapes(self, block: bytes) -> bytes:
        """``block`` and as much more that it does not end within an escape."""
        while block.endswith(b"\\"):
            more = self._before[self._used : self._used + 1]
            self._used += len(more)
            more = more or self._file.read(1)
            if not more:
                break
            block += more
        return block

    def finish(self, read: ReadVertices | None = None) -> tuple[dict[str, Any], NDArray[np.float64]]:
        """The document without its objects and vertices, and the vertices as numbers of the file (V, 3).

        read : told where in the file the vertices begin and end, and given the text there; parses them.
        """
        tail = bytearray(self._rest)
        self._rest = b""
        while block := self._file.read(BLOCK_BYTES):
            tail += block
        skeleton, vertices = self._without_vertices(self._prefix, tail, read)
        try:
            document = parse(skeleton)
        except ValueError as error:
            raise Unusual from error
        if not isinstance(document, dict) or document.get("CityObjects") != {} or "vertices" not in document:
            raise Unusual
        if document["vertices"] != []:
            raise Unusual
        return document, vertices

    def _without_vertices(
        self, prefix: bytes, tail: bytearray, read: ReadVertices | None
    ) -> tuple[bytes, NDArray[np.float64]]:
        """Cut the vertices out of the text around the objects."""
        before = _VERTICES.search(prefix)
        text: bytes | bytearray = prefix if before else tail
        match = before or _VERTICES.search(tail)
        if match is None:
            raise Unusual
        start = match.end()
        close = _END_OF_VERTICES.search(text, start)
        if close is None:
            raise Unusual
        end = close.start() + 1
        view, base = memoryview(text)[start:end], 0 if before else self._end
        vertices = parsed_vertices(view) if read is None else read(base + start, base + end, view)
        view.release()
        parts = (text[:start], text[end:])
        return (bytes(parts[0] + parts[1] + tail) if before else bytes(prefix + parts[0] + parts[1])), vertices


class _Scanner:
    """Follows strings and braces from block to block. count : whole objects so far."""

    def __init__(self) -> None:
        self.count = 0
        self._depth = 0
        self._inside_string = False

    def scan(self, block: bytes) -> tuple[int, int | None]:
        """End of the last whole object in ``block`` (0: none), and where the object of all objects closes."""
        text = np.frombuffer(block, np.uint8)
        quotes = np.flatnonzero(text == ord('"'))
        if b"\\" in block:
            quotes = quotes[~np.isin(quotes, _escaped(np.flatnonzero(text == ord("\\"))))]
        braces = np.flatnonzero(text - np.uint8(ord("{")) <= 2)  # {|}
        kind = text[braces]
        step = np.where(kind == ord("{"), 1, np.where(kind == ord("}"), -1, 0))
        step[(np.searchsorted(quotes, braces) + self._inside_string) % 2 == 1] = 0
        depth = self._depth + np.cumsum(step)
        if len(braces):
            self._depth = int(depth[-1])
        self._inside_string = (len(quotes) + self._inside_string) % 2 == 1
        closing = (step == -1).nonzero()[0]
        beyond = closing[depth[closing] < 0]
        if len(beyond):
            self.count += int((depth[closing[closing < beyond[0]]] == 0).sum())
            return 0, int(braces[beyond[0]])
        whole = closing[depth[closing] == 0]
        self.count += len(whole)
        return (int(braces[whole[-1]]) + 1 if len(whole) else 0), None


def _escaped(slash: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of what follows an odd number of backslashes, which stand at ``slash``."""
    last = np.flatnonzero(np.append(np.diff(slash) != 1, True))
    length = np.diff(np.append(-1, last))
    found: NDArray[np.int64] = slash[last[length % 2 == 1]] + 1
    return found


def parsed_objects(text: bytes) -> dict[str, Any]:
    """Some whole objects with their ids, as parsed.

    Raises
    ------
    Unusual
        They are not.
    """
    try:
        objects = parse(b"{" + text.strip(_BETWEEN) + b"}")
    except ValueError as error:
        raise Unusual from error
    if not isinstance(objects, dict):
        raise Unusual
    return objects


def parsed_vertices(text: memoryview) -> NDArray[np.float64]:
    """(V, 3) vertices from some of the text between the outer brackets, block by block.

    Raises
    ------
    Unusual
        They are not.
    """
    pieces: list[NDArray[np.float64]] = []
    start = 0
    while start < len(text):
        block = bytes(text[start : start + BLOCK_BYTES])
        end = block.rfind(b"]") + 1
        if not end:
            raise Unusual
        try:
            values = parse(b"[" + block[:end].strip(_BETWEEN) + b"]")
        except ValueError as error:
            raise Unusual from error
        if not isinstance(values, list):
            raise Unusual
        pieces.append(vertex_array(values))
        start += end
    return np.concatenate(pieces) if pieces else np.zeros((0, 3))
