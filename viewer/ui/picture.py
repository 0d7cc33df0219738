"""A picture of the city for a slide or a poster: drawn off screen at any size up to 8K, with map furniture.

Arrays in, arrays out; the dialog is ``picture_dialog``. VTK draws on the main thread only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QByteArray, QIODevice

from viewer.city import Frame
from viewer.scene import palettes
from viewer.scene.annotate import annotate
from viewer.scene.camera import Pose, pose_between
from viewer.scene.offscreen import render_to_array
from viewer.scene.state import SceneState
from viewer.session.document import Camera
from viewer.ui.export import image_from_array
from viewer.ui.i18n import number, tr
from viewer.ui.legend import layer_entries

MAX_WIDTH, MAX_HEIGHT = 7680, 4320
#: Below this tilt one scale for the whole picture would mislead, degrees.
LEAST_TILT_FOR_SCALE = 20.0


@dataclass(frozen=True, slots=True)
class Furniture:
    """What is put on a picture. Credits are not among it: they are always there."""

    title: str = ""
    scale: bool = True
    legend: bool = True


def pose_of(camera: Camera, frame: Frame) -> Pose:
    """A saved camera as the scene takes it."""
    position, target = frame.local_from_crs([camera.position_crs, camera.target_crs])
    return pose_between(position, target, camera.view_angle_deg)


def draw_picture(state: SceneState, size: tuple[int, int], pose: Pose | str) -> NDArray[np.uint8]:
    """The city alone, (H, W, 3) uint8, first row on top.

    Raises
    ------
    ViewerError
        The driver gives no picture of this size.
    """
    return render_to_array(replace(state, quality="full", hovered=-1), size, camera=pose)


def legend_rows(state: SceneState) -> tuple[tuple[str, str], ...]:
    """(colour, words) of the city's colouring and of every visible layer that has a legend."""
    rows: list[tuple[str, str]] = []
    colouring = state.colouring
    if colouring.values is not None:
        if colouring.classes:
            colors = palettes.hex_colors(colouring.palette, len(colouring.classes))
            rows += [
                (color, tr("other") if text == "other" else text)
                for color, text in zip(colors, colouring.classes, strict=True)
            ]
        else:
            rows += _steps(colouring.palette, colouring.low, colouring.high)
        rows.append((palettes.NO_DATA, tr("no data")))
    for view in state.layers:
        if view.visible:
            rows += layer_entries(view)
    return tuple(rows)


def furnish(
    pixels: NDArray[np.uint8],
    state: SceneState,
    pose: Pose | None,
    furniture: Furniture,
    *,
    credits: tuple[str, ...],
    legend_title: str = "",
) -> NDArray[np.uint8]:
    """Put title, scale, north arrow, legend and credits on a picture, (H, W, 3) uint8."""
    metres, heading = None, float("nan")
    if furniture.scale and pose is not None:
        heading = pose.heading_deg
        if pose.tilt_deg >= LEAST_TILT_FOR_SCALE:
            metres = float(2 * pose.distance * np.tan(np.radians(pose.view_angle_deg) / 2) / pixels.shape[0])
    return annotate(
        pixels,
        metres_per_pixel=metres,
        heading_deg=heading,
        legend=legend_rows(state) if furniture.legend else (),
        legend_title=legend_title if furniture.legend and state.colouring.values is not None else "",
        title=furniture.title,
        credits=" · ".join(credits),
        theme=state.theme,
    )


def encoded(pixels: NDArray[np.uint8], kind: str) -> bytes:
    """A picture as the content of a file; ``kind`` is ``"png"`` or ``"jpg"``."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    written = image_from_array(pixels).save(buffer, kind.upper(), 95 if kind == "jpg" else -1)
    if not written:
        raise ValueError(f"no such kind of picture: {kind}")
    return bytes(data.data())


def _steps(palette: str, low: float, high: float) -> list[tuple[str, str]]:
    """Five steps of a continuous colouring, from high to low."""
    count = 5
    span = high - low
    digits = 0 if span >= 10 else 1 if span >= 1 else 2
    colors = palettes.hex_colors(palette, count)
    values = np.linspace(low, high, count)
    return [(color, number(float(v), digits)) for color, v in zip(colors, values, strict=True)][::-1]
