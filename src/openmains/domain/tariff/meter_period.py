# SPDX-License-Identifier: Apache-2.0
"""When a meter's own billing period begins (R1.12): every so many months of the local calendar from a given start on. A period that began
on the 31st begins on the last day of shorter months."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date

from openmains.domain.period import Zone, date_to_day, day_to_date


def period_starts(start_s: int, cycle_months: int, place: Zone, after_s: int, until_s: int) -> Iterator[int]:
    """Instants in (after, until] at which a billing period begins; the first of all is ``start_s`` itself."""
    first_day = place.day_of(start_s)
    first, clock_s = day_to_date(first_day), start_s - place.start_of(first_day)
    then = day_to_date(place.day_of(max(after_s, start_s)))
    begun = ((then.year - first.year) * 12 + then.month - first.month) // cycle_months
    while (at := _start(first, begun * cycle_months, place) + clock_s) <= until_s:
        if at > after_s:
            yield at
        begun += 1


def _start(first: date, months: int, place: Zone) -> int:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return place.start_of(date_to_day(date(year, month + 1, min(first.day, last))))
