"""What every building contributes to the sums, before and after a change (METHODS section 1.2).

Columns hold areas and counts only; parameters such as living area per person come in afterwards, in
``definitions``, so that a band costs nothing per building.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from viewer.city.measures import Measures
from viewer.city.use import Use
from viewer.indicators.surfaces import Ground, Surfaces
from viewer.scenario.apply import no_change
from viewer.scenario.change import CityChange

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Sums over buildings, by name. ``_estimated`` is the part that hangs on estimated storeys.
COLUMNS = (
    "count", "footprint", "volume", "storeys", "storeys_estimated", "floor_area", "floor_area_estimated",
    "full_floor_area", "full_floor_area_estimated", "homes", "homes_estimated", "homes_new", "homes_on_top",
    "green_roof", "plot_footprint", "plot_floor_area", "plot_floor_area_estimated", "freed",
    "on_sealed", "on_partly", "on_green", "on_water", "on_unknown", "no_storeys", "no_use", "no_shell",
)  # fmt: skip
#: Rows that are worked on at once.
_BLOCK = 1 << 13
_ROW = {name: i for i, name in enumerate(COLUMNS)}


class Stock:
    """The B buildings that count, with what never changes about them.

    A building counts when its middle lies in the study area and it has a footprint.

    Parameters
    ----------
    home_share : share of homes by ``Use``; smallest_home_m2 : footprint from which a building of unknown
        use is taken for homes.
    """

    def __init__(self, measures: Measures, surfaces: Surfaces, *, mixed_share: float, smallest_home_m2: float) -> None:
        m = self._measures = measures
        counted = m.is_building & np.isfinite(m.footprint_m2) & surfaces.within(m.centre_local)
        #: (B,) positions in ``city.objects.features``; and (K,) the other way, -1 for those not counted.
        self.features = np.flatnonzero(counted)
        self.row_of_feature = np.full(len(counted), -1, np.int64)
        self.row_of_feature[self.features] = np.arange(len(self.features))
        f = self.features
        self._area = m.footprint_m2[f]
        self._volume = np.nan_to_num(m.volume_m3[f])
        self._storeys = np.maximum(np.nan_to_num(m.storeys[f], nan=1.0), 1.0)
        self._estimated = (~m.storeys_known[f]).astype(np.float64)
        self._attic = m.attic_m2[f]
        self._flat_roof = m.flat_roof_area_m2[f]
        self._planned = m.planned[f]
        self._open = (~m.closed[f]).astype(np.float64)
        use = m.use[f]
        share = np.array([_home_share(u, mixed_share) for u in Use])[use]
        self._homes = np.where((use == Use.UNKNOWN) & (self._area < smallest_home_m2), 0.0, share)
        self._no_use = (use == Use.UNKNOWN).astype(np.float64)
        self._on_plot = surfaces.on_plots(m.centre_local[f]).astype(np.float64)
        under = surfaces.planned_share[f]
        self._under = {
            "on_sealed": under[:, Ground.SEALED],
            "on_partly": under[:, Ground.PARTLY],
            "on_green": under[:, Ground.VEGETATION],
            "on_water": under[:, Ground.WATER],
            "on_unknown": under[:, Ground.UNKNOWN] + under[:, Ground.OUTSIDE] + under[:, Ground.BUILDING],
        }
        self._any_planned = bool(self._planned.any())
        self.home_share = self._homes

    def __len__(self) -> int:
        return len(self.features)

    def is_of(self, measures: Measures) -> bool:
        """Whether this is the stock of some measures."""
        return self._measures is measures

    def contributions(self, change: CityChange, rows: NDArray[np.int64] | slice) -> Floats:
        """(columns, n) what the buildings of some rows contribute after a change."""
        f = self.features[rows]
        exists = change.exists[f].astype(np.float64)
        factor = change.factor[f].astype(np.float64)
        added = change.storeys_added[f].astype(np.float64)
        area, before = self._area[rows], self._storeys[rows]
        storeys = storeys_after(before, factor, added) * exists
        estimated = self._estimated[rows]
        full = area * storeys
        floor = full + self._attic[rows] * exists
        on_top = area * np.maximum(storeys - before, 0.0)
        homes = (floor - on_top) * self._homes[rows]
        planned = self._planned[rows]

        out = np.empty((len(COLUMNS), len(f)))

        def put(name: str, values: Floats) -> None:
            out[_ROW[name]] = values

        put("count", exists)
        put("footprint", area * exists)
        put("volume", (self._volume[rows] * factor + area * change.lift_m[f]) * exists)
        put("storeys", storeys)
        put("storeys_estimated", storeys * estimated)
        put("floor_area", floor)
        put("floor_area_estimated", full * estimated)
        put("full_floor_area", full)
        put("full_floor_area_estimated", full * estimated)
        put("homes", np.where(planned, 0.0, homes))
        put("homes_estimated", np.where(planned, 0.0, homes * estimated))
        put("homes_new", np.where(planned, homes, 0.0))
        put("homes_on_top", on_top * self._homes[rows])
        put("green_roof", self._flat_roof[rows] * change.green_roof_share[f] * exists)
        on_plot = self._on_plot[rows]
        put("plot_footprint", area * exists * on_plot)
        put("plot_floor_area", full * on_plot)
        put("plot_floor_area_estimated", full * estimated * on_plot)
        put("freed", np.where(planned, 0.0, area * (1.0 - exists)))
        covers = area * exists * planned if self._any_planned else None
        for name, under in self._under.items():
            out[_ROW[name]] = 0.0 if covers is None else covers * under[rows]
        put("no_storeys", estimated * exists)
        put("no_use", self._no_use[rows] * exists)
        put("no_shell", self._open[rows] * exists)
        return out

    def sums(self, change: CityChange) -> Floats:
        """(columns,) what all buildings contribute together after a change."""
        total = np.zeros(len(COLUMNS))
        for rows in self.blocks():
            total += self.contributions(change, rows).sum(axis=1)
        return total

    def exact_sums(self, change: CityChange) -> Floats:
        """(columns,) the same, added with twice the digits and rounded once."""
        parts: list[Floats] = [np.zeros((len(COLUMNS), 2))]
        parts += [np.column_stack(_added_exactly(self.contributions(change, rows))) for rows in self.blocks()]
        every = np.concatenate(parts, axis=1)
        return np.array([math.fsum(row) for row in every.tolist()], dtype=np.float64)

    def blocks(self) -> Iterator[slice]:
        """The rows in runs so small that their columns stay in the processor's own memory."""
        return (slice(start, start + _BLOCK) for start in range(0, len(self), _BLOCK))

    @cached_property
    def baseline(self) -> tuple[CityChange, Floats]:
        """Nothing changed, and the exact sums of it."""
        change = no_change(self._measures)
        return change, self.exact_sums(change)


