"""Autosave without a timer: every change of a session goes to disk at once, beside the work.

One thread writes; nobody waits for it, and a full disk stops nothing. Finding and opening what a crash
left behind is ``recovery``'s matter.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import sqlite3
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from psygnal import Signal

from viewer.errors import SaveError, ViewerError
from viewer.session.atomic import write_atomic
from viewer.session.document import Document
from viewer.session.journal_file import JOURNAL_NAME, Connect, Entry, JournalFile, connect
from viewer.session.lock import SessionLock
from viewer.session.session import Edit, Session

SESSIONS_FOLDER = "sessions"
#: A folder that was given up, or closed with changes nobody saved, carries this file.
DISCARDED_NAME = "discarded"
PICTURE_NAME = "picture.png"
#: Ticks of one drag within this time are written as one, seconds.
GROUP_SECONDS = 0.05
_RETRY_SECONDS = 5.0
_CLOSE_SECONDS = 10.0
_MAX_WAITING = 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: Entry
    merged: bool


class Journal:
    """Writes down every state of a session from now on.

    Parameters
    ----------
    session : is listened to until ``close``.
    state_folder : the user's state folder; the journal makes its own folder in ``sessions`` there.
    open_with : opens the database, replaced in tests.

    Notes
    -----
    A journal that cannot be written never stops the work. ``failed`` tells it once, from the writing
    thread; writing is tried again with the next change and every few seconds.
    """

    #: A ``SaveError``: changes are not on disk at the moment. Once per failure, from another thread.
    failed = Signal(object)
    #: Everything is on disk again. From another thread.
    mended = Signal()

    def __init__(self, session: Session, state_folder: Path, *, open_with: Connect = connect) -> None:
        self._session = session
        self._open_with = open_with
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        self.folder = state_folder / SESSIONS_FOLDER / name
        self._lock = SessionLock(self.folder)
        self._file: JournalFile | None = None
        self._problem: SaveError | None = None
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._notes: dict[str, str] = {}
        self._busy = False
        self._closing = False
        self._try_now = False
        self._tries = 0
        self._edit: tuple[Edit | None, bool] = (None, False)
        saved = not session.modified
        self._post(Entry("open", session.document, step=False, saved=saved), merged=False, path=session.path)
        session.edited.connect(self._on_edited)
        session.changed.connect(self._on_changed)
        session.saved.connect(self._on_saved)
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> SaveError | None:
        """Why changes are not on disk at the moment; None while all is well."""
        return self._problem

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything so far is on disk; False if it cannot be written, or not by then."""
        with self._changed:
            tries = self._tries + (2 if self._busy else 1)  # one under way may be too early for the last change
            self._try_now = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._idle or (self._problem is not None and self._tries >= tries), timeout)
            return self._idle

    def set_picture(self, png: bytes) -> None:
        """Keep a small picture of the session, shown when it is offered after a crash."""
        try:
            write_atomic(self.folder / PICTURE_NAME, png, keep_former=False)
        except SaveError as error:
            _log.info("no picture for the journal: %s", error)

    def close(self, *, keep: bool = False) -> None:
        """Stop listening and end cleanly.

        A session without unsaved changes leaves nothing behind. Changes nobody saved are offered at the
        next start with ``keep``; without it they are put aside, in case "do not save" was a slip.
        """
        self._session.edited.disconnect(self._on_edited, missing_ok=True)
        self._session.changed.disconnect(self._on_changed, missing_ok=True)
        self._session.saved.disconnect(self._on_saved, missing_ok=True)
        with self._changed:
            self._notes["clean"] = "yes"
            self._closing = True
            self._changed.notify_all()
        self._thread.join(_CLOSE_SECONDS)
        if self._thread.is_alive():  # a disk that hangs: leave it to the next start
            return
        if self._file is not None:
            self._file.close()
            self._file = None
        try:
            if not self._session.modified:
                shutil.rmtree(self.folder, ignore_errors=True)
            elif self.folder.is_dir() and not keep:
                (self.folder / DISCARDED_NAME).touch()
        except OSError as error:
            _log.info("journal folder: %s", error)
        finally:
            self._lock.release()

    # --- from the session's thread ---------------------------------------------------------------

    def _on_edited(self, edit: Edit | None, merged: bool) -> None:
        self._edit = (edit, merged)

    def _on_changed(self, _old: Document, new: Document) -> None:
        edit, merged = self._edit
        kind = "undo" if edit is None else type(edit).__name__
        step = not merged and bool(getattr(edit, "undoable", True))
        self._post(Entry(kind, new, step=step), merged=merged)

    def _on_saved(self, document: Document | None, path: Path | None) -> None:
        if document is None:
            self._post(Entry("open", self._session.document, step=False), merged=False, path=path)
        else:
            self._post(Entry("saved", document, step=False, saved=True), merged=False, path=path)

    def _post(self, entry: Entry, *, merged: bool, path: Path | None = None) -> None:
        """Hand an entry to the writing thread. Later ticks of a drag replace earlier ones."""
        with self._changed:
            if entry.kind in ("open", "saved"):
                self._notes["path"] = "" if path is None else str(path)
            self._notes["title"] = entry.document.title
            last = self._waiting[-1] if self._waiting else None
            if last is not None and merged and last.entry.kind == entry.kind:
                self._waiting[-1] = _Waiting(replace(entry, step=last.entry.step), last.merged)
            else:
                self._waiting.append(_Waiting(entry, merged))
            self._try_now = True
            self._changed.notify_all()

    # --- the writing thread ----------------------------------------------------------------------

    @property
    def _idle(self) -> bool:
        return not self._waiting and not self._notes and not self._busy

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or not self._idle)
                if self._problem is not None:
                    self._changed.wait_for(lambda: self._closing or self._try_now, _RETRY_SECONDS)
                self._try_now = False
                if all(waiting.merged for waiting in self._waiting) and not self._closing:
                    self._changed.wait_for(lambda: self._closing, GROUP_SECONDS)
                batch, self._waiting = self._waiting, []
                notes, self._notes = self._notes, {}
                self._busy = True
                closing = self._closing
            problem = self._write([waiting.entry for waiting in batch], notes)
            self._done(batch, notes, problem)
            if closing:
                return

    def _done(self, batch: list[_Waiting], notes: dict[str, str], problem: SaveError | None) -> None:
        """Take note of what came of a batch; one that failed waits for the next try."""
        with self._changed:
            former, self._problem = self._problem, problem
            if problem is not None:
                # The newest state has to reach the disk; a long way there need not fill the memory.
                self._waiting = (batch + self._waiting)[-_MAX_WAITING:]
                self._notes = {**notes, **self._notes}
            self._busy = False
            self._tries += 1
            self._changed.notify_all()
        if problem is not None and former is None:
            self.failed.emit(problem)
        elif problem is None and former is not None:
            self.mended.emit()

    def _write(self, entries: list[Entry], notes: dict[str, str]) -> SaveError | None:
        """Write a batch; what went wrong, or None."""
        try:
            if self._file is None:
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                self._lock.acquire()  # before the folder is there, so that nobody takes it for an orphan
                self.folder.mkdir(exist_ok=True, mode=0o700)
                self._file = JournalFile(self.folder / JOURNAL_NAME, open_with=self._open_with)
            self._file.append(entries, notes)
        except (sqlite3.Error, OSError, ViewerError) as error:
            _log.warning("journal: %s", error)
            self._reopen_later()
            return SaveError(
                "Automatic saving does not work at the moment: {reason}.",
                hint="Your work goes on; save it yourself, and free some space on the disk.",
                path=self.folder,
                reason=str(error),
            )
        return None

    def _reopen_later(self) -> None:
        """Close a database that failed; the next try opens it anew and lets SQLite mend it."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except sqlite3.Error as error:
                _log.info("journal close: %s", error)
