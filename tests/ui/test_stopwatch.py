from __future__ import annotations

import pytest

from viewer.session.edits import SetLever
from viewer.ui.stopwatch import ResponseClock


class FakeClock:
    """Seconds that go forward only when told."""

    def __init__(self) -> None:
        self.now = 10.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return FakeClock()


def test_a_change_is_paired_with_the_first_picture_after_it(clock):
    response = ResponseClock(clock)
    response.changed()
    clock.now += 0.050
    assert response.finished(20.0) == pytest.approx(50.0)
    clock.now += 0.050
    assert response.finished(20.0) is None


def test_a_picture_begun_before_the_change_is_not_its_answer(clock):
    response = ResponseClock(clock)
    clock.now += 0.010  # a picture is being drawn since 10 ms when the slider moves
    response.changed()
    clock.now += 0.005
    assert response.finished(15.0) is None
    clock.now += 0.030
    assert response.finished(12.0) == pytest.approx(35.0)


def test_of_several_changes_before_a_picture_the_last_one_counts(clock):
    response = ResponseClock(clock)
    response.changed()
    clock.now += 0.040
    response.changed()
    clock.now += 0.016
    assert response.finished(10.0) == pytest.approx(16.0)


def test_a_picture_without_a_change_answers_nothing(clock):
    assert ResponseClock(clock).finished(5.0) is None


def test_the_time_counts_from_the_edit_and_includes_the_work_it_makes(city_window, clock):
    city_window._host.response = ResponseClock(clock)

    def work(*_: object) -> None:
        clock.now += 0.030

    city_window.workspace.session.changed.connect(work, priority=50)  # numbers, panels: before the picture
    city_window.workspace.session.edit(SetLever("storeys_added", 2.0))
    assert city_window.performance.slider_ms == pytest.approx(30.0)
    clock.now += 5.0
    city_window.view.show_state(city_window.view.state)
    assert city_window.performance.slider_ms == pytest.approx(30.0)


def test_the_overlay_explains_its_figures(window):
    assert "Slider to picture" in window.performance.toolTip()
