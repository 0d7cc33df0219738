"""What the command line says: in the language of the terminal, safe to print, errors in one line.

JSON stays English, because programs read it.
"""

from __future__ import annotations

import json
import locale
import logging
import os
import sys
from functools import lru_cache
from typing import TextIO

from viewer.errors import ViewerError
from viewer.settings import assets_folder

_log = logging.getLogger(__name__)


def terminal_language() -> str:
    """``"de"`` where the environment asks for German, else ``"en"``."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "de" if value.lower().startswith("de") else "en"
    if sys.platform == "win32":
        return "de" if (locale.getlocale()[0] or "").lower().startswith(("de", "german")) else "en"
    return "en"


@lru_cache(maxsize=2)
def _catalogue(language: str) -> dict[str, object]:
    if language == "en":
        return {}
    merged: dict[str, object] = {}
    try:
        for path in sorted((assets_folder() / "translations" / language).glob("*.json")):
            merged.update(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        _log.info("translation: %s", error)
    return merged


def say(text: str, **values: object) -> str:
    """A template in the language of the terminal, filled in. ``text`` is English and the key."""
    found = _catalogue(terminal_language()).get(text, text)
    template = found if isinstance(found, str) else text
    try:
        return template.format(**values) if values else template
    except (AttributeError, IndexError, KeyError, ValueError):  # a template from outside
        return template


def height_words(vertical: str) -> str:
    """A height system for people: its name and code, or that the file names none."""
    from viewer.readers.crs import height_title

    return plain(say(height_title(vertical))) if vertical else say("not named")


def error_line(error: ViewerError) -> str:
    """An error as one sentence: the file in front, what to do about it in brackets behind."""
    place = f"{error.path}: " if error.path is not None else ""
    text = say(error.text, **error.values)
    if error.hint:
        text = f"{text.removesuffix('.')} ({say(error.hint, **error.values).removesuffix('.')})."
    return plain(place + text)


def plain(text: str) -> str:
    """Text that comes from files, on one line and without what could steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def show(text: str = "", stream: TextIO | None = None) -> None:
    """Print a line; letters the terminal cannot show become question marks."""
    stream = sys.stdout if stream is None else stream
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def show_json(value: object) -> None:
    """Print JSON for programs: ASCII, so that no terminal or pipe can spoil it."""
    show(json.dumps(value, indent=2, allow_nan=False))
