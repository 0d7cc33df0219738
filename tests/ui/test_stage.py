"""What lies over the picture keeps out of each other's way."""

from __future__ import annotations

import pytest


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
