"""The main window: one slim bar, the city in the middle, layers left, planning right.

It arranges panels and gives actions their meaning. What a panel does, the panel knows; slow work goes
through the task runner, and every change of the plan is an edit of the session.
"""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QSplitter, QVBoxLayout, QWidget

from viewer.settings import Settings
from viewer.ui import i18n, theme
from viewer.ui.i18n import tr
from viewer.ui.shortcuts import ACTIONS, MENUS, make_action, retitle
from viewer.ui.stage import Stage
from viewer.ui.tasks import Tasks
from viewer.ui.topbar import TopBar


class MainWindow(QMainWindow):
    """The window around one workspace."""

    #: The window is on screen: now heavy parts may be made.
    shown = Signal()

    def __init__(self, workspace, tasks: Tasks, settings: Settings) -> None:
        super().__init__()
        self.workspace, self.tasks, self.settings = workspace, tasks, settings
        self.setObjectName("main")
        self.setWindowTitle("Stadtforum")
        self.resize(1440, 900)
        self.setMinimumSize(880, 560)
        self.act = {spec.id: make_action(spec, self) for spec in ACTIONS}
        self.addActions(list(self.act.values()))
        self._menus = self._make_menus()
        self.topbar = TopBar(self.act, self.menuBar())
        self.stage = Stage(tasks)
        self.left = _Sidebar("left", 300)
        self.right = _Sidebar("right", 348)
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.setHandleWidth(1)
        for part in (self.left, self.stage, self.right):
            self._split.addWidget(part)
        self._split.setStretchFactor(1, 1)
        self._split.setCollapsible(1, False)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.topbar)
        column.addWidget(self._split, 1)
        self.setCentralWidget(whole)
        self.stage.welcome.set_recent(settings.value.recent)
        self._connect()
        self.retranslate()
        self._restore()

    def _make_menus(self) -> dict[str, QMenu]:
        menus: dict[str, QMenu] = {}
        for key, _ in MENUS:
            menus[key] = self.menuBar().addMenu("")
        for spec in ACTIONS:
            if spec.separated:
                menus[spec.menu].addSeparator()
            menus[spec.menu].addAction(self.act[spec.id])
        return menus

    def _connect(self) -> None:
        i18n.language_changed.connect(self.retranslate)
        theme.theme_changed.connect(self._on_theme)
        self.act["quit"].triggered.connect(self.close)
        self.act["dark"].toggled.connect(self._set_dark)
        self.act["left_panel"].toggled.connect(self.left.setVisible)
        self.act["right_panel"].toggled.connect(self.right.setVisible)
        self.act["full_screen"].toggled.connect(self._set_full_screen)
        self.topbar.language.clicked.connect(self._switch_language)

    # -- appearance --------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Every text the window itself shows, in the current language."""
        for key, text in MENUS:
            self._menus[key].setTitle(tr(text))
        for spec in ACTIONS:
            retitle(self.act[spec.id], spec)
        other = "EN" if i18n.language() == "de" else "DE"
        self.topbar.language.setText(other)

    def _switch_language(self) -> None:
        code = "en" if i18n.language() == "de" else "de"
        self.settings.update(language=code)
        i18n.set_language(code)

    def _set_dark(self, dark: bool) -> None:
        if (theme.name() == "dark") != dark:
            self.settings.update(theme="dark" if dark else "light")
            theme.apply(QApplication.instance(), self.settings.value.theme)

    def _on_theme(self) -> None:
        self.act["dark"].setChecked(theme.name() == "dark")

    def _set_full_screen(self, full: bool) -> None:
        if full:
            self.showFullScreen()
        else:
            self.showNormal()

    # -- remembering -------------------------------------------------------------------------------

    def _restore(self) -> None:
        kept = self.settings.value.window
        self.act["dark"].setChecked(theme.name() == "dark")
        self.act["left_panel"].setChecked(kept.get("left", "1") == "1")
        self.act["right_panel"].setChecked(kept.get("right", "1") == "1")
        if "geometry" in kept:
            self.restoreGeometry(QByteArray.fromBase64(kept["geometry"].encode("ascii", "ignore")))
        if "split" in kept:
            self._split.restoreState(QByteArray.fromBase64(kept["split"].encode("ascii", "ignore")))
        else:
            self._split.setSizes([300, 792, 348])

    def _remember(self) -> None:
        self.settings.update(
            window={
                "geometry": self.saveGeometry().toBase64().data().decode("ascii"),
                "split": self._split.saveState().toBase64().data().decode("ascii"),
                "left": "1" if self.act["left_panel"].isChecked() else "0",
                "right": "1" if self.act["right_panel"].isChecked() else "0",
            }
        )

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self.shown.emit()

    def closeEvent(self, event) -> None:
        self._remember()
        super().closeEvent(event)


class _Sidebar(QWidget):
    """A flush panel column at one side."""

    def __init__(self, side: str, width: int) -> None:
        super().__init__()
        self.setObjectName("sidebar")
        self.setProperty("side", side)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(240)
        self.setMaximumWidth(560)
        self.resize(width, 400)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(0)
