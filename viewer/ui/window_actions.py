"""What the actions of the window do, and when they can be done. Words and keys are declared in ``shortcuts``."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QActionGroup, QDesktopServices
from PySide6.QtWidgets import QApplication

from viewer.city import ModelLayer, StreamedLayer
from viewer.session.edits import RemoveBuildings, RestoreBuildings
from viewer.settings import log_folder
from viewer.ui import i18n, theme
from viewer.ui.i18n import tr
from viewer.ui.select_tools import TOOLS
from viewer.ui.shortcuts import ACTIONS, retitle
from viewer.ui.words import colouring_text, edit_text, fresh_document
from viewer.workspace import pictures

#: Actions that mean nothing without a city.
_NEED_CITY = (
    "save_as", "picture", "export", "export_city", "select_all", "home", "top", "north", "walk", "zoom_in",
    "zoom_out", "compare", "present", "check_data", *(f"tool_{tool}" for tool in TOOLS),
)  # fmt: skip


class WindowActions(QObject):
    """Gives the actions of a window their meaning."""

    def __init__(self, window) -> None:
        super().__init__(window)
        self._window, self._workspace, self.act = window, window.workspace, window.act
        session = self._workspace.session
        does = {
            "open": lambda: window.opener.ask(window),
            "sample": window.opener.open_sample,
            "save": window.files.save,
            "save_as": window.files.save_as,
            "close_city": self.close_everything,
            "quit": window.close,
            "picture": self._save_picture,
            "export": self._hand_on,
            "export_city": self._export_city,
            "undo": session.undo,
            "redo": session.redo,
            "select_all": self._select_all,
            "select_none": self.escape,
            "remove_buildings": lambda: session.edit(RemoveBuildings(self._selected_ids())),
            "restore_buildings": self._restore_buildings,
            "settings": self._show_settings,
            "home": lambda: window.view.home(),
            "top": lambda: window.view.top(),
            "north": lambda: window.view.north(),
            "zoom_in": lambda: window.view.zoom(1.4),
            "zoom_out": lambda: window.view.zoom(1 / 1.4),
            "zoom_selection": lambda: window.travel.to_features(self._workspace.selection),
            "report": self._show_newest_report,
            "check_data": self._check_data,
            "catalogue": self._show_catalogue,
            "keys": self._show_keys,
            "log": lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_folder()))),
            "about": self._show_about,
        }
        for key, do in does.items():
            self.act[key].triggered.connect(lambda _=False, do=do: do())
        toggles = {
            "dark": self._set_dark,
            "textures": self._set_textures,
            "left_panel": window.left.setVisible,
            "right_panel": window.right.setVisible,
            "full_screen": lambda on: window.showFullScreen() if on else window.showNormal(),
            "performance": self._set_performance,
            "walk": lambda on: window.view.set_walking(on),
            "compare": self._set_compare,
        }
        for key, turn in toggles.items():
            self.act[key].toggled.connect(turn)
        group = QActionGroup(self)
        for tool in TOOLS:
            action = self.act[f"tool_{tool}"]
            group.addAction(action)
            action.toggled.connect(lambda on, tool=tool: window.tools.set_tool(tool) if on else None)
        self.act["tool_select"].setChecked(True)

    # -- when they can be done ---------------------------------------------------------------------

    def enable(self) -> None:
        """Offer what can be done with what is open; undo and redo say what they take back."""
        has_city = self._workspace.city is not None
        session = self._workspace.session
        for key in _NEED_CITY:
            self.act[key].setEnabled(has_city)
        self.act["textures"].setEnabled(has_city and self._has_pictures())
        self.get_textures()
        if not has_city:
            self.act["compare"].setChecked(False)
        kiosk = getattr(self._window, "planning", None)
        running = kiosk is not None and kiosk.story.kiosk.state != "off"
        self.act["kiosk"].setEnabled(has_city or running)  # what began it must also end it
        self.act["save"].setEnabled(bool(session.document.sources))
        self.act["close_city"].setEnabled(bool(session.document.sources))
        self.act["report"].setEnabled(bool(self._workspace.reports))
        for key, edit in (("undo", session.undo_edit), ("redo", session.redo_edit)):
            self.act[key].setEnabled(edit is not None)
            spec = next(spec for spec in ACTIONS if spec.id == key)
            retitle(self.act[key], spec)
            if edit is not None:
                step = edit_text(edit, session.document)
                self.act[key].setToolTip(f"{tr(spec.text).replace('&', '')}: {step}")

    def _has_pictures(self) -> bool:
        """Whether something open may have pictures of its own: the city, a model or a streamed layer."""
        layers = (view.layer for view in self._workspace.layer_views())
        return self._workspace.city.appearance is not None or any(
            isinstance(layer, ModelLayer | StreamedLayer) for layer in layers
        )

    def enable_selection(self) -> None:
        """Offer what can be done with what is selected."""
        some = self._workspace.city is not None and len(self._workspace.selection) > 0
        for key in ("remove_buildings", "zoom_selection"):
            self.act[key].setEnabled(some)
        self.act["restore_buildings"].setEnabled(bool(self._workspace.session.document.scenario.removed))

    # -- selection ---------------------------------------------------------------------------------

    def escape(self) -> None:
        """Out of the innermost thing: a tool, comparing, the full screen, the selection."""
        tools = self._window.tools
        if self._window.mover.key:
            self._window.mover.hold("")
        elif tools.cancel():
            self.act[f"tool_{tools.tool}"].setChecked(True)
        elif self.act["compare"].isChecked():
            self.act["compare"].setChecked(False)
        elif self.act["full_screen"].isChecked():
            self.act["full_screen"].setChecked(False)
        else:
            self._workspace.select([])

    def _select_all(self) -> None:
        measures = self._workspace.measures
        if measures is not None:
            self._workspace.select(np.flatnonzero(measures.is_building))

    def _selected_ids(self) -> tuple[str, ...]:
        measures = self._workspace.measures
        return self._workspace.ids_of([int(f) for f in self._workspace.selection if measures.is_building[f]])

    def _restore_buildings(self) -> None:
        session = self._workspace.session
        removed = session.document.scenario.removed
        chosen = set(self._selected_ids()) & removed if len(self._workspace.selection) else removed
        session.edit(RestoreBuildings(tuple(sorted(chosen or removed))))

    # -- files -------------------------------------------------------------------------------------

    def close_everything(self) -> None:
        """Start again with an empty window, if the person does not stay."""
        window = self._window
        if window.files.may_leave():
            window.opener.stop()
            window.files.release()
            window.report.hide()
            window.quality.hide()
            self._workspace.open_document(fresh_document())
            window.stage.welcome.set_recent(window.settings.value.recent)
            window.refresh()

    def remove_source(self, key: str) -> None:
        """Take a source out of the session and offer to bring it back."""
        source = self._workspace.session.document.source(key)
        if source is None:
            return
        self._workspace.remove(key)
        self._window.stage.toasts.ask(
            "{name} was removed from the session.",
            (("Undo", self._workspace.session.undo),),
            name=source.title or key,
        )

    def choose_crs(self, key: str) -> None:
        """Ask for the coordinate system of a source, with a preview, and read it again."""
        from viewer.ui.crs_dialog import CrsDialog
        from viewer.workspace.placing import city_degrees, placed

        source = self._workspace.session.document.source(key)
        if source is None:
            return
        now = placed(self._workspace, key)
        if not len(now.points_xy):
            self._window.stage.toasts.say("{name} has no points that could be placed.", name=source.title or key)
            return
        others = city_degrees(self._workspace, without=key)
        dialog = CrsDialog(source.title or key, now.points_xy, now.crs, others, self._window)
        if dialog.exec() and dialog.chosen() and dialog.chosen() != now.crs:
            self._window.opener.reread(key, {"crs": dialog.chosen()})

    def _save_picture(self) -> None:
        from viewer.ui.picture import pose_of  # draws with VTK, which is loaded by then
        from viewer.ui.picture_dialog import PictureDialog

        what = self._workspace.session.document.color_by
        title = colouring_text(what, dict(self._workspace.colourings()).get(what, ""))
        pose = pose_of(self._window.view.camera(), self._workspace.frame)
        PictureDialog(self._workspace, pose, legend_title=title, parent=self._window).exec()

    def _hand_on(self) -> None:
        from viewer.ui.export_dialog import ExportDialog
        from viewer.ui.picture import draw_picture, pose_of

        def picture(scenario: str, size: tuple[int, int]) -> np.ndarray:
            state = self._workspace.scene_state(scenario or None)
            return draw_picture(state, size, pose_of(self._window.view.camera(), self._workspace.frame))

        ExportDialog(self._workspace, picture=picture, parent=self._window).exec()

    def _export_city(self) -> None:
        from viewer.ui.export_city_dialog import ExportCityDialog

        window = self._window
        ExportCityDialog(self._workspace, window.tasks, window.stage.toasts, window).exec()

    # -- what is shown -----------------------------------------------------------------------------

    def _set_compare(self, on: bool) -> None:
        self._window.compare_bar.setVisible(on)
        self._window.stage.place()
        self._window.refresh_scene()

    def _set_performance(self, shown: bool) -> None:
        self._window.performance.setVisible(shown)
        self._window.settings.update(performance_overlay=shown)
        self._window.stage.place()

    def _set_dark(self, dark: bool) -> None:
        settings = self._window.settings
        if (theme.name() == "dark") != dark:
            settings.update(theme="dark" if dark else "light")
            theme.apply(QApplication.instance(), settings.value.theme)

    def _set_textures(self, on: bool) -> None:
        settings = self._window.settings
        if settings.value.textures != on:
            settings.update(textures=on)
        self._workspace.textures = on
        self.get_textures()
        self._window.layers.refresh()
        self._window.refresh_scene()

    def get_textures(self) -> None:
        """Read pictures that are wanted and not there yet, in the background; they are shown as soon as they are."""
        city, tasks = self._workspace.city, self._window.tasks
        if city is None or not self._workspace.textures or pictures.ready(city) or tasks.busy("textures"):
            return

        def show(_damaged: tuple[str, ...]) -> None:
            self.get_textures()  # another city may have been opened meanwhile
            self._window.refresh_scene()

        tasks.start(
            "textures", lambda progress: pictures.make_ready(city, progress), show, title=tr("Reading textures")
        )

    def switch_language(self) -> None:
        """German to English and back."""
        code = "en" if i18n.language() == "de" else "de"
        self._window.settings.update(language=code)
        i18n.set_language(code)

    def _show_newest_report(self) -> None:
        if self._workspace.reports:
            self._window.show_report(list(self._workspace.reports)[-1])

    def _show_catalogue(self) -> None:
        window = self._window
        if window.catalogue.isVisible():
            window.catalogue.hide()
            return
        window.report.hide()
        window.quality.hide()
        window.catalogue.show_panel()
        window.stage.toasts.raise_()
        window.stage.place()

    def _check_data(self) -> None:
        self._window.report.hide()
        self._window.catalogue.hide()
        self._window.quality.check()

    def _show_settings(self) -> None:
        from viewer.ui.settings_dialog import SettingsDialog

        window = self._window
        dialog = SettingsDialog(window.settings, window)
        dialog.forget_wanted.connect(window.opener.connecting.forget_all)
        dialog.memory_changed.connect(window.view.set_memory)
        dialog.exec()
        window.view.reduced_motion = window.settings.value.reduced_motion
        self.act["performance"].setChecked(window.settings.value.performance_overlay)

    def _show_keys(self) -> None:
        from viewer.ui.about import KeysDialog

        KeysDialog(self._window).exec()

    def _show_about(self) -> None:
        from viewer.ui.about import AboutDialog

        AboutDialog(self._window).exec()
