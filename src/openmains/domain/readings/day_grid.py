# SPDX-License-Identifier: Apache-2.0
"""Rows under construction: slots of meter-days, put down one by one or drawn between two registers.

Grid instants of a day are its start + k × interval; the last slot ends at the next midnight, so a day of 23 or 25 hours
has fewer or more slots. Between two registers the register at a grid instant is linear in time, rounded down; slots are
differences of these, so they add up to the register difference whatever was rounded.
"""

from collections.abc import Callable
from operator import sub

from openmains.domain.period import Zone
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Rule, Slot

MISSING, ESTIMATED, REVERSE = int(Slot.MISSING), int(Slot.ESTIMATED), int(Slot.REVERSE)
GAP_BIT = 1 << Rule.GAP


class DayGrid:
    """Day rows that a message builds. ``known(day)`` tells the register at a day's start where it is known."""

    __slots__ = ("_known", "_marks", "_rows", "_zone", "interval_s")

    def __init__(self, zone: Zone, interval_s: int, known: Callable[[int], int | None]) -> None:
        self._zone = zone
        self._known = known
        self._rows: dict[int, DayRow] = {}
        self._marks: dict[int, tuple[int, int]] = {}
        self.interval_s = interval_s

    def place(self, instant: int) -> tuple[int, int, int]:
        """(day, slot, seconds into the slot) of an instant."""
        day = self._zone.day_of(instant)
        slot, rest = divmod(instant - self._zone.start_of(day), self.interval_s)
        return day, slot, rest

    def put(self, day: int, slot: int, increment: int, quality: int, register: int) -> None:
        """Set a slot; ``register`` is the register at the slot's start, used where the day's own start is not known."""
        row = self._row(day, slot, register)
        if quality & ESTIMATED:
            row.flags |= GAP_BIT
        row.increments[slot] = increment
        row.quality[slot] = quality | REVERSE if increment < 0 else quality

    def _row(self, day: int, slot: int, register: int) -> DayRow:
        row = self._rows.get(day)
        if row is None:
            base = self._known(day)
            row = self._rows[day] = self._blank(day, register if base is None or slot == 0 else base)
        return row

    def _blank(self, day: int, base: int) -> DayRow:
        count = -(-self._zone.seconds_in(day) // self.interval_s)
        return DayRow(day, base, self.interval_s, [0] * count, [MISSING] * count, partial=True)

    def flag(self, instant: int, bits: int) -> None:
        """Set rule bits on the row of the day that contains ``instant``, if the sheet has one."""
        row = self._rows.get(self._zone.day_of(instant))
        if row is not None:
            row.flags |= bits

    def mark(self, day: int, bits: int, base: int) -> None:
        """Set rule bits on a day whether or not a slot of it becomes known; ``base`` serves while none is."""
        self._marks[day] = (self._marks.get(day, (0, 0))[0] | bits, base)

    def run(self, day: int, slot: int, increments: list[int], quality: list[int], register: int) -> None:
        """Set neighbouring slots of one day; ``register`` is the register at the start of the first of them."""
        row = self._row(day, slot, register)
        end = slot + len(increments)
        row.increments[slot:end] = increments
        if min(increments) < 0:
            quality = [q | REVERSE if i < 0 else q for i, q in zip(increments, quality, strict=True)]
        row.quality[slot:end] = quality
        if not row.flags & GAP_BIT and any(q & ESTIMATED for q in set(quality)):
            row.flags |= GAP_BIT

    def draw(self, start: int, register: int, end: int, volume: int, quality: int) -> None:
        """Fill the slots that lie wholly in [start, end], linear from ``register`` to ``register + volume``."""
        if end <= start:
            return
        span, interval = end - start, self.interval_s
        day, slot, rest = self.place(start)
        if rest:
            slot += 1
        while True:
            day_start, day_end = self._zone.start_of(day), self._zone.start_of(day + 1)
            left, stop = day_start + slot * interval, min(day_end, end)
            borders = range(left, stop + 1, interval)
            passed = [volume * (at - start) // span for at in borders]
            if stop == day_end and borders and borders[-1] < stop:  # the day's last slot is a short one
                passed.append(volume * (stop - start) // span)
            if len(passed) > 1:
                increments = list(map(sub, passed[1:], passed))
                self.run(day, slot, increments, [quality] * len(increments), register + passed[0])
            if end <= day_end:
                return
            day, slot = day + 1, 0

    def adopt(self, row: DayRow) -> None:
        """Take a row made elsewhere; it replaces one of the same day."""
        self._rows[row.day] = row

    def rows(self) -> list[DayRow]:
        """Rows by day."""
        for day, (bits, base) in self._marks.items():
            if day not in self._rows:
                self._rows[day] = self._blank(day, base)
            self._rows[day].flags |= bits
        return [self._rows[day] for day in sorted(self._rows)]
