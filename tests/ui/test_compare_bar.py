"""Two scenarios beside each other: choosing, changing sides, and scenarios that go away."""

from __future__ import annotations

import pytest

from viewer.scenario import Scenario, Setting
from viewer.session import Document
from viewer.session.edits import AddScenario, DeleteScenario, SetLever
from viewer.ui import i18n
from viewer.ui.compare_bar import CompareBar

PLANS = (Scenario("Low", (Setting("storeys_added", 1.0),)), Scenario("High", (Setting("storeys_added", 3.0),)))


@pytest.fixture
def bar(qtbot) -> CompareBar:
    made = CompareBar()
    qtbot.addWidget(made)
    made.show_document(Document(scenarios=PLANS, active="Low"))
    return made


def choose(box, data) -> None:
    at = next(i for i in range(box.count()) if box.itemData(i) == data)
    box.setCurrentIndex(at)
    box.activated.emit(at)


def test_today_stands_left_and_the_active_scenario_right(bar):
    assert (bar.left, bar.right) == ("", None)
    assert bar.left_box.currentText() == "As it is today"


def test_any_two_scenarios_can_be_chosen(bar, qtbot):
    with qtbot.waitSignal(bar.changed):
        choose(bar.left_box, "Low")
    choose(bar.right_box, "High")
    assert (bar.left, bar.right) == ("Low", "High")


def test_swapping_twice_changes_nothing(bar, qtbot):
    choose(bar.left_box, "Low")
    choose(bar.right_box, "High")
    with qtbot.waitSignal(bar.changed):
        bar.swap.click()
    assert (bar.left, bar.right) == ("High", "Low")
    assert (bar.left_box.currentData(), bar.right_box.currentData()) == ("High", "Low")
    bar.swap.click()
    assert (bar.left, bar.right) == ("Low", "High")


def test_swapping_the_active_scenario_shows_it_left(bar):
    bar.swap.click()
    assert (bar.left, bar.right) == (None, "")
    assert bar.left_box.currentText() == "Active scenario"


def test_a_deleted_scenario_gives_way(bar):
    choose(bar.left_box, "High")
    choose(bar.right_box, "High")
    bar.show_document(Document(scenarios=PLANS[:1], active="Low"))
    assert (bar.left, bar.right) == ("", None)
    assert bar.left_box.findData("High") < 0


def test_the_boxes_follow_the_language(bar):
    i18n.set_language("de")
    assert bar.left_box.accessibleName() == "Szenario links"
    assert bar.left_box.currentText() == "Wie es heute ist"


def test_deleting_the_scenario_on_the_right_shows_the_active_one(city_window):
    session = city_window.workspace.session
    session.edit(AddScenario("High"))
    session.edit(SetLever("storeys_added", 3.0))
    city_window.act["compare"].setChecked(True)
    choose(city_window.compare_bar.right_box, "High")
    assert city_window.view.calls[-1][2].change.lift_m.any()
    session.edit(DeleteScenario("High"))
    name, _, right = city_window.view.calls[-1]
    assert name == "show_split"
    assert not right.change.lift_m.any()
    assert city_window.compare_bar.right is None


def test_the_bar_covers_no_card_in_the_corners(city_window, qtbot):
    window = city_window
    window.resize(1000, 800)
    window.workspace.select([4])
    window.show_report(next(iter(window.workspace.reports)))
    window.act["compare"].setChecked(True)
    qtbot.wait(10)
    bar = window.compare_bar.geometry()
    assert bar.isValid()
    assert not bar.intersects(window.info.geometry())
    assert not bar.intersects(window.report.geometry())
