"""Footprints of buildings from vector files, raised to block models (LoD1).

What has no height gets a stated assumption, never a silent one. GDAL reads through pyogrio, one of five
formats by what the file begins with; lists of other files (VRT), addresses and ``/vsi`` paths are refused.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.city.model import CityModel
from viewer.errors import ReadError
from viewer.plugin_api import ReadContext
from viewer.plugin_api.prisms import Rings, extrude
from viewer.plugin_api.raw import RawCity
from viewer.readers.assemble import assemble
from viewer.readers.footprint_columns import (
    GROUND_NAMES,
    HEIGHT_NAMES,
    MAX_HEIGHT_M,
    MAX_STOREYS,
    STOREY_NAMES,
    believed,
    guess,
    numbers,
)
from viewer.readers.store.folder import FORMAT
from viewer.readers.vector_files import LayerInfo, plain_value, plain_values, polygon_layers, read_layer

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Assumed where nothing is known, metres.
DEFAULT_HEIGHT_M = 9.0
STOREY_HEIGHT_M = 3.0

HEIGHT_GUESSED = "Heights come from the column {column} ({count} buildings)."
HEIGHT_FROM_STOREYS = "Heights were assumed from storeys in the column {column}, {height_m} m each ({count} buildings)."
HEIGHT_DEFAULT = "Buildings without a height were assumed {height_m} m high ({count})."
NO_SUCH_COLUMN = "There is no column {column} with numbers; heights were taken from elsewhere."
NO_SUCH_LAYER = "There is no layer {layer} in this file; {used} was read."
OTHER_LAYERS = "The file has more layers, they were not read: {layers}."
ROOF_Z = "The footprints lie at roof height; the ground was assumed one building height below ({count} buildings)."
NO_GROUND = "The footprints have no ground height; they stand at {ground_m} m."
NEIGHBOUR_GROUND = "Buildings without a ground height stand as high as their nearest neighbour ({count})."
REPAIRED = "Outlines that cross or touch themselves were repaired ({count})."
NOT_POLYGONS = "Entries that are no polygons were left out ({count})."
NO_SHAPE = "Entries without a shape were left out ({count})."
ENDLESS = "Entries with impossible coordinates were left out ({count})."

_GEOMETRY_COLLECTION, _POLYGON, _MULTI_POLYGON = 7, 3, 6
#: Heights outside are stand-ins for "unknown" (9999 and the like), metres.
_LOWEST_Z, _HIGHEST_Z = -450.0, 8900.0
_ID_NAMES = ("gmlid", "id", "uuid", "oid", "identificatie", "objectid", "osmid", "uid", "gid")


def looks_like_footprints(path: str | PathLike[str], head: bytes = b"") -> float:
    """How sure it is that a vector file shows buildings, 0 to 1; 0 for anything else or unreadable.

    Judged by the names of layers and columns and by a height column, without reading the shapes.
    """
    if FORMAT.encode() in head[:200]:
        return 0.0  # a prepared city: not worth loading what reads vector files
    try:
        layers = polygon_layers(Path(path))
    except ReadError:
        return 0.0
    return max((layer.score for layer in layers), default=0.0)


def read_footprints(path: str | PathLike[str], context: ReadContext) -> CityModel:
    """Read polygons as buildings of LoD1.

    Options: ``layer``, ``height_column``, ``storeys_column``, ``ground_column``, ``default_height_m``,
    ``storey_height_m``, ``ground_m``, ``z_is`` (``"ground"`` or ``"roof"``, for shapes with heights), ``crs``.
    What was assumed stands in ``context.questions`` under the same names.

    Raises
    ------
    ReadError
        No vector file of a known format, or no polygon in it.
    CrsError
        It cannot be brought into the frame of ``context``.
    """
    path = Path(path)
    layer = _choose_layer(path, context)
    context.progress.report(0.05, "Reading the file")
    table = read_layer(path, layer.name, context)
    context.progress.report(0.4, "Raising buildings")
    shapes, keep = _polygons(table.shapes, context, path)
    columns = {name: values[keep] for name, values in table.columns.items()}
    fids = table.fids[keep]
    parts, part_owner, rings = _rings(shapes)
    heights, used = _heights(columns, len(shapes), context)
    ground = _ground(parts, part_owner, heights, columns, context)
    prisms = extrude(rings, ground[part_owner], (ground + heights)[part_owner])

    attributes = {name: (np.arange(len(fids)), plain_values(values)) for name, values in columns.items()}
    attributes = {name: column for name, column in attributes.items() if any(v is not None for v in column[1])}
    for name, known in used.items():
        if np.isfinite(known).any():
            attributes.setdefault(name, (np.arange(len(fids)), plain_values(known)))
    raw = RawCity(
        points_crs=prisms.points,
        ring_start=prisms.ring_start,
        ring_face=prisms.ring_face,
        face_object=part_owner[prisms.face_polygon],
        face_surface=prisms.face_surface,
        face_lod=np.zeros(len(prisms.face_polygon), np.int64),
        lods=["1"],
        object_ids=_ids(columns, fids, layer.name),
        object_types=["Building"] * len(fids),
        object_parent=np.full(len(fids), -1, np.int64),
        attributes=attributes,
        crs=table.crs,
        name=layer.name,
        format=table.driver,
    )
    return assemble(raw, context, path=path)


# -- layers and columns ----------------------------------------------------------------------------------------


def _choose_layer(path: Path, context: ReadContext) -> LayerInfo:
    layers = polygon_layers(path)
    if not layers:
        raise ReadError("There are no polygons in this file.", path=path)
    wanted = context.options.get("layer", "")
    chosen = next((layer for layer in layers if layer.name == wanted), layers[0])
    if wanted and chosen.name != wanted:
        context.warn(NO_SUCH_LAYER, layer=wanted, used=chosen.name)
    others = [layer.name for layer in layers if layer is not chosen]
    if others:
        if not wanted:
            context.questions["layer"] = chosen.name
        context.info(OTHER_LAYERS, layers=", ".join(others[:10]))
    return chosen


def _ids(columns: dict[str, NDArray[np.generic]], fids: Ints, layer: str) -> list[str]:
    """The first id column in which every value is there once; else the layer's name and row."""
    by_name = {name.lower().replace("_", ""): name for name in columns}
    for own in _ID_NAMES:
        if own not in by_name:
            continue
        values = [plain_value(value) for value in columns[by_name[own]].tolist()]
        texts = [f"{value:.0f}" if isinstance(value, float) else str(value) for value in values]
        if all(value is not None for value in values) and len(set(texts)) == len(texts):
            return texts
    return [f"{layer}.{fid}" for fid in fids.tolist()]


