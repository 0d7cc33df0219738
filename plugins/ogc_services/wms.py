"""Web Map Service 1.1.1 and 1.3.0: pictures of any part. The later version follows the authority's order of axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from viewer.plugin_api import (
    Layer,
    ReadContext,
    ReadError,
    Request,
    SourceFile,
    TileLevel,
    area_in,
    wanted_area,
    with_query,
)

from . import ows
from .pictures import MAX_SIDE, picture_request, tiled_layer

#: Finest pixel and largest single picture that is asked for.
FINEST_M, MAX_REQUEST = 0.2, 2048
_FORMATS = (
    "image/png",
    "image/png; mode=8bit",
    "image/png8",
    "image/vnd.jpeg-png",
    "image/jpeg",
    "image/webp",
    "image/gif",
)


def read(source: SourceFile, context: ReadContext) -> list[Layer]:
    """One picture of the layers a source names, in their order."""
    area = wanted_area(context)
    root = ows.capabilities(source, context, "WMS", 0.1)
    version = "1.3.0" if root.get("version", "").startswith("1.3") else "1.1.1"
    known = {offer.name: offer for offer in offers(root)}
    names = source.layers or tuple(known)[:1]
    for name in names:
        if name not in known:
            raise ows.not_offered(source, name, known)
    if not names:
        raise ReadError("{host} offers no layers.", host=source.host)
    chosen = [known[name] for name in names]
    common = [crs for crs in chosen[0].crs if all(crs in offer.crs for offer in chosen)]
    crs = source.settings.get("crs", "") or ows.best_crs(common, context.frame.crs)
    if not crs:
        raise ReadError("{host} offers no coordinate system this program knows.", host=source.host)
    level, size = _blocks(area, crs, _limit(root), context)
    picture = _format(root, source)
    spelled = ows.spelling(common, crs)
    flipped = version == "1.3.0" and ows.north_first(ows.epsg(crs)) and not spelled.upper().startswith("CRS:")

    def request(column: int, row: int) -> Request:
        west, north = level.west + column * level.tile_x, level.north - row * level.tile_y
        box = (west, north - level.tile_y, west + level.tile_x, north)
        if flipped:
            box = (box[1], box[0], box[3], box[2])
        values = {
            "SERVICE": "WMS", "VERSION": version, "REQUEST": "GetMap", "LAYERS": ",".join(names),
            "STYLES": source.settings.get("styles", ""), "CRS" if version == "1.3.0" else "SRS": spelled,
            "BBOX": ",".join(repr(round(value, 9)) for value in box), "WIDTH": size[0], "HEIGHT": size[1],
            "FORMAT": picture, "TRANSPARENT": "TRUE",
            "EXCEPTIONS": "XML" if version == "1.3.0" else "application/vnd.ogc.se_xml",
        }  # fmt: skip
        return picture_request(with_query(source.url, values), keep_s=0.0)

    credit = ows.credit(source, chosen[0].attribution, chosen[0].licence)
    title = source.title or ", ".join(offer.title for offer in chosen)
    return [tiled_layer(title, level, request, crs, credit, area, context)]


def offers(root: Any) -> list[ows.Offer]:
    """Layers that can be asked for; systems and credits are handed down from the layers around them."""
    service, capability = ows.child(root, "Service"), ows.child(root, "Capability")
    if capability is None:
        raise ReadError("This is no answer of a map service.")
    texts = [] if service is None else [ows.text(service, "Fees"), ows.text(service, "AccessConstraints")]
    organisation = "" if service is None else ows.text(
        service, "ContactInformation", "ContactPersonPrimary", "ContactOrganization"
    )  # fmt: skip
    credit, licence = ows.credit_of(*texts) or organisation, ows.licence_of(*texts)
    found: list[ows.Offer] = []
    waiting = [(layer, (), credit) for layer in ows.children(capability, "Layer")]
    while waiting:
        layer, crs, credit = waiting.pop(0)
        own = [word for tag in ("CRS", "SRS") for each in ows.children(layer, tag) for word in ows.text(each).split()]
        crs = tuple(dict.fromkeys((*crs, *own)))
        credit = ows.text(layer, "Attribution", "Title") or credit
        name, title = ows.text(layer, "Name"), ows.text(layer, "Title")
        if name:
            found.append(ows.Offer(name, title or name, ows.text(layer, "Abstract"), crs, credit, licence))
        waiting[:0] = [(inner, crs, credit) for inner in ows.children(layer, "Layer")]
    return found


def _limit(root: Any) -> int:
    """Longest side of one picture the service makes, pixels."""
    found = [ows.text(root, "Service", name) for name in ("MaxWidth", "MaxHeight")]
    numbers = [int(number) for number in found if number.isdigit() and int(number) >= 64]
    return min([MAX_REQUEST, *numbers])


def _format(root: Any, source: SourceFile) -> str:
    wanted = source.settings.get("format", "")
    operation = ows.child(root, "Capability", "Request", "GetMap")
    offered = [] if operation is None else [ows.text(each) for each in ows.children(operation, "Format")]
    if wanted in offered or not offered:
        return wanted or "image/png"
    return next((each for each in _FORMATS if each in offered), "image/png")


def _blocks(area: np.ndarray, crs: str, limit: int, context: ReadContext) -> tuple[TileLevel, tuple[int, int]]:
    """The area cut into equal pictures no larger than the service makes, and their size in pixels."""
    extent = area_in(context, area, crs)
    size_m = area[1] - area[0]
    pixel_m = max(float(size_m.max()) / MAX_SIDE, FINEST_M)
    pixels = [max(1, math.ceil(side / pixel_m)) for side in size_m.tolist()]
    across, down = (math.ceil(count / limit) for count in pixels)
    width, height = math.ceil(pixels[0] / across), math.ceil(pixels[1] / down)
    west, south, east, north = extent
    level = TileLevel(
        "",
        west,
        north,
        (east - west) / across,
        (north - south) / down,
        (0, across - 1),
        (0, down - 1),
        max(width, height),
    )
    return level, (width, height)
