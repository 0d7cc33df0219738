from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.loopback import Said
from tests.plugins.conftest import EXTENT, FRAME
from viewer.city import Frame
from viewer.errors import NotConnectedError, ReadError
from viewer.plugin_api import ReadContext
from viewer.plugin_api.net import Network


@pytest.fixture
def open_sensors(host, server, network, tmp_path):
    def opened(path="/v1.1", *, net=None, frame=FRAME, options=None, refresh=False, **entries):
        file = tmp_path / "sensors.source.json"
        entry = {"stadtforum": "source", "type": "sensorthings", "url": server.url + path, **entries}
        file.write_text(json.dumps(entry), encoding="utf-8")
        context = ReadContext(
            frame=frame, city_extent_local=EXTENT, network=net or network, options=options or {}, refresh=refresh
        )
        return host.read(file, context)

    return opened


def observations(*results, hour=0):
    return [
        {"result": result, "phenomenonTime": f"2026-11-20T{hour + n:02d}:00:00Z"} for n, result in enumerate(results)
    ][::-1]


def stream(number, results=(1.0, 2.0, 3.0), quantity="Temperature", unit="°C", **more):
    named = {"@iot.id": number, "name": f"stream {number}", "description": "d"}
    measured = {"unitOfMeasurement": {"name": unit, "symbol": unit}, "ObservedProperty": {"name": quantity}}
    return {**named, **measured, "Observations": observations(*results), **more}


def thing(number, streams, lon=9.985, lat=53.553, **more):
    place = {"location": {"type": "Point", "coordinates": [lon, lat]}}
    return {"@iot.id": number, "name": f"thing {number}", "Locations": [place], "Datastreams": streams, **more}


def page(things, **more):
    return Said(json.dumps({"value": things, **more}))


def texts(reading):
    return [str(issue) for issue in reading.report.issues]


def test_sensors_stand_where_they_measure_with_their_last_value_and_their_past(open_sensors, server):
    server.routes["/v1.1/Things"] = page([thing(1, [stream(1)]), thing(2, [stream(2, (5, 4))], lat=53.554)])
    reading = open_sensors(attribution="Stadt", refresh_s=60)
    [layer] = reading.layers
    assert layer.name == "Temperature" and layer.attribution == "Stadt" and layer.style_column == "value"
    assert layer.attributes["value"].tolist() == [3.0, 4.0]
    assert layer.attributes["name"].tolist() == ["thing 1", "thing 2"]
    times, values = layer.history.of_row(0)
    assert values.tolist() == [1.0, 2.0, 3.0] and layer.history.unit == "°C"
    assert datetime.fromtimestamp(times[-1], UTC).isoformat() == "2026-11-20T02:00:00+00:00"
    assert layer.note.text == "Last value {date}" and layer.refresh_s == 60
    assert np.ptp(layer.positions_local[:, 1]) == pytest.approx(111.3, abs=1)
    asked = server.asked[0].query
    assert "st_within(Locations/location" in asked["$filter"] and "Observations($top=100" in asked["$expand"]


def test_pages_are_followed_and_capped(open_sensors, server, monkeypatch):
    import sys

    def pages(asked):
        at = int(asked.query.get("$skip", 0))
        things = [thing(at + n, [stream(at + n)], lon=9.985 + 1e-5 * (at + n)) for n in range(2)]
        return page(things, **{"@iot.nextLink": f"{server.url}/v1.1/Things?$skip={at + 2}"})

    server.routes["/v1.1/Things"] = pages
    with pytest.raises(ReadError):
        open_sensors(options={"property": "nothing"})  # loads the plugin
    server.asked.clear()
    ask = next(module for name, module in sys.modules.items() if name.endswith("sensorthings.ask"))
    monkeypatch.setattr(ask, "MAX_PAGES", 3)
    reading = open_sensors()
    assert len(server.asked) == 3 and len(reading.layers[0]) == 6
    assert any("there are more" in text for text in texts(reading))


def test_more_datastreams_of_a_thing_are_fetched(open_sensors, server):
    link = {"Datastreams@iot.nextLink": server.url + "/v1.1/Things(1)/Datastreams?$skip=1"}
    server.routes["/v1.1/Things"] = page([thing(1, [stream(1)], **link)])
    server.routes["/v1.1/Things(1)/Datastreams"] = page([stream(2), stream(3)])
    [layer] = open_sensors().layers
    assert len(layer) == 3
    gaps = np.linalg.norm(layer.positions_local[:, None, :2] - layer.positions_local[None, :, :2], axis=2)
    assert gaps[np.triu_indices(3, 1)].min() > 2.0


def test_a_server_that_knows_no_places_is_asked_for_all(open_sensors, server):
    def answer(asked):
        if "st_within" in asked.query.get("$filter", ""):
            return Said('{"code": 501, "message": "not implemented"}', status=501)
        return page([thing(1, [stream(1)]), thing(2, [stream(2)], lon=13.4, lat=52.5)])

    server.routes["/v1.1/Things"] = answer
    reading = open_sensors()
    assert len(reading.layers[0]) == 1
    assert any("cannot look for a place" in text for text in texts(reading))


