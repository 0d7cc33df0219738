from __future__ import annotations

import logging

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QMessageBox

from viewer.session.codec import state_hash
from viewer.session.edits import SetLever, SetViews
from viewer.ui import i18n
from viewer.ui.kiosk import COUNTDOWN, LEAST_IDLE_SECONDS, TRAVEL_SECONDS, Kiosk

OPERATOR = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kiosk(story_window, clock):
    """A stand on tour; its timer rests, tests call ``tick``."""
    made = Kiosk(story_window, clock)
    made.start()
    made._timer.stop()
    yield made
    made.leave()


def later(kiosk, clock, seconds):
    clock.now += seconds
    kiosk.tick()


def visit(kiosk, window, qtbot):
    qtbot.mouseClick(window.view, Qt.MouseButton.LeftButton)
    kiosk._timer.stop()
    assert kiosk.state == "visitor"


def test_the_tour_goes_from_step_to_step_and_round_again(kiosk, clock, story_window):
    assert (kiosk.state, kiosk.index) == ("tour", 0)
    assert kiosk.tour.card.title.text() == "Today"
    assert kiosk.tour.head.title.text() == "Nine houses"
    for step, seconds in ((1, 8), (2, 8), (0, 5)):
        later(kiosk, clock, TRAVEL_SECONDS + seconds)
        assert kiosk.index == step


def test_the_camera_travels_and_then_turns_slowly(kiosk, clock, story_window):
    goal = story_window.workspace.session.document.views[0].camera
    later(kiosk, clock, TRAVEL_SECONDS / 2)
    assert story_window.view.camera() != goal
    later(kiosk, clock, TRAVEL_SECONDS / 2)
    assert story_window.view.camera().position_crs == pytest.approx(goal.position_crs)
    later(kiosk, clock, 4.0)
    turned = story_window.view.camera()
    assert turned.target_crs == goal.target_crs
    assert turned.position_crs[0] != pytest.approx(goal.position_crs[0], abs=1.0)


def test_with_reduced_motion_the_tour_jumps_and_stands(kiosk, clock, story_window):
    story_window.view.reduced_motion = True
    kiosk.back_to_tour()
    goal = story_window.workspace.session.document.views[0].camera
    assert story_window.view.camera() == goal
    later(kiosk, clock, TRAVEL_SECONDS + 3)
    assert story_window.view.camera() == goal


def test_the_tour_leaves_the_document_alone(kiosk, clock, story_window):
    before = state_hash(story_window.workspace.session.document)
    later(kiosk, clock, TRAVEL_SECONDS + 8)
    later(kiosk, clock, TRAVEL_SECONDS + 8)
    assert story_window.view.state.change is story_window.workspace.change("High")
    assert state_hash(story_window.workspace.session.document) == before


@pytest.mark.parametrize("how", ["touch", "key", "wheel"])
def test_anything_hands_over_and_does_nothing_else(kiosk, story_window, qtbot, how):
    window = story_window
    if how == "touch":
        qtbot.mouseClick(window.view, Qt.MouseButton.LeftButton)
    elif how == "key":
        qtbot.keyClick(window, Qt.Key.Key_Delete)
    else:
        kiosk.touched()
    assert kiosk.state == "visitor"
    assert kiosk.visitor.isVisible()
    assert not kiosk.tour.isVisible()
    assert len(window.workspace.selection) == 0


def test_a_trembling_mouse_wakes_nobody_but_a_moved_one_does(kiosk, story_window, qtbot):
    view = story_window.view
    qtbot.mouseMove(view, QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(104, 103))
    assert kiosk.state == "tour"
    qtbot.mouseMove(view, QPoint(180, 150))
    assert kiosk.state == "visitor"


def test_the_pointer_hides_during_the_tour_only(kiosk, story_window, qtbot):
    assert QApplication.overrideCursor().shape() == Qt.CursorShape.BlankCursor
    visit(kiosk, story_window, qtbot)
    assert QApplication.overrideCursor() is None


def test_the_visitor_goes_on_with_the_scenario_of_the_tour(kiosk, clock, story_window, qtbot):
    later(kiosk, clock, TRAVEL_SECONDS + 8)
    later(kiosk, clock, TRAVEL_SECONDS + 8)
    visit(kiosk, story_window, qtbot)
    assert story_window.workspace.session.document.active == "High"
    assert kiosk.visitor.scenarios.buttons["High"].isChecked()
    kiosk.visitor.scenarios.buttons[""].click()
    assert story_window.view.state.change is story_window.workspace.change("")
    kiosk.visitor.levers.levers["storeys_added"].slider.setValue(7)
    assert story_window.view.state.change is story_window.workspace.change("High")
    assert story_window.workspace.session.document.scenario.value("storeys_added") == 4.0


def test_idle_counts_down_and_any_touch_cancels(kiosk, clock, story_window, qtbot):
    visit(kiosk, story_window, qtbot)
    later(kiosk, clock, kiosk.idle_seconds - COUNTDOWN - 1)
    assert not kiosk.visitor.countdown.isVisible()
    later(kiosk, clock, 4.0)
    assert kiosk.visitor.countdown.isVisible()
    assert "7 seconds" in kiosk.visitor.countdown.text.text()
    qtbot.mouseClick(story_window.view, Qt.MouseButton.LeftButton)
    assert not kiosk.visitor.countdown.isVisible()
    later(kiosk, clock, COUNTDOWN + 1)
    assert kiosk.state == "visitor"


