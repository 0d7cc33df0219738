"""Answers of servers, damaged a few hundred times: a result with messages, or one clear error; nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.loopback import Said
from tests.plugins import service_answers as made
from tests.plugins.conftest import EXTENT, FRAME
from viewer.errors import CrsError, PluginError, ReadError
from viewer.plugin_api import ReadContext
from viewer.plugin_api.net import Answer, Network, Request
from viewer.plugin_host.border import PluginBug

SEED, MUTANTS = 20260, 150


class Recorded(Network):
    """Answers from memory instead of a server."""

    def __init__(self, answer) -> None:
        super().__init__(everything=True)
        self._answer = answer

    def fetch_many(self, requests, tick=None, *, refresh=False):
        return [Answer(r.url, *self._answer(r), fetched=datetime.now(UTC)) for r in requests]


def mutants(body: bytes, count: int = MUTANTS):
    """Cut off, spots overwritten, pieces doubled and left out, numbers made extreme."""
    rng = np.random.default_rng(SEED)
    extremes = (b"1e308", b"-1e308", b"NaN", b"", b"0", b"99999999999999999999", b"-1", b"null", b'"', b"<", b"[[[[")
    for number in range(count):
        data = bytearray(body)
        at, length = int(rng.integers(0, len(data))), int(rng.integers(1, 40))
        kind = number % 5
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data[at : at + 3] = rng.integers(0, 256, 3).astype(np.uint8).tobytes()
        elif kind == 2:
            data[at:at] = data[at : at + length * 20]
        elif kind == 3:
            del data[at : at + length * 5]
        else:
            digits = [i for i in range(at, min(at + 4000, len(data))) if chr(data[i]).isdigit()]
            if digits:
                data[digits[0] : digits[0] + 1] = extremes[int(rng.integers(0, len(extremes)))]
        yield bytes(data)


def bodies():
    line = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[9.98, 53.55], [9.99, 53.56]]}}
    ring = [[9.98, 53.55], [9.99, 53.55], [9.99, 53.56], [9.98, 53.55]]
    area = {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]}, "properties": {"a": [1]}}
    geojson = made.collection([*(made.point(n, 9.985, 53.553) for n in range(6)), line, area]).body
    entries = [{"result": n, "phenomenonTime": f"2026-11-20T0{n}:00:00Z"} for n in range(5)]
    stream = {"@iot.id": 1, "name": "s", "unitOfMeasurement": {"name": "C", "symbol": "C"}, "Observations": entries}
    place = {"location": {"type": "Point", "coordinates": [9.985, 53.553]}}
    things = json.dumps({"value": [{"@iot.id": 1, "name": "T", "Locations": [place], "Datastreams": [stream]}]})
    gml = made.gml_trees([(565_100.0 + n, 5_934_200.0) for n in range(6)]).body
    picture = made.png(made.plain(64, 64, (1, 2, 3))).body
    return {
        "geojson": ("features", geojson), "gml": ("wfs", gml), "sensors": ("sensorthings", things),
        "wms": ("wms", made.wms_capabilities().body), "wmts": ("wmts", made.wmts_capabilities().body),
        "wfs": ("wfs", made.wfs_capabilities().body), "picture": ("xyz", picture),
    }  # fmt: skip


@pytest.mark.parametrize("what", ["geojson", "gml", "sensors", "wms", "wmts", "wfs", "picture"])
def test_a_damaged_answer_ends_in_a_result_or_in_one_clear_error(host, tmp_path, what):
    kind, body = bodies()[what]
    body = body.encode() if isinstance(body, str) else body
    whole = {"wms": made.wms_capabilities(), "wmts": made.wmts_capabilities(), "wfs": made.wfs_capabilities()}
    pictured = made.png(made.plain(64, 64, (1, 2, 3)))
    features = made.gml_trees([(565_100.0, 5_934_200.0)])
    path = tmp_path / "a.source.json"
    url = "http://h.example/{z}/{x}/{y}" if kind == "xyz" else "http://h.example/collections/a"
    entry = {"stadtforum": "source", "type": kind, "url": url, "max_zoom": 13}
    path.write_text(json.dumps(entry), encoding="utf-8")
    results = {"read": 0, "refused": 0}
    for mutant in mutants(body):

        def answer(request: Request, mutant=mutant):
            about = "GetCapabilities" in request.url
            said = whole.get(kind) if about else pictured if kind in ("wms", "wmts") else features
            if what in ("wms", "wmts", "wfs"):
                return (mutant if about else _bytes(said)), "text/xml"
            if what == "gml" and about:
                return _bytes(said), "text/xml"
            if request.url.endswith("/collections/a"):
                return b'{"id": "a"}', "application/json"
            return mutant, "image/png" if what == "picture" else "text/xml" if what == "gml" else "application/json"

        context = ReadContext(frame=FRAME, city_extent_local=EXTENT, network=Recorded(answer))
        try:
            host.read(path, context)
            results["read"] += 1
        except PluginBug as bug:
            raise AssertionError(f"{what}: {mutant[:2000]!r}") from bug
        except (ReadError, PluginError, CrsError):
            results["refused"] += 1
    print(what, "seed", SEED, results)
    assert results["read"] and results["refused"]


def _bytes(said: Said) -> bytes:
    return said.body.encode() if isinstance(said.body, str) else said.body
