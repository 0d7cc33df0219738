"""A city model back to CityJSON 2.0: whole vertices with a transform, semantics, parents and attributes.

What is written reads back as the same city. Nothing here decides where files belong or keeps backups.
"""

from __future__ import annotations

import gzip
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from itertools import islice, pairwise
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
import orjson
from numpy.typing import NDArray

from viewer.city.frame import Frame
from viewer.city.kinds import SURFACE_NAMES, SurfaceType
from viewer.city.lod import faces_at
from viewer.city.measures import measure
from viewer.city.model import CityModel
from viewer.city.solids import arranged, is_composite
from viewer.errors import SaveError
from viewer.readers.cityjson_appearance_writer import AppearanceWriter
from viewer.readers.cityjson_header import VERTICAL_MEMBER
from viewer.readers.json_parse import collector_off
from viewer.scenario.apply import changed_positions
from viewer.scenario.change import CityChange

Ints = NDArray[np.int64]

#: Object types of CityJSON 2.0; any other is written as an extension type (``+Name``).
_TYPES = frozenset(
    {
        "Bridge", "BridgeConstructiveElement", "BridgeFurniture", "BridgeInstallation", "BridgePart", "BridgeRoom",
        "Building", "BuildingConstructiveElement", "BuildingFurniture", "BuildingInstallation", "BuildingPart",
        "BuildingRoom", "BuildingStorey", "BuildingUnit", "CityFurniture", "CityObjectGroup", "GenericCityObject",
        "LandUse", "OtherConstruction", "PlantCover", "Railway", "Road", "SolitaryVegetationObject", "TINRelief",
        "TransportSquare", "Tunnel", "TunnelConstructiveElement", "TunnelFurniture", "TunnelHollowSpace",
        "TunnelInstallation", "TunnelPart", "WaterBody", "Waterway",
    }
)  # fmt: skip

#: Types of CityGML that are written as the one they are the nearest to.
_TERRAINS = frozenset({"MassPointRelief", "BreaklineRelief", "RasterRelief"})

#: Types that CityJSON 2.0 allows surfaces only, never solids.
_SURFACES_ONLY = frozenset({"LandUse", "Railway", "Road", "TINRelief", "TransportSquare", "Waterway"})

_NAME_OF_SURFACE: dict[int, str] = {}
for _name, _surface in SURFACE_NAMES.items():
    _NAME_OF_SURFACE.setdefault(int(_surface), _name)

#: Codes of reference systems made of a horizontal and a vertical one.
_COMPOUND = {
    ("EPSG:28992", "EPSG:5709"): 7415,
    ("EPSG:25831", "EPSG:5783"): 5554,
    ("EPSG:25832", "EPSG:5783"): 5555,
    ("EPSG:25833", "EPSG:5783"): 5556,
}


def write_cityjson(
    city: CityModel,
    target: str | PathLike[str] | IO[bytes],
    *,
    change: CityChange | None = None,
    only_features: NDArray[np.bool_] | NDArray[np.integer] | None = None,
    extra_metadata: Mapping[str, object] | None = None,
    precision_m: float = 0.001,
) -> None:
    """Write a city as CityJSON 2.0.

    Parameters
    ----------
    target : a path (replaced only when all is written; ``.gz`` packs it) or an open binary file.
    change : heights as changed by a scenario; objects it removes are left out.
    only_features : (K,) bool or positions of the top-level objects to write, with all below them.
    extra_metadata : members added to ``metadata`` (``title``, ``pointOfContact``, ``referenceDate``).
    precision_m : size of a coordinate step, metres; 0.01 makes small files.

    Raises
    ------
    SaveError
        It cannot be written. A file that was at ``target`` before is whole.
    """
    text = to_cityjson(
        city, change=change, only_features=only_features, extra_metadata=extra_metadata, precision_m=precision_m
    )
    if isinstance(target, (str, PathLike)):
        _replace(Path(target), text)
        return
    try:
        target.write(text)
    except OSError as error:
        raise SaveError("The city could not be written: {reason}.", reason=error.strerror or "") from error


