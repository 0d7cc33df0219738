"""A whole city as a store: geometry and columns as arrays sorted by tiles, everything small in the manifest."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import viewer
from viewer.city import CityModel, Frame, ImportReport
from viewer.city.arrange import arrange
from viewer.city.cut import without_damage
from viewer.city.gate import MAX_EXTENT_M
from viewer.city.report import IssueLog, Severity
from viewer.city.tiles import LEFT_OUT_TEXT, Tiles
from viewer.errors import ReadError
from viewer.readers.store import appearance as looks
from viewer.readers.store.arrays import Array, Arrays, ArrayWriter, Split, read_arrays
from viewer.readers.store.check import Soundness, TileCheck
from viewer.readers.store.folder import NewFolder, damaged, read_manifest
from viewer.readers.store.mark import SourceMark
from viewer.readers.store.notes import report_from_json, report_to_json
from viewer.readers.store.objects import objects_of, put_objects

#: Kind and width of the geometry arrays, what they are counted by, and whether they are offsets.
GEOMETRY: dict[str, tuple[str, tuple[int, ...], str, int]] = {
    "positions_local": ("<f4", (3,), "vertex", 0), "ring_start": ("<i4", (), "ring", 1),
    "face_ring_start": ("<i4", (), "face", 1), "face_surface": ("|u1", (), "face", 0),
    "face_object": ("<i4", (), "face", 0), "face_lod": ("|u1", (), "face", 0),
    "triangles": ("<i4", (3,), "triangle", 0), "triangle_face": ("<i4", (), "triangle", 0),
}  # fmt: skip
#: Solid and shell of each face; only in cities whose solids have several.
SHELLS = "face_shell"
AXES = ("object", "feature", "face", "ring", "vertex", "triangle")
#: Cities up to this size are checked whole when they are opened.
CHECKED_AT_ONCE_BYTES = 32_000_000
MOST_LEVELS = 24
LOST_TEXT = "Ids or attributes of objects in this prepared city are damaged and left out: {count}"
#: Packages and modules whose change makes earlier copies worthless.
_CODE = (
    "readers", "city", "scenario", "plugin_api", "scene/city_mesh.py", "scene/coarse.py",
    "scene/faces.py", "scene/packing.py", "scene/ready_mesh.py", "scene/atlas.py", "scene/ready_atlas.py",
    "indicators/surfaces.py", "workspace/ready.py",
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
    written_at : seconds since 1970. damaged : something had to be left out.
    """

    city: CityModel
    report: ImportReport
    source: SourceMark | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    ready: Mapping[str, Array] = field(default_factory=dict)
    made_by: str = ""
    written_at: float = 0.0
    damaged: bool = False


def write_store(
    city: CityModel,
    folder: Path,
    source: SourceMark | None,
    report: ImportReport,
    *,
    options: Mapping[str, str] | None = None,
    questions: Mapping[str, str] | None = None,
    ready: Mapping[str, Array] | None = None,
    source_folder: Path | None = None,
) -> int:
    """Write a city into ``folder``, which appears in one step; the size in bytes.

    The city is sorted into tiles first if it is not (``arrange``).

    Parameters
    ----------
    source : the file it was read from, None if there are several.
    ready : arrays derived from the sorted city, see ``put_ready``; their names consist of lower-case letters,
        digits, ``_`` and ``.``.
    source_folder : where the file lies; pictures of textures are found from there.

    Raises
    ------
    OSError
        It could not be written; nothing half-written is left to be opened.
    """
    city = arrange(city)
    assert city.tiles is not None
    with NewFolder(folder) as new:
        writer = ArrayWriter(new.path)
        splits = put_tiles(writer, city.tiles)
        for name, array in city.arrays().items():
            writer.put(name, array, split_of(splits, name))
        if city.face_shell is not None:
            writer.put(SHELLS, city.face_shell, splits["face"])
        body = {
            "source": None if source is None else source.as_json(),
            "options": dict(options or {}),
            "questions": dict(questions or {}),
            "columns": put_objects(writer, city.objects, splits["object"]),
            **looks.put_appearance(writer, city.appearance, splits, source_folder),
            **describe(city),
        }
        put_ready(writer, ready or {}, splits)
        return seal(new, writer, body, report)


def put_tiles(writer: ArrayWriter, tiles: Tiles) -> dict[str, Split]:
    """Write the table of tiles; how arrays are divided by everything that is counted."""
    for name in ("code", "level", "low", "high"):
        writer.put(f"tile.{name}", getattr(tiles, name))
    for axis, start in tiles.starts().items():
        writer.put(f"tile.{axis}", np.asarray(start, np.int64))
    writer.put("tile.grid", np.array([*tiles.corner_local, tiles.side_m]))
    return {axis: Split(f"tile.{axis}", np.asarray(start, np.int64)) for axis, start in tiles.starts().items()}


