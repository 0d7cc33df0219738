"""A whole city as a store: geometry and columns as arrays, everything small in the manifest."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import viewer
from viewer.city import CityModel, Column, Frame, ImportReport, ObjectTable
from viewer.city.gate import check_city
from viewer.city.report import IssueLog
from viewer.errors import ReadError
from viewer.readers.store import texts
from viewer.readers.store.folder import Array, read_arrays, read_manifest, write_folder
from viewer.readers.store.mark import SourceMark
from viewer.readers.store.notes import report_from_json, report_to_json

_GEOMETRY = {
    "positions_local": "<f4", "ring_start": "<i4", "face_ring_start": "<i4", "face_surface": "|u1",
    "face_object": "<i4", "face_lod": "|u1", "triangles": "<i4", "triangle_face": "<i4",
}  # fmt: skip
#: Packages and modules whose change makes earlier copies worthless.
_CODE = (
    "readers", "city", "scenario", "plugin_api", "scene/city_mesh.py", "scene/ready_mesh.py", "workspace/ready.py",
    "_bundled/plugins", "../plugins",  # installed, and in the checkout: a bundled plugin may have made the city
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Stored:
    """What a store holds.

    Parameters
    ----------
    report : of the original reading. questions : what its reader had to assume, option -> value.
    options : choices it was read with. made_by : ``fingerprint`` of the program that wrote it.
    ready : arrays derived from the city, name -> array; empty if another version derived them.
    written_at : seconds since 1970.
    """

    city: CityModel
    report: ImportReport
    source: SourceMark | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    ready: Mapping[str, Array] = field(default_factory=dict)
    made_by: str = ""
    written_at: float = 0.0


def write_store(
    city: CityModel,
    folder: Path,
    source: SourceMark | None,
    report: ImportReport,
    *,
    options: Mapping[str, str] | None = None,
    questions: Mapping[str, str] | None = None,
    ready: Mapping[str, Array] | None = None,
) -> int:
    """Write a city into ``folder``, which appears in one step; the size in bytes.

    Parameters
    ----------
    source : the file it was read from, None if there are several.
    ready : arrays derived from the city, with names of lower-case letters, digits, ``_`` and ``.``.

    Raises
    ------
    OSError
        It could not be written; nothing half-written is left to be opened.
    """
    arrays: dict[str, Array] = dict(city.arrays())
    table = city.objects
    arrays["type_code"], arrays["parent"] = table.type_code, table.parent
    arrays["ids"], arrays["ids_start"] = texts.pack(table.ids.tolist())
    columns = []
    for number, (key, column) in enumerate(table.attributes.items()):
        columns.append({"key": key, "name": column.name, "numeric": column.numeric})
        if column.numeric:
            arrays[f"column.{number}"] = np.asarray(column.values, np.float64)
        else:
            arrays[f"column.{number}"], arrays[f"column.{number}.start"] = texts.pack(column.values.tolist())
    arrays.update({f"ready.{name}": array for name, array in (ready or {}).items()})
    body: dict[str, Any] = {
        "made_by": fingerprint(),
        "written_at": time.time(),
        "source": None if source is None else source.as_json(),
        "options": dict(options or {}),
        "questions": dict(questions or {}),
        "name": city.name,
        "attribution": city.attribution,
        "frame": frame_to_json(city.frame),
        "lods": list(city.lods),
        "types": list(table.types),
        "columns": columns,
        "counts": {"objects": len(table), "faces": len(city.face_object), "triangles": len(city.triangles)},
        "report": report_to_json(report, arrays),
    }
    return write_folder(folder, arrays, body)


def open_store(folder: Path, log: IssueLog | None = None) -> Stored:
    """The city in ``folder``, through the gate; its large arrays stay in their files and are mapped.

    Raises
    ------
    ReadError
        It is damaged, half written or of another version.
    """
    body = read_manifest(folder)
    arrays = read_arrays(folder, body)
    try:
        city = _city(body, arrays)
        report = report_from_json(body["report"], arrays)
        same = body["made_by"] == fingerprint()
        stored = Stored(
            city=check_city(city, log),
            report=report,
            source=None if body["source"] is None else SourceMark.from_json(body["source"]),
            options={str(k): str(v) for k, v in body["options"].items()},
            questions={str(k): str(v) for k, v in body["questions"].items()},
            ready={n.removeprefix("ready."): a for n, a in arrays.items() if n.startswith("ready.")} if same else {},
            made_by=str(body["made_by"]),
            written_at=float(body["written_at"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise texts.damaged(str(error)[:80]) from error
    except ReadError as error:
        error.path = error.path or folder
        raise
    return stored


@functools.cache
def fingerprint() -> str:
    """Version of the program and of the code a copy depends on; another one makes copies worthless."""
    digest = hashlib.sha256(viewer.__version__.encode())
    root = Path(viewer.__file__).parent
    for part in _CODE:
        place = root / part
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def frame_to_json(frame: Frame) -> dict[str, Any]:
    """JSON values of a frame."""
    return {"crs": frame.crs, "origin_crs": [float(v) for v in frame.origin_crs], "vertical_crs": frame.vertical_crs}


def _city(body: Mapping[str, Any], arrays: Mapping[str, Array]) -> CityModel:
    for name, dtype in {**_GEOMETRY, "type_code": "<u2", "parent": "<i4"}.items():
        if arrays[name].dtype.str != dtype:
            raise texts.damaged(name)
    x, y, z = (float(v) for v in body["frame"]["origin_crs"])
    lods = tuple(str(lod) for lod in body["lods"])
    objects = ObjectTable(
        ids=_texts(arrays, "ids", "ids_start"),
        types=tuple(str(kind) for kind in body["types"]),
        type_code=arrays["type_code"],  # type: ignore[arg-type]
        parent=arrays["parent"],  # type: ignore[arg-type]
        attributes=_columns(body["columns"], arrays),
    )
    geometry: dict[str, Any] = {name: arrays[name] for name in _GEOMETRY}
    frame = Frame(str(body["frame"]["crs"]), (x, y, z), str(body["frame"]["vertical_crs"]))
    attribution = str(body.get("attribution", ""))
    return CityModel(str(body["name"]), frame, objects=objects, lods=lods, attribution=attribution, **geometry)


def _columns(entries: list[Mapping[str, Any]], arrays: Mapping[str, Array]) -> dict[str, Column]:
    columns = {}
    for number, entry in enumerate(entries):
        key = f"column.{number}"
        values = arrays[key] if entry["numeric"] else _texts(arrays, key, f"{key}.start")
        if entry["numeric"] and values.dtype != np.float64:
            raise texts.damaged(key)
        columns[str(entry["key"])] = Column(str(entry["name"]), values)
    return columns


def _texts(arrays: Mapping[str, Array], name: str, start: str) -> NDArray[np.generic]:
    pieces = texts.unpack(arrays[name], arrays[start], name)  # type: ignore[arg-type]
    values: NDArray[np.generic] = np.array(pieces, dtype=np.dtypes.StringDType())
    values.setflags(write=False)
    return values
