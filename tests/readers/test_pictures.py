"""Pictures of textures: decoded within limits, and harmless when they are damaged."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from viewer.readers import pictures
from viewer.readers.pictures import pixels_of, size_of


def _gradient(path: Path, mode: str = "RGB") -> str:
    """A picture of 16 x 8 that gets red to the right and green downwards."""
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[..., 0] = np.arange(16) * 16
    pixels[..., 1] = (np.arange(8) * 32)[:, None]
    Image.fromarray(pixels).convert(mode).save(path)
    return str(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif", "a.webp", "a.gif"])
def test_common_kinds_of_pictures_are_read_top_row_first(tmp_path: Path, name: str) -> None:
    path = _gradient(tmp_path / name, "P" if name.endswith("gif") else "RGB")
    assert size_of(path) == (16, 8)
    pixels = pixels_of(path, (16, 8))
    assert pixels is not None and pixels.shape == (8, 16, 3)
    assert pixels[0, -1, 0] > 180 and pixels[0, 0, 0] < 60
    assert pixels[-1, 0, 1] > 180 and pixels[0, 0, 1] < 60


@pytest.mark.parametrize("mode", ["L", "CMYK", "I;16", "1"])
def test_other_kinds_of_colours_become_red_green_blue(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode in ("CMYK", "I;16") else "a.png")
    Image.new(mode, (5, 4)).save(path)
    pixels = pixels_of(str(path), (5, 4))
    assert pixels is not None and pixels.shape == (4, 5, 3)


def test_a_picture_is_made_smaller_by_mixing_its_pixels(tmp_path: Path) -> None:
    board = np.indices((64, 64)).sum(axis=0) % 2 * 255
    Image.fromarray(board.astype(np.uint8)).save(tmp_path / "a.png")
    pixels = pixels_of(str(tmp_path / "a.png"), (8, 8))
    assert pixels is not None and np.abs(pixels.astype(int) - 127).max() < 3


def test_what_is_see_through_stays_so_and_takes_the_colour_around_it(tmp_path: Path) -> None:
    leaf = np.full((8, 8, 4), (40, 160, 60, 255), np.uint8)
    leaf[:, :3] = (255, 255, 255, 0)
    Image.fromarray(leaf).save(tmp_path / "a.png")
    pixels = pixels_of(str(tmp_path / "a.png"), (8, 8))
    assert pixels is not None and pixels.shape == (8, 8, 4)
    assert (pixels[..., :3] == (40, 160, 60)).all()
    assert (pixels[:, :3, 3] == 0).all() and (pixels[:, 3:, 3] == 255).all()


def test_a_picture_with_opacity_but_no_holes_is_a_plain_one(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 2), (1, 2, 3, 255)).save(tmp_path / "a.png")
    pixels = pixels_of(str(tmp_path / "a.png"), (2, 2))
    assert pixels is not None and pixels.shape == (2, 2, 3)


def test_a_picture_of_too_many_pixels_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _gradient(tmp_path / "a.png")
    monkeypatch.setattr(pictures, "MAX_PIXELS", 127)
    assert size_of(path) is None
    assert pixels_of(path, (16, 8)) is None


def test_a_file_of_too_many_bytes_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _gradient(tmp_path / "a.png")
    monkeypatch.setattr(pictures, "MAX_BYTES", 20)
    assert size_of(path) is None


def test_what_is_no_picture_or_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("<svg/>", encoding="utf-8")
    for name in ("a.png", "gone.png", "gone.zip!/a.png"):
        assert size_of(str(tmp_path / name)) is None
        assert pixels_of(str(tmp_path / name), (2, 2)) is None
    assert pixels_of(str(tmp_path), (2, 2)) is None


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.gif", "a.bmp", "a.webp"])
def test_damaged_pictures_give_a_picture_or_none(tmp_path: Path, name: str) -> None:
    good = Path(_gradient(tmp_path / name, "P" if name.endswith("gif") else "RGB")).read_bytes()
    chance = random.Random(20)
    for number in range(120):
        data = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if number % 4 == 0:
            data = data[: chance.randrange(len(data))]
        path = tmp_path / f"bad{number}{Path(name).suffix}"
        path.write_bytes(data)
        size = size_of(str(path))
        assert size is None or size[0] * size[1] <= pictures.MAX_PIXELS
        pixels = pixels_of(str(path), (8, 8))
        assert pixels is None or pixels.shape == (8, 8, 3)
