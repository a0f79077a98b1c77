# SPDX-License-Identifier: Apache-2.0
"""Instants as ``datetime``: exact to the microsecond, aware, in UTC."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.period import DAY_S, HOUR_S, MINUTE_S, utc, utc_of_us

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
