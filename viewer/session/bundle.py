"""Sessions that carry their data: a ZIP with ``session.json`` and the files, written and taken out safely.

What stands in ``session.json`` is the matter of ``store``.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from io import RawIOBase
from pathlib import Path
from typing import NoReturn

from viewer.errors import SaveError, SessionError

SESSION_MEMBER = "session.json"
MAX_MEMBERS = 5_000
MAX_BYTES = 32 << 30
#: A member may not unpack to more than this many times its packed size (beyond the first 64 MiB).
MAX_EXPANSION = 1_000
_SMALL = 64 << 20
_CHUNK = 1 << 20

_MEMBER = re.compile(r"^data/[0-9]{1,5}/[^/\\:*?\"<>|\x00-\x1f]{1,200}$")
_DEVICE = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$", re.IGNORECASE)
_PACKED = frozenset({".zip", ".gz", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".mbtiles", ".webp", ".7z"})
#: Files that belong to another of the same name: Shapefile parts, world files, GDAL notes.
_COMPANIONS = (
    ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx",
    ".wld", ".tfw", ".tifw", ".pgw", ".pngw", ".jgw", ".jpgw", ".jpegw", ".aux.xml",
)  # fmt: skip
_DATA_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)


def companions_of(path: Path) -> list[Path]:
    """A data file and the files that belong to it."""
    found = [path]
    for suffix in _COMPANIONS:
        for name in dict.fromkeys((path.stem + suffix, path.stem + suffix.upper(), path.name + suffix)):
            companion = path.with_name(name)
            if companion != path and companion.is_file() and companion not in found:
                found.append(companion)
    return found


def member_name(number: int, path: Path) -> str:
    """Name of a file inside the bundle: numbered folder, and a name every system can write."""
    name = re.sub(r"[/\\:*?\"<>|\x00-\x1f\ud800-\udfff]", "_", path.name)[-200:].rstrip(". ") or "data"
    return f"data/{number}/{'_' + name if _DEVICE.match(name) else name}"


class _Sink(RawIOBase):
    """Where the ZIP is written; holds only what was not taken yet."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self._chunks.append(chunk)
        return len(chunk)

    def take(self) -> Iterator[bytes]:
        chunks, self._chunks = self._chunks, []
        yield from chunks


def bundle_chunks(session: bytes, members: Mapping[str, Path]) -> Iterator[bytes]:
    """The bytes of a bundle, one chunk after the other, so that no data file is held in memory.

    Raises
    ------
    SaveError
        A data file cannot be read.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(SESSION_MEMBER, session)
        yield from sink.take()
        for name, path in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_STORED if path.suffix.lower() in _PACKED else zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            with archive.open(info, "w", force_zip64=True) as member:
                for chunk in _read(path):
                    member.write(chunk)
                    yield from sink.take()
    yield from sink.take()


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise SaveError(
            "{name} could not be copied into the session: {reason}.",
            hint="Save without bundled data, or put the file back.",
            path=path,
            name=path.name,
            reason=error.strerror or type(error).__name__,
        ) from error


def read_session(path: Path, limit: int) -> bytes:
    """``session.json`` of a bundle, at most ``limit`` bytes.

    Raises
    ------
    SessionError
        Not a bundle, or a damaged one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, path)
            with archive.open(SESSION_MEMBER) as file:
                data = file.read(limit + 1)
    except KeyError:
        raise SessionError("This ZIP file holds no session.", path=path) from None
    except _DATA_ERRORS as error:
        raise _damaged(path) from error
    if len(data) > limit:
        _refuse("The session inside is larger than {limit} MB.", path, limit=limit >> 20)
    return data


def extract(path: Path, folder: Path) -> None:
    """Take the data files out into ``folder``, all or none; a folder that is there already is complete.

    Raises
    ------
    SessionError
        A name leads outside, a limit is passed, or the file is damaged.
    SaveError
        The folder cannot be written.
    """
    if folder.is_dir():
        return
    fresh = folder.with_name(f"{folder.name}-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with zipfile.ZipFile(path) as archive:
            for info in _check(archive, path):
                target = fresh.joinpath(*info.filename.split("/"))
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, target.open("xb") as file:
                    shutil.copyfileobj(source, file, _CHUNK)
        fresh.mkdir(parents=True, exist_ok=True)
        fresh.replace(folder)
    except _DATA_ERRORS as error:
        raise _damaged(path) from error
    except OSError as error:
        if folder.is_dir():  # another program was faster
            return
        raise SaveError(
            "The data inside the session could not be unpacked: {reason}.",
            hint="Free some space on the disk of your user folder.",
            path=folder,
            reason=error.strerror or type(error).__name__,
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _check(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The data members, every one with a harmless name and a believable size."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        _refuse("This session holds more than {limit} files.", path, limit=MAX_MEMBERS)
    if sum(info.file_size for info in members) > MAX_BYTES:
        _refuse("The data in this session is larger than {limit} GB.", path, limit=MAX_BYTES >> 30)
    seen: set[str] = set()
    data = []
    for info in members:
        name = info.filename
        if name.casefold() in seen:
            _refuse("This session holds two files of one name.", path)
        seen.add(name.casefold())
        if info.file_size > _SMALL and info.file_size > MAX_EXPANSION * max(info.compress_size, 1):
            _refuse("A file in this session unpacks to more than {limit} times its size.", path, limit=MAX_EXPANSION)
        if name == SESSION_MEMBER:
            continue
        kind = stat.S_IFMT(info.external_attr >> 16)
        last = name.rsplit("/", 1)[-1]
        if (
            not _MEMBER.match(name)
            or last in (".", "..")
            or last != last.rstrip(". ")
            or _DEVICE.match(last)
            or kind not in (0, stat.S_IFREG)
        ):
            _refuse("A file in this session has a name that is not allowed: {name}.", path, name=name[:200])
        data.append(info)
    return data


def _refuse(text: str, path: Path, **values: object) -> NoReturn:
    raise SessionError(text, hint="Open only sessions from people you know, or ask for it again.", path=path, **values)


def _damaged(path: Path) -> SessionError:
    return SessionError(
        "The data in this session file is damaged.", hint="Copy the file again from where it came from.", path=path
    )
