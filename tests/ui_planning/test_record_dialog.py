from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication

from viewer.indicators.record import IndicatorRecord, ParameterUsed, Status
from viewer.ui import i18n
from viewer.ui.record_dialog import RecordDialog


@pytest.fixture
def record() -> IndicatorRecord:
    return IndicatorRecord(
        "dwellings", "Dwellings", "", Status.RANGE, 120.0, 100.0, "{value}", "floor area / area per dwelling",
        low=90.0, high=150.0, digits=0, fallback_share=0.25, source="Made-up handbook",
        parameters=(ParameterUsed("area per dwelling", 75.0, "m²", "planning value", True),),
        assumptions=("Ground floors are homes too.",),
    )  # fmt: skip


@pytest.fixture
def dialog(qtbot, record) -> RecordDialog:
    made = RecordDialog(record)
    qtbot.addWidget(made)
    made.show()
    return made


def test_the_dialog_tells_everything_behind_a_number(dialog):
    text = dialog.text()
    parts = ["120", "Today: 100", "90", "150", "25 %", "floor area / area per dwelling", "75"]
    parts += ["planning value (assumption, unverified)", "Ground floors are homes too.", "Made-up handbook"]
    for part in parts:
        assert part in text


def test_copying_gives_what_is_read(dialog):
    dialog._copy()
    assert QApplication.clipboard().text() == dialog.text()


def test_the_open_dialog_follows_the_number(dialog, record):
    dialog.show_record(replace(record, value=130.0))
    assert "130" in dialog.text()
    assert "120" not in dialog.text()


def test_the_same_number_is_not_built_again(dialog, record):
    before = dialog._scroll.body.itemAt(0).widget()
    dialog.show_record(replace(record))
    assert dialog._scroll.body.itemAt(0).widget() is before


def test_the_dialog_speaks_german(dialog):
    i18n.set_language("de")
    assert "Heute: 100" in dialog.text()
    assert dialog.windowTitle() == "So entsteht dieser Kennwert"
