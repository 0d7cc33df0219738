"""From tiles of a service to one picture on the ground of the city."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from viewer.plugin_api import (
    Answer,
    ImageLayer,
    ReadContext,
    ReadError,
    Request,
    TileLevel,
    credited,
    mosaic,
    place_raster,
)

#: A map changes seldom, and those who offer tiles ask not to be asked every time.
KEEP_S = 7 * 24 * 3600.0
MAX_TILES, MAX_SIDE = 200, 4096
PICTURES = ("image/",)
_MAX_TILE_BYTES = 16 * 1024 * 1024


def picture_request(url: str, keep_s: float = KEEP_S) -> Request:
    """What asks for one picture."""
    return Request(url, "image/png, image/jpeg, image/webp, image/*;q=0.8", PICTURES, _MAX_TILE_BYTES, keep_s)


def tiled_layer(
    title: str,
    level: TileLevel,
    request: Callable[[int, int], Request],
    crs: str,
    credit: str,
    area_local: np.ndarray,
    context: ReadContext,
    start: float = 0.1,
) -> ImageLayer:
    """Fetch the tiles of a level, put them together, and lay the picture on the ground."""
    places = level.tiles()
    answers = context.fetch_many([request(column, row) for column, row in places], start, 0.85)
    got = [
        (column, row, answer.body)
        for (column, row), answer in zip(places, answers, strict=True)
        if isinstance(answer, Answer)
    ]
    missing = [answer for answer in answers if not isinstance(answer, Answer)]
    if not got:
        raise missing[0]
    context.progress.report(0.88, "Reading the picture")
    raster, damaged = mosaic(level, got, crs)
    lost = damaged + sum(error.values.get("status") != 404 for error in missing)  # 404: nothing is there
    context.warn("{count} of {total} pieces of the map could not be fetched.", count=lost, total=len(places))
    if raster is None:
        raise ReadError("Not one piece of this map is a picture that can be read.")
    context.facts["crs"] = crs
    rgba, corners = place_raster(raster, context, area_local)
    if not rgba[..., 3].any():
        context.warn("The map is empty around the city.")
    return credited([ImageLayer(title, np.ascontiguousarray(rgba), corners)], context, credit)[0]
