"""Tiles can be cut out, left out and worked on by themselves, and nothing differs from doing it all at once."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest

from tests.builders import city_of, gable_house, houses
from viewer.city import CityModel, ImportReport, by_tiles
from viewer.city.appearance import Appearance
from viewer.city.arrange import arrange
from viewer.city.cut import cut_tiles, sound_faces, without_damage, without_tiles
from viewer.city.gate import check_city
from viewer.city.lod import faces_at
from viewer.city.measures import Measures, measure
from viewer.city.quality import check_quality
from viewer.city.tiles import LEFT_OUT_TEXT


@pytest.fixture
def city() -> CityModel:
    """Houses in many tiles, every second with a part, with textures."""
    faces = [gable_house(12, 8, 6, 9, origin=(610.0 * (i % 7), 790.0 * (i // 7), float(i))) for i in range(40)]
    parents = [-1 if i % 2 == 0 else i - 1 for i in range(40)]
    attributes = {
        "function": ["1000" if i % 3 else "" for i in range(40)],
        "storeysAboveGround": [float(i % 5) for i in range(40)],
    }
    plain = city_of(faces, parents=parents, attributes=attributes)
    vertices, count = len(plain.positions_local), len(plain.face_surface)
    look = Appearance(
        uv=np.arange(2 * vertices, dtype=np.float32).reshape(-1, 2),
        face_texture=np.arange(count, dtype=np.int32) % 3 - 1,
        face_material=np.full(count, -1, np.int32),
        textures=("a.png", "b.png"),
    )
    arranged = arrange(replace(plain, appearance=look))
    assert len(arranged.tiles) > 5
    return arranged


def broken(city: CityModel, *tiles: int) -> CityModel:
    return replace(city, tiles=replace(city.tiles, verify=lambda tile: "broken" if tile in tiles else ""))


def test_all_tiles_cut_out_are_the_city(city):
    whole = cut_tiles(city, 0, len(city.tiles))
    for name, array in city.arrays().items():
        np.testing.assert_array_equal(whole.arrays()[name], array)
    np.testing.assert_array_equal(whole.appearance.uv, city.appearance.uv)
    np.testing.assert_array_equal(whole.objects.parent, city.objects.parent)


def test_a_cut_has_the_faces_and_objects_of_its_tiles(city):
    for tile in range(len(city.tiles)):
        part = check_city(cut_tiles(city, tile, tile + 1))
        faces = slice(int(city.tiles.face_start[tile]), int(city.tiles.face_start[tile + 1]))
        np.testing.assert_array_equal(part.objects.ids[part.face_object], city.objects.ids[city.face_object[faces]])
        corners = slice(int(city.tiles.triangle_start[tile]), int(city.tiles.triangle_start[tile + 1]))
        np.testing.assert_array_equal(
            part.positions_local[part.triangles], city.positions_local[city.triangles[corners]]
        )
        np.testing.assert_array_equal(part.appearance.face_texture, city.appearance.face_texture[faces])


def test_without_attributes_ids_are_empty_and_faces_the_same(city):
    bare, full = cut_tiles(city, 1, 4, attributes=False), cut_tiles(city, 1, 4)
    assert set(bare.objects.ids.tolist()) == {""} and not bare.objects.attributes
    np.testing.assert_array_equal(bare.face_object, full.face_object)


def test_leaving_out_tiles_keeps_objects_and_all_other_faces(city):
    left = check_city(without_tiles(city, [1, 2, len(city.tiles) - 1]))
    gone = np.repeat(np.isin(np.arange(len(city.tiles)), [1, 2, len(city.tiles) - 1]), np.diff(city.tiles.face_start))
    np.testing.assert_array_equal(left.face_object, city.face_object[~gone])
    assert len(left.objects) == len(city.objects)
    assert len(left.appearance.uv) == len(left.positions_local)
    assert len(without_tiles(city, range(len(city.tiles))).triangles) == 0


def test_only_damaged_tiles_are_lost(city):
    sound, gone = without_damage(broken(city))
    assert gone == 0 and sound.positions_local is city.positions_local and sound.tiles.verify is None
    left, gone = without_damage(broken(city, 3))
    assert gone == int(np.diff(city.tiles.feature_start)[3]) and left.tiles is None
    assert len(left.face_surface) == len(city.face_surface) - int(np.diff(city.tiles.face_start)[3])


@pytest.mark.parametrize("at_once", [1, 50, 300])
def test_measures_and_faces_by_tiles_are_those_of_the_whole(city, monkeypatch, at_once):
    monkeypatch.setattr(by_tiles, "TRIANGLES_AT_ONCE", at_once)
    faces = by_tiles.faces_by_tiles(city, "2")
    np.testing.assert_array_equal(faces, faces_at(city, "2"))
    one, other = by_tiles.measure_by_tiles(city, faces), measure(city, faces)
    for item in fields(Measures):
        np.testing.assert_array_equal(getattr(one, item.name), getattr(other, item.name), err_msg=item.name)


def test_shared_work_makes_the_same_measures(city, monkeypatch):
    monkeypatch.setattr(by_tiles, "TRIANGLES_AT_ONCE", 50)
    monkeypatch.setattr(by_tiles, "TRIANGLES_EACH", 60)
    monkeypatch.setattr(by_tiles, "WORTH_SHARING", 0)
    asked: list[int] = []

    def each(work, items, /):
        for cut, faces in items:
            asked.append(len(faces))
            yield work((cut, faces))

    faces = by_tiles.faces_by_tiles(city, "2")
    one, other = by_tiles.measure_by_tiles(city, faces, each), measure(city, faces)
    assert len(asked) > 3 and sum(asked) == len(faces)
    for item in fields(Measures):
        np.testing.assert_array_equal(getattr(one, item.name), getattr(other, item.name), err_msg=item.name)


def test_batches_are_all_tiles_in_turn():
    tiles = arrange(houses(400, spacing=400.0)).tiles
    for most in (1, 100, 10**9):
        runs = list(by_tiles.batches(tiles, most))
        assert runs[0][0] == 0 and runs[-1][1] == len(tiles)
        assert all(a[1] == b[0] for a, b in pairwise(runs))
        sizes = [int(tiles.triangle_start[b] - tiles.triangle_start[a]) for a, b in runs]
        assert all(size <= most or b - a == 1 for size, (a, b) in zip(sizes, runs, strict=True))


def test_faces_of_what_is_left_are_the_same_faces(city):
    faces = city.face_object % 3 == 0
    same, own = sound_faces(city, faces)
    assert same is city and own is faces
    left, own = sound_faces(broken(city, 2, 4), faces)
    assert len(own) == len(left.face_surface) < len(faces)
    np.testing.assert_array_equal(own, left.face_object % 3 == 0)


def test_a_damaged_city_is_checked_without_its_damaged_parts_and_says_so(city):
    told = check_quality(broken(city, 2), ImportReport("x"))
    gone = int(np.diff(city.tiles.feature_start)[2])
    assert [(issue.text, issue.count) for issue in told.messages] == [(LEFT_OUT_TEXT, gone)]
    assert told.faces == len(city.face_surface) - int(np.diff(city.tiles.face_start)[2])
