# SPDX-License-Identifier: Apache-2.0
"""The demo utility's work orders: its administrator goes out, and a few things wait to be done. A second time changes nothing."""

import time

import asyncpg

from openmains.app.work_order.make import make_order
from openmains.app.work_order.model import NewOrder
from openmains.domain.ids import TenantId
from openmains.edges.postgres.queries import load
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.run.demo.chief import chief_of

_QUERIES = load(__package__)
KINDS = ("no_supply", "communication", "safety_inspection", "valve")


async def fill_orders(pool: asyncpg.Pool, tenant_id: TenantId) -> None:
    """Of the first meters, as a customer's report and by hand."""
    actor = await chief_of(pool, tenant_id)
    if actor is None:
        return
    await _QUERIES["goes_out"].execute(pool, tenant_id=tenant_id, user_id=actor.user_id)
    meters = await _QUERIES["first_meters"].fetch(pool, tenant_id=tenant_id, most=len(KINDS))
    store = PostgresStore(pool)
    for place, (kind, row) in enumerate(zip(KINDS, meters, strict=False)):
        known = await _QUERIES["order_is_there"].fetchval(pool, tenant_id=tenant_id, key=f"demo-order-{place}")
        if not known:
            wanted = NewOrder(
                f"demo-order-{place}", kind, source="customer" if place == 0 else "hand", meter_id=row["meter_id"]
            )
            await make_order(store, actor, wanted, time.time_ns() // 1000)
