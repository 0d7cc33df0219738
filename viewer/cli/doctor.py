"""``stadtforum doctor``: whether this computer has all that is needed, in words an IT department can act on."""

from __future__ import annotations

import platform
import shutil
import sqlite3
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from viewer import __version__, settings
from viewer.cli.opening import make_host
from viewer.cli.words import plain, say, show, show_json
from viewer.errors import SaveError, ViewerError
from viewer.session.atomic import write_atomic

_PACKAGES = (
    "PySide6-Essentials", "vtk", "pyvista", "pyvistaqt", "numpy", "geopandas", "pyogrio", "shapely", "pyproj",
    "lxml", "mapbox-earcut", "orjson", "psygnal", "platformdirs",
)  # fmt: skip
_OPTIONAL = ("rasterio",)
_FREE_WARNING_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: level is "ok", "note" or "problem"; the texts are ready to be read."""

    level: str
    topic: str
    text: str
    advice: str = ""


def run(options: Namespace) -> int:
    """Check everything and print it; exit code 1 if something does not work."""
    findings = [finding for check in _CHECKS for finding in check()]
    problems = sum(finding.level == "problem" for finding in findings)
    if options.json:
        show_json([{"level": f.level, "topic": f.topic, "text": f.text, "advice": f.advice} for f in findings])
    else:
        mark = {"ok": "  ok      ", "note": "  note    ", "problem": "  PROBLEM "}
        topic = ""
        for finding in findings:
            if finding.topic != topic:
                topic = finding.topic
                show(topic)
            show(plain(mark[finding.level] + finding.text))
            if finding.advice:
                show(plain(" " * 10 + finding.advice))
        show()
        show(say("Everything that is needed works.") if not problems else say("Problems: {count}", count=problems))
    return 1 if problems else 0


def _system() -> Iterator[Finding]:
    topic = say("System")
    yield Finding("ok", topic, f"Stadtforum {__version__}, Python {platform.python_version()}, {platform.platform()}")
    if sys.maxsize < 2**32:
        yield Finding(
            "problem",
            topic,
            say("This Python has 32 bits; city models do not fit into it."),
            say("Install a Python with 64 bits."),
        )


def _packages() -> Iterator[Finding]:
    topic = say("Packages")
    for name in _PACKAGES + _OPTIONAL:
        try:
            yield Finding("ok", topic, f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            if name in _OPTIONAL:
                yield Finding(
                    "note",
                    topic,
                    say("{name} is not installed; map images stay closed.", name=name),
                    say("Install it with: pip install {name}", name=name),
                )
            else:
                yield Finding(
                    "problem",
                    topic,
                    say("{name} is missing.", name=name),
                    say("Install it with: pip install {name}", name=name),
                )


def _graphics() -> Iterator[Finding]:
    """Draw a test picture in a child process, because a broken driver ends the process that asks it."""
    topic = say("Graphics")
    advice = say("Install the driver of the graphics card, or Mesa for drawing without one.")
    try:
        from viewer.scene.probe import probe

        result = probe()
    except ImportError as error:  # libraries of the system that VTK needs
        yield Finding("problem", topic, say("No picture can be drawn: {reason}", reason=error), advice)
        return
    except ViewerError as error:
        yield Finding("problem", topic, say(error.text, **error.values), say(error.hint) if error.hint else advice)
        return
    if not result.works:
        yield Finding("problem", topic, say("No picture can be drawn: {reason}", reason=result.reason), advice)
        return
    yield Finding("ok", topic, say("{renderer}, OpenGL {version}", renderer=result.renderer, version=result.version))
    if result.software:
        yield Finding(
            "note",
            topic,
            say("Pictures are made by the processor, not by a graphics card; large cities move slowly."),
            say("Install the driver of the graphics card, or allow it on remote desktops."),
        )


def _plugins() -> Iterator[Finding]:
    topic = say("Plugins")
    for info in make_host().plugins:
        name = f"{info.id} {info.version}"
        if info.ready:
            yield Finding("ok", topic, name)
        else:
            reason = say(info.reason, **dict(info.reason_values))
            yield Finding("note", topic, f"{name}: {reason}", say(info.hint) if info.hint else "")


def _folders() -> Iterator[Finding]:
    topic = say("Folders")
    folders = (
        (say("Preferences"), settings.config_folder()),
        (say("Automatic copies"), settings.state_folder()),
        (say("Plugins and unpacked data"), settings.data_folder()),
        (say("Prepared cities"), settings.cache_folder()),
        (say("Log"), settings.log_folder()),
    )
    for name, folder in folders:
        problem = _write_problem(folder)
        if problem:
            yield Finding(
                "problem",
                topic,
                say("{name}: {folder} cannot be written ({reason}).", name=name, folder=folder, reason=problem),
                say("Give the user the right to write there, or set STADTFORUM_HOME to another folder."),
            )
            continue
        free = shutil.disk_usage(folder).free
        text = say("{name}: {folder}, {free} GB free", name=name, folder=folder, free=f"{free / 1e9:.1f}")
        if free < _FREE_WARNING_BYTES:
            yield Finding("note", topic, text, say("Free some space there."))
        else:
            yield Finding("ok", topic, text)
    try:
        yield Finding("ok", topic, say("Program files: {folder}", folder=settings.assets_folder()))
    except FileNotFoundError:
        yield Finding("problem", topic, say("The program's own files are missing."), say("Install Stadtforum again."))


def _write_problem(folder: Path) -> str:
    """Why a file cannot be written in a folder; "" if it can."""
    test = folder / ".stadtforum-doctor"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(test, b"test", keep_former=False)
        test.unlink()
    except SaveError as error:
        return say(error.text, **error.values)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _autosave() -> Iterator[Finding]:
    """Try the database of the automatic copies where it really lies."""
    from viewer.session.journal_file import JournalFile

    topic = say("Automatic copies")
    path = settings.state_folder() / ".stadtforum-doctor.sqlite"
    try:
        JournalFile(path).close()
        path.unlink(missing_ok=True)
    except (sqlite3.Error, OSError) as error:
        yield Finding(
            "problem",
            topic,
            say("Automatic saving does not work at the moment: {reason}.", reason=error),
            say("Give the user the right to write there, or set STADTFORUM_HOME to another folder."),
        )
        return
    yield Finding("ok", topic, say("SQLite {version} passes its test", version=sqlite3.sqlite_version))


_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _system,
    _packages,
    _graphics,
    _plugins,
    _folders,
    _autosave,
)
