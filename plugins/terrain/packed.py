"""Text grids, plain or packed: one stream of bytes, within limits."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from viewer.plugin_api import LimitError, ReadError

_MOST_BYTES = 8 * 1024**3
_ENDINGS = (".asc", ".xyz", ".txt")


def inner_name(path: Path) -> PurePosixPath:
    """The name of the grid in a packed file, of the file itself where it is not packed; "" for none."""
    name = PurePosixPath(path.name)
    if name.suffix.lower() == ".gz":
        return PurePosixPath(name.stem)
    if name.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                found = _member(archive)
        except (OSError, zipfile.BadZipFile):
            return PurePosixPath("")
        return PurePosixPath("" if found is None else found.filename)
    return name


def first_bytes(path: Path) -> bytes:
    """The beginning of the grid in a packed file; b"" where it cannot be unpacked."""
    try:
        with opened(path) as stream:
            return stream.read(16_384)
    except ReadError:
        return b""


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """The bytes of a grid, unpacked; damaged packing becomes a ReadError.

    Raises
    ------
    ReadError, LimitError
        It cannot be unpacked, or is larger than any grid.
    """
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                member = _member(archive)
                if member is None:
                    raise ReadError("There is no grid of heights in this archive.", path=path)
                with archive.open(member) as stream, io.BufferedReader(_Limited(stream, path)) as limited:
                    yield limited
        elif path.suffix.lower() == ".gz":
            with gzip.open(path) as stream, io.BufferedReader(_Limited(stream, path)) as limited:
                yield limited
        else:
            with path.open("rb") as file, io.BufferedReader(_Limited(file, path)) as limited:
                yield limited
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ReadError("This file cannot be read ({reason}).", path=path, reason=str(error)[:200]) from error


def _member(archive: zipfile.ZipFile) -> zipfile.ZipInfo | None:
    """The largest grid in an archive; an archive with city models is none of ours."""
    members = [m for m in archive.infolist()[:10_000] if not m.filename.startswith("__MACOSX")]
    if any(m.filename.lower().endswith((".gml", ".citygml", ".json", ".xml", ".csv", ".jsonl")) for m in members):
        members = [m for m in members if m.filename.lower().endswith((".xyz", ".asc"))]
    grids = [m for m in members if m.filename.lower().endswith(_ENDINGS) and "/." not in f"/{m.filename}"]
    return max(grids, key=lambda m: m.file_size, default=None)


class _Limited(io.RawIOBase):
    """Stops a stream that unpacks to more than any grid holds."""

    def __init__(self, stream, path: Path) -> None:
        super().__init__()
        self._stream, self._path, self._read = stream, path, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self._stream.read(len(buffer))
        self._read += len(data)
        if self._read > _MOST_BYTES:
            raise LimitError("This file is larger than {limit} GB.", path=self._path, limit=_MOST_BYTES // 1024**3)
        buffer[: len(data)] = data
        return len(data)
