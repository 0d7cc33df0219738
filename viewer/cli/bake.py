"""``stadtforum bake``: prepare cities beforehand, so that they open in a fraction of a second."""

from __future__ import annotations

import contextlib
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from viewer.cli.opening import UsageError, check_file, make_host, options_of
from viewer.cli.words import error_line, plain, say, show
from viewer.errors import ReadError, SaveError
from viewer.plugin_api import Progress
from viewer.readers.store.folder import MANIFEST, SUFFIX, entry_of
from viewer.workspace.baking import Listener, Runner
from viewer.workspace.parts import Done

#: Exit codes: the result is there but files are missing in it; a person stopped the work.
SOME_MISSING, INTERRUPTED = 3, 130


def run(options: Namespace) -> int:
    """Write one prepared city, or the prepared copies of all files."""
    files: list[Path] = options.files
    choices = options_of(options.option)
    last = files[-1]
    if last.suffix.lower() == SUFFIX and (len(files) > 1 or not last.exists()):
        if len(files) < 2:
            raise UsageError("Name the cities to prepare, and then OUT.city.")
        return _write(files[:-1], last, choices, options)
    if options.cluster or options.scheduler:
        raise UsageError("A cluster prepares one city of many files: name OUT.city at the end.")
    for path in files:
        check_file(path)
    for path in files:
        _keep(path, choices)
    return 0


def _write(files: list[Path], out: Path, choices: dict[str, str], options: Namespace) -> int:
    """All cities as one, in a folder of their own; 0, or what tells that some are missing.

    Raises
    ------
    ViewerError
        No file can be read, or the folder cannot be written.
    """
    from viewer.session.files import save_error
    from viewer.workspace.baking import Order, bake

    for path in files:
        check_file(path)
    _check_target(out)
    started = time.perf_counter()
    sources = list(dict.fromkeys(entry_of(path).resolve() for path in files))
    order = Order(sources, out, choices, *_plugins())
    try:
        with _runner(sources, options) as runner:
            baked = bake(order, runner, _Told())
    except OSError as error:
        raise save_error(error, out) from error
    except KeyboardInterrupt:
        show(say("Stopped. What is finished is kept: the same command goes on from there."), sys.stderr)
        return INTERRUPTED
    _tell(out, baked.size, time.perf_counter() - started)
    if not baked.errors:
        return 0
    show(
        say("{count} of {all} files are missing in it.", count=len(baked.errors), all=len(sources)), sys.stderr,
    )  # fmt: skip
    return SOME_MISSING


@contextlib.contextmanager
def _runner(sources: list[Path], options: Namespace) -> Iterator[Runner]:
    """Who reads the sources: this process, several, or a cluster."""
    from viewer.workspace.baking import here, processes, workers_for

    workers = options.workers or workers_for(sources)
    if options.cluster or options.scheduler:
        from viewer.workspace.cluster import on_cluster

        with on_cluster(options.scheduler, workers) as runner:
            yield runner
    elif len(sources) == 1 or workers == 1:
        yield partial(here, progress=Progress(_Steps().reading))
    else:
        yield processes(workers)


def _plugins() -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Folders with plugins, and the ids of those a person switched off."""
    from viewer.plugin_host import PluginState, default_folders

    off = tuple(plugin.id for plugin in make_host().plugins if plugin.state is PluginState.OFF)
    return tuple(default_folders()), off


class _Steps:
    """Says in steps of ten per cent how far something is."""

    def __init__(self) -> None:
        self._percent = 0

    def next(self, share: float) -> int | None:
        """The per cent to tell, None while there is nothing new to say."""
        percent = int(10 * share) * 10
        if percent <= self._percent:
            return None
        self._percent = percent
        return percent

    def reading(self, share: float, text: str) -> None:
        """Told by a reader."""
        if (percent := self.next(share)) is not None:
            show(say("Reading: {percent} %", percent=percent), sys.stderr)


class _Told(Listener):
    """Says on standard error how far the work is."""

    def __init__(self) -> None:
        self._steps = _Steps()

    def part(self, done: Done, number: int, count: int) -> None:
        name, error = plain(Path(done.path).name), done.as_error()
        values = {"number": number, "count": count, "file": name}
        if error is not None:
            error.path = None
            show(say("{number} of {count}: {file}: {error}", **values, error=error_line(error)), sys.stderr)
        elif done.kept:
            show(say("{number} of {count}: {file}: finished earlier", **values), sys.stderr)
        else:
            told = say(
                "{number} of {count}: {file} ({triangles} triangles, {seconds} s)",
                **values, triangles=done.triangles, seconds=f"{done.seconds:.1f}",
            )  # fmt: skip
            show(told, sys.stderr)

    def joining(self, tile: int, count: int) -> None:
        if (percent := self._steps.next(tile / count)) is not None:
            show(say("Joining: {percent} % of {count} tiles", percent=percent, count=count), sys.stderr)

    def deriving(self) -> None:
        show(say("Measuring the buildings and preparing the picture"), sys.stderr)


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
