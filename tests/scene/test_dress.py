"""From afar a city wears the colours that its pictures and materials have close by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of
from viewer.city import CityModel
from viewer.city.appearance import Appearance
from viewer.city.measures import measure
from viewer.scene.city_mesh import CityArrays
from viewer.scene.coarse import Blocks, Masses
from viewer.scene.dress import SIDE, TOP, Dress
from viewer.scene.levels import BLOCKS, LevelTree
from viewer.scene.palettes import LIGHT
from viewer.scene.rows import Rows
from viewer.scene.tile_jobs import Jobs, Made

RED, BLUE = (255, 0, 0, 255), (0, 0, 255, 255)


@pytest.fixture
def houses() -> CityModel:
    """Two houses with red roofs and blue walls, and one that wears nothing."""
    city = city_of([box(10, 10, 10), box(10, 10, 20, x=30), box(10, 10, 10, x=60)])
    arrays = CityArrays.of(city, None, measure(city, None))
    up = arrays.faces(0).normals[:, 2]
    material = np.where(up > 0.5, 0, np.where(np.abs(up) < 0.5, 1, -1)).astype(np.int32)
    material[city.face_feature == 2] = -1
    none = np.full(len(material), -1, np.int32)
    uv = np.full((len(city.positions_local), 2), np.nan, np.float32)
    return replace(city, appearance=Appearance(uv, none, material, (), np.array([RED, BLUE], np.uint8)))


def test_an_object_takes_the_colours_of_its_roofs_and_walls(houses):
    colors = Dress(houses, None, LIGHT).of_objects
    assert colors[:2, TOP].tolist() == [[1, 0, 0]] * 2
    assert colors[:2, SIDE].tolist() == [[0, 0, 1]] * 2
    assert np.isnan(colors[2]).all()


def test_large_faces_count_more_than_small_ones(houses):
    look = houses.appearance
    walls = np.flatnonzero((houses.face_feature == 0) & (look.face_material == 1))
    material = look.face_material.copy()
    material[walls[:1]] = 0
    mixed = replace(houses, appearance=replace(look, face_material=material))
    red, green, blue = Dress(mixed, None, LIGHT).of_objects[0, SIDE].tolist()
    assert (red, green, blue) == pytest.approx((0.25, 0.0, 0.75), abs=1e-6)


def test_a_mass_takes_the_mean_of_its_members_that_wear_something(houses):
    none = Blocks(np.zeros((3, 8), np.float32), np.zeros(3, np.uint8), np.zeros(3, np.uint8), np.zeros(3, np.float32))
    masses = Masses(np.array([0, 3]), np.array([0, 1, 2], np.int32), np.array([1, 3, 3], np.int32),
                    np.array([2, 0, 1], np.int32), none)  # fmt: skip
    colors = Dress(houses, None, LIGHT).of_masses(masses, 0, 3)
    assert np.isnan(colors[0]).all()
    assert colors[1:, TOP].tolist() == [[1, 0, 0]] * 2


def test_the_block_of_a_house_wears_what_the_house_does(houses):
    arrays = CityArrays.of(houses, None, measure(houses, None))
    tree, rows = LevelTree.of(arrays), Rows(arrays)
    block = int(np.flatnonzero(tree.kind == BLOCKS)[0])
    made = Jobs(arrays, tree, rows, Dress(houses, None, LIGHT)).job(("node", block))()
    assert isinstance(made, Made) and made.colors is not None
    of_house = made.colors.reshape(-1, 8, 3)
    assert (of_house[:2, 4:] == (255, 0, 0)).all() and (of_house[:2, :4] == (0, 0, 255)).all()
    assert len(np.unique(of_house[2], axis=0)) == 2, "the third one keeps the colours of the theme"
    plain = Jobs(arrays, tree, rows).job(("node", block))()
    assert isinstance(plain, Made) and plain.colors is None
