# SPDX-License-Identifier: Apache-2.0
"""A meter that is told a minute reports in it, whatever its own spreading adds (R2.1, R2.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.network.spreading import Scheme, Spreading, digits_of, spread_s
from openmains.domain.period import DAY_S
from openmains.emulator.meter.spreading import Schedule

SWITCHED = ("report_time", "spread_start", "spread_interval")


def test_the_documents_examples() -> None:
    assert spread_s(Scheme.LAST2, 10, 120) == 20 * 60  # C4.2.3: ends 10, delay 2 min: 00:20
    assert spread_s(Scheme.MOD200, 199, 120) == 199 * 120 + 19  # T4.1.4: 6 h 39 min and the seconds
    assert spread_s(Scheme.LAST3, 202_600_123_456, 5) == 456 * 5  # G5.3


def test_a_report_time_alone_misses() -> None:
    """02:00 became 02:06, 06:06 and 03:54: the meter adds its own spreading."""
    rule = Spreading(Scheme.MOD200, 120, *SWITCHED)
    assert [rule.reports_at(number, {"report_time": 7200}) // 60 for number in (3, 123, 57)] == [126, 366, 234]
    for number in (3, 123, 57):
        assert rule.reports_at(number, rule.settings_for(number, 120)) // 60 == 120


@given(
    st.sampled_from(list(Scheme)),
    st.integers(0, 10**12),
    st.integers(0, 1439),
    st.integers(0, 3600),
    st.sampled_from([SWITCHED, ("report_time", "spread_start", ""), ("report_time", "", "")]),
    st.booleans(),
    st.dictionaries(st.sampled_from(SWITCHED), st.integers(0, 3600)),
)
def test_told_a_minute_it_reports_in_it(
    scheme: Scheme,
    number: int,
    minute: int,
    interval_s: int,
    names: tuple[str, str, str],
    may_be_off: bool,
    held: dict[str, int],
) -> None:
    """Whatever it held before, as far as it has settings for it; the emulated meter's own schedule agrees."""
    rule = Spreading(scheme, interval_s, *names, may_be_off=may_be_off)
    told = rule.settings_for(number, minute)
    assert 0 <= told["report_time"] < DAY_S
    settings = {name: value for name, value in held.items() if name in names} | told
    second = rule.reports_at(number, settings)
    assert second // 60 == minute
    assert second % 60 <= 59
    delay = settings.get("spread_start", 0) + spread_s(scheme, number, settings.get("spread_interval", interval_s))
    due = Schedule(report_time_s=told["report_time"], delay_s=delay).next_due(100 * DAY_S)
    assert due % DAY_S // 60 == minute


@pytest.mark.parametrize(("number", "digits"), [("202600123456", 202600123456), ("WM-00123", 123), ("A1B", None)])
def test_what_a_meter_counts_with(number: str, digits: int | None) -> None:
    assert digits_of(number) == digits