def to_cityjson(
    city: CityModel,
    *,
    change: CityChange | None = None,
    only_features: NDArray[np.bool_] | NDArray[np.integer] | None = None,
    extra_metadata: Mapping[str, object] | None = None,
    precision_m: float = 0.001,
    pictures: Mapping[int, str] | None = None,
) -> bytes:
    """The text ``write_cityjson`` writes, UTF-8.

    pictures : what the file calls the pictures of textures, by their number in the city's appearance; others are left
    out. Materials are always written.
    """
    wanted = _wanted_features(city, change, only_features)
    positions: NDArray[np.floating] = city.positions_local
    if change is not None:
        positions = changed_positions(city, measure(city, faces_at(city)), change)
    shell = Shell.of(city, positions, wanted[city.face_feature], precision_m)
    looks = None
    if city.appearance is not None:
        looks = AppearanceWriter(
            city, shell.faces, shell.face_ring, shell.ring_start, shell.source, {} if pictures is None else pictures
        )
    with collector_off():
        document: dict[str, Any] = {
            "type": "CityJSON",
            "version": "2.0",
            "transform": {"scale": [precision_m] * 3, "translate": shell.translate.tolist()},
            "metadata": metadata_of(city, shell, precision_m, extra_metadata or {}),
            "CityObjects": city_objects(city, shell, wanted, looks),
            "vertices": shell.vertices.tolist(),
        }
        if looks is not None and looks.sections[0]:
            document["appearance"] = looks.sections[0]
        return orjson.dumps(document)


class Shell:
    """The faces to write, sorted by object and level, over shared whole-number vertices.

    vertices (V, 3) int64; rings (P,) int64 into them, ring_start (R + 1,), face_ring (F + 1,);
    faces (F,) positions in the city; source (P,) the city's vertex of every point; group_start (G + 1,) faces of one
    object at one level; closed (G,).
    """

    def __init__(self, city: CityModel, faces: Ints, face_ring: Ints, ring_start: Ints, rings: Ints) -> None:
        self.faces, self.face_ring, self.ring_start, self.rings = faces, face_ring, ring_start, rings
        self.vertices: Ints = np.zeros((0, 3), np.int64)
        self.source: Ints = np.zeros(0, np.int64)
        self.translate = np.zeros(3)
        self.group_object: Ints = np.zeros(0, np.int64)
        self.group_lod: Ints = np.zeros(0, np.int64)
        self.group_start: Ints = np.zeros(1, np.int64)
        self.closed: NDArray[np.bool_] = np.zeros(0, np.bool_)
        if len(faces):
            key = city.face_object[faces].astype(np.int64) * 256 + city.face_lod[faces]
            first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
            self.group_start = np.append(first, len(faces))
            self.group_object, self.group_lod = key[first] // 256, key[first] % 256

    @classmethod
    def of(cls, city: CityModel, positions: NDArray[np.floating], wanted: NDArray[np.bool_], step_m: float) -> Shell:
        rank = {name: i for i, name in enumerate(city.lods)}
        lod_rank = np.array(list(rank.values()) or [0])[city.face_lod]
        shells = () if city.face_shell is None else (city.face_shell,)
        order = np.lexsort((*shells, lod_rank, city.face_object))
        order = order[wanted[order]]
        ring_count = np.diff(city.face_ring_start)[order].astype(np.int64)
        ring = _ranges(city.face_ring_start[order].astype(np.int64), ring_count)
        point_count = np.diff(city.ring_start)[ring].astype(np.int64)
        point = _ranges(city.ring_start[ring].astype(np.int64), point_count)

        world = city.frame.crs_from_local(positions[point])
        translate = np.floor(world.min(axis=0)) if len(world) else np.zeros(3)
        whole = np.rint((world - translate) / step_m).astype(np.int64)
        vertices, index = _unique_rows(whole)

        # Points that fell together are written once; what is left of a ring with less than three is no ring.
        ring_of_point = np.repeat(np.arange(len(ring)), point_count)
        keep = index != _previous_in_ring(index, point_count)
        sizes = np.bincount(ring_of_point[keep], minlength=len(ring))
        face_of_ring = np.repeat(np.arange(len(order)), ring_count)
        outer = np.append(True, face_of_ring[1:] != face_of_ring[:-1])[: len(ring)]
        face_ok = np.zeros(len(order), np.bool_)
        face_ok[face_of_ring[outer & (sizes >= 3)]] = True
        ring_ok = (sizes >= 3) & face_ok[face_of_ring]
        keep &= ring_ok[ring_of_point]
        face_sizes = np.bincount(face_of_ring[ring_ok], minlength=len(order))[face_ok]
        shell = cls(city, order[face_ok], _starts(face_sizes), _starts(sizes[ring_ok]), index[keep])
        shell.vertices, shell.translate, shell.source = vertices, translate, point[keep]
        shell.closed = shell._closed_groups()
        return shell

    def _closed_groups(self) -> NDArray[np.bool_]:
        """(G,) bool: every edge of the group is run along as often in one direction as in the other."""
        n_groups = len(self.group_object)
        sizes = np.diff(self.ring_start)
        following = np.arange(len(self.rings)) + 1
        following[self.ring_start[1:] - 1] = self.ring_start[:-1]
        start, end = self.rings, self.rings[following] if len(self.rings) else self.rings
        face_of_ring = np.repeat(np.arange(len(self.faces)), np.diff(self.face_ring))
        group_of_face = np.repeat(np.arange(n_groups), np.diff(self.group_start))
        group = np.repeat(group_of_face[face_of_ring], sizes)
        low, high = np.minimum(start, end), np.maximum(start, end)
        order = np.lexsort((high, low, group))
        sign = np.where(start < end, 1, -1)[order]
        group, low, high = group[order], low[order], high[order]
        new = np.append(True, (np.diff(group) != 0) | (np.diff(low) != 0) | (np.diff(high) != 0))[: len(group)]
        closed = np.ones(n_groups, np.bool_)
        if len(group):
            open_edge = np.add.reduceat(sign, np.flatnonzero(new)) != 0
            closed[group[new][open_edge]] = False
        return closed & (np.diff(self.group_start) >= 4)

    def surfaces(self) -> list[list[list[int]]]:
        """Every face as its rings of vertex numbers (JSON is made of lists, so lists they become)."""
        points = self.rings.tolist()
        rings = [points[a:b] for a, b in pairwise(self.ring_start.tolist())]
        return [rings[a:b] for a, b in pairwise(self.face_ring.tolist())]


