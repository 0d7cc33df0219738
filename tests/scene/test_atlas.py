"""One picture of all pictures: every pixel where it belongs, nothing bleeds, and it keeps its size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viewer.city import CityModel, Frame, ObjectTable
from viewer.city.appearance import Appearance
from viewer.errors import Cancelled
from viewer.plugin_api import Progress
from viewer.scene.atlas import BORDER, Atlas, atlas_of, build_atlas, dressed, is_known, sample

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)


def city_of_squares(textures: list[str], *, spans: float | list[float] = 1.0, side_m: float = 100.0) -> CityModel:
    """One square face per picture, side by side, whose picture is repeated ``spans`` times along each side."""
    count = len(textures)
    spans = [spans] * count if isinstance(spans, float) else spans
    corners = np.concatenate([np.column_stack([SQUARE * side_m + (i * side_m, 0), np.zeros(4)]) for i in range(count)])
    first = np.arange(count)[:, None, None] * 4
    start = np.arange(count + 1, dtype=np.int32) * 4
    appearance = Appearance(
        np.concatenate([SQUARE * span for span in spans]).astype(np.float32),
        np.arange(count, dtype=np.int32),
        np.full(count, -1, np.int32),
        tuple(textures),
    )
    return CityModel(
        name="squares", frame=Frame(), positions_local=corners.astype(np.float32), ring_start=start,
        face_ring_start=np.arange(count + 1, dtype=np.int32), face_surface=np.zeros(count, np.uint8),
        face_object=np.zeros(count, np.int32), face_lod=np.zeros(count, np.uint8),
        triangles=(first + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3).astype(np.int32),
        triangle_face=np.repeat(np.arange(count, dtype=np.int32), 2),
        objects=ObjectTable(
            np.array(["a"], dtype=np.dtypes.StringDType()), ("Building",), np.zeros(1, np.uint16),
            np.array([-1], np.int32),
        ),
        appearance=appearance,
    )  # fmt: skip


def plain(path: Path, color: tuple[int, int, int], size: tuple[int, int] = (40, 24)) -> str:
    Image.new("RGB", size, color).save(path)
    return str(path)


def quarters(path: Path, side: int = 64) -> str:
    """Red lower left, green lower right, blue upper left, white upper right."""
    pixels = np.zeros((side, side, 3), np.uint8)
    half = side // 2
    pixels[half:, :half], pixels[half:, half:] = (255, 0, 0), (0, 255, 0)
    pixels[:half, :half], pixels[:half, half:] = (0, 0, 255), (255, 255, 255)
    Image.fromarray(pixels).save(path)
    return str(path)


def made(city: CityModel, **options: object) -> Atlas:
    atlas = build_atlas(city, **options)  # type: ignore[arg-type]
    assert atlas is not None
    return atlas


def test_every_picture_is_found_again_where_its_coordinates_say(tmp_path: Path) -> None:
    colors = [(i * 20, 255 - i * 20, (i * 70) % 256) for i in range(12)]
    sizes = [(20 + 7 * i, 90 - 5 * i) for i in range(12)]
    names = [plain(tmp_path / f"{i}.png", *pair) for i, pair in enumerate(zip(colors, sizes, strict=True))]
    atlas = made(city_of_squares(names))
    for number, color in enumerate(colors):
        assert (sample(atlas, SQUARE * 0.98 + 0.01, np.full(4, number)) == color).all()
        assert atlas.face_color[number].tolist() == list(color)
    assert atlas.textured.all() and not atlas.lost


def test_the_lowest_row_of_the_picture_is_where_v_is_zero(tmp_path: Path) -> None:
    atlas = made(city_of_squares([quarters(tmp_path / "q.png")]))
    at = np.array([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
    assert sample(atlas, at, np.zeros(4, int)).tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]
    assert np.abs(atlas.face_color[0].astype(int) - (127, 127, 127)).max() < 40


def test_no_colour_bleeds_into_the_coarser_levels_of_another_picture(tmp_path: Path) -> None:
    names = [plain(tmp_path / f"{i}.png", ((255, 0, 0), (0, 0, 255))[i % 2], (30 + i, 33)) for i in range(20)]
    atlas = made(city_of_squares(names))
    height, width = atlas.image.shape[0] // BORDER, atlas.image.shape[1] // BORDER
    coarse = atlas.image.reshape(height, BORDER, width, BORDER, 3).mean(axis=(1, 3))
    for number in range(20):
        wanted = ((255, 0, 0), (0, 0, 255))[number % 2]
        left, low = atlas.place[number, 0] * width, atlas.place[number, 1] * height
        wide, high = abs(atlas.place[number, 2]) * width, atlas.place[number, 3] * height
        # the pixels that a filter between four of them touches within the picture
        own = coarse[int(low - 0.5) : int(low + high + 0.5) + 1, int(left - 0.5) : int(left + wide + 0.5) + 1]
        assert (own == wanted).all()


def test_a_picture_that_repeats_is_continued_in_its_border_and_others_end_there(tmp_path: Path) -> None:
    name, other = quarters(tmp_path / "q.png"), quarters(tmp_path / "r.png")
    atlas = made(city_of_squares([name, other], spans=[30.0, 1.0]))
    assert atlas.place[0, 2] > 0 > atlas.place[1, 2]
    x, y = (round(float(atlas.place[0, k]) * atlas.image.shape[1 - k]) for k in range(2))
    assert atlas.image[y, x - 1].tolist() == [0, 255, 0], "left of red comes the green of the next one"
    x, y = (round(float(atlas.place[1, k]) * atlas.image.shape[1 - k]) for k in range(2))
    assert atlas.image[y, x - 1].tolist() == [255, 0, 0]
    assert sample(atlas, np.array([[7.25, -3.75], [-0.25, 0.75]]), np.zeros(2, int)).tolist() == [
        [255, 0, 0], [255, 255, 255],
    ]  # fmt: skip


def test_pictures_are_made_smaller_together_until_they_fit(tmp_path: Path) -> None:
    names = [plain(tmp_path / f"{i}.png", (i, i, i), (200, 200)) for i in range(30)]
    atlas = made(city_of_squares(names), max_size=(512, 256))
    assert atlas.image.shape == (256, 512, 3)
    assert len(np.unique(atlas.place[:, 2:], axis=0)) == 1
    assert all((sample(atlas, SQUARE * 0.9 + 0.05, np.full(4, i)) == i).all() for i in range(30))


def test_pictures_that_show_more_than_can_be_seen_are_made_smaller(tmp_path: Path) -> None:
    name = plain(tmp_path / "tile.png", (9, 9, 9), (1000, 1000))
    wide = made(city_of_squares([name], spans=10.0, side_m=100.0))
    tiled = made(city_of_squares([name], spans=100.0, side_m=100.0))
    assert tiled.image.size < wide.image.size / 4


def test_a_damaged_picture_costs_its_faces_the_picture_only(tmp_path: Path) -> None:
    good = plain(tmp_path / "good.png", (1, 2, 3))
    bad = tmp_path / "bad.png"
    bad.write_bytes(Path(good).read_bytes()[:-30])
    atlas = made(city_of_squares([good, str(bad), str(tmp_path / "gone.png")]))
    assert atlas.textured.tolist() == [True, False, False]
    assert atlas.lost == (str(bad), str(tmp_path / "gone.png"))
    assert (atlas.place[1:] == 0).all() and (atlas.face_color[1:] == 0).all()


def test_nothing_usable_is_no_atlas(tmp_path: Path) -> None:
    assert build_atlas(city_of_squares([str(tmp_path / "gone.png")])) is None


def test_reading_can_be_cancelled(tmp_path: Path) -> None:
    city = city_of_squares([plain(tmp_path / "a.png", (1, 2, 3))])
    with pytest.raises(Cancelled):
        build_atlas(city, Progress(is_cancelled=lambda: True))


def test_the_atlas_of_a_city_is_made_once(tmp_path: Path) -> None:
    city = city_of_squares([plain(tmp_path / "a.png", (1, 2, 3))])
    assert not is_known(city)
    assert atlas_of(city) is atlas_of(city)
    assert is_known(city)


def test_faces_take_the_colour_of_their_picture_or_material_from_afar(tmp_path: Path) -> None:
    city = city_of_squares([plain(tmp_path / "a.png", (255, 0, 0)), plain(tmp_path / "b.png", (0, 255, 0))])
    assert city.appearance is not None
    painted = Appearance(
        city.appearance.uv, np.array([0, -1], np.int32), np.array([0, 0], np.int32), city.appearance.textures,
        np.array([[0, 0, 255, 255]], np.uint8),
    )  # fmt: skip
    object.__setattr__(city, "appearance", painted)
    colors = dressed(np.full((2, 3), 0.5), city, build_atlas(city))
    assert colors.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_a_picture_with_holes_gives_the_whole_its_opacity(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 40), (0, 90, 0, 255)).save(tmp_path / "full.png")
    half = Image.new("RGBA", (40, 40), (0, 90, 0, 255))
    half.paste((0, 0, 0, 0), (0, 0, 20, 40))
    half.save(tmp_path / "half.png")
    atlas = made(city_of_squares([str(tmp_path / "full.png"), str(tmp_path / "half.png")]))
    assert atlas.image.shape[2] == 4
    at = np.array([[0.25, 0.5], [0.75, 0.5]])
    assert sample(atlas, at, np.zeros(2, int))[:, 3].tolist() == [255, 255]
    assert sample(atlas, at, np.ones(2, int))[:, 3].tolist() == [0, 255]
    assert atlas.face_color[1].tolist() == [0, 90, 0]
