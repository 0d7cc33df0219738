"""Save the picture: size up to 8K, what is put on it, a preview, and the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPixmap
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QFileDialog, QLabel, QLineEdit, QSpinBox, QWidget

from viewer.errors import ViewerError
from viewer.scene.camera import Pose
from viewer.scene.state import SceneState
from viewer.session.atomic import write_atomic
from viewer.ui import theme
from viewer.ui.export import image_from_array
from viewer.ui.i18n import bind, error_text, language_changed, tr
from viewer.ui.picture import MAX_HEIGHT, MAX_WIDTH, Furniture, draw_picture, encoded, furnish
from viewer.ui.widgets import button, column, label, row, set_number_language

#: What can be chosen at once: (words, width, height).
SIZES = (
    ("Screen, 1920 × 1080", 1920, 1080),
    ("4K, 3840 × 2160", 3840, 2160),
    ("8K, 7680 × 4320", 7680, 4320),
    ("Square, 2000 × 2000", 2000, 2000),
    ("A4 at 300 dpi, 3508 × 2480", 3508, 2480),
)
_PREVIEW = (480, 270)

Draw = Callable[[SceneState, tuple[int, int], Pose], NDArray[np.uint8]]


class PictureDialog(QDialog):
    """One picture of a workspace as a camera sees it. ``draw`` is replaced in tests."""

    def __init__(
        self, workspace, pose: Pose, *, legend_title: str = "", draw: Draw = draw_picture, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.workspace, self._pose, self._draw = workspace, pose, draw
        self._legend_title = legend_title
        self._bare: NDArray[np.uint8] | None = None
        bind(self.setWindowTitle, "Save a picture")
        self.preview = QLabel()
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setMinimumSize(*_PREVIEW)
        self.size_box = QComboBox()
        for words, width, height in SIZES:
            self.size_box.addItem(tr(words), (width, height))
        self.size_box.addItem(tr("Own size"), None)
        self.wide, self.high = _pixels(MAX_WIDTH, 1920), _pixels(MAX_HEIGHT, 1080)
        language_changed.connect(self._write_numbers)
        self._write_numbers()
        self.own = QWidget()
        self.own.setLayout(row(self.wide, QLabel("×"), self.high, None))
        self.title = QLineEdit(workspace.session.document.title)
        bind(self.title.setPlaceholderText, "Title on the picture (may be empty)")
        bind(self.title.setAccessibleName, "Title on the picture (may be empty)")
        bind(self.size_box.setAccessibleName, "Size of the picture")
        bind(self.wide.setAccessibleName, "Width in pixels")
        bind(self.high.setAccessibleName, "Height in pixels")
        self.scale, self.legend = QCheckBox(), QCheckBox()
        bind(self.scale.setText, "Scale and north arrow")
        bind(self.legend.setText, "Legend")
        credits = " · ".join(workspace.attributions())
        self.credits = label("Credits are always shown: {names}", "muted", wrap=True, names=credits or "–")
        self.message = label(role="error", translate=False, wrap=True)
        self.message.hide()
        self.save_button = button("Save...", self.ask_and_save, role="primary", icon="save")
        self.save_button.setDefault(True)
        cancel = button("Cancel", self.reject)
        layout = column(
            self.preview, self.size_box, self.own, self.title, row(self.scale, self.legend, None), self.credits,
            self.message, row(None, cancel, self.save_button), spacing=10,
        )  # fmt: skip
        layout.setContentsMargins(20, 20, 20, 20)
        self.setLayout(layout)
        for box in (self.scale, self.legend):
            box.setChecked(True)
            box.toggled.connect(self._show_preview)
        self.size_box.currentIndexChanged.connect(self._on_size)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(250)
        self._later.timeout.connect(self._show_preview)
        self.title.textEdited.connect(lambda _: self._later.start())
        for spin in (self.wide, self.high):
            spin.valueChanged.connect(lambda _: self._later.start())
        self._on_size()

    def _write_numbers(self) -> None:
        for field in (self.wide, self.high):
            set_number_language(field)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height chosen, pixels."""
        chosen = self.size_box.currentData()
        return (self.wide.value(), self.high.value()) if chosen is None else tuple(chosen)

    def furniture(self) -> Furniture:
        """What is put on the picture."""
        return Furniture(self.title.text().strip(), self.scale.isChecked(), self.legend.isChecked())

    def make(self, size: tuple[int, int]) -> NDArray[np.uint8]:
        """The finished picture, (H, W, 3) uint8.

        Raises
        ------
        ViewerError
            The driver gives no picture of this size.
        """
        state = self.workspace.scene_state(theme=theme.name())
        bare = self._draw(state, size, self._pose)
        return self._finish(bare)

    def save(self, path: Path) -> bool:
        """Draw and write the file; false if it could not be, with the reason in the dialog."""
        kind = "jpg" if path.suffix.lower() in (".jpg", ".jpeg") else "png"
        QGuiApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            write_atomic(path, encoded(self.make(self.picture_size), kind), keep_former=False)
        except ViewerError as error:
            self.message.setText(" ".join(part for part in error_text(error) if part))
            self.message.show()
            return False
        finally:
            QGuiApplication.restoreOverrideCursor()
        return True

    def ask_and_save(self) -> None:
        """Ask for the file, then save."""
        name = self.workspace.session.document.title or tr("City")
        chosen, kind = QFileDialog.getSaveFileName(
            self, tr("Save a picture"), f"{file_name(name)}.png", f"{tr('Picture')} (*.png);;{tr('Photo')} (*.jpg)"
        )
        if not chosen:
            return
        path = Path(chosen)
        if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
            path = path.with_name(path.name + (".jpg" if "jpg" in kind else ".png"))
        if self.save(path):
            self.accept()

    def _finish(self, bare: NDArray[np.uint8]) -> NDArray[np.uint8]:
        state = self.workspace.scene_state(theme=theme.name())
        return furnish(
            bare, state, self._pose, self.furniture(),
            credits=self.workspace.attributions(), legend_title=self._legend_title,
        )  # fmt: skip

    def _on_size(self) -> None:
        self.own.setVisible(self.size_box.currentData() is None)
        self._show_preview()

    def _show_preview(self) -> None:
        width, height = self.picture_size
        ratio = self.devicePixelRatioF()
        share = min(_PREVIEW[0] * ratio / width, _PREVIEW[1] * ratio / height)
        small = (max(48, round(width * share)), max(48, round(height * share)))
        if self._bare is None or self._bare.shape[1::-1] != small:
            try:
                self._bare = self._draw(self.workspace.scene_state(theme=theme.name()), small, self._pose)
            except ViewerError as error:
                self.message.setText(" ".join(part for part in error_text(error) if part))
                self.message.show()
                self.save_button.setEnabled(False)
                return
        shown = QPixmap.fromImage(image_from_array(self._finish(self._bare)))
        shown.setDevicePixelRatio(ratio)
        self.preview.setPixmap(shown)


def file_name(text: str) -> str:
    """A name that every system takes for a file."""
    kept = "".join(c if c.isalnum() or c in " -_()" else "_" for c in text).strip(" ._")
    return kept[:80] or "stadtforum"


def _pixels(most: int, value: int) -> QSpinBox:
    made = QSpinBox()
    made.setRange(64, most)
    made.setValue(value)
    made.setSuffix(" px")
    return made
