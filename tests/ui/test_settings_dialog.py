"""The settings dialog: what is chosen applies at once and is kept."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from viewer.ui import i18n, settings_dialog
from viewer.ui.settings_dialog import LEAST_MB, SettingsDialog, memory_choices


@pytest.fixture
def dialog(qtbot, settings) -> SettingsDialog:
    made = SettingsDialog(settings)
    qtbot.addWidget(made)
    made.show()
    return made


def choose(box, data) -> None:
    """As a person does with the keyboard."""
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


def test_the_memory_of_the_city_is_chosen_here_kept_and_told_at_once(dialog, settings):
    told = []
    dialog.memory_changed.connect(told.append)
    assert dialog.memory.currentData() == 0
    assert dialog.memory.itemText(0) == "Automatic (a quarter of this machine)"
    choose(dialog.memory, 1000)
    assert settings.value.city_memory_mb == 1000
    choose(dialog.memory, 0)
    assert settings.value.city_memory_mb == 0
    assert told == [1000, 0]
    assert "at once" in dialog.memory.toolTip()


def test_the_choices_of_memory_end_with_what_the_machine_has(monkeypatch):
    monkeypatch.setattr(settings_dialog, "memory_budget", lambda: 2.1e9)
    assert memory_choices() == (500, 1000, 2000, 4000, 8000)
    monkeypatch.setattr(settings_dialog, "memory_budget", lambda: 1e6)
    assert memory_choices() == (LEAST_MB,)
    monkeypatch.setattr(settings_dialog, "memory_budget", lambda: 1e15)
    assert memory_choices()[-1] == settings_dialog.MOST_MB


def test_a_memory_written_by_hand_is_among_the_choices(qtbot, settings):
    settings.update(city_memory_mb=1500)
    made = SettingsDialog(settings)
    qtbot.addWidget(made)
    assert made.memory.currentData() == 1500
    i18n.set_language("de")
    try:
        assert made.memory.currentText() == "1,5 GB"
        assert made.memory.itemText(0).startswith("Selbsttätig")
        assert "sofort" in made.memory.toolTip()
    finally:
        i18n.set_language("en")
    assert made.memory.currentText() == "1.5 GB"


def test_the_window_hands_the_memory_to_its_view(city_window, monkeypatch):
    given = []
    monkeypatch.setattr(city_window.view, "set_memory", given.append)
    monkeypatch.setattr(SettingsDialog, "exec", lambda self: choose(self.memory, LEAST_MB))
    city_window.act["settings"].trigger()
    assert given == [LEAST_MB]


def test_words_stand_beside_the_middle_of_their_fields(dialog, qtbot):
    qtbot.wait(10)
    for text, field in dialog._rows:
        words = dialog._form.labelForField(field)
        if text:
            assert words.alignment() & Qt.AlignmentFlag.AlignVCenter
            assert words.geometry().center().y() == pytest.approx(field.geometry().center().y(), abs=1)
