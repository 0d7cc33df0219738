"""The one gate: whatever delivers a city or a layer, its arrays pass here before anybody draws or measures them.

Broken structure is refused; single bad faces, triangles or places are dropped and noted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from viewer.city.layers import AreaLayer, ImageLayer, Layer, LineLayer, PointLayer, TerrainLayer, TreeLayer
from viewer.city.model import CityModel, Column, ObjectTable
from viewer.city.report import IssueLog, Severity
from viewer.city.solids import told
from viewer.errors import ReadError

#: Nothing anybody calls a city is wider, metres.
MAX_EXTENT_M = 2.0e6
#: Largest tree that is believed, metres of height or crown.
MAX_TREE_M = 150.0
MAX_IMAGE_SIDE = 32_768
#: So many points are compared at once.
_SIDE_BY_SIDE = 64
#: So many triangles are looked at together.
_BLOCK = 50_000
#: No ground is higher above or deeper below a city, metres.
MAX_HEIGHT_M = 12_000.0

Array = NDArray[np.generic]


def check_city(model: CityModel, log: IssueLog | None = None) -> CityModel:
    """The same city, safe to draw and measure.

    Faces with a place that is no number, or that make the city wider than 2000 km, are dropped; triangles that
    leave their face or have no three corners are dropped; both are noted in ``log``.

    Raises
    ------
    ReadError
        Sizes, offsets or indices contradict each other: nothing can be trusted.
    """
    log = IssueLog() if log is None else log
    _check_structure(model)
    _check_objects(model.objects)
    vertex_ok = _near_or_all(model.positions_local)
    sizes = np.diff(model.face_start)
    face_ok = sizes >= 3
    if not vertex_ok.all():
        face_ok &= _count_per_face(~vertex_ok, model.face_start) == 0
    if not face_ok.all():
        bad = np.flatnonzero(~face_ok)
        log.add(
            Severity.WARNING,
            "Faces with impossible coordinates, left out: {count}",
            count=len(bad),
            where=_object_ids(model, bad),
        )
        model = select_faces(model, face_ok)
    return _check_triangles(model, log)


def select_faces(model: CityModel, keep: NDArray[np.bool_]) -> CityModel:
    """The city with only the faces where ``keep`` (F,) is true; all objects stay."""
    keep = np.asarray(keep, dtype=bool)
    if keep.all():
        return model
    ring_keep = np.repeat(keep, np.diff(model.face_ring_start))
    vertex_keep = np.repeat(keep, np.diff(model.face_start))
    triangle_keep = keep[model.triangle_face]
    new_vertex = (np.cumsum(vertex_keep) - 1).astype(np.int32)
    new_face = (np.cumsum(keep) - 1).astype(np.int32)
    return replace(
        model,
        positions_local=model.positions_local[vertex_keep],
        ring_start=offsets(np.diff(model.ring_start)[ring_keep]),
        face_ring_start=offsets(np.diff(model.face_ring_start)[keep]),
        face_surface=model.face_surface[keep],
        face_object=model.face_object[keep],
        face_lod=model.face_lod[keep],
        triangles=new_vertex[model.triangles[triangle_keep]],
        triangle_face=new_face[model.triangle_face[triangle_keep]],
        tiles=None,
        appearance=None if model.appearance is None else model.appearance.take(vertex_keep, keep),
        face_shell=None if model.face_shell is None else told(model.face_shell[keep]),
    )


def offsets(sizes: NDArray[np.integer]) -> NDArray[np.int32]:
    """(n + 1,) int32 offsets of n pieces of these sizes."""
    result = np.zeros(len(sizes) + 1, dtype=np.int32)
    np.cumsum(sizes, out=result[1:])
    return result


def extent(points: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """(k,) lowest and (k,) highest coordinates of (n, k) points, one at least; no numbers where one is none.

    Many rows side by side: several times as fast as along short rows or columns.
    """
    columns = points.shape[1]
    whole = len(points) - len(points) % _SIDE_BY_SIDE
    wide = points[:whole].reshape(-1, _SIDE_BY_SIDE * columns) if whole else points[:0].reshape(0, columns)
    found = []
    for of in (np.minimum, np.maximum):
        parts = [of.reduce(wide, axis=0).reshape(-1, columns)] if whole else []
        found.append(of.reduce(np.concatenate([*parts, points[whole:]]), axis=0))
    return found[0], found[1]


def check_layer(layer: Layer, log: IssueLog | None = None) -> Layer:
    """The same layer, safe to draw. Rows without a place or with an impossible size are dropped and noted.

    Raises
    ------
    ReadError
        Sizes, offsets or indices contradict each other.
    """
    log = IssueLog() if log is None else log
    _check_attributes(layer)
    if isinstance(layer, TreeLayer):
        return _check_trees(layer, log)
    if isinstance(layer, PointLayer):
        _require(_is_table(layer.positions_local, 3), "positions_local")
        _check_history(layer)
        keep = _places(layer.positions_local[:, :2], log)
        if keep.all():
            return layer
        history = None if layer.history is None else layer.history.of_rows(keep)
        return replace(_select_rows(layer, keep, "positions_local"), history=history)  # type: ignore[call-arg]
    if isinstance(layer, LineLayer):
        _require(_is_table(layer.positions_local, 2), "positions_local")
        _check_offsets(layer.line_start, len(layer.positions_local), "line_start")
        _require(np.isfinite(layer.width_m) and layer.width_m > 0, "width_m")
        return _check_lines(layer, log)
    if isinstance(layer, AreaLayer):
        return _check_areas(layer, log)
    if isinstance(layer, ImageLayer):
        _check_image(layer)
    if isinstance(layer, TerrainLayer):
        return _check_terrain(layer, log)
    return layer


# -- city ------------------------------------------------------------------------------------------------------


def _require(condition: object, name: str) -> None:
    if not condition:
        raise ReadError(
            "The data contradicts itself ({name}) and cannot be shown.",
            hint="This is a fault of the reader or plugin that delivered it.",
            name=name,
        )


def _is_table(array: Array, columns: int) -> bool:
    return array.ndim == 2 and array.shape[1] == columns and array.dtype.kind == "f"


def _check_offsets(start: NDArray[np.integer], end: int, name: str) -> None:
    _require(start.ndim == 1 and start.dtype.kind in "iu" and len(start) >= 1, name)
    _require(int(start[0]) == 0 and int(start[-1]) == end, name)
    _require((start[1:] >= start[:-1]).all(), name)


def check_index(index: NDArray[np.integer], length: int, count: int, name: str, lowest: int = 0) -> None:
    """Refuse an index of another length, or with numbers that are not from ``lowest`` to ``count`` - 1.

    Raises
    ------
    ReadError
        It is; ``name`` says which one.
    """
    _require(index.ndim == 1 and len(index) == length and index.dtype.kind in "iu", name)
    if len(index):
        _require(int(index.min()) >= lowest and int(index.max()) < count, name)


def _check_structure(model: CityModel) -> None:
    _require(_is_table(model.positions_local, 3) and model.positions_local.dtype == np.float32, "positions_local")
    _check_offsets(model.ring_start, len(model.positions_local), "ring_start")
    _check_offsets(model.face_ring_start, len(model.ring_start) - 1, "face_ring_start")
    faces = len(model.face_ring_start) - 1
    check_index(model.face_object, faces, len(model.objects), "face_object")
    check_index(model.face_lod, faces, len(model.lods), "face_lod")
    check_index(model.face_surface, faces, 256, "face_surface")
    if model.face_shell is not None:
        check_index(model.face_shell, faces, 2**31, "face_shell")
    _require(np.isfinite(model.frame.origin_crs).all(), "frame")
    triangles = model.triangles
    _require(triangles.ndim == 2 and triangles.shape[1] == 3 and triangles.dtype.kind in "iu", "triangles")
    check_index(model.triangle_face, len(triangles), faces, "triangle_face")
    _require((model.triangle_face[1:] >= model.triangle_face[:-1]).all(), "triangle_face")
    if len(triangles):
        _require(
            int(triangles.min()) >= 0 and int(triangles.max()) < len(model.positions_local),
            "triangles",
        )

    if model.appearance is not None:
        fault = model.appearance.fault(len(model.positions_local), faces)
        _require(not fault, fault)


def _check_objects(objects: ObjectTable) -> None:
    count = len(objects.parent)
    _require(len(objects.ids) == count, "ids")
    check_index(objects.type_code, count, max(len(objects.types), 1), "type_code")
    check_index(objects.parent, count, count, "parent", lowest=-1)
    for name, column in objects.attributes.items():
        _require(isinstance(column, Column) and column.values.shape == (count,), name)
        _require(column.values.dtype.kind in "fT", name)


def _count_per_face(flags: NDArray[np.bool_], face_start: NDArray[np.int32]) -> NDArray[np.int64]:
    running = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(flags, out=running[1:])
    return running[face_start[1:]] - running[face_start[:-1]]


def _near(positions: NDArray[np.floating], usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows that are finite and no farther than half the largest extent from the middle of all of them."""
    if not usable.any():
        return usable
    middle = np.median(positions[usable].astype(np.float64), axis=0)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(usable & (np.abs(positions - middle) <= MAX_EXTENT_M / 2).all(axis=1))


