from __future__ import annotations

import json

import numpy as np
import pytest

from tests.loopback import Said
from tests.plugins import service_answers as made
from tests.plugins.conftest import EXTENT, FRAME
from viewer.city import AreaLayer, Frame, ImageLayer, LineLayer, PointLayer
from viewer.errors import NetworkError, NotConnectedError, ReadError
from viewer.plugin_api import ReadContext
from viewer.plugin_api.net import Copies, Network

WEST, NORTH = 565_000.0, 5_935_000.0


@pytest.fixture
def open_source(host, server, network, tmp_path):
    """Write a source file and open it over the square kilometre; what stands in the file comes by keyword."""

    def opened(kind: str, path: str = "/s", *, net=None, refresh=False, frame=FRAME, options=None, **entries):
        file = tmp_path / f"{kind}.source.json"
        file.write_text(json.dumps({"stadtforum": "source", "type": kind, "url": server.url + path, **entries}))
        context = ReadContext(
            frame=frame, city_extent_local=EXTENT, network=net or network, refresh=refresh, options=options or {}
        )
        return host.read(file, context)

    return opened


def texts(reading) -> list[str]:
    return [str(issue) for issue in reading.report.issues if issue.severity != "info"]


# -- permission ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["wms", "wmts", "xyz", "wfs", "features"])
def test_opening_a_source_contacts_nobody_unasked(open_source, server, kind):
    path = "/{z}/{x}/{y}.png" if kind == "xyz" else "/collections/a" if kind == "features" else "/s"
    with pytest.raises(NotConnectedError) as caught:
        open_source(kind, path, net=Network())
    assert caught.value.values["host"] == server.host
    assert server.asked == []


def test_without_a_city_nothing_is_asked(host, server, network, tmp_path):
    file = tmp_path / "a.source.json"
    file.write_text(json.dumps({"stadtforum": "source", "type": "wms", "url": server.url}))
    with pytest.raises(ReadError, match="Without a city"):
        host.read(file, ReadContext(network=network))
    assert server.asked == []


# -- WMS -----------------------------------------------------------------------------------------


def map_with_a_red_corner(asked):
    """A map that is red north-west of the middle of the city, blue elsewhere, in the order of axes 25832 has."""
    if asked.query["request"] == "GetCapabilities":
        return made.wms_capabilities()
    west, south, east, north = made.box_of(asked)
    width, height = int(asked.query["width"]), int(asked.query["height"])
    x = west + (np.arange(width) + 0.5) / width * (east - west)
    y = north - (np.arange(height) + 0.5) / height * (north - south)
    rgba = made.plain(width, height, (0, 0, 255))
    rgba[np.ix_(y > WEST * 0 + NORTH - 500, x < WEST + 500)] = (255, 0, 0, 255)
    return made.png(rgba)


def colour_at(layer: ImageLayer, x: float, y: float) -> tuple[int, ...]:
    """The pixel at a local place of a north-up picture."""
    west, north = layer.corners_local[0]
    east, south = layer.corners_local[2]
    height, width = layer.rgba.shape[:2]
    column, row = int((x - west) / (east - west) * width), int((north - y) / (north - south) * height)
    return tuple(layer.rgba[row, column].tolist())


def test_a_map_lies_where_it_belongs(open_source, server):
    server.routes["/s"] = map_with_a_red_corner
    reading = open_source("wms", layers=["streets"])
    [layer] = reading.layers
    assert layer.name == "Straßen"
    assert layer.attribution == "Amt für Karten, dl-de/by-2.0"
    assert colour_at(layer, 495, 505) == (255, 0, 0, 255)
    assert colour_at(layer, 505, 505) == colour_at(layer, 495, 495) == (0, 0, 255, 255)
    assert np.ptp(layer.corners_local, axis=0) == pytest.approx((1200, 1200), abs=0.01)
    assert max(layer.rgba.shape) <= 4200
    assert texts(reading) == []
    asked = server.asked[1].query
    assert asked["version"] == "1.3.0" and asked["crs"] == "EPSG:25832" and asked["layers"] == "streets"
    assert asked["format"] == "image/png" and asked["transparent"] == "TRUE"


