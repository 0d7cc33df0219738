"""JSON objects of strangers, asked for what they must hold; everything else is one sentence naming the place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import orjson

from viewer.errors import ReadError

_NOTHING: Mapping[str, object] = {}


class Fields:
    """One JSON object and its place in the document.

    Every question raises ``ReadError`` where the answer is of the wrong kind; a missing one is the default.
    """

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise wrong(where)
        self.data: Mapping[str, object] = value
        self.where = where

    def __contains__(self, key: str) -> bool:
        return self.data.get(key) is not None

    def place(self, key: str) -> str:
        """The place of a member, as messages name it."""
        return f"{self.where}.{key}" if self.where else key

    def child(self, key: str) -> Fields:
        """A member that is an object; an empty one where it is missing."""
        value = self.data.get(key)
        return Fields({} if value is None else value, self.place(key))

    def entries(self, key: str) -> list[object]:
        """A member that is a list; empty where it is missing."""
        value = self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise wrong(self.place(key))
        return value

    def children(self, key: str) -> Iterator[Fields]:
        """The objects in a list."""
        for number, value in enumerate(self.entries(key)):
            yield Fields(value, f"{self.place(key)}[{number}]")

    def item(self, key: str, number: int) -> Fields:
        """One object of a list, by its number."""
        values = self.entries(key)
        if not 0 <= number < len(values):
            raise wrong(f"{self.place(key)}[{number}]")
        return Fields(values[number], f"{self.place(key)}[{number}]")

    def count(self, key: str, default: int = 0) -> int:
        """A whole number from 0 to 2**53."""
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 2**53 or value % 1:
            raise wrong(self.place(key))
        return int(value)

    def number(self, key: str, default: float = 0.0) -> float:
        """A finite number."""
        value = self.data.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise wrong(self.place(key))
        return float(value)

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        value = self.data.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise wrong(self.place(key))
        return value

    def flag(self, key: str) -> bool:
        """Whether something is said to be true."""
        return self.data.get(key) is True

    def numbers(self, key: str, count: int) -> list[float] | None:
        """A list of so many finite numbers; None where it is missing."""
        values = self.data.get(key)
        if values is None:
            return None
        if not isinstance(values, list) or len(values) != count:
            raise wrong(self.place(key))
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise wrong(self.place(key))
        return [float(value) for value in values]


def parse_fields(data: bytes | bytearray | memoryview, where: str = "") -> Fields:
    """A JSON text that is an object.

    Raises
    ------
    ReadError
        It is none.
    """
    text = bytes(data).rstrip(b"\0 \t\r\n").removeprefix(b"\xef\xbb\xbf")
    try:
        return Fields(orjson.loads(text or b"{}"), where)
    except ValueError as error:
        raise ReadError("Its JSON text is damaged ({reason}).", reason=str(error)[:120]) from error


def wrong(where: str) -> ReadError:
    """The error for a member that is not what the format wants there."""
    return ReadError("The file is damaged at {place}.", place=where[:120] or "its beginning")
