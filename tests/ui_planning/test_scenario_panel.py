from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from viewer.scenario import LEVERS, Area, Selection, Setting, Where, WholeCity
from viewer.session.edits import SetLever, ShowScenario
from viewer.ui import i18n, theme
from viewer.ui.planning_sample import SampleWorkspace
from viewer.ui.scenario_panel import GROUND_LEVERS, ScenarioPanel

RING = ((0.0, 0.0), (50.0, 0.0), (50.0, 40.0))


@pytest.fixture
def workspace() -> SampleWorkspace:
    return SampleWorkspace()


@pytest.fixture
def panel(qtbot, workspace) -> ScenarioPanel:
    made = ScenarioPanel(workspace, None)
    qtbot.addWidget(made)
    made.resize(380, 900)
    made.show()
    return made


def scenario(workspace):
    return workspace.session.document.scenario


def steps(session) -> int:
    """How many undo steps there are; leaves the document as it was."""
    count = 0
    while session.undo_edit is not None:
        session.undo()
        count += 1
    for _ in range(count):
        session.redo()
    return count


def drag(slider, *ticks: int) -> None:
    slider.setSliderDown(True)
    for tick in ticks:
        slider.setValue(tick)
    slider.setSliderDown(False)


def choose_filter(panel, attribute: str, operator: str, value: str) -> None:
    panel.target.kinds["where"].click()
    panel.target.attribute.setCurrentIndex(panel.target.attribute.findData(attribute))
    panel.target.operator.setCurrentIndex(panel.target.operator.findData(operator))
    panel.target.value.setText(value)
    panel.target.value.editingFinished.emit()


def test_every_lever_has_a_row_with_name_unit_and_method(panel):
    assert list(panel.rows) == list(LEVERS)
    for name, row in panel.rows.items():
        assert row.name.text() == LEVERS[name].text
        assert LEVERS[name].unit in row.slider.accessibleName()
        assert LEVERS[name].unit in row.entry.accessibleName()
        assert row.help.toolTip() == LEVERS[name].method


def test_a_drag_is_one_undo_step(panel, workspace):
    drag(panel.rows["green_roof_share"].slider, 3, 7, 11)
    assert scenario(workspace).value("green_roof_share") == 55.0
    assert steps(workspace.session) == 1
    workspace.session.undo()
    assert scenario(workspace).value("green_roof_share") == 0.0
    assert panel.rows["green_roof_share"].slider.value() == 0


def test_two_drags_are_two_undo_steps(panel, workspace):
    drag(panel.rows["green_roof_share"].slider, 3, 4)
    drag(panel.rows["green_roof_share"].slider, 8, 9)
    assert steps(workspace.session) == 2


def test_a_typed_number_is_taken_as_it_is(panel, workspace, qtbot):
    entry = panel.rows["height_percent"].entry
    entry.setFocus()
    entry.selectAll()
    qtbot.keyClicks(entry, "103")
    qtbot.keyClick(entry, Qt.Key.Key_Return)
    assert scenario(workspace).value("height_percent") == 103.0
    assert entry.value() == 103.0


def test_arrow_keys_move_a_lever_by_one_step(panel, workspace, qtbot):
    slider = panel.rows["storeys_added"].slider
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert scenario(workspace).value("storeys_added") == 2.0


def test_reset_puts_a_lever_back(panel, workspace):
    row = panel.rows["storeys_added"]
    assert scenario(workspace).value("storeys_added") == 1.0
    row.reset.click()
    assert Setting("storeys_added", 1.0) not in scenario(workspace).settings
    assert row.entry.value() == 0.0
    assert not row.reset.isEnabled()


def test_a_lever_for_the_selection_writes_the_selected_ids(panel, workspace):
    workspace.select([4, 9])
    panel.target.kinds["selection"].click()
    drag(panel.rows["height_percent"].slider, 12)
    assert scenario(workspace).value("height_percent", Selection(("b-004", "b-009"))) == 110.0
    assert scenario(workspace).value("height_percent") == 100.0


def test_levers_rest_while_nothing_is_selected(panel, workspace):
    panel.target.kinds["selection"].click()
    workspace.select([])
    assert panel.target.target is None
    assert not any(row.slider.isEnabled() for row in panel.rows.values())
    assert "Click a building" in panel.target.count.text()
    workspace.select([1])
    assert panel.rows["storeys_added"].slider.isEnabled()


def test_a_drawn_area_becomes_the_target_and_is_shown(panel, workspace):
    panel.set_area([(*corner, 0.0) for corner in RING])
    area = Area("Area 1", RING)
    assert panel.target.target == area
    assert len(workspace.outline_local) == 3
    drag(panel.rows["trees_added"].slider, 8)
    assert scenario(workspace).value("trees_added", area) == 200.0
    panel.target.kinds["city"].click()
    assert len(workspace.outline_local) == 0
    panel.set_area([(x + 100.0, y) for x, y in RING])
    assert [panel.target.areas.itemText(i) for i in range(panel.target.areas.count())] == ["Area 1", "Area 2"]


def test_a_filter_writes_attribute_comparison_and_value(panel, workspace):
    choose_filter(panel, "yearOfConstruction", "<", "1960")
    where = Where("yearOfConstruction", "<", "1960")
    assert panel.target.target == where
    drag(panel.rows["storeys_added"].slider, 5)
    assert scenario(workspace).value("storeys_added", where) == 2.0


