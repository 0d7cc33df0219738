"""Pictures without any display: a state in, an array out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkLogger, vtkUnsignedCharArray
from vtkmodules.vtkRenderingCore import vtkRenderWindow

from viewer.errors import GraphicsError
from viewer.scene.camera import Pose
from viewer.scene.scene import CityScene
from viewer.scene.state import SceneState


def offscreen_window(size: tuple[int, int]) -> vtkRenderWindow:
    """A render window that needs no display."""
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)  # a missing display is no news here
    window = vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(0)
    window.SetSize(*size)
    return window


def grab(window: vtkRenderWindow, scale: float = 1.0) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 of what is drawn, first row on top; of its lower left part where the scene uses only that."""
    rim = 0 if scale == 1.0 else 1  # the last row and column may be drawn in part only
    width, height = (max(int(n * scale) - rim, 1) for n in window.GetSize())
    pixels = vtkUnsignedCharArray()
    window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels, 0)
    array = vtk_to_numpy(pixels).reshape(height, width, 4)
    return np.ascontiguousarray(array[::-1, :, :3])


def render_to_array(
    state: SceneState,
    size: tuple[int, int] = (1600, 1000),
    *,
    camera: Pose | str = "home",
    full: bool = True,
) -> NDArray[np.uint8]:
    """Draw a state.

    Parameters
    ----------
    size : width and height, pixels, up to 7680 x 4320.
    camera : a pose, "home" or "top".
    full : soft shade in corners; off for quick pictures.

    Returns
    -------
    (H, W, 3) uint8, first row on top.

    Raises
    ------
    GraphicsError
        The driver gives no picture of this size.
    """
    window = offscreen_window(size)
    scene = CityScene(window)
    try:
        scene.resize(*size)
        scene.show(state)
        if isinstance(camera, Pose):
            scene.camera.set_pose(camera)
        else:
            scene.camera.set_pose(scene.camera.top_pose() if camera == "top" else scene.camera.home_pose())
        scene.set_quality(full)
        scene.finish()
        scene.render()
        if tuple(window.GetSize()) != tuple(size):
            raise GraphicsError(
                "The graphics driver cannot draw a picture of {width} x {height}.",
                hint="Choose a smaller picture.",
                width=size[0],
                height=size[1],
            )
        return grab(window)
    finally:
        scene.close()
        window.Finalize()
