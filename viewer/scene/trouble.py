"""What VTK complains about while it draws. Who is told decides what follows."""

from __future__ import annotations

from collections.abc import Callable

from vtkmodules.util.misc import calldata_type
from vtkmodules.util.vtkConstants import VTK_STRING
from vtkmodules.vtkRenderingCore import vtkRenderWindow


def tell_errors(window: vtkRenderWindow, told: Callable[[str], object]) -> None:
    """Call ``told`` with the text of every error of a render window, which then is not printed."""

    @calldata_type(VTK_STRING)  # type: ignore[untyped-decorator]
    def on_error(_window: object, _event: str, text: str) -> None:
        told(text)

    window.AddObserver("ErrorEvent", on_error)
