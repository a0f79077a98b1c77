# SPDX-License-Identifier: Apache-2.0
"""What should be there, and how it stands."""

from datetime import date

from openmains.domain.period import date_to_day, zone
from openmains.domain.readings.expected import (
    Known,
    Mode,
    Schedule,
    Status,
    collect,
    due_at,
    expected_days,
    status_of,
)

TZ = zone("Asia/Shanghai")
D = date_to_day(date(2026, 2, 10))


def test_whole_days_on_the_wall_are_expected() -> None:
    noon = TZ.at(D, 12)
    assert list(expected_days(Schedule(TZ.start_of(D)), D - 2, D + 1, TZ)) == [D, D + 1]
    assert list(expected_days(Schedule(noon), D, D + 2, TZ)) == [D + 1, D + 2]
    assert list(expected_days(Schedule(0, removed_at=noon), D - 2, D + 2, TZ)) == [D - 2, D - 1]
    assert list(expected_days(Schedule(noon, removed_at=noon + 9), D - 2, D + 2, TZ)) == []
    assert list(expected_days(Schedule(TZ.start_of(D + 9)), D, D + 2, TZ)) == []


def test_due_at_eight_after_the_period() -> None:
    def due(year: int, month: int, day: int, mode: Mode) -> str:
        return TZ.iso(due_at(date_to_day(date(year, month, day)), mode, TZ))[:16]

    assert due(2026, 2, 10, Mode.DAY) == "2026-02-11T08:00"
    assert due(2026, 2, 10, Mode.TEN_DAYS) == "2026-02-11T08:00"
    assert due(2026, 2, 11, Mode.TEN_DAYS) == "2026-02-21T08:00"
    assert due(2026, 2, 21, Mode.TEN_DAYS) == "2026-03-01T08:00"
    assert due(2026, 12, 31, Mode.TEN_DAYS) == "2027-01-01T08:00"
    assert due(2026, 12, 1, Mode.MONTH) == "2027-01-01T08:00"


def test_status() -> None:
    due = due_at(D, Mode.DAY, TZ)
    assert status_of(None, 48, due) is Status.MISSING
    assert status_of(Known(0, 0, 0), 48, due) is Status.MISSING
    assert status_of(Known(48, 48, due - 1), 48, due) is Status.ON_TIME
    assert status_of(Known(48, 48, due), 48, due) is Status.LATE
    assert status_of(Known(48, 47, 0), 48, due) is Status.ESTIMATED
    assert status_of(Known(47, 47, 0), 48, due) is Status.PARTIAL


def test_collection() -> None:
    counts = collect([Status.ON_TIME] * 97 + [Status.LATE, Status.ESTIMATED, Status.MISSING, Status.PARTIAL])
    assert (counts.expected, counts.received, counts.estimated, counts.missing, counts.partial) == (101, 98, 1, 1, 1)
    assert counts.rate_ppm == 970_297
    assert collect([]).rate_ppm == 1_000_000
