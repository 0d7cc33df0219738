"""Work in small units, shared between the helper processes and this one so that all are done at the same time."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from viewer.readers.helpers import awaited, helper_count, submit
from viewer.readers.parcel import Parcel

Unit = TypeVar("Unit")
Result = TypeVar("Result")

#: Runs a helper has at a time: one in hand, and one that it need not wait for.
_AHEAD = 2


def _there(work: Callable[[list[Unit]], Result], units: list[Unit]) -> Result | Parcel:
    """Do some units in a helper."""
    result = work(units)
    with contextlib.suppress(OSError):
        return Parcel.of(result)
    return result


@dataclass(eq=False, slots=True)
class _Run(Generic[Unit, Result]):
    """Units that follow each other, and who does them: a helper (future), or this process (result)."""

    units: list[Unit]
    future: Future[Result | Parcel] | None = None
    result: Result | None = None

    @property
    def waits(self) -> bool:
        """Whether a helper has it still."""
        return self.future is not None and not self.future.done()

    @property
    def ready(self) -> bool:
        return self.result is not None or (self.future is not None and self.future.done())


class Crew(Generic[Unit, Result]):
    """Whoever is free takes the next units: many at once at first, single ones at the end, where all wait for the last.

    work : does units that follow each other, in a helper; ``here``, in this process. most : units taken at once.
    helped : whether there are helpers for it.
    """

    def __init__(
        self,
        work: Callable[[list[Unit]], Result],
        here: Callable[[list[Unit]], Result],
        most: int,
        *,
        helped: bool = True,
    ) -> None:
        self._work, self._here, self._most = work, here, most
        self._units: deque[Unit] = deque()
        self._runs: deque[_Run[Unit, Result]] = deque()
        self._lock = threading.Lock()
        self._helpers = helper_count() if helped else 0
        self._total = self._done = 0

    def add(self, unit: Unit) -> None:
        """One more unit of work; helpers begin while more are added."""
        self._units.append(unit)
        self._total += 1
        if len(self._units) >= self._most:
            self._feed()

    def results(self, tick: Callable[[float], object]) -> Iterator[tuple[list[Unit], Result]]:
        """The units, and what came of them, in their order; nothing may be added any more.

        tick : told now and then which share of the units is done; may raise to cancel.
        """
        try:
            while True:
                self._feed()
                while self._runs and self._runs[0].ready:
                    run = self._runs[0]
                    result = self._result(run, tick)
                    with self._lock:
                        self._runs.popleft()
                        self._done += len(run.units)
                    yield run.units, result
                if (own := self._claim()) is not None:
                    own.result = self._here(own.units)
                elif self._runs:
                    self._runs[0].result = self._result(self._runs[0], tick)
                    self._runs[0].future = None
                else:
                    return
                tick(self._share_done())
        finally:
            self.leave()

    def leave(self) -> None:
        """Give up what was not fetched."""
        with self._lock:
            self._units.clear()
            runs, self._runs = self._runs, deque()
        for run in runs:
            if run.future is not None and not run.future.cancel():
                run.future.add_done_callback(_drop)

    def _feed(self) -> None:
        """Give the helpers what they may have."""
        begun: list[Future[Result | Parcel]] = []
        with self._lock:
            ahead = self._helpers * _AHEAD - sum(run.waits for run in self._runs)
            while ahead > 0 and (units := self._next()):
                try:
                    future = submit(_there, self._work, units)
                except OSError:  # without helpers all is done here
                    self._units.extendleft(reversed(units))
                    self._helpers = 0
                    break
                self._runs.append(_Run(units, future))
                begun.append(future)
                ahead -= 1
        for future in begun:
            future.add_done_callback(self._feed_on)

    def _feed_on(self, future: Future[Result | Parcel]) -> None:
        """Called by the thread that takes answers; where it gives up, it must not be asked for more."""
        _hold(future)
        if not future.cancelled() and future.exception() is None:
            self._feed()

    def _claim(self) -> _Run[Unit, Result] | None:
        """The next units for this process."""
        with self._lock:
            units = self._next()
            if not units:
                return None
            self._runs.append(_Run(units))
            return self._runs[-1]

    def _next(self) -> list[Unit]:
        share = len(self._units) // (2 * (self._helpers + 1))
        count = min(max(share, 1), self._most, len(self._units))
        return [self._units.popleft() for _ in range(count)]

    def _result(self, run: _Run[Unit, Result], tick: Callable[[float], object]) -> Result:
        if run.future is None:
            assert run.result is not None
            return run.result
        try:
            answer = awaited(run.future, lambda: tick(self._share_done()))
            return answer.open() if isinstance(answer, Parcel) else answer
        except OSError:  # the helper was ended, or had no room
            return self._here(run.units)

    def _share_done(self) -> float:
        with self._lock:
            ready = sum(len(run.units) for run in self._runs if run.ready)
            return (self._done + ready) / max(self._total, 1)


def _hold(future: Future[Result | Parcel]) -> None:
    """Say that an answer has come; called by the thread that takes answers."""
    if not future.cancelled() and future.exception() is None:
        answer = future.result()
        if isinstance(answer, Parcel):
            answer.hold()


def _drop(future: Future[Result | Parcel]) -> None:
    """Free what nobody takes any more."""
    if not future.cancelled() and future.exception() is None:
        answer = future.result()
        if isinstance(answer, Parcel):
            answer.drop()


@dataclass(eq=False, slots=True)
class _Errand(Generic[Unit, Result]):
    """One item and who does it: a helper, which finds it in a parcel, or this process."""

    item: Unit
    parcel: Parcel | None = None
    future: Future[Result | Parcel] | None = None
    results: list[Result] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        return bool(self.results) or (self.future is not None and self.future.done())

    def forget(self) -> None:
        """Nobody needs what was sent any more."""
        if self.parcel is not None:
            self.parcel.drop()


def on_all_cores(work: Callable[[Unit], Result], items: Iterable[Unit]) -> Iterator[Result]:
    """``work`` of every item, in their order, by the helpers and this process.

    Items are made when somebody is free for them, and come to the helpers with their arrays; a few are there at a time.
    """
    left = iter(items)
    ahead = helper_count() * _AHEAD
    errands: deque[_Errand[Unit, Result]] = deque()

    def begun() -> _Errand[Unit, Result] | None:
        """The next item, at the end of ``errands``."""
        for item in left:
            errands.append(_Errand(item))
            return errands[-1]
        return None

    try:
        while True:
            while sum(not errand.ready for errand in errands) < ahead and (new := begun()) is not None:
                if not _sent(new, work):
                    ahead = 0  # without helpers all is done here
                    new.results.append(work(new.item))
            while errands and errands[0].ready:
                yield _fetched(errands[0], work)
                errands.popleft().forget()
            own = begun()
            if own is not None:
                own.results.append(work(own.item))
            elif errands:
                errands[0].results.append(_fetched(errands[0], work))
            else:
                return
    finally:
        for errand in errands:
            errand.forget()
            if errand.future is not None and not errand.results and not errand.future.cancel():
                errand.future.add_done_callback(_drop)


def _sent(errand: _Errand[Unit, Result], work: Callable[[Unit], Result]) -> bool:
    """Whether a helper was asked."""
    try:
        errand.parcel = Parcel.of(errand.item)
        errand.future = submit(_elsewhere, work, errand.parcel)
        errand.future.add_done_callback(_hold)
    except OSError:
        return False
    return True


def _elsewhere(work: Callable[[Unit], Result], parcel: Parcel) -> Result | Parcel:
    """Do one item in a helper."""
    result = work(parcel.open())
    with contextlib.suppress(OSError):
        return Parcel.of(result)
    return result


def _fetched(errand: _Errand[Unit, Result], work: Callable[[Unit], Result]) -> Result:
    if errand.results:
        return errand.results[0]
    assert errand.future is not None
    try:
        answer = awaited(errand.future, lambda: None)
        return answer.open() if isinstance(answer, Parcel) else answer
    except OSError:  # the helper was ended, or had no room
        return work(errand.item)
