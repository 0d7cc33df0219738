from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt

from viewer.session.codec import state_hash
from viewer.session.edits import SetViews
from viewer.ui import i18n
from viewer.ui.big_parts import TOUCH

KEY = Qt.Key


@pytest.fixture
def show(story_window):
    """A running presentation."""
    made = story_window.planning.story.presentation
    made.start()
    yield made
    made.stop()


def press(qtbot, window, *keys):
    for key in keys:
        qtbot.keyClick(window, key)


def test_f5_presents_from_the_first_step(story_window, qtbot):
    story_window.act["present"].trigger()
    show = story_window.planning.story.presentation
    assert show.running
    assert show.index == 0
    assert show.overlay.card.title.text() == "Today"
    assert show.overlay.card.pill.text() == "As it is today"
    assert story_window.isFullScreen()
    show.stop()


@pytest.mark.parametrize("key", [KEY.Key_Right, KEY.Key_PageDown, KEY.Key_Space, KEY.Key_Return])
def test_remote_and_keyboard_go_on(show, story_window, qtbot, key):
    press(qtbot, story_window, key)
    assert show.index == 1
    assert show.overlay.card.title.text() == "Low"


@pytest.mark.parametrize("key", [KEY.Key_Left, KEY.Key_PageUp, KEY.Key_Backspace])
def test_remote_and_keyboard_go_back(show, story_window, qtbot, key):
    show.go(2)
    press(qtbot, story_window, key)
    assert show.index == 1


def test_home_and_end_go_to_the_ends_and_there_it_stays(show, story_window, qtbot):
    press(qtbot, story_window, KEY.Key_End)
    assert show.index == 2
    press(qtbot, story_window, KEY.Key_Right)
    assert show.index == 2
    assert not show.overlay.forward.isEnabled()
    press(qtbot, story_window, KEY.Key_Home, KEY.Key_PageUp)
    assert show.index == 0


def test_edges_dots_and_buttons_step_too(show, qtbot):
    qtbot.mouseClick(show.overlay.right_edge, Qt.MouseButton.LeftButton)
    assert show.index == 1
    qtbot.mouseClick(show.overlay.left_edge, Qt.MouseButton.LeftButton)
    assert show.index == 0
    dots = show.overlay.dots
    qtbot.mouseClick(dots, Qt.MouseButton.LeftButton, pos=QPoint(dots.width() - 20, dots.height() // 2))
    assert show.index == 2
    show.overlay.back.click()
    assert show.index == 1


def test_a_step_flies_and_shows_its_scenario_without_touching_the_document(show, story_window):
    before = state_hash(story_window.workspace.session.document)
    show.go(2)
    assert story_window.view.calls[-1] == ("set_camera", True)
    assert story_window.view.state.change is story_window.workspace.change("High")
    assert state_hash(story_window.workspace.session.document) == before
    assert story_window.workspace.session.undo_edit is None


def test_with_reduced_motion_the_camera_jumps(show, story_window):
    story_window.view.reduced_motion = True
    show.go(1)
    assert story_window.view.calls[-1] == ("set_camera", False)


@pytest.mark.parametrize("key", [KEY.Key_B, KEY.Key_Period])
def test_a_key_blacks_the_picture_out_and_any_step_brings_it_back(show, story_window, qtbot, key):
    press(qtbot, story_window, key)
    assert show.overlay.black
    assert not show.overlay.card.isVisible()
    assert show.overlay.grab().toImage().pixelColor(200, 200).lightness() == 0
    press(qtbot, story_window, key)
    assert not show.overlay.black
    assert show.overlay.card.isVisible()
    press(qtbot, story_window, key, KEY.Key_Right)
    assert not show.overlay.black
    assert show.index == 0


def test_escape_restores_panels_and_scenario(story_window, qtbot):
    window, show = story_window, story_window.planning.story.presentation
    window.act["left_panel"].setChecked(False)
    before = state_hash(window.workspace.session.document)
    show.start(2)
    assert not window.topbar.isVisible()
    assert not window.right.isVisible()
    press(qtbot, window, KEY.Key_Escape)
    assert not show.running
    assert window.topbar.isVisible()
    assert window.right.isVisible()
    assert not window.left.isVisible()
    assert not window.isFullScreen()
    assert not show.overlay.isVisible()
    assert window.navigation.x() >= 0
    assert state_hash(window.workspace.session.document) == before
    assert window.view.state.change is window.workspace.change("Low")


def test_a_lever_acts_on_the_scenario_of_the_step(show, story_window):
    session = story_window.workspace.session
    show.go(2)
    show.toggle_levers()
    lever = show.overlay.levers.levers["storeys_added"]
    assert lever.slider.amount == 3.0
    assert lever.isVisible()
    lever.slider.setValue(lever.slider.tick_of(5.0))
    high = next(s for s in session.document.scenarios if s.name == "High")
    assert high.value("storeys_added") == 5.0
    show.stop()
    assert session.document.active == "Low"
    session.undo()
    assert next(s for s in session.document.scenarios if s.name == "High").value("storeys_added") == 3.0


def test_a_focused_slider_keeps_the_arrow_keys(show, story_window, qtbot):
    show.go(1)
    show.toggle_levers()
    slider = show.overlay.levers.levers["storeys_added"].slider
    slider.setFocus()
    qtbot.keyClick(slider, KEY.Key_Right)
    assert slider.amount == 2.0
    assert show.index == 1
    qtbot.keyClick(slider, KEY.Key_PageDown)
    assert show.index == 2


def test_the_shortcuts_of_the_window_rest(show, story_window, qtbot):
    press(qtbot, story_window, KEY.Key_Delete, KEY.Key_T, KEY.Key_C)
    qtbot.keyClick(story_window, KEY.Key_O, Qt.KeyboardModifier.ControlModifier)
    assert ("top",) not in story_window.view.calls
    assert not story_window.act["compare"].isChecked()
    assert show.running


def test_without_saved_views_levers_are_shown_and_a_hint(story_window):
    story_window.workspace.session.edit(SetViews(()))
    show = story_window.planning.story.presentation
    show.start()
    assert ("home",) in story_window.view.calls
    assert show.overlay.levers.isVisible()
    assert "Save views" in show.overlay.card.text.text()
    show.step(1)
    assert show.index == 0
    show.stop()


def test_every_control_is_large_and_can_be_reached_by_tab(show, story_window, qtbot):
    show.go(1)
    show.toggle_levers()
    controls = show.overlay.controls()
    assert len(controls) == 7
    assert all(min(c.width(), c.height()) >= TOUCH for c in controls)
    reached = set()
    for _ in controls:
        qtbot.keyClick(story_window, KEY.Key_Tab)
        reached.add(story_window.focusWidget())
    assert reached == set(controls)


def test_layers_of_a_step_are_shown_and_only_there(show, story_window):
    views = story_window.workspace.session.document.views
    story_window.workspace.session.edit(SetViews((replace(views[0], visible_layers=("trees",)), *views[1:])))
    show.go(0)
    assert story_window.staging.showing.layers == frozenset({"trees"})
    show.go(1)
    assert story_window.staging.showing.layers is None


def test_language_changes_while_presenting(show):
    i18n.set_language("de")
    assert show.overlay.card.pill.text() == "Wie es heute ist"
    assert show.overlay.numbers.tiles[0].label.text() == "Wohnungen"
