# SPDX-License-Identifier: Apache-2.0
"""Consumption is a pure, monotone function that looks the same from every side."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.domain.period import DAY_S
from openmains.emulator.meter.consumption import BLOCK_DAYS, ORIGIN_DAY, Consumption, Medium
from tests.support.properties import counted

_DAY_2026 = 20_454  # 2026-01-01
_START = _DAY_2026 * DAY_S - 8 * 3600  # midnight in China


@given(
    number=st.integers(0, 2**53),
    medium=st.sampled_from(Medium),
    start=st.integers(ORIGIN_DAY * DAY_S, (ORIGIN_DAY + 3650) * DAY_S),
    step=st.sampled_from([1, 60, 300, 1800, 86_400]),
)
@settings(max_examples=counted(60), deadline=None)
def test_random_access_equals_the_grid_and_never_falls(number: int, medium: Medium, start: int, step: int) -> None:
    town = Consumption(seed=7)
    row = town.registers(number, medium, start, step, 20)
    assert row == sorted(row)
    assert row == [Consumption(seed=7).register_at(number, medium, start + step * k) for k in range(20)]


def test_no_seam_at_block_ends() -> None:
    town = Consumption(seed=1)
    numbers = np.arange(200)
    media = numbers % 2
    for block in range(1, 20):
        end = (ORIGIN_DAY + block * BLOCK_DAYS) * DAY_S - 8 * 3600
        rows = town.grid(numbers, media, end + np.array([-1800, -1, 0, 1, 1800]))
        assert (np.diff(rows, axis=1) >= 0).all()
        assert (np.diff(rows, axis=1) < 3000).all()


def test_people_use_what_people_use() -> None:
    town = Consumption(seed=3)
    numbers = np.arange(400)
    days = _START + DAY_S * np.arange(366)
    water = np.diff(town.grid(numbers, np.zeros(400, dtype=np.int64), days), axis=1)
    gas = np.diff(town.grid(numbers, np.ones(400, dtype=np.int64), days), axis=1)
    assert 200 < water.mean() < 600
    assert gas[:, :31].mean() > 2 * gas[:, 181:212].mean(), "more gas in January than in July"
    assert (water == 0).any(), "somebody is away"
    weekday = (_DAY_2026 + np.arange(365) + 3) % 7
    assert water[:, weekday >= 5].mean() > water[:, weekday < 5].mean()
    slots = np.diff(town.grid(numbers, np.zeros(400, dtype=np.int64), _START + 1800 * np.arange(48 * 28 + 1)), axis=1)
    by_slot = slots.reshape(400, 28, 48).mean(axis=(0, 1))
    assert by_slot[36] > 5 * by_slot[6], "evening peak, quiet night"
    nights = slots.reshape(400, 28, 48)[:, :, 4:8].sum(axis=2)
    assert 0.005 < (nights > 15).mean() < 0.2, "some leak through the night"


def test_seeds_and_numbers_differ() -> None:
    one = Consumption(seed=1).registers(42, Medium.WATER, _START, 1800, 48)
    assert one != Consumption(seed=2).registers(42, Medium.WATER, _START, 1800, 48)
    assert one != Consumption(seed=1).registers(43, Medium.WATER, _START, 1800, 48)
    assert Consumption().register_at(1, Medium.GAS, 0) == 0
