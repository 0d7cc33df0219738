"""What is measured on every top-level object once, when a city is opened."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city.geometry import FaceGeometry, closed_objects, face_geometry, sums
from viewer.city.kinds import SurfaceType
from viewer.city.model import CityModel, ObjectTable
from viewer.city.report import Issue, Severity
from viewer.city.solids import hollow_faces
from viewer.city.use import STOREY_HEIGHT_M, Use, building_use, column_like, numbers_of, texts_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Roofs up to this slope count as flat (METHODS section 2, the Hamburg rule).
FLAT_ROOF_DEG = 10.0
#: Faces steeper than this are walls where the data does not say.
WALL_DEG = 80.0
#: A storey above the ground fits between these numbers of metres; other storey counts are ignored.
STOREY_HEIGHTS_M = (1.8, 40.0)
#: A pitched attic counts as usable from this rise (METHODS section 3, UNVERIFIED).
ATTIC_RISE_M = 2.3
_HAS_HEIGHT_M = 0.3
STOREY_NAMES = (
    "storeysAboveGround", "numberOfStoreys", "storeys", "building:levels", "levels", "numberOfFloors", "floors",
    "anzahlGeschosse", "geschosse", "anzahlDerOberirdischenGeschosse", "b3_bouwlagen", "nb_etages",
)  # fmt: skip
HEIGHT_NAMES = ("measuredHeight", "height", "building:height", "hoehe", "gebaeudehoehe")
_PARTS_THAT_DO_NOT_COUNT = ("Installation", "Furniture", "Room", "Storey", "Unit")


@dataclass(frozen=True, eq=False)
class Measures:
    """Facts about the K top-level objects of a city at the shown LoD, float64 metres unless stated.

    ground_m, eaves_m, top_m : (K,) local z of the lowest ground, of the eaves (lowest roof edge; the
        top where no roof is known) and of the highest point. NaN for objects without geometry.
    footprint_m2, volume_m3, roof_area_m2, flat_roof_area_m2 : (K,). ``flat`` means a slope of at most
        10 degrees (METHODS section 2). NaN footprint where nothing could be measured.
    closed : (K,) bool, the volume comes from a closed shell; else it is footprint x mean height.
    storeys : (K,) float64, attribute or estimate (METHODS B3). storeys_known : (K,) bool.
    storey_height_m : (K,) by use.
    centre_local : (K, 2) middle of the footprint.
    is_building : (K,) bool.
    flipped : (K,) bool, a closed shell whose faces look inwards; its volume is taken all the same.
    planned : (K,) bool, ``conditionOfConstruction`` is ``planned``: not there unless built.
    use : (K,) uint8, ``Use``.
    attic_m2 : (K,) footprint under pitched roofs that rise enough for a usable attic (METHODS B4).
    """

    ground_m: Floats
    eaves_m: Floats
    top_m: Floats
    footprint_m2: Floats
    volume_m3: Floats
    roof_area_m2: Floats
    flat_roof_area_m2: Floats
    closed: Flags
    storeys: Floats
    storeys_known: Flags
    storey_height_m: Floats
    centre_local: Floats
    is_building: Flags
    flipped: Flags = field(default_factory=lambda: np.zeros(0, bool))
    planned: Flags = field(default_factory=lambda: np.zeros(0, bool))
    use: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    attic_m2: Floats = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        k = len(self.ground_m)
        for name in ("flipped", "planned", "use", "attic_m2"):
            array = getattr(self, name)
            if len(array) != k and not len(array):
                object.__setattr__(self, name, np.zeros(k, array.dtype))
        for item in fields(self):
            getattr(self, item.name).setflags(write=False)


def storeys_from_height(eaves_height_m: ArrayLike, storey_height_m: ArrayLike) -> Floats:
    """Storeys that fit below the eaves: max(1, height / storey height), halves up (METHODS B3)."""
    ratio = np.asarray(eaves_height_m, dtype=np.float64) / np.asarray(storey_height_m, dtype=np.float64)
    return np.maximum(1.0, np.floor(ratio + 0.5 + 1e-9))


def attic_share(rise_m: ArrayLike, clear_height_m: float = 2.30) -> Floats:
    """Share of a gable attic without knee wall that has the clear height; 0 for low roofs (METHODS section 3)."""
    rise = np.asarray(rise_m, dtype=np.float64)
    return np.maximum(0.0, 1.0 - clear_height_m / np.maximum(rise, clear_height_m))


def attic_is_full_storey(rise_m: ArrayLike, clear_height_m: float = 2.30) -> Flags:
    """Whether the attic counts as a full storey: clear height over two thirds of the storey below.

    The usual rule; its wording differs by Land and is UNVERIFIED.
    """
    return np.asarray(attic_share(rise_m, clear_height_m) >= 2 / 3)


def measure(city: CityModel, faces: Flags | None = None, geometry: FaceGeometry | None = None) -> Measures:
    """Measure all top-level objects at once.

    Parameters
    ----------
    faces : (F,) bool, the faces at the shown LoD; None for all. geometry : ``face_geometry(city)``
        if it is there already.

    Notes
    -----
    Parts add up: every object is measured by itself and summed into its building, so that one open part
    spoils no other. Installations count only where a building has nothing else. Footprint: ground
    surfaces seen from above; without them the downward half of a closed shell, else the roof seen from
    above. Overlapping parts are not united.
    """
    objects = city.objects
    n, k = len(objects), len(objects.features)
    shape = face_geometry(city) if geometry is None else geometry
    hollow = hollow_faces(city)
    shown = np.ones(len(city.face_surface), bool) if faces is None else np.asarray(faces, bool)
    shown = shown if hollow is None else shown & ~hollow
    shown = _with_closures(city, shown) & (city.face_surface != SurfaceType.INTERIOR)
    shown &= _counting_faces(city, shown)
    chosen = np.flatnonzero(shown)
    owner = city.face_object[chosen]
    feature = objects.feature_of_object if n else np.zeros(0, np.int32)

    def per_object(values: Floats) -> Floats:
        return sums(owner, values, n)

    def per_feature(values: Floats) -> Floats:
        return sums(feature, values, k)

    closed, signed = closed_objects(city, shape, _with_hollows(city, shown))
    flipped = closed & (signed < 0)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, owner, shape.low_m[chosen])
    np.maximum.at(high, owner, shape.high_m[chosen])
    has = high >= low
    low, high = np.where(has, low, 0.0), np.where(has, high, 0.0)

    roof, ground = _roofs_and_grounds(city, shape, chosen, owner, closed, flipped, (low + high) / 2, n)
    flat_area = shape.projected_area[chosen]
    area = shape.area[chosen]
    level = flat_area > area * np.cos(np.radians(WALL_DEG))

    ground_area = per_object(flat_area * ground)
    roof_seen = per_object(flat_area * roof)
    underside = per_object(flat_area * level) / 2
    footprint = np.where(ground_area > 0, ground_area, np.where(closed & (underside > 0), underside, roof_seen))
    mean_top = per_object(flat_area * roof * shape.mean_z[chosen]) / np.where(roof_seen > 0, roof_seen, 1.0)
    mean_top = np.where(roof_seen > 0, mean_top, high)
    foot = _lowest(shape.low_m[chosen], owner, ground, n)
    foot = np.where(np.isnan(foot), low, foot)
    stands_in = footprint * np.maximum(mean_top - foot, 0.0)
    volume = np.where(closed, np.abs(signed), stands_in)

    ground_m = _lowest(foot, feature, has, k)
    top_m = -_lowest(-high, feature, has, k)
    area_of = per_feature(footprint)
    known = np.isfinite(ground_m)
    all_closed = known & (sums(feature, has & ~closed, k) == 0)
    volume_of = per_feature(volume)

    # Lowest roof edge, without dormers, porches and garages of less than a tenth of the roof.
    owner_feature = feature[owner]
    roof_of = sums(owner_feature, flat_area * roof, k)
    counts = roof & (flat_area >= 0.1 * roof_of[owner_feature])
    eaves_m = _lowest(shape.low_m[chosen], owner_feature, counts, k)
    eaves_m = np.where(np.isfinite(eaves_m), np.clip(eaves_m, ground_m, top_m), top_m)
    # For storeys the edges count by the roof that hangs on them: a garage does not make a tower low.
    typical = sums(owner_feature, flat_area * roof * shape.low_m[chosen], k)
    typical = np.where(roof_of > 0, typical / np.where(roof_of > 0, roof_of, 1.0), top_m)

    # Plane objects get their height from the attribute.
    height = top_m - ground_m
    told = _numbers(objects, HEIGHT_NAMES)
    lifted = known & ~(height >= _HAS_HEIGHT_M) & (told > 0) & (told < 1000)
    top_m = np.where(lifted, ground_m + told, top_m)
    eaves_m = np.where(lifted, top_m, eaves_m)
    typical = np.where(lifted, top_m, typical)
    volume_of = np.where(lifted, area_of * told, volume_of)
    all_closed &= ~lifted

    use = building_use(objects)
    is_building = objects.feature_is_building if n else np.zeros(0, bool)
    storey_height = np.array([STOREY_HEIGHT_M[u] for u in Use])[use]
    eaves_height = typical - ground_m
    eaves_height = eaves_height - _hidden_roof(objects, eaves_height, top_m - typical)
    storeys, storeys_known = _storeys(objects, eaves_height, top_m - ground_m, storey_height)

    slope_cos = flat_area / np.where(area > 0, area, 1.0)
    is_flat = slope_cos >= np.cos(np.radians(FLAT_ROOF_DEG)) - 1e-9
    rise = shape.high_m[chosen] - shape.low_m[chosen]
    attic = sums(owner_feature, flat_area * (roof & ~is_flat & (rise >= ATTIC_RISE_M)), k)
    weight = np.where(ground, flat_area, flat_area * 1e-6) + 1e-12
    total = sums(owner_feature, weight, k)
    centre = np.stack(
        [
            sums(owner_feature, weight * shape.centroid[chosen, axis], k) / np.where(total > 0, total, np.nan)
            for axis in (0, 1)
        ],
        axis=1,
    )
    return Measures(
        ground_m=ground_m,
        eaves_m=eaves_m,
        top_m=top_m,
        footprint_m2=np.where(known & (area_of > 0), area_of, np.nan),
        volume_m3=np.where(known, volume_of, np.nan),
        roof_area_m2=sums(owner_feature, area * roof, k),
        flat_roof_area_m2=sums(owner_feature, area * (roof & is_flat), k),
        closed=all_closed,
        storeys=storeys,
        storeys_known=storeys_known,
        storey_height_m=storey_height,
        centre_local=centre,
        is_building=is_building.copy(),
        flipped=sums(feature, flipped, k) > 0,
        planned=_planned(objects),
        use=use,
        attic_m2=np.minimum(attic, area_of),
    )


def measure_issues(city: CityModel, measures: Measures) -> tuple[Issue, ...]:
    """What a person should know about the measured buildings, for the import report."""
    ids, features = city.objects.ids, city.objects.features
    building = measures.is_building
    known = np.isfinite(measures.ground_m)
    findings = (
        (Severity.INFO, building & known & ~measures.closed,
         "{count} buildings are not closed; their volume is footprint times mean height."),
        (Severity.INFO, building & measures.flipped,
         "{count} buildings have walls that look inwards; their volume was taken all the same."),
        (Severity.INFO, building & known & ~measures.storeys_known,
         "{count} buildings do not say how many storeys they have; they were estimated from the height."),
        (Severity.WARNING, building & ~known,
         "{count} buildings have no geometry at the level of detail shown."),
    )  # fmt: skip
    return tuple(
        Issue(severity, text, int(which.sum()), tuple(str(i) for i in ids[features[which][:20]]))
        for severity, which, text in findings
        if which.any()
    )


def _with_closures(city: CityModel, shown: Flags) -> Flags:
    """(F,) the faces shown, with the undrawn surfaces that close what they bound at the same LoD."""
    closure = city.face_surface == SurfaceType.CLOSURE
    if not closure.any():
        return shown
    shell = city.face_object.astype(np.int64) * max(len(city.lods), 1) + city.face_lod
    used = np.zeros(len(city.objects) * max(len(city.lods), 1), bool)
    used[shell[shown]] = True
    return np.asarray(shown | (closure & used[shell]))


def _with_hollows(city: CityModel, shown: Flags) -> Flags:
    """(F,) the faces shown, with the inner shells of what they bound at the same LoD: hollows are no volume."""
    hollow = hollow_faces(city)
    if hollow is None:
        return shown
    body = city.face_object.astype(np.int64) * max(len(city.lods), 1) + city.face_lod
    return np.asarray(shown | (hollow & np.isin(body, body[shown])))


def _counting_faces(city: CityModel, shown: Flags) -> Flags:
    """(F,) faces that count for their building: not those of installations, unless it has no others."""
    objects = city.objects
    aside = np.array([t.endswith(_PARTS_THAT_DO_NOT_COUNT) for t in objects.types] or [False])
    if not aside.any() or not len(objects):
        return np.ones(len(city.face_object), bool)
    main = ~aside[objects.type_code[city.face_object]]
    has_main = np.bincount(city.face_feature[shown & main], minlength=len(objects.features)) > 0
    return np.asarray(main | ~has_main[city.face_feature])


def _roofs_and_grounds(
    city: CityModel, shape: FaceGeometry, chosen: NDArray[np.intp], owner: NDArray[np.int32],
    closed: Flags, flipped: Flags, middle: Floats, n: int,
) -> tuple[Flags, Flags]:  # fmt: skip
    """Which of the chosen faces are roofs and which grounds; told by the data or else by their direction."""
    surface = city.face_surface[chosen]
    has_roof = np.bincount(owner[surface == SurfaceType.ROOF], minlength=n) > 0
    has_ground = np.bincount(owner[surface == SurfaceType.GROUND], minlength=n) > 0
    up = shape.area_vector[chosen, 2]
    level = np.abs(up) > shape.area[chosen] * np.cos(np.radians(WALL_DEG))
    untold = (surface == SurfaceType.UNKNOWN) & level
    is_up = np.where(closed[owner], (up > 0) != flipped[owner], shape.mean_z[chosen] >= middle[owner])
    roof = (surface == SurfaceType.ROOF) | (untold & is_up & ~has_roof[owner])
    ground = (surface == SurfaceType.GROUND) | (untold & ~is_up & ~has_ground[owner])
    return roof, ground


def _lowest(values: Floats, group: NDArray[np.int32], which: Flags, k: int) -> Floats:
    """(k,) lowest value of each group among ``which``; NaN for groups without any."""
    result = np.full(k, np.inf)
    np.minimum.at(result, group[which], values[which])
    return np.where(np.isfinite(result), result, np.nan)


def _numbers(objects: ObjectTable, names: tuple[str, ...]) -> Floats:
    column = column_like(objects, names)
    return np.full(len(objects.features), np.nan) if column is None else numbers_of(column)


def _storeys(
    objects: ObjectTable, eaves_height_m: Floats, height_m: Floats, storey_height_m: Floats
) -> tuple[Floats, Flags]:
    """Storeys from the attribute where it is plausible, else estimated; and which are known."""
    told = _numbers(objects, STOREY_NAMES)
    lowest, highest = STOREY_HEIGHTS_M
    per_storey = height_m / np.where(told >= 1, told, 1.0)
    plausible = (told >= 1) & (told <= 200)
    plausible &= ~(height_m >= _HAS_HEIGHT_M) | ((per_storey >= lowest) & (per_storey <= highest))
    known_height = np.where(np.isfinite(eaves_height_m), eaves_height_m, 0.0)
    return np.where(plausible, told, storeys_from_height(known_height, storey_height_m)), plausible


def _hidden_roof(objects: ObjectTable, eaves_height_m: Floats, drawn_m: Floats) -> Floats:
    """Height of a pitched roof that a block model hides: min(0.35 h, 4.5 m), UNVERIFIED (METHODS section 3)."""
    column = objects.feature_column("roofType")
    if column is None:
        return np.zeros(len(objects.features))
    texts, which = texts_of(column)
    flat = {"", "1000", "31001_1000", "flat", "flat roof", "flachdach", "9999", "5000"}
    pitched = np.array([str(t).strip().lower() not in flat for t in texts], bool)[which]
    hidden = pitched & ~(drawn_m > _HAS_HEIGHT_M)
    return np.where(hidden, np.minimum(0.35 * np.nan_to_num(eaves_height_m), 4.5), 0.0)


def _planned(objects: ObjectTable) -> Flags:
    column = column_like(objects, ("conditionOfConstruction",))
    if column is None:
        return np.zeros(len(objects.features), bool)
    texts, which = texts_of(column)
    return np.array([str(t).strip().lower() == "planned" for t in texts], bool)[which]
