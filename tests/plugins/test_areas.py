"""Areas and lines from vector files: holes, multi-parts, several layers, hostile content."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
import shapely

from viewer.city import Frame
from viewer.errors import ReadError
from viewer.plugin_api import AreaLayer, LineLayer

X, Y = 565_000, 5_934_000
SQUARE = [[X, Y], [X + 100, Y], [X + 100, Y + 100], [X, Y + 100], [X, Y]]
HOLE = [[X + 20, Y + 20], [X + 20, Y + 40], [X + 40, Y + 40], [X + 40, Y + 20], [X + 20, Y + 20]]
TRIANGLE = [[X + 200, Y], [X + 300, Y], [X + 200, Y + 50], [X + 200, Y]]
UTM = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}


def geojson(path, *features, crs=UTM):
    content = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": properties, "geometry": geometry} for properties, geometry in features
        ],
    }
    if crs:
        content["crs"] = crs
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def ring_areas(layer: AreaLayer) -> list[float]:
    return [shapely.Polygon(layer.positions_local[a:b]).area for a, b in pairwise(layer.ring_start.tolist())]


@pytest.fixture
def land_use(tmp_path):
    return geojson(
        tmp_path / "flaechennutzung.geojson",
        ({"nutzung": "Wald", "nr": 1}, {"type": "Polygon", "coordinates": [SQUARE, HOLE]}),
        ({"nutzung": "Wasser", "nr": 2}, {"type": "MultiPolygon", "coordinates": [[TRIANGLE], [SQUARE]]}),
        ({"nutzung": "Nichts", "nr": 3}, None),
    )


def test_holes_and_multi_parts_keep_their_feature(read, land_use):
    reading = read(land_use)
    (layer,) = reading.layers
    assert reading.reader == "areas:Areas and lines"
    assert isinstance(layer, AreaLayer)
    assert len(layer) == 2
    assert layer.polygon_ring_start.tolist() == [0, 2, 3, 4]
    assert layer.polygon_feature.tolist() == [0, 1, 1]
    assert ring_areas(layer) == [10_000, 400, 2_500, 10_000]
    assert layer.positions_local.min() == 0.0
    assert layer.attributes["nutzung"].tolist() == ["Wald", "Wasser"]
    assert layer.style_column == "nutzung"
    assert any(issue.text.startswith("{count} entries have no usable outline") for issue in reading.report.issues)


def test_rings_have_no_closing_vertex(read, land_use):
    layer = read(land_use).layers[0]
    first, last = layer.positions_local[layer.ring_start[:-1]], layer.positions_local[layer.ring_start[1:] - 1]
    assert (first != last).any(axis=1).all()


def test_lines_keep_one_row_per_line(read, tmp_path):
    path = geojson(
        tmp_path / "strassen.geojson",
        ({"klasse": "A"}, {"type": "LineString", "coordinates": SQUARE[:3]}),
        ({"klasse": "B"}, {"type": "MultiLineString", "coordinates": [SQUARE[:2], TRIANGLE[:2]]}),
    )
    (layer,) = read(path).layers
    assert isinstance(layer, LineLayer)
    assert np.diff(layer.line_start).tolist() == [3, 2, 2]
    assert layer.attributes["klasse"].tolist() == ["A", "B", "B"]


def test_a_mixed_file_gives_areas_and_lines(read, tmp_path):
    path = geojson(
        tmp_path / "mixed.geojson",
        ({"n": 1}, {"type": "Polygon", "coordinates": [SQUARE]}),
        ({"n": 2}, {"type": "LineString", "coordinates": SQUARE[:2]}),
        ({"n": 3}, {"type": "Point", "coordinates": SQUARE[0]}),
    )
    reading = read(path, reader="areas")
    assert reading.report.objects == {"Area": 1, "Line": 1}
    assert any("points among the areas" in issue.text and issue.count == 1 for issue in reading.report.issues)


def test_collections_are_taken_apart(read, tmp_path):
    inner = {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": [TRIANGLE]}]}
    outer = {"type": "GeometryCollection", "geometries": [inner, {"type": "Polygon", "coordinates": [SQUARE]}]}
    reading = read(geojson(tmp_path / "plan.geojson", ({"n": 1}, outer)), reader="areas")
    assert sorted(ring_areas(reading.layers[0])) == [2_500, 10_000]


def test_every_layer_of_a_geopackage_is_read(read, tmp_path):
    import geopandas

    path = tmp_path / "plan.gpkg"
    polygon = shapely.Polygon(SQUARE)
    geopandas.GeoDataFrame({"art": ["a"]}, geometry=[polygon], crs=25832).to_file(path, layer="Baufelder")
    geopandas.GeoDataFrame({"art": ["b"]}, geometry=[shapely.LineString(SQUARE)], crs=25832).to_file(
        path, layer="Grenzen"
    )
    reading = read(path, reader="areas")
    assert [layer.name for layer in reading.layers] == ["plan: Baufelder", "plan: Grenzen"]
    assert [layer.name for layer in read(path, reader="areas", layer="Grenzen").layers] == ["plan"]


def test_simple_gml_is_read_without_writing_beside_it(read, tmp_path):
    path = tmp_path / "kreis.gml"
    path.write_text(
        '<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml" xmlns:x="http://x.test">'
        '<gml:featureMember><x:Flaeche gml:id="a"><x:geom><gml:Polygon srsName="EPSG:25832"><gml:exterior>'
        f"<gml:LinearRing><gml:posList>{' '.join(f'{x} {y}' for x, y in SQUARE)}</gml:posList></gml:LinearRing>"
        "</gml:exterior></gml:Polygon></x:geom></x:Flaeche></gml:featureMember></gml:FeatureCollection>",
        encoding="utf-8",
    )
    reading = read(path)
    assert ring_areas(reading.layers[0]) == [10_000]
    assert [file.name for file in tmp_path.iterdir()] == ["kreis.gml"]  # GDAL wrote nothing beside it


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.gml", '<OGRVRTDataSource><OGRVRTLayer name="gml"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'
         "</OGRVRTDataSource>"),
        ("a.geojson", '<OGRVRTDataSource><OGRVRTLayer name="x"/></OGRVRTDataSource>'),
        ("a.geojson", '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline read /etc/passwd"}'),
        ("a.gpkg", "not a database"),
        ("a.shp", "not a shapefile"),
        ("a.fgb", "fgb?"),
        ("a.geojson", '{"type": "FeatureCollection", "features": [}'),
    ],
)  # fmt: skip
def test_content_that_is_not_what_the_name_says_is_refused(read, tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ReadError):
        read(path, reader="areas")


@pytest.mark.parametrize(
    ("file", "objects"),
    [
        ("bdtopo-12174-shapefiles/ZONE_VEGETATION.shp", {"Area": 2325}),
        ("bdtopo-12174-shapefiles/SURFACE_EAU.shp", {"Area": 92}),
        ("berlin-streets-flatgeobuf/berlin-classified-level-3.fgb", {"Line": 7464}),
        ("athens-umep/tree_canopies_clip.gpkg", {"Area": 19}),
        ("delft-3dfier/bgt_begroeidterreindeel.sqlite", {"Area": 126}),
    ],
)
def test_real_layers_are_read_whole(read, shared, file, objects):
    reading = read(shared / file, frame=Frame())
    assert reading.reader == "areas:Areas and lines"
    assert reading.report.objects == objects


def test_metres_in_a_geojson_that_names_no_system_are_not_taken_for_degrees(read, tmp_path):
    path = geojson(tmp_path / "flaechen.geojson", ({"n": 1}, {"type": "Polygon", "coordinates": [SQUARE]}), crs=None)
    reading = read(path, reader="areas")
    assert reading.questions["crs"] == "EPSG:25832"
    assert ring_areas(reading.layers[0]) == [10_000]
    assert any("no degrees" in issue.text for issue in reading.report.issues)
