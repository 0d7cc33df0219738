"""Map tiles by an address template with {z}, {x} and {y} (or {-y}, counted from the south), as web maps have them."""

from __future__ import annotations

from viewer.plugin_api import (
    Layer,
    ReadContext,
    ReadError,
    Request,
    SourceFile,
    area_in,
    finest_level,
    mercator_level,
    wanted_area,
)

from .pictures import MAX_SIDE, MAX_TILES, picture_request, tiled_layer

CRS = "EPSG:3857"


def read(source: SourceFile, context: ReadContext) -> list[Layer]:
    """One picture at the finest zoom that fits."""
    area = wanted_area(context)
    if not ("{z}" in source.url and "{x}" in source.url and ("{y}" in source.url or "{-y}" in source.url)):
        raise ReadError("The address of these tiles needs the places {places}.", places="{z}, {x}, {y}")
    lowest, highest = (_zoom(source, name, zoom) for name, zoom in (("min_zoom", 0), ("max_zoom", 19)))
    pixels = _zoom(source, "tile_pixels", 256, 1024)
    level = finest_level(
        [mercator_level(zoom, pixels) for zoom in range(lowest, highest + 1)],
        area_in(context, area, CRS),
        max_side=MAX_SIDE,
        max_tiles=MAX_TILES,
    )
    if level is None:
        raise ReadError("This map has no tiles around the city.")
    zoom = int(level.name)

    def request(column: int, row: int) -> Request:
        url = source.url.replace("{z}", str(zoom)).replace("{x}", str(column)).replace("{y}", str(row))
        url = url.replace("{-y}", str(2**zoom - 1 - row)).replace("{s}", "a").replace("{r}", "")
        return picture_request(url)

    return [tiled_layer(source.title or source.host, level, request, CRS, source.credit, area, context)]


def _zoom(source: SourceFile, name: str, usual: int, most: int = 24) -> int:
    written = source.settings.get(name, "")
    return min(int(written), most) if written.isdigit() else usual
