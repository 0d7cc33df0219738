"""From rings as they stand in a file to a checked city: reference system, frame, triangles, attributes, gate.

Every city reader ends here. What a file means is decided before; what is drawn, later.
"""

from __future__ import annotations

from collections import Counter
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.city.appearance import Appearance
from viewer.city.frame import Frame
from viewer.city.gate import check_city, check_index, extent, offsets
from viewer.city.kinds import Theme, lod_key, theme_of_type
from viewer.city.model import CityModel, ObjectTable
from viewer.city.solids import told
from viewer.errors import LimitError, ReadError
from viewer.plugin_api.context import ReadContext
from viewer.plugin_api.raw import RawCity
from viewer.readers import crs as crs_module
from viewer.readers.attributes import TEXT, columns
from viewer.readers.crs import Crs, axis_order, guess_crs, parse_crs, utm_zone_for
from viewer.readers.faults import note_faults, note_repeated_ids, note_rings, note_without_area
from viewer.readers.triangulate import Cutting

Floats = NDArray[np.float64]

#: Projected, but not true to scale: cities are not measured in it.
_NOT_TO_SCALE = ("EPSG:3857", "EPSG:900913", "EPSG:3785")
_BLOCK = 100_000
_MAX_POINTS = 2**31 - 1
#: Farther away than this and than 20 times where most of the city lies is taken for a mistake, metres.
_FAR_M = 100_000.0
_FAR_UP_M = 12_000.0

#: Types that are known and still about nothing special.
_WITHOUT_THEME = frozenset({"GenericCityObject", "CityObjectGroup"})
_AS_THE_OPEN_CITY = "{crs} was assumed, because it is the one of the open city."


def assemble(raw: RawCity, context: ReadContext, *, path: str | PathLike[str]) -> CityModel:
    """Turn a raw city into a checked ``CityModel`` in ``context.frame``, or in a frame of its own.

    The points of ``raw`` are used up, so that memory stays small. Findings go to the log of ``context``, what
    was recognised to its ``facts``, an assumed CRS to its ``questions``; the option ``"crs"`` overrides the file.

    Raises
    ------
    ReadError
        There is no object in the file. LimitError: it holds more points than can be numbered.
    CrsError
        The city cannot be brought into the frame of the open one.
    """
    path = Path(path)
    if not raw.object_ids:
        raise ReadError("There is no city object in this file.", path=path)
    if len(raw) > _MAX_POINTS:
        raise LimitError("The file has more than {limit} points.", path=path, limit=f"{_MAX_POINTS:,}")
    if raw.point_vertex is not None:
        check_index(raw.point_vertex, len(raw), len(raw.points_crs), "point_vertex")
    ids = _unique_ids(raw.object_ids, context)
    context.progress.report(0.7, "Placing the city")
    frame = _place(raw, context)
    positions = _local_positions(raw, frame)

    context.progress.report(0.75, "Checking faces")
    face_ok, positions, ring_sizes, face_rings = _clean(positions, raw, ids, context)
    face_object = raw.face_object[face_ok].astype(np.int32)
    face_surface = raw.face_surface[face_ok].astype(np.uint8)
    face_lod = raw.face_lod[face_ok].astype(np.uint8)
    face_shell = None if raw.face_shell is None else raw.face_shell[face_ok].astype(np.int32)
    ring_start, face_ring_start = offsets(ring_sizes), offsets(face_rings)
    del ring_sizes, face_rings, face_ok
    _release(raw)

    with Cutting(positions, ring_start, face_ring_start) as cutting:  # meanwhile:
        context.progress.report(0.78, "Reading attributes")
        objects = _objects(raw, ids, context)
        share = context.progress.part(0.84, 0.98)
        cut = cutting.finish(lambda done: share.report(done, "Triangulating"))
    if cut.crossing.any():
        _warn_faces(
            context, "Faces that cross themselves, drawn approximately: {count}", cut.crossing, face_object, ids
        )
    triangles, triangle_face = cut.triangles, cut.triangle_face
    if not cut.usable.all():
        _warn_faces(context, "Faces without an area, left out: {count}", ~cut.usable, face_object, ids)
        note_without_area(context, ~cut.usable, positions, ring_start[face_ring_start], face_object, ids)
        ring_keep = np.repeat(cut.usable, np.diff(face_ring_start))
        vertex_keep = np.repeat(ring_keep, np.diff(ring_start))
        positions = positions[vertex_keep]
        triangles = (np.cumsum(vertex_keep, dtype=np.int32) - 1)[triangles]
        triangle_face = (np.cumsum(cut.usable, dtype=np.int32) - 1)[triangle_face]
        ring_start = offsets(np.diff(ring_start)[ring_keep])
        face_ring_start = offsets(np.diff(face_ring_start)[cut.usable])
        face_object, face_surface = face_object[cut.usable], face_surface[cut.usable]
        face_lod = face_lod[cut.usable]
        face_shell = None if face_shell is None else face_shell[cut.usable]
        if raw.appearance is not None:
            raw.appearance = raw.appearance.take(vertex_keep, cut.usable)
    del cut

    face_lod, lods = _used_lods(face_lod, raw.lods)
    model = CityModel(
        name=raw.name or path.name.split(".")[0],
        frame=frame,
        positions_local=positions,
        ring_start=ring_start,
        face_ring_start=face_ring_start,
        face_surface=face_surface,
        face_object=face_object,
        face_lod=face_lod,
        triangles=triangles.astype(np.int32, copy=False),
        triangle_face=triangle_face.astype(np.int32, copy=False),
        objects=objects,
        lods=lods,
        attribution=raw.attribution,
        appearance=_appearance(raw, ring_start[face_ring_start], context),
        face_shell=told(face_shell),
    )
    if not len(model.face_object):
        context.warn("Nothing in this file has a shape that could be drawn.")
    _note_unknown_types(raw, context)
    context.facts.update({"format": raw.format, "version": raw.version})
    return check_city(model, context.log)


