# SPDX-License-Identifier: Apache-2.0
"""Default configurations as drafts (``app/command/onboard.py``); who waits for one was noted by a trigger (migration 0008)."""

import msgspec

from openmains.app.command.give import content_of
from openmains.app.command.onboard import default_key
from openmains.app.command.work import times_of
from openmains.domain.command.kinds import Kind, rule_for
from openmains.domain.command.order import slot_of
from openmains.edges.postgres.db import Connection

# Taken and drafted in one transaction; a second dispatcher takes others.
TAKE = """
WITH taken AS (
  DELETE FROM command_onboarding WHERE meter_id IN
    (SELECT meter_id FROM command_onboarding ORDER BY meter_id LIMIT $1 FOR UPDATE SKIP LOCKED)
  RETURNING meter_id)
SELECT m.meter_id, m.tenant_id, m.product_id, coalesce(p.settings ->> 'channel', 'direct') AS channel,
       p.settings -> 'defaults' AS defaults
  FROM taken JOIN meter m USING (meter_id) JOIN product p USING (product_id)
 WHERE m.removed_on IS NULL AND jsonb_typeof(p.settings -> 'defaults') = 'object' AND p.settings -> 'defaults' <> '{}'::jsonb
 ORDER BY m.meter_id
"""
DRAFT = """
WITH made AS (
  INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, slot, channel, unique_key, content, not_after, created_us)
  SELECT u.tenant_id, u.meter_id, $1, u.params::jsonb, $2, $3, u.slot, u.channel, u.unique_key, u.content, u.not_after, $4
    FROM unnest($5::int[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[], $12::bigint[])
      AS u(tenant_id, meter_id, params, slot, channel, unique_key, content, not_after)
  ON CONFLICT (tenant_id, unique_key) DO NOTHING RETURNING command_id, tenant_id),
noted AS (
  INSERT INTO command_event (tenant_id, command_id, at_us, event, state, actor)
  SELECT tenant_id, command_id, $4, 'draft', 'drafted', 'onboarding' FROM made)
SELECT count(*) FROM made
"""


async def draft_defaults(connection: Connection, now_us: int, limit: int) -> int:
    """Within the caller's transaction; how many were drafted."""
    rows = await connection.fetch(TAKE, limit)
    if not rows:
        return 0
    settings = await connection.fetch(
        "SELECT tenant_id, product_id, kind, validity_s, attempts, pause_s FROM command_setting WHERE kind = $1",
        Kind.SET_PARAMETERS,
    )
    times = times_of([tuple(row) for row in settings])
    rules = [rule_for(times, Kind.SET_PARAMETERS, row["tenant_id"], row["product_id"]) for row in rows]
    params = [{"values": row["defaults"]} for row in rows]
    meters = [row["meter_id"] for row in rows]
    made = await connection.fetchval(
        DRAFT, Kind.SET_PARAMETERS, int(rules[0].lane), int(rules[0].priority), now_us,
        [row["tenant_id"] for row in rows],
        meters,
        [msgspec.json.encode(item).decode() for item in params],
        [slot_of(Kind.SET_PARAMETERS, item) for item in params],
        [row["channel"] for row in rows],
        [default_key(row["meter_id"], row["defaults"]) for row in rows],
        [content_of(meter_id, Kind.SET_PARAMETERS, item) for meter_id, item in zip(meters, params, strict=True)],
        [now_us // 1_000_000 + rule.validity_s for rule in rules],
    )  # fmt: skip
    return int(made)
