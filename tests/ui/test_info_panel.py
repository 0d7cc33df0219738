from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel

from viewer.ui import i18n
from viewer.ui.info_panel import value_text


def labels(panel) -> list[QLabel]:
    return [label for label in panel._scroll.findChildren(QLabel) if label.text()]


def test_the_card_is_high_enough_at_once(city_window):
    """Before the event loop runs again: labels never shown must count."""
    city_window.workspace.select([4])
    panel = city_window.info
    rows = len(labels(panel)) // 2
    line = panel.fontMetrics().height()
    assert rows >= 4
    assert panel._scroll.height() >= min(300, rows * line)


def test_hovering_other_buildings_leaves_the_card_alone(city_window):
    city_window.workspace.select([4])
    before = labels(city_window.info)
    city_window.workspace.hover(2)
    city_window.workspace.hover(3)
    assert labels(city_window.info) == before


def test_another_selection_shows_other_rows(city_window, qtbot):
    city_window.workspace.select([4])
    city_window.workspace.select([4, 5])
    qtbot.wait(5)
    assert len(labels(city_window.info)) == 4


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [("3871.19", "3,871.19", "3.871,19"), ("-1234.5", "−1,234.5", "−1.234,5"), ("1903", "1903", "1903"),
     ("1e5", "1e5", "1e5"), ("2.0.1", "2.0.1", "2.0.1")],
)  # fmt: skip
def test_values_are_written_as_the_language_does(qapp, value, english, german):
    assert value_text("area", value) == english
    i18n.set_language("de")
    assert value_text("area", value) == german
