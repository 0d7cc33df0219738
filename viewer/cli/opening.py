"""Opens what the command line names: cities first, layers over them, or one session."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.cli.words import error_line, plain, say, show
from viewer.errors import ReadError, ViewerError
from viewer.readers.store.folder import entry_of

if TYPE_CHECKING:
    from viewer.plugin_host import PluginHost
    from viewer.scenario import Target
    from viewer.workspace import Loaded, Workspace


class UsageError(ViewerError):
    """The command line asks for something that is not there."""


def make_host(*, online: bool = False) -> PluginHost:
    """The plugin host with everybody's plugins; what a person switched off stays off.

    Servers allowed in the window may be contacted, with ``online`` every one.
    """
    from viewer.plugin_api.net import Network, default_copies
    from viewer.plugin_host import PluginHost, default_folders, default_state_path
    from viewer.settings import Settings

    network = Network(Settings().value.allowed_hosts, everything=online, copies=default_copies())
    return PluginHost(default_folders(), state_path=default_state_path(), network=network)


def check_file(path: Path) -> None:
    """Refuse what is no file before anything is loaded for it.

    Raises
    ------
    ReadError
        It is missing, or a folder.
    """
    try:
        if entry_of(path).is_file():
            return
        there = path.exists()
    except (OSError, ValueError) as error:
        raise ReadError("This file cannot be read.", path=path) from error
    if there:
        raise ReadError("This is not a file.", hint="Name the file inside it.", path=path)
    raise ReadError("There is no such file.", path=path)


def options_of(texts: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` choices as a mapping."""
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError("{given} is not of the form NAME=VALUE.", given=plain(text))
        options[name.strip()] = value.strip()
    return options


def settings_of(texts: Sequence[str]) -> list[tuple[str, float]]:
    """``LEVER=VALUE`` pairs, checked against the levers and their ranges.

    Raises
    ------
    UsageError
        There is no such lever, or its value is no number within its range.
    """
    from viewer.scenario import LEVERS

    settings = []
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError("{given} is not of the form LEVER=VALUE.", given=plain(text))
        if name not in LEVERS:
            raise UsageError("There is no lever {name}; there are {names}.", name=plain(name), names=", ".join(LEVERS))
        lever = LEVERS[name]
        try:
            settings.append((name, lever.check(float(value))))
        except ValueError:
            raise UsageError(
                "{name} takes a number from {low} to {high} ({unit}), not {value}.",
                name=name,
                low=f"{lever.minimum:g}",
                high=f"{lever.maximum:g}",
                unit=lever.unit,
                value=plain(value) or '""',
            ) from None
    return settings


def open_files(options: Namespace) -> Workspace:
    """A workspace with everything the command line names; findings go to standard error.

    Raises
    ------
    ViewerError
        A file cannot be read, or there is no city among them.
    """
    from viewer.session import Session
    from viewer.session.store import SUFFIX
    from viewer.workspace import Workspace

    for path in options.files:
        check_file(path)
    reading = options_of(options.option)
    workspace = Workspace(Session(), make_host(online=options.online))
    workspace.textures = getattr(options, "textures", False)
    sessions = [path for path in options.files if path.suffix.lower() == SUFFIX]
    if len(sessions) > 1:
        raise UsageError("Only one session can be opened at a time.", path=sessions[1])
    for path in sessions:
        _open_session(workspace, path)
    waiting: list[Loaded] = []
    # A source on a server needs to know where the city is.
    for path in sorted(options.files, key=lambda path: path.name.lower().endswith(".source.json")):
        if path not in sessions:
            loaded = workspace.read(path, options=reading)
            if loaded.kind == "city":
                workspace.adopt(loaded)
            else:
                waiting.append(loaded)
    if workspace.city is None:
        standing = next((loaded for loaded in waiting if loaded.city is not None), None)
        if standing is not None:  # it brings a frame for the others
            workspace.adopt(standing)
            waiting.remove(standing)
    if workspace.city is None:
        raise ReadError("There is no city among these files.", hint="Name a city model too.", path=options.files[0])
    for loaded in waiting:
        # A layer read before its city has no frame yet: read it again into the city's.
        workspace.adopt(workspace.read(loaded.path, options=reading, reader=loaded.reader))
    if options.scenario:
        show_scenario(workspace, options.scenario)
    return workspace


def _open_session(workspace: Workspace, path: Path) -> None:
    """Open a session with its data; what is missing is said and left out."""
    from viewer.session.store import load_session

    document, issues = load_session(path)
    for issue in issues:
        note(say(issue.text, count=issue.count, **issue.values))
    workspace.open_document(document)
    for source in workspace.missing_sources():
        if not source.path or not Path(source.path).is_file():
            continue  # said already
        try:
            loaded = workspace.read(source.path, options=dict(source.options), reader=source.reader, key=source.key)
            workspace.adopt(loaded)
        except ViewerError as error:
            note(error_line(error))


def show_scenario(workspace: Workspace, name: str) -> None:
    """Switch to a scenario of the session.

    Raises
    ------
    UsageError
        There is none of this name.
    """
    from viewer.session.edits import ShowScenario

    names = [scenario.name for scenario in workspace.session.document.scenarios]
    if name not in names:
        raise UsageError(
            "There is no scenario {name}; there are {names}.", name=plain(name), names=plain(", ".join(names))
        )
    workspace.session.edit(ShowScenario(name))


def move_levers(workspace: Workspace, settings: Sequence[tuple[str, float]], targets: Sequence[Target]) -> None:
    """Move levers of the scenario shown, for every target."""
    from viewer.session.edits import SetLever

    for name, value in settings:
        for target in targets:
            workspace.session.edit(SetLever(name, value, target))


def note(text: str) -> None:
    """Something worth knowing that is not the result: standard error."""
    show(plain(text), sys.stderr)