# -- where the city lies ---------------------------------------------------------------------------------------


def _place(raw: RawCity, context: ReadContext) -> Frame:
    """Recognise the CRS, bring the points of ``raw`` into the CRS of the frame, and return the frame."""
    crs = _recognise(raw, context)
    points = raw.points_crs
    if crs.known and len(points):
        order = axis_order(raw.some_points(500), crs)
        if order.north_first:
            points[:, [0, 1]] = points[:, [1, 0]]
            context.info("North comes before east in this file ({crs}); the order was turned.", crs=crs.horizontal)
        elif crs.north_first and crs.geographic:
            context.info(
                "Longitude comes before latitude in this file, although {crs} says otherwise; read as it stands.",
                crs=crs.horizontal,
            )
        if not order.plausible:
            context.warn(
                "The coordinates lie outside the area that {crs} is made for; the place on the map may be wrong.",
                crs=crs.horizontal,
            )
    if crs.known and (crs.unit_m != 1.0 or crs.vertical_unit_m != 1.0) and not crs.geocentric:
        up = crs.vertical_unit_m if crs.vertical else crs.unit_m
        points[:, 2] *= up
        context.info("Heights in this file are not in metres and were converted.")
    target = _target_crs(crs, raw, context)
    if crs.known and target and target != crs.horizontal and len(points):
        _transform_in_place(raw, crs, target)
        accuracy = crs_module.transform_accuracy(crs.horizontal, target)
        if accuracy > 0.5:
            grids = ", ".join(crs_module.missing_grids(crs.horizontal, target))
            context.info(
                "Coordinates were transformed from {crs_from} to {crs_to}, good to about {accuracy} m. "
                "More accurate with the grid file {grid}, which is not installed."
                if grids
                else "Coordinates were transformed from {crs_from} to {crs_to}, good to about {accuracy} m.",
                crs_from=crs.horizontal,
                crs_to=target,
                accuracy=f"{accuracy:g}",
                grid=grids,
            )
        else:
            context.info(
                "Coordinates were transformed from {crs_from} to {crs_to}.", crs_from=crs.horizontal, crs_to=target
            )
    context.facts.update({"crs": crs.horizontal or raw.crs, "vertical_crs": crs.vertical or raw.vertical_crs})
    if context.frame.crs or any(context.frame.origin_crs):
        _compare_heights(crs.vertical or raw.vertical_crs, context)
        return context.frame
    return Frame(target, _origin(raw), crs.vertical or raw.vertical_crs)


