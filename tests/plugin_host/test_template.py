"""``plugin new`` writes a plugin that works at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from viewer.errors import PluginError
from viewer.plugin_host import PluginHost, create_plugin

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["noise_maps", 'Lärm "und" Größe \\ {x}'])
def test_the_generated_test_passes(tmp_path, name):
    folder = create_plugin(name, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_generated_plugin_is_ready_and_speaks_german(tmp_path):
    create_plugin("Noise maps", tmp_path)
    host = PluginHost([tmp_path], own_readers=False, packages=False)
    (info,) = host.plugins
    assert (info.id, info.title, info.ready) == ("noise_maps", "Noise maps", True)
    assert host.translations("de")["{count} rows have no position."] == "{count} Zeilen haben keine Lage."


@pytest.mark.parametrize("name", ["", "123", "!!!", "../../evil/..", "test"])
def test_a_name_that_gives_no_id_is_refused_or_tamed(tmp_path, name):
    inside = tmp_path / "plugins"
    try:
        folder = create_plugin(name, inside)
    except PluginError:
        assert not inside.exists()
    else:
        assert folder.parent == inside


def test_an_existing_folder_is_not_overwritten(tmp_path):
    create_plugin("mine", tmp_path)
    with pytest.raises(PluginError, match="already"):
        create_plugin("mine", tmp_path)
