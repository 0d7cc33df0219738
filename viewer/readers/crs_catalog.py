"""All coordinate systems a person may choose, and where data would land in one: for setting a system by hand.

Offline: names come from PROJ's own database, places from a short table. Nothing is transformed for good here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from viewer.errors import CrsError
from viewer.readers.crs import parse_crs, transform
from viewer.readers.places import PLACES

_EARTH_M = 6_371_000.0


@dataclass(frozen=True, slots=True)
class CrsEntry:
    """A system to choose: ``"EPSG:25832"``, its name, and the region it is made for."""

    code: str
    name: str
    area: str
    box_deg: tuple[float, float, float, float] | None = None

    def matches(self, words: tuple[str, ...]) -> bool:
        """Whether all words (lower case) occur in code, name or region."""
        text = f"{self.code} {self.name} {self.area}".lower()
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True, eq=False)
class Landing:
    """Where points would lie.

    degrees : (n, 2) longitude and latitude, degrees; NaN for what lies nowhere.
    share : of the points that lie in the region the system is made for, 0..1.
    place, distance_km : the nearest place of the table and how far it is from the middle; "" and NaN for none.
    """

    degrees: NDArray[np.float64]
    share: float
    place: str
    distance_km: float


@lru_cache(maxsize=1)
def list_crs() -> tuple[CrsEntry, ...]:
    """Every projected, geographic and compound system of the EPSG registry that is in use, by code."""
    from pyproj.database import query_crs_info
    from pyproj.enums import PJType

    kinds = [PJType.PROJECTED_CRS, PJType.GEOGRAPHIC_2D_CRS, PJType.COMPOUND_CRS]
    found = [
        CrsEntry(
            f"EPSG:{info.code}",
            info.name,
            "" if info.area_of_use is None else info.area_of_use.name,
            None if info.area_of_use is None else tuple(info.area_of_use.bounds),
        )
        for info in query_crs_info(auth_name="EPSG", pj_types=kinds)
    ]
    return tuple(sorted(found, key=lambda entry: int(entry.code.split(":")[1])))


def landing(points_xy: NDArray[np.float64], crs: str) -> Landing:
    """Where (n, 2) points, as the file writes them, would lie if they were in ``crs``.

    Raises
    ------
    CrsError
        The system is unknown or cannot be brought to degrees.
    """
    known = parse_crs(crs)
    if not known.known:
        raise CrsError(
            "The coordinate system {crs} is not known.", hint="Choose another one, e.g. EPSG:25832.", crs=crs
        )
    points = np.asarray(points_xy, np.float64).reshape(-1, 2)
    degrees = np.array(transform(points, known.horizontal, "EPSG:4326"), dtype=np.float64)
    bad = ~np.isfinite(degrees).all(axis=1) | (np.abs(degrees[:, 0]) > 180) | (np.abs(degrees[:, 1]) > 90)
    degrees[bad] = np.nan
    if bad.all():
        return Landing(degrees, 0.0, "", float("nan"))
    middle = np.nanmedian(degrees, axis=0)
    place, distance = _nearest(middle)
    return Landing(degrees, _share_in_region(degrees, known.horizontal), place, distance)


def _share_in_region(degrees: NDArray[np.float64], horizontal: str) -> float:
    import pyproj

    area = pyproj.CRS(horizontal).area_of_use
    if area is None:
        return 1.0
    lon, lat = degrees.T
    with np.errstate(invalid="ignore"):
        if area.west <= area.east:
            across = (lon >= area.west) & (lon <= area.east)
        else:
            across = (lon >= area.west) | (lon <= area.east)
        return float(np.mean(across & (lat >= area.south) & (lat <= area.north)))


def _nearest(degrees: NDArray[np.float64]) -> tuple[str, float]:
    """Nearest place of the table and its distance along the sphere, km."""
    names, places = _table()
    lon, lat = np.radians(degrees)
    far, up = np.radians(places).T
    inside = np.sin((up - lat) / 2) ** 2 + np.cos(up) * np.cos(lat) * np.sin((far - lon) / 2) ** 2
    distance = 2 * _EARTH_M * np.arcsin(np.sqrt(np.clip(inside, 0, 1))) / 1000.0
    best = int(np.argmin(distance))
    return names[best], float(distance[best])


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    return tuple(PLACES), np.array(list(PLACES.values()))[:, ::-1]
