"""Fingers on the view: what the navigator makes of touch events."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QPointingDevice
from PySide6.QtTest import QTest

from viewer.ui.view_base import StandInView

A, B = QPoint(200, 200), QPoint(300, 200)


@pytest.fixture(scope="module")
def screen() -> QPointingDevice:
    return QTest.createTouchDevice()


@pytest.fixture
def view(qtbot) -> StandInView:
    made = StandInView()
    qtbot.addWidget(made)
    made.resize(600, 400)
    made.show()
    qtbot.waitExposed(made)
    return made


class Fingers:
    """Touches a widget; every call is one event with all fingers that are down."""

    def __init__(self, widget, screen) -> None:
        self._widget, self._screen = widget, screen

    def _send(self, **fingers) -> None:
        sequence = QTest.touchEvent(self._widget, self._screen, False)
        for at, (act, point) in enumerate(fingers.values()):
            getattr(sequence, act)(at, point, self._widget)
        sequence.commit()

    def press(self, *points: QPoint) -> None:
        self._send(**{str(n): ("press", p) for n, p in enumerate(points)})

    def move(self, *points: QPoint) -> None:
        self._send(**{str(n): ("move", p) for n, p in enumerate(points)})

    def release(self, *points: QPoint) -> None:
        self._send(**{str(n): ("release", p) for n, p in enumerate(points)})


@pytest.fixture
def fingers(view, screen) -> Fingers:
    return Fingers(view, screen)


def sums(view, name) -> tuple[float, float]:
    calls = [call[1:3] for call in view.calls if call[0] == name]
    return sum(c[0] for c in calls), sum(c[1] for c in calls)


def test_one_finger_turns_the_view(view, fingers):
    fingers.press(A)
    fingers.move(A + QPoint(30, 0))
    fingers.move(A + QPoint(60, 10))
    fingers.release(A + QPoint(60, 10))
    assert sums(view, "orbit") == (60.0, 10.0)
    assert not any(call[0] in ("pan", "zoom") for call in view.calls)


def test_a_pinch_comes_closer_to_the_middle_of_the_fingers(view, fingers):
    fingers.press(A, B)
    fingers.move(A - QPoint(50, 0), B + QPoint(50, 0))
    fingers.release(A - QPoint(50, 0), B + QPoint(50, 0))
    zooms = [call for call in view.calls if call[0] == "zoom"]
    assert zooms == [("zoom", pytest.approx(2.0), 250.0, 200.0)]
    assert sums(view, "pan") == (0.0, 0.0)


def test_two_fingers_move_over_the_ground(view, fingers):
    step = QPoint(40, 25)
    fingers.press(A, B)
    fingers.move(A + step, B + step)
    fingers.release(A + step, B + step)
    assert sums(view, "pan") == (40.0, 25.0)
    assert all(call[1] == pytest.approx(1.0) for call in view.calls if call[0] == "zoom")
    assert not any(call[0] == "orbit" for call in view.calls)


def test_two_fingers_that_turn_turn_the_city(view, fingers):
    middle = QPoint(250, 200)
    fingers.press(A, B)
    fingers.move(middle - QPoint(0, 50), middle + QPoint(0, 50))  # a quarter turn clockwise
    fingers.release(middle - QPoint(0, 50), middle + QPoint(0, 50))
    turned, tilted = sums(view, "orbit")
    assert turned == pytest.approx(360.0)  # a quarter turn is 90 degrees at a quarter degree per pixel
    assert tilted == 0.0


def test_a_second_finger_may_come_later(view, fingers, screen):
    fingers.press(A)
    sequence = QTest.touchEvent(view, screen, False)
    sequence.move(0, A, view).press(1, B, view)
    sequence.commit()
    fingers.move(A - QPoint(50, 0), B + QPoint(50, 0))
    fingers.release(A - QPoint(50, 0), B + QPoint(50, 0))
    assert [call[1] for call in view.calls if call[0] == "zoom"] == [pytest.approx(2.0)]


def test_a_tap_selects_the_building_under_it(city_window, screen):
    view = city_window.view
    middle = city_window.workspace.measures.centre_local[4]
    x, y = view.project([[*middle, 0.0]])[0]
    fingers = Fingers(view, screen)
    at = QPoint(round(x), round(y))
    fingers.press(at)
    fingers.release(at)
    assert city_window.workspace.ids_of(city_window.workspace.selection) == ("house-4",)


def test_a_pinch_selects_nothing(city_window, screen):
    fingers = Fingers(city_window.view, screen)
    middle = city_window.workspace.measures.centre_local[4]
    x, y = city_window.view.project([[*middle, 0.0]])[0]
    a, b = QPoint(round(x), round(y)), QPoint(round(x) + 80, round(y))
    fingers.press(a, b)
    fingers.move(a - QPoint(30, 0), b + QPoint(30, 0))
    fingers.release(a, b)
    assert not len(city_window.workspace.selection)
