"""Files that may be packed: plain, ``.gz`` or ``.zip`` as state offices ship them, seen as a list of members.

Nothing is unpacked to disk. What is inside is read by others.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from viewer.errors import LimitError, ReadError
from viewer.readers import limits

_SNIFF_BYTES = 16_384


class ByteStream(Protocol):
    """All that readers need of an open file."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """One file, or one file inside an archive.

    name : as inside the archive, or the file's own. size : bytes as read, unpacked; for ``.gz`` an estimate.
    """

    path: Path
    name: str
    size: int
    kind: str

    @contextmanager
    def open(self) -> Iterator[ByteStream]:
        """The unpacked bytes, checked against the limits while they are read.

        Raises
        ------
        ReadError
            The file cannot be opened, or is protected by a password.
        """
        try:
            if self.kind == "zip":
                with zipfile.ZipFile(self.path) as archive, archive.open(self.name) as stream:
                    yield _Guard(stream, self, limits.MAX_MEMBER_BYTES)
            elif self.kind == "gz":
                with gzip.open(self.path, "rb") as stream:
                    yield _Guard(stream, self, _gz_limit(self.path))
            else:
                with self.path.open("rb") as stream:
                    yield stream
        except RuntimeError as error:
            raise ReadError("The archive is protected by a password.", path=self.path) from error
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise ReadError("The archive is damaged and cannot be opened.", path=self.path) from error

    def head(self) -> bytes:
        """The first bytes, to see what it is; empty if they cannot be read."""
        try:
            with self.open() as stream:
                return stream.read(_SNIFF_BYTES)
        except (OSError, EOFError, zlib.error):
            return b""


class _Guard:
    """Counts what comes out of an archive and stops at the limit; damage becomes an ``OSError``."""

    def __init__(self, stream: ByteStream, member: Member, limit: int) -> None:
        self._stream, self._member, self._limit, self._read = stream, member, limit, 0

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes."""
        try:
            data = self._stream.read(size if size >= 0 else self._limit + 1)
        except (zipfile.BadZipFile, zlib.error) as error:
            raise OSError(str(error)) from error
        self._read += len(data)
        if self._read > self._limit:
            raise limits.too_large(self._member.name, self._limit, self._member.path)
        return data


def members(path: Path, accept: Callable[[bytes], bool] | None = None) -> list[Member]:
    """The files in ``path``: itself, or what lies in the archive, sorted by name.

    Folders, hidden files and ``__MACOSX`` are passed over. ``accept`` decides by the first bytes which ones count;
    it is not asked for a file that is no archive.

    Raises
    ------
    ReadError
        The file is missing or the archive cannot be opened. LimitError: it is too large, see ``limits``.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise ReadError("The file cannot be opened: {reason}.", path=path, reason=_reason(error)) from error
    if magic[:2] == b"\x1f\x8b":
        return [Member(path, path.stem, size * 8, "gz")]
    if magic in (b"PK\x03\x04", b"PK\x05\x06"):
        found = _zip_members(path)
        return [member for member in found if accept is None or accept(member.head())]
    return [Member(path, path.name, size, "plain")]


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).rstrip(".")


def _gz_limit(path: Path) -> int:
    packed = path.stat().st_size
    return min(limits.MAX_MEMBER_BYTES, max(packed * limits.MAX_EXPANSION, limits.EXPANSION_FREE_BYTES))


def _zip_members(path: Path) -> list[Member]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise ReadError("The archive is damaged and cannot be opened.", path=path) from error
    if len(infos) > limits.MAX_ARCHIVE_MEMBERS:
        raise LimitError(
            "The archive holds {found} files; {limit} is the limit for safe reading.",
            path=path,
            found=f"{len(infos):,}",
            limit=f"{limits.MAX_ARCHIVE_MEMBERS:,}",
        )
    found: list[Member] = []
    unpacked = packed = 0
    for info in infos:
        parts = PurePosixPath(info.filename).parts
        if info.is_dir() or any(part.startswith((".", "__MACOSX")) for part in parts if part != ".."):
            continue
        if info.file_size > limits.MAX_MEMBER_BYTES:
            raise limits.too_large(info.filename, limits.MAX_MEMBER_BYTES, path)
        unpacked += info.file_size
        packed += info.compress_size
        found.append(Member(path, info.filename, info.file_size, "zip"))
    if unpacked > limits.MAX_ARCHIVE_BYTES:
        raise limits.too_large(path.name, limits.MAX_ARCHIVE_BYTES, path)
    if unpacked > limits.EXPANSION_FREE_BYTES and unpacked > limits.MAX_EXPANSION * max(packed, 1):
        raise LimitError(
            "The archive unpacks to more than {limit} times its size, the limit for safe reading.",
            path=path,
            limit=limits.MAX_EXPANSION,
        )
    return sorted(found, key=lambda member: member.name)
