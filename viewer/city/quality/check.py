"""The whole check of one city, in blocks of faces, so that memory stays small and progress can be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viewer.city.cut import without_damage
from viewer.city.geometry import face_geometry
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.city.model import CityModel
from viewer.city.quality.findings import Collector, QualityReport
from viewer.city.quality.objects import HEIGHT_M, OVERLAP_SHARE, Buildings
from viewer.city.quality.places import FLOAT_M, check_places, check_terrain
from viewer.city.quality.polygons import NORMALS_DEG, PLANE_M, SNAP_M, Polygons
from viewer.city.quality.shells import check_shells
from viewer.city.report import ImportReport, Issue, Severity
from viewer.city.tiles import LEFT_OUT_TEXT

#: Told with every report: name -> value and unit.
TOLERANCES: dict[str, tuple[float, str]] = {
    "snap": (SNAP_M, "m"),
    "planarity": (PLANE_M, "m"),
    "normals": (NORMALS_DEG, "°"),
    "height": (HEIGHT_M, "m"),
    "overlap": (100 * OVERLAP_SHARE, "%"),
    "floating": (FLOAT_M, "m"),
}

_BLOCK_POINTS = 400_000
#: Messages of the readers that are told as faults with all ids, and therefore not once more.
_COVERED = frozenset(
    {
        "Faces with fewer than three corners, left out: {count}",
        "Faces without an area, left out: {count}",
        "Faces with impossible coordinates, left out: {count}",
        "Faces that cross themselves, drawn approximately: {count}",
        "Objects with an id that another object has already; a number was added: {count}",
    }
)


def check_quality(
    city: CityModel,
    report: ImportReport | None = None,
    on_progress: Callable[[float, str], None] | None = None,
) -> QualityReport:
    """Look for every fault of ``RULES`` in a city.

    Parameters
    ----------
    report : of the reading; its ``faults`` are what the reader has repaired or left out and the city no longer
        shows, its other messages are passed on.
    on_progress : called with the share done and what is being done (a translation key); may raise to cancel.

    Notes
    -----
    Positions are float32: 4 km from the origin of the city they are 0.2 to 0.5 mm apart, 30 km away 2 to 4 mm, and
    the tolerance of points that are the same widens accordingly.
    """

    def tell(share: float, text: str) -> None:
        if on_progress is not None:
            on_progress(share, text)

    city, gone = without_damage(city)
    if gone and report is not None:
        report = replace(report, issues=(*report.issues, Issue(Severity.WARNING, LEFT_OUT_TEXT, gone)))
    found = Collector(city.objects.ids)
    tell(0.0, "Checking the surfaces")
    broken: NDArray[np.bool_] = np.zeros(len(city.face_object), dtype=bool)
    first = 0
    start = city.face_start
    while first < len(broken):
        last = int(np.searchsorted(start, int(start[first]) + _BLOCK_POINTS, side="right")) - 1
        last = min(max(last, first + 1), len(broken))
        broken[first:last] = Polygons(city, first, last).check(found)
        first = last
        tell(0.5 * first / len(broken), "Checking the surfaces")
    _lost_while_reading(city, report, found, broken)

    tell(0.5, "Checking the bodies")
    shape = face_geometry(city)
    check_shells(city, shape, broken, found)
    tell(0.7, "Checking the buildings")
    faces = faces_at(city)
    buildings = Buildings(city, faces, shape, measure(city, faces, shape))
    if len(city.objects):
        buildings.check_objects(found)
        buildings.check_attributes(found)
        tell(0.8, "Looking for buildings that overlap")
        buildings.check_twins(found)
        check_places(buildings, found)
        tell(0.9, "Comparing with the terrain")
        check_terrain(buildings, found)
    if report is not None:
        unnamed = any("does not name its coordinate system" in issue.text for issue in report.issues)
        if unnamed or not (city.frame.crs or report.crs):
            found.add_file("P01")
        if not (city.frame.vertical_crs or report.vertical_crs):
            found.add_file("P02")
    tell(1.0, "")
    return _report(city, report, found, buildings)


def _lost_while_reading(
    city: CityModel, report: ImportReport | None, found: Collector, broken: NDArray[np.bool_]
) -> None:
    """Add what the reader has repaired or left out; objects that lost surfaces are not judged as bodies."""
    if report is None:
        return
    for fault in report.faults:
        found.add_named(fault.code, list(fault.ids), fault.places_local)
        if fault.lost:
            touched = np.isin(city.objects.ids, np.array(list(set(fault.ids)), dtype=city.objects.ids.dtype))
            found.faulty |= touched
            broken |= touched[city.face_object]


def _report(city: CityModel, report: ImportReport | None, found: Collector, buildings: Buildings) -> QualityReport:
    shaped = np.bincount(city.face_object, minlength=len(city.objects)) > 0
    messages = () if report is None else tuple(i for i in report.issues if i.text not in _COVERED)
    return QualityReport(
        name=city.name,
        frame=city.frame,
        findings=found.findings(),
        messages=messages,
        buildings=int(buildings.measures.is_building.sum()),
        objects=len(city.objects),
        faces=len(city.face_object),
        shaped_objects=int((shaped | found.faulty).sum()),
        sound_objects=int((shaped & ~found.faulty).sum()),
        format="" if report is None else report.format,
        version="" if report is None else report.version,
        facts={
            "crs": city.frame.crs or (report.crs if report is not None else ""),
            "vertical_crs": city.frame.vertical_crs or (report.vertical_crs if report is not None else ""),
        },
    )
