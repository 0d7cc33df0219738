from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QRegion
from PySide6.QtWidgets import QLabel, QWidget

from viewer.indicators.record import IndicatorRecord, Status
from viewer.session.edits import SetLever
from viewer.ui import i18n, theme
from viewer.ui.figures import Change, band_text, difference, value_text
from viewer.ui.indicators_panel import CHANGE_COLOURS, IndicatorsPanel
from viewer.ui.planning_sample import SampleWorkspace
from viewer.ui.theme import DARK, LIGHT, contrast


class Counting(SampleWorkspace):
    """A workspace that counts how often numbers are asked for."""

    asked = 0

    def indicators(self, scenario=None):
        self.asked += 1
        return super().indicators(scenario)


@pytest.fixture
def workspace() -> Counting:
    return Counting()


@pytest.fixture
def panel(qtbot, workspace) -> IndicatorsPanel:
    made = IndicatorsPanel(workspace, None)
    qtbot.addWidget(made)
    made.resize(360, 900)
    made.show()
    return made


def record(value, baseline, *, status=Status.LIVE, unit="m²", digits=0, spread=0.0) -> IndicatorRecord:
    low, high = (value - spread, value + spread) if spread else (None, None)
    return IndicatorRecord(
        "x", "Ground", unit, status, value, baseline, "{value}", "a / b", low=low, high=high, digits=digits
    )


def test_a_row_for_every_number_in_its_group(panel, workspace):
    assert list(panel.rows) == [r.id for r in workspace.indicators()]
    assert panel.rows["green_share"].value.endswith("%")


def test_headings_begin_where_their_rows_begin(panel, qtbot, qapp):
    def first_inks() -> dict[str, int]:
        """Text -> first column of it in a picture of twice the resolution."""
        ink = {}
        for group in dict.fromkeys(row.record.group for row in panel.rows.values()):
            heading = next(found for found in panel.findChildren(QLabel) if found.text() == i18n.tr(group))
            row = next(row for row in panel.rows.values() if row.record.group == group)
            for name, widget, high in ((group, heading, heading.height()), ("below " + group, row, 24)):
                at = widget.mapTo(panel, QPoint(0, 0))
                picture = QImage(2 * 160, 2 * high, QImage.Format.Format_RGB32)
                picture.setDevicePixelRatio(2.0)
                picture.fill(0xFFFFFF)
                widget.render(picture, QPoint(0, 0), QRegion(0, 0, 160, high), QWidget.RenderFlag.DrawChildren)
                pixels = np.frombuffer(picture.constBits(), np.uint8).reshape(2 * high, -1, 4)[:, :320, 1]
                ink[name] = 2 * at.x() + int(np.flatnonzero((pixels < 128).any(axis=0))[0])
        return ink

    for language, colours in (("en", "light"), ("de", "dark"), ("en", "light")):
        i18n.set_language(language)
        theme.apply(qapp, colours)
        qtbot.wait(10)
        if colours == "light":  # ink is dark
            inks = first_inks()
            assert max(inks.values()) - min(inks.values()) <= 4, inks  # letters begin more or less at their left


def test_rows_follow_the_sliders_in_place(panel, workspace):
    row = panel.rows["green_share"]
    assert row.difference.change is Change.SAME
    workspace.session.edit(SetLever("unsealing_share", 50.0))
    assert panel.rows["green_share"] is row
    assert row.difference.change is Change.MORE
    assert "+16" in row.accessibleName()
    assert panel.rows["sealing_degree"].difference.change is Change.LESS


def test_nothing_is_asked_for_while_hidden(panel, workspace):
    panel.hide()
    asked = workspace.asked
    workspace.session.edit(SetLever("unsealing_share", 50.0))
    panel.chart.catch_up()
    assert workspace.asked == asked
    panel.show()
    assert workspace.asked > asked
    assert panel.rows["green_share"].difference.change is Change.MORE


def test_one_change_asks_for_the_active_scenario_once(panel, workspace):
    asked = workspace.asked
    workspace.session.edit(SetLever("unsealing_share", 50.0))
    assert workspace.asked == asked + 1


def test_differences_have_sign_arrow_and_unit():
    more, less = difference(record(1500.0, 300.0)), difference(record(300.0, 1500.0))
    assert (more.symbol, more.text[:6]) == ("▲", "+1,200")
    assert (less.symbol, less.text[:6]) == ("▼", "−1,200")
    assert more.text.endswith("m²")
    assert difference(record(54.0, 50.0, unit="%")).text.endswith("percentage points")


def test_a_difference_below_the_rounding_is_not_a_number():
    assert difference(record(300.2, 300.0)).text == "hardly any change"
    ranged = record(300.2, 300.0, status=Status.RANGE, spread=50.0)
    assert difference(ranged).text == "no reliable difference"
    assert difference(record(0.1 + 0.2, 0.3)).change is Change.SAME


def test_a_range_says_so_but_keeps_its_difference():
    ranged = record(1350.0, 1300.0, status=Status.RANGE, spread=200.0)
    assert band_text(ranged) == "1,150 to 1,550"
    assert difference(ranged).text.startswith("+50")


def test_an_indicative_difference_names_its_direction_only():
    assert difference(record(9.0, 4.0, status=Status.INDICATIVE)).text == "more"


def test_a_missing_figure_shows_a_dash(panel):
    assert panel.rows["parking_demand"].value == "–"
    assert panel.rows["parking_demand"].difference.text == ""


def test_numbers_follow_the_language(panel):
    i18n.set_language("de")
    german = record(1234.56, 1000.0, digits=1)
    assert value_text(german).startswith("1.234,6")
    assert panel.rows["residents"].difference.symbol in panel.rows["residents"].difference.symbol
    assert "bis" in panel.rows["residents"].band
    assert panel.rows["green_share"].difference.text == "wie heute"


def test_the_colours_of_a_change_can_be_read_and_are_neither_red_nor_green():
    for light, dark in CHANGE_COLOURS.values():
        assert contrast(light, LIGHT.surface) >= 4.5
        assert contrast(dark, DARK.surface) >= 4.5
        for colour in (light, dark):
            hue = theme.parse(colour).hue()
            assert 20 <= hue <= 50 or 240 <= hue <= 300


def test_enter_opens_the_record_with_formula_parameters_and_source(panel, qtbot):
    qtbot.keyClick(panel.rows["dwellings"], Qt.Key.Key_Return)
    text = panel.dialog.text()
    assert panel.dialog.isVisible()
    assert "living area / living area per dwelling" in text
    assert "storey height: 3" in text
    assert "planning value (assumption, unverified)" in text
    assert "Destatis, end of 2022" in text
    assert "No vacancy" in text
    assert "34 %" in text
    assert "METHODS" in text
    panel.dialog.close()


def test_an_open_record_follows_the_sliders_and_the_language(panel, workspace):
    panel.rows["green_share"].click()
    before = panel.dialog.text()
    workspace.session.edit(SetLever("unsealing_share", 80.0))
    assert panel.dialog.text() != before
    i18n.set_language("de")
    assert "Formel" in panel.dialog.text()
    panel.dialog.close()


def test_the_tip_says_the_sentence_and_how_reliable_it_is(panel):
    tip = panel.rows["residents"].tip()
    assert "So many people could live here." in tip
    assert "range" in tip


def test_a_sentence_is_filled_with_rounded_numbers(panel):
    row = panel.rows["volume"]
    row.show_record(replace(row.record, value=1234.6, sentence="There are {value} m³."))
    assert row.tip().startswith("There are 1,235 m³.")
