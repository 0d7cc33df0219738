"""A workspace with a small made-up city, and a window around it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from viewer.plugin_host import PluginHost
from viewer.session import Session
from viewer.settings import Settings
from viewer.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def box(number: int, x: float, y: float, side: float, height: float) -> tuple[dict, list[list[float]]]:
    """One building as CityJSON, and its eight corners."""
    corners = [[x, y, 0], [x + side, y, 0], [x + side, y + side, 0], [x, y + side, 0]]
    corners += [[cx, cy, height] for cx, cy, _ in corners]
    faces = [[3, 2, 1, 0], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
    at = number * 8
    shell = [[[at + i for i in face]] for face in faces]
    geometry = {
        "type": "Solid",
        "lod": "1.2",
        "boundaries": [shell],
        "semantics": {
            "surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}],
            "values": [[0, 1, 2, 2, 2, 2]],
        },
    }
    made = {
        "type": "Building",
        "attributes": {"measuredHeight": height, "storeysAboveGround": round(height / 3), "name": f"House {number}"},
        "geometry": [geometry],
    }
    return made, corners


@pytest.fixture
def city_file(tmp_path) -> Path:
    """A CityJSON file with nine buildings, 40 metres apart, the middle one at the middle."""
    objects, vertices = {}, []
    for number in range(9):
        x, y = 40.0 * (number % 3), 40.0 * (number // 3)
        objects[f"house-{number}"], corners = box(number, x, y, 10.0, 6.0 + 3.0 * (number % 4))
        vertices += corners
    city = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "transform": {"scale": [0.001, 0.001, 0.001], "translate": [565000.0, 5934000.0, 0.0]},
        "CityObjects": objects,
        "vertices": [[round(c * 1000) for c in v] for v in vertices],
    }
    path = tmp_path / "nine.city.json"
    path.write_text(json.dumps(city), encoding="utf-8")
    return path


@pytest.fixture
def trees_file(tmp_path) -> Path:
    """A register of four trees among the buildings, in the city's coordinates."""
    rows = ["species;x;y;height"]
    rows += [f"Linde;{565000 + 25 * n}.0;5934030.0;{8 + n}" for n in range(4)]
    path = tmp_path / "my_trees.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(tmp_path / "preferences.json")


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(Session(), PluginHost([ROOT / "plugins"], packages=False))


@pytest.fixture
def window(qtbot, workspace, settings):
    """The empty window, shown, with tasks that run at once and the stand-in view."""
    from viewer.ui.tasks import ImmediateRunner
    from viewer.ui.window import MainWindow

    tasks = ImmediateRunner()
    made = MainWindow(workspace, tasks, settings)
    made.show()
    yield made
    workspace.session.mark_saved()
    made.close()
    made.deleteLater()
    qtbot.wait(1)


@pytest.fixture
def city_window(window, city_file, qtbot):
    """The window with the nine buildings open."""
    window.opener.open([str(city_file)])
    qtbot.wait(10)
    assert window.workspace.city is not None
    return window
