"""CityJSON 1.0, 1.1 and 2.0 files, plain or gzipped; a file of CityJSONSeq lines is handed on.

What a file means is decided here and in its two helpers (``cityjson_objects``, ``cityjson_geometry``);
triangles, frame and checks come from ``assemble``. Extension schemas are never fetched.
"""

from __future__ import annotations

import contextlib
import io
import re
import zlib
from dataclasses import replace
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city.merge import merge
from viewer.city.model import CityModel
from viewer.errors import LimitError, ReadError
from viewer.plugin_api import ReadContext
from viewer.plugin_api.raw import RawCity
from viewer.readers.archive import ByteStream, Member, members
from viewer.readers.assemble import assemble
from viewer.readers.cityjson_geometry import vertex_array
from viewer.readers.cityjson_header import NOT_CITYJSON, facts_of, transform_of
from viewer.readers.cityjson_objects import CityCollector
from viewer.readers.cityjson_part import TogetherError
from viewer.readers.cityjson_parts import collect_in_parts, worth_sharing
from viewer.readers.cityjson_seq import read_lines
from viewer.readers.cityjson_stream import BLOCK_BYTES, PiecewiseDocument, Unusual
from viewer.readers.json_parse import collector_off, parse
from viewer.readers.pictures import PictureFinder

#: Unpacked size up to which a file is read, bytes.
MAX_BYTES = 4 * 1024**3

NOT_JSON = "This file is not JSON: {reason}."
EMPTY_FILE = "This file is empty."
DAMAGED = "The file is damaged or incomplete."
TOO_LARGE = "This file is larger than {limit} GB unpacked."

_HEAD = re.compile(rb'"type"\s*:\s*"CityJSON(Feature)?"')


