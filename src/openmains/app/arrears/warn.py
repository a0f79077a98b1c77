# SPDX-License-Identifier: Apache-2.0
"""Warnings reach the customer: of arrears, once for each step of the day's work, and of a balance at the server that falls, once for each stage
of a crossing. Each is a notice to the customer's own phone, written in the transaction that makes the step or reads the stage; the loop of
notices sends it, from 8 to 21 o'clock, and its log tells what became of it. What cannot be sent – no customer, no phone, no channel – is in
the log as failed, and is not tried again by itself: a stage is told once.

What still waits when the debt is paid, at night or behind a slow channel, is called back.
"""

from collections.abc import Sequence

from openmains.app.arrears.ports import WarningStore
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import TenantId
from openmains.domain.period import zone


async def tell_warnings(work: Work, day: int, now_us: int) -> int:
    """Of the steps that were made on this day at this instant; how many notices."""
    return await work[WarningStore].tell_warnings(await work[WarningStore].channel(), day, now_us)


async def tell_balances(store: Store, tenants: Sequence[tuple[TenantId, str]], now_us: int) -> int:
    """Of balances that fell since the last turn; what is not true any more is called back. How many notices were made."""
    told = 0
    for tenant_id, zone_key in tenants:
        today = zone(zone_key).day_of(now_us // 1_000_000)
        async with store.tenant(tenant_id) as work:
            warnings = work[WarningStore]
            told += await warnings.tell_balances(await warnings.channel(), now_us)
            await warnings.call_back(today)
    return told
