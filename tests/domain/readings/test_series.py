# SPDX-License-Identifier: Apache-2.0
"""Periods and steps."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.period import date_to_day, zone
from openmains.domain.readings.expected import Expectation, Mode, Modes
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Slot
from openmains.domain.readings.series import STEPS, series, set_apart
from tests.domain.properties import examples

MADRID = zone("Europe/Madrid")
FIRST = 16_860  # 2016-02-29


def year() -> list[DayRow]:
    return [
        DayRow(day, 0, 1800, [day % 5] * (MADRID.seconds_in(day) // 1800), [0] * (MADRID.seconds_in(day) // 1800))
        for day in range(FIRST, FIRST + 400)
    ]


ROWS = year()
TRUTH = {row.day: sum(row.increments) for row in ROWS}


@pytest.mark.parametrize(
    ("step", "count"), [("day", 400), ("week", 58), ("month", 15), ("quarter", 6), ("year", 2), ("hour", 9599)]
)
def test_calendar_steps(step: str, count: int) -> None:
    start, end = MADRID.start_of(FIRST), MADRID.start_of(FIRST + 400)
    buckets = series(ROWS, start, end, step, MADRID)
    assert len(buckets) == count
    assert (buckets[0].start, buckets[-1].end) == (start, end)
    assert sum(bucket.volume for bucket in buckets) == sum(TRUTH.values())
    assert all(bucket.missing_s == 0 == bucket.estimated_s for bucket in buckets)


def test_a_month_is_the_sum_of_its_days() -> None:
    march, april = date_to_day(date(2016, 3, 1)), date_to_day(date(2016, 4, 1))
    (bucket,) = series(ROWS, MADRID.start_of(march), MADRID.start_of(april), "month", MADRID)
    assert bucket.volume == sum(TRUTH[day] for day in range(march, april))
    assert bucket.measured_s == 31 * 86_400 - 3600  # summer time began


@pytest.mark.parametrize("step", [step for step in STEPS if step not in ("hour", "day")])
def test_a_step_that_the_period_cuts_says_so(step: str) -> None:
    whole = series([], MADRID.start_of(FIRST), MADRID.start_of(FIRST + 800), step, MADRID)[1:-1]
    first, last = whole[0], whole[-1]
    assert not any(bucket.cut for bucket in series([], first.start, last.end, step, MADRID))
    early = series([], first.start + 86_400, last.end, step, MADRID)
    assert [bucket.cut for bucket in early] == [True] + [False] * (len(early) - 1)
    late = series([], first.start, last.end - 86_400, step, MADRID)
    assert [bucket.cut for bucket in late] == [False] * (len(late) - 1) + [True]
    inside = series([], first.start + 86_400, first.end - 86_400, step, MADRID)
    assert [bucket.cut for bucket in inside] == [True]


def test_a_step_in_seconds_is_cut_at_its_end_only() -> None:
    assert [bucket.cut for bucket in series([], 7, 7 + 25, 10, MADRID)] == [False, False, True]


def test_quality_summary() -> None:
    rows = [
        DayRow(20_000, 5, 21_600, [4, 4, 4, 0], [0, int(Slot.ESTIMATED), int(Slot.SUSPECT | Slot.EDITED), 1], 1 << 10)
    ]
    tz = zone("Asia/Shanghai")
    (bucket,) = series(rows, tz.start_of(20_000), tz.start_of(20_001), "day", tz)
    assert (bucket.volume, bucket.measured_s, bucket.estimated_s, bucket.missing_s) == (12, 43_200, 21_600, 21_600)
    assert (bucket.suspect_s, bucket.edited_s, bucket.flags) == (21_600, 21_600, 1 << 10)
    halves = series(rows, tz.start_of(20_000), tz.start_of(20_000) + 21_600, 5000, tz)
    assert [bucket.volume for bucket in halves] == [0, 1, 1, 1, 1]


@given(
    st.integers(0, 399 * 86_400),
    st.integers(1, 20 * 86_400),
    st.one_of(st.sampled_from(STEPS), st.integers(900, 90_000)),
)
@examples(100)
def test_any_cut_covers_everything_once(offset: int, length: int, step: str | int) -> None:
    start = MADRID.start_of(FIRST) + offset
    buckets = series(ROWS, start, start + length, step, MADRID)
    (whole,) = series(ROWS, start, start + length, length, MADRID)
    assert [bucket.start for bucket in buckets[1:]] == [bucket.end for bucket in buckets[:-1]]
    assert sum(bucket.volume for bucket in buckets) == whole.volume
    assert sum(bucket.measured_s for bucket in buckets) == whole.measured_s


def test_refusals() -> None:
    for step in ("fortnight", 0, -1):
        with pytest.raises(ValueError, match="step"):
            series([], 0, 10, step, MADRID)
    with pytest.raises(ValueError, match="more than"):
        series([], 0, 10**9, 1, MADRID)


@pytest.mark.parametrize("step", [*STEPS, 7_000])
def test_what_nobody_promised_is_set_apart_from_what_is_missing(step: str | int) -> None:
    """A meter that reports by the month, asked from 10 March on and not due for April yet, of which half a day is there."""
    march, april = date_to_day(date(2016, 3, 1)), date_to_day(date(2016, 4, 1))
    asked = Expectation(march + 9, None, product=Modes(Mode.MONTH))
    half = DayRow(april + 1, 0, 1800, [1] * 48, [0] * 24 + [int(Slot.MISSING)] * 24)
    early = DayRow(march + 3, 0, 1800, [1] * 48, [0] * 48)  # there although nobody asked
    start, end, now = MADRID.start_of(march), MADRID.start_of(april + 5), MADRID.at(april, 9)
    buckets = series([half, early], start, end, step, MADRID)
    unknown = [bucket.missing_s for bucket in buckets]
    set_apart(buckets, [half, early], MADRID, lambda day: asked.standing(day, now, MADRID))
    assert [bucket.missing_s + bucket.not_due_s + bucket.not_expected_s for bucket in buckets] == unknown
    assert all(bucket.missing_s >= 0 for bucket in buckets)
    assert sum(bucket.not_expected_s for bucket in buckets) == 8 * 86_400
    assert sum(bucket.not_due_s for bucket in buckets) == 5 * 86_400 - 43_200
    assert sum(bucket.missing_s for bucket in buckets) == 22 * 86_400 - 3_600  # summer time began
    set_apart([], [], MADRID, lambda day: asked.standing(day, now, MADRID))
