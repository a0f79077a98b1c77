# SPDX-License-Identifier: Apache-2.0
"""Composition of what work orders do by themselves, beside the worker's jobs: whoever is concerned is told of late ones, rules have the orders
that they ask for, and plans of safety inspections make the orders of their day."""

import asyncio

from openmains.app.work_order.by_rules import make_asked
from openmains.app.work_order.plans import make_due, tell_of_overdue
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.edges.postgres.work_order.inspections import PostgresOrderWork
from openmains.run.roles.process import Core, every, now_us

OVERDUE_EVERY_S = 30.0
ASKED_EVERY_S = 2.0
PLANS_EVERY_S = 600.0  # a plan begins its day so soon after midnight


async def run_orders(core: Core, stop: asyncio.Event) -> None:
    """Until ``stop``. Several processes may do it: orders are locked, and made once for their key."""
    store, care = PostgresStore(core.pool), PostgresOrderWork(core.pool)

    async def tell_late() -> None:
        await tell_of_overdue(store, care, now_us())

    async def make_for_rules() -> None:
        for tenant_id, zone_key in await care.with_asked():
            await make_asked(store, tenant_id, zone_key, now_us())

    async def make_planned() -> None:
        for tenant_id, zone_key in await care.with_plans():
            await make_due(store, tenant_id, zone_key, now_us())

    await asyncio.gather(
        every(OVERDUE_EVERY_S, "late work orders", tell_late, stop),
        every(ASKED_EVERY_S, "work orders of rules", make_for_rules, stop),
        every(PLANS_EVERY_S, "planned inspections", make_planned, stop),
    )
