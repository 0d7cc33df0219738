"""The measured city is what the benchmark says: houses of 16 triangles, the same in both formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import bench_reading
from benchmarks.generate import FACES, TRIANGLES, houses, write_citygml, write_cityjson
from viewer.city import CityModel
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.plugin_api import ReadContext
from viewer.readers.cityjson import read_cityjson

HOUSES = 60


def cityjson(folder: Path) -> tuple[CityModel, ReadContext]:
    context = ReadContext()
    return read_cityjson(write_cityjson(folder / "city.city.json", HOUSES), context), context


def test_every_house_is_closed_and_has_sixteen_triangles(tmp_path: Path) -> None:
    city, context = cityjson(tmp_path)
    assert context.log.issues() == ()
    assert len(city.objects) == HOUSES
    assert len(city.triangles) == TRIANGLES * HOUSES
    assert len(city.face_surface) == len(FACES) * HOUSES
    found = measure(city, faces_at(city))
    assert found.closed.all()
    heights = city.objects.attributes["measuredHeight"].values.astype(float)
    np.testing.assert_allclose(found.top_m - found.ground_m, heights, atol=0.002)


def test_houses_do_not_touch_each_other() -> None:
    corners = houses(HOUSES)
    low, high = corners[..., :2].min(axis=1), corners[..., :2].max(axis=1)
    apart = (low[:, None] > high[None]).any(axis=2) | (high[:, None] < low[None]).any(axis=2)
    assert (apart | np.eye(HOUSES, dtype=bool)).all()


def test_the_same_number_of_houses_gives_the_same_bytes(tmp_path: Path) -> None:
    for write in (write_cityjson, write_citygml):
        first, second = write(tmp_path / "a", HOUSES).read_bytes(), write(tmp_path / "b", HOUSES).read_bytes()
        assert first == second


def test_both_formats_show_the_same_city(tmp_path: Path) -> None:
    citygml = pytest.importorskip("viewer.readers.citygml", reason="the CityGML reader is not there")
    context = ReadContext()
    other = citygml.read_citygml(write_citygml(tmp_path / "city.gml", HOUSES), context)
    city, _ = cityjson(tmp_path)
    assert other.objects.ids.tolist() == city.objects.ids.tolist()
    assert len(other.triangles) == len(city.triangles)
    np.testing.assert_array_equal(np.bincount(other.face_surface), np.bincount(city.face_surface))
    np.testing.assert_allclose(
        other.frame.crs_from_local(other.extent_local), city.frame.crs_from_local(city.extent_local), atol=0.002
    )


def test_measuring_reports_value_goal_and_verdict(tmp_path: Path) -> None:
    path = write_cityjson(tmp_path / "city.city.json", HOUSES)
    ratio, ours, bare = bench_reading.parsing_rows("CityJSON", "orjson.loads", path, path, HOUSES, repeats=1)
    assert ratio["goal"] == bench_reading.GOALS["CityJSON"]
    assert ratio["reached"] == (float(str(ratio["value"])) <= bench_reading.GOALS["CityJSON"])
    assert float(str(ours["value"])) >= 0
    assert bare["unit"] == "s"
