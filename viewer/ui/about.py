"""What the program is, which keys there are, and where its folders lie."""

from __future__ import annotations

import platform
from importlib import metadata

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QVBoxLayout, QWidget

from viewer import __version__
from viewer.settings import config_folder, log_folder, state_folder
from viewer.ui.i18n import bind, tr
from viewer.ui.shortcuts import ACTIONS, MENUS, key_text
from viewer.ui.widgets import ScrollColumn, label

#: Packages named with their version and licence.
_BUILT_ON = ("PySide6-Essentials", "vtk", "pyvistaqt", "numpy", "geopandas", "pyproj", "lxml", "shapely")

#: Hands without keys: (what is done, what happens).
GESTURES: tuple[tuple[str, str], ...] = (
    ("Drag with the left button, or one finger", "Turn the view"),
    ("Drag with the right button, or two fingers", "Move over the ground"),
    ("Mouse wheel, or pinch", "Come closer, to the pointer"),
    ("Arrow keys", "Turn the view; walk in walking mode"),
    ("Shift and arrow keys", "Move over the ground"),
    ("Hold B", "Show the city as it is today"),
    ("Click", "Pick a building"),
    ("Ctrl and click", "Add to the selection, or take away"),
    ("Shift and drag", "Select in a rectangle"),
)


class KeysDialog(QDialog):
    """Keys and gestures at a glance."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.resize(620, 640)
        bind(self.setWindowTitle, "Keys and gestures")
        scroll = ScrollColumn(margin=24)
        scroll.body.addWidget(label("Mouse and fingers", "title"))
        scroll.body.addLayout(_table([(tr(did), tr(happens)) for did, happens in GESTURES]))
        for menu, text in MENUS:
            rows = [(key_text(s), tr(s.hint or s.text).replace("&", "")) for s in ACTIONS if s.menu == menu and s.keys]
            if rows:
                scroll.body.addSpacing(8)
                scroll.body.addWidget(label(tr(text).replace("&", ""), "title", translate=False))
                scroll.body.addLayout(_table(rows))
        scroll.body.addStretch(1)
        _finish(self, scroll)


class AboutDialog(QDialog):
    """Version, licences, folders."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.resize(560, 520)
        bind(self.setWindowTitle, "About Stadtforum")
        scroll = ScrollColumn(margin=24)
        scroll.body.addWidget(label("Stadtforum {version}", "headline", version=__version__))
        scroll.body.addWidget(
            label("The 3D digital twin a city puts on the table. Free software under the MIT licence.", wrap=True)
        )
        scroll.body.addWidget(label("Nothing you open leaves this computer.", "muted", wrap=True))
        scroll.body.addSpacing(8)
        scroll.body.addWidget(label("Built on", "title"))
        scroll.body.addLayout(_table(built_on()))
        scroll.body.addSpacing(8)
        scroll.body.addWidget(label("Folders", "title"))
        folders = [
            (tr("Preferences"), str(config_folder())),
            (tr("Unsaved work"), str(state_folder())),
            (tr("Log"), str(log_folder())),
        ]
        scroll.body.addLayout(_table(folders))
        scroll.body.addStretch(1)
        _finish(self, scroll)


def built_on() -> list[tuple[str, str]]:
    """Name, and version with licence, of what the program stands on."""
    rows = [("Python", platform.python_version())]
    for name in _BUILT_ON:
        try:
            data = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        licence = data.get("License-Expression") or (data.get("License") or "").splitlines()[:1]
        words = licence if isinstance(licence, str) else "".join(licence)
        rows.append((name, " · ".join(part for part in (data["Version"], words[:60]) if part)))
    return rows


def _table(rows: list[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(24)
    grid.setVerticalSpacing(6)
    grid.setColumnMinimumWidth(0, 190)
    grid.setColumnStretch(1, 1)
    for at, (left, right) in enumerate(rows):
        words = label(right, translate=False, wrap=True)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(label(left, "muted", translate=False, wrap=True), at, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(words, at, 1)
    return grid


def _finish(dialog: QDialog, scroll: ScrollColumn) -> None:
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    close = buttons.button(QDialogButtonBox.StandardButton.Close)
    close.setIcon(QIcon())  # the one of the desktop is no part of our set
    bind(close.setText, "Close")
    buttons.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(0, 0, 16, 16)
    layout.addWidget(scroll, 1)
    layout.addWidget(buttons)
