"""Work for threads in the background, the most urgent first; answers are fetched. Knows neither cities nor VTK."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

#: Threads do NumPy, which frees the interpreter: one less than there are cores, and no more than help.
THREADS = max(1, min(4, (os.cpu_count() or 2) - 1))
#: A thread without work ends after so many seconds.
IDLE_S = 5.0


class Loader(Generic[Key, Answer]):
    """Answers wishes in threads. A wish that was not begun is forgotten when the next list comes without it.

    Main thread only, but for the jobs themselves, which must not touch anything that draws.
    """

    def __init__(self, threads: int = THREADS) -> None:
        self._most = threads
        self._change = threading.Condition()
        self._wishes: deque[tuple[Key, Callable[[], Answer]]] = deque()
        self._begun: set[Key] = set()
        self._answers: deque[tuple[Key, Answer | BaseException]] = deque()
        self._threads = 0
        self._closed = False

    def wish(self, wishes: Sequence[tuple[Key, Callable[[], Answer]]]) -> None:
        """Ask for these, first things first; what is under way or waits to be fetched is not asked for twice."""
        with self._change:
            if self._closed:
                return
            fetched = {key for key, _ in self._answers}
            self._wishes = deque(w for w in wishes if w[0] not in self._begun and w[0] not in fetched)
            wanted = min(self._most, len(self._wishes) + len(self._begun))
            while self._threads < wanted:
                self._threads += 1
                threading.Thread(target=self._work, name="tile loader", daemon=True).start()
            self._change.notify_all()

    def fetch(self) -> tuple[Key, Answer] | None:
        """The next answer; None if there is none yet. An error of a job is raised here."""
        with self._change:
            if not self._answers:
                return None
            key, answer = self._answers.popleft()
        if isinstance(answer, BaseException):
            raise answer
        return key, answer

    @property
    def busy(self) -> bool:
        """Whether something is waited for."""
        with self._change:
            return bool(self._wishes or self._begun or self._answers)

    @property
    def making(self) -> bool:
        """Whether there will be more to fetch than there is."""
        with self._change:
            return bool(self._wishes or self._begun)

    @property
    def answered(self) -> bool:
        """Whether there is something to fetch."""
        return bool(self._answers)

    def wait(self, seconds: float) -> bool:
        """Wait until there is an answer to fetch; False if there is none by then."""
        with self._change:
            return self._change.wait_for(lambda: bool(self._answers), seconds)

    def close(self) -> None:
        """Forget everything; threads end when they have finished what they do."""
        with self._change:
            self._closed = True
            self._wishes.clear()
            self._answers.clear()
            self._change.notify_all()

    def _work(self) -> None:
        while True:
            with self._change:
                if not self._change.wait_for(lambda: bool(self._wishes) or self._closed, IDLE_S) or self._closed:
                    self._threads -= 1
                    return
                key, job = self._wishes.popleft()
                self._begun.add(key)
            answer: Answer | BaseException
            try:
                answer = job()
            except BaseException as error:  # noqa: BLE001  handed on and raised where it is fetched
                answer = error
            with self._change:
                self._begun.discard(key)
                if not self._closed:
                    self._answers.append((key, answer))
                self._change.notify_all()
