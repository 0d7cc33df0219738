"""The bundled plugins are examples to copy from: only the contract, nothing unnamed, everything translated."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from viewer.plugin_host import PluginState

BUNDLED = Path(__file__).resolve().parents[2] / "plugins"
PLUGINS = sorted(folder for folder in BUNDLED.iterdir() if (folder / "plugin.toml").is_file())
MODULES = sorted(BUNDLED.glob("*/*.py"))
HEAVY = {"pandas", "geopandas", "pyogrio", "shapely", "rasterio", "PIL", "orjson", "pyproj"}


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module)
    return names


def test_the_four_plugins_are_there_and_ready(host):
    states = {info.id: info.state for info in host.plugins}
    for plugin_id in ("trees", "areas", "map_image", "points"):
        assert states[plugin_id] is PluginState.READY


@pytest.mark.parametrize("module", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_plugin_takes_only_the_contract_from_the_viewer(module):
    ours = {name for name in imports(module) if name.split(".")[0] == "viewer"}
    assert ours <= {"viewer.plugin_api"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_plugin_loads_without_heavy_packages(module):
    assert not {name.split(".")[0] for name in imports(module, top_level=True)} & HEAVY


def texts_for_people(folder: Path) -> set[str]:
    """Titles in the manifest, and templates given to errors, warnings, notes and progress."""
    texts = set(re.findall(r'^(?:title|description) = "(.+)"$', (folder / "plugin.toml").read_text("utf-8"), re.M))
    calls = {"ReadError", "LimitError", "LoginError", "NetworkError", "PluginError", "warn", "info", "report"}
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in calls:
                values = [*node.args, *(k.value for k in node.keywords if k.arg == "hint")]
                texts |= {v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)}
    return {text for text in texts if text}


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda path: path.name)
def test_every_text_of_a_plugin_has_a_german_one_with_the_same_names(folder):
    german = json.loads((folder / "translations" / "de.json").read_text(encoding="utf-8"))
    missing = texts_for_people(folder) - set(german)
    assert not missing
    for text, translation in german.items():
        assert set(re.findall(r"{(\w+)}", text)) == set(re.findall(r"{(\w+)}", translation)), text


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda path: path.name)
def test_every_german_text_of_a_plugin_is_used(folder):
    german = json.loads((folder / "translations" / "de.json").read_text(encoding="utf-8"))
    assert not set(german) - texts_for_people(folder)