def test_after_the_idle_time_every_visitor_finds_the_same_state(kiosk, clock, story_window, qtbot):
    session = story_window.workspace.session
    before = state_hash(session.document)
    for round_ in range(3):
        visit(kiosk, story_window, qtbot)
        kiosk.visitor.scenarios.buttons["High"].click()
        session.edit(SetLever("trees_added", 100.0 * (round_ + 1)))
        kiosk.visitor.language.click()
        assert state_hash(session.document) != before
        assert i18n.language() == "de"
        later(kiosk, clock, kiosk.idle_seconds + 0.1)
        assert (kiosk.state, kiosk.index) == ("tour", 0)
        assert state_hash(session.document) == before
        assert session.undo_edit is None
        assert session.redo_edit is None
        assert i18n.language() == "en"
    assert not session.modified


def test_unsaved_work_stays_unsaved(story_window, clock, qtbot):
    session = story_window.workspace.session
    session.edit(SetLever("trees_added", 50.0))
    before = state_hash(session.document)
    kiosk = Kiosk(story_window, clock)
    kiosk.start()
    visit(kiosk, story_window, qtbot)
    session.edit(SetLever("trees_added", 500.0))
    kiosk.leave()
    assert state_hash(session.document) == before
    assert session.modified


def test_closing_and_escape_are_ignored(kiosk, story_window, qtbot):
    assert not story_window.close()
    story_window.act["quit"].trigger()
    qtbot.keyClick(story_window, Qt.Key.Key_Escape)
    kiosk._timer.stop()
    qtbot.keyClick(story_window, Qt.Key.Key_F4, Qt.KeyboardModifier.AltModifier)
    qtbot.keyClick(story_window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(story_window, Qt.Key.Key_F11)
    assert story_window.isVisible()
    assert kiosk.state == "visitor"
    assert story_window.isFullScreen()


def test_only_the_operators_keys_end_it(kiosk, story_window, qtbot):
    qtbot.keyClick(story_window, Qt.Key.Key_F12)
    kiosk._timer.stop()
    assert kiosk.state == "visitor"
    qtbot.keyClick(story_window, Qt.Key.Key_F12, OPERATOR)
    assert kiosk.state == "off"
    assert story_window.topbar.isVisible()
    assert story_window.stage.acceptDrops()
    assert QApplication.overrideCursor() is None
    assert not kiosk.visitor.isVisible()


def test_the_same_keys_begin_it(story_window):
    assert "Ctrl+Shift+F12" in [k.toString() for k in story_window.act["kiosk"].shortcuts()]
    story_window.act["kiosk"].trigger()
    stand = story_window.planning.story.kiosk
    assert stand.state == "tour"
    stand.leave()


def test_no_shortcut_reaches_the_plan(kiosk, story_window, qtbot):
    visit(kiosk, story_window, qtbot)
    before = state_hash(story_window.workspace.session.document)
    story_window.workspace.select([0, 1])
    for key in (Qt.Key.Key_Delete, Qt.Key.Key_B, Qt.Key.Key_C, Qt.Key.Key_T):
        qtbot.keyClick(story_window, key)
    qtbot.keyClick(story_window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert state_hash(story_window.workspace.session.document) == before
    assert ("top",) not in story_window.view.calls


def test_a_dialog_is_closed_and_a_message_goes_to_the_log(kiosk, story_window, qtbot, caplog):
    box = QMessageBox(story_window)
    box.setText("Trouble")
    box.open()
    qtbot.waitUntil(lambda: not box.isVisible())
    with caplog.at_level(logging.INFO, logger="viewer.ui.kiosk"):
        story_window.stage.toasts.say("Saved as {name}.", kind="warning", name="x")
    assert any("Saved as x." in r.getMessage() for r in caplog.records)
    assert kiosk.tour.mark.isVisible()
    assert story_window.stage.toasts.x() < 0
    box.deleteLater()


def test_a_visitor_is_waited_for_45_seconds_unless_set_otherwise(kiosk, story_window):
    assert kiosk.idle_seconds == 45.0
    story_window.settings.update(idle_seconds=120)
    assert kiosk.idle_seconds == 120.0
    story_window.settings.update(idle_seconds=1)
    assert kiosk.idle_seconds == LEAST_IDLE_SECONDS


def test_a_session_without_views_tours_the_whole_city(story_window, clock):
    story_window.workspace.session.edit(SetViews(()))
    kiosk = Kiosk(story_window, clock)
    kiosk.start()
    assert ("home",) in story_window.view.calls
    later(kiosk, clock, TRAVEL_SECONDS + 5)
    assert story_window.view.calls[-1] == ("set_camera", False)
    kiosk.leave()


def test_it_starts_by_itself_when_everything_is_open(window, city_file, qtbot):
    stand = window.planning.story.kiosk
    window.planning.start_kiosk_when_open()
    stand._start_if_open()
    assert stand.state == "off"
    window.opener.open([str(city_file)])
    stand._start_if_open()
    assert stand.state == "tour"
    stand.leave()
