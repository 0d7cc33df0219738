"""Saving, opening and leaving a session, as a person meets it: dialogs, questions, messages.

What a session file is, ``viewer.session.store`` knows; every edit is journaled by the application, so
leaving without saving never loses work silently.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from viewer.errors import ChangedOnDiskError, LockedError, ViewerError
from viewer.session.lock import SessionLock
from viewer.session.store import FileStamp, OpenedSession, open_session, save_session
from viewer.settings import Settings, assets_folder
from viewer.ui.i18n import tr
from viewer.ui.opening import SESSION_SUFFIX, Opener
from viewer.ui.tasks import Tasks
from viewer.ui.toasts import Toasts


class SessionFiles(QObject):
    """The session file of one window."""

    opened = Signal()  # a session was opened and all its files were read

    def __init__(self, window: QWidget, workspace, tasks: Tasks, toasts: Toasts, opener: Opener, settings: Settings):
        super().__init__(window)
        self._window, self._workspace, self._tasks = window, workspace, tasks
        self._toasts, self._opener, self._settings = toasts, opener, settings
        self._stamp: FileStamp | None = None
        self._lock: SessionLock | None = None
        #: Called when a person leaves unsaved work for later.
        self.keep_for_later: Callable[[], object] = lambda: None

    @property
    def _session(self):
        return self._workspace.session

    # -- saving ------------------------------------------------------------------------------------

    def save(self) -> bool:
        """Save to the known file, or ask for one; false if nothing was saved."""
        path = self._session.path
        return self.save_as() if path is None else self._save_to(path, self._stamp)

    def save_as(self) -> bool:
        """Ask for a file and save there."""
        folder = Path(self._settings.value.last_folder or Path.home())
        name = self._session.document.title.strip() or tr("My session")
        clean = "".join(c if c.isalnum() or c in " -_." else "_" for c in name)
        kinds = f"{tr('Session')} (*{SESSION_SUFFIX})"
        with_data = f"{tr('Session with all its data')} (*{SESSION_SUFFIX})"
        chosen, kind = QFileDialog.getSaveFileName(
            self._window, tr("Save the session"), str(folder / f"{clean}{SESSION_SUFFIX}"), f"{kinds};;{with_data}"
        )
        if not chosen:
            return False
        path = Path(chosen)
        if path.suffix.lower() != SESSION_SUFFIX:
            path = path.with_name(path.name + SESSION_SUFFIX)
        return self._save_to(path, None, bundle=kind == with_data)

    def _save_to(self, path: Path, expected: FileStamp | None, *, bundle: bool = False) -> bool:
        try:
            if self._lock is None or self._session.path != path:
                self._hold(path)
            saved = save_session(path, self._session.document, bundle=bundle, expected=expected)
        except ChangedOnDiskError as error:
            self._toasts.ask(
                error.text,
                (("Save under another name", self.save_as), ("Overwrite", lambda: self._save_to(path, None))),
                hint=error.hint,
                path=str(path),
            )
            return False
        except ViewerError as error:
            self._toasts.show_error(error)
            return False
        self._stamp = saved.stamp
        self._session.mark_saved(saved.path)
        self._settings.remember_file(saved.path)
        for warning in saved.warnings:
            self._toasts.say(warning, kind="warning")
        self._toasts.say("Saved as {name}.", name=saved.path.name, seconds=4.0)
        return True

    def _hold(self, path: Path) -> None:
        """Lock a session file for this program; the former one is let go.

        Raises
        ------
        LockedError
            Somebody else has it open.
        """
        lock = SessionLock(path)
        lock.acquire()
        self.release()
        self._lock = lock

    def release(self) -> None:
        """Let the lock go."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # -- opening -----------------------------------------------------------------------------------

    def open(self, text: str) -> None:
        """Open a session file; asks first if the open one is unsaved."""
        if not self.may_leave():
            return
        path = Path(text)
        self._tasks.start(
            "session",
            lambda progress: open_session(path),
            lambda opened: self._show(path, opened),
            title=tr("Reading {name}", name=path.name),
        )

    def _show(self, path: Path, opened: OpenedSession) -> None:
        own = not path.resolve().is_relative_to(assets_folder().resolve())  # the sample is saved elsewhere
        if own:
            try:
                self._hold(path)
            except LockedError as error:
                self._toasts.show_error(error)
                self.release()
            except ViewerError:
                self.release()  # a folder that cannot be written to: read only, no lock needed
        else:
            self.release()
        self._stamp = opened.stamp
        self._workspace.open_document(opened.document)
        self._session.mark_saved(path if own else None)
        for issue in opened.issues:
            self._toasts.say(issue.text, kind="warning", **{"count": issue.count, **issue.values})
        self._opener.read_missing(self.opened.emit)

    # -- leaving -----------------------------------------------------------------------------------

    def may_leave(self) -> bool:
        """Ask what becomes of unsaved work; false to stay. Work that is only kept comes back next time."""
        if not self._session.modified or not self._session.document.sources:
            return True
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(tr("Unsaved session"))
        box.setText(tr("Save this session before you go on?"))
        box.setInformativeText(tr("Unsaved work is kept on this computer and offered at the next start."))
        save = box.addButton(tr("Save"), QMessageBox.ButtonRole.AcceptRole)
        later = box.addButton(tr("Keep for later"), QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton(tr("Stay here"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(save)
        box.setEscapeButton(stay)
        box.exec()
        if box.clickedButton() is save:
            return self.save()
        if box.clickedButton() is later:
            self.keep_for_later()
        return box.clickedButton() is not stay
