"""How much a picture may show so that it is drawn in time on this very machine. Arithmetic only; no VTK, no clock.

While something moves, work (see ``levels.Limits``) and then resolution are lowered until pictures keep the target time.
At rest the picture becomes finer in steps, so that a hand that moves again never waits long.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from viewer.scene.levels import Limits

#: Target times of a moving picture, milliseconds: with software, and with a graphics card.
SOFTWARE_MS, CARD_MS = 33.0, 16.0
#: Longest time of a resting picture, milliseconds, how much finer each step towards it is, and the last of them.
REST_MS, STEP, LAST_STEP = 450.0, 16.0, 6
#: Least and most work of a moving picture, in triangles of a block, and its first guess.
LEAST_WORK, MOST_WORK, FIRST_WORK = 120_000.0, 20_000_000.0, 200_000.0
#: A resting picture may always be this much work: near by that is every house in full.
LEAST_REST = 1_500_000.0
#: Lowest resolution while moving, as a share of each side.
LEAST_SCALE = 0.4
#: Pixels by which a picture may be wrong at rest, while moving, and in pictures that leave the program.
REST_PX, MOVING_PX, PICTURE_PX = 1.0, 1.5, 0.7
#: Times this near to the target change nothing.
_CALM = (0.76, 1.0)
#: Share of the machine's memory the city may take on the graphics card, and what is taken where it is not known.
MEMORY_SHARE, MEMORY_UNKNOWN = 0.25, 2 * 2**30


def memory_budget() -> int:
    """A quarter of this machine's memory, bytes."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * MEMORY_SHARE)
    except (AttributeError, ValueError, OSError):  # not on every system
        return MEMORY_UNKNOWN


@dataclass(eq=False)
class Governor:
    """Learns from the times of pictures.

    work : limit while moving. scale : share of the resolution while moving, of each side. rate : milliseconds for one
    unit of work, as measured; 0 until then. sparing : whether the lowest resolution is not enough, so that more is to
    be left out, until the full one is there again.
    """

    target_ms: float = SOFTWARE_MS
    work: float = FIRST_WORK
    scale: float = 1.0
    rate: float = 0.0
    card_bytes: float = float(MEMORY_UNKNOWN)
    sparing: bool = False
    _step: int = 0

    def moved(self, milliseconds: float, work: float) -> None:
        """A moving picture took so long for so much work: adapt the next one."""
        self._step = 0
        self._learn(milliseconds, work)
        share = milliseconds / self.target_ms
        self.sparing = self.scale < 1.0 and (self.sparing or (share > 1.0 and self.scale <= LEAST_SCALE))
        if _CALM[0] <= share <= _CALM[1]:
            return
        factor = min(max(1.0 / share, 0.7), 1.15)
        if share > 1.0:
            if work > LEAST_WORK * 1.01:
                self.work = max(min(self.work, work * 1.05) * factor, LEAST_WORK)
            else:
                self.scale = max(self.scale * max(factor, 0.85), LEAST_SCALE)
        elif self.scale < 1.0:
            self.scale = min(self.scale * min(factor, 1.08), 1.0)
        elif work > 0.7 * self.work:  # only what was made use of says that more is possible
            self.work = min(self.work * factor, MOST_WORK)

    def rested(self, milliseconds: float, work: float, complete: bool = True) -> None:
        """A resting picture took so long; if it was complete, the next one may be finer. If it has to wait for parts
        anyway, it waits for those of the finest one."""
        self._learn(milliseconds, work)
        self._step = min(self._step + 1, LAST_STEP) if complete else LAST_STEP

    def finish(self) -> None:
        """The next resting picture takes all steps at once."""
        self._step = LAST_STEP

    def moving_limits(self) -> Limits:
        """For the next moving picture."""
        return Limits(self.work, self.card_bytes, MOVING_PX / self.scale)

    def resting_limits(self) -> Limits:
        """For the next resting picture: steps to all that can be drawn in ``REST_MS``, or to ``LEAST_REST``."""
        return Limits(min(self.work * STEP**self._step, self._most()), self.card_bytes, REST_PX)

    @property
    def refining(self) -> bool:
        """Whether the next resting picture may be finer than the last."""
        return self.work * STEP ** (self._step - 1) < self._most() if self._step else True

    @property
    def coarse(self) -> bool:
        """Whether the resting picture of this step is not yet as fine as they get."""
        return self.work * STEP**self._step < self._most()

    def finest(self) -> Limits:
        """The end of the steps at once."""
        return Limits(self._most(), self.card_bytes, REST_PX)

    def picture(self) -> Limits:
        """For pictures that may take their time."""
        return Limits(card_bytes=self.card_bytes, error_px=PICTURE_PX)

    def _most(self) -> float:
        return max(REST_MS / self.rate if self.rate > 0 else LEAST_REST, LEAST_REST, self.work)

    def _learn(self, milliseconds: float, work: float) -> None:
        if work < LEAST_WORK:
            return
        rate = milliseconds / work
        share = 0.5 if rate < self.rate else 0.1  # what disturbs only ever makes it slower
        self.rate = rate if self.rate == 0 else (1 - share) * self.rate + share * min(rate, self.rate * 3)
