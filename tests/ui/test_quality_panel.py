from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PySide6.QtCore import Qt

from viewer.ui import i18n


@pytest.fixture
def faulty_window(window, city_file, qtbot):
    """The nine houses; a wall of the fifth is a bow tie."""
    city = json.loads(city_file.read_text(encoding="utf-8"))
    wall = city["CityObjects"]["house-4"]["geometry"][0]["boundaries"][0][2][0]
    wall[1], wall[2] = wall[2], wall[1]
    city_file.write_text(json.dumps(city), encoding="utf-8")
    window.opener.open([str(city_file)])
    qtbot.wait(10)
    window.act["check_data"].trigger()
    return window


def item(panel, text):
    [found] = panel.tree.findItems(text, Qt.MatchFlag.MatchStartsWith | Qt.MatchFlag.MatchRecursive)
    return found


def test_without_a_city_there_is_nothing_to_check(window):
    assert not window.act["check_data"].isEnabled()
    window.quality.check()
    assert not window.quality.isVisible()


def test_the_check_lists_faults_by_class(faulty_window):
    panel = faulty_window.quality
    assert panel.isVisible()
    classes = [panel.tree.topLevelItem(i).text(0) for i in range(panel.tree.topLevelItemCount())]
    assert classes == ["Rings", "Attributes", "Place and extent"]
    assert item(panel, "104").text(1) == "1"
    assert "8 of 9 objects" in panel._summary.text()


def test_a_click_on_a_fault_flies_to_it_and_selects_its_object(faulty_window):
    panel, workspace = faulty_window.quality, faulty_window.workspace
    kind = item(panel, "104")
    kind.setExpanded(True)
    fault = kind.child(0)
    assert fault.text(0) == "house-4"
    panel.tree.itemClicked.emit(fault, 0)
    assert workspace.ids_of(workspace.selection) == ("house-4",)
    _, low, high = next(call for call in reversed(faulty_window.view.calls) if call[0] == "fly_to")
    middle = (np.asarray(low) + np.asarray(high)) / 2 + np.asarray(workspace.frame.origin_crs)
    np.testing.assert_allclose(middle[:2], (565_045.0, 5_934_040.0), atol=6.0)


def test_what_to_do_is_shown_for_the_chosen_kind(faulty_window):
    panel = faulty_window.quality
    panel.tree.setCurrentItem(item(panel, "104"))
    assert "spikes" in panel._advice.text()


def test_the_report_is_saved_as_data_and_as_a_table(faulty_window, tmp_path):
    panel = faulty_window.quality
    assert panel.save(tmp_path / "check.json")
    data = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))
    assert next(f for f in data["findings"] if f["code"] == "104")["ids"] == ["house-4"]
    assert panel.save(tmp_path / "check.csv")
    with (tmp_path / "check.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows if row["code"] == "104"] == ["house-4"]


def test_a_report_that_cannot_be_saved_says_so(faulty_window, tmp_path):
    panel = faulty_window.quality
    assert not panel.save(tmp_path / "nowhere" / "check.json")
    assert panel._saved.isVisible() and panel._saved.text()


def test_a_table_takes_no_formula_from_a_file(faulty_window, city_file, qtbot, tmp_path):
    city = json.loads(city_file.read_text(encoding="utf-8"))
    city["CityObjects"]["=1+1"] = city["CityObjects"].pop("house-4")
    other = tmp_path / "formula.city.json"
    other.write_text(json.dumps(city), encoding="utf-8")
    faulty_window.workspace.session.mark_saved()
    faulty_window.act["close_city"].trigger()
    faulty_window.opener.open([str(other)])
    qtbot.wait(10)
    faulty_window.quality.check()
    assert faulty_window.quality.save(tmp_path / "check.csv")
    assert ",=1+1" not in (tmp_path / "check.csv").read_text(encoding="utf-8-sig")


def test_the_panel_follows_the_language(faulty_window):
    i18n.set_language("de")
    try:
        assert faulty_window.quality.tree.topLevelItem(0).text(0) == "Ringe"
    finally:
        i18n.set_language("en")


def test_two_cities_are_told_apart(faulty_window, city_file, tmp_path, qtbot):
    other = tmp_path / "other.city.json"
    other.write_bytes(city_file.read_bytes())
    faulty_window.opener.open([str(other)])
    qtbot.wait(10)
    faulty_window.quality.check()
    tree = faulty_window.quality.tree
    assert tree.topLevelItemCount() == 2
    assert len(faulty_window.quality.checked) == 2
