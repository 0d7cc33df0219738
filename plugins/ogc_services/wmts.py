"""Web Map Tile Service 1.0.0: fixed tiles, asked for by address template or by key and value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urljoin

from viewer.plugin_api import (
    Layer,
    ReadContext,
    ReadError,
    Request,
    SourceFile,
    TileLevel,
    area_in,
    finest_level,
    host_of,
    wanted_area,
    with_query,
)

from . import ows
from .pictures import MAX_SIDE, MAX_TILES, picture_request, tiled_layer

#: Size of a pixel the standard takes for granted, metres.
_PIXEL_M = 0.00028
_FORMATS = ("image/png", "image/jpeg", "image/webp", "image/jpgpng", "image/gif")
_XLINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class MatrixSet:
    """A pyramid: its name, its system as EPSG code, its levels."""

    name: str
    code: int
    levels: tuple[TileLevel, ...]


def read(source: SourceFile, context: ReadContext) -> list[Layer]:
    """One picture of the layer a source names (the first one by default)."""
    area = wanted_area(context)
    root = ows.capabilities(source, context, "WMTS", 0.1)
    contents = ows.child(root, "Contents")
    if contents is None:
        raise ReadError("This is no answer of a tile service.")
    layers = {ows.text(layer, "Identifier"): layer for layer in ows.children(contents, "Layer")}
    name = source.layers[0] if source.layers else next(iter(layers), "")
    if name not in layers:
        raise ows.not_offered(source, name, layers)
    layer = layers[name]
    sets = _matrix_sets(contents)
    linked = [ows.text(link, "TileMatrixSet") for link in ows.children(layer, "TileMatrixSetLink")]
    usable = [sets[link] for link in linked if link in sets]
    crs = ows.best_crs([f"EPSG:{matrix.code}" for matrix in usable], context.frame.crs)
    chosen = next((matrix for matrix in usable if matrix.code == ows.epsg(crs)), None)
    if chosen is None:
        raise ReadError("{host} offers no coordinate system this program knows.", host=source.host)
    level = finest_level(chosen.levels, area_in(context, area, crs), max_side=MAX_SIDE, max_tiles=MAX_TILES)
    if level is None:
        raise ReadError("This map has no tiles around the city.")
    ask = _asking(source, layer, name, chosen.name)
    [offer] = [offer for offer in offers(root) if offer.name == name][:1]
    credit = ows.credit(source, offer.attribution, offer.licence)

    def request(column: int, row: int) -> Request:
        return picture_request(ask(level.name, column, row))

    return [tiled_layer(source.title or offer.title, level, request, crs, credit, area, context)]


def offers(root: Any) -> list[ows.Offer]:
    """Layers with their titles and credits."""
    contents = ows.child(root, "Contents")
    service = ows.child(root, "ServiceIdentification")
    texts = [] if service is None else [ows.text(service, "Fees"), ows.text(service, "AccessConstraints")]
    credit = ows.credit_of(*texts) or ows.text(root, "ServiceProvider", "ProviderName")
    licence = ows.licence_of(*texts)
    return [
        ows.Offer(
            ows.text(layer, "Identifier"),
            ows.text(layer, "Title") or ows.text(layer, "Identifier"),
            ows.text(layer, "Abstract"),
            attribution=credit,
            licence=licence,
        )
        for layer in (() if contents is None else ows.children(contents, "Layer"))
    ]


def _matrix_sets(contents: Any) -> dict[str, MatrixSet]:
    found = {}
    for element in ows.children(contents, "TileMatrixSet"):
        name, written = ows.text(element, "Identifier"), ows.text(element, "SupportedCRS")
        code = ows.epsg(written)
        unit_m = ows.metres_per_unit(code)
        if not unit_m:
            continue
        flipped = ows.north_first(code) and "CRS84" not in written.upper()
        levels = [_level(matrix, unit_m, flipped) for matrix in ows.children(element, "TileMatrix")]
        found[name] = MatrixSet(name, code, tuple(level for level in levels if level is not None))
    return found


def _level(matrix: Any, unit_m: float, flipped: bool) -> TileLevel | None:
    """One level; None if its numbers make no sense."""
    try:
        scale = float(ows.text(matrix, "ScaleDenominator"))
        x, y = (float(word) for word in ows.text(matrix, "TopLeftCorner").split())
        tile_width, tile_height, columns, rows = (
            int(ows.text(matrix, name)) for name in ("TileWidth", "TileHeight", "MatrixWidth", "MatrixHeight")
        )
    except ValueError:
        return None
    if not (0 < scale < 1e12) or not (16 <= tile_width <= 4096 and 16 <= tile_height <= 4096) or min(columns, rows) < 1:
        return None
    pixel = scale * _PIXEL_M / unit_m
    west, north = (y, x) if flipped else (x, y)
    return TileLevel(
        ows.text(matrix, "Identifier"), west, north, pixel * tile_width, pixel * tile_height,
        (0, columns - 1), (0, rows - 1), max(tile_width, tile_height),
    )  # fmt: skip


def _asking(source: SourceFile, layer: Any, name: str, matrix_set: str) -> Any:
    """(level, column, row) -> address. A template on another host than the source's is not used."""
    style = next(
        (ows.text(each, "Identifier") for each in ows.children(layer, "Style") if each.get("isDefault") == "true"),
        next((ows.text(each, "Identifier") for each in ows.children(layer, "Style")), ""),
    )
    style = source.settings.get("style", style)
    formats = [ows.text(each) for each in ows.children(layer, "Format")]
    picture = next((each for each in _FORMATS if each in formats), "image/png")
    dimensions = {ows.text(each, "Identifier"): ows.text(each, "Default") for each in ows.children(layer, "Dimension")}
    template = _template(source, layer, picture)
    fixed = {"Style": style, "style": style, "TileMatrixSet": matrix_set, "Layer": name, **dimensions}

    def by_template(level: str, column: int, row: int) -> str:
        return _filled(template, {**fixed, "TileMatrix": level, "TileCol": str(column), "TileRow": str(row)})

    def by_query(level: str, column: int, row: int) -> str:
        base = source.url.split("?")[0] if source.url.split("?")[0].lower().endswith(".xml") else source.url
        values = {
            "SERVICE": "WMTS", "VERSION": "1.0.0", "REQUEST": "GetTile", "LAYER": name, "STYLE": style,
            "FORMAT": picture, "TILEMATRIXSET": matrix_set, "TILEMATRIX": level, "TILECOL": column, "TILEROW": row,
            **dimensions,
        }  # fmt: skip
        return with_query(base, values)

    return by_template if template else by_query


def _template(source: SourceFile, layer: Any, picture: str) -> str:
    for resource in ows.children(layer, "ResourceURL"):
        if resource.get("resourceType") == "tile" and resource.get("format", picture) == picture:
            address = urljoin(source.url, resource.get("template", ""))
            try:
                if host_of(_filled(address, {})) == source.host:
                    return address
            except ReadError:
                continue
    return ""


def _filled(template: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        template = template.replace("{" + name + "}", quote(value, safe=":"))
    return template
