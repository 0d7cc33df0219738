"""Which of the other programs are there, and why one is not."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

#: Names a Chromium goes by.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_HINT = "python -m benchmarks.peers install"


def f3d_python(folder: Path) -> Path:
    """The Python that has F3D, there or not."""
    return folder / "f3d-venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def browser() -> str | None:
    """Path of a Chromium, None where there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def missing(peer: str, folder: Path) -> str:
    """Why a peer (``"f3d"``, ``"cesium"``, ``"cityjson"``) cannot be measured; "" where it can."""
    if peer == "f3d":
        return "" if f3d_python(folder).exists() else f"F3D is not installed in {folder.name} ({_HINT})"
    modules = {"cesium": ["cesium"], "cityjson": ["cityjson-threejs-loader", "three", "esbuild"]}[peer]
    for name in [*modules, "playwright-core"]:
        if not (folder / "node_modules" / name).is_dir():
            return f"{name} is not installed in {folder.name} ({_HINT})"
    if shutil.which("node") is None:
        return "node is not on this machine"
    return "" if browser() else "no Chromium on this machine"
