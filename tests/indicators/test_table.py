"""The table of indicators: what it counts, how it follows changes, what it says about itself."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.builders import box, city_of, gable_house, houses, plane
from viewer.city import AreaLayer, CityModel, TreeLayer
from viewer.city.ground import make_ground
from viewer.city.measures import measure
from viewer.indicators import (
    PARAMETERS,
    IndicatorDefinition,
    IndicatorTable,
    Status,
    make_surfaces,
    statement_from_layer,
)
from viewer.indicators.stock import _added_exactly
from viewer.indicators.surfaces import Ground, ground_of_text
from viewer.scenario import Area, Scenario, Selection
from viewer.scenario.apply import Applier
from viewer.scenario.change import CityChange

HOMES = "31001_1010"


def opened(city: CityModel, **options) -> tuple[Applier, IndicatorTable]:
    m = measure(city)
    ground = make_ground(city, None, m)
    surfaces = make_surfaces(
        city,
        m,
        area_ring=options.pop("area_ring", None),
        areas=options.pop("areas", ()),
        trees=options.pop("trees", ()),
    )
    return Applier(city, m, ground), IndicatorTable(city, m, ground, surfaces=surfaces, **options)


def values(table: IndicatorTable) -> dict[str, float | None]:
    return {record.id: record.value for record in table.records}


def rectangle(x0, y0, x1, y1) -> np.ndarray:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)


def areas(name: str, *rectangles, **columns) -> AreaLayer:
    n = len(rectangles)
    return AreaLayer(
        name,
        np.concatenate([rectangle(*r) for r in rectangles]),
        np.arange(n + 1, dtype=np.int32) * 4,
        np.arange(n + 1, dtype=np.int32),
        np.arange(n, dtype=np.int32),
        n,
        attributes={k: np.array(v, dtype=np.dtypes.StringDType()) for k, v in columns.items()},
    )


def block_of_four() -> CityModel:
    blocks = [box(20, 10, 12, x=x, y=y) for x in (0, 40) for y in (0, 40)]
    return city_of(blocks, attributes={"function": [HOMES] * 4, "storeysAboveGround": [4.0] * 4})


def random_city(n: int, rng: np.random.Generator) -> CityModel:
    blocks = [box(*rng.uniform(6, 20, 2), rng.uniform(3, 25), x=25.0 * (i % 25), y=25.0 * (i // 25)) for i in range(n)]
    uses = rng.choice([HOMES, "31001_1120", "31001_2020", ""], n).tolist()
    planned = rng.choice(["", "planned"], n, p=[0.9, 0.1]).tolist()
    return city_of(blocks, attributes={"function": uses, "conditionOfConstruction": planned})


def test_simple_block_is_counted_by_hand():
    _, table = opened(block_of_four())
    v = values(table)
    assert v["building_count"] == 4
    assert v["footprint"] == pytest.approx(800)
    assert v["volume"] == pytest.approx(9600)
    assert v["storeys"] == pytest.approx(4)
    assert v["gross_floor_area"] == pytest.approx(3200)
    assert v["dwellings"] == pytest.approx(0.8 * 3200 / 92.2)
    assert v["residents"] == pytest.approx(0.8 * 3200 / 47.4)


def test_added_storeys_follow_m11_with_the_usable_share():
    applier, table = opened(block_of_four())
    table.update(applier.apply(Scenario("s").with_value("storeys_added", 2)))
    v = values(table)
    on_top = 800 * 2 * 0.85 * 0.8 / 85
    assert v["added_dwellings"] == pytest.approx(on_top)
    assert v["residents"] == pytest.approx(0.8 * 3200 / 47.4 + on_top * 2.0)
    assert v["volume"] == pytest.approx(9600 + 800 * 6)
    assert v["gross_floor_area"] == pytest.approx(4800)
    assert table.record("gross_floor_area").difference == pytest.approx(1600)


def test_scaled_house_has_the_volume_of_m5():
    applier, table = opened(city_of([gable_house(12, 8, 6, 9)]))
    table.update(applier.apply(Scenario("s").with_value("height_percent", 125)))
    assert values(table)["volume"] == pytest.approx(900.0, rel=1e-6)


def test_removing_a_building_removes_its_people_and_frees_its_ground():
    applier, table = opened(block_of_four(), area_ring=rectangle(-10, -10, 70, 60))
    before = values(table)
    table.update(applier.apply(Scenario("s", removed=frozenset({"b0"}))))
    after = values(table)
    assert after["building_count"] == 3
    assert after["residents"] == pytest.approx(before["residents"] * 3 / 4)
    assert after["green_share"] - before["green_share"] == pytest.approx(100 * 200 / 5600)


def test_planned_building_counts_only_when_built_and_takes_its_ground():
    city = city_of(
        [box(20, 10, 12), box(20, 10, 12, x=40), plane(-10, -10, 70, 60)],
        types=["Building", "Building", "PlantCover"],
        attributes={"conditionOfConstruction": ["", "planned", ""]},
    )
    applier, table = opened(city, area_ring=rectangle(-10, -10, 70, 60))
    before = values(table)
    assert before["building_count"] == 1
    table.update(applier.apply(Scenario("s", built=frozenset({"b1"}))))
    after = values(table)
    assert after["building_count"] == 2
    assert before["green_share"] - after["green_share"] == pytest.approx(100 * 200 / 5600, rel=0.02)


def test_m46_ten_thousand_random_edits_keep_the_sums_exact():
    rng = np.random.default_rng(46)
    city = random_city(500, rng)
    applier, table = opened(city)
    base = table.records
    planned = measure(city).planned
    lift, factor = np.zeros(500, np.float32), np.ones(500, np.float32)
    exists, green, added = ~planned, np.zeros(500, np.float32), np.zeros(500, np.float32)
    nothing, empty = applier.apply(Scenario("s")), np.empty((0, 3))
    lift0, factor0, exists0, green0, added0 = (a.copy() for a in (lift, factor, exists, green, added))
    for _ in range(10_000):
        k = rng.integers(500)
        lift, factor, exists, green, added = (a.copy() for a in (lift, factor, exists, green, added))
        added[k] = rng.integers(-3, 6)
        lift[k] = 3.0 * added[k]
        factor[k] = rng.uniform(0.5, 2.0)
        exists[k] = rng.random() < 0.8
        green[k] = rng.random()
        change = CityChange(lift, factor, exists, green, added, (), empty)
        table._move_to(change)
    rows = slice(None)
    full = {
        name: math.fsum(row.tolist())
        for name, row in zip(table.sums(), table.stock.contributions(change, rows), strict=True)
    }
    for name, value in table.sums().items():
        assert abs(value - full[name]) <= 1e-9 * abs(full[name]), name
    assert [r.value for r in table.update(change)] == pytest.approx([r.value for r in table.exact()], rel=1e-9)
    undone = CityChange(lift0, factor0, exists0, green0, added0, (), empty)
    assert table.update(undone) == base
    assert table.update(nothing) == base


def test_one_thousand_updates_are_followed_by_an_exact_sum(monkeypatch):
    monkeypatch.setattr("viewer.indicators.table.RECOMPUTE_AFTER", 3)
    applier, table = opened(houses(100))
    for i in range(3):
        change = applier.apply(Scenario("s").with_value("storeys_added", 1, Selection((f"b{i}",))))
        table.update(change)
    exact = [math.fsum(row.tolist()) for row in table.stock.contributions(change, slice(None))]
    assert list(table.sums().values()) == exact


def test_unsealing_turns_sealed_into_green_ground():
    city = city_of([*block_faces(), plane(-10, -10, 70, 15)], types=["Building"] * 4 + ["Road"])
    applier, table = opened(city, area_ring=rectangle(-10, -10, 70, 60))
    before = values(table)
    table.update(applier.apply(Scenario("s").with_value("unsealing_share", 50)))
    after = values(table)
    assert after["unsealed_area"] > 0
    gained = after["green_share"] - before["green_share"]
    assert gained == pytest.approx(100 * after["unsealed_area"] / 5600)
    assert before["sealing_degree"] - after["sealing_degree"] == pytest.approx(gained)
    assert after["runoff_coefficient"] < before["runoff_coefficient"]


def block_faces():
    return [box(20, 10, 12, x=x, y=y) for x in (0, 40) for y in (0, 40)]


def test_unsealing_of_an_area_replaces_the_citys_there():
    city = city_of([box(10, 10, 5, x=200, y=200), plane(0, 0, 100, 100)], types=["Building", "Road"])
    applier, table = opened(city, area_ring=rectangle(0, 0, 100, 100))
    left = Area("left", ((0, 0), (50, 0), (50, 100), (0, 100)))
    scenario = Scenario("s").with_value("unsealing_share", 100, left).with_value("unsealing_share", 20)
    table.update(applier.apply(scenario))
    assert values(table)["unsealed_area"] == pytest.approx(5000 + 1000, rel=0.01)
    table.update(applier.apply(scenario.with_value("unsealing_share", 0, left)))
    assert values(table)["unsealed_area"] == pytest.approx(1000, rel=0.01)


def test_m15_ground_of_a_study_area_by_class():
    layer = areas("Ground", (0, 0, 50, 30), (50, 0, 80, 30), (80, 0, 90, 100), (0, 30, 80, 100),
                  use=["road", "gravel", "park", "park"])  # fmt: skip
    city = city_of([box(42, 50, 10, x=10, y=40)])
    _, table = opened(city, area_ring=rectangle(0, 0, 90, 100), areas=(statement_from_layer(layer),))
    v = values(table)
    assert v["fully_sealed_share"] == pytest.approx(40.0)
    assert v["sealing_degree"] == pytest.approx(44.0)
    assert v["green_share"] == pytest.approx(50.0)
    assert table.record("green_share").fallback_share == 0.0


def test_ground_without_data_is_an_assumption_that_lowers_the_status():
    _, table = opened(block_of_four())
    record = table.record("green_share")
    assert record.fallback_share == 1.0
    assert record.status is Status.RANGE and record.low < record.value < record.high
    assert any(p.unverified and p.name == PARAMETERS["open_sealed"].text for p in record.parameters)


def test_estimated_storeys_lower_the_status_of_floor_area():
    _, known = opened(block_of_four())
    _, guessed = opened(houses(4))
    assert known.record("gross_floor_area").status is Status.RANGE
    assert guessed.record("gross_floor_area").status is Status.INDICATIVE


def test_band_holds_the_value_and_known_storeys_have_none():
    _, table = opened(block_of_four())
    floor, homes = table.record("gross_floor_area"), table.record("dwellings")
    assert floor.low == floor.value == floor.high
    assert homes.low < homes.value < homes.high


def test_plots_give_grz_and_gfz_and_their_absence_block_density():
    plots = statement_from_layer(areas("Parcels", (-10, -10, 30, 25), (35, -10, 65, 25)))
    _, with_plots = opened(block_of_four(), areas=(plots,), area_ring=rectangle(-10, -10, 70, 60))
    v = values(with_plots)
    assert v["site_coverage"] == pytest.approx(400 / (40 * 35 + 30 * 35))
    assert v["floor_area_ratio"] == pytest.approx(1600 / (40 * 35 + 30 * 35))
    assert "block_density" not in v
    _, without = opened(block_of_four(), area_ring=rectangle(-10, -10, 70, 60))
    assert values(without)["block_density"] == pytest.approx(3200 / 5600)
    assert "floor_area_ratio" not in values(without)
    assert "not GRZ" in without.record("block_coverage").label


def test_plots_used_as_park_or_street_are_no_building_land():
    layer = areas("Flurstücke", (-10, -10, 30, 25), (35, -10, 65, 25), (-10, 26, 70, 60),
                  nutzung=["Wohnbaufläche", "Wohnbaufläche", "Grünfläche"])  # fmt: skip
    _, table = opened(block_of_four(), areas=(statement_from_layer(layer),), area_ring=rectangle(-10, -10, 70, 60))
    assert values(table)["site_coverage"] == pytest.approx(400 / (40 * 35 + 30 * 35))


def test_roads_of_the_city_lie_over_a_coarse_layer():
    layer = areas("Land use", (0, 0, 100, 100), use=["park"])
    city = city_of([box(10, 10, 5, x=200, y=200), plane(0, 0, 100, 10)], types=["Building", "Road"])
    _, table = opened(city, area_ring=rectangle(0, 0, 100, 100), areas=(statement_from_layer(layer),))
    assert values(table)["green_share"] == pytest.approx(90.0)


def test_names_of_streets_say_nothing_about_the_ground():
    layer = areas("Plan", (0, 0, 10, 10), street=["Gartenstraße"])
    assert statement_from_layer(layer).kind.tolist() == [Ground.UNKNOWN]


def test_study_area_counts_only_buildings_whose_middle_lies_inside():
    _, table = opened(block_of_four(), area_ring=rectangle(-5, -5, 25, 55))
    assert values(table)["building_count"] == 2
    per_building = table.per_feature("gross_floor_area")
    assert np.isfinite(per_building).tolist() == [True, True, False, False]


def test_green_roofs_lower_the_runoff_as_in_m19():
    city = city_of(
        [box(30, 20, 6), plane(30, 0, 50, 20), plane(0, 20, 50, 40)], types=["Building", "Road", "PlantCover"]
    )
    options = {"runoff_green": 0.1, "rain": 200.0}
    applier, table = opened(city, area_ring=rectangle(0, 0, 50, 40), parameters=options)
    assert values(table)["peak_runoff"] == pytest.approx(21.2)
    assert values(table)["runoff_coefficient"] == pytest.approx(0.53)
    table.update(applier.apply(Scenario("s").with_value("green_roof_share", 100)))
    assert values(table)["peak_runoff"] == pytest.approx(14.0)
    assert values(table)["green_roof_area"] == pytest.approx(600)


def test_canopy_is_the_union_of_crowns():
    xy = np.array([(20.0, 30.0, np.nan), (20.0, 30.0, np.nan), (60.0, 30.0, np.nan)])
    layer = TreeLayer("Trees", xy, np.full(3, 8, np.float32), np.full(3, 8, np.float32), np.zeros(3, bool))
    _, table = opened(block_of_four(), area_ring=rectangle(-10, -10, 70, 60), trees=(layer,))
    assert values(table)["canopy_share"] == pytest.approx(100 * 2 * math.pi * 16 / 5600, rel=0.05)


def test_new_trees_are_counted_and_give_canopy():
    applier, table = opened(block_of_four())
    change = applier.apply(Scenario("s").with_value("trees_added", 25))
    table.update(change)
    v = values(table)
    assert 0 < v["new_trees"] == len(change.trees_local) <= 25
    assert v["canopy_share"] > 0


def test_each_buildings_value_is_there_for_colouring():
    applier, table = opened(block_of_four())
    table.update(applier.apply(Scenario("s", removed=frozenset({"b3"})).with_value("storeys_added", 1)))
    assert table.per_feature("storeys").tolist()[:3] == [5.0, 5.0, 5.0]
    assert np.isnan(table.per_feature("storeys")[3])
    assert table.per_feature("dwellings")[:3].sum() == pytest.approx(values(table)["dwellings"])
    assert table.per_feature("green_share") is None and table.per_feature("no such") is None


def test_own_parameters_are_used_and_named_as_own():
    _, table = opened(block_of_four(), parameters={"living_per_person": 40.0})
    record = table.record("residents")
    assert record.value == pytest.approx(0.8 * 3200 / 40)
    used = {p.name: p for p in record.parameters}
    assert used["Living area per person"].source == "Own value"
    with pytest.raises(KeyError, match="no_such"):
        opened(block_of_four(), parameters={"no_such": 1.0})


def test_further_indicators_join_the_table():
    extra = IndicatorDefinition(
        "parking", "Parking", "places", Status.RANGE, "Mobility", "{value} places", "1 per dwelling",
        lambda f, p: f.sums["count"] * 2,
    )  # fmt: skip
    _, table = opened(block_of_four(), extra=(extra,))
    assert table.record("parking").value == 8


def test_every_record_can_be_cited():
    _, table = opened(block_of_four())
    for record in table.records:
        assert record.label and record.sentence and record.formula and record.group
        assert "{value}" in record.sentence
        assert record.sentence.format(value=1, baseline=1, difference=0, low=0, high=2)


def test_empty_city_has_a_table_without_numbers_to_divide_by():
    _, table = opened(city_of([]))
    assert values(table)["building_count"] == 0
    assert table.record("storeys").status is Status.OFF and table.record("storeys").value is None


def test_ground_words_are_understood():
    words = {"Park": Ground.VEGETATION, "Parkplatz": Ground.SEALED, "Wasserfläche": Ground.WATER,
             "31001_44001": Ground.WATER, "42001": Ground.SEALED, "Schotterrasen": Ground.PARTLY,
             "paving, tight joints": Ground.SEALED, "lawn": Ground.VEGETATION,
             "wohnen": Ground.UNKNOWN, "Autobahn": Ground.UNKNOWN}  # fmt: skip
    assert {word: ground_of_text(word) for word in words} == words


def test_a_single_edit_of_a_large_city_touches_only_its_building(monkeypatch):
    applier, table = opened(houses(400))
    seen = []
    original = table.stock.contributions
    monkeypatch.setattr(table.stock, "contributions", lambda change, rows: seen.append(rows) or original(change, rows))
    table.update(applier.apply(Scenario("s").with_value("storeys_added", 1, Selection(("b7",)))))
    assert seen and all(list(rows) == [7] for rows in seen)


def test_exact_sums_are_rounded_once():
    rng = np.random.default_rng(4)
    _, table = opened(random_city(300, rng))
    change = table.stock.baseline[0]
    expected = [math.fsum(row.tolist()) for row in table.stock.contributions(change, slice(None))]
    assert table.stock.exact_sums(change).tolist() == expected
    hard = np.array([rng.uniform(-1, 1, 1001) * 10.0 ** rng.integers(-12, 12, 1001) for _ in range(20)])
    total, lost = _added_exactly(hard)
    assert [math.fsum(pair) for pair in zip(total, lost, strict=True)] == [math.fsum(row) for row in hard]


def test_any_way_through_scenarios_ends_with_the_numbers_of_a_fresh_table():
    city = random_city(120, np.random.default_rng(8))
    applier, table = opened(city)
    ids = city.objects.ids.tolist()
    one, many = Selection((ids[5],)), Selection(tuple(sorted(ids[10:90])))
    base = Scenario("s")
    way = [
        base.with_value("storeys_added", 2, one),
        base.with_value("storeys_added", 2, many),
        base.with_value("storeys_added", 1),
        base.with_value("storeys_added", 1).with_value("storeys_added", -2, one),
        base.with_value("storeys_added", 0, one),
        replace(base, removed=frozenset(ids[3:6])),
        base.with_value("height_percent", 150, many).with_value("green_roof_share", 40),
        base,
        base.with_value("storeys_added", 3, one),
    ]
    for scenario in way:
        met = {r.id: r.value for r in table.update(applier.apply(scenario))}
        fresh_applier, fresh = opened(city)
        fresh.update(fresh_applier.apply(scenario))
        assert met == pytest.approx(values(fresh), rel=1e-9)
    table.update(applier.apply(base))
    assert values(table) == values(opened(city)[1])


def test_tables_of_one_study_area_share_what_they_know_of_its_buildings():
    city = houses(9)
    m = measure(city)
    surfaces = make_surfaces(city, m)
    one, other = (IndicatorTable(city, m, None, surfaces=surfaces) for _ in range(2))
    assert one.stock is other.stock
