# SPDX-License-Identifier: Apache-2.0
"""Batches as the dispatcher leads them: which run, how far they are, the next group as drafts."""

import msgspec

from openmains.app.command.give import content_of
from openmains.app.command.ports import RunningBatch
from openmains.domain.command.batch import Plan, Progress
from openmains.domain.command.kinds import CONFIGURATION, Kind, KindRule
from openmains.domain.command.order import settings_of, slot_of
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection, Pool
from openmains.edges.postgres.queries import load

SQL = load(__package__)


def batch_key(unique_key: str, place: int) -> str:
    """Unique key of a batch's command."""
    return f"batch:{unique_key}:{place}"


async def running(pool: Pool) -> list[RunningBatch]:
    """All running batches with their counts."""
    found = []
    for row in await SQL["running_batches"].fetch(pool):
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


async def touched(pool: Pool, tenant_id: TenantId, since_us: int) -> tuple[int, int]:
    """(meters in use, meters given a configuration since) of a tenant."""
    meters = await SQL["meters_in_use"].fetchval(pool, tenant_id=tenant_id)
    changed = await SQL["touched"].fetchval(pool, tenant_id=tenant_id, since_us=since_us, kinds=sorted(CONFIGURATION))
    return meters, changed


async def release(connection: Connection, batch: RunningBatch, count: int, rule: KindRule, now_us: int) -> int:
    """Drafts for the next ``count`` meters, what was known of each kept for the inverse; repeatable, in one transaction."""
    first = await SQL["lock_batch"].fetchval(connection, batch_id=batch.batch_id)
    if first is None or first != batch.progress.released:
        return 0  # paused or released by another dispatcher meanwhile
    rows = await SQL["next_of_batch"].fetch(connection, batch_id=batch.batch_id, first=first, count=count)
    if not rows:
        return 0
    now = now_us // 1_000_000
    # a signed command's validity was authorised when the batch was made; a setting's begins with its release
    ends = [(row["created_s"] if rule.signed else now) + batch.validity_s for row in rows]
    await SQL["draft_of_batch"].execute(
        connection,
        tenant_id=batch.tenant_id,
        kind=batch.kind,
        lane=int(rule.lane),
        priority=int(rule.priority),
        batch_id=batch.batch_id,
        created_by=batch.created_by,
        now_us=now_us,
        meter_ids=[row["meter_id"] for row in rows],
        params=[msgspec.json.encode(row["params"]).decode() for row in rows],
        slots=[slot_of(batch.kind, row["params"]) for row in rows],
        channels=[row["channel"] for row in rows],
        unique_keys=[batch_key(row["unique_key"], row["place"]) for row in rows],
        contents=[content_of(row["meter_id"], batch.kind, row["params"]) for row in rows],
        ends=ends,
        places=[row["place"] for row in rows],
    )
    before = [
        {name: row["reported"][name] for name in settings_of(row["params"]) if name in (row["reported"] or {})}
        for row in rows
    ]
    await SQL["keep_before"].execute(
        connection,
        batch_id=batch.batch_id,
        places=[row["place"] for row in rows],
        before=[msgspec.json.encode(value).decode() for value in before],
    )
    await SQL["batch_released"].execute(connection, batch_id=batch.batch_id, count=len(rows))
    return len(rows)
