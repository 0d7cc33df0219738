"""The measured town: closed buildings that keep out of each other's way, the same everywhere and at every size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.generate import city
from benchmarks.shapes import ORIGIN, SHAPES
from benchmarks.town import Kind, Quarter, bend, lots
from benchmarks.town_files import write_citygml, write_cityjson
from viewer.city import CityModel
from viewer.city.gate import check_city
from viewer.city.measures import measure
from viewer.plugin_api import ReadContext
from viewer.readers.citygml import read_citygml
from viewer.readers.cityjson import read_cityjson

COUNT = 3000


@pytest.fixture(scope="module")
def town() -> CityModel:
    return city(COUNT)


def test_every_building_is_closed_and_faces_outwards(town: CityModel) -> None:
    found = measure(town, None)
    assert len(town.objects) == COUNT
    assert found.closed.all()
    assert not found.flipped.any()
    heights = town.objects.attributes["measuredHeight"].values.astype(float)
    np.testing.assert_allclose(found.top_m - found.ground_m, heights, atol=0.003)


def test_the_town_passes_the_gate_of_the_readers(town: CityModel) -> None:
    check_city(town)


def test_a_smaller_town_is_the_middle_of_a_larger_one() -> None:
    small, large = lots(400), lots(900)
    assert set(small.key.tolist()) < set(large.key.tolist())
    inner = np.isin(large.key, small.key)
    np.testing.assert_array_equal(large.take(inner).origin, small.origin)
    assert np.hypot(*large.take(~inner).middle.T).min() >= np.hypot(*small.middle.T).max()


def test_the_town_has_all_shapes_and_quarters_and_is_no_plain_grid() -> None:
    where = lots(20_000)
    assert set(where.kind.tolist()) == set(Kind)
    assert set(where.quarter.tolist()) == set(Quarter) - {Quarter.PARK}
    heights = where.eaves_m
    assert np.percentile(heights, 99.8) > 10 * np.percentile(heights, 5)
    street = bend(where.origin + where.along) - bend(where.origin)
    directions = np.degrees(np.arctan2(street[:, 1], street[:, 0])) % 90.0
    assert np.histogram(directions, bins=18, range=(0, 90))[0].astype(bool).sum() >= 6


def test_no_two_buildings_stand_in_each_other() -> None:
    where = lots(COUNT)
    corner = where.origin[:, None] + where.along[:, None] * [[0], [1]] + where.inward[:, None] * [[0], [1]]
    low, high = corner.min(axis=1), corner.max(axis=1)
    apart_m = 1e-6
    touch = (low[:, None] < high[None] - apart_m).all(axis=2) & (high[:, None] > low[None] + apart_m).all(axis=2)
    assert (touch == np.eye(COUNT, dtype=bool)).all()


def test_fans_of_every_shape_fill_its_faces() -> None:
    for shape in SHAPES.values():
        corners = np.column_stack([shape.place * [9.0, 7.0], 5.0 * shape.eaves + 2.0 * shape.ridge])
        a, b, c = corners[shape.order][shape.fans.T]
        owner = np.repeat(np.arange(len(shape.faces)), shape.sizes - 2)
        normals = np.cross(b - a, c - a)
        total = np.array([normals[owner == face].sum(axis=0) for face in range(len(shape.faces))])
        assert (np.einsum("ij,ij->i", normals, total[owner]) > 0).all(), "a triangle lies outside its face"


@pytest.mark.parametrize(("write", "read"), [(write_citygml, read_citygml), (write_cityjson, read_cityjson)])
def test_the_files_hold_the_same_town(tmp_path: Path, write, read) -> None:  # type: ignore[no-untyped-def]
    context = ReadContext()
    path = write(tmp_path / "town.file", 300)
    found, direct = read(path, context), city(300)
    assert context.log.issues() == ()
    assert found.objects.ids.tolist() == direct.objects.ids.tolist()
    np.testing.assert_array_equal(found.face_surface, direct.face_surface)
    np.testing.assert_array_equal(found.ring_start, direct.ring_start)
    np.testing.assert_allclose(
        found.frame.crs_from_local(found.positions_local), direct.positions_local + np.array(ORIGIN), atol=0.002
    )
    for name, column in direct.objects.attributes.items():
        np.testing.assert_array_equal(found.objects.attributes[name].values, column.values)
    assert path.read_bytes() == write(tmp_path / "again.file", 300).read_bytes()