def _object_ids(model: CityModel, faces: NDArray[np.int64]) -> tuple[str, ...]:
    objects = dict.fromkeys(model.face_object[faces[:1000]].tolist())
    return tuple(str(model.objects.ids[i]) for i in list(objects)[: IssueLog.MAX_PLACES])


def _check_triangles(model: CityModel, log: IssueLog) -> CityModel:
    """Drop triangles with repeated corners or corners of another face."""
    triangles, face = model.triangles, model.triangle_face
    good = np.empty(len(triangles), bool)
    face_start = model.face_start
    for begin in range(0, len(triangles), _BLOCK):  # blocks stay in the processor's memory
        own = slice(begin, begin + _BLOCK)
        low, high = face_start[face[own]], face_start[face[own] + 1]
        a, b, c = np.ascontiguousarray(triangles[own].T)
        inside = (np.minimum(np.minimum(a, b), c) >= low) & (np.maximum(np.maximum(a, b), c) < high)
        good[own] = inside & (a != b) & (b != c) & (c != a)
    if good.all():
        return model
    log.add(
        Severity.WARNING,
        "Triangles that do not belong to their face, left out: {count}",
        count=int((~good).sum()),
        where=_object_ids(model, face[~good].astype(np.int64)),
    )
    return replace(model, triangles=triangles[good], triangle_face=face[good])


