"""What is remembered between two starts: plugins that are off, that failed, that took the program with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from viewer.errors import PluginError
from viewer.plugin_api import ReadContext
from viewer.plugin_host import PluginHost, PluginState

ROOT = Path(__file__).resolve().parents[2]

MANIFEST = """
id = "deadly"
title = "Deadly"
version = "1.0"
api = 1
[[readers]]
title = "Things"
patterns = ["*.thing"]
call = "deadly:read"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    plugin = tmp_path / "plugins" / "deadly"
    plugin.mkdir(parents=True)
    (plugin / "plugin.toml").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "a.thing").write_text("x", encoding="utf-8")
    return tmp_path / "plugins"


def host_of(folder: Path) -> PluginHost:
    return PluginHost([folder], state_path=folder.parent / "plugins.json", own_readers=False, packages=False)


def write(folder: Path, code: str) -> None:
    (folder / "deadly" / "deadly.py").write_text(code, encoding="utf-8")


DEATHS = {
    "os._exit while loading": "import os\nos._exit(7)\n",
    "os._exit while reading": "import os\ndef read(path, context):\n    os._exit(7)\n",
    "segmentation fault": "import ctypes\ndef read(path, context):\n    ctypes.string_at(0)\n",
}


@pytest.mark.parametrize("code", DEATHS.values(), ids=DEATHS.keys())
def test_a_plugin_that_ended_the_program_is_off_at_the_next_start(folder, code):
    write(folder, code)
    program = (
        "import sys; from pathlib import Path\n"
        "from viewer.plugin_host import PluginHost; from viewer.plugin_api import ReadContext\n"
        "folder = Path(sys.argv[1])\n"
        "host = PluginHost([folder], state_path=folder.parent / 'plugins.json', own_readers=False, packages=False)\n"
        "assert host.plugins[0].ready\n"
        "host.read(folder.parent / 'a.thing', ReadContext())\n"
        "print('survived')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "survived" not in done.stdout
    (info,) = host_of(folder).plugins
    assert info.state is PluginState.OFF
    assert "ended while this plugin was running" in info.reason_text

    host = host_of(folder)
    host.enable("deadly")
    assert host.plugins[0].ready
    assert host_of(folder).plugins[0].ready


def test_a_plugin_at_work_in_another_window_is_not_taken_for_a_dead_one(folder):
    write(folder, "def read(path, context):\n    context.options['probe']()\n    return None\n")
    states = []
    context = ReadContext(options={"probe": lambda: states.append(host_of(folder).plugins[0].state)})
    with pytest.raises(PluginError):
        host_of(folder).read(folder.parent / "a.thing", context)
    assert states == [PluginState.READY]


def test_three_failures_in_a_row_switch_a_plugin_off(folder):
    write(folder, "def read(path, context):\n    1 / 0\n")
    host = host_of(folder)
    for attempt in range(3):
        assert host.plugins[0].ready, attempt
        with pytest.raises(PluginError):
            host.read(folder.parent / "a.thing", ReadContext())
    assert host.plugins[0].state is PluginState.OFF
    assert "3 times" in host.plugins[0].reason_text
    assert host_of(folder).plugins[0].state is PluginState.OFF


def test_a_success_forgives_earlier_failures(folder):
    good = "from viewer.plugin_api import PointLayer\nimport numpy as np\nFAIL = [1, 1, 0, 1, 1, 0]\n"
    write(
        folder,
        good + "def read(path, context):\n    1 // (1 - FAIL.pop(0))\n    return PointLayer('p', np.ones((1, 3)))\n",
    )
    host = host_of(folder)
    for _ in range(2):
        for _ in range(2):
            with pytest.raises(PluginError):
                host.read(folder.parent / "a.thing", ReadContext())
        host.read(folder.parent / "a.thing", ReadContext())
    assert host.plugins[0].ready


def test_a_switched_off_plugin_stays_off_and_listed(folder):
    write(folder, "def read(path, context): pass\n")
    host_of(folder).enable("deadly", False)
    (info,) = host_of(folder).plugins
    assert info.state is PluginState.OFF
    with pytest.raises(PluginError, match="switched off"):
        host_of(folder).read(folder.parent / "a.thing", ReadContext(), reader="deadly:Things")


def test_a_damaged_memory_counts_as_empty(folder):
    write(folder, "def read(path, context): pass\n")
    (folder.parent / "plugins.json").write_bytes(b"\xff{]")
    assert host_of(folder).plugins[0].ready


def test_disabled_is_for_this_run_only(folder):
    write(folder, "def read(path, context): pass\n")
    host = PluginHost([folder], disabled=["deadly"], own_readers=False, packages=False)
    assert host.plugins[0].state is PluginState.OFF
    assert host_of(folder).plugins[0].ready
