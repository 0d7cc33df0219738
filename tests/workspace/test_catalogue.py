"""Folders, lists and servers, browsed without a window."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.loopback import Said
from tests.plugins import service_answers as made
from viewer.errors import NetworkError, NotConnectedError, ReadError
from viewer.plugin_api import SourceFile
from viewer.plugin_api.net import Limits, Network, read_source, source_bytes
from viewer.plugin_host import PluginHost
from viewer.workspace.catalogue import Catalogue, inside, read_list

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def catalogue(server, tmp_path):
    network = Network([server.host], limits=Limits(connect_s=1.0, silent_s=1.0, total_s=3.0))
    return Catalogue(PluginHost([ROOT / "plugins"], packages=False, network=network), tmp_path / "written")


def browse(catalogue, place):
    return catalogue.browse(catalogue.root(str(place)))


def titles(entry):
    return [below.title for below in entry.entries]


# -- folders ---------------------------------------------------------------------------------------


def test_a_folder_shows_folders_first_and_what_can_be_opened(catalogue, tmp_path):
    folder = tmp_path / "data"
    (folder / "tiles").mkdir(parents=True)
    for name in ("city.gml", "Trees.csv", ".hidden.gml", "letter.docx", "plan.stadtforum", "catalog.json"):
        (folder / name).write_bytes(b"x")
    source = SourceFile("wms", "https://example.org/wms", "Stadtkarte", attribution="Amt")
    (folder / "map.source.json").write_bytes(source_bytes(source))
    found = browse(catalogue, folder)
    assert titles(found) == ["tiles", "catalog.json", "city.gml", "Stadtkarte", "plan.stadtforum", "Trees.csv"]
    kinds = {entry.title: (entry.opens, catalogue.can_browse(entry)) for entry in found.entries}
    assert kinds["tiles"] == (False, True) and kinds["city.gml"] == (True, False)
    assert catalogue.can_browse(next(e for e in found.entries if e.title == "catalog.json"))
    assert next(e for e in found.entries if e.title == "Stadtkarte").credit == "Amt"


def test_a_folder_that_is_gone_is_said(catalogue, tmp_path):
    with pytest.raises(ReadError, match="not there any more"):
        browse(catalogue, tmp_path / "nowhere")


# -- lists -----------------------------------------------------------------------------------------


def test_a_list_holds_sources_files_servers_and_groups(catalogue, tmp_path):
    (tmp_path / "city.gml").write_bytes(b"x")
    entries = [
        {"type": "wms", "url": "https://example.org/wms", "layers": ["a"], "title": "Karte", "abstract": "Alle",
         "licence": "CC0"},
        {"path": "city.gml", "title": "Stadt"},
        {"type": "server", "url": "https://example.org/ogc"},
        {"title": "Mehr", "entries": [{"type": "xyz", "url": "https://t.example/{z}/{x}/{y}.png"}]},
        7, {"type": "wms", "url": "file:///etc/passwd"}, {"path": "../../etc/passwd"}, {},
    ]  # fmt: skip
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps({"title": "Mein Katalog", "entries": entries}), encoding="utf-8")
    found = browse(catalogue, path)
    assert found.title == "Mein Katalog"
    assert titles(found) == ["Karte", "Stadt", "example.org", "Mehr"]
    card, city, other, more = found.entries
    assert card.abstract == "Alle" and card.credit == "CC0" and card.source.layers == ("a",)
    assert city.path == tmp_path / "city.gml" and city.opens
    assert other.address == "https://example.org/ogc" and catalogue.can_browse(other)
    assert titles(more) == ["t.example"]


def test_the_layer_list_of_a_geoportal_is_understood(tmp_path):
    services = [
        {"id": "1", "name": "Luftbild", "url": "https://geo.example/wms", "typ": "WMS", "layers": "dop,dop2"},
        {"id": "2", "name": "Zähler", "url": "https://iot.example/v1.1", "typ": "SensorThings"},
        {"id": "3", "name": "Bezirke", "url": "https://api.example", "typ": "OAF", "collection": "bezirke"},
        {"id": "4", "name": "3D", "url": "https://x.example", "typ": "TileSet3D"}, "x",
        {"id": "5", "name": "Bad", "url": "javascript:alert(1)", "typ": "WMS"},
    ]  # fmt: skip
    path = tmp_path / "services.json"
    path.write_text(json.dumps(services), encoding="utf-8")
    found = read_list(path)
    kinds = [(e.title, e.source.type, e.source.layers) for e in found.entries]
    assert kinds == [
        ("Luftbild", "wms", ("dop", "dop2")), ("Zähler", "sensorthings", ()), ("Bezirke", "features", ("bezirke",)),
    ]  # fmt: skip


def test_a_list_of_any_name_can_be_added(catalogue, tmp_path):
    path = tmp_path / "our sources.json"
    path.write_text(json.dumps({"entries": [{"type": "wms", "url": "https://example.org"}]}), encoding="utf-8")
    entry = catalogue.root(str(path))
    assert catalogue.can_browse(entry) and titles(catalogue.browse(entry)) == ["example.org"]


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"entries": 5}', "7", '"x"', "[" * 100_000])
def test_a_broken_list_is_one_clear_error(tmp_path, text):
    path = tmp_path / "catalog.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReadError) as caught:
        read_list(path)
    assert caught.value.path == path


def test_a_list_nested_without_end_ends(tmp_path):
    deep: dict = {"title": "x", "entries": []}
    for _ in range(300):
        deep = {"title": "x", "entries": [deep]}
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(deep), encoding="utf-8")
    entry, depth = read_list(path), 0
    while entry.entries:
        entry, depth = entry.entries[0], depth + 1
    assert depth < 20


@pytest.mark.parametrize(
    "written", ["../x", "/etc/passwd", "a/../../x", "C:\\x", "file:///x", "..\\x", "%2e%2e/x", "a\0b"]
)
def test_a_list_never_leads_out_of_its_folder(tmp_path, written):
    assert inside(tmp_path, written) is None


# -- servers ---------------------------------------------------------------------------------------


def ogc(asked):
    if asked.query.get("service", "").upper() == "WFS":
        return made.wfs_capabilities()
    return made.wms_capabilities() if asked.query.get("service") else Said("<html/>", "text/html")


@pytest.mark.parametrize("path", ["/wms", "/geo?SERVICE=WMS&REQUEST=GetCapabilities&map=7", "/anything"])
def test_a_map_server_tells_its_layers(catalogue, server, path):
    server.routes["*"] = ogc
    found = browse(catalogue, server.url + path)
    assert found.title == "Plan" and titles(found) == ["Straßen", "Häuser"]
    first = found.entries[0]
    assert first.abstract == "All streets" and first.credit == "Amt für Karten, dl-de/by-2.0"
    assert first.source.type == "wms" and first.source.layers == ("streets",)
    assert "REQUEST" not in first.source.url and ("map=7" in first.source.url) == ("map=7" in path)


def test_a_feature_server_tells_its_types(catalogue, server):
    server.routes["*"] = ogc
    found = browse(catalogue, server.url + "/wfs")
    assert titles(found) == ["Bäume"] and found.entries[0].source.type == "wfs"


def test_a_tile_server_tells_its_layers(catalogue, server):
    server.routes["/wmts/1.0.0/WMTSCapabilities.xml"] = made.wmts_capabilities()
    found = browse(catalogue, server.url + "/wmts/1.0.0/WMTSCapabilities.xml")
    assert titles(found) == ["Luftbild"] and found.entries[0].source.url.endswith(".xml")


def test_an_address_of_tiles_is_a_source_without_asking(catalogue, server):
    found = browse(catalogue, server.url + "/{z}/{x}/{y}.png")
    assert found.entries[0].source.type == "xyz" and server.asked == []


def test_an_interface_of_features_tells_its_collections(catalogue, server):
    listed = [{"id": "a", "title": "Bäume", "description": "Alle"}, {"id": "b"}, {"title": "nameless"}, 3]
    server.routes["/api/v2"] = server.routes["/api/v2/"] = Said(json.dumps({"title": "Stadt", "links": []}))
    server.routes["/api/v2/collections"] = Said(json.dumps({"collections": listed}))
    found = browse(catalogue, server.url + "/api/v2/")
    assert found.title == "Stadt" and titles(found) == ["Bäume", "b"]
    assert found.entries[0].source.url == server.url + "/api/v2"


@pytest.mark.parametrize("path", ["/v1.1", "/sta/"])
def test_a_sensor_server_tells_what_it_measures(catalogue, server, path):
    base = path.rstrip("/")
    server.routes[path] = server.routes[base] = Said(json.dumps({"value": [{"name": "Things", "url": "x"}]}))
    properties = [{"name": "Temperatur", "description": "in 2 m"}, {"name": "Wind"}, {"name": "Wind"}, {}, 5]
    server.routes[base + "/ObservedProperties"] = Said(json.dumps({"value": properties}))
    found = browse(catalogue, server.url + path)
    assert titles(found) == ["Temperatur", "Wind"]
    assert found.entries[0].source.settings == {"property": "Temperatur"}


def test_a_server_that_offers_nothing_known_says_so(catalogue, server):
    server.routes["*"] = Said("<html>hello</html>", "text/html")
    with pytest.raises(ReadError, match="offers nothing this program knows"):
        browse(catalogue, server.url + "/shop")


def test_a_server_that_is_away_is_asked_once(catalogue, server):
    server.close()
    with pytest.raises(NetworkError, match="cannot be reached"):
        browse(catalogue, server.url + "/wms")


def test_no_server_is_browsed_without_permission(server, tmp_path):
    shut = Catalogue(PluginHost([ROOT / "plugins"], packages=False, network=Network()), tmp_path)
    with pytest.raises(NotConnectedError):
        browse(shut, server.url + "/wms")
    assert server.asked == []


# -- opening ---------------------------------------------------------------------------------------


def test_a_service_becomes_a_source_file_once(catalogue, server, tmp_path):
    server.routes["*"] = ogc
    entry = browse(catalogue, server.url + "/wms").entries[0]
    path = catalogue.file_of(entry)
    assert path == catalogue.file_of(entry) and path.name == "strassen.source.json"
    assert read_source(path) == entry.source
    other = catalogue.file_of(type(entry)(entry.title, source=SourceFile("wms", server.url, "Straßen", ("other",))))
    assert other.name == "strassen-2.source.json"


@pytest.mark.parametrize("title", ["../../etc", "CON", "a/b\\c:d", "", "🚲", "x" * 500])
def test_no_title_makes_a_path(catalogue, tmp_path, title):
    entry = type(catalogue.root("x"))(title, source=SourceFile("wms", "https://example.org", title))
    path = catalogue.file_of(entry)
    assert path.parent == tmp_path / "written" and len(path.name) < 100
    assert not path.name.startswith(("con.", "."))
