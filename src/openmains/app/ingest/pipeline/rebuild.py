# SPDX-License-Identifier: Apache-2.0
"""Days, registers, signals and series made anew from the frame log, where a damaged part of ClickHouse had to be set aside.

The steps of the pipeline are pure, so what they made of a frame can be made of it again: the frames of a span and of some days around
it pass through them once more, each under the version it had, and only the rows of the span that are missing now are written.
States, alarms, exceptions and commands are PostgreSQL's and stay as they are. A meter begins with an unknown state some days before the
span, as after its installation: what that changes lies before the span.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from openmains.app.ingest.pipeline.bounds import fit_days
from openmains.app.ingest.pipeline.ports import DayTables, Effects, MeterRecord, PipelineStore, ReadingSink, Table
from openmains.app.ingest.pipeline.process import EDGE_CHANNELS, PERSONS_CHANNELS, Batch, Processor
from openmains.app.ingest.pipeline.rows import day_tables
from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.acceptance import MOVED_CHANNEL
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import DAY_S, date_to_day, zone
from openmains.domain.readings.model import MeterState
from openmains.drivers.catalog import Catalog

LEAD_DAYS = 10  # so that a meter's level and its midnights are known when the span begins
TRAIL_DAYS = 9  # a later report brings up to 7 days of history
METERS = 500  # at a time
US = 1_000_000


@dataclass(frozen=True, slots=True)
class AppliedFrame:
    """A message of the frame log that was applied."""

    tenant_id: TenantId
    meter_id: MeterId
    received_us: int
    version: int
    channel: str
    path: str
    payload: bytes


class AppliedFrames(Protocol):
    """The raw frames that are kept."""

    async def meters(self, left_us: int, right_us: int, after: MeterId, limit: int) -> list[MeterId]:
        """Meters with applied frames of a span, or edits since, by id, those above ``after``."""
        ...

    async def applied(self, meter_ids: Sequence[MeterId], left_us: int, right_us: int) -> list[AppliedFrame]:
        """Their applied frames of the span, and persons' edits since, in the order they were applied."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """Days since 1970, both included."""

    first: int
    last: int

    @property
    def us(self) -> tuple[int, int]:
        """Reception of the frames that tell of it."""
        return (self.first - LEAD_DAYS) * DAY_S * US, (self.last + 1 + TRAIL_DAYS) * DAY_S * US


async def rebuild(
    span: Span, tables: frozenset[str], log: AppliedFrames, store: PipelineStore, sink: ReadingSink, catalog: Catalog
) -> dict[str, int]:
    """Write what is missing of these tables (of ``meter_day day_version day_cause register signal series``); rows by table.

    Repeatable: what is there already, or newer, is left as it is.
    """
    zones = {key: zone(name) for key, name in (await store.zones()).items()}
    processor = Processor(catalog, await store.products(), zones)
    written: dict[str, int] = {}
    after = MeterId(0)
    while meters := await log.meters(*span.us, after, METERS):
        after = meters[-1]
        frames = await log.applied(meters, *span.us)
        effects = again(processor, frames, await store.load(meters))
        days, registers, signals, series = await _missing(span, tables, effects, sink)
        await sink.write(days, registers, {}, signals, series)
        for name, table in (
            ("meter_day", days.days), ("day_version", days.versions), ("day_cause", days.causes),
            ("register", registers), ("signal", signals), ("series", series),
        ):  # fmt: skip
            written[name] = written.get(name, 0) + _length(table)
    return written


def again(processor: Processor, frames: Sequence[AppliedFrame], known: Mapping[int, MeterRecord]) -> Effects:
    """What frames meant when they came, computed once more; nothing of ``known`` but the registry's facts is used."""
    records = {
        key: replace(record, state=MeterState(), event_mask=0, latest={}, runs=0, frames_before=b"")
        for key, record in known.items()
    }
    batch = Batch(processor, records)
    for frame in frames:
        record = records.get(frame.meter_id)
        if record is None or frame.channel in EDGE_CHANNELS or not processor.knows([record]):
            continue
        record.state = replace(record.state, version=frame.version - 1)
        # It was booked then: whose number it carries is not judged again by what is registered today.
        channel = frame.channel if frame.channel in PERSONS_CHANNELS else MOVED_CHANNEL
        batch.add([Uplink(
            frame.meter_id, frame.tenant_id, record.product_id, channel, frame.path, frame.received_us, frame.payload
        )])  # fmt: skip
    return batch.finish()


async def _missing(
    span: Span, tables: frozenset[str], effects: Effects, sink: ReadingSink
) -> tuple[DayTables, Table, Table, Table]:
    """Of the effects what belongs to the span and is not stored."""
    pending = [item for item in effects.days if span.first <= item.row.day <= span.last]
    days = day_tables(pending, {})
    fit_days(days.days)
    fit_days(days.versions)
    if "meter_day" in tables and _length(days.days):
        keys = [(item.record.tenant_id, item.record.meter_id, item.row.day) for item in pending]
        stored = await sink.stored_days(keys)
        taken = [
            (key := (meter, date_to_day(day))) not in stored or stored[key].version < version
            for meter, day, version in zip(days.days["meter_id"], days.days["day"], days.days["version"], strict=True)
        ]
        days = DayTables(_only(days.days, taken), days.versions, days.causes)
    left, right = span.first * DAY_S, (span.last + 1) * DAY_S
    in_span = [left <= at < right for at in _column(effects.registers, "at")]
    heard = [left * US <= at < right * US for at in _column(effects.signals, "received_us")]
    begun = [left <= at < right for at in _column(effects.series, "start_s")]
    return (
        DayTables(
            days.days if "meter_day" in tables else {},
            days.versions if "day_version" in tables else {},
            days.causes if "day_cause" in tables else {},
        ),
        _only(effects.registers, in_span) if "register" in tables else {},
        _only(effects.signals, heard) if "signal" in tables else {},
        _only(effects.series, begun) if "series" in tables else {},
    )


def _column(table: Table, name: str) -> Sequence[int]:
    return table[name] if table else []


def _only(table: Table, taken: Sequence[bool]) -> Table:
    return {name: [value for value, take in zip(column, taken, strict=True) if take] for name, column in table.items()}


def _length(table: Table) -> int:
    return len(next(iter(table.values()))) if table else 0
