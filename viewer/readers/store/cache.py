"""Prepared copies of opened cities in the user's cache folder: found again, written in the background, limited in size.

A copy that cannot be used costs nothing but the reading of its source, and no trouble with it ends an opening.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from viewer import settings
from viewer.city import CityModel, Frame, ImportReport
from viewer.city.report import IssueLog, Severity
from viewer.errors import ReadError
from viewer.readers.store.arrays import Array
from viewer.readers.store.city import Stored, fingerprint, frame_to_json, open_store, write_store
from viewer.readers.store.folder import MANIFEST, damaged, is_scratch, read_manifest, remove_folder, sweep_scratch
from viewer.readers.store.mark import SourceMark, Stamp, mark_of, stamp_of

#: Turns the copies off, for reading and for writing.
OFF_VARIABLE = "STADTFORUM_NO_CACHE"
#: Smaller files are read as quickly as their copy.
MIN_SOURCE_BYTES = 1_000_000
#: All copies together take at most this share of the disk, and may always take so much.
DISK_SHARE, LIMIT_BYTES = 0.1, 2_000_000_000
#: Copies of one request that are tried; more than one are there only while programs write at once.
MOST_TRIED = 8
#: How long a copy in the background waits before it is written: the first picture of the city needs all cores.
HEAD_START_S = 1.5
#: How long the end of the program waits for copies that are being written.
PATIENCE_AT_EXIT_S = 10.0

#: Beside the arrays of a copy in which damage was found while it was in use.
_DAMAGE = "damaged"

OPENED_TEXT = "Opened from the prepared copy of this file."
DAMAGED_TEXT = "The prepared copy of this file was damaged, so the file was read again."

_log = logging.getLogger(__name__)
_writers: set[threading.Thread] = set()
#: Set while somebody waits for the copies.
_awaited = threading.Event()


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be opened: a file, with which reader (``"plugin_id:title"``), choices and frame."""

    path: Path
    reader: str
    options: Mapping[str, str] = field(default_factory=dict)
    frame: Frame = field(default_factory=Frame)

    @property
    def key(self) -> str:
        """The name of its copies."""
        parts = [str(self.path), self.reader, sorted(self.options.items()), frame_to_json(self.frame)]
        return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()[:32]


@dataclass(frozen=True, eq=False)
class Ticket:
    """Permission to keep what was read; holds the state of the file before it was read."""

    cache: CityCache
    request: Request
    stamp: Stamp

    def keep(
        self, city: CityModel, report: ImportReport, questions: Mapping[str, str], ready: Mapping[str, Array]
    ) -> Path | None:
        """Write the copy now; its folder, None if the file changed meanwhile. Raises OSError."""
        path = self.request.path
        mark = mark_of(path)
        if stamp_of(path) != self.stamp:
            return None
        issues = tuple(issue for issue in report.issues if issue.text != DAMAGED_TEXT)  # of an earlier copy
        return self.cache.put(self.request, mark, city, replace(report, issues=issues), questions, ready)

    def keep_in_background(
        self,
        city: CityModel,
        report: ImportReport,
        questions: Mapping[str, str],
        pack: Callable[[], Mapping[str, Array]],
    ) -> None:
        """Write the copy in a thread of its own, a little later; ``pack`` brings the derived arrays together there.

        A disk that is full or read-only is logged, not raised.
        """

        def work() -> None:
            _awaited.wait(HEAD_START_S)
            try:
                self.keep(city, report, questions, pack())
            except OSError as error:
                _log.info("no prepared copy of %s: %s", self.request.path.name, error)
            finally:
                _writers.discard(thread)

        thread = threading.Thread(target=work, name="prepared copy", daemon=True)
        _writers.add(thread)
        thread.start()


