"""Prepared copies of cities: which files have one, and a reading made from it. What a copy is stands in the readers."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from viewer.city.report import Severity
from viewer.plugin_api import ReadContext
from viewer.plugin_host.manifest import Contribution, PluginInfo
from viewer.plugin_host.reading import Reading
from viewer.readers.store.cache import OPENED_TEXT, CityCache, Request, Ticket
from viewer.readers.store.folder import MANIFEST


def ticket_for(
    cache: CityCache | None, info: PluginInfo, reader: Contribution, path: Path, context: ReadContext
) -> Ticket | None:
    """Whether a city is worth a prepared copy: only those of our own readers are, whose code is known."""
    if cache is None or info.package != "viewer.readers" or reader.result != "city" or path.name == MANIFEST:
        return None
    key = f"{info.id}:{reader.title}"
    return cache.ticket(Request(path.resolve(), key, dict(context.options), context.frame))


def open_copy(
    ticket: Ticket | None, info: PluginInfo, reader: Contribution, path: Path, context: ReadContext
) -> Reading | None:
    """The city from its prepared copy with the findings of its first reading; None without a usable one."""
    if ticket is None:
        return None
    started = time.perf_counter()
    stored = ticket.cache.find(ticket.request, context.log)
    if stored is None:
        return None
    context.log.add(Severity.INFO, OPENED_TEXT)
    report = replace(
        stored.report,
        source=path.name,
        seconds=time.perf_counter() - started,
        issues=(*stored.report.issues, *context.log.issues()),
    )
    return Reading(
        path, ticket.request.reader, info.title, reader.title, report, city=stored.city, frame=stored.city.frame,
        questions=dict(stored.questions), ready=stored.ready,
    )  # fmt: skip