def test_ground_levers_act_only_on_the_city_and_on_areas(panel, workspace):
    choose_filter(panel, "roofType", "=", "1000")
    for name, row in panel.rows.items():
        assert row.slider.isEnabled() == (name not in GROUND_LEVERS)
        assert bool(row.note.text().startswith("Works on ground")) == (name in GROUND_LEVERS)
    panel.set_area(RING)
    assert all(row.slider.isEnabled() for row in panel.rows.values())


def test_a_narrow_target_shows_what_the_whole_city_gives_it(panel, workspace):
    workspace.select([100])
    panel.target.kinds["selection"].click()
    row = panel.rows["storeys_added"]
    assert row.entry.value() == 1.0
    assert row.note.text() == "As set for the whole city"
    assert not row.reset.isEnabled()


def test_switching_the_scenario_shows_its_values_and_makes_no_edit(panel, workspace):
    panel.scenarios.chips["Green yards"].click()
    assert workspace.session.document.active == "Green yards"
    assert panel.rows["trees_added"].entry.value() == 350.0
    assert panel.rows["storeys_added"].entry.value() == 0.0
    assert panel.scenarios.note.text() == scenario(workspace).note
    assert steps(workspace.session) == 0
    workspace.session.edit(ShowScenario("Grow upwards"))
    assert panel.scenarios.chips["Grow upwards"].isChecked()
    assert panel.rows["storeys_added"].entry.value() == 1.0


def test_undo_and_redo_are_followed_without_new_edits(panel, workspace):
    workspace.session.edit(SetLever("storeys_added", 4.0))
    assert panel.rows["storeys_added"].entry.value() == 4.0
    workspace.session.undo()
    assert panel.rows["storeys_added"].entry.value() == 1.0
    workspace.session.redo()
    assert panel.rows["storeys_added"].entry.value() == 4.0
    assert steps(workspace.session) == 1


def test_chips_jump_to_a_target_and_take_its_settings_away_in_one_step(panel, workspace):
    chips = [panel.target.chips.flow.itemAt(i).widget() for i in range(panel.target.chips.flow.count())]
    assert chips[0].target == WholeCity()
    corner = chips[1]
    corner.go.click()
    assert isinstance(panel.target.target, Selection)
    assert len(workspace.selection) == 12
    assert panel.rows["storeys_added"].entry.value() == 3.0
    corner.off.click()
    assert scenario(workspace).targets() == (WholeCity(),)
    assert panel.target.chips.flow.count() == 1
    assert steps(workspace.session) == 1


def test_a_scenario_is_added_renamed_described_and_deleted(panel, workspace, qtbot):
    bar = panel.scenarios
    bar.add.click()
    assert bar.field.isVisible()
    bar.field.setText("Quiet streets")
    bar.field.editingFinished.emit()
    assert scenario(workspace).name == "Quiet streets"
    bar.describe.click()
    bar.field.setText("Fewer cars.")
    bar.field.editingFinished.emit()
    assert scenario(workspace).note == bar.note.text() == "Fewer cars."
    bar.duplicate.click()
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    assert scenario(workspace).name == "Quiet streets (copy)"
    bar.delete.click()
    assert "Quiet streets (copy)" not in bar.chips
    assert list(bar.chips) == [s.name for s in workspace.session.document.scenarios]


def test_the_button_for_today_tells_press_and_release(panel, qtbot):
    told = []
    panel.baseline_held.connect(told.append)
    qtbot.mousePress(panel.scenarios.hold, Qt.MouseButton.LeftButton)
    qtbot.mouseRelease(panel.scenarios.hold, Qt.MouseButton.LeftButton)
    assert told == [True, False]


def test_drawing_an_area_is_asked_for(panel, qtbot):
    panel.target.kinds["area"].click()
    with qtbot.waitSignal(panel.draw_area_requested):
        panel.target.draw.click()


def test_buildings_are_removed_restored_and_built(panel, workspace):
    workspace.select([1, 2])
    assert panel.remove.text() == "Remove 2 selected buildings"
    assert not panel.restore.isEnabled()
    assert panel.restore.toolTip() == "No building is removed in this scenario."
    panel.remove.click()
    assert scenario(workspace).removed == {"b-001", "b-002"}
    assert not panel.remove.isEnabled()
    panel.restore.click()
    assert not scenario(workspace).removed
    assert panel.build.text() == "Build 6 planned buildings"
    panel.build.click()
    assert len(scenario(workspace).built) == 6
    assert panel.build.toolTip() == "All planned buildings stand."


def test_texts_and_numbers_follow_the_language(panel, workspace):
    workspace.session.edit(SetLever("trees_added", 1500.0))
    i18n.set_language("de")
    assert panel.rows["trees_added"].name.text() == "Neue Bäume"
    assert panel.rows["trees_added"].entry.text() == "1.500"
    assert panel.rows["trees_added"].slider.accessibleName() == "Neue Bäume in Bäume"
    assert panel.target.kinds["city"].text() == "Stadt"
    assert panel.build.text() == "6 geplante Gebäude bauen"
    assert steps(workspace.session) == 1


def test_the_theme_can_change_while_the_panel_is_shown(panel, qapp):
    light = panel.grab().toImage().pixelColor(5, 5)
    theme.apply(qapp, "dark")
    assert panel.grab().toImage().pixelColor(5, 5).lightness() < light.lightness()


def test_nothing_is_refreshed_while_hidden(panel, workspace):
    panel.hide()
    workspace.session.edit(SetLever("storeys_added", 5.0))
    assert panel.rows["storeys_added"].entry.value() == 1.0
    panel.show()
    assert panel.rows["storeys_added"].entry.value() == 5.0
