"""The table of all indicators of one city: kept up to date additively while a scenario changes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city import CityModel
from viewer.city.ground import Ground as GroundHeights
from viewer.city.measures import Measures
from viewer.indicators.definitions import (
    DEFINITIONS,
    WITH_PLOTS,
    WITHOUT_PLOTS,
    Figures,
    IndicatorDefinition,
    Values,
)
from viewer.indicators.limits import PlanLimits, definitions_for
from viewer.indicators.parameters import PARAMETERS, with_defaults
from viewer.indicators.record import IndicatorRecord, Status
from viewer.indicators.stock import COLUMNS, stock_of
from viewer.indicators.surfaces import Ground, Surfaces, Unsealing, crowns, make_surfaces
from viewer.scenario.change import CityChange, differing

Floats = NDArray[np.float64]

#: After so many additive updates the sums are added up anew (METHODS section 1.2).
RECOMPUTE_AFTER = 1000
#: From this share of changed buildings on, adding up anew is cheaper.
_ANEW_FROM = 0.25
_LOWER = {Status.LIVE: Status.RANGE, Status.RANGE: Status.INDICATIVE}
_CHANGED = ("lift_m", "factor", "exists", "green_roof_share", "storeys_added")


class IndicatorTable:
    """Indicators of a city and its scenarios.

    An update works out those buildings alone whose settings differ from the last change, before and after, and
    adds the difference. Where nothing is changed, the sums of the baseline come back bit for bit.

    Parameters
    ----------
    lod_faces : (F,) bool, the faces at the shown LoD; None for all.
    area_ring : (n, 2) local metres, the study area; None for the outline around all buildings.
    surfaces : what the ground is made of; made from the city alone if None. Tables of the same city
        and study area may share it.
    parameters : values other than the defaults, by name in ``PARAMETERS``.
    extra : further definitions, shown after ours.
    limits : of development plans; their indicators come last.

    Raises
    ------
    KeyError
        A parameter that does not exist.
    """

    def __init__(
        self,
        city: CityModel,
        measures: Measures,
        ground: GroundHeights | None = None,
        *,
        lod_faces: NDArray[np.bool_] | None = None,
        area_ring: ArrayLike | None = None,
        surfaces: Surfaces | None = None,
        parameters: Mapping[str, float] | None = None,
        extra: Sequence[IndicatorDefinition] = (),
        limits: PlanLimits | None = None,
    ) -> None:
        self.parameters = with_defaults(parameters)
        self.surfaces = surfaces or make_surfaces(city, measures, faces=lod_faces, area_ring=area_ring)
        self.ground = ground
        self.stock = stock_of(
            measures,
            self.surfaces,
            mixed_share=self.parameters["mixed_share"],
            smallest_home_m2=self.parameters["smallest_home"],
        )
        hidden = WITHOUT_PLOTS if self.surfaces.plots_m2 > 0 else WITH_PLOTS
        self._limits = limits
        every = (*DEFINITIONS, *extra, *definitions_for(limits))
        self.definitions = tuple(d for d in every if d.id not in hidden)
        own = self.parameters
        self._used = {d.id: tuple(PARAMETERS[name].used(own[name]) for name in d.parameters) for d in self.definitions}
        self._assumptions = {
            d.id: d.assumptions if self.surfaces.drawn or d.everywhere else (*d.assumptions, STUDY_AREA)
            for d in self.definitions
        }
        self._features = len(measures.ground_m)
        self._unsealing = Unsealing(self.surfaces)
        self._base_change, self._base_sums = self.stock.baseline
        self._change = self._base_change
        self._sums = self._base_sums.copy()
        self._updates = 0
        self._trees: NDArray[np.float64] = self._base_change.trees_local
        self._canopy = self._canopy_m2(self._trees)
        self._open: dict[str, Any] = self._open_ground()
        self._base_figures = self._figures(self._base_sums, self._base_change)
        self._base_values = {d.id: d.evaluate(self._base_figures, self.parameters) for d in self.definitions}
        self.records: tuple[IndicatorRecord, ...] = self._records(self._base_figures)

    def update(self, change: CityChange) -> tuple[IndicatorRecord, ...]:
        """All indicators after a change; only buildings that differ from the last change are worked out."""
        self._move_to(change)
        self.records = self._records(self._figures(self._sums, change))
        return self.records

    def exact(self) -> tuple[IndicatorRecord, ...]:
        """The indicators with all sums added up anew, exactly rounded; for exports."""
        self._recompute()
        self.records = self._records(self._figures(self._sums, self._change))
        return self.records

    def sums(self) -> dict[str, float]:
        """Additive sums over buildings by name, as they stand."""
        return dict(zip(COLUMNS, self._sums.tolist(), strict=True))

    def record(self, indicator: str) -> IndicatorRecord | None:
        """The record of an indicator, as of the last update."""
        return next((r for r in self.records if r.id == indicator), None)

    def per_feature(self, indicator: str) -> Floats | None:
        """(K,) each building's own value, NaN for objects that do not count; None for shares of an area."""
        definition = next((d for d in self.definitions if d.id == indicator), None)
        if definition is None or not definition.column:
            return None
        result = np.full(self._features, np.nan)
        for rows in self.stock.blocks():
            now = self.stock.contributions(self._change, rows)
            if isinstance(definition.column, str):
                own = now[COLUMNS.index(definition.column)]
            else:
                # The formulas are arithmetic alone, so they work on columns as they do on sums.
                columns = dict(zip(COLUMNS, now, strict=True))
                own = np.asarray(definition.column(self._figures_of(columns), self.parameters))
            result[self.stock.features[rows]] = np.where(now[0] > 0, own, np.nan)
        return result

    def _move_to(self, change: CityChange) -> None:
        rows = None if self._is_baseline(change) else self._differing(self._change, change)
        if rows is None:
            self._sums, self._updates = self._base_sums.copy(), 0
        elif len(rows) >= _ANEW_FROM * len(self.stock):
            self._sums, self._updates = self.stock.sums(change), 0
        elif len(rows):
            before = self.stock.contributions(self._change, rows).sum(axis=1)
            self._sums = self._sums + (self.stock.contributions(change, rows).sum(axis=1) - before)
            self._updates += 1
        self._change = change
        if self._updates >= RECOMPUTE_AFTER:
            self._recompute()

    def _recompute(self) -> None:
        baseline = self._is_baseline(self._change)
        self._sums = self._base_sums.copy() if baseline else self.stock.exact_sums(self._change)
        self._updates = 0

    def _is_baseline(self, change: CityChange) -> bool:
        """Whether a change changes no building, whatever is set."""
        origin = change.origin
        if origin is not None and origin.is_baseline:
            return True
        touched = differing(self._base_change, change)
        rows = slice(None) if touched is None else touched
        few = slice(None) if touched is not None else slice(None, None, max(1, self._features // 1000))
        pairs = [(getattr(change, name), getattr(self._base_change, name)) for name in _CHANGED]
        # A look at some comes first: most changes of a whole city are seen from them.
        return all(np.array_equal(a[rows][few], b[rows][few]) for a, b in pairs) and all(
            np.array_equal(a[rows], b[rows]) for a, b in pairs
        )

    def _differing(self, one: CityChange, other: CityChange) -> NDArray[np.int64]:
        """Rows of the stock whose buildings may differ between two changes."""
        found = differing(one, other)
        if found is not None:
            rows = self.stock.row_of_feature[found]
            return rows[rows >= 0]
        if one.origin is not None and other.origin is not None:
            return np.arange(len(self.stock))
        differs = np.zeros(self._features, bool)
        for name in _CHANGED:
            a, b = getattr(one, name), getattr(other, name)
            if a is not b:
                differs |= a != b
        return np.flatnonzero(differs[self.stock.features])

    def _canopy_m2(self, trees_local: Floats) -> float:
        s = self.surfaces
        under = s.canopy
        if len(trees_local):
            new = crowns(s.grid, trees_local[:, :2], np.full(len(trees_local), self.parameters["crown"]))
            under = under | (new & (s.kind != Ground.OUTSIDE))
        return float(np.count_nonzero(under)) * s.grid.cell_m**2

    def _open_ground(self) -> dict[str, float]:
        """Open ground by class, scaled so that it and the footprints fill the study area exactly."""
        area, total = self.surfaces.area_m2, self.surfaces.total_m2
        drawn = float(total - area[Ground.BUILDING])
        footprint = float(self._base_sums[COLUMNS.index("footprint")])
        scale = max(total - footprint, 0.0) / drawn if drawn > 0 else 0.0
        kinds = {"sealed": Ground.SEALED, "partly": Ground.PARTLY, "green": Ground.VEGETATION}
        kinds |= {"water": Ground.WATER, "unknown": Ground.UNKNOWN}
        return {name: float(area[kind]) * scale for name, kind in kinds.items()}

    def _figures(self, sums: Floats, change: CityChange) -> Figures:
        if change.trees_local is not self._trees:
            self._trees = change.trees_local
            self._canopy = self._canopy_m2(change.trees_local)
        sealed, unknown = self._unsealing.shares(change.unsealed)
        figures = self._figures_of(
            dict(zip(COLUMNS, sums.tolist(), strict=True)), sealed, unknown, self._canopy, len(change.trees_local)
        )
        return figures if self._limits is None else replace(figures, plan=self._limits.figures(change))

    def _figures_of(
        self, sums: Mapping[str, float], sealed: float = 0.0, unknown: float = 0.0, canopy: float = 0.0, trees: int = 0
    ) -> Figures:
        return Figures(
            sums=sums,
            total=self.surfaces.total_m2,
            plots=self.surfaces.plots_m2,
            unsealed_share=sealed,
            unsealed_unknown_share=unknown,
            canopy=canopy,
            trees=trees,
            **self._open,
        )

    def _records(self, figures: Figures) -> tuple[IndicatorRecord, ...]:
        return tuple(self._record(definition, figures) for definition in self.definitions)

    def _record(self, d: IndicatorDefinition, figures: Figures) -> IndicatorRecord:
        value = d.evaluate(figures, self.parameters)
        fallback = d.fallback(figures) if d.fallback is not None else 0.0
        status = Status.OFF if value is None else d.status
        if fallback > 0.5:
            status = _LOWER.get(status, status)
        low, high = None, None
        if value is not None and status is Status.RANGE:
            low, high = _band(d, figures, self.parameters, value)
        return IndicatorRecord(
            id=d.id,
            label=d.label,
            unit=d.unit,
            status=status,
            value=value,
            baseline=self._base_values[d.id],
            sentence=d.sentence,
            formula=d.formula,
            group=d.group,
            low=low,
            high=high,
            digits=_digits(d, value),
            fallback_share=fallback,
            parameters=self._used[d.id],
            assumptions=self._assumptions[d.id],
            source=d.source,
            higher_is=d.higher_is,
        )


#: What every record says where no study area was drawn.
STUDY_AREA = "The study area is the convex outline around all buildings, 10 m outside them."


def _band(d: IndicatorDefinition, figures: Figures, values: Values, value: float) -> tuple[float, float]:
    """Lowest and highest value when every parameter moves through its range by itself; deviations are added
    as squares."""
    down = up = 0.0
    for name in d.parameters:
        for bound in (PARAMETERS[name].low, PARAMETERS[name].high):
            other = d.evaluate(figures, {**values, name: bound})
            gap = 0.0 if other is None else other - value
            if gap < 0:
                down += gap * gap
            else:
                up += gap * gap
    return max(value - math.sqrt(down), 0.0), value + math.sqrt(up)


def _digits(d: IndicatorDefinition, value: float | None) -> int:
    """Rounding of the display: people and homes to tens above 1 000 (METHODS section 1.5)."""
    return -1 if d.counts and value is not None and abs(value) > 1000 else d.digits
