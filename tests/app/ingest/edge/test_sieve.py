# SPDX-License-Identifier: Apache-2.0
"""What the kernel lets through follows what is worked on, under a virtual clock."""

import random

from openmains.app.ingest.edge.sieve import EVERY_S, Sieve

TURN_S = 0.02
CAPACITY = 100  # large datagrams that a turn can work on


def offered(sieve: Sieve, per_turn: int, seconds: float, began: float) -> tuple[int, int]:
    """(worked on, read for nothing) of an edge that drops what it has no time for."""
    chance, worked, dropped = random.Random(3), 0, 0  # noqa: S311 - jitter of a model
    for turn in range(int(seconds / TURN_S)):
        through = sum(chance.random() < sieve.share for _ in range(per_turn))
        now_worked = min(through, CAPACITY)
        worked, dropped = worked + now_worked, dropped + through - now_worked
        sieve.looked(now_worked, through - now_worked, began + turn * TURN_S)
    return worked, dropped


def test_at_four_times_the_capacity_little_is_read_for_nothing_and_nothing_is_missed() -> None:
    sieve = Sieve()
    worked, dropped = offered(sieve, 4 * CAPACITY, 30, 0.0)
    assert worked > 0.95 * 30 / TURN_S * CAPACITY
    assert dropped < 0.5 * worked  # without it: three times as many
    assert 0.25 < sieve.share < 0.5


def test_within_the_capacity_and_soon_after_an_overload_all_come_through() -> None:
    sieve = Sieve()
    offered(sieve, CAPACITY, 10, 0.0)
    assert sieve.share == 1.0
    offered(sieve, 20 * CAPACITY, 10, 10.0)
    assert sieve.share < 0.2
    offered(sieve, CAPACITY // 2, 2, 20.0)
    assert sieve.share == 1.0


def test_a_sieve_opens_also_when_nothing_comes() -> None:
    sieve, now = Sieve(), 100.0
    sieve.looked(10, 10_000, now)
    assert sieve.share < 0.5
    while sieve.share < 1.0:
        now += 2 * EVERY_S
        assert sieve.looked(0, 0, now)
    assert now < 105.0


def test_a_few_that_are_too_old_are_no_flood() -> None:
    sieve = Sieve()
    assert not sieve.looked(0, 10, 1.0)
    assert sieve.share == 1.0
