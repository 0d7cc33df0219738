"""A development plan in the session: its limits become indicators of every scenario, switched off they go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.plugins.test_xplanung import WA, X, Y, document, member, polygon, square
from tests.workspace.test_workspace import city_file
from viewer.plugin_host import PluginHost
from viewer.session import Session
from viewer.session.edits import SetLever, StyleSource
from viewer.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    made = Workspace(Session(), PluginHost([ROOT / "plugins"], packages=False))
    made.adopt(made.read(city_file(tmp_path, "town.city.json", 9, X)))
    path = tmp_path / "plan.gml"
    path.write_text(document(member("BP_BaugebietsTeilFlaeche", polygon(square(-50, -50, 300)), WA)), encoding="utf-8")
    made.adopt(made.read(path))
    return made


def plan_records(workspace, scenario=None):
    return {r.id: r for r in workspace.indicators(scenario) if r.id.startswith("plan_")}


def test_a_plan_brings_its_indicators_with_the_baseline_beside(workspace):
    records = plan_records(workspace)
    assert set(records) == {"plan_coverage_over", "plan_density_over", "plan_storeys_over", "plan_floor_left"}
    before = records["plan_storeys_over"].value
    workspace.session.edit(SetLever("storeys_added", 5.0))
    after = plan_records(workspace)["plan_storeys_over"]
    assert after.value == 9 and after.baseline == before


def test_a_plan_that_is_switched_off_is_not_compared_with(workspace):
    key = workspace.session.document.sources[-1].key
    style = workspace.session.document.source(key).style
    workspace.session.edit(StyleSource(key, replace(style, visible=False)))
    assert plan_records(workspace) == {}
    workspace.session.undo()
    assert plan_records(workspace)


def test_a_click_on_an_area_tells_what_stands_there_beside_its_limits(workspace):
    layer = workspace.layer(workspace.session.document.sources[-1].key)[0]
    values = workspace.plan_values(layer, 0)
    measures = workspace.measures
    assert values["plan:coverage"] == pytest.approx(measures.footprint_m2.sum() / 300**2, abs=0.006)
    assert values["plan:height"] > 0


def test_a_plan_shows_its_labels_at_first(workspace):
    assert workspace.session.document.sources[-1].style.labels
    assert Y > 0