def _compare_heights(own: str, context: ReadContext) -> None:
    """Tell of a height system that is not the open city's; heights are never changed."""
    city = context.frame.vertical_crs
    if not own or not city or own == city:
        return
    # Above the ellipsoid is 40 to 50 m off in Germany; systems above the sea differ by less than storeys do.
    tell = context.warn if crs_module.ELLIPSOIDAL in (own, city) else context.info
    tell(
        "The heights of this file are in the system {own}, those of the open city in {city}; "
        "they are taken as written.",
        own=crs_module.height_title(own),
        city=crs_module.height_title(city),
    )


def _recognise(raw: RawCity, context: ReadContext) -> Crs:
    chosen = context.options.get("crs", "")
    crs = parse_crs(chosen or raw.crs)
    if crs.known:
        return crs
    if chosen or raw.crs:
        context.warn("The coordinate system {crs} is not known.", crs=chosen or raw.crs)
    else:
        context.warn("The file does not name its coordinate system.")
    guesses = guess_crs(raw.some_points(100_000))
    if context.frame.crs and any(guess == context.frame.crs for guess, _ in guesses):
        guesses = [(context.frame.crs, _AS_THE_OPEN_CITY)]
    if guesses:
        guess, reason = guesses[0]
        context.questions["crs"] = guess
        context.warn(reason, crs=guess)
        return parse_crs(guess)
    if context.frame.crs:
        context.questions["crs"] = context.frame.crs
        context.warn(_AS_THE_OPEN_CITY, crs=context.frame.crs)
        return parse_crs(context.frame.crs)
    context.questions["crs"] = ""
    context.warn("The city has no place on the map; layers cannot be laid over it until a system is chosen.")
    return crs


def _target_crs(crs: Crs, raw: RawCity, context: ReadContext) -> str:
    """Projected CRS in metres the city is brought into: the frame's, the file's own, or the UTM zone it lies in."""
    if context.frame.crs:
        return context.frame.crs
    if not crs.known:
        return ""
    if not (crs.geographic or crs.geocentric or crs.unit_m != 1.0 or crs.horizontal in _NOT_TO_SCALE):
        return crs.horizontal
    sample = raw.some_points(1000)
    degrees = sample if crs.geographic else crs_module.transform(sample, crs.horizontal, "EPSG:4326")
    degrees = degrees[np.isfinite(degrees).all(axis=1)]
    if not len(degrees):
        return crs.horizontal
    lon, lat = np.median(degrees[:, :2], axis=0)
    return utm_zone_for(float(lon), float(lat))


def _transform_in_place(raw: RawCity, crs: Crs, target: str) -> None:
    points = raw.points_crs
    if crs.geocentric:
        raw.points_crs = crs_module.transform(crs_module.transform(points, crs.horizontal, "EPSG:4979"),
                                              "EPSG:4326", target)  # fmt: skip
        return
    for start in range(0, len(points), _BLOCK):
        block = points[start : start + _BLOCK]
        block[:] = crs_module.transform(block, crs.horizontal, target)


def _origin(raw: RawCity) -> tuple[float, float, float]:
    """Rounded middle of where most of the city lies, and its lowest height."""
    sample = raw.some_points(20_000)
    sample = sample[np.isfinite(sample).all(axis=1)]
    if not len(sample):
        return (0.0, 0.0, 0.0)
    low, high = np.quantile(sample[:, :2], [0.01, 0.99], axis=0)
    middle = np.round((low + high) / 2)
    up = sample[:, 2]
    lowest = float(np.floor(up[np.abs(up - np.median(up)) <= _FAR_UP_M].min()))
    return (float(middle[0]), float(middle[1]), lowest)


def _local_positions(raw: RawCity, frame: Frame) -> NDArray[np.float32]:
    """Positions of the ring points in the frame, block by block, because the two arrays together are the largest."""
    points = raw.points_crs
    local = np.empty((len(points), 3), dtype=np.float32)
    origin = np.array(frame.origin_crs)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(points), _BLOCK):
            local[start : start + _BLOCK] = points[start : start + _BLOCK] - origin
    raw.points_crs = np.zeros((0, 3))
    if raw.point_vertex is None:
        return local
    positions = np.empty((len(raw), 3), dtype=np.float32)
    for start in range(0, len(positions), _BLOCK):
        own = slice(start, start + _BLOCK)
        np.take(local, raw.point_vertex[own], axis=0, out=positions[own], mode="clip")  # "raise" would copy once more
    raw.point_vertex = None
    return positions


