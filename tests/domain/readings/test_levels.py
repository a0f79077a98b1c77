# SPDX-License-Identifier: Apache-2.0
"""Registers that fall to 0 and come back, dials that are unknown, clocks that are far off: instances with their right values."""

from dataclasses import replace

import pytest

from openmains.domain.period import zone
from openmains.domain.readings import merge, validate_intervals, validate_registers
from openmains.domain.readings.model import DayRow, IntervalReport, Limits, MeterState, RegisterReport
from openmains.domain.readings.quality import Rule, Slot

SHANGHAI = zone("Asia/Shanghai")
DAY = 20_000
START = SHANGHAI.start_of(DAY)
LIMITS = Limits(qmax_per_h=3125, cadence_s=86_400, interval_s=1800, ceiling=3125 * 24 * 365 * 30)


class Account:
    """What the stores hold of one meter: days merged as the pipeline does, and the rules that fired."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits, self.state = limits, MeterState()
        self.days: dict[int, DayRow] = {}
        self.rules: list[Rule] = []

    def keep(self, rows: list[DayRow]) -> None:
        for row in rows:
            kept = merge(self.days[row.day], row) if row.day in self.days else row
            assert merge(kept, row).increments == kept.increments
            self.days[row.day] = kept

    def register(self, at: int, *registers: int, step_s: int = 86_400) -> None:
        entries = [(at + step_s * k, register) for k, register in enumerate(registers)]
        sent = entries[-1][0]
        result = validate_registers(self.state, RegisterReport(sent, sent, entries), self.limits, SHANGHAI)
        self.state = result.state
        self.rules += [finding.rule for finding in result.findings]
        self.keep(result.days)

    def day(self, day: int, base: int, use: int = 48) -> None:
        end = SHANGHAI.start_of(day + 1)
        increments = [use // 48] * 48
        close = base + sum(increments)
        report = IntervalReport(end, end, SHANGHAI.start_of(day), 1800, base, increments, close, end)
        result = validate_intervals(self.state, report, self.limits, SHANGHAI)
        self.state = result.state
        self.rules += [finding.rule for finding in result.findings]
        self.keep(result.days)

    def total(self) -> int:
        return sum(sum(row.increments) for row in self.days.values())


ONE_BY_ONE = [True, False]


@pytest.mark.parametrize("one_by_one", ONE_BY_ONE, ids=["a message each", "one message"])
@pytest.mark.parametrize("hour", [0, 8], ids=["on the grid of days", "in the morning"])
@pytest.mark.parametrize(
    "wrong",
    [[0], [0] * 2, [0] * 3, [0] * 4, [0] * 20, [0, 0, 0, 5, 5, 5], [700_000_000] * 4, [7, 8, 9, 10]],
    ids=lambda values: f"{values[0]}…{values[-1]} ×{len(values)}",
)
def test_a_level_that_comes_back_is_taken_up_where_it_was_left(wrong: list[int], hour: int, one_by_one: bool) -> None:
    account = Account()
    back = 60_100 + 100 * (len(wrong) + 1)
    registers = [59_800, 59_900, 60_000, 60_100, *wrong, back, back + 100]
    at = START + hour * 3600
    for message in [[register] for register in registers] if one_by_one else [registers]:
        account.register(at, *message)
        at += 86_400
    assert account.total() <= back + 100 - 59_800
    assert account.total() >= back - 59_800 - 100  # the last slot is open
    between = account.days[DAY + 4]
    assert sum(between.increments) <= 110
    assert all(q & Slot.ESTIMATED for q in between.quality)
    if len(wrong) >= 3:
        assert Rule.LEVEL_RETURNED in account.rules
        assert all(q & Slot.RESTATED for q in between.quality)
        assert (account.state.left, account.state.average_use > 16 * 50) == (None, True)


def test_the_issues_example() -> None:
    account = Account()
    for k, register in enumerate([60_000, 60_100, 0, 0, 0, 60_500, 60_600]):
        account.register(START + k * 86_400, register)
    assert [sum(account.days[day].increments) for day in sorted(account.days)] == [100] * 6
    assert Rule.LEVEL_RETURNED in account.rules


def test_reports_of_intervals_take_it_up_too() -> None:
    account = Account()
    for k in range(3):
        account.day(DAY + k, 60_000 + 48 * k)
    for k in range(4):
        account.day(DAY + 3 + k, 48 * k)
    assert account.rules[-3:].count(Rule.METER_CHANGED) <= 1 and Rule.METER_CHANGED in account.rules
    account.day(DAY + 8, 60_144 + 5 * 48)
    account.day(DAY + 9, 60_144 + 6 * 48)
    assert Rule.LEVEL_RETURNED in account.rules
    assert account.total() == 10 * 48
    assert account.state.left is None


def test_a_meter_that_was_changed_passes_the_old_level_by_use() -> None:
    account = Account()
    account.register(START, 8_900, 9_000, 9_100)
    account.register(START + 3 * 86_400, *range(0, 12_000, 100))
    assert Rule.METER_CHANGED in account.rules
    assert Rule.LEVEL_RETURNED not in account.rules
    assert account.total() >= 200 + 11_800 - 100


def test_a_jump_that_neither_level_explains_is_not_booked() -> None:
    account = Account()
    account.register(START, 59_900, 60_000, 60_100, 0, 0, 0, 110_000)
    assert Rule.LEVEL_DOUBT in account.rules
    assert account.total() <= 200
    account.register(START + 7 * 86_400, 110_100, 110_200)
    assert account.rules.count(Rule.METER_CHANGED) == 2
    assert account.total() <= 500


def test_a_first_register_of_zero_is_not_a_level_to_book_a_life_upon() -> None:
    account = Account()
    account.register(START, 0, 60_000, 60_100, 60_200, 60_300)
    assert Rule.LEVEL_DOUBT in account.rules
    assert account.total() <= 300


def test_a_dial_that_seems_to_roll_over_and_comes_back() -> None:
    account = Account(replace(LIMITS, dial=1_000_000))
    account.register(START, 990_000, 990_100, 990_200, 0, 990_400, 990_500)
    assert Rule.ROLLOVER in account.rules
    assert Rule.LEVEL_RETURNED in account.rules
    assert account.total() <= 500


@pytest.mark.parametrize("wrong", [2**32 - 1, 2**31 + 60_100, 2**31 - 1, -1])
@pytest.mark.parametrize("times", [1, 4])
def test_marks_and_sign_bits_are_no_registers_where_no_dial_is_set(wrong: int, times: int) -> None:
    account = Account()
    account.register(START, *[wrong] * times)
    assert set(account.rules) == {Rule.DIAL_LIMIT}
    assert account.state.register is None
    account.register(START + times * 86_400, 60_000, 60_100)
    assert account.state.register == 60_100
    assert account.total() == 100


NEVER_SET = {"1970": 0, "2000": 946_684_800, "2070": 3_155_760_000, "2106": 2**32 - 1}
RECENT = replace(LIMITS, installed_at=START - 10 * 86_400)


@pytest.mark.parametrize("clock", NEVER_SET.values(), ids=NEVER_SET)
@pytest.mark.parametrize("limits", [RECENT, LIMITS], ids=["installed lately", "installed in 1970"])
def test_a_spot_answer_of_a_clock_never_set_is_dated_by_its_arrival(clock: int, limits: Limits) -> None:
    state = MeterState()
    for k in range(3):
        now = START + 86_400 * k
        report = RegisterReport(now, clock + 86_400 * k, [(clock + 86_400 * k, 60_000 + 100 * k)])
        result = validate_registers(state, report, limits, SHANGHAI)
        state = result.state
        (row,) = result.registers
        wrong = Rule.CLOCK_AHEAD if clock > now else Rule.CLOCK_BEHIND
        assert (row.at, row.register, row.flags >> wrong & 1) == (now, 60_000 + 100 * k, 1)
        assert [finding.rule for finding in result.findings if finding.rule is not Rule.GAP] == [wrong]
        assert all(abs(finding.at - now) <= 86_400 for finding in result.findings)
        assert all(DAY - 1 <= day.day <= DAY + 3 for day in result.days)
    assert (state.register, state.register_at) == (60_200, START + 2 * 86_400)


@pytest.mark.parametrize("clock", NEVER_SET.values(), ids=NEVER_SET)
def test_a_logged_register_of_nobody_knows_when_is_listed_at_its_arrival_and_not_built_upon(clock: int) -> None:
    report = RegisterReport(START, START, [(START - 3600, 60_000), (clock, 99_000), (START, 60_010)])
    result = validate_registers(MeterState(), report, RECENT, SHANGHAI)
    assert [row.at for row in result.registers] == [START - 3600, START, START]
    assert [bool(row.flags) for row in result.registers] == [False, True, False]
    assert result.findings[0].value == clock
    assert (result.state.register, result.state.register_at) == (60_010, START)


@pytest.mark.parametrize("clock", NEVER_SET.values(), ids=NEVER_SET)
def test_a_report_of_a_clock_never_set_still_tells_the_register(clock: int) -> None:
    account = Account(RECENT)
    account.day(DAY - 1, 60_000)
    now = START + 86_400
    start = clock - clock % 86_400 - 86_400
    report = IntervalReport(now, clock, start, 1800, 60_048, [1] * 48, 60_096, clock)
    result = validate_intervals(account.state, report, RECENT, SHANGHAI)
    assert (result.state.register, result.state.register_at) == (60_096, now)
    account.keep(result.days)
    assert set(account.days) == {DAY - 1, DAY, DAY + 1} - ({DAY + 1} if DAY + 1 not in account.days else set())
    assert account.total() == 96
    assert result.registers[0].at == now and result.registers[0].flags


@pytest.mark.parametrize("clock", NEVER_SET.values(), ids=NEVER_SET)
def test_a_single_register_without_a_clock_beside_it_is_dated_by_its_arrival_too(clock: int) -> None:
    result = validate_registers(MeterState(), RegisterReport(START, START, [(clock, 60_000)]), RECENT, SHANGHAI)
    assert [(row.at, bool(row.flags)) for row in result.registers] == [(START, True)]
    assert (result.state.register, result.state.register_at) == (60_000, START)
    assert {finding.value for finding in result.findings} == {clock}


def test_a_jump_of_a_meter_without_a_habit_is_flagged_and_taken_back() -> None:
    account = Account()
    account.register(START, 45_000, 45_000, 99_992)
    assert Rule.SPIKE in account.rules
    account.register(START + 3 * 86_400, 45_030, 45_040)
    assert Rule.LEVEL_RETURNED in account.rules
    assert account.total() <= 40
