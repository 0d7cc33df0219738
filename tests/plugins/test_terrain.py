"""Terrain from files: every height at its place, whatever the grid, its units and its coordinate system."""

from __future__ import annotations

import gzip
import zipfile

import numpy as np
import pytest

from viewer.city.terrain import height_at
from viewer.errors import LimitError, ReadError
from viewer.plugin_api import ImageLayer, TerrainLayer
from viewer.readers.crs import transform

X, Y = 565_000.0, 5_934_000.0
READER = "terrain:Terrain heights"


def slope(x, y):
    return 10.0 + 0.05 * np.asarray(x) + 0.02 * np.asarray(y)


def nodes(columns=50, rows=40, cell=2.0):
    """Heights (rows, columns), first row north, at the middles of cells whose outer corner is (X, Y)."""
    x = (np.arange(columns) + 0.5) * cell
    y = (rows - np.arange(rows) - 0.5) * cell
    return slope(*np.meshgrid(x, y)).astype(np.float32)


def write_tif(path, heights, *, crs="EPSG:25832", west=X, north=Y + 80, cell=2.0, nodata=None, **more):
    rasterio = pytest.importorskip("rasterio")
    with rasterio.open(
        path, "w", driver="GTiff", height=heights.shape[0], width=heights.shape[1], count=1, dtype=heights.dtype,
        crs=crs, transform=rasterio.Affine(cell, 0, west, 0, -cell, north), nodata=nodata,
    ) as data:  # fmt: skip
        data.write(heights, 1)
        for name, value in more.items():
            setattr(data, name, value)


def write_asc(path, heights, *, cell=2.0, header="xllcorner {x}\nyllcorner {y}\ncellsize {cell}\n"):
    rows, columns = heights.shape
    head = f"ncols {columns}\nnrows {rows}\n" + header.format(x=X, y=Y, cell=cell) + "NODATA_value -9999\n"
    path.write_text(head + "\n".join(" ".join(f"{v:.4f}" for v in row) for row in heights), encoding="utf-8")


def xyz_text(columns=20, rows=15, cell=5.0, separator=" "):
    x, y = (side.ravel() for side in np.meshgrid(np.arange(columns) * cell, np.arange(rows) * cell))
    return "".join(
        f"{X + a:.2f}{separator}{Y + b:.2f}{separator}{slope(a, b):.3f}\n" for a, b in zip(x, y, strict=True)
    )


def assert_slope(layer, atol=0.002):
    assert isinstance(layer, TerrainLayer)
    places = np.array([[3.0, 3.0], [50.0, 40.0], [40.5, 61.2]])
    assert height_at(layer, places) == pytest.approx(slope(*places.T), abs=atol)


def test_a_geotiff_of_heights_is_terrain_and_its_nodes_are_the_middles_of_cells(read, tmp_path):
    write_tif(tmp_path / "dgm.tif", nodes())
    reading = read(tmp_path / "dgm.tif")
    assert reading.reader == READER
    assert reading.questions == {}
    assert_slope(reading.layers[0])
    assert reading.layers[0].origin_local == (1.0, 1.0)


def test_unknown_heights_stay_unknown(read, tmp_path):
    heights = nodes()
    heights[:10, :10] = -9999
    write_tif(tmp_path / "dgm.tif", heights, nodata=-9999)
    layer = read(tmp_path / "dgm.tif").layers[0]
    assert np.isnan(height_at(layer, [[5.0, 75.0]])).all()
    assert_slope(layer)


def test_stand_ins_for_unknown_that_nobody_declared_are_left_out(read, tmp_path):
    heights = nodes()
    heights[0, :5] = -32768
    write_tif(tmp_path / "dgm.tif", heights)
    reading = read(tmp_path / "dgm.tif")
    assert "Heights no ground on earth has, left out: 5" in map(str, reading.report.issues)
    assert_slope(reading.layers[0])


def test_heights_in_feet_become_metres(read, tmp_path):
    write_tif(tmp_path / "dem.tif", nodes() / np.float32(0.3048), units=("ft",))
    reading = read(tmp_path / "dem.tif")
    assert_slope(reading.layers[0])
    assert any("0.3048" in str(issue) for issue in reading.report.issues)


def test_scale_and_offset_of_whole_numbers_count(read, tmp_path):
    write_tif(tmp_path / "dtm.tif", np.rint(nodes() * 100 - 500).astype(np.int16), scales=(0.01,), offsets=(5.0,))
    assert_slope(read(tmp_path / "dtm.tif").layers[0], atol=0.01)


def test_a_compound_system_names_the_height_system(read, tmp_path):
    write_tif(tmp_path / "dgm.tif", nodes(), crs="EPSG:25832+7837")
    reading = read(tmp_path / "dgm.tif")
    assert reading.layers[0].vertical_crs == "DHHN2016 height"
    assert_slope(reading.layers[0])


