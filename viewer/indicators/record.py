"""The record of one indicator value: everything needed to cite a number on the wall."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How far a number may be trusted (METHODS, marks)."""

    LIVE = "live"
    RANGE = "range"
    INDICATIVE = "indicative"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ParameterUsed:
    """One parameter of a formula with its source. ``unverified`` values are shown as assumptions."""

    name: str
    value: float
    unit: str
    source: str
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class IndicatorRecord:
    """One value (METHODS section 1.1).

    id : stable key, e.g. ``"gross_floor_area"``. label, sentence, formula, assumptions are English
    templates and translation keys. value, baseline : float or None where unknown. low, high : the band
    where status is RANGE, else None. fallback_share : 0..1 of the objects that used a fallback.
    digits : rounding of the display. group : heading in the panel.
    higher_is : "better", "worse" or "" (neutral; never coloured as good or bad).
    """

    id: str
    label: str
    unit: str
    status: Status
    value: float | None
    baseline: float | None
    sentence: str
    formula: str
    group: str = ""
    low: float | None = None
    high: float | None = None
    digits: int = 0
    fallback_share: float = 0.0
    parameters: tuple[ParameterUsed, ...] = ()
    assumptions: tuple[str, ...] = ()
    source: str = ""
    higher_is: str = ""

    @property
    def difference(self) -> float | None:
        """Value minus baseline."""
        if self.value is None or self.baseline is None:
            return None
        return self.value - self.baseline
