"""Bakes many sources into one stored city: parts on all cores or a cluster, then joined tile by tile.

Memory is bounded by the sources that are read at the same time and by a few numbers for each building. What one
part is stands in ``parts``, how parts are joined in ``readers.store.join``.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from pathlib import Path

from viewer.city import CityModel, Frame, ImportReport
from viewer.city.report import IssueLog, Severity
from viewer.errors import ReadError, ViewerError
from viewer.plugin_api import Progress
from viewer.readers import helpers
from viewer.readers.store.arrays import Array
from viewer.readers.store.city import Stored, fingerprint, open_store
from viewer.readers.store.folder import remove_folder, sweep_scratch
from viewer.readers.store.join import join_stores
from viewer.workspace.parts import Done, Job, bake_part, open_part

#: Does jobs in any order and gives back what became of each.
Runner = Callable[[Sequence[Job]], Iterator[Done]]

#: A source takes about so many times its size while it is read; packed ones are unpacked on the way.
MEMORY_PER_BYTE, MEMORY_PER_PACKED_BYTE = 6, 60
#: Workers together take at most this share of the machine's memory.
MEMORY_SHARE = 0.5
#: A worker is replaced after so many parts, which gives back what libraries keep.
PARTS_PER_WORKER = 16
#: So many parts are joined at once, as far as the system lets so many files be open; more are joined in groups.
MOST_PARTS, FILES_PER_PART, FILES_KEPT = 500, 100, 250
#: How often work goes on after a worker was killed from outside.
MOST_RESTARTS = 3

LEFT_OUT_TEXT = "Files that could not be read and are missing: {count}"
KILLED_TEXT = "The program that reads this file ended unexpectedly, several times."
KILLED_HINT = "Perhaps the memory is too small: try again with --workers 1."
_PACKED = frozenset({".zip", ".gz", ".7z", ".pbf"})


@dataclass(frozen=True, eq=False)
class Baked:
    """What became of it. size : bytes of the store. errors : of sources that are missing in it. parts : joined."""

    size: int
    parts: int
    errors: tuple[ViewerError, ...] = ()


@dataclass(frozen=True, eq=False)
class Order:
    """What is to be baked.

    Parameters
    ----------
    sources : files, in the order in which they are joined; the first that can be read chooses the frame.
    out : the folder of the store. options : choices for all sources, ``lod`` among them.
    plugins : folders with plugins. disabled : ids of plugins that are switched off.
    """

    sources: Sequence[Path]
    out: Path
    options: Mapping[str, str] = field(default_factory=dict)
    plugins: tuple[Path, ...] = ()
    disabled: tuple[str, ...] = ()

    @property
    def parts_folder(self) -> Path:
        """Where finished parts are kept until the whole is done; a second run finds them there."""
        return self.out.with_name(f".{self.out.name}.parts")

    def job(self, source: Path, frame: Frame) -> Job:
        """The work on one source."""
        return Job(
            path=str(source.resolve()),
            options=tuple(sorted(self.options.items())),
            folder=str(self.parts_folder.resolve()),
            version=fingerprint(),
            crs=frame.crs,
            origin_crs=frame.origin_crs,
            vertical_crs=frame.vertical_crs,
            plugins=tuple(str(folder) for folder in self.plugins),
            disabled=self.disabled,
        )


class Listener:
    """Told how far baking is; does nothing by itself."""

    def part(self, done: Done, number: int, count: int) -> None:
        """A part is finished, kept or failed: the ``number``-th of ``count``."""

    def joining(self, tile: int, count: int) -> None:
        """So many tiles of all are written."""

    def deriving(self) -> None:
        """Everything is joined; heights, ground and what the picture needs are worked out."""


def bake(order: Order, run: Runner, listener: Listener | None = None) -> Baked:
    """Bake all sources into one store, which appears in one step.

    Sources that cannot be read are left out and told; all others count.

    Raises
    ------
    ViewerError
        No source can be read, or together they are too large.
    OSError
        Something could not be written; finished parts stay for the next try.
    KeyboardInterrupt, Cancelled
        A person stopped it; finished parts stay.
    """
    listener = Listener() if listener is None else listener
    order.parts_folder.mkdir(parents=True, exist_ok=True)
    sweep_scratch(order.out.parent)
    jobs, failed = _parts(order, run, listener)
    if not jobs:
        raise next(iter(failed.values()))
    log = IssueLog()
    if failed:
        log.add(Severity.WARNING, LEFT_OUT_TEXT, where=tuple(Path(path).name for path in failed), count=len(failed))
    folders = list(dict.fromkeys(Path(job.path).parent for job in jobs))
    reports: list[ImportReport] = []
    questions: dict[str, str] = {}
    source = None

    def parts(some: Sequence[Job]) -> Iterator[CityModel]:
        nonlocal source
        for job in some:
            part = _sound(job, run)
            reports.append(part.report)
            questions.update(part.questions)
            source = part.source
            yield part.city

    def derived(city: CityModel) -> Mapping[str, Array]:
        listener.deriving()
        return _derived(city, order.options.get("lod", ""))

    most = parts_at_once()
    if len(jobs) <= most:
        cities = list(parts(jobs))
    else:
        cities = _in_groups(order, [jobs[k : k + most] for k in range(0, len(jobs), most)], parts, log, folders, most)
    body = {
        "source": source.as_json() if source is not None and len(order.sources) == 1 else None,
        "options": dict(order.options),
        "questions": questions,
    }
    size = join_stores(
        cities, order.out, _report(reports, order.out.name), name=order.out.stem, derive=derived, body=body, log=log,
        source_folders=folders, each_tile=listener.joining,
    )  # fmt: skip
    del cities  # a system that keeps mapped files would not let them go
    shutil.rmtree(order.parts_folder, ignore_errors=True)
    return Baked(size, len(jobs), tuple(failed.values()))


def parts_at_once() -> int:
    """How many parts may be joined at once: each keeps some dozens of files open."""
    try:
        import resource
    except ImportError:  # a system without such a limit
        return MOST_PARTS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_KEPT + MOST_PARTS * FILES_PER_PART
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return min(MOST_PARTS, max(2, (soft - FILES_KEPT) // FILES_PER_PART))


def here(jobs: Sequence[Job], progress: Progress | None = None) -> Iterator[Done]:
    """One part after the other, in this process."""
    return (bake_part(job, progress) for job in jobs)


def processes(workers: int) -> Runner:
    """Parts on so many processes. Ends them when a person stops the work or the generator is closed."""

    def run(jobs: Sequence[Job]) -> Iterator[Done]:
        left, restarts = list(jobs), 0
        while left:
            try:
                for done in _pool(left, min(workers, len(left))):
                    left = [job for job in left if job.path != done.path]
                    restarts = 0
                    yield done
            except BrokenProcessPool:
                restarts += 1
                if restarts > MOST_RESTARTS:
                    job = left.pop(0)
                    restarts = 0
                    yield Done(job.path, error=(KILLED_TEXT, KILLED_HINT, ()))

    return run


def workers_for(sources: Sequence[Path], cores: int | None = None, memory: int | None = None) -> int:
    """How many sources to read at once: as many as there are cores, fewer where they would fill the memory."""
    cores = cores or os.cpu_count() or 1
    memory = memory or _memory_bytes()
    needs = sorted((_need(path) for path in sources), reverse=True)
    count = min(cores, len(needs)) or 1
    while count > 1 and sum(needs[:count]) > memory * MEMORY_SHARE:
        count -= 1
    return count


def _parts(order: Order, run: Runner, listener: Listener) -> tuple[list[Job], dict[str, ViewerError]]:
    """Jobs whose parts are there, in the order of the sources, and why others are not."""
    count, number = len(order.sources), 0
    failed: dict[str, ViewerError] = {}
    frame, first = Frame(), 0

    def told(done: Done) -> ViewerError | None:
        nonlocal number
        number += 1
        listener.part(done, number, count)
        error = done.as_error()
        if error is not None:
            failed[done.path] = error
        return error

    jobs: list[Job] = []
    while first < count and not jobs:  # the first that can be read says where the city lies
        job = order.job(order.sources[first], Frame())
        first += 1
        for done in run([job]):
            if told(done) is None:
                frame, jobs = open_part(job).city.frame, [job]
    rest = [order.job(source, frame) for source in order.sources[first:]]
    for done in run(rest) if rest else ():
        told(done)
    return [*jobs, *(job for job in rest if job.path not in failed)], failed


def _in_groups(
    order: Order,
    groups: Sequence[Sequence[Job]],
    parts: Callable[[Sequence[Job]], Iterator[CityModel]],
    log: IssueLog,
    folders: Sequence[Path],
    most: int,
) -> list[CityModel]:
    """Many parts joined to fewer, group by group, until those can be joined at once."""
    nothing: dict[str, object] = {"source": None, "options": {}, "questions": {}}

    def joined(cities: list[CityModel], name: str) -> Path:
        folder = order.parts_folder / name
        join_stores(
            cities, folder, ImportReport(name), name=name, derive=lambda city: {}, body=nothing, log=log,
            source_folders=folders,
        )  # fmt: skip
        return folder

    made = [joined(list(parts(group)), f"group-0-{k}") for k, group in enumerate(groups)]
    level = 1
    while len(made) > most:
        runs = [made[k : k + most] for k in range(0, len(made), most)]
        made = [joined([open_store(folder).city for folder in run], f"group-{level}-{k}") for k, run in enumerate(runs)]
        level += 1
    return [open_store(folder).city for folder in made]


def _sound(job: Job, run: Runner) -> Stored:
    """A part that can be joined; one kept from an earlier run may be damaged and is baked again."""
    try:
        return open_part(job)
    except ReadError:
        remove_folder(job.store)
    for done in run([job]):
        if (error := done.as_error()) is not None:
            raise error
    return open_part(job)


def _derived(city: CityModel, lod: str) -> dict[str, Array]:
    from viewer.workspace import ready
    from viewer.workspace.loaded import derive

    return ready.pack(derive((("city", lod),), {"city": city}))


def _report(reports: Sequence[ImportReport], name: str) -> ImportReport:
    """One report of all readings."""
    first = reports[0]
    same = len({(report.format, report.version) for report in reports}) == 1
    return replace(
        first,
        source=name,
        version=first.version if same else "",
        seconds=sum(report.seconds for report in reports),
        extent_crs=first.extent_crs if len(reports) == 1 else None,
        issues=tuple(issue for report in reports for issue in report.issues),
        faults=tuple(fault for report in reports for fault in report.faults),
    )


def _pool(jobs: Sequence[Job], workers: int) -> Iterator[Done]:
    """Parts as they are finished; nothing is left running, whatever happens."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, helpers.begin, max_tasks_per_child=PARTS_PER_WORKER)
    try:
        waiting: set[Future[Done]] = {pool.submit(bake_part, job) for job in jobs}
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    pool.shutdown()


def _need(path: Path) -> int:
    try:
        size = path.stat().st_size
    except OSError:
        return 0
    return size * (MEMORY_PER_PACKED_BYTE if path.suffix.lower() in _PACKED else MEMORY_PER_BYTE)


def _memory_bytes() -> int:
    """Memory of this machine; a modest one where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 8 << 30