def test_pictures_no_larger_than_the_service_makes_are_put_together(open_source, server):
    limit = "<MaxWidth>1500</MaxWidth><MaxHeight>1000</MaxHeight>"
    pictures = map_with_a_red_corner

    def limited(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wms_capabilities(extra=limit)
        assert int(asked.query["width"]) <= 1000 and int(asked.query["height"]) <= 1000
        return pictures(asked)

    server.routes["/s"] = limited
    [layer] = open_source("wms", layers=["streets"]).layers
    assert len(server.asked) > 10
    assert colour_at(layer, 495, 505) == (255, 0, 0, 255) and colour_at(layer, 505, 505) == (0, 0, 255, 255)


@pytest.mark.parametrize(
    ("version", "system", "flipped"),
    [("1.3.0", "EPSG:31467", True), ("1.1.1", "EPSG:31467", False), ("1.3.0", "EPSG:4326", True),
     ("1.1.1", "EPSG:4326", False), ("1.3.0", "CRS:84", False), ("1.3.0", "EPSG:3857", False)],
)  # fmt: skip
def test_the_order_of_axes_follows_version_and_system(open_source, server, version, system, flipped):
    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wms_capabilities(version, (system,))
        return made.png(made.plain(8, 8, (9, 9, 9)))

    server.routes["/s"] = answer
    open_source("wms", layers=["houses"])
    first, second, third, fourth = made.box_of(server.asked[1])
    low, high = {"EPSG:31467": (3.5e6, 5.9e6), "EPSG:3857": (1.1e6, 7.0e6)}.get(system, (9.9, 53.5))
    east, north = (second, first) if flipped else (first, second)
    assert (east, north) == pytest.approx((low, high), rel=0.1)
    assert third > first and fourth > second


def test_a_map_in_another_system_is_warped_into_the_city_s(open_source, server):
    import pyproj

    back = pyproj.Transformer.from_crs(3857, 25832, always_xy=True)

    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wms_capabilities(systems=("EPSG:3857",))
        west, south, east, north = made.box_of(asked)
        width, height = int(asked.query["width"]), int(asked.query["height"])
        x, y = np.meshgrid(
            west + (np.arange(width) + 0.5) / width * (east - west),
            north - (np.arange(height) + 0.5) / height * (north - south),
        )
        east_m, north_m = back.transform(x, y)
        rgba = made.plain(width, height, (0, 0, 255))
        rgba[(north_m > NORTH - 500) & (east_m < WEST + 500)] = (255, 0, 0, 255)
        return made.png(rgba)

    server.routes["/s"] = answer
    [layer] = open_source("wms", layers=["streets"], options={"extent": "565400,5934400,565600,5934600"}).layers
    for x, y, colour in (
        (499.5, 500.5, (255, 0, 0)),
        (500.5, 500.5, (0, 0, 255)),
        (499.5, 499.5, (0, 0, 255)),
        (403, 597, (255, 0, 0)),
    ):
        assert colour_at(layer, x, y)[:3] == colour
    assert layer.rgba[..., 3].min() == 255


def test_what_the_map_service_says_is_said(open_source, server):
    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wms_capabilities()
        return Said(
            "<ServiceExceptionReport><ServiceException>Kein Zugriff</ServiceException></ServiceExceptionReport>",
            "text/xml",
        )

    server.routes["/s"] = answer
    with pytest.raises(NetworkError, match="Kein Zugriff"):
        open_source("wms", layers=["streets"])


def test_an_unknown_layer_names_those_there_are(open_source, server):
    server.routes["/s"] = made.wms_capabilities()
    with pytest.raises(ReadError, match=r"has no layer rivers.*streets, houses"):
        open_source("wms", layers=["rivers"])


@pytest.mark.parametrize("said", [
    Said("<a><b>", "text/xml"), Said("", "text/xml"), Said("<Capability/>", "text/xml"), Said("{}", "application/json"),
    Said("<!DOCTYPE a [<!ENTITY b 'c'>]><WMS_Capabilities/>", "text/xml"), Said("<html>Login</html>", "text/html"),
])  # fmt: skip
@pytest.mark.parametrize("kind", ["wms", "wmts", "wfs"])
def test_nonsense_instead_of_capabilities_is_one_clear_error(open_source, server, kind, said):
    server.routes["/s"] = said
    with pytest.raises(ReadError):
        open_source(kind, layers=["a"])


def test_a_part_that_a_person_chose_is_asked_for(open_source, server):
    server.routes["/s"] = map_with_a_red_corner
    chosen = {"extent": "565100,5934100,565300,5934400"}
    [layer] = open_source("wms", layers=["streets"], options=chosen).layers
    assert made.box_of(server.asked[1]) == pytest.approx((565100, 5934100, 565300, 5934400), abs=0.5)
    assert np.ptp(layer.corners_local, axis=0) == pytest.approx((200, 300), abs=0.5)


@pytest.mark.parametrize("extent", ["1,2,3", "a,b,c,d", "5,5,1,1", "0,0,inf,1", "0,0,9e9,9e9"])
def test_a_nonsense_part_is_refused_before_anything_is_sent(open_source, server, extent):
    with pytest.raises(ReadError, match="chosen part"):
        open_source("wms", layers=["streets"], options={"extent": extent})
    assert server.asked == []


# -- copies --------------------------------------------------------------------------------------


def test_without_the_network_the_copy_is_shown_and_dated(open_source, server):
    server.routes["/s"] = map_with_a_red_corner
    [fresh] = open_source("wms", layers=["streets"]).layers
    server.close()
    reading = open_source("wms", layers=["streets"])
    [copy] = reading.layers
    np.testing.assert_array_equal(copy.rgba, fresh.rgba)
    assert fresh.note is None and copy.note is not None and copy.note.text == "Copy of {date}"
    assert copy.attribution.startswith("Amt für Karten, dl-de/by-2.0 (20")
    assert any("cannot be reached; a copy of 20" in text for text in texts(reading))


def test_a_session_from_elsewhere_shows_copies_and_sends_nothing(open_source, server, network, tmp_path):
    server.routes["/s"] = map_with_a_red_corner
    open_source("wms", layers=["streets"])
    sent = len(server.asked)
    shut = Network(copies=Copies(tmp_path / "copies"))
    reading = open_source("wms", layers=["streets"], net=shut)
    assert reading.layers[0].note is not None and len(server.asked) == sent
    assert any("was not contacted" in text for text in texts(reading))
    with pytest.raises(NotConnectedError):
        open_source("wms", layers=["streets"], net=shut, refresh=True)


# -- tiles ---------------------------------------------------------------------------------------


def tile_of_the_city(level: int, column: int, row: int) -> Said:
    """A tile of the pyramid of ``wmts_capabilities``: green where both numbers are even."""
    return made.png(made.plain(256, 256, (0, 200, 0) if (column + row) % 2 == 0 else (90, 90, 90)))


def test_tiles_are_asked_for_by_key_and_value(open_source, server):
    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wmts_capabilities()
        assert asked.query["tilematrixset"] == "UTM" and asked.query["layer"] == "dop"
        return tile_of_the_city(
            int(asked.query["tilematrix"]), int(asked.query["tilecol"]), int(asked.query["tilerow"])
        )

    server.routes["/s"] = answer
    [layer] = open_source("wmts").layers
    assert layer.name == "Luftbild" and layer.attribution == "Amt, CC0"
    # finest level within the budget: 0.5 m, tiles of 128 m; tile 8, 4 begins 24 m east of the city's west edge
    assert {asked.query["tilematrix"] for asked in server.asked[1:]} == {"04"}
    assert layer.corners_local[0] == pytest.approx((-104.0, 1116.0))
    assert colour_at(layer, 25, 1000) != colour_at(layer, 23, 1000)


def test_tiles_are_asked_for_by_template_on_the_same_host_only(open_source, server):
    server.routes["/s"] = made.wmts_capabilities(server.url + "/t/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.png")
    server.routes["*"] = lambda asked: tile_of_the_city(
        *(int(part.removesuffix(".png")) for part in asked.path.split("/")[3:])
    )
    open_source("wmts", layers=["dop"])
    assert all(asked.path.startswith("/t/UTM/04/") for asked in server.asked[1:])
    server.asked.clear()
    server.routes["/s"] = made.wmts_capabilities("http://elsewhere.example/t/{TileMatrix}/{TileRow}/{TileCol}.png")
    server.routes["*"] = Said(status=404)
    with pytest.raises(ReadError):
        open_source("wmts", layers=["dop"], refresh=True)
    assert all(asked.path == "/s" for asked in server.asked)


def test_tiles_of_the_web_are_warped_and_missing_ones_stay_clear(open_source, server):
    def answer(asked):
        z, x, y = (int(part.removesuffix(".png")) for part in asked.path.split("/")[1:])
        assert z == 17
        if (x, y) == min_tile:
            return Said(status=404)
        return Said(b"no picture", "image/png") if (x, y) == broken else made.png(made.plain(256, 256, (200, 0, 0)))

    min_tile, broken = (0, 0), (0, 0)
    server.routes["*"] = answer
    reading = open_source("xyz", "/{z}/{x}/{y}.png", max_zoom=17, title="Karte", attribution="© Leute", licence="ODbL")
    [layer] = reading.layers
    assert layer.name == "Karte" and layer.attribution == "© Leute, ODbL"
    assert (layer.rgba[..., 3] > 0).mean() > 0.95
    places = sorted({tuple(int(p.removesuffix(".png")) for p in asked.path.split("/")[2:]) for asked in server.asked})
    min_tile, broken = places[0], places[-1]
    server.asked.clear()
    reading = open_source("xyz", "/{z}/{x}/{y}.png", max_zoom=17, refresh=True)
    assert any("1 of" in text for text in texts(reading))
    assert 0.5 < (reading.layers[0].rgba[..., 3] > 0).mean() < 0.998


def test_young_tiles_are_not_asked_for_again(open_source, server):
    server.routes["*"] = made.png(made.plain(256, 256, (200, 0, 0)))
    open_source("xyz", "/{z}/{x}/{y}.png", max_zoom=15)
    sent = len(server.asked)
    reading = open_source("xyz", "/{z}/{x}/{y}.png", max_zoom=15)
    assert len(server.asked) == sent and reading.layers[0].note is None


def test_tiles_counted_from_the_south_are_asked_for_so(open_source, server):
    server.routes["*"] = made.png(made.plain(256, 256, (1, 2, 3)))
    open_source("xyz", "/{z}/{x}/{-y}.png", max_zoom=10)
    assert {int(asked.path.split("/")[3].removesuffix(".png")) for asked in server.asked} == {693}


# -- WFS -----------------------------------------------------------------------------------------


def test_features_come_as_gml_page_after_page(open_source, server):
    places = [(565_100.0 + n, 5_934_200.0) for n in range(5)]

    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wfs_capabilities(page=2, paging="TRUE")
        start = int(asked.query["startindex"])
        return made.gml_trees(places[start : start + int(asked.query["count"])], first=start)

    server.routes["/s"] = answer
    reading = open_source("wfs", layers=["app:trees"])
    [layer] = reading.layers
    assert isinstance(layer, PointLayer) and layer.name == "Bäume" and len(layer) == 5
    assert layer.attribution == "Freie Stadt, dl-de/by-2.0"
    np.testing.assert_allclose(layer.positions_local[:, :2], [(100.0 + n, 200.0) for n in range(5)])
    assert layer.attributes["art"].tolist() == ["Linde"] * 5
    assert layer.attributes["hoehe"].dtype == np.float64 and layer.attributes["id"][4] == "t4"
    asked = server.asked[1].query
    assert asked["typenames"] == "app:trees" and asked["srsname"] == "urn:ogc:def:crs:EPSG::25832"
    assert made.box_of(server.asked[1]) == pytest.approx((564_900, 5_933_900, 566_100, 5_935_100), abs=1)


def test_features_come_as_geojson_where_it_is_offered(open_source, server):
    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wfs_capabilities(formats=("GML32", "GEOJSON+ZIP", "application/json"), page=3, paging="TRUE")
        assert asked.query["outputformat"] == "application/json"
        if asked.query["startindex"] != "0":
            return made.collection([])
        crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}
        return made.collection([made.point(n, 565_100 + n, 5_934_200) for n in range(3)], crs=crs)

    server.routes["/s"] = answer
    [layer] = open_source("wfs", layers=["trees"], title="Meine").layers
    assert layer.name == "Meine" and layer.style_column == "art"
    np.testing.assert_allclose(layer.positions_local[:, :2], [(100.0 + n, 200.0) for n in range(3)])
    assert layer.attributes["nr"].tolist() == ["000", "001", "002"]


