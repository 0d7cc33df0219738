"""Roof shapes of OpenStreetMap enclose the volume their geometry books give, whichever way the house stands."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plugins.osm_files import Extract
from viewer.city.measures import measure
from viewer.plugin_api import ReadContext

L, W, TOP, RISE = 20.0, 10.0, 9.0, 3.0
BOX = L * W * (TOP - RISE)
#: Volume under the roof above the eaves.
VOLUMES = {
    "gabled": L * W * RISE / 2,
    "skillion": L * W * RISE / 2,
    "saltbox": L * W * RISE / 2,
    "hipped": RISE * W * (3 * L - W) / 6,
    "pyramidal": L * W * RISE / 3,
    "gambrel": L * W * RISE * (0.22 * 0.62 + 0.28 * (0.62 + 1)),
    "round": L * W * RISE * sum(np.sin(np.pi * k / 8) for k in range(1, 8)) / 8,
}


def house(turn_deg: float = 0.0, *, length: float = L, width: float = W, **tags: str) -> Extract:
    town = Extract()
    turn = np.radians(turn_deg)
    corners = [(0, 0), (length, 0), (length, width), (0, width)]
    placed = [(x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)) for x, y in corners]
    town.way(*placed, closed=True, building="yes", **tags)
    return town


def read(town: Extract, host, tmp_path):
    return host.read(town.write_xml(tmp_path / "town.osm"), ReadContext()).city


@pytest.mark.parametrize("turn", [0.0, 33.0])
@pytest.mark.parametrize("shape", VOLUMES)
def test_a_roof_encloses_its_volume(shape, turn, host, tmp_path) -> None:
    city = read(house(turn, roof__shape=shape, height=str(TOP), roof__height=str(RISE)), host, tmp_path)
    found = measure(city, None)
    assert found.closed.tolist() == [True]
    assert found.volume_m3[0] == pytest.approx(BOX + VOLUMES[shape], rel=2e-3)
    z = city.positions_local[:, 2]
    assert np.ptp(z) == pytest.approx(TOP, abs=0.01)
    assert city.lods == ("2",)


def test_a_dome_lies_between_a_pyramid_and_a_block(host, tmp_path) -> None:
    city = read(house(roof__shape="dome", height=str(TOP), roof__height=str(RISE)), host, tmp_path)
    found = measure(city, None)
    assert found.closed.tolist() == [True]
    assert BOX + VOLUMES["pyramidal"] < found.volume_m3[0] < BOX + L * W * RISE


@pytest.mark.parametrize(("direction", "axis", "sign"), [("E", 0, -1), ("W", 0, 1), ("0", 1, -1), ("180", 1, 1)])
def test_a_single_slope_falls_where_it_says(direction, axis, sign, host, tmp_path) -> None:
    tags = {"roof__shape": "skillion", "roof__direction": direction, "height": "9", "roof__height": "3"}
    city = read(house(**tags), host, tmp_path)
    points = city.positions_local.astype(float)
    top = points[points[:, 2] > points[:, 2].max() - 0.01]
    middle = (points[:, axis].min() + points[:, axis].max()) / 2
    assert (np.sign(top[:, axis] - middle) == sign).all()


def test_across_turns_the_ridge(host, tmp_path) -> None:
    tags = {"roof__shape": "gabled", "height": "9", "roof__height": "3"}
    for orientation, length in (("along", L), ("across", W)):
        city = read(house(roof__orientation=orientation, **tags), host, tmp_path)
        points = city.positions_local
        ridge = points[points[:, 2] > points[:, 2].max() - 0.01]
        assert np.ptp(ridge[:, :2], axis=0).max() == pytest.approx(length, abs=0.05)


def test_a_roof_without_a_height_has_a_usual_pitch_and_stays_below_the_top(host, tmp_path) -> None:
    city = read(house(roof__shape="gabled", height="6"), host, tmp_path)
    assert np.ptp(city.positions_local[:, 2]) == pytest.approx(6.0, abs=0.01)
    eaves = np.unique(np.round(city.positions_local[:, 2] - city.positions_local[:, 2].min(), 2))
    assert eaves.tolist() == pytest.approx([0.0, 6.0 - 5 * np.tan(np.radians(35)), 6.0], abs=0.01)


def test_a_notched_house_keeps_a_closed_gabled_roof_and_a_flat_one_instead_of_a_pyramid(host, tmp_path) -> None:
    corners = [(0, 0), (20, 0), (20, 6), (8, 6), (8, 12), (0, 12)]
    for shape, lods in (("gabled", ("2",)), ("pyramidal", ("1",))):
        town = Extract()
        town.way(*corners, closed=True, building="yes", height="9", roof__height="3", roof__shape=shape)
        city = read(town, host, tmp_path)
        assert measure(city, None).closed.tolist() == [True]
        assert city.lods == lods


def test_a_court_stays_open_under_a_ridge(host, tmp_path) -> None:
    town = Extract()
    outer = town.way((0, 0), (30, 0), (30, 20), (0, 20), closed=True)
    inner = town.way((10, 8), (20, 8), (20, 12), (10, 12), closed=True)
    town.relation((outer, "outer"), (inner, "inner"), type="multipolygon", building="yes", height="9", roof__height="3",
                  roof__shape="gabled")  # fmt: skip
    found = measure(read(town, host, tmp_path), None)
    assert found.closed.tolist() == [True]
    assert found.volume_m3[0] < 30 * 20 * 9 - 10 * 4 * 8
