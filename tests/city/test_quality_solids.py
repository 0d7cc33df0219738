"""Hollows of solids and the solids of a CompositeSolid: one fault each, and none at its boundary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of, gable_house, moved
from viewer.city import CityModel, SurfaceType
from viewer.city.quality import check_quality
from viewer.city.quality.solids import _Mesh, _winding
from viewer.city.solids import arranged, joined, shell_code, told

WALL = SurfaceType.WALL


def turned(faces: list) -> list:
    return [(kind, [ring[::-1] for ring in rings]) for kind, rings in faces]


def hollow(length=2.0, width=2.0, height=2.0, *, x=4.0, y=4.0, z=2.0) -> list:
    return turned(box(length, width, height, x=x, y=y, z=z))


def solids(*own: list[list], composite: bool = False, around: int = 0) -> CityModel:
    """A building of solids, each a list of shells, between ``around`` houses on either side."""
    houses = [gable_house(12, 8, 6, 9, origin=(100.0 + 30 * i, 0.0, 0.0)) for i in range(2 * around)]
    faces = [face for shells in own for shell in shells for face in shell]
    city = city_of([*houses[:around], faces, *houses[around:]])
    codes = [
        shell_code(number, place, composite=composite)
        for number, shells in enumerate(own, start=1)
        for place, shell in enumerate(shells)
        for _ in shell
    ]
    face_shell = np.zeros(len(city.face_object), np.int32)
    face_shell[city.face_object == around] = codes
    return replace(city, face_shell=face_shell)


def codes(city: CityModel) -> dict[str, int]:
    found = check_quality(city).findings
    return {f.rule.code: f.count for f in found if f.rule.code < "9"}


def solid(*hollows: list, outer: list | None = None) -> dict[str, int]:
    return codes(solids([outer or box(10, 10, 6), *hollows]))


def composite(*own: list) -> dict[str, int]:
    return codes(solids(*([faces] for faces in own), composite=True))


# -- one solid ---------------------------------------------------------------------------------------


def test_a_hollow_inside_is_no_fault():
    assert solid(hollow()) == {}
    assert solid(hollow(x=1.0), hollow(x=6.0)) == {}


def test_the_finding_names_the_building_and_the_place():
    report = check_quality(solids([box(10, 10, 6), hollow(x=30.0)], around=2))
    finding = report.finding("403")
    assert finding.ids == ("b2",)
    np.testing.assert_allclose(finding.places_local[0], (31, 5, 3), atol=0.01)
    assert (report.sound_objects, report.shaped_objects) == (4, 5)


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(hollow(x=9.0), id="through a wall"),
        pytest.param(hollow(x=8.0), id="shares part of a wall"),
        pytest.param(hollow(10, 10, 6, x=0.0, y=0.0, z=1.0), id="through the roof along the walls"),
        pytest.param(hollow(x=10.0), id="shares a wall from outside"),
        pytest.param(hollow(20, 20, 20, x=-5.0, y=-5.0, z=-5.0), id="around the solid"),
    ],
)
def test_401_hollow_that_meets_the_outer_shell(inner):
    assert solid(inner) == {"401": 1}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(hollow(x=3.0, y=3.0), id="crossing"),
        pytest.param(hollow(x=2.0), id="common side"),
        pytest.param(hollow(1, 1, 1, x=4.5, y=4.5, z=2.5), id="nested"),
    ],
)
def test_401_hollows_that_meet(other):
    assert solid(hollow(), other) == {"401": 1}


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(hollow(x=7.98), id="2 cm off the wall"),
        pytest.param(turned(moved([
            (WALL, [[(0, 0, 0), (0, 2, 0), (2, 1, 0)]]), (WALL, [[(0, 0, 0), (2, 1, 0), (0, 1, 2)]]),
            (WALL, [[(0, 2, 0), (0, 1, 2), (2, 1, 0)]]), (WALL, [[(0, 0, 0), (0, 1, 2), (0, 2, 0)]]),
        ], (2.0, 2.0, 2.0))), id="a tetrahedron"),
        pytest.param(turned(moved([
            (WALL, [[(0, 0, 0), (1, 2, 0), (2, 0, 0)]]), (WALL, [[(0, 0, 0), (2, 0, 0), (1, 1, 4)]]),
            (WALL, [[(2, 0, 0), (1, 2, 0), (1, 1, 4)]]), (WALL, [[(1, 2, 0), (0, 0, 0), (1, 1, 4)]]),
        ], (2.0, 2.0, 2.0))), id="touching the roof with its tip"),
    ],
)  # fmt: skip
def test_401_ends_where_shells_only_touch(inner):
    assert solid(inner) == {}


def test_402_hollow_that_stands_twice():
    assert solid(hollow(), hollow()) == {"402": 1}
    assert solid(turned(box(10, 10, 6))) == {"402": 1}
    assert solid(hollow(x=1.0), hollow(x=3.01)) == {}


def test_403_hollow_outside():
    assert solid(hollow(x=10.5)) == {"403": 1}
    assert solid(hollow(), hollow(x=30.0)) == {"403": 1}
    # beside the arm of an L, and yet inside the box around it
    ring = [(0, 0), (10, 0), (10, 4), (4, 4), (4, 10), (0, 10)]
    sides = [(WALL, [[(*a, 0), (*b, 0), (*b, 6), (*a, 6)]]) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
    caps = [(WALL, [[(*p, 0) for p in ring[::-1]]]), (WALL, [[(*p, 6) for p in ring]])]
    assert solid(hollow(x=6.0, y=6.0), outer=sides + caps) == {"403": 1}
    assert solid(hollow(x=6.0, y=1.0), outer=sides + caps) == {}


def split_box() -> list:
    """A box of 10 x 10 x 6 m whose walls are divided at half their height."""
    rim = [(0, 0), (10, 0), (10, 10), (0, 10)]
    walls = [
        (WALL, [[(*a, low), (*b, low), (*b, low + 3), (*a, low + 3)]])
        for low in (0, 3)
        for a, b in zip(rim, rim[1:] + rim[:1], strict=True)
    ]
    return [*walls, (WALL, [[(*p, 0) for p in rim[::-1]]]), (WALL, [[(*p, 6) for p in rim]])]


def lens(rim: list) -> list:
    """A hollow with two tips and an edge all around."""
    faces = []
    for a, b in zip(rim, rim[1:] + rim[:1], strict=True):
        faces += [(WALL, [[a, b, (5, 5, 4.5)]]), (WALL, [[b, a, (5, 5, 1.5)]])]
    return turned(faces)


def test_404_hollow_that_cuts_its_solid_in_two():
    rim = [(0, 0, 3), (10, 0, 3), (10, 10, 3), (0, 10, 3)]
    assert solid(lens(rim), outer=split_box()) == {"404": 1}
    assert solid(lens([(1, 1, 3), (9, 1, 3), (9, 9, 3), (1, 9, 3)]), outer=split_box()) == {}
    # touching along one wall or three leaves a way around
    assert solid(lens([(0, 0, 3), (10, 0, 3), (9, 9, 3), (1, 9, 3)]), outer=split_box()) == {}
    assert solid(lens([(0, 0, 3), (10, 0, 3), (10, 10, 3), (1, 9, 3)]), outer=split_box()) == {}


def test_405_hollow_that_looks_like_an_outer_shell():
    assert solid(turned(hollow())) == {"405": 1}


def test_a_shell_with_a_fault_of_its_own_leaves_its_solid_unjudged():
    assert solid(hollow(x=9.0)[:-1]) == {"302": 1}
    bow = hollow(x=9.0)
    kind, [ring] = bow[0]
    bow[0] = (kind, [[ring[0], ring[2], ring[1], ring[3]]])
    assert solid(bow) == {"104": 1}


# -- several solids ----------------------------------------------------------------------------------


def test_solids_are_judged_one_by_one():
    two = ([box(10, 10, 6)], [box(10, 10, 6, x=10.0)])
    assert codes(solids(*two)) == {}
    assert codes(solids(*two, composite=True)) == {}
    assert codes(solids(two[0], [box(10, 10, 6, x=20.0)[:-1]])) == {"302": 1}


def test_solids_of_a_multi_solid_may_do_what_they_like():
    assert codes(solids([box(10, 10, 6)], [box(10, 10, 6)])) == {}
    assert codes(solids([box(10, 10, 6)], [box(10, 10, 6, x=5.0)])) == {}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(box(10, 10, 20, x=5.0, y=5.0, z=-7.0), id="crossing"),
        pytest.param(box(10, 10, 6, x=5.0), id="along its length"),
        pytest.param(box(2, 2, 2, x=4.0, y=4.0, z=2.0), id="inside"),
        pytest.param(box(2, 2, 6, x=4.0, y=4.0), id="from floor to roof"),
    ],
)
def test_501_solids_that_overlap(other):
    assert composite(box(10, 10, 6), other) == {"501": 1}


def test_501_thin_bars_that_cross_are_seen_at_their_edges():
    assert composite(box(200, 0.1, 0.1, y=50.0), box(0.1, 100, 0.1, x=7.0, z=0.05)) == {"501": 1}


def test_places_upon_a_surface_are_neither_in_nor_out():
    cube = np.concatenate([np.array(ring, float)[[[0, 1, 2], [0, 2, 3]]] for _, [ring] in box(2, 2, 2)])
    assert abs(_winding(np.array([0.3, 1.2, 1.7]), cube)) == pytest.approx(1)
    assert abs(_winding(np.array([0.3, 1.2, 2.7]), cube)) == pytest.approx(0, abs=1e-9)
    for x, y, z in ((0.3, 1.2, 2.0), (1.0, 1.0, 2.0), (1.0, 2.0, 2.0), (2.0, 2.0, 2.0)):
        assert np.isnan(_winding(np.array([x, y, z]), cube))


def test_501_ends_in_a_hollow():
    """What fills the hollow of another solid touches it all around."""
    assert codes(solids([box(10, 10, 6), hollow()], [box(2, 2, 2, x=4.0, y=4.0, z=2.0)], composite=True)) == {}


def test_502_solid_that_stands_twice():
    assert composite(box(10, 10, 6), box(10, 10, 6)) == {"502": 1}


def test_503_solids_that_do_not_hang_together():
    assert composite(box(10, 10, 6), box(10, 10, 6, x=20.0)) == {"503": 1}
    assert composite(box(10, 10, 6), box(10, 10, 6, x=10.0, y=10.0)) == {"503": 1}  # a common edge only
    assert composite(box(10, 10, 6), box(10, 10, 6, x=10.0, y=5.0)) == {}
    assert composite(box(10, 10, 6), box(5, 10, 6, x=15.0), box(5, 10, 6, x=10.0)) == {}


def test_many_stacked_solids_are_compared_with_their_neighbours_only(monkeypatch):
    asked = []
    real = _Mesh.shared_place
    monkeypatch.setattr(_Mesh, "shared_place", lambda one, other: asked.append(1) or real(one, other))
    monkeypatch.setattr(_Mesh, "lies_in", lambda one, other: pytest.fail("boxes that only touch are in nothing"))
    stack = [box(2, 2, 2, x=2.0 * (i % 8), y=2.0 * (i // 8)) for i in range(64)]
    assert composite(*stack) == {}
    assert len(asked) < 3 * 64
    assert composite(*stack[:20], *stack[40:]) == {"503": 24}


def test_surfaces_beside_a_solid_are_not_part_of_it():
    city = solids([[(WALL, [[(10, 0, 4), (12, 0, 4), (12, 0, 2), (10, 0, 2)]])]], [box(10, 10, 6), hollow()])
    assert codes(replace(city, face_shell=np.where(city.face_shell >> 12 == 1, 0, city.face_shell))) == {}


def test_solids_of_every_kind_of_object_are_judged():
    city = solids([box(10, 10, 6), hollow(x=30.0)])
    generic = replace(city, objects=replace(city.objects, types=("GenericCityObject",)))
    assert codes(generic) == {"403": 1}


def test_enormous_solids_are_not_searched(monkeypatch):
    monkeypatch.setattr("viewer.city.quality.solids.MAX_TRIANGLES", 20)
    assert solid(hollow(x=30.0)) == {}


# -- the numbers -------------------------------------------------------------------------------------


def test_numbers_tell_how_faces_are_arranged():
    codes = np.array([shell_code(1, 0)] * 6 + [shell_code(1, 1)] * 4 + [shell_code(2, 0)] * 5, np.int32)
    assert arranged(codes) == [[6, 4], [5]]
    assert arranged(codes[6:]) == []  # an outer shell is missing
    assert arranged(np.append(codes, 0).astype(np.int32)) == []
    assert arranged(np.zeros(6, np.int32)) == [] and told(np.zeros(6, np.int32)) is None
    assert joined([None, None], [3, 2]) is None
    assert joined([None, codes[:1]], [2, 1]).tolist() == [0, 0, shell_code(1, 0)]


def test_more_shells_than_can_be_counted_are_the_last_one():
    assert shell_code(1, 10_000) == shell_code(1, 4095)
    assert shell_code(10**9, 0, composite=True) < 2**31
