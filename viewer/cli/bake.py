"""``stadtforum bake``: prepare cities beforehand, so that they open in a fraction of a second."""

from __future__ import annotations

import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.cli.opening import UsageError, check_file, make_host, options_of
from viewer.cli.words import plain, say, show
from viewer.errors import ReadError, SaveError
from viewer.readers.store.folder import MANIFEST, SUFFIX

if TYPE_CHECKING:
    from viewer.city import ImportReport
    from viewer.workspace import Workspace


def run(options: Namespace) -> int:
    """Write one prepared city, or the prepared copies of all files."""
    files: list[Path] = options.files
    choices = options_of(options.option)
    last = files[-1]
    if last.suffix.lower() == SUFFIX and (len(files) > 1 or not last.exists()):
        if len(files) < 2:
            raise UsageError("Name the cities to prepare, and then OUT.city.")
        for path in files[:-1]:
            check_file(path)
        _write(files[:-1], last, choices)
        return 0
    for path in files:
        check_file(path)
    for path in files:
        _keep(path, choices)
    return 0


def _write(files: list[Path], out: Path, choices: dict[str, str]) -> None:
    """All cities as one, in a folder of their own.

    Raises
    ------
    ViewerError
        A file is no city or cannot be read, or the folder cannot be written.
    """
    from viewer.readers.store import mark_of, write_store
    from viewer.session.files import save_error
    from viewer.workspace import ready

    _check_target(out)
    started = time.perf_counter()
    workspace = _opened(files, choices)
    derived = workspace.derived
    assert derived is not None
    reports = [workspace.reports[source.key] for source in workspace.session.document.sources]
    city = replace(derived.city, name=out.stem)
    questions = {name: value for asked in workspace.questions.values() for name, value in asked.items()}
    try:
        mark = mark_of(files[0]) if len(files) == 1 else None
        size = write_store(
            city, out, mark, _joined(reports, out.name, workspace), options=choices, questions=questions,
            ready=ready.pack(derived),
        )  # fmt: skip
    except OSError as error:
        raise save_error(error, out) from error
    _tell(out, size, time.perf_counter() - started)


def _keep(path: Path, choices: dict[str, str]) -> None:
    """The prepared copy of one file, where opening the file will look for it.

    Raises
    ------
    ViewerError
        The file is no city or cannot be read, or the copy cannot be written.
    """
    from viewer.plugin_api import ReadContext
    from viewer.readers.store.cache import default_cache
    from viewer.session.files import save_error
    from viewer.workspace import ready
    from viewer.workspace.loaded import derive

    cache = default_cache()
    if cache is None:
        raise UsageError("Prepared copies are turned off by STADTFORUM_NO_CACHE.", path=path)
    started = time.perf_counter()
    reading = make_host().read(path, ReadContext(options=choices))
    name = plain(str(path))
    if reading.city is None:
        raise ReadError("This is no city; only cities are prepared.", path=path)
    if reading.ready:
        show(say("{file}: is prepared already", file=name))
        return
    if reading.ticket is None:
        show(say("{file}: opens as quickly without a prepared copy", file=name))
        return
    derived = derive((("city", choices.get("lod", "")),), {"city": reading.city})
    try:
        folder = reading.ticket.keep(reading.city, reading.report, reading.questions, ready.pack(derived))
        size = 0 if folder is None else sum(file.stat().st_size for file in folder.iterdir())
    except OSError as error:
        raise save_error(error, cache.folder) from error
    if folder is None:
        raise SaveError(
            "No copy could be kept: the file changed while it was read, or it is larger than all copies may be.",
            hint="Name an OUT.city to prepare it elsewhere.",
            path=path,
        )
    _tell(path, size, time.perf_counter() - started)


def _opened(files: list[Path], choices: dict[str, str]) -> Workspace:
    from viewer.session import Session
    from viewer.workspace import Workspace

    workspace = Workspace(Session(), make_host())
    for path in files:
        loaded = workspace.read(path, options=choices)
        if loaded.city is None:
            raise ReadError("This is no city; only cities are prepared.", path=path)
        workspace.adopt(loaded)
    return workspace


def _joined(reports: list[ImportReport], name: str, workspace: Workspace) -> ImportReport:
    """One report of all readings, without what opening will say again."""
    from viewer.city.measures import measure_issues
    from viewer.readers.store.cache import OPENED_TEXT

    city, measures = workspace.city, workspace.measures
    assert city is not None and measures is not None
    said_again = {OPENED_TEXT, *(issue.text for issue in measure_issues(city, measures))}
    first = reports[0]
    same = len({(r.format, r.version) for r in reports}) == 1
    return replace(
        first,
        source=name,
        version=first.version if same else "",
        objects=city.objects.count_by_type(),
        lods=tuple(lod for lod in city.lods if lod),
        triangles=len(city.triangles),
        seconds=sum(r.seconds for r in reports),
        extent_crs=None,
        issues=tuple(issue for r in reports for issue in r.issues if issue.text not in said_again),
        faults=first.faults if len(reports) == 1 else (),
    )


def _check_target(out: Path) -> None:
    if not out.parent.is_dir():
        raise SaveError("The folder of this file does not exist.", path=out)
    if out.exists() and not (out.is_dir() and (out / MANIFEST).is_file()):
        raise SaveError("Something else has this name.", hint="Choose another name.", path=out)


def _tell(path: Path, size: int, seconds: float) -> None:
    show(
        say(
            "Prepared: {file} ({size} MB, {seconds} s)",
            file=plain(str(path)), size=f"{size / 1e6:.1f}", seconds=f"{seconds:.1f}",
        )
    )  # fmt: skip
