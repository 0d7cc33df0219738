"""Drives the real window through the sample and photographs it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE = (1600, 1000)
#: File name, language, theme, what is done before the picture.
SHOTS: tuple[tuple[str, str, str, str], ...] = (
    ("window-en-light.png", "en", "light", "open"),
    ("window-de-dark.png", "de", "dark", "area"),
    ("compare-de-light.png", "de", "light", "compare"),
    ("present-de-light.png", "de", "light", "present"),
)


def take(out: Path) -> list[Path]:
    """Write every picture into ``out``; needs a screen."""
    os.environ["STADTFORUM_HOME"] = tempfile.mkdtemp(prefix="stadtforum-pictures-")
    from PySide6.QtWidgets import QApplication

    from viewer.plugin_host import PluginHost, default_folders
    from viewer.session import Session
    from viewer.settings import Settings
    from viewer.ui import i18n, theme
    from viewer.ui.graphics import prepare_application
    from viewer.ui.tasks import ImmediateRunner
    from viewer.ui.window import MainWindow
    from viewer.workspace import Workspace

    prepare_application()
    app = QApplication([])
    host = PluginHost(default_folders())
    i18n.add_source(host.translations)
    written = []
    for name, language, colours, act in SHOTS:
        settings = Settings()
        settings.update(language=language, theme=colours, reduced_motion=True)
        i18n.set_language(language)
        theme.apply(app, colours)
        window = MainWindow(Workspace(Session(), host), ImmediateRunner(), settings)
        window.resize(*SIZE)
        window.show()
        _wait(app, 0.4)
        window.start_view()
        window.opener.open_sample()
        _wait(app, 1.0)
        _ACTS[act](window, lambda seconds: _wait(app, seconds))
        _wait(app, 2.5)
        path = out / name
        window.grab().save(str(path))
        written.append(path)
        window.workspace.session.mark_saved()
        window.close()
        window.deleteLater()
        _wait(app, 0.2)
    return written


def _wait(app: Any, seconds: float) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def _fly(window: Any, number: int) -> None:
    document = window.workspace.session.document
    view = document.views[number]
    if view.scenario:
        from viewer.session.edits import ShowScenario

        window.workspace.session.edit(ShowScenario(view.scenario))
    window.view.set_camera(view.camera, fly=False)


def _open(window: Any, wait: Callable[[float], None]) -> None:
    _fly(window, 0)


def _area(window: Any, wait: Callable[[float], None]) -> None:
    from viewer.session.edits import ColorBy

    _fly(window, 4)
    window.workspace.session.edit(ColorBy("indicator:residents"))
    wait(0.2)


def _compare(window: Any, wait: Callable[[float], None]) -> None:
    _fly(window, 3)
    window.act["compare"].setChecked(True)
    wait(0.2)


def _present(window: Any, wait: Callable[[float], None]) -> None:
    window.act["present"].trigger()
    wait(2.0)


_ACTS: dict[str, Callable[[Any, Callable[[float], None]], None]] = {
    "open": _open,
    "area": _area,
    "compare": _compare,
    "present": _present,
}
