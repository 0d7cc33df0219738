"""Preferences of this computer: language, theme, recent files. Never part of a session.

The file is small JSON in the user's configuration folder. A broken or foreign file never stops the
start: it is put aside and the defaults apply.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

SCHEMA_VERSION = 1
APP_NAME = "stadtforum"
#: Overrides every folder below; used by tests, portable installations and kiosks.
HOME_VARIABLE = "STADTFORUM_HOME"
MAX_RECENT = 12

_log = logging.getLogger(__name__)


def _folder(kind: str, default: Callable[..., Path]) -> Path:
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) / kind if home else default(APP_NAME, appauthor=False)


def config_folder() -> Path:
    """Folder of the preferences; may not exist yet."""
    return _folder("config", platformdirs.user_config_path)


def state_folder() -> Path:
    """Folder of what must survive a crash (journals, recovery); may not exist yet."""
    return _folder("state", platformdirs.user_state_path)


def data_folder() -> Path:
    """Folder of what a person adds (own plugins); may not exist yet."""
    return _folder("data", platformdirs.user_data_path)


def log_folder() -> Path:
    """Folder of the log and of crash traces; may not exist yet."""
    return _folder("log", platformdirs.user_log_path)


def cache_folder() -> Path:
    """Folder of what can be made again at any time (prepared cities); may not exist yet."""
    return _folder("cache", platformdirs.user_cache_path)


def assets_folder() -> Path:
    """Folder of icons, styles, translations and the sample city.

    Raises
    ------
    FileNotFoundError
        The installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "assets", package / "_bundled" / "assets"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"no assets folder beside {package}; the installation is incomplete")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What this computer remembers.

    Parameters
    ----------
    language : ``"de"``, ``"en"`` or ``""`` for the language of the system.
    theme : ``"light"``, ``"dark"`` or ``""`` for the one of the system.
    recent : paths of the last opened files, newest first.
    reduced_motion : camera flights jump instead of flying.
    performance_overlay : frame times are shown over the picture.
    idle_seconds : a stand returns to its tour after this time without a touch.
    last_folder : where the open dialog starts.
    textures : pictures and materials of the files are shown on the buildings.
    allowed_hosts : servers a person allowed for good.
    catalogue : folders, lists and addresses shown in the catalogue.
    city_memory_mb : memory the drawn city may take on the graphics card; 0 for a quarter of the machine's memory.
    graphics : how the city is drawn here and the computer's situation it was found out in, by name.
    window : geometry and panel states as the window wrote them (text values).
    """

    language: str = ""
    theme: str = ""
    recent: tuple[str, ...] = ()
    reduced_motion: bool = False
    performance_overlay: bool = False
    idle_seconds: int = 45
    last_folder: str = ""
    textures: bool = True
    allowed_hosts: tuple[str, ...] = ()
    catalogue: tuple[str, ...] = ()
    city_memory_mb: int = 0
    graphics: Mapping[str, str] = field(default_factory=dict)
    window: Mapping[str, str] = field(default_factory=dict)


class Settings:
    """Reads the preferences once and writes every change at once.

    Parameters
    ----------
    path : the JSON file; by default ``preferences.json`` in the configuration folder.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = config_folder() / "preferences.json" if path is None else path
        self._value = _read(self.path)

    @property
    def value(self) -> Preferences:
        """The current preferences."""
        return self._value

    def update(self, **changes: Any) -> Preferences:
        """Change some preferences and write the file; a full or locked disk is logged, not raised."""
        self._value = replace(self._value, **changes)
        try:
            self._write()
        except OSError as error:
            _log.warning("The preferences could not be written: %s", error)
        return self._value

    def remember_file(self, path: Path) -> None:
        """Put a file on top of the recent ones, and its folder where the next dialog starts."""
        text = str(path)
        rest = tuple(known for known in self._value.recent if known != text)
        self.update(recent=(text, *rest)[:MAX_RECENT], last_folder=str(path.parent))

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        data = {"schema_version": SCHEMA_VERSION, **asdict(self._value)}
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        fresh.replace(self.path)


def _read(path: Path) -> Preferences:
    """The preferences in ``path``; the defaults where there is no usable file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Preferences()
    except (OSError, UnicodeDecodeError) as error:
        _log.warning("The preferences could not be read: %s", error)
        return Preferences()
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ValueError("not an object")
    except ValueError as error:
        _log.warning("The preferences were unusable and were put aside: %s", error)
        _put_aside(path)
        return Preferences()
    return _preferences(data)


def _preferences(data: dict[str, Any]) -> Preferences:
    """Take what fits, field by field: one odd value costs that value only."""
    plain = Preferences()
    known: dict[str, Any] = {}
    for item in fields(Preferences):
        if item.name not in data:
            continue
        value, default = data[item.name], getattr(plain, item.name)
        if isinstance(default, tuple) and isinstance(value, list):
            known[item.name] = tuple(entry for entry in value if isinstance(entry, str))
        elif isinstance(default, Mapping) and isinstance(value, dict):
            known[item.name] = {str(k): v for k, v in value.items() if isinstance(v, str)}
        elif type(value) is type(default):
            known[item.name] = value
    if known.get("language", "") not in ("", "de", "en"):
        known["language"] = ""
    if known.get("theme", "") not in ("", "light", "dark"):
        known["theme"] = ""
    return Preferences(**known)


def _put_aside(path: Path) -> None:
    try:
        path.replace(path.with_name(path.name + ".broken"))
    except OSError as error:
        _log.warning("The unusable preferences could not be put aside: %s", error)