def split_of(splits: Mapping[str, Split], name: str) -> Split:
    """How a geometry array is divided."""
    _, _, axis, extra = GEOMETRY[name]
    return replace(splits[axis], extra=extra)


def put_ready(writer: ArrayWriter, ready: Mapping[str, Array], splits: Mapping[str, Split]) -> None:
    """Write derived arrays.

    One with a companion ``NAME_tile_start``, (B + 1,) int64, is divided into tiles by it; one that is as long as
    there are vertices, faces or triangles by those. All others are checked whole at opening: numbers of buildings
    are used before any tile is looked at.
    """
    by_length = {int(splits[axis].start[-1]): splits[axis] for axis in ("triangle", "face", "vertex")}
    for name, array in ready.items():
        own = ready.get(f"{name}_tile_start")
        split = by_length.get(len(array)) if array.ndim else None
        if own is not None:
            split = Split(f"ready.{name}_tile_start", np.asarray(own, np.int64))
        writer.put(f"ready.{name}", array, None if name.endswith("_tile_start") else split)


def describe(city: CityModel) -> dict[str, Any]:
    """What the manifest says about a city."""
    table = city.objects
    return {
        "name": city.name,
        "attribution": city.attribution,
        "frame": frame_to_json(city.frame),
        "lods": list(city.lods),
        "types": list(table.types),
        "counts": {"objects": len(table), "faces": len(city.face_object), "triangles": len(city.triangles)},
    }


def seal(new: NewFolder, writer: ArrayWriter, body: Mapping[str, Any], report: ImportReport) -> int:
    """Finish a store whose arrays are written; its size in bytes. Raises OSError."""
    extra: dict[str, Array] = {}
    told = report_to_json(report, extra)
    for name, array in extra.items():
        writer.put(name, array)
    whole = {
        **body,
        "made_by": fingerprint(),
        "written_at": time.time(),
        "report": told,
        "arrays": writer.entries(),
    }
    return writer.size + new.finish(whole)


