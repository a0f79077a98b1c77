# SPDX-License-Identifier: Apache-2.0
"""The job ``arrears`` of each day, once for each utility; and payments, which are followed at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from openmains.app.arrears.nightly import run_day
from openmains.app.arrears.ports import ArrearsStore, WarningStore
from openmains.app.command.driver import CommandDrivers
from openmains.app.job.ports import Handler, JobContext, JobQueue
from openmains.app.unit_of_work import Store
from openmains.domain.ids import TenantId
from openmains.domain.period import day_text, zone

ARREARS = "arrears"
BEGINS_AT_HOUR = 8  # local: who is warned is warned by day, and proposals wait when people come


async def queue_arrears(queue: JobQueue, tenants: Sequence[tuple[TenantId, str]], now: float) -> int:
    """Queue today's, exactly one for each utility; a day on which the program was off is not made up for."""
    queued = 0
    for tenant_id, zone_key in tenants:
        place = zone(zone_key)
        day = place.day_of(int(now))
        if now < place.at(day, BEGINS_AT_HOUR):
            continue
        text = day_text(day)
        params = {"day": text, "zone": zone_key}
        found = await queue.enqueue(tenant_id, ARREARS, params, now=now, unique_key=f"{ARREARS}:{text}")
        queued += found is not None
    return queued


def arrears_handlers(store: Store, drivers: CommandDrivers, now_us: Callable[[], int]) -> dict[str, Handler]:
    """Handler by job kind. It looks at the day that it is when it runs: what was due yesterday is due today, or not any more."""

    async def arrears(context: JobContext) -> Mapping[str, Any]:
        now = now_us()
        today = zone(context.job.params["zone"]).day_of(now // 1_000_000)
        done = await run_day(store, drivers, context.job.tenant_id, today, now)
        return {"day": day_text(today), "warnings": done.warnings, "closings": done.closings}

    return {ARREARS: arrears}


async def follow_payments(store: Store, tenants: Sequence[tuple[TenantId, str]], now_us: int) -> int:
    """Whatever door a payment came by: closings that wait end, and reopenings are proposed; how many."""
    followed = 0
    for tenant_id, zone_key in tenants:
        today = zone(zone_key).day_of(now_us // 1_000_000)
        async with store.tenant(tenant_id) as work:
            await work[ArrearsStore].lock_day()
            followed += await work[ArrearsStore].follow_payments(today, now_us)
            await work[WarningStore].call_back(today)
    return followed
