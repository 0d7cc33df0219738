"""What the limits of development plans mean for a scenario: each plan area against what stands on it.

Any area layer with columns named like the limits counts, whoever read it. What a plan means legally is for the
authority to say; here numbers are compared, and the assumptions are named with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from viewer.city import AreaLayer
from viewer.city.geometry import points_in_ring, polygon_area, sums
from viewer.city.measures import Measures
from viewer.indicators.definitions import IndicatorDefinition
from viewer.indicators.record import Status
from viewer.indicators.stock import storeys_after
from viewer.scenario.change import CityChange

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Columns that hold limits, in lower case without blanks and underscores.
_NAMES = {
    "coverage": ("grz", "grzmax", "grundflaechenzahl", "grundflächenzahl"),
    "density": ("gfz", "gfzmax", "geschossflaechenzahl", "geschossflächenzahl"),
    "storeys": ("z", "zmax", "vollgeschosse", "geschosszahl", "maxvollgeschosse"),
    "height_m": ("hmax", "hoehemax", "höhemax", "maxhoehe", "maxhöhe"),
    "height_sea_m": ("hmaxnhn", "oknhn"),
}
#: What can be such a limit; other numbers are taken for something else.
_MOST = {"coverage": 1.0, "density": 20.0, "storeys": 100.0, "height_m": 400.0, "height_sea_m": 5000.0}
#: Areas of one layer that are looked at; more are no development plan.
MAX_AREAS = 5_000
#: A limit is exceeded beyond this, for rounding in plans and models: shares, storeys and metres.
_ROUNDING = {"coverage": 0.005, "density": 0.005, "storeys": 0.01, "height_m": 0.1, "height_sea_m": 0.1}


@dataclass(frozen=True, eq=False)
class OnAreas:
    """What stands on P plan areas after a change: footprint_m2, floor_m2, coverage, density (P,); storeys, height_m
    and height_sea_m (P,) of the highest building, 0 and -inf where none stands."""

    footprint_m2: Floats
    floor_m2: Floats
    coverage: Floats
    density: Floats
    storeys: Floats
    height_m: Floats
    height_sea_m: Floats


class PlanLimits:
    """P plan areas with their limits, and the buildings on them.

    layer, row : (P,) which layer of those given, and the row of it. area_m2 : (P,). limits : name -> (P,), NaN where
    the plan sets none; the names are those of ``OnAreas``. building, area : (n,) positions in
    ``city.objects.features`` and the plan area each stands on.
    """

    def __init__(
        self, layer: Ints, row: Ints, area_m2: Floats, limits: dict[str, Floats], building: Ints, area: Ints,
        measures: Measures, sea_m: float,
    ) -> None:  # fmt: skip
        self.layer, self.row, self.area_m2, self.limits = layer, row, area_m2, limits
        self.building, self.area = building, area
        self._footprint = np.nan_to_num(measures.footprint_m2[building])
        self._storeys = np.maximum(np.nan_to_num(measures.storeys[building], nan=1.0), 1.0)
        self._estimated = ~measures.storeys_known[building]
        self._height = np.nan_to_num(measures.top_m[building] - measures.ground_m[building])
        self._foot_sea = np.nan_to_num(measures.ground_m[building]) + sea_m

    def __len__(self) -> int:
        return len(self.area_m2)

    def has(self, *names: str) -> bool:
        """Whether any area sets one of these limits."""
        return any(np.isfinite(self.limits[name]).any() for name in names)

    def on_areas(self, change: CityChange) -> OnAreas:
        """What stands on every area after a change."""
        count = len(self)
        exists, storeys, height = self._after(change)
        footprint = sums(self.area, self._footprint * exists, count)
        floor = sums(self.area, self._footprint * storeys, count)
        highest = [np.zeros(count), np.full(count, -np.inf), np.full(count, -np.inf)]
        stands = exists > 0
        for most, values in zip(highest, (storeys, height, self._foot_sea + height), strict=True):
            np.maximum.at(most, self.area[stands], values[stands])
        size = np.maximum(self.area_m2, 1e-9)
        return OnAreas(footprint, floor, footprint / size, floor / size, *highest)

    def figures(self, change: CityChange) -> dict[str, float]:
        """Numbers for the indicators: areas and buildings over a limit, and the floor area that is left."""
        there = self.on_areas(change)
        exists, storeys, height = self._after(change)
        stands = exists > 0
        over = {
            f"{name}_over": float(np.count_nonzero(_exceeds(getattr(there, name), self.limits[name], name)))
            for name in ("coverage", "density")
        }
        over["storeys_over"] = float(
            np.count_nonzero(stands & _exceeds(storeys, self.limits["storeys"][self.area], "storeys"))
        )
        too_high = _exceeds(height, self.limits["height_m"][self.area], "height_m")
        too_high |= _exceeds(self._foot_sea + height, self.limits["height_sea_m"][self.area], "height_sea_m")
        over["height_over"] = float(np.count_nonzero(stands & too_high))
        left = np.maximum(self.floor_allowed_m2 - there.floor_m2, 0.0)
        over["floor_left"] = float(np.nansum(left))
        counted = self._estimated[stands]
        over["no_storeys"] = float(counted.mean()) if len(counted) else 0.0
        return over

    @property
    def floor_allowed_m2(self) -> Floats:
        """(P,) floor area the plan allows: GFZ, else GRZ times storeys; NaN where it sets neither."""
        density, least = self.limits["density"], self.limits["coverage"] * self.limits["storeys"]
        return self.area_m2 * np.where(np.isfinite(density), density, least)

    def _after(self, change: CityChange) -> tuple[Floats, Floats, Floats]:
        b = self.building
        exists = change.exists[b].astype(np.float64)
        factor = change.factor[b].astype(np.float64)
        storeys = storeys_after(self._storeys, factor, change.storeys_added[b].astype(np.float64)) * exists
        return exists, storeys, (self._height * factor + change.lift_m[b]) * exists


def _exceeds(values: Floats, limits: Floats, name: str) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(values > limits + _ROUNDING[name])


def limits_in(layer: AreaLayer) -> dict[str, Floats]:
    """Limits among the columns of a layer: name -> (rows,), NaN where there is none; empty for other layers."""
    found = {}
    for column, values in layer.attributes.items():
        plain = column.lower().replace("_", "").replace(" ", "")
        name = next((name for name, words in _NAMES.items() if plain in words), "")
        if name and values.dtype.kind == "f" and name not in found:
            numbers = np.asarray(values, np.float64)
            with np.errstate(invalid="ignore"):
                found[name] = np.where((numbers > 0) & (numbers <= _MOST[name]), numbers, np.nan)
    # A lone column "z" is more often a height of something than a number of storeys.
    if set(found) == {"storeys"} and "z" in (c.lower() for c in layer.attributes):
        return {}
    return {name: values for name, values in found.items() if np.isfinite(values).any()}


def make_limits(layers: Sequence[AreaLayer], measures: Measures, sea_m: float = 0.0) -> PlanLimits | None:
    """The plan areas of some layers and the buildings whose middle lies in them; None without any.

    Parameters
    ----------
    sea_m : height of the local origin in the height system of the city.
    """
    stands = np.flatnonzero(measures.is_building & np.isfinite(measures.centre_local).all(axis=1))
    middle = measures.centre_local[stands]
    on = np.full(len(stands), -1, np.int64)
    parts: list[tuple[int, int, float]] = []
    limits: dict[str, list[float]] = {name: [] for name in _NAMES}
    for number, layer in enumerate(layers):
        known = limits_in(layer)
        limited = np.zeros(len(layer), bool)
        for values in known.values():
            limited |= np.isfinite(values)
        rows = np.flatnonzero(limited)
        if not len(rows) or len(rows) > MAX_AREAS:
            continue
        of_row = np.argsort(layer.polygon_feature, kind="stable")
        first = np.searchsorted(layer.polygon_feature[of_row], np.arange(len(layer) + 1))
        for row in rows.tolist():
            polygons = [_rings(layer, polygon) for polygon in of_row[first[row] : first[row + 1]].tolist()]
            for rings in polygons:
                on[_within(middle, rings)] = len(parts)
            parts.append((number, row, sum(polygon_area(rings) for rings in polygons)))
            for name, kept in limits.items():
                kept.append(float(known[name][row]) if name in known else np.nan)
    if not parts:
        return None
    layer_of, row_of, area = (np.array(column) for column in zip(*parts, strict=True))
    there = on >= 0
    return PlanLimits(
        layer_of.astype(np.int64), row_of.astype(np.int64), area.astype(np.float64),
        {name: np.array(values) for name, values in limits.items()}, stands[there], on[there], measures, sea_m,
    )  # fmt: skip


def _rings(layer: AreaLayer, polygon: int) -> list[Floats]:
    first, last = layer.polygon_ring_start[polygon], layer.polygon_ring_start[polygon + 1]
    return [layer.positions_local[layer.ring_start[ring] : layer.ring_start[ring + 1]] for ring in range(first, last)]


def _within(points: Floats, rings: Sequence[Floats]) -> NDArray[np.bool_]:
    """Which points lie in a polygon with holes."""
    inside = points_in_ring(points, rings[0])
    for hole in rings[1:]:
        inside &= ~points_in_ring(points, hole)
    return inside


PLAN = "Development plan"
_PLOTS = "The plan's area stands for the plots on it; the limit holds for each plot by itself."
_MIDDLE = "A building counts for the area in which its middle lies; only main buildings are counted."
_HINT = "A hint, it replaces no check by the building authority."
_STOREYS = "Storeys that the data does not name are estimated from the height of the eaves."
_FULL = "Full storeys in the sense of building law are not told from others; attics are not counted."
_HEIGHT = "Heights run from the lowest ground of a building to its highest point."
_D = IndicatorDefinition

#: Shown where a layer with limits is open; which of them, ``definitions_for`` says.
DEFINITIONS: tuple[IndicatorDefinition, ...] = (
    _D("plan_coverage_over", "Plan areas above their GRZ", "areas", Status.LIVE, PLAN,
       "{value} areas of the plan are built on more than their GRZ allows.", "footprint / plan area > GRZ",
       lambda f, p: f.plan.get("coverage_over"), source="BauNVO, section 19", higher_is="worse",
       assumptions=(_HINT, _PLOTS, _MIDDLE), everywhere=True),
    _D("plan_density_over", "Plan areas above their GFZ", "areas", Status.INDICATIVE, PLAN,
       "{value} areas of the plan hold more floor area than their GFZ allows.",
       "footprint × storeys / plan area > GFZ",
       lambda f, p: f.plan.get("density_over"), fallback=lambda f: f.plan.get("no_storeys", 0.0),
       source="BauNVO, section 20", higher_is="worse", assumptions=(_HINT, _PLOTS, _MIDDLE, _STOREYS, _FULL),
       everywhere=True),
    _D("plan_storeys_over", "Buildings with more storeys than the plan allows", "buildings", Status.INDICATIVE, PLAN,
       "{value} buildings have more storeys than the plan allows.", "storeys > number of storeys in the plan",
       lambda f, p: f.plan.get("storeys_over"), fallback=lambda f: f.plan.get("no_storeys", 0.0),
       source="BauNVO, section 20", higher_is="worse", assumptions=(_HINT, _MIDDLE, _STOREYS, _FULL),
       everywhere=True),
    _D("plan_height_over", "Buildings higher than the plan allows", "buildings", Status.LIVE, PLAN,
       "{value} buildings are higher than the plan allows.", "height > height in the plan",
       lambda f, p: f.plan.get("height_over"), source="BauNVO, section 18", higher_is="worse",
       assumptions=(_HINT, _MIDDLE, _HEIGHT), everywhere=True),
    _D("plan_floor_left", "Floor area the plan still allows", "m²", Status.INDICATIVE, PLAN,
       "The plan still allows {value} m² of floor area.",
       "sum of plan area × GFZ (else GRZ × storeys) − footprint × storeys, where positive",
       lambda f, p: f.plan.get("floor_left"), fallback=lambda f: f.plan.get("no_storeys", 0.0),
       source="BauNVO, section 20", assumptions=(_HINT, _PLOTS, _MIDDLE, _STOREYS, _FULL), everywhere=True),
)  # fmt: skip
_NEEDS = {
    "plan_coverage_over": ("coverage",), "plan_density_over": ("density",), "plan_storeys_over": ("storeys",),
    "plan_height_over": ("height_m", "height_sea_m"), "plan_floor_left": ("density", "storeys"),
}  # fmt: skip


def definitions_for(limits: PlanLimits | None) -> tuple[IndicatorDefinition, ...]:
    """The indicators these limits give."""
    if limits is None:
        return ()
    shown = [d for d in DEFINITIONS if limits.has(*_NEEDS[d.id])]
    if not np.isfinite(limits.floor_allowed_m2).any():
        shown = [d for d in shown if d.id != "plan_floor_left"]
    return tuple(shown)
