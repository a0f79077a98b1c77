# SPDX-License-Identifier: Apache-2.0
"""Registers at arbitrary instants: rules by example and the sum invariant."""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.period import zone
from openmains.domain.readings import merge, validate_registers
from openmains.domain.readings.model import DayRow, Judgement, Limits, MeterState, RegisterReport
from openmains.domain.readings.quality import Rule, Slot
from tests.domain.properties import examples

SHANGHAI = zone("Asia/Shanghai")
T0 = SHANGHAI.start_of(20_000)
LIMITS = Limits(qmax_per_h=3000, cadence_s=3600)


def tell(state: MeterState, *entries: tuple[int, int], limits: Limits = LIMITS) -> Judgement:
    """Entries as (minutes after T0, register), received a minute after the last."""
    at = T0 + 60 * max(minute for minute, _ in entries) + 60
    before = deepcopy(state)
    result = validate_registers(
        state, RegisterReport(at, at, [(T0 + 60 * m, register) for m, register in entries]), limits, SHANGHAI
    )
    assert state == before
    return result


def flags(result: Judgement) -> list[set[Rule]]:
    return [{rule for rule in Rule if row.flags >> rule & 1} for row in result.registers]


def test_slots_are_differences_of_registers_on_the_grid() -> None:
    result = tell(MeterState(), (0, 100), (60, 161), (125, 200))
    (row,) = result.days
    assert row.base == 100
    assert row.increments[:5] == [30, 31, 18, 18, 0]
    assert row.quality[:5] == [Slot.INTERPOLATED, 0, Slot.INTERPOLATED, Slot.INTERPOLATED, Slot.MISSING]
    assert (result.state.grid_at, result.state.grid_register) == (T0 + 7200, 197)
    more = tell(result.state, (185, 260))
    row = merge(row, more.days[0])
    assert sum(row.increments[:6]) == 255 - 100


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([(60, 1000)], {Rule.DUPLICATE_SAME}),
        ([(60, 1001)], {Rule.DUPLICATE_DIFFERENT}),
        ([(30, 990)], {Rule.OUT_OF_ORDER}),
        ([(120, 990)], {Rule.REVERSE_FLOW}),
        ([(120, 900)], {Rule.IMPOSSIBLE_BACK}),
        ([(120, 9_000)], {Rule.OVER_QMAX}),
        ([(120, 10_000)], {Rule.OVER_QMAX, Rule.UNIT_SUSPECT}),
        ([(120, 100)], {Rule.IMPOSSIBLE_BACK, Rule.UNIT_SUSPECT}),
        ([(151, 1000)], {Rule.GAP}),
        ([(150, 1000)], set()),
    ],
)
def test_rule(entries: list[tuple[int, int]], expected: set[Rule]) -> None:
    state = tell(MeterState(), (0, 950), (60, 1000)).state
    assert flags(tell(state, *entries)) == [expected]


def test_future_before_installation_and_dial_are_not_built_upon() -> None:
    limits = replace(LIMITS, dial=10_000, installed_at=T0)
    report = RegisterReport(T0 + 7200, T0 + 7200, [(T0 - 60, 5), (T0, 100), (T0 + 9000, 101), (T0 + 3600, 10_000)])
    result = validate_registers(MeterState(), report, limits, SHANGHAI)
    assert flags(result) == [{Rule.BEFORE_INSTALLATION}, set(), {Rule.CLOCK_AHEAD}, {Rule.DIAL_LIMIT}]
    assert (result.state.register, result.state.register_at) == (100, T0)


def test_clock_of_the_message() -> None:
    for device_at, expected in ((T0 + 601, Rule.CLOCK_AHEAD), (T0 - 601, Rule.CLOCK_BEHIND), (T0 + 600, None)):
        result = validate_registers(MeterState(), RegisterReport(T0, device_at, [(T0, 1)]), LIMITS, SHANGHAI)
        assert [finding.rule for finding in result.findings] == ([expected] if expected else [])


def test_findings_stand_on_their_day() -> None:
    state = tell(MeterState(), (0, 4950), (60, 5000)).state
    result = tell(state, (24 * 60 + 40, 500))
    (row,) = result.days
    assert (row.day, row.base, set(row.quality)) == (20_001, 5000, {Slot.MISSING})
    assert row.flags == 1 << Rule.IMPOSSIBLE_BACK | 1 << Rule.UNIT_SUSPECT
    later = tell(result.state, (24 * 60 + 60, 5050))
    (before, day) = later.days
    merged = merge(row, day)
    assert merged.flags == row.flags | 1 << Rule.GAP
    assert merged.base == 5000 + sum(before.increments[2:])


