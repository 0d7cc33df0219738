"""The main window: one slim bar, the city in the middle, layers left, planning right.

It builds the panels, connects them and shows the workspace as it is. What actions do stands in
``window_actions``, what the 3D view tells in ``window_view``; every change of the plan is an edit of the session.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer, Signal
from PySide6.QtWidgets import QMainWindow

from viewer.session.edits import ColorBy, ShowScenario
from viewer.settings import Settings
from viewer.ui import i18n, planning_side, theme
from viewer.ui.catalogue_panel import CataloguePanel
from viewer.ui.compare_bar import CompareBar
from viewer.ui.graphics import warm_up
from viewer.ui.info_panel import InfoPanel
from viewer.ui.layers_panel import LayersPanel
from viewer.ui.legend import CityLegend
from viewer.ui.model_mover import ModelMover
from viewer.ui.opening import Opener
from viewer.ui.overlay import Attribution, HoverTip, NavigationPad, PerformanceOverlay, ScaleBar, ToolPad
from viewer.ui.quality_panel import QualityPanel
from viewer.ui.remote import RemoteSources
from viewer.ui.report_panel import ReportPanel
from viewer.ui.select_tools import SelectTools
from viewer.ui.session_files import SessionFiles
from viewer.ui.shortcuts import ACTIONS, make_action
from viewer.ui.stage import Stage
from viewer.ui.story import Showing, Staging
from viewer.ui.tasks import Tasks
from viewer.ui.topbar import TopBar
from viewer.ui.view_base import View
from viewer.ui.window_actions import WindowActions
from viewer.ui.window_layout import Columns, Menus, stacked
from viewer.ui.window_travel import Travel
from viewer.ui.window_view import ViewHost
from viewer.ui.words import colouring_text
from viewer.workspace.catalogue import Catalogue


class MainWindow(QMainWindow):
    """The window around one workspace."""

    #: (n, 2) float64 local metres: a person drew an area for the sliders.
    area_drawn = Signal(object)
    #: The city is drawn by the real view now.
    view_ready = Signal()
    #: Milliseconds a picture took, whichever view drew it.
    picture_drawn = Signal(float)

    def __init__(self, workspace, tasks: Tasks, settings: Settings) -> None:
        super().__init__()
        self.workspace, self.tasks, self.settings = workspace, tasks, settings
        self._baseline_shown = False
        self.staging = Staging(workspace)
        self.setObjectName("main")
        self.resize(1440, 900)
        self.setMinimumSize(880, 560)
        self.act = {spec.id: make_action(spec, self) for spec in ACTIONS}
        self.addActions(list(self.act.values()))
        self.menu_bar = Menus(self.act)
        self.topbar = TopBar(self.act, self.menu_bar)
        self.stage = Stage(tasks)
        self._columns = Columns(self.stage)
        self.left, self.right = self._columns.left, self._columns.right
        self.setCentralWidget(stacked(self.topbar, self._columns))
        warm_up(self.stage)
        self.opener = Opener(workspace, tasks, self.stage.toasts, settings, self)
        self.files = SessionFiles(self, workspace, tasks, self.stage.toasts, self.opener, settings)
        self.layers = LayersPanel(workspace)
        self.left.body.addWidget(self.layers)
        self.remote = RemoteSources(self)
        self._make_overlays()
        self.travel = Travel(self)
        self._host = ViewHost(self)
        self._actions = WindowActions(self)
        self.planning = planning_side.PlanningSide(self)
        self.right.body.addWidget(self.planning)
        self._connect()
        self.retranslate()
        self._restore()
        self.refresh()

    # -- building ----------------------------------------------------------------------------------

    def _make_overlays(self) -> None:
        """What lies over the picture, corner by corner from the edge inwards."""
        stage = self.stage
        self.report, self.quality = ReportPanel(), QualityPanel(self.workspace, self.tasks)
        self.catalogue = CataloguePanel(
            Catalogue(self.workspace.host), self.settings, self.tasks, self.opener.connecting
        )
        self.info, self.legend = InfoPanel(self.workspace), CityLegend()
        self.compare_bar = CompareBar()
        self.scale_bar, self.credits = ScaleBar(), Attribution()
        self.navigation, self.tools_pad = NavigationPad(self.act), ToolPad(self.act)
        self.performance = PerformanceOverlay()
        self.tip = HoverTip(stage)
        for widget, corner in (
            (self.catalogue, "top-left"),
            (self.report, "top-left"),
            (self.quality, "top-left"),
            (self.info, "top-right"),
            (self.compare_bar, "top"),
            (self.scale_bar, "bottom-left"),
            (self.legend, "bottom-left"),
            (self.credits, "bottom-right"),
            (self.navigation, "bottom-right"),
            (self.tools_pad, "bottom"),
            (self.performance, "bottom"),
            (stage.toasts, "bottom"),
        ):
            stage.add_overlay(widget, corner)
        self.performance.hide()

    def _connect(self) -> None:
        i18n.language_changed.connect(self.retranslate)
        theme.theme_changed.connect(self._on_theme)
        self.workspace.changed.connect(self.refresh)
        self.workspace.selection_changed.connect(self.refresh_scene)
        welcome = self.stage.welcome
        welcome.open_wanted.connect(self.act["open"].trigger)
        welcome.sample_wanted.connect(self.opener.open_sample)
        welcome.file_wanted.connect(self._open_recent)
        self.menu_bar.file_wanted.connect(self._open_recent)
        self.stage.files_dropped.connect(self.opener.open)
        self.opener.opened.connect(self._on_opened)
        self.opener.session_wanted.connect(self.files.open)
        self.opener.report_ready.connect(self.show_report)
        self.files.opened.connect(self._on_session_opened)
        self.layers.open_wanted.connect(self.act["open"].trigger)
        self.layers.report_wanted.connect(self.show_report)
        self.layers.zoom_wanted.connect(self.travel.to_source)
        self.layers.remove_wanted.connect(self._actions.remove_source)
        self.layers.textures_wanted.connect(self.act["textures"].setChecked)
        self.layers.move_wanted.connect(lambda key, on: self._host.mover.hold(key if on else ""))
        self.layers.place_wanted.connect(self._actions.choose_crs)
        self.opener.place_wanted.connect(self._actions.choose_crs)
        self.layers.catalogue_wanted.connect(self.act["catalogue"].trigger)
        self.catalogue.open_wanted.connect(lambda path: self.opener.open([path]))
        self.report.place_wanted.connect(self.show_place)
        self.quality.fault_wanted.connect(self.show_fault)
        self.info.zoom_wanted.connect(self.travel.to_features)
        self.info.resized.connect(self.stage.place)
        self.compare_bar.changed.connect(self.refresh_scene)
        self.compare_bar.closed.connect(lambda: self.act["compare"].setChecked(False))
        self.topbar.scenario_wanted.connect(lambda name: self.workspace.session.edit(ShowScenario(name)))
        self.topbar.colour_wanted.connect(lambda what: self.workspace.session.edit(ColorBy(what)))
        self.topbar.language.clicked.connect(self._actions.switch_language)

    # -- the view ----------------------------------------------------------------------------------

    @property
    def view(self) -> View:
        """What draws the city at present; another one may take its place at any time."""
        return self._host.view

    @property
    def mover(self) -> ModelMover:
        """Moves placed models on the present view."""
        return self._host.mover

    @property
    def tools(self) -> SelectTools:
        """Selecting and drawing on the present view."""
        return self._host.tools

    def start_view(self) -> None:
        """Make the real view; called when the window stands. Without one the rest goes on working."""
        self._host.start()

    # -- what is shown -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the workspace as it is now."""
        has_city = self.workspace.city is not None
        self.stage.set_welcome(not has_city and not self.workspace.session.document.sources)
        for widget in (self.navigation, self.tools_pad, self.scale_bar):
            widget.setVisible(has_city)
        self._show_choices()
        self.compare_bar.show_document(self.workspace.session.document)
        self.credits.set_names(self.workspace.attributions() if has_city else ())
        self._actions.enable()
        self.refresh_scene()
        self._show_legend()
        self._show_title()
        self.stage.place()

    def refresh_scene(self) -> None:
        """Draw the current state; a held key shows the baseline instead."""
        baseline = self.workspace.scene_state("", theme=theme.name())
        active = self.staging.state(theme.name())
        if self.act["compare"].isChecked() and self.workspace.city is not None:
            chosen = (self.compare_bar.left, self.compare_bar.right)
            left, right = (
                active if name is None else self.workspace.scene_state(name, theme=theme.name()) for name in chosen
            )
            self.view.show_split(left, right)
        else:
            self.view.show_state(baseline if self._baseline_shown else active)
        self._actions.enable_selection()

    def show_staged(self, showing: Showing) -> None:
        """Show a scenario and layers over the document, which stays as it is; ``Showing()`` ends that."""
        if showing != self.staging.showing:
            self.staging.showing = showing
            self.refresh_scene()

    def show_baseline(self, shown: bool) -> None:
        """Show the city as it is, as long as a key or button is held."""
        if shown != self._baseline_shown:
            self._baseline_shown = shown
            self.refresh_scene()

    def show_report(self, key: str) -> None:
        """Show what was read, repaired and left out of one source."""
        report = self.workspace.reports.get(key)
        source = self.workspace.session.document.source(key)
        if report is not None:
            self.catalogue.hide()
            self.report.show_report(source.title if source is not None else report.source, report)
            self.stage.place()

    def show_place(self, place: str) -> None:
        """Fly to the object a finding names, and select it."""
        self.travel.to_place(place)

    def show_fault(self, ident: str, place_local: np.ndarray) -> None:
        """Fly to a fault of the data check and select the object it belongs to."""
        self.travel.to_fault(ident, place_local)

    def _show_choices(self) -> None:
        document = self.workspace.session.document
        self.topbar.show_choices(
            scenarios=[(s.name, s.name) for s in document.scenarios],
            scenario=document.active,
            colours=[(colouring_text(key, title), key) for key, title in self.workspace.colourings()],
            colour=document.color_by,
            enabled=self.workspace.city is not None,
        )

    def _show_legend(self) -> None:
        what = self.workspace.session.document.color_by
        title = dict(self.workspace.colourings()).get(what, "Surfaces")
        colouring = self.workspace.scene_state(theme=theme.name()).colouring
        self.legend.show_colouring(colouring, colouring_text(what, title))

    def _show_title(self) -> None:
        document = self.workspace.session.document
        path = self.workspace.session.path
        name = document.title or (path.stem if path is not None else "")
        if not name and document.sources:
            name = document.sources[0].title
        self.topbar.title.setText(name)
        self.topbar.title.setToolTip(str(path) if path is not None else "")
        self.setWindowTitle(f"{name}[*] – Stadtforum" if name else "Stadtforum[*]")
        self.setWindowModified(self.workspace.session.modified and bool(document.sources))

    def retranslate(self) -> None:
        """Every text the window itself shows, in the current language."""
        self.menu_bar.retranslate()
        self.menu_bar.set_recent(self.settings.value.recent)
        self.topbar.language.setText("EN" if i18n.language() == "de" else "DE")
        self._show_choices()
        self._show_legend()
        self._actions.enable()

    # -- events ------------------------------------------------------------------------------------

    def _open_recent(self, path: str) -> None:
        self.opener.open([path])

    def _on_opened(self, key: str, first: bool) -> None:
        if first:
            QTimer.singleShot(0, self, lambda: self.view.home())
        self.stage.welcome.set_recent(self.settings.value.recent)
        self.menu_bar.set_recent(self.settings.value.recent)

    def _on_session_opened(self) -> None:
        views = self.workspace.session.document.views
        if views:
            self.view.set_camera(views[0].camera, fly=False)
        else:
            self.view.home()
        self.refresh()

    def _on_theme(self) -> None:
        self.act["dark"].setChecked(theme.name() == "dark")
        self.refresh_scene()

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_B and not event.isAutoRepeat():
            self.show_baseline(True)
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event) -> None:
        if event.key() == Qt.Key.Key_B and not event.isAutoRepeat():
            self.show_baseline(False)
            return
        super().keyReleaseEvent(event)

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.show_baseline(False)  # the key may be let go elsewhere

    def closeEvent(self, event) -> None:
        if not self.files.may_leave():
            event.ignore()
            return
        geometry = self.saveGeometry().toBase64().data().decode("ascii")
        self.settings.update(window={"geometry": geometry, **self._columns.kept(self.act)})
        self.opener.stop()
        self.files.release()
        self.workspace.changed.disconnect(self.refresh)
        self.workspace.selection_changed.disconnect(self.refresh_scene)
        self._host.close()
        super().closeEvent(event)

    def _restore(self) -> None:
        kept = self.settings.value.window
        self.act["dark"].setChecked(theme.name() == "dark")
        self.act["performance"].setChecked(self.settings.value.performance_overlay)
        self.act["textures"].setChecked(self.settings.value.textures)
        if "geometry" in kept:
            self.restoreGeometry(QByteArray.fromBase64(kept["geometry"].encode("ascii", "ignore")))
        self._columns.restore(kept, self.act)
        if self.planning.empty:
            self.right.hide()
            self.act["right_panel"].setVisible(False)
