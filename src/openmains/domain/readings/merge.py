# SPDX-License-Identifier: Apache-2.0
"""Two versions of one meter-day become one (R6.1).

Slot by slot the better knowledge stays: edited by a person, measured, interpolated, estimated, missing; among equals
the newer. What restates a level that proved wrong replaces all but a person's slots. A run of estimated slots speaks
for its *sum* (the registers at its ends are known), not for its shape: where other slots take part of it, the rest of
its sum is spread over what remains of it, so that the day still adds up. A run whose sum holds already keeps its shape:
two runs that have become neighbours are one run to whoever looks later, and evening it out would change a row each time
it is merged. ``merge(merge(a, b), b) == merge(a, b)``.
"""

from dataclasses import replace
from typing import NamedTuple

from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Rule, Slot

MISSING, ESTIMATED, INTERPOLATED, EDITED, RESTATED = (
    int(Slot.MISSING),
    int(Slot.ESTIMATED),
    int(Slot.INTERPOLATED),
    int(Slot.EDITED),
    int(Slot.RESTATED),
)


class Totals(NamedTuple):
    """Sums of a row: volume, slots that hold a value, and of these the measured (or interpolated) ones."""

    total: int
    slots: int
    measured: int


def totals(row: DayRow) -> Totals:
    """Sums of a row."""
    count = len(row.quality)
    slots = measured = count
    for q in set(row.quality):  # a day has few different qualities
        if q & (MISSING | ESTIMATED):
            here = row.quality.count(q)
            measured -= here
            slots -= here if q & MISSING else 0
    return Totals(sum(row.increments), slots, measured)


def merge(stored: DayRow, new: DayRow) -> DayRow:
    """The row to store after ``new`` came for the day of ``stored``; neither is changed."""
    ours, theirs = stored, new
    if ours.interval_s > theirs.interval_s:
        ours = refine(ours, theirs.interval_s, len(theirs.increments)) or ours
    elif ours.interval_s < theirs.interval_s:
        theirs = refine(theirs, ours.interval_s, len(ours.increments)) or theirs
    if ours.interval_s != theirs.interval_s or len(ours.increments) != len(theirs.increments):
        kept = stored if _worth(stored) > _worth(new) else new
        flags = settled(stored.flags | new.flags, kept.quality)
        return DayRow(kept.day, kept.base, kept.interval_s, list(kept.increments), list(kept.quality), flags)
    stored, new = ours, theirs
    takes = [_takes(s, n) for s, n in zip(stored.quality, new.quality, strict=True)]
    increments = [n if t else s for t, s, n in zip(takes, stored.increments, new.increments, strict=True)]
    quality = [n if t else s for t, s, n in zip(takes, stored.quality, new.quality, strict=True)]
    fits = _spread(new, increments, takes, keep=True) and _spread(
        _without_restated(stored, new, takes), increments, takes, keep=False
    )
    flags = stored.flags | new.flags
    if not fits:
        flags |= 1 << Rule.SUM_MISMATCH
    flags = settled(flags, quality)
    return DayRow(stored.day, _base(stored, new), stored.interval_s, increments, quality, flags)


def refine(row: DayRow, interval_s: int, slots: int) -> DayRow | None:
    """The row on a finer grid of ``slots`` slots; None where that does not divide the row's own.

    A slot's volume is spread evenly, measured → interpolated. The last slot of a day of 23 or 25 hours may be shorter
    than the others, then it has fewer parts.
    """
    parts, rest = divmod(row.interval_s, interval_s)
    last = slots - (len(row.increments) - 1) * parts
    if rest or not 0 < last <= parts:
        return None
    increments: list[int] = []
    quality: list[int] = []
    for k, (increment, q) in enumerate(zip(row.increments, row.quality, strict=True), 1):
        count = parts if k < len(row.increments) else last
        increments += [increment * (n + 1) // count - increment * n // count for n in range(count)]
        quality += [q if q & (MISSING | ESTIMATED | EDITED) else q | INTERPOLATED] * count
    return DayRow(row.day, row.base, interval_s, increments, quality, row.flags, row.partial)


def _takes(stored: int, new: int) -> bool:
    """Whether a slot becomes the newer row's. What restates a wrong level wins over all but a person."""
    if new & MISSING:
        return False
    if new & RESTATED and not stored & EDITED:
        return True
    return _rank(new) >= _rank(stored)


def _without_restated(stored: DayRow, new: DayRow, takes: list[bool]) -> DayRow:
    """Slots that are restated leave their run: its sum spoke of the wrong level."""
    if not any(q & RESTATED for q in set(new.quality)):
        return stored
    kept = zip(stored.quality, new.quality, takes, strict=True)
    return replace(stored, quality=[MISSING if take and n & RESTATED else s for s, n, take in kept])


def _rank(quality: int) -> int:
    if quality & EDITED:
        return 4
    if quality & MISSING:
        return 0
    if quality & ESTIMATED:
        return 1
    return 2 if quality & INTERPOLATED else 3


def _worth(row: DayRow) -> tuple[bool, int]:
    """Order of rows whose grids do not fit into each other: what a person edited stays, else who knows more."""
    return any(q & EDITED for q in row.quality), sum(_rank(q) for q in row.quality) * row.interval_s


def settled(flags: int, quality: list[int]) -> int:
    """A day that rests on registers from end to end has no gap any more."""
    return flags if any(q & (MISSING | ESTIMATED) for q in quality) else flags & ~(1 << Rule.GAP)


def _base(stored: DayRow, new: DayRow) -> int:
    """Register at the day's start: of the row that knows the earliest slot, of the newer if both do."""
    first_stored = next((k for k, q in enumerate(stored.quality) if not q & MISSING), len(stored.quality))
    first_new = next((k for k, q in enumerate(new.quality) if not q & MISSING), len(new.quality))
    return new.base if first_new <= first_stored else stored.base


def _spread(row: DayRow, increments: list[int], takes: list[bool], *, keep: bool) -> bool:
    """Keep the sums of ``row``'s estimated runs. ``keep`` is the value of ``takes`` where the row's own slot stayed.

    Changes ``increments``. False when the other row's slots already hold more than a run's sum.
    """
    fits = True
    for run in _runs(row.quality):
        stayed = [k for k in run if takes[k] is keep]
        if not stayed or len(stayed) == len(run):
            continue
        claim = sum(row.increments[k] for k in run)
        rest = claim - sum(increments[k] for k in run if takes[k] is not keep)
        if rest == sum(increments[k] for k in stayed):
            continue
        if claim >= 0 > rest:
            fits, rest = False, 0
        for n, k in enumerate(stayed):
            increments[k] = rest * (n + 1) // len(stayed) - rest * n // len(stayed)
    return fits


def _runs(quality: list[int]) -> list[list[int]]:
    """Stretches of neighbouring estimated slots."""
    runs: list[list[int]] = []
    before = -2
    for k, q in enumerate(quality):
        if q & ESTIMATED and not q & EDITED:
            if k == before + 1:
                runs[-1].append(k)
            else:
                runs.append([k])
            before = k
    return runs
