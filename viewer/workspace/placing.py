"""Places of a source as its file writes them, so that another coordinate system can be tried out before it is set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city import CityModel, ImageLayer, Layer
from viewer.readers.crs import transform
from viewer.workspace.workspace import Workspace

#: Enough points to see where and how large something is.
_SAMPLE = 400


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Where a source lies now.

    points_xy : (n, 2) float64, some of its points in ``crs``, as the file writes them; empty if there are none.
    crs : the system it was read in, "" if it stands on its own.
    """

    points_xy: NDArray[np.float64]
    crs: str


def placed(workspace: Workspace, key: str) -> Placed:
    """Some points of a source in the system its file was read in."""
    city = workspace.source_city(key)
    local = _city_points(city) if city is not None else _layer_points(workspace.layer(key))
    frame = city.frame if city is not None else workspace.frame
    report = workspace.reports.get(key)
    own = frame.crs if report is None else report.crs_read or report.crs or frame.crs
    points = frame.crs_from_local(local)
    if frame.crs and own and own != frame.crs:
        points = transform(points, frame.crs, own)
    return Placed(points, own)


def city_degrees(workspace: Workspace, without: str = "") -> NDArray[np.float64]:
    """(n, 2) longitude and latitude of some points of the open cities but one; empty if there is no other."""
    found = []
    for source in workspace.session.document.sources:
        city = workspace.source_city(source.key)
        if source.key != without and city is not None and city.frame.crs:
            found.append(transform(city.frame.crs_from_local(_city_points(city)), city.frame.crs, "EPSG:4326"))
    return np.concatenate(found) if found else np.empty((0, 2))


def _city_points(city: CityModel) -> NDArray[np.float64]:
    points = city.positions_local
    return np.asarray(points[:: max(1, len(points) // _SAMPLE), :2], np.float64)


def _layer_points(layers: tuple[Layer, ...]) -> NDArray[np.float64]:
    found = []
    for layer in layers:
        if isinstance(layer, ImageLayer):
            found.append(np.asarray(layer.corners_local, np.float64))
            continue
        points = getattr(layer, "positions_local", None)
        if points is not None and len(points):
            found.append(np.asarray(points[:: max(1, len(points) // _SAMPLE), :2], np.float64))
    return np.concatenate(found) if found else np.empty((0, 2))
