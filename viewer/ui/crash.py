"""What happens when the program itself fails: a log, a trace of hard crashes, and a report to copy.

Nothing is sent anywhere. ``install`` is called once by the application.
"""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from viewer import __version__
from viewer.settings import log_folder
from viewer.ui.i18n import tr
from viewer.ui.widgets import label

_log = logging.getLogger("viewer")
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class CrashGuard(QObject):
    """Catches what nobody caught: logs it, lets the application save, offers a report.

    Parameters
    ----------
    save : keeps the session safe; called before anything is shown, and must not raise Qt dialogs.
    """

    _caught = Signal(str)

    def __init__(self, save: Callable[[], object] | None = None) -> None:
        super().__init__()
        self._save = save
        self._open = False
        self._trace_file = None
        self._caught.connect(self._show)

    def install(self, folder: Path | None = None) -> None:
        """Take over logging, Qt's messages and the three hooks of Python."""
        folder = log_folder() if folder is None else folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handler = logging.handlers.RotatingFileHandler(
                folder / "stadtforum.log", maxBytes=1_000_000, backupCount=3, encoding="utf-8"
            )
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
            logging.getLogger().addHandler(handler)
            self._trace_file = (folder / "crash.txt").open("w", encoding="utf-8")
            faulthandler.enable(self._trace_file)
        except OSError as error:
            _log.warning("no log can be written: %s", error)
        logging.getLogger().setLevel(logging.INFO)
        qInstallMessageHandler(_on_qt_message)
        sys.excepthook = self.on_exception
        threading.excepthook = lambda args: self.on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def on_exception(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        """The hook: called on any thread."""
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        _log.critical("unhandled\n%s", text)
        self._caught.emit(report_text(text))

    def _show(self, report: str) -> None:
        if self._open:  # one failing paint must not open a hundred dialogs
            return
        self._open = True
        try:
            if self._save is not None:
                self._save()
            CrashDialog(report, QGuiApplication.focusWindow() and None).exec()
        finally:
            self._open = False


class CrashDialog(QDialog):
    """One sentence, the report, and a button to copy it."""

    def __init__(self, report: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Something went wrong"))
        self.resize(640, 420)
        text = QPlainTextEdit(report)
        text.setReadOnly(True)
        text.setAccessibleName(tr("Report"))
        buttons = QDialogButtonBox()
        copy = buttons.addButton(tr("Copy the report"), QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(report))
        go_on = buttons.addButton(tr("Go on working"), QDialogButtonBox.ButtonRole.AcceptRole)
        go_on.setDefault(True)
        buttons.accepted.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 16)
        layout.setSpacing(12)
        layout.addWidget(label("The program made a mistake. Your work is kept.", "title", wrap=True))
        layout.addWidget(
            label("You can go on. If it happens again, send this report to whoever looks after the program.", wrap=True)
        )
        layout.addWidget(text, 1)
        layout.addWidget(buttons)


def report_text(trace: str) -> str:
    """What support needs to know; no names of files and no data of the session beyond the trace."""
    lines = [
        f"Stadtforum {__version__}",
        f"{platform.platform()}, Python {platform.python_version()}, Qt {qVersion()}",
        f"Platform plugin: {QGuiApplication.platformName()}",
        "",
        trace.strip(),
    ]
    return "\n".join(lines)


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    logging.getLogger("qt").log(_QT_LEVELS.get(kind, logging.INFO), "%s", message)