def city_objects(
    city: CityModel, shell: Shell, wanted: NDArray[np.bool_], looks: AppearanceWriter | None = None
) -> dict[str, dict[str, Any]]:
    objects = city.objects
    if not len(objects):
        return {}
    ids: list[str] = objects.ids.tolist()
    type_names = [_written_type(name) for name in objects.types]
    kept = np.flatnonzero(wanted[objects.feature_of_object])
    entries: dict[int, dict[str, Any]] = {
        i: {"type": type_names[code]} for i, code in zip(kept.tolist(), objects.type_code[kept].tolist(), strict=True)
    }
    for i, parent in zip(kept.tolist(), objects.parent[kept].tolist(), strict=True):
        if parent >= 0:
            entries[i]["parents"] = [ids[parent]]
            entries[parent].setdefault("children", []).append(ids[i])
    for name, column in objects.attributes.items():
        values = column.values[kept]
        has = ~np.isnan(values) if column.numeric else values != ""
        given = values[has]
        if column.numeric and np.array_equal(given, np.rint(given)) and (np.abs(given) < 2**53).all():
            given = given.astype(np.int64)
        for i, value in zip(kept[has].tolist(), given.tolist(), strict=True):
            entries[i].setdefault("attributes", {})[name] = value
    _add_geometry(city, shell, entries, looks)
    if "TINRelief" in type_names:  # break lines may have no surface of their own, but the member is asked for
        for entry in entries.values():
            if entry["type"] == "TINRelief":
                entry.setdefault("geometry", [])
    return {ids[i]: entry for i, entry in entries.items()}


def _written_type(name: str) -> str:
    if name in _TERRAINS:
        return "TINRelief"
    return name if name in _TYPES or name.startswith("+") else f"+{name}"


def _add_geometry(
    city: CityModel, shell: Shell, entries: dict[int, dict[str, Any]], looks: AppearanceWriter | None
) -> None:
    surfaces = shell.surfaces()
    codes: list[int] = city.face_surface[shell.faces].tolist()
    starts = shell.group_start.tolist()
    groups = zip(shell.group_object.tolist(), shell.group_lod.tolist(), shell.closed.tolist(), strict=True)
    solids_of = None if city.face_shell is None else city.face_shell[shell.faces]
    for (begin, end), (owner, lod, closed) in zip(pairwise(starts), groups, strict=True):
        kind = entries[owner]["type"]
        # Surfaces that belong to none of several solids come first, and are a geometry of their own.
        loose = begin if solids_of is None else begin + int((solids_of[begin:end] == 0).sum())
        for first, last in ((begin, loose), (loose, end)) if begin < loose < end else ((begin, end),):
            numbers = None if solids_of is None else solids_of[first:last]
            name, nested = _shape(kind, closed=closed and first == begin and last == end, shells=numbers)
            geometry: dict[str, Any] = {
                "type": name, "lod": city.lods[lod] or "0", "boundaries": nested(surfaces[first:last])
            }  # fmt: skip
            semantics = _semantics(codes[first:last], water=kind == "WaterBody")
            if semantics is not None:
                geometry["semantics"] = {"surfaces": semantics[0], "values": nested(semantics[1])}
            if looks is not None:
                geometry.update(looks.members(first, last, nested))
            entries[owner].setdefault("geometry", []).append(geometry)


