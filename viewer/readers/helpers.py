"""Helper processes for reading on all cores: kept warm while the program runs, and arrays that come back uncopied.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

Result = TypeVar("Result")
Item = TypeVar("Item")
Arguments = ParamSpec("Arguments")
Array = NDArray[np.generic]

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


def in_order(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """``work`` of every item, in their order, by as many threads as there are cores.

    For work that spends its time in NumPy, which lets other threads run meanwhile. An error, or leaving the loop,
    ends it.
    """
    threads = min(helper_count() + 1, len(items))
    if threads <= 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def by_blocks(work: Callable[[slice], object], count: int, size: int = 100_000) -> None:
    """``work`` of ``count`` rows, ``size`` at a time, as ``in_order`` does it."""
    for _ in in_order(work, [slice(first, min(first + size, count)) for first in range(0, count, size)]):
        pass


@dataclass(frozen=True, slots=True)
class Parcel:
    """Arrays on their way to another process of this machine.

    name : of the shared memory. layout : name -> type, shape and place of each array.
    """

    name: str
    layout: dict[str, tuple[str, tuple[int, ...], int]]

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> Parcel:
        """Copy arrays into shared memory; ``open`` in the other process frees it.

        Raises
        ------
        OSError
            There is not enough of it.
        """
        layout: dict[str, tuple[str, tuple[int, ...], int]] = {}
        size = 0
        for name, array in arrays.items():
            layout[name] = (array.dtype.str, array.shape, size)
            size += -(-array.nbytes // 64) * 64
        memory = SharedMemory(create=True, size=max(size, 1))
        for name, array in arrays.items():
            _view(memory, layout[name])[...] = array
        parcel = cls(memory.name, layout)
        if os.name == "nt":  # there it would be gone with its last handle
            _kept.append(memory)
            del _kept[:-_KEPT]
        else:
            memory.close()
        return parcel

    @contextlib.contextmanager
    def open(self) -> Iterator[dict[str, NDArray[Any]]]:
        """The arrays by name, to be copied before the block ends; then the memory is freed.

        Raises
        ------
        OSError
            The memory is gone.
        """
        memory = SharedMemory(self.name)
        views = {name: _view(memory, place) for name, place in self.layout.items()}
        try:
            yield views
        finally:
            views.clear()
            with contextlib.suppress(BufferError):  # an error holds on to a view; the system frees it in the end
                memory.close()
            memory.unlink()

    def drop(self) -> None:
        """Free the memory unread."""
        with contextlib.suppress(OSError), self.open():
            pass


@dataclass(frozen=True, slots=True)
class OpenParcel:
    """Arrays that need not travel, in the manner of a ``Parcel``."""

    arrays: dict[str, NDArray[Any]]

    @contextlib.contextmanager
    def open(self) -> Iterator[dict[str, NDArray[Any]]]:
        """The arrays by name."""
        yield self.arrays

    def drop(self) -> None:
        """Nothing has to be freed."""


#: On Windows the sender keeps what it sent for a while.
_kept: list[SharedMemory] = []
_KEPT = 8


def _view(memory: SharedMemory, place: tuple[str, tuple[int, ...], int]) -> NDArray[Any]:
    dtype, shape, start = place
    return np.ndarray(shape, np.dtype(dtype), memory.buf, start)