# -- faces -----------------------------------------------------------------------------------------------------


def _clean(
    positions: NDArray[np.float32], raw: RawCity, ids: list[str], context: ReadContext
) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]]:
    """Drop closing and repeated points, rings of less than three points and faces without a usable outer ring.

    Returns (F,) which faces stay, their positions, points per ring and rings per face.
    """
    start = np.asarray(raw.ring_start[:-1], dtype=np.int64)
    end = np.asarray(raw.ring_start[1:], dtype=np.int64)
    ring_face = np.asarray(raw.ring_face, dtype=np.int32)
    face_count = len(raw.face_object)
    keep = np.ones(len(positions), dtype=bool)
    misplaced = np.empty(len(positions), dtype=bool)
    middle, reach = _believable(positions)

    for begin in range(0, len(positions), _BLOCK):  # blocks stay in the processor's memory
        own = positions[begin : begin + _BLOCK + 1]
        keep[begin : begin + len(own) - 1] = _differ(own[1:], own[:-1])
        misplaced[begin : begin + _BLOCK] = _misplaced(own[:_BLOCK], middle, reach)
    filled = end > start
    first, last = (start, end - 1) if filled.all() else (start[filled], end[filled] - 1)
    keep[last] = _differ(np.take(positions, last, axis=0), np.take(positions, first, axis=0))

    face_ok = np.zeros(face_count, dtype=bool)
    sizes = (end - start).astype(np.int32) if keep.all() else _counts(keep, start, end)
    ring_ok = sizes >= 3
    note_rings(positions, keep, ring_ok, raw, ids, context)
    is_outer = np.ones(len(ring_face), dtype=bool)
    is_outer[1:] = ring_face[1:] != ring_face[:-1]
    face_ok[ring_face[is_outer & ring_ok]] = True
    if not face_ok.all():
        _warn_faces(context, "Faces with fewer than three corners, left out: {count}", ~face_ok, raw.face_object, ids)
    if misplaced.any():
        bad = np.zeros(face_count, dtype=bool)
        bad[ring_face[_counts(misplaced, start, end) > 0]] = True
        _warn_faces(
            context, "Faces with impossible coordinates, left out: {count}", bad & face_ok, raw.face_object, ids
        )
        dropped = raw.face_object[bad & face_ok]
        note_faults(context, "P07", dropped, np.full((len(dropped), 3), np.nan), ids, lost=True)
        face_ok &= ~bad
    ring_ok &= face_ok[ring_face]
    if not ring_ok.all():
        keep &= np.repeat(ring_ok, end - start)
    if raw.appearance is not None:
        raw.appearance = raw.appearance.take(keep, face_ok)
    face_rings = np.bincount(ring_face[ring_ok], minlength=face_count).astype(np.int32)[face_ok]
    kept = positions if keep.all() else np.take(positions, np.flatnonzero(keep), axis=0)
    return face_ok, kept, sizes[ring_ok], face_rings


