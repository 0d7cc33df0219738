"""Texts in the picture that always face the eye. Which texts, and where, is decided by the layers."""

from __future__ import annotations

from vtkmodules.vtkRenderingCore import vtkBillboardTextActor3D

from viewer.scene.palettes import Look, rgb

MAX_LABELS = 40
_LONGEST = 32


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


def paint_label(label: vtkBillboardTextActor3D, style: Look, *, plate: float = 1.0) -> None:
    """Colours of a theme. plate : opacity of what lies behind the letters."""
    font = label.GetTextProperty()
    dark = sum(rgb(style.ground)) < 1.5
    font.SetColor(*((0.95, 0.97, 1.0) if dark else (0.09, 0.13, 0.2)))
    font.SetBackgroundColor(*((0.1, 0.14, 0.2) if dark else (1.0, 1.0, 1.0)))
    font.SetBackgroundOpacity(plate)


def shortened(text: str) -> str:
    """One line that is not too long."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
