"""A terrain in the session: the city stands on it, switched off it does not, and both can be undone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import box, city_of, houses
from viewer.city import Frame
from viewer.plugin_host import PluginHost
from viewer.readers.cityjson_writer import write_cityjson
from viewer.session import Session
from viewer.session.edits import RemoveSource, StyleSource
from viewer.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
X, Y = 565_000.0, 5_934_000.0


def slope(x, y):
    return 50.0 + 0.04 * np.asarray(x) + 0.02 * np.asarray(y)


@pytest.fixture
def workspace() -> Workspace:
    return Workspace(Session(), PluginHost([ROOT / "plugins"], packages=False))


def city_at(folder: Path, z: float) -> Path:
    path = folder / f"town{z:g}.city.json"
    write_cityjson(replace(houses(9), frame=Frame("EPSG:25832", (X, Y, z))), path)
    return path


def city_on_slope(folder: Path, lift: float) -> Path:
    places = [(40.0 * i, 30.0 * j) for i in range(3) for j in range(3)]
    city = city_of([box(10, 10, 8, x=x, y=y, z=float(slope(x, y)) + lift) for x, y in places])
    path = folder / "slope.city.json"
    write_cityjson(replace(city, frame=Frame("EPSG:25832", (X, Y, 0.0))), path)
    return path


def terrain_file(folder: Path, name: str = "dgm.asc", lift: float = 0.0) -> Path:
    x, y = np.meshgrid(-200.0 + np.arange(80) * 8, 400.0 - np.arange(80) * 8)
    rows = "\n".join(" ".join(f"{v:.3f}" for v in row) for row in slope(x, y) + lift)
    path = folder / name
    path.write_text(
        f"ncols 80\nnrows 80\nxllcenter {X - 200}\nyllcenter {Y + 400 - 79 * 8}\ncellsize 8\n{rows}\n", encoding="utf-8"
    )
    return path


def feet_above_terrain(workspace: Workspace) -> np.ndarray:
    origin = workspace.frame.origin_crs
    centre = workspace.measures.centre_local + origin[:2] - (X, Y)
    return workspace.measures.ground_m + origin[2] - slope(*centre.T)


def show(workspace: Workspace, key: str, visible: bool) -> None:
    style = workspace.session.document.source(key).style
    workspace.session.edit(StyleSource(key, replace(style, visible=visible)))


def test_houses_without_a_height_stand_on_a_terrain_opened_later_and_a_message_says_so(workspace, tmp_path):
    workspace.adopt(workspace.read(city_at(tmp_path, 0.0)))
    loaded = workspace.read(terrain_file(tmp_path))
    workspace.adopt(loaded)
    assert np.abs(feet_above_terrain(workspace)).max() < 0.6
    assert "9 buildings without a ground height" in " ".join(map(str, loaded.report.issues))
    assert workspace.ground.exact


def test_houses_opened_after_the_terrain_stand_on_it_too(workspace, tmp_path):
    workspace.adopt(workspace.read(terrain_file(tmp_path)))
    assert workspace.city is not None and workspace.ground.detail is not None
    loaded = workspace.read(city_at(tmp_path, 0.0))
    workspace.adopt(loaded)
    assert np.abs(feet_above_terrain(workspace)).max() < 0.6
    assert "without a ground height" in " ".join(map(str, loaded.report.issues))


def test_switched_off_the_city_stands_where_its_file_says_and_undo_brings_the_terrain_back(workspace, tmp_path):
    workspace.adopt(workspace.read(city_at(tmp_path, 0.0)))
    before = workspace.city
    key = workspace.adopt(workspace.read(terrain_file(tmp_path)))
    on_terrain = workspace.city
    assert on_terrain is not before
    show(workspace, key, False)
    assert workspace.city is before and not workspace.ground.exact
    workspace.session.undo()
    assert workspace.city is on_terrain
    workspace.session.edit(RemoveSource(key))
    assert workspace.city is before
    workspace.session.undo()
    assert workspace.city is on_terrain


def test_another_height_system_is_told_and_moves_nothing(workspace, tmp_path):
    workspace.adopt(workspace.read(city_on_slope(tmp_path, 45.0)))
    before = workspace.city
    loaded = workspace.read(terrain_file(tmp_path))
    workspace.adopt(loaded)
    texts = " ".join(map(str, loaded.report.issues))
    assert "above the terrain dgm" in texts and "ellipsoid" in texts
    assert workspace.city is before


def test_two_tiles_of_terrain_are_one_ground(workspace, tmp_path):
    workspace.adopt(workspace.read(city_on_slope(tmp_path, 0.0)))
    workspace.adopt(workspace.read(terrain_file(tmp_path)))
    first, height = workspace.terrain, float(workspace.ground.height_at([0.0, 0.0]))
    key = workspace.adopt(workspace.read(terrain_file(tmp_path, "oben.asc", lift=1.0)))
    assert workspace.ground.height_at([0.0, 0.0]) == pytest.approx(height + 1.0, abs=0.01)
    assert workspace.terrain is not first
    show(workspace, key, False)
    assert workspace.terrain is first
