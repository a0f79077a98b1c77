# SPDX-License-Identifier: Apache-2.0
"""Rows under construction: slots of meter-days, put down one by one or drawn between two registers.

Grid instants of a day are its start + k × interval; the last slot ends at the next midnight, so a day of 23 or 25 hours
has fewer or more slots. Between two registers the register at a grid instant is linear in time, rounded down; slots are
differences of these, so they add up to the register difference whatever was rounded.
"""

from collections.abc import Callable

from openmains.domain.period import Zone
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Rule, Slot

MISSING = int(Slot.MISSING)


class Sheet:
    """Day rows that a message builds. ``known(day)`` tells the register at a day's start where it is known."""

    __slots__ = ("_known", "_rows", "_zone", "interval_s")

    def __init__(self, zone: Zone, interval_s: int, known: Callable[[int], int | None]) -> None:
        self._zone = zone
        self._known = known
        self._rows: dict[int, DayRow] = {}
        self.interval_s = interval_s

    def place(self, instant: int) -> tuple[int, int, int]:
        """(day, slot, seconds into the slot) of an instant."""
        day = self._zone.day_of(instant)
        slot, rest = divmod(instant - self._zone.start_of(day), self.interval_s)
        return day, slot, rest

    def put(self, day: int, slot: int, increment: int, quality: int, register: int) -> None:
        """Set a slot; ``register`` is the register at the slot's start, used where the day's own start is not known."""
        row = self._rows.get(day)
        if row is None:
            count = -(-self._zone.seconds_in(day) // self.interval_s)
            base = self._known(day)
            base = register if base is None or slot == 0 else base
            row = DayRow(day, base, self.interval_s, [0] * count, [MISSING] * count, partial=True)
            self._rows[day] = row
        if quality & Slot.ESTIMATED:
            row.flags |= 1 << Rule.GAP
        row.increments[slot] = increment
        row.quality[slot] = quality | Slot.REVERSE if increment < 0 else quality

    def flag(self, instant: int, bits: int) -> None:
        """Set rule bits on the row of the day that contains ``instant``, if the sheet has one."""
        row = self._rows.get(self._zone.day_of(instant))
        if row is not None:
            row.flags |= bits

    def draw(self, start: int, register: int, end: int, volume: int, quality: int) -> None:
        """Fill the slots that lie wholly in [start, end], linear from ``register`` to ``register + volume``."""
        if end <= start:
            return
        span = end - start
        day, slot, rest = self.place(start)
        if rest:
            slot += 1
        day_start, day_end = self._zone.start_of(day), self._zone.start_of(day + 1)
        while True:
            left = day_start + slot * self.interval_s
            if left >= day_end:
                day, slot = day + 1, 0
                day_start, day_end = day_end, self._zone.start_of(day + 1)
                left = day_start
            right = min(left + self.interval_s, day_end)
            if right > end:
                return
            at_left = volume * (left - start) // span
            self.put(day, slot, volume * (right - start) // span - at_left, quality, register + at_left)
            slot += 1

    def adopt(self, row: DayRow) -> None:
        """Take a row made elsewhere; it replaces one of the same day."""
        self._rows[row.day] = row

    def rows(self) -> list[DayRow]:
        """Rows by day."""
        return [self._rows[day] for day in sorted(self._rows)]