def test_another_coordinate_system_lands_in_the_right_place(read, tmp_path):
    corners = transform(np.array([[X, Y], [X + 100, Y + 80]]), "EPSG:25832", "EPSG:25833")
    west, north = corners[:, 0].min() - 30, corners[:, 1].max() + 30
    columns, rows = 100, 90
    x, y = np.meshgrid(west + (np.arange(columns) + 0.5) * 2, north - (np.arange(rows) + 0.5) * 2)
    there = transform(np.column_stack([x.ravel(), y.ravel()]), "EPSG:25833", "EPSG:25832") - (X, Y)
    heights = slope(*there.T).reshape(rows, columns).astype(np.float32)
    write_tif(tmp_path / "dgm.tif", heights, crs="EPSG:25833", west=west, north=north)
    reading = read(tmp_path / "dgm.tif")
    assert_slope(reading.layers[0], atol=0.01)
    assert any("cells are" in str(issue) for issue in reading.report.issues)


def test_a_surface_model_opens_as_a_picture_unless_asked_otherwise(read, tmp_path):
    write_tif(tmp_path / "DSM_2020.tif", nodes())
    assert isinstance(read(tmp_path / "DSM_2020.tif").layers[0], ImageLayer)
    assert isinstance(read(tmp_path / "DSM_2020.tif", reader=READER).layers[0], TerrainLayer)


def test_a_grey_picture_is_no_terrain(read, tmp_path):
    write_tif(tmp_path / "luftbild.tif", nodes().astype(np.uint8))
    assert isinstance(read(tmp_path / "luftbild.tif").layers[0], ImageLayer)


@pytest.mark.parametrize("header", ["xllcorner {x}\nyllcorner {y}\ncellsize {cell}\n",
                                    "XLLCENTER {x}\nYLLCENTER {y}\nDX {cell}\nDY {cell}\n"])  # fmt: skip
def test_an_ascii_grid_is_terrain(read, tmp_path, header):
    write_asc(tmp_path / "dgm.asc", nodes(), header=header)
    reading = read(tmp_path / "dgm.asc")
    assert reading.reader == READER
    assert reading.questions == {"crs": "EPSG:25832"}
    layer = reading.layers[0]
    shift = 0.0 if "corner" in header else 1.0
    assert height_at(layer, [[50.0 - shift, 40.0 - shift]]) == pytest.approx(slope(50, 40), abs=0.001)


def test_words_among_the_heights_cost_only_themselves(read, tmp_path):
    write_asc(tmp_path / "dgm.asc", nodes())
    text = (tmp_path / "dgm.asc").read_text(encoding="utf-8").splitlines()
    text[8] = text[8].replace(text[8].split()[3], "oops", 1)
    (tmp_path / "dgm.asc").write_text("\n".join(text[:-2]), encoding="utf-8")
    reading = read(tmp_path / "dgm.asc")
    texts = [str(issue) for issue in reading.report.issues]
    assert "Heights that are no numbers, left out: 1" in texts
    assert "The grid breaks off: 100 heights are missing." in texts
    assert height_at(reading.layers[0], [[50.0, 40.0]]) == pytest.approx(slope(50, 40), abs=0.001)


@pytest.mark.parametrize("header", ["ncols 5\n", "ncols x\nnrows 3\n", "ncols 5\nnrows 5\nxllcorner 1\nyllcorner 1\n",
                                    "ncols 5\nnrows 5\nxllcorner nan\nyllcorner 1\ncellsize 1\n"])  # fmt: skip
def test_a_senseless_header_is_refused(read, tmp_path, header):
    (tmp_path / "dgm.asc").write_text(header + "1 2 3\n", encoding="utf-8")
    with pytest.raises(ReadError):
        read(tmp_path / "dgm.asc", reader=READER)


def test_a_header_that_claims_too_much_is_refused_before_any_memory_is_taken(read, tmp_path):
    (tmp_path / "dgm.asc").write_text(
        "ncols 900000\nnrows 900000\nxllcorner 0\nyllcorner 0\ncellsize 1\n1 2 3\n", encoding="utf-8"
    )
    with pytest.raises(LimitError):
        read(tmp_path / "dgm.asc")


@pytest.mark.parametrize("separator", [" ", ",", ";", "\t"])
def test_xyz_is_terrain_whatever_separates_its_columns(read, tmp_path, separator):
    (tmp_path / "dgm1.xyz").write_text(xyz_text(separator=separator), encoding="utf-8")
    reading = read(tmp_path / "dgm1.xyz")
    assert reading.reader == READER
    layer = reading.layers[0]
    assert layer.cell_m == 5.0 and layer.heights.shape == (15, 20)
    assert height_at(layer, [[50.0, 40.0]]) == pytest.approx(slope(50, 40), abs=0.001)


