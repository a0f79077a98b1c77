# SPDX-License-Identifier: Apache-2.0
"""Instants as ``datetime``: exact to the microsecond, aware, in UTC."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.period import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    day_text,
    day_to_date,
    first_of_month,
    month_span,
    month_text,
    months_later,
    utc,
    utc_of_us,
    weekday_of,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_known_instants() -> None:
    assert utc(1_790_000_000) == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert utc_of_us(1_790_000_000_000_001) == datetime(2026, 9, 21, 14, 13, 20, 1, tzinfo=UTC)
    assert utc_of_us(-1) == EPOCH - timedelta(microseconds=1)
    assert (DAY_S, HOUR_S, MINUTE_S) == (24 * HOUR_S, 60 * MINUTE_S, 60)


@given(st.integers(-(2**55), 2**57))
def test_no_microsecond_is_lost(us: int) -> None:
    at = utc_of_us(us)
    assert (at - EPOCH) // timedelta(microseconds=1) == us
    assert at.tzinfo is UTC


@given(st.integers(-(2**35), 2**37))
def test_whole_seconds_agree(seconds: int) -> None:
    assert utc(seconds) == utc_of_us(seconds * 1_000_000)


def test_an_instant_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(OverflowError):
        utc_of_us(2**62)


@given(st.integers(-300_000, 300_000), st.integers(-240, 240))
def test_a_month_is_whole_and_the_next_begins_where_it_ends(day: int, later: int) -> None:
    first, after = month_span(month_text(day))
    assert first <= day < after and {month_text(one) for one in range(first, after)} == {month_text(day)}
    assert (first_of_month(day), first_of_month(day, 1)) == (first, after)
    assert first_of_month(first_of_month(day, later), -later) == first
    assert weekday_of(day) == day_to_date(day).weekday()


def test_the_same_day_of_another_month_or_its_last() -> None:
    day = month_span("2026-01")[1] - 1
    told = [day_text(months_later(day, months)) for months in (1, 3, 13, 25, -2, -11)]
    assert told == ["2026-02-28", "2026-04-30", "2027-02-28", "2028-02-29", "2025-11-30", "2025-02-28"]
