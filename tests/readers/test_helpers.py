"""Helper processes that end, or that nobody listens to any more, cost time and never the reading or the program."""

from __future__ import annotations

import multiprocessing
import operator
import os
import threading
import time
from concurrent.futures import process

import numpy as np
import pytest

from viewer.readers import crew as crews
from viewer.readers import helpers, parcel


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setenv(helpers.VARIABLE, "2")
    helpers.stop()
    before = set(multiprocessing.active_children())
    yield
    helpers.stop()
    assert set(multiprocessing.active_children()) <= before


def nap(seconds: list[float]) -> list[tuple[float, int]]:
    """Work for a helper."""
    time.sleep(sum(seconds))
    return [(one, os.getpid()) for one in seconds]


def at_once(seconds: list[float]) -> list[tuple[float, int]]:
    """The same work in this process."""
    return [(one, os.getpid()) for one in seconds]


def crew_of(count: int, *, most: int = 1, **options: bool) -> crews.Crew:
    crew: crews.Crew = crews.Crew(nap, at_once, most, **options)
    for number in range(count):
        crew.add(0.2 + number / 1000)
    return crew


def found_by(crew: crews.Crew) -> list[tuple[float, int]]:
    return [pair for _, pairs in crew.results(lambda _: None) for pair in pairs]


def in_turn(count: int) -> list[float]:
    return [0.2 + number / 1000 for number in range(count)]


def test_helpers_and_this_process_share_the_work():
    found = found_by(crew_of(4))
    assert [seconds for seconds, _ in found] == in_turn(4)
    assert len({process_id for _, process_id in found}) == 2


def test_without_helpers_all_is_done_here():
    found = found_by(crew_of(7, most=3, helped=False))
    assert found == [(seconds, os.getpid()) for seconds in in_turn(7)]
    assert helpers.warm() is False


def test_the_last_units_are_taken_one_by_one():
    taken: list[int] = []

    def note(units: list[int]) -> list[int]:
        taken.append(len(units))
        return units

    crew: crews.Crew = crews.Crew(nap, note, 8, helped=False)
    for number in range(40):
        crew.add(number)
    found = [unit for units, _ in crew.results(lambda _: None) for unit in units]
    assert found == list(range(40))
    assert taken[0] == 8 and taken[-1] == 1
    assert taken == sorted(taken, reverse=True)


def long_answer(units: list[int]) -> list[str]:
    return ["x" * 100_000 for _ in units]


def test_long_answers_come_through_shared_memory(monkeypatch):
    opened: list[parcel.Parcel] = []
    read = parcel.Parcel.open
    monkeypatch.setattr(parcel.Parcel, "open", lambda self: opened.append(self) or read(self))
    crew: crews.Crew = crews.Crew(long_answer, lambda units: time.sleep(0.3) or ["here" for _ in units], 1)
    for number in range(6):
        crew.add(number)
    found = [text for _, texts in crew.results(lambda _: None) for text in texts]
    assert "x" * 100_000 in found and len(found) == 6
    assert opened


def whose(item: tuple[int, np.ndarray]) -> tuple[int, int, float]:
    """Work of ``on_all_cores``: its number, who did it, and the sum of its array."""
    time.sleep(0.02)
    return item[0], os.getpid(), float(item[1].sum())


@pytest.mark.parametrize("cores", ["1", "2"])
def test_items_are_done_by_whoever_is_free_and_come_in_their_order(monkeypatch, cores):
    monkeypatch.setenv(helpers.VARIABLE, cores)
    if cores != "1":
        helpers.submit(os.getpid).result(timeout=60)
    made: list[int] = []

    def items():
        for number in range(30):
            made.append(number)
            yield number, np.full(1000, float(number))

    found = []
    for result in crews.on_all_cores(whose, items()):
        found.append(result)
        assert cores != "1" or len(made) == len(found), "an item is made when somebody is free"
    assert [(number, total) for number, _, total in found] == [(n, 1000.0 * n) for n in range(30)]
    assert len({process_id for _, process_id, _ in found}) == int(cores)


def test_items_of_a_helper_that_died_are_done_here():
    helpers.submit(os.getpid).result(timeout=60)
    work = crews.on_all_cores(whose, ((number, np.ones(3)) for number in range(8)))
    first = next(work)
    for child in multiprocessing.active_children():
        child.kill()
    assert [number for number, _, _ in (first, *work)] == list(range(8))


def test_whoever_stops_asking_leaves_no_parcel_behind(monkeypatch):
    names: set[str] = set()
    make = parcel.Parcel.of.__func__

    def noted(cls: type[parcel.Parcel], value: object) -> parcel.Parcel:
        made = make(cls, value)
        names.add(made.name)
        return made

    monkeypatch.setattr(parcel.Parcel, "of", classmethod(noted))
    work = crews.on_all_cores(whose, ((number, np.ones(3)) for number in range(20)))
    next(work)
    work.close()
    helpers.stop()
    assert names
    for name in names:
        with pytest.raises(FileNotFoundError):
            parcel.Parcel(name, (1,)).open()


def test_helpers_are_fed_while_this_process_is_busy():
    """Given two pieces of work each, they waited for whoever was to give them the next."""
    crew = crew_of(0, most=1)
    for _ in range(12):
        crew.add(0.01)
    time.sleep(3)  # a helper begins, and does all of them
    assert len({process_id for _, process_id in found_by(crew)} - {os.getpid()}) == 1


def test_a_crew_that_is_left_frees_what_nobody_takes(monkeypatch):
    dropped: list[parcel.Parcel] = []
    drop = parcel.Parcel.drop
    monkeypatch.setattr(parcel.Parcel, "drop", lambda self: dropped.append(self) or drop(self))
    crew = crew_of(6)
    for _ in crew.results(lambda _: None):
        break
    deadline = time.monotonic() + 30
    while not dropped and time.monotonic() < deadline:
        time.sleep(0.05)
    assert dropped
    with pytest.raises(FileNotFoundError):
        dropped[0].open()


def test_a_helper_that_died_is_replaced_by_this_process():
    crew = crew_of(2)
    helpers.submit(os.getpid).result(timeout=60)
    for child in multiprocessing.active_children():
        child.kill()
    assert [seconds for seconds, _ in found_by(crew)] == in_turn(2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_answers_that_nobody_takes_are_worked_out_here(monkeypatch):
    """Too little memory for one answer ended the thread that takes them, and reading waited for ever."""

    def fail(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr(process._ExecutorManagerThread, "process_result_item", fail)
    started = time.monotonic()
    assert [seconds for seconds, _ in found_by(crew_of(3))] == in_turn(3)
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
