# SPDX-License-Identifier: Apache-2.0
"""Which days should be there, by when, and how they stand (R1.3, R2.4, R6.2). Words as in docs/readings.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from openmains.domain.period import Zone, date_to_day, day_to_date

ON_TIME_HOUR = 8


class Mode(StrEnum):
    """How often a meter reports (R1.3). Dense meters report within the day; their days are due like daily ones."""

    DAY = "day"
    TEN_DAYS = "ten_days"  # 旬: after the 10th, the 20th and the month's last day
    MONTH = "month"


@dataclass(slots=True, frozen=True)
class Schedule:
    """When a meter is on the wall and how it reports."""

    installed_at: int
    removed_at: int | None = None
    mode: Mode = Mode.DAY


class Status(StrEnum):
    """How an expected day stands."""

    ON_TIME = "on_time"  # all slots measured, before it was due
    LATE = "late"  # all slots measured, afterwards
    ESTIMATED = "estimated"  # at least one slot rests on an estimate
    PARTIAL = "partial"  # some slots measured, others unknown
    MISSING = "missing"  # nothing known


class Known(NamedTuple):
    """What the store knows of a day: as in the ``day_total`` table."""

    slots: int
    measured: int
    received_s: int


@dataclass(slots=True)
class Collection:
    """Counts of a collection report; ``received`` = on time + late."""

    expected: int = 0
    on_time: int = 0
    late: int = 0
    estimated: int = 0
    partial: int = 0
    missing: int = 0

    @property
    def received(self) -> int:
        """Days whose slots were all measured."""
        return self.on_time + self.late

    @property
    def rate_ppm(self) -> int:
        """Received of expected in millionths, rounded down; 1,000,000 when nothing was expected."""
        return 1_000_000 if not self.expected else self.received * 1_000_000 // self.expected


def expected_days(schedule: Schedule, first: int, last: int, zone: Zone) -> range:
    """Days of first … last (inclusive) that the meter was on the wall from midnight to midnight."""
    begin = zone.day_of(schedule.installed_at)
    if zone.start_of(begin) < schedule.installed_at:
        begin += 1
    end = last if schedule.removed_at is None else min(last, zone.day_of(schedule.removed_at) - 1)
    return range(max(first, begin), max(end, max(first, begin) - 1) + 1)


def due_at(day: int, mode: Mode, zone: Zone) -> int:
    """Instant by which the report about ``day`` should be in: 08:00 of the day after its reporting period."""
    end = day
    if mode is not Mode.DAY:
        today = day_to_date(day)
        next_month = date(today.year + today.month // 12, today.month % 12 + 1, 1)
        end = date_to_day(next_month) - 1
        if mode is Mode.TEN_DAYS and today.day <= 20:
            end = day + (10 if today.day <= 10 else 20) - today.day
    return zone.at(end + 1, ON_TIME_HOUR)


def status_of(known: Known | None, expected_slots: int, due_s: int) -> Status:
    """How a day stands; ``expected_slots`` is the number of slots of the day on its grid."""
    if known is None or known.slots == 0:
        return Status.MISSING
    if known.slots > known.measured:
        return Status.ESTIMATED
    if known.slots < expected_slots:
        return Status.PARTIAL
    return Status.ON_TIME if known.received_s < due_s else Status.LATE


def collect(statuses: Iterable[Status]) -> Collection:
    """Count statuses of expected days."""
    counts = Collection()
    for status in statuses:
        counts.expected += 1
        if status is Status.ON_TIME:
            counts.on_time += 1
        elif status is Status.LATE:
            counts.late += 1
        elif status is Status.ESTIMATED:
            counts.estimated += 1
        elif status is Status.PARTIAL:
            counts.partial += 1
        else:
            counts.missing += 1
    return counts
