# SPDX-License-Identifier: Apache-2.0
"""What a person reads at the meter (R6.11, R1.3): judged as any register at an instant, with what a person's eyes and watch bring.

A person reads some of the dial's digits: 123 m3 of a meter that counts litres says that the register lay in [123000, 124000).
``digit`` is the unit of the last one, 1000 there. A person's watch is as good as a meter's clock (``CLOCK_TOLERANCE_S``).

What can be told without knowing the other registers of the meter is refused at the door (``reading_fault``); all else is judged
by ``validate_registers`` in the meter's own order, and no second way. Where the meter itself says something else of that
time the meter's own counts and a person is shown both (MANUAL_DIFFERS).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from openmains.domain.period import Zone
from openmains.domain.readings.model import CLOCK_TOLERANCE_S, DayRow, Limits, MeterState
from openmains.domain.readings.quality import Rule, Slot

UNKNOWN = int(Slot.MISSING | Slot.ESTIMATED | Slot.EDITED)
"""Of such a slot the meter itself said nothing, or a person said otherwise."""
KEPT = sum(
    1 << rule
    for rule in (
        Rule.DUPLICATE_DIFFERENT, Rule.CLOCK_AHEAD, Rule.BEFORE_INSTALLATION, Rule.IMPOSSIBLE_BACK, Rule.OVER_QMAX, Rule.DIAL_LIMIT,
        Rule.OUT_OF_ORDER, Rule.LEVEL_DOUBT, Rule.MANUAL_DIFFERS,
    )
)  # fmt: skip
"""A person's register that bears one of these is not built upon, unless it bears ``BELIEVED``."""
BELIEVED = 1 << Rule.METER_CHANGED
"""The level that it proves counts."""

ReadingFault = Literal["in-the-future", "before-installation", "after-removal", "beyond-dial", "too-many-decimals"]


@dataclass(frozen=True, slots=True)
class ReadAs:
    """A register as it was read: units of the meter's driver, and the unit of the last digit that was read."""

    register: int
    digit: int


def units_of(coefficient: int, decimals: int, unit_exponent: int) -> ReadAs | None:
    """``coefficient`` x 10^-``decimals`` m3 in units of 10^``unit_exponent`` m3; None: it says more than the meter can show."""
    shift = -unit_exponent - decimals
    if shift >= 0:
        return ReadAs(coefficient * 10**shift, 10**shift)
    register, rest = divmod(coefficient, 10**-shift)
    return None if rest else ReadAs(register, 1)


def reading_fault(
    at: int, read: ReadAs | None, limits: Limits, removed_day: int | None, now_s: int, zone: Zone
) -> ReadingFault | None:
    """What no other register is needed for to say. ``removed_day``: day on which the meter was taken down; instants in s UTC."""
    if read is None:
        return "too-many-decimals"
    if at > now_s + CLOCK_TOLERANCE_S:
        return "in-the-future"
    if at < limits.installed_at:
        return "before-installation"
    if removed_day is not None and at >= zone.start_of(removed_day + 1):
        return "after-removal"
    most = limits.dial or limits.ceiling
    return "beyond-dial" if read.register < 0 or (most and read.register >= most) else None


def as_read(register: int, at: int, digit: int, state: MeterState) -> int:
    """What is judged: a register that is below the known one by less than its last digit says the same as that one."""
    known, known_at = state.register, state.register_at
    if known is None or known_at is None or at < known_at:
        return register
    return known if register < known < register + digit else register


def agrees(known: Mapping[int, int], at: int, register: int, digit: int) -> int | None:
    """None where a register that a person read fits the meter's own ``known`` ones by instant, else the nearest that would."""
    before = max((instant for instant in known if instant <= at - CLOCK_TOLERANCE_S), default=min(known))
    after = min((instant for instant in known if instant >= at + CLOCK_TOLERANCE_S), default=None)
    low, high = known[before], None if after is None else known[after]
    if register <= low - digit:
        return low
    return high if high is not None and register > high else None


def differs_from_day(row: DayRow, at: int, register: int, digit: int, dial: int, zone: Zone) -> int | None:
    """None where a register fits what the meter itself said of that time, or it said nothing; else the nearest that would."""
    known = _measured(row, at, zone)
    if max(known) < at:
        return None
    return agrees(known, at, _past_dial(row, register, dial), digit)


def check_of_day(row: DayRow, at: int, register: int, digit: int, dial: int, zone: Zone) -> bool | None:
    """Whether a register fits what the meter itself said of that time; None where it said nothing."""
    known = _measured(row, at, zone)
    return None if max(known) < at else agrees(known, at, _past_dial(row, register, dial), digit) is None


def _past_dial(row: DayRow, register: int, dial: int) -> int:
    """Counted on where the dial went round within the day."""
    return register + dial if dial and register < row.base - dial // 2 else register


def _measured(row: DayRow, at: int, zone: Zone) -> dict[int, int]:
    """The meter's own registers of a day by instant, from its start to a little after ``at`` or the first slot that it did not measure."""
    opens = zone.start_of(row.day)
    last = (at + CLOCK_TOLERANCE_S - opens) // row.interval_s
    known, level = {opens: row.base}, row.base
    for slot, (increment, quality) in enumerate(zip(row.increments, row.quality, strict=True)):
        if quality & UNKNOWN:
            break
        level += increment
        known[min(opens + (slot + 1) * row.interval_s, zone.start_of(row.day + 1))] = level
        if slot > last:
            break
    return known
