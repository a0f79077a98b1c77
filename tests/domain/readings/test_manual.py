# SPDX-License-Identifier: Apache-2.0
"""Registers that a person read, among the meter's own reports (R6.11): judged the same way, shown where they do not fit."""

from hypothesis import example, given
from hypothesis import strategies as st

from openmains.domain.period import DAY_S, zone
from openmains.domain.readings import validate_intervals, validate_registers
from openmains.domain.readings.manual import ReadAs, differs_from_day, reading_fault, units_of
from openmains.domain.readings.merge import merge
from openmains.domain.readings.model import DayRow, IntervalReport, Judgement, Limits, MeterState, RegisterReport
from openmains.domain.readings.quality import Rule, Slot

PLACE = zone("Asia/Shanghai")
DAY = 20_000
T0 = PLACE.start_of(DAY)
LIMITS = Limits(qmax_per_h=3125, dial=100_000_000, installed_at=T0 - 900 * DAY_S, report_s=DAY_S)
USE = [5] * 48  # a day


class House:
    """A meter that reports each night, and a person who comes by."""

    def __init__(self) -> None:
        self.state = MeterState()
        self.days: dict[int, DayRow] = {}
        self.rules: list[Rule] = []

    def take(self, judgement: Judgement) -> Judgement:
        self.state = judgement.state
        self.rules = [finding.rule for finding in judgement.findings]
        for row in judgement.days:
            stored = self.days.get(row.day)
            self.days[row.day] = row if stored is None or not row.partial else merge(stored, row)
        return judgement

    def report(self, day: int, base: int, increments: list[int] | None = None) -> Judgement:
        slots = USE if increments is None else increments
        end = PLACE.start_of(day + 1)
        said = end + 600
        report = IntervalReport(said, said, PLACE.start_of(day), 1800, base, slots, base + sum(slots), end)
        return self.take(validate_intervals(self.state, report, LIMITS, PLACE))

    def read(self, at: int, register: int, digit: int = 1, entered: int | None = None) -> Judgement:
        now = entered or at + 3600
        report = RegisterReport(now, now, [(at, register)], read_digit=digit)
        return self.take(validate_registers(self.state, report, LIMITS, PLACE))

    def total(self, day: int) -> int:
        return sum(self.days[day].increments)


def measured(row: DayRow) -> bool:
    return not any(row.quality)


def test_days_between_two_readings_are_estimated_and_marked_as_a_persons() -> None:
    house = House()
    house.read(T0 + 10 * 3600, 100_000)
    judgement = house.read(T0 + 10 * DAY_S + 10 * 3600, 102_400)
    assert judgement.registers[0].flags >> Rule.MANUAL_READING & 1
    assert {house.total(day) for day in range(DAY + 1, DAY + 10)} == {240}
    assert all(q == Slot.ESTIMATED for day in range(DAY + 1, DAY + 10) for q in house.days[day].quality)
    assert house.days[DAY + 10].flags >> Rule.MANUAL_READING & 1
    assert Rule.GAP not in house.rules  # somebody went there: no work for anybody


def test_a_reading_of_two_years_ago_stands_where_it_was_read() -> None:
    house = House()
    judgement = house.read(T0 - 700 * DAY_S, 1_000, entered=T0)
    assert [(row.at, row.register) for row in judgement.registers] == [(T0 - 700 * DAY_S, 1_000)]
    assert house.state.register_at == T0 - 700 * DAY_S and house.rules == []
    house.read(T0 - 698 * DAY_S, 1_100, entered=T0)
    assert house.total(DAY - 699) == 50 and DAY not in house.days


def test_what_a_person_cannot_see_is_no_step_back() -> None:
    house = House()
    house.report(DAY, 123_216)
    house.read(T0 + DAY_S + 7200, 123_000, digit=1000)  # 123 m3 of 123.456
    assert house.rules == [] and house.state.register == 123_456
    house.read(T0 + DAY_S + 7300, 122_000, digit=1000)
    assert house.rules == [Rule.IMPOSSIBLE_BACK] and house.state.register == 123_456


def test_beyond_qmax_is_kept_and_not_built_upon() -> None:
    house = House()
    house.report(DAY, 1_000)
    house.read(T0 + DAY_S + 3600, 999_000)
    assert house.rules == [Rule.OVER_QMAX] and house.state.register == 1_240
    house.report(DAY + 1, 1_240)
    assert measured(house.days[DAY + 1]) and house.total(DAY + 1) == 240


