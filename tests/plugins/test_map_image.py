"""Pictures with a place: the right pixel lies at the right spot, whatever file it came from."""

from __future__ import annotations

import builtins
import io
import sqlite3
import sys

import numpy as np
import pytest
from PIL import Image

from viewer.city import Frame
from viewer.errors import LimitError, ReadError
from viewer.plugin_api import ImageLayer
from viewer.readers.crs import transform

X, Y = 565_000.0, 5_934_000.0
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quarters(size: int = 40) -> np.ndarray:
    """North-west red, north-east green, south-west blue, south-east white."""
    pixels = np.empty((size, size, 3), np.uint8)
    half = size // 2
    pixels[:half, :half], pixels[:half, half:] = RED, GREEN
    pixels[half:, :half], pixels[half:, half:] = BLUE, WHITE
    return pixels


def colour_at(layer: ImageLayer, x: float, y: float) -> tuple[int, ...]:
    """Colour of a north-up layer at a local place."""
    (west, north), (east, _), (_, south), _ = layer.corners_local
    column = int((x - west) / (east - west) * layer.rgba.shape[1])
    row = int((north - y) / (north - south) * layer.rgba.shape[0])
    return tuple(layer.rgba[row, column, :3].tolist())


def assert_quarters(layer: ImageLayer, west=0.0, south=0.0, size=80.0, atol=1e-6) -> None:
    expected = [[west, south + size], [west + size, south + size], [west + size, south], [west, south]]
    assert np.allclose(layer.corners_local, expected, atol=atol)
    near, far = size / 4, size * 3 / 4
    assert colour_at(layer, west + near, south + far) == RED
    assert colour_at(layer, west + far, south + far) == GREEN
    assert colour_at(layer, west + near, south + near) == BLUE
    assert colour_at(layer, west + far, south + near) == WHITE


def test_a_png_with_a_world_file_lies_where_it_says(read, tmp_path):
    Image.fromarray(quarters()).save(tmp_path / "plan.png")
    (tmp_path / "plan.pgw").write_text(f"2.0\n0\n0\n-2.0\n{X + 1}\n{Y + 79}\n", encoding="utf-8")
    reading = read(tmp_path / "plan.png")
    assert reading.reader == "map_image:Map image"
    assert reading.questions == {"crs": "EPSG:25832"}
    assert_quarters(reading.layers[0])


def test_a_picture_stored_upside_down_is_turned_north_up(read, tmp_path):
    Image.fromarray(quarters()[::-1]).save(tmp_path / "plan.png")
    (tmp_path / "plan.wld").write_text(f"2\n0\n0\n2\n{X + 1}\n{Y + 1}\n", encoding="utf-8")
    assert_quarters(read(tmp_path / "plan.png").layers[0])


@pytest.mark.parametrize("text", ["", "1\n2\n", "a\nb\nc\nd\ne\nf\n", "0\n0\n0\n0\n0\n0\n", "nan\n0\n0\n1\n0\n0\n"])
def test_a_senseless_world_file_is_refused(read, tmp_path, text):
    Image.fromarray(quarters()).save(tmp_path / "plan.png")
    (tmp_path / "plan.pgw").write_text(text, encoding="utf-8")
    with pytest.raises(ReadError, match="world file"):
        read(tmp_path / "plan.png")


def test_a_picture_without_a_place_says_what_is_needed(read, tmp_path):
    Image.fromarray(quarters()).save(tmp_path / "photo.jpg")
    with pytest.raises(ReadError, match=r"photo\.jgw"):
        read(tmp_path / "photo.jpg")


def write_geotiff(path, array, crs="EPSG:25832", west=X, north=Y + 80, pixel=2.0, **options):
    rasterio = pytest.importorskip("rasterio")
    from rasterio.transform import from_origin

    array = np.atleast_3d(array)
    with rasterio.open(
        path, "w", driver="GTiff", height=array.shape[0], width=array.shape[1], count=array.shape[2],
        dtype=array.dtype, crs=crs, transform=from_origin(west, north, pixel, pixel), **options,
    ) as file:  # fmt: skip
        file.write(array.transpose(2, 0, 1))
    return path


