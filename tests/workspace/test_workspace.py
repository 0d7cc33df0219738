"""The workspace: what is open, shown and counted follows the document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import houses
from viewer.city import Column, Frame
from viewer.errors import ReadError
from viewer.plugin_host import PluginHost
from viewer.readers.cityjson_writer import write_cityjson
from viewer.scenario import Area, Selection, Where
from viewer.session import Session
from viewer.session.edits import AddScenario, ColorBy, RemoveBuildings, RemoveSource, SetLever, StyleSource
from viewer.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


def city_file(folder: Path, name: str, n: int, x: float = 565_000.0) -> Path:
    plain = houses(n)
    years = {"yearOfConstruction": Column("yearOfConstruction", 1900.0 + np.arange(n))}
    objects = replace(plain.objects, attributes=years)
    city = replace(plain, frame=Frame("EPSG:25832", (x, 5_934_000.0, 10.0)), objects=objects)
    path = folder / name
    write_cityjson(city, path)
    return path


@pytest.fixture
def workspace() -> Workspace:
    return Workspace(Session(), PluginHost([ROOT / "plugins"], packages=False))


@pytest.fixture
def open_city(workspace, tmp_path) -> Workspace:
    workspace.adopt(workspace.read(city_file(tmp_path, "one.city.json", 9)))
    return workspace


def value(workspace: Workspace, name: str, scenario: str | None = None) -> float:
    return next(r.value for r in workspace.indicators(scenario) if r.id == name)


def test_opening_a_city_shows_and_counts_it(open_city):
    assert value(open_city, "building_count") == 9
    assert open_city.scene_state().city is open_city.city
    assert len(open_city.session.document.sources) == 1


def test_two_tiles_become_one_city_in_one_frame(open_city, tmp_path):
    second = open_city.read(city_file(tmp_path, "two.city.json", 4, 566_000.0))
    open_city.adopt(second)
    assert value(open_city, "building_count") == 13
    centres = open_city.frame.crs_from_local(open_city.measures.centre_local)
    assert centres[:, 0].max() > 566_000 - 5 > centres[:, 0].min()


def test_undo_of_opening_closes_and_redo_needs_no_reading(open_city, tmp_path):
    path = tmp_path / "one.city.json"
    path.unlink()
    open_city.session.undo()
    assert open_city.city is None
    open_city.session.redo()
    assert value(open_city, "building_count") == 9


def test_a_file_that_cannot_be_read_leaves_everything_open(open_city, tmp_path):
    bad = tmp_path / "bad.city.json"
    bad.write_text('{"type": "CityJSON", "version": ', encoding="utf-8")
    with pytest.raises(ReadError):
        open_city.read(bad)
    assert value(open_city, "building_count") == 9


def test_a_layer_without_a_city_lies_on_a_ground_of_its_own(workspace, tmp_path):
    trees = tmp_path / "trees.csv"
    trees.write_text("species;x;y;height\nLinde;565010;5934010;9\nAhorn;565090;5934050;9\n", encoding="utf-8")
    workspace.adopt(workspace.read(trees))
    (view,) = workspace.layer_views()
    assert len(view.layer) == 2 and not len(workspace.city.objects)
    assert workspace.frame.crs == "EPSG:25832"
    workspace.adopt(workspace.read(city_file(tmp_path, "later.city.json", 3)))
    assert len(workspace.city.objects.features) == 3
    places = workspace.frame.crs_from_local(workspace.layer_views()[0].layer.positions_local[:, :2])
    assert np.abs(places - [(565010, 5934010), (565090, 5934050)]).max() < 0.01


def test_storeys_raise_floor_area_and_undo_returns_to_the_baseline(open_city):
    before = value(open_city, "gross_floor_area")
    open_city.session.edit(SetLever("storeys_added", 2))
    assert value(open_city, "gross_floor_area") > before
    assert value(open_city, "gross_floor_area", "") == before
    open_city.session.undo()
    assert value(open_city, "gross_floor_area") == before


def test_a_drawn_area_touches_only_the_houses_inside(open_city):
    centre = open_city.frame.crs_from_local(open_city.measures.centre_local[4])
    ring = tuple((float(centre[0] + dx), float(centre[1] + dy)) for dx, dy in ((-6, -6), (6, -6), (6, 6), (-6, 6)))
    area = Area("plot", ring)
    assert open_city.target_count(area) == 1
    open_city.session.edit(SetLever("storeys_added", 1, area))
    assert np.flatnonzero(open_city.change().lift_m).tolist() == [4]


def test_removed_buildings_are_not_counted(open_city):
    open_city.session.edit(RemoveBuildings(open_city.ids_of([0, 1])))
    assert value(open_city, "building_count") == 7
    assert value(open_city, "building_count", "") == 9


def test_the_scene_state_reuses_what_did_not_change(open_city):
    one = open_city.scene_state()
    open_city.session.edit(SetLever("storeys_added", 1))
    two = open_city.scene_state()
    assert two.city is one.city and two.layers is one.layers and two.ground is one.ground
    assert two.change is not one.change
    open_city.session.undo()
    assert open_city.scene_state().change is one.change


def test_selection_survives_another_tile_by_id(open_city, tmp_path):
    open_city.select([3])
    wanted = open_city.ids_of(open_city.selection)
    open_city.adopt(open_city.read(city_file(tmp_path, "two.city.json", 4, 566_000.0)))
    assert open_city.ids_of(open_city.selection) == wanted
    assert open_city.target_count(Selection(wanted)) == 1


def test_selecting_toggles_adds_and_removes(open_city):
    open_city.select([1, 2])
    open_city.select([2, 3], "toggle")
    assert open_city.selection.tolist() == [1, 3]
    open_city.select([1], "remove")
    open_city.select([7], "add")
    assert open_city.selection.tolist() == [3, 7]


def test_layers_follow_visibility_order_and_removal(open_city, tmp_path):
    trees = tmp_path / "my_trees.csv"
    trees.write_text("species;x;y;height\n" + "Linde;565010;5934010;9\n" * 3, encoding="utf-8")
    key = open_city.adopt(open_city.read(trees))
    assert len(open_city.layer_views()) == 1
    style = open_city.session.document.source(key).style
    open_city.session.edit(StyleSource(key, replace(style, visible=False)))
    assert not open_city.layer_views()[0].visible
    open_city.session.edit(RemoveSource(key))
    assert open_city.layer_views() == ()


def test_colouring_by_an_indicator_gives_each_building_a_value(open_city):
    keys = [key for key, _ in open_city.colourings()]
    assert "indicator:gross_floor_area" in keys
    open_city.session.edit(ColorBy("indicator:gross_floor_area"))
    colouring = open_city.scene_state().colouring
    assert np.isfinite(colouring.values).sum() == 9


def test_scenarios_are_counted_side_by_side(open_city):
    open_city.session.edit(SetLever("storeys_added", 1))
    open_city.session.edit(AddScenario("More", of=open_city.session.document.active))
    open_city.session.edit(SetLever("storeys_added", 3))
    first, second = (s.name for s in open_city.session.document.scenarios)
    base = value(open_city, "gross_floor_area", "")
    assert base < value(open_city, "gross_floor_area", first) < value(open_city, "gross_floor_area", second)


def test_a_filter_compares_numbers_as_numbers(open_city):
    assert open_city.target_count(Where("yearOfConstruction", ">", "1904")) == 4
    assert open_city.target_count(Where("yearOfConstruction", "=", "1904.0")) == 1


def test_the_study_area_limits_what_is_counted(open_city):
    centre = open_city.measures.centre_local[4]
    open_city.set_study_area(centre + np.array([[-6, -6], [6, -6], [6, 6], [-6, 6]]))
    assert value(open_city, "building_count") == 1
    open_city.set_study_area(None)
    assert value(open_city, "building_count") == 9


def test_exported_numbers_do_not_depend_on_the_way_the_sliders_took(open_city, tmp_path):
    for step in range(1, 11):
        open_city.session.edit(SetLever("height_percent", 53.0 + 7.0 * step))
        open_city.indicators()
    straight = Workspace(Session(), open_city.host)
    straight.adopt(straight.read(tmp_path / "one.city.json"))
    straight.session.edit(SetLever("height_percent", 123.0))
    assert open_city.exact_indicators() == straight.exact_indicators()
    assert open_city.exact_indicators("") == straight.exact_indicators("")


def test_exact_numbers_are_those_shown_afterwards(open_city):
    open_city.session.edit(SetLever("storeys_added", 2.0))
    exact = open_city.exact_indicators()
    assert open_city.indicators() is exact


def test_without_a_city_there_are_no_exact_numbers(workspace):
    assert workspace.exact_indicators() == ()


def test_a_city_far_away_from_the_open_one_is_told(open_city, tmp_path):
    near = open_city.read(city_file(tmp_path, "near.city.json", 2, x=567_000.0))
    far = open_city.read(city_file(tmp_path, "far.city.json", 2, x=915_000.0))
    texts = [str(issue) for issue in far.report.issues]
    assert any("lies 350 km from" in text or "lies 349 km from" in text for text in texts)
    assert not any("km from" in str(issue) for issue in near.report.issues)
