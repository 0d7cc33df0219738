"""Slow work in the background: keys, newest wins, late answers dropped, errors to one place.

What the work is, its callers know; nothing here knows a city. Work runs in a worker thread and must
touch neither Qt nor the scene; answers arrive on the main thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from PySide6.QtCore import QObject, Signal

from viewer.errors import Cancelled, ViewerError
from viewer.plugin_api import Progress

Work = Callable[[Progress], Any]
Done = Callable[[Any], None]
Failed = Callable[[Exception], None]

_log = logging.getLogger(__name__)
#: At most this often a worker reports, seconds.
_REPORT_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A running task as a person sees it. ``title`` is already translated; empty = not shown."""

    key: str
    title: str
    cancellable: bool = True


@dataclass(slots=True)
class _Job:
    info: TaskInfo
    work: Work
    done: Done | None
    failed: Failed | None
    cancelled: threading.Event
    reported_at: float = 0.0


class Tasks(QObject):
    """What panels use: start, cancel, and signals for a progress display. See the two runners below."""

    started = Signal(object)  # TaskInfo
    progressed = Signal(str, float, str)  # key, share 0..1, text (a translation key)
    finished = Signal(str)  # key; also after errors and cancelling
    error = Signal(object)  # Exception nobody else took: a ViewerError, or a bug (already logged)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: dict[str, _Job] = {}

    def start(
        self,
        key: str,
        work: Work,
        done: Done | None = None,
        *,
        failed: Failed | None = None,
        title: str = "",
        cancellable: bool = True,
    ) -> None:
        """Run ``work(progress)``; ``done(answer)`` follows on the main thread.

        A running task of the same key is cancelled and its answer dropped: the newest wins.
        ``failed`` takes the error instead of the ``error`` signal. Cancelling is no error.
        """
        self.cancel(key)
        job = _Job(TaskInfo(key, title, cancellable), work, done, failed, threading.Event())
        self._jobs[key] = job
        self.started.emit(job.info)
        self._launch(job)

    def cancel(self, key: str) -> None:
        """Ask a task to stop; its answer will be dropped."""
        job = self._jobs.pop(key, None)
        if job is not None:
            job.cancelled.set()
            self.finished.emit(key)

    def cancel_all(self) -> None:
        """Ask every task to stop."""
        for key in list(self._jobs):
            self.cancel(key)

    def busy(self, key: str = "") -> bool:
        """Whether a task of this key (or any) is still awaited."""
        return key in self._jobs if key else bool(self._jobs)

    def _launch(self, job: _Job) -> None:
        raise NotImplementedError

    def _run(self, job: _Job) -> tuple[Any, Exception | None]:
        """Do the work; called on the worker. This is one of the two borders that catch everything."""

        def report(share: float, text: str) -> None:
            now = time.monotonic()
            if now - job.reported_at >= _REPORT_EVERY_S or share >= 1.0:
                job.reported_at = now
                self._report(job, share, text)

        try:
            return job.work(Progress(report, job.cancelled.is_set)), None
        except Cancelled as stop:
            return None, stop
        except ViewerError as error:
            _log.info("task %s: %s", job.info.key, error)
            return None, error
        except Exception as bug:  # noqa: BLE001
            _log.error("task %s failed", job.info.key, exc_info=bug)
            return None, bug

    def _report(self, job: _Job, share: float, text: str) -> None:
        if self._jobs.get(job.info.key) is job:
            self.progressed.emit(job.info.key, share, text)

    def _settle(self, job: _Job, answer: Any, error: Exception | None) -> None:
        """Hand the answer over, on the main thread; late ones are dropped."""
        if self._jobs.get(job.info.key) is not job:
            return
        del self._jobs[job.info.key]
        self.finished.emit(job.info.key)
        if isinstance(error, Cancelled):
            return
        if error is None:
            if job.done is not None:
                job.done(answer)
        elif job.failed is not None:
            job.failed(error)
        else:
            self.error.emit(error)


class TaskRunner(Tasks):
    """Runs work in a few threads of its own.

    They are Python's, not Qt's: a thread of Qt's pool loses what Python keeps for it after every task, PROJ's
    context among it, and the next task on the same thread would work with what is gone.
    """

    _settled = Signal(object, object, object)  # job, answer, error; crosses to the main thread
    _reported = Signal(object, float, str)

    def __init__(self, parent: QObject | None = None, *, threads: int = 3) -> None:
        super().__init__(parent)
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._crew = [
            threading.Thread(target=self._work, name=f"stadtforum-task-{number + 1}", daemon=True)
            for number in range(threads)
        ]
        self._settled.connect(self._settle)
        self._reported.connect(self._on_reported)

    def shutdown(self, wait_ms: int = 3000) -> bool:
        """Cancel everything and wait for the workers; false if one did not stop in time."""
        self.cancel_all()
        until = time.monotonic() + wait_ms / 1000
        for _ in self._crew:
            self._queue.put(None)
        for thread in self._crew:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._crew)

    def _launch(self, job: _Job) -> None:
        self._queue.put(job)
        for thread in self._crew:
            if thread.ident is None:  # they start when there is something to do
                thread.start()
                break

    def _work(self) -> None:
        """One of the crew: takes jobs until there are no more."""
        while (job := self._queue.get()) is not None:
            if job.cancelled.is_set():
                continue
            answer, error = self._run(job)
            try:
                self._settled.emit(job, answer, error)
            except RuntimeError:  # the window is gone already; nobody waits for this answer
                _log.debug("task %s ended after its runner", job.info.key)
            job = answer = error = None  # what was read lives as long as the window wants, not until the next task

    def _report(self, job: _Job, share: float, text: str) -> None:
        self._reported.emit(job, share, text)

    def _on_reported(self, job: _Job, share: float, text: str) -> None:
        super()._report(job, share, text)


class ImmediateRunner(Tasks):
    """Runs work at once, on the spot: for tests and for pictures made by a command."""

    def _launch(self, job: _Job) -> None:
        self._settle(job, *self._run(job))