# -- shapes ----------------------------------------------------------------------------------------------------


def _polygons(
    shapes: NDArray[np.object_], context: ReadContext, path: Path
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Valid polygons and multipolygons, and (n,) which entries they are."""
    import shapely

    filled = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    context.warn(NO_SHAPE, count=int((~filled).sum()))
    coordinates, entry = shapely.get_coordinates(shapes, return_index=True)
    endless = np.bincount(entry[~np.isfinite(coordinates).all(axis=1)], minlength=len(shapes)) > 0
    context.warn(
        ENDLESS, count=int(endless.sum()), where=tuple(f"row {i + 1}" for i in np.flatnonzero(endless)[:20].tolist())
    )
    filled &= ~endless  # geometry libraries stop at them
    kinds = shapely.get_type_id(shapes)
    polygonal = np.isin(kinds, (_POLYGON, _MULTI_POLYGON, _GEOMETRY_COLLECTION)) & filled
    invalid = polygonal & ~shapely.is_valid(shapes)
    shapes = shapes.copy()
    if invalid.any():
        shapes[invalid] = shapely.make_valid(shapes[invalid])
        context.warn(
            REPAIRED, count=int(invalid.sum()), where=tuple(f"row {i + 1}" for i in np.flatnonzero(invalid)[:20])
        )
    keep = polygonal & (shapely.area(shapes) > 0)
    context.warn(NOT_POLYGONS, count=int((filled & ~keep).sum()))
    if not keep.any():
        raise ReadError("There are no polygons in this file.", path=path)
    return shapes[keep], keep


def _rings(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], Ints, Rings]:
    """Single polygons, the shape each belongs to, and their rings without repeated points."""
    import shapely

    parts, owner = shapely.get_parts(shapes, return_index=True)
    parts, inner = shapely.get_parts(parts, return_index=True)  # a collection may hold multipolygons
    owner = owner[inner]
    usable = (shapely.get_type_id(parts) == _POLYGON) & (shapely.area(parts) > 0)
    parts, owner = shapely.orient_polygons(parts[usable], exterior_cw=False), owner[usable]
    lines, ring_polygon = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(lines, return_index=True)
    keep = np.ones(len(xy), np.bool_)
    keep[:-1] = (xy[1:] != xy[:-1]).any(axis=1) & (ring[1:] == ring[:-1])
    keep[-1] = False  # every ring ends where it began
    sizes = np.bincount(ring[keep], minlength=len(lines))
    return parts, owner, Rings(xy[keep], np.concatenate([[0], np.cumsum(sizes)]), ring_polygon)


# -- heights ---------------------------------------------------------------------------------------------------


def _heights(
    columns: dict[str, NDArray[np.generic]], count: int, context: ReadContext
) -> tuple[Floats, dict[str, Floats]]:
    """(n,) height above ground of every building, and what is really known, by CityGML name."""
    height_name, height = _column(columns, count, "height_column", HEIGHT_NAMES, MAX_HEIGHT_M, context)
    storeys_name, storeys = _column(columns, count, "storeys_column", STOREY_NAMES, MAX_STOREYS, context)
    storey_m = _option(context, "storey_height_m", STOREY_HEIGHT_M)
    default_m = _option(context, "default_height_m", DEFAULT_HEIGHT_M)
    measured = np.isfinite(height)
    by_storeys = ~measured & np.isfinite(storeys)
    neither = ~measured & ~by_storeys
    if "height_column" not in context.options:
        context.questions["height_column"] = height_name
    context.info(HEIGHT_GUESSED, count=int(measured.sum()), column=height_name)
    context.warn(HEIGHT_FROM_STOREYS, count=int(by_storeys.sum()), column=storeys_name, height_m=f"{storey_m:g}")
    if neither.any():
        context.questions.setdefault("default_height_m", f"{default_m:g}")
        context.warn(HEIGHT_DEFAULT, count=int(neither.sum()), height_m=f"{default_m:g}")
    known = {"measuredHeight": height, "storeysAboveGround": storeys}
    return np.where(measured, height, np.where(by_storeys, storeys * storey_m, default_m)), known


def _column(
    columns: dict[str, NDArray[np.generic]],
    count: int,
    option: str,
    names: tuple[str, ...],
    most: float,
    context: ReadContext,
) -> tuple[str, Floats]:
    """The chosen column, else a guessed one; ("", all NaN) where there is none."""
    wanted = context.options.get(option, "")
    if wanted:
        found = believed(numbers(columns[wanted]), most) if wanted in columns else np.full(count, np.nan)
        if np.isfinite(found).any():
            return wanted, found
        context.warn(NO_SUCH_COLUMN, column=wanted)
    name, found = guess(columns, names, most)
    return name, found if name else np.full(count, np.nan)


def _option(context: ReadContext, name: str, default: float) -> float:
    """A number a person chose, above zero; the default otherwise."""
    try:
        value = float(context.options.get(name, default))
    except ValueError:
        return default
    return value if 0 < value <= MAX_HEIGHT_M else default


def _ground(
    parts: NDArray[np.object_],
    owner: Ints,
    heights: Floats,
    columns: dict[str, NDArray[np.generic]],
    context: ReadContext,
) -> Floats:
    """(n,) height of the ground under every building: a column, the shapes' own heights, else one level."""
    count = len(heights)
    level = _ground_level(context)
    wanted = context.options.get("ground_column", "")
    if wanted in columns:
        ground = numbers(columns[wanted])
    else:
        name, ground = guess(columns, GROUND_NAMES, _HIGHEST_Z)
        ground = ground if name else np.full(count, np.nan)
    lowest, middle = _shape_heights(parts, owner, count)
    known = np.isfinite(middle)
    if known.any() and not np.isfinite(ground).all():
        at_roof = context.options.get("z_is") == "roof" or (
            "z_is" not in context.options and _lies_at_roof(parts, owner, middle, heights)
        )
        if "z_is" not in context.options:
            context.questions["z_is"] = "roof" if at_roof else "ground"
        from_shape = middle - heights if at_roof else lowest
        if at_roof:
            context.warn(ROOF_Z, count=int((known & ~np.isfinite(ground)).sum()))
        ground = np.where(np.isfinite(ground), ground, from_shape)
    missing = ~np.isfinite(ground)
    if missing.all():
        context.info(NO_GROUND, count=count, ground_m=f"{level:g}")
        return np.full(count, level)
    if missing.any():
        context.warn(NEIGHBOUR_GROUND, count=int(missing.sum()))
        ground = _from_neighbours(parts, owner, ground)
    return ground


def _from_neighbours(parts: NDArray[np.object_], owner: Ints, ground: Floats) -> Floats:
    """``ground`` with what is missing taken from the nearest building that has it."""
    import shapely

    centres = _centres(parts, owner, len(ground))
    known, missing = np.flatnonzero(np.isfinite(ground)), np.flatnonzero(~np.isfinite(ground))
    pairs = shapely.STRtree(centres[known]).query_nearest(centres[missing], all_matches=False)
    result = ground.copy()
    result[missing[pairs[0]]] = ground[known[pairs[1]]]
    return result


def _centres(parts: NDArray[np.object_], owner: Ints, count: int) -> NDArray[np.object_]:
    """(n,) points: the middle of the first part of each shape."""
    import shapely

    first_part = np.zeros(count, np.int64)
    first_part[owner[::-1]] = np.arange(len(owner))[::-1]
    centres: NDArray[np.object_] = shapely.centroid(parts[first_part])
    return centres


def _ground_level(context: ReadContext) -> float:
    """Where footprints without heights stand: as chosen, else the lowest height of the open city, else 0."""
    try:
        return float(context.options["ground_m"])
    except (KeyError, ValueError):
        return context.frame.origin_crs[2] if context.frame.crs else 0.0


def _shape_heights(parts: NDArray[np.object_], owner: Ints, count: int) -> tuple[Floats, Floats]:
    """(n,) lowest and mean z of each shape; NaN without heights, and where all of the file lies at 0."""
    import shapely

    none = np.full(count, np.nan)
    if not shapely.has_z(parts).any():
        return none, none
    points, part = shapely.get_coordinates(parts, include_z=True, return_index=True)
    z, shape = points[:, 2], owner[part]
    given = np.isfinite(z) & (z > _LOWEST_Z) & (z < _HIGHEST_Z)
    if not given.any() or not z[given].any():
        return none, none
    z, shape = z[given], shape[given]
    lowest = np.full(count, np.inf)
    np.minimum.at(lowest, shape, z)
    number = np.bincount(shape, minlength=count)
    with np.errstate(invalid="ignore"):
        middle = np.bincount(shape, weights=z, minlength=count) / number
    return np.where(number > 0, lowest, np.nan), middle


def _lies_at_roof(parts: NDArray[np.object_], owner: Ints, z: Floats, heights: Floats) -> bool:
    """Whether z is the height of roofs: then z less the building height changes less from neighbour to neighbour.

    Ground is smooth and roofs jump: the typical difference between nearest neighbours tells them apart.
    """
    import shapely

    known = np.flatnonzero(np.isfinite(z))
    if len(known) < 10 or np.ptp(heights[known]) < 1.0:
        return False
    centres = _centres(parts, owner, len(z))[known]
    tree = shapely.STRtree(centres)
    sample = np.arange(len(known))[:: max(1, len(known) // 5000)]
    pairs = tree.query_nearest(centres[sample], exclusive=True, all_matches=False)
    a, b = known[sample[pairs[0]]], known[pairs[1]]
    differ = np.abs(heights[a] - heights[b]) >= 1.0
    if not differ.any():
        return False
    as_ground = np.abs(z[a] - z[b])[differ]
    as_roof = np.abs((z - heights)[a] - (z - heights)[b])[differ]
    return bool(np.median(as_roof) < 0.8 * np.median(as_ground))
