"""Which way of drawing this computer can do, found out without importing VTK.

``viewport`` draws with VTK and is imported when the window already stands.
"""

from __future__ import annotations

import logging
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QGuiApplication, QSurfaceFormat
from PySide6.QtWidgets import QWidget

from viewer.errors import GraphicsError
from viewer.settings import Settings
from viewer.ui.i18n import tr
from viewer.ui.tasks import Tasks
from viewer.ui.view_base import StandInView, View

#: ``widget``, ``image`` or ``none``: overrides what was found out about the driver.
GRAPHICS_VARIABLE = "STADTFORUM_GRAPHICS"
SLOW_NOTICE = "The city is drawn off screen and shown as a picture, because no OpenGL window can be had. It is slower."
if TYPE_CHECKING:
    from viewer.plugin_api import Progress
    from viewer.scene.probe import GraphicsReport

_log = logging.getLogger(__name__)
_KINDS = ("widget", "image", "none")


def prepare_application() -> None:
    """Before the ``QApplication`` is made: shared contexts (a moved view must not crash), OpenGL 3.2 core."""
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    wanted = QSurfaceFormat()
    wanted.setRenderableType(QSurfaceFormat.RenderableType.OpenGL)
    wanted.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    wanted.setVersion(3, 2)
    for set_size in (wanted.setRedBufferSize, wanted.setGreenBufferSize, wanted.setBlueBufferSize):
        set_size(8)
    wanted.setDepthBufferSize(8)
    wanted.setAlphaBufferSize(8)
    wanted.setStencilBufferSize(0)
    wanted.setSamples(0)
    QSurfaceFormat.setDefaultFormat(wanted)


def graphics_kind() -> str:
    """``"widget"``, ``"image"`` or ``"none"``: how the city is to be shown here."""
    wish = os.environ.get(GRAPHICS_VARIABLE, "")
    if wish in _KINDS:
        return wish
    return "none" if QGuiApplication.platformName() in ("offscreen", "minimal") else "widget"


def warm_up(parent: QWidget) -> None:
    """Before the window is shown: make it one that can hold OpenGL, or it would flash when the view comes."""
    if graphics_kind() == "widget":
        from PySide6.QtOpenGLWidgets import QOpenGLWidget

        seed = QOpenGLWidget(parent)
        seed.setFixedSize(1, 1)
        seed.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        seed.lower()


def make_view(parent: QWidget, kind: str = "") -> View:
    """The best view this computer can show: OpenGL widget, picture of an off-screen drawing, stand-in.

    Parameters
    ----------
    kind : ``"widget"``, ``"image"`` or ``"none"``; by default what was found out about the driver.

    Raises
    ------
    GraphicsError
        VTK cannot draw at all.
    """
    kind = kind or graphics_kind()
    if kind == "none":
        return StandInView(parent)
    try:
        from viewer.ui.viewport import make_vtk_view

        if kind == "widget":
            try:
                return make_vtk_view(parent, in_widget=True)
            except (OSError, RuntimeError) as error:
                _log.warning("no OpenGL widget: %s", error)
        view = make_vtk_view(parent, in_widget=False)
        view.notice = SLOW_NOTICE
        return view
    except (ImportError, OSError, RuntimeError) as error:
        raise GraphicsError(
            "The city cannot be drawn on this computer: {reason}.",
            hint="Layers and numbers still work. The command “stadtforum doctor” says what is missing.",
            reason=str(error),
        ) from error


def find_out(tasks: Tasks, settings: Settings, *, software: bool, then: Callable[[str], object]) -> None:
    """Find out in a child process what can be drawn, then go on with ``then(sentence)``.

    A driver that works is remembered for this situation (screen, session, VTK) and not asked again until a
    start ends badly. ``software`` : draw without the graphics card, after starts that ended before a picture.
    """
    situation = _situation()
    if os.environ.get(GRAPHICS_VARIABLE, "") in _KINDS or graphics_kind() == "none":
        then("")
        return
    known = settings.value.graphics
    if not software and known.get("situation") == situation and known.get("kind") in _KINDS:
        os.environ[GRAPHICS_VARIABLE] = known["kind"]
        then("")
        return
    if software:
        os.environ.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")

    def work(progress: Progress) -> GraphicsReport:
        progress.report(0.1, "Trying out the graphics")
        from viewer.scene.probe import probe_all

        return probe_all()

    def done(report: GraphicsReport) -> None:
        os.environ.update(dict(report.environment))
        kind = "widget" if report.on_screen else "image" if report.works else "none"
        os.environ[GRAPHICS_VARIABLE] = kind
        fine = report.works and not report.environment and not software
        settings.update(graphics={"situation": situation, "kind": kind} if fine else {})
        then(
            ""
            if report.works
            else tr(
                "The city cannot be drawn on this computer: {reason}",
                reason=tr(report.reason_text, **dict(report.reason_values)),
            )
        )

    tasks.start("graphics", work, done, title=tr("Trying out the graphics"))


def _situation() -> str:
    """What the answer of a driver depends on."""
    names = (
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "SESSIONNAME",
        "SSH_CONNECTION",
        "LIBGL_ALWAYS_SOFTWARE",
        "VTK_DEFAULT_OPENGL_WINDOW",
    )
    return "|".join([sys.platform, platform.release(), version("vtk"), *(os.environ.get(n, "") for n in names)])