def test_geojson_that_is_not_delivered_falls_back_to_gml(open_source, server):
    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wfs_capabilities(formats=("application/json",))
        return Said("<x/>", "text/xml") if "outputformat" in asked.query else made.gml_trees([(565_100.0, 5_934_200.0)])

    server.routes["/s"] = answer
    assert len(open_source("wfs").layers[0]) == 1


def test_a_service_that_repeats_its_first_page_ends(open_source, server):
    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wfs_capabilities(page=2, paging="TRUE")
        return made.gml_trees([(565_100.0, 5_934_200.0), (565_110.0, 5_934_200.0)])

    server.routes["/s"] = answer
    assert len(open_source("wfs").layers[0]) == 2
    assert len(server.asked) == 3


def test_degrees_come_in_the_order_their_name_asks_for(open_source, server):
    for srs, place in (("urn:ogc:def:crs:EPSG::4326", (53.553, 9.985)), ("EPSG:4326", (9.985, 53.553))):

        def answer(asked, srs=srs, place=place):
            if asked.query["request"] == "GetCapabilities":
                return made.wfs_capabilities(systems=(srs,))
            return made.gml_trees([place], srs)

        server.routes["/s"] = answer
        server.asked.clear()
        [layer] = open_source("wfs", refresh=True).layers
        first = made.box_of(server.asked[1])[0]
        assert 53 < first < 54 if srs.startswith("urn") else 9 < first < 10
        assert np.hypot(*(layer.positions_local[0, :2] - (225, 280))) < 300


