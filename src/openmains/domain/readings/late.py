# SPDX-License-Identifier: Apache-2.0
"""A report that comes after a register of its own time: one that was read on demand, say, or by a person.

The register drew the slots so far on a line. That line is no measurement, so the report is not compared with it, only
with the register itself: the report's slots must pass through it. Where a person read the register and they do not, the
person's is passed over: the meter goes on from what it said itself before.
"""

from openmains.domain.period import Zone
from openmains.domain.readings.levels import is_unexplained
from openmains.domain.readings.manual import agrees
from openmains.domain.readings.midnight import forget_midnights
from openmains.domain.readings.model import IntervalReport, Limits, MeterState
from openmains.domain.readings.quality import Rule
from openmains.domain.readings.rules import changes_level, step


def beside_line(
    report: IntervalReport, state: MeterState, seen: dict[int, int], closed_at: int, closed: int
) -> dict[int, int]:
    """The newest register of ``state`` as a check (instant → register) where it lies beside the report's line, else nothing.

    ``seen``: the report's registers by instant, to which the nearest one is added for that check; ``closed``: the one at
    ``closed_at``, its newest slot boundary.
    """
    at, register = state.register_at, state.register
    if at is None or register is None or at < report.start:
        return {}
    if at < closed_at:
        k = (at - report.start) // report.interval_s
        around = [seen[report.start + k * report.interval_s], seen[report.start + (k + 1) * report.interval_s]]
    elif at <= report.register_at:
        around = [closed, report.register]
    else:
        around = [closed, max(closed, register)]
    if min(around) <= register <= max(around):
        return {}
    seen[at] = around[0] if register < around[0] else around[1]
    return {at: register}


def beside_person(report: IntervalReport, state: MeterState, seen: dict[int, int]) -> int | None:
    """The report's register beside what a person read last, where the two differ, else None.

    ``seen``: the report's registers by instant.
    """
    at, register = state.register_at, state.register
    if at is None or register is None:
        return None
    known = seen | ({report.register_at: report.register} if report.register_at > max(seen) else {})
    return agrees(known, at, register, state.read_digit)


def denies_person(state: MeterState, report: IntervalReport, limits: Limits, zone: Zone) -> bool:
    """Whether the newest register is a person's, and a report after it fits what the meter said before, but not it."""
    at, register = state.register_at, state.register
    if not state.read_digit or at is None or register is None or report.start <= at:
        return False
    own = _own_midnights(state, zone)
    if not own:
        return False
    rule = step(register, report.base, report.start - at, limits).rule
    if not changes_level(rule) and rule is not Rule.REVERSE_FLOW:
        return False
    before_at, before = zone.start_of(max(own)), own[max(own)]
    return step(before, report.base, report.start - before_at, limits).rule is None


def without_person(state: MeterState, zone: Zone) -> tuple[int, int] | None:
    """Forget the register that a person read, and what it drew; the meter's own newest known (instant, register), if any.

    Changes ``state``.
    """
    own = _own_midnights(state, zone)
    state.register = state.register_at = state.grid_at = state.grid_register = None
    state.read_digit = 0
    forget_midnights(state)
    if not own:
        state.measured_at = None
        return None
    newest = max(own)
    state.midnight_day = newest
    state.midnights = [own.get(day) for day in range(newest, min(own) - 1, -1)]
    return zone.start_of(newest), own[newest]


def _own_midnights(state: MeterState, zone: Zone) -> dict[int, int]:
    """Registers by day that no person's reading drew."""
    day, measured_at = state.midnight_day, state.measured_at
    if day is None or measured_at is None:
        return {}
    return {
        day - back: register
        for back, register in enumerate(state.midnights)
        if register is not None and zone.start_of(day - back) <= measured_at
    }


def fits_between(
    report: IntervalReport, known: dict[int, int], closed_at: int, closed: int, average_use: int, limits: Limits
) -> bool:
    """Whether a late report lies on the level of the known registers (by instant) before and after it."""
    before = max((at for at in known if at <= report.start), default=None)
    if before is not None and changes_level(step(known[before], report.base, report.start - before, limits).rule):
        return False
    after = min((at for at in known if at >= closed_at), default=None)
    if after is None:
        return True
    verdict = step(closed, known[after], after - closed_at, limits)
    leaps = before is None and is_unexplained(verdict.volume, after - closed_at, average_use, limits)
    return not leaps and not changes_level(verdict.rule)
