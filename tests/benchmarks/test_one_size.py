"""The measuring process draws what it says, opens from the prepared copy the second time, and repeats a city whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks import goals
from benchmarks.flight import KEYS, pose_at, poses
from benchmarks.one_size import measure_drawing, measure_opening, with_city
from benchmarks.peers.found import missing
from benchmarks.repeat import repeated
from benchmarks.shapes import city
from benchmarks.strip import together
from benchmarks.town_files import write_cityjson
from viewer.city.gate import check_city
from viewer.city.measures import measure


def test_the_flight_passes_through_its_keys_and_does_not_jump() -> None:
    for share, x, y, distance, heading, tilt in KEYS.tolist():
        pose = pose_at(share, (10.0, 20.0, 5.0))
        np.testing.assert_allclose(pose.target, (10.0 + x, 20.0 + y, 5.0), atol=1e-6)
        np.testing.assert_allclose((pose.distance, pose.heading_deg, pose.tilt_deg), (distance, heading % 360, tilt))
    eyes = np.array([pose.position for pose in poses(400, (0.0, 0.0, 0.0))])
    steps = np.linalg.norm(np.diff(eyes, axis=0), axis=1)
    assert steps.max() < 60.0
    assert eyes[:, 2].min() > 40.0


def test_a_repeated_city_is_the_same_city_so_many_times() -> None:
    one = city(40)
    many = repeated(one, 100)
    assert len(many.objects.features) == 120
    check_city(many)
    assert len(set(many.objects.ids.tolist())) == 120
    single, several = measure(one, None), measure(many, None)
    np.testing.assert_allclose(several.volume_m3, np.tile(single.volume_m3, 3), rtol=2e-3)
    assert several.closed.all()
    assert np.ptp(several.centre_local.reshape(3, 40, 2)[:, 0, 0]) > np.ptp(single.centre_local[:, 0])


def test_a_town_is_flown_over_and_every_row_gets_its_number() -> None:
    found = measure_drawing(with_city(city(60)), frames=3, repeats=1)
    assert len(found["moving"]) == 3
    rows = goals.drawing_rows(found)
    assert all(np.isfinite(row["value"]) and (row["value"] > 0 or row["goal"] == 0) for row in rows)
    assert {
        "resting / plain mesh, both antialiased", "slider tick / unchanged picture", "moving, median",
        "edit of one building, with all indicators",
    } <= {row["what"] for row in rows}  # fmt: skip


def test_the_second_opening_finds_the_prepared_copy(tmp_path: Path) -> None:
    path = write_cityjson(tmp_path / "town.city.json", 60)
    first = measure_opening(path, tmp_path / "copies")
    assert any((tmp_path / "copies").iterdir())
    second = measure_opening(path, tmp_path / "copies")
    assert first["buildings"] == second["buildings"] == 60
    rows = goals.opening_rows("CityJSON", first, second, path.stat().st_size)
    assert all(row["houses"] == 60 and row["value"] >= 0 for row in rows if "memory" not in row["what"])


def test_a_program_that_is_not_installed_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    for peer in ("f3d", "cesium", "cityjson"):
        assert "benchmarks.peers install" in missing(peer, tmp_path)


def test_pictures_of_different_resolutions_make_one_strip() -> None:
    whole, half = np.full((800, 1280, 3), 10, np.uint8), np.full((399, 639, 3), 200, np.uint8)
    sheet = together([whole, half, whole, half, whole])
    assert sheet.shape == (606, 4 * 480 + 18, 3)
    assert [int(sheet[y, x, 0]) for y, x in ((100, 200), (100, 700), (400, 200), (400, 700))] == [10, 200, 10, 255]
