"""A view that fails gives way to the next way of drawing; what was seen stays."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, Qt

from viewer.errors import GraphicsError
from viewer.session.document import Camera
from viewer.session.edits import SetLever
from viewer.ui import window_view
from viewer.ui.view_base import StandInView

CAMERA = Camera((565_100.0, 5_934_000.0, 300.0), (565_040.0, 5_934_040.0, 0.0))


class FailingView(StandInView):
    """An OpenGL view whose pictures fail from a moment on, or that never gets a context."""

    kind = "widget"
    broken = False
    has_context = True

    def paintEvent(self, event) -> None:
        if self.broken:
            self.failed.emit()
        else:
            super().paintEvent(event)

    @property
    def drawable(self) -> bool:
        return self.has_context

    def show_state(self, state) -> None:
        self.state = state
        self.update()  # unlike the stand-in, it draws later


class PlainPicture(StandInView):
    kind = "image"


@pytest.fixture
def ladder(city_window, monkeypatch):
    """The window on a failing view; ``made`` lists the kinds asked for, ``broken_image`` refuses a picture."""
    made: list[str] = []

    def make(parent, kind=""):
        made.append(kind)
        if kind == "image" and city_window.property("broken_image"):
            raise GraphicsError("no off-screen window")
        return FailingView(parent) if kind == "" else PlainPicture(parent)

    monkeypatch.setattr(window_view, "make_view", make)
    monkeypatch.setattr(window_view, "RETRY_MS", 1)
    monkeypatch.setattr(window_view, "CONTEXT_MS", 5)
    return city_window, made


def fail(window, qtbot) -> None:
    window.view.set_camera(CAMERA, fly=False)
    window.view.broken = True
    window.view.redraw()
    qtbot.waitUntil(lambda: not isinstance(window.view, FailingView))


def warnings(window) -> list[str]:
    return [b.sentence.text() for b in window.stage.toasts.banners() if b.kind == "warning"]


def test_three_failed_pictures_lead_to_the_picture_view_with_camera_and_state(ladder, qtbot):
    window, made = ladder
    window.start_view()
    window.workspace.session.edit(SetLever("storeys_added", 2.0))
    fail(window, qtbot)
    assert made == ["", "image"]
    assert isinstance(window.view, PlainPicture)
    assert window.view.camera() == CAMERA
    assert window.view.state.city is window.workspace.city
    assert window.view.state.change.lift_m.any()
    assert len(warnings(window)) == 1
    assert "shown as a picture" in warnings(window)[0]


def test_two_failed_pictures_in_a_row_change_nothing(ladder, qtbot):
    window, _ = ladder
    window.start_view()
    view = window.view
    for _ in range(3):
        view.failed.emit()
        view.failed.emit()
        view.frame_drawn.emit(5.0)
    qtbot.wait(20)
    assert window.view is view


def test_a_context_that_cannot_be_made_leads_to_the_picture_view(ladder, qtbot, monkeypatch):
    window, _ = ladder
    monkeypatch.setattr(FailingView, "has_context", False)
    window.start_view()
    qtbot.waitUntil(lambda: isinstance(window.view, PlainPicture))
    assert len(warnings(window)) == 1


def test_where_no_picture_can_be_had_either_numbers_go_on(ladder, qtbot):
    window, _ = ladder
    window.start_view()
    window.setProperty("broken_image", True)
    fail(window, qtbot)
    assert window.view.kind == "none"
    assert "can no longer be drawn" in warnings(window)[0]
    window.workspace.session.edit(SetLever("storeys_added", 2.0))
    assert window.view.state.change.lift_m.any()


def test_tools_work_on_the_view_that_took_over(ladder, qtbot):
    window, _ = ladder
    window.start_view()
    window.act["tool_polygon"].setChecked(True)
    fail(window, qtbot)
    assert window.tools.tool == "polygon"
    middle = window.workspace.measures.centre_local[4]
    for x, y in ((-9, -9), (9, -9), (9, 9), (-9, 9)):
        at = window.view.project([[middle[0] + x, middle[1] + y, 0.0]])[0]
        window.view.navigator.clicked.emit(QPointF(*at), Qt.KeyboardModifier.NoModifier)
    window.tools.close_polygon()
    assert window.workspace.ids_of(window.workspace.selection) == ("house-4",)


def test_a_driver_that_failed_is_tried_out_anew_at_the_next_start(ladder, qtbot):
    window, _ = ladder
    window.settings.update(graphics={"situation": "here", "kind": "widget"})
    window.start_view()
    fail(window, qtbot)
    assert window.settings.value.graphics == {}
