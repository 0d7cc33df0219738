from __future__ import annotations

import numpy as np
import pytest

from tests.builders import box, city_of
from viewer.city.gate import check_city
from viewer.city.subset import take_features


def town():
    """A part that stands before its building, a house and a shed; two levels of attributes."""
    return city_of(
        [box(4, 4, 3), box(10, 10, 6, x=20.0), box(2, 2, 2, x=40.0), []], parents=[3, -1, -1, -1],
        types=["BuildingPart", "Building", "CityFurniture", "Building"],
        attributes={"name": ["Teil", "Haus", "Schuppen", "Turm"], "year": [1.0, 2.0, 3.0, 4.0]},
    )  # fmt: skip


def test_everything_is_the_city_itself():
    city = town()
    assert take_features(city, np.ones(3, bool)) is city


def test_parts_come_with_their_building_and_keep_their_parent():
    part = take_features(town(), np.array([False, False, True]))
    assert part.objects.ids.tolist() == ["b0", "b3"]
    assert part.objects.parent.tolist() == [1, -1]
    assert part.objects.attributes["name"].values.tolist() == ["Teil", "Turm"]
    assert part.objects.attributes["year"].values.tolist() == [1, 4]
    assert len(part.face_surface) == 6
    assert part.face_object.tolist() == [0] * 6
    check_city(part)


@pytest.mark.parametrize("keep", [[True, False, False], [False, True, False], [True, True, False], [False] * 3])
def test_faces_and_triangles_are_those_of_what_was_kept(keep):
    city = town()
    mask = np.array(keep)
    part = take_features(city, mask)
    faces = mask[city.face_feature]
    assert len(part.face_surface) == faces.sum()
    corners = city.positions_local[np.repeat(faces, np.diff(city.face_start))]
    np.testing.assert_array_equal(part.positions_local, corners)
    kept = city.positions_local[city.triangles[faces[city.triangle_face]]]
    np.testing.assert_array_equal(part.positions_local[part.triangles], kept)
    assert part.objects.count_by_type().keys() <= city.objects.count_by_type().keys()
    check_city(part)