def test_xyz_with_names_decimal_commas_shuffled_lines_and_gaps(read, tmp_path):
    lines = xyz_text(separator=";").replace(".", ",").splitlines()
    del lines[37]
    lines = [lines[i] for i in np.random.default_rng(1).permutation(len(lines))]
    (tmp_path / "dgm1.xyz").write_text("x;y;z\n" + "\n".join([*lines, "a;b;c"]) + "\n", encoding="utf-8")
    reading = read(tmp_path / "dgm1.xyz")
    layer = reading.layers[0]
    assert np.isnan(layer.heights).sum() == 1
    assert "Lines that are no three numbers, left out: 1" in map(str, reading.report.issues)
    assert height_at(layer, [[50.0, 40.0]]) == pytest.approx(slope(50, 40), abs=0.001)


def test_scattered_points_are_no_grid(read, tmp_path):
    points = np.random.default_rng(2).uniform(0, 100, (500, 3)) + (X, Y, 0)
    np.savetxt(tmp_path / "points.xyz", points, fmt="%.3f")
    with pytest.raises(ReadError, match="regular grid"):
        read(tmp_path / "points.xyz", reader=READER)


def test_packed_grids_are_read(read, tmp_path):
    (tmp_path / "dgm.xyz.gz").write_bytes(gzip.compress(xyz_text().encode()))
    with zipfile.ZipFile(tmp_path / "dgm.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("dgm1_33.xyz", xyz_text())
    for name in ("dgm.xyz.gz", "dgm.zip"):
        reading = read(tmp_path / name)
        assert reading.reader == READER
        assert reading.layers[0].heights.shape == (15, 20)


def test_damaged_packing_is_one_clear_error(read, tmp_path):
    (tmp_path / "dgm.xyz.gz").write_bytes(gzip.compress(xyz_text(200, 150).encode())[:-900])
    with pytest.raises(ReadError):
        read(tmp_path / "dgm.xyz.gz", reader=READER)


def test_a_large_grid_is_averaged_down(read, tmp_path, monkeypatch):
    pytest.importorskip("rasterio")
    for ending, write in ((".tif", write_tif), (".asc", write_asc)):
        write(tmp_path / f"dgm{ending}", nodes(4200, 6, 2.0)[:6], **({"north": Y + 12} if ending == ".tif" else {}))
        reading = read(tmp_path / f"dgm{ending}")
        layer = reading.layers[0]
        assert layer.heights.shape == (3, 2100) and layer.cell_m == pytest.approx(4.0)
        assert any("every 2 × 2 heights" in str(issue) for issue in reading.report.issues)
        assert height_at(layer, [[4000.0, 6.0]]) == pytest.approx(slope(4000, 6), abs=0.01)


def test_a_fine_xyz_grid_keeps_every_second_node(read, tmp_path, monkeypatch, host):
    import sys

    (tmp_path / "dgm.xyz").write_text(xyz_text(60, 50), encoding="utf-8")
    read(tmp_path / "dgm.xyz")
    module = next(m for name, m in sys.modules.items() if name.endswith("terrain.xyz_grid"))
    monkeypatch.setattr(module, "MAX_SIDE", 40)
    layer = read(tmp_path / "dgm.xyz").layers[0]
    assert layer.heights.shape == (25, 30) and layer.cell_m == 10.0
    assert height_at(layer, [[100.0, 80.0]]) == pytest.approx(slope(100, 80), abs=0.001)


def test_real_terrain_of_munich(read, shared):
    reading = read(shared / "munich-terrain-and-buildings" / "691_5336.tif")
    layer = reading.layers[0]
    assert layer.heights.shape == (1000, 1000) and layer.cell_m == 1.0
    assert 500 < np.nanmin(layer.heights) < np.nanmax(layer.heights) < 520


def test_mutants_end_in_terrain_or_in_one_clear_error(read, tmp_path):
    write_tif(tmp_path / "a.tif", nodes(20, 16))
    write_asc(tmp_path / "a.asc", nodes(20, 16))
    (tmp_path / "a.xyz").write_text(xyz_text(8, 6), encoding="utf-8")
    rng = np.random.default_rng(9)
    print("seed 9, 105 mutants")
    for ending, count in ((".tif", 40), (".asc", 40), (".xyz", 25)):
        whole = (tmp_path / f"a{ending}").read_bytes()
        path = tmp_path / f"m{ending}"
        for _ in range(count):
            data = bytearray(whole)
            for at in rng.integers(0, min(len(data), 600), 3):
                data[at] = rng.integers(0, 256)
            path.write_bytes(data)
            try:
                layer = read(path, reader=READER).layers[0]
            except ReadError as error:
                assert str(error)
            else:
                assert layer.heights.size < 50_000_000
