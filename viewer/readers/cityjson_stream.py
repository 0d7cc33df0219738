"""A large CityJSON file piece by piece: objects as they come, then vertices, then what is left.

Parsed as a whole, the lists of a city take ten times the memory of its arrays. Here only the places of
quotes and braces are looked at to find where one object ends and the next begins; each piece is then parsed
by orjson. A file that does not have the usual shape is refused with ``Unusual`` and parsed as a whole instead.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.readers.cityjson_geometry import vertex_array
from viewer.readers.json_parse import parse

#: Text looked at in one go; parsed, it takes about ten times as much memory.
BLOCK_BYTES = 1 << 17

_OBJECTS = re.compile(rb'(?<!\\)"CityObjects"\s*:\s*\{')
_VERTICES = re.compile(rb'(?<!\\)"vertices"\s*:\s*\[')
_END_OF_VERTICES = re.compile(rb"\]\s*\]")
_BETWEEN = b" \t\r\n,"

_QUOTE, _BACKSLASH, _OPEN, _CLOSE = 1, 2, 3, 4
_KIND = np.zeros(256, np.uint8)
_KIND[[ord(c) for c in '"\\{}']] = (_QUOTE, _BACKSLASH, _OPEN, _CLOSE)


class Unusual(Exception):
    """The file is not shaped in the way that can be cut into pieces; never shown to a person."""


class PiecewiseDocument:
    """One CityJSON document read from ``file``, which stands at ``before``'s end.

    First take all of ``objects()``, then ``finish()`` once.
    """

    def __init__(self, file: io.BufferedIOBase, before: bytes) -> None:
        self._file = file
        self._before = before
        self._prefix = b""
        self._rest = b""

    def objects(self) -> Iterator[dict[str, Any]]:
        """The city objects, some at a time, as parsed.

        Raises
        ------
        Unusual
            They were not found or cannot be cut apart.
        """
        block = self._before or self._file.read(BLOCK_BYTES)
        match = _OBJECTS.search(block)
        if match is None:
            raise Unusual
        self._prefix, block = block[: match.end()], block[match.end() :]
        scanner = _Scanner()
        waiting: list[bytes] = []
        while True:
            block = self._whole_escapes(block)
            cut, end = scanner.scan(block)
            if end is not None:
                yield _parsed([*waiting, block[:end]])
                self._rest = block[end:]
                return
            if cut:
                yield _parsed([*waiting, block[:cut]])
                waiting = []
            waiting.append(block[cut:])
            block = self._file.read(BLOCK_BYTES)
            if not block:
                raise Unusual

    def _whole_escapes(self, block: bytes) -> bytes:
        """``block`` and as much more that it does not end within an escape."""
        while block.endswith(b"\\"):
            more = self._file.read(1)
            if not more:
                break
            block += more
        return block

    def finish(self) -> tuple[dict[str, Any], NDArray[np.float64]]:
        """The document without its objects and vertices, and the vertices as numbers of the file (V, 3)."""
        tail = bytearray(self._rest)
        self._rest = b""
        while block := self._file.read(BLOCK_BYTES):
            tail += block
        skeleton, vertices = self._without_vertices(self._prefix, tail)
        try:
            document = parse(skeleton)
        except ValueError as error:
            raise Unusual from error
        if not isinstance(document, dict) or document.get("CityObjects") != {} or "vertices" not in document:
            raise Unusual
        if document["vertices"] != []:
            raise Unusual
        return document, vertices

    @staticmethod
    def _without_vertices(prefix: bytes, tail: bytearray) -> tuple[bytes, NDArray[np.float64]]:
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
        vertices = _vertices(memoryview(text)[start:end])
        parts = (text[:start], text[end:])
        return (bytes(parts[0] + parts[1] + tail) if before else bytes(prefix + parts[0] + parts[1])), vertices


class _Scanner:
    """Follows strings and braces from block to block."""

    def __init__(self) -> None:
        self._depth = 0
        self._inside_string = False

    def scan(self, block: bytes) -> tuple[int, int | None]:
        """End of the last whole object in ``block`` (0: none), and where the object of all objects closes."""
        kind = _KIND[np.frombuffer(block, np.uint8)]
        place = np.flatnonzero(kind)
        kind = kind[place]
        quote = kind == _QUOTE
        if (kind == _BACKSLASH).any():
            quote[_escaped(place, kind)] = False
        inside = (np.cumsum(quote) + self._inside_string) % 2 == 1
        step = np.where(kind == _OPEN, 1, np.where(kind == _CLOSE, -1, 0))
        step[inside] = 0
        depth = self._depth + np.cumsum(step)
        if len(place):
            self._depth, self._inside_string = int(depth[-1]), bool(inside[-1])
        closing = (step == -1).nonzero()[0]
        beyond = closing[depth[closing] < 0]
        if len(beyond):
            return 0, int(place[beyond[0]])
        whole = closing[depth[closing] == 0]
        return (int(place[whole[-1]]) + 1 if len(whole) else 0), None


def _escaped(place: NDArray[np.int64], kind: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Quotes that follow an odd number of backslashes, as positions in ``place``."""
    slash = np.flatnonzero(kind == _BACKSLASH)
    at = place[slash]
    first = np.append(True, np.diff(at) != 1)
    run_start = np.flatnonzero(first)
    run_length = np.diff(np.append(run_start, len(slash)))
    last = run_start + run_length - 1
    odd = run_length % 2 == 1
    following = slash[last[odd]] + 1
    after = at[last[odd]] + 1
    exists = following < len(place)
    following, after = following[exists], after[exists]
    found: NDArray[np.int64] = following[(place[following] == after) & (kind[following] == _QUOTE)]
    return found


def _parsed(parts: list[bytes]) -> dict[str, Any]:
    text = b"".join(parts).strip(_BETWEEN)
    try:
        objects = parse(b"{" + text + b"}")
    except ValueError as error:
        raise Unusual from error
    if not isinstance(objects, dict):
        raise Unusual
    return objects


def _vertices(text: memoryview) -> NDArray[np.float64]:
    """Vertices from the text between the outer brackets, block by block."""
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
