from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from viewer.city import Frame
from viewer.errors import ReadError
from viewer.plugin_api import (
    Raster,
    ReadContext,
    TileLevel,
    area_in,
    decode_picture,
    finest_level,
    mercator_level,
    mosaic,
    place_raster,
    wanted_area,
)
from viewer.plugin_api.wanted import extent_text
from viewer.plugin_host.coordinates import prepare
from viewer.readers.crs import transform

FRAME = Frame("EPSG:25832", (565_000.0, 5_934_000.0, 0.0))


@pytest.fixture
def context():
    made = ReadContext(frame=FRAME, city_extent_local=np.array([[0.0, 0.0, 0.0], [400.0, 200.0, 30.0]]))
    prepare(made)
    return made


def png(colour, size=256) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (size, size), colour).save(file, "PNG")
    return file.getvalue()


def web_raster(rgba: np.ndarray, size_m: float) -> Raster:
    """A raster of the web's map whose north-west corner lies at the local place (0, 1000)."""
    west, north = transform(np.array([[565_000.0, 5_935_000.0]]), "EPSG:25832", "EPSG:3857")[0]
    pixel = size_m / rgba.shape[1]
    return Raster(rgba, float(west), float(north), pixel, pixel, "EPSG:3857")


def test_a_picture_in_the_citys_system_is_not_touched(context):
    rgba = np.random.default_rng(1).integers(0, 256, (30, 40, 4)).astype(np.uint8)
    placed, corners = place_raster(Raster(rgba, 565_010.0, 5_934_060.0, 2.0, 2.0, "EPSG:25832"), context)
    assert placed is rgba
    np.testing.assert_allclose(corners, [(10, 60), (90, 60), (90, 0), (10, 0)])


@pytest.mark.parametrize("alpha", [255, 254])
def test_every_pixel_of_a_warped_picture_lies_where_it_belongs(context, alpha):
    """The colour of a pixel says where it is: warped and asked at a place, it tells the place."""
    rgba = np.full((500, 500, 4), alpha, np.uint8)
    rgba[..., 0] = np.arange(500)[None, :] // 2
    rgba[..., 1] = np.arange(500)[:, None] // 2
    raster = web_raster(rgba, 1500.0)
    placed, corners = place_raster(raster, context)
    height, width = placed.shape[:2]
    pixel = (corners[1, 0] - corners[0, 0]) / width
    rows, columns = np.mgrid[20 : height - 20 : 37, 20 : width - 20 : 37]
    local = np.column_stack(
        [corners[0, 0] + (columns.ravel() + 0.5) * pixel, corners[0, 1] - (rows.ravel() + 0.5) * pixel]
    )
    there = transform(FRAME.crs_from_local(local), "EPSG:25832", "EPSG:3857")
    u, v = (there[:, 0] - raster.west) / raster.pixel_x, (raster.north - there[:, 1]) / raster.pixel_y
    seen = placed[rows.ravel(), columns.ravel()].astype(float)
    inside = (u > 2) & (u < 498) & (v > 2) & (v < 498)
    assert inside.sum() > 100
    np.testing.assert_allclose(seen[inside, 0] * 2, u[inside] - 0.5, atol=2.2)
    np.testing.assert_allclose(seen[inside, 1] * 2, v[inside] - 0.5, atol=2.2)
    assert (seen[inside, 3] == alpha).all() and (placed[..., 3] == 0).any()


def test_clear_pixels_lend_no_colour(context):
    rgba = np.zeros((60, 60, 4), np.uint8)
    rgba[:, 30:] = (200, 100, 50, 255)
    placed, _ = place_raster(web_raster(rgba, 300.0), context)
    shown = placed[placed[..., 3] > 8]
    np.testing.assert_allclose(shown[:, :3], np.broadcast_to((200, 100, 50), (len(shown), 3)), atol=1)


def test_a_warped_picture_is_cut_to_the_wanted_area(context):
    rgba = np.full((400, 400, 4), 255, np.uint8)
    _, corners = place_raster(web_raster(rgba, 3000.0), context, np.array([[100.0, 300.0], [300.0, 500.0]]))
    np.testing.assert_allclose(corners[[0, 2]], [(100, 500), (300, 300)], atol=5)
    with pytest.raises(ReadError, match="does not reach"):
        place_raster(web_raster(rgba, 3000.0), context, np.array([[90_000.0, 0.0], [91_000.0, 500.0]]))


def test_the_finest_level_within_the_budget_is_taken():
    levels = [mercator_level(zoom) for zoom in range(20)]
    extent = (1_110_000.0, 7_085_000.0, 1_112_000.0, 7_087_000.0)
    level = finest_level(levels, extent, max_side=2048)
    assert level is not None and max(level.count) <= 8
    finer = mercator_level(int(level.name) + 1).around(extent)
    assert max(finer.count) > 8
    assert finest_level(levels, (3e7, 3e7, 4e7, 4e7)) is None


def test_tiles_are_put_together_and_bad_ones_counted():
    level = TileLevel("0", 100.0, 500.0, 10.0, 10.0, (2, 3), (1, 2))
    tiles = [(2, 1, png("red")), (3, 2, png("blue")), (3, 1, b"broken"), (2, 2, png("red", 128))]
    raster, damaged = mosaic(level, tiles, "EPSG:25832")
    assert raster is not None and damaged == 2
    assert (raster.west, raster.north, raster.pixel_x) == (120.0, 490.0, 10 / 256)
    assert raster.rgba.shape == (512, 512, 4)
    assert tuple(raster.rgba[0, 0]) == (255, 0, 0, 255) and tuple(raster.rgba[511, 511]) == (0, 0, 255, 255)
    assert raster.rgba[0, 511, 3] == 0 == raster.rgba[511, 0, 3]
    assert mosaic(level, [(2, 1, b"")], "")[0] is None


def test_giant_and_damaged_pictures_are_refused():
    with pytest.raises(ReadError, match="million pixels"):
        decode_picture(png("red", 64), max_pixels=1000)
    for data in (b"", b"GIF89a", png("red")[:100], b"%PDF-1.4"):
        with pytest.raises(ReadError):
            decode_picture(data)


def test_the_wanted_part_is_around_the_city_or_what_was_chosen(context):
    np.testing.assert_allclose(wanted_area(context), [(-50, -50), (450, 250)])
    corners = FRAME.crs_from_local(np.array([[10.0, 20.0], [110.0, 220.0]]))
    chosen = ReadContext(
        frame=FRAME, city_extent_local=context.city_extent_local, options={"extent": extent_text(corners)}
    )
    np.testing.assert_allclose(wanted_area(chosen), [(10, 20), (110, 220)])
    west, south, east, north = area_in(context, np.array([[0.0, 0.0], [1000.0, 1000.0]]), "EPSG:4326")
    assert 9.9 < west < east < 10.1 and 53.5 < south < north < 53.6
