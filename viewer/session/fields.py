"""Strict reading of plain JSON values: each with its type, its range, and one sentence where it fails.

What the fields mean stands in ``codec``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NoReturn

from viewer.city.report import IssueLog, Severity
from viewer.errors import SessionError

#: Limits of a session file; far above what a planning session needs, far below what harms.
MAX_TEXT = 1_000_000
MAX_ITEMS = 2_000_000
MAX_COORDINATE = 1e9

_HINT = "The former version is kept beside the file, its name ends with ~."


def damaged(text: str, where: str, **values: object) -> NoReturn:
    """Refuse a session file: one sentence that names the place."""
    raise SessionError(text, hint=_HINT, path=None, where=where or "session", **values)


class Fields:
    """The fields of one JSON object, taken one by one; what is left over is unknown.

    Parameters
    ----------
    value : the object as JSON gave it.
    where : its place, for messages, such as ``scenarios[0]``.
    log : takes findings that do not stop the opening.
    """

    def __init__(self, value: object, where: str, log: IssueLog) -> None:
        if not isinstance(value, dict):
            damaged("This session file is damaged: {where} is not a group of entries.", where)
        self._values: Mapping[str, object] = value
        self._rest = dict.fromkeys(value)
        self.where = where
        self.log = log

    def at(self, name: str) -> str:
        """Place of a field, for messages."""
        return f"{self.where}.{name}" if self.where else name

    def has(self, name: str) -> bool:
        """Whether a field is there and not null."""
        return self._values.get(name) is not None

    def raw(self, name: str) -> object:
        """A field as it is; None where missing."""
        self._rest.pop(name, None)
        return self._values.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; ``default`` where missing, or an error without one."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        return as_text(value, self.at(name))

    def number(self, name: str, default: float | None = None, *, low: float, high: float) -> float:
        """A finite number within a range."""
        value = self.raw(name)
        if value is None and default is not None:
            return default
        return as_number(value, self.at(name), low, high)

    def whole(self, name: str, default: int) -> int:
        """A whole number that fits 64 bits."""
        value = self.raw(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
            damaged("This session file is damaged: {where} is not a whole number.", self.at(name))
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Yes or no."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            damaged("This session file is damaged: {where} is not yes or no.", self.at(name))
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """One of a few words."""
        value = self.text(name, default)
        if value not in allowed:
            damaged("This session file is damaged: {where} has an unknown value.", self.at(name))
        return value

    def items(self, name: str) -> Iterator[tuple[str, object]]:
        """Place and value of each entry of a list; none where missing."""
        value = self.raw(name)
        return as_list([] if value is None else value, self.at(name))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(as_text(value, where) for where, value in self.items(name))

    def pairs(self, name: str) -> tuple[tuple[str, str], ...]:
        """A list of pairs of texts."""
        pairs = []
        for where, value in self.items(name):
            two = [as_text(item, place) for place, item in as_list(value, where)]
            if len(two) != 2:
                damaged("This session file is damaged: {where} is not a pair.", where)
            pairs.append((two[0], two[1]))
        return tuple(pairs)

    def unknown(self) -> dict[str, object]:
        """Fields nobody has taken."""
        return {name: self._values[name] for name in self._rest}

    def end(self) -> None:
        """All known fields are taken: the others are of another version and are left out, said once."""
        for name in self._rest:
            self.log.add(
                Severity.INFO,
                "The session file has {count} entries that this version does not know, the first is {name}; "
                "they were left out.",
                where=self.at(name)[:200],
                name=name[:200],
            )


def as_text(value: object, where: str) -> str:
    """A text, or an error."""
    if not isinstance(value, str):
        damaged("This session file is damaged: {where} is not a text.", where)
    if len(value) > MAX_TEXT:
        damaged("This session file is damaged: {where} is longer than {limit} characters.", where, limit=MAX_TEXT)
    return value


def as_number(value: object, where: str, low: float, high: float) -> float:
    """A finite number within a range, or an error."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        damaged("This session file is damaged: {where} is not a number.", where)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not low <= number <= high:
        damaged(
            "This session file is damaged: {where} does not lie between {low} and {high}.", where,
            low=f"{low:g}", high=f"{high:g}",
        )  # fmt: skip
    return number


def as_list(value: object, where: str) -> Iterator[tuple[str, object]]:
    """Place and value of each entry of a list, or an error."""
    if not isinstance(value, list):
        damaged("This session file is damaged: {where} is not a list.", where)
    if len(value) > MAX_ITEMS:
        damaged("This session file is damaged: {where} has more than {limit} entries.", where, limit=MAX_ITEMS)
    return ((f"{where}[{index}]", entry) for index, entry in enumerate(value))


def as_point(value: object, where: str, length: int) -> tuple[float, ...]:
    """Coordinates in metres, or an error."""
    numbers = tuple(as_number(v, at, -MAX_COORDINATE, MAX_COORDINATE) for at, v in as_list(value, where))
    if len(numbers) != length:
        damaged("This session file is damaged: {where} does not have {count} coordinates.", where, count=length)
    return numbers
