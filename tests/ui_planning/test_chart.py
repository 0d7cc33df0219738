from __future__ import annotations

import pytest
from PySide6.QtGui import QColor

from viewer.session.edits import AddScenario, SetLever, ShowScenario
from viewer.ui import i18n, theme
from viewer.ui.chart import Chart
from viewer.ui.planning_sample import SampleWorkspace


class Counting(SampleWorkspace):
    """A workspace that remembers which scenarios were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str | None] = []

    def indicators(self, scenario=None):
        self.asked.append(scenario)
        return super().indicators(scenario)


@pytest.fixture
def workspace() -> Counting:
    return Counting()


@pytest.fixture
def chart(qtbot, workspace) -> Chart:
    made = Chart(workspace)
    qtbot.addWidget(made)
    made.resize(340, 220)
    made.show()
    workspace.changed.connect(lambda: made.show_active(workspace.indicators()))
    made.show_active(workspace.indicators())
    return made


def catch_up(chart) -> None:
    while chart._behind():
        chart.catch_up()


def test_today_and_every_scenario_have_a_bar(chart):
    catch_up(chart)
    assert [bar.name for bar in chart.bars.bars] == ["Today", "Grow upwards", "Green yards", "New quarter"]
    assert [bar.active for bar in chart.bars.bars] == [False, True, False, False]
    assert all(bar.record is not None and bar.record.id == "dwellings" for bar in chart.bars.bars)
    assert "New quarter: " in chart.bars.text()


def test_a_tick_works_out_the_active_scenario_only(chart, workspace):
    catch_up(chart)
    workspace.asked.clear()
    before = chart.bars.bars[1].record.value
    workspace.session.edit(SetLever("storeys_added", 4.0))
    assert workspace.asked == [None]
    assert chart.bars.bars[1].record.value > before
    catch_up(chart)
    assert workspace.asked == [None]


def test_others_follow_when_there_is_time(chart, workspace, qtbot):
    assert chart.bars.bars[2].record is None
    qtbot.waitUntil(lambda: all(bar.record is not None for bar in chart.bars.bars), timeout=5000)
    workspace.session.edit(AddScenario("Fourth", of="Green yards"))
    assert [bar.name for bar in chart.bars.bars][-1] == "Fourth"
    assert chart.bars.bars[-1].active
    qtbot.waitUntil(lambda: not chart._behind(), timeout=5000)


def test_a_switched_scenario_keeps_its_bar(chart, workspace):
    catch_up(chart)
    tall = chart.bars.bars[1].record.value
    workspace.session.edit(ShowScenario("Green yards"))
    catch_up(chart)
    assert chart.bars.bars[1].record.value == tall
    assert chart.bars.bars[2].active


def test_another_number_can_be_chosen(chart):
    catch_up(chart)
    index = chart.choice.findData("green_share")
    chart.choice.setCurrentIndex(index)
    chart.choice.activated.emit(index)
    assert {bar.record.id for bar in chart.bars.bars} == {"green_share"}


def test_bars_start_at_zero_and_hold_the_band(chart):
    catch_up(chart)
    low, high = chart.bars.scale()
    assert low == 0.0
    assert high == max(bar.record.high for bar in chart.bars.bars)


def test_a_longer_bar_covers_more_pixels(chart):
    catch_up(chart)
    accent = theme.color("accent")
    image = chart.bars.grab().toImage()
    pitch, text = chart.bars._pitch(), chart.bars.fontMetrics().height()
    row = pitch + 2 + text + 3 + 2
    inked = sum(QColor(image.pixelColor(x, row)) == accent for x in range(image.width()))
    high = chart.bars.scale()[1]
    share = chart.bars.bars[1].record.value / high
    assert inked == pytest.approx(share * image.width(), abs=6)


def test_texts_follow_the_language(chart):
    catch_up(chart)
    i18n.set_language("de")
    assert chart.bars.bars[0].name == "Heute"


def test_a_hidden_chart_asks_for_nothing(chart, workspace):
    chart.hide()
    workspace.asked.clear()
    chart.catch_up()
    assert workspace.asked == []
