"""How the main window is laid out: menus from the declared actions, and three columns that are remembered."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar, QSplitter, QVBoxLayout, QWidget

from viewer.ui.i18n import tr
from viewer.ui.shortcuts import ACTIONS, MENUS, retitle
from viewer.ui.stage import Stage


class Menus(QMenuBar):
    """The menus of the window. They stand in the top bar, so QMainWindow must not know them."""

    file_wanted = Signal(str)

    def __init__(self, actions: Mapping[str, QAction]) -> None:
        super().__init__()
        self._actions = actions
        self._menus: dict[str, QMenu] = {key: self.addMenu("") for key, _ in MENUS}
        for spec in ACTIONS:
            menu = self._menus[spec.menu]
            if spec.separated:
                menu.addSeparator()
            menu.addAction(actions[spec.id])
            if spec.id == "sample":
                self._recent = menu.addMenu("")

    def set_recent(self, paths: tuple[str, ...]) -> None:
        """Offer the last opened files."""
        self._recent.clear()
        for path in paths:
            self._recent.addAction(path.replace("&", "&&"), lambda path=path: self.file_wanted.emit(path))
        self._recent.setEnabled(bool(paths))

    def retranslate(self) -> None:
        """Names of the menus and words of every action, in the current language."""
        for key, text in MENUS:
            self._menus[key].setTitle(tr(text))
        self._recent.setTitle(tr("Open &recent"))
        for spec in ACTIONS:
            retitle(self._actions[spec.id], spec)


class Sidebar(QWidget):
    """A flush panel column at one side."""

    def __init__(self, side: str) -> None:
        super().__init__()
        self.setObjectName("sidebar")
        self.setProperty("side", side)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(260)
        self.setMaximumWidth(560)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(0)


class Columns(QSplitter):
    """Layers left, the stage in the middle, planning right."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.left, self.right = Sidebar("left"), Sidebar("right")
        self.setHandleWidth(1)
        for part in (self.left, stage, self.right):
            self.addWidget(part)
        self.setStretchFactor(1, 1)
        self.setCollapsible(1, False)

    def restore(self, kept: Mapping[str, str], actions: Mapping[str, QAction]) -> None:
        """Widths and visible panels as they were left."""
        if "split" in kept:
            self.restoreState(QByteArray.fromBase64(kept["split"].encode("ascii", "ignore")))
        else:
            self.setSizes([292, 792, 356])
        for key, side in (("left", self.left), ("right", self.right)):
            shown = kept.get(key, "1") == "1"
            actions[f"{key}_panel"].setChecked(shown)
            side.setVisible(shown)

    def kept(self, actions: Mapping[str, QAction]) -> dict[str, str]:
        """Widths and visible panels, as settings keep them."""
        return {
            "split": self.saveState().toBase64().data().decode("ascii"),
            "left": "1" if actions["left_panel"].isChecked() else "0",
            "right": "1" if actions["right_panel"].isChecked() else "0",
        }


def stacked(*parts: QWidget) -> QWidget:
    """Widgets below each other without gaps; the last one takes the room."""
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for part in parts:
        column.addWidget(part, int(part is parts[-1]))
    return whole
