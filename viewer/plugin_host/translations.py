"""Translations that plugins bring along: ``translations/<language>.json`` in a plugin's folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from viewer.plugin_host.manifest import PluginInfo

log = logging.getLogger("viewer.plugins")

MAX_BYTES = 1024 * 1024


def collect(plugins: Iterable[PluginInfo], language: str) -> dict[str, Any]:
    """English text -> translation (a text, or ``{"one": ..., "other": ...}``) over all plugins.

    The first plugin to translate a text keeps it; a damaged table is left out and logged.
    """
    table: dict[str, Any] = {}
    if not language.isalpha():
        return table
    for info in plugins:
        path = info.folder / "translations" / f"{language}.json"
        try:
            if not path.is_file() or path.stat().st_size > MAX_BYTES:
                continue
            entries = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            log.info("plugin %s: %s cannot be used (%s)", info.id, path, error)
            continue
        if isinstance(entries, dict):
            for text, translation in entries.items():
                if _is_translation(translation):
                    table.setdefault(text, translation)
    return table


def _is_translation(value: object) -> bool:
    if isinstance(value, dict):
        return {"one", "other"} <= set(value) and all(isinstance(form, str) for form in value.values())
    return isinstance(value, str)
