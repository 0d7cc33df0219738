"""Every test runs on its own: folders in tmp, English, light, no screen unless a test asks for one."""

from __future__ import annotations

import logging
import os
import sys

import pytest
from hypothesis import settings

from tests.loopback import Loopback

#: A busy machine is no failure: no test asserts times.
settings.register_profile("stadtforum", deadline=None)
settings.load_profile("stadtforum")

#: Tests that draw with OpenGL in a window say so with ``@pytest.mark.window`` and run under Xvfb.
_WINDOWED = os.environ.get("STADTFORUM_TEST_WINDOW", "") == "1"
if not _WINDOWED:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

#: Qt says these on every machine without a desktop; they tell nothing about us.
_HARMLESS = (
    "This plugin does not support propagateSizeHints",
    "This plugin does not support raise()",
    "XDG_RUNTIME_DIR",
    "Could not connect to accessibility bus",
    "could not connect to display",
    "Populating font family aliases",
    "qt.qpa.fonts",
    "Setting a new default format",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run either the tests with a window or all others: one process has one platform."""
    other = [item for item in items if ("window" in item.keywords) != _WINDOWED]
    config.hook.pytest_deselected(items=other)
    items[:] = [item for item in items if ("window" in item.keywords) == _WINDOWED]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("STADTFORUM_HOME", str(tmp_path / "home"))


@pytest.fixture
def server():
    """A server on loopback that answers as a test wants."""
    one = Loopback()
    yield one
    one.close()


@pytest.fixture(scope="session")
def qapp_cls():
    from viewer.ui.graphics import prepare_application

    prepare_application()
    from PySide6.QtWidgets import QApplication

    return QApplication


@pytest.fixture(autouse=True)
def _clean_interface(request, caplog):
    """A Qt warning, a logged error or a window left behind fails the test that uses Qt."""
    if "qapp" not in request.fixturenames and "qtbot" not in request.fixturenames:
        yield
        return
    app = request.getfixturevalue("qapp")
    from PySide6.QtCore import qInstallMessageHandler

    from viewer.ui import i18n, theme

    theme.apply(app, "light")
    i18n.set_language("en")
    messages: list[str] = []
    former = qInstallMessageHandler(lambda kind, context, text: messages.append(text))
    yield
    app.processEvents()
    qInstallMessageHandler(former)
    i18n.set_language("en")
    strays = [w.objectName() or type(w).__name__ for w in app.topLevelWidgets() if w.isVisible()]
    for widget in app.topLevelWidgets():
        if widget.isVisible():
            widget.hide()
            widget.deleteLater()
    told = [m for m in messages if not any(harmless in m for harmless in _HARMLESS)]
    assert not told, told
    assert not strays, f"windows left behind: {strays}"
    bad = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR and r.name.startswith("viewer")]
    allowed = request.node.get_closest_marker("expects_errors") is not None
    assert allowed or not bad, bad


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "expects_errors: this test makes the program log errors")
    if _WINDOWED and sys.platform.startswith("linux") and "DISPLAY" not in os.environ:
        pytest.exit("STADTFORUM_TEST_WINDOW=1 needs a display: run it under xvfb-run", 2)
