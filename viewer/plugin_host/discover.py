"""Where plugins are found: our own readers, the bundled ones, the user's folder and installed packages."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from viewer.plugin_host.manifest import MANIFEST_NAME, PluginInfo, PluginState, read_manifest
from viewer.settings import data_folder, state_folder

ENTRY_POINT_GROUP = "stadtforum.plugins"
_VIEWER = Path(__file__).resolve().parent.parent
#: Our own readers are declared like a plugin's.
OWN_READERS = _VIEWER / "readers"


def bundled_folder() -> Path:
    """The folder of the plugins that come with the program, in a checkout or an installed wheel."""
    installed = _VIEWER / "_bundled" / "plugins"
    return installed if installed.is_dir() else _VIEWER.parent / "plugins"


def user_folder() -> Path:
    """The folder where a user puts plugins; it need not exist."""
    return data_folder() / "plugins"


def default_folders() -> tuple[Path, ...]:
    """Folders searched for plugins: bundled ones first, so that nothing can stand in for them."""
    return bundled_folder(), user_folder()


def default_state_path() -> Path:
    """File that remembers which plugins are off and which one failed."""
    return state_folder() / "plugins.json"


def find_plugins(folders: Sequence[Path], *, own_readers: bool = True, packages: bool = True) -> list[PluginInfo]:
    """Every plugin, ready or with the reason why not; nothing of a plugin is imported.

    A second plugin of the same id is listed as failed: the first one keeps the name.
    """
    found: list[PluginInfo] = []
    if own_readers and (OWN_READERS / MANIFEST_NAME).is_file():
        found.append(read_manifest(OWN_READERS, package="viewer.readers", trusted=True))
    bundled = bundled_folder().resolve()
    for folder in folders:
        trusted = folder.resolve() == bundled
        for plugin_folder in _plugin_folders(folder):
            found.append(read_manifest(plugin_folder, trusted=trusted))
    if packages:
        found.extend(_installed_plugins())
    return _first_of_each_id(found)


def _plugin_folders(folder: Path) -> Iterator[Path]:
    """Folders with a manifest, and folders that look as if they lost theirs."""
    try:
        entries = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith((".", "_")):
            continue
        if (entry / MANIFEST_NAME).exists() or any(entry.glob("*.py")):
            yield entry


def _installed_plugins() -> Iterator[PluginInfo]:
    """Plugins of installed packages: entry point ``name = "package"``, with ``plugin.toml`` as package data."""
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        package = entry.value.partition(":")[0]
        folder = _package_folder(package)
        if folder is None:
            nowhere = PluginInfo(entry.name, entry.name, "", 0, Path(package), package=package)
            yield nowhere.with_state(
                PluginState.FAILED,
                "Its package {package} cannot be found.",
                hint="Install the plugin again.",
                package=package,
            )
        else:
            yield read_manifest(folder, package=package)


def _package_folder(package: str) -> Path | None:
    """Folder of a package, found without importing it."""
    top, *rest = package.split(".")
    spec = importlib.util.find_spec(top) if top.isidentifier() else None
    for location in (spec.submodule_search_locations or ()) if spec is not None else ():
        folder = Path(location).joinpath(*rest)
        if folder.is_dir():
            return folder
    return None


def _first_of_each_id(found: list[PluginInfo]) -> list[PluginInfo]:
    owner: dict[str, PluginInfo] = {}
    result = []
    for info in found:
        first = owner.setdefault(info.id, info)
        if first is not info:
            info = info.with_state(
                PluginState.FAILED,
                "Another plugin already has the id {id} ({folder}).",
                hint="Remove one of the two.",
                id=info.id,
                folder=str(first.folder),
            )
        result.append(info)
    return result
