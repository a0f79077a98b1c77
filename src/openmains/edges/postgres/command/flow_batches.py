# SPDX-License-Identifier: Apache-2.0
"""Batches as the dispatcher leads them: which run, how far they are, the next group as drafts."""

import msgspec

from openmains.app.command.give import content_of
from openmains.app.command.ports import RunningBatch
from openmains.domain.command.batch import Plan, Progress
from openmains.domain.command.kinds import CONFIGURATION, Kind, KindRule
from openmains.domain.command.order import settings_of, slot_of
from openmains.edges.postgres.db import Connection, Pool

RUNNING = """
SELECT b.batch_id, b.tenant_id, b.kind, b.params, b.validity_s, b.groups, b.hold_s, b.failure_limit_ppm, b.total, b.released,
       b.created_by, b.group_from, b.judge_from,
       count(*) FILTER (WHERE c.state = 'confirmed') AS confirmed,
       count(*) FILTER (WHERE c.state IN ('failed', 'expired')) AS failed,
       count(*) FILTER (WHERE c.state = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE c.state IN ('failed', 'expired') AND c.place >= greatest(b.group_from, b.judge_from)) AS group_failed,
       coalesce(max(c.ended_us), 0) AS ended_us
  FROM command_batch b LEFT JOIN command c ON c.batch_id = b.batch_id
 WHERE b.state = 'running' GROUP BY b.batch_id ORDER BY b.batch_id
"""
NEXT = """
SELECT x.place, x.meter_id, coalesce(x.params, b.params) AS params, s.reported, b.unique_key,
       extract(epoch FROM b.created_at)::bigint AS created_s, coalesce(p.settings ->> 'channel', 'direct') AS channel
  FROM command_batch b
  JOIN command_batch_meter x USING (batch_id)
  JOIN meter m ON m.meter_id = x.meter_id
  JOIN product p USING (product_id)
  LEFT JOIN meter_shadow s ON s.meter_id = x.meter_id
 WHERE b.batch_id = $1 AND x.place >= $2 AND x.place < $2 + $3 ORDER BY x.place
"""
DRAFT = """
WITH made AS (
  INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, slot, channel, unique_key, content, not_after,
                       batch_id, place, created_by, created_us)
  SELECT $1, u.meter_id, $2, u.params::jsonb, $3, $4, u.slot, u.channel, u.unique_key, u.content, u.not_after, $5, u.place,
         $6, $7
    FROM unnest($8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::bigint[], $15::int[])
      AS u(meter_id, params, slot, channel, unique_key, content, not_after, place)
  ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING command_id)
INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor)
SELECT $1, command_id, $7, 'draft', 'drafted', 'batch' FROM made
"""


def batch_key(unique_key: str, place: int) -> str:
    """Unique key of a batch's command."""
    return f"batch:{unique_key}:{place}"


async def running(pool: Pool) -> list[RunningBatch]:
    """All running batches with their counts."""
    found = []
    for row in await pool.fetch(RUNNING):
        settled = row["confirmed"] + row["failed"] + row["cancelled"]
        progress = Progress(
            row["total"], row["released"], row["confirmed"], row["failed"], row["cancelled"],
            row["ended_us"] // 1_000_000 if settled >= row["released"] else 0,
            row["group_failed"], row["released"] - max(row["group_from"], row["judge_from"]),
        )  # fmt: skip
        plan = Plan(tuple(row["groups"]), row["hold_s"], row["failure_limit_ppm"])
        found.append(
            RunningBatch(
                row["batch_id"],
                row["tenant_id"],
                Kind(row["kind"]),
                row["params"],
                row["validity_s"],
                plan,
                progress,
                row["created_by"],
            )
        )
    return found


async def touched(pool: Pool, tenant_id: int, since_us: int) -> tuple[int, int]:
    """(meters in use, meters given a configuration since) of a tenant."""
    meters = await pool.fetchval("SELECT count(*) FROM meter WHERE tenant_id = $1 AND removed_on IS NULL", tenant_id)
    changed = await pool.fetchval(
        "SELECT count(DISTINCT meter_id) FROM command WHERE tenant_id = $1 AND created_us >= $2 AND kind = ANY($3::text[])"
        " AND batch_id IS NOT NULL",
        tenant_id,
        since_us,
        sorted(CONFIGURATION),
    )
    return meters, changed


async def release(connection: Connection, batch: RunningBatch, count: int, rule: KindRule, now_us: int) -> int:
    """Drafts for the next ``count`` meters, what was known of each kept for the inverse; repeatable, in one transaction."""
    first = await connection.fetchval(
        "SELECT released FROM command_batch WHERE batch_id = $1 AND state = 'running' FOR UPDATE", batch.batch_id
    )
    if first is None or first != batch.progress.released:
        return 0  # paused or released by another dispatcher meanwhile
    rows = await connection.fetch(NEXT, batch.batch_id, first, count)
    if not rows:
        return 0
    now = now_us // 1_000_000
    # a signed command's validity was authorised when the batch was made; a setting's begins with its release
    ends = [(row["created_s"] if rule.signed else now) + batch.validity_s for row in rows]
    await connection.execute(
        DRAFT, batch.tenant_id, batch.kind, int(rule.lane), int(rule.priority), batch.batch_id, batch.created_by, now_us,
        [row["meter_id"] for row in rows],
        [msgspec.json.encode(row["params"]).decode() for row in rows],
        [slot_of(batch.kind, row["params"]) if rule.replaces else "" for row in rows],
        [row["channel"] for row in rows],
        [batch_key(row["unique_key"], row["place"]) for row in rows],
        [content_of(row["meter_id"], batch.kind, row["params"]) for row in rows],
        ends,
        [row["place"] for row in rows],
    )  # fmt: skip
    before = [
        {name: row["reported"][name] for name in settings_of(row["params"]) if name in (row["reported"] or {})}
        for row in rows
    ]
    await connection.execute(
        "UPDATE command_batch_meter x SET before = u.before::jsonb FROM unnest($2::int[], $3::text[]) AS u(place, before)"
        " WHERE x.batch_id = $1 AND x.place = u.place",
        batch.batch_id,
        [row["place"] for row in rows],
        [msgspec.json.encode(value).decode() for value in before],
    )
    await connection.execute(
        "UPDATE command_batch SET group_from = released, released = released + $2 WHERE batch_id = $1",
        batch.batch_id,
        len(rows),
    )
    return len(rows)
