"""PostGIS and 3DCityDB against a real server: read only, asked first, stopped in time, kept for the day without it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.plugins import postgres
from tests.readers import gml_fixtures as gml
from viewer.city import AreaLayer, Frame, PointLayer
from viewer.city.measures import measure
from viewer.errors import LoginError, NetworkError, NotConnectedError, ReadError
from viewer.plugin_api import ReadContext
from viewer.plugin_api.net import Copies, Network

X, Y = gml.X0, gml.Y0
FRAME = Frame("EPSG:25832", (X, Y, 0.0))

TABLES = f"""
CREATE TABLE public.trees (id int PRIMARY KEY, art text, hoehe numeric, gepflanzt date, geom geometry(Point, 25832));
INSERT INTO trees SELECT i, 'Linde ' || i, 10 + i, DATE '2001-02-03', ST_SetSRID(ST_MakePoint({X} + 10 * i, {Y}), 25832)
  FROM generate_series(0, 9) i;
INSERT INTO trees VALUES (99, 'far away', 1, NULL, ST_SetSRID(ST_MakePoint({X} + 90000, {Y}), 25832)), (100, 'nowhere', 1, NULL, NULL);
CREATE SCHEMA plan;
CREATE TABLE plan."Bau gebiete" (gid int, nutzung text, flaeche geometry(MultiPolygon, 4326));
INSERT INTO plan."Bau gebiete" SELECT 1, 'WA', ST_Multi(ST_Transform(ST_MakeEnvelope({X}, {Y}, {X} + 50, {Y} + 40, 25832), 4326));
CREATE TABLE plan.secret (id int, geom geometry(Point, 25832));
"""


@pytest.fixture(scope="module")
def server():
    with postgres.running() as server:
        server.make("city", TABLES)
        with server.owner("city") as connection:
            connection.execute(f"REVOKE ALL ON plan.secret FROM {postgres.USER}")
        yield server


@pytest.fixture
def network(server, tmp_path):
    network = Network([server.host], copies=Copies(tmp_path / "copies"))
    network.set_login(server.host, postgres.USER, postgres.PASSWORD)
    return network


@pytest.fixture
def source(tmp_path):
    def make(**entries):
        path = tmp_path / "db.source.json"
        path.write_text(json.dumps({"stadtforum": "source", **entries}), encoding="utf-8")
        return path

    return make


def around(network, *, refresh: bool = False, **options) -> ReadContext:
    extent = np.array([[-20.0, -20.0, 0.0], [120.0, 60.0, 20.0]])
    return ReadContext(frame=FRAME, city_extent_local=extent, network=network, options=options, refresh=refresh)


def test_a_table_comes_as_a_layer_of_the_part_around_the_city(host, network, server, source) -> None:
    path = source(type="postgis", url=server.url("city"), layers=["trees"], attribution="Stadt Beispiel")
    (layer,) = host.read(path, around(network)).layers
    assert isinstance(layer, PointLayer) and len(layer) == 10
    assert sorted(layer.positions_local[:, 0].round(3).tolist()) == [10.0 * i for i in range(10)]
    assert layer.attributes["hoehe"].tolist() == [10.0 + i for i in range(10)]
    assert layer.attributes["gepflanzt"].tolist()[0] == "2001-02-03"
    assert "Stadt Beispiel" in layer.attribution


def test_a_table_with_a_blank_in_its_name_and_degrees_lies_right(host, network, server, source) -> None:
    path = source(type="postgis", url=server.url("city"), layers=["plan.Bau gebiete"])
    (layer,) = host.read(path, around(network)).layers
    assert isinstance(layer, AreaLayer)
    low, high = layer.positions_local.min(axis=0), layer.positions_local.max(axis=0)
    assert [*low, *high] == pytest.approx([0, 0, 50, 40], abs=0.02)


def test_nothing_is_sent_before_a_person_allows_it(host, server, source, tmp_path) -> None:
    path = source(type="postgis", url=server.url("city"), layers=["trees"])
    with pytest.raises(NotConnectedError):
        host.read(path, around(Network(copies=Copies(tmp_path / "none"))))


def test_a_wrong_password_is_asked_for_and_never_told(host, server, source) -> None:
    network = Network([server.host])
    path = source(type="postgis", url=server.url("city"), layers=["trees"])
    with pytest.raises(LoginError):
        host.read(path, around(network))
    network.set_login(server.host, postgres.USER, "hunter2-wrong")
    with pytest.raises(LoginError) as caught:
        host.read(path, around(network))
    assert "hunter2" not in str(caught.value) and "hunter2" not in repr(caught.value.values)


def test_a_password_in_the_address_is_refused(host, network, server, source) -> None:
    url = server.url("city").replace("postgresql://", "postgresql://planner:secret@")
    with pytest.raises(ReadError, match="do not belong into files"):
        host.read(source(type="postgis", url=url, layers=["trees"]), around(network))


def test_a_table_that_is_not_there_names_those_that_are(host, network, server, source) -> None:
    for name in ("nothing", "x'; DROP TABLE trees; --"):
        with pytest.raises(ReadError) as caught:
            host.read(source(type="postgis", url=server.url("city"), layers=[name]), around(network))
        assert "public.trees" in caught.value.hint.format(**caught.value.values)
    with server.owner("city") as connection:
        assert connection.execute("SELECT count(*) FROM trees").fetchone() == (12,)


def test_what_the_user_may_not_read_is_not_even_named(host, network, server, source) -> None:
    with pytest.raises(ReadError, match="no table"):
        host.read(source(type="postgis", url=server.url("city"), layers=["plan.secret"]), around(network))


def test_the_connection_cannot_write_and_gives_up_in_time(server, host) -> None:
    import sys

    host.plugins  # noqa: B018  plugins are found, the package can be imported
    module = _module(host, "connect")
    from viewer.plugin_api import SourceFile

    source = SourceFile("postgis", server.url("city"))
    login = (postgres.USER, postgres.PASSWORD)
    with pytest.raises(ReadError, match="read-only"), module.connected(source, login) as connection:
        connection.execute("CREATE TABLE forbidden (id int)")
    with module.connected(source, login) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0] for name in ("statement_timeout", "lock_timeout")
        }
    assert shown == {"statement_timeout": "2min", "lock_timeout": "5s"}
    with pytest.raises(NetworkError, match="longer than"), module.connected(source, login) as connection:
        connection.execute("SET statement_timeout = 50")
        connection.execute("SELECT pg_sleep(5)")
    assert sys.modules


def _module(host, name):
    """A module of the plugin as the host loads it."""
    import importlib.util
    import sys
    from pathlib import Path

    folder = Path(__file__).parents[2] / "plugins" / "databases"
    package = "databases_under_test"
    if package not in sys.modules:
        spec = importlib.util.spec_from_file_location(package, folder / "connect.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[package] = module
        spec.loader.exec_module(module)
    return sys.modules[package]


def test_without_the_server_the_copy_is_shown_with_its_date(host, network, server, source, tmp_path) -> None:
    path = source(type="postgis", url=server.url("city"), layers=["trees"])
    assert len(host.read(path, around(network)).layers[0]) == 10
    asked_nobody = Network(copies=Copies(tmp_path / "copies"))
    reading = host.read(path, around(asked_nobody))
    assert len(reading.layers[0]) == 10
    assert any("copy" in str(issue).lower() for issue in reading.report.issues) or reading.layers[0].note is not None
    silent = source(type="postgis", url="postgresql://127.0.0.1:1/city", layers=["trees"])
    with pytest.raises(NetworkError):
        host.read(silent, around(Network(["127.0.0.1:1"])))


# -- 3DCityDB --------------------------------------------------------------------------------------------------


def polygons() -> list[tuple[str, str]]:
    """Surface class and WKT of the faces of the usual house."""
    result = []
    for kind, ring in gml.house_rings():
        points = [*ring, ring[0]]
        result.append((kind, "POLYGON Z((" + ", ".join(f"{x} {y} {z}" for x, y, z in points) + "))"))
    return result


def version_4() -> str:
    """The tables of 3DCityDB 4 that are read, with one building with surfaces and a solid, and a part of it."""
    lines = [
        """
