"""The switch for textures: in the view menu and on the card of a city, remembered, and nothing waits for it."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.workspace.test_textures import textured_file


@pytest.fixture
def textured_window(window, tmp_path, qtbot):
    Image.new("RGB", (8, 8), (200, 0, 0)).save(tmp_path / "a.png")
    window.opener.open([str(textured_file(tmp_path, "a.png"))])
    qtbot.waitUntil(lambda: window.workspace.city is not None)
    return window


def test_textures_are_shown_until_they_are_switched_off(textured_window, settings):
    window = textured_window
    assert window.act["textures"].isEnabled() and window.act["textures"].isChecked()
    assert window.workspace.scene_state().textures
    window.act["textures"].setChecked(False)
    assert not window.workspace.scene_state().textures
    assert settings.value.textures is False


def test_the_card_of_a_city_and_the_menu_are_one_switch(textured_window):
    window = textured_window
    card = next(iter(window.layers.cards.values()))
    assert card.textures.isVisibleTo(window.layers) or not card.textures.isHidden()
    card.textures.setChecked(False)
    assert not window.act["textures"].isChecked()
    window.act["textures"].setChecked(True)
    assert card.textures.isChecked()


def test_a_city_without_pictures_offers_no_switch(city_window):
    assert not city_window.act["textures"].isEnabled()
    assert all(card.textures.isHidden() for card in city_window.layers.cards.values())


def test_pictures_wanted_later_are_read_in_the_background(window, tmp_path, qtbot, settings):
    window.act["textures"].setChecked(False)
    Image.new("RGB", (8, 8), (200, 0, 0)).save(tmp_path / "a.png")
    window.opener.open([str(textured_file(tmp_path, "a.png"))])
    qtbot.waitUntil(lambda: window.workspace.city is not None)
    assert not window.workspace.scene_state().textures
    window.act["textures"].setChecked(True)
    qtbot.waitUntil(lambda: window.workspace.scene_state().textures)
    assert settings.value.textures is True