def test_a_wrong_clock_makes_no_rows_in_other_years() -> None:
    limits = replace(LIMITS, installed_at=T0)
    report = RegisterReport(T0 + 7200, T0 + 90_000, [(T0 + 3600, 1), (10**6, 5), (T0 + 10**9, 6)])
    result = validate_registers(MeterState(), report, limits, SHANGHAI)
    (row,) = result.days
    assert row.day == 20_000
    assert row.flags == 1 << Rule.CLOCK_AHEAD | 1 << Rule.BEFORE_INSTALLATION


def test_rollover() -> None:
    limits = replace(LIMITS, dial=10_000)
    state = tell(MeterState(), (0, 9900), (60, 9990), limits=limits).state
    result = tell(state, (120, 50), (180, 60), limits=limits)
    assert flags(result) == [{Rule.ROLLOVER}, set()]
    assert result.days[0].increments[2:6] == [30, 30, 5, 5]
    assert result.state.grid_register == 60


def test_new_level_after_three() -> None:
    state = tell(MeterState(), (0, 5000), (60, 5010)).state
    result = tell(state, (120, 3), (180, 8), (240, 10), (300, 20))
    assert flags(result) == [
        {Rule.IMPOSSIBLE_BACK},
        {Rule.IMPOSSIBLE_BACK},
        {Rule.IMPOSSIBLE_BACK, Rule.METER_CHANGED},
        set(),
    ]
    assert result.state.register == 20
    assert result.state.candidate is None
    assert result.days[0].increments[6:10] == [1, 1, 5, 5]
    assert result.days[0].flags >> Rule.METER_CHANGED & 1


def test_a_jump_that_falls_back_changes_nothing() -> None:
    state = tell(MeterState(), (0, 5000), (60, 5010)).state
    result = tell(state, (120, 90_000), (180, 5020))
    assert flags(result) == [{Rule.OVER_QMAX}, {Rule.GAP}]
    assert sum(result.days[0].increments) == 10
    assert result.state.candidate_count == 0


@given(
    st.lists(st.tuples(st.integers(1, 20_000), st.integers(0, 400)), min_size=2, max_size=40),
    st.integers(1, 7),
    st.sampled_from(["Asia/Shanghai", "Europe/Madrid"]),
    st.sampled_from([300, 900, 1800, 3600]),
)
@examples(100)
def test_days_add_up(steps: list[tuple[int, int]], cut: int, key: str, interval_s: int) -> None:
    """However registers are cut into messages: sums of rows are differences of registers at midnights."""
    tz, limits = zone(key), replace(LIMITS, interval_s=interval_s, qmax_per_h=10**9)
    at, register, entries = 1_477_650_000, 500, []
    for seconds, volume in steps:
        at, register = at + seconds, register + volume
        entries.append((at, register))
    outcomes = []
    for size in (cut, len(entries)):
        state, days = MeterState(), dict[int, DayRow]()
        for place in range(0, len(entries), size):
            part = entries[place : place + size]
            result = validate_registers(state, RegisterReport(part[-1][0], part[-1][0], part), limits, tz)
            state = result.state
            for row in result.days:
                days[row.day] = merge(days[row.day], row) if row.day in days else replace(row, partial=False)
        outcomes.append((days, replace(state, version=0)))
    assert outcomes[0] == outcomes[1]
    days, state = outcomes[0]
    for day, row in days.items():
        if day + 1 in days:
            assert row.base + sum(row.increments) == days[day + 1].base
    if days:
        newest = days[max(days)]
        assert newest.base + sum(newest.increments) == state.grid_register
        assert sum(sum(row.increments) for row in days.values()) <= entries[-1][1] - entries[0][1]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 2**22), st.integers(-5, 20_000)), max_size=8),
        max_size=6,
    )
)
@examples(100)
def test_nonsense_is_kept_and_never_raises(messages: list[list[tuple[int, int]]]) -> None:
    state, limits = MeterState(), replace(LIMITS, dial=10_000)
    for entries in messages:
        result = validate_registers(state, RegisterReport(2**21, 2**21, entries), limits, SHANGHAI)
        assert [row.register for row in result.registers] == [register for _, register in entries]
        for row, (at, _) in zip(result.registers, entries, strict=True):  # more than a day ahead: listed when it came
            assert row.at == at if at <= 2**21 + 86_400 else (row.at == 2**21 and row.flags >> Rule.CLOCK_AHEAD & 1)
        state = result.state
