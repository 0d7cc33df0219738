"""The catalogue panel: add, unfold, search, open by keyboard or by dragging, remember."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QPushButton

from tests.plugins import service_answers as made
from viewer.settings import Settings
from viewer.ui import i18n


@pytest.fixture
def server(server):
    def ogc(asked):
        if asked.query.get("request") == "GetCapabilities":
            return made.wms_capabilities()
        return made.png(made.plain(int(asked.query["width"]), int(asked.query["height"]), (9, 99, 9)))

    server.routes["*"] = ogc
    return server


@pytest.fixture
def panel(city_window):
    city_window.act["catalogue"].trigger()
    return city_window.catalogue


def texts(item):
    return [item.child(at).text(0) for at in range(item.childCount()) if not item.child(at).isHidden()]


def test_an_empty_catalogue_says_what_to_do(panel):
    assert panel.isVisible() and panel._empty.isVisible() and not panel.tree.isVisible()
    words = [b.text() for b in panel._empty.findChildren(QPushButton)]
    assert words == ["Add a folder...", "Add a list of sources...", "Add a server..."]


def test_a_folder_is_unfolded_and_remembered(panel, city_window, city_file, trees_file):
    assert panel.add(str(city_file.parent))
    root = panel.tree.topLevelItem(0)
    assert "nine.city.json" in texts(root) and "my_trees.csv" in texts(root)
    assert Settings(city_window.settings.path).value.catalogue == (str(city_file.parent),)
    panel._fill()
    assert panel.tree.topLevelItem(0).text(0) == city_file.parent.name


def test_enter_opens_a_file(panel, city_window, trees_file, qtbot):
    panel.add(str(trees_file.parent))
    root = panel.tree.topLevelItem(0)
    panel.tree.setCurrentItem(next(root.child(n) for n in range(root.childCount()) if "trees" in root.child(n).text(0)))
    qtbot.keyClick(panel.tree, Qt.Key.Key_Return)
    qtbot.wait(20)
    assert city_window.workspace.session.document.sources[-1].path == str(trees_file)


def test_what_is_dragged_is_a_file(panel, trees_file):
    panel.add(str(trees_file.parent))
    root = panel.tree.topLevelItem(0)
    item = next(root.child(n) for n in range(root.childCount()) if "trees" in root.child(n).text(0))
    assert item.flags() & Qt.ItemFlag.ItemIsDragEnabled and not root.flags() & Qt.ItemFlag.ItemIsDragEnabled
    urls = panel.tree.mimeData([item]).urls()
    assert [url.toLocalFile() for url in urls] == [str(trees_file)]


def test_what_is_dropped_on_the_city_is_opened(panel, city_window, trees_file, qtbot):
    panel.add(str(trees_file.parent))
    root = panel.tree.topLevelItem(0)
    item = next(root.child(n) for n in range(root.childCount()) if "trees" in root.child(n).text(0))
    data = panel.tree.mimeData([item])
    middle, action = QPoint(300, 300), Qt.DropAction.CopyAction
    enter = QDragEnterEvent(middle, action, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    city_window.stage.dragEnterEvent(enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(middle), action, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    city_window.stage.dropEvent(drop)
    qtbot.wait(20)
    assert city_window.workspace.session.document.sources[-1].path == str(trees_file)


def test_a_server_is_asked_about_before_it_is_browsed_and_its_layers_open(panel, city_window, server, qtbot):
    panel.ask_address()
    panel.address.setText(server.url + "/wms")
    qtbot.keyClick(panel.address, Qt.Key.Key_Return)
    qtbot.wait(20)
    root = panel.tree.topLevelItem(0)
    assert server.asked == [] and texts(root) == ["Allow the connection to look into it."]
    [banner] = [b for b in city_window.stage.toasts.banners() if b.kind == "question"]
    next(b for b in banner.findChildren(QPushButton) if b.text() == "Connect").click()
    qtbot.wait(20)
    assert root.text(0) == "Plan" and texts(root) == ["Straßen", "Häuser"]
    panel.tree.setCurrentItem(root.child(0))
    assert panel.about.text() == "All streets" and panel.credit.text() == "Amt für Karten, dl-de/by-2.0"
    panel.open_button.click()
    qtbot.wait(40)
    source = city_window.workspace.session.document.sources[-1]
    assert source.title == "Straßen" and source.path.endswith("strassen.source.json")
    assert "Amt für Karten, dl-de/by-2.0" in city_window.workspace.attributions()
    urls = panel.tree.mimeData([root.child(0)]).urls()
    assert [url.toLocalFile() for url in urls] == [source.path]


def test_a_search_shows_what_it_names(panel, city_window, server, qtbot):
    city_window.workspace.host.network.allow(server.host)
    panel.add(server.url + "/wms")
    qtbot.wait(20)
    root = panel.tree.topLevelItem(0)
    panel.search.setText("häus")
    assert texts(root) == ["Häuser"] and not root.isHidden()
    panel.search.setText("streets all")
    assert texts(root) == ["Straßen"]
    panel.search.setText("plan")
    assert texts(root) == ["Straßen", "Häuser"]
    panel.search.setText("nothing")
    assert root.isHidden()
    panel.search.clear()
    assert texts(root) == ["Straßen", "Häuser"]


def test_trouble_is_told_where_it_happened(panel, city_window, server, qtbot):
    city_window.workspace.host.network.allow(server.host)
    server.close()
    panel.add(server.url + "/wms")
    qtbot.wait(20)
    root = panel.tree.topLevelItem(0)
    assert "cannot be reached" in texts(root)[0]
    assert "cannot be reached" in panel.about.text()
    assert not panel.open_button.isEnabled() or not panel.open_button.isVisible()
    panel.ask_address()
    panel.address.setText("ftp://example.org")
    qtbot.keyClick(panel.address, Qt.Key.Key_Return)
    assert "no address of a server" in panel.about.text()
    assert len(city_window.settings.value.catalogue) == 1


def test_a_root_can_be_removed_and_looked_into_again(panel, city_window, tmp_path, qtbot):
    folder = tmp_path / "things"
    folder.mkdir()
    panel.add(str(folder))
    root = panel.tree.topLevelItem(0)
    assert texts(root) == ["There is nothing that can be opened."]
    (folder / "a.csv").write_text("x", encoding="utf-8")
    qtbot.keyClick(panel.tree, Qt.Key.Key_F5)
    panel.tree.look_again()
    assert texts(root) == ["a.csv"]
    panel.tree.setCurrentItem(root.child(0))
    panel.remove_current()
    assert panel.tree.topLevelItemCount() == 0 and city_window.settings.value.catalogue == ()
    assert folder.exists() and panel._empty.isVisible()


def test_a_list_of_sources_is_unfolded_not_opened(panel, city_window, tmp_path, qtbot):
    path = tmp_path / "catalog.json"
    entries = [{"type": "wms", "url": "https://example.org/wms", "title": "Karte"}]
    path.write_text(json.dumps({"title": "Liste", "entries": entries}), encoding="utf-8")
    panel.add(str(path))
    root = panel.tree.topLevelItem(0)
    assert root.text(0) == "Liste" and texts(root) == ["Karte"]
    sources = len(city_window.workspace.session.document.sources)
    root.setExpanded(False)
    panel.tree.activate(root)
    assert root.isExpanded() and len(city_window.workspace.session.document.sources) == sources


def test_the_panel_follows_the_language_and_closes(panel, city_window):
    i18n.set_language("de")
    try:
        assert panel.open_button.text() == "Auf der Stadt öffnen"
    finally:
        i18n.set_language("en")
    city_window.act["catalogue"].trigger()
    assert not panel.isVisible()
