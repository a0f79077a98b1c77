# SPDX-License-Identifier: Apache-2.0
"""Commands of all tenants as the pipeline's role: locked, loaded and written, a few statements for any number of them.

What happens to a command is decided in ``app.command.step``. Lock order everywhere: ``command`` first, then
``command_waiting``; commands in the order of their ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from openmains.app.command.ports import (
    Change,
    Drafted,
    HeldCommand,
    LogAgain,
    LostLog,
    MeterWord,
    OpenCommand,
    RunningBatch,
    UnsentSetting,
)
from openmains.app.command.step import Moves, step, step_responses
from openmains.app.command.work import times_of
from openmains.domain.command.batch import DAILY_SHARE_PPM, BatchState
from openmains.domain.command.kinds import RULES, Channel, Kind, KindRule, Lane, Priority, Times
from openmains.domain.command.life import State
from openmains.domain.command.order import Waiting
from openmains.edges.postgres.command import defaults as command_onboarding
from openmains.edges.postgres.command import flow_batches as command_batches
from openmains.edges.postgres.command import logs as command_logs
from openmains.edges.postgres.db import Connection, Pool, Row

WAITING = """
SELECT w.command_id, w.serial, w.kind, w.lane, w.priority, w.state, w.due_at, w.not_after, w.attempts,
       coalesce(s.cell, 0), w.meter_id
  FROM command_waiting w LEFT JOIN meter_state s USING (meter_id) WHERE w.meter_id = ANY($1::bigint[])
"""
OPEN = """
SELECT c.command_id, c.tenant_id, c.meter_id, c.kind, c.params, c.unique_key, p.driver, c.channel, c.state, c.serial,
       c.not_after, c.attempts, c.frame, m.product_id, m.imei
  FROM command c JOIN meter m USING (meter_id) JOIN product p USING (product_id)
 WHERE c.command_id = ANY($1::bigint[]) ORDER BY c.command_id
"""
LOCK = """
SELECT command_id, tenant_id, meter_id, serial, kind, params, state FROM command
 WHERE command_id = ANY($1::bigint[]) ORDER BY command_id FOR UPDATE
"""
LOCK_ANSWERED = """
SELECT c.command_id, c.tenant_id, c.meter_id, c.serial, c.kind, c.params, c.state
  FROM command c
  JOIN unnest($1::bigint[], $2::int[]) AS u(meter_id, serial) ON c.meter_id = u.meter_id AND c.serial = u.serial
 ORDER BY c.command_id FOR UPDATE OF c
"""
MOVE = """
UPDATE command c
   SET state = u.state, attempts = c.attempts + u.sends, frame = coalesce(c.frame, u.frame),
       counter = coalesce(c.counter, u.counter), result = coalesce(u.result, c.result),
       answer = coalesce(u.answer::jsonb, c.answer), reason = coalesce(nullif(u.reason, ''), c.reason),
       sent_us = coalesce(c.sent_us, u.sent_us), delivered_us = coalesce(c.delivered_us, u.delivered_us),
       ended_us = coalesce(u.ended_us, c.ended_us)
  FROM unnest($1::bigint[], $2::text[], $3::int[], $4::bytea[], $5::bigint[], $6::smallint[], $7::text[], $8::text[],
              $9::bigint[], $10::bigint[], $11::bigint[])
    AS u(command_id, state, sends, frame, counter, result, answer, reason, sent_us, delivered_us, ended_us)
 WHERE c.command_id = u.command_id
"""
MOVE_WAITING = """
UPDATE command_waiting w
   SET state = u.state, attempts = w.attempts + u.sends, due_at = coalesce(u.due_at, w.due_at)
  FROM unnest($1::bigint[], $2::text[], $3::int[], $4::bigint[]) AS u(command_id, state, sends, due_at)
 WHERE w.command_id = u.command_id
