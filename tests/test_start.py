"""The window stands before anything heavy is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("vtkmodules", "pyvista", "pyvistaqt", "geopandas", "pandas", "pyproj", "shapely", "matplotlib", "rasterio")
PARTS = "viewer.app, viewer.ui.window, viewer.ui.keeping, viewer.workspace, viewer.plugin_host"


def test_nothing_heavy_is_imported_before_the_window_stands():
    code = f"import sys, {PARTS}; print([m for m in {HEAVY!r} if m in sys.modules])"
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert told.stdout.strip() == "[]"
