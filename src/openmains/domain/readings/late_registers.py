# SPDX-License-Identifier: Apache-2.0
"""Registers that come after what followed them: read again out of the meter's freeze log because their day was missing (R1.14, R6.3).

One of them alone tells nothing of the slots around it and is kept only. A run of them at equal steps, no further apart than registers are
expected, measures every slot between its ends, exactly as a report of intervals that comes late; so it is judged as one
(``full_validation``): on the level of what is known before and after it, else it is kept, said, and not booked.
"""

from dataclasses import replace
from itertools import pairwise

from openmains.domain.period import Zone
from openmains.domain.readings.full_validation import validate_fully
from openmains.domain.readings.merge import merge
from openmains.domain.readings.model import DayRow, IntervalReport, Judgement, Limits, MeterState, RegisterReport
from openmains.domain.readings.registers import validate_registers as validate_in_order
from openmains.domain.readings.rules import changes_level, step

Run = list[tuple[int, int]]
"""(instant, register) at equal steps, rising."""


def validate_registers(state: MeterState, report: RegisterReport, limits: Limits, zone: Zone) -> Judgement:
    """What a message of registers means, late ones included. Returns one ``RegisterRow`` an entry, in the message's order."""
    runs = late_runs(state, report.entries, limits)
    is_repeat = report.frame_seq is not None and (report.frame_hash, report.frame_seq) == (
        state.frame_hash,
        state.frame_seq,
    )
    if not runs or is_repeat:
        return validate_in_order(state, report, limits, zone)
    findings, days, filled, now = [], dict[int, DayRow](), None, state
    for run in runs:
        judged = validate_fully(now, _as_report(run, report, limits), limits, zone)
        findings += judged.findings
        if judged.filled is None:
            continue  # it does not fit what is known: kept as registers, shown as a finding, booked nowhere
        now = replace(judged.state, version=state.version)
        _put(days, judged.days)
        if filled is None or judged.filled[1] - judged.filled[0] > filled[1] - filled[0]:
            filled = judged.filled
    now = replace(now, frame_seq=state.frame_seq, frame_hash=state.frame_hash)
    rest = validate_in_order(now, report, limits, zone)
    _put(days, rest.days)
    said = {(finding.rule, finding.at) for finding in findings}
    findings += [finding for finding in rest.findings if (finding.rule, finding.at) not in said]
    return replace(rest, days=[days[day] for day in sorted(days)], findings=findings, filled=filled)


def late_runs(state: MeterState, entries: Run, limits: Limits) -> list[Run]:
    """Runs of two and more among the entries that are older than what the meter's slots are known up to."""
    newest = state.register_at
    if len(entries) < 2 or newest is None or entries[0][0] >= (state.grid_at or newest):
        return []
    late = [entry for entry in entries if entry[0] <= newest]
    if any(left >= right for (left, _), (right, _) in pairwise(late)):
        return []
    runs: list[Run] = [[late[0]]] if late else []
    for before, entry in pairwise(late):
        seconds, run = entry[0] - before[0], runs[-1]
        is_near = seconds * 2 <= limits.cadence_s * 3
        if not is_near or changes_level(step(before[1], entry[1], seconds, limits).rule):
            runs.append([entry])
        elif len(run) > 1 and seconds != run[1][0] - run[0][0]:
            runs.append([before, entry])
        else:
            run.append(entry)
    return [run for run in runs if len(run) > 1]


def _as_report(run: Run, report: RegisterReport, limits: Limits) -> IntervalReport:
    """The run as the report that was lost."""
    seconds = run[1][0] - run[0][0]
    volumes = [step(before, after, seconds, limits).volume for (_, before), (_, after) in pairwise(run)]
    at, register = run[-1]
    return IntervalReport(
        report.received_at,
        report.device_at,
        run[0][0],
        seconds,
        run[0][1],
        volumes,
        register,
        at,
        frame_seq=report.frame_seq,
        frame_hash=report.frame_hash,
    )


def _put(days: dict[int, DayRow], rows: list[DayRow]) -> None:
    for row in rows:
        known = days.get(row.day)
        days[row.day] = row if known is None else _merged(known, row)


def _merged(known: DayRow, row: DayRow) -> DayRow:
    """Two parts of a day out of one message: partial unless both stood alone."""
    return replace(merge(known, row), partial=known.partial or row.partial)