CREATE SCHEMA citydb; SET search_path TO citydb, public;
CREATE TABLE database_srs (srid int, gml_srs_name text); INSERT INTO database_srs VALUES (25832, 'urn:ogc:def:crs:EPSG::25832');
CREATE TABLE objectclass (id int, classname text);
INSERT INTO objectclass VALUES (26,'Building'),(25,'BuildingPart'),(33,'RoofSurface'),(34,'WallSurface'),(35,'GroundSurface');
CREATE TABLE cityobject (id bigint, objectclass_id int, gmlid text, name text, envelope geometry(PolygonZ, 25832));
CREATE TABLE surface_geometry (id serial, root_id bigint, geometry geometry(PolygonZ, 25832), cityobject_id bigint);
CREATE TABLE building (id bigint, building_parent_id bigint, function text, usage text, year_of_construction date,
  roof_type text, measured_height double precision, storeys_above_ground numeric, lod1_solid_id bigint,
  lod2_solid_id bigint, lod2_multi_surface_id bigint);
CREATE TABLE thematic_surface (id bigint, objectclass_id int, building_id bigint, lod2_multi_surface_id bigint);
CREATE TABLE cityobject_genericattrib (cityobject_id bigint, attrname text, strval text, intval int, realval double precision, urival text);
"""
    ]
    box = f"ST_Force3D(ST_MakeEnvelope({X}, {Y}, {X} + 30, {Y} + 20, 25832))"
    lines.append(
        f"INSERT INTO cityobject VALUES (1, 26, 'DEHH_1', 'Rathaus', {box}), (2, 25, 'DEHH_1_part', NULL, {box});"
    )
    lines.append(
        "INSERT INTO building VALUES (1, NULL, '31001_1000', NULL, '1911-01-01', '3100', 9.0, 2, NULL, 500, NULL),"
    )
    lines.append("  (2, 1, NULL, NULL, NULL, NULL, 3.0, 1, 600, NULL, NULL);")
    lines.append("INSERT INTO cityobject_genericattrib VALUES (1, 'Denkmal', 'ja', NULL, NULL, NULL);")
    codes = {"RoofSurface": 33, "WallSurface": 34, "GroundSurface": 35}
    for number, (kind, wkt) in enumerate(polygons(), 100):
        shape = f"ST_GeomFromText('{wkt}', 25832)"
        lines.append(f"INSERT INTO thematic_surface VALUES ({number}, {codes[kind]}, 1, {number});")
        lines.append(
            f"INSERT INTO surface_geometry (root_id, geometry, cityobject_id) VALUES ({number}, {shape}, {number});"
        )
        lines.append(f"INSERT INTO surface_geometry (root_id, geometry, cityobject_id) VALUES (500, {shape}, 1);")
    for ring in gml.box(X + 20, Y):
        points = ", ".join(f"{x} {y} {z}" for x, y, z in [*ring, ring[0]])
        lines.append(
            "INSERT INTO surface_geometry (root_id, geometry, cityobject_id) "
            f"VALUES (600, ST_GeomFromText('POLYGON Z(({points}))', 25832), 2);"
        )
    return "\n".join(lines)


def version_5() -> str:
    """The tables of 3DCityDB 5 that are read, with the same content."""
    lines = [
        """
