"""Parts of one building that overlap are told once each; those that touch, or belong to others, are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of, gable_house
from viewer.city import SurfaceType
from viewer.city.quality import check_quality
from viewer.city.quality.parts import _shared


def parts(*bodies, parents=None) -> dict[str, int]:
    """What is told of a building of several parts, without the attributes."""
    return codes(building(*bodies, parents=parents))


def building(*bodies, parents=None):
    return city_of([[], *bodies], parents=[-1, *[0] * len(bodies)] if parents is None else parents)


def codes(city) -> dict[str, int]:
    return {f.rule.code: f.count for f in check_quality(city).findings if f.rule.group != "attribute"}


def turned(faces, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [(k, [[(c * x - s * y, s * x + c * y, z) for x, y, z in ring] for ring in rings]) for k, rings in faces]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(box(10, 10, 6, x=5.0), id="half"),
        pytest.param(box(2, 2, 2, x=4.0, y=4.0, z=2.0), id="inside"),
        pytest.param(box(4, 4, 20, x=3.0, y=3.0, z=3.0), id="a tower that begins in it"),
        pytest.param(gable_house(12, 8, 6, 9, origin=(9.0, 1.0, 0.0)), id="a house by a metre"),
        pytest.param(box(10, 10, 6), id="the same"),
    ],
)
def test_601_parts_that_overlap(other):
    assert parts(box(10, 10, 6), other) == {"601": 1}
    assert parts(turned(box(10, 10, 6), 33), turned(other, 33)) == {"601": 1}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(box(10, 10, 6, x=10.0), id="a common wall"),
        pytest.param(box(10, 10, 6, z=6.0), id="on its roof"),
        pytest.param(box(10, 10, 6, x=9.95), id="a sliver"),
        pytest.param(box(10, 10, 6, z=5.95), id="a sliver of height"),
        pytest.param(box(10, 10, 6, x=30.0), id="apart"),
        pytest.param(gable_house(10, 10, 3, 5, origin=(0.0, 0.0, 6.0)), id="a roof upon it"),
    ],
)
def test_601_ends_where_parts_only_touch(other):
    assert parts(box(10, 10, 6), other) == {}
    assert parts(turned(box(10, 10, 6), 33), turned(other, 33)) == {}


def test_the_smaller_part_is_named_with_place_and_common_height():
    report = check_quality(building(box(10, 10, 6), box(4, 10, 3, x=8.0, z=2.0)))
    finding = report.finding("601")
    assert finding.ids == ("b2",)
    assert finding.amounts[0] == pytest.approx(3.0)
    x, y, z = finding.places_local[0]
    assert 8 < x < 10 and 0 < y < 10 and z == pytest.approx(3.5)
    assert report.geometry_is_valid


def test_parts_of_other_buildings_are_not_compared_here():
    city = city_of([[], box(10, 10, 6), [], box(10, 10, 6, x=5.0)], parents=[-1, 0, -1, 2])
    assert set(codes(city)) == {"O03"}


def test_a_building_and_its_part_are_compared_at_one_level_of_detail():
    city = city_of([box(10, 10, 6), box(4, 4, 4, x=3.0, y=3.0, z=1.0)], parents=[-1, 0])
    assert codes(city) == {"601": 1}
    lods = replace(city, face_lod=city.face_object.astype(np.uint8), lods=("1", "2"))
    assert "601" not in codes(lods)


def test_only_sound_bodies_are_compared():
    assert parts(box(10, 10, 6), box(10, 10, 6, x=5.0)[:-1]) == {"302": 1}
    rim = [(0, 0, 6), (10, 0, 6), (10, 10, 6), (0, 10, 6)]
    funnel = [face for face in box(10, 10, 6) if face[0] is not SurfaceType.ROOF]
    funnel += [(SurfaceType.ROOF, [[rim[k], rim[(k + 1) % 4], (5, 5, -2)]]) for k in range(4)]
    assert parts(funnel, box(10, 10, 6, x=5.0)) == {"306": 1}


def test_a_line_that_meets_an_edge_spoils_no_other():
    through_an_edge = np.array([0, 1, 1]), np.array([1.0, 0.0, 4.0]), np.array([1, 1, -1])
    other = np.array([0, 0, 1, 1]), np.array([0.0, 6.0, 3.0, 9.0]), np.array([1, -1, 1, -1])
    heights, middle = _shared([through_an_edge, other], 2)
    assert heights.tolist() == [0.0, 1.0]
    assert middle[1] == 3.5


def test_a_court_is_no_overlap():
    """A body around another one, seen from above in one place."""
    ring = [(0, 0), (10, 0), (10, 10), (0, 10)]
    court = [(3, 3), (7, 3), (7, 7), (3, 7)]
    wall = SurfaceType.WALL
    faces = [(wall, [[(*a, 0), (*b, 0), (*b, 6), (*a, 6)]]) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
    faces += [(wall, [[(*b, 0), (*a, 0), (*a, 6), (*b, 6)]]) for a, b in zip(court, court[1:] + court[:1], strict=True)]
    for k in range(4):
        a, b, c, d = ring[k], ring[(k + 1) % 4], court[(k + 1) % 4], court[k]
        faces.append((wall, [[(*a, 6), (*b, 6), (*c, 6), (*d, 6)]]))
        faces.append((wall, [[(*d, 0), (*c, 0), (*b, 0), (*a, 0)]]))
    assert parts(faces, box(4, 4, 9, x=3.0, y=3.0)) == {}
    assert parts(faces, box(4, 5, 9, x=3.0, y=3.0)) == {"601": 1}


def test_many_parts_are_compared_in_pieces(monkeypatch):
    bodies = [box(10, 10, 6, x=9.0 * i) for i in range(12)]
    whole = check_quality(building(*bodies)).finding("601")
    assert len(whole.ids) == 11
    monkeypatch.setattr("viewer.city.quality.parts._BLOCK", 1)
    again = check_quality(building(*bodies)).finding("601")
    assert again.ids == whole.ids and np.array_equal(again.places_local, whole.places_local)
