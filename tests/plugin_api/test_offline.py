"""Addresses inside files are never asked for anything, by whatever library reads the file."""

from __future__ import annotations

import json

import pytest

from tests.loopback import Said
from viewer.cli import run
from viewer.plugin_api import ReadContext, read_vector
from viewer.readers.footprints import read_footprints


@pytest.fixture
def server(server):
    server.routes["*"] = Said("EPSG:25833", "text/plain")
    return server


@pytest.fixture
def linked(server, tmp_path, monkeypatch):
    """A house whose coordinate system stands at an address."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    ring = [[10, 53], [10.001, 53], [10.001, 53.001], [10, 53]]
    house = {
        "type": "Feature",
        "properties": {"height": 3},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    crs = {"type": "link", "properties": {"href": f"{server.url}/crs", "type": "proj4"}}
    path = tmp_path / "houses.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [house]}), encoding="utf-8")
    return path


def test_a_linked_coordinate_system_is_not_fetched_for_a_layer(linked, server):
    assert len(read_vector(linked, ReadContext())) == 1
    assert server.asked == []


def test_a_linked_coordinate_system_is_not_fetched_for_footprints(linked, server):
    assert len(read_footprints(linked, ReadContext()).objects) == 1
    assert server.asked == []


def test_no_way_of_looking_at_a_file_asks_its_addresses(linked, server, tmp_path, capsys):
    assert run(["info", str(linked)]) == 0
    assert run(["convert", str(linked), str(tmp_path / "houses.city.json")]) == 0
    capsys.readouterr()
    assert server.asked == []
