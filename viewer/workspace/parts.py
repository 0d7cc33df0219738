"""One source of a city to be baked, read into a store of its own: the piece of work a helper process is given.

A part that is there already for the same file, choices and program is left as it is, so that baking goes on where
it was stopped. Who does the parts, and how they become one city, stands in ``baking``.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from viewer.city import CityModel, Frame
from viewer.errors import ReadError, ViewerError
from viewer.plugin_api import Progress, ReadContext
from viewer.readers.store.cache import CityCache
from viewer.readers.store.city import Stored, frame_to_json, open_store, write_store
from viewer.readers.store.folder import read_manifest, remove_folder
from viewer.readers.store.mark import SourceMark, mark_of, stamp_of


@dataclass(frozen=True, slots=True)
class Job:
    """A source, and how to read it; plain values that go to another process or computer.

    Parameters
    ----------
    path : of the source. options : choices a person made for it. folder : where parts are kept.
    crs, origin_crs, vertical_crs : the frame it is read into; empty for the first, which chooses it.
    version : ``fingerprint`` of the program that asks.
    plugins : folders with plugins. disabled : ids of plugins that are switched off.
    """

    path: str
    options: tuple[tuple[str, str], ...]
    folder: str
    version: str
    crs: str = ""
    origin_crs: tuple[float, float, float] = (0.0, 0.0, 0.0)
    vertical_crs: str = ""
    plugins: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()

    @property
    def frame(self) -> Frame:
        """The frame it is read into."""
        return Frame(self.crs, self.origin_crs, self.vertical_crs)

    @property
    def store(self) -> Path:
        """The folder of its part; another one for other choices, another frame or another program."""
        parts = [self.path, sorted(self.options), frame_to_json(self.frame), sorted(self.disabled), self.version]
        return Path(self.folder) / hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a part.

    kept : it was there already. seconds : it took. triangles : in it. error : why there is none: the English
    sentence, what to do, and what both name; None if there is one.
    """

    path: str
    kept: bool = False
    seconds: float = 0.0
    triangles: int = 0
    error: tuple[str, str, tuple[tuple[str, str], ...]] | None = None

    def as_error(self) -> ViewerError | None:
        """The error for people; None if there is none."""
        if self.error is None:
            return None
        text, hint, values = self.error
        return ReadError(text, hint=hint, path=self.path, **dict(values))


def bake_part(job: Job, progress: Progress | None = None) -> Done:
    """Read one source and keep it as a store.

    Raises
    ------
    OSError
        The store cannot be written. What is wrong with the source is in the answer instead.
    Cancelled
        ``progress`` says that a person stopped it.
    """
    started = time.perf_counter()
    known = _known(job)
    if known is not None:
        return Done(job.path, kept=True, triangles=known)
    try:
        city = _bake(job, Progress() if progress is None else progress)
    except ViewerError as error:
        values = tuple((name, str(value)) for name, value in error.values.items())
        return Done(job.path, error=(error.text, error.hint, values))
    return Done(job.path, seconds=time.perf_counter() - started, triangles=len(city.triangles))


def open_part(job: Job) -> Stored:
    """A finished part, whole and sound.

    Raises
    ------
    ReadError
        It is gone or damaged; it has to be baked again.
    """
    stored = open_store(job.store, whole=True)
    if stored.damaged:
        raise ReadError("This prepared city is damaged ({part}).", part="tiles", path=job.store)
    return stored


def _known(job: Job) -> int | None:
    """Triangles of the part that is there already; None without a usable one."""
    try:
        body = read_manifest(job.store)
        if SourceMark.from_json(body["source"]).fits(Path(job.path)):
            return int(body["counts"]["triangles"])
    except (ReadError, OSError, KeyError, TypeError, ValueError):
        pass
    remove_folder(job.store)
    return None


def _bake(job: Job, progress: Progress) -> CityModel:
    from viewer.plugin_host import PluginHost

    path = Path(job.path)
    try:
        before = stamp_of(path)
    except OSError as error:
        raise ReadError("This file cannot be read.", path=path) from error
    no_copies = CityCache(Path(job.folder), min_source_bytes=sys.maxsize)  # the part itself is the copy
    host = PluginHost([Path(folder) for folder in job.plugins], job.disabled, cache=no_copies)
    reading = host.read(path, ReadContext(job.frame, dict(job.options), progress))
    if reading.city is None:
        raise ReadError("This is no city; only cities are prepared.", path=path)
    mark = mark_of(path)
    if stamp_of(path) != before:
        raise ReadError("The file changed while it was read.", hint="Try again when it is finished.", path=path)
    write_store(
        reading.city, job.store, mark, reading.report, options=dict(job.options), questions=reading.questions,
        source_folder=path.parent,
    )  # fmt: skip
    return reading.city
