"""The import report: what was read, what was left out, repaired or assumed, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


class Severity(StrEnum):
    """How much an issue matters to the person who opened the file."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Issue:
    """One kind of finding in one file: one sentence, how often, and where.

    Parameters
    ----------
    text : plain English sentence, a template over ``values`` and ``count``, and the key of its
        translation; never an f-string.
    where : the first places, as ids or ``"line 12"``; at most 20, ids allow a jump.
    count : how often it happened in all.
    """

    severity: Severity
    text: str
    count: int = 1
    where: tuple[str, ...] = ()
    values: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(count=self.count, **self.values)


@dataclass(frozen=True, eq=False)
class Fault:
    """All faults of one kind that a reader repaired or left out, so that the city no longer shows them.

    code : of ``viewer.city.quality.RULES``. ids : n ids of the objects concerned, one for each fault.
    places_local : (n, 3) float64 metres in the city's frame, NaN where unknown. lost : surfaces were left out.
    """

    code: str
    ids: tuple[str, ...]
    places_local: NDArray[np.float64]
    lost: bool = False


class IssueLog:
    """Collects issues; the same text is counted, not repeated. At most 20 places are kept.

    faults : what the data check tells beyond that, with all ids.
    """

    MAX_PLACES = 20

    def __init__(self) -> None:
        self._issues: dict[tuple[str, str], Issue] = {}
        self.faults: list[Fault] = []

    def add(
        self,
        severity: Severity,
        text: str,
        *,
        where: str | tuple[str, ...] = (),
        count: int = 1,
        **values: object,
    ) -> None:
        """Note a finding. ``values`` of the first finding of its kind are the ones shown."""
        if count <= 0:
            return
        places = (where,) if isinstance(where, str) else tuple(where)
        places = tuple(place for place in places if place)
        key = (severity.value, text)
        known = self._issues.get(key)
        if known is None:
            self._issues[key] = Issue(severity, text, count, places[: self.MAX_PLACES], dict(values))
        else:
            self._issues[key] = Issue(
                severity,
                text,
                known.count + count,
                (known.where + places)[: self.MAX_PLACES],
                known.values,
            )

    def copy(self) -> IssueLog:
        """A log of its own with the same findings."""
        other = IssueLog()
        other.reset(self)
        return other

    def reset(self, other: IssueLog) -> None:
        """Hold the findings of another log, and no longer its own."""
        self._issues, self.faults = dict(other._issues), list(other.faults)

    def issues(self) -> tuple[Issue, ...]:
        """All findings, gravest first."""
        order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
        return tuple(sorted(self._issues.values(), key=lambda issue: order[issue.severity]))


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one opening brought in. Every opening ends in one.

    Parameters
    ----------
    format, version : ``"CityGML"``, ``"2.0"``; version may be empty.
    crs, vertical_crs : as recognised, e.g. ``"EPSG:25832"``, ``"DHHN2016"``; empty if unknown.
    objects : number of city objects by type, in the file's words.
    lods : levels of detail found, ascending.
    seconds : reading time, float.
    faults : repaired or left out, with all ids, for the data check.
    crs_read : system the file was read in, where that is not ``crs``; "" for the same.
    """

    source: str
    format: str = ""
    version: str = ""
    reader: str = ""
    crs: str = ""
    vertical_crs: str = ""
    extent_crs: tuple[float, float, float, float, float, float] | None = None
    objects: dict[str, int] = field(default_factory=dict)
    lods: tuple[str, ...] = ()
    triangles: int = 0
    seconds: float = 0.0
    issues: tuple[Issue, ...] = ()
    faults: tuple[Fault, ...] = ()
    crs_read: str = ""
