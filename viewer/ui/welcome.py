"""The empty state: what a person sees before a city is open, and the two ways on from there."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from viewer.ui import icons, theme
from viewer.ui.i18n import bind, language_changed, tr
from viewer.ui.widgets import Card, button, clear, column, label, row

MAX_RECENT = 5


class Welcome(QWidget):
    """Sample city, open, drop hint and recent files."""

    sample_wanted = Signal()
    open_wanted = Signal()
    file_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recent_paths: tuple[str, ...] = ()
        self._logo = QLabel()
        self._logo.setFixedSize(56, 56)
        card = Card("card", margin=32)
        card.setMaximumWidth(600)
        card.body.setSpacing(12)
        sample = self._tile("Try the sample city", "building", "primary")
        sample.clicked.connect(self.sample_wanted)
        opener = self._tile("Open a city model", "open", "")
        opener.clicked.connect(self.open_wanted)
        self.first = sample
        self._recent = QVBoxLayout()
        self._recent.setSpacing(0)
        self._recent_title = label("Recently opened", "section")
        card.body.addWidget(self._logo)
        card.body.addWidget(label("Your city on the table", "headline", wrap=True))
        card.body.addWidget(
            label("Open a 3D city model, lay data over it, move the sliders and see what changes.", "lead", wrap=True)
        )
        card.body.addSpacing(8)
        card.body.addLayout(row(sample, opener, None))
        card.body.addWidget(
            label("Or drop files here: CityGML, CityJSON, building footprints, layers, sessions.", "muted", wrap=True)
        )
        card.body.addSpacing(8)
        card.body.addWidget(self._recent_title)
        card.body.addLayout(self._recent)
        self.setLayout(column(None, row(None, card, None), None))
        bind(self.setAccessibleName, "Your city on the table")
        self.set_recent(())
        self._paint_logo()
        theme.theme_changed.connect(self._paint_logo)
        language_changed.connect(self._show_recent)

    def set_recent(self, paths: tuple[str, ...]) -> None:
        """Show the last opened files that still exist."""
        self._recent_paths = tuple(p for p in paths if Path(p).exists())[:MAX_RECENT]
        self._show_recent()

    def _show_recent(self) -> None:
        clear(self._recent)
        self._recent_title.setVisible(bool(self._recent_paths))
        for text in self._recent_paths:
            path = Path(text)
            entry = QPushButton(f"{path.name}    {path.parent.name}")
            entry.setProperty("role", "quiet")
            entry.setToolTip(text)
            entry.setAccessibleName(tr("Open {name}", name=path.name))
            entry.clicked.connect(lambda _=False, wanted=text: self.file_wanted.emit(wanted))
            self._recent.addWidget(entry, 0, Qt.AlignmentFlag.AlignLeft)

    def _tile(self, text: str, icon: str, role: str) -> QPushButton:
        made = button(text, role=role, icon=icon)
        made.setMinimumHeight(44)
        made.setIconSize(QSize(20, 20))
        bind(made.setAccessibleName, text)
        return made

    def _paint_logo(self) -> None:
        self._logo.setPixmap(icons.pixmap("logo", theme.colors().accent_text, 56, self.devicePixelRatioF()))
