"""The main window: one slim bar, the city in the middle, layers left, planning right.

It arranges panels and gives actions their meaning. What a panel does, the panel knows; slow work goes
through the task runner, and every change of the plan is an edit of the session.
"""

from __future__ import annotations

import logging
import time

import numpy as np
from PySide6.QtCore import QByteArray, QEvent, QPointF, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QActionGroup, QDesktopServices
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QMenuBar, QSplitter, QVBoxLayout, QWidget

from viewer.errors import GraphicsError
from viewer.session.edits import ColorBy, RemoveBuildings, RestoreBuildings, ShowScenario
from viewer.settings import Settings, log_folder
from viewer.ui import i18n, planning_side, theme
from viewer.ui.compare_bar import CompareBar
from viewer.ui.graphics import make_view, warm_up
from viewer.ui.i18n import tr
from viewer.ui.info_panel import InfoPanel
from viewer.ui.layers_panel import LayersPanel
from viewer.ui.legend import CityLegend
from viewer.ui.opening import Opener
from viewer.ui.overlay import Attribution, HoverTip, NavigationPad, PerformanceOverlay, ScaleBar, ToolPad
from viewer.ui.quality_panel import QualityPanel
from viewer.ui.report_panel import ReportPanel
from viewer.ui.select_tools import TOOLS, Canvas, SelectTools
from viewer.ui.session_files import SessionFiles
from viewer.ui.shortcuts import ACTIONS, MENUS, make_action, retitle
from viewer.ui.stage import Stage
from viewer.ui.story import Showing, Staging
from viewer.ui.tasks import Tasks
from viewer.ui.topbar import TopBar
from viewer.ui.view_base import StandInView, View
from viewer.ui.words import colouring_text, edit_text, type_text

_log = logging.getLogger(__name__)
#: So much around a fault is shown, metres.
FAULT_REACH_M = 12.0


