"""Builds the parts and connects them; nothing else.

The window stands before anything heavy is imported; the graphics, the recovery of lost work and the files
named on the command line follow when it is on screen.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

_log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line names: a command, or the window with files. Returns the exit code."""
    from viewer.cli import run

    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["--probe"]:  # a frozen program tries the graphics out by starting itself
        from viewer.scene.probe import main as draw_test_picture

        return draw_test_picture()
    switches = {name for name in ("--sample", "--kiosk") if name in arguments}
    rest = [a for a in arguments if a not in switches]
    return run(rest, lambda files: open_window(files, sample="--sample" in switches, kiosk="--kiosk" in switches))


def open_window(files: Sequence[Path], *, sample: bool = False, kiosk: bool = False) -> int:
    """Show the window and run until it is closed.

    Parameters
    ----------
    files : opened once the window stands.
    sample : open the sample city when no file is named.
    kiosk : begin the unattended tour as soon as everything is open.
    """
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from viewer.settings import Settings
    from viewer.ui import i18n, theme
    from viewer.ui.graphics import find_out, prepare_application

    prepare_application()
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Stadtforum")
    app.setDesktopFileName("stadtforum")
    settings = Settings()
    i18n.set_language(settings.value.language or i18n.system_language())
    theme.apply(app, settings.value.theme)

    from viewer.plugin_host import PluginHost, default_folders, default_state_path
    from viewer.session import Session
    from viewer.ui.crash import CrashGuard
    from viewer.ui.icons import icon
    from viewer.ui.tasks import TaskRunner
    from viewer.ui.window import MainWindow
    from viewer.ui.words import fresh_document
    from viewer.workspace import Workspace

    app.setWindowIcon(icon("logo", "accent"))
    guard = CrashGuard()
    guard.install()
    session = Session(fresh_document())
    host = PluginHost(default_folders(), state_path=default_state_path())
    i18n.add_source(host.translations)
    workspace = Workspace(session, host)
    tasks = TaskRunner()
    window = MainWindow(workspace, tasks, settings)

    from viewer.ui.keeping import Keeping

    keeping = Keeping(window, session, host)
    window.files.keep_for_later = keeping.keep_for_later

    def begin() -> None:
        advice = keeping.advise()
        names = [str(file.resolve()) for file in files]
        wanted = [] if advice is not None and set(names) & set(advice.skip_files) else names

        def go_on(sentence: str) -> None:
            if sentence:
                window.stage.toasts.say(sentence, kind="warning")
            window.start_view()
            keeping.start(wanted, advice)
            if wanted:
                window.opener.open(wanted)
            elif sample:
                window.opener.open_sample()
            if kiosk:
                window.planning.start_kiosk_when_open()

        find_out(tasks, settings, software=advice is not None and advice.software_graphics, then=go_on)

    window.show()
    QTimer.singleShot(0, begin)
    try:
        return app.exec()
    finally:
        keeping.close()
        tasks.shutdown()


if __name__ == "__main__":
    raise SystemExit(main())