"""
NOTE = """
INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor, detail)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
"""
ENQUEUE = """
WITH chosen AS (
  SELECT command_id, tenant_id, meter_id FROM command
   WHERE command_id = ANY($1::bigint[]) AND state = 'approved' ORDER BY command_id FOR UPDATE),
counted AS (
  INSERT INTO meter_shadow AS s (meter_id, tenant_id, last_serial)
  SELECT meter_id, tenant_id, $3::int + count(*) FROM chosen GROUP BY meter_id, tenant_id ORDER BY meter_id
  ON CONFLICT (meter_id) DO UPDATE
    SET last_serial = greatest(s.last_serial + excluded.last_serial - $3::int, excluded.last_serial)
  RETURNING s.meter_id, s.last_serial),
numbered AS (
  SELECT command_id, last_serial - (count(*) OVER (PARTITION BY meter_id))::int
         + (row_number() OVER (PARTITION BY meter_id ORDER BY command_id))::int AS serial
    FROM chosen JOIN counted USING (meter_id)),
queued AS (
  UPDATE command c SET state = 'queued', serial = n.serial FROM numbered n WHERE c.command_id = n.command_id
  RETURNING c.command_id, c.tenant_id, c.meter_id, c.serial, c.lane, c.priority, c.not_after, c.kind, c.channel),
noted AS (
  INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor)
  SELECT tenant_id, command_id, $2, 'queue', 'queued', 'platform' FROM queued ORDER BY command_id)
INSERT INTO command_waiting (command_id, tenant_id, meter_id, serial, lane, priority, not_after, kind, channel, state)
SELECT command_id, tenant_id, meter_id, serial, lane, priority, not_after, kind, channel, 'queued' FROM queued
"""
# A newer setting is what the meter should be set to from now on.
DESIRE = """
UPDATE meter_shadow s SET desired = s.desired || (n.params -> 'values'), desired_us = $2
  FROM (SELECT DISTINCT ON (meter_id) meter_id, params FROM command
         WHERE command_id = ANY($1::bigint[]) AND kind = 'set_parameters'
           AND jsonb_typeof(params -> 'values') = 'object' ORDER BY meter_id, command_id DESC) n
 WHERE s.meter_id = n.meter_id
"""
REPORT = """
UPDATE meter_shadow s SET reported = s.reported || u.said::jsonb, reported_us = u.at_us
  FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS u(meter_id, said, at_us) WHERE s.meter_id = u.meter_id
"""
TIMED = """
SELECT c.command_id, c.tenant_id, c.meter_id, c.kind, '{}'::jsonb AS params, c.unique_key, '' AS driver, w.channel, w.state,
       w.serial, w.not_after, w.attempts, NULL::bytea AS frame, m.product_id, m.imei, w.due_at
  FROM command_waiting w JOIN command c USING (command_id) JOIN meter m ON m.meter_id = c.meter_id
 WHERE w.not_after <= $1 AND (w.state <> 'asking' OR w.not_after <= $1 - $2)
UNION ALL
SELECT c.command_id, c.tenant_id, c.meter_id, c.kind, '{}'::jsonb, c.unique_key, '', w.channel, w.state,
       w.serial, w.not_after, w.attempts, NULL::bytea, m.product_id, m.imei, w.due_at
  FROM command_waiting w JOIN command c USING (command_id) JOIN meter m ON m.meter_id = c.meter_id
 WHERE w.not_after > $1 AND w.lane = 3 AND w.attempts > 0 AND w.due_at <= $1 AND w.state IN ('sent', 'delivered')
 LIMIT $3
"""
DRAFTS = """
SELECT c.command_id, c.tenant_id, c.meter_id, m.product_id, c.kind, c.slot, c.state, c.unique_key, c.not_after
  FROM command c JOIN meter m USING (meter_id)
 WHERE c.serial IS NULL AND c.ended_us IS NULL AND c.state IN ('drafted', 'quarantined', 'approved') AND (c.state <> 'quarantined' OR $3)
   AND c.command_id > $2 ORDER BY c.command_id LIMIT $1
