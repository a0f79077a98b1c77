# SPDX-License-Identifier: Apache-2.0
"""Emulated monitors: causes have their effects, and every message is one that the product's driver reads."""

import pytest

from openmains.domain.period import DAY_S, HOUR_S, zone
from openmains.drivers import catalog
from openmains.drivers.model import MISSING_VALUE
from openmains.drivers.points import vocabulary
from openmains.emulator.monitor.monitor import MOST, Monitor
from openmains.emulator.monitor.network import OUTAGE_S, Network
from openmains.run.demo.monitors import LIMITS, PRODUCTS, monitors

ZONE = zone("Asia/Shanghai")
DAY = 20_600
START = ZONE.start_of(DAY)
NET = Network()
NIGHT, EVENING = START + 3 * HOUR_S, START + 19 * HOUR_S
TOWN = list(monitors())


def test_pressure_falls_when_use_is_high_and_with_the_way() -> None:
    same = [at for at in range(START, START + DAY_S, 600) if NET.pumps(at) == 2]
    low, high = min(same, key=NET.flow), max(same, key=NET.flow)
    assert NET.flow(high) > 2 * NET.flow(low)
    for place in range(6):
        assert NET.pressure(place, high) < NET.pressure(place, low)
        assert NET.pressure(place + 1, high) < NET.pressure(place, high)


@pytest.mark.parametrize("day", range(DAY, DAY + 20))
def test_a_pump_that_stops_lowers_the_pressure_and_stirs_the_pipe_when_it_starts(day: int) -> None:
    stops = NET.outage(day)
    before, during, after = stops - 1, stops + 60, stops + OUTAGE_S + 30
    assert NET.pumps(during) < NET.pumps(before)
    assert NET.pressure(3, during) < NET.pressure(3, before) - 300
    assert NET.turbidity(after) > NET.turbidity(before) + 1_000
    pump = Monitor(next(each.spec for each in TOWN if each.product == "BZJ-W"), NET)
    assert [pump.events(at) for at in (before, during, after)] == [[], ["pump_stopped"], []]


def test_the_tank_empties_by_day_and_fills_at_night() -> None:
    assert NET.level(START + 6 * HOUR_S) > NET.level(START) > NET.level(START + 22 * HOUR_S)
    for at in range(START, START + DAY_S, 600):
        assert 500 < NET.level(at) < 5_000
        assert 200 <= NET.pressure(5, at) < 6_000


def test_gas_leaks_on_some_days_and_is_said_at_once() -> None:
    safety = [Monitor(each.spec, NET) for each in TOWN if each.product == "AQJ-G"]
    leaking = [
        (each, at) for each in safety for at in range(START, START + 20 * DAY_S, 600) if each.events(at) == ["gas_leak"]
    ]
    assert leaking
    assert all(NET.methane(each.spec.place, at) > 200 for each, at in leaking)
    assert NET.methane(0, leaking[0][1] + DAY_S // 2) < 20 or len(safety) > 1


@pytest.mark.parametrize("each", TOWN, ids=lambda each: f"{each.product}-{each.spec.place}")
def test_what_it_says_is_what_its_driver_reads(each) -> None:  # type: ignore[no-untyped-def]
    driver, monitor = catalog.load().driver(each.spec.driver), Monitor(each.spec, NET)
    payloads = [monitor.report(at, at - at % 60 - 60 * 30, 60, 40) for at in (NIGHT, EVENING)] + [
        monitor.heartbeat(NIGHT)
    ]
    columns, rejected = driver.decode(payloads, [NIGHT, EVENING, NIGHT])
    assert rejected == []
    (told,) = [found for found in columns if found.series]
    assert told.damages == []
    for name, values in told.series.items():
        assert values.shape == (2, MOST)
        point = vocabulary().points[name]
        assert all(value != MISSING_VALUE and point.is_possible(int(value)) for value in values.flat), name
    assert set(told.points["meter_number"].tolist()) == {each.spec.number}


def test_it_answers_what_its_page_says() -> None:
    spec = TOWN[0].spec
    driver, monitor = catalog.load().driver(spec.driver), Monitor(spec, NET)
    outcomes = {}
    for kind, params in (("read_status", {}), ("restart", {}), ("set_parameters", {"values": {"low_battery": 3300}})):
        frame = driver.command(kind, params, serial=7, counter=1, not_after=NIGHT + 60)
        columns, rejected = driver.decode(monitor.answers(frame, NIGHT), [NIGHT] * 2)
        assert rejected == []
        results = [found for found in columns if found.kind == "command_result"]
        assert results[0].points["command_serial"].tolist() == [7]
        outcomes[kind] = (len(columns), results[0].points["command_result"].tolist()[0])
    assert outcomes == {"read_status": (2, 0), "restart": (1, 0), "set_parameters": (1, 5)}
    assert monitor.answers(b"nonsense", NIGHT) == []


def test_limits_of_the_town_are_passed_seldom() -> None:
    codes = {code: driver for code, _, _, driver, _ in PRODUCTS}
    assert set(LIMITS) <= set(codes)
    for code, limits in LIMITS.items():
        specs = [each.spec for each in TOWN if each.product == code]
        for limit in limits:
            beyond = total = 0
            for spec in specs:
                felt = Monitor(spec, NET)._series[limit.quantity]
                for at in range(START, START + 10 * DAY_S, 300):
                    value = felt(NET, spec.place, at)
                    total += 1
                    beyond += (limit.low is not None and value < limit.low) or (
                        limit.high is not None and value > limit.high
                    )
            assert beyond * 4 < total, (code, limit.quantity, beyond, total)
