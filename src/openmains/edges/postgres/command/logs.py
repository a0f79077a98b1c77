# SPDX-License-Identifier: Apache-2.0
"""Pulled logs: those with lost parts, further pulls as drafts, and all pulls of one log (``app/command/log_pull.py``)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from openmains.app.command.give import content_of
from openmains.app.command.log_pull import part_of
from openmains.app.command.ports import LogAgain, LostLog
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.command.log_pull import Pull
from openmains.edges.postgres.db import Connection, Pool, Row

# The heads of the parts ('0/3') are counted first: few logs lose parts, and only their text is read. An entry 'ask_again' or
# 'log_incomplete' in its history says that a log was dealt with.
INCOMPLETE = """
SELECT c.command_id, c.tenant_id, m.product_id, c.unique_key, c.params, c.not_after - c.created_us / 1000000 AS validity_s
  FROM command c JOIN meter m USING (meter_id)
  CROSS JOIN LATERAL (
    SELECT count(DISTINCT split_part(h.head, '/', 1)) AS came, coalesce(max(split_part(h.head, '/', 2)::int), 1) AS total
      FROM (SELECT split_part(e.detail, E'\\n', 1) AS head FROM command_event e
             WHERE e.command_id = c.command_id AND e.event = 'log') h) p
 WHERE c.kind = 'log_pull' AND c.state = 'confirmed' AND c.ended_us > $1 AND c.ended_us <= $2 AND m.removed_on IS NULL
   AND p.came < p.total
   AND NOT EXISTS (SELECT FROM command_event e WHERE e.command_id = c.command_id
                    AND e.event IN ('ask_again', 'log_incomplete'))
 ORDER BY c.ended_us LIMIT $3
"""
PARTS = """
SELECT command_id, detail FROM command_event WHERE command_id = ANY($1::bigint[]) AND event = 'log' ORDER BY event_id
"""
LOCK = "SELECT command_id, meter_id FROM command WHERE command_id = ANY($1::bigint[]) ORDER BY command_id FOR UPDATE"
DEALT_WITH = """
SELECT command_id FROM command_event WHERE command_id = ANY($1::bigint[]) AND event IN ('ask_again', 'log_incomplete')
"""
# What a meter and its person are comes from the pull before. A key that is taken is somebody's further pull already.
DRAFT = """
WITH made AS (
  INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, channel, unique_key, content, not_after, created_by,
                       created_us)
  SELECT c.tenant_id, c.meter_id, c.kind, u.params::jsonb, $1, $2, c.channel, u.unique_key, u.content, u.not_after, c.created_by, $3
    FROM unnest($4::bigint[], $5::text[], $6::text[], $7::bytea[], $8::bigint[])
      AS u(command_id, params, unique_key, content, not_after)
    JOIN command c USING (command_id)
  ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING command_id, tenant_id, unique_key),
noted AS (
  INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor)
  SELECT tenant_id, command_id, $3, 'draft', 'drafted', 'platform' FROM made)
SELECT command_id, unique_key FROM made
"""
NOTE = """
INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor, detail)
SELECT c.tenant_id, c.command_id, $1, u.event, c.state, 'platform', u.detail
  FROM unnest($2::bigint[], $3::text[], $4::text[]) AS u(command_id, event, detail) JOIN command c USING (command_id)
"""
CHAIN = """
WITH RECURSIVE chain AS (
  SELECT command_id, tenant_id, meter_id, params FROM command
   WHERE tenant_id = $1 AND command_id = $2 AND kind = 'log_pull'
  UNION ALL
  SELECT k.command_id, k.tenant_id, k.meter_id, k.params
    FROM chain c JOIN command_event e ON e.command_id = c.command_id AND e.event = 'ask_again'
    JOIN command k ON k.command_id = e.detail::bigint AND k.tenant_id = c.tenant_id AND k.meter_id = c.meter_id
     AND k.command_id > c.command_id)
SELECT command_id, params FROM chain ORDER BY command_id
"""


async def incomplete(pool: Pool, since_us: int, until_us: int, limit: int) -> list[LostLog]:
    """Confirmed pulls that ended within (since, until] with parts lost, and with which nothing was done yet."""
    rows = await pool.fetch(INCOMPLETE, since_us, until_us, limit)
    parts = _parts(await pool.fetch(PARTS, [row["command_id"] for row in rows]) if rows else [])
    return [
        LostLog(
            row["command_id"], row["tenant_id"], row["product_id"], row["unique_key"],
            max(60, row["validity_s"]), _pull(row["params"], parts.get(row["command_id"], ())),
        )
        for row in rows
    ]  # fmt: skip


async def pull_again(connection: Connection, asked: Sequence[LogAgain], now_us: int) -> int:
    """Within the caller's transaction; how many were drafted."""
    if not asked:
        return 0
    rule = RULES[Kind.LOG_PULL]
    ids = [item.command_id for item in asked]
    locked = await connection.fetch(LOCK, ids)
    done = {
        row[0] for row in await connection.fetch(DEALT_WITH, ids)
    }  # by another dispatcher, seen now that we hold the rows
    meters = {row["command_id"]: row["meter_id"] for row in locked if row["command_id"] not in done}
    asked = [item for item in asked if item.command_id in meters]
    if not asked:
        return 0
    wanted = [item for item in asked if item.unique_key]
    params = [{"since": item.since, "until": item.until} for item in wanted]
    rows = await connection.fetch(
        DRAFT, int(rule.lane), int(rule.priority), now_us,
        [item.command_id for item in wanted],
        [msgspec.json.encode(item).decode() for item in params],
        [item.unique_key for item in wanted],
        [content_of(meters[item.command_id], Kind.LOG_PULL, own) for item, own in zip(wanted, params, strict=True)],
        [item.not_after for item in wanted],
    )  # fmt: skip
    made = {row["unique_key"]: row["command_id"] for row in rows}
    notes = [
        (item.command_id, "ask_again", f"{made[item.unique_key]}")
        if item.unique_key in made
        else (item.command_id, "log_incomplete", f"{item.since}-{item.until}")
        for item in asked
    ]
    await connection.execute(NOTE, now_us, *[list(column) for column in zip(*notes, strict=True)])
    return len(made)


async def pulls(connection: Connection, tenant_id: int, command_id: int) -> list[Pull]:
    """A pull and those that asked for its lost parts, in the order they were given; empty: not a pull of the tenant's."""
    rows = await connection.fetch(CHAIN, tenant_id, command_id)
    parts = _parts(await connection.fetch(PARTS, [row["command_id"] for row in rows]))
    return [_pull(row["params"], parts.get(row["command_id"], ())) for row in rows]


def _parts(rows: Iterable[Row]) -> Mapping[int, list[tuple[int, int, str]]]:
    found: dict[int, list[tuple[int, int, str]]] = {}
    for row in rows:
        part = part_of(row["detail"])
        if part is not None:
            found.setdefault(row["command_id"], []).append(part)
    return found


def _pull(params: Mapping[str, Any], parts: Iterable[tuple[int, int, str]]) -> Pull:
    came = list(parts)
    since, until = params.get("since", 0), params.get("until", 2**32 - 1)
    return Pull(since, until, {part: text for part, _, text in came}, max((total for _, total, _ in came), default=0))
