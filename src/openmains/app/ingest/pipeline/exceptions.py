# SPDX-License-Identifier: Apache-2.0
"""From findings to the list of exceptions: what a person is to look at, each matter once (docs/readings.md).

flags only     the same value again, a rollover, late data: bits of the reading, no exception
once           all others; of several in one message and day the first one, with their count
gap            a run of time without data: joined to an open one that it touches, cut where data comes later, closed when
               nothing of it is left – or at once where the totals of all its days are known
lasting        clocks, instants before the installation, registers beyond the dial: one from the first message that
               says so until the first that does not. Whoever judges it meanwhile is not asked again
"""

from openmains.app.ingest.pipeline.bounds import fit
from openmains.app.ingest.pipeline.ports import Effects, EndedException, Entry, ExceptionRow, MeterRecord
from openmains.domain.period import Zone
from openmains.domain.readings.model import Finding, Judgement
from openmains.domain.readings.quality import FLAGS_ONLY, LASTING, Rule

GAP_BIT = 1 << Rule.GAP
LASTING_BITS = sum(1 << rule for rule in LASTING)


def enter(record: MeterRecord, judgement: Judgement, zone: Zone, effects: Effects) -> None:
    """Add what a judgement means for the list; remembers in ``record.runs`` what goes on."""
    found: dict[tuple[Rule, int], ExceptionRow] = {}
    bits = 0
    for finding in judgement.findings:
        bits |= 1 << finding.rule
        if finding.rule in FLAGS_ONLY:
            continue
        key = (finding.rule, zone.day_of(finding.at))
        if key in found and finding.rule is not Rule.GAP:
            found[key].occurrences += 1
        else:
            found[key] = _row(record, judgement, finding, key[1])
    over = record.runs & LASTING_BITS & ~bits
    if over:
        record.runs &= ~over
        for rule in LASTING:
            if over >> rule & 1:
                _end(record, rule, effects)
    if judgement.filled is not None and record.runs & GAP_BIT:
        _fill(record, *judgement.filled, effects)
    for row in found.values():
        _add(record, row, effects)


def _row(record: MeterRecord, judgement: Judgement, finding: Finding, day: int) -> ExceptionRow:
    entry = Entry.GAP if finding.rule is Rule.GAP else Entry.LASTS if finding.rule in LASTING else Entry.ONCE
    return ExceptionRow(
        record.tenant_id,
        record.meter_id,
        judgement.state.version,
        int(finding.rule),
        finding.at,
        day,
        fit(finding.value),
        None if finding.expected is None else fit(finding.expected),
        entry,
        status="closed" if finding.is_settled else "open",
    )


def _add(record: MeterRecord, row: ExceptionRow, effects: Effects) -> None:
    if row.status != "open":
        row.entry = Entry.ONCE
    elif row.entry is not Entry.ONCE:
        goes_on = record.runs >> row.rule & 1
        record.runs |= 1 << row.rule
        for other in _waiting(record, row.rule, effects):
            if row.entry is Entry.LASTS or (other.at <= row.value and other.value >= row.at):
                other.occurrences += row.occurrences
                if row.entry is Entry.GAP:
                    other.at, other.value = min(other.at, row.at), max(other.value, row.value)
                return
        if row.entry is Entry.LASTS and goes_on:
            row.entry = Entry.GOES_ON
    effects.exceptions.append(row)


def _waiting(record: MeterRecord, rule: int, effects: Effects) -> list[ExceptionRow]:
    """Of this meter and rule, on their way in this very batch."""
    return [
        row
        for row in effects.exceptions
        if row.meter_id == record.meter_id and row.rule == rule and row.status == "open"
    ]


def _end(record: MeterRecord, rule: Rule, effects: Effects) -> None:
    for row in _waiting(record, rule, effects):
        row.status, row.entry = "closed", Entry.ONCE
    effects.ended.append(EndedException(record.meter_id, int(rule)))


def _fill(record: MeterRecord, start: int, end: int, effects: Effects) -> None:
    for row in _waiting(record, Rule.GAP, effects):
        if start <= row.at and row.value <= end:
            row.status, row.entry = "closed", Entry.ONCE
    effects.ended.append(EndedException(record.meter_id, int(Rule.GAP), start, end))


def waves(ended: list[EndedException]) -> list[list[EndedException]]:
    """To be written one after the other: within a wave each meter and rule is there once. Spans that touch are one."""
    spans: dict[tuple[int, int], list[EndedException]] = {}
    for item in sorted(ended, key=lambda one: (one.meter_id, one.rule, one.start)):
        run = spans.setdefault((item.meter_id, item.rule), [])
        if run and item.start <= run[-1].end:
            run[-1].end = max(run[-1].end, item.end)
        else:
            run.append(EndedException(item.meter_id, item.rule, item.start, item.end))
    found: list[list[EndedException]] = []
    for run in spans.values():
        for place, item in enumerate(run):
            if place == len(found):
                found.append([])
            found[place].append(item)
    return found
