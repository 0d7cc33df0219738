from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QImage

from viewer.city import Frame
from viewer.errors import GraphicsError
from viewer.scene.camera import Pose
from viewer.scene.state import Colouring, SceneState
from viewer.session.document import Camera
from viewer.ui.picture import Furniture, encoded, furnish, legend_rows, pose_of
from viewer.ui.picture_dialog import SIZES, PictureDialog
from viewer.ui.planning_sample import SampleWorkspace

POSE = Pose((0.0, 0.0, 0.0), 500.0, 45.0, 40.0)


@pytest.fixture
def drawn():
    """Sizes that were drawn, and the stand-in that draws them."""
    sizes = []

    def draw(state, size, pose):
        sizes.append(size)
        return np.full((size[1], size[0], 3), 128, np.uint8)

    return sizes, draw


@pytest.fixture
def dialog(qtbot, drawn):
    made = PictureDialog(SampleWorkspace(), POSE, draw=drawn[1])
    qtbot.addWidget(made)
    return made


def test_a_saved_camera_becomes_a_pose_in_the_frame():
    frame = Frame("EPSG:25832", (565000.0, 5934000.0, 0.0))
    pose = pose_of(Camera((565000.0, 5933900.0, 100.0), (565000.0, 5934000.0, 0.0), 30.0), frame)
    assert pose.target == (0.0, 0.0, 0.0)
    assert pose.heading_deg == pytest.approx(0.0) and pose.tilt_deg == pytest.approx(45.0)
    assert pose.distance == pytest.approx(np.hypot(100, 100))


def test_scale_legend_and_credits_change_the_picture_and_leave_the_original_alone():
    bare = np.full((400, 640, 3), 128, np.uint8)
    state = SceneState()
    plain = furnish(bare, state, POSE, Furniture(scale=False, legend=False), credits=())
    assert np.array_equal(plain, bare)
    credited = furnish(bare, state, POSE, Furniture(scale=False, legend=False), credits=("© City",))
    assert (credited[-20:] != bare[-20:]).any() and np.array_equal(credited[:200], bare[:200])
    scaled = furnish(bare, state, POSE, Furniture(legend=False), credits=())
    assert (scaled[300:, :200] != bare[300:, :200]).any()
    assert (bare == 128).all()


def test_a_flat_view_has_no_scale_bar_but_a_north_arrow():
    bare = np.full((400, 640, 3), 128, np.uint8)
    steep = furnish(bare, SceneState(), POSE, Furniture(), credits=())
    flat = furnish(bare, SceneState(), replace(POSE, tilt_deg=5.0), Furniture(), credits=())
    touched = [int((p != bare).any(axis=2).sum()) for p in (steep, flat)]
    assert 0 < touched[1] < touched[0]


def test_legend_rows_follow_the_colouring():
    assert legend_rows(SceneState()) == ()
    numbers = Colouring(np.array([1.0]), low=0.0, high=100.0)
    texts = [text for _, text in legend_rows(SceneState(colouring=numbers))]
    assert texts == ["100", "75", "50", "25", "0", "no data"]
    classes = Colouring(np.array([0.0]), "okabe-ito", classes=("flat", "other"))
    assert [t for _, t in legend_rows(SceneState(colouring=classes))] == ["flat", "other", "no data"]


def test_the_file_holds_the_picture(qapp):
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[:, :, 1] = 200
    image = QImage.fromData(encoded(pixels, "png"))
    assert (image.width(), image.height(), image.pixelColor(3, 3).green()) == (20, 10, 200)
    assert encoded(pixels, "jpg").startswith(b"\xff\xd8")


def test_every_offered_size_is_drawn_as_asked_up_to_8k(dialog, drawn, tmp_path):
    sizes, _ = drawn
    assert max(width for _, width, _ in SIZES) == 7680
    dialog.size_box.setCurrentIndex(3)
    assert dialog.save(tmp_path / "square.png")
    assert sizes[-1] == (2000, 2000)
    assert QImage(str(tmp_path / "square.png")).width() == 2000


def test_own_size_is_taken_and_bounded(dialog, drawn, tmp_path):
    dialog.size_box.setCurrentIndex(len(SIZES))
    assert not dialog.own.isHidden()
    dialog.wide.setValue(99999)
    dialog.high.setValue(200)
    assert dialog.picture_size == (7680, 200)
    dialog.wide.setValue(300)
    assert dialog.save(tmp_path / "own.jpg")
    assert drawn[0][-1] == (300, 200)


def test_own_size_is_written_as_the_language_does_it(dialog):
    from viewer.ui import i18n

    i18n.set_language("de")
    assert dialog.wide.locale().decimalPoint() == ","
    i18n.set_language("en")
    assert dialog.wide.locale().decimalPoint() == "."


def test_credits_are_always_on_the_picture(dialog):
    dialog.scale.setChecked(False)
    dialog.legend.setChecked(False)
    dialog.title.clear()
    picture = dialog.make((640, 400))
    assert (picture[-20:] != 128).any() and (picture[:300] == 128).all()
    assert "Sample data of this program" in dialog.credits.text()


def test_a_driver_that_cannot_draw_is_told_in_the_dialog(qtbot, tmp_path):
    def draw(state, size, pose):
        if size[0] > 2000:
            raise GraphicsError("The graphics driver cannot draw a picture of {width} x {height}.", width=1, height=1)
        return np.zeros((size[1], size[0], 3), np.uint8)

    dialog = PictureDialog(SampleWorkspace(), POSE, draw=draw)
    qtbot.addWidget(dialog)
    dialog.size_box.setCurrentIndex(2)
    assert not dialog.save(tmp_path / "big.png")
    assert not dialog.message.isHidden() and not (tmp_path / "big.png").exists()
