"""``python -m benchmarks.peers install [--folder FOLDER]``: put the programs to compare with into a folder.

F3D comes from PyPI into a virtual environment of its own, CesiumJS and the CityJSON loader for three.js from the npm
registry. Chromium is not installed: it is looked for on the machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.peers import default_folder
from benchmarks.peers.found import BROWSERS, f3d_python

#: The loader was written for three.js up to 0.151 and needs the runtime without naming it.
NPM = (
    "cesium@1", "three@0.150", "cityjson-threejs-loader@0.4", "regenerator-runtime", "playwright-core@1",
    "esbuild@0.28",
)  # fmt: skip
PIP = "f3d<4"


def main(argv: list[str] | None = None) -> int:
    """Install what can be installed; say what cannot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["install"])
    parser.add_argument("--folder", type=Path, default=default_folder())
    folder: Path = parser.parse_args(argv).folder
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    python = f3d_python(folder)
    if not python.exists():
        venv.create(folder / "f3d-venv", with_pip=True)
    failed |= _run([str(python), "-m", "pip", "install", "--quiet", PIP], folder)
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not on this machine: CesiumJS and the three.js loader are left out.")
        failed = True
    else:
        package = folder / "package.json"
        if not package.exists():
            package.write_text(json.dumps({"name": "peers", "private": True}), encoding="utf-8")
        failed |= _run([npm, "install", "--no-audit", "--no-fund", *NPM], folder)
    if not any(shutil.which(name) for name in BROWSERS):
        print("No Chromium was found; install it with the machine's own packages (Debian: chromium).")
        failed = True
    print(f"Installed in {folder}")
    return int(failed)


def _run(command: list[str], folder: Path) -> bool:
    print(" ".join(command[1:]))
    return subprocess.run(command, cwd=folder, check=False).returncode != 0


if __name__ == "__main__":
    sys.exit(main())
