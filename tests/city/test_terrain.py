"""A terrain under a city: houses without a height stand on it, other heights are told with numbers and a reason."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import box, city_of, plane
from viewer.city import TerrainLayer
from viewer.city.gate import check_city, check_layer
from viewer.city.ground import make_ground
from viewer.city.measures import measure
from viewer.city.report import IssueLog
from viewer.city.terrain import difference, disagreement, height_at, mosaic, set_on
from viewer.errors import ReadError


def slope(x, y):
    return 100.0 + 0.05 * np.asarray(x) + 0.02 * np.asarray(y)


def terrain(west=-50.0, south=-50.0, columns=151, rows=121, cell=4.0, lift=0.0, name="DGM"):
    x, y = np.meshgrid(west + np.arange(columns) * cell, south + np.arange(rows) * cell)
    return TerrainLayer(name, (slope(x, y) + lift).astype(np.float32), (west, south), cell)


def town(height_of, count=6):
    places = [(60.0 * i, 50.0 * j) for i in range(count) for j in range(count)]
    return [box(10, 10, 8, x=x, y=y, z=float(height_of(x, y))) for x, y in places]


def lowest_under(x, y):
    return float(slope(x, y))


def test_heights_are_bilinear_and_unknown_outside_and_beside_gaps():
    layer = terrain()
    assert height_at(layer, [[13.7, 21.9]]) == pytest.approx(slope(13.7, 21.9), abs=1e-3)
    assert np.isnan(height_at(layer, [[-51.0, 0.0], [0.0, 900.0]])).all()
    heights = layer.heights.copy()
    heights[20, 20] = np.nan
    holed = TerrainLayer("DGM", heights, layer.origin_local, layer.cell_m)
    assert np.isnan(height_at(holed, [[29.0, 29.0]])).all()


def test_houses_at_sea_level_are_set_on_the_terrain_as_a_whole():
    city, count = set_on(city_of(town(lambda x, y: 0.0)), None, terrain())
    assert count == 36
    m = measure(city)
    assert m.ground_m == pytest.approx([lowest_under(*(c - 5)) for c in m.centre_local], abs=0.01)
    assert m.top_m - m.ground_m == pytest.approx(8.0, abs=0.01)


def test_a_single_house_at_sea_level_among_others_is_set_on_the_terrain():
    blocks = town(lowest_under)
    blocks[7] = box(10, 10, 8, x=60, y=50, z=0.0)
    city, count = set_on(city_of(blocks), None, terrain())
    assert count == 1
    assert measure(city).ground_m.min() > 95.0


def test_houses_with_heights_of_their_own_stay_where_they_are():
    city = city_of(town(lambda x, y: lowest_under(x, y) + 40.0))
    assert set_on(city, None, terrain()) == (city, 0)


def test_houses_beside_the_terrain_stay_where_they_are():
    city = city_of(town(lambda x, y: 0.0))
    moved, count = set_on(city, None, terrain(west=150.0))
    assert 0 < count < 36
    assert measure(moved).ground_m.min() == 0.0


def test_flat_streets_follow_the_terrain_corner_by_corner():
    city = city_of([*town(lambda x, y: 0.0), plane(0, 100, 200, 110, z=0.0)], types=["Building"] * 36 + ["Road"])
    moved, count = set_on(city, None, terrain())
    assert count == 36
    road = moved.positions_local[moved.vertex_face == moved.face_object.argmax()]
    road = moved.positions_local[moved.face_object[moved.vertex_face] == 36]
    assert road[:, 2] == pytest.approx(slope(road[:, 0], road[:, 1]), abs=0.01)


def test_the_terrain_is_the_ground_as_fine_as_it_is():
    city = city_of(town(lowest_under))
    layer = terrain()
    ground = make_ground(city, None, measure(city), layer)
    places = np.random.default_rng(1).uniform(0, 400, (200, 2))
    assert ground.exact and ground.detail is not None
    assert ground.height_at(places) == pytest.approx(slope(*places.T), abs=1e-3)
    assert ground.range_m[0] <= layer.heights.min()


def test_unknown_heights_of_a_terrain_are_filled_for_the_ground():
    layer = terrain()
    heights = layer.heights.copy()
    heights[40:60, 40:60] = np.nan
    city = city_of(town(lowest_under))
    ground = make_ground(city, None, measure(city), TerrainLayer("DGM", heights, layer.origin_local, layer.cell_m))
    assert ground.height_at([150.0, 150.0]) == pytest.approx(slope(150.0, 150.0), abs=1.0)


def test_beyond_a_terrain_the_ground_goes_on_without_a_step():
    city = city_of(town(lowest_under))
    ground = make_ground(city, None, measure(city), terrain(columns=40))
    inside, outside = ground.height_at([105.5, 100.0]), ground.height_at([106.5, 100.0])
    assert abs(inside - outside) < 1.0


def texts(city, layer):
    return [str(issue) for issue in disagreement(city, measure(city), layer)]


def test_city_and_terrain_that_agree_are_not_talked_about():
    assert texts(city_of(town(lambda x, y: lowest_under(x, y) + 0.4)), terrain()) == []


def test_heights_above_the_ellipsoid_are_recognised_with_the_numbers():
    found = texts(city_of(town(lambda x, y: lowest_under(x, y) + 46.0)), terrain())
    assert "45.7 m above the terrain DGM (median of 36" in found[0]
    assert "ellipsoid" in found[1]


def test_a_city_below_the_terrain_is_told_as_below():
    assert "m below the terrain" in texts(city_of(town(lambda x, y: lowest_under(x, y) - 7.0)), terrain())[0]


def test_feet_are_recognised_by_the_factor():
    layer = terrain()
    feet = TerrainLayer("DEM", layer.heights * np.float32(3.28084), layer.origin_local, layer.cell_m)
    assert "feet" in texts(city_of(town(lowest_under)), feet)[1]


def test_a_surface_model_is_recognised_by_the_roofs():
    assert "roofs" in texts(city_of(town(lambda x, y: lowest_under(x, y))), terrain(lift=8.0))[1]


def test_two_houses_say_nothing_about_a_height_system():
    city = city_of(town(lambda x, y: 0.0)[:2])
    assert difference(city, measure(city), terrain()) is None


def test_tiles_of_a_terrain_become_one_without_a_seam():
    west, east = terrain(columns=60), terrain(west=-50.0 + 60 * 4.0, columns=60, name="B")
    joined = mosaic((west, east))
    assert joined.heights.shape == (121, 120)
    places = np.random.default_rng(2).uniform(0, 380, (200, 2))
    assert height_at(joined, places) == pytest.approx(slope(*places.T), abs=1e-3)


def test_a_finer_terrain_covers_a_coarse_one():
    coarse, fine = terrain(cell=20.0, columns=40, rows=30), terrain(cell=2.0, columns=50, rows=50, lift=3.0)
    joined = mosaic((coarse, fine))
    assert joined.cell_m == 2.0
    assert height_at(joined, [[0.0, 0.0]]) == pytest.approx(slope(0, 0) + 3.0, abs=0.01)
    assert height_at(joined, [[500.0, 300.0]]) == pytest.approx(slope(500, 300), abs=0.01)


def test_terrains_far_apart_are_not_joined():
    far = terrain(west=500_000.0)
    assert mosaic((terrain(), far)) is far


def test_the_gate_refuses_senseless_grids_and_drops_impossible_heights():
    layer = terrain()
    with pytest.raises(ReadError):
        check_layer(TerrainLayer("x", layer.heights, (0.0, 0.0), 0.0))
    with pytest.raises(ReadError):
        check_layer(TerrainLayer("x", layer.heights[:1], (0.0, 0.0), 1.0))
    heights = layer.heights.copy()
    heights[0, :3] = (1e9, np.inf, np.nan)
    log = IssueLog()
    checked = check_layer(TerrainLayer("x", heights, (0.0, 0.0), 1.0), log)
    assert np.isnan(checked.heights).sum() == 3
    assert [issue.count for issue in log.issues()] == [2]


def test_streets_keep_their_place_above_the_parks_they_cross_and_bend_with_the_ground():
    hill = TerrainLayer(
        "DGM", (100 + 20 * np.sin(np.arange(200) / 12.0) * np.ones((150, 1))).astype(np.float32), (-50.0, -50.0), 4.0
    )
    park, road = plane(0, 0, 300, 200, z=0.15), plane(0, 80, 300, 90, z=0.45)
    city = city_of([*town(lambda x, y: 0.0), park, road], types=["Building"] * 36 + ["PlantCover", "Road"])
    moved, count = set_on(city, None, hill)
    assert count == 36
    assert len(moved.face_surface) > len(city.face_surface) + 20
    kind = np.array(moved.objects.types)[moved.objects.type_code[moved.face_object]]
    for name, above in (("PlantCover", 0.15), ("Road", 0.45)):
        points = moved.positions_local[(kind == name)[moved.vertex_face]]
        assert points[:, 2] == pytest.approx(height_at(hill, points[:, :2]) + above, abs=0.01)
        middle = moved.positions_local[moved.triangles[(kind == name)[moved.triangle_face]]].mean(axis=1)
        assert np.abs(middle[:, 2] - height_at(hill, middle[:, :2]) - above).max() < 0.5
    corner = moved.positions_local[moved.triangles[(kind == "PlantCover")[moved.triangle_face]]][:, :, :2]
    a, b = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    assert (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2 == pytest.approx(300 * 200, rel=1e-4)
    assert check_city(moved, log := IssueLog()) is moved and not log.issues()
