from __future__ import annotations

from vtkmodules.vtkRenderingCore import vtkRenderWindow

from viewer.scene.trouble import tell_errors


def test_an_error_of_the_window_is_told_in_its_words():
    window = vtkRenderWindow()
    told: list[str] = []
    tell_errors(window, told.append)
    window.InvokeEvent("ErrorEvent", "no shader")
    assert told == ["no shader"]
