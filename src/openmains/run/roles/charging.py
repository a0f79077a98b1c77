# SPDX-License-Identifier: Apache-2.0
"""Composition of charging at the server, beside the worker's jobs: what was read is deducted, some seconds after it came,
and whose balance falls is warned."""

import asyncio
from collections.abc import Mapping, Sequence

from openmains.app.arrears.warn import tell_balances
from openmains.app.billing.decide import Plans
from openmains.app.billing.deduct import DeductSources, deduct_turn
from openmains.app.billing.deductions import Deducted, ToDeduct, deduct_many
from openmains.edges.clickhouse.billed_days import BilledDays
from openmains.edges.clickhouse.changes import ClickHouseChanges
from openmains.edges.jobs.processes import Elsewhere
from openmains.edges.postgres.billing.server import PostgresServerWork
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.run.roles.process import Core, every, now_us
from openmains.run.settings import Settings

DEDUCT_EVERY_S = 20.0


async def run_charging(
    settings: Settings, core: Core, exponents: Mapping[str, int], elsewhere: Elsewhere, stop: asyncio.Event
) -> None:
    """Until ``stop``. Several processes may do it: one at a time deducts for a utility."""
    work = PostgresServerWork(core.pool)
    pool = await create_pool(settings.urls().postgres_api, max_size=2, application="openmains charging")

    async def deduct(accounts: Sequence[ToDeduct], plans: Plans) -> list[Deducted]:
        return await elsewhere.call(deduct_many, accounts, plans)

    sources = DeductSources(
        BilledDays(core.clickhouse), ClickHouseChanges(core.clickhouse), exponents.__getitem__, deduct
    )

    async def turn() -> None:
        tenants = await work.charging()
        await deduct_turn(PostgresStore(pool), sources, tenants, now_us())
        await tell_balances(PostgresStore(pool), tenants, now_us())

    try:
        await every(DEDUCT_EVERY_S, "deductions", turn, stop)
    finally:
        await pool.close()
