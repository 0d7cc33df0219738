"""Helper processes that end, or that nobody listens to any more, cost time and never the reading or the program."""

from __future__ import annotations

import multiprocessing
import operator
import os
import threading
import time
from concurrent.futures import process

import pytest

from viewer.readers import helpers


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setenv(helpers.VARIABLE, "2")
    helpers.stop()
    before = set(multiprocessing.active_children())
    yield
    helpers.stop()
    assert set(multiprocessing.active_children()) <= before


def nap(seconds: float, here: bool) -> tuple[float, int]:
    """Work for a helper, or for this process."""
    time.sleep(0.0 if here else seconds)
    return seconds, os.getpid()


def crew_of(count: int) -> helpers.Crew:
    crew: helpers.Crew = helpers.Crew(nap, lambda _: None)
    for _ in range(count):
        crew.add(0.2)
    return crew


def test_helpers_and_this_process_share_the_work():
    found = crew_of(4).finish(lambda _: None)
    assert len({process_id for _, process_id in found}) == 2


def test_a_helper_that_died_is_replaced_by_this_process():
    crew = crew_of(2)
    helpers.submit(os.getpid).result(timeout=60)
    for child in multiprocessing.active_children():
        child.kill()
    assert len(crew.finish(lambda _: None)) == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_answers_that_nobody_takes_are_worked_out_here(monkeypatch):
    """Too little memory for one answer ended the thread that takes them, and reading waited for ever."""

    def fail(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(process._ExecutorManagerThread, "process_result_item", fail)
    started = time.monotonic()
    assert [seconds for seconds, _ in crew_of(3).finish(lambda _: None)] == [0.2] * 3
    helpers.stop()
    assert time.monotonic() - started < 30
    monkeypatch.undo()
    assert helpers.submit(operator.add, 1, 2).result(timeout=60) == 3


def test_a_helper_without_a_thread_that_listens_does_not_stay(monkeypatch):
    start = threading.Thread.start

    def refuse(self: threading.Thread) -> None:
        if isinstance(self, process._ExecutorManagerThread):
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(OSError, match="helper"):
        helpers.submit(os.getpid)
