# SPDX-License-Identifier: Apache-2.0
"""A storm of registrations is spread in time without losing anyone; simulated, nobody sleeps."""

import heapq
import random
from collections import Counter

import pytest

from openmains.app.security.registration import GateRates, Rate, RegistrationGate

METERS, CELLS = 200_000, 400
RATES = GateRates(edge=Rate(500, 500), cell=Rate(2, 10), address=Rate(1, 3))


@pytest.mark.usefixtures("takes_seconds")
def test_two_hundred_thousand_meters_after_a_power_cut_are_all_in_within_the_time_the_rate_gives() -> None:
    chance = random.Random(7)  # noqa: S311 - a simulation
    gate = RegistrationGate(RATES)
    queue = [(chance.uniform(0, 20), meter) for meter in range(METERS)]  # all within 20 s
    heapq.heapify(queue)
    came_in: dict[int, float] = {}
    asked: Counter[int] = Counter()
    in_second: Counter[int] = Counter()
    while queue:
        now, meter = heapq.heappop(queue)
        asked[meter] += 1
        wait = gate.ask(now, cell=meter % CELLS)
        if wait == 0:
            came_in[meter] = now
            in_second[int(now)] += 1
        else:
            # Clocks of meters differ, and some wait longer than they are told.
            late = chance.uniform(0, 3) if chance.random() < 0.9 else chance.uniform(0, 60)
            heapq.heappush(queue, (now + wait + late, meter))
    last = max(came_in.values())
    print(f"\nall {len(came_in):,} in after {last:.0f} s, {sum(asked.values()) / METERS:.2f} attempts each")
    assert len(came_in) == METERS
    assert last < 1.5 * METERS / RATES.edge.per_s  # 400 s at the rate
    assert max(in_second.values()) <= 2 * RATES.edge.per_s
    assert sum(in_second.values()) == METERS
    assert sum(asked.values()) / METERS < 6


def test_one_cells_storm_does_not_hold_up_the_others() -> None:
    gate = RegistrationGate(RATES)
    waits = [gate.ask(0.0, cell="storm") for _ in range(100)]
    assert waits[:10] == [0] * 10
    assert sorted(waits[10:]) == waits[10:]
    assert waits[-1] == 45  # 90 places at 2 a second
    assert gate.ask(0.0, cell="quiet") == 0


def test_an_address_that_registers_many_is_slowed_and_a_trusted_one_is_not() -> None:
    gate = RegistrationGate(RATES)
    assert [gate.ask(0.0, address="198.51.100.1") for _ in range(5)] == [0, 0, 0, 1, 2]
    assert [gate.ask(0.0) for _ in range(5)] == [0] * 5
    assert gate.ask(10.0, address="198.51.100.1") == 0


def test_a_handshake_takes_no_place_because_it_cannot_be_told_one() -> None:
    gate = RegistrationGate(RATES)
    for _ in range(50):
        gate.ask(0.0, address="a", book=False)
    assert gate.ask(0.0, address="a") == 1


def test_waits_are_bounded_and_memory_is() -> None:
    gate = RegistrationGate(GateRates(cell=Rate(1, 1), longest_s=100, keys=10))
    waits = [gate.ask(0.0, cell="c") for _ in range(1000)]
    assert max(waits) == 100
    assert min(waits[200:]) >= 50
    for i in range(1000):
        gate.ask(0.0, address=i, cell=i)
    assert len(gate._cells) == len(gate._addresses) == 10
