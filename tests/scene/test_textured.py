"""Pictures on faces as they are seen: the right way up, under light, tint and green roofs, and off when wanted."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.builders import box, city_of
from viewer.city import CityModel
from viewer.city.appearance import Appearance
from viewer.city.measures import measure
from viewer.scene.camera import Pose
from viewer.scene.city_mesh import CityArrays
from viewer.scene.state import Colouring
from viewer.scene.tile_mesh import edge_mesh

#: In front of the south side of a box of 20 m, looking north; and above its roof.
SOUTH = Pose((10.0, 0.0, 10.0), 40.0, 0.0, 0.0)
ABOVE = Pose((10.0, 10.0, 20.0), 40.0, 0.0, 89.9)


def quarters(path: Path, side: int = 64) -> str:
    """Red lower left, green lower right, blue upper left, yellow upper right."""
    pixels = np.zeros((side, side, 3), np.uint8)
    half = side // 2
    pixels[half:, :half], pixels[half:, half:] = (230, 0, 0), (0, 230, 0)
    pixels[:half, :half], pixels[:half, half:] = (0, 0, 230), (230, 230, 0)
    Image.fromarray(pixels).save(path)
    return str(path)


def dressed(city: CityModel, name: str, *, times: float = 1.0, material: bool = False) -> CityModel:
    """Every face of a city with one picture: u along x (y where a face has no width in x), v along z (or y)."""
    uv = np.zeros((len(city.positions_local), 2), np.float32)
    for face in range(len(city.face_surface)):
        own = slice(city.face_start[face], city.face_start[face + 1])
        p = city.positions_local[own]
        low, size = p.min(axis=0), np.ptp(p, axis=0)
        across, up = (0 if size[0] > 0 else 1), (2 if size[2] > 0 else 1)
        uv[own, 0] = (p[:, across] - low[across]) / size[across] * times
        uv[own, 1] = (p[:, up] - low[up]) / size[up] * times
    count = len(city.face_surface)
    none, all_ = np.full(count, -1, np.int32), np.zeros(count, np.int32)
    look = Appearance(uv, none if material else all_, all_ if material else none, () if material else (name,),
                      np.array([[200, 0, 200, 255]], np.uint8)[: int(material)])  # fmt: skip
    return replace(city, appearance=look)


@pytest.fixture
def house(tmp_path: Path) -> CityModel:
    return dressed(city_of([box(20, 20, 20)]), quarters(tmp_path / "q.png"))


def hue(pixel: np.ndarray) -> str:
    """Which of the colours of the picture a pixel shows, grey for none."""
    red, green, blue = (int(value) for value in pixel)
    if max(red, green, blue) - min(red, green, blue) < 60:
        return "grey"
    if red > 100 and green > 100:
        return "yellow"
    return ("red", "green", "blue")[int(np.argmax(pixel))]


def four(picture: np.ndarray) -> list[str]:
    """Hues of the four quarters around the middle of a picture: upper left, upper right, lower left, lower right."""
    height, width = picture.shape[:2]
    y, x = height // 2, width // 2
    return [hue(picture[y + dy, x + dx]) for dy, dx in ((-25, -25), (-25, 25), (25, -25), (25, 25))]


def test_a_picture_stands_upright_on_its_wall(camera, state_of, house):
    assert four(camera.picture(state_of(house), SOUTH)) == ["blue", "yellow", "red", "green"]


def test_a_picture_lies_on_the_roof_as_on_a_map(camera, state_of, house):
    assert four(camera.picture(state_of(house), ABOVE)) == ["blue", "yellow", "red", "green"]


def test_a_raised_house_takes_its_pictures_with_it(camera, state_of, changed, house):
    state = state_of(house)
    low = camera.picture(state, SOUTH)
    high = camera.picture(changed(state, lift_m=20.0))
    assert four(low) == ["blue", "yellow", "red", "green"]
    assert four(high) == ["red", "green", "red", "green"], "the lower half of the wall now fills the view"


def test_textures_can_be_switched_off_and_on_again(camera, state_of, house):
    state = state_of(house)
    first = camera.picture(state, SOUTH)
    off = camera.picture(replace(state, textures=False))
    again = camera.picture(state)
    assert four(off) == ["grey"] * 4
    assert np.array_equal(first, again)


def test_a_state_without_textures_shows_none_from_the_start(camera, state_of, house):
    assert four(camera.picture(state_of(house, textures=False), SOUTH)) == ["grey"] * 4


def test_colouring_by_numbers_covers_the_pictures(camera, state_of, house):
    state = replace(state_of(house), colouring=Colouring(values=np.array([0.5]), low=0.0, high=1.0))
    plain = camera.picture(state, SOUTH)
    bare = camera.picture(replace(state, textures=False))
    assert np.abs(plain - bare)[60:180, 100:220].mean() < 6


def test_a_selected_house_shows_it_and_still_its_pictures(camera, state_of, house):
    state = state_of(house)
    before = camera.picture(state, SOUTH)
    after = camera.picture(replace(state, selection=np.array([0], np.int32)))
    spots = [(95, 135), (95, 185), (145, 135), (145, 185)]
    assert all(np.abs(after[spot] - before[spot]).max() > 25 for spot in spots)
    assert len({tuple(after[spot]) for spot in spots}) == 4


def test_a_green_roof_hides_its_picture_and_the_walls_keep_theirs(camera, state_of, changed, house):
    state = changed(state_of(house), green_roof_share=1.0)
    assert len(set(four(camera.picture(state, ABOVE)))) == 1
    assert four(camera.picture(state, SOUTH)) == ["blue", "yellow", "red", "green"]


def test_a_material_paints_faces_without_a_picture(camera, state_of, tmp_path):
    city = dressed(city_of([box(20, 20, 20)]), "", material=True)
    red, green, blue = (int(v) for v in camera.picture(state_of(city), SOUTH)[120, 160])
    assert red > green + 80 and blue > green + 80


def glazed(opacity: int) -> CityModel:
    """A box whose walls are red and opaque but for the one in the south, which is blue and ``opacity`` opaque."""
    city = dressed(city_of([box(20, 20, 20)]), "", material=True)
    south = [bool((city.positions_local[a:b, 1] == 0).all()) for a, b in pairwise(city.face_start)]
    materials = np.array([[230, 0, 0, 255], [0, 0, 230, opacity]], np.uint8)
    look = replace(city.appearance, face_material=np.array(south, np.int32), materials=materials)
    return replace(city, appearance=look)


def wall(picture: np.ndarray) -> np.ndarray:
    return picture[118:122, 150:170].reshape(-1, 3).mean(axis=0)


def test_one_sees_through_a_half_transparent_material(camera, state_of):
    plain, glass = (wall(camera.picture(state_of(glazed(opacity)), SOUTH)) for opacity in (255, 128))
    assert plain[0] < 20 and plain[2] > 100, "blue alone"
    assert glass[0] > 40 and 40 < glass[2] < plain[2] - 30, "the red wall behind shines through"


def test_what_nobody_would_see_is_drawn_opaque(camera, state_of):
    assert np.array_equal(*(camera.picture(state_of(glazed(opacity)), SOUTH) for opacity in (255, 0)))


def test_panes_rise_and_go_with_their_house(camera, state_of, changed):
    city = glazed(128)
    state = state_of(city)
    before = wall(camera.picture(state, SOUTH))
    assert wall(camera.picture(changed(state, lift_m=20.0)))[0] > 40, "the raised pane is still in front"
    gone = camera.picture(changed(state, exists=False))
    without = camera.picture(changed(state_of(glazed(255)), exists=False))
    assert np.array_equal(gone, without)
    assert np.array_equal(wall(camera.picture(state)), before)
    off = wall(camera.picture(replace(state, textures=False)))
    assert np.ptp(off) < 40, "without materials the wall is a wall again"


def test_panes_are_given_back_with_their_house(camera, state_of):
    camera.picture(state_of(glazed(128)), SOUTH)
    actors = camera.scene.stage.city
    assert [kind for kind, _ in actors.shown_keys()].count("panes") == 1
    actors.forget()
    assert actors.shown_keys() == () and actors.counters().card_bytes == 0


def test_a_picture_that_repeats_is_seen_many_times(camera, state_of, tmp_path):
    city = dressed(city_of([box(20, 20, 20)]), quarters(tmp_path / "q.png"), times=4.0)
    row = camera.picture(state_of(city), SOUTH)[118]
    hues = [hue(pixel) for pixel in row]
    changes = sum(a != b for a, b in pairwise(hues) if "grey" not in (a, b))
    assert changes >= 7


def test_from_afar_a_house_has_the_mean_colour_of_its_picture(camera, state_of, tmp_path):
    city = dressed(city_of([box(20, 20, 20)]), quarters(tmp_path / "q.png"), times=300.0)
    picture = camera.picture(state_of(city), SOUTH)[100:140, 130:190].astype(float)
    assert picture.std(axis=(0, 1)).max() < 6, "no shimmer"
    assert picture.mean(axis=(0, 1))[2] < picture.mean(axis=(0, 1))[0]


def test_a_house_without_pictures_beside_one_with_them_keeps_its_look(camera, state_of, tmp_path):
    plain = city_of([box(20, 20, 20), box(20, 20, 20, x=60)])
    both = dressed(plain, quarters(tmp_path / "q.png"))
    own = both.face_feature == 0
    look = both.appearance
    texture = np.where(own, look.face_texture, -1).astype(np.int32)
    both = replace(both, appearance=replace(look, face_texture=texture))
    pose = Pose((70.0, 0.0, 10.0), 40.0, 0.0, 0.0)
    assert np.abs(camera.picture(state_of(both), pose) - camera.picture(state_of(plain)))[:, 110:].max() <= 2


def test_one_sees_through_the_holes_of_a_picture(camera, state_of, tmp_path):
    grille = np.full((64, 64, 4), (230, 0, 0, 255), np.uint8)
    grille[:, 32:, 3] = 0
    Image.fromarray(grille).save(tmp_path / "g.png")
    city = dressed(city_of([box(20, 20, 20)]), str(tmp_path / "g.png"))
    assert four(camera.picture(state_of(city), SOUTH))[::2] == ["red", "red"]
    bare = camera.picture(state_of(city, textures=False))
    through = camera.picture(state_of(city))
    assert np.abs(through - bare)[95, 185].max() > 20, "the inside of the far wall is seen, not this one"


def test_a_plain_picture_leaves_no_dots_along_the_edges_of_triangles(camera, state_of, tmp_path):
    Image.new("RGB", (300, 200), (210, 60, 60)).save(tmp_path / "plain.png")
    city = dressed(city_of([box(20, 20, 20)]), str(tmp_path / "plain.png"))
    for distance in (40.0, 70.0, 110.0):
        picture = camera.picture(state_of(city), Pose((10.0, 0.0, 10.0), distance, 24.0, 17.0))
        reach = int(6 * 40 / distance)
        wall = picture[120 - reach : 120 + reach, 160 - reach : 160 + reach]
        assert np.ptp(wall, axis=(0, 1)).max() < 12


def test_holes_of_one_picture_are_not_seen_in_another_from_afar(camera, state_of, tmp_path):
    Image.new("RGB", (64, 64), (210, 60, 60)).save(tmp_path / "plain.png")
    holes = np.full((256, 256, 4), (0, 120, 0, 0), np.uint8)
    holes[:4, :, 3] = 255
    Image.fromarray(holes).save(tmp_path / "holes.png")
    city = dressed(city_of([box(20, 20, 20), box(20, 20, 20, x=90)]), str(tmp_path / "plain.png"), times=150.0)
    look = city.appearance
    texture = np.where(city.face_feature == 0, 0, 1).astype(np.int32)
    both = (str(tmp_path / "plain.png"), str(tmp_path / "holes.png"))
    city = replace(city, appearance=replace(look, face_texture=texture, textures=both))
    wall = camera.picture(state_of(city), SOUTH)[100:140, 130:190]
    assert np.ptp(wall, axis=(0, 1)).max() < 12


def test_faces_with_a_picture_have_no_outlines_and_the_others_keep_theirs(house):
    arrays = CityArrays.of(house, None, measure(house, None))
    faces = arrays.faces(0)
    roof_alone = faces.normals[:, 2] < 0.9
    counts = [len(edge_mesh(arrays, faces, 0, own).cells) for own in (None, roof_alone, np.ones(len(faces), bool))]
    assert counts == [12, 4, 0]
