"""Keeps work safe while the window is open: journal, recovery of lost sessions, safe start after a crash.

How a journal is written is ``viewer.session``'s; this only starts it in the right order and tells people.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QBuffer, QDateTime, QIODevice, QObject, Qt, QTimer, Signal

from viewer.errors import ViewerError
from viewer.session import Session
from viewer.session.journal import Journal
from viewer.session.recovery import (
    Orphan,
    SafeStart,
    discard,
    let_go,
    mark_opening,
    orphans,
    purge,
    recover,
    safe_start,
    usable_state_folder,
)
from viewer.session.store import purge_bundles
from viewer.ui.graphics import graphics_kind
from viewer.ui.i18n import locale, tr

_log = logging.getLogger(__name__)
#: A picture of the work for the recovery offer is taken this long after the last change.
PICTURE_AFTER_MS = 4000


class Keeping(QObject):
    """The safety net of one window."""

    _failed = Signal(object)

    def __init__(self, window, session: Session, host) -> None:
        super().__init__(window)
        self._window, self._session, self._host = window, session, host
        self._journal: Journal | None = None
        self._mark = None
        self._keep = False
        self._picture_timer = QTimer(self, singleShot=True, interval=PICTURE_AFTER_MS)
        self._picture_timer.timeout.connect(self._take_picture)
        self._failed.connect(window.stage.toasts.show_error)

    def advise(self) -> SafeStart | None:
        """Before anything is drawn: what to leave out, if the last starts ended before their first picture."""
        toasts = self._window.stage.toasts
        self._folder, issues = usable_state_folder()
        for issue in issues:
            toasts.say(issue.text, kind="warning", count=issue.count, **issue.values)
        advice = safe_start(self._folder)
        if advice is not None:
            toasts.say(advice.text, kind="warning")
            for plugin in advice.skip_plugins:
                self._host.enable(plugin, False)
        return advice

    def start(self, files: Sequence[str], advice: SafeStart | None) -> None:
        """The window stands: note what is opened, offer lost work, begin the journal."""
        toasts = self._window.stage.toasts
        plugins = tuple(info.id for info in self._host.plugins if info.ready)
        self._mark = mark_opening(self._folder, tuple(files), plugins, graphics_kind(), after=advice)
        self._window.picture_drawn.connect(self._first_picture)
        for orphan in orphans(self._folder):
            self._offer(orphan)
        purge(self._folder)
        purge_bundles()
        try:
            self._journal = Journal(self._session, self._folder)
        except ViewerError as error:
            toasts.show_error(error)
            return
        self._journal.failed.connect(self._failed.emit)
        if self._journal.problem is not None:
            toasts.show_error(self._journal.problem)
        self._session.changed.connect(self._on_changed)

    def keep_for_later(self) -> None:
        """Leave unsaved work in the journal, to be offered at the next start."""
        self._keep = True

    def flush(self) -> None:
        """Everything done so far is on disk when this returns."""
        if self._journal is not None:
            self._journal.flush()

    def close(self) -> None:
        """The window is gone."""
        if self._journal is not None:
            self._journal.close(keep=self._keep)
            self._journal = None

    def _first_picture(self, _milliseconds: float) -> None:
        if self._mark is not None:
            self._mark.first_picture()
            self._mark = None
            self._window.picture_drawn.disconnect(self._first_picture)

    def _offer(self, orphan: Orphan) -> None:
        toasts = self._window.stage.toasts
        if orphan.problem is not None:
            toasts.show_error(orphan.problem)
            let_go(orphan)
            return
        if not orphan.changes:
            discard(orphan)
            return
        toasts.ask(
            "Unsaved work was found: {title}. Changes since the last save: {count}, the latest {time}.",
            (
                (tr("Recover"), partial(self._recover, orphan)),
                (tr("Discard"), partial(discard, orphan)),
                (tr("Later"), partial(let_go, orphan)),
            ),
            title=orphan.title or tr("Session without a name"),
            count=orphan.changes,
            time=_when(orphan.time),
        )

    def _recover(self, orphan: Orphan) -> None:
        try:
            document = recover(orphan)
        except ViewerError as error:
            self._window.stage.toasts.show_error(error)
            return
        self._window.workspace.open_document(document, saved=False, path=orphan.path)
        self._window.opener.read_missing(self._window.files.opened.emit)
        if self._journal is not None and self._journal.flush():
            discard(orphan)

    def _on_changed(self, _old: object, _new: object) -> None:
        self._picture_timer.start()

    def _take_picture(self) -> None:
        if self._journal is None or self._window.workspace.city is None:
            return
        image = self._window.view.picture(320, 200)
        if image.isNull():
            return
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")
        self._journal.set_picture(bytes(buffer.data()))


def _when(iso: str) -> str:
    """Day and time in the way of the language; the text itself where it is no time."""
    moment = QDateTime.fromString(iso, Qt.DateFormat.ISODateWithMs).toLocalTime()
    return locale().toString(moment, locale().FormatType.ShortFormat) if moment.isValid() else iso
