"""Point clouds: every point at its place, coarse to fine; headers that lie are found out before they cost anything."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest

from viewer.city.streamed import Holds
from viewer.errors import LimitError, ReadError
from viewer.plugin_api import StreamedLayer

laspy = pytest.importorskip("laspy")
pytest.importorskip("lazrs")

X, Y = 565_000.0, 5_934_000.0


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    helper = sys.modules["viewer.plugin_api.helper"]
    monkeypatch.setattr(helper, "cache_folder", lambda: folder)
    return folder


def write_cloud(
    path, count=5000, *, seed=1, crs="EPSG:25832", point_format=3, version="1.4", noise=0, vlrs=(), **dimensions
):
    """Random points of 100 x 80 x 10 m; returns them. vlrs : records that stand in front of all others."""
    import pyproj

    header = laspy.LasHeader(point_format=point_format, version=version)
    header.scales, header.offsets = [0.001] * 3, [X, Y, 0.0]
    header.vlrs.extend(vlrs)
    if crs:
        header.add_crs(pyproj.CRS(crs))
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (count, 3)) * (100, 80, 10) + (X, Y, 20)
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = points.T
    kind = rng.choice([2, 5, 6], count).astype(np.uint8)
    kind[:noise] = 7
    cloud.classification = kind
    for name, values in dimensions.items():
        setattr(cloud, name, values)
    cloud.write(path)
    return points[noise:]


def all_points(layer):
    found = []
    nodes = layer.tree.nodes
    for node in np.flatnonzero(nodes.holds == Holds.CONTENT):
        (content,) = layer.contents(int(node))
        places = content.positions + np.array(content.origin_local)
        assert (places >= nodes.low[node] - 0.01).all() and (places <= nodes.high[node] + 0.01).all()
        found.append(places)
    return np.concatenate(found)


def in_order(points):
    return points[np.lexsort(np.round(points, 3).T)]


@pytest.mark.parametrize(("name", "version", "kind"), [("a.las", "1.2", 3), ("a.laz", "1.2", 3), ("a.laz", "1.4", 7)])
def test_every_point_is_there_once_where_it_was(read, tmp_path, name, version, kind):
    points = write_cloud(tmp_path / name, version=version, point_format=kind)
    reading = read(tmp_path / name)
    assert reading.reader == "pointcloud:Point cloud"
    assert reading.questions == {}
    layer = reading.layers[0]
    assert isinstance(layer, StreamedLayer)
    assert in_order(all_points(layer)) == pytest.approx(in_order(points - (X, Y, 0)), abs=0.002)


def test_a_copc_file_opens_like_any_packed_cloud(read, tmp_path):
    """COPC is LAZ 1.4 with two records more: where its tree of pieces lies, and the box of that tree."""
    centre, half, spacing, hierarchy = (X + 50, Y + 40, 25), 50.0, 1.0, (0, 32)
    body = struct.pack("<5d2Q2d", *centre, half, spacing, *hierarchy, 0.0, 0.0).ljust(160, b"\0")
    path = tmp_path / "tile.copc.laz"
    points = write_cloud(path, point_format=7, vlrs=[laspy.VLR("copc", 1, "COPC info", body)])
    assert b"copc\0" in path.read_bytes()[375:395]  # where a COPC file has to say it
    reading = read(path)
    assert reading.reader == "pointcloud:Point cloud"
    assert in_order(all_points(reading.layers[0])) == pytest.approx(in_order(points - (X, Y, 0)), abs=0.002)


def test_coarse_levels_are_evenly_spread_and_finer_ones_lie_within_their_parents(read, tmp_path):
    write_cloud(tmp_path / "a.las", 60_000)
    layer = read(tmp_path / "a.las").layers[0]
    nodes = layer.tree.nodes
    assert (nodes.parent < 0).sum() == 1
    below = np.flatnonzero(nodes.parent >= 0)
    above = nodes.parent[below]
    assert (nodes.low[above] <= nodes.low[below] + 1e-6).all() and (nodes.high[above] >= nodes.high[below] - 1e-6).all()
    assert (nodes.geometric_error_m[above] > nodes.geometric_error_m[below]).all()
    (root,) = layer.contents(0)
    cells = np.unique(np.floor(root.positions / (100 / 128)), axis=0)
    assert len(cells) > 0.6 * len(root.positions)
    assert 500 < len(root.positions) < 60_000


def test_classes_heights_and_colours_come_along(read, tmp_path):
    red = np.full(3000, 65_535, np.uint16)
    write_cloud(tmp_path / "a.las", 3000, red=red, green=np.zeros(3000, np.uint16), blue=red // 2)
    layer = read(tmp_path / "a.las").layers[0]
    (root,) = layer.contents(0)
    assert (root.rgba == (255, 0, 127, 255)).all()
    assert set(root.attributes["Class"].tolist()) == {"ground", "high vegetation", "building"}
    assert root.attributes["Height"] == pytest.approx(root.positions[:, 2] + root.origin_local[2], abs=1e-3)
    assert set(layer.attributes) == {"Class", "Height", "Intensity"}
    assert layer.style_column == ""


def test_without_colours_classes_colour_the_cloud(read, tmp_path):
    write_cloud(tmp_path / "a.las", 500, point_format=1)
    layer = read(tmp_path / "a.las").layers[0]
    assert layer.style_column == "Class"
    assert layer.contents(0)[0].rgba is None


def test_noise_is_left_out_and_counted(read, tmp_path):
    points = write_cloud(tmp_path / "a.las", 500, noise=12)
    reading = read(tmp_path / "a.las")
    assert len(all_points(reading.layers[0])) == len(points)
    assert "Points marked as noise or withheld, left out: 12" in map(str, reading.report.issues)


def test_a_missing_coordinate_system_is_asked_for(read, tmp_path):
    write_cloud(tmp_path / "a.las", 100, crs="")
    reading = read(tmp_path / "a.las")
    assert reading.questions == {"crs": "EPSG:25832"}


def test_another_coordinate_system_lands_in_the_right_place(read, tmp_path):
    from viewer.readers.crs import transform

    write_cloud(tmp_path / "a.las", 300, crs="EPSG:25832")
    here = all_points(read(tmp_path / "a.las").layers[0])
    (tmp_path / "b").mkdir()
    header = laspy.LasHeader(point_format=1, version="1.4")
    header.scales, header.offsets = [0.001] * 3, [0.0, 5_934_000.0, 0.0]
    import pyproj

    header.add_crs(pyproj.CRS("EPSG:25833"))
    cloud = laspy.LasData(header)
    there = transform(here[:, :2] + (X, Y), "EPSG:25832", "EPSG:25833")
    cloud.x, cloud.y, cloud.z = there[:, 0], there[:, 1], here[:, 2]
    cloud.write(tmp_path / "b" / "b.las")
    moved = all_points(read(tmp_path / "b" / "b.las").layers[0])
    assert np.sort(moved[:, 2]) == pytest.approx(np.sort(here[:, 2]), abs=0.01)
    assert moved.min(axis=0) == pytest.approx(here.min(axis=0), abs=0.01)
    assert moved.mean(axis=0) == pytest.approx(here.mean(axis=0), abs=0.01)


def test_the_second_opening_uses_what_was_prepared(read, tmp_path, monkeypatch):
    write_cloud(tmp_path / "a.las")
    first = all_points(read(tmp_path / "a.las").layers[0])
    helper = sys.modules["viewer.plugin_api.helper"]
    monkeypatch.setattr(helper.subprocess, "Popen", None)
    assert np.array_equal(all_points(read(tmp_path / "a.las").layers[0]), first)


def test_a_changed_file_is_prepared_again(read, tmp_path):
    write_cloud(tmp_path / "a.las", 500)
    read(tmp_path / "a.las")
    write_cloud(tmp_path / "a.las", 700)
    assert len(all_points(read(tmp_path / "a.las").layers[0])) == 700


def test_a_large_cloud_is_thinned_evenly_and_says_so(read, tmp_path, monkeypatch):
    write_cloud(tmp_path / "a.las", 1000)
    read(tmp_path / "a.las")
    module = next(m for name, m in sys.modules.items() if name.endswith("pointcloud.pointcloud"))
    monkeypatch.setattr(module, "MOST_POINTS", 300)
    reading = read(tmp_path / "a.las")
    assert len(all_points(reading.layers[0])) == 250
    assert "every 4th point" in " ".join(map(str, reading.report.issues))


def claim(path, count):
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 107, min(count, 2**32 - 1))
    if data[25] >= 4:
        struct.pack_into("<Q", data, 247, count)
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["a.las", "a.laz"])
def test_a_header_that_claims_fifty_million_points_costs_nothing(read, tmp_path, name):
    points = write_cloud(tmp_path / name, 200)
    claim(tmp_path / name, 50_000_000)
    if name == "a.laz":
        with pytest.raises(ReadError, match="cannot hold"):
            read(tmp_path / name)
    else:
        reading = read(tmp_path / name)
        assert "claims 50000000 points" in " ".join(map(str, reading.report.issues))
        assert len(all_points(reading.layers[0])) >= len(points)


@pytest.mark.parametrize("name", ["a.las", "a.laz"])
def test_a_cut_off_file_shows_what_is_there_or_says_why_not(read, tmp_path, name):
    write_cloud(tmp_path / name, 5000)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
    try:
        reading = read(tmp_path / name)
    except ReadError:
        return
    assert len(all_points(reading.layers[0])) < 5000
    assert any(issue.severity == "warning" for issue in reading.report.issues)


def test_mutants_end_in_a_layer_or_in_one_clear_error(read, tmp_path):
    write_cloud(tmp_path / "a.laz", 60)
    whole = (tmp_path / "a.laz").read_bytes()
    rng = np.random.default_rng(7)
    print("seed 7, 10 mutants")
    for number in range(10):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), 4):
            data[at] = rng.integers(0, 256)
        path = tmp_path / f"m{number}.laz"
        path.write_bytes(data)
        try:
            read(path, reader="pointcloud:Point cloud")
        except ReadError as error:
            assert str(error)


def test_a_helper_that_takes_too_long_or_too_much_is_ended(tmp_path):
    from viewer.plugin_api import Progress, run_helper

    script = tmp_path / "slow.py"
    script.write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    with pytest.raises(LimitError, match="seconds"):
        run_helper(script, {}, Progress(), path=script, seconds=0.5)
    script.write_text("x = bytearray(3_000_000_000)\n", encoding="utf-8")
    if sys.platform == "linux":
        with pytest.raises(LimitError, match="memory"):
            run_helper(script, {}, Progress(), path=script, memory_bytes=1_000_000_000)


def test_a_helper_that_crashes_is_one_clear_error(tmp_path):
    from viewer.plugin_api import Progress, run_helper

    script = tmp_path / "crash.py"
    script.write_text("import ctypes\nctypes.string_at(0)\n", encoding="utf-8")
    with pytest.raises(ReadError, match="damaged"):
        run_helper(script, {}, Progress(), path=script)


def test_a_cancelled_helper_is_ended(tmp_path):
    from viewer.plugin_api import Cancelled, Progress, run_helper

    script = tmp_path / "slow.py"
    script.write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    with pytest.raises(Cancelled):
        run_helper(script, {}, Progress(is_cancelled=lambda: True), path=script)


def test_the_real_cloud_of_delft(read, shared):
    from viewer.city import Frame

    reading = read(shared / "delft-3dfier" / "ahn3_cropped_1.laz", frame=Frame())
    assert reading.report.crs == "EPSG:28992"
    assert reading.questions == {"crs": "EPSG:28992"}
    assert len(all_points(reading.layers[0])) == 640_510


def test_where_the_points_are_counts_not_where_the_header_says(read, tmp_path):
    points = write_cloud(tmp_path / "a.las", 300, crs="")
    data = bytearray((tmp_path / "a.las").read_bytes())
    struct.pack_into("<6d", data, 179, *[0.0] * 6)
    (tmp_path / "a.las").write_bytes(data)
    reading = read(tmp_path / "a.las")
    assert reading.questions == {"crs": "EPSG:25832"}
    assert in_order(all_points(reading.layers[0])) == pytest.approx(in_order(points - (X, Y, 0)), abs=0.002)


def test_degrees_land_in_the_right_place(read, tmp_path):
    import pyproj

    from viewer.readers.crs import transform

    header = laspy.LasHeader(point_format=1, version="1.4")
    header.scales, header.offsets = [1e-7, 1e-7, 0.001], [9.0, 53.0, 0.0]
    header.add_crs(pyproj.CRS("EPSG:4326"))
    rng = np.random.default_rng(4)
    here = rng.uniform(0, 1, (2000, 3)) * (100, 80, 10) + (0, 0, 20)
    there = transform(here[:, :2] + (X, Y), "EPSG:25832", "EPSG:4326")
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = there[:, 0], there[:, 1], here[:, 2]
    cloud.write(tmp_path / "a.las")
    layer = read(tmp_path / "a.las").layers[0]
    moved = all_points(layer)
    assert moved.min(axis=0) == pytest.approx(here.min(axis=0), abs=0.03)
    assert moved.max(axis=0) == pytest.approx(here.max(axis=0), abs=0.03)
    errors = layer.tree.nodes.geometric_error_m
    assert errors.max() < 20.0
