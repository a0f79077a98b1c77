# SPDX-License-Identifier: Apache-2.0
"""What should be there, and how it stands."""

from datetime import date

from openmains.domain.period import date_to_day, zone
from openmains.domain.readings.expected import (
    MODES,
    PERIOD_S,
    Expectation,
    Known,
    Mode,
    Modes,
    Standing,
    Status,
    collect,
    due_at,
    mode_of_period,
    mode_of_settings,
    period_of,
    status_of,
)

TZ = zone("Asia/Shanghai")
D = date_to_day(date(2026, 2, 10))


def expected(asked: Expectation, first: int, last: int) -> list[int]:
    return [day for day in range(first, last + 1) if asked.is_expected(day)]


def test_whole_days_on_the_wall_are_expected() -> None:
    assert expected(Expectation(D), D - 2, D + 1) == [D, D + 1]
    assert expected(Expectation(D + 1), D, D + 2) == [D + 1, D + 2]
    assert expected(Expectation(0, removed_day=D), D - 2, D + 2) == [D - 2, D - 1]
    assert expected(Expectation(D + 1, removed_day=D), D - 2, D + 2) == []
    assert expected(Expectation(D + 9), D, D + 2) == []


def test_nothing_is_due_after_removal() -> None:
    """A meter that reports by the month and is removed on the 10th of February never reports the days before."""
    monthly = Expectation(0, removed_day=D, product=Modes(Mode.MONTH))
    first = date_to_day(date(2026, 1, 1))
    assert expected(monthly, first, D + 2) == list(range(first, date_to_day(date(2026, 2, 1))))
    ten_days = Expectation(0, removed_day=D + 1, product=Modes(Mode.TEN_DAYS))
    assert expected(ten_days, D - 1, D + 3) == [D - 1, D]  # 旬 ends on the 10th itself


def test_what_the_meter_says_of_its_mode_counts_before_its_product_and_from_its_day_on() -> None:
    asked = Expectation(0, None, Modes(Mode.MONTH, D, None), Modes(Mode.TEN_DAYS))
    assert (asked.mode_on(D), asked.mode_on(D - 1)) == (Mode.MONTH, Mode.TEN_DAYS)
    assert Expectation(0, None, Modes(), Modes(Mode.WEEK, D, Mode.DAY)).mode_on(D - 1) is Mode.DAY
    said = [mode_of_settings({"report_period": value}) for value in (0, 1, 2, 3, 4, 5, "1", None)]
    assert said == [Mode.DAY, Mode.TEN_DAYS, Mode.MONTH, Mode.DAY, Mode.WEEK, None, None, None]
    assert mode_of_settings({"report_time": 7200}) is None


def test_the_mode_of_a_period() -> None:
    day = 86_400
    periods = {300: Mode.DAY, day // 2: Mode.DAY, day: Mode.DAY, 7 * day: Mode.WEEK, 10 * day: Mode.TEN_DAYS,
               28 * day: Mode.MONTH, 31 * day: Mode.MONTH}  # fmt: skip
    assert {period: mode_of_period(period) for period in periods} == periods
    assert all(mode_of_period(PERIOD_S[mode]) is mode for mode in MODES)


def test_a_day_stands_not_expected_then_not_due_then_due() -> None:
    monthly = Expectation(D, None, product=Modes(Mode.MONTH))
    due = due_at(D, Mode.MONTH, TZ)
    assert monthly.standing(D - 1, due, TZ) is Standing.NOT_EXPECTED
    assert monthly.standing(D, due - 1, TZ) is Standing.NOT_DUE
    assert monthly.standing(D, due, TZ) is Standing.DUE


def test_due_at_eight_after_the_period() -> None:
    def due(year: int, month: int, day: int, mode: Mode) -> str:
        return TZ.iso(due_at(date_to_day(date(year, month, day)), mode, TZ))[:16]

    assert due(2026, 2, 10, Mode.DAY) == "2026-02-11T08:00"
    assert due(2026, 2, 10, Mode.TEN_DAYS) == "2026-02-11T08:00"
    assert due(2026, 2, 11, Mode.TEN_DAYS) == "2026-02-21T08:00"
    assert due(2026, 2, 21, Mode.TEN_DAYS) == "2026-03-01T08:00"
    assert due(2026, 12, 31, Mode.TEN_DAYS) == "2027-01-01T08:00"
    assert due(2026, 12, 1, Mode.MONTH) == "2027-01-01T08:00"
    assert due(2028, 2, 21, Mode.TEN_DAYS) == "2028-03-01T08:00"  # a leap year's third 旬
    assert due(2026, 2, 8, Mode.WEEK) == "2026-02-09T08:00"  # a Sunday
    assert due(2026, 2, 9, Mode.WEEK) == "2026-02-16T08:00"


def test_periods_follow_each_other_without_gap() -> None:
    for mode in MODES:
        day, last = period_of(D, mode)[0], D + 900
        while day < last:
            first, end = period_of(day, mode)
            assert first == day
            assert {period_of(each, mode) for each in range(first, end + 1)} == {(first, end)}
            day = end + 1


def test_status() -> None:
    due = due_at(D, Mode.DAY, TZ)
    assert status_of(None, 48, due) is Status.MISSING
    assert status_of(Known(0, 0, 0), 48, due) is Status.MISSING
    assert status_of(Known(48, 48, due - 1), 48, due) is Status.ON_TIME
    assert status_of(Known(48, 48, due), 48, due) is Status.LATE
    assert status_of(Known(48, 47, 0), 48, due) is Status.ESTIMATED
    assert status_of(Known(47, 47, 0), 48, due) is Status.PARTIAL
    for lacking in (None, Known(0, 0, 0), Known(48, 47, 0), Known(47, 47, 0)):
        assert status_of(lacking, 48, due, due - 1) is Status.NOT_DUE
        assert status_of(lacking, 48, due, due) is not Status.NOT_DUE
    assert status_of(Known(48, 48, due - 9), 48, due, due - 1) is Status.ON_TIME  # there before anybody asked


def test_collection() -> None:
    counts = collect([Status.ON_TIME] * 97 + [Status.LATE, Status.ESTIMATED, Status.MISSING, Status.PARTIAL])
    assert (counts.expected, counts.received, counts.estimated, counts.missing, counts.partial) == (101, 98, 1, 1, 1)
    assert counts.rate_ppm == 970_297
    assert collect([]).rate_ppm == 1_000_000
    counts = collect([Status.ON_TIME, Status.NOT_DUE])
    assert (counts.expected, counts.not_due, counts.rate_ppm) == (1, 1, 1_000_000)
