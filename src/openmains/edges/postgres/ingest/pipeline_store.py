# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL side of the pipeline: load the hot state of a batch, commit everything it means in one transaction.

Role ``openmains_pipeline``. All writes are set-based: one statement a table and batch, arrays as arguments.
"""

from collections.abc import Sequence
from datetime import date

import asyncpg

from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.pipeline.alarms import alarm_waves
from openmains.app.ingest.pipeline.ports import (
    DeadLetter,
    Effects,
    ExceptionRow,
    MeterRecord,
    PositionConflictError,
    Product,
)
from openmains.app.security.score import AccessJudge, default_judge
from openmains.domain.ids import MeterId
from openmains.domain.period import EPOCH_ORDINAL
from openmains.domain.readings.model import MeterState
from openmains.edges.postgres.command.flow import apply_responses
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.security import reports

LOAD = """
SELECT s.meter_id, m.tenant_id, m.product_id, m.area_id, m.qmax_l_h, m.installed_on, s.version, s.register,
       s.register_at, s.close_day, s.closes, s.frame_seq, s.frame_hash, s.candidate, s.candidate_at, s.candidate_count,
       s.habit, s.event_mask, s.events_at, s.valve, s.last_seen_us, s.status, s.balance, s.battery_pct, s.battery_mv,
       s.rsrp_ddbm, s.sinr_ddb, s.ecl, s.pci, s.cell, s.earfcn, s.grid_at, s.grid_register, m.imei,
       EXISTS (SELECT FROM terminal t WHERE t.meter_id = m.meter_id AND t.imei = m.imei AND t.state IN ('quarantine', 'blocked')),
       s.frames_before
  FROM meter_state s JOIN meter m USING (meter_id)
 WHERE s.meter_id = ANY($1::bigint[])
"""

UPDATE = """
UPDATE meter_state s
   SET version = u.version, register = u.register, register_at = u.register_at, close_day = u.close_day,
       closes = u.closes::bigint[], frame_seq = u.frame_seq, frame_hash = u.frame_hash, candidate = u.candidate,
       candidate_at = u.candidate_at, candidate_count = u.candidate_count, habit = u.habit, event_mask = u.event_mask,
       events_at = u.events_at, last_seen_us = u.last_seen_us, status = u.status, valve = u.valve, balance = u.balance,
       battery_pct = u.battery_pct, battery_mv = u.battery_mv, rsrp_ddbm = u.rsrp_ddbm, sinr_ddb = u.sinr_ddb,
       ecl = u.ecl, pci = u.pci, cell = u.cell, earfcn = u.earfcn, grid_at = u.grid_at, grid_register = u.grid_register,
       frames_before = u.frames_before
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::text[], $7::int[], $8::bigint[],
              $9::bigint[], $10::bigint[], $11::int[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
              $16::bigint[], $17::smallint[], $18::bigint[], $19::smallint[], $20::int[], $21::int[], $22::int[],
              $23::smallint[], $24::int[], $25::bigint[], $26::int[], $27::bigint[], $28::bigint[], $29::bytea[])
       AS u(meter_id, version, register, register_at, close_day, closes, frame_seq, frame_hash, candidate, candidate_at,
            candidate_count, habit, event_mask, events_at, last_seen_us, status, valve, balance, battery_pct, battery_mv,
            rsrp_ddbm, sinr_ddb, ecl, pci, cell, earfcn, grid_at, grid_register, frames_before)
 WHERE s.meter_id = u.meter_id
