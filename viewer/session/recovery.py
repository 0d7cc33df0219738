"""After a crash: what was left behind, how to get it back, and how to start without what caused it.

Nothing is deleted silently and no session file is ever overwritten: recovered work opens as unsaved.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from viewer.city.report import Issue, Severity
from viewer.errors import LockedError, SaveError, SessionError
from viewer.session.atomic import write_atomic
from viewer.session.document import Document
from viewer.session.journal import DISCARDED_NAME, PICTURE_NAME, SESSIONS_FOLDER
from viewer.session.journal_file import JOURNAL_NAME, JournalState, read_journal
from viewer.session.lock import SessionLock
from viewer.settings import state_folder as settings_state_folder

#: How long discarded work is kept, days.
KEPT_DAYS = 14
OPENING_NAME = "opening.json"
_MAX_MARKER_BYTES = 1 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A session that ended without being closed. Its lock is ours until it is let go.

    time : ISO time of the last change. changes : number of them after the last save. path : the session
    file it belongs to. picture : a small picture of it, if there is one. problem : why it cannot be read.
    """

    folder: Path
    lock: SessionLock = field(repr=False, compare=False)
    title: str = ""
    time: str = ""
    changes: int = 0
    path: Path | None = None
    picture: Path | None = None
    problem: SessionError | None = None
    state_hash: str = ""


@dataclass(frozen=True, slots=True)
class SafeStart:
    """What to leave out after starts that ended before the first picture.

    attempt : 1 after the first such start: leave out the files; 2: the plugins too; 3: the graphics
    card too. files, plugins, driver : what was being opened.
    """

    attempt: int
    files: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    driver: str = ""

    @property
    def skip_files(self) -> tuple[str, ...]:
        """Files not to open by themselves."""
        return self.files

    @property
    def skip_plugins(self) -> tuple[str, ...]:
        """Plugins to switch off for this start."""
        return self.plugins if self.attempt >= 2 else ()

    @property
    def software_graphics(self) -> bool:
        """Whether to draw without the graphics card."""
        return self.attempt >= 3

    @property
    def text(self) -> str:
        """What a person is told, an English sentence and translation key."""
        if self.attempt >= 3:
            return "Stadtforum ended several times while opening; it starts without files, plugins and graphics card."
        if self.attempt == 2:
            return "Stadtforum ended twice while opening; it starts without these files and without plugins."
        return "Stadtforum ended while opening these files; it starts without them."


def usable_state_folder(wish: Path | None = None) -> tuple[Path, tuple[Issue, ...]]:
    """The folder for journals, made and tried out; a temporary one, with a sentence, where it cannot be."""
    folder = settings_state_folder() if wish is None else wish
    for candidate in (folder, Path(tempfile.gettempdir()) / f"stadtforum-{_user_number()}"):
        try:
            candidate.mkdir(parents=True, exist_ok=True, mode=0o700)
            if candidate != folder and not _is_ours(candidate):
                continue
            write_atomic(candidate / ".writable", b"", keep_former=False)
        except (OSError, SaveError) as error:
            _log.warning("state folder %s: %s", candidate, error)
            continue
        if candidate == folder:
            return candidate, ()
        issue = Issue(
            Severity.WARNING,
            "Automatic copies go to a temporary folder, because your own cannot be written; "
            "a restart of the computer may delete them.",
            where=(str(folder),),
        )
        return candidate, (issue,)
    raise SaveError("Automatic copies cannot be written anywhere.", hint="Free some space on the disk.", path=folder)


def orphans(state_folder: Path) -> list[Orphan]:
    """Sessions that ended without being closed and hold unsaved changes, newest first.

    Those without any unsaved change are removed. The others keep their lock until ``let_go``,
    ``discard`` or the end of the program, so that two programs never offer the same one.
    """
    found = []
    for folder, lock in _abandoned(state_folder):
        orphan = _read(folder, lock)
        if orphan.problem is None and orphan.changes == 0:
            _remove(folder)
            lock.release()
        else:
            found.append(orphan)
    return sorted(found, key=lambda orphan: orphan.time, reverse=True)


def recover(orphan: Orphan) -> Document:
    """The last state of an orphan. Open it with ``session.open(document, saved=False, path=orphan.path)``,
    and call ``discard`` once the new journal has it on disk.

    Raises
    ------
    SessionError
        Nothing in it can be read.
    """
    return _state(orphan.folder).document


def let_go(orphan: Orphan) -> None:
    """Decide later: the orphan is offered again at the next start."""
    orphan.lock.release()


def discard(orphan: Orphan) -> None:
    """Give an orphan up; it is kept for 14 days all the same."""
    try:
        (orphan.folder / DISCARDED_NAME).touch()
    except OSError as error:
        raise SaveError("This automatic copy cannot be put aside.", path=orphan.folder) from error
    finally:
        orphan.lock.release()


