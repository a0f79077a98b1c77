# SPDX-License-Identifier: Apache-2.0
"""The register of a meter at any instant (R6.1): as it is known there, or on the line between what is known around it.

Known are the boundaries of slots – a day's ``base`` and what its slots add to it, up to the first that is missing – and registers as
they were received. What was read off a line carries ``INTERPOLATED`` or ``ESTIMATED`` and is never taken for a measurement; where
one side knows nothing, or the register ran back between the two, nobody can say, and nothing is said.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from openmains.domain.period import DAY_S, Zone
from openmains.domain.readings.model import DayRow, RegisterRow
from openmains.domain.readings.quality import Rule, Slot

NEIGHBOUR_DAYS = 62
"""So far on either side a known register is looked for: two reports of a meter that says a month at once."""
REFUSED = sum(
    1 << rule
    for rule in (
        Rule.DUPLICATE_DIFFERENT, Rule.CLOCK_AHEAD, Rule.BEFORE_INSTALLATION, Rule.IMPOSSIBLE_BACK, Rule.OVER_QMAX, Rule.DIAL_LIMIT,
        Rule.LEVEL_DOUBT, Rule.NUMBER_MISMATCH, Rule.MANUAL_READING, Rule.MANUAL_DIFFERS,
    )
)  # fmt: skip
"""Bits of the rules by which a received register is kept and not built upon (docs/readings.md), and what a person read: a dial read
to some of its digits is no measurement. Where it was booked it speaks through the slots that it made, as estimated."""
UNSURE = int(Slot.MISSING | Slot.ESTIMATED | Slot.INTERPOLATED)
ESTIMATES = int(Slot.ESTIMATED | Slot.INTERPOLATED)


class Known(NamedTuple):
    """A register at an instant (s UTC). ``flags``: ``Slot`` flags of what it rests on; 0: measured, no rule fired."""

    at: int
    register: int
    flags: int

    @property
    def is_estimated(self) -> bool:
        """Read off a line between two registers, and measured by nobody."""
        return bool(self.flags & ESTIMATES)


def boundary_flags(before: int, after: int) -> int:
    """What the register between two neighbouring slots rests on: a measured slot has measured it at both its ends."""
    for flags in (after, before):
        if not flags & UNSURE:
            return flags
    for flags in (after, before):
        if not flags & (Slot.MISSING | Slot.ESTIMATED):
            return flags
    return (before if after & Slot.MISSING else after) & ~Slot.MISSING | Slot.ESTIMATED


def between(left: Known, right: Known, at: int, *, in_slot: bool = False) -> Known | None:
    """Register on the line from one to the other, rounded down. None where it ran back – another dial, or another meter – but
    within one slot, whose increment was judged: there it flowed back."""
    if right.register < left.register and not in_slot:
        return None
    volume, span = right.register - left.register, right.at - left.at
    line = Slot.INTERPOLATED if span <= DAY_S and not (left.flags | right.flags) & Slot.ESTIMATED else Slot.ESTIMATED
    kept = (left.flags | right.flags) & int(Slot.SUSPECT | Slot.EDITED | Slot.RESTATED)
    return Known(at, left.register + volume * (at - left.at) // span, kept | line)


def within_slot(
    left: Known, ends: int, increment: int, flags: int, received: Iterable[RegisterRow], at: int
) -> Known | None:
    """The register in a slot that is known to begin at ``left`` and ends at ``ends``, by what it adds and what was received in it."""
    if at == left.at:
        return left
    if flags & Slot.MISSING:
        return None
    right = Known(ends, left.register + increment, flags | left.flags & Slot.EDITED)
    begins = left.at
    for known in _received(received):
        if begins < known.at <= at and known.at > left.at:
            left = known
        if at <= known.at < right.at:
            right = known
    return left if left.at == at else between(left, right, at, in_slot=True)


def register_at(days: Iterable[DayRow], received: Iterable[RegisterRow], at: int, zone: Zone) -> Known | None:
    """The register at ``at`` (s UTC) by the newest versions of days and the registers as received, each in any order.

    The row of the instant's day, of the day before and of the nearest days on either side are enough. None: not known, and
    nothing around it that says.
    """
    rows, said = sorted(days, key=lambda row: row.day), sorted(received, key=lambda row: row.at)
    today = zone.day_of(at)
    own = next((row for row in rows if row.day == today), None)
    if own is not None and at != zone.start_of(today) and (found := _in_day(own, said, at, zone)) is not None:
        return found
    left: Known | None = None
    right: Known | None = None
    for known in [*_received(said), *_boundaries(rows, zone)]:
        if known.at <= at and (left is None or _is_nearer(known, left, at)):
            left = known
        if known.at >= at and (right is None or _is_nearer(known, right, at)):
            right = known
    if left is not None and left.at == at:
        return left
    return None if left is None or right is None else between(left, right, at)


def known_boundaries(days: Iterable[DayRow], zone: Zone) -> dict[int, Known]:
    """By instant the register at every boundary of slots that is known, from the newest versions of days in any order. Of the end of a
    day and the start of the next one the better known counts."""
    found: dict[int, Known] = {}
    for known in _boundaries(sorted(days, key=lambda row: row.day), zone):
        if (other := found.get(known.at)) is None or not known.is_estimated or other.is_estimated:
            found[known.at] = known
    return found


def registers_of(
    days: Sequence[DayRow], received: Sequence[RegisterRow], instants: Iterable[int], zone: Zone
) -> dict[int, Known]:
    """``register_at`` of one meter at many instants, by instant, of all that is known of it from ``NEIGHBOUR_DAYS`` before the first to as
    many after the last: for each the nearest on either side are looked at."""
    rows = sorted((row for row in days if _tells(row)), key=lambda row: row.day)
    said = sorted((row for row in received if not row.flags & REFUSED), key=lambda row: row.at)
    by_day, by_at = [row.day for row in rows], [row.at for row in said]
    found: dict[int, Known] = {}
    for at in instants:
        day, reach = zone.day_of(at), NEIGHBOUR_DAYS * DAY_S
        place = bisect_left(by_day, day)
        near = [row for row in rows[max(0, place - 1) : place + 2] if abs(row.day - day) <= NEIGHBOUR_DAYS]
        begins, ends = max(0, bisect_left(by_at, at) - 1), bisect_right(by_at, at) + 1
        known = register_at(near, [row for row in said[begins:ends] if abs(row.at - at) <= reach], at, zone)
        if known is not None:
            found[at] = known
    return found


def _tells(row: DayRow) -> bool:
    return bool(row.increments) and not (row.quality and row.quality[0] & Slot.MISSING)


def _in_day(row: DayRow, received: Sequence[RegisterRow], at: int, zone: Zone) -> Known | None:
    place = min((at - zone.start_of(row.day)) // row.interval_s, len(row.increments) - 1)
    known = list(of_day(row, int(Slot.MISSING), zone))
    if place >= len(known):
        return None
    ends = min(known[place].at + row.interval_s, zone.start_of(row.day + 1))
    flags = row.quality[place] if row.quality else 0
    return within_slot(known[place], ends, row.increments[place], flags, received, at)


def _is_nearer(one: Known, other: Known, at: int) -> bool:
    """Of two at the same instant a boundary counts (it comes later), unless it lies on a line and the other was measured."""
    if one.at == other.at:
        return not one.is_estimated or other.is_estimated
    return abs(at - one.at) < abs(at - other.at)


def _received(rows: Iterable[RegisterRow]) -> Iterator[Known]:
    for row in rows:
        if not row.flags & REFUSED:
            yield Known(row.at, row.register, 0)


def _boundaries(rows: Sequence[DayRow], zone: Zone) -> Iterator[Known]:
    before: DayRow | None = None
    for row in rows:
        follows = before is not None and before.day == row.day - 1
        last = (
            int(Slot.MISSING)
            if before is None or not follows or any(flags & Slot.MISSING for flags in before.quality)
            else before.quality[-1]
        )
        yield from of_day(row, last, zone)
        before = row


def of_day(row: DayRow, last: int, zone: Zone) -> Iterator[Known]:
    """Registers at the boundaries of a day's slots, from its start to the first that is missing, that one's start included.

    ``last``: flags of the last slot of the day before, ``MISSING`` where that is not known. A day whose first slot is missing tells
    nothing: its ``base`` may be the register of a later slot.
    """
    opens, closes = zone.start_of(row.day), zone.start_of(row.day + 1)
    level, before, edited = row.base, last, 0
    marks = row.quality or [0] * len(row.increments)
    if not marks or marks[0] & Slot.MISSING:
        return
    for place, (increment, flags) in enumerate(zip(row.increments, marks, strict=True)):
        yield Known(opens + place * row.interval_s, level, boundary_flags(before, flags) & ~int(Slot.EDITED) | edited)
        if flags & Slot.MISSING:
            return
        level, before, edited = level + increment, flags, edited | flags & Slot.EDITED
    yield Known(closes, level, boundary_flags(before, int(Slot.MISSING)) & ~int(Slot.EDITED) | edited)
