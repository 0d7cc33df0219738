"""Escape leaves the innermost thing; what needs a city is offered only with one."""

from __future__ import annotations

import pytest

from viewer.ui.shortcuts import ACTIONS


@pytest.mark.parametrize("key", ["kiosk", "compare", "export", "export_city", "picture", "present", "check_data"])
def test_what_needs_a_city_is_offered_only_with_one(window, city_file, key, qtbot):
    assert not window.act[key].isEnabled()
    window.opener.open([str(city_file)])
    qtbot.waitUntil(lambda: window.act[key].isEnabled())
    window.workspace.session.mark_saved()
    window.act["close_city"].trigger()
    assert not window.act[key].isEnabled()


def test_every_action_does_something(city_window):
    """Each one has a receiver: an action nobody listens to is a dead menu entry."""
    dead = []
    for spec in ACTIONS:
        action = city_window.act[spec.id]
        heard = action.receivers("2toggled(bool)") + action.receivers("2triggered(bool)")
        if not heard:
            dead.append(spec.id)
    assert dead == []


def test_escape_leaves_one_thing_at_a_time(city_window):
    escape, act = city_window.act["select_none"].trigger, city_window.act
    city_window.workspace.select([1, 2])
    act["full_screen"].setChecked(True)
    act["compare"].setChecked(True)
    act["tool_rectangle"].setChecked(True)
    escape()
    assert act["tool_select"].isChecked()
    assert act["compare"].isChecked()
    escape()
    assert not act["compare"].isChecked()
    assert not city_window.compare_bar.isVisible()
    assert act["full_screen"].isChecked()
    escape()
    assert not act["full_screen"].isChecked()
    assert not city_window.isFullScreen()
    assert len(city_window.workspace.selection) == 2
    escape()
    assert not len(city_window.workspace.selection)


def test_closing_the_city_ends_comparing(city_window):
    city_window.act["compare"].setChecked(True)
    city_window.workspace.session.mark_saved()
    city_window.act["close_city"].trigger()
    assert not city_window.act["compare"].isChecked()
    assert not city_window.compare_bar.isVisible()


def test_the_keys_that_began_the_unattended_mode_stay_alive_in_it(city_window):
    city_window.act["kiosk"].trigger()
    assert city_window.planning.story.kiosk.state != "off"
    assert city_window.act["kiosk"].isEnabled()
    city_window.planning.story.kiosk.leave()
