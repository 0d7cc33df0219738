"""Scenarios are values: what is set is there, what is put back was never there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.scenario import LEVERS, Area, Scenario, Selection, Where, WholeCity, lever
from viewer.scenario.change import lift_weight, lifted_z

levers = st.sampled_from(sorted(LEVERS))
targets = st.one_of(
    st.just(WholeCity()),
    st.builds(Selection, st.lists(st.sampled_from("abc"), min_size=1, unique=True).map(sorted).map(tuple)),
    st.just(Area("yard", ((0.0, 0.0), (10.0, 0.0), (0.0, 10.0)))),
    st.just(Where("function", "=", "1000")),
)


@st.composite
def settings(draw):
    name = draw(levers)
    p = LEVERS[name]
    steps = draw(st.integers(0, round((p.maximum - p.minimum) / p.step)))
    return name, p.minimum + steps * p.step, draw(targets)


@given(st.lists(settings(), max_size=8), settings())
def test_a_value_that_was_set_is_there(before, setting):
    scenario = Scenario("s")
    for name, value, target in before:
        scenario = scenario.with_value(name, value, target)
    name, value, target = setting
    after = scenario.with_value(name, value, target)
    assert after.value(name, target) == value
    assert scenario.without(name, target) == after.without(name, target)
    for other in after.settings:
        if (other.parameter, other.target) != (name, target):
            assert scenario.value(other.parameter, other.target) == other.value


@given(st.lists(settings(), max_size=10))
def test_putting_every_lever_back_gives_the_baseline(moves):
    scenario = Scenario("s")
    for name, value, target in moves:
        scenario = scenario.with_value(name, value, target)
    for name, _, target in moves:
        scenario = scenario.without(name, target)
    assert scenario == Scenario("s") and scenario.is_baseline


@given(st.lists(settings(), max_size=6), settings(), st.integers(0, 20))
def test_a_drag_leaves_only_its_last_value(before, setting, ticks):
    scenario = Scenario("s")
    for move in before:
        scenario = scenario.with_value(*move)
    name, value, target = setting
    dragged = scenario
    p = lever(name)
    for tick in range(ticks):
        dragged = dragged.with_value(name, min(p.minimum + tick * p.step, p.maximum), target)
    at_once = scenario.with_value(name, value, target)
    assert set(dragged.with_value(name, value, target).settings) == set(at_once.settings)


@given(st.lists(settings(), max_size=8))
def test_each_lever_is_set_once_per_target_and_the_whole_city_first(moves):
    scenario = Scenario("s")
    for move in moves:
        scenario = scenario.with_value(*move)
    keys = [(s.parameter, s.target) for s in scenario.settings]
    assert len(keys) == len(set(keys))
    wide = [isinstance(s.target, WholeCity) for s in scenario.settings]
    assert wide == sorted(wide, reverse=True)
    assert scenario.targets()[0] == WholeCity()


@given(levers, st.floats(allow_nan=True, allow_infinity=True))
def test_values_outside_the_range_are_refused(name, value):
    p = LEVERS[name]
    if p.minimum <= value <= p.maximum:
        assert Scenario("s").with_value(name, value).value(name) == value
    else:
        with pytest.raises(ValueError, match=name):
            Scenario("s").with_value(name, value)


def test_an_unknown_lever_is_named_with_those_there_are():
    with pytest.raises(KeyError, match="storeys_added"):
        Scenario("s").with_value("colour", 1)


heights = st.floats(0.1, 200)


@given(
    ground=st.floats(-50, 500), eaves=heights, roof=st.lists(heights, min_size=2, max_size=6),
    lift=st.floats(-2, 50), factor=st.floats(0.5, 2.0),
)  # fmt: skip
def test_roof_keeps_its_shape_and_ground_stays(ground, eaves, roof, lift, factor):
    z = ground + eaves + np.array([0.0, *roof])
    g, e, h, f = map(np.float64, (ground, ground + eaves, lift, factor))
    assert lifted_z(np.float64(ground), g, e, h, f) == pytest.approx(ground)
    moved = lifted_z(z, g, e, h, np.float64(1.0))
    assert np.diff(moved) == pytest.approx(np.diff(z), abs=1e-6)
    assert moved - z == pytest.approx(np.full(len(z), lift), abs=1e-6)
    scaled = lifted_z(z, g, e, np.float64(0.0), f)
    assert scaled - ground == pytest.approx((z - ground) * factor, rel=1e-6, abs=1e-6)


@given(ground=st.floats(-50, 500), eaves=heights, lift=st.floats(0, 50))
def test_walls_stretch_and_never_fold(ground, eaves, lift):
    z = ground + np.linspace(0, eaves * 1.5, 20)
    g, e = np.float64(ground), np.float64(ground + eaves)
    weight = lift_weight(z, g, e)
    assert weight[0] == 0 and weight[-1] == 1 and (np.diff(weight) >= 0).all()
    assert (np.diff(lifted_z(z, g, e, np.float64(lift), np.float64(1.0))) >= 0).all()
