"""Measuring buildings against numbers worked out by hand (METHODS, test cases M1 to M9)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import box, city_of, gable_house, hip_house, houses, mesh_of
from viewer.city import SurfaceType
from viewer.city.geometry import mesh_volume
from viewer.city.measures import attic_is_full_storey, attic_share, measure, measure_issues, storeys_from_height
from viewer.city.use import Use, use_of_text

UTM = (565000.0, 5934000.0, 10.0)


def test_m1_gable_house_has_720_cubic_metres_far_from_the_origin():
    points, triangles = mesh_of(gable_house(12, 8, 6, 9, origin=UTM))
    assert mesh_volume(points, triangles) == pytest.approx(720.0, rel=1e-6)
    m = measure(city_of([gable_house(12, 8, 6, 9, origin=UTM)], origin=UTM))
    assert m.volume_m3[0] == pytest.approx(720.0, rel=1e-6)
    assert m.closed[0] and not m.flipped[0]
    assert m.footprint_m2[0] == pytest.approx(96.0)
    assert (m.ground_m[0], m.eaves_m[0], m.top_m[0]) == (0.0, 6.0, 9.0)
    assert m.roof_area_m2[0] == pytest.approx(12 * 10.0)
    assert m.flat_roof_area_m2[0] == 0.0
    assert m.centre_local[0] == pytest.approx([6.0, 4.0])


def test_m2_hip_roof_has_990_cubic_metres():
    m = measure(city_of([hip_house(16, 10, 5, 8, ridge=6)]))
    assert m.volume_m3[0] == pytest.approx(990.0, rel=1e-6)


def test_m3_reversed_cube_has_its_volume_and_is_noted_as_flipped():
    inward = [(surface, [ring[::-1] for ring in rings]) for surface, rings in box(10, 10, 10)]
    city = city_of([inward])
    m = measure(city)
    assert m.volume_m3[0] == pytest.approx(1000.0)
    assert m.flipped[0] and m.closed[0]
    assert any("look inwards" in issue.text and issue.where == ("b0",) for issue in measure_issues(city, m))


def test_m3_cube_without_its_top_is_flagged_and_estimated():
    open_box = [face for face in box(10, 10, 10) if face[0] is not SurfaceType.ROOF]
    city = city_of([open_box])
    m = measure(city)
    assert not m.closed[0]
    assert m.volume_m3[0] == pytest.approx(1000.0)
    assert any("not closed" in issue.text for issue in measure_issues(city, m))


def test_a_cube_far_from_the_origin_keeps_its_digits():
    m = measure(city_of([box(10, 10, 10, x=9000.0, y=-8000.0, z=400.0)]))
    assert m.volume_m3[0] == pytest.approx(1000.0, rel=1e-6)
    assert m.closed[0]


def test_m6_l_shape_with_a_hole_covers_560_square_metres():
    outline = [(0, 0), (30, 0), (30, 12), (12, 12), (12, 30), (0, 30)]
    hole = [(4, 4), (8, 4), (8, 8), (4, 8)]
    for turned in (hole, hole[::-1]):
        ground = [(SurfaceType.GROUND, [[(*p, 0.0) for p in outline[::-1]], [(*p, 0.0) for p in turned]])]
        m = measure(city_of([ground]))
        assert m.footprint_m2[0] == pytest.approx(560.0)


def test_m7_attic_counts_only_when_two_thirds_are_high_enough():
    assert attic_share([3.0, 7.5]) == pytest.approx([0.23333, 0.69333], abs=1e-5)
    assert attic_is_full_storey([3.0, 7.5]).tolist() == [False, True]


def test_m8_half_a_storey_rounds_up():
    assert storeys_from_height([12.4, 13.5, 0.5], 3.0).tolist() == [4.0, 5.0, 1.0]


def test_storeys_come_from_the_attribute_where_it_is_plausible():
    tall = box(10, 10, 12)
    city = city_of([tall] * 4, attributes={"storeys_above_ground": [4.0, 40.0, 0.0, np.nan]})
    m = measure(city)
    assert m.storeys.tolist() == [4.0, 4.0, 4.0, 4.0]
    assert m.storeys_known.tolist() == [True, False, False, False]


def test_storeys_as_text_are_understood():
    m = measure(city_of([box(10, 10, 12)], attributes={"storeysAboveGround": ["3"]}))
    assert m.storeys.tolist() == [3.0] and m.storeys_known[0]


def test_storey_height_follows_the_use():
    functions = ["31001_1010", "31001_2020", "31001_3021", "1000", "", "Wohnhaus", "Fabrik"]
    m = measure(city_of([box(10, 10, 12)] * 7, attributes={"function": functions}))
    assert m.storey_height_m.tolist() == [3.0, 3.5, 3.6, 3.0, 3.0, 3.0, 6.0]


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("31001_1010", Use.RESIDENTIAL),
        ("31001_1120", Use.MIXED),
        ("31001_2463", Use.OTHER),
        ("2020", Use.OFFICE),
        ("1000.0", Use.RESIDENTIAL),
        ("residential", Use.RESIDENTIAL),
        ("Wohn- und Geschäftshaus", Use.MIXED),
        ("Schule", Use.SCHOOL),
        ("garage", Use.OTHER),
        ("Doppelhaus", Use.RESIDENTIAL),
        ("Wohnen, mit, Handel, und, Dienstleistungen", Use.MIXED),
        ("51009_1610", Use.OTHER),
        ("1231", Use.UNKNOWN),
        ("1120", Use.RESIDENTIAL),
        ("9999", Use.UNKNOWN),
        ("", Use.UNKNOWN),
    ],
)
def test_use_is_read_from_codes_and_words(text: str, use: Use):
    assert use_of_text(text) is use


def test_block_model_without_surface_types_is_measured_by_direction():
    plain = [(SurfaceType.UNKNOWN, rings) for _, rings in box(10, 8, 6)]
    m = measure(city_of([plain]))
    assert m.footprint_m2[0] == pytest.approx(80.0)
    assert m.roof_area_m2[0] == pytest.approx(80.0)
    assert m.flat_roof_area_m2[0] == pytest.approx(80.0)
    assert m.eaves_m[0] == 6.0 and m.closed[0]


def test_plane_footprint_takes_its_height_from_measured_height():
    flat = [(SurfaceType.UNKNOWN, [[(0, 0, 5), (10, 0, 5), (10, 10, 5), (0, 10, 5)]])]
    m = measure(city_of([flat], attributes={"measuredHeight": [9.0]}))
    assert m.footprint_m2[0] == pytest.approx(100.0)
    assert (m.ground_m[0], m.top_m[0]) == (5.0, 14.0)
    assert m.volume_m3[0] == pytest.approx(900.0) and not m.closed[0]
    assert m.storeys[0] == 3.0


def test_parts_add_up_in_their_building():
    city = city_of([[], box(10, 10, 12), box(6, 5, 3, x=10.0)], parents=[-1, 0, 0])
    m = measure(city)
    assert m.footprint_m2.tolist() == [130.0]
    assert m.volume_m3[0] == pytest.approx(1290.0)
    assert m.closed[0]
    assert (m.eaves_m[0], m.top_m[0]) == (3.0, 12.0)
    assert m.storeys[0] == 3.0  # weighted by roof: (100 x 12 + 30 x 3) / 130 = 9.9 m


def test_one_open_part_spoils_no_other():
    lidless = [face for face in box(6, 5, 3, x=10.0) if face[0] is not SurfaceType.WALL]
    m = measure(city_of([[], box(10, 10, 12), lidless], parents=[-1, 0, 0]))
    assert m.volume_m3[0] == pytest.approx(1200.0 + 90.0)
    assert not m.closed[0]


def test_building_without_ground_surface_stands_on_its_roof_outline():
    m = measure(city_of([[face for face in gable_house(12, 8, 6, 9) if face[0] is not SurfaceType.GROUND]]))
    assert m.footprint_m2[0] == pytest.approx(96.0)
    assert m.volume_m3[0] == pytest.approx(720.0) and not m.closed[0]


def test_faces_of_another_lod_are_not_measured():
    city = city_of([[*box(10, 10, 10), *box(20, 20, 20)]])
    faces = np.arange(12) < 6
    m = measure(city, faces)
    assert m.volume_m3[0] == pytest.approx(1000.0)
    assert m.footprint_m2[0] == pytest.approx(100.0)


def test_planned_buildings_are_recognised():
    m = measure(city_of([box(1, 1, 3)] * 2, attributes={"conditionOfConstruction": ["planned", ""]}))
    assert m.planned.tolist() == [True, False]


def test_object_without_geometry_is_unknown_not_zero():
    m = measure(city_of([box(10, 10, 10), []]))
    assert np.isnan(m.footprint_m2[1]) and np.isnan(m.volume_m3[1]) and np.isnan(m.ground_m[1])


def test_empty_city_has_no_measures():
    assert len(measure(city_of([])).ground_m) == 0


def test_many_houses_measure_like_one():
    m = measure(houses(300))
    assert m.volume_m3 == pytest.approx(np.full(300, 720.0), rel=1e-4)
    assert m.closed.all()


def test_raised_points_give_m4_and_m5():
    from viewer.scenario.change import lifted_z

    for lift, factor, volume in ((3.0, 1.0, 1008.0), (0.0, 1.25, 900.0)):
        points, triangles = mesh_of(gable_house(12, 8, 6, 9))
        points[:, 2] = lifted_z(points[:, 2], *map(np.float64, (0.0, 6.0, lift, factor)))
        assert mesh_volume(points, triangles) == pytest.approx(volume, rel=1e-6)
