# SPDX-License-Identifier: Apache-2.0
"""A person's own value for a part of a meter-day (R6.3).

An edit sets the volume of neighbouring slots; it is spread over them evenly and marked EDITED, which outranks whatever
a machine says of them (``merge``). Registers stay as they came: the use of an edited day need not add up to them, and
its slots say why.
"""

from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Slot

MOST_VOLUME = 2**31 - 1  # what one slot can hold


def edited_day(day: int, base: int, interval_s: int, slots: int, first: int, count: int, volume: int) -> DayRow:
    """The row that knows only the edit: slots ``first`` … ``first + count - 1`` of ``slots``, together ``volume`` ≥ 0.

    ``base`` is the register at the day's start as it was known to the person.
    """
    if not (first >= 0 and count > 0 and first + count <= slots and 0 <= volume <= MOST_VOLUME and interval_s > 0):
        raise ValueError(f"no part of a day: {count} slots from {first} of {slots}, {volume} units")
    increments = [0] * slots
    quality = [int(Slot.MISSING)] * slots
    for n in range(count):
        increments[first + n] = volume * (n + 1) // count - volume * n // count
        quality[first + n] = int(Slot.EDITED)
    return DayRow(day, base, interval_s, increments, quality, partial=True)


def slots_of(start: int, end: int, day_start: int, day_end: int, interval_s: int) -> tuple[int, int] | None:
    """(first, count) of the slots of a day that [start, end) consists of; None where it is not whole slots of it.

    The last slot of a day of 23 or 25 hours may be a short one and ends with the day.
    """
    first, rest = divmod(start - day_start, interval_s)
    count, over = divmod(end - start, interval_s)
    if over and end == day_end:
        count, over = count + 1, 0
    if rest or over or start < day_start or end > day_end or count < 1:
        return None
    return first, count
