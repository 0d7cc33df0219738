"""Where a tileset lies: on the globe (earth-centred), in a projected system, or nowhere in particular."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from viewer.city.frame import Frame
from viewer.plugin_api import ReadContext
from viewer.plugin_api.context import Transform

Floats = NDArray[np.float64]

#: Distances from the middle of the Earth between which places are on its surface, metres.
_EARTH_M = (6.30e6, 6.42e6)
#: Coordinates smaller than this are no map coordinates, metres.
_LOCAL_M = 50_000.0
#: What a tileset of ours says of its heights: they are those of the city it was made from.
KEPT_HEIGHTS = "as in the city's data"
GLOBE, DEGREES = "EPSG:4978", "EPSG:4326"
#: What lies outside the reach of a projection is everywhere, metres.
FAR_M = 1.0e6

NO_PLACE = "The file does not say where on Earth it lies; it was put in the middle of the city."
NO_PLACE_ALONE = "The file does not say where on Earth it lies."
ELLIPSOID = (
    "Heights are above the ellipsoid, not above sea level: beside a city with heights above sea level "
    "everything lies some 40 to 50 m too high in Germany."
)


class Kind(StrEnum):
    """What the coordinates of a tileset mean."""

    GLOBE = "globe"
    PROJECTED = "projected"
    LOCAL = "local"


@dataclass(frozen=True, eq=False)
class Placement:
    """Brings coordinates of a tileset (z up, metres) into the frame.

    crs : of the coordinates; empty for local ones. shift_m : added to the result, (3,).
    """

    kind: Kind
    frame: Frame
    transform: Transform
    crs: str = ""
    shift_m: Floats = field(default_factory=lambda: np.zeros(3))

    def local(self, points: Floats) -> Floats:
        """(..., 3) local metres of places in the tileset's coordinates; infinite where a projection ends."""
        if self.kind is Kind.LOCAL:
            return points + self.shift_m
        return self._framed(points, self.crs)

    def local_from_degrees(self, points: Floats) -> Floats:
        """(..., 3) local metres of longitude and latitude in degrees and height in metres."""
        return self._framed(points, DEGREES)

    def _framed(self, points: Floats, crs: str) -> Floats:
        if crs and self.frame.crs and crs != self.frame.crs:
            points = self.transform(points, crs, self.frame.crs)
        return self.frame.local_from_crs(points) + self.shift_m

    def turn(self, middle: Floats) -> Floats:
        """(3, 3) that turns directions at a place as the placement turns places there."""
        if self.kind is Kind.LOCAL:
            return np.eye(3)
        here = self.local(np.concatenate([middle[None], middle + np.eye(3)]))
        columns = (here[1:] - here[0]).T
        if not np.isfinite(columns).all():
            return np.eye(3)
        u, _, v = np.linalg.svd(columns)
        return np.asarray(u @ v)


def find_placement(
    context: ReadContext, corners: Floats, *, region: bool, heights: str = "ellipsoidal height"
) -> Placement:
    """How a tileset lies whose root has these corners (n, 3); sets the frame where no city is open.

    region : the root is bounded by longitude and latitude, so it is on the globe. heights : the system of its heights,
    where the file says that they are not above the ellipsoid as they should be.
    """
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    distance = float(np.linalg.norm(middle))
    chosen = context.options.get("crs", "")
    shift = np.array([0.0, 0.0, _number(context.options.get("height_shift", ""))])
    if region or (_EARTH_M[0] < distance < _EARTH_M[1] and not chosen):
        degrees = corners if region else context.transform(corners, GLOBE, DEGREES)
        known = degrees[np.isfinite(degrees).all(axis=1)]
        context.choose_crs(context, known, DEGREES)
        context.facts["crs"] = GLOBE
        context.facts["vertical_crs"] = heights
        if context.city_extent_local is not None and not shift.any() and heights == "ellipsoidal height":
            context.info(ELLIPSOID)
            context.questions["height_shift"] = "0"
        return Placement(Kind.GLOBE, context.frame, context.transform, GLOBE, shift)
    if not chosen and float(np.abs(corners[:, :2]).max()) < _LOCAL_M:
        return _anywhere(context, corners, shift)
    crs = context.choose_crs(context, corners, "")
    return Placement(Kind.PROJECTED, context.frame, context.transform, crs, shift)


def _anywhere(context: ReadContext, corners: Floats, shift: Floats) -> Placement:
    """In the middle of the open city, on its lowest ground; else where the numbers say."""
    context.questions["crs"] = ""
    extent = context.city_extent_local
    if extent is None:
        context.warn(NO_PLACE_ALONE)
    else:
        context.warn(NO_PLACE)
        low, high = corners.min(axis=0), corners.max(axis=0)
        shift = shift + np.append(extent[:, :2].mean(axis=0) - (low[:2] + high[:2]) / 2, 0.0)
        shift[2] += (extent[0, 2] if extent.shape[1] == 3 else 0.0) - low[2]
    return Placement(Kind.LOCAL, context.frame, context.transform, "", shift)


def _number(text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return 0.0
    return value if np.isfinite(value) and abs(value) < 1e5 else 0.0


#: Brings sample points of bounding volumes into the frame.
ToLocal = Callable[[Floats], Floats]


def boxes_of(points: Floats) -> tuple[Floats, Floats]:
    """Boxes (N, 3) around samples (N, m, 3); around everything where a sample has no place."""
    bad = np.asarray(~np.isfinite(points).all(axis=(1, 2)))
    points = np.where(bad[:, None, None], 0.0, points)
    low, high = points.min(axis=1), points.max(axis=1)
    low[bad], high[bad] = -FAR_M, FAR_M
    return low, high
