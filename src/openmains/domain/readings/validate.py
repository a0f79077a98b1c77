# SPDX-License-Identifier: Apache-2.0
"""Judge a report of equal intervals (R1.1, R1.2): the usual daily message, and the partial ones of dense mode (R1.3).

Nearly every message is a clean day: it begins at a local midnight where the day before ended, its register chains, and
nothing in it is remarkable. ``_fast_path`` says so with a dozen comparisons and three passes of built-ins; all else goes to
full validation in ``full_validation.py``. Both give the same result for a clean day (a test holds them together).
"""

from openmains.domain.period import Zone
from openmains.domain.readings.full_validation import validate_fully
from openmains.domain.readings.late_registers import validate_registers
from openmains.domain.readings.model import DayRow, IntervalReport, Judgement, Limits, MeterState, RegisterRow
from openmains.domain.readings.rules import AVERAGE_SCALE, AVERAGE_WEIGHT, SLACK, SPIKE_QMAX_PART, SPIKE_TIMES


def validate_intervals(state: MeterState, report: IntervalReport, limits: Limits, zone: Zone) -> Judgement:
    """What a report means for the stores; ``state`` is left as it was."""
    if report.frame_seq is not None and report.frame_hash == state.frame_hash and report.frame_seq == state.frame_seq:
        return Judgement(state, [], [], [], repeat=True)
    return _fast_path(state, report, limits, zone) or validate_fully(state, report, limits, zone)


def _fast_path(state: MeterState, report: IntervalReport, limits: Limits, zone: Zone) -> Judgement | None:
    """The judgement of a clean day, None for anything else."""
    start, base, day, increments = report.start, report.base, state.midnight_day, report.increments
    if (
        day is None
        or report.missing
        or state.candidate is not None
        or state.midnights[0] != base
        or start < limits.installed_at
        or zone.start_of(day) != start
        or (state.grid_at is not None and state.grid_at != start)
    ):
        return None
    interval, count = report.interval_s, len(increments)
    end = start + count * interval
    if zone.start_of(day + 1) != end:
        return None
    received, at, register = report.received_at, report.register_at, report.register
    tolerance = limits.clock_tolerance_s
    total, least, most = report.sums or (sum(increments), min(increments), max(increments))
    close = base + total
    after, qmax, average_use = at - end, limits.qmax_per_h, state.average_use
    if (
        after < 0
        or at > received + tolerance
        or not -tolerance <= report.device_at - received <= tolerance
        or least < 0
        or (most - SLACK) * 3600 > qmax * interval
        or (register != close if after == 0 else not 0 <= (register - close) * 3600 <= qmax * after + SLACK * 3600)
        or base < 0
        or register >= (limits.dial or limits.ceiling or register + 1)
        or (average_use and total * AVERAGE_SCALE > SPIKE_TIMES * average_use and total * SPIKE_QMAX_PART > qmax)
    ):
        return None
    midnights = state.midnights
    history = report.history
    if history:
        newest, known = history[0][0], [value for _, value in history]
        skip = 0 if newest == start else 1
        if (
            midnights[skip : skip + len(known)] != known
            or newest != zone.start_of(day - skip)
            or history[-1][0] != zone.start_of(day - skip - len(known) + 1)
        ):
            return None
    moved = (
        total * AVERAGE_SCALE
        if not average_use
        else average_use + (total * AVERAGE_SCALE - average_use) // AVERAGE_WEIGHT
    )
    after_state = MeterState(
        state.version + 1,
        register,
        at,
        day + 1,
        [close, *midnights[:7]],
        report.frame_seq,
        report.frame_hash,
        None,
        None,
        0,
        moved or 1,
        end,
        close,
        state.left,
        state.left_at,
        state.left_for,
        state.left_use,
        end,
    )
    row = DayRow(day, base, interval, increments, [0] * count, clean_total=total)
    return Judgement(after_state, [row], [RegisterRow(at, register)], [])


__all__ = ["validate_intervals", "validate_registers"]