def test_one_quantity_is_shown_and_another_can_be_chosen(open_sensors, server):
    wind = stream(3, (7,), "Wind", "m/s")
    server.routes["/v1.1/Things"] = page([thing(1, [stream(1), wind]), thing(2, [stream(2)])])
    reading = open_sensors()
    assert reading.questions == {"property": "Temperature"}
    assert any("Wind" in text for text in texts(reading))
    assert open_sensors(options={"property": "Wind"}).layers[0].attributes["value"].tolist() == [7.0]
    assert open_sensors(property="Wind").layers[0].attributes["unit"].tolist() == ["m/s"]
    with pytest.raises(ReadError, match="Measured are: Temperature, Wind"):
        open_sensors(property="Rain")


def test_odd_entries_cost_only_themselves(open_sensors, server):
    odd = [
        stream(2, ()), stream(3, ("broken", "in use")), stream(4, (None,)), stream(5, ("21.5",)), stream(6, (1e400,)),
        7, None, stream(8, (1,), Observations=[{"result": 1, "phenomenonTime": "yesterday"}, 5]),
        stream(9, Observations=[{"result": 9, "phenomenonTime": "2026-11-19T00:00:00Z/2026-11-20T00:00:00+01:00"}]),
        {"Observations": observations(1)},
    ]  # fmt: skip
    broken_places = [
        thing(3, [stream(31)], Locations=[{"location": {"type": "Point", "coordinates": ["x", 1]}}]),
        thing(4, [stream(41)], Locations=None), thing(5, "none"), 6,
        thing(7, [stream(71)], Locations=[{"location": {"type": "Point", "coordinates": [1e308, 0]}}]),
    ]  # fmt: skip
    body = json.dumps({"value": [thing(1, [stream(1), *odd]), *broken_places]}).replace("Infinity", "1e99")
    server.routes["/v1.1/Things"] = Said(body)
    reading = open_sensors()
    [layer] = reading.layers
    assert layer.attributes["value"][0] == 3.0
    found = dict(zip(layer.attributes["datastream"].tolist(), layer.attributes["value"].tolist(), strict=True))
    assert found["stream 5"] == 21.5 and found["stream 9"] == 9.0 and np.isnan(found["stream 3"])
    assert "in use" in layer.attributes["result"].tolist()
    assert any("3 sensors have no place" in text for text in texts(reading))


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"value": 7}', '{"value": [7, null, "x", {}]}', "<html>", '{"value": []}']
)
def test_nonsense_is_one_clear_error(open_sensors, server, body):
    server.routes["/v1.1/Things"] = Said(body)
    with pytest.raises(ReadError):
        open_sensors()


def test_nothing_is_asked_without_permission_and_a_copy_stands_in(open_sensors, server, tmp_path):
    server.routes["/v1.1/Things"] = page([thing(1, [stream(1)])])
    with pytest.raises(NotConnectedError):
        open_sensors(net=Network())
    assert server.asked == []
    open_sensors()
    server.close()
    [layer] = open_sensors().layers
    assert layer.note.text == "Copy of {date}" and layer.refresh_s == 0.0
    assert layer.history.of_row(0)[1].tolist() == [1.0, 2.0, 3.0]


def test_the_recorded_answer_of_hamburg_is_understood(open_sensors, server, shared):
    text = (shared / "sensorthings" / "hamburg_thing_227_datastreams_observations.json").read_text(encoding="utf-8")
    first = {**json.loads(text), "@iot.nextLink": f"{server.url}/v1.1/Things?$skip=1"}
    server.routes["*"] = lambda asked: page([]) if "$skip" in asked.query else Said(json.dumps(first))
    reading = open_sensors(frame=Frame("EPSG:25832", (579_300.0, 5_925_300.0, 0.0)))
    [layer] = reading.layers
    assert len(layer) >= 1 and np.isfinite(layer.positions_local[:, :2]).all()
    assert layer.attributes["name"][0].startswith("Hamburg University of Applied Sciences")
    assert len(server.asked) == 2
    assert sum(entry.startswith("Also measured") for entry in texts(reading)) == 1


def test_a_saved_answer_opens_without_a_server_and_without_a_city(host, tmp_path) -> None:
    thing = {
        "@iot.id": 1,
        "name": "Weather mast",
        "Locations": [{"name": "here", "location": {"type": "Point", "coordinates": [9.99, 53.55]}}],
        "Datastreams": [
            {
                "@iot.id": 2,
                "name": "Air temperature",
                "unitOfMeasurement": {"name": "Celsius", "symbol": "°C"},
                "ObservedProperty": {"name": "Temperature"},
                "Observations": [
                    {"result": 4.5, "phenomenonTime": "2026-01-02T03:04:05Z"},
                    {"result": 5.5, "phenomenonTime": "2026-01-02T04:04:05Z"},
                ],
            }
        ],
    }
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({"value": [thing]}), encoding="utf-8")
    reading = host.read(path, ReadContext())
    (layer,) = reading.layers
    assert layer.attributes["value"].tolist() == [5.5] and layer.attributes["unit"].tolist() == ["°C"]
    assert reading.frame.crs == "EPSG:25832"
    path.write_text(json.dumps({"value": [{"@iot.id": 1, "Datastreams": []}]}), encoding="utf-8")
    with pytest.raises(ReadError, match="no sensors"):
        host.read(path, ReadContext())