@given(read=st.integers(0, 300), digit=st.sampled_from([1, 10, 100, 1000]), lost=st.integers(0, 3))
@example(read=300, digit=1, lost=0)
@example(read=300, digit=1, lost=2)
@example(read=0, digit=1, lost=2)
def test_the_meters_own_report_counts_whatever_a_person_read_before_it(read: int, digit: int, lost: int) -> None:
    """Of a day after ``lost`` days of silence the person comes at noon; the next report tells that day and says what was."""
    house = House()
    for k in range(3):
        house.report(DAY + k, 1_000 + 240 * k)
    day = DAY + 3 + lost
    base = 1_000 + 240 * (day - DAY)
    noon = PLACE.start_of(day) + 12 * 3600
    register = (base + read) // digit * digit
    house.read(noon, register, digit)
    before = house.rules
    house.report(day, base)
    assert measured(house.days[day]) and house.total(day) == 240
    truth, known = base + 120, 1_720
    if register < known < register + digit:
        register = known  # what the person could not see is known
    if before == [] and not truth - digit - 5 <= register <= truth + 5:
        assert Rule.MANUAL_DIFFERS in house.rules
    if truth - digit < register <= truth:
        assert Rule.MANUAL_DIFFERS not in house.rules
    assert house.state.register == base + 240 and house.state.read_digit == 0
    house.report(day + 1, base + 240)
    assert measured(house.days[day + 1]) and house.rules == []
    for between in range(DAY + 3, day):
        assert house.total(between) in range(238, 243)


def test_a_reading_that_a_later_report_denies_is_passed_over() -> None:
    """It is 30 m3 too much, and the next report begins after it."""
    house = House()
    for k in range(3):
        house.report(DAY + k, 1_000 + 240 * k)
    house.read(T0 + 3 * DAY_S + 12 * 3600, 1_720 + 600)
    house.report(DAY + 4, 1_000 + 240 * 4)
    assert Rule.MANUAL_DIFFERS in house.rules
    assert house.total(DAY + 3) == 240 and measured(house.days[DAY + 4])
    house.report(DAY + 5, 1_000 + 240 * 5)
    assert house.rules == [] and measured(house.days[DAY + 5])


def test_a_late_reading_is_compared_with_the_day_that_is_stored() -> None:
    row = DayRow(DAY, 1_000, 1800, list(USE), [0] * 48)
    noon = T0 + 12 * 3600
    assert differs_from_day(row, noon, 1_120, 1, 0, PLACE) is None
    assert differs_from_day(row, noon, 1_125, 1, 0, PLACE) is None  # within ten minutes
    assert differs_from_day(row, noon, 1_130, 1, 0, PLACE) == 1_125
    assert differs_from_day(row, noon, 1_114, 1, 0, PLACE) == 1_115
    assert differs_from_day(row, noon, 1_000, 1000, 0, PLACE) is None
    row.quality[10:] = [int(Slot.ESTIMATED)] * 38
    assert differs_from_day(row, noon, 9_999, 1, 0, PLACE) is None  # nobody measured it
    went_round = DayRow(DAY, 99_900, 1800, list(USE), [0] * 48)
    assert differs_from_day(went_round, noon, 20, 1, 100_000, PLACE) is None


def test_what_is_refused_at_the_door() -> None:
    removed = DAY + 5
    now = T0 + 10 * DAY_S
    good = ReadAs(5, 1)
    assert reading_fault(T0, good, LIMITS, None, now, PLACE) is None
    assert reading_fault(now + 601, good, LIMITS, None, now, PLACE) == "in-the-future"
    assert reading_fault(LIMITS.installed_at - 1, good, LIMITS, None, now, PLACE) == "before-installation"
    assert reading_fault(PLACE.start_of(removed + 1) - 1, good, LIMITS, removed, now, PLACE) is None
    assert reading_fault(PLACE.start_of(removed + 1), good, LIMITS, removed, now, PLACE) == "after-removal"
    assert reading_fault(T0, ReadAs(100_000_000, 1), LIMITS, None, now, PLACE) == "beyond-dial"
    assert reading_fault(T0, None, LIMITS, None, now, PLACE) == "too-many-decimals"


def test_decimals_are_those_of_the_meter() -> None:
    assert units_of(123, 0, -3) == ReadAs(123_000, 1000)
    assert units_of(123_456, 3, -3) == ReadAs(123_456, 1)
    assert units_of(1_234_560, 4, -3) == ReadAs(123_456, 1)  # a nought that says nothing
    assert units_of(1_234_567, 4, -3) is None
    assert units_of(123, 0, 0) == ReadAs(123, 1)
    assert units_of(1_235, 1, 0) is None