def _shape(
    kind: str, *, closed: bool, shells: NDArray[np.int32] | None
) -> tuple[str, Callable[[list[Any]], list[Any]]]:
    """The type of a geometry, and a way to nest a list with an entry per face as deep as it asks."""
    if kind not in _SURFACES_ONLY:
        solids = [] if shells is None else arranged(shells)
        if len(solids) > 1:
            name = "CompositeSolid" if shells is not None and is_composite(shells).all() else "MultiSolid"
            return name, lambda values: _nested(values, solids)
        if solids:
            return "Solid", lambda values: _nested(values, solids)[0]
        if closed and (shells is None or not shells.any()):
            return "Solid", lambda values: [values]
    return "CompositeSurface" if kind == "TINRelief" else "MultiSurface", lambda values: values


def _nested(values: list[Any], solids: list[list[int]]) -> list[list[list[Any]]]:
    """Solids of shells of values."""
    rest = iter(values)
    return [[list(islice(rest, count)) for count in shells] for shells in solids]


def _semantics(codes: list[int], *, water: bool) -> tuple[list[dict[str, str]], list[int | None]] | None:
    known = sorted(set(codes) - {int(SurfaceType.UNKNOWN)})
    if not known:
        return None
    position: dict[int, int | None] = {code: i for i, code in enumerate(known)}
    names = [_NAME_OF_SURFACE[code] for code in known]
    if water:
        names = ["WaterClosureSurface" if name == "ClosureSurface" else name for name in names]
    return [{"type": name} for name in names], [position.get(code) for code in codes]


def metadata_of(city: CityModel, shell: Shell, step_m: float, extra: Mapping[str, object]) -> dict[str, object]:
    result: dict[str, object] = {}
    if len(shell.vertices):
        low, high = shell.vertices.min(axis=0), shell.vertices.max(axis=0)
        corners = np.concatenate([low, high]) * step_m + np.tile(shell.translate, 2)
        result["geographicalExtent"] = [round(value, 6) for value in corners.tolist()]
    if city.name:
        result["title"] = city.name
    result.update(_reference_system(city.frame))
    result.update(extra)
    return result


def _reference_system(frame: Frame) -> dict[str, object]:
    """The reference system as CityJSON spells it; nothing where it has no code."""
    result: dict[str, object] = {}
    code = _COMPOUND.get((frame.crs, frame.vertical_crs))
    match = re.fullmatch(r"EPSG:(\d+)", frame.crs)
    if code is None and match:
        code = int(match[1])
        if frame.vertical_crs:
            result[VERTICAL_MEMBER] = frame.vertical_crs
    if code is not None:
        result["referenceSystem"] = f"https://www.opengis.net/def/crs/EPSG/0/{code}"
    return result


def _wanted_features(
    city: CityModel, change: CityChange | None, only: NDArray[np.bool_] | NDArray[np.integer] | None
) -> NDArray[np.bool_]:
    wanted = np.ones(max(len(city.objects.features), 1), np.bool_)
    if only is not None:
        wanted[:] = False
        wanted[only] = True
    if change is not None:
        wanted[: len(change.exists)] &= change.exists
    return wanted


def _replace(path: Path, text: bytes) -> None:
    """Write beside the file, then put it in its place."""
    if path.suffix == ".gz":
        text = gzip.compress(text, mtime=0)
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise SaveError("The city could not be written: {reason}.", path=path, reason=error.strerror or "") from error


def _starts(counts: NDArray[np.integer]) -> Ints:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _ranges(first: Ints, counts: Ints) -> Ints:
    """All of ``first[i] .. first[i] + counts[i]``, one after the other."""
    if not len(counts):
        return np.zeros(0, np.int64)
    return np.repeat(first - _starts(counts)[:-1], counts) + np.arange(int(counts.sum()))


def _previous_in_ring(index: Ints, sizes: Ints) -> Ints:
    """The point before each one in its ring; the last one before the first."""
    if not len(index):
        return index
    previous = np.roll(index, 1)
    starts = _starts(sizes)
    filled = sizes > 0
    previous[starts[:-1][filled]] = index[starts[1:][filled] - 1]
    return previous


def _unique_rows(rows: Ints) -> tuple[Ints, Ints]:
    """Different rows in the order they first come, and the number of each given row among them."""
    if not len(rows):
        return rows, np.zeros(0, np.int64)
    order = np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))
    ordered = rows[order]
    new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    first = order[new]
    by_appearance = np.argsort(first)
    number = np.empty(len(first), np.int64)
    number[by_appearance] = np.arange(len(first))
    index = np.empty(len(rows), np.int64)
    index[order] = number[np.cumsum(new) - 1]
    return rows[first[by_appearance]], index
