from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from viewer.session.document import Camera
from viewer.session.edits import RenameScenario, SetLever
from viewer.ui import i18n
from viewer.ui.planning_sample import SampleWorkspace
from viewer.ui.story import Showing, between, orbited
from viewer.ui.views_panel import ViewsPanel

HERE = Camera((10.0, 20.0, 30.0), (0.0, 0.0, 0.0))


@pytest.fixture
def sample() -> SampleWorkspace:
    made = SampleWorkspace()
    made.city = object()
    return made


@pytest.fixture
def panel(qtbot, sample) -> ViewsPanel:
    made = ViewsPanel(sample, None)
    made.take_camera = lambda: HERE
    qtbot.addWidget(made)
    made.resize(380, 860)
    made.show()
    made.refresh()
    return made


def names(panel) -> list[str]:
    return [view.name for view in panel.views]


def test_saving_a_view_keeps_camera_and_scenario_behind_the_chosen_step(panel, sample):
    panel.list.setCurrentRow(0)
    panel.add()
    made = panel.views[1]
    assert (made.camera, made.scenario, made.name) == (HERE, "Grow upwards", "View 4")
    assert panel.index == 1
    sample.session.undo()
    assert len(panel.views) == 3


def test_the_city_of_today_is_saved_as_such(panel):
    panel.scenario_shown = lambda: ""
    panel.add()
    assert panel.views[panel.index].scenario == ""
    assert panel.scenario.currentText() == "As it is today"


def test_steps_move_by_button_and_key_and_undo_brings_the_order_back(panel, sample, qtbot):
    before = names(panel)
    panel.list.setCurrentRow(0)
    panel.down.click()
    assert names(panel) == [before[1], before[0], before[2]]
    assert panel.index == 1
    panel.list.setFocus()
    qtbot.keyClick(panel.list, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert names(panel) == [before[1], before[2], before[0]]
    sample.session.undo()
    sample.session.undo()
    assert names(panel) == before


def test_a_step_is_renamed_and_an_empty_title_is_refused(panel):
    panel.list.setCurrentRow(1)
    panel.name.setText("  Roofs ")
    panel.name.editingFinished.emit()
    assert names(panel)[1] == "Roofs"
    panel.name.setText("")
    panel.name.editingFinished.emit()
    assert names(panel)[1] == "Roofs"
    assert panel.name.text() == "Roofs"


def test_writing_text_is_one_undo_step(panel, sample, qtbot):
    panel.list.setCurrentRow(0)
    former = panel.views[0].text
    panel.text.selectAll()
    qtbot.keyClicks(panel.text, "Two words")
    assert panel.views[0].text == "Two words"
    sample.session.undo()
    assert panel.views[0].text == former
    assert panel.text.toPlainText() == former


def test_scenario_and_seconds_of_a_step_can_be_chosen(panel):
    panel.list.setCurrentRow(2)
    panel.scenario.setCurrentIndex(panel.scenario.findData(""))
    panel.scenario.activated.emit(panel.scenario.currentIndex())
    panel.seconds.setValue(20)
    assert (panel.views[2].scenario, panel.views[2].seconds) == ("", 20.0)


def test_a_deleted_step_comes_back_with_undo(panel, sample, qtbot):
    before = names(panel)
    panel.list.setCurrentRow(1)
    panel.list.setFocus()
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert names(panel) == [before[0], before[2]]
    sample.session.undo()
    assert names(panel) == before


def test_the_picture_of_a_step_can_be_taken_again(panel):
    panel.list.setCurrentRow(1)
    panel.update_view.click()
    assert panel.views[1].camera == HERE
    assert panel.views[1].scenario == "Grow upwards"


def test_a_renamed_scenario_is_renamed_in_the_list(panel, sample):
    sample.session.edit(RenameScenario("Grow upwards", "Higher"))
    assert panel.list.item(1).data(Qt.ItemDataRole.UserRole)[1].startswith("Higher")


def test_without_steps_the_panel_says_how_to_begin(panel):
    while panel.views:
        panel.remove()
    assert panel.empty.isVisible()
    assert not panel.editor.isVisible()
    i18n.set_language("de")
    assert panel.save.text() == "Diese Ansicht speichern"


def test_a_click_flies_there_and_shows_the_scenario_without_an_undo_step(story_window):
    window, desk = story_window, story_window.planning.story
    panel = window.planning.views
    panel.list.setCurrentRow(2)
    panel.list.itemClicked.emit(panel.list.item(2))
    session = window.workspace.session
    assert session.document.active == "High"
    assert window.view.camera() == session.document.views[2].camera
    assert session.undo_edit is None
    desk.show_view(session.document.views[0])
    assert window.staging.showing.scenario == ""
    assert session.document.active == "High"
    assert window.view.state.change is window.workspace.change("")


def test_a_change_of_the_plan_ends_the_look_at_a_saved_view(story_window):
    window = story_window
    others = window.stage.toasts.banners()
    window.planning.story.show_view(window.workspace.session.document.views[0])
    assert len(window.stage.toasts.banners()) == len(others) + 1
    window.workspace.session.edit(SetLever("storeys_added", 2.0))
    assert window.staging.showing == Showing()
    assert window.stage.toasts.banners() == others


def test_a_camera_turns_about_its_target_and_keeps_its_height():
    turned = orbited(Camera((100.0, 0.0, 50.0), (0.0, 0.0, 0.0)), 90.0)
    assert turned.position_crs == pytest.approx((0.0, 100.0, 50.0))


def test_the_way_between_two_cameras_goes_round_the_shorter_side():
    start = Camera((-100.0, -10.0, 50.0), (0.0, 0.0, 0.0))
    end = Camera((-100.0, 10.0, 50.0), (0.0, 0.0, 0.0), 40.0)
    half = between(start, end, 0.5)
    assert half.position_crs[0] < -99
    assert half.view_angle_deg == pytest.approx(35.0)
    assert between(start, end, 0.0).position_crs == pytest.approx(start.position_crs)
    assert between(start, end, 1.0) == end