def looks_like_cityjson(head: bytes) -> bool:
    """Whether the first bytes of a file (unpacked) are those of CityJSON or CityJSONSeq.

    The members may come in any order, so a few others that only CityJSON has count as well.
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text.startswith(b"{"):
        return False
    if _HEAD.search(text):
        return True
    return any(mark in text for mark in (b'"CityObjects"', b'"vertices-templates"', b'"referenceSystem"'))


def read_cityjson(path: str | PathLike[str], context: ReadContext) -> CityModel:
    """Read a CityJSON or CityJSONSeq file, plain, gzipped or zipped; several in one archive become one city.

    Raises
    ------
    ReadError
        The file is no CityJSON at all. What is wrong in parts of it goes to the log of ``context``.
    LimitError
        It is too large or nested too deeply.
    CrsError
        It cannot be brought into the frame of ``context``.
    """
    path = Path(path)
    found = members(path, accept=looks_like_cityjson)
    if not found:
        raise ReadError(NOT_CITYJSON, path=path)
    models: list[CityModel] = []
    for i, member in enumerate(found):
        own = replace(
            context,
            frame=models[0].frame if models else context.frame,
            progress=context.progress.part(i / len(found), (i + 1) / len(found)),
        )
        models.append(assemble(_raw_member(member, own), own, path=path))
    return merge(models, log=context.log)


def _raw_member(member: Member, context: ReadContext) -> RawCity:
    """Everything of one file, before triangulation."""
    context.progress.report(0.02, "Reading the file")
    try:
        with collector_off():
            for share in (True, False):
                with contextlib.suppress(TogetherError):
                    try:
                        return _raw_pieces(member, context, share=share)
                    except Unusual:
                        break
            return _raw_whole(member, context)
    except (EOFError, OSError, zlib.error) as error:
        raise ReadError(DAMAGED, path=member.path) from error


def _raw_pieces(member: Member, context: ReadContext, *, share: bool) -> RawCity:
    """A sequence line by line, a document some objects at a time; ``share`` lets helpers take some.

    Raises
    ------
    Unusual
        The file has another shape; nothing was told to the context.
    TogetherError
        Its objects cannot be shared; nor was anything told then.
    """
    with member.open() as stream:
        file = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(_Readable(stream), 1 << 20)
        first = _line(file, member)
        second = _line(file, member)
        if second and _is_sequence(first, second):
            return read_lines(chain([first, second], iter(lambda: _line(file, member), b"")), member, context)
        pieces = PiecewiseDocument(file, first + second)
        del first, second
        collector = CityCollector(context, PictureFinder(member.path, member))
        if share and worth_sharing(member):
            document, vertices = collect_in_parts(member, pieces, collector, context.progress)
            if document.get("type") != "CityJSON":
                raise Unusual
            collector.expect(pieces.count)
            return _finished(collector, document, vertices, context)
        for number, objects in enumerate(pieces.objects()):
            collector.add(objects, None)
            collector.flatten()
            context.progress.report(min(0.05 + number * BLOCK_BYTES / max(member.size, 1), 0.6), "Collecting objects")
        document, vertices = pieces.finish()
    if document.get("type") != "CityJSON":
        raise Unusual
    collector.expect(pieces.count)
    return _finished(collector, document, vertices, context)


def _raw_whole(member: Member, context: ReadContext) -> RawCity:
    """A document parsed at once, whatever its shape."""
    with member.open() as stream:
        text = bytearray()
        while block := stream.read(BLOCK_BYTES):
            text += block
            if len(text) > MAX_BYTES:
                raise LimitError(TOO_LARGE, path=member.path, limit=MAX_BYTES // 1024**3)
    if not text.strip():
        raise ReadError(EMPTY_FILE, path=member.path)
    document = parse_document(text, member.path)
    del text
    if document.get("type") != "CityJSON" or not isinstance(document.get("CityObjects"), dict):
        raise ReadError(NOT_CITYJSON, path=member.path, hint="A CityJSON file says so in its member type.")
    context.progress.report(0.3, "Collecting objects")
    collector = CityCollector(context, PictureFinder(member.path, member))
    collector.add(document.pop("CityObjects"), None)
    vertices = document.pop("vertices", None)
    return _finished(collector, document, vertex_array(vertices if isinstance(vertices, list) else []), context)


def _finished(
    collector: CityCollector, document: dict[str, Any], vertices: NDArray[np.float64], context: ReadContext
) -> RawCity:
    """The collected objects over the vertices of their document, whose other members are left."""
    context.progress.report(0.6, "Collecting surfaces")
    scale, translate = transform_of(document, context, vertices)
    collector.set_looks(document.pop("appearance", None))
    collector.set_templates(document.pop("geometry-templates", None))
    collector.flush(scale, translate, vertices)
    return collector.raw_city(**facts_of(document, context))


class _Readable(io.RawIOBase):
    """A stream that can only ``read`` as one that ``io.BufferedReader`` takes, for its lines."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _line(file: io.BufferedReader[Any], member: Member) -> bytes:
    """The next line, empty at the end of the file."""
    line = file.readline(MAX_BYTES + 1)
    if len(line) > MAX_BYTES:
        raise LimitError(TOO_LARGE, path=member.path, limit=MAX_BYTES // 1024**3)
    return line


def _is_sequence(first: bytes, second: bytes) -> bool:
    """Whether each line is a document of its own: a header line, then features."""
    return (
        first.rstrip().endswith(b"}")
        and b'"type"' in first
        and (not second.strip() or second.lstrip().startswith(b"{"))
    )


def parse_document(text: bytes | bytearray, path: Path) -> dict[str, Any]:
    """The JSON object in ``text``; a byte order mark is tolerated."""
    try:
        document = parse(text[3:] if text.startswith(b"\xef\xbb\xbf") else text)
    except ValueError as error:
        raise ReadError(NOT_JSON, path=path, reason=str(error).rstrip(".")) from error
    if not isinstance(document, dict):
        raise ReadError(NOT_CITYJSON, path=path)
    return document
