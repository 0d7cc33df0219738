"""OGC API Features: collections as GeoJSON, page after page, within the city's surroundings."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urljoin

from viewer.plugin_api import (
    Answer,
    Layer,
    ReadContext,
    ReadError,
    Request,
    SourceFile,
    area_in,
    credited,
    geojson_table,
    json_object,
    table_layers,
    wanted_area,
    with_query,
)

from . import ows

#: Features of one page and of all, and pages.
PAGE, MAX_FEATURES, MAX_PAGES = 1000, 200_000, 400
JSON = (
    "application/geo+json",
    "application/json",
    "application/vnd.geo+json",
    "application/problem+json",
    "text/plain",
)
_ACCEPT = "application/geo+json, application/json;q=0.9"
_COLLECTION = re.compile(r"^(?P<base>.*?)/collections(?:/(?P<name>[^/?]+))?(?:/items)?/?$")


def read(source: SourceFile, context: ReadContext) -> list[Layer]:
    """Every named collection (or the one in the address) as layers."""
    area = wanted_area(context)
    base, names = places(source)
    if not names:
        raise ReadError("This source file names no {entry}.", entry="layers")
    box = ",".join(repr(round(value, 7)) for value in area_in(context, area, "EPSG:4326"))
    layers: list[Layer] = []
    for number, name in enumerate(names):
        start, end = number / len(names) * 0.9, (number + 1) / len(names) * 0.9
        about = _about(base, name, context, start)
        url = with_query(f"{base}/collections/{quote(name)}/items", {"bbox": box, "limit": PAGE})
        features = pages(url, context, start, end)
        title = source.title if source.title and len(names) == 1 else (about.title or name)
        credit = ows.credit(source, about.attribution, about.licence)
        layers += credited(table_layers(title, geojson_table(name, features), context), context, credit)
    if not layers:
        raise ReadError("There are no features around the city.")
    return layers


def places(source: SourceFile) -> tuple[str, tuple[str, ...]]:
    """Address of the landing page without a slash at its end, and the collections wanted."""
    url = source.url.split("?")[0]
    found = _COLLECTION.match(url)
    base = found["base"] if found else url.rstrip("/")
    named = (found["name"],) if found and found["name"] else ()
    return base, source.layers or named


def pages(url: str, context: ReadContext, start: float, end: float) -> list[Any]:
    """Features of a collection; ``next`` is followed within limits, and what is repeated ends it."""
    features: list[Any] = []
    seen = {url}
    for number in range(MAX_PAGES):
        share = start + (end - start) * number / (number + 4)
        answer = context.fetch(Request(url, _ACCEPT, JSON), share, share)
        page = json_object(answer)
        found = page.get("features")
        if not isinstance(found, list):
            raise ReadError("This is no answer of a feature service.")
        features += found
        url = next_page(answer, page)
        if not found or not url or url in seen:
            return features
        seen.add(url)
        if len(features) >= MAX_FEATURES:
            context.warn("Only the first {limit} features were fetched; there are more.", limit=MAX_FEATURES)
            return features[:MAX_FEATURES]
    context.warn("Only the first {limit} pages were fetched; there are more.", limit=MAX_PAGES)
    return features


def next_page(answer: Answer, page: dict[str, Any]) -> str:
    """The address of the next page, "" for none."""
    links = page.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "next" and isinstance(link.get("href"), str):
            return urljoin(answer.url, link["href"])
    return ""


def _about(base: str, name: str, context: ReadContext, share: float) -> ows.Offer:
    answer = context.fetch(Request(f"{base}/collections/{quote(name)}", _ACCEPT, JSON), share, share)
    return offer(json_object(answer))


def offer(collection: dict[str, Any]) -> ows.Offer:
    """A collection as its service describes it."""
    links = [link for link in collection.get("links", []) if isinstance(link, dict)]
    licences = [str(link.get("title") or link.get("href") or "") for link in links if link.get("rel") == "license"]
    words = [str(collection.get(key) or "") for key in ("id", "title", "description", "attribution")]
    name, title, abstract, attribution = (" ".join(word.split()) for word in words)
    return ows.Offer(
        name, title or name, abstract, attribution=re.sub(r"<[^>]*>", " ", attribution).strip()[:120],
        licence=ows.licence_of(*licences, str(collection.get("license") or "")),
    )  # fmt: skip
