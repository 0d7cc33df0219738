"""The indicators: each declared once with its label, formula, parameters and how to work it out from sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from viewer.indicators.record import Status

#: Parameter values by name.
Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """What indicators are worked out from: sums over buildings, and the ground of the study area in m².

    sums : by the names in ``stock.COLUMNS``. total, plots : study area and plots. sealed, partly, green,
        water, unknown : open ground by class before the change (unknown is split by assumption).
    unsealed_share, unsealed_unknown_share : to which part of sealed and unknown ground unsealing applies.
    canopy : under crowns. trees : number of new trees. plan : see ``limits``, empty without a plan.
    """

    sums: Mapping[str, float]
    total: float
    plots: float
    sealed: float
    partly: float
    green: float
    water: float
    unknown: float
    unsealed_share: float
    unsealed_unknown_share: float
    canopy: float
    trees: int
    plan: Mapping[str, float] = field(default_factory=dict)

    def open_ground(self, p: Values) -> dict[str, float]:
        """Open ground by class after the change, m²: sealed, partly, green, water, and what was unsealed.

        Ground of removed buildings turns green; planned buildings take the ground they stand on.
        """
        s = self.sums
        sealed = max(self.sealed - s["on_sealed"], 0.0)
        unknown = max(self.unknown - s["on_unknown"], 0.0)
        guessed_partly = p["open_partly"] * unknown
        guessed_sealed = min(p["open_sealed"], 1.0 - p["open_partly"]) * unknown
        unsealed = sealed * self.unsealed_share + guessed_sealed * self.unsealed_unknown_share
        green = self.green - s["on_green"] + unknown - guessed_partly - guessed_sealed + s["freed"]
        return {
            "sealed": sealed + guessed_sealed - unsealed,
            "partly": max(self.partly - s["on_partly"], 0.0) + guessed_partly,
            "green": max(green, 0.0) + unsealed,
            "water": max(self.water - s["on_water"], 0.0),
            "unsealed": unsealed,
        }

    def storeyed(self, name: str, p: Values) -> float:
        """A sum over storeys, its estimated part at another storey height."""
        return self.sums[name] + self.sums[f"{name}_estimated"] * (STOREY_M / p["storey_height"] - 1.0)


#: Storey height with which storeys of homes were estimated.
STOREY_M = 3.0

Formula = Callable[[Figures, Values], "float | None"]


@dataclass(frozen=True, slots=True)
class IndicatorDefinition:
    """An indicator.

    id : stable key. label, unit, sentence, formula, assumptions : translation keys; ``sentence`` is a
        template over ``value``, ``baseline``, ``difference``, ``low`` and ``high``.
    evaluate : (figures, parameter values) -> value, or None where it cannot be known.
    parameters : names in ``PARAMETERS``; each one's range widens the band of a RANGE indicator.
    fallback : figures -> share (0..1) of what it counts that rests on an assumption.
    column : name in ``stock.COLUMNS``, or a formula of them, that gives each building's value for colouring.
    counts : a number of people or homes, rounded to tens above 1 000.
    everywhere : it does not end at the border of the study area.
    """

    id: str
    label: str
    unit: str
    status: Status
    group: str
    sentence: str
    formula: str
    evaluate: Formula
    digits: int = 0
    parameters: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    fallback: Callable[[Figures], float] | None = None
    source: str = ""
    higher_is: str = ""
    column: str | Callable[[Figures, Values], float] = ""
    counts: bool = False
    everywhere: bool = False


def _share(part: float, whole: float) -> float | None:
    return 100.0 * part / whole if whole > 0 else None


def _no_storeys(f: Figures) -> float:
    return f.sums["no_storeys"] / f.sums["count"] if f.sums["count"] else 0.0


def _no_use(f: Figures) -> float:
    if not f.sums["count"]:
        return 0.0
    return max(f.sums["no_use"], f.sums["no_storeys"]) / f.sums["count"]


def _no_shell(f: Figures) -> float:
    return f.sums["no_shell"] / f.sums["count"] if f.sums["count"] else 0.0


def _unknown_ground(f: Figures) -> float:
    ground = f.sealed + f.partly + f.green + f.water + f.unknown
    return f.unknown / ground if ground > 0 else 0.0


def _dwellings(f: Figures, p: Values) -> float:
    stock = f.storeyed("homes", p) / p["dwelling_stock"] + f.sums["homes_new"] / p["dwelling_new"]
    return p["living_share"] * stock + _dwellings_on_top(f, p)


def _dwellings_on_top(f: Figures, p: Values) -> float:
    return p["living_share"] * p["usable_share"] * f.sums["homes_on_top"] / p["dwelling_on_top"]


def _residents(f: Figures, p: Values) -> float:
    stock = p["living_share"] * f.storeyed("homes", p) / p["living_per_person"]
    new = p["living_share"] * f.sums["homes_new"] / p["dwelling_new"] + _dwellings_on_top(f, p)
    return stock + new * p["persons_per_new_dwelling"]


def _mean_storeys(f: Figures, p: Values) -> float | None:
    return f.storeyed("storeys", p) / f.sums["count"] if f.sums["count"] else None


def _sealing(f: Figures, p: Values) -> float | None:
    ground = f.open_ground(p)
    return _share(f.sums["footprint"] + ground["sealed"] + p["partly_sealed"] * ground["partly"], f.total)


def _reduced_area(f: Figures, p: Values) -> tuple[float, float]:
    """Runoff coefficient times area, and area; without water, on which rain simply falls."""
    ground, roof, green_roof = f.open_ground(p), f.sums["footprint"], f.sums["green_roof"]
    green_roof = min(green_roof, roof)
    reduced = (
        p["runoff_roof"] * (roof - green_roof)
        + p["runoff_green_roof"] * green_roof
        + p["runoff_sealed"] * ground["sealed"]
        + p["runoff_partly"] * ground["partly"]
        + p["runoff_green"] * ground["green"]
    )
    return reduced, roof + ground["sealed"] + ground["partly"] + ground["green"]


def _runoff_coefficient(f: Figures, p: Values) -> float | None:
    reduced, area = _reduced_area(f, p)
    return reduced / area if area > 0 else None


def _peak_runoff(f: Figures, p: Values) -> float | None:
    reduced, area = _reduced_area(f, p)
    return p["rain"] * reduced / 10_000.0 if area > 0 else None


BUILT, HOMES, DENSITY, GREEN, RAIN = "Buildings", "Homes", "Density", "Green and sealing", "Rain"

_STOREYS_ASSUMED = "Storeys that the data does not name are estimated from the height of the eaves."
_SCALED = "A building scaled in height holds as many storeys as fit."
_USE_ASSUMED = "Buildings whose use the data does not name are taken for homes, unless they are very small."
_BAND = "The band adds up the ranges of all parameters as if they were independent."
_GROUND_ASSUMED = "Open ground without data is split by assumption into sealed, partly sealed and green."
_FREED = "Ground of removed buildings turns green."
_GEOMETRY = "Worked out from the geometry of the model"
_ESTIMATE = "Estimated from floor area"
_GROUND_CLASSES = "Worked out from the classes of ground"
_CROWNS = "Worked out from the crowns of single trees"
_DIN = "DIN 1986-100:2016"
_SETTING = "Setting of the scenario"
_HOME_PARAMETERS = ("storey_height", "living_share", "dwelling_stock", "dwelling_new", "dwelling_on_top",
                    "usable_share")  # fmt: skip
_GROUND_PARAMETERS = ("open_sealed", "open_partly")
_RUNOFF_PARAMETERS = (*_GROUND_PARAMETERS, "runoff_roof", "runoff_green_roof", "runoff_sealed", "runoff_partly",
                      "runoff_green")  # fmt: skip
_D = IndicatorDefinition


DEFINITIONS: tuple[IndicatorDefinition, ...] = (
    _D("building_count", "Buildings", "buildings", Status.LIVE, BUILT,
       "{value} buildings stand in the study area.", "number of buildings whose middle lies in the study area",
       lambda f, p: f.sums["count"], column="count"),
    _D("footprint", "Footprint", "m²", Status.LIVE, BUILT,
       "Buildings cover {value} m² of ground.", "sum of ground surfaces seen from above",
       lambda f, p: f.sums["footprint"], column="footprint", source=_GEOMETRY,
       assumptions=("Parts of a building that overlap are counted twice.",)),
    _D("volume", "Built volume", "m³", Status.LIVE, BUILT,
       "The buildings hold {value} m³.", "volume of closed shells; raised: + footprint × metres added",
       lambda f, p: f.sums["volume"], fallback=_no_shell, column="volume", source=_GEOMETRY,
       assumptions=("Buildings that are not closed count as footprint times mean height.",)),
    _D("storeys", "Storeys on average", "storeys", Status.RANGE, BUILT,
       "The buildings have {value} storeys on average.", "sum of storeys / number of buildings",
       _mean_storeys, digits=1, parameters=("storey_height",), fallback=_no_storeys, column="storeys",
       source=_GEOMETRY, assumptions=(_STOREYS_ASSUMED, _SCALED)),
    _D("gross_floor_area", "Gross floor area", "m²", Status.RANGE, BUILT,
       "All storeys above ground together have {value} m².", "footprint × storeys + usable pitched attics",
       lambda f, p: f.storeyed("floor_area", p), parameters=("storey_height",), fallback=_no_storeys,
       column="floor_area", source="DIN 277",
       assumptions=(_STOREYS_ASSUMED, _SCALED, "Cellars are not counted; pitched attics count from a rise of 2.3 m.")),
    _D("dwellings", "Dwellings", "dwellings", Status.RANGE, HOMES,
       "There is room for about {value} dwellings.",
       "living share × (floor area of homes / living area per dwelling + usable share × floor area added / "
       "living area per dwelling on top)",
       _dwellings, parameters=_HOME_PARAMETERS, fallback=_no_use, column=_dwellings, source=_ESTIMATE,
       assumptions=(_USE_ASSUMED, _STOREYS_ASSUMED, "Homes that stand empty are not known.", _BAND), counts=True),
    _D("residents", "Residents", "people", Status.RANGE, HOMES,
       "About {value} people can live here.",
       "living area / living area per person; new dwellings × people per new dwelling",
       _residents, parameters=(*_HOME_PARAMETERS, "living_per_person", "persons_per_new_dwelling"),
       fallback=_no_use, column=_residents, source=_ESTIMATE,
       assumptions=(_USE_ASSUMED, _STOREYS_ASSUMED, "Estimated from floor area, not counted.", _BAND), counts=True),
    _D("added_dwellings", "Dwellings in added storeys", "dwellings", Status.RANGE, HOMES,
       "Added storeys make room for about {value} dwellings.",
       "footprint × usable share × storeys added × living share / living area per dwelling",
       _dwellings_on_top, parameters=("usable_share", "living_share", "dwelling_on_top"), fallback=_no_use,
       column=_dwellings_on_top, source=_ESTIMATE,
       assumptions=("Statics, monuments and fire law are not checked.", _BAND), counts=True),
    _D("site_coverage", "Site coverage (GRZ)", "1", Status.LIVE, DENSITY,
       "Buildings cover {value} of the plots.", "footprint / area of plots",
       lambda f, p: f.sums["plot_footprint"] / f.plots if f.plots > 0 else None, digits=2,
       source="BauNVO, section 19",
       assumptions=("A hint, it replaces no check by the building authority.", "Only main buildings are counted.")),
    _D("floor_area_ratio", "Floor area ratio (GFZ)", "1", Status.RANGE, DENSITY,
       "Floor area is {value} times the area of the plots.", "footprint × storeys / area of plots",
       lambda f, p: f.storeyed("plot_floor_area", p) / f.plots if f.plots > 0 else None, digits=2,
       parameters=("storey_height",), fallback=_no_storeys, source="BauNVO, section 20",
       assumptions=("A hint, it replaces no check by the building authority.", _STOREYS_ASSUMED,
                    "Attics are not counted as full storeys.")),
    _D("block_coverage", "Block coverage (not GRZ)", "1", Status.LIVE, DENSITY,
       "Buildings cover {value} of the study area.", "footprint / study area",
       lambda f, p: f.sums["footprint"] / f.total if f.total > 0 else None, digits=2, source=_GEOMETRY,
       assumptions=("Without parcels there is no GRZ; streets and parks are part of the area.",)),
    _D("block_density", "Block density (not GFZ)", "1", Status.RANGE, DENSITY,
       "Floor area is {value} times the study area.", "footprint × storeys / study area",
       lambda f, p: f.storeyed("full_floor_area", p) / f.total if f.total > 0 else None, digits=2,
       parameters=("storey_height",), fallback=_no_storeys, source=_GEOMETRY,
       assumptions=("Without parcels there is no GFZ; streets and parks are part of the area.", _STOREYS_ASSUMED)),
    _D("green_share", "Green share", "%", Status.LIVE, GREEN,
       "{value} % of the study area is green ground.", "green ground / study area",
       lambda f, p: _share(f.open_ground(p)["green"], f.total), parameters=_GROUND_PARAMETERS,
       fallback=_unknown_ground, source=_GROUND_CLASSES, higher_is="better",
       assumptions=(_GROUND_ASSUMED, _FREED, "Green roofs are not counted.")),
    _D("sealing_degree", "Sealing degree", "%", Status.LIVE, GREEN,
       "{value} % of the study area is sealed.", "(buildings + sealed + sealing × partly sealed) / study area",
       _sealing, parameters=(*_GROUND_PARAMETERS, "partly_sealed"), fallback=_unknown_ground, source=_GROUND_CLASSES,
       higher_is="worse", assumptions=(_GROUND_ASSUMED, _FREED)),
    _D("fully_sealed_share", "Fully sealed", "%", Status.LIVE, GREEN,
       "{value} % of the study area is built on or fully sealed.", "(buildings + sealed) / study area",
       lambda f, p: _share(f.sums["footprint"] + f.open_ground(p)["sealed"], f.total),
       parameters=_GROUND_PARAMETERS, fallback=_unknown_ground, source=_GROUND_CLASSES, higher_is="worse",
       assumptions=(_GROUND_ASSUMED, _FREED)),
    _D("unsealed_area", "Unsealed ground", "m²", Status.LIVE, GREEN,
       "{value} m² of ground is unsealed.", "share unsealed × sealed open ground",
       lambda f, p: f.open_ground(p)["unsealed"], parameters=_GROUND_PARAMETERS, fallback=_unknown_ground,
       source=_SETTING, assumptions=(_GROUND_ASSUMED,)),
    _D("canopy_share", "Tree canopy", "%", Status.LIVE, GREEN,
       "Tree crowns shade {value} % of the study area.", "union of all crowns / study area",
       lambda f, p: _share(f.canopy, f.total), parameters=("crown",), source=_CROWNS, higher_is="better",
       assumptions=("Only trees that the data names are known; woods without single trees are missing.",
                    "New trees are shown as they are after 25 years.")),
    _D("new_trees", "New trees", "trees", Status.LIVE, GREEN,
       "{value} new trees find a place.", "number of trees planted",
       lambda f, p: float(f.trees), source=_SETTING),
    _D("green_roof_area", "Green roofs", "m²", Status.LIVE, GREEN,
       "{value} m² of roof is greened.", "share greened × roof area with a slope of at most 10°",
       lambda f, p: f.sums["green_roof"], column="green_roof", source=_SETTING,
       assumptions=("Green roofs that exist today are not known.",)),
    _D("runoff_coefficient", "Mean runoff coefficient", "1", Status.LIVE, RAIN,
       "Of heavy rain, a share of {value} runs off.", "sum of coefficient × area / sum of area",
       _runoff_coefficient, digits=2, parameters=_RUNOFF_PARAMETERS, fallback=_unknown_ground, source=_DIN,
       higher_is="worse", assumptions=(_GROUND_ASSUMED, "Peak coefficients; areas of water are left out.")),
    _D("peak_runoff", "Peak runoff", "l/s", Status.RANGE, RAIN,
       "In the example rain, {value} litres run off per second.", "rain × sum of coefficient × area / 10 000",
       _peak_runoff, parameters=(*_RUNOFF_PARAMETERS, "rain"), fallback=_unknown_ground, source=_DIN,
       higher_is="worse",
       assumptions=(_GROUND_ASSUMED, "No sewers, no flow time, no terrain: this is no flood map.",
                    "Green roofs do not hold extreme rain on wet ground.", _BAND)),
)  # fmt: skip
#: Shown with parcels only, and without parcels only.
WITH_PLOTS = ("site_coverage", "floor_area_ratio")
WITHOUT_PLOTS = ("block_coverage", "block_density")
