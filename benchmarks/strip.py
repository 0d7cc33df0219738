"""``python -m benchmarks.strip OUT.jpg``: the recorded flight as a strip of pictures, to look for popping and holes.

Left in the state the window shows while moving, as they come during the whole flight: a real city above (where the
data for development is there), the generated town of 100,000 buildings below.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.bench import REAL
from benchmarks.flight import pose_at, poses
from benchmarks.one_size import SIZE, Screen, flight_of, with_city
from benchmarks.processes import ROOT
from benchmarks.shapes import city
from viewer.plugin_host import PluginHost
from viewer.scene.offscreen import grab
from viewer.session import Session
from viewer.workspace import Workspace

Picture = NDArray[np.uint8]
FRAMES, COLUMNS, ROWS = 150, 4, 2
WIDTH, GAP = 480, 6
_PAPER = 255


def main(argv: list[str] | None = None) -> int:
    """Fly, take pictures, write them as one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--town", type=int, default=100_000, help="buildings of the generated town")
    parser.add_argument("--real", type=Path, default=(ROOT / REAL["The Hague"]).resolve(), help="a real city")
    options = parser.parse_args(argv)
    sheets = []
    if options.real.exists():
        workspace = Workspace(Session(), PluginHost(packages=False, cache=None))
        workspace.adopt(workspace.read(options.real))
        sheets += flight_pictures(workspace, COLUMNS * ROWS, around_middle=True)
    sheets += flight_pictures(with_city(city(options.town)), COLUMNS * ROWS)
    from PIL import Image

    options.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(together(sheets)).save(options.out, quality=82, optimize=True)
    return 0


def flight_pictures(workspace: Workspace, count: int, *, around_middle: bool = False) -> list[Picture]:
    """``count`` pictures evenly along the flight, each as shown while moving."""
    model = workspace.city
    assert model is not None
    middle, size = flight_of(model, around_middle)
    screen = Screen()
    screen.scene.show(workspace.scene_state())
    screen.scene.camera.set_pose(pose_at(0.0, middle, size))
    screen.full()
    screen.scene.moving(True)
    wanted = set(np.linspace(0, FRAMES - 1, count).round().astype(int).tolist())
    pictures = []
    for number, pose in enumerate(poses(FRAMES, middle, size)):
        screen.scene.camera.set_pose(pose)
        scale = screen.scene.scale  # of this picture; the next one may have another
        screen.frame()
        if number in wanted:
            pictures.append(grab(screen.window, scale))
    screen.close()
    return pictures


def together(pictures: list[Picture]) -> Picture:
    """Pictures in rows of ``COLUMNS``, made smaller."""
    from PIL import Image

    height = round(WIDTH * SIZE[1] / SIZE[0])
    small = [
        np.asarray(Image.fromarray(picture).resize((WIDTH, height), Image.Resampling.LANCZOS)) for picture in pictures
    ]
    rows = -(-len(small) // COLUMNS)
    sheet = np.full((rows * (height + GAP) - GAP, COLUMNS * (WIDTH + GAP) - GAP, 3), _PAPER, np.uint8)
    for number, picture in enumerate(small):
        y, x = number // COLUMNS * (height + GAP), number % COLUMNS * (WIDTH + GAP)
        sheet[y : y + height, x : x + WIDTH] = picture
    return sheet


if __name__ == "__main__":
    sys.exit(main())
