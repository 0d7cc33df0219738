"""Who must be named for data from servers, and how old it is where a copy was shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from viewer.city import Issue, Layer, Severity
from viewer.plugin_api.context import ReadContext
from viewer.plugin_api.net import host_of
from viewer.plugin_api.net.request import NOT_REACHED

L = TypeVar("L", bound=Layer)


def credited(layers: Iterable[L], context: ReadContext, credit: str) -> list[L]:
    """The layers with their credit. Where copies stand in for a server, layers, pictures and report say of when, and
    nothing is asked for again by itself."""
    stale = [answer for answer in context.answers if answer.is_copy and answer.reason]
    if not stale:
        return [replace(layer, attribution=credit) for layer in layers]
    oldest = min(stale, key=lambda answer: answer.fetched)
    for answer in {host_of(answer.url): answer for answer in stale}.values():
        host, date = host_of(answer.url), date_text(answer.fetched)
        if answer.reason == NOT_REACHED:
            context.warn("{host} cannot be reached; a copy of {date} is shown.", host=host, date=date)
        else:
            context.warn("{host} was not contacted; a copy of {date} is shown.", host=host, date=date)
    date = date_text(oldest.fetched)
    note = Issue(Severity.INFO, "Copy of {date}", values={"date": date})
    named = f"{credit} ({date[:10]})" if credit else date[:10]
    return [replace(layer, attribution=named, note=note, refresh_s=0.0) for layer in layers]


def date_text(moment: datetime) -> str:
    """A moment in the time of this computer, to the minute."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
