"""OpenStreetMap extracts as cities: heights, holes, parts, flat areas, trees, both formats, hostile files."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely

from tests.plugins import osm_files
from tests.plugins.osm_files import Extract
from viewer.city import SurfaceType
from viewer.city.measures import measure
from viewer.errors import LimitError, ReadError, ViewerError
from viewer.plugin_api import ReadContext
from viewer.plugin_host.border import PluginBug

MUTANTS = 150


def town() -> Extract:
    """One of everything."""
    town = Extract()
    town.square(0, 0, 10, building="yes", height="12 m", name="Rathaus", roof__shape="gabled")
    town.square(20, 0, 10, building="house", building__levels="4", roof__levels="1")
    town.square(40, 0, 10, building="garage")
    outer, inner = town.square(60, 0, 20), town.square(65, 5, 10)
    town.relation((outer, "outer"), (inner, "inner"), type="multipolygon", building="yes", height="20")
    town.square(100, 0, 20, building="yes", height="10")
    town.square(100, 0, 10, building__part="yes", height="30", min_height="10")
    town.way((0, -20), (100, -20), highway="residential", name="Lindenstraße")
    town.way((0, -30), (100, -30), highway="footway", tunnel="yes")
    town.square(0, 50, 30, natural="water")
    town.square(50, 50, 30, leisure="park")
    town.square(90, 50, 30, landuse="residential")
    town.node(60, 60, natural="tree", height="15", leaf_type="needleleaved", species="Picea abies")
    town.node(70, 60, natural="tree")
    return town


def write(extract: Extract, path: Path) -> Path:
    return extract.write_pbf(path) if path.suffix == ".pbf" else extract.write_xml(path)


@pytest.fixture(params=["town.osm", "town.osm.pbf"])
def reading(request, host, tmp_path):
    return host.read(write(town(), tmp_path / request.param), ReadContext())


def features(city) -> dict[str, int]:
    return {str(city.objects.ids[row]): position for position, row in enumerate(city.objects.features.tolist())}


def heights(city) -> dict[str, float]:
    """Highest less lowest corner of each object."""
    z = city.positions_local[:, 2]
    owner = city.face_object[city.vertex_face]
    return {str(city.objects.ids[row]): float(np.ptp(z[owner == row])) for row in np.unique(owner)}


def test_everything_becomes_an_object_of_its_type(reading):
    assert reading.reader == "osm:OpenStreetMap"
    assert reading.city.objects.count_by_type() == {
        "Building": 5, "BuildingPart": 1, "Road": 1, "WaterBody": 1, "PlantCover": 1, "LandUse": 1,
        "SolitaryVegetationObject": 2,
    }  # fmt: skip
    assert reading.city.frame.crs in ("EPSG:25832", "EPSG:32632")


def test_heights_come_from_height_then_levels_then_an_assumption_that_is_counted(reading):
    found = heights(reading.city)
    assert found["way/1"] == pytest.approx(12, abs=0.01)
    assert found["way/2"] == pytest.approx(15, abs=0.01)
    assert found["way/3"] == pytest.approx(9, abs=0.01)
    counts = {issue.text: issue.count for issue in reading.report.issues}
    assert counts["Buildings without height and levels, drawn {height_m} m tall: {count}"] == 1
    measured = reading.city.objects.feature_column("measuredHeight").values
    own = features(reading.city)
    assert measured[own["way/1"]] == 12
    assert np.isnan(measured[own["way/3"]])


def test_attributes_carry_their_citygml_names(reading):
    own = features(reading.city)
    columns = reading.city.objects
    assert columns.feature_column("roofType").values[own["way/1"]] == "gabled"
    assert columns.feature_column("name").values[own["way/1"]] == "Rathaus"
    assert columns.feature_column("storeysAboveGround").values[own["way/2"]] == 4
    assert columns.feature_column("function").values[own["way/2"]] == "house"


def test_a_courtyard_is_not_built_on(reading):
    city = reading.city
    measures = measure(city, np.ones(len(city.face_object), bool))
    area = measures.footprint_m2[features(city)["relation/1"]]
    assert area == pytest.approx(20 * 20 - 10 * 10, rel=0.01)


def test_a_part_belongs_to_its_building_and_hovers_at_its_base(reading):
    city = reading.city
    part = int(np.flatnonzero(city.objects.type_code == city.objects.types.index("BuildingPart"))[0])
    parent = int(city.objects.parent[part])
    assert city.objects.types[city.objects.type_code[parent]] == "Building"
    faces = city.face_object == part
    assert SurfaceType.OUTER_CEILING in city.face_surface[faces]
    assert SurfaceType.GROUND not in city.face_surface[faces]
    z = city.positions_local[faces[city.vertex_face], 2]
    assert z.min() == pytest.approx(10, abs=0.01)
    assert z.max() == pytest.approx(30, abs=0.01)


def test_a_road_has_the_width_of_its_class_and_a_tunnel_is_not_drawn(reading):
    city = reading.city
    road = features(city)["way/8"]
    xy = city.positions_local[(city.face_feature == road)[city.vertex_face], :2]
    caps_m2 = 5.5**2 / 2**0.5  # two halves of an octagon
    assert shapely.Polygon(xy).area == pytest.approx(5.5 * 100 + caps_m2, rel=0.01)
    assert "way/9" not in features(city)


def test_trees_have_their_height_and_stand_where_they_are(reading):
    city = reading.city
    found = heights(city)
    trees = [name for name in found if name.startswith("node/")]
    assert sorted(found[name] for name in trees) == pytest.approx([10, 15], abs=0.01)
    assert "Picea abies" in city.objects.attributes["species"].values.tolist()


def test_the_contributors_are_named_in_every_picture(reading):
    assert reading.city.attribution == "© OpenStreetMap contributors (ODbL)"


def test_the_workspace_credits_the_contributors(host, tmp_path):
    from viewer.session import Session
    from viewer.workspace import Workspace

    workspace = Workspace(Session(), host)
    workspace.adopt(workspace.read(town().write_xml(tmp_path / "town.osm")))
    assert workspace.attributions() == ("© OpenStreetMap contributors (ODbL)",)


def test_uses_of_buildings_are_told_apart_however_many_roads_there_are(host, tmp_path):
    from viewer.workspace.describe import colour_by_attribute

    extract = town()
    for number, kind in enumerate(
        ("primary", "secondary", "tertiary", "service", "track", "path", "steps", "cycleway")
    ):
        extract.way((0, -50 - 10 * number), (100, -50 - 10 * number), highway=kind)
        extract.way((0, -150 - 10 * number), (100, -150 - 10 * number), highway=kind)
    city = host.read(extract.write_xml(tmp_path / "a.osm"), ReadContext()).city
    colouring = colour_by_attribute(city, "function")
    own = features(city)
    shown = {colouring.classes[int(colouring.values[own[name]])] for name in ("way/2", "way/3")}
    assert shown == {"house", "garage"}
    assert colouring.classes[int(colouring.values[own["way/10"]])] == "other"


def test_xml_and_pbf_give_the_same_city(host, tmp_path):
    one = host.read(town().write_xml(tmp_path / "a.osm"), ReadContext()).city
    for dense in (True, False):
        other = host.read(town().write_pbf(tmp_path / "a.osm.pbf", dense=dense), ReadContext()).city
        assert other.objects.ids.tolist() == one.objects.ids.tolist()
        assert np.allclose(other.positions_local, one.positions_local, atol=0.002)


def test_positions_are_right_to_the_centimetre(host, tmp_path):
    from pyproj import Transformer

    city = host.read(town().write_xml(tmp_path / "a.osm"), ReadContext()).city
    own = int(city.objects.features[features(city)["way/1"]])
    corners = city.frame.crs_from_local(city.positions_local[(city.face_object == own)[city.vertex_face]])[:, :2]
    lon, lat = osm_files.LON, osm_files.LAT
    expected = Transformer.from_crs("EPSG:4326", city.frame.crs, always_xy=True).transform(round(lon, 7), round(lat, 7))
    assert np.linalg.norm(corners - expected, axis=1).min() < 0.01


def test_a_way_that_a_relation_repeats_is_one_building(host, tmp_path):
    extract = Extract()
    way = extract.square(0, 0, 20, building="yes")
    extract.relation((way, "outer"), type="multipolygon", building="yes")
    city = host.read(extract.write_xml(tmp_path / "a.osm"), ReadContext()).city
    assert city.objects.ids.tolist() == ["relation/1"]


def test_an_outline_of_several_ways_is_closed(host, tmp_path):
    extract = Extract()
    corners = [extract.node(*place) for place in ((0, 0), (20, 0), (20, 20), (0, 20))]
    extract.ways += [(corners[:3], {}), ([corners[2], corners[3], corners[0]], {})]
    extract.relation((1, "outer"), (2, "outer"), type="multipolygon", building="yes")
    extract.relation((1, "outer"), type="multipolygon", natural="wood")
    reading = host.read(extract.write_pbf(tmp_path / "a.pbf"), ReadContext())
    assert reading.city.objects.ids.tolist() == ["relation/1"]
    (issue,) = [i for i in reading.report.issues if "do not close" in i.text]
    assert (issue.count, issue.where) == (1, ("relation/2",))


def test_missing_nodes_cost_only_their_way(host, tmp_path):
    extract = town()
    extract.ways[0][0][1] = 99_999
    reading = host.read(extract.write_xml(tmp_path / "a.osm"), ReadContext())
    assert reading.city.objects.count_by_type()["Building"] == 4
    assert any(issue.text.startswith("Outlines with missing points") for issue in reading.report.issues)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12", 12), ("12.5 m", 12.5), ("12,5", 12.5), ("40 ft", 12.192), ("7'4\"", 2.2352), ("high", None), ("-3", None)],
)
def test_lengths_are_understood_as_people_write_them(host, tmp_path, text, expected):
    extract = Extract()
    extract.square(0, 0, 10, building="yes", height=text)
    city = host.read(extract.write_xml(tmp_path / "a.osm"), ReadContext()).city
    assert heights(city)["way/1"] == pytest.approx(9 if expected is None else expected, abs=0.01)


def test_entities_are_refused(host, tmp_path):
    path = tmp_path / "a.osm"
    path.write_text('<!DOCTYPE osm [<!ENTITY a "aaaa">]><osm version="0.6"><node id="1" lat="1" lon="&a;"/></osm>')
    with pytest.raises(ReadError, match="document type"):
        host.read(path, ReadContext(), reader="osm")


def test_a_block_that_unpacks_to_more_than_the_format_allows_is_left_out(host, tmp_path):
    path = tmp_path / "bomb.osm.pbf"
    whole = town().write_pbf(path).read_bytes()
    path.write_bytes(whole + osm_files.blob("OSMData", bytes(33 * 1024**2)))
    reading = host.read(path, ReadContext())
    assert reading.city.objects.count_by_type()["Building"] == 5
    counts = {issue.text: issue.count for issue in reading.report.issues}
    assert counts["Damaged blocks of the file, left out: {count}"] == 1


def test_a_file_that_needs_the_unknown_says_so(host, tmp_path):
    path = town().write_pbf(tmp_path / "a.pbf", features=("OsmSchema-V0.6", "HistoricalInformation"))
    with pytest.raises(ReadError, match="HistoricalInformation"):
        host.read(path, ReadContext())


def test_too_many_nodes_are_refused_with_a_way_out(host, tmp_path, monkeypatch):
    host.read(town().write_pbf(tmp_path / "a.pbf"), ReadContext())
    data = sys.modules["_stadtforum_plugin_osm.data"]
    monkeypatch.setattr(data, "MAX_NODES", 5)
    with pytest.raises(LimitError, match="more than 5 nodes"):
        host.read(tmp_path / "a.pbf", ReadContext())


@pytest.mark.parametrize("name", ["town.osm", "town.osm.pbf"])
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_end_in_a_city_or_a_sentence(host, tmp_path, name):
    path = write(town(), tmp_path / name)
    data, rng = path.read_bytes(), np.random.default_rng(11)
    outcomes = {"city": 0, "sentence": 0}
    for number in range(MUTANTS):
        mutant = bytearray(data)
        for at in rng.integers(0, len(mutant), int(rng.integers(1, 6))).tolist():
            mutant[at] = int(rng.integers(0, 256))
        path.write_bytes(mutant[: int(rng.integers(1, len(mutant)))] if number % 4 == 0 else mutant)
        try:
            reading = host.read(path, ReadContext(), reader="osm")
        except PluginBug as error:
            raise AssertionError(f"mutant {number}: {error}") from error
        except ViewerError as error:
            assert str(error)
            outcomes["sentence"] += 1
        else:
            assert np.isfinite(reading.city.positions_local).all()
            assert all(str(issue) for issue in reading.report.issues)
            outcomes["city"] += 1
    assert outcomes["sentence"] > 0
    assert outcomes["city"] > 0 or name.endswith(".pbf")  # its one block has a checksum


def test_damaged_blocks_never_fail_the_decoder(host, tmp_path):
    """As above, but the damage is inside the packing, where the checksum does not see it."""
    path = tmp_path / "a.osm.pbf"
    block, rng, cities = town()._block(True), np.random.default_rng(12), 0
    for number in range(MUTANTS):
        mutant = bytearray(block)
        for at in rng.integers(0, len(mutant), int(rng.integers(1, 4))).tolist():
            mutant[at] = int(rng.integers(0, 256))
        path.write_bytes(osm_files.blob("OSMHeader", b"") + osm_files.blob("OSMData", bytes(mutant)))
        try:
            cities += host.read(path, ReadContext(), reader="osm").city is not None
        except PluginBug as error:
            raise AssertionError(f"mutant {number}: {error}") from error
        except ViewerError as error:
            assert str(error)
    assert cities > MUTANTS / 4


# -- real data ---------------------------------------------------------------------------------------------------


def test_dreieich_is_complete(host, shared):
    """3,770 ways and 1 relation are buildings, 5 nodes are trees, counted with osmium."""
    counts = host.read(shared / "osm-dreieich" / "dreieich.osm.pbf", ReadContext()).city.objects.count_by_type()
    assert counts["Building"] == 3771
    assert counts["SolitaryVegetationObject"] == 5


def test_helsinki_shows_its_trees_parts_and_what_is_lost(host, shared):
    """Counted with osmium: 649 trees; 433 ways and 67 relations are buildings, 2 of the ways outer ones of these."""
    reading = host.read(shared / "osm-helsinki" / "Helsinki.osm.pbf", ReadContext())
    counts = reading.city.objects.count_by_type()
    assert counts["SolitaryVegetationObject"] == 649
    alone = next(i.count for i in reading.report.issues if "lie in no building" in i.text)
    assert 440 <= counts["Building"] - alone <= 433 + 67 - 2
    assert counts["BuildingPart"] > 100


def test_hamburgs_roads_agree_with_a_plain_count_of_the_file(host, shared):
    path = shared / "hamburg-centre" / "hamburg-city-center-roads.osm"
    city = host.read(path, ReadContext()).city
    drawn = set()
    for own_id, body in re.findall(r'<way id="(\d+)"(.*?)</way>', path.read_text(encoding="utf-8"), re.S):
        tags = dict(re.findall(r'<tag k="([^"]*)" v="([^"]*)"/>', body))
        above = tags.get("tunnel", "no") in ("no", "building_passage") and tags.get("location") != "underground"
        passable = tags.get("highway") not in ("construction", "proposed", "corridor", "platform", "elevator", None)
        if above and passable and tags.get("indoor", "no") == "no":
            drawn.add(f"way/{own_id}")
    ours = {name for name in city.objects.ids.tolist() if name.startswith("way/")}
    assert len(ours) == 1612
    assert ours == drawn
