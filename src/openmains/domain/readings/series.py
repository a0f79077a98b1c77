# SPDX-License-Identifier: Apache-2.0
"""Readings of any period in any step (R6.1), exact, with a summary of what they rest on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from openmains.domain.period import HOUR_S, Zone, day_to_date, first_of_month
from openmains.domain.readings.expected import Standing
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Slot

STEPS = ("hour", "day", "week", "month", "quarter", "year")
MAX_BUCKETS = 100_000


@dataclass(slots=True)
class Bucket:
    """One step: [start, end), volume, and how many seconds of it rest on what; what is unknown and was to be there is missing."""

    start: int
    end: int
    volume: int = 0
    measured_s: int = 0  # measured at the meter or interpolated between neighbouring registers
    estimated_s: int = 0
    suspect_s: int = 0  # part of the two above
    edited_s: int = 0  # part of the two above
    not_due_s: int = 0  # unknown, of days that are not due yet
    not_expected_s: int = 0  # unknown, of days before the meter was there or after
    flags: int = 0  # rule bits of the days it touches
    cut: bool = False  # the step begins before the period or ends after it: this is only a part of it

    @property
    def missing_s(self) -> int:
        """Seconds of which nothing is known although they were due."""
        known = self.measured_s + self.estimated_s
        return self.end - self.start - known - self.not_due_s - self.not_expected_s


def series(rows: Iterable[DayRow], start: int, end: int, step: str | int, zone: Zone) -> list[Bucket]:
    """Volumes of [start, end) by ``step``: one of STEPS (calendar of ``zone``; weeks begin on Monday) or seconds.

    Calendar steps are cut to [start, end), and those that are say so; a step in seconds counts from ``start``. ``rows`` are
    the newest versions of the days, in any order. A slot across a border is divided in proportion to time, rounded down; the
    next step gets the rest. Raises ``ValueError`` on an unknown step or one that gives more than MAX_BUCKETS.
    """
    buckets = [Bucket(left, min(right, end), cut=right > end) for left, right in _borders(start, end, step, zone)]
    if buckets and not isinstance(step, int) and _next(start - 1, step, zone) != start:
        buckets[0].cut = True
    place = 0
    for row in sorted(rows, key=lambda row: row.day):
        day_start, day_end = zone.start_of(row.day), zone.start_of(row.day + 1)
        if day_end <= start or day_start >= end:
            continue
        while place < len(buckets) and buckets[place].end <= day_start:
            place += 1
        if place == len(buckets):
            break
        bucket = buckets[place]
        if bucket.start <= day_start and day_end <= bucket.end and not any(row.quality):
            bucket.volume += sum(row.increments)
            bucket.measured_s += day_end - day_start
            bucket.flags |= row.flags
            continue
        _slots(row, day_start, day_end, buckets, place)
    return buckets


def set_apart(
    buckets: Sequence[Bucket], rows: Iterable[DayRow], zone: Zone, standing_of: Callable[[int], Standing]
) -> None:
    """Tell what nobody promised from what is missing: unknown seconds of days that are not due or not expected."""
    if not buckets:
        return
    by_day = {row.day: row for row in rows}
    place = 0
    for day in range(zone.day_of(buckets[0].start), zone.day_of(buckets[-1].end - 1) + 1):
        left, right = zone.start_of(day), zone.start_of(day + 1)
        while buckets[place].end <= left:
            place += 1
        standing = standing_of(day)
        if standing is Standing.DUE:
            continue
        here = place
        touched = []
        while here < len(buckets) and buckets[here].start < right:
            touched.append(buckets[here])
            here += 1
        known = [Bucket(bucket.start, bucket.end) for bucket in touched]
        if day in by_day:
            _slots(by_day[day], left, right, known, 0)
        for bucket, told in zip(touched, known, strict=True):
            unknown = min(right, bucket.end) - max(left, bucket.start) - told.measured_s - told.estimated_s
            if standing is Standing.NOT_DUE:
                bucket.not_due_s += unknown
            else:
                bucket.not_expected_s += unknown


def _slots(row: DayRow, day_start: int, day_end: int, buckets: Sequence[Bucket], place: int) -> None:
    for k, (increment, quality) in enumerate(zip(row.increments, row.quality, strict=True)):
        left = day_start + k * row.interval_s
        right = min(left + row.interval_s, day_end)
        while place < len(buckets) and buckets[place].end <= left:
            place += 1
        here = place
        while here < len(buckets) and buckets[here].start < right:
            bucket = buckets[here]
            here += 1
            begin, stop = max(left, bucket.start), min(right, bucket.end)
            if stop <= begin:
                continue
            bucket.flags |= row.flags
            if quality & Slot.MISSING:
                continue
            span, seconds = right - left, stop - begin
            bucket.volume += increment * (stop - left) // span - increment * (begin - left) // span
            if quality & Slot.ESTIMATED:
                bucket.estimated_s += seconds
            else:
                bucket.measured_s += seconds
            if quality & Slot.SUSPECT:
                bucket.suspect_s += seconds
            if quality & Slot.EDITED:
                bucket.edited_s += seconds


def _borders(start: int, end: int, step: str | int, zone: Zone) -> Iterator[tuple[int, int]]:
    count = 0
    left = start
    while left < end:
        right = _next(left, step, zone)
        yield left, right
        left = right
        count += 1
        if count > MAX_BUCKETS:
            raise ValueError(f"more than {MAX_BUCKETS} steps")


def _next(instant: int, step: str | int, zone: Zone) -> int:
    """First border after ``instant``."""
    if isinstance(step, int):
        if step <= 0:
            raise ValueError("a step has at least one second")
        return instant + step
    day = zone.day_of(instant)
    if step == "hour":
        begin = zone.start_of(day)
        return min(begin + ((instant - begin) // HOUR_S + 1) * HOUR_S, zone.start_of(day + 1))
    if step == "day":
        return zone.start_of(day + 1)
    today = day_to_date(day)
    if step == "week":
        return zone.start_of(day + 7 - today.weekday())
    months = {"month": 1, "quarter": 3, "year": 12}.get(step)
    if months is None:
        raise ValueError(f"unknown step {step!r}")
    return zone.start_of(first_of_month(day, months - (today.month - 1) % months))
