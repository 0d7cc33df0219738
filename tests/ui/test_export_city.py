from __future__ import annotations

import json

import pytest

from viewer.readers.export import FORMATS
from viewer.scenario import WholeCity
from viewer.session.edits import SetLever
from viewer.ui.export_city_dialog import ExportCityDialog, with_ending


@pytest.fixture
def dialog(city_window, qtbot):
    """Makes dialogs over the window with nine buildings."""
    made = []

    def make():
        window = city_window
        made.append(ExportCityDialog(window.workspace, window.tasks, window.stage.toasts, window))
        return made[-1]

    yield make
    for one in made:
        one.close()
        one.deleteLater()
    qtbot.wait(1)


def choose(dialog, ident: str) -> None:
    dialog.format_box.setCurrentIndex([form.id for form in FORMATS].index(ident))


def objects_of(path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))["CityObjects"]


def said(window) -> list[str]:
    return [banner.sentence.text() for banner in window.stage.toasts.banners()]


def test_the_menu_offers_it_only_with_a_city(window, city_file, qtbot):
    assert not window.act["export_city"].isEnabled()
    window.opener.open([str(city_file)])
    qtbot.wait(10)
    assert window.act["export_city"].isEnabled()


def test_every_format_can_be_written(dialog, tmp_path):
    for form in FORMATS:
        one = dialog()
        choose(one, form.id)
        path = tmp_path / f"out{form.endings[0]}"
        assert one.save(path)
        assert path.stat().st_size > 300
        assert one.note.text()


def test_the_selection_is_offered_where_there_is_one(dialog, city_window, tmp_path):
    one = dialog()
    assert one.whole.isChecked() and not one.selected.isEnabled()
    city_window.workspace.select([2, 5])
    two = dialog()
    assert two.selected.isChecked() and "2" in two.selected.text()
    assert two.save(tmp_path / "two.city.json")
    assert set(objects_of(tmp_path / "two.city.json")) == {"house-2", "house-5"}
    two.whole.setChecked(True)
    assert two.save(tmp_path / "all.city.json")
    assert len(objects_of(tmp_path / "all.city.json")) == 9


def test_the_active_scenario_is_chosen_and_the_city_as_it_is_offered(dialog, city_window, tmp_path):
    city_window.workspace.session.edit(SetLever("storeys_added", 1, WholeCity()))
    one = dialog()
    active = city_window.workspace.session.document.active
    assert one.scenario.currentData() == active
    assert one.save(tmp_path / "raised.city.json")
    assert objects_of(tmp_path / "raised.city.json")["house-0"]["attributes"]["storeysAboveGround"] == 3
    one.scenario.setCurrentIndex(0)
    assert one.save(tmp_path / "today.city.json")
    assert objects_of(tmp_path / "today.city.json")["house-0"]["attributes"]["storeysAboveGround"] == 2


def test_what_no_file_holds_is_said(dialog, city_window, tmp_path):
    city_window.workspace.session.edit(SetLever("unsealing_share", 50, WholeCity()))
    assert dialog().save(tmp_path / "out.gml")
    assert "Unsealed ground is no part of the file." in said(city_window)


def test_an_unknown_ending_stays_in_the_dialog(dialog, tmp_path):
    one = dialog()
    assert not one.save(tmp_path / "out.foo")
    assert ".gml" in one.message.text()
    assert not (tmp_path / "out.foo").exists()


def test_a_file_that_cannot_be_written_is_one_banner(dialog, city_window, tmp_path):
    for old in city_window.stage.toasts.banners():
        old.dismiss()
    assert dialog().save(tmp_path / "none" / "out.gml")
    assert [banner.kind for banner in city_window.stage.toasts.banners()] == ["error"]


def test_a_name_gets_the_ending_of_its_format(tmp_path):
    by_id = {form.id: form for form in FORMATS}
    assert with_ending(tmp_path / "a", by_id["citygml"]).name == "a.gml"
    assert with_ending(tmp_path / "a.gml.gz", by_id["citygml"]).name == "a.gml.gz"
    assert with_ending(tmp_path / "a.gml", by_id["csv"]).name == "a.gml.csv"
    assert with_ending(tmp_path / "a.JSON", by_id["cityjson"]).name == "a.JSON"