class MainWindow(QMainWindow):
    """The window around one workspace."""

    #: (n, 2) float64 local metres: a person drew an area for the sliders.
    area_drawn = Signal(object)
    #: The city is drawn by the real view now.
    view_ready = Signal()

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
        self.menu_bar = QMenuBar()  # stands in the top bar, so QMainWindow must not know it
        self._menus = self._make_menus()
        self.topbar = TopBar(self.act, self.menu_bar)
        self.stage = Stage(tasks)
        self.left, self.right = _Sidebar("left"), _Sidebar("right")
        self._lay_out()
        warm_up(self.stage)
        self.opener = Opener(workspace, tasks, self.stage.toasts, settings, self)
        self.files = SessionFiles(self, workspace, tasks, self.stage.toasts, self.opener, settings)
        self.layers = LayersPanel(workspace)
        self.left.body.addWidget(self.layers)
        self.info, self.report, self.legend = InfoPanel(workspace), ReportPanel(), CityLegend()
        self.quality = QualityPanel(workspace, tasks)
        self.scale_bar, self.credits = ScaleBar(), Attribution()
        self.navigation, self.tools_pad = NavigationPad(self.act), ToolPad(self.act)
        self.performance = PerformanceOverlay()
        self.compare_bar = CompareBar()
        self.compare_bar.changed.connect(self.refresh_scene)
        self.compare_bar.closed.connect(lambda: self.act["compare"].setChecked(False))
        self.tip = HoverTip(self.stage)
        self._edited_at: float | None = None
        self._overlay_widgets()
        self.view: View = StandInView(self.stage)
        self.tools: SelectTools
        self._take_view(self.view)
        self.planning = planning_side.PlanningSide(self)
        self.right.body.addWidget(self.planning)
        self._connect()
        self.retranslate()
        self._restore()
        self.refresh()

    # -- building ----------------------------------------------------------------------------------

    def _make_menus(self) -> dict[str, QMenu]:
        menus: dict[str, QMenu] = {key: self.menu_bar.addMenu("") for key, _ in MENUS}
        for spec in ACTIONS:
            if spec.separated:
                menus[spec.menu].addSeparator()
            menus[spec.menu].addAction(self.act[spec.id])
            if spec.id == "sample":
                self._recent_menu = menus[spec.menu].addMenu("")
        return menus

    def _lay_out(self) -> None:
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

    def _overlay_widgets(self) -> None:
        stage = self.stage
        stage.add_overlay(self.report, "top-left")
        stage.add_overlay(self.quality, "top-left")
        stage.add_overlay(self.info, "top-right")
        stage.add_overlay(self.compare_bar, "top")
        stage.add_overlay(self.scale_bar, "bottom-left")
        stage.add_overlay(self.legend, "bottom-left")
        stage.add_overlay(self.credits, "bottom-right")
        stage.add_overlay(self.navigation, "bottom-right")
        stage.add_overlay(self.tools_pad, "bottom")
        stage.add_overlay(self.performance, "bottom")
        stage.add_overlay(stage.toasts, "bottom")
        self.performance.hide()

    def _take_view(self, view: View) -> None:
        """Put a view onto the stage and listen to it; the former one goes."""
        former = self.view if self.view is not view else None
        self.view = view
        view.reduced_motion = self.settings.value.reduced_motion
        self.stage.set_view(view)
        self._canvas = Canvas(self.stage)
        self._canvas.stackUnder(self.stage.welcome)
        self.tools = SelectTools(self.workspace, view, self._canvas)
        self.tools.area_drawn.connect(self.area_drawn)
        self.tools.tool_changed.connect(lambda tool: self.act[f"tool_{tool}"].setChecked(True))
        view.hovered.connect(self._on_hover)
        view.layer_clicked.connect(self._on_layer_click)
        view.navigator.left.connect(self._on_leave)
        view.camera_changed.connect(self._on_camera)
        view.frame_drawn.connect(self._on_frame)
        if former is not None:
            former.shut_down()
            former.setParent(None)
            former.deleteLater()

    def start_view(self) -> None:
        """Make the real view; called when the window stands. Without one the rest goes on working."""
        try:
            view = make_view(self.stage)
        except GraphicsError as error:
            self.stage.toasts.show_error(error)
            return
        self._take_view(view)
        if view.notice:
            self.stage.toasts.say(view.notice, seconds=10.0)
        self.refresh()
        if self.workspace.city is not None:
            self.view.home()
        self.view_ready.emit()

    def _connect(self) -> None:
        i18n.language_changed.connect(self.retranslate)
        theme.theme_changed.connect(self._on_theme)
        self.workspace.changed.connect(self.refresh)
        self.workspace.selection_changed.connect(self.refresh_scene)
        self.workspace.session.changed.connect(self._on_document)
        welcome = self.stage.welcome
        welcome.open_wanted.connect(lambda: self.opener.ask(self))
        welcome.sample_wanted.connect(self.opener.open_sample)
        welcome.file_wanted.connect(lambda path: self.opener.open([path]))
        self.stage.files_dropped.connect(self.opener.open)
        self.opener.opened.connect(self._on_opened)
        self.opener.session_wanted.connect(self.files.open)
        self.opener.report_ready.connect(self.show_report)
        self.files.opened.connect(self._on_session_opened)
        self.layers.open_wanted.connect(lambda: self.opener.ask(self))
        self.layers.report_wanted.connect(self.show_report)
        self.layers.zoom_wanted.connect(self._zoom_to_source)
        self.layers.remove_wanted.connect(self._remove_source)
        self.report.place_wanted.connect(self.show_place)
        self.quality.fault_wanted.connect(self.show_fault)
        self.info.zoom_wanted.connect(self._zoom_to)
        self.info.resized.connect(self.stage.place)
        self.topbar.scenario.activated.connect(self._choose_scenario)
        self.topbar.colour.activated.connect(self._choose_colour)
        self.topbar.language.clicked.connect(self._switch_language)
        self._connect_actions()

    def _connect_actions(self) -> None:
        session = self.workspace.session
        does = {
            "open": lambda: self.opener.ask(self),
            "sample": self.opener.open_sample,
            "save": self.files.save,
            "save_as": self.files.save_as,
            "close_city": self._close_everything,
            "quit": self.close,
            "picture": self._save_picture,
            "export": self._hand_on,
            "export_city": self._export_city,
            "undo": session.undo,
            "redo": session.redo,
            "select_all": self._select_all,
            "select_none": self._escape,
            "remove_buildings": lambda: session.edit(RemoveBuildings(self._selected_ids())),
            "restore_buildings": self._restore_buildings,
            "settings": self._show_settings,
            "home": lambda: self.view.home(),
            "top": lambda: self.view.top(),
            "north": lambda: self.view.north(),
            "zoom_in": lambda: self.view.zoom(1.4),
            "zoom_out": lambda: self.view.zoom(1 / 1.4),
            "zoom_selection": lambda: self._zoom_to(self.workspace.selection),
            "report": self._show_newest_report,
            "check_data": self._check_data,
            "keys": self._show_keys,
            "log": lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_folder()))),
            "about": self._show_about,
        }
        for key, act in does.items():
            self.act[key].triggered.connect(lambda _=False, act=act: act())
        toggles = {
            "dark": self._set_dark,
            "left_panel": self.left.setVisible,
            "right_panel": self.right.setVisible,
            "full_screen": self._set_full_screen,
            "performance": self._set_performance,
            "walk": lambda on: self.view.set_walking(on),
            "compare": self._set_compare,
        }
        for key, act in toggles.items():
            self.act[key].toggled.connect(act)
        group = QActionGroup(self)
        for tool in TOOLS:
            action = self.act[f"tool_{tool}"]
            group.addAction(action)
            action.toggled.connect(lambda on, tool=tool: self.tools.set_tool(tool) if on else None)
        self.act["tool_select"].setChecked(True)

    # -- what is shown -----------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the workspace as it is now."""
        has_city = self.workspace.city is not None
        self.stage.set_welcome(not has_city and not self.workspace.session.document.sources)
        for widget in (self.navigation, self.tools_pad, self.scale_bar):
            widget.setVisible(has_city)
        self._fill_scenarios()
        self.compare_bar.show_document(self.workspace.session.document)
        self._fill_colours()
        self.credits.set_names(self.workspace.attributions() if has_city else ())
        self.refresh_scene()
        self._show_legend()
        self._enable()
        self._show_title()
        self.stage.place()

    def refresh_scene(self) -> None:
        """Draw the current state; a held key shows the baseline instead."""
        baseline = self.workspace.scene_state("", theme=theme.name())
        active = self.staging.state(theme.name())
        if self.act["compare"].isChecked() and self.workspace.city is not None:
            left, right = self.compare_bar.left, self.compare_bar.right
            self.view.show_split(
                self.workspace.scene_state(left, theme=theme.name()),
                active if right is None else self.workspace.scene_state(right, theme=theme.name()),
            )
        else:
            self.view.show_state(baseline if self._baseline_shown else active)
        self._enable_selection()

    def _save_picture(self) -> None:
        from viewer.ui.picture import pose_of  # draws with VTK, which is loaded by then
        from viewer.ui.picture_dialog import PictureDialog

        what = self.workspace.session.document.color_by
        title = colouring_text(what, dict(self.workspace.colourings()).get(what, ""))
        pose = pose_of(self.view.camera(), self.workspace.frame)
        PictureDialog(self.workspace, pose, legend_title=title, parent=self).exec()

    def _hand_on(self) -> None:
        from viewer.ui.export_dialog import ExportDialog
        from viewer.ui.picture import draw_picture, pose_of

        def picture(scenario: str, size: tuple[int, int]) -> np.ndarray:
            state = self.workspace.scene_state(scenario or None)
            return draw_picture(state, size, pose_of(self.view.camera(), self.workspace.frame))

        ExportDialog(self.workspace, picture=picture, parent=self).exec()

    def _export_city(self) -> None:
        from viewer.ui.export_city_dialog import ExportCityDialog

        ExportCityDialog(self.workspace, self.tasks, self.stage.toasts, self).exec()

    def _set_compare(self, on: bool) -> None:
        self.compare_bar.setVisible(on)
        self.stage.place()
        self.refresh_scene()

    def show_staged(self, showing: Showing) -> None:
        """Show a scenario and layers over the document, which stays as it is; ``Showing()`` ends that."""
        if showing != self.staging.showing:
            self.staging.showing = showing
            self.refresh_scene()

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

    def _enable(self) -> None:
        has_city = self.workspace.city is not None
        session = self.workspace.session
        for key in (
            "save_as", "picture", "export", "export_city", "select_all", "home", "top", "north", "walk", "zoom_in",
            "zoom_out",
            "compare", "present", "check_data", *(f"tool_{tool}" for tool in TOOLS),
        ):  # fmt: skip
            self.act[key].setEnabled(has_city)
        self.act["save"].setEnabled(bool(session.document.sources))
        self.act["close_city"].setEnabled(bool(session.document.sources))
        self.act["report"].setEnabled(bool(self.workspace.reports))
        self.topbar.scenario.setEnabled(has_city)
        self.topbar.colour.setEnabled(has_city)
        for key, edit in (("undo", session.undo_edit), ("redo", session.redo_edit)):
            self.act[key].setEnabled(edit is not None)
            spec = next(spec for spec in ACTIONS if spec.id == key)
            retitle(self.act[key], spec)
            if edit is not None:
                step = edit_text(edit, session.document)
                self.act[key].setToolTip(f"{tr(spec.text).replace('&', '')}: {step}")

    def _enable_selection(self) -> None:
        some = self.workspace.city is not None and len(self.workspace.selection) > 0
        for key in ("remove_buildings", "zoom_selection", "select_none"):
            self.act[key].setEnabled(some or key == "select_none")
        self.act["restore_buildings"].setEnabled(bool(self.workspace.session.document.scenario.removed))

    def _fill_scenarios(self) -> None:
        document = self.workspace.session.document
        _fill(self.topbar.scenario, [(s.name, s.name) for s in document.scenarios], document.active)

    def _fill_colours(self) -> None:
        wanted = [(colouring_text(key, title), key) for key, title in self.workspace.colourings()]
        _fill(self.topbar.colour, wanted, self.workspace.session.document.color_by)

    def _choose_scenario(self, index: int) -> None:
        self.workspace.session.edit(ShowScenario(self.topbar.scenario.itemData(index)))

    def _choose_colour(self, index: int) -> None:
        self.workspace.session.edit(ColorBy(self.topbar.colour.itemData(index)))

    def show_baseline(self, shown: bool) -> None:
        """Show the city as it is, as long as a key or button is held."""
        if shown != self._baseline_shown:
            self._baseline_shown = shown
            self.refresh_scene()

    # -- events ------------------------------------------------------------------------------------

    def _on_document(self, old, new) -> None:
        self._edited_at = time.perf_counter()

    def _on_frame(self, milliseconds: float) -> None:
        since = None
        if self._edited_at is not None:
            since = (time.perf_counter() - self._edited_at) * 1000.0
            self._edited_at = None
        self.performance.add_frame(milliseconds, since)

    def _on_camera(self) -> None:
        self.navigation.compass.set_heading(self.view.heading_deg)
        self.scale_bar.set_resolution(self.view.metres_per_pixel)
        if self.act["walk"].isChecked() != self.view.walking:
            self.act["walk"].setChecked(self.view.walking)

    def _on_hover(self, feature: int, position: QPointF) -> None:
        if self.workspace.city is None:
            return
        self.workspace.hover(feature)
        if feature < 0 or self.tools.tool not in ("select", "rectangle"):
            self.tip.hide()
            return
        info = self.workspace.feature_info(feature)
        self.tip.show_at(position.toPoint(), info.title, type_text(info.type))

    def _on_layer_click(self, key: str, row: int) -> None:
        found = [view.layer for view in self.workspace.layer_views() if view.key == key]
        if found and self.tools.tool == "select" and 0 <= row < len(found[0]):
            self.info.show_layer_object(found[0], row)

    def _on_leave(self) -> None:
        self.tip.hide()
        if self.workspace.city is not None:
            self.workspace.hover(-1)

    def _on_opened(self, key: str, first: bool) -> None:
        if first:
            QTimer.singleShot(0, self, self.view.home)
        self.stage.welcome.set_recent(self.settings.value.recent)
        self._fill_recent()

    def _on_session_opened(self) -> None:
        views = self.workspace.session.document.views
        if views:
            self.view.set_camera(views[0].camera, fly=False)
        else:
            self.view.home()
        self.refresh()

    # -- acts --------------------------------------------------------------------------------------

    def _escape(self) -> None:
        if self.tools.cancel():
            self.act[f"tool_{self.tools.tool}"].setChecked(True)
        elif self.isFullScreen():
            self.act["full_screen"].setChecked(False)
        else:
            self.workspace.select([])

    def _select_all(self) -> None:
        measures = self.workspace.measures
        if measures is not None:
            self.workspace.select(np.flatnonzero(measures.is_building))

    def _selected_ids(self) -> tuple[str, ...]:
        measures = self.workspace.measures
        return self.workspace.ids_of([int(f) for f in self.workspace.selection if measures.is_building[f]])

    def _restore_buildings(self) -> None:
        session = self.workspace.session
        removed = session.document.scenario.removed
        chosen = set(self._selected_ids()) & removed if len(self.workspace.selection) else removed
        session.edit(RestoreBuildings(tuple(sorted(chosen or removed))))

    def _zoom_to(self, features) -> None:
        measures = self.workspace.measures
        if measures is None or not len(features):
            return
        centre = measures.centre_local[features]
        half = np.sqrt(np.nan_to_num(measures.footprint_m2[features], nan=100.0))[:, None]
        low = np.nanmin(np.column_stack([centre - half, measures.ground_m[features]]), axis=0)
        high = np.nanmax(np.column_stack([centre + half, measures.top_m[features]]), axis=0)
        if np.isfinite(low).all() and np.isfinite(high).all():
            self.view.fly_to(low, high)

    def _zoom_to_source(self, key: str) -> None:
        city = self.workspace.source_city(key)
        if city is not None:
            shift = np.asarray(city.frame.origin_crs) - np.asarray(self.workspace.frame.origin_crs)
            self.view.fly_to(*(city.extent_local + shift))
            return
        boxes = [box for box in map(layer_box, self.workspace.layer(key)) if box is not None]
        if boxes:
            self.view.fly_to(np.min([b[0] for b in boxes], axis=0), np.max([b[1] for b in boxes], axis=0))

    def _remove_source(self, key: str) -> None:
        source = self.workspace.session.document.source(key)
        if source is None:
            return
        self.workspace.remove(key)
        self.stage.toasts.ask(
            "{name} was removed from the session.",
            (("Undo", self.workspace.session.undo),),
            name=source.title or key,
        )

    def show_report(self, key: str) -> None:
        """Show what was read, repaired and left out of one source."""
        report = self.workspace.reports.get(key)
        source = self.workspace.session.document.source(key)
        if report is not None:
            self.report.show_report(source.title if source is not None else report.source, report)
            self.stage.place()

    def _show_newest_report(self) -> None:
        if self.workspace.reports:
            self.show_report(list(self.workspace.reports)[-1])

    def show_place(self, place: str) -> None:
        """Fly to the object a finding names, and select it."""
        if self.workspace.city is None:
            return
        features = self.workspace.features_of([place])
        if len(features):
            self.workspace.select(features)
            self._zoom_to(features)
        else:
            self.stage.toasts.say("There is nothing to see at “{place}”.", place=place, seconds=5.0)

    def _check_data(self) -> None:
        self.report.hide()
        self.quality.check()

    def show_fault(self, ident: str, place_local: np.ndarray) -> None:
        """Fly to a fault of the data check and select the object it belongs to."""
        if self.workspace.city is None:
            return
        features = self.workspace.features_of([ident])
        self.workspace.select(features)
        if np.isfinite(place_local).all():
            self.view.fly_to(place_local - FAULT_REACH_M, place_local + FAULT_REACH_M)
        else:
            self._zoom_to(features)

    def _close_everything(self) -> None:
        if self.files.may_leave():
            from viewer.session import Document

            self.opener.stop()
            self.files.release()
            self.report.hide()
            self.quality.hide()
            self.workspace.open_document(Document())
            self.stage.welcome.set_recent(self.settings.value.recent)
            self.refresh()

    def _show_settings(self) -> None:
        from viewer.ui.settings_dialog import SettingsDialog

        SettingsDialog(self.settings, self).exec()
        self.view.reduced_motion = self.settings.value.reduced_motion
        self.act["performance"].setChecked(self.settings.value.performance_overlay)

    def _show_keys(self) -> None:
        from viewer.ui.about import KeysDialog

        KeysDialog(self).exec()

    def _show_about(self) -> None:
        from viewer.ui.about import AboutDialog

        AboutDialog(self).exec()

    # -- appearance --------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Every text the window itself shows, in the current language."""
        for key, text in MENUS:
            self._menus[key].setTitle(tr(text))
        self._recent_menu.setTitle(tr("Open &recent"))
        for spec in ACTIONS:
            retitle(self.act[spec.id], spec)
        self.topbar.language.setText("EN" if i18n.language() == "de" else "DE")
        self._fill_recent()
        self.topbar.colour.clear()
        self._fill_colours()
        self._show_legend()
        self._enable()

    def _fill_recent(self) -> None:
        self._recent_menu.clear()
        for path in self.settings.value.recent:
            self._recent_menu.addAction(path.replace("&", "&&"), lambda path=path: self.opener.open([path]))
        self._recent_menu.setEnabled(bool(self.settings.value.recent))

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
        self.refresh_scene()

    def _set_full_screen(self, full: bool) -> None:
        if full:
            self.showFullScreen()
        else:
            self.showNormal()

    def _set_performance(self, shown: bool) -> None:
        self.performance.setVisible(shown)
        self.settings.update(performance_overlay=shown)
        self.stage.place()

    # -- remembering -------------------------------------------------------------------------------

    def _restore(self) -> None:
        kept = self.settings.value.window
        self.act["dark"].setChecked(theme.name() == "dark")
        self.act["performance"].setChecked(self.settings.value.performance_overlay)
        if "geometry" in kept:
            self.restoreGeometry(QByteArray.fromBase64(kept["geometry"].encode("ascii", "ignore")))
        if "split" in kept:
            self._split.restoreState(QByteArray.fromBase64(kept["split"].encode("ascii", "ignore")))
        else:
            self._split.setSizes([292, 792, 356])
        for key, side in (("left", self.left), ("right", self.right)):
            shown = kept.get(key, "1") == "1"
            self.act[f"{key}_panel"].setChecked(shown)
            side.setVisible(shown)
        if self.planning.empty:
            self.right.hide()
            self.act["right_panel"].setVisible(False)

    def _remember(self) -> None:
        self.settings.update(
            window={
                "geometry": self.saveGeometry().toBase64().data().decode("ascii"),
                "split": self._split.saveState().toBase64().data().decode("ascii"),
                "left": "1" if self.act["left_panel"].isChecked() else "0",
                "right": "1" if self.act["right_panel"].isChecked() else "0",
            }
        )

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
        self._remember()
        self.opener.stop()
        self.files.release()
        self.workspace.changed.disconnect(self.refresh)
        self.workspace.selection_changed.disconnect(self.refresh_scene)
        self.view.shut_down()
        super().closeEvent(event)


class _Sidebar(QWidget):
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


def _fill(combo, wanted: list[tuple[str, str]], chosen: str) -> None:
    if [(combo.itemText(i), combo.itemData(i)) for i in range(combo.count())] != wanted:
        combo.clear()
        for text, data in wanted:
            combo.addItem(text, data)
    combo.setCurrentIndex(max(0, combo.findData(chosen)))


def layer_box(layer) -> tuple[np.ndarray, np.ndarray] | None:
    """Lowest and highest corner of a layer, (3,) each, local metres; None for an empty one."""
    positions = getattr(layer, "positions_local", None)
    if positions is None:
        positions = getattr(layer, "corners_local", None)
    if positions is None or not len(positions):
        return None
    flat = np.asarray(positions, float)[:, :2]
    low, high = np.nanmin(flat, axis=0), np.nanmax(flat, axis=0)
    if not np.isfinite([low, high]).all():
        return None
    return np.append(low, 0.0), np.append(high, 10.0)
