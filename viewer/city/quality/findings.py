"""What was found: one finding per kind of fault, with every object, place and amount, and the report of all."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from viewer.city.frame import Frame
from viewer.city.quality.rules import GEOMETRY_GROUPS, RULES, Rule
from viewer.city.report import Issue, Severity

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Finding:
    """All faults of one kind in one city; n of them.

    ids : n ids of the objects concerned, one for each fault, so that they may repeat; empty for the file itself.
    places_local : (n, 3) float64 metres in the city's frame; NaN where no place is known.
    amounts : (n,) float64 in ``rule.unit``; NaN where there is nothing to measure.
    """

    rule: Rule
    ids: tuple[str, ...]
    places_local: Floats
    amounts: Floats

    def __post_init__(self) -> None:
        for array in (self.places_local, self.amounts):
            array.setflags(write=False)

    @property
    def count(self) -> int:
        """How many faults; 1 for a fault of the file itself."""
        return max(len(self.ids), 1)

    @cached_property
    def objects(self) -> tuple[str, ...]:
        """The different ids, in order of first mention."""
        return tuple(dict.fromkeys(self.ids))


@dataclass(frozen=True, eq=False)
class QualityReport:
    """What is known about the soundness of one city.

    findings : in the order of the rules. messages : what the reader left out, repaired or assumed, in its words.
    buildings, objects, faces : how many were looked at.
    """

    name: str
    frame: Frame
    findings: tuple[Finding, ...] = ()
    messages: tuple[Issue, ...] = ()
    buildings: int = 0
    objects: int = 0
    faces: int = 0
    sound_objects: int = 0
    shaped_objects: int = 0
    format: str = ""
    version: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    def count(self, severity: Severity) -> int:
        """Number of faults of one severity."""
        return sum(finding.count for finding in self.findings if finding.rule.severity is severity)

    def finding(self, code: str) -> Finding | None:
        """The finding of a code, None if there is no such fault."""
        return next((finding for finding in self.findings if finding.rule.code == code), None)

    @property
    def geometry_is_valid(self) -> bool:
        """Whether every object with a geometry has a valid one."""
        return self.sound_objects == self.shaped_objects


class Collector:
    """Gathers faults by code while a city is checked; ``ids`` are those of all objects, (N,)."""

    def __init__(self, ids: NDArray[np.generic]) -> None:
        self._ids = ids
        self._parts: dict[str, list[tuple[list[str], Floats, Floats]]] = {}
        self.faulty = np.zeros(len(ids), dtype=bool)

    def add(
        self, code: str, objects: NDArray[np.integer], places: NDArray[np.floating], amounts: Floats | None = None
    ) -> None:
        """Note faults of objects (n,) at places (n, 3)."""
        if not len(objects):
            return
        rule = RULES[code]
        if rule.group in GEOMETRY_GROUPS and rule.severity is not Severity.INFO:
            self.faulty[objects] = True
        self.add_named(code, self._ids[objects].tolist(), places, amounts)

    def add_named(self, code: str, ids: list[str], places: NDArray[np.floating], amounts: Floats | None = None) -> None:
        """Note faults of objects given by name."""
        if not len(ids):
            return
        amounts = np.full(len(ids), np.nan) if amounts is None else np.asarray(amounts, dtype=np.float64)
        self._parts.setdefault(code, []).append(([str(i) for i in ids], np.asarray(places, np.float64), amounts))

    def add_file(self, code: str) -> None:
        """Note a fault of the file as a whole."""
        self._parts.setdefault(code, []).append(([], np.zeros((0, 3)), np.zeros(0)))

    def findings(self) -> tuple[Finding, ...]:
        """Everything noted, in the order of the rules."""
        return tuple(
            Finding(
                rule,
                tuple(name for part in self._parts[code] for name in part[0]),
                np.concatenate([part[1] for part in self._parts[code]]),
                np.concatenate([part[2] for part in self._parts[code]]),
            )
            for code, rule in RULES.items()
            if code in self._parts
        )
