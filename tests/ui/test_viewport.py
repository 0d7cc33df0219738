"""The real view in a real window; run under Xvfb (see tests/conftest.py)."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

pytestmark = pytest.mark.window


@pytest.fixture
def real_window(window, city_file, qtbot):
    window.settings.update(reduced_motion=True)
    window.start_view()
    window.opener.open([str(city_file)])
    qtbot.waitUntil(lambda: window.workspace.city is not None)
    with qtbot.waitSignal(window.view.frame_drawn):
        window.view.home()
    qtbot.wait(300)
    return window


def colours(image) -> int:
    return len({image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)})


def test_the_city_is_part_of_a_grab_of_the_window(real_window):
    assert colours(real_window.stage.grab().toImage()) > 30


def test_a_click_on_the_middle_building_picks_it(real_window, qtbot):
    measures = real_window.workspace.measures
    top = np.append(measures.centre_local[4], measures.top_m[4])
    x, y = real_window.view.project([top])[0]
    target = real_window.view.surface
    qtbot.mouseClick(target, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(round(x), round(y)))
    assert list(real_window.workspace.selection) == [4]


def test_the_wheel_comes_closer_and_home_brings_it_back(real_window):
    far = real_window.view.metres_per_pixel
    real_window.view.zoom(2.0, 200, 200)
    assert real_window.view.metres_per_pixel == pytest.approx(far / 2, rel=0.2)
    real_window.view.home()
    assert real_window.view.metres_per_pixel == pytest.approx(far, rel=0.01)


def test_a_saved_camera_looks_from_the_same_place(real_window):
    before = real_window.view.camera()
    real_window.view.orbit(120, 20)
    assert not np.allclose(real_window.view.camera().position_crs, before.position_crs)
    real_window.view.set_camera(before, fly=False)
    assert np.allclose(real_window.view.camera().position_crs, before.position_crs, atol=0.5)


def test_the_memory_of_the_city_is_taken_at_once_and_given_back(real_window, qtbot):
    governor = real_window.view.scene.governor
    automatic = governor.card_bytes
    with qtbot.waitSignal(real_window.view.frame_drawn):
        real_window.view.set_memory(700)
    assert governor.card_bytes == 700e6
    real_window.view.set_memory(0)
    assert governor.card_bytes == automatic


def test_ground_and_screen_belong_together(real_window):
    at = QPointF(real_window.view.width() / 2, real_window.view.height() * 0.6)
    there = real_window.view.ground_at(at)
    back = real_window.view.project([there])[0]
    assert back == pytest.approx((at.x(), at.y()), abs=2.0)
