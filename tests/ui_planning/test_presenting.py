from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox

from tests.ui.conftest import city_file, city_window, settings, window, workspace  # noqa: F401
from viewer.session.document import Camera, View
from viewer.session.edits import AddScenario, SetLever, SetViews
from viewer.ui.kiosk import Kiosk
from viewer.ui.present import Presentation

CAMERAS = [Camera((565000.0 + n, 5933000.0, 500.0), (565040.0, 5934040.0, 0.0)) for n in range(3)]


@pytest.fixture
def told(city_window):  # noqa: F811
    """The window with two scenarios and three saved views."""
    session = city_window.workspace.session
    first = session.document.active
    session.edit(AddScenario("Tall"))
    session.edit(SetLever("storeys_added", 2.0))
    views = [View(f"Step {n}", CAMERAS[n], scenario, text=f"Words {n}", seconds=5.0)
             for n, scenario in enumerate([first, "Tall", ""])]  # fmt: skip
    session.edit(SetViews(tuple(views)))
    session.mark_saved()
    return city_window


def press(window, key, modifiers=Qt.KeyboardModifier.NoModifier):  # noqa: F811
    target = QApplication.focusWidget() or window
    QTest.keyClick(target, key, modifiers)
    QApplication.processEvents()


# -- presentation ----------------------------------------------------------------------------------


@pytest.fixture
def presentation(told):
    made = Presentation(told)
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("key", [Qt.Key.Key_Right, Qt.Key.Key_PageDown, Qt.Key.Key_Space])
def test_a_remote_or_key_goes_to_the_next_step_and_stays_on_the_last(told, presentation, key):
    for expected in (1, 2, 2):
        press(told, key)
        assert presentation.index == expected
    assert told.view.camera() == CAMERAS[2]


@pytest.mark.parametrize("key", [Qt.Key.Key_Left, Qt.Key.Key_PageUp])
def test_a_remote_or_key_goes_back(told, presentation, key):
    presentation.go(2)
    for expected in (1, 0, 0):
        press(told, key)
        assert presentation.index == expected


def test_steps_show_their_scenario_and_change_nothing_in_the_document(told, presentation):
    before = told.workspace.session.document
    presentation.go(2)
    assert told.staging.showing.scenario == ""
    assert told.workspace.session.document == before


def test_presenting_is_no_undo_step_and_escape_leaves(told, presentation):
    last = told.workspace.session.undo_edit
    presentation.go(1)
    press(told, Qt.Key.Key_Escape)
    assert not presentation.running
    assert told.workspace.session.undo_edit is last
    assert not told.topbar.isHidden()


def test_black_screen_comes_and_goes(told, presentation):
    press(told, Qt.Key.Key_B)
    assert presentation.overlay.black
    press(told, Qt.Key.Key_PageDown)  # the first press brings the picture back
    assert not presentation.overlay.black and presentation.index == 0


def test_controls_are_large_enough_for_fingers(told, presentation):
    overlay = presentation.overlay
    for made in (overlay.back, overlay.forward, overlay.lever_button, overlay.close_button):
        assert min(made.width(), made.height()) >= 48


# -- unattended mode -------------------------------------------------------------------------------


class Clock:
    """Seconds that go on only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def kiosk(told, clock):
    made = Kiosk(told, clock)
    made.start()
    made._timer.stop()  # the test ticks
    yield made
    made.leave()


def visit(kiosk):
    """A visitor touches the stand; the test goes on ticking."""
    kiosk.touched()
    kiosk._timer.stop()


def test_the_tour_goes_on_by_itself_and_begins_again(kiosk, clock):
    seen = []
    for _ in range(4):
        seen.append(kiosk.index)
        clock.now += 60
        kiosk.tick()
    assert seen == [0, 1, 2, 0]


def test_any_key_hands_over_and_idling_puts_the_document_back(told, kiosk, clock):
    session = told.workspace.session
    start = session.document
    press(told, Qt.Key.Key_Space)
    kiosk._timer.stop()
    assert kiosk.state == "visitor"
    session.edit(SetLever("storeys_added", 5.0))
    assert session.document != start
    clock.now += kiosk.idle_seconds - 0.5
    kiosk.tick()
    assert kiosk.state == "visitor" and session.document != start
    clock.now += 1.0
    kiosk.tick()
    assert kiosk.state == "tour" and session.document == start
    assert session.undo_edit is None  # visitors leave nothing behind


def test_a_touch_starts_the_waiting_anew(kiosk, clock):
    visit(kiosk)
    clock.now += kiosk.idle_seconds - 1
    kiosk.touched()
    clock.now += kiosk.idle_seconds - 1
    kiosk.tick()
    assert kiosk.state == "visitor"


def test_the_last_seconds_are_counted_down_and_a_touch_ends_the_countdown(kiosk, clock):
    visit(kiosk)
    assert not kiosk.visitor.countdown.isVisible()
    clock.now += kiosk.idle_seconds - 5
    kiosk.tick()
    assert kiosk.visitor.countdown.isVisible()
    kiosk.touched()
    assert not kiosk.visitor.countdown.isVisible()


def test_closing_and_keys_do_not_end_it_but_the_operators_shortcut_does(told, kiosk):
    visit(kiosk)
    for key, held in (
        (Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_F4, Qt.KeyboardModifier.AltModifier),
        (Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier),
        (Qt.Key.Key_F11, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_F12, Qt.KeyboardModifier.ControlModifier),
    ):
        press(told, key, held)
        assert kiosk.state == "visitor" and told.isVisible()
    closing = QCloseEvent()
    QApplication.sendEvent(told, closing)
    assert not closing.isAccepted() and told.isVisible()
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    press(told, Qt.Key.Key_F12, both)
    assert kiosk.state == "off"
    assert told.topbar.isVisible()


def test_a_dialog_closes_by_itself(told, kiosk, qtbot, caplog):
    box = QMessageBox(told)
    box.setWindowTitle("Ask")
    box.open()
    qtbot.waitUntil(lambda: not box.isVisible())
    assert "dialog" in caplog.text
    box.deleteLater()
    QApplication.sendPostedEvents(box, QEvent.Type.DeferredDelete)


def test_unsaved_work_is_still_unsaved_after_a_visitor(told, clock):
    session = told.workspace.session
    session.edit(SetLever("storeys_added", 1.0))
    assert session.modified
    kiosk = Kiosk(told, clock)
    kiosk.start()
    kiosk._timer.stop()
    visit(kiosk)
    session.edit(SetLever("storeys_added", 4.0))
    kiosk.leave()
    assert session.document.scenario.value("storeys_added") == 1.0
    assert session.modified


def test_the_operators_shortcut_is_all_three_keys_together():
    from viewer.ui.kiosk import is_operator

    ctrl, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    event = QEvent.Type.KeyPress
    assert is_operator(QKeyEvent(event, Qt.Key.Key_F12, ctrl | shift))
    assert not is_operator(QKeyEvent(event, Qt.Key.Key_F12, ctrl))
    assert not is_operator(QKeyEvent(event, Qt.Key.Key_F11, ctrl | shift))
