# SPDX-License-Identifier: Apache-2.0
"""The undoing of a person's edit: slots of a day become what an earlier version of it held (R6.3).

Not a merge: in a merge what a person set outranks whatever comes later, here the earlier knowledge – measured, estimated,
missing, or another person's value – stands again with the quality it had. The day's other slots stay as they are.
"""

from openmains.domain.readings.merge import refine, settled
from openmains.domain.readings.model import DayRow


def restore(stored: DayRow, earlier: DayRow, first: int, count: int) -> DayRow:
    """``stored`` with the slots ``first`` … ``first + count - 1`` of ``earlier`` (on its own grid); neither is changed.

    On two grids the finer one stays. Where neither divides the other, the whole day can be restored, a part of it
    cannot and ``stored`` stays: a day keeps the grid that a person edited (``merge``), so this needs a person to edit
    a day anew on another grid in between. Restoring the same slots again changes nothing.
    """
    whole = first == 0 and count == len(earlier.increments)
    ours, theirs = stored, earlier
    if theirs.interval_s > ours.interval_s:
        finer = refine(theirs, ours.interval_s, len(ours.increments))
        if finer is not None:
            parts = theirs.interval_s // ours.interval_s
            theirs, first, count = finer, first * parts, min(count * parts, len(ours.increments) - first * parts)
    elif theirs.interval_s < ours.interval_s:
        ours = refine(ours, theirs.interval_s, len(theirs.increments)) or ours
    if ours.interval_s != theirs.interval_s or len(ours.increments) != len(theirs.increments):
        if not whole:
            return stored
        ours = earlier
    end = first + count
    increments = [*ours.increments[:first], *theirs.increments[first:end], *ours.increments[end:]]
    quality = [*ours.quality[:first], *theirs.quality[first:end], *ours.quality[end:]]
    return DayRow(ours.day, stored.base, ours.interval_s, increments, quality, settled(stored.flags, quality))
