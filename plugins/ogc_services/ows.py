"""What the capabilities of OGC services have in common: names, texts, coordinate systems, licences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from viewer.plugin_api import Answer, ReadContext, ReadError, Request, SourceFile, host_of, with_query, xml_root

_MAX_CREDIT = 120
_XML = ("text/xml", "application/xml", "application/vnd.ogc", "application/gml", "text/plain", "text/html")
_EPSG = re.compile(r"EPSG(?:/[\d.]*/|:[\d.]*:|:+|\.xml#)(\d{4,6})$", re.IGNORECASE)
#: Spellings of the web's map projection before it had a number.
_SPHERE = {900913: 3857, 3785: 3857, 102100: 3857, 102113: 3857}
_COPYRIGHT = re.compile(r"(?:quellenvermerk|quelle|source|copyright)\s*[:=]\s*(.{3,110}?)(?:[;|,\n]|$)", re.IGNORECASE)
_LICENCES = (
    (re.compile(r"dl-?de[/-]?by|dl-by-de|datenlizenz deutschland.{0,12}namensnennung", re.I), "dl-de/by-2.0"),
    (re.compile(r"dl-?de[/-]?zero|dl-zero-de|datenlizenz deutschland.{0,12}zero", re.I), "dl-de/zero-2.0"),
    (re.compile(r"cc[ -]by[ -]sa|licenses/by-sa", re.I), "CC BY-SA"),
    (re.compile(r"cc[ -]by\b|licenses/by/", re.I), "CC BY"),
    (re.compile(r"\bcc0\b|publicdomain/zero", re.I), "CC0"),
    (re.compile(r"\bodbl\b|open database licen", re.I), "ODbL"),
)


@dataclass(frozen=True)
class Offer:
    """A layer as the capabilities of a service name it. crs : codes in its spelling."""

    name: str
    title: str
    abstract: str = ""
    crs: tuple[str, ...] = ()
    attribution: str = ""
    licence: str = ""


def capabilities(source: SourceFile, context: ReadContext, service: str, end: float) -> Any:
    """The root element of the capabilities; a service with a file instead of an interface is asked for the file."""
    version = source.settings.get("version", "")
    return xml_root(context.fetch(capabilities_request(source.url, service, version), 0.0, end))


def capabilities_request(url: str, service: str, version: str = "") -> Request:
    """What asks a service of a kind for its capabilities."""
    if not url.split("?")[0].lower().endswith(".xml"):
        values = {"SERVICE": service, "REQUEST": "GetCapabilities"}
        if version:
            values["ACCEPTVERSIONS" if service != "WMS" else "VERSION"] = version
        url = with_query(url, values)
    return Request(url, "text/xml, application/xml", kinds=_XML, max_bytes=32 * 1024 * 1024)


def refuse_exception(answer: Answer, root: Any) -> None:
    """Raise what the service says, where an answer is a report of an error."""
    if local(root) in ("ServiceExceptionReport", "ExceptionReport"):
        message = " ".join(" ".join(str(part) for part in root.itertext()).split())[:200]
        raise ReadError("{host} answers: {message}", host=host_of(answer.url), message=message)


def local(element: Any) -> str:
    """The name of an element without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child(element: Any, *path: str) -> Any:
    """The first element along a path of names, whatever their namespaces; None if there is none."""
    for name in path:
        element = next((inner for inner in element if local(inner) == name), None)
        if element is None:
            return None
    return element


def children(element: Any, name: str) -> Iterator[Any]:
    """Children of a name, whatever their namespace."""
    return (inner for inner in element if local(inner) == name)


def text(element: Any, *path: str) -> str:
    """The text of an element along a path, on one line; "" where there is none."""
    found = child(element, *path) if path else element
    return "" if found is None or found.text is None else " ".join(found.text.split())


def epsg(name: str) -> int:
    """The EPSG code in any spelling of a coordinate system, 0 if it is none; CRS84 counts as 4326."""
    if re.search(r"CRS:?84h?$", name.strip(), re.IGNORECASE):
        return 4326
    found = _EPSG.search(name.strip())
    code = int(found[1]) if found else 0
    return _SPHERE.get(code, code)


@lru_cache(maxsize=256)
def north_first(code: int) -> bool:
    """Whether the authority lists north before east."""
    axes = _axes(code)
    return bool(axes) and axes[0].direction.lower() in ("north", "south")


@lru_cache(maxsize=256)
def metres_per_unit(code: int) -> float:
    """Length of a map unit in metres as WMTS counts it; 0 for a system nobody knows."""
    axes = _axes(code)
    if not axes:
        return 0.0
    if axes[0].unit_name == "degree":
        return 111_319.490_793_273_58
    return float(axes[0].unit_conversion_factor)


def known_crs(code: int) -> bool:
    """Whether there is such a system."""
    return metres_per_unit(code) > 0


def _axes(code: int) -> Any:
    import pyproj

    try:
        return pyproj.CRS.from_epsg(code).axis_info
    except pyproj.exceptions.CRSError:
        return []


def best_crs(offered: Iterable[str], wanted: str) -> str:
    """The city's system if it is offered, else the best one to warp from; "" if none is known."""
    codes = list(dict.fromkeys(filter(None, map(epsg, offered))))
    if epsg(wanted) in codes:
        return wanted
    metric = [code for code in codes if 25800 < code < 25900 or 31400 < code < 31500 or 32600 < code < 32800]
    for code in (*metric, 3857, 4258, 4326, *codes):
        if code in codes and known_crs(code):
            return f"EPSG:{code}"
    return ""


def spelling(offered: Iterable[str], crs: str) -> str:
    """A system as the service spells it; the spelling also says which axis comes first."""
    same = [name for name in offered if epsg(name) == epsg(crs)]
    return crs if crs in same or not same else same[0]


def credit_of(*texts: str) -> str:
    """Who wants to be named, from the free texts about fees and access that German services write; "" if unclear."""
    for written in texts:
        start, end = written.find("{"), written.rfind("}")
        if 0 <= start < end:
            try:
                value = json.loads(written[start : end + 1])
            except ValueError:
                value = None
            if isinstance(value, dict) and isinstance(value.get("quelle"), str):
                return " ".join(value["quelle"].split())[:_MAX_CREDIT]
        found = _COPYRIGHT.search(written)
        if found:
            return found[1].strip()[:_MAX_CREDIT]
    return ""


def licence_of(*texts: str) -> str:
    """The short name of a well-known licence in free texts, "" for none."""
    whole = " ".join(texts)
    return next((name for pattern, name in _LICENCES if pattern.search(whole)), "")


def credit(source: SourceFile, attribution: str, licence: str) -> str:
    """What a picture names: what the source file says, else what the service says."""
    return ", ".join(dict.fromkeys(filter(None, (source.attribution or attribution, source.licence or licence))))


def not_offered(source: SourceFile, name: str, offers: Iterable[str]) -> ReadError:
    """The error for a layer that a service does not have."""
    return ReadError(
        "{host} has no layer {name}.",
        hint="It offers: {offers}.",
        host=source.host,
        name=name[:80],
        offers=", ".join(list(offers)[:12]) or "–",
    )