def discarded(state_folder: Path) -> list[Path]:
    """Folders of work that was given up in the last days, newest first."""
    folders = [folder for folder in _folders(state_folder) if (folder / DISCARDED_NAME).exists()]
    return sorted(folders, key=_age_days)


def purge(state_folder: Path, *, days: float = KEPT_DAYS) -> int:
    """Remove discarded work older than ``days``; the number of sessions removed."""
    old = [folder for folder in discarded(state_folder) if _age_days(folder) > days]
    for folder in old:
        _remove(folder)
    return len(old)


def mark_opening(
    state_folder: Path,
    files: tuple[str, ...],
    plugins: tuple[str, ...],
    driver: str,
    *,
    after: SafeStart | None = None,
) -> OpeningMark:
    """Note what is about to be opened, until the first picture stands.

    Parameters
    ----------
    after : the advice this start follows, so that the next one goes a step further.
    """
    if after is None:
        return OpeningMark(state_folder, files, plugins, driver, 1)
    return OpeningMark(state_folder, files or after.files, plugins or after.plugins, driver, after.attempt + 1)


class OpeningMark:
    """The note "opening these files with these plugins on this driver". Harmless where it cannot be written."""

    def __init__(
        self, state_folder: Path, files: tuple[str, ...], plugins: tuple[str, ...], driver: str, attempt: int
    ) -> None:
        self._path = state_folder / f"opening-{os.getpid()}-{time.monotonic_ns()}.json"
        self._lock = SessionLock(self._path)
        note = {"attempt": attempt, "files": list(files), "plugins": list(plugins), "driver": driver}
        try:
            self._lock.acquire()
            write_atomic(self._path, json.dumps(note).encode("ascii"), keep_former=False)
        except (SaveError, LockedError) as error:
            _log.warning("opening is not marked: %s", error)

    def first_picture(self) -> None:
        """The first picture stands: nothing that was opened ended the program."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("opening mark stays: %s", error)
        self._lock.release()


def safe_start(state_folder: Path) -> SafeStart | None:
    """What to leave out at this start; None if the last one came to its first picture.

    The notes that tell it are removed: the next start judges anew, by the mark of this one.
    """
    advice: SafeStart | None = None
    for path in sorted(state_folder.glob("opening-*.json")):
        lock = SessionLock(path)
        try:
            lock.acquire()
        except (LockedError, SaveError):  # that program is just starting
            continue
        found = _read_mark(path)
        if found is not None and (advice is None or found.attempt >= advice.attempt):
            advice = found
        path.unlink(missing_ok=True)
        lock.release()
    return advice


def _read_mark(path: Path) -> SafeStart | None:
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_MAX_MARKER_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not isinstance(data.get("attempt"), int):
        return None

    def texts(name: str) -> tuple[str, ...]:
        value = data.get(name)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    driver = data.get("driver")
    attempt = min(max(data["attempt"], 1), 3)
    return SafeStart(attempt, texts("files"), texts("plugins"), driver if isinstance(driver, str) else "")


def _folders(state_folder: Path) -> list[Path]:
    try:
        return [folder for folder in (state_folder / SESSIONS_FOLDER).iterdir() if folder.is_dir()]
    except OSError:
        return []


def _abandoned(state_folder: Path) -> list[tuple[Path, SessionLock]]:
    """Folders nobody works in, with their locks taken."""
    found = []
    for folder in sorted(_folders(state_folder)):
        if (folder / DISCARDED_NAME).exists():
            continue
        lock = SessionLock(folder)
        try:
            lock.acquire()
        except (LockedError, SaveError):
            continue
        if (folder / JOURNAL_NAME).is_file():
            found.append((folder, lock))
        else:
            if folder.is_dir():
                _remove(folder)
            lock.release()
    return found


def _state(folder: Path) -> JournalState:
    return read_journal(folder / JOURNAL_NAME)


def _read(folder: Path, lock: SessionLock) -> Orphan:
    try:
        state = _state(folder)
    except SessionError as problem:
        return Orphan(folder, lock, problem=problem)
    picture = folder / PICTURE_NAME
    return Orphan(
        folder,
        lock,
        title=state.document.title or (state.path.stem if state.path is not None else ""),
        time=state.time,
        changes=state.changes,
        path=state.path,
        picture=picture if picture.is_file() else None,
        state_hash=state.state_hash,
    )


def _remove(folder: Path) -> None:
    """Remove a session's folder; what cannot be removed is tried again at the next start."""
    shutil.rmtree(folder, ignore_errors=True)


def _age_days(folder: Path) -> float:
    try:
        return (time.time() - (folder / DISCARDED_NAME).stat().st_mtime) / 86_400.0
    except OSError:
        return 0.0


def _is_ours(folder: Path) -> bool:
    """Whether a folder in a place everybody writes to was made by this user and nobody else."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o077)


def _user_number() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