def test_version_one_point_one_has_other_words(open_source, server):
    member = '<gml:featureMember xmlns:gml="http://www.opengis.net/gml">{}</gml:featureMember>'
    line = "<gml:LineString><gml:coordinates>565100,5934100 565200,5934100</gml:coordinates></gml:LineString>"
    area = (
        "<gml:MultiSurface srsDimension='3'><gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing>"
        "<gml:posList>565100 5934100 1 565200 5934100 1 565200 5934200 1 565100 5934100 1</gml:posList>"
        "</gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface>"
    )
    broken = "<gml:LineString><gml:posList>565100 5934100 x</gml:posList></gml:LineString>"
    features = "".join(
        member.format(f"<a:t xmlns:a='a'><a:name>n</a:name><a:g>{g}</a:g></a:t>") for g in (line, area, broken)
    )

    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wfs_capabilities("1.1.0", ("EPSG:25832",))
        assert asked.query["typename"] == "app:trees" and "maxfeatures" in asked.query
        return Said(
            f"<wfs:FeatureCollection xmlns:wfs='http://www.opengis.net/wfs'>{features}</wfs:FeatureCollection>",
            "text/xml",
        )

    server.routes["/s"] = answer
    reading = open_source("wfs")
    kinds = {type(layer): layer for layer in reading.layers}
    assert set(kinds) == {AreaLayer, LineLayer}
    np.testing.assert_allclose(kinds[LineLayer].positions_local, [(100, 100), (200, 100)])
    assert len(kinds[AreaLayer].positions_local) == 3
    assert any("1 geometries are damaged" in text for text in texts(reading))


