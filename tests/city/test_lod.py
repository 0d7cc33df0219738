"""Which faces are drawn: never two levels of detail over each other, never less than everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.city import CityModel, Frame, ObjectTable, SurfaceType
from viewer.city.lod import faces_at, lods_of

WALL = SurfaceType.WALL


def city(objects: list[tuple[str, int]], faces: list[tuple[int, str]], surfaces: list[int] | None = None) -> CityModel:
    """A city of (type, parent) objects and (object, level) faces, each face one triangle."""
    types = tuple(dict.fromkeys(kind for kind, _ in objects))
    lods = tuple(dict.fromkeys(lod for _, lod in faces)) or ("",)
    n = len(faces)
    return CityModel(
        name="test",
        frame=Frame(),
        positions_local=np.tile(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32), (n, 1)),
        ring_start=np.arange(0, 3 * n + 1, 3, dtype=np.int32),
        face_ring_start=np.arange(n + 1, dtype=np.int32),
        face_surface=np.array(surfaces or [WALL] * n, dtype=np.uint8),
        face_object=np.array([owner for owner, _ in faces], dtype=np.int32),
        face_lod=np.array([lods.index(lod) for _, lod in faces], dtype=np.uint8),
        triangles=np.arange(3 * n, dtype=np.int32).reshape(-1, 3),
        triangle_face=np.arange(n, dtype=np.int32),
        objects=ObjectTable(
            ids=np.array([f"o{i}" for i in range(len(objects))], dtype=np.dtypes.StringDType()),
            types=types,
            type_code=np.array([types.index(kind) for kind, _ in objects], dtype=np.uint16),
            parent=np.array([parent for _, parent in objects], dtype=np.int32),
        ),
        lods=lods,
    )


def drawn(model: CityModel, lod: str = "") -> list[int]:
    return np.flatnonzero(faces_at(model, lod)).tolist()


def test_the_highest_level_of_one_building_is_drawn_alone() -> None:
    model = city([("Building", -1)], [(0, "1"), (0, "2"), (0, "2"), (0, "0")])
    assert drawn(model) == [1, 2]


def test_a_chosen_level_shows_the_highest_one_not_above_it() -> None:
    model = city([("Building", -1)], [(0, "1.2"), (0, "1.3"), (0, "2.2")])
    assert drawn(model, "1.3") == [1]
    assert drawn(model, "2") == [1]
    assert drawn(model, "3") == [2]


def test_an_object_without_any_level_so_low_shows_its_lowest() -> None:
    model = city([("Building", -1), ("Building", -1)], [(0, "1"), (1, "2"), (1, "3")])
    assert drawn(model, "1") == [0, 1]


def test_levels_are_ordered_as_numbers_whatever_their_place_in_the_list() -> None:
    model = city([("Building", -1)], [(0, "2.2"), (0, "1.3"), (0, "10")])
    assert drawn(model) == [2]
    assert lods_of(model) == ("1.3", "2.2", "10")


def test_the_footprint_of_a_building_gives_way_to_its_parts() -> None:
    """3DBAG: the building has a footprint of level 0, its part three block models."""
    model = city([("Building", -1), ("BuildingPart", 0)], [(0, "0"), (1, "1.2"), (1, "1.3"), (1, "2.2")])
    assert drawn(model) == [3]
    assert drawn(model, "1.2") == [1]


def test_level_zero_of_a_building_with_parts_shows_the_footprint_only() -> None:
    model = city([("Building", -1), ("BuildingPart", 0)], [(0, "0"), (1, "1.2"), (1, "2.2")])
    assert drawn(model, "0") == [0]


def test_a_part_without_the_level_stays_where_nothing_else_shows_its_volume() -> None:
    model = city([("Building", -1), ("BuildingPart", 0), ("BuildingPart", 0)], [(1, "1"), (1, "2"), (2, "2")])
    assert drawn(model, "1") == [0, 2]


def test_parts_of_different_levels_stand_side_by_side() -> None:
    model = city([("Building", -1), ("BuildingPart", 0), ("BuildingPart", 0)], [(1, "1"), (2, "2")])
    assert drawn(model) == [0, 1]


def test_an_installation_does_not_hide_its_building() -> None:
    model = city([("Building", -1), ("BuildingInstallation", 0)], [(0, "2"), (1, "3")])
    assert drawn(model) == [0, 1]


def test_a_part_below_a_part_hides_the_building_above() -> None:
    model = city([("Building", -1), ("BuildingPart", 0), ("BuildingPart", 1)], [(0, "1"), (2, "2")])
    assert drawn(model) == [1]


def test_a_part_stored_before_its_building_hides_it_all_the_same() -> None:
    model = city([("BuildingPart", 1), ("Building", -1)], [(0, "2"), (1, "1")])
    assert drawn(model) == [0]


def test_closing_and_interior_surfaces_are_never_drawn() -> None:
    surfaces = [WALL, SurfaceType.CLOSURE, SurfaceType.INTERIOR]
    model = city([("Building", -1)], [(0, "2"), (0, "2"), (0, "4")], surfaces)
    assert drawn(model) == [0]
    assert lods_of(model) == ("2",)


def test_rooms_are_hidden_inside_a_building_that_has_an_outside() -> None:
    model = city([("Building", -1), ("BuildingRoom", 0)], [(0, "2"), (1, "4")])
    assert drawn(model) == [0]


def test_a_building_of_rooms_alone_is_not_blank() -> None:
    model = city([("Building", -1), ("BuildingRoom", 0)], [(1, "4")])
    assert drawn(model) == [0]


def test_a_city_without_faces_or_objects_draws_nothing() -> None:
    assert drawn(city([], [])) == []
    assert drawn(city([("Building", -1)], [])) == []
    assert lods_of(city([], [])) == ()


def test_the_answer_cannot_be_changed_by_a_caller() -> None:
    shown = faces_at(city([("Building", -1)], [(0, "1")]))
    with pytest.raises(ValueError, match="read-only"):
        shown[0] = False


LEVELS = st.sampled_from(["", "0", "1", "1.2", "2", "2.2", "3"])


@given(
    st.lists(st.tuples(st.sampled_from(["Building", "BuildingPart", "BuildingInstallation"]), st.integers(-1, 7)),
             min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), LEVELS), max_size=20),
    LEVELS,
)  # fmt: skip
def test_no_object_shows_two_levels_and_no_feature_with_faces_is_blank(
    objects: list[tuple[str, int]], faces: list[tuple[int, str]], choice: str
) -> None:
    objects = [(kind, parent if parent < len(objects) else -1) for kind, parent in objects]
    faces = [(owner % len(objects), lod) for owner, lod in faces]
    model = city(objects, faces)
    shown = faces_at(model, choice)
    levels: dict[int, set[int]] = {}
    for owner, level in zip(model.face_object[shown].tolist(), model.face_lod[shown].tolist(), strict=True):
        levels.setdefault(owner, set()).add(level)
    assert all(len(own) == 1 for own in levels.values())
    if all(parent < i for i, (_, parent) in enumerate(objects)):  # no ring of parents
        assert set(model.face_feature.tolist()) == set(model.face_feature[shown].tolist())
