"""How long a change of the plan takes until it is seen. Knows neither widgets nor the session."""

from __future__ import annotations

import time
from collections.abc import Callable


class ResponseClock:
    """Pairs the last change with the first picture that was begun and finished after it.

    Parameters
    ----------
    clock : seconds that only go forward; tests give their own.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._changed_at: float | None = None

    def changed(self) -> None:
        """The plan was changed now; a picture of an earlier change is waited for no longer."""
        self._changed_at = self._clock()

    def finished(self, milliseconds: float) -> float | None:
        """A picture that took ``milliseconds`` is finished now.

        Returns
        -------
        Milliseconds since the change this picture is the first to show; None if it shows nothing new, as a
        picture does that was begun before the change.
        """
        now = self._clock()
        if self._changed_at is None or now - milliseconds / 1000.0 < self._changed_at:
            return None
        since = (now - self._changed_at) * 1000.0
        self._changed_at = None
        return since
