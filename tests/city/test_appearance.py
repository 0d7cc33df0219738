"""Textures and materials go with their faces, whatever is done to a city."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.city.appearance import Appearance, join, nothing


def _three_faces() -> Appearance:
    uv = np.arange(24, dtype=np.float32).reshape(12, 2)
    return Appearance(
        uv,
        np.array([0, -1, 1], np.int32),
        np.array([-1, 0, -1], np.int32),
        ("/a/one.png", "/a/two.png"),
        np.array([[1, 2, 3, 255]], np.uint8),
        "summer",
    )


def test_a_choice_of_faces_keeps_their_textures() -> None:
    taken = _three_faces().take(np.arange(8, 12), np.array([2]))
    assert taken.face_texture.tolist() == [1]
    assert taken.uv[0].tolist() == [16.0, 17.0]
    assert taken.textures == ("/a/one.png", "/a/two.png")


def test_joined_cities_share_pictures_and_keep_their_own_materials() -> None:
    one, other = _three_faces(), _three_faces()
    joined = join([one, None, other], [(12, 3), (4, 1), (12, 3)])
    assert joined is not None
    assert joined.textures == ("/a/one.png", "/a/two.png")
    assert joined.face_texture.tolist() == [0, -1, 1, -1, 0, -1, 1]
    assert joined.face_material.tolist() == [-1, 0, -1, -1, -1, 1, -1]
    assert np.isnan(joined.uv[12:16]).all()
    assert joined.fault(28, 7) == ""


def test_cities_without_appearance_stay_without() -> None:
    assert join([None, None], [(3, 1), (3, 1)]) is None


def test_a_face_with_a_vertex_without_coordinates_loses_its_texture_only() -> None:
    whole = _three_faces()
    uv = whole.uv.copy()
    uv[9] = np.nan
    clean, lost = Appearance(uv, whole.face_texture, whole.face_material, whole.textures, whole.materials).without_gaps(
        np.array([0, 4, 8, 12])
    )
    assert lost == 1
    assert clean.face_texture.tolist() == [0, -1, -1]
    assert clean.face_material.tolist() == [-1, 0, -1]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("uv", np.zeros((3, 2), np.float32), "uv"),
        ("face_texture", np.array([0, 2, 0], np.int32), "face_texture"),
        ("face_material", np.array([0, -2, 0], np.int32), "face_material"),
        ("materials", np.zeros((1, 3), np.uint8), "materials"),
    ],
)
def test_a_contradiction_is_named(field: str, value: np.ndarray, said: str) -> None:
    good = _three_faces()
    given = {name: getattr(good, name) for name in ("uv", "face_texture", "face_material", "textures", "materials")}
    assert Appearance(**{**given, field: value}).fault(12, 3) == said


def test_nothing_is_empty() -> None:
    assert nothing(4, 2).empty
    assert not _three_faces().empty
