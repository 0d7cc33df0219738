"""One tiny city for every fault and its boundary case: exactly one fault is found, and none at the boundary."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests import builders
from tests.builders import box, city_of, gable_house, houses, moved, plane
from viewer.city import ImportReport, SurfaceType
from viewer.city.quality import GROUPS, RULES, check_quality
from viewer.city.quality.rules import GEOMETRY_GROUPS
from viewer.city.quality.text import ROW_NAMES, report_dict, report_rows, verdict
from viewer.city.report import Fault, Severity
from viewer.settings import assets_folder

WALL, ROOF, GROUND = SurfaceType.WALL, SurfaceType.ROOF, SurfaceType.GROUND
#: Attributes of a building without remarks.
SOUND = {"measuredHeight": [9.0], "storeysAboveGround": [3.0], "function": ["1000"], "roofType": ["3100"],
         "yearOfConstruction": [1965.0]}  # fmt: skip


def codes(city, report=None) -> dict[str, int]:
    """Faults found by code, without the attributes a test does not care about."""
    found = check_quality(city, report).findings
    return {f.rule.code: f.count for f in found if f.rule.code not in {"A01", "A02", "A03", "A04", "A05"}}


def land(rings) -> dict[str, int]:
    """What is found in one surface of a land use area: no shell is expected of it."""
    return codes(city_of([[(SurfaceType.UNKNOWN, rings)]], types=["LandUse"]))


def square(size=10.0, *, at=(0.0, 0.0), z=0.0):
    x, y = at
    return [(x, y, z), (x + size, y, z), (x + size, y + size, z), (x, y + size, z)]


def hole(size=2.0, *, at=(4.0, 4.0)):
    return square(size, at=at)[::-1]


# -- sound cities ------------------------------------------------------------------------------------


def test_clean_houses_give_no_finding():
    n = 25
    city = houses(n)
    told = builders.city_of(
        [gable_house(12, 8, 6, 9, origin=(30.0 * (i % 5), 30.0 * (i // 5), 0.0)) for i in range(n)],
        attributes={name: values * n for name, values in SOUND.items()},
    )
    assert codes(city) == {}
    report = check_quality(told, ImportReport("x", crs="EPSG:25832", vertical_crs="EPSG:7837"))
    assert report.findings == ()
    assert (report.sound_objects, report.shaped_objects, report.geometry_is_valid) == (n, n, True)
    assert verdict(report)[0].startswith("Verdict: no faults")


def test_an_empty_city_has_nothing_to_judge():
    report = check_quality(city_of([]))
    assert report.findings == ()
    assert verdict(report)[0] == "Verdict: there is no geometry to judge."


def test_a_clean_city_far_from_its_origin_stays_clean():
    city = city_of([moved(gable_house(12.345, 8.123, 6.789, 9.321), (20_000.0, 15_000.0, 50.0))])
    assert codes(city) == {}


# -- rings -------------------------------------------------------------------------------------------


def test_102_points_closer_than_a_millimetre():
    def ring(gap):
        return [[(0, 0, 0), (10, 0, 0), (10, gap, 0), (10, 10, 0), (0, 10, 0)]]

    assert land(ring(0.0005)) == {"102": 1}
    assert land(ring(0.001)) == {}


def test_101_ring_that_is_less_than_a_triangle():
    sliver = [(0, 0, 0), (10, 0, 0), (10, 0.0004, 0)]
    assert land([sliver]) == {"101": 1}
    assert land([[(0, 0, 0), (10, 0, 0), (10, 0.5, 0)]]) == {}


@pytest.mark.parametrize(
    "ring",
    [
        pytest.param([(0, 0, 0), (10, 0, 0), (0, 8, 0), (10, 10, 0)], id="bow tie"),
        pytest.param([(0, 0, 0), (10, 0, 0), (10, 10, 0), (5, 0, 0), (0, 10, 0)], id="corner on an edge"),
        pytest.param([(0, 0, 0), (10, 0, 0), (10, 5, 0), (15, 5, 0), (10, 5, 0), (10, 10, 0), (0, 10, 0)], id="spike"),
        pytest.param(
            [(0, 0, 0), (4, 0, 0), (5, 5, 0), (6, 0, 0), (10, 0, 0), (10, 9, 0), (5, 5, 0), (0, 9, 0)], id="same corner"
        ),
    ],
)
def test_104_ring_that_meets_itself(ring):
    assert land([ring]) == {"104": 1}


def test_104_ends_where_the_corner_stands_clear():
    assert land([[(0, 0, 0), (10, 0, 0), (10, 10, 0), (5, 0.002, 0), (0, 10, 0)]]) == {}


def test_104_in_an_upright_wall_is_found_where_it_is():
    ring = [(100, 50, 0), (110, 50, 0), (100, 50, 8), (110, 50, 8)]
    report = check_quality(city_of([[(WALL, [ring])]], types=["LandUse"]))
    finding = report.finding("104")
    assert finding.ids == ("b0",)
    np.testing.assert_allclose(finding.places_local[0], (105, 50, 4), atol=0.01)


# -- polygons ----------------------------------------------------------------------------------------


def test_201_hole_that_crosses_its_outline():
    assert land([square(), hole(4.0, at=(8.0, 4.0))]) == {"201": 1}
    assert land([square(), hole(1.9, at=(8.0, 4.0))]) == {}


def test_201_hole_that_shares_an_edge():
    assert land([square(), hole(4.0, at=(6.0, 4.0))]) == {"201": 1}


def test_202_hole_that_stands_twice():
    assert land([square(), hole(), hole()]) == {"202": 1}
    assert land([square(), hole(), hole(at=(7.0, 4.0))]) == {}


def test_203_point_off_the_plane_by_more_than_a_centimetre():
    def ring(off):
        return [[(0, 0, 0), (10, 0, 0), (10, 10, off), (0, 10, 0)]]

    assert land(ring(0.06)) == {"203": 1}
    assert land(ring(0.036)) == {}  # 9 mm off the best plane


def test_203_tells_by_how_much():
    report = check_quality(city_of([[(ROOF, [[(0, 0, 0), (10, 0, 0), (10, 10, 0.4), (0, 10, 0)]])]], types=["LandUse"]))
    assert report.finding("203").amounts[0] == pytest.approx(0.1, abs=0.01)


def test_204_folded_within_a_centimetre():
    # A strip whose last three centimetres turn up: less than 1 cm off the plane, more than 20 degrees.
    def strip(up):
        ring = [(0, 0, 0), (10, 0, 0), (10, 1, 0), (10, 1.03, up), (0, 1.03, up), (0, 1, 0)]
        triangles = city_of([[(ROOF, [ring])]], types=["LandUse"])
        cut = np.array([[0, 1, 2], [0, 2, 5], [5, 2, 3], [5, 3, 4]], np.int32)
        return codes(_with_triangles(triangles, cut))

    assert strip(0.0125) == {"204": 1}
    assert strip(0.008) == {}


def test_205_holes_that_cut_a_piece_off():
    diamond = [(0, 5, 0), (5, 10, 0), (10, 5, 0), (5, 0, 0)]  # touches the outline at four points
    assert land([square(), diamond]) == {"205": 1}
    assert land([square(), [(0, 5, 0), (5, 9, 0), (9, 5, 0), (5, 1, 0)]]) == {}  # one point only


def test_206_hole_outside():
    assert land([square(), hole(at=(20.0, 4.0))]) == {"206": 1}
    assert land([square(), hole(at=(7.9, 4.0))]) == {}


def test_207_hole_in_a_hole():
    assert land([square(), hole(4.0, at=(3.0, 3.0)), hole(1.0, at=(4.0, 4.0))]) == {"207": 1}
    assert land([square(), hole(2.0, at=(3.0, 3.0)), hole(1.0, at=(6.0, 6.0))]) == {}


def test_208_hole_that_turns_like_its_outline():
    assert land([square(), hole()[::-1]]) == {"208": 1}
    assert land([square(), hole()]) == {}


# -- shells ------------------------------------------------------------------------------------------


def test_301_too_few_surfaces_for_a_body():
    assert codes(city_of([box(10, 10, 6)[:3]])) == {"301": 1}


def test_302_missing_surface_and_gap():
    whole = box(10, 10, 6)
    report = check_quality(city_of([whole[:-1]]))
    assert [f.rule.code for f in report.findings if f.rule.group == "shell"] == ["302"]
    assert report.finding("302").amounts[0] == pytest.approx(40.0)
    assert report.sound_objects == 0


@pytest.mark.parametrize(("gap", "expected"), [(0.0, {}), (0.0004, {}), (0.01, {"302": 1})])
def test_302_neighbours_closer_than_the_snap_tolerance_are_joined(gap, expected):
    faces = box(10, 10, 6)
    kind, [ring] = faces[-1]
    faces[-1] = (kind, [[(x, y, z + gap) for x, y, z in ring]])
    assert codes(city_of([faces])) == expected


def test_303_two_bodies_that_share_an_edge():
    two = box(10, 10, 6) + box(10, 10, 6, x=10.0, y=10.0)
    assert codes(city_of([two])) == {"303": 1}
    assert codes(city_of([box(10, 10, 6) + box(10, 10, 6, x=10.1, y=10.1)])) == {"305": 1}


def test_300_surplus_surface_inside():
    inner = (WALL, [[(0, 0, 0), (10, 10, 0), (10, 10, 6), (0, 0, 6)]])
    assert codes(city_of([[*box(10, 10, 6), inner]])) == {"300": 1}


def test_305_two_bodies_in_one_object_is_a_note():
    report = check_quality(city_of([box(10, 10, 6) + box(5, 5, 6, x=30.0)]))
    assert report.finding("305").rule.severity is Severity.INFO
    assert report.sound_objects == 1


def sunken(depth: float):
    """A box of 10 x 10 x 6 m whose roof is a funnel down to ``depth`` below the floor."""
    walls = [face for face in box(10, 10, 6) if face[0] is not ROOF]
    rim = [(0, 0, 6), (10, 0, 6), (10, 10, 6), (0, 10, 6)]
    return [*walls, *((ROOF, [[rim[k], rim[(k + 1) % 4], (5, 5, -depth)]]) for k in range(4))]


def test_306_roof_that_runs_through_the_floor():
    assert codes(city_of([sunken(2.0)])) == {"306": 1}
    report = check_quality(city_of([gable_house(12, 8, 6, 9, origin=(40.0, 0.0, 0.0)), sunken(2.0)]))
    finding = report.finding("306")
    assert finding.ids == ("b1",)
    assert finding.amounts.tolist() == [4.0]  # each of its four edges, once
    assert finding.places_local[0][2] == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("depth", [-3.0, -0.02, 0.005])
def test_306_ends_where_nothing_is_pierced(depth):
    assert codes(city_of([sunken(depth)])) == {}


def test_306_is_not_looked_for_between_separate_bodies():
    assert codes(city_of([box(10, 10, 6) + box(4, 4, 20, x=3.0, y=3.0, z=-5.0)])) == {"305": 1}


def test_306_is_not_searched_in_enormous_bodies(monkeypatch):
    monkeypatch.setattr("viewer.city.quality.crossings.MAX_TRIANGLES", 3)
    assert codes(city_of([sunken(2.0)])) == {}


def test_307_one_surface_turned_round():
    faces = box(10, 10, 6)
    faces[1] = (faces[1][0], [faces[1][1][0][::-1]])
    assert codes(city_of([faces])) == {"307": 1}


def test_405_whole_shell_turned_round():
    faces = [(kind, [ring[::-1] for ring in rings]) for kind, rings in box(10, 10, 6)]
    assert codes(city_of([faces])) == {"405": 1}


def test_no_shell_is_judged_by_broken_rings_nor_expected_of_flat_things():
    faces = box(10, 10, 6)
    kind, [ring] = faces[-1]
    faces[-1] = (kind, [[ring[0], ring[2], ring[1], ring[3]]])
    assert set(codes(city_of([faces]))) == {"104"}
    assert codes(city_of([plane(0, 0, 10, 10)])) == {}


def test_windows_in_front_of_walls_do_not_open_the_shell():
    window = (SurfaceType.WINDOW, [[(2, 0, 2), (4, 0, 2), (4, 0, 4), (2, 0, 4)]])
    assert codes(city_of([[*box(10, 10, 6), window]])) == {}


# -- objects and attributes --------------------------------------------------------------------------


def test_missing_attributes_name_every_building():
    report = check_quality(houses(30))
    for code in ("A01", "A02", "A03", "A04", "A05"):
        assert report.finding(code).objects == tuple(f"b{i}" for i in range(30))


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("measuredHeight", 950.0, "A11"),
        ("measuredHeight", 9.0, None),
        ("storeysAboveGround", 0.0, "A12"),
        ("storeysAboveGround", 1.0, None),
        ("yearOfConstruction", 300.0, "A13"),
        ("yearOfConstruction", 1200.0, None),
        ("measuredHeight", 10.1, "A21"),
        ("measuredHeight", 9.9, None),
        ("storeysAboveGround", 6.0, "A22"),
        ("storeysAboveGround", 5.0, None),
    ],
)
def test_attributes_that_cannot_be(name, value, code):
    values = {**SOUND, "storeysAboveGround": [2.0], name: [value]}
    report = check_quality(city_of([gable_house(12, 8, 6, 9)], attributes=values))
    assert [f.rule.code for f in report.findings] == ([code] if code else [])


def test_height_differences_are_told_with_their_sign():
    values = {**SOUND, "measuredHeight": [7.0]}
    report = check_quality(city_of([gable_house(12, 8, 6, 9)], attributes=values))
    assert report.finding("A21").amounts[0] == pytest.approx(-2.0)


def test_o02_the_same_building_twice():
    assert codes(city_of([box(10, 10, 6), box(10, 10, 6)])) == {"O02": 1}
    assert codes(city_of([box(10, 10, 6), box(10, 10, 6, x=10.0)])) == {}


def test_o03_overlap_names_the_smaller_one_and_its_share():
    report = check_quality(city_of([box(20, 20, 6), box(10, 10, 6, x=15.0, y=5.0)]))
    finding = report.finding("O03")
    assert finding.ids == ("b1",)
    assert finding.amounts[0] == pytest.approx(50.0, abs=15.0)
    assert "O03" not in codes(city_of([box(20, 20, 6), box(10, 10, 6, x=19.5, y=5.0)]))


def test_o04_part_without_its_building():
    assert codes(city_of([box(10, 10, 6)], types=["BuildingPart"])) == {"O04": 1}
    assert codes(city_of([[], box(10, 10, 6)], parents=[-1, 0])) == {}


def test_o05_building_without_geometry():
    assert codes(city_of([box(10, 10, 6), []])) == {"O05": 1}


def test_o06_mixed_levels_of_detail():
    city = city_of([box(10, 10, 6, x=30.0 * i) for i in range(4)])
    lod = np.zeros(len(city.face_lod), np.uint8)
    lod[city.face_object == 3] = 1
    report = check_quality(_replaced(city, face_lod=lod, lods=("1", "2")))
    assert report.finding("O06").ids == ("b3",)


def test_what_the_reader_repaired_is_told_with_all_ids():
    nowhere = np.full((30, 3), np.nan)
    fault = Fault("103", tuple(f"b{i}" for i in range(30)), nowhere)
    report = check_quality(houses(30), ImportReport("x", crs="EPSG:25832", vertical_crs="h", faults=(fault,)))
    assert len(report.finding("103").objects) == 30


def test_no_shell_is_judged_that_lost_surfaces_while_reading():
    lost = Fault("101", ("b0",), np.zeros((1, 3)), lost=True)
    report = ImportReport("x", crs="EPSG:25832", vertical_crs="h", faults=(lost,))
    assert codes(city_of([box(10, 10, 6)[:-1]]), report) == {"101": 1}


# -- place -------------------------------------------------------------------------------------------


def test_p01_and_p02_name_what_the_file_does_not():
    city = houses(1)
    assert codes(city, ImportReport("x", crs="EPSG:25832")) == {"P02": 1}
    bare = _replaced(city, frame=type(city.frame)())
    assert codes(bare, ImportReport("x")) == {"P01": 1, "P02": 1}


def test_p03_building_far_from_the_others():
    def row(last):
        return [box(10, 10, 6, x=30.0 * i) for i in range(12)] + [box(10, 10, 6, x=last)]

    assert codes(city_of(row(30_000.0))) == {"P03": 1}
    assert codes(city_of(row(1_500.0))) == {}


def test_p04_and_p05_building_above_and_below_the_terrain():
    ground = plane(-50, -50, 50, 50, z=100.0)

    def at(z):
        return codes(city_of([ground, box(10, 10, 6, z=z)], types=["TINRelief", "Building"]))

    assert at(101.5) == {"P04": 1}
    assert at(100.9) == {}
    assert at(93.5) == {"P05": 1}
    assert at(97.0) == {}


def test_p06_building_of_impossible_size():
    assert codes(city_of([box(10, 10, 1_200)])) == {"P06": 1}
    assert codes(city_of([box(10, 10, 800)])) == {}


# -- the report --------------------------------------------------------------------------------------


def test_every_rule_can_be_told_in_german():
    table = json.loads((assets_folder() / "translations" / "de" / "quality.json").read_text(encoding="utf-8"))
    for path in (assets_folder() / "translations" / "de").glob("*.json"):
        table |= json.loads(path.read_text(encoding="utf-8"))
    texts = {text for rule in RULES.values() for text in (rule.title, rule.advice)} | set(GROUPS.values())
    assert sorted(texts - set(table)) == []


def test_the_report_is_json_with_places_in_the_crs():
    city = city_of([moved(box(10, 10, 6)[:-1], (565_000.0, 5_934_000.0, 20.0))], origin=(565_000, 5_934_000, 20))
    data = json.loads(json.dumps(report_dict(check_quality(city)), allow_nan=False))
    [finding] = [f for f in data["findings"] if f["code"] == "302"]
    assert finding["name"] == "SHELL_NOT_CLOSED"
    x, y, _ = finding["faults"][0]["place"]
    assert 565_000 <= x <= 565_010 and 5_934_000 <= y <= 5_934_010
    assert data["summary"]["objects_with_valid_geometry"] == 0


def test_the_table_has_one_row_for_each_fault():
    report = check_quality(houses(3), ImportReport("x", crs="EPSG:25832"))
    rows = report_rows(report)
    assert len(rows) == 3 * 5 + 1
    assert all(len(row) == len(ROW_NAMES) for row in rows)


def test_blocks_of_faces_find_the_same_as_one(monkeypatch):
    from viewer.city.quality import check

    faces = [moved(box(10, 10, 6), (30.0 * i, 0, 0)) for i in range(20)]
    kind, [ring] = faces[13][2]
    faces[13][2] = (kind, [[ring[0], ring[2], ring[1], ring[3]]])
    city = city_of(faces)
    whole = check_quality(city).finding("104")
    monkeypatch.setattr(check, "_BLOCK_POINTS", 40)
    assert check_quality(city).finding("104").ids == whole.ids == ("b13",)


def test_progress_can_stop_the_check():
    class Stop(Exception):
        pass

    def stop(share, text):
        raise Stop

    with pytest.raises(Stop):
        check_quality(houses(2), on_progress=stop)


def test_codes_belong_to_known_groups():
    assert {rule.group for rule in RULES.values()} == set(GROUPS)
    assert all(rule.name for rule in RULES.values() if rule.group in GEOMETRY_GROUPS)


def _replaced(city, **changes):
    from dataclasses import replace

    return replace(city, **changes)


def _with_triangles(city, triangles):
    return _replaced(city, triangles=triangles, triangle_face=np.zeros(len(triangles), np.int32))
