from __future__ import annotations

import json

import numpy as np
import pytest

from viewer.readers.crs import transform
from viewer.ui.crs_dialog import CrsDialog
from viewer.workspace.placing import city_degrees, placed

HAMBURG = np.array([[565000.0, 5934000.0], [565200.0, 5934100.0]])


@pytest.fixture
def dialog(qtbot):
    def make(points=HAMBURG, crs="EPSG:25832", city=None):
        made = CrsDialog("plan.gml", points, crs, np.empty((0, 2)) if city is None else city)
        qtbot.addWidget(made)
        made.resize(900, 520)
        return made

    return make


def choose(dialog, text: str) -> None:
    dialog.search.setText(text)


def test_the_place_is_named_before_it_is_chosen(dialog):
    shown = dialog()
    assert "Hamburg" in shown.sentence.text() and shown.chosen() == "EPSG:25832"
    choose(shown, "25833")
    assert shown.chosen() == "EPSG:25833" and "Hamburg" not in shown.sentence.text()


def test_words_find_a_system_by_name_and_region(dialog):
    shown = dialog()
    choose(shown, "Gauss zone 3 germany")
    assert "EPSG:31467" in [entry.code for entry in shown.model.entries]
    choose(shown, "no such thing at all")
    assert not shown.use.isEnabled() and "25832" in shown.sentence.text()


def test_metres_read_as_degrees_lie_nowhere(dialog):
    shown = dialog()
    choose(shown, "EPSG:4326")
    assert "nowhere" in shown.sentence.text()


def test_the_distance_to_the_open_city_is_told(dialog):
    shown = dialog(city=np.array([[9.98, 53.55], [9.99, 53.56]]))
    assert "km away" in shown.sentence.text()
    far = float(shown.sentence.text().split("open city is ")[1].split(" km")[0])
    assert far < 5


def test_the_map_shows_the_data_and_is_drawn(dialog):
    shown = dialog()
    west, south, east, north = shown.map.window_deg()
    assert west < 9.98 < east and south < 53.55 < north
    picture = shown.map.grab().toImage()
    colours = {
        picture.pixelColor(x, y).name() for x in range(0, picture.width(), 3) for y in range(0, picture.height(), 3)
    }
    assert len(colours) > 5


def test_a_system_set_by_hand_moves_the_city_and_undo_brings_it_back(city_window, qtbot):
    workspace = city_window.workspace
    source = workspace.session.document.sources[0]
    before = placed(workspace, source.key)
    assert before.crs == "EPSG:25832"
    city_window.opener.reread(source.key, {"crs": "EPSG:25833"})
    qtbot.waitUntil(lambda: workspace.city is not None and workspace.city.frame.crs == "EPSG:25833")
    after = placed(workspace, source.key)
    assert np.allclose(after.points_xy, before.points_xy)
    assert dict(workspace.session.document.sources[0].options)["crs"] == "EPSG:25833"
    assert city_degrees(workspace)[:, 0].mean() > 15
    workspace.session.undo()
    assert workspace.city.frame.crs == "EPSG:25832" and "crs" not in dict(workspace.session.document.sources[0].options)
    workspace.session.redo()
    assert workspace.city.frame.crs == "EPSG:25833"


def test_layers_follow_the_city_into_its_system_and_back(city_window, qtbot, tmp_path):
    workspace = city_window.workspace
    trees = tmp_path / "trees.geojson"
    place = {"type": "Point", "coordinates": [9.98, 53.55]}
    feature = {"type": "Feature", "properties": {"height": 12}, "geometry": place}
    trees.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    city_window.opener.open([str(trees)])
    qtbot.waitUntil(lambda: len(workspace.session.document.sources) == 2)
    city, layer = (source.key for source in workspace.session.document.sources)
    as_read = workspace.layer(layer)[0].positions_local[0, :2]
    city_window.opener.reread(city, {"crs": "EPSG:25833"})
    qtbot.waitUntil(lambda: workspace.frame.crs == "EPSG:25833" and bool(workspace.layer(layer)))
    there = workspace.frame.crs_from_local(workspace.layer(layer)[0].positions_local)[0, :2]
    assert np.abs(there - transform(np.array([9.98, 53.55]), "EPSG:4326", "EPSG:25833")).max() < 0.01
    workspace.session.undo()
    qtbot.waitUntil(lambda: bool(workspace.layer(layer)))
    assert np.allclose(workspace.layer(layer)[0].positions_local[0, :2], as_read)
