"""What scenarios change and what that means: changes, indicators and limits of plans, kept while they hold."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from viewer.city import AreaLayer, Layer, TreeLayer
from viewer.city.cut import sound_faces
from viewer.indicators import IndicatorTable, Surfaces, make_surfaces, statement_from_layer
from viewer.indicators.limits import PlanLimits, limits_in, make_limits
from viewer.indicators.record import IndicatorRecord
from viewer.scenario import CityChange, Scenario
from viewer.workspace.held import Held
from viewer.workspace.showing import LayerViews

#: Changes of scenarios that are kept.
_KEPT_CHANGES = 16


class Numbers:
    """Changes and indicator tables of the scenarios of a session."""

    def __init__(self, held: Held, views: LayerViews) -> None:
        self._held, self._views = held, views
        self._changes: OrderedDict[Scenario, CityChange] = OrderedDict()
        self._tables: dict[str, tuple[IndicatorTable, CityChange, tuple[IndicatorRecord, ...]]] = {}
        self._surfaces: tuple[object, Surfaces | None] = (None, None)
        self._limits: tuple[object, PlanLimits | None] = (None, None)
        self._study_ring: NDArray[np.float64] | None = None

    def forget(self) -> None:
        """The city is another one."""
        self._changes.clear()
        self._tables.clear()

    def forget_tables(self) -> None:
        """What is counted is other than before; what scenarios change stays."""
        self._tables.clear()

    def scenario(self, name: str | None) -> Scenario:
        """A scenario of the document by name: None = the active one, "" or an unknown one = the baseline."""
        document = self._held.session.document
        if name is None:
            return document.scenario
        return next((s for s in document.scenarios if s.name == name), Scenario(""))

    def change_of(self, scenario: Scenario) -> CityChange:
        """What a scenario changes; its name and note make no difference."""
        derived = self._held.need()
        key = replace(scenario, name="", note="")
        found = self._changes.get(key)
        if found is None:
            found = derived.applier.apply(key)
        self._changes[key] = found
        self._changes.move_to_end(key)
        while len(self._changes) > _KEPT_CHANGES:
            self._changes.popitem(last=False)
        return found

    def indicators(self, scenario: str | None = None) -> tuple[IndicatorRecord, ...]:
        """The records of a scenario: None = the active one, "" = the baseline."""
        if self._held.derived is None:
            return ()
        value = self.scenario(scenario)
        return self.table("" if value.is_baseline else value.name, self.change_of(value))[2]

    def exact_indicators(self, scenario: str | None = None) -> tuple[IndicatorRecord, ...]:
        """The records of ``indicators`` with every sum added up anew and exactly rounded; for what leaves here."""
        if self._held.derived is None:
            return ()
        value = self.scenario(scenario)
        name = "" if value.is_baseline else value.name
        table, change, _ = self.table(name, self.change_of(value))
        self._tables[name] = (table, change, table.exact())
        return self._tables[name][2]

    def set_study_area(self, ring_local: ArrayLike | None) -> None:
        """Count only what lies in this ring ((n, 2) local metres); None for the outline around the city."""
        self._study_ring = None if ring_local is None else np.asarray(ring_local, np.float64).reshape(-1, 2)
        self._tables.clear()

    def plan_values(self, layer: Layer, row: int, scenario: str | None = None) -> dict[str, float]:
        """What stands on one area of a visible plan, by name: the planned values beside the limits; else empty."""
        plans = self._plans() if self._held.derived is not None and isinstance(layer, AreaLayer) else ()
        limits = self._plan_limits() if layer in plans else None
        if limits is None:
            return {}
        there = np.flatnonzero((limits.layer == plans.index(layer)) & (limits.row == row))
        if not len(there):
            return {}
        on = limits.on_areas(self.change_of(self.scenario(scenario)))
        area = int(there[0])
        values = {"plan:coverage": float(on.coverage[area]), "plan:density": float(on.density[area])}
        if on.storeys[area] > 0:
            values |= {"plan:storeys": float(on.storeys[area]), "plan:height": float(on.height_m[area])}
        return {name: round(value, 2) for name, value in values.items()}

    def table(self, name: str, change: CityChange) -> tuple[IndicatorTable, CityChange, tuple[IndicatorRecord, ...]]:
        """The indicator table of a scenario, brought up to ``change`` additively."""
        known = self._tables.get(name)
        if known is not None and known[1] is change:
            return known
        table = known[0] if known is not None else self._new_table()
        self._tables[name] = (table, change, table.update(change))
        return self._tables[name]

    def baseline_table(self) -> IndicatorTable:
        """The indicator table of the city as it is."""
        return self.table("", self.change_of(Scenario("")))[0]

    def _new_table(self) -> IndicatorTable:
        derived = self._held.need()
        return IndicatorTable(
            derived.city, derived.measures, derived.ground,
            lod_faces=derived.lod_faces, surfaces=self._partition(), limits=self._plan_limits(),
        )  # fmt: skip

    def _plan_limits(self) -> PlanLimits | None:
        """Limits of the visible plans, and what stands on their areas."""
        derived = self._held.need()
        plans = self._plans()
        key = (derived, plans)
        if self._limits[0] != key:
            made = make_limits(plans, derived.measures, derived.frame.origin_crs[2]) if plans else None
            self._limits = (key, made)
        return self._limits[1]

    def _plans(self) -> tuple[AreaLayer, ...]:
        shown = [view.layer for view in self._views.of() if view.visible]
        return tuple(layer for layer in shown if isinstance(layer, AreaLayer) and limits_in(layer))

    def _partition(self) -> Surfaces:
        """What the ground of the study area is made of, from the city and every open layer."""
        derived = self._held.need()
        layers = [view.layer for view in self._views.of() if isinstance(view.layer, AreaLayer | TreeLayer)]
        if not layers and self._study_ring is None:
            return derived.surfaces
        key = (id(derived), self._study_ring is None or id(self._study_ring), *map(id, layers))
        if self._surfaces[0] != key or self._surfaces[1] is None:
            city, faces = sound_faces(derived.city, derived.lod_faces)
            made = make_surfaces(
                city,
                derived.measures,
                faces=faces,
                area_ring=self._study_ring,
                areas=tuple(statement_from_layer(layer) for layer in layers if isinstance(layer, AreaLayer)),
                trees=tuple(layer for layer in layers if isinstance(layer, TreeLayer)),
            )
            self._surfaces = (key, made)
        assert self._surfaces[1] is not None
        return self._surfaces[1]
