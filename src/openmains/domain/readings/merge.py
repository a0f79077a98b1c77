# SPDX-License-Identifier: Apache-2.0
"""Two versions of one meter-day become one (R6.1).

Slot by slot the better knowledge stays: edited by a person, measured, interpolated, estimated, missing; among equals
the newer. A run of estimated slots speaks for its *sum* (the registers at its ends are known), not for its shape: where
better slots take part of it, the rest of its sum is spread over what remains of it, so that the day still adds up.
``merge(merge(a, b), b) == merge(a, b)``.
"""

from typing import NamedTuple

from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Rule, Slot

MISSING, ESTIMATED, INTERPOLATED, EDITED = (
    int(Slot.MISSING),
    int(Slot.ESTIMATED),
    int(Slot.INTERPOLATED),
    int(Slot.EDITED),
)


class Totals(NamedTuple):
    """Sums of a row: volume, slots that hold a value, and of these the measured (or interpolated) ones."""

    total: int
    slots: int
    measured: int


def totals(row: DayRow) -> Totals:
    """Sums of a row."""
    count = len(row.quality)
    if not any(row.quality):
        return Totals(sum(row.increments), count, count)
    missing = sum(1 for q in row.quality if q & MISSING)
    estimated = sum(1 for q in row.quality if q & (MISSING | ESTIMATED)) - missing
    return Totals(sum(row.increments), count - missing, count - missing - estimated)


def merge(stored: DayRow, new: DayRow) -> DayRow:
    """The row to store after ``new`` came for the day of ``stored``; neither is changed."""
    if stored.interval_s != new.interval_s:
        if stored.interval_s % new.interval_s == 0:
            stored = refine(stored, new.interval_s)
        elif new.interval_s % stored.interval_s == 0:
            new = refine(new, stored.interval_s)
    if stored.interval_s != new.interval_s or len(stored.increments) != len(new.increments):
        # Grids that do not fit into each other: the row that knows more of the day stays; both are in the frame log.
        ours, theirs = _worth(stored), _worth(new)
        kept = stored if ours > theirs else new
        return DayRow(
            kept.day, kept.base, kept.interval_s, list(kept.increments), list(kept.quality), stored.flags | new.flags
        )
    takes = [_rank(n) >= _rank(s) and not n & MISSING for s, n in zip(stored.quality, new.quality, strict=True)]
    increments = [n if t else s for t, s, n in zip(takes, stored.increments, new.increments, strict=True)]
    quality = [n if t else s for t, s, n in zip(takes, stored.quality, new.quality, strict=True)]
    fits = _spread(new, increments, takes, keep=True) and _spread(stored, increments, takes, keep=False)
    flags = stored.flags | new.flags
    if not fits:
        flags |= 1 << Rule.SUM_MISMATCH
    if not any(q & (MISSING | ESTIMATED) for q in quality):
        flags &= ~(1 << Rule.GAP)
    return DayRow(stored.day, _base(stored, new), stored.interval_s, increments, quality, flags)


def refine(row: DayRow, interval_s: int) -> DayRow:
    """The same row on a finer grid that divides its own; a slot's volume is spread evenly, measured → interpolated."""
    parts = row.interval_s // interval_s
    increments: list[int] = []
    quality: list[int] = []
    for increment, q in zip(row.increments, row.quality, strict=True):
        increments += [increment * (n + 1) // parts - increment * n // parts for n in range(parts)]
        quality += [q if q & (MISSING | ESTIMATED | EDITED) else q | INTERPOLATED] * parts
    return DayRow(row.day, row.base, interval_s, increments, quality, row.flags, row.partial)


def _rank(quality: int) -> int:
    if quality & EDITED:
        return 4
    if quality & MISSING:
        return 0
    if quality & ESTIMATED:
        return 1
    return 2 if quality & INTERPOLATED else 3


def _worth(row: DayRow) -> int:
    return sum(_rank(q) for q in row.quality) * row.interval_s


def _base(stored: DayRow, new: DayRow) -> int:
    """Register at the day's start: of the row that knows the earliest slot, of the newer if both do."""
    first_stored = next((k for k, q in enumerate(stored.quality) if not q & MISSING), len(stored.quality))
    first_new = next((k for k, q in enumerate(new.quality) if not q & MISSING), len(new.quality))
    return new.base if first_new <= first_stored else stored.base


def _spread(row: DayRow, increments: list[int], takes: list[bool], *, keep: bool) -> bool:
    """Keep the sums of ``row``'s estimated runs. ``keep`` is the value of ``takes`` where the row's own slot stayed.

    False when better slots already hold more than a run's sum.
    """
    fits = True
    for run in _runs(row.quality):
        stayed = [k for k in run if takes[k] is keep]
        if not stayed or len(stayed) == len(run):
            continue
        claim = sum(row.increments[k] for k in run)
        rest = claim - sum(increments[k] for k in run if takes[k] is not keep)
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
