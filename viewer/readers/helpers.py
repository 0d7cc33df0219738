"""Helper processes for reading on all cores, kept warm while the program runs.

Used by the first process of a program only: what runs in a helper, or in a worker of a cluster, is one core's work
already. ``STADTFORUM_PROCESSES=1`` turns them off, a larger number sets how many cores are used.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

Result = TypeVar("Result")
Item = TypeVar("Item")
Arguments = ParamSpec("Arguments")

VARIABLE = "STADTFORUM_PROCESSES"
#: More helpers than this wait for the disk and for each other.
_MOST = 15
#: While waiting for a helper, whoever wants to cancel is asked as often.
_PATIENCE_S = 0.1

_lock = threading.Lock()
_pool: ProcessPoolExecutor | None = None


def helper_count() -> int:
    """How many processes may help this one; 0 where it has one core, is a helper itself, or they are turned off."""
    if multiprocessing.parent_process() is not None or multiprocessing.current_process().daemon:
        return 0
    told = os.environ.get(VARIABLE, "").strip()
    if told:
        return min(max(int(told) - 1, 0), _MOST) if told.isdecimal() else 0
    return min(max(_cores() - 1, 0), _MOST)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def submit(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Future[Result]:
    """Start ``work`` in a helper; it and its arguments must be picklable, and its module light to import.

    Raises
    ------
    OSError
        No process can be started.
    """
    global _pool
    with _lock:
        if _pool is None:
            context = multiprocessing.get_context("spawn")
            _pool = ProcessPoolExecutor(max(helper_count(), 1), context, begin)
        try:
            if not _answers(_pool):
                raise BrokenProcessPool
            return _pool.submit(work, *args, **kwargs)
        except (BrokenProcessPool, RuntimeError) as error:
            _end(_pool, wait=False)
            _pool = None
            raise OSError("helper processes have ended") from error


def warm() -> bool:
    """Whether helpers were started before, so that nobody has to wait for that."""
    pool = _pool
    return pool is not None and helper_count() > 0 and _answers(pool)


def stop() -> None:
    """End all helpers; the next ``submit`` starts new ones."""
    global _pool
    with _lock:
        pool, _pool = _pool, None
    if pool is not None:
        _end(pool, wait=True)


def _end(pool: ProcessPoolExecutor, *, wait: bool) -> None:
    thread, helpers = _manager(pool), list((getattr(pool, "_processes", None) or {}).values())
    lost = thread is None or not thread.is_alive()
    pool.shutdown(wait=wait and not lost, cancel_futures=True)
    for helper in helpers if lost else ():  # for ever they would wait to hand over what nobody takes, and we for them
        helper.terminate()
        helper.join()


def awaited(future: Future[Result], tick: Callable[[], object]) -> Result:
    """What a helper found.

    tick : called while waiting; may raise to cancel.

    Raises
    ------
    OSError
        No helper will answer any more, or it had no room for its answer.
    Exception
        As its work did.
    """
    while True:
        try:
            return future.result(timeout=_PATIENCE_S)
        except TimeoutError:
            tick()
            pool = _pool
            if not future.done() and (pool is None or not _answers(pool)):
                raise OSError("nobody takes the answers of the helper processes") from None
        except BrokenProcessPool as error:
            raise OSError("helper processes have ended") from error


def _answers(pool: ProcessPoolExecutor) -> bool:
    thread = _manager(pool)
    return thread is None or thread.is_alive()


def _manager(pool: ProcessPoolExecutor) -> threading.Thread | None:
    """The thread of this process that takes the answers; lack of memory can end it, or keep it from starting."""
    thread: threading.Thread | None = getattr(pool, "_executor_manager_thread", None)
    return thread


atexit.register(stop)


def begin() -> None:
    """A helper is stopped by the program that started it, not by the same keystroke, and ends when that has ended."""
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(0)

    threading.Thread(target=watch, name="end with the parent", daemon=True).start()