@pytest.fixture(params=["rasterio", "Pillow"])
def tiff_reader(request, monkeypatch):
    """Both ways to read a GeoTIFF; rasterio is an extra and may be missing."""
    if request.param == "Pillow":
        found = builtins.__import__

        def without_rasterio(name, *args, **kwargs):
            caller = args[0].get("__name__", "") if args and args[0] else ""
            if name.split(".")[0] == "rasterio" and caller.startswith("_stadtforum_plugin_"):
                raise ImportError(name)
            return found(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", without_rasterio)
    else:
        pytest.importorskip("rasterio")
    return request.param


def test_a_colour_geotiff_lies_where_it_says(read, tmp_path, tiff_reader):
    reading = read(write_geotiff(tmp_path / "luftbild.tif", quarters()))
    assert reading.report.crs == "EPSG:25832"
    assert not reading.questions
    assert_quarters(reading.layers[0])


def test_heights_become_a_relief_lit_from_the_north_west(read, tmp_path, tiff_reader):
    y, x = np.mgrid[0:40, 0:40]
    heights = (50 - np.hypot(x - 20, y - 20)).astype(np.float32)
    heights[:2] = -9999
    path = write_geotiff(tmp_path / "dgm.tif", heights, nodata=-9999)
    reading = read(path, "map_image:Map image")
    rgba = reading.layers[0].rgba.astype(int)
    north_west, south_east = rgba[13:16, 13:16, :3].mean(), rgba[25:28, 25:28, :3].mean()
    assert north_west > south_east + 30
    assert (rgba[:2, :, 3] == 0).all() and (rgba[2:, :, 3] == 255).all()
    note = next(issue for issue in reading.report.issues if "relief" in issue.text)
    assert "to 50.0 m" in str(note)


def test_a_geotiff_in_another_system_is_warped_so_that_every_pixel_lies_where_it_belongs(read, tmp_path, tiff_reader):
    corner = transform(np.array([[X, Y]]), "EPSG:25832", "EPSG:4326")[0]
    path = write_geotiff(tmp_path / "grad.tif", quarters(2000), crs="EPSG:4326", west=corner[0], north=corner[1],
                         pixel=0.0004)  # fmt: skip
    reading = read(path)
    layer = reading.layers[0]
    assert not [issue for issue in reading.report.issues if "four corners" in issue.text]
    middle = transform(np.array([[corner[0] + 0.4, corner[1] - 0.4]]), "EPSG:4326", "EPSG:25832")[0] - (X, Y)
    for east, north, colour in ((-1, 1, RED), (1, 1, GREEN), (-1, -1, BLUE), (1, -1, WHITE)):
        assert colour_at(layer, middle[0] + 60 * east, middle[1] + 60 * north) == colour


def test_a_picture_that_lies_askew_is_placed_by_its_corners_and_its_bend_is_told(read, tmp_path):
    corner = transform(np.array([[X, Y]]), "EPSG:25832", "EPSG:4326")[0]
    Image.fromarray(quarters(400)).save(tmp_path / "askew.png")
    numbers = (0.002, -0.0005, 0.0005, -0.002, corner[0], corner[1])
    (tmp_path / "askew.pgw").write_text("\n".join(map(repr, map(float, numbers))), encoding="utf-8")
    reading = read(tmp_path / "askew.png", crs="EPSG:4326")
    bend = next(issue for issue in reading.report.issues if "four corners" in issue.text)
    assert float(bend.values["metres"]) > 30


def test_a_geotiff_without_a_place_is_refused(read, tmp_path, tiff_reader):
    Image.fromarray(quarters()).save(tmp_path / "scan.tif")
    with pytest.raises(ReadError, match="no place on the map"):
        read(tmp_path / "scan.tif")


def png(colour) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (256, 256), colour).save(buffer, "PNG")
    return buffer.getvalue()


WORLD = 20_037_508.342789244