"""

ADVANCE = "UPDATE pipeline_position SET position = $3, updated_at = now() WHERE shard = $1 AND position = $2"
FIRST = """
INSERT INTO pipeline_position (shard, stream, position) VALUES ($1, 'UPLINK', $3)
ON CONFLICT (shard) DO UPDATE SET position = $3, updated_at = now() WHERE pipeline_position.position = $2
"""

EXCEPTIONS = """
INSERT INTO reading_exception (tenant_id, meter_id, version, rule, at, day, value, expected)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::int[], $7::bigint[], $8::bigint[])
"""

DEAD_LETTERS = """
INSERT INTO dead_letter (tenant_id, meter_id, product_id, channel, path, received_us, payload, reason, byte_offset, detail)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::int[], $4::text[], $5::text[], $6::bigint[], $7::bytea[], $8::text[], $9::int[], $10::text[])
"""

# One row for each open alarm; raising it again only counts (R7.2: repeats are grouped).
RAISE = """
INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, occurrences)
SELECT u.tenant_id, u.meter_id, u.event, u.severity, u.raised_at, u.received_us, $9, u.last_us, u.occurrences
  FROM unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::int[])
       AS u(tenant_id, meter_id, event, severity, raised_at, received_us, last_us, occurrences)
ON CONFLICT (meter_id, event) WHERE cleared_us IS NULL
DO UPDATE SET occurrences = alarm.occurrences + excluded.occurrences, last_us = excluded.last_us
"""
CLEAR = """
UPDATE alarm a SET cleared_us = u.at_us, last_us = u.at_us
  FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS u(meter_id, event, at_us)
 WHERE a.meter_id = u.meter_id AND a.event = u.event AND a.cleared_us IS NULL
"""

# meter_state columns kept as "latest" values, in the order of LOAD from index 21 on
LATEST = ("status", "balance", "battery_pct", "battery_mv", "rsrp_ddbm", "sinr_ddb", "ecl", "pci", "cell", "earfcn")


def _day(value: date) -> int:
    return value.toordinal() - EPOCH_ORDINAL


def _closes(values: list[int | None]) -> str:
    """A PostgreSQL array literal: 2-D arrays can not be unnested by rows."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


class PostgresPipelineStore:
    """``app.ingest.pipeline.ports.PipelineStore`` over a pool of role openmains_pipeline."""

    def __init__(self, pool: asyncpg.Pool, access: AccessJudge | None = None) -> None:
        self._pool = pool
        self._access = access or default_judge()

    async def position(self, shard: int) -> int:
        """Last committed stream sequence; 0 when new."""
        found = await self._pool.fetchval("SELECT position FROM pipeline_position WHERE shard = $1", shard)
        return int(found or 0)

    async def products(self) -> dict[int, Product]:
        """All products of all tenants."""
        rows = await self._pool.fetch("SELECT product_id, driver, dial, interval_s, qmax_l_h FROM product")
        return {row[0]: Product(*row) for row in rows}

    async def zones(self) -> dict[int, str]:
        """Time zone by tenant."""
        return {row[0]: row[1] for row in await self._pool.fetch("SELECT tenant_id, zone FROM tenant")}

    async def chosen(self, name: str, value: str) -> str:
        """What was chosen at the first start; ``value`` where nothing was."""
        await self._pool.execute(
            "INSERT INTO platform_choice (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, value
        )
        return str(await self._pool.fetchval("SELECT value FROM platform_choice WHERE name = $1", name))

    async def load(self, meter_ids: Sequence[MeterId]) -> dict[int, MeterRecord]:
        """Registry facts and hot state of these meters."""
        rows = await self._pool.fetch(LOAD, meter_ids)
        return {row[0]: _record(row) for row in rows}

    async def commit(self, shard: int, before: int, after: int, effects: Effects, now_us: int) -> Sequence[AlarmChange]:
        """Everything or nothing, see the port; raises ``PositionConflictError`` when another pipeline was faster."""
        alarms = effects.alarms
        async with self._pool.acquire() as connection, connection.transaction():
            status = await connection.execute(FIRST if before == 0 else ADVANCE, shard, before, after)
            if status.rsplit(" ", 1)[1] != "1":
                raise PositionConflictError(f"shard {shard} is no longer at {before}")
            if effects.meters:
                await connection.execute(UPDATE, *_state_columns(effects.meters))
            if effects.exceptions:
                await connection.execute(EXCEPTIONS, *_exception_columns(effects.exceptions))
            if effects.dead_letters:
                await connection.execute(DEAD_LETTERS, *_dead_letter_columns(effects.dead_letters))
            if effects.access:
                registered, terminals = await reports.load(connection, effects.access)
                outcome = self._access.run(effects.access, registered, terminals)
                await reports.write(connection, outcome)
                alarms = [*alarms, *outcome.alarms]
            await _write_alarms(connection, alarms, now_us)
            await apply_responses(connection, effects.words)
        return alarms


