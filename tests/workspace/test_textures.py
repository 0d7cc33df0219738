"""Pictures of a city are read by whoever reads it, shown when wanted, and counted when they are damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from viewer.plugin_host import PluginHost
from viewer.readers.pictures import MISSING
from viewer.scene.atlas import is_known
from viewer.session import Session
from viewer.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def textured_file(folder: Path, *names: str) -> Path:
    """A building of one wall per picture."""
    walls = [[[4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3]] for i in range(len(names))]
    corners = [[x + 9000 * i, 0, z] for i in range(len(names)) for x, z in ((0, 0), (8000, 0), (8000, 6000), (0, 6000))]
    content = {
        "type": "CityJSON", "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
        "transform": {"scale": [0.001] * 3, "translate": [565000.0, 5935000.0, 8.0]},
        "CityObjects": {
            "b": {
                "type": "Building",
                "geometry": [{
                    "type": "MultiSurface", "lod": "2", "boundaries": walls,
                    "texture": {"t": {"values": [[[i, 0, 1, 2, 3]] for i in range(len(names))]}},
                }],
            }
        },
        "vertices": corners,
        "appearance": {
            "textures": [{"type": "PNG", "image": name} for name in names],
            "vertices-texture": [[0, 0], [1, 0], [1, 1], [0, 1]],
        },
    }  # fmt: skip
    path = folder / "walls.city.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.fixture
def workspace() -> Workspace:
    return Workspace(Session(), PluginHost([ROOT / "plugins"], packages=False))


def test_pictures_are_ready_when_a_city_was_read_with_them_wanted(workspace, tmp_path):
    Image.new("RGB", (8, 8), (200, 0, 0)).save(tmp_path / "a.png")
    workspace.textures = True
    workspace.adopt(workspace.read(textured_file(tmp_path, "a.png")))
    assert is_known(workspace.city)
    assert workspace.scene_state().textures


def test_nothing_is_decoded_where_no_pictures_are_wanted(workspace, tmp_path):
    Image.new("RGB", (8, 8), (200, 0, 0)).save(tmp_path / "a.png")
    workspace.adopt(workspace.read(textured_file(tmp_path, "a.png")))
    assert not is_known(workspace.city)
    assert not workspace.scene_state().textures


def test_a_state_asks_for_pictures_only_when_they_are_ready(workspace, tmp_path):
    Image.new("RGB", (8, 8), (200, 0, 0)).save(tmp_path / "a.png")
    workspace.adopt(workspace.read(textured_file(tmp_path, "a.png")))
    workspace.textures = True
    assert not workspace.scene_state().textures


def test_missing_and_damaged_pictures_are_one_message(workspace, tmp_path):
    Image.new("RGB", (80, 80), (200, 0, 0)).save(tmp_path / "good.png")
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    workspace.textures = True
    loaded = workspace.read(textured_file(tmp_path, "good.png", "half.png", "gone.png"))
    about = [issue for issue in loaded.report.issues if issue.text == MISSING]
    assert [issue.count for issue in about] == [2]
    assert "gone.png" in str(about[0])
    assert any("half.png" in place for place in about[0].where)