def test_an_exception_report_is_said(open_source, server):
    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wfs_capabilities()
        said = "<Exception><ExceptionText>Zu viel</ExceptionText></Exception>"
        return Said(f"<ExceptionReport xmlns='o'>{said}</ExceptionReport>", "text/xml")

    server.routes["/s"] = answer
    with pytest.raises(ReadError, match="Zu viel"):
        open_source("wfs")


# -- OGC API Features ----------------------------------------------------------------------------


def test_collections_are_followed_from_page_to_page(open_source, server):
    about = {"id": "trees", "title": "Bäume", "attribution": "<b>Amt</b>", "links": [
        {"rel": "license", "href": "https://www.govdata.de/dl-de/by-2-0", "title": "dl-de/by-2-0"}]}  # fmt: skip
    server.routes["/api/collections/trees"] = Said(json.dumps(about))

    def items(asked):
        start = int(asked.query.get("offset", 0))
        links = [{"rel": "next", "href": f"{asked.path}?offset={start + 2}"}] if start < 4 else []
        return made.collection([made.point(start + n, 9.985 + 0.0001 * n, 53.553) for n in range(2)], links=links)

    server.routes["/api/collections/trees/items"] = items
    for path, layers in (("/api/collections/trees/items", []), ("/api", ["trees"])):
        [layer] = open_source("features", path, layers=layers).layers
        assert layer.name == "Bäume" and layer.attribution == "Amt, dl-de/by-2.0" and len(layer) == 6
        assert layer.attributes["hoehe"].tolist() == [5, 6, 7, 8, 9, 10]
    west, south, east, north = made.box_of(server.asked[1])
    assert 9.97 < west < east < 10.02 and 53.5 < south < north < 53.6


