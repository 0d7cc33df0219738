"""Texts in the picture that always face the eye. Which texts, and where, is decided by the layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkBillboardTextActor3D

from viewer.scene.levels import View
from viewer.scene.palettes import Look, rgb

MAX_LABELS = 40
_LONGEST = 32
#: Width of a letter and height of a line, for a font size of one; and the room around a text, pixels.
_WIDE, _TALL, _ROOM = 0.62, 1.5, 4.0


class Labels:
    """Texts of one layer, the most important first. Of those that would overlap only the first is shown.

    actors : to be added to the renderer.
    """

    def __init__(self, texts: list[str], places: NDArray[np.float64], *, size: int = 15, centred: bool = False) -> None:
        self._places = np.asarray(places, np.float64).reshape(-1, 3)
        self._on = False
        texts = [shortened(text) for text in texts]
        wide = np.array([len(text) for text in texts], np.float64) * size * _WIDE + _ROOM
        self._half = np.column_stack([wide / 2, np.full(len(texts), (size * _TALL + _ROOM) / 2)])
        self._above = 0.0 if centred else size * _TALL / 2
        self.actors = [
            make_label(text, (float(x), float(y), float(z)), size=size, centred=centred)
            for text, (x, y, z) in zip(texts, self._places, strict=True)
        ]

    def show(self, on: bool) -> None:
        """Whether any are shown; which ones is decided before the next picture."""
        self._on = on
        for actor in self.actors:
            actor.SetVisibility(on)

    def paint(self, style: Look) -> None:
        """Colours of a theme."""
        for actor in self.actors:
            paint_label(actor, style)

    def aim(self, view: View) -> None:
        """Show those that do not overlap a more important one from here."""
        if not self._on or not self.actors:
            return
        for actor, free in zip(self.actors, self.chosen(view).tolist(), strict=True):
            if bool(actor.GetVisibility()) != free:
                actor.SetVisibility(free)

    def chosen(self, view: View) -> NDArray[np.bool_]:
        """(n,) bool: which texts to show from here."""
        forward = view.normals[4]
        right, up = view.normals[0] - view.normals[1], view.normals[2] - view.normals[3]
        away = self._places - view.eye
        depth = away @ forward
        ahead = depth > 1e-6
        scale = view.pixels / np.where(ahead, depth, 1.0)
        x = away @ (right / np.linalg.norm(right)) * scale
        y = away @ (up / np.linalg.norm(up)) * scale + self._above
        middle = np.column_stack([x, y])
        low, high = middle - self._half, middle + self._half
        free: NDArray[np.bool_] = np.array(ahead, bool)
        for k in range(1, len(free)):  # a few dozen texts
            taken = free[:k] & (low[:k] < high[k]).all(axis=1) & (high[:k] > low[k]).all(axis=1)
            free[k] = free[k] and not taken.any()
        return free


def make_label(
    text: str, place: tuple[float, float, float], *, size: int = 15, centred: bool = False
) -> vtkBillboardTextActor3D:
    """A text above a local place, or around it."""
    label = vtkBillboardTextActor3D()
    label.SetInput(shortened(text))
    label.SetPosition(*place)
    label.PickableOff()
    font = label.GetTextProperty()
    font.SetFontFamilyToArial()
    font.SetFontSize(size)
    font.SetBold(True)
    font.SetJustificationToCentered()
    if centred:
        font.SetVerticalJustificationToCentered()
    else:
        font.SetVerticalJustificationToBottom()
    font.SetBackgroundOpacity(1.0)
    return label


def paint_label(label: vtkBillboardTextActor3D, style: Look) -> None:
    """Colours of a theme."""
    font = label.GetTextProperty()
    dark = sum(rgb(style.ground)) < 1.5
    font.SetColor(*((0.95, 0.97, 1.0) if dark else (0.09, 0.13, 0.2)))
    font.SetBackgroundColor(*((0.1, 0.14, 0.2) if dark else (1.0, 1.0, 1.0)))


def shortened(text: str) -> str:
    """One line that is not too long."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