class CityCache:
    """The copies in one folder.

    Parameters
    ----------
    folder : ``cities`` in the user's cache folder by default.
    limit_bytes : the copies used longest ago go when all of them are larger together; a share of the disk by default.
    min_source_bytes : files below this are not kept.
    """

    def __init__(
        self,
        folder: Path | None = None,
        limit_bytes: int | None = None,
        min_source_bytes: int = MIN_SOURCE_BYTES,
    ) -> None:
        self.folder = settings.cache_folder() / "cities" if folder is None else folder
        self.limit_bytes = _limit_of(self.folder) if limit_bytes is None else limit_bytes
        self.min_source_bytes = min_source_bytes

    def find(self, request: Request, log: IssueLog) -> Stored | None:
        """The copy of an unchanged file, or None. Unusable copies are removed, damaged ones noted in ``log``."""
        tried: set[Path] = set()
        while len(tried) < MOST_TRIED:
            folder = next((copy for copy in self._copies(request.key) if copy not in tried), None)
            if folder is None:
                return None
            tried.add(folder)
            stored = self._open(folder, request.path, log)
            if stored is not None:
                return stored
        return None

    def _open(self, folder: Path, path: Path, log: IssueLog) -> Stored | None:
        try:
            if not self._is_current(folder, path):
                remove_folder(folder)
                return None
            stored = open_store(folder, noticed=lambda: _note_damage(folder))
            if stored.damaged:
                raise damaged("tiles")
        except ReadError as error:
            if folder.is_dir():  # else another program put a newer one in its place
                _log.info("prepared copy %s: %s", folder.name, error)
                log.add(Severity.INFO, DAMAGED_TEXT)
                remove_folder(folder)
            return None
        except OSError as error:
            _log.info("prepared copy %s: %s", folder.name, error)
            return None
        with contextlib.suppress(OSError):
            os.utime(folder / MANIFEST)  # used just now: the last to go
        return stored

    def ticket(self, request: Request) -> Ticket | None:
        """Permission to keep what will be read; None for small files."""
        try:
            stamp = stamp_of(request.path)
        except OSError:
            return None
        if sum(size for _, size, _, _ in stamp) < self.min_source_bytes:
            return None
        return Ticket(self, request, stamp)

    def put(
        self,
        request: Request,
        mark: SourceMark,
        city: CityModel,
        report: ImportReport,
        questions: Mapping[str, str],
        ready: Mapping[str, Array],
    ) -> Path | None:
        """Write a copy and remove earlier ones of the same request; None where it is larger than all may be.

        Raises
        ------
        OSError
            It could not be written.
        """
        earlier = self._copies(request.key)
        folder = self.folder / f"{request.key}-{secrets.token_hex(4)}"
        size = write_store(
            city, folder, mark, report, options=request.options, questions=questions, ready=ready,
            source_folder=request.path.parent,
        )  # fmt: skip
        for old in earlier:
            remove_folder(old)
        self.sweep()
        return folder if size <= self.limit_bytes else None

    def sweep(self) -> None:
        """Remove what killed programs left, and the copies used longest ago until the rest fits."""
        sweep_scratch(self.folder)
        found = []
        for folder in self.folder.iterdir():
            try:
                if folder.is_dir() and not folder.is_symlink() and not is_scratch(folder):
                    size = sum(file.stat().st_size for file in folder.iterdir())
                    found.append(((folder / MANIFEST).stat().st_mtime, size, folder))
            except OSError as error:  # another program removed it meanwhile
                _log.debug("sweeping %s: %s", folder.name, error)
        total = sum(size for _, size, _ in found)
        for _, size, folder in sorted(found):
            if total <= self.limit_bytes:
                return
            if remove_folder(folder):
                total -= size

    def _copies(self, key: str) -> list[Path]:
        """Copies of a request, newest first."""

        def made(folder: Path) -> float:
            try:
                return (folder / MANIFEST).stat().st_mtime
            except OSError:
                return 0.0

        return sorted(self.folder.glob(f"{key}-*"), key=made, reverse=True)

    @staticmethod
    def _is_current(folder: Path, path: Path) -> bool:
        """Whether a copy was made by this program from the file as it is. Raises ReadError, OSError."""
        body = read_manifest(folder)
        if (folder / _DAMAGE).exists():
            raise damaged("tiles")
        try:
            return bool(body["made_by"] == fingerprint()) and SourceMark.from_json(body["source"]).fits(path)
        except (KeyError, TypeError, ValueError) as error:
            raise ReadError("This prepared city has no readable manifest.", path=folder) from error


def _limit_of(folder: Path) -> int:
    """How large all copies may be on the disk of a folder, which need not be there yet."""
    there = next((place for place in (folder, *folder.parents) if place.is_dir()), None)
    try:
        total = 0 if there is None else shutil.disk_usage(there).total
    except OSError:
        total = 0
    return max(LIMIT_BYTES, int(total * DISK_SHARE))


def _note_damage(folder: Path) -> None:
    """The next opening reads the file again; this one shows what is sound."""
    with contextlib.suppress(OSError):  # gone, or not ours to write: then each opening finds it anew
        (folder / _DAMAGE).touch()


def default_cache() -> CityCache | None:
    """The cache of this user; None where it is turned off."""
    return None if os.environ.get(OFF_VARIABLE, "").strip() not in ("", "0") else CityCache()


def wait_for_writers(seconds: float = PATIENCE_AT_EXIT_S) -> None:
    """Wait until the copies being written are there, at most so long."""
    end = time.monotonic() + seconds
    _awaited.set()
    for thread in list(_writers):
        thread.join(max(0.0, end - time.monotonic()))
    _awaited.clear()


atexit.register(wait_for_writers)