def test_pages_in_a_circle_end(open_source, server):
    server.routes["/collections/a"] = Said('{"id": "a"}')
    again = {"rel": "next", "href": "/collections/a/items?again"}
    server.routes["/collections/a/items"] = made.collection([made.point(1, 9.985, 53.553)], links=[again])
    assert len(open_source("features", "/collections/a").layers[0]) == 2


def test_a_next_page_on_another_host_asks_first(open_source, server):
    server.routes["/collections/a"] = Said('{"id": "a"}')
    away = {"rel": "next", "href": "http://elsewhere.example/items"}
    server.routes["/collections/a/items"] = made.collection([made.point(1, 9.985, 53.553)], links=[away])
    with pytest.raises(NotConnectedError) as caught:
        open_source("features", "/collections/a")
    assert caught.value.values["host"] == "elsewhere.example"


def test_one_bad_feature_costs_only_itself(open_source, server):
    server.routes["/collections/a"] = Said('{"id": "a"}')
    bad = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": "x"}, "properties": None}
    empty = {"type": "Feature", "geometry": None, "properties": {"hoehe": 3}}
    endless = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1e308, 1e308]}, "properties": {}}
    features = [made.point(1, 9.985, 53.553), bad, empty, endless, 7, made.point(2, 9.986, 53.553)]
    server.routes["/collections/a/items"] = made.collection(features)
    reading = open_source("features", "/collections/a")
    assert len(reading.layers[0]) == 2
    assert any("2 entries have no usable outline" in text for text in texts(reading))


def test_nothing_around_the_city_is_said(open_source, server):
    server.routes["/collections/a"] = Said('{"id": "a"}')
    server.routes["/collections/a/items"] = made.collection([])
    with pytest.raises(ReadError, match="no features around the city"):
        open_source("features", "/collections/a")


# -- real capabilities -----------------------------------------------------------------------------


def recorded(shared, name: str) -> Said:
    return Said((shared / "ows-capabilities" / name).read_bytes(), "text/xml")


def test_a_federal_map_service_is_understood(open_source, server, shared):
    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return recorded(shared, "wms_poi_open.xml")
        return made.png(made.plain(int(asked.query["width"]), int(asked.query["height"]), (5, 5, 5)))

    server.routes["/s"] = answer
    [layer] = open_source("wms", layers=["haltestellen"]).layers
    assert layer.name == "Haltestellen" and "©BKG" in layer.attribution and "dl-de/by-2.0" in layer.attribution
    assert all(asked.query.get("crs", "EPSG:25832") == "EPSG:25832" for asked in server.asked)


@pytest.mark.parametrize(
    ("name", "layer", "systems"),
    [("wfs_koeln_arcgis_getcapabilities_200.xml", "adressen_stadtteil:Altstadt_Süd", "EPSG::25832"),
     ("wfs_koeln_arcgis_getcapabilities_110.xml", "adressen_stadtteil:Altstadt_Süd", "EPSG::25832"),
     ("xtraserver-capabilities.xml", "adv:AP_FPO", "EPSG::25832")],
)  # fmt: skip
def test_feature_services_of_german_offices_are_understood(open_source, server, shared, name, layer, systems):
    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return recorded(shared, name)
        if asked.query.get("outputformat"):
            return made.collection([made.point(1, 565_100, 5_934_100)])
        return made.gml_trees([(565_100.0, 5_934_100.0)])

    server.routes["/s"] = answer
    [found] = open_source("wfs", layers=[layer]).layers
    np.testing.assert_allclose(found.positions_local[0, :2], (100, 100))
    asked = server.asked[1].query
    assert asked["srsname"].endswith(systems) and layer in asked.values()


def test_the_recorded_trees_of_hamburg_lie_in_hamburg(open_source, server, shared):
    def answer(asked):
        if asked.query["request"] == "GetCapabilities":
            return made.wfs_capabilities(formats=("application/geo+json",))
        body = (shared / "ows-capabilities" / "hamburg_wfs_strassenbaumkataster_getfeature.json").read_bytes()
        return Said(body, "application/geo+json")

    server.routes["/s"] = answer
    [layer] = open_source("wfs", frame=Frame("EPSG:25832", (556_000.0, 5_931_000.0, 0.0))).layers
    assert len(layer) == 2 and np.abs(layer.positions_local[:, :2]).max() < 1500
    assert layer.attributes["gattung_deutsch"].tolist() == ["Pappel", "Pappel"]
