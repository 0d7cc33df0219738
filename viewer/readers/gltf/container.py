"""The files of a glTF model: GLB chunks, JSON, and buffers inside it, beside it or in the text itself."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from viewer.errors import ReadError
from viewer.readers.gltf.fields import Fields, parse_fields, wrong
from viewer.readers.limits import MEBI, too_large

#: Largest file of a model, bytes.
MAX_MODEL_BYTES = 1024 * MEBI
_JSON, _BINARY = 0x4E4F534A, 0x004E4942

#: Gives the bytes a relative address stands for.
Fetch = Callable[[str], bytes]


def fetch_beside(folder: Path) -> Fetch:
    """A ``Fetch`` for files in a folder and below it; nothing outside is ever opened."""
    root = folder.resolve()

    def fetch(uri: str) -> bytes:
        path = path_beside(root, uri)
        if path is None:
            raise ReadError("{name} lies outside the folder of the file and is not opened.", name=uri[:120])
        try:
            if path.stat().st_size > MAX_MODEL_BYTES:
                raise too_large(path.name, MAX_MODEL_BYTES, path)
            return unpacked(path.read_bytes(), path)
        except FileNotFoundError:
            raise ReadError("{name} is missing.", name=uri[:120], path=path) from None
        except (OSError, ValueError) as error:
            raise ReadError("{name} cannot be opened.", name=uri[:120], path=path) from error

    return fetch


def unpacked(data: bytes, path: Path) -> bytes:
    """The bytes of a file, unpacked where they are gzipped, as servers like to keep tiles.

    Raises
    ------
    ReadError
        They are damaged. LimitError: they are larger than a model may be.
    """
    if data[:2] != b"\x1f\x8b":
        return data
    machine = zlib.decompressobj(31)
    try:
        result = machine.decompress(data, MAX_MODEL_BYTES)
    except zlib.error as error:
        raise ReadError("{name} is packed and damaged.", name=path.name, path=path) from error
    if machine.unconsumed_tail:
        raise too_large(path.name, MAX_MODEL_BYTES, path)
    return result


def path_beside(folder: Path, uri: str) -> Path | None:
    """The file a relative address names in a folder (an absolute, resolved path); None where it leads elsewhere."""
    name = unquote(uri.partition("?")[0].partition("#")[0])
    parts = name.replace("\\", "/").split("/")
    if not name or "\0" in name or ":" in name or name.startswith(("/", "\\")):
        return None
    try:
        path = folder.joinpath(*parts).resolve()
    except (OSError, RuntimeError, ValueError):
        return None
    return path if path.is_relative_to(folder) else None


def no_files(uri: str) -> bytes:
    """A ``Fetch`` for models that may name no other file."""
    raise ReadError("{name} lies outside the folder of the file and is not opened.", name=uri[:120])


def open_document(data: bytes | memoryview, fetch: Fetch) -> tuple[Fields, list[memoryview]]:
    """The JSON of a GLB or glTF file and its buffers.

    Raises
    ------
    ReadError
        It is neither, is damaged, or a buffer is missing.
    """
    view = memoryview(data)
    binary = memoryview(b"")
    if bytes(view[:4]) == b"glTF":
        document, binary = _split(view)
    else:
        document = parse_fields(view)
    if "asset" not in document and "meshes" not in document:
        raise ReadError("This is no glTF model.")
    version = document.child("asset").text("version", "2.0")
    if version.partition(".")[0] != "2":
        raise ReadError(
            "This model is glTF {version}; only version 2 can be read.",
            hint="Convert it, for example with gltf-pipeline.",
            version=version[:20],
        )
    buffers = [_buffer(item, number, binary, fetch) for number, item in enumerate(document.children("buffers"))]
    return document, buffers


def _split(view: memoryview) -> tuple[Fields, memoryview]:
    if len(view) < 20:
        raise ReadError("The model ends in the middle.")
    version, length = struct.unpack_from("<II", view, 4)
    if version != 2:
        raise ReadError(
            "This model is glTF {version}; only version 2 can be read.",
            hint="Convert it, for example with gltf-pipeline.",
            version=version,
        )
    end = min(length, len(view))
    document: Fields | None = None
    binary = memoryview(b"")
    place = 12
    while place + 8 <= end:
        size, kind = struct.unpack_from("<II", view, place)
        chunk = view[place + 8 : place + 8 + size]
        if len(chunk) < size:
            raise ReadError("The model ends in the middle.")
        if document is None:
            if kind != _JSON:
                raise wrong("JSON")
            document = parse_fields(chunk)
        elif kind == _BINARY and not len(binary):
            binary = chunk
        place += 8 + size
    if document is None:
        raise ReadError("The model ends in the middle.")
    return document, binary


def _buffer(item: Fields, number: int, binary: memoryview, fetch: Fetch) -> memoryview:
    length = item.count("byteLength")
    if "EXT_meshopt_compression" in item.child("extensions") and "uri" not in item and number > 0:
        return memoryview(b"")  # a stand-in; what lies in it is said to be packed where it is used
    if "uri" in item:
        found = memoryview(bytes_of(item.text("uri"), fetch))
    elif number == 0:
        found = binary
    else:
        raise wrong(item.where)
    if len(found) < length:
        raise ReadError("The model ends in the middle.")
    return found[:length]


def bytes_of(uri: str, fetch: Fetch) -> bytes:
    """What an address stands for: bytes in the text itself, or a file beside it."""
    if not uri.startswith("data:"):
        return fetch(uri)
    head, comma, text = uri.partition(",")
    if not comma or not head.endswith(";base64"):
        raise wrong("uri")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong("uri") from error


def view_bytes(document: Fields, buffers: list[memoryview], number: int) -> memoryview:
    """The bytes of one buffer view.

    Raises
    ------
    ReadError
        It does not lie within its buffer, or is packed in a way that cannot be unpacked.
    """
    view = document.item("bufferViews", number)
    if "EXT_meshopt_compression" in view.child("extensions") or "KHR_meshopt_compression" in view.child("extensions"):
        raise ReadError(
            "The model is packed with meshopt, which this program cannot unpack.",
            hint="Write it without meshopt, for example with: gltf-transform cp IN.glb OUT.glb",
        )
    which = view.count("buffer")
    if which >= len(buffers):
        raise wrong(view.where)
    first, length = view.count("byteOffset"), view.count("byteLength")
    buffer = buffers[which]
    if first + length > len(buffer):
        raise wrong(view.where)
    return buffer[first : first + length]