@pytest.fixture
def mbtiles(tmp_path):
    """Two by two tiles at zoom 15 over Hamburg, with a coarser level and one damaged tile far away."""
    path = tmp_path / "karte.mbtiles"
    zoom, column, row = 15, 17293, 10590
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE metadata (name text, value text)")
        db.execute("CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)")
        db.executemany("INSERT INTO metadata VALUES (?, ?)",
                       [("format", "png"), ("attribution", "<a href='https://x.test'>Map</a> office")])  # fmt: skip
        top = 2**zoom - 1
        for dx, dy, colour in ((0, 0, RED), (1, 0, GREEN), (0, 1, BLUE), (1, 1, WHITE)):
            db.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (zoom, column + dx, top - row - dy, png(colour)))
        db.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (5, 16, 2**5 - 1 - 10, png(RED)))
    db.close()
    size = 2 * WORLD / 2**zoom
    return path, np.array([-WORLD + column * size, WORLD - row * size]), size


def test_mbtiles_are_put_together_with_the_north_up(host, read, mbtiles):
    path, corner, size = mbtiles
    frame = Frame("EPSG:3857", (float(corner[0]), float(corner[1]), 0.0))
    reading = read(path, frame=frame)
    layer = reading.layers[0]
    assert_quarters(layer, 0.0, -2 * size, 2 * size, atol=1e-3)
    assert layer.rgba.shape == (512, 512, 4)
    assert layer.attribution == "Map office"
    assert reading.report.format == "MBTiles"


def test_only_tiles_around_the_open_city_are_read(host, mbtiles):
    from viewer.plugin_api import ReadContext

    path, corner, size = mbtiles
    frame = Frame("EPSG:3857", (float(corner[0]), float(corner[1]), 0.0))
    inside = np.array([[size * 0.4, -size * 0.6], [size * 0.6, -size * 0.4]])
    layer = host.read(path, ReadContext(frame=frame, city_extent_local=inside)).layers[0]
    assert layer.rgba.shape == (256, 256, 4)
    assert tuple(layer.rgba[0, 0, :3]) == RED


def test_nothing_is_written_beside_a_tile_file(read, mbtiles):
    path = mbtiles[0]
    before = path.read_bytes()
    read(path, frame=Frame())
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_damaged_tiles_are_counted(read, mbtiles):
    path = mbtiles[0]
    with sqlite3.connect(path) as db:
        db.execute("UPDATE tiles SET tile_data = x'00112233' WHERE tile_column = 17294 AND zoom_level = 15")
    db.close()
    reading = read(path, frame=Frame())
    assert next(i.count for i in reading.report.issues if "damaged" in i.text) == 2


def test_vector_tiles_are_refused_with_a_sentence(read, mbtiles):
    path = mbtiles[0]
    with sqlite3.connect(path) as db:
        db.execute("UPDATE metadata SET value = 'pbf' WHERE name = 'format'")
    db.close()
    with pytest.raises(ReadError, match="vector tiles"):
        read(path, reader="map_image")


def test_geopackage_tiles_lie_where_they_say(read, tmp_path):
    path = tmp_path / "plan.gpkg"
    with sqlite3.connect(path) as db:
        db.executescript(
            "CREATE TABLE gpkg_contents (table_name text, data_type text);"
            "CREATE TABLE gpkg_spatial_ref_sys (srs_id integer, organization text, organization_coordsys_id integer);"
            "CREATE TABLE gpkg_tile_matrix_set (table_name text, srs_id integer, min_x real, max_y real);"
            "CREATE TABLE gpkg_tile_matrix (table_name text, zoom_level integer, tile_width integer,"
            " tile_height integer, pixel_x_size real, pixel_y_size real);"
            'CREATE TABLE "odd ""name" (zoom_level integer, tile_column integer, tile_row integer, tile_data blob);'
            "INSERT INTO gpkg_spatial_ref_sys VALUES (25832, 'EPSG', 25832);"
        )
        name = 'odd "name'
        db.execute("INSERT INTO gpkg_contents VALUES (?, 'tiles')", (name,))
        db.execute("INSERT INTO gpkg_tile_matrix_set VALUES (?, 25832, ?, ?)", (name, X, Y + 512))
        db.execute("INSERT INTO gpkg_tile_matrix VALUES (?, 3, 256, 256, 1.0, 1.0)", (name,))
        for column, row, colour in ((0, 0, RED), (1, 0, GREEN), (0, 1, BLUE), (1, 1, WHITE)):
            db.execute('INSERT INTO "odd ""name" VALUES (3, ?, ?, ?)', (column, row, png(colour)))
    db.close()
    reading = read(path)
    assert reading.reader == "map_image:Map image"
    assert_quarters(reading.layers[0], size=512.0)


