"""Opening files in the background: dialog, drops, recent files, questions, errors. Draws nothing itself.

Files are read one after the other, cities first, because a layer needs a city to lie on. What was
open stays open whatever happens.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from viewer.errors import ReadError, ViewerError
from viewer.settings import Settings, assets_folder
from viewer.ui.connecting import Connecting
from viewer.ui.i18n import language, tr, trn
from viewer.ui.tasks import Tasks
from viewer.ui.toasts import Toasts

SESSION_SUFFIX = ".stadtforum"
KEY = "open"

_log = logging.getLogger(__name__)

#: Shown in the open dialog, in the order of how often planners have them.
PATTERNS: tuple[tuple[str, str], ...] = (
    ("City models", "*.gml *.xml *.citygml *.json *.jsonl *.cityjson *.gz *.zip"),
    ("Tiles", "tileset.json *.b3dm *.i3dm *.pnts *.cmpt"),
    ("Map data", "*.gpkg *.geojson *.json *.shp *.fgb *.csv *.sqlite *.osm *.pbf *.zip"),
    ("Terrain and point clouds", "*.tif *.tiff *.asc *.xyz *.las *.laz"),
    ("Models", "*.glb *.gltf *.obj *.ply *.stl *.ifc *.ifczip"),
    ("Pictures with a place", "*.tif *.tiff *.mbtiles *.pmtiles *.png *.jpg *.jpeg"),
    ("Sources on servers", "*.source.json"),
    ("Sessions", f"*{SESSION_SUFFIX}"),
)


#: Systems German and neighbouring offices deliver in, offered where a file names none.
COMMON_CRS = (
    "EPSG:25832", "EPSG:25833", "EPSG:31466", "EPSG:31467", "EPSG:31468", "EPSG:3035",
    "EPSG:28992", "EPSG:2154", "EPSG:4326", "EPSG:3857",
)  # fmt: skip
#: What readers may have to assume -> words for it.
OPTION_NAMES = {
    "crs": "Coordinate system",
    "height_column": "Height column",
    "height_shift": "Raise by metres",
    "layer": "Table in the file",
    "z_is": "Meaning of the height",
    "lod": "Level of detail",
    "up": "Axis that points up",
    "unit": "Unit of length",
}
#: What may be chosen instead, where that is a short list.
CHOICES = {"up": ("z", "y", "x"), "unit": ("m", "cm", "mm", "ft", "in")}


@dataclass(frozen=True, slots=True)
class _Request:
    path: Path
    options: dict[str, str] = field(default_factory=dict)
    reader: str = ""
    key: str = ""
    refresh: bool = False


class Opener(QObject):
    """Reads files through the workspace and tells what came of it."""

    opened = Signal(str, bool)  # source key, whether it is the first city
    session_wanted = Signal(str)  # path of a session file
    report_ready = Signal(str)  # source key
    place_wanted = Signal(str)  # source key: choose its coordinate system on a map

    def __init__(
        self, workspace, tasks: Tasks, toasts: Toasts, settings: Settings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._workspace, self._tasks, self._toasts, self._settings = workspace, tasks, toasts, settings
        self.connecting = Connecting(workspace.host.network, settings, toasts, self)
        self._waiting: deque[_Request] = deque()
        self._then: Callable[[], None] | None = None
        tasks.finished.connect(self._on_finished)
        workspace.outdated.connect(lambda key: self.reread(key, {}))

    def ask(self, parent: QWidget) -> None:
        """Let a person choose files."""
        everything = " ".join(dict.fromkeys(" ".join(patterns for _, patterns in PATTERNS).split()))
        filters = [f"{tr('Everything this program reads')} ({everything})"]
        filters += [f"{tr(name)} ({patterns})" for name, patterns in PATTERNS]
        filters.append(f"{tr('All files')} (*)")
        paths, _ = QFileDialog.getOpenFileNames(
            parent, tr("Open a city, a layer or a session"), self._settings.value.last_folder, ";;".join(filters)
        )
        if paths:
            self.open(paths)

    def open(self, paths: list[str]) -> None:
        """Open files, several at once if given; a session file replaces everything."""
        for text in paths:
            path = Path(text)
            if path.suffix.lower() == SESSION_SUFFIX:
                self._settings.remember_file(path)
                self.session_wanted.emit(str(path))
                return
        self._waiting.extend(_Request(Path(text)) for text in sorted(paths, key=_layers_last))
        self._next()

    def open_sample(self) -> None:
        """Open the sample city with everything that belongs to it."""
        folder = assets_folder() / "sample"
        sessions = sorted(folder.glob(f"*.{language()}{SESSION_SUFFIX}")) if folder.is_dir() else []
        sessions += sorted(folder.glob(f"*.en{SESSION_SUFFIX}")) if folder.is_dir() else []
        cities = sorted(folder.glob("*.city.json*")) if folder.is_dir() else []
        if sessions:
            self.session_wanted.emit(str(sessions[0]))
        elif cities:
            self.open([str(cities[0])])
        else:
            self._toasts.show_error(
                ReadError("The sample city is missing.", hint="Install the program again.", path=folder)
            )

    def reread(self, key: str, options: dict[str, str]) -> None:
        """Read a source again with other choices."""
        source = self._workspace.session.document.source(key)
        if source is not None:
            merged = {**dict(source.options), **options}
            self._waiting.append(_Request(Path(source.path), merged, source.reader, key))
            self._next()

    def refresh(self, key: str, options: dict[str, str] | None = None) -> None:
        """Read a source again with everything new from its server, which a person is asked about if need be."""
        source = self._workspace.session.document.source(key)
        if source is not None:
            merged = {**dict(source.options), **(options or {})}
            self._waiting.append(_Request(Path(source.path), merged, source.reader, key, refresh=True))
            self._next()

    def read_missing(self, then: Callable[[], None] | None = None) -> None:
        """Read what a session names and nobody has read yet."""
        self._then = then
        missing = sorted(self._workspace.missing_sources(), key=lambda s: s.kind != "city")
        for source in missing:
            self._waiting.append(_Request(Path(source.path), dict(source.options), source.reader, source.key))
        self._next()

    @property
    def busy(self) -> bool:
        """Whether a file is being read or waits."""
        return bool(self._waiting) or self._tasks.busy(KEY)

    def stop(self) -> None:
        """Forget what waits and stop what is being read."""
        self._waiting.clear()
        self._tasks.cancel(KEY)

    def _next(self) -> None:
        if self._tasks.busy(KEY):
            return
        if not self._waiting:
            then, self._then = self._then, None
            if then is not None:
                then()
            return
        request = self._waiting.popleft()
        workspace = self._workspace
        title = tr("Reading {name}", name=request.path.name)
        self._tasks.start(
            KEY,
            lambda progress: workspace.read(
                request.path,
                progress,
                options=request.options,
                reader=request.reader,
                key=request.key,
                refresh=request.refresh,
            ),
            lambda loaded: self._adopt(request, loaded),
            failed=lambda error: self._failed(request, error),
            title=title,
        )

    def _failed(self, request: _Request, error: Exception) -> None:
        """A server may want to be allowed first, or a password; everything else is told."""

        def again() -> None:
            self._waiting.append(request)
            self._next()

        if not self.connecting.takes(error, again):
            self._toasts.show_error(error)

    def _on_finished(self, key: str) -> None:
        if key == KEY:
            # after the answer was adopted: the runner calls done() behind this signal
            QTimer.singleShot(0, self, self._next)

    def _adopt(self, request: _Request, loaded) -> None:
        first = self._workspace.city is None
        try:
            key = self._workspace.adopt(loaded)
        except ViewerError as error:
            self._toasts.show_error(error)
            return
        if not request.key:
            self._settings.remember_file(request.path)
        self.opened.emit(key, first and loaded.city is not None)
        self._tell(request, key, loaded)

    def _tell(self, request: _Request, key: str, loaded) -> None:
        report = loaded.report
        for name, assumed in loaded.questions.items():
            self._ask_option(key, loaded, name, assumed)
        if request.key and self._then is not None:  # part of a session: the layers panel shows its messages
            return
        counts = len([issue for issue in report.issues if issue.severity != "info"])
        if counts:
            self._toasts.ask(
                "{name} is open. {messages}",
                (("Show the report", lambda: self.report_ready.emit(key)),),
                name=loaded.title,
                messages=trn("{n} message", "{n} messages", counts),
            )
        else:
            self._toasts.say("{name} is open.", name=loaded.title, seconds=4.0)

    def _ask_option(self, key: str, loaded, name: str, assumed: str) -> None:
        """Offer what was assumed; closing the question keeps it, another choice reads the file again."""

        def again(value: str) -> None:
            if value and value != assumed:
                self.reread(key, {name: value})

        if name == "crs":
            if assumed:
                text = "{file} does not say where it lies. It was placed as {value}."
            else:
                text = "{file} does not say where it lies, and no guess fits. It stands on its own."
            offered = tuple(dict.fromkeys(filter(None, (assumed, *COMMON_CRS))))
        else:
            text, offered = "{file}: {option} was taken as {value}.", (assumed,) if assumed else ()
            offered = tuple(dict.fromkeys((*offered, *CHOICES.get(name, ()))))
        option = tr(OPTION_NAMES[name]) if name in OPTION_NAMES else name
        on_map = (("Choose on a map...", lambda: self.place_wanted.emit(key)),) if name == "crs" else ()
        self._toasts.ask(
            text,
            on_map,
            hint="Close this if it is right, or choose another value.",
            field=(option, offered, assumed, again),
            file=loaded.title,
            option=option,
            value=assumed or tr("unknown"),
        )


def _layers_last(text: str) -> tuple[bool, str]:
    """Sort key: what is likely a city comes first."""
    name = text.lower()
    if name.endswith(".source.json"):
        return True, name
    city = name.endswith((".gml", ".xml", ".citygml", ".jsonl", ".zip", ".gz")) or (
        name.endswith(".json") and not name.endswith(".geojson")
    )
    return not city, name
