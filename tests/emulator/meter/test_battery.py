# SPDX-License-Identifier: Apache-2.0
"""The energy model of R1.15: what each act costs, what early release saves, how long a cell lasts, how it ends."""

import pytest

from openmains.domain.period import DAY_S
from openmains.emulator.meter.battery import (
    DEAD_MV,
    FRESH_MV,
    MAH_UC,
    YEAR_S,
    Battery,
    attach_uc,
    exchange_uc,
    response_uc,
    voltage_at,
    window_uc,
)
from openmains.emulator.meter.body import CAPACITY_UC
from openmains.emulator.meter.consumption import Medium

T0 = 1_767_283_200
UAH_UC = 3_600


def years(medium: Medium, ecl: int, early_release: bool) -> float:
    """Of a meter that reports once a day, with two heartbeats and a window of 3 min."""
    battery = Battery(CAPACITY_UC[medium])
    battery.start(T0)
    day = 0
    while battery.voltage_mv(T0 + day * DAY_S) > 3_300:
        battery.spend(3 * exchange_uc(ecl, early_release) + window_uc(180))
        day += 1
    return day * DAY_S / YEAR_S


def test_early_release_saves_270_uah_a_session() -> None:
    for ecl in range(3):
        assert exchange_uc(ecl, False) - exchange_uc(ecl, True) == 270 * UAH_UC
        assert response_uc(ecl, False) - response_uc(ecl, True) == 270 * UAH_UC


def test_window_and_sleep_cost_what_the_document_says() -> None:
    assert window_uc(180) == 50 * UAH_UC  # 1 mA for 3 min
    battery = Battery()
    battery.start(T0)
    a_day = battery.used_uc(T0 + DAY_S)
    assert a_day >= 5 * DAY_S, "PSM alone is 5 µA"
    assert a_day < 24 * 25 * UAH_UC, "asleep it loses less than 25 µA in all"


def test_worse_coverage_costs_more() -> None:
    for cost in (attach_uc, lambda ecl: exchange_uc(ecl, True), lambda ecl: response_uc(ecl, True)):
        assert cost(0) < cost(1) < cost(2)


@pytest.mark.parametrize(("medium", "target"), [(Medium.WATER, 7), (Medium.GAS, 10)])
def test_targets_of_6_plus_1_and_10_years_are_met_in_every_coverage(medium: Medium, target: int) -> None:
    lasts = [years(medium, ecl, True) for ecl in range(3)]
    assert lasts[0] > lasts[1] > lasts[2] > target


def test_without_early_release_a_water_meter_in_weak_coverage_misses_its_target() -> None:
    assert years(Medium.WATER, 2, False) < 7 < years(Medium.WATER, 2, True)


def test_voltage_falls_with_the_charge_and_the_cold() -> None:
    falling = [voltage_at(permille) for permille in range(1_000, -1, -1)]
    assert falling[0] == FRESH_MV and falling == sorted(falling, reverse=True) and falling[-1] < DEAD_MV
    battery = Battery()
    assert battery.voltage_mv(T0, -200) < battery.voltage_mv(T0, 0) == battery.voltage_mv(T0, 200)


def test_a_defect_empties_it_and_a_new_one_is_fresh() -> None:
    battery = Battery(100 * MAH_UC)
    battery.start(T0)
    battery.leak(10_000, T0)  # 10 mA out of 100 mAh
    assert battery.permille(T0 + 5 * 3600) in range(490, 501)
    assert battery.voltage_mv(T0 + 10 * 3600) < DEAD_MV
    battery.fit(T0 + 11 * 3600)
    assert battery.voltage_mv(T0 + 11 * 3600) == FRESH_MV
    assert battery.permille(T0 + 20 * 3600) > 990


def test_a_meter_that_reports_each_minute_ages_as_one_that_reports_each_day() -> None:
    often, daily = Battery(share_ppm=60 * 1_000_000 // DAY_S), Battery()
    for _ in range(1440):
        often.spend(exchange_uc(1, True))
    daily.spend(exchange_uc(1, True))
    assert often.spent_uc == pytest.approx(daily.spent_uc, rel=0.01)