def test_a_huge_picture_is_refused_before_it_is_decoded(read, tmp_path):
    path = tmp_path / "bomb.png"
    Image.new("1", (15_000, 15_000)).save(path)
    (tmp_path / "bomb.pgw").write_text("1\n0\n0\n-1\n565000\n5934000\n", encoding="utf-8")
    with pytest.raises(LimitError, match="million"):
        read(path)


def test_a_large_picture_is_shown_smaller(read, tmp_path):
    Image.new("RGB", (6000, 3000), RED).save(tmp_path / "gross.jpg")
    (tmp_path / "gross.jgw").write_text(f"0.1\n0\n0\n-0.1\n{X}\n{Y}\n", encoding="utf-8")
    layer = read(tmp_path / "gross.jpg").layers[0]
    assert max(layer.rgba.shape) <= 4096
    assert np.allclose(layer.corners_local[1] - layer.corners_local[0], [600, 0])


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_cut_off_pictures_are_refused_with_a_sentence(read, tmp_path, name):
    path = tmp_path / name
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    if name == "a.tif":
        write_geotiff(path, noise)
    else:
        Image.fromarray(noise).save(path)
    for world in ("a.pgw", "a.jgw"):
        (tmp_path / world).write_text("1\n0\n0\n-1\n565000\n5934000\n", encoding="utf-8")
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(ReadError):
        read(path)


def test_real_terrain_is_a_relief_over_its_square_kilometre(read, shared):
    pytest.importorskip("rasterio")
    reading = read(shared / "munich-terrain-and-buildings" / "691_5336.tif", "map_image:Map image", frame=Frame())
    layer = reading.layers[0]
    assert reading.report.crs == "EPSG:25832"
    assert np.allclose(np.ptp(layer.corners_local, axis=0), [1000, 1000])
    assert layer.rgba[..., :3].std() > 3


def test_pictures_are_never_opened_by_vtk(host, read, tmp_path):
    Image.fromarray(quarters()).save(tmp_path / "plan.png")
    (tmp_path / "plan.pgw").write_text(f"2.0\n0\n0\n-2.0\n{X + 1}\n{Y + 79}\n", encoding="utf-8")
    before = {name for name in sys.modules if name.startswith("vtkmodules")}
    read(tmp_path / "plan.png")
    assert {name for name in sys.modules if name.startswith("vtkmodules")} == before


# -- PMTiles -------------------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path):
    """Write tiles {(zoom, column, row): bytes} with the library of the format's makers."""
    pmtiles_tile = pytest.importorskip("pmtiles.tile")
    from pmtiles.writer import Writer

    def written(tiles, kind="PNG", packing="NONE", **about):
        path = tmp_path / "karte.pmtiles"
        with path.open("wb") as file:
            writer = Writer(file)
            for (zoom, column, row), data in sorted(
                tiles.items(), key=lambda tile: pmtiles_tile.zxy_to_tileid(*tile[0])
            ):
                writer.write_tile(pmtiles_tile.zxy_to_tileid(zoom, column, row), data)
            header = {
                "tile_type": getattr(pmtiles_tile.TileType, kind), "min_lon_e7": 0, "min_lat_e7": 0,
                "tile_compression": getattr(pmtiles_tile.Compression, packing), "max_lon_e7": 0, "max_lat_e7": 0,
                "center_zoom": 0, "center_lon_e7": 0, "center_lat_e7": 0,
            }  # fmt: skip
            writer.finalize(header, about)
        return path

    return written


