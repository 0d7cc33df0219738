"""The 3D view of the window: puts it on the stage, listens to it, and steps down when it fails.

The ladder is the OpenGL widget, then a picture drawn off screen, then the stand-in; camera and state stay.
"""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, QPointF, QTimer

from viewer.city import ModelLayer
from viewer.errors import GraphicsError
from viewer.ui.graphics import make_view
from viewer.ui.model_mover import ModelMover
from viewer.ui.select_tools import Canvas, SelectTools
from viewer.ui.stopwatch import ResponseClock
from viewer.ui.view_base import StandInView, View
from viewer.ui.widgets import let_go
from viewer.ui.words import type_text

_log = logging.getLogger(__name__)
#: So many pictures in a row may fail before another way of drawing is taken.
FAILURES = 3
#: A failed picture is tried again after this time, ms.
RETRY_MS = 60
#: A view that can still not draw so long after it came onto the stage never will, ms.
CONTEXT_MS = 4000
_NEXT_KIND = {"widget": "image", "image": "none"}


class ViewHost(QObject):
    """Holds the view of a window and what belongs to it: selection tools, hover, compass, frame times."""

    def __init__(self, window) -> None:
        super().__init__(window)
        self._window, self._stage, self._workspace = window, window.stage, window.workspace
        self.response = ResponseClock()
        self._failures = 0
        # Before all who work on a change: their work belongs to the time a person waits.
        self._workspace.session.changed.connect(self._on_change, priority=100)
        self.view: View = StandInView(self._stage)
        self.tools: SelectTools
        self._canvas: Canvas | None = None
        self._listen()

    def start(self) -> None:
        """Make the real view; called when the window stands. Without one the rest goes on working."""
        try:
            view = make_view(self._stage)
        except GraphicsError as error:
            self._stage.toasts.show_error(error)
            return
        self._take(view)
        if view.notice:
            self._stage.toasts.say(view.notice, seconds=10.0)
        self._window.refresh()
        if self._workspace.city is not None:
            view.home()
        QTimer.singleShot(CONTEXT_MS, view, lambda: self._check_context(view))
        self._window.view_ready.emit()

    def step_down(self) -> None:
        """Take the next way of drawing, where the present one failed; camera and state stay."""
        former = self.view
        if former.kind not in _NEXT_KIND:
            return
        _log.warning("the view %s failed; stepping down", former.kind)
        self._window.settings.update(graphics={})  # find out anew at the next start
        camera, walking = former.camera(), former.walking
        try:
            view = make_view(self._stage, _NEXT_KIND[former.kind])
        except GraphicsError as error:
            _log.warning("no picture either: %s", error)
            view = StandInView(self._stage)
        self._take(view)
        self._window.refresh_scene()
        view.set_camera(camera, fly=False)
        if walking:
            view.set_walking(True)
        if view.kind == "none":
            self._stage.toasts.say(
                "The city can no longer be drawn. Layers and numbers still work; save your work and start again.",
                kind="warning",
            )
        else:
            self._stage.toasts.say(
                "Drawing with the graphics card failed. The city is now shown as a picture, which is slower.",
                kind="warning",
            )

    def close(self) -> None:
        """The window closes."""
        self._workspace.session.changed.disconnect(self._on_change)
        self.view.shut_down()

    def _take(self, view: View) -> None:
        """Put a view onto the stage and listen to it; the former one goes."""
        former, canvas, tool = self.view, self._canvas, self.tools.tool
        self.view = view
        self._listen()
        if tool != "select":
            self.tools.set_tool(tool)
        former.shut_down()
        for old in (former, canvas):
            let_go(old)

    def _listen(self) -> None:
        window, view = self._window, self.view
        self._failures = 0
        self._damage_told: set[str] = set()
        view.reduced_motion = window.settings.value.reduced_motion
        self._stage.set_view(view)
        self._canvas = Canvas(self._stage)
        self._canvas.stackUnder(self._stage.welcome)
        self.tools = SelectTools(self._workspace, view, self._canvas)
        self.mover = ModelMover(self._workspace, view, self._canvas)
        self.mover.holding.connect(self._on_holding)
        self.tools.area_drawn.connect(window.area_drawn)
        self.tools.tool_changed.connect(lambda tool: window.act[f"tool_{tool}"].setChecked(True))
        view.hovered.connect(self._on_hover)
        view.layer_clicked.connect(self._on_layer_click)
        view.navigator.left.connect(self._on_leave)
        view.camera_changed.connect(self._on_camera)
        view.frame_drawn.connect(self._on_frame)
        view.failed.connect(self._on_failed)
        view.damaged.connect(self._on_damaged)
        view.set_memory(window.settings.value.city_memory_mb)

    def _on_damaged(self, sentence: str) -> None:
        """Parts of the city stay coarse: said once, however many they are."""
        if sentence not in self._damage_told:
            self._damage_told.add(sentence)
            self._stage.toasts.say(sentence, kind="warning")

    def _on_holding(self, key: str) -> None:
        self.tools.passive = bool(key)
        self._window.layers.show_held(key)
        if key:
            self._stage.toasts.say(
                "Drag the model to its place; the drag turns it with Shift, lifts it with Ctrl, sizes it with Alt. "
                "Arrow keys move it by a metre, Esc ends.",
                seconds=12.0,
            )

    # -- what the view tells -----------------------------------------------------------------------

    def _on_change(self, _old: object, _new: object) -> None:
        self.response.changed()

    def _on_frame(self, milliseconds: float) -> None:
        self._failures = 0
        self._window.performance.add_frame(milliseconds, self.response.finished(milliseconds))
        self._window.picture_drawn.emit(milliseconds)

    def _on_failed(self) -> None:
        if self.sender() is not self.view:
            return
        self._failures += 1
        if self._failures < FAILURES:
            QTimer.singleShot(RETRY_MS, self.view, self.view.redraw)
        elif self._failures == FAILURES:
            QTimer.singleShot(0, self, self.step_down)  # not in the middle of its paint

    def _check_context(self, view: View) -> None:
        if view is self.view and view.isVisible() and not view.drawable:
            self.step_down()

    def _on_camera(self) -> None:
        window = self._window
        window.navigation.compass.set_heading(self.view.heading_deg)
        window.scale_bar.set_resolution(self.view.metres_per_pixel)
        if window.act["walk"].isChecked() != self.view.walking:
            window.act["walk"].setChecked(self.view.walking)

    def _on_hover(self, feature: int, position: QPointF) -> None:
        if self._workspace.city is None:
            return
        self._workspace.hover(feature)
        if feature < 0 or self.tools.tool not in ("select", "rectangle"):
            self._window.tip.hide()
            return
        info = self._workspace.feature_info(feature)
        self._window.tip.show_at(position.toPoint(), info.title, type_text(info.type))

    def _on_layer_click(self, key: str, row: int) -> None:
        found = [view.layer for view in self._workspace.layer_views() if view.key == key]
        if found and isinstance(found[0], ModelLayer):
            self.mover.hold(key)
        elif found and self.tools.tool == "select" and row >= 0:
            self._window.info.show_layer_object(found[0], row)

    def _on_leave(self) -> None:
        self._window.tip.hide()
        if self._workspace.city is not None:
            self._workspace.hover(-1)
