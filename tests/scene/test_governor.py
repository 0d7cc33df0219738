"""The governor against machines that are simulated: so many milliseconds for work and pixels."""

from __future__ import annotations

import pytest

from viewer.scene.governor import (
    CARD_MS,
    LEAST_REST,
    LEAST_SCALE,
    LEAST_WORK,
    REST_MS,
    SOFTWARE_MS,
    Governor,
    memory_budget,
)


class Machine:
    """Draws in ``fixed + work * rate + scale ** 2 * pixels`` milliseconds what is there, at most ``city`` work."""

    def __init__(self, rate, fixed=3.0, pixels=6.0, city=50_000_000.0):
        self.rate, self.fixed, self.pixels, self.city = rate, fixed, pixels, city

    def draw(self, governor, moving=True):
        limits = governor.moving_limits() if moving else governor.resting_limits()
        work, scale = min(limits.work, self.city), governor.scale if moving else 1.0
        milliseconds = self.fixed + work * self.rate + scale**2 * self.pixels
        (governor.moved if moving else governor.rested)(milliseconds, work)
        return milliseconds, work


@pytest.mark.parametrize("rate", [3e-5, 1e-4, 2e-4])
def test_moving_pictures_arrive_at_the_target_and_stay_there(rate):
    governor, machine = Governor(target_ms=SOFTWARE_MS), Machine(rate)
    times = [machine.draw(governor)[0] for _ in range(80)][40:]
    assert max(times) <= SOFTWARE_MS * 1.2 and min(times) >= SOFTWARE_MS * 0.7
    assert max(times) <= 1.3 * min(times), "steady"


def test_a_fast_machine_shows_much_more_and_a_small_city_whole():
    card, software = Governor(target_ms=CARD_MS), Governor(target_ms=SOFTWARE_MS)
    for _ in range(80):
        Machine(2e-7, 1.0, 0.5).draw(card)
        Machine(1e-4).draw(software)
    assert card.work > 20 * software.work and card.scale == 1.0
    small = Governor()
    for _ in range(20):
        _, work = Machine(1e-4, city=40_000).draw(small)
    assert work == 40_000 and small.scale == 1.0


def test_the_resolution_is_lowered_last_and_comes_back_first():
    governor = Governor(target_ms=SOFTWARE_MS)
    for _ in range(60):
        Machine(2.5e-4, 5.0, 25.0).draw(governor)
    assert governor.work <= LEAST_WORK * 1.05 and LEAST_SCALE <= governor.scale < 1.0
    before = governor.work
    while governor.scale < 1.0:
        Machine(2e-5, 2.0, 4.0).draw(governor)
        assert governor.work == before
    for _ in range(20):
        Machine(2e-5, 2.0, 4.0).draw(governor)
    assert governor.work > before


def test_the_slowest_machine_keeps_a_picture():
    governor = Governor()
    for _ in range(200):
        Machine(1e-2, 200.0, 200.0).draw(governor)
    assert governor.work == LEAST_WORK and governor.scale == LEAST_SCALE


def test_more_is_left_out_only_where_the_lowest_resolution_is_not_enough():
    governor = Governor(target_ms=SOFTWARE_MS)
    for _ in range(60):
        Machine(2e-4, 2.0, 10.0).draw(governor)
    assert not governor.sparing
    for _ in range(60):
        Machine(2.5e-4, 40.0, 25.0).draw(governor)
    assert governor.sparing and governor.scale == LEAST_SCALE
    for _ in range(60):
        Machine(1e-5, 2.0, 2.0).draw(governor)
    assert not governor.sparing and governor.scale == 1.0


def test_a_resting_picture_becomes_finer_in_steps_that_end():
    governor, machine = Governor(), Machine(1e-4)
    for _ in range(40):
        machine.draw(governor)
    assert governor.rate < 3e-4
    times = []
    while governor.refining:
        times.append(machine.draw(governor, moving=False)[0])
    assert 1 < len(times) <= 6 and times == sorted(times)
    assert times[-1] <= REST_MS * 1.1 and sum(times) < 1000.0
    before = governor.resting_limits()
    machine.draw(governor)
    assert governor.resting_limits().work < before.work, "moving again begins anew"


def test_a_machine_that_is_busy_for_a_moment_keeps_its_resting_picture():
    governor = Governor()
    for _ in range(20):
        Machine(3e-5).draw(governor)
    before = governor.finest().work
    Machine(3e-4).draw(governor)
    assert governor.finest().work > 0.6 * before
    for _ in range(50):
        Machine(1e-2).draw(governor)
    assert governor.finest().work == LEAST_REST, "and near by always every house"


def test_a_finished_picture_takes_all_steps_at_once():
    governor = Governor()
    governor.finish()
    assert governor.resting_limits() == governor.finest() and not governor.refining


def test_the_budget_is_a_share_of_the_machine():
    assert 64 * 2**20 < memory_budget() < 2**44