async def _write_alarms(connection: Connection, changes: Sequence[AlarmChange], now_us: int) -> None:
    for wave in alarm_waves(changes):
        if wave.raised:
            first = [entry.first for entry in wave.raised]
            await connection.execute(
                RAISE,
                [change.tenant_id for change in first], [change.meter_id for change in first],
                [change.event for change in first], [change.severity for change in first],
                [change.raised_at for change in first], [change.received_us for change in first],
                [entry.last_us for entry in wave.raised], [entry.count for entry in wave.raised], now_us,
            )  # fmt: skip
        if wave.cleared:
            await connection.execute(
                CLEAR,
                [change.meter_id for change in wave.cleared], [change.event for change in wave.cleared],
                [change.received_us for change in wave.cleared],
            )  # fmt: skip


def _record(row: asyncpg.Record) -> MeterRecord:
    (meter_id, tenant_id, product_id, area_id, qmax, installed_on, version, register, register_at, close_day, closes,
     frame_seq, frame_hash, candidate, candidate_at, candidate_count, habit, event_mask, events_at, valve,
     last_seen_us) = row[:21]  # fmt: skip
    latest = {name: value for name, value in zip(LATEST, row[21:31], strict=True) if value is not None}
    if valve is not None:
        latest["valve"] = valve
    return MeterRecord(
        meter_id, tenant_id, product_id, area_id, qmax, _day(installed_on),
        MeterState(version, register, register_at, close_day, closes, frame_seq, frame_hash, candidate, candidate_at,
                   candidate_count, habit, row[31], row[32]),
        event_mask, valve, last_seen_us or 0, events_at, False, latest, row[33], row[34], row[35],
    )  # fmt: skip


def _state_columns(meters: list[MeterRecord]) -> list[list[object]]:
    states = [meter.state for meter in meters]
    latest = [meter.latest for meter in meters]
    columns: list[list[object]] = [
        [meter.meter_id for meter in meters],
        [state.version for state in states],
        [state.register for state in states],
        [state.register_at for state in states],
        [state.close_day for state in states],
        [_closes(state.closes) for state in states],
        [state.frame_seq for state in states],
        [state.frame_hash for state in states],
        [state.candidate for state in states],
        [state.candidate_at for state in states],
        [state.candidate_count for state in states],
        [state.habit for state in states],
        [meter.event_mask for meter in meters],
        [meter.device_at for meter in meters],
        [meter.last_seen_us for meter in meters],
    ]
    for name in ("status", "valve", *LATEST[1:]):
        columns.append([values.get(name) for values in latest])
    columns.append([state.grid_at for state in states])
    columns.append([state.grid_register for state in states])
    columns.append([meter.frames_before for meter in meters])
    return columns


def _exception_columns(rows: list[ExceptionRow]) -> list[list[object]]:
    return [
        [row.tenant_id for row in rows], [row.meter_id for row in rows], [row.version for row in rows],
        [row.rule for row in rows], [row.at for row in rows], [row.day for row in rows], [row.value for row in rows],
        [row.expected for row in rows],
    ]  # fmt: skip


def _dead_letter_columns(letters: list[DeadLetter]) -> list[list[object]]:
    uplinks = [letter.uplink for letter in letters]
    return [
        [uplink.tenant_id for uplink in uplinks], [uplink.meter_id for uplink in uplinks],
        [uplink.product_id for uplink in uplinks], [uplink.channel for uplink in uplinks],
        [uplink.path for uplink in uplinks], [uplink.received_us for uplink in uplinks],
        [uplink.payload for uplink in uplinks], [letter.reason for letter in letters],
        [letter.offset for letter in letters], [_text(letter.detail) for letter in letters],
    ]  # fmt: skip


def _text(detail: str) -> str:
    """Text that PostgreSQL takes whatever an error message quoted: no NUL, no half characters, not endless."""
    return detail[:1000].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
