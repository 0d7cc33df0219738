"""What has heights of its own opens without a city and brings the frame along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.workspace.test_workspace import city_file
from viewer.plugin_host import PluginHost
from viewer.session import Session
from viewer.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]

MANIFEST = """
id = "blocks"
title = "Blocks"
version = "1.0.0"
api = 1
licence = "MIT"
description = "A test."
[[readers]]
title = "Blocks"
patterns = ["*.blocks"]
call = "blocks:read"
result = "layer"
"""

PLUGIN = """
import numpy as np
from viewer.plugin_api import Holds, MeshContent, NodeTree, StreamedLayer, make_nodes

def read(path, context):
    corners = np.array([[565_000, 5_934_000, 12], [565_200, 5_934_100, 52]], float)
    low, high = context.place(corners, "EPSG:25832")
    tree = NodeTree(make_nodes([-1], [0], [low], [high], False, Holds.CONTENT))

    def load(node):
        flat = np.array([[0, 0, 0], [200, 0, 0], [0, 100, 40]], np.float32)
        return (MeshContent(flat, tuple(low), triangles=np.array([[0, 1, 2]], np.int32)),)

    return StreamedLayer("Blocks", tree=tree, load=load)
"""


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    folder = tmp_path / "plugins" / "blocks"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(MANIFEST, encoding="utf-8")
    (folder / "blocks.py").write_text(PLUGIN, encoding="utf-8")
    return Workspace(Session(), PluginHost([tmp_path / "plugins"], packages=False))


@pytest.fixture
def blocks(tmp_path) -> Path:
    path = tmp_path / "a.blocks"
    path.write_text("x", encoding="utf-8")
    return path


def test_a_streamed_layer_opens_alone_and_brings_frame_ground_and_extent(workspace, blocks):
    loaded = workspace.read(blocks)
    key = workspace.adopt(loaded)
    assert loaded.kind == "layer"
    assert workspace.frame.crs == "EPSG:25832"
    state = workspace.scene_state()
    assert [view.key for view in state.layers] == [key]
    span = np.diff(state.city.extent_local, axis=0)[0]
    assert span == pytest.approx([200, 100, 40])
    assert state.ground.height_at((0.0, 0.0)) == pytest.approx(state.city.extent_local[0, 2])
    assert workspace.source_city(key) is None
    assert workspace.indicators()


def test_a_city_opened_after_the_layer_lies_in_its_frame(workspace, blocks, tmp_path):
    workspace.adopt(workspace.read(blocks))
    frame = workspace.frame
    workspace.adopt(workspace.read(city_file(tmp_path, "one.city.json", 4)))
    assert workspace.frame == frame
    assert next(r.value for r in workspace.indicators() if r.id == "building_count") == 4
    assert len(workspace.layer_views()) == 1


def test_a_layer_opened_after_the_city_brings_nothing_along(workspace, blocks, tmp_path):
    workspace.adopt(workspace.read(city_file(tmp_path, "one.city.json", 4)))
    city = workspace.city
    loaded = workspace.read(blocks)
    workspace.adopt(loaded)
    assert loaded.city is None
    assert workspace.city is city


def test_undo_of_opening_the_layer_alone_leaves_nothing_and_redo_needs_no_reading(workspace, blocks):
    workspace.adopt(workspace.read(blocks))
    blocks.unlink()
    workspace.session.undo()
    assert workspace.city is None
    workspace.session.redo()
    assert workspace.city is not None
    assert len(workspace.layer_views()) == 1


def test_layers_without_heights_of_their_own_lie_on_a_level_ground(workspace, tmp_path):
    host = PluginHost([ROOT / "plugins"], packages=False)
    table = tmp_path / "points.csv"
    table.write_text("x;y;value\n565000;5934000;1\n565010;5934010;2\n", encoding="utf-8")
    alone = Workspace(Session(), host)
    alone.adopt(alone.read(table))
    assert not len(alone.city.objects) and alone.frame.crs == "EPSG:25832"
    assert np.abs(alone.ground.height_at(alone.layer_views()[0].layer.positions_local[:, :2])).max() < 0.01
