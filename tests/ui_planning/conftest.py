"""The window with nine buildings open, as the window's own tests have it, and a story in its session."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.conftest import city_file, city_window, settings, window, workspace
from viewer.scenario import Scenario, Setting
from viewer.session.document import Camera, View

__all__ = ["city_file", "city_window", "settings", "story_window", "window", "workspace"]


@pytest.fixture
def story_window(city_window):
    """Two scenarios and three saved views: today, the low plan, the high plan."""
    session = city_window.workspace.session
    x, y = 565045.0, 5934045.0
    views = (
        View("Today", Camera((x, y - 300, 200), (x, y, 0)), "", text="Nine houses.", seconds=8),
        View("Low", Camera((x + 200, y, 150), (x, y, 0)), "Low", text="One storey more.", seconds=8),
        View("High", Camera((x - 200, y, 100), (x, y, 0)), "High", text="Three storeys more.", seconds=5),
    )
    scenarios = (
        Scenario("Low", (Setting("storeys_added", 1.0),)),
        Scenario("High", (Setting("storeys_added", 3.0),)),
    )
    session.open(replace(session.document, scenarios=scenarios, active="Low", views=views, title="Nine houses"))
    city_window.view.calls.clear()
    return city_window
