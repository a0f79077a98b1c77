# SPDX-License-Identifier: Apache-2.0
"""Each cause: the event it makes, what it does to valve and register, and how it ends (R1.5, S5.7, S6.1.4)."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from openmains.domain.period import DAY_S, HOUR_S
from openmains.drivers.model import Kind
from openmains.emulator.meter.authorise import Result
from openmains.emulator.meter.body import Body
from openmains.emulator.meter.causes import KINDS, OWN_REASONS, Cause, Happening, planned
from openmains.emulator.meter.causes import happening as happening_of
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.diary import What
from openmains.emulator.meter.frames import immediate_events
from openmains.emulator.meter.profile import Profile
from openmains.emulator.meter.protection import CUT_OFF, DISTURBED, RETURNS, SHUTS
from openmains.emulator.meter.states import State
from openmains.emulator.meter.valve import Position
from tests.emulator.device.terminals import BASE, NUMBER, T0, Bench

WATER, GAS = "openmains/water-1", "openmains/gas-1"
SIZES = {"drawn": 6_000, "back": 60, "passing": 40}


def household(instants: Sequence[int]) -> list[int]:
    """120 L/h in every second hour."""
    found = []
    for at in instants:
        hours, rest = divmod(at - T0, 2 * HOUR_S)
        found.append(BASE + hours * 120 + min(rest, HOUR_S) * 120 // HOUR_S)
    return found


def bench(driver: str, *happenings: Happening, **settings: int) -> Bench:
    medium = Medium.GAS if driver == GAS else Medium.WATER
    body = Body(medium, NUMBER, causes=happenings)
    profile = Profile(immediate=immediate_events(driver))
    found = Bench.of(driver, supply=household, body=body, profile=profile, settings=settings)
    found.run(600)
    found.heard.clear()
    return found


def happening(cause: Cause, at: int = T0 + HOUR_S, length_s: int = 0) -> Happening:
    kind = KINDS[cause]
    size = 8 if cause is Cause.DRIPPING else 200 if cause is Cause.GAS_ESCAPES else SIZES.get(kind.flow, 0)
    return Happening(cause, at, at + (length_s or kind.most_s), size)


def alarms(heard: list[dict[str, Any]]) -> list[tuple[int, list[str]]]:
    return [(found["raised_at"], found["events"]) for found in heard if found["kind"] == Kind.ALARM]


EXPECTED: dict[Cause, dict[str, set[str]]] = {
    Cause.DRIPPING: {WATER: {"micro_leak"}, GAS: {"micro_leak"}},
    Cause.HOSE_OFF: {WATER: {"over_flow"}, GAS: {"over_flow", "flow_abnormal"}},
    Cause.GAS_ESCAPES: {GAS: {"gas_leak"}},
    Cause.MAIN_BURST: {WATER: {"burst", "pressure_low"}},
    Cause.MAIN_DRY: {WATER: {"empty_pipe", "pressure_low"}},
    Cause.SURGE: {WATER: {"pressure_high"}},
    Cause.REGULATOR: {GAS: {"pressure_abnormal"}},
    Cause.MAGNET: {WATER: {"magnetic"}, GAS: {"magnetic"}},
    Cause.MODULE_OFF: {WATER: {"module_removed"}, GAS: {"module_removed"}},
    Cause.SHAKEN: {WATER: {"movement"}, GAS: {"movement"}},
    Cause.SEAL_CUT: {WATER: {"seal_broken"}, GAS: {"seal_broken"}},
    Cause.BACK_SIPHON: {WATER: {"reverse_flow"}},
    Cause.FROST: {WATER: {"temperature_low"}, GAS: {"temperature_low", "temperature_abnormal"}},
    Cause.FIRE: {GAS: {"temperature_high", "temperature_abnormal"}},
    Cause.CELL_DEFECT: {WATER: {"low_battery"}, GAS: {"low_battery", "under_voltage"}},
    Cause.WRONG_SUPPLY: {GAS: {"over_voltage"}},
    Cause.SUPPLY_LOST: {GAS: {"power_loss"}},
    Cause.VALVE_JAMS: {WATER: {"valve_fault"}, GAS: {"valve_fault"}},
    Cause.VALVE_LEAKS: {WATER: set(), GAS: set()},  # of an open valve nobody sees it
    Cause.REED_BROKEN: {WATER: {"reed_fault"}, GAS: {"reed_fault"}},
    Cause.SENSOR_BROKEN: {WATER: {"sensor_fault"}, GAS: {"sensor_fault"}},
    Cause.ROADWORKS: {WATER: {"vibration_abnormal"}},
}
CASES = [(cause, driver) for cause, by_driver in EXPECTED.items() for driver in by_driver]


@pytest.mark.parametrize(("cause", "driver"), CASES, ids=[f"{cause} {driver}" for cause, driver in CASES])
def test_a_cause_makes_its_events_says_them_and_ends(cause: Cause, driver: str) -> None:
    """Begins and ends in the diary, each event with this cause, at once where R1.5 says so, else with the next report."""
    one = happening(cause)
    found = bench(driver, one, pressure_low=1_500)
    found.run(one.end - found.now + 2 * DAY_S)
    diary = found.terminal.diary
    expected = EXPECTED[cause][driver]
    assert [(entry.at, entry.on) for entry in diary.of(What.CAUSE)] == [(one.begin, True), (one.end, False)]
    began = {entry.name: entry for entry in diary.of(What.EVENT) if entry.on}
    assert set(began) == expected
    assert {entry.why for entry in began.values()} <= {cause.value}
    assert {entry.name for entry in diary.of(What.EVENT) if not entry.on} >= expected - {"flow_abnormal"}
    at_once = immediate_events(driver)
    for event in expected:
        told = [at for at, events in alarms(found.heard) if event in events]
        if event in at_once:
            assert told and began[event].device_at in told, event
        else:
            reports = [m for m in found.heard if m["kind"] == Kind.REPORT and event in m["events"]]
            assert reports, f"{event} rides on the next report, even if it is over"
    shuts = driver == GAS and bool(expected & SHUTS)
    assert bool(diary.of(What.VALVE)) == shuts
    if expected & (CUT_OFF | DISTURBED) and shuts:
        assert found.terminal.valve.position is Position.CLOSED
        assert found.terminal.wants_press
        assert found.command("valve_open")["command_result"] == Result.REFUSED, "nobody opens it remotely"
        found.do(found.terminal.press(found.now))
        found.run(10)
    assert found.terminal.valve.position is Position.OPEN
    assert not found.terminal.active & expected
    assert not found.terminal.store.held.shut_by


def test_every_cause_is_expected_and_every_event_has_a_reason() -> None:
    assert set(EXPECTED) == set(Cause)
    for cause, by_driver in EXPECTED.items():
        for events in by_driver.values():
            assert events <= KINDS[cause].seen | KINDS[cause].sensed
    named = {event for kind in KINDS.values() for event in kind.seen | kind.sensed}
    assert immediate_events(GAS) | immediate_events(WATER) <= named | set(OWN_REASONS)


@pytest.mark.parametrize("cause", [Cause.WRONG_SUPPLY, Cause.SUPPLY_LOST])
def test_after_a_voltage_closing_it_opens_by_itself_with_the_same_register(cause: Cause) -> None:
    one = happening(cause, length_s=5 * HOUR_S)
    found = bench(GAS, one)
    found.run(one.begin + 60 - found.now)
    assert found.terminal.valve.position is Position.CLOSED
    shut = found.terminal.register(found.now)
    found.run(one.end - 1 - found.now)
    assert found.terminal.register(found.now) == shut
    found.run(20)
    assert found.terminal.valve.position is Position.OPEN
    assert found.terminal.register(found.now) - shut <= 1


@pytest.mark.parametrize("cause", [Cause.GAS_ESCAPES, Cause.MAGNET, Cause.SEAL_CUT, Cause.REED_BROKEN])
def test_a_press_before_it_is_over_opens_nothing(cause: Cause) -> None:
    one = happening(cause, length_s=5 * HOUR_S)
    found = bench(GAS, one)
    found.run(one.begin + HOUR_S - found.now)
    found.do(found.terminal.press(found.now))
    found.run(60)
    assert found.terminal.valve.position is Position.CLOSED
    assert any("stays shut" in what for _, what in found.terminal.meter.log)


def test_a_hose_that_is_still_off_shuts_it_again_after_the_press() -> None:
    one = happening(Cause.HOSE_OFF, length_s=5 * HOUR_S)
    found = bench(GAS, one)
    found.run(one.begin + HOUR_S - found.now)
    assert found.terminal.valve.position is Position.CLOSED
    found.do(found.terminal.press(found.now))
    found.run(10)
    assert found.terminal.valve.position is Position.OPEN
    found.run(HOUR_S)
    assert found.terminal.valve.position is Position.CLOSED


def test_a_protective_closing_outlives_a_reset_and_a_top_up() -> None:
    one = happening(Cause.GAS_ESCAPES, length_s=HOUR_S)
    found = bench(GAS, one)
    found.run(2 * HOUR_S)
    found.do(found.terminal.cut_power(found.now))
    found.run(HOUR_S)
    assert found.terminal.valve.position is Position.CLOSED and found.terminal.store.held.shut_by == ("gas_leak",)


def test_a_shut_valve_that_leaks() -> None:
    one = happening(Cause.VALVE_LEAKS, length_s=5 * HOUR_S)
    found = bench(WATER, one)
    found.command("valve_close")
    found.run(one.begin + 600 - found.now)
    assert "flow_valve_closed" in found.terminal.active
    before = found.terminal.register(found.now)
    found.run(HOUR_S)
    assert found.terminal.register(found.now) - before == 40
    found.run(DAY_S)
    assert "flow_valve_closed" not in found.terminal.active


def test_a_valve_that_jammed_shuts_when_it_is_free() -> None:
    jam = happening(Cause.VALVE_JAMS, length_s=5 * HOUR_S)
    found = bench(GAS, jam)
    found.run(2 * HOUR_S)
    found.do(found.terminal.strike(Happening(Cause.GAS_ESCAPES, found.now, found.now + DAY_S, 200), found.now))
    found.run(60)
    assert found.terminal.valve.position is Position.FAULT and "gas_leak" in found.terminal.active
    found.run(4 * HOUR_S)
    assert found.terminal.valve.position is Position.CLOSED


@pytest.mark.parametrize("driver", [GAS, WATER])
def test_the_message_that_tells_a_fault_tells_the_valve_of_that_moment(driver: str) -> None:
    """Else the last message of a mended valve leaves it a fault at the platform until the next report."""
    jam = happening(Cause.VALVE_JAMS, length_s=5 * HOUR_S)
    found = bench(driver, jam)
    found.run(6 * HOUR_S)
    told = [(m["valve"], m["events"]) for m in found.heard if m["kind"] == Kind.ALARM]
    assert told == [(Position.FAULT, ["valve_fault"]), (Position.OPEN, [])]


def test_a_dead_battery_says_nothing_until_it_is_replaced() -> None:
    one = happening(Cause.CELL_DEFECT, length_s=6 * DAY_S)
    found = bench(WATER, one)
    found.run(one.begin + 5 * DAY_S - found.now)
    meter = found.terminal.meter
    assert meter.dead and meter.state is State.OFF
    found.heard.clear()
    stood = found.terminal.register(found.now)
    found.run(one.end - 60 - found.now)
    assert not found.heard and found.terminal.register(found.now) == stood
    found.run(DAY_S)
    assert not meter.dead and [m for m in found.heard if m["kind"] == Kind.REPORT]
    power = [(entry.on, entry.why) for entry in found.terminal.diary.of(What.POWER)]
    assert power == [(False, "cell defect"), (True, "")]
    assert found.heard[-1]["battery_mv"] > 3_640


def test_series_of_the_enhanced_report_follow_the_causes() -> None:
    dry = Happening(Cause.MAIN_DRY, T0 + DAY_S + 6 * HOUR_S, T0 + DAY_S + 9 * HOUR_S)
    back = Happening(Cause.BACK_SIPHON, T0 + DAY_S + 12 * HOUR_S, T0 + DAY_S + 14 * HOUR_S, 60)
    broken = Happening(Cause.SENSOR_BROKEN, T0 + DAY_S + 20 * HOUR_S, T0 + DAY_S + 22 * HOUR_S)
    found = bench(WATER, dry, back, broken)
    found.terminal._frames._report_name = "enhanced"
    found.run(2 * DAY_S + 8 * HOUR_S - (found.now - T0))
    report = [m for m in found.heard if m["kind"] == Kind.REPORT][-1]
    pressures = report["pressure"]
    assert len(pressures) == 24 and pressures[5:8] == [0, 0, 0] and pressures[8] > 1_000
    assert [value < 0 for value in pressures[18:22]] == [False, True, True, False]
    assert report["daily_reverse"] == 120
    assert report["daily_flow"] == sum(report["increments"])
    assert report["temperature"] not in (145, 0) and report["flow"] == 0


def test_gas_says_absolute_pressures() -> None:
    found = bench(GAS)
    found.terminal._frames._report_name = "enhanced"
    found.run(2 * DAY_S)
    report = [m for m in found.heard if m["kind"] == Kind.REPORT][-1]
    assert {value // 10 for value in report["pressure"]} <= {102, 103}
    assert report["pressure_now"] // 100 in (102, 103)


def test_a_plan_is_the_same_again_and_one_cause_at_a_time() -> None:
    for medium in Medium:
        plans = [list(islice(planned(random.Random(f"{seed}"), medium, T0, 0.5), 200)) for seed in (1, 1, 2)]  # noqa: S311
        assert plans[0] == plans[1] != plans[2]
        for earlier, later in zip(plans[0], plans[0][1:], strict=False):
            assert earlier.end + HOUR_S <= later.begin
        assert {one.cause for one in plans[0]} == {cause for cause in Cause if medium in KINDS[cause].media}


def test_for_people_who_watch_causes_run_their_course_faster() -> None:
    for cause, kind in KINDS.items():
        one = happening_of(random.Random(1), cause, T0, 48)  # noqa: S311
        assert 15 * 60 <= one.end - one.begin <= kind.most_s
    defect = happening_of(random.Random(1), Cause.CELL_DEFECT, T0, 48)  # noqa: S311
    found = bench(GAS, replace(defect, begin=T0 + HOUR_S, end=T0 + HOUR_S + defect.end - defect.begin))
    found.run(DAY_S)
    assert [entry.on for entry in found.terminal.diary.of(What.POWER)] == [False, True]
    assert found.terminal.valve.position is Position.OPEN and not found.terminal.active


def test_what_shuts_is_what_the_documents_say() -> None:
    assert {"under_voltage", "over_voltage", "power_loss"} == RETURNS
    assert RETURNS | {"gas_leak", "flow_abnormal", "pressure_abnormal", "temperature_abnormal", "magnetic"} <= SHUTS
