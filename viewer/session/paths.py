"""Where the data of a session lies: relative to the session file first, then where it was, then beside it.

Paths in a session file come from strangers: no addresses, no other computers, plain files only.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath, PureWindowsPath

from viewer.city.report import IssueLog, Severity
from viewer.session.document import FileMark, Source
from viewer.session.files import sha256_of

#: Files up to this size are known by their content too.
SMALL_FILE_BYTES = 16 << 20

_ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:|^/vsi", re.IGNORECASE)


def mark_of(source: Source, folder: Path) -> FileMark | None:
    """What to remember of a source: from its file if that is there, else what was known before.

    Parameters
    ----------
    folder : absolute folder of the session file.
    """
    if not source.path:
        return source.mark
    path = Path(source.path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a pipe would never end
            raise ValueError("not a plain file")
        digest = _small_digest(path, status.st_size, status.st_mtime_ns) if status.st_size <= SMALL_FILE_BYTES else ""
    except (OSError, ValueError):
        return source.mark or FileMark(relative=_relative(path, folder), absolute=source.path)
    return FileMark(_relative(path, folder), source.path, status.st_size, status.st_mtime_ns, digest)


def find(source: Source, folder: Path, log: IssueLog) -> Source:
    """The source with the path where its file is today; findings go to ``log``.

    A missing file leaves the source as a placeholder with its last known place.
    """
    if source.mark is None and not source.path:  # a layer without a file
        return source
    mark = source.mark or FileMark(relative=source.path)
    title = source.title or PurePosixPath(mark.relative).name or source.key
    candidates = _candidates(mark, folder)
    there = [path for path in candidates if _is_file(path)]
    exact = [path for path in there if _matches(path, mark)]
    if not there:
        last = mark.absolute or (str(candidates[0]) if candidates else mark.relative)
        log.add(
            Severity.WARNING,
            "{title} was not found; it stays in the session and is shown again once its file is back.",
            where=last[:500],
            title=title[:200],
        )
        return replace(source, path=last, mark=mark)
    path = (exact or there)[0]
    if not exact and mark.size >= 0:
        log.add(
            Severity.INFO,
            "{title} has changed since the session was saved.",
            where=str(path)[:500],
            title=title[:200],
        )
    return replace(source, path=str(path), mark=mark)


def _candidates(mark: FileMark, folder: Path) -> list[Path]:
    """Places where the file may be, best first."""
    places = []
    if _is_relative(mark.relative):
        places.append(Path(os.path.normpath(folder / PurePosixPath(mark.relative))))
    if _is_local(mark.absolute, folder):
        places.append(Path(mark.absolute))
    name = PurePosixPath(mark.relative.replace("\\", "/")).name or PureWindowsPath(mark.absolute).name
    if name and name not in (".", "..") and "\0" not in name and ":" not in name:
        places += [folder / name, folder / "data" / name]
    return list(dict.fromkeys(places))


def _is_relative(text: str) -> bool:
    if not text or "\0" in text or "\\" in text or _ADDRESS.match(text) or PureWindowsPath(text).drive:
        return False
    return not PurePosixPath(text).is_absolute()


def _is_local(text: str, folder: Path) -> bool:
    """Whether an absolute path is one of this computer, or of the share the session itself lies on."""
    if not text or "\0" in text:
        return False
    if text.startswith(("\\\\", "//")):
        return PureWindowsPath(text).drive.lower() == PureWindowsPath(folder).drive.lower() != ""
    if text.lower().startswith("/vsi"):
        return False
    return Path(text).is_absolute()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _matches(path: Path, mark: FileMark) -> bool:
    """Whether this is the file as it was when the session was saved."""
    if mark.size < 0:
        return True
    try:
        status = path.stat()
        if status.st_size != mark.size:
            return False
        if status.st_mtime_ns == mark.modified_ns:
            return True
        if not mark.sha256:  # large: the same size has to do, copying changes times
            return True
        return _small_digest(path, status.st_size, status.st_mtime_ns) == mark.sha256
    except OSError:
        return False


def _relative(path: Path, folder: Path) -> str:
    """Path from the folder with ``/``; "" from another drive."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return ""


@lru_cache(maxsize=1024)
def _small_digest(path: Path, size: int, modified_ns: int) -> str:
    """SHA-256; size and time only make a changed file be read again."""
    return sha256_of(path)
