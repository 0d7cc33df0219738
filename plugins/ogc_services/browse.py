"""What a server offers: the kind of service is found out from its address, then from its answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from viewer.plugin_api import (
    Answer,
    Entry,
    NetworkError,
    ReadContext,
    ReadError,
    Request,
    SourceFile,
    host_of,
    json_object,
    with_query,
    xml_root,
)

from . import features, ows, wfs, wms, wmts

#: Words in an address that tell the kind of service, in the order they are tried.
_WORDS = (
    ("wmts", "wmts"), ("wms", "wms"), ("wfs", "wfs"), ("sensorthings", "sensorthings"), ("frost", "sensorthings"),
    ("collections", "features"), ("ogcapi", "features"), ("oaf", "features"), ("/features", "features"),
)  # fmt: skip
_VERSION = re.compile(r"/v1\.[01]/?$")
_ASKED_AGAIN = {"service", "request", "version", "acceptversions", "layers", "layer", "typenames", "typename"}
_ROOTS = {
    "WMS_Capabilities": "wms", "WMT_MS_Capabilities": "wms", "Capabilities": "wmts", "WFS_Capabilities": "wfs",
}  # fmt: skip
_ANY = ("application/", "text/")
_MAX_ENTRIES = 5000


def browse(address: str, context: ReadContext) -> Entry | None:
    """The services and layers behind an address; None if it is of no kind known here."""
    address = address.strip()
    host_of(address)
    if "{z}" in address and "{x}" in address:
        return Entry(host_of(address), source=SourceFile("xyz", address, host_of(address)))
    base = _bare(address)
    kinds = _guesses(address)
    first: ReadError | None = None
    for kind in kinds:
        try:
            return _ASK[kind](base, context)
        except NetworkError as error:
            first = first or error
            if "status" not in error.values and "message" not in error.values and "kind" not in error.values:
                raise  # nobody answers: no use to ask again in other words
        except ReadError as error:
            if type(error) is not ReadError:
                raise  # permission, password
            first = first or error
    if first is not None:
        raise ReadError(
            "{host} answers, but offers nothing this program knows.",
            hint="Maps (WMS, WMTS), features (WFS, OGC API) and sensors (SensorThings) are known.",
            host=host_of(address),
        ) from first
    return None


def _bare(address: str) -> str:
    """The address without what only belongs to one request."""
    parts = urlsplit(address)
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k.lower() not in _ASKED_AGAIN]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(kept), ""))


def _guesses(address: str) -> list[str]:
    """Kinds of service to try, most likely first."""
    parts = urlsplit(address.lower())
    asked = dict(parse_qsl(parts.query)).get("service", "")
    if asked in _ASK:
        return [asked]
    told = [kind for word, kind in _WORDS if word in parts.netloc + parts.path]
    if _VERSION.search(parts.path):
        told.append("sensorthings")
    return list(dict.fromkeys([*told, "answer", "wms", "wfs", "wmts"]))


def _by_answer(base: str, context: ReadContext) -> Entry:
    """The address as it is: what comes back tells what it is."""
    answer = _asked(base, context)
    if answer.body.lstrip()[:1] == b"{":
        value = json_object(answer)
        if "serverSettings" in value or _names_things(value):
            return _sensors(base, context)
        if "links" in value or "collections" in value:
            return _features(base, context)
        raise ReadError("This is no answer of a feature service.")
    root = xml_root(answer)
    kind = _ROOTS.get(ows.local(root))
    if kind is None:
        raise ReadError("This is no answer of a map service.")
    return _entry(kind, base, root)


def _asked(url: str, context: ReadContext) -> Answer:
    return context.fetch(Request(url, "application/json, text/xml;q=0.9, application/xml;q=0.9", _ANY))


def _names_things(value: dict[str, Any]) -> bool:
    entries = value.get("value")
    return isinstance(entries, list) and any(isinstance(e, dict) and e.get("name") == "Things" for e in entries)


def _by_capabilities(kind: str) -> Callable[[str, ReadContext], Entry]:
    def ask(base: str, context: ReadContext) -> Entry:
        root = xml_root(context.fetch(ows.capabilities_request(base, kind.upper())))
        if _ROOTS.get(ows.local(root)) != kind:
            raise ReadError("This is no answer of a map service.")
        return _entry(kind, base, root)

    return ask


def _entry(kind: str, base: str, root: Any) -> Entry:
    """A service from its capabilities."""
    if kind == "wms":
        offers, about = wms.offers(root), ows.child(root, "Service")
    elif kind == "wmts":
        offers, about = wmts.offers(root), ows.child(root, "ServiceIdentification")
    else:
        offers, about = list(wfs.describe(root).offers), ows.child(root, "ServiceIdentification")
    title = "" if about is None else ows.text(about, "Title")
    abstract = "" if about is None else ows.text(about, "Abstract")
    below = tuple(_offer(kind, base, offer) for offer in offers[:_MAX_ENTRIES])
    return Entry(title or host_of(base), abstract, entries=below)


def _offer(kind: str, base: str, offer: ows.Offer) -> Entry:
    source = SourceFile(kind, base, offer.title, (offer.name,), offer.attribution, offer.licence)
    return Entry(offer.title, offer.abstract, source.credit, source)


def _features(base: str, context: ReadContext) -> Entry:
    found, _ = features.places(SourceFile("features", base))
    about = json_object(_asked(found, context))
    listed = json_object(_asked(f"{found}/collections", context)).get("collections")
    if not isinstance(listed, list):
        raise ReadError("This is no answer of a feature service.")
    offers = [features.offer(each) for each in listed[:_MAX_ENTRIES] if isinstance(each, dict) and each.get("id")]
    title, abstract = (" ".join(str(about.get(name) or "").split()) for name in ("title", "description"))
    return Entry(title or host_of(base), abstract, entries=tuple(_offer("features", found, offer) for offer in offers))


def _sensors(base: str, context: ReadContext) -> Entry:
    """A SensorThings server: what it measures."""
    base = base.rstrip("/")
    url = with_query(f"{base}/ObservedProperties", {"$select": "name,description", "$top": 100, "$orderby": "name"})
    listed = json_object(_asked(url, context)).get("value")
    if not isinstance(listed, list):
        raise ReadError("This is no answer of a feature service.")
    found = {}
    for each in listed:
        name = " ".join(str(each.get("name") or "").split()) if isinstance(each, dict) else ""
        if name and name not in found:
            source = SourceFile("sensorthings", base, name, settings={"property": name})
            found[name] = Entry(name, " ".join(str(each.get("description") or "").split()), source=source)
    return Entry(host_of(base), entries=tuple(found.values()))


_ASK: dict[str, Callable[[str, ReadContext], Entry]] = {
    "wms": _by_capabilities("wms"),
    "wfs": _by_capabilities("wfs"),
    "wmts": _by_capabilities("wmts"),
    "features": _features,
    "sensorthings": _sensors,
    "answer": _by_answer,
}
