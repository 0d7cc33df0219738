"""Which reference system may be meant, judged by the numbers alone. Guesses are offered, never silently taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: crs, west, south, east, north in its own units, reason. Checked from top to bottom.
_GUESSES: tuple[tuple[str, float, float, float, float, str], ...] = (
    ("EPSG:4647", 32.2e6, 5.2e6, 32.9e6, 6.2e6, "{crs} was assumed, because the eastings begin with the UTM zone 32."),
    ("EPSG:5650", 33.1e6, 5.2e6, 33.9e6, 6.2e6, "{crs} was assumed, because the eastings begin with the UTM zone 33."),
    (
        "EPSG:31466",
        2.48e6,
        5.2e6,
        2.65e6,
        6.15e6,
        "{crs} was assumed, because the eastings belong to Gauß-Krüger zone 2.",
    ),
    (
        "EPSG:31467",
        3.35e6,
        5.2e6,
        3.65e6,
        6.15e6,
        "{crs} was assumed, because the eastings belong to Gauß-Krüger zone 3.",
    ),
    (
        "EPSG:31468",
        4.35e6,
        5.2e6,
        4.65e6,
        6.15e6,
        "{crs} was assumed, because the eastings belong to Gauß-Krüger zone 4.",
    ),
    (
        "EPSG:31469",
        5.35e6,
        5.2e6,
        5.65e6,
        6.15e6,
        "{crs} was assumed, because the eastings belong to Gauß-Krüger zone 5.",
    ),
    (
        "EPSG:2056",
        2.48e6,
        1.07e6,
        2.84e6,
        1.3e6,
        "{crs} was assumed, because the numbers are those of the Swiss grid LV95.",
    ),
    (
        "EPSG:25832",
        2.7e5,
        5.2e6,
        9.3e5,
        6.15e6,
        "{crs} was assumed, because the numbers are those of UTM zone 32, the usual one in Germany.",
    ),
    (
        "EPSG:25833",
        1.9e5,
        5.2e6,
        5.1e5,
        6.15e6,
        "{crs} was assumed, because the numbers are those of UTM zone 33, used in eastern Germany.",
    ),
    (
        "EPSG:3857",
        6.0e5,
        5.9e6,
        1.7e6,
        7.4e6,
        "{crs} was assumed, because the numbers are those of web maps (Web Mercator).",
    ),
    (
        "EPSG:2154",
        1.0e5,
        6.0e6,
        1.25e6,
        7.2e6,
        "{crs} was assumed, because the numbers are those of the French grid Lambert-93.",
    ),
    (
        "EPSG:3946",
        1.2e6,
        5.0e6,
        2.2e6,
        5.4e6,
        "{crs} was assumed, because the numbers are those of the French grid CC46.",
    ),
    (
        "EPSG:28992",
        7.0e3,
        3.0e5,
        3.0e5,
        6.3e5,
        "{crs} was assumed, because the numbers are those of the Dutch grid RD.",
    ),
    (
        "EPSG:31287",
        1.0e5,
        2.5e5,
        7.0e5,
        6.0e5,
        "{crs} was assumed, because the numbers are those of the Austrian Lambert grid.",
    ),
    (
        "EPSG:3068",
        5.0e3,
        5.0e3,
        5.0e4,
        4.5e4,
        "{crs} was assumed, because the numbers are those of the Berlin Soldner grid.",
    ),
)


def guess_crs(points_xy: Floats) -> list[tuple[str, str]]:
    """Systems in which (N, 2+) points without a CRS would lie in a sensible place, likeliest first.

    Returns pairs of CRS and reason (a sentence over ``crs``, for people). Empty if nothing fits, e.g. for a
    drawing around zero. Degrees are taken for what they are only if the data spans less than 3 degrees.
    """
    points = np.asarray(points_xy, dtype=np.float64)[:, :2]
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return []
    low, high = np.quantile(points, 0.02, axis=0), np.quantile(points, 0.98, axis=0)
    found: list[tuple[str, str]] = []
    if (np.abs(low) <= 180).all() and (np.abs(high) <= 180).all():
        fractions = float(np.mean(points != np.round(points)))
        if (high - low).max() < 3.0 and fractions > 0.5 and np.abs(points).max() > 1.0:
            x, y = points.T
            if share_in_europe(x, y) > 0.5:
                return [
                    (
                        "EPSG:4326",
                        "{crs} was assumed, because the numbers are degrees of longitude and latitude in Europe.",
                    )
                ]
            if share_in_europe(y, x) > 0.5:
                return [
                    (
                        "EPSG:4326",
                        "{crs} was assumed, because the numbers are degrees of latitude and longitude in Europe.",
                    )
                ]
            return [
                ("EPSG:4326", "{crs} was assumed, because the numbers look like degrees of longitude and latitude.")
            ]
        return []
    for crs, west, south, east, north, reason in _GUESSES:
        if west <= low[0] and high[0] <= east and south <= low[1] and high[1] <= north:
            found.append((crs, reason))
    return found


def share_in_europe(lon: Floats, lat: Floats) -> float:
    """Share of places that lie in Europe, 0 to 1."""
    return float(np.mean((lon > -25) & (lon < 45) & (lat > 34) & (lat < 72)))
