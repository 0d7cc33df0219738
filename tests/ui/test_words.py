"""Words that name what a person did or meets."""

from __future__ import annotations

from viewer.ui import i18n
from viewer.ui.words import fresh_document


def test_a_fresh_document_names_its_scenario_in_the_language_of_the_interface(qapp):
    i18n.set_language("de")
    assert fresh_document().scenario.name == "Szenario 1"
    i18n.set_language("en")
    assert fresh_document().active == "Scenario 1"
