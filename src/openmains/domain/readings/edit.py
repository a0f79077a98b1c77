# SPDX-License-Identifier: Apache-2.0
"""A person's own value for a part of a meter-day (R6.3).

An edit sets the volume of neighbouring slots; it is spread over them evenly and marked EDITED, which outranks whatever
a machine says of them (``merge``). Registers stay as they came: the use of an edited day need not add up to them, and
its slots say why.
"""

from dataclasses import dataclass

from openmains.domain.readings.model import DayRow, Limits
from openmains.domain.readings.quality import Slot
from openmains.domain.readings.rules import SPIKE_QMAX_PART, spike_bound

MOST_VOLUME = 2**31 - 1  # what one slot can hold


@dataclass(frozen=True, slots=True)
class EditBounds:
    """Of what a person sets for a span. ``most``: more cannot have passed; None: neither Qmax nor dial is known."""

    most: int | None
    alone: int  # one person may set, or change the day by, no more: what validation would call a spike


def edit_bounds(limits: Limits, seconds: int, average_use: int) -> EditBounds:
    """Bounds of a volume of ``seconds`` > 0. Without slack: what a person sets does not jitter.

    ``alone`` is the bound of a spike (5 × the usual use of the days, at least Qmax for a quarter of an hour); where the
    usual use is not known, Qmax for a quarter of an hour.
    """
    by_flow = limits.qmax_per_h * seconds // 3600 if limits.qmax_per_h else None
    known = [bound for bound in (by_flow, limits.dial - 1 if limits.dial else None) if bound is not None]
    alone = spike_bound(seconds, average_use, limits) if average_use else limits.qmax_per_h // SPIKE_QMAX_PART
    return EditBounds(min(known) if known else None, alone)


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


def restored_day(
    day: int, base: int, interval_s: int, slots: int, first: int, increments: list[int], quality: list[int]
) -> DayRow:
    """The row that knows only what an undo puts back: slots from ``first`` on, as an earlier version held them."""
    end = first + len(increments)
    bytes_of_quality = all(0 <= q <= 255 for q in quality)
    fits = all(-MOST_VOLUME <= increment <= MOST_VOLUME for increment in increments)
    if not (
        0 <= first < end <= slots and len(quality) == len(increments) and bytes_of_quality and fits and interval_s > 0
    ):
        raise ValueError(f"no part of a day: {len(increments)} slots from {first} of {slots}")
    rest = [int(Slot.MISSING)]
    return DayRow(
        day,
        base,
        interval_s,
        [0] * first + increments + [0] * (slots - end),
        rest * first + quality + rest * (slots - end),
        partial=True,
    )


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