def open_store(
    folder: Path, log: IssueLog | None = None, noticed: Callable[[], None] | None = None, *, whole: bool = False
) -> Stored:
    """The city in ``folder``; its large arrays stay in their files and are mapped.

    What is small is checked now, tiles when they are first looked at (``Tiles.verify``). Damaged derived arrays are
    left out; they can be made again. A small city is checked whole: damaged tiles are left out and noted in ``log``,
    and ``Stored.damaged`` is true.

    Parameters
    ----------
    noticed : called whenever a damaged tile is found, now or later and in any thread.
    whole : check a large city whole as well.

    Raises
    ------
    ReadError
        It is damaged beyond its tiles, half written or of another version.
    """
    body = read_manifest(folder)
    arrays = read_arrays(folder, body, spare="ready.")
    if noticed is not None and arrays.lost:
        noticed()
    try:
        city, soundness = _city(folder, body, arrays)
        stored = Stored(
            city=city,
            report=report_from_json(body["report"], arrays.by_name),
            source=None if body["source"] is None else SourceMark.from_json(body["source"]),
            options={str(k): str(v) for k, v in body["options"].items()},
            questions={str(k): str(v) for k, v in body["questions"].items()},
            ready=_ready(arrays) if body["made_by"] == fingerprint() else {},
            made_by=str(body["made_by"]),
            written_at=float(body["written_at"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise damaged(str(error)[:80]) from error
    except ReadError as error:
        error.path = error.path or folder
        raise
    if noticed is not None:
        soundness.noticed = noticed
    if not whole and sum(known.array.nbytes for known in arrays.divided.values()) > CHECKED_AT_ONCE_BYTES:
        return stored
    return _whole(stored, soundness, arrays, IssueLog() if log is None else log)


def _whole(stored: Stored, soundness: Soundness, arrays: Arrays, log: IssueLog) -> Stored:
    """A city whose tiles are all looked at now; without those that are damaged."""
    drawn = set(_drawn(arrays))
    lost = soundness.broken_rows(name for name in arrays.divided if name not in drawn)
    if lost:
        log.add(Severity.WARNING, LOST_TEXT, count=lost)
    city, gone = without_damage(stored.city)
    if not gone:
        return replace(stored, city=city, damaged=bool(lost))
    log.add(Severity.WARNING, LEFT_OUT_TEXT, count=gone)
    return replace(stored, city=city, ready={}, damaged=True)


def _drawn(arrays: Arrays) -> tuple[str, ...]:
    """The divided arrays a picture is made of."""
    return tuple(name for name in arrays.divided if name in (*GEOMETRY, SHELLS) or name.startswith(("ready.", "look.")))


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


def _ready(arrays: Arrays) -> dict[str, Array]:
    return {name.removeprefix("ready."): a for name, a in arrays.by_name.items() if name.startswith("ready.")}


def _city(folder: Path, body: Mapping[str, Any], arrays: Arrays) -> tuple[CityModel, Soundness]:
    named = arrays.by_name
    x, y, z = (float(v) for v in body["frame"]["origin_crs"])
    if not np.isfinite((x, y, z)).all():
        raise damaged("frame")
    lods = tuple(str(lod) for lod in body["lods"])
    if not lods and len(named["face_lod"]):
        raise damaged("lods")
    tiles = _tiles(named)
    soundness = Soundness(arrays.divided, tiles.object_start)
    objects = objects_of(arrays, body["types"], body["columns"], soundness)
    starts = tiles.starts()
    for name, (dtype, tail, axis, extra) in GEOMETRY.items():
        array = named[name]
        if array.dtype.str != dtype or array.shape != (int(starts[axis][-1]) + extra, *tail):
            raise damaged(name)
        if len(tiles) and (name not in arrays.divided or arrays.divided[name].split.by != f"tile.{axis}"):
            raise damaged(name)
    _check_objects(objects.feature_of_object, len(objects.features), tiles)
    appearance = looks.appearance_of(named, body, starts, folder)
    geometry: dict[str, Any] = {name: named[name] for name in GEOMETRY}
    check = TileCheck(soundness, _drawn(arrays), geometry, starts, tiles.low, tiles.high, len(lods), appearance)
    shells: Any = named.get(SHELLS)
    if shells is not None and (shells.dtype.str != "<i4" or shells.shape != (int(starts["face"][-1]),)):
        raise damaged(SHELLS)
    city = CityModel(
        name=str(body["name"]),
        frame=Frame(str(body["frame"]["crs"]), (x, y, z), str(body["frame"]["vertical_crs"])),
        objects=objects,
        lods=lods,
        attribution=str(body["attribution"]),
        tiles=replace(tiles, verify=check),
        appearance=appearance,
        face_shell=shells,
        **geometry,
    )
    return city, soundness


def _tiles(named: Mapping[str, Array]) -> Tiles:
    """The table of tiles; its arrays are small and were checked, here only their sense is."""
    found: dict[str, Any] = {f"{axis}_start": named[f"tile.{axis}"] for axis in AXES}
    count = len(named["tile.code"])
    kinds: dict[str, tuple[str, tuple[int, ...]]]
    kinds = {"tile.code": ("<i8", (count,)), "tile.level": ("|u1", (count,)), "tile.grid": ("<f8", (3,))}
    kinds |= {"tile.low": ("<f8", (count, 3)), "tile.high": ("<f8", (count, 3))}
    kinds |= {f"tile.{axis}": ("<i8", (count + 1,)) for axis in AXES}
    for name, (dtype, shape) in kinds.items():
        if named[name].dtype.str != dtype or named[name].shape != shape:
            raise damaged(name)
    for name, start in found.items():
        if start[0] != 0 or (start[1:] < start[:-1]).any():
            raise damaged(name)
    code, level, low, high = (named[f"tile.{name}"] for name in ("code", "level", "low", "high"))
    codes: Any = code
    if count and (int(codes.min()) < 0 or (np.diff(codes) <= 0).any() or int(level.max()) > MOST_LEVELS):
        raise damaged("tile.code")
    boxes: Any = (low, high)
    there = np.isfinite(boxes[0]).all(axis=1) & np.isfinite(boxes[1]).all(axis=1)
    if there.any() and (boxes[1][there].max(axis=0) - boxes[0][there].min(axis=0)).max() > MAX_EXTENT_M:
        raise damaged("tile.low")
    if not (there | ((boxes[0] == np.inf) & (boxes[1] == -np.inf)).all(axis=1)).all():
        raise damaged("tile.low")
    x, y, side = (float(v) for v in named["tile.grid"])
    if not np.isfinite((x, y, side)).all() or side <= 0:
        raise damaged("tile.grid")
    return Tiles(code=codes, level=level, side_m=side, corner_local=(x, y), low=low, high=high, **found)  # type: ignore[arg-type]


def _check_objects(feature: NDArray[np.int32], features: int, tiles: Tiles) -> None:
    """Objects lie in the tile of their top-level object: else a tile would lead out of itself."""
    start = tiles.feature_start
    if features != int(start[-1]) or len(feature) != int(tiles.object_start[-1]):
        raise damaged("tile.feature")
    tile = np.repeat(np.arange(len(tiles)), np.diff(tiles.object_start))
    if len(feature) and ((feature < start[tile]) | (feature >= start[tile + 1])).any():
        raise damaged("parent")
