"""Which part of a large source is wanted: around the open city, or what a person chose; in any coordinate system."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from viewer.errors import ReadError
from viewer.plugin_api.context import ReadContext

Floats = NDArray[np.float64]

#: Option that holds a chosen part: west, south, east, north in the city's system, metres.
EXTENT = "extent"
#: Around the city as much of its size is wanted on each side, and at least so many metres.
MARGIN, MIN_MARGIN_M = 0.1, 50.0
#: Longest side of a part, metres; more is no city.
MAX_SIDE_M = 200_000.0
_STEPS = 21


def wanted_area(context: ReadContext) -> Floats:
    """(2, 2) float64, lowest and highest corner in local metres: what a person chose, else around the open city.

    Raises
    ------
    ReadError
        No city is open, or the chosen part is none.
    """
    if not context.frame.crs or context.city_extent_local is None:
        raise ReadError(
            "Without a city nobody knows which part of this source is wanted.",
            hint="Open a city model that names its coordinate system first, then this file.",
        )
    chosen = context.options.get(EXTENT, "")
    if chosen:
        area = _parse(chosen)
        return context.frame.local_from_crs(area)
    low, high = np.asarray(context.city_extent_local, np.float64)[:, :2]
    margin = np.maximum((high - low) * MARGIN, MIN_MARGIN_M)
    area = np.array([low - margin, high + margin])
    if not np.isfinite(area).all() or float((area[1] - area[0]).max()) > MAX_SIDE_M:
        raise ReadError("The open city is too large for this source.", hint="Draw a box and load this source for it.")
    return area


def extent_text(corners_crs: Floats) -> str:
    """The value of the option ``extent`` for points (n, 2) in the city's system: the box around them."""
    low, high = np.asarray(corners_crs)[:, :2].min(axis=0), np.asarray(corners_crs)[:, :2].max(axis=0)
    return ",".join(f"{value:.2f}" for value in (*low, *high))


def area_in(context: ReadContext, area_local: Floats, crs: str) -> tuple[float, float, float, float]:
    """West, south, east, north of a local area in another system (x or longitude first); its edges are followed.

    Raises
    ------
    ReadError
        The area lies outside the reach of that system.
    """
    share = np.linspace(0.0, 1.0, _STEPS)
    u, v = (grid.ravel() for grid in np.meshgrid(share, share))
    low, high = area_local
    points = np.column_stack([low[0] + u * (high[0] - low[0]), low[1] + v * (high[1] - low[1])])
    there = context.frame.crs_from_local(points)
    if crs != context.frame.crs:
        there = context.transform(there, context.frame.crs, crs)
    if not np.isfinite(there).all():
        raise ReadError("The city lies outside the reach of the coordinate system {crs}.", crs=crs[:80])
    (west, south), (east, north) = there.min(axis=0).tolist(), there.max(axis=0).tolist()
    return west, south, east, north


def _parse(text: str) -> Floats:
    try:
        numbers = np.array([float(word) for word in text.split(",")])
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        raise ReadError("The chosen part {extent} is not four numbers.", extent=text[:80])
    area = numbers.reshape(2, 2)
    size = area[1] - area[0]
    if (size <= 0).any() or (size > MAX_SIDE_M).any():
        raise ReadError("The chosen part is empty or larger than {limit} km.", limit=round(MAX_SIDE_M / 1000))
    return area
