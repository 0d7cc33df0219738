"""A small made-up quarter, so that every planning panel runs alone and is tested without reading a file.

It offers what the panels use of ``Workspace``; its numbers follow simple arithmetic and mean nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from psygnal import Signal

from viewer.city import CityModel, Frame
from viewer.indicators.record import IndicatorRecord, ParameterUsed, Status
from viewer.scenario import Scenario, Selection, Setting, Target, WholeCity
from viewer.scene.state import SceneState
from viewer.session.document import Camera, Document, View
from viewer.session.session import Session

BUILDINGS = 240
PLANNED = tuple(f"planned-{n}" for n in range(1, 7))
FOOTPRINT_M2 = 185.0
STOREYS = 3.2
SITE_M2 = 164_000.0
OPEN_SEALED_M2 = 52_000.0
GREEN_M2 = 58_000.0


def sample_document() -> Document:
    """Three scenarios and a three-step story."""
    chosen = Selection(tuple(f"b-{n:03d}" for n in range(12)), name="Corner of Mill Street")
    return Document(
        scenarios=(
            Scenario("Grow upwards", (Setting("storeys_added", 1.0), Setting("storeys_added", 3.0, chosen))),
            Scenario(
                "Green yards",
                (Setting("unsealing_share", 40.0), Setting("trees_added", 350.0), Setting("green_roof_share", 60.0)),
                note="Yards are opened, every second flat roof is greened.",
            ),
            Scenario("New quarter", (Setting("trees_added", 200.0),), built=frozenset(PLANNED)),
        ),
        active="Grow upwards",
        views=(
            View("The quarter today", Camera((0, -900, 600), (0, 0, 0)), "Grow upwards",
                 text="About 1,500 people live between the river and the railway line."),
            View("Two storeys more", Camera((700, -500, 350), (0, 0, 10)), "Grow upwards",
                 text="Homes without new ground: what the roofs along Mill Street could carry."),
            View("Shade in the yards", Camera((-300, -400, 220), (0, 0, 0)), "Green yards",
                 text="Trees and open ground keep the rain and cool the summer evenings.", seconds=12),
        ),
        title="Mill Quarter",
        credits="Sample data",
    )  # fmt: skip


class SampleWorkspace:
    """Stands where a ``Workspace`` stands, with sample data and nothing to load."""

    changed = Signal()
    selection_changed = Signal()

    def __init__(self, document: Document | None = None) -> None:
        self.session = Session(sample_document() if document is None else document)
        self.city: CityModel | None = None
        self.measures = None
        self.ground = None
        self.frame = Frame()
        self.outline_local = np.empty((0, 3))
        self.reports = ()
        self.selection: NDArray[np.int32] = np.arange(3, dtype=np.int32)
        self.session.changed.connect(self._on_changed)

    def _on_changed(self, _old: Document, _new: Document) -> None:
        self.changed.emit()

    def select(self, features: ArrayLike) -> None:
        """Choose buildings, as a click does."""
        self.selection = np.array(features, dtype=np.int32)
        self.selection_changed.emit()

    def attributions(self) -> tuple[str, ...]:
        """Credits of everything shown."""
        return ("Sample data of this program",)

    def attribute_names(self) -> tuple[str, ...]:
        """Attributes a filter may use."""
        return ("function", "measuredHeight", "roofType", "storeysAboveGround", "yearOfConstruction")

    def planned_ids(self) -> tuple[str, ...]:
        """Ids of the planned buildings."""
        return PLANNED

    def ids_of(self, features: NDArray[np.int32]) -> tuple[str, ...]:
        """Ids of top-level objects."""
        return tuple(f"b-{int(n):03d}" for n in features)

    def features_of(self, ids: Iterable[str]) -> NDArray[np.int32]:
        """Positions of top-level objects with these ids."""
        return np.array([int(i[2:]) for i in ids if i.startswith("b-")], dtype=np.int32)

    def show_outline(self, ring_local: NDArray[np.float64]) -> None:
        """Show a ring as the area being talked about."""
        self.outline_local = ring_local
        self.changed.emit()

    def change(self, scenario: str | None = None) -> None:
        """What a scenario changes: there is no city here to change."""

    def target_count(self, target: Target) -> int:
        """Buildings a target touches."""
        if isinstance(target, WholeCity):
            return BUILDINGS
        return len(target.ids) if isinstance(target, Selection) else BUILDINGS // 3

    def scene_state(self, scenario: str | None = None, *, theme: str = "light") -> SceneState:
        """An empty picture."""
        return SceneState(theme=theme)

    def indicators(self, scenario: str | None = None) -> tuple[IndicatorRecord, ...]:
        """Records of a scenario (None = the active one, "" = the baseline)."""
        document = self.session.document
        if scenario is None:
            chosen = document.scenario
        else:
            chosen = next((s for s in document.scenarios if s.name == scenario), Scenario(""))
        now, before = _totals(chosen), _totals(Scenario(""))
        return tuple(_record(row, now[row[0]], before[row[0]]) for row in _ROWS)

    def exact_indicators(self, scenario: str | None = None) -> tuple[IndicatorRecord, ...]:
        """The same: nothing is added up here."""
        return self.indicators(scenario)


def _totals(scenario: Scenario) -> dict[str, float]:
    count = BUILDINGS - len(scenario.removed) + len(scenario.built)
    storeys = count * STOREYS
    for setting in scenario.settings:
        if setting.parameter == "storeys_added":
            touched = len(setting.target.ids) if isinstance(setting.target, Selection) else count
            storeys += touched * setting.value
    factor = scenario.value("height_percent") / 100
    floor_area = storeys * FOOTPRINT_M2
    dwellings = floor_area * 0.8 / 92.2
    unsealed = OPEN_SEALED_M2 * scenario.value("unsealing_share") / 100
    built = count * FOOTPRINT_M2
    green = GREEN_M2 + unsealed
    roofs = built * 0.45 * scenario.value("green_roof_share") / 100
    sealed = built + OPEN_SEALED_M2 - unsealed
    runoff = (built - 0.6 * roofs + 0.9 * (OPEN_SEALED_M2 - unsealed) + 0.1 * green) / SITE_M2
    return {
        "footprint": built,
        "volume": storeys * FOOTPRINT_M2 * 3.0 * factor,
        "gross_floor_area": floor_area,
        "dwellings": dwellings,
        "residents": dwellings * 1.9,
        "floor_area_ratio": floor_area / SITE_M2,
        "green_share": 100 * green / SITE_M2,
        "sealing_degree": 100 * sealed / SITE_M2,
        "canopy_share": 100 * (19_000 + 38.5 * scenario.value("trees_added")) / SITE_M2,
        "runoff_coefficient": runoff,
        "peak_runoff": 166.667 * runoff * SITE_M2 / 10_000,
        "parking_demand": 0.0,
    }


_Row = tuple[str, str, str, str, Status, int, float, str, str]
_ROWS: tuple[_Row, ...] = (
    ("footprint", "Buildings", "Built ground", "m²", Status.LIVE, 0, 0.0,
     "So much ground stands under buildings.", "sum of footprints"),
    ("volume", "Buildings", "Building volume", "m³", Status.LIVE, 0, 0.0,
     "So much space is enclosed by walls and roofs.", "V = 1/6 Σ p0 · (p1 × p2)"),
    ("gross_floor_area", "Buildings", "Gross floor area", "m²", Status.RANGE, 0, 0.06,
     "So much floor lies on all storeys together.", "GFA = Σ footprint × storeys"),
    ("floor_area_ratio", "Buildings", "Block density", "", Status.LIVE, 2, 0.0,
     "Floor area for every square metre of ground.", "gross floor area / ground area"),
    ("dwellings", "Homes", "Dwellings", "", Status.RANGE, 0, 0.08,
     "So many homes fit into the houses.", "living area / living area per dwelling"),
    ("residents", "Homes", "Residents", "", Status.RANGE, 0, 0.1,
     "So many people could live here.", "dwellings × persons per dwelling"),
    ("green_share", "Green and ground", "Green share", "%", Status.LIVE, 0, 0.0,
     "So much of the ground is green.", "Σ green ground / Σ ground"),
    ("sealing_degree", "Green and ground", "Sealed ground", "%", Status.LIVE, 0, 0.0,
     "So much of the ground lets no rain in.", "(Σ built + Σ s × paved) / Σ ground"),
    ("canopy_share", "Green and ground", "Tree canopy", "%", Status.LIVE, 0, 0.0,
     "So much of the ground lies under trees.", "area of the union of crowns / Σ ground"),
    ("runoff_coefficient", "Water", "Mean runoff coefficient", "", Status.LIVE, 2, 0.0,
     "This share of the rain runs off at once.", "Σ C × A / Σ A"),
    ("peak_runoff", "Water", "Peak runoff", "l/s", Status.RANGE, 0, 0.05,
     "So much water comes in the strongest minutes of a downpour.", "Q = r × Σ(C × A) / 10 000"),
    ("parking_demand", "Traffic", "Parking spaces needed", "", Status.OFF, 0, 0.0,
     "Needs the municipality's own ratio.", "dwellings × ratio"),
)  # fmt: skip


def _record(row: _Row, value: float, baseline: float) -> IndicatorRecord:
    identifier, group, label, unit, status, digits, spread, sentence, formula = row
    off = status is Status.OFF
    return IndicatorRecord(
        id=identifier,
        label=label,
        unit=unit,
        status=status,
        value=None if off else value,
        baseline=None if off else baseline,
        sentence=sentence,
        formula=formula,
        group=group,
        low=value * (1 - spread) if spread else None,
        high=value * (1 + spread) if spread else None,
        digits=digits,
        fallback_share=0.34 if spread else 0.0,
        parameters=(
            (
                ParameterUsed("storey height", 3.0, "m", "planning value", unverified=True),
                ParameterUsed("living area per dwelling", 92.2, "m²", "Destatis, end of 2022"),
            )
            if spread
            else ()
        ),
        assumptions=("No vacancy, no mixed use inside a building.",) if spread else (),
        source="METHODS",
    )


def run_alone(make: Callable[..., object]) -> None:
    """Show one panel with the made-up quarter, as ``python -m viewer.ui.PANEL`` does; ends the process."""
    from viewer.ui.graphics import prepare_application

    prepare_application()
    from PySide6.QtWidgets import QApplication

    from viewer.ui import i18n, theme

    app = QApplication(sys.argv)
    i18n.set_language("")
    theme.apply(app)
    panel = make(SampleWorkspace(), None)
    panel.resize(380, 860)  # type: ignore[attr-defined]
    panel.setObjectName("window")  # type: ignore[attr-defined]
    panel.show()  # type: ignore[attr-defined]
    sys.exit(app.exec())