"""
OLDER = """
SELECT o.command_id, o.kind, o.slot, o.state, o.meter_id FROM command o
 WHERE o.meter_id = ANY($1::bigint[]) AND o.slot <> '' AND o.state IN ('drafted', 'approved', 'queued')
"""
SERIALS_SINCE = 1_577_836_800  # 2020
GRACE_S = min(rule.grace_s for rule in RULES.values())


class PostgresCommandFlow:
    """Over a pool of role openmains_pipeline.

    ``serials_since``: serial numbers are at least the seconds since this instant (s), so that a database restored to an
    earlier state goes on above what meters have seen.
    """

    def __init__(self, pool: Pool, serials_since: int = SERIALS_SINCE) -> None:
        self._pool = pool
        self._serials_since = serials_since

    async def waiting(self, meter_ids: Sequence[int]) -> dict[int, list[Waiting]]:
        found: dict[int, list[Waiting]] = {}
        for row in await self._pool.fetch(WAITING, list(meter_ids)):
            waiting = Waiting(
                row[0],
                row[1],
                Kind(row[2]),
                Lane(row[3]),
                Priority(row[4]),
                State(row[5]),
                row[6],
                row[7],
                row[8],
                row[9],
            )
            found.setdefault(row[10], []).append(waiting)
        return found

    async def due(self, now: int, limit: int) -> list[int]:
        rows = await self._pool.fetch(
            "SELECT DISTINCT meter_id FROM command_waiting WHERE channel <> 'direct' AND due_at <= $1 LIMIT $2",
            now,
            limit,
        )
        return [row[0] for row in rows]

    async def open(self, command_ids: Sequence[int]) -> list[OpenCommand]:
        return [_open(row) for row in await self._pool.fetch(OPEN, list(command_ids))]

    async def apply(self, changes: Sequence[Change]) -> list[int]:
        if not changes:
            return []
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(LOCK, [change.command_id for change in changes])
            moves = step(_held(rows), changes)
            await _write(connection, moves)
        return moves.sent

    async def zones(self) -> Mapping[int, str]:
        return {row[0]: row[1] for row in await self._pool.fetch("SELECT tenant_id, zone FROM tenant")}

    async def drafts(self, limit: int, after: int, quarantined: bool) -> list[Drafted]:
        return [
            Drafted(row[0], row[1], row[2], row[3], Kind(row[4]), row[5], State(row[6]), row[7], row[8])
            for row in await self._pool.fetch(DRAFTS, limit, after, quarantined)
        ]

    async def unsent_settings(self, meter_ids: Sequence[int]) -> list[UnsentSetting]:
        rows = await self._pool.fetch(OLDER, list(meter_ids))
        return [
            UnsentSetting(row["command_id"], row["meter_id"], Kind(row["kind"]), row["slot"], State(row["state"]))
            for row in rows
        ]

    async def enqueue(self, command_ids: Sequence[int], now_us: int) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            floor = max(0, now_us // 1_000_000 - self._serials_since)
            await connection.execute(ENQUEUE, list(command_ids), now_us, floor)
            await connection.execute(DESIRE, list(command_ids), now_us)

    async def timed(self, now: int, limit: int) -> list[tuple[OpenCommand, int]]:
        rows = await self._pool.fetch(TIMED, now, GRACE_S, limit)
        return [(_open(row), row["due_at"]) for row in rows]

    async def times(self) -> Mapping[tuple[int, int, str], Times]:
        rows = await self._pool.fetch(
            "SELECT tenant_id, product_id, kind, validity_s, attempts, pause_s FROM command_setting"
        )
        return times_of([tuple(row) for row in rows])

    async def running_batches(self) -> list[RunningBatch]:
        return await command_batches.running(self._pool)

    async def touched_today(self, tenant_id: int, since_us: int) -> tuple[int, int]:
        return await command_batches.touched(self._pool, tenant_id, since_us)

    async def daily_share_ppm(self, tenant_id: int) -> int:
        share = await self._pool.fetchval("SELECT daily_share_ppm FROM command_policy WHERE tenant_id = $1", tenant_id)
        return DAILY_SHARE_PPM if share is None else int(share)

    async def release(self, batch: RunningBatch, count: int, rule: KindRule, now_us: int) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            return await command_batches.release(connection, batch, count, rule, now_us)

    async def onboard(self, now_us: int, limit: int) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            return await command_onboarding.draft_defaults(connection, now_us, limit)

    async def incomplete_logs(self, since_us: int, until_us: int, limit: int) -> list[LostLog]:
        return await command_logs.incomplete(self._pool, since_us, until_us, limit)

    async def pull_again(self, asked: Sequence[LogAgain], now_us: int) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            return await command_logs.pull_again(connection, asked, now_us)

    async def end_batch(self, batch_id: int, state: BatchState, reason: str) -> None:
        await self._pool.execute(
            "UPDATE command_batch SET state = $2, reason = $3 WHERE batch_id = $1 AND state = 'running'",
            batch_id,
            state,
            reason,
        )


async def apply_responses(connection: Connection, responses: Sequence[MeterWord]) -> None:
    """Words of meters and links within the caller's transaction: the pipeline's commit, so that a word counts exactly once."""
    answers = [response for response in responses if not response.link]
    seen = [response.command_id for response in responses if response.link]
    rows: list[Row] = []
    if answers:
        rows += await connection.fetch(
            LOCK_ANSWERED, [answer.meter_id for answer in answers], [answer.serial for answer in answers]
        )
    if seen:
        rows += await connection.fetch(LOCK, seen)
    if rows:
        await _write(connection, step_responses(_held(rows), responses))


async def _write(connection: Connection, moves: Moves) -> None:
    """One statement a table."""
    if moves.moves:
        rows = [moves.moves[command_id] for command_id in sorted(moves.moves)]
        await connection.execute(
            MOVE,
            [row.command_id for row in rows],
            [row.state for row in rows],
            [row.sends for row in rows],
            [row.frame for row in rows],
            [row.counter for row in rows],
            [row.result for row in rows],
            [None if row.answer is None else _json(row.answer) for row in rows],
            [row.reason for row in rows],
            [row.sent_us for row in rows],
            [row.delivered_us for row in rows],
            [row.ended_us for row in rows],
        )
    if waiting := sorted(moves.waiting, key=lambda move: move.command_id):
        await connection.execute(
            MOVE_WAITING,
            [row.command_id for row in waiting],
            [row.state for row in waiting],
            [row.sends for row in waiting],
            [row.due_at for row in waiting],
        )
    if notes := moves.notes:
        await connection.execute(
            NOTE,
            [note.tenant_id for note in notes],
            [note.command_id for note in notes],
            [note.at_us for note in notes],
            [note.event for note in notes],
            [note.state for note in notes],
            [note.actor for note in notes],
            [note.detail for note in notes],
        )
    if reports := list(moves.reports.values()):
        await connection.execute(
            REPORT,
            [report.meter_id for report in reports],
            [_json(report.values) for report in reports],
            [report.at_us for report in reports],
        )


def _held(rows: Iterable[Row]) -> dict[int, HeldCommand]:
    return {
        row["command_id"]: HeldCommand(
            row["command_id"], row["tenant_id"], row["meter_id"], row["serial"], Kind(row["kind"]), row["params"],
            State(row["state"]),
        )
        for row in rows
    }  # fmt: skip


def _open(row: Row) -> OpenCommand:
    return OpenCommand(
        row["command_id"], row["tenant_id"], row["meter_id"], Kind(row["kind"]), row["params"], row["unique_key"],
        row["driver"], Channel(row["channel"]), State(row["state"]), row["serial"], row["not_after"], row["attempts"],
        row["frame"], row["product_id"], row["imei"],
    )  # fmt: skip


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
