# SPDX-License-Identifier: Apache-2.0
"""Where a cycle and a season begin. Days are numbers since 1970-01-01 in the utility's zone (``domain/period``)."""

from openmains.domain.period import date_to_day, day_to_date, on_or_before_month_end
from openmains.domain.tariff.plan import Cycle, MonthDay, Plan, Season


def cycle_span(cycle: Cycle, day: int, anniversary: MonthDay) -> tuple[int, int]:
    """First day of the cycle that ``day`` is in, and of the next one. ``anniversary``: month and day on which the customer began.

    A customer of 29 February begins a cycle on the 28th in other years; one of the 31st on the last day of each month.
    """
    when = day_to_date(day)
    month, number = anniversary if cycle.anniversary else (1, 1)
    at = when.year * 12 + when.month - 1
    start = at - (at - (month - 1)) % cycle.months
    if _nth(start, number) > day:
        start -= cycle.months
    return _nth(start, number), _nth(start + cycle.months, number)


def _nth(months: int, number: int) -> int:
    return date_to_day(on_or_before_month_end(months // 12, months % 12 + 1, number))


def season_at(plan: Plan, day: int) -> tuple[Season | None, int, int]:
    """The season ``day`` is in, or None between two; then the first day of that stretch, and the first after it."""
    if not plan.seasons:
        return None, -(10**9), 10**9
    edges: list[tuple[int, int, Season]] = []
    year = day_to_date(day).year
    for season in plan.seasons:
        for begins in (year - 1, year, year + 1):
            ends = begins + (season.last < season.first)
            first = date_to_day(on_or_before_month_end(begins, *season.first))
            edges.append((first, date_to_day(on_or_before_month_end(ends, *season.last)) + 1, season))
    for first, end, season in edges:
        if first <= day < end:
            return season, first, end
    return None, max(end for _, end, _ in edges if end <= day), min(first for first, _, _ in edges if first > day)
