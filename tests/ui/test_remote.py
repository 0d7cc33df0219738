"""Sources on servers: updated on request, for a part, and by themselves."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.loopback import Said
from viewer.session.document import Camera
from viewer.ui.history_chart import HistoryChart, thinned


def sensors(value):
    entries = [{"result": v, "phenomenonTime": f"2026-11-20T0{n}:00:00Z"} for n, v in enumerate((1.5, 2.5, value))]
    stream = {"@iot.id": 1, "name": "s", "unitOfMeasurement": {"name": "C", "symbol": "°C"}, "Observations": entries}
    place = {"location": {"type": "Point", "coordinates": [9.98235, 53.55094]}}
    return Said(json.dumps({"value": [{"@iot.id": 1, "name": "T1", "Locations": [place], "Datastreams": [stream]}]}))


@pytest.fixture
def opened(city_window, server, tmp_path, qtbot):
    """Open a source of the server, which is allowed; returns its key."""
    city_window.workspace.host.network.allow(server.host)

    def source(kind, path, **entries):
        file = tmp_path / f"{kind}.source.json"
        entry = {"stadtforum": "source", "type": kind, "url": server.url + path, **entries}
        file.write_text(json.dumps(entry), encoding="utf-8")
        city_window.opener.open([str(file)])
        qtbot.wait(20)
        return city_window.workspace.session.document.sources[-1].key

    return source


@pytest.fixture
def live(city_window, server, opened):
    """A sensor source whose clock the test turns."""
    server.routes["/s/Things"] = sensors(3.5)
    now = [1000.0]
    city_window.remote._clock = lambda: now[0]
    key = opened("sensorthings", "/s", refresh_s=60)
    return key, now


def value_of(window, key):
    return window.workspace.layer(key)[0].attributes["value"].tolist()


def test_values_arrive_by_themselves_when_they_are_due(city_window, server, live):
    key, now = live
    assert city_window.remote.is_live(key)
    server.routes["/s/Things"] = sensors(9.5)
    now[0] += 59
    city_window.remote.look()
    assert value_of(city_window, key) == [3.5]
    now[0] += 2
    city_window.remote.look()
    assert value_of(city_window, key) == [9.5]
    assert len(city_window.workspace.session.document.sources) == 2
    assert not [b for b in city_window.stage.toasts.banners() if "T1" in b.sentence.text()]


def test_updating_by_itself_can_be_switched_off(city_window, server, live):
    key, now = live
    city_window.layers.cards[key].remote.live_button.setChecked(False)
    now[0] += 600
    sent = len(server.asked)
    city_window.remote.look()
    assert len(server.asked) == sent and not city_window.remote._timer.isActive()


def test_a_silent_server_is_asked_less_often_and_the_layer_says_of_when_it_is(city_window, server, live):
    key, now = live
    server.close()
    now[0] += 61
    city_window.remote.look()
    assert value_of(city_window, key) == [3.5]
    assert city_window.layers.cards[key].note.text().startswith("Copy of 20")
    assert city_window.remote._due[key] == now[0] + 120


def test_without_permission_nothing_is_asked_by_itself(city_window, server, live):
    _key, now = live
    city_window.workspace.host.network.forbid(server.host)
    sent = len(server.asked)
    now[0] += 61
    city_window.remote.look()
    assert len(server.asked) == sent
    assert not [b for b in city_window.stage.toasts.banners() if b.kind == "question"]


def test_a_source_that_was_removed_does_not_come_back(city_window, live):
    key, _now = live
    source = city_window.workspace.session.document.source(key)
    loaded = city_window.workspace.read(source.path, key=key, reader=source.reader)
    city_window.workspace.remove(key)
    city_window.remote._take(source, loaded)
    assert city_window.workspace.session.document.source(key) is None
    assert not city_window.remote._timer.isActive()


def test_a_click_on_a_sensor_shows_its_past(city_window, live):
    key, _ = live
    city_window.info.show_layer_object(city_window.workspace.layer(key)[0], 0)
    assert city_window.info.chart.isVisibleTo(city_window.info)
    assert "3 values" in city_window.info.chart.text() and "3.50 °C" in city_window.info.chart.text()
    city_window.workspace.select([0])
    assert not city_window.info.chart.isVisibleTo(city_window.info)


def test_a_map_is_loaded_for_what_is_in_view(city_window, server, opened, qtbot):
    picture = io.BytesIO()
    Image.fromarray(np.full((256, 256, 4), 200, np.uint8), "RGBA").save(picture, "PNG")
    server.routes["*"] = Said(picture.getvalue(), "image/png")
    key = opened("xyz", "/{z}/{x}/{y}.png", max_zoom=16)
    city_window.view.set_camera(Camera((565_060, 5_933_000, 500), (565_060, 5_934_060, 0)))
    city_window.layers.part_wanted.emit(key, "view")
    qtbot.wait(20)
    chosen = dict(city_window.workspace.session.document.source(key).options)["extent"]
    west, south, east, north = (float(word) for word in chosen.split(","))
    assert west < 565_060 < east and south < 5_934_060 < north
    city_window.workspace.session.undo()
    qtbot.wait(20)
    assert "extent" not in dict(city_window.workspace.session.document.source(key).options)
    origin = city_window.workspace.frame.origin_crs
    city_window.workspace.show_outline([(10, 10), (60, 10), (60, 80)])
    city_window.layers.part_wanted.emit(key, "drawn")
    qtbot.wait(20)
    chosen = dict(city_window.workspace.session.document.source(key).options)["extent"]
    box = np.array([float(word) for word in chosen.split(",")]) - (*origin[:2], *origin[:2])
    np.testing.assert_allclose(box, (10, 10, 60, 80), atol=0.01)
    narrow = np.ptp(city_window.workspace.layer(key)[0].corners_local, axis=0)
    city_window.layers.part_wanted.emit(key, "city")
    qtbot.wait(20)
    assert (np.ptp(city_window.workspace.layer(key)[0].corners_local, axis=0) > narrow).all()


def test_a_long_past_is_thinned_without_losing_its_peaks():
    times = np.arange(100_000.0)
    values = np.sin(times / 500)
    values[77_777] = 50.0
    few_times, few = thinned(times, values)
    assert len(few) <= 401 and few.max() == 50.0 and few_times[-1] == times[-1]
    assert (np.diff(few_times) > 0).all()


def test_a_chart_of_one_value_shows_nothing(qtbot):
    chart = HistoryChart()
    qtbot.addWidget(chart)
    chart.show_values(np.array([1.0]), np.array([2.0]))
    assert chart.isHidden() and chart.text() == ""


def test_newer_values_do_not_work_the_city_out_again(city_window, server, live, monkeypatch):
    _key, now = live
    monkeypatch.setattr(city_window.workspace, "_refresh", lambda: pytest.fail("everything was worked out again"))
    server.routes["/s/Things"] = sensors(7.5)
    now[0] += 61
    city_window.remote.look()
    assert value_of(city_window, _key) == [7.5]
