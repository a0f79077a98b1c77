# SPDX-License-Identifier: Apache-2.0
"""Registers that persons read, in the pipeline: each is applied once, and one of a time that is known already is compared with it.

A register older than the newest is kept and never built upon, whoever says it. But a person's stands beside what the meter itself
reported of that time: where the two differ somebody is shown both (MANUAL_DIFFERS), and the meter's own counts. What is stored
of the day is known when the batch's days are merged, so it is compared then.
"""

from collections.abc import Mapping, Sequence

from openmains.app.ingest.pipeline.ports import (
    DayTables,
    Effects,
    ExceptionRow,
    MeterRecord,
    PipelineStore,
    ReadingToCheck,
)
from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.manual.message import MANUAL_CHANNEL, ManualEntry
from openmains.app.readings.manual.model import ManualOutcome
from openmains.domain.period import Zone, date_to_day
from openmains.domain.readings.manual import differs_from_day
from openmains.domain.readings.model import DayRow, Judgement
from openmains.domain.readings.quality import Rule

LATE = 1 << Rule.OUT_OF_ORDER


async def not_yet_applied(batch: Sequence[Uplink], store: PipelineStore) -> list[Uplink]:
    """Without the readings of persons that were applied before, or stand in the batch twice: whoever is in doubt sends them again."""
    named = {uplink.path for uplink in batch if uplink.channel == MANUAL_CHANNEL}
    if not named:
        return list(batch)
    ids = [int(name) for name in named if name.isascii() and name.isdigit() and len(name) < 19]
    over = {str(found) for found in await store.applied_manual(ids)}
    kept = []
    for uplink in batch:
        if uplink.channel == MANUAL_CHANNEL:
            if uplink.path in over:
                continue
            over.add(uplink.path)
        kept.append(uplink)
    return kept


def note_reading(record: MeterRecord, word: ManualEntry, judgement: Judgement, dial: int, effects: Effects) -> None:
    """What became of the reading; one that came late is looked at once more when its day is merged."""
    flags = judgement.registers[0].flags
    effects.manual.append(ManualOutcome(word.reading_id, judgement.state.version, flags))
    if flags & LATE:
        effects.late_manual.append(ReadingToCheck(record, word, judgement.state.version, dial))


def compare_late(effects: Effects, days: DayTables, zones: Mapping[int, Zone]) -> None:
    """Add the exceptions of late readings that the merged days deny. Changes ``effects``."""
    if not effects.late_manual:
        return
    table = days.days
    rows: dict[tuple[int, int], DayRow] = {}
    for meter_id, day, base, interval_s, increments, quality in zip(
        *(table[name] for name in ("meter_id", "day", "base", "interval_s", "increments", "quality")), strict=True
    ):
        number = date_to_day(day)
        rows[meter_id, number] = DayRow(
            number, base, interval_s, list(increments), list(quality) or [0] * len(increments)
        )
    for late in effects.late_manual:
        _compare(late, rows, zones[late.record.tenant_id], effects)


def _compare(late: ReadingToCheck, rows: dict[tuple[int, int], DayRow], zone: Zone, effects: Effects) -> None:
    word, record = late.word, late.record
    day = zone.day_of(word.at)
    row = rows.get((record.meter_id, day))
    there = None if row is None else differs_from_day(row, word.at, word.register, word.digit, late.dial, zone)
    if there is None:
        return
    effects.counters["manual_differs"] += 1
    effects.exceptions.append(
        ExceptionRow(
            record.tenant_id,
            record.meter_id,
            late.version,
            int(Rule.MANUAL_DIFFERS),
            word.at,
            day,
            word.register,
            there,
        )
    )
    for place, outcome in enumerate(effects.manual):
        if outcome.reading_id == word.reading_id:
            effects.manual[place] = ManualOutcome(
                outcome.reading_id, outcome.version, outcome.flags | 1 << Rule.MANUAL_DIFFERS
            )
