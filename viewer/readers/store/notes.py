"""The import report as JSON values and back, with the ids and places of faults as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.city import ImportReport, Issue, texts
from viewer.city.report import Fault, Severity

Array = NDArray[np.generic]


def report_to_json(report: ImportReport, arrays: dict[str, Array]) -> dict[str, Any]:
    """JSON values of a report; what is long goes into ``arrays``."""
    faults = []
    for number, fault in enumerate(report.faults):
        encoded, start = texts.pack(fault.ids)
        arrays[f"fault.{number}.ids"], arrays[f"fault.{number}.ids_start"] = encoded, start
        arrays[f"fault.{number}.places"] = np.asarray(fault.places_local, np.float64).reshape(-1, 3)
        faults.append({"code": fault.code, "lost": fault.lost})
    return {
        "source": report.source,
        "format": report.format,
        "version": report.version,
        "reader": report.reader,
        "crs": report.crs,
        "vertical_crs": report.vertical_crs,
        "extent_crs": None if report.extent_crs is None else [float(v) for v in report.extent_crs],
        "objects": report.objects,
        "lods": list(report.lods),
        "triangles": report.triangles,
        "seconds": report.seconds,
        "issues": [_issue_to_json(issue) for issue in report.issues],
        "faults": faults,
        "crs_read": report.crs_read,
    }


def report_from_json(value: Mapping[str, Any], arrays: Mapping[str, Array]) -> ImportReport:
    """The report again.

    Raises
    ------
    KeyError, TypeError, ValueError, ReadError
        It is none.
    """
    extent = value["extent_crs"]
    corners = None if extent is None else tuple(float(v) for v in extent)
    if corners is not None and len(corners) != 6:
        raise ValueError("an extent has six numbers")
    faults = []
    for number, fault in enumerate(value["faults"]):
        name = f"fault.{number}"
        encoded, start = arrays[f"{name}.ids"], arrays[f"{name}.ids_start"]
        if encoded.dtype != np.uint8 or start.dtype != np.int64 or encoded.ndim != 1 or start.ndim != 1:
            raise ValueError("texts are letters and offsets")
        ids = texts.PackedTexts(encoded, start).tolist()  # type: ignore[arg-type]
        stored = arrays[f"{name}.places"]
        if stored.shape != (len(ids), 3) or stored.dtype != np.float64:
            raise ValueError("one place for each id")
        places: NDArray[np.float64] = stored  # type: ignore[assignment]
        faults.append(Fault(str(fault["code"]), tuple(ids), places, bool(fault["lost"])))
    return ImportReport(
        source=str(value["source"]),
        format=str(value["format"]),
        version=str(value["version"]),
        reader=str(value["reader"]),
        crs=str(value["crs"]),
        vertical_crs=str(value["vertical_crs"]),
        extent_crs=corners,
        objects={str(kind): int(n) for kind, n in value["objects"].items()},
        lods=tuple(str(lod) for lod in value["lods"]),
        triangles=int(value["triangles"]),
        seconds=float(value["seconds"]),
        issues=tuple(_issue_from_json(issue) for issue in value["issues"]),
        faults=tuple(faults),
        crs_read=str(value["crs_read"]),
    )


def _issue_to_json(issue: Issue) -> dict[str, Any]:
    return {
        "severity": issue.severity.value,
        "text": issue.text,
        "count": int(issue.count),
        "where": list(issue.where),
        "values": {name: _plain(value) for name, value in issue.values.items()},
    }


def _issue_from_json(value: Mapping[str, Any]) -> Issue:
    where = tuple(str(place) for place in value["where"])
    return Issue(Severity(value["severity"]), str(value["text"]), int(value["count"]), where, dict(value["values"]))


def _plain(value: object) -> object:
    """Numbers and texts as they are, anything else as the text a person would have read."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
