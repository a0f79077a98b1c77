# SPDX-License-Identifier: Apache-2.0
"""Default configurations as drafts (``app/command/onboard.py``); who waits for one was noted by a trigger (migration 0008)."""

import msgspec

from openmains.app.command.give import content_of
from openmains.app.command.onboard import default_key
from openmains.domain.command.kinds import Kind, rule_for
from openmains.domain.command.order import slot_of
from openmains.edges.postgres.command.times import read_times
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

SQL = load(__package__)


async def draft_defaults(connection: Connection, now_us: int, limit: int) -> int:
    """Within the caller's transaction; how many were drafted."""
    rows = await SQL["take_onboarding"].fetch(connection, most=limit)
    if not rows:
        return 0
    times = await read_times(connection)
    rules = [rule_for(times, Kind.SET_PARAMETERS, row["tenant_id"], row["product_id"]) for row in rows]
    params = [{"values": row["defaults"]} for row in rows]
    meters = [row["meter_id"] for row in rows]
    made = await SQL["draft_defaults"].fetchval(
        connection,
        kind=Kind.SET_PARAMETERS,
        lane=int(rules[0].lane),
        priority=int(rules[0].priority),
        now_us=now_us,
        tenant_ids=[row["tenant_id"] for row in rows],
        meter_ids=meters,
        params=[msgspec.json.encode(item).decode() for item in params],
        slots=[slot_of(Kind.SET_PARAMETERS, item) for item in params],
        channels=[row["channel"] for row in rows],
        unique_keys=[default_key(row["meter_id"], row["defaults"]) for row in rows],
        contents=[
            content_of(meter_id, Kind.SET_PARAMETERS, item) for meter_id, item in zip(meters, params, strict=True)
        ],
        ends=[now_us // 1_000_000 + rule.validity_s for rule in rules],
    )
    return int(made)
