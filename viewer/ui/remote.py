"""Sources on servers: new data on request, for the part in view, or by itself in the background.

What a server may be asked and how is decided elsewhere; here it is only said when.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMenu, QWidget

from viewer.errors import ViewerError
from viewer.plugin_api.wanted import EXTENT, extent_text
from viewer.session import Source
from viewer.ui.i18n import tr
from viewer.ui.widgets import label, row, tool

_log = logging.getLogger(__name__)
_LOOK_MS = 1000
#: A server that gave nothing new is asked again after this, at most, seconds.
_SLOWEST_S = 900.0
#: A view of the whole country is no part of a city, metres.
_WIDEST_M = 20_000.0


def is_remote(source: Source) -> bool:
    """Whether a source comes from a server."""
    return source.path.lower().endswith(".source.json")


class RemoteSources(QObject):
    """Updates the sources of one window that come from servers."""

    def __init__(self, window) -> None:
        super().__init__(window)
        self._window, self._workspace, self._tasks = window, window.workspace, window.tasks
        self._every: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._off: set[str] = set()
        self._clock = time.monotonic
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.look)
        self._workspace.changed.connect(self._notice, priority=50)  # before the panel shows it
        window.layers.is_live = self.is_live
        window.layers.update_wanted.connect(self.update)
        window.layers.part_wanted.connect(self.load_part)
        window.layers.live_wanted.connect(self.set_live)

    def update(self, key: str) -> None:
        """Everything of a source anew."""
        self._window.opener.refresh(key)

    def load_part(self, key: str, part: str) -> None:
        """A source for the whole city, for what is in view, or for the drawn area: "city", "view" or "drawn"."""
        if part == "city":
            self._window.opener.refresh(key, {EXTENT: ""})
            return
        ring = self._workspace.outline_local[:, :2] if part == "drawn" else self._in_view()
        if len(ring):
            corners = self._workspace.frame.crs_from_local(np.array([ring.min(axis=0), ring.max(axis=0)]))
            self._window.opener.refresh(key, {EXTENT: extent_text(corners)})

    def set_live(self, key: str, on: bool) -> None:
        """Whether a source is updated by itself."""
        (self._off.discard if on else self._off.add)(key)
        self._due[key] = self._clock()
        self._notice()

    def is_live(self, key: str) -> bool:
        """Whether a source is updated by itself."""
        return key in self._every and key not in self._off

    def look(self) -> None:
        """Start what is due."""
        now = self._clock()
        for key, every in self._every.items():
            task = f"live:{key}"
            source = self._workspace.session.document.source(key)
            if source is None or not self.is_live(key) or now < self._due.get(key, 0.0) or self._tasks.busy(task):
                continue
            self._due[key] = now + every
            self._start(task, source)

    def _start(self, task: str, source: Source) -> None:
        workspace, options = self._workspace, dict(source.options)
        self._tasks.start(
            task,
            lambda progress: workspace.read(
                Path(source.path), progress, options=options, reader=source.reader, key=source.key, refresh=True
            ),
            lambda loaded: self._take(source, loaded),
            failed=lambda error: self._wait_longer(source.key, error),
        )

    def _take(self, source: Source, loaded) -> None:
        if self._workspace.session.document.source(source.key) != source:
            return  # removed, or read otherwise, meanwhile
        if not loaded.layers or not loaded.layers[0].refresh_s:  # a copy: the server is silent
            self._wait_longer(source.key)
        try:
            self._workspace.adopt(loaded)
        except ViewerError as error:
            _log.info("an update of %s cannot be shown: %s", source.title, type(error).__name__)

    def _wait_longer(self, key: str, error: Exception | None = None) -> None:
        """Quietly: the layer says of when its values are."""
        if error is not None:
            _log.info("an update failed: %s", type(error).__name__)
        wait = min(2.0 * self._every.get(key, _SLOWEST_S), _SLOWEST_S)
        self._due[key] = self._clock() + wait

    def _notice(self) -> None:
        """Which sources there are, and how often they have something new."""
        document = self._workspace.session.document
        keys = {source.key for source in document.sources if is_remote(source)}
        for gone in set(self._every) - keys:
            del self._every[gone]
            self._due.pop(gone, None)
            self._off.discard(gone)
        for key in keys:
            seconds = max((layer.refresh_s for layer in self._workspace.layer(key)), default=0.0)
            if seconds > 0:
                if key not in self._every:
                    self._due[key] = self._clock() + seconds
                self._every[key] = seconds
        wanted = any(self.is_live(key) for key in self._every)
        if wanted != self._timer.isActive():
            (self._timer.start if wanted else self._timer.stop)()

    def _in_view(self) -> np.ndarray:
        """(2, 2) a square around what the camera looks at, local metres."""
        view, frame = self._window.view, self._workspace.frame
        target = frame.local_from_crs(view.camera().target_crs)[:2]
        half = min(view.metres_per_pixel * max(view.width(), view.height()) * 0.6, _WIDEST_M / 2)
        return np.array([target - half, target + half])


class RemoteRow(QWidget):
    """In the card of a source on a server: update, load for a part, update by itself."""

    def __init__(self, panel, key: str) -> None:
        super().__init__()
        self._panel, self._key, self._showing = panel, key, False
        self._menu = QMenu(self)
        self.update_button = tool("reset", "Update from the server", lambda: panel.update_wanted.emit(key))
        self.part_button = tool("area", "Load for another part", self._ask_part)
        self.live_button = tool("play", "Update by itself", checkable=True)
        self.live_button.toggled.connect(self._set_live)
        self.setLayout(
            row(label("From a server", "muted"), None, self.update_button, self.part_button, self.live_button)
        )

    def show_source(self, source: Source, layers, live: bool) -> None:
        """Show what can be done with a source."""
        self.setVisible(is_remote(source))
        self._showing = True
        self.live_button.setVisible(live or any(layer.refresh_s > 0 for layer in layers))
        self.live_button.setChecked(live)
        self._showing = False

    def _ask_part(self) -> None:
        self._menu.clear()
        emit = self._panel.part_wanted.emit
        self._menu.addAction(tr("For the whole city"), lambda: emit(self._key, "city"))
        self._menu.addAction(tr("For what is in view"), lambda: emit(self._key, "view"))
        drawn = self._menu.addAction(tr("For the drawn area"), lambda: emit(self._key, "drawn"))
        drawn.setEnabled(len(self._panel.workspace.outline_local) > 0)
        self._menu.popup(self.part_button.mapToGlobal(self.part_button.rect().bottomLeft()))

    def _set_live(self, on: bool) -> None:
        if not self._showing:
            self._panel.live_wanted.emit(self._key, on)
