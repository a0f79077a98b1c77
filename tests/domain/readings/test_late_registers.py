# SPDX-License-Identifier: Apache-2.0
"""Registers read again out of the meter's freeze log: they measure the slots of a day that was missing, and nothing else."""

from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import pytest

from openmains.domain.period import DAY_S, zone
from openmains.domain.readings import merge, totals, validate_intervals, validate_registers
from openmains.domain.readings.expected import Mode, cadence_of
from openmains.domain.readings.model import DayRow, IntervalReport, Judgement, Limits, MeterState, RegisterReport
from openmains.domain.readings.quality import Rule, Slot

SHANGHAI = zone("Asia/Shanghai")
DAY = 20_000
START = SHANGHAI.start_of(DAY)
LIMITS = Limits(qmax_per_h=3000, dial=100_000)
STEP = 1800


def register_at(instant: int) -> int:
    """What the meter showed: 7 L a half hour, and 60 L more each noon; the dial goes round within day 3."""
    days, rest = divmod(instant - START, DAY_S)
    return (99_000 + days * (48 * 7 + 60) + rest // STEP * 7 + (60 if rest >= DAY_S // 2 else 0)) % 100_000


def daily(day: int, *, history: int = 0) -> IntervalReport:
    """The report of a day, told half an hour after midnight."""
    at = START + day * DAY_S
    slots = [at + k * STEP for k in range(49)]
    values = [(register_at(b) - register_at(a)) % 100_000 for a, b in pairwise(slots)]
    now = at + DAY_S + STEP
    told = [(at - k * DAY_S, register_at(at - k * DAY_S)) for k in range(history)]
    return IntervalReport(now, now, at, STEP, register_at(at), values, register_at(now), now, history=told)


def log(since: int, until: int, received: int, step: int = STEP) -> RegisterReport:
    """What ``read_intervals`` answers."""
    return RegisterReport(received, received, [(at, register_at(at)) for at in range(since, until + 1, step)])


class Store:
    """The newest row of each day, merged as the pipeline does."""

    def __init__(self) -> None:
        self.state, self.rows, self.findings = MeterState(), dict[int, DayRow](), list[Rule]()

    def take(self, judged: Judgement) -> Judgement:
        self.state = judged.state
        self.findings = [finding.rule for finding in judged.findings]
        for row in judged.days:
            known = self.rows.get(row.day)
            self.rows[row.day] = merge(known, row) if known is not None and row.partial else row
        return judged

    def measured(self, day: int) -> int:
        return totals(self.rows[DAY + day]).measured if DAY + day in self.rows else 0


def told(*days: int) -> Store:
    store = Store()
    for day in days:
        store.take(validate_intervals(store.state, daily(day), LIMITS, SHANGHAI))
    return store


def test_a_lost_day_that_is_read_again_is_measured_to_the_slot() -> None:
    store, whole = told(0, 1, 3, 4), told(0, 1, 2, 3, 4)
    assert store.measured(2) == 0
    before = deepcopy(store.state)
    judged = store.take(
        validate_registers(store.state, log(START + 2 * DAY_S, START + 3 * DAY_S, START + 5 * DAY_S), LIMITS, SHANGHAI)
    )
    assert store.rows[DAY + 2].increments == whole.rows[DAY + 2].increments
    assert set(store.rows[DAY + 2].quality) == {0}
    assert not store.rows[DAY + 2].flags >> Rule.GAP & 1
    assert judged.filled == (START + 2 * DAY_S, START + 3 * DAY_S)
    assert (judged.state.version, judged.state.register) == (before.version + 1, before.register)
    assert set(store.findings) == {Rule.OUT_OF_ORDER}
    assert len(judged.registers) == 49  # each kept as it came
    for day in (1, 3, 4):
        assert store.rows[DAY + day].increments == whole.rows[DAY + day].increments
        assert set(store.rows[DAY + day].quality) == {0}


def test_two_days_in_two_messages_that_overlap_by_a_register() -> None:
    store = told(0, 1, 4)
    marks = [START + 2 * DAY_S + k * STEP for k in range(97)]
    for first in (0, 59):
        part = log(marks[first], marks[min(first + 59, 96)], START + 5 * DAY_S)
        store.take(validate_registers(store.state, part, LIMITS, SHANGHAI))
    assert (store.measured(2), store.measured(3)) == (48, 48)


def test_a_day_whose_total_the_history_told_gets_its_slots() -> None:
    store = told(0, 1)
    store.take(validate_intervals(store.state, daily(4, history=4), LIMITS, SHANGHAI))
    assert set(store.rows[DAY + 2].quality) == {Slot.ESTIMATED | Slot.FROM_HISTORY}
    store.take(
        validate_registers(store.state, log(START + 2 * DAY_S, START + 3 * DAY_S, START + 5 * DAY_S), LIMITS, SHANGHAI)
    )
    assert store.measured(2) == 48


def test_only_the_missing_part_of_a_day_is_asked_for_and_comes() -> None:
    store = told(0, 1, 3)
    half = START + 2 * DAY_S + DAY_S // 2
    store.take(validate_registers(store.state, log(START + 2 * DAY_S, half, START + 5 * DAY_S), LIMITS, SHANGHAI))
    assert store.measured(2) == 24
    store.take(validate_registers(store.state, log(half, START + 3 * DAY_S, START + 5 * DAY_S), LIMITS, SHANGHAI))
    assert store.measured(2) == 48


@pytest.mark.parametrize("off", [-5_000, 5_000, 50_000])
def test_a_log_of_another_level_is_said_and_not_booked(off: int) -> None:
    store = told(0, 1, 3)
    before = deepcopy(store.rows)
    said = log(START + 2 * DAY_S, START + 3 * DAY_S, START + 5 * DAY_S)
    said = replace(said, entries=[(at, (register + off) % 100_000) for at, register in said.entries])
    store.take(validate_registers(store.state, said, LIMITS, SHANGHAI))
    assert {*store.findings} - {Rule.OUT_OF_ORDER}
    for day, row in before.items():
        assert (store.rows[day].increments, store.rows[day].quality) == (row.increments, row.quality)


def test_one_late_register_or_such_that_lie_far_apart_measure_nothing() -> None:
    for said in (log(START + 2 * DAY_S, START + 2 * DAY_S, START + 5 * DAY_S),
                 log(START + 2 * DAY_S, START + 3 * DAY_S, START + 5 * DAY_S, step=6 * 3600)):  # fmt: skip
        store = told(0, 1, 3)
        store.take(validate_registers(store.state, said, LIMITS, SHANGHAI))
        assert store.measured(2) == 0


def test_a_log_that_goes_beyond_what_is_known_counts_to_its_end() -> None:
    store, late = told(0, 1), Store()
    store.take(
        validate_registers(store.state, log(START + DAY_S, START + 3 * DAY_S, START + 3 * DAY_S + 9), LIMITS, SHANGHAI)
    )
    assert [store.measured(day) for day in (0, 1, 2)] == [48, 48, 48]
    assert store.state.grid_at == START + 3 * DAY_S
    assert late.rows == {}


def test_the_same_log_again_changes_no_value() -> None:
    store = told(0, 1, 3)
    said = log(START + 2 * DAY_S, START + 3 * DAY_S, START + 5 * DAY_S)
    store.take(validate_registers(store.state, said, LIMITS, SHANGHAI))
    before = deepcopy(store.rows)
    store.take(validate_registers(store.state, said, LIMITS, SHANGHAI))
    assert store.rows == before


@pytest.mark.parametrize("mode", [Mode.WEEK, Mode.TEN_DAYS, Mode.MONTH])
def test_days_between_the_midnights_of_a_monthly_meter_are_known(mode: Mode) -> None:
    """旬 and month reports hold a register of each midnight: that is how far apart theirs are expected."""
    limits = replace(LIMITS, cadence_s=cadence_of(mode, STEP), report_s=31 * DAY_S)
    store = Store()
    for first, last in ((0, 10), (10, 20)):
        said = log(START + first * DAY_S, START + last * DAY_S, START + last * DAY_S + 60, step=DAY_S)
        store.take(validate_registers(store.state, said, limits, SHANGHAI))
    assert [store.measured(day) for day in range(20)] == [48] * 20
    lost = Store()
    for first, last in ((0, 10), (20, 30), (10, 20)):  # the second ten days are read again later
        said = log(START + first * DAY_S, START + last * DAY_S, START + 31 * DAY_S, step=DAY_S)
        lost.take(validate_registers(lost.state, said, limits, SHANGHAI))
    assert [lost.measured(day) for day in range(30)] == [48] * 30
    assert cadence_of(Mode.DAY, STEP) == STEP
