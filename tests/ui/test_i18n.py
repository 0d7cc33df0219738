from __future__ import annotations

import string

import pytest

from tests.ui.collect_texts import ROOT, collect
from viewer.plugin_host import PluginHost
from viewer.ui import about, graphics, i18n, opening, shortcuts, words
from viewer.ui.i18n import number, tr, trn

#: Texts of a made-up quarter that only a developer sees.
_NOT_FOR_PEOPLE = ("viewer/ui/planning_sample.py", "viewer/plugin_host/template", "viewer/session/journal_file")
#: Written into files for support, or an arrangement of another text.
_NOT_WORDS = {"{text}", "structure"}  # a template of templates; an option of a library


@pytest.fixture
def german():
    i18n.set_language("de")
    yield
    i18n.set_language("en")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def texts_of_tables() -> set[str]:
    found = {text for _, text in shortcuts.MENUS} | {name for name, _ in opening.PATTERNS}
    found |= {text for pair in about.GESTURES for text in pair} | set(opening.OPTION_NAMES.values())
    found.add(graphics.SLOW_NOTICE)
    return found | set(words.ATTRIBUTES.values()) | set(words.TYPES.values())


def forms(entry) -> list[str]:
    return list(entry.values()) if isinstance(entry, dict) else [entry]


def test_every_text_in_the_code_has_its_german():
    table = dict(PluginHost([ROOT / "plugins"], packages=False).translations("de")) | dict(i18n.catalogue("de"))
    found = collect(ROOT / "viewer", ROOT / "plugins").found
    missing = {
        text: places
        for text, places in found.items()
        if text not in table and text not in _NOT_WORDS and not text.startswith("#")
        and not all(place.startswith(_NOT_FOR_PEOPLE) for place in places)
    }  # fmt: skip
    assert missing == {}
    assert sorted(texts_of_tables() - set(table)) == []


def test_no_text_is_an_f_string():
    assert collect(ROOT / "viewer", ROOT / "plugins").unreadable == []


def test_german_names_the_same_placeholders():
    wrong = {}
    for text, entry in i18n.catalogue("de").items():
        for german in forms(entry):
            if fields(german) != fields(text):
                wrong[text] = german
    assert wrong == {}


def test_german_is_looked_up_and_filled_in(german):
    assert tr("Reading {name}", name="a.gml") == "a.gml wird gelesen"
    assert trn("{n} building", "{n} buildings", 1234) == "1.234 Gebäude"
    assert tr("This text is in no table") == "This text is in no table"


def test_plural_forms_follow_the_number():
    assert trn("{n} tree", "{n} trees", 1) == "1 tree"
    assert trn("{n} tree", "{n} trees", 2) == "2 trees"


def test_numbers_follow_the_language(german):
    assert number(1234567.891, 2) == "1.234.567,89"
    assert number(-0.4) == "0"
    assert number(-12.5, None) == "−12,5"
    i18n.set_language("en")
    assert number(1234567.891, 2) == "1,234,567.89"


def test_a_template_from_outside_cannot_reach_into_values():
    assert tr("{count.__class__} {count}", count=3) == "{count.__class__} 3"
    assert tr("broken { brace", count=3) == "broken { brace"


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="no translation"):
        i18n.set_language("fr")


def test_bound_texts_follow_the_language(qtbot):
    from PySide6.QtWidgets import QLabel

    label = QLabel()
    qtbot.addWidget(label)
    i18n.bind(label.setText, "Layers")
    i18n.set_language("de")
    assert label.text() == "Ebenen"
    i18n.set_language("en")
    assert label.text() == "Layers"