def storeys_after(before: Floats, factor: Floats, added: Floats) -> Floats:
    """(n,) storeys after a change: a scaled building holds as many as fit, halves up, one at least (METHODS B3)."""
    fits = np.where(factor == 1.0, before, np.maximum(1.0, np.floor(before * factor + 0.5)))
    return np.maximum(fits + added, 1.0)


def stock_of(measures: Measures, surfaces: Surfaces, *, mixed_share: float, smallest_home_m2: float) -> Stock:
    """A stock, shared by all who ask with the same ``surfaces`` as long as those live."""
    known = _stocks.setdefault(surfaces, {})
    key = (id(measures), mixed_share, smallest_home_m2)
    found = known.get(key)
    if found is None or not found.is_of(measures):
        found = known[key] = Stock(measures, surfaces, mixed_share=mixed_share, smallest_home_m2=smallest_home_m2)
    return found


_stocks: WeakKeyDictionary[Surfaces, dict[tuple[int, float, float], Stock]] = WeakKeyDictionary()


def _added_exactly(rows: Floats) -> tuple[Floats, Floats]:
    """Sums of the rows of (r, n) and what rounding took from them, (r,) each.

    Pairs are added by Knuth's two-sum, which gives the rounding error of each sum exactly; then pairs of those sums.
    """
    lost = np.zeros(len(rows))
    while rows.shape[1] > 1:
        half = rows.shape[1] // 2
        a, b, odd = rows[:, :half], rows[:, half : 2 * half], rows[:, 2 * half :]
        total = a + b
        of_b = total - a
        lost += ((a - (total - of_b)) + (b - of_b)).sum(axis=1)
        rows = np.concatenate([total, odd], axis=1) if odd.shape[1] else total
    return (rows[:, 0] if rows.shape[1] else np.zeros(len(rows))), lost


def _home_share(use: Use, mixed_share: float) -> float:
    if use in (Use.RESIDENTIAL, Use.UNKNOWN):
        return 1.0
    return mixed_share if use is Use.MIXED else 0.0