# -- layers ----------------------------------------------------------------------------------------------------


def _check_attributes(layer: Layer) -> None:
    for name, values in layer.attributes.items():
        _require(values.ndim == 1 and len(values) == len(layer), name)


def _check_history(layer: PointLayer) -> None:
    history = layer.history
    if history is None:
        return
    _require(len(history.start) == len(layer) + 1, "history.start")
    _check_offsets(history.start, len(history.values), "history.start")
    for array in (history.time_s, history.values):
        _require(array.ndim == 1 and array.dtype.kind == "f" and len(array) == len(history.values), "history")


def _places(xy: NDArray[np.floating], log: IssueLog) -> NDArray[np.bool_]:
    keep = _near_or_all(xy)
    _note(log, "Entries without a usable place, left out: {count}", keep)
    return keep


def _note(log: IssueLog, text: str, keep: NDArray[np.bool_]) -> None:
    bad = np.flatnonzero(~keep)
    where = tuple(str(row + 1) for row in bad[: IssueLog.MAX_PLACES].tolist())
    log.add(Severity.WARNING, text, count=len(bad), where=where)


def _select_rows(layer: Layer, keep: NDArray[np.bool_], *names: str) -> Layer:
    changed: dict[str, object] = {name: getattr(layer, name)[keep] for name in names}
    changed["attributes"] = {name: values[keep] for name, values in layer.attributes.items()}
    return replace(layer, **changed)  # type: ignore[arg-type]


def _check_trees(layer: TreeLayer, log: IssueLog) -> Layer:
    _require(_is_table(layer.positions_local, 3), "positions_local")
    for name in ("height_m", "crown_m", "conifer"):
        _require(getattr(layer, name).shape == (len(layer),), name)
    keep = _places(layer.positions_local[:, :2], log)
    with np.errstate(invalid="ignore"):
        sized = (layer.height_m > 0) & (layer.crown_m > 0)
        sized &= (layer.height_m <= MAX_TREE_M) & (layer.crown_m <= MAX_TREE_M)
    _note(log, "Trees of an impossible size, left out: {count}", sized | ~keep)
    keep = keep & sized
    return layer if keep.all() else _select_rows(layer, keep, "positions_local", "height_m", "crown_m", "conifer")


