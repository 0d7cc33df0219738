"""Asking a SensorThings server: things with places, datastreams and last observations, page after page."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

from viewer.plugin_api import (
    NetworkError,
    ReadContext,
    ReadError,
    Request,
    SourceFile,
    json_object,
    with_query,
)

#: Observations of each datastream, things of one page, pages of all kinds, things in all.
OBSERVATIONS, PAGE, MAX_PAGES, MAX_THINGS = 100, 100, 60, 5000
_EXPAND = (
    "Locations($select=name,location),"
    "Datastreams($expand=ObservedProperty($select=name),"
    "Observations($top={observations};$orderby=phenomenonTime desc;$select=result,phenomenonTime))"
)
_THINGS = re.compile(r"/Things(\([^/]*\))?$")
_JSON = ("application/json", "text/plain")


def things(source: SourceFile, box: tuple[float, float, float, float], context: ReadContext) -> list[dict[str, Any]]:
    """The things in a box (west, south, east, north in degrees).

    The server is asked for those alone; one that cannot do that is asked for all.
    """
    address = source.url.rstrip("/")
    if not _THINGS.search(address.split("?")[0]):
        address += "/Things"
    written = source.settings.get("filter", "")
    ring = ", ".join(f"{x:.6f} {y:.6f}" for x, y in _corners(box))
    near = f"st_within(Locations/location, geography'POLYGON (({ring}))')"
    if address.endswith(")"):
        return _all(_query(address, ""), context)
    try:
        return _all(_query(address, f"({written}) and {near}" if written else near), context)
    except NetworkError as error:
        if error.values.get("status", 0) not in (400, 404, 500, 501):
            raise
        context.info("The server cannot look for a place; all its things were asked for.")
        return _all(_query(address, written), context)


def _corners(box: tuple[float, float, float, float]) -> list[tuple[float, float]]:
    west, south, east, north = box
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def _query(address: str, condition: str) -> str:
    values = {"$expand": _EXPAND.replace("{observations}", str(OBSERVATIONS))}
    if not address.endswith(")"):
        values["$top"] = str(PAGE)
    if condition:
        values["$filter"] = condition
    return with_query(address, values)


def _all(address: str, context: ReadContext) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    left = MAX_PAGES
    seen: set[str] = set()
    while address and left and address not in seen and len(found) < MAX_THINGS:
        seen.add(address)
        left -= 1
        share = 0.8 * (1 - left / MAX_PAGES)
        page = _page(address, context, share)
        entries = page.get("value", [page] if "@iot.id" in page else None)
        if not isinstance(entries, list):
            raise ReadError("This is no answer of a SensorThings server.")
        found += [entry for entry in entries if isinstance(entry, dict)]
        address = _next(address, page, "@iot.nextLink") if entries else ""
    if address and address not in seen:
        context.warn("Only the first {limit} things were fetched; there are more.", limit=len(found))
    for thing in found:
        left = _rest_of_streams(thing, left, context)
    return found


def _rest_of_streams(thing: dict[str, Any], left: int, context: ReadContext) -> int:
    """Datastreams of a thing that did not fit into its page; returns the pages that may still be asked for."""
    streams = thing.get("Datastreams")
    address = _next(str(thing.get("@iot.selfLink", "")), thing, "Datastreams@iot.nextLink")
    while address and left and isinstance(streams, list):
        left -= 1
        page = _page(address, context, 0.85)
        more = page.get("value")
        if not isinstance(more, list) or not more or len(streams) > MAX_THINGS:
            break
        streams += more
        address = _next(address, page, "@iot.nextLink")
    return left


def _page(address: str, context: ReadContext, share: float) -> dict[str, Any]:
    return json_object(context.fetch(Request(address, "application/json", _JSON), share, share))


def _next(address: str, page: dict[str, Any], name: str) -> str:
    link = page.get(name)
    return urljoin(address, link) if isinstance(link, str) and link else ""
