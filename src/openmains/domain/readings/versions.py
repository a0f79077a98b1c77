# SPDX-License-Identifier: Apache-2.0
"""The versions of a day, one after the other: why each was made, and what it changed (R6.1, R6.3).

Nothing of this is stored beside a version but what a person did: the other causes are told by the version itself and by
the one before it – the quality of the slots that changed, and when the newest message came.
"""

from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.readings.merge import refine
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Slot


class VersionCause(StrEnum):
    """Why there is a version of a day. The last five are a person's."""

    METER = "meter"  # the meter's own report, before the day was due
    LATE = "late"  # the same, afterwards
    ESTIMATED = "estimated"  # drawn between registers
    RESTATED = "restated"  # what was booked on a level that proved wrong
    HISTORY = "history"  # from the meter's 7-day history
    EDIT = "edit"  # a person set it
    UNDO = "undo"  # a person took an edit back
    REPLAY = "replay"  # a person had a message judged once more
    MANUAL = "manual"  # a person read the register
    INSERT = "insert"  # a person's file of values brought it


@dataclass(frozen=True, slots=True)
class SlotChange:
    """Neighbouring slots that changed in the same way: ``first`` … ``first + count - 1`` on the version's own grid.

    Volumes are sums of the slots; a quality is None where the day had no version before.
    """

    first: int
    count: int
    old: int
    new: int
    old_quality: int | None
    new_quality: int


def changes(before: DayRow | None, after: DayRow) -> list[SlotChange]:
    """What ``after`` says otherwise than ``before``; of a first version all that is known. On two grids: of the finer one."""
    if before is not None and before.interval_s > after.interval_s:
        before = refine(before, after.interval_s, len(after.increments)) or before
    elif before is not None and before.interval_s < after.interval_s:
        after = refine(after, before.interval_s, len(before.increments)) or after
    if before is not None and len(before.increments) != len(after.increments):
        volumes = sum(before.increments), sum(after.increments)
        return [SlotChange(0, len(after.increments), *volumes, _all(before.quality), _all(after.quality))]
    found: list[SlotChange] = []
    for place, (new, quality) in enumerate(zip(after.increments, after.quality, strict=True)):
        old, was = (0, None) if before is None else (before.increments[place], before.quality[place])
        if (old, was) == (new, quality) or (was is None and quality & Slot.MISSING):
            continue
        last = found[-1] if found else None
        if last and last.first + last.count == place and (last.old_quality, last.new_quality) == (was, quality):
            found[-1] = SlotChange(last.first, last.count + 1, last.old + old, last.new + new, was, quality)
        else:
            found.append(SlotChange(place, 1, old, new, was, quality))
    return found


def cause_of(changed: list[SlotChange], received_s: int, due_s: int) -> VersionCause:
    """Why a version was made that no person made. ``due_s``: when the day's report is due (``expected.due_at``)."""
    known = [change.new_quality for change in changed if not change.new_quality & Slot.MISSING]
    if any(quality & Slot.RESTATED for quality in known):
        return VersionCause.RESTATED
    if known and all(quality & Slot.ESTIMATED for quality in known):
        history = any(quality & Slot.FROM_HISTORY for quality in known)
        return VersionCause.HISTORY if history else VersionCause.ESTIMATED
    return VersionCause.METER if received_s < due_s else VersionCause.LATE


def _all(quality: list[int]) -> int:
    together = 0
    for one in quality:
        together |= one
    return together
