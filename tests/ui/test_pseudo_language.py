"""Dialogs, questions and the welcome screen in a made-up language: what stayed English was never translated."""

from __future__ import annotations

import re

import pytest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QDialog, QGroupBox, QLabel, QLineEdit, QTabWidget, QWidget

from tests.ui.test_accessibility import DIALOGS, dialogs
from viewer.settings import config_folder, log_folder, state_folder
from viewer.ui import i18n
from viewer.ui.about import built_on
from viewer.ui.shortcuts import ACTIONS, key_text

#: Names that are the same in every language.
_NAMES = {"Stadtforum", "Deutsch", "English", "DE", "EN", "Scenario 1", "House 4", "Esc"}
#: A number with its unit, a file ending, a size of a picture.
_NUMBER = re.compile(r"^[−+\-–]?[\d.,  ]+\s?(m|m²|m³|%|px|ha)?$")


def texts(top: QWidget) -> set[str]:
    """Every text of a window as a person meets it: seen, hovered or spoken."""
    found = {top.windowTitle(), top.accessibleName()}
    for widget in (top, *top.findChildren(QWidget)):
        if widget is not top and not widget.isVisibleTo(top):
            continue
        if widget.objectName().startswith("qt_"):
            continue
        found |= {widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()}
        if isinstance(widget, QLabel | QAbstractButton):
            found.add(widget.text())
        if isinstance(widget, QGroupBox):
            found.add(widget.title())
        if isinstance(widget, QLineEdit):
            found.add(widget.placeholderText())
        if isinstance(widget, QComboBox) and not widget.isEditable():
            found |= {widget.itemText(at) for at in range(widget.count())}
        if isinstance(widget, QTabWidget):
            found |= {widget.tabText(at) for at in range(widget.count())}
    return {text.strip() for text in found if any(letter.isalpha() for letter in text)}


def english(top: QWidget, *data: str) -> set[str]:
    """What is neither translated, nor a name, nor data."""
    names = _NAMES | set(data)
    return {t for t in texts(top) if "⟦" not in t and t not in names and not _NUMBER.match(t)}


@pytest.fixture
def pseudo():
    i18n.set_language("xx")
    yield
    i18n.set_language("en")


def known(window) -> set[str]:
    """Data and names a dialog may show as they are."""
    found = {text for pair in built_on() for text in pair}
    found |= {str(config_folder()), str(state_folder()), str(log_folder())}
    found |= {key_text(spec) for spec in ACTIONS}
    return found | {source.title for source in window.workspace.session.document.sources}


@pytest.mark.parametrize("name", DIALOGS)
def test_no_text_of_a_dialog_stays_english(city_window, pseudo, name):
    dialog = dialogs(city_window)[name]()
    dialog.show()
    left = english(dialog, *known(city_window))
    dialog.close()
    dialog.deleteLater()
    assert left == set()


@pytest.mark.parametrize("name", DIALOGS)
def test_a_dialog_that_is_open_follows_the_language(city_window, name):
    dialog: QDialog = dialogs(city_window)[name]()
    before = dialog.windowTitle()
    i18n.set_language("de")
    after = dialog.windowTitle()
    dialog.deleteLater()
    assert before
    assert after != before


def test_no_text_of_the_welcome_screen_stays_english(window, pseudo, city_file):
    window.stage.welcome.set_recent((str(city_file),))
    entry = f"{city_file.name}    {city_file.parent.name}"
    assert english(window.stage.welcome, entry, str(city_file)) == set()


def test_the_welcome_screen_follows_the_language(window):
    i18n.set_language("xx")
    left = english(window.stage.welcome)
    i18n.set_language("en")
    assert left == set()


def test_no_text_of_the_question_after_opening_stays_english(window, pseudo, tmp_path, qtbot):
    file = tmp_path / "places.csv"
    file.write_text("name;x;y\nOak;565000;5934030\n", encoding="utf-8")
    window.opener.open([str(file)])
    window.stage.toasts.ask("{name} was removed from the session.", (("Undo", lambda: None),), name="Oak")
    banners = window.stage.toasts.banners()
    assert banners
    for banner in banners:
        assert english(banner, str(file), file.name, "EPSG:25832") == set()


def test_no_text_of_the_question_for_coordinates_stays_english(window, pseudo, city_file, qtbot):
    """A city that does not say its coordinate system asks for it."""
    import json

    city = json.loads(city_file.read_text(encoding="utf-8"))
    del city["metadata"]
    city_file.write_text(json.dumps(city), encoding="utf-8")
    window.opener.open([str(city_file)])
    qtbot.waitUntil(lambda: window.workspace.city is not None)
    banners = window.stage.toasts.banners()
    assert banners
    for banner in banners:
        assert english(banner, str(city_file), city_file.name) == set()
