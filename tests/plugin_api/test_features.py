from __future__ import annotations

import numpy as np
import pytest
import shapely

from viewer.city import AreaLayer, Frame, LineLayer, PointLayer
from viewer.plugin_api import ReadContext, columns_of, geojson_table, table_layers
from viewer.plugin_host.coordinates import prepare


@pytest.fixture
def context():
    made = ReadContext(frame=Frame("EPSG:25832", (565_000.0, 5_934_000.0, 0.0)))
    prepare(made)
    return made


def feature(kind, coordinates, **properties):
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def test_columns_are_numbers_where_every_given_value_is_one():
    rows = [{"a": 1, "b": "x", "c": True, "d": None}, {"a": None, "b": 2, "e": {"k": [1]}}, {"a": 2.5}]
    columns = columns_of(rows)
    np.testing.assert_array_equal(columns["a"], [1.0, np.nan, 2.5])
    assert columns["b"].tolist() == ["x", "2", ""]
    assert columns["c"].tolist() == ["True", "", ""]
    assert columns["d"].tolist() == ["", "", ""] and columns["e"].tolist() == ["", '{"k":[1]}', ""]


def test_more_columns_than_anybody_reads_are_cut():
    assert len(columns_of([{f"c{n}": n for n in range(5000)}])) == 200


def test_points_lines_and_areas_become_layers_of_their_own(context):
    x, y = 565_100.0, 5_934_100.0
    hole = [[x + 2, y + 2], [x + 4, y + 2], [x + 4, y + 4], [x + 2, y + 2]]
    ring = [[x, y], [x + 10, y], [x + 10, y + 10], [x, y + 10], [x, y]]
    features = [
        feature("Point", [x, y, 7.0], art="a"), feature("MultiPoint", [[x, y], [x + 1, y]], art="b"),
        feature("LineString", [[x, y], [x + 5, y], [x + 5, y + 5]], art="c"),
        feature("Polygon", [ring, hole], art="d"), feature("MultiPolygon", [[ring], [ring]], art="e"),
    ]  # fmt: skip
    layers = {type(layer): layer for layer in table_layers("x", geojson_table("x", features, "EPSG:25832"), context)}
    points, lines, areas = layers[PointLayer], layers[LineLayer], layers[AreaLayer]
    np.testing.assert_allclose(points.positions_local[:, :2], [(100, 100), (100, 100), (101, 100)])
    assert points.attributes["art"].tolist() == ["a", "b", "b"] and points.style_column == "art"
    assert lines.line_start.tolist() == [0, 3]
    assert areas.feature_count == 2 and areas.polygon_feature.tolist() == [0, 1, 1]
    assert np.diff(areas.ring_start).tolist() == [4, 3, 4, 4]


def test_what_has_no_usable_place_is_counted(context):
    features = [
        feature("Point", [565_100, 5_934_100]), feature("Point", []), feature("Polygon", [[[0, 0], [1, 1]]]),
        feature("Nonsense", [1]), {"type": "Feature"}, 5,
    ]  # fmt: skip
    [layer] = table_layers("x", geojson_table("x", features, "EPSG:25832"), context)
    assert len(layer) == 1
    [issue] = [issue for issue in context.log.issues() if "no usable outline" in issue.text]
    assert issue.count == 4 and issue.where[0] == "row 2"


def test_collections_in_collections_are_taken_apart(context):
    inner = {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [565_100, 5_934_100]}]}
    outer = {"type": "Feature", "geometry": {"type": "GeometryCollection", "geometries": [inner, inner]}}
    [layer] = table_layers("x", geojson_table("x", [outer], "EPSG:25832"), context)
    assert len(layer) == 2


def test_heights_are_left_to_the_ground():
    table = geojson_table("x", [feature("Point", [1, 2, 3])])
    assert not shapely.has_z(table.geometry).any()