def _differ(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n,) which of two rows of points differ; column by column, because ``any`` along three is slow."""
    return np.asarray((a[:, 0] != b[:, 0]) | (a[:, 1] != b[:, 1]) | (a[:, 2] != b[:, 2]))


def _counts(flags: NDArray[np.bool_], start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int32]:
    running = np.zeros(len(flags) + 1, dtype=np.int32)
    np.cumsum(flags, out=running[1:])
    return np.asarray(running[end] - running[start])


def _believable(positions: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(3,) middle of most of the city, and (3,) how far from it its points may lie, metres."""
    sample = positions[:: max(1, len(positions) // 20_000)]
    sample = sample[np.isfinite(sample).all(axis=1)].astype(np.float64)
    if not len(sample):
        return np.zeros(3, np.float32), np.full(3, np.finfo(np.float32).max)
    middle = np.median(sample, axis=0)
    flat = max(_FAR_M, 20 * float(np.quantile(np.abs(sample - middle)[:, :2].max(axis=1), 0.9)))
    return middle.astype(np.float32), np.array([flat, flat, _FAR_UP_M], np.float32)


def _misplaced(
    positions: NDArray[np.float32], middle: NDArray[np.float32], reach: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """(V,) points that are no numbers or lie absurdly far from where most of the city is."""
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = extent(positions)
        if (np.abs(low - middle) <= reach).all() and (np.abs(high - middle) <= reach).all():
            return np.zeros(len(positions), bool)
        good = np.ones(len(positions), bool)
        for axis in range(3):
            good &= np.abs(positions[:, axis] - middle[axis]) <= reach[axis]
    return ~good


def _warn_faces(
    context: ReadContext, text: str, bad: NDArray[np.bool_], face_object: NDArray[np.integer], ids: list[str]
) -> None:
    """A counted warning that names the objects of the first bad faces."""
    faces = np.flatnonzero(bad)
    objects = dict.fromkeys(face_object[faces[:1000]].tolist())
    context.warn(text, where=tuple(ids[i] for i in list(objects)[:20]), count=len(faces))


def _used_lods(face_lod: NDArray[np.uint8], lods: list[str]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Levels of detail that faces have, ascending, and the faces' indices into them."""
    used = np.unique(face_lod).tolist()
    names = sorted({lods[i] for i in used}, key=lod_key)
    table = np.zeros(256, dtype=np.uint8)
    for i in used:
        table[i] = names.index(lods[i])
    return table[face_lod], tuple(names) or ("",)


# -- objects ---------------------------------------------------------------------------------------------------


def _unique_ids(written: list[str], context: ReadContext) -> list[str]:
    """Ids with repeated ones made unique by a number, and a note of it."""
    if len(set(written)) == len(written):
        return written
    taken = set(written)
    seen: Counter[str] = Counter()
    result, repeated = [], []
    for name in written:
        seen[name] += 1
        if seen[name] > 1:
            repeated.append(name)
            new = f"{name}_{seen[name]}"
            while new in taken:
                seen[name] += 1
                new = f"{name}_{seen[name]}"
            taken.add(new)
            result.append(new)
        else:
            result.append(name)
    note_repeated_ids(context, repeated)
    context.warn(
        "Objects with an id that another object has already; a number was added: {count}",
        where=tuple(dict.fromkeys(repeated))[:20],
        count=len(repeated),
    )
    return result


def _objects(raw: RawCity, ids: list[str], context: ReadContext) -> ObjectTable:
    types = tuple(dict.fromkeys(raw.object_types))
    if len(types) > 60_000:
        raise LimitError("The file has more than {limit} kinds of objects.", limit="60,000")
    code = {name: i for i, name in enumerate(types)}
    return ObjectTable(
        ids=np.array(ids, dtype=TEXT),
        types=types,
        type_code=np.fromiter(map(code.__getitem__, raw.object_types), dtype=np.uint16, count=len(ids)),
        parent=np.asarray(raw.object_parent, dtype=np.int32),
        attributes=columns(raw.attributes, len(ids), ids, context),
    )


def _appearance(raw: RawCity, face_start: NDArray[np.int32], context: ReadContext) -> Appearance | None:
    """Textures and materials of the faces that are left, None where none of them has any."""
    if raw.appearance is None:
        return None
    appearance, lost = raw.appearance.without_gaps(face_start)
    context.warn("Faces whose texture does not say where it lies on them, shown without it: {count}", count=lost)
    if appearance.empty:
        return None
    unseen = (appearance.face_texture < 0) & appearance.wholly_transparent[appearance.face_material]
    context.info(
        "Faces whose material would leave nothing to see (wholly transparent), shown opaque: {count}",
        count=int(np.count_nonzero(unseen)),
    )
    return appearance


def _note_unknown_types(raw: RawCity, context: ReadContext) -> None:
    for name, count in Counter(raw.object_types).items():
        odd = name not in _WITHOUT_THEME and theme_of_type(name) is Theme.GENERIC
        if not odd and not name.startswith("+"):
            continue
        where = tuple(i for i, t in zip(raw.object_ids, raw.object_types, strict=True) if t == name)[:20]
        context.info(
            "Objects of an unknown kind ({kind}), shown in a neutral colour: {count}",
            where=where,
            count=count,
            kind=name.removeprefix("+"),
        )


def _release(raw: RawCity) -> None:
    """Let go of the arrays that have been used up."""
    raw.ring_start = np.zeros(1, np.int32)
    raw.ring_face = raw.face_object = raw.face_surface = raw.face_lod = np.zeros(0, np.int32)
