# SPDX-License-Identifier: Apache-2.0
"""When a work order is due (SLA): minutes that pass only while the kind's calendar is open, in the utility's own time.

A calendar is a week of spans of wall-clock time, as duty calendars have them; one whose end is not after its begin goes on past midnight
and belongs to the day on which it begins. Spans that overlap count once. Without a calendar every minute counts: leaks know no office hours.
Days of 23 or 25 hours
are as long as they are: instants are elapsed time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openmains.domain.period import MINUTE_S, Zone, weekday_of

LONGEST_DAYS = 800  # beyond which nothing is due by a calendar: it would be open for less than a minute a day


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """``weekdays``: of its begin, 0 = Monday; minutes of the local day, ``until_min`` excluded."""

    weekdays: frozenset[int]
    from_min: int
    until_min: int


def due_at(spans: Sequence[OpenSpan], zone: Zone, from_s: int, work_s: int) -> int | None:
    """The instant (s) at which ``work_s`` seconds of open time have passed since ``from_s``; the same instant where none are left.
    None: not within ``LONGEST_DAYS`` days. Without spans all time is open."""
    if work_s <= 0 or not spans:
        return from_s + max(0, work_s)
    left = work_s
    for start, end in _open(spans, zone, from_s):
        if end - start >= left:
            return start + left
        left -= end - start
    return None


def worked_s(spans: Sequence[OpenSpan], zone: Zone, from_s: int, until_s: int) -> int:
    """Seconds of open time between two instants; 0 where the second is not after the first."""
    if until_s <= from_s:
        return 0
    if not spans:
        return until_s - from_s
    passed = 0
    for start, end in _open(spans, zone, from_s):
        if start >= until_s:
            break
        passed += min(end, until_s) - start
    return passed


def _open(spans: Sequence[OpenSpan], zone: Zone, from_s: int) -> Iterator[tuple[int, int]]:
    """Open time from an instant on, in order, none twice."""
    today = zone.day_of(from_s)
    reached = from_s
    for day in range(today - 1, today + LONGEST_DAYS):
        weekday = weekday_of(day)
        found = sorted(
            (zone.at(day, 0, span.from_min), zone.at(day + (span.until_min <= span.from_min), 0, span.until_min))
            for span in spans
            if weekday in span.weekdays
        )
        for start, end in found:
            begin = max(start, reached)
            if end > begin:
                yield begin, end
                reached = end


def minutes_s(minutes: int) -> int:
    """Seconds of so many minutes."""
    return minutes * MINUTE_S
