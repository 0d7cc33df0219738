"""Run by the Python that has F3D: opens a GLB file and draws a list of views, with libf3d's own defaults.

``python f3d_peer.py FILE VIEWS WIDTH HEIGHT SECONDS PICTURE`` prints JSON: seconds from the file to the first picture,
and milliseconds of one picture of every view, each read back, so that it is done. Imports nothing of this project.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import f3d  # type: ignore[import-not-found]  # of another Python


def main() -> None:
    path, views, width, height, patience, picture = sys.argv[1:7]
    poses = json.loads(Path(views).read_text(encoding="utf-8"))
    f3d.Engine.autoload_plugins()
    engine = f3d.Engine.create(True)
    engine.options.update({"ui.axis": False, "render.grid.enable": False})
    window = engine.window
    window.size = int(width), int(height)
    window.render_to_image()  # the window is open before the file is, as with everybody
    started = time.perf_counter()
    engine.scene.add(path)
    aim(window, poses[0])
    window.render_to_image()
    opened = time.perf_counter() - started
    frames: list[float] = []
    for pose in poses:
        if len(frames) > 3 and sum(frames) > float(patience) * 1000:
            break
        aim(window, pose)
        began = time.perf_counter()
        image = window.render_to_image()
        frames.append((time.perf_counter() - began) * 1000)
    image.save(picture)
    print(json.dumps({"seconds": opened, "frames": frames}))


def aim(window: Any, pose: dict[str, Any]) -> None:
    """Put the camera where a view says (y up)."""
    camera = window.camera
    camera.position, camera.focal_point = pose["eye"], pose["target"]
    camera.view_up, camera.view_angle = (0.0, 1.0, 0.0), pose["angle"]


main()
