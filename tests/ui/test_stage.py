"""What lies over the picture keeps out of each other's way."""

from __future__ import annotations

import pytest
import shiboken6
from PySide6.QtWidgets import QPushButton


@pytest.mark.parametrize("width", [880, 1180, 1440, 1900])
def test_long_credits_never_hide_behind_the_tools(city_window, qtbot, width):
    city_window.resize(width, 800)
    office = "Freie und Hansestadt Hamburg, Landesbetrieb Geoinformation und Vermessung, dl-de/by-2.0"
    names = (office, "© Kartenleute, ODbL")
    city_window.credits.set_names(names)
    city_window.stage.place()
    qtbot.wait(10)
    assert city_window.credits.text() == " · ".join(names)
    assert not city_window.credits.geometry().intersects(city_window.tools_pad.geometry())
    assert not city_window.credits.geometry().intersects(city_window.navigation.geometry())
    assert city_window.stage.rect().contains(city_window.credits.geometry())


def test_what_closes_itself_is_left_to_qt(window, qtbot):
    """Without a parent a banner would be Python's, which could delete it in the middle of a click on its button."""
    kept = []
    banner = window.stage.toasts.ask("A question", (("Yes", lambda: kept.append(banner.parentWidget())),))
    button = next(b for b in banner.findChildren(QPushButton) if b.text() == "Yes")
    button.click()
    assert kept == [window.stage.toasts] and banner not in window.stage.toasts.banners() and banner.isHidden()
    qtbot.waitUntil(lambda: not shiboken6.isValid(banner))