def _check_lines(layer: LineLayer, log: IssueLog) -> Layer:
    sizes = np.diff(layer.line_start)
    bad_points = ~_near_or_all(layer.positions_local)
    keep = (_count_per_face(bad_points, layer.line_start) == 0) & (sizes >= 2)
    if keep.all():
        return layer
    _note(log, "Entries without a usable place, left out: {count}", keep)
    return replace(
        layer,
        positions_local=layer.positions_local[np.repeat(keep, sizes)],
        line_start=offsets(sizes[keep]),
        attributes={name: values[keep] for name, values in layer.attributes.items()},
    )


def _near_or_all(xy: NDArray[np.floating]) -> NDArray[np.bool_]:
    if len(xy):
        low, high = extent(xy)
        with np.errstate(invalid="ignore", over="ignore"):
            if (high - low <= MAX_EXTENT_M).all():
                return np.ones(len(xy), bool)
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(xy).all(axis=1))
    return _near(xy, finite)


def _check_areas(layer: AreaLayer, log: IssueLog) -> Layer:
    """Polygons with a bad place go; their rows stay, so that attributes keep their meaning."""
    _require(_is_table(layer.positions_local, 2), "positions_local")
    _check_offsets(layer.ring_start, len(layer.positions_local), "ring_start")
    _check_offsets(layer.polygon_ring_start, len(layer.ring_start) - 1, "polygon_ring_start")
    polygons = len(layer.polygon_ring_start) - 1
    _require(layer.feature_count >= 0, "feature_count")
    check_index(layer.polygon_feature, polygons, layer.feature_count, "polygon_feature")
    ring_sizes = np.diff(layer.ring_start)
    start = layer.ring_start[layer.polygon_ring_start]
    keep = _count_per_face(~_near_or_all(layer.positions_local), start) == 0
    keep &= _count_per_face(ring_sizes < 3, layer.polygon_ring_start) == 0
    keep &= np.diff(layer.polygon_ring_start) > 0
    if keep.all():
        return layer
    _note(log, "Areas with an impossible outline, left out: {count}", keep)
    ring_keep = np.repeat(keep, np.diff(layer.polygon_ring_start))
    return replace(
        layer,
        positions_local=layer.positions_local[np.repeat(keep, np.diff(start))],
        ring_start=offsets(ring_sizes[ring_keep]),
        polygon_ring_start=offsets(np.diff(layer.polygon_ring_start)[keep]),
        polygon_feature=layer.polygon_feature[keep],
    )


def _check_image(layer: ImageLayer) -> None:
    rgba = layer.rgba
    _require(rgba.ndim == 3 and rgba.shape[2] == 4 and rgba.dtype == np.uint8, "rgba")
    _require(0 < rgba.shape[0] <= MAX_IMAGE_SIDE and 0 < rgba.shape[1] <= MAX_IMAGE_SIDE, "rgba")
    corners = layer.corners_local
    _require(corners.shape == (4, 2) and np.isfinite(corners).all(), "corners_local")
    _require(np.ptp(corners, axis=0).max() <= MAX_EXTENT_M, "corners_local")
    around = np.roll(corners, -1, axis=0)
    area = abs(float((corners[:, 0] * around[:, 1] - around[:, 0] * corners[:, 1]).sum())) / 2
    _require(area > 0, "corners_local")


def _check_terrain(layer: TerrainLayer, log: IssueLog) -> Layer:
    """Heights nobody on this planet has ground at become unknown."""
    heights = layer.heights
    _require(heights.ndim == 2 and heights.dtype == np.float32, "heights")
    _require(min(heights.shape) >= 2 and max(heights.shape) <= MAX_IMAGE_SIDE, "heights")
    _require(np.isfinite(layer.cell_m) and layer.cell_m > 0 and np.isfinite(layer.origin_local).all(), "cell_m")
    _require(layer.cell_m * max(heights.shape) <= MAX_EXTENT_M, "cell_m")
    with np.errstate(invalid="ignore"):
        odd = ~np.isnan(heights) & ~(np.abs(heights) <= MAX_HEIGHT_M)
    if not odd.any():
        return layer
    log.add(Severity.WARNING, "Impossible heights in the terrain, left out: {count}", count=int(odd.sum()))
    return replace(layer, heights=np.where(odd, np.float32(np.nan), heights))