def web_tile(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    x, y = transform(np.array([[lon, lat]]), "EPSG:4326", "EPSG:3857")[0]
    size = 2 * WORLD / 2**zoom
    return int((x + WORLD) // size), int((WORLD - y) // size)


def test_pmtiles_are_put_together_with_the_north_up(read, archive):
    column, row = web_tile(10.0, 53.55, 15)
    colours = {(0, 0): RED, (1, 0): GREEN, (0, 1): BLUE, (1, 1): WHITE}
    path = archive(
        {(15, column + dx, row + dy): png(colour) for (dx, dy), colour in colours.items()}, attribution="<b>Amt</b>"
    )
    size = 2 * WORLD / 2**15
    frame = Frame("EPSG:3857", (column * size - WORLD, WORLD - row * size, 0.0))
    from viewer.plugin_api import ReadContext

    around = np.array([[0.2 * size, -1.8 * size], [1.8 * size, -0.2 * size]])
    reading = read.__closure__[0].cell_contents.read(path, ReadContext(frame=frame, city_extent_local=around))
    layer = reading.layers[0]
    assert_quarters(layer, 0.0, -2 * size, 2 * size, atol=1e-3)
    assert (reading.report.format, layer.attribution) == ("PMTiles", "Amt")


def test_the_places_of_tiles_agree_with_those_of_the_formats_makers(read, archive):
    pmtiles_tile = pytest.importorskip("pmtiles.tile")
    with pytest.raises(ReadError, match="too much for one city"):
        read(archive({(0, 0, 0): png(RED)}), frame=Frame())
    ours = next(module for name, module in sys.modules.items() if name.endswith("map_image.pmtiles"))
    rng = np.random.default_rng(5)
    for zoom in (0, 1, 2, 7, 15, 20):
        columns, rows = rng.integers(0, 2**zoom, 200), rng.integers(0, 2**zoom, 200)
        expected = [
            pmtiles_tile.zxy_to_tileid(zoom, x, y) for x, y in zip(columns.tolist(), rows.tolist(), strict=True)
        ]
        assert ours.tile_ids(zoom, columns, rows).tolist() == expected


def test_a_large_archive_with_leaves_gives_every_tile(read, archive):
    one, other = png(RED), png(GREEN)
    tiles = {(7, x, y): (one if (x * 7 + y) % 3 else other) for x in range(128) for y in range(128)}
    with pytest.raises(ReadError):
        read(archive({(0, 0, 0): one}), frame=Frame())  # loads the plugin
    ours = next(module for name, module in sys.modules.items() if name.endswith("map_image.pmtiles"))
    path = archive(tiles)
    from viewer.plugin_api import mercator_level

    with ours.Archive.opened(path) as opened:
        found = {(7, x, y): data for x, y, data in opened.tiles(mercator_level(7))}
    assert found == tiles


def test_pmtiles_with_vectors_or_unknown_packing_are_refused_with_a_sentence(read, archive):
    with pytest.raises(ReadError, match="vector tiles"):
        read(archive({(0, 0, 0): b"x"}, kind="MVT"))
    with pytest.raises(ReadError, match="Zstandard"):
        read(archive({(0, 0, 0): b"x"}, packing="ZSTD"))


def test_damaged_pmtiles_end_in_a_sentence(read, archive):
    tiles = {}
    for zoom in (13, 14, 15):
        column, row = web_tile(9.985, 53.553, zoom)
        tiles |= {(zoom, column + dx, row + dy): png(RED) for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
    path = archive(tiles)
    whole = path.read_bytes()
    rng = np.random.default_rng(11)
    results = []
    for number in range(150):
        data = bytearray(whole[: rng.integers(8, len(whole))] if number % 3 == 0 else whole)
        for at in rng.integers(8, min(400, len(data)), 3):
            data[at] = rng.integers(0, 256)
        path.write_bytes(data)
        try:
            results.append(read(path).layers[0].rgba.any())
        except ReadError as error:
            assert error.path is not None
            results.append("refused")
    assert results.count("refused") > 20 and len(set(map(str, results))) > 1
