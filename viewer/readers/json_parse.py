"""JSON text to Python values, fast: the one place that calls orjson for city files."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import orjson


@contextmanager
def collector_off() -> Iterator[None]:
    """Keep the cyclic garbage collector off meanwhile.

    Parsed JSON is millions of containers without a single cycle; walking them again and again made
    parsing four times slower.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()  # what is there now is old, and need not be walked at once because it was made meanwhile
            gc.unfreeze()
            gc.enable()


def parse(text: bytes | bytearray) -> object:
    """The value of one JSON text.

    Raises
    ------
    ValueError
        Not JSON, not UTF-8, or nested too deeply; the message names the place.
    """
    return orjson.loads(text)


def to_text(value: object) -> str:
    """Compact JSON text of a parsed value."""
    return orjson.dumps(value).decode("utf-8")
