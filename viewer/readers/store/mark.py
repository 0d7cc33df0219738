"""Whether a source is still the file a copy was made from: size, times, samples, and its content where in doubt."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: Larger files are known by size, time and samples alone.
HASHED_UP_TO_BYTES = 200_000_000
#: A file changed so shortly before the copy was made may have changed again with the same time.
DOUBT_S = 3.0
_SAMPLES, _SAMPLE_BYTES = 16, 1 << 16
_CHUNK = 1 << 20
#: Files that belong to another one and change what is read from it.
_BESIDE = (".dbf", ".shx", ".prj", ".cpg")


@dataclass(frozen=True, slots=True)
class FileMark:
    """One file as it was. sample : SHA-256 of pieces of it. sha256 : of all of it, "" for very large ones."""

    name: str
    size: int
    modified_ns: int
    changed_ns: int
    sample: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SourceMark:
    """A source with the files that belong to it, the main one first; marked_at : seconds since 1970."""

    files: tuple[FileMark, ...]
    marked_at: float

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def fits(self, path: Path) -> bool:
        """Whether the source at ``path`` is unchanged. Reads it only if size and times leave a doubt.

        Raises
        ------
        OSError
            It cannot be read.
        """
        paths = files_of(path)
        if [p.name for p in paths] != [file.name for file in self.files]:
            return False
        return all(self._is_same(p, file) for p, file in zip(paths, self.files, strict=True))

    def _is_same(self, path: Path, known: FileMark) -> bool:
        status = path.stat()
        if status.st_size != known.size:
            return False
        same_time = status.st_mtime_ns == known.modified_ns
        settled = known.modified_ns / 1e9 < self.marked_at - DOUBT_S
        if same_time and settled and status.st_ctime_ns == known.changed_ns:
            return True
        if known.sha256:
            return sha256_of(path) == known.sha256
        return same_time and sample_of(path) == known.sample

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {"files": [asdict(file) for file in self.files], "marked_at": self.marked_at}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> SourceMark:
        """The mark again.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is none.
        """
        files = tuple(
            FileMark(
                str(f["name"]), int(f["size"]), int(f["modified_ns"]), int(f["changed_ns"]),
                str(f["sample"]), str(f["sha256"]),
            )
            for f in value["files"]
        )  # fmt: skip
        return SourceMark(files, float(value["marked_at"]))


#: Size and times of every file, taken before it is read.
Stamp = tuple[tuple[str, int, int, int], ...]


def stamp_of(path: Path) -> Stamp:
    """Names, sizes and times of a source's files. Raises OSError."""
    found = [(p.name, p.stat()) for p in files_of(path)]
    return tuple((name, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in found)


def mark_of(path: Path) -> SourceMark:
    """The mark of a source; reads it once. Raises OSError."""
    marked_at = time.time()
    files = []
    for name, size, modified_ns, changed_ns in stamp_of(path):
        file = path.with_name(name)
        digest = sha256_of(file) if size <= HASHED_UP_TO_BYTES else ""
        files.append(FileMark(name, size, modified_ns, changed_ns, sample_of(file), digest))
    return SourceMark(tuple(files), marked_at)


def files_of(path: Path) -> list[Path]:
    """A source and what lies beside it and belongs to it: parts of a shapefile, the journal of a database."""
    beside = [path.with_suffix(end) for end in _BESIDE] if path.suffix.lower() == ".shp" else []
    return [path, *(p for p in (*beside, path.with_name(path.name + "-wal")) if p.is_file())]


def sample_of(path: Path) -> str:
    """SHA-256 of the head, the tail and pieces between."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        last = max(path.stat().st_size - _SAMPLE_BYTES, 0)
        for place in sorted({last * k // (_SAMPLES - 1) for k in range(_SAMPLES)}):
            file.seek(place)
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