CREATE SCHEMA citydb; SET search_path TO citydb, public;
CREATE TABLE database_srs (srid int, srs_name text); INSERT INTO database_srs VALUES (25832, 'urn:ogc:def:crs:EPSG::25832');
CREATE TABLE objectclass (id int, classname text);
INSERT INTO objectclass VALUES (901,'Building'),(902,'BuildingPart'),(712,'RoofSurface'),(709,'WallSurface'),(710,'GroundSurface');
CREATE TABLE feature (id bigint, objectclass_id int, objectid text, envelope geometry(PolygonZ, 25832), termination_date timestamptz);
CREATE TABLE geometry_data (id bigint, geometry geometry(GeometryZ, 25832), feature_id bigint);
CREATE TABLE property (id serial, feature_id bigint, parent_id bigint, name text, val_int bigint, val_double double precision,
  val_string text, val_timestamp timestamptz, val_uri text, val_lod text, val_geometry_id bigint, val_feature_id bigint);
"""
    ]
    box = f"ST_Force3D(ST_MakeEnvelope({X}, {Y}, {X} + 30, {Y} + 20, 25832))"
    lines.append(
        f"INSERT INTO feature VALUES (1, 901, 'DEHH_1', {box}, NULL), (2, 902, 'DEHH_1_part', {box}, NULL), "
        f"(3, 901, 'torn down', {box}, '2020-01-01');"
    )
    lines.append(
        "INSERT INTO property (feature_id, name, val_string) VALUES (1, 'name', 'Rathaus'), (1, 'function', '31001_1000'), "
        "(1, 'roofType', '3100'), (1, 'Denkmal', 'ja');"
        "INSERT INTO property (feature_id, name, val_int) VALUES (1, 'storeysAboveGround', 2), (2, 'storeysAboveGround', 1);"
        "INSERT INTO property (feature_id, name, val_timestamp) VALUES (1, 'dateOfConstruction', '1911-01-01');"
        "INSERT INTO property (feature_id, name, val_feature_id) VALUES (1, 'buildingPart', 2);"
        "INSERT INTO property (id, feature_id, name) VALUES (900, 1, 'height');"
        "INSERT INTO property (feature_id, parent_id, name, val_double) VALUES (1, 900, 'value', 9.0);"
    )
    codes = {"RoofSurface": 712, "WallSurface": 709, "GroundSurface": 710}
    faces = []
    for number, (kind, wkt) in enumerate(polygons(), 100):
        faces.append(wkt.removeprefix("POLYGON Z"))
        lines.append(f"INSERT INTO feature VALUES ({number}, {codes[kind]}, 'S{number}', {box}, NULL);")
        lines.append(f"INSERT INTO property (feature_id, name, val_feature_id) VALUES (1, 'boundary', {number});")
        multi = f"ST_Multi(ST_GeomFromText('{wkt}', 25832))"
        lines.append(f"INSERT INTO geometry_data VALUES ({number}, {multi}, {number});")
        lines.append(
            f"INSERT INTO property (feature_id, name, val_lod, val_geometry_id) VALUES ({number}, 'lod2MultiSurface', '2', {number});"
        )
    solid = f"ST_GeomFromText('POLYHEDRALSURFACE Z({', '.join(faces)})', 25832)"
    lines.append(f"INSERT INTO geometry_data VALUES (500, {solid}, 1);")
    lines.append("INSERT INTO property (feature_id, name, val_lod, val_geometry_id) VALUES (1, 'lod2Solid', '2', 500);")
    block = ", ".join("((" + ", ".join(f"{x} {y} {z}" for x, y, z in [*r, r[0]]) + "))" for r in gml.box(X + 20, Y))
    lines.append(f"INSERT INTO geometry_data VALUES (600, ST_GeomFromText('POLYHEDRALSURFACE Z({block})', 25832), 2);")
    lines.append("INSERT INTO property (feature_id, name, val_lod, val_geometry_id) VALUES (2, 'lod1Solid', '1', 600);")
    return "\n".join(lines)


@pytest.fixture(scope="module", params=[4, 5])
def citydb(request, server):
    return request.param, server.make(f"citydb{request.param}", {4: version_4, 5: version_5}[request.param]())


def test_a_3dcitydb_gives_the_city_a_file_would(host, network, citydb, source) -> None:
    version, url = citydb
    reading = host.read(source(type="3dcitydb", url=url), ReadContext(network=network))
    city = reading.city
    assert reading.report.version == str(version) and city.frame.crs == "EPSG:25832"
    assert city.objects.count_by_type() == {"Building": 1, "BuildingPart": 1}
    ids = city.objects.ids.tolist()
    building, part = ids.index("DEHH_1"), ids.index("DEHH_1_part")
    assert city.objects.parent[part] == building
    faces = np.bincount(city.face_object, minlength=2)
    assert faces[building] == gml.HOUSE_FACES and faces[part] == 6  # the solid does not repeat the surfaces
    assert sorted(np.unique(city.face_surface[city.face_object == building]).tolist()) == [1, 2, 3]
    values = {name: column.values[building] for name, column in city.objects.attributes.items()}
    assert values["measuredHeight"] == 9.0 and values["storeysAboveGround"] == 2.0 and values["name"] == "Rathaus"
    assert values["function"] == "31001_1000" and values["Denkmal"] == "ja"
    assert str(values["yearOfConstruction"]).startswith("1911")
    found = measure(city, None)
    assert found.closed.all() and found.volume_m3[0] == pytest.approx(10 * 8 * 7.5 + 4 * 4 * 3, rel=1e-4)


def test_only_the_part_around_the_city_is_asked_for(host, network, citydb, source) -> None:
    _, url = citydb
    near = host.read(source(type="3dcitydb", url=url), around(network)).city
    assert len(near.objects) == 2
    far = ReadContext(
        frame=FRAME, network=network, city_extent_local=np.array([[9000.0, 9000.0, 0.0], [9100.0, 9100.0, 9.0]])
    )
    with pytest.raises(ReadError, match="no objects"):
        host.read(source(type="3dcitydb", url=url), far)


def test_a_database_without_a_city_says_so(host, network, server, source) -> None:
    with pytest.raises(ReadError, match="no 3DCityDB"):
        host.read(source(type="3dcitydb", url=server.url("city")), ReadContext(network=network))
