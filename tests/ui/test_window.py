from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QMessageBox

from viewer.city.report import Issue, Severity
from viewer.session.edits import SetLever
from viewer.ui import i18n
from viewer.ui.select_tools import points_in_ring, tidy_ring


def drop(window, path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.stage.dropEvent(event)


def click(window, qtbot, x, y, keys=Qt.KeyboardModifier.NoModifier) -> None:
    """Click where the stand-in view sees the local point (x, y)."""
    seen = window.view.project([[x, y, 0.0]])[0]
    qtbot.mouseClick(window.view, Qt.MouseButton.LeftButton, keys, QPoint(round(seen[0]), round(seen[1])))


def centres(window) -> np.ndarray:
    return window.workspace.measures.centre_local


# -- the empty window ------------------------------------------------------------------------------


def test_the_empty_window_offers_the_ways_on(window):
    assert window.stage.welcome.isVisible()
    assert window.stage.welcome.first.isVisible()
    assert not window.act["home"].isEnabled()
    assert window.act["open"].isEnabled()


def test_keys_of_actions_are_unique(window):
    keys = [k.toString() for action in window.act.values() for k in action.shortcuts()]
    assert len(keys) == len(set(keys))


def test_every_icon_button_says_what_it_does(city_window):
    silent = [
        b for b in city_window.findChildren(QAbstractButton)
        if b.isVisible() and not b.text() and not b.toolTip() and not b.accessibleName()
        and b.metaObject().className() == "QToolButton" and b.parent().metaObject().className() != "QTabBar"
    ]  # fmt: skip
    assert silent == []


def test_panels_and_size_are_remembered(window, settings):
    window.act["left_panel"].setChecked(False)
    window.close()
    assert settings.value.window["left"] == "0"
    assert "geometry" in settings.value.window


# -- opening ---------------------------------------------------------------------------------------


def test_a_dropped_file_opens_and_the_view_goes_home(window, city_file, qtbot):
    drop(window, city_file)
    qtbot.waitUntil(lambda: ("home",) in window.view.calls)
    assert window.workspace.city.objects.count_by_type() == {"Building": 9}
    assert not window.stage.welcome.isVisible()
    assert window.settings.value.recent == (str(city_file),)
    assert window.view.state.city is window.workspace.city


def test_a_file_that_cannot_be_read_is_one_banner_and_the_city_stays(city_window, tmp_path, qtbot):
    for old in city_window.stage.toasts.banners():
        old.dismiss()
    broken = tmp_path / "broken.city.json"
    broken.write_text("{", encoding="utf-8")
    before = city_window.workspace.city
    city_window.opener.open([str(broken)])
    banners = city_window.stage.toasts.banners()
    assert [b.kind for b in banners] == ["error"]
    assert str(broken) in banners[0].path.text()
    assert city_window.workspace.city is before


def test_a_city_too_large_for_the_memory_is_one_banner_and_the_city_stays(city_window, city_file, monkeypatch):
    for old in city_window.stage.toasts.banners():
        old.dismiss()
    before = city_window.workspace.city

    def derive(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr("viewer.workspace.reading.derive", derive)
    city_window.opener.open([str(city_file)])
    (banner,) = city_window.stage.toasts.banners()
    words = " ".join(shown.text() for shown in banner.findChildren(QLabel))
    assert banner.kind == "error"
    assert "too little free memory" in words and "stadtforum bake" in words
    assert str(city_file) in banner.path.text()
    assert city_window.workspace.city is before
    assert len(city_window.workspace.session.document.sources) == 1


def test_cities_are_read_before_the_layers_that_lie_on_them(window, city_file, trees_file, qtbot):
    window.opener.open([str(trees_file), str(city_file)])
    qtbot.waitUntil(lambda: not window.opener.busy and len(window.layers.cards) == 2)
    assert [s.kind for s in window.workspace.session.document.sources] == ["city", "layer"]


def test_the_report_names_what_was_read_and_jumps_to_the_place(city_window):
    key = next(iter(city_window.workspace.reports))
    city_window.show_report(key)
    assert city_window.report.isVisible()
    city_window.show_place("house-4")
    assert city_window.workspace.ids_of(city_window.workspace.selection) == ("house-4",)
    assert city_window.view.calls[-1][0] == "fly_to"


def test_a_finding_is_one_sentence_with_its_count():
    from viewer.ui.report_panel import issue_text

    issue = Issue(Severity.WARNING, "tree without a position", 3, ("line 3",))
    assert issue_text(issue) == "tree without a position (3 times)"
    assert issue_text(Issue(Severity.INFO, "{count} trees left out", 3)) == "3 trees left out"


# -- selecting -------------------------------------------------------------------------------------


def test_a_click_selects_and_shows_what_is_known(city_window, qtbot):
    click(city_window, qtbot, *centres(city_window)[4])
    assert list(city_window.workspace.selection) == [4]
    assert city_window.info.isVisible()
    texts = [label.text() for label in city_window.info.findChildren(QLabel) if label.text()]
    assert "House 4" in texts
    assert "Height" in texts
    assert list(city_window.view.state.selection) == [4]


def test_ctrl_click_adds_and_takes_away(city_window, qtbot):
    click(city_window, qtbot, *centres(city_window)[0])
    click(city_window, qtbot, *centres(city_window)[1], Qt.KeyboardModifier.ControlModifier)
    assert list(city_window.workspace.selection) == [0, 1]
    click(city_window, qtbot, *centres(city_window)[0], Qt.KeyboardModifier.ControlModifier)
    assert list(city_window.workspace.selection) == [1]


def test_a_shift_drag_selects_a_rectangle(city_window, qtbot):
    middle = centres(city_window)
    corners = [[middle[0][0] - 9, middle[0][1] - 9, 0], [middle[4][0] + 9, middle[4][1] + 9, 0]]
    low, high = (QPointF(*p) for p in city_window.view.project(corners))
    keys = Qt.KeyboardModifier.ShiftModifier
    city_window.view.navigator.dragged.emit(low, high, keys, True)
    assert list(city_window.workspace.selection) == [0, 1, 3, 4]


def test_a_drawn_polygon_selects_what_lies_inside(city_window, qtbot):
    city_window.act["tool_polygon"].setChecked(True)
    middle = centres(city_window)
    for x, y in ((-9, -9), (9, -9), (9, 9), (-9, 9)):
        click(city_window, qtbot, middle[8][0] + x, middle[8][1] + y)
    qtbot.keyClick(city_window.view, Qt.Key.Key_Return)
    assert list(city_window.workspace.selection) == [8]
    assert city_window.act["tool_select"].isChecked()


def test_a_drawn_area_is_handed_to_the_levers_and_selects_nothing(city_window, qtbot):
    rings = []
    city_window.area_drawn.connect(rings.append)
    city_window.act["tool_area"].setChecked(True)
    for x, y in ((0, 0), (0, 60), (60, 60), (60, 0)):
        click(city_window, qtbot, x, y)
    qtbot.keyClick(city_window.view, Qt.Key.Key_Return)
    assert len(rings) == 1
    x, y = rings[0].T
    area = 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    assert area == pytest.approx(3600.0, rel=0.02)  # counter-clockwise although drawn clockwise
    assert not len(city_window.workspace.selection)


def test_escape_drops_a_half_drawn_polygon_and_then_the_tool(city_window, qtbot):
    city_window.act["tool_polygon"].setChecked(True)
    click(city_window, qtbot, 0, 0)
    assert city_window.tools.drawing
    city_window.act["select_none"].trigger()
    assert not city_window.tools.drawing
    assert city_window.act["tool_polygon"].isChecked()
    city_window.act["select_none"].trigger()
    assert city_window.act["tool_select"].isChecked()


def test_points_in_a_ring_are_found_by_even_odd_rule():
    ring = np.array([[0, 0], [10, 0], [10, 10], [5, 5], [0, 10]], float)
    points = np.array([[5, 2], [5, 8], [1, 8], [11, 5], [np.nan, 1]])
    assert points_in_ring(points, ring).tolist() == [True, False, True, False, False]


def test_a_ring_without_area_is_no_ring():
    assert len(tidy_ring(np.array([[0, 0], [1, 1], [2, 2]], float))) == 0
    assert len(tidy_ring(np.array([[0, 0], [0, 0], [1, 0], [1, 1]], float))) == 3


# -- editing ---------------------------------------------------------------------------------------


def test_a_removed_building_can_be_restored_and_undone(city_window, qtbot):
    click(city_window, qtbot, *centres(city_window)[4])
    city_window.info.remove.click()
    assert city_window.workspace.session.document.scenario.removed == {"house-4"}
    assert city_window.info.restore.isVisible()
    city_window.info.restore.click()
    assert not city_window.workspace.session.document.scenario.removed
    city_window.act["undo"].trigger()
    assert city_window.workspace.session.document.scenario.removed == {"house-4"}


def test_holding_b_shows_the_baseline(city_window, qtbot):
    city_window.workspace.session.edit(SetLever("storeys_added", 2.0))
    qtbot.keyPress(city_window, Qt.Key.Key_B)
    assert not city_window.view.state.change.lift_m.any()
    qtbot.keyRelease(city_window, Qt.Key.Key_B)
    assert city_window.view.state.change.lift_m.any()


def test_comparing_shows_today_and_the_scenario_side_by_side(city_window):
    city_window.workspace.session.edit(SetLever("storeys_added", 2.0))
    city_window.act["compare"].setChecked(True)
    name, left, right = city_window.view.calls[-1]
    assert name == "show_split"
    assert not left.change.lift_m.any()
    assert right.change.lift_m.any()
    city_window.act["compare"].setChecked(False)
    assert city_window.view.states[-1].change.lift_m.any()


def test_undo_says_what_it_takes_back(city_window):
    city_window.workspace.session.edit(SetLever("storeys_added", 2.0))
    assert city_window.act["undo"].isEnabled()
    assert "Storeys added" in city_window.act["undo"].toolTip()
    city_window.act["undo"].trigger()
    assert city_window.workspace.session.document.scenario.value("storeys_added") == 0


def test_colouring_the_city_shows_its_legend(city_window):
    combo = city_window.topbar.colour
    at = combo.findData("attribute:measuredHeight")
    combo.setCurrentIndex(at)
    combo.activated.emit(at)
    assert city_window.workspace.session.document.color_by == "attribute:measuredHeight"
    assert city_window.legend.isVisible()
    assert city_window.view.state.colouring.values is not None


# -- layers ----------------------------------------------------------------------------------------


@pytest.fixture
def tree_window(city_window, trees_file, qtbot):
    city_window.opener.open([str(trees_file)])
    qtbot.waitUntil(lambda: len(city_window.layers.cards) == 2)
    return city_window


def source_of(window, kind):
    return next(s for s in window.workspace.session.document.sources if s.kind == kind)


def test_the_top_layer_stands_first_and_can_move(tree_window):
    key = source_of(tree_window, "layer").key
    assert next(iter(tree_window.layers.cards)) == key
    tree_window.layers.cards[key].down.click()
    assert list(tree_window.layers.cards)[-1] == key
    tree_window.act["undo"].trigger()
    assert next(iter(tree_window.layers.cards)) == key


def test_hiding_a_layer_is_an_edit_of_the_session(tree_window):
    key = source_of(tree_window, "layer").key
    tree_window.layers.cards[key].eye.click()
    assert not source_of(tree_window, "layer").style.visible
    assert not tree_window.view.state.layers[0].visible


def test_a_drag_on_the_opacity_is_one_step(tree_window):
    card = tree_window.layers.cards[source_of(tree_window, "layer").key]
    for value in (90, 70, 40):
        card.opacity.setValue(value)
    assert source_of(tree_window, "layer").style.opacity == pytest.approx(0.4)
    tree_window.act["undo"].trigger()
    assert source_of(tree_window, "layer").style.opacity == pytest.approx(1.0)


def test_a_removed_layer_comes_back_with_undo(tree_window, qtbot):
    key = source_of(tree_window, "layer").key
    tree_window.layers.remove_wanted.emit(key)
    assert list(tree_window.layers.cards) == [source_of(tree_window, "city").key]
    tree_window.act["undo"].trigger()
    assert key in tree_window.layers.cards
    assert len(tree_window.view.state.layers) == 1


def test_flying_to_a_layer_goes_to_its_box(tree_window):
    tree_window.layers.zoom_wanted.emit(source_of(tree_window, "layer").key)
    call = tree_window.view.calls[-1]
    assert call[0] == "fly_to"
    assert call[2][0] - call[1][0] == pytest.approx(75.0)


# -- leaving and saving ----------------------------------------------------------------------------


def answer(monkeypatch, text):
    """Press the button with this text in the next question."""

    def exec_(box):
        button = next(b for b in box.buttons() if b.text() == text)
        monkeypatch.setattr(QMessageBox, "clickedButton", lambda self: button)

    monkeypatch.setattr(QMessageBox, "exec", exec_)


def test_a_saved_session_opens_again(city_window, tmp_path, qtbot):
    city_window.workspace.session.edit(SetLever("storeys_added", 2.0))
    path = tmp_path / "plan.stadtforum"
    assert city_window.files._save_to(path, None)
    assert not city_window.workspace.session.modified
    city_window.act["close_city"].trigger()
    assert city_window.workspace.city is None
    city_window.opener.open([str(path)])
    qtbot.waitUntil(lambda: city_window.workspace.city is not None)
    assert city_window.workspace.session.document.scenario.value("storeys_added") == 2.0


def test_closing_with_unsaved_work_can_be_called_off(city_window, monkeypatch):
    city_window.workspace.session.edit(SetLever("storeys_added", 2.0))
    answer(monkeypatch, "Stay here")
    assert not city_window.close()
    assert city_window.isVisible()
    answer(monkeypatch, "Keep for later")
    assert city_window.close()


# -- words -----------------------------------------------------------------------------------------


def visible_texts(window) -> set[str]:
    found = set()
    for label in window.findChildren(QLabel):
        if label.isVisible():
            found.add(label.text())
    for button in window.findChildren(QAbstractButton):
        if button.isVisible():
            found |= {button.text(), button.toolTip(), button.accessibleName()}
    for combo in window.findChildren(QComboBox):
        if combo.isVisible() and not combo.isEditable():
            found |= {combo.itemText(i) for i in range(combo.count())}
    for action in window.findChildren(QAction):
        if action.text():
            found |= {action.text(), action.toolTip()}
    return {text.strip() for text in found if any(c.isalpha() for c in text)}


def test_no_text_stays_english_in_a_made_up_language(tree_window, qtbot):
    click(tree_window, qtbot, *centres(tree_window)[4])
    tree_window.show_report(source_of(tree_window, "city").key)
    data = {str(s.title) for s in tree_window.workspace.session.document.sources}
    data |= {"House 4", "house-4", "DE", "EN", "Stadtforum", "Scenario 1", "CityJSON 2.0", "LoD 1.2", "EPSG:25832"}
    data |= {s.name for s in tree_window.workspace.session.document.scenarios}
    data |= {str(s.path) for s in tree_window.workspace.session.document.sources}
    i18n.set_language("xx")
    left = {text for text in visible_texts(tree_window) if "⟦" not in text and text not in data}
    units = {text for text in left if text.rsplit(" ", 1)[-1] in ("m", "m²", "m³") and text[0].isdigit()}
    assert left - units == set()


def test_the_language_changes_while_the_window_stands(city_window):
    i18n.set_language("de")
    assert city_window.act["open"].toolTip().startswith("Stadt, Ebene oder Sitzung öffnen")
    assert city_window.menu_bar.actions()[0].text() == "&Datei"
