"""The right side of the window: sliders and numbers on one page, the story on the other."""

from __future__ import annotations

from importlib import import_module, util

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from viewer.ui.i18n import language_changed, tr
from viewer.ui.story_desk import StoryDesk


class PlanningSide(QWidget):
    """Holds the planning panels of a window and starts what they offer."""

    def __init__(self, window) -> None:
        super().__init__()
        self._window = window
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        self._pages: list[str] = []
        work = QSplitter(Qt.Orientation.Vertical)
        work.setChildrenCollapsible(False)
        self.scenario = self._panel("scenario_panel", "ScenarioPanel")
        self.indicators = self._panel("indicators_panel", "IndicatorsPanel")
        self.views = self._panel("views_panel", "ViewsPanel")
        for panel in (self.scenario, self.indicators):
            if panel is not None:
                work.addWidget(panel)
        work.setSizes([580, 420])
        if work.count():
            self._add_page(work, "Plan")
        if self.views is not None:
            self._add_page(self.views, "Story")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tabs)
        if self.scenario is not None:
            self._connect_scenario()
        self.story = StoryDesk(window, self.views)
        language_changed.connect(self.retranslate)
        self.retranslate()

    def _connect_scenario(self) -> None:
        window = self._window
        self.scenario.baseline_held.connect(window.show_baseline)
        self.scenario.draw_area_requested.connect(lambda: window.act["tool_area"].setChecked(True))
        window.area_drawn.connect(self.scenario.set_area)

    def _panel(self, module: str, name: str) -> QWidget | None:
        name_of_module = f"viewer.ui.{module}"
        if util.find_spec(name_of_module) is None:
            return None
        return getattr(import_module(name_of_module), name)(self._window.workspace, self._window.tasks)

    def _add_page(self, page: QWidget, text: str) -> None:
        self._tabs.addTab(page, "")
        self._pages.append(text)

    def start_kiosk_when_open(self) -> None:
        """Begin the unattended mode as soon as everything is read."""
        self.story.kiosk.start_when_open()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show here."""
        return not self._pages

    def retranslate(self) -> None:
        """Names of the pages."""
        titles = {"Plan": tr("Plan and numbers"), "Story": tr("Story")}
        for at, text in enumerate(self._pages):
            self._tabs.setTabText(at, titles[text])
