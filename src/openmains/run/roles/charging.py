# SPDX-License-Identifier: Apache-2.0
"""Composition of charging, beside the worker's jobs: what was read is deducted at the server, some seconds after it came, and whose balance
falls is warned; what meters deduct by themselves is worked out again."""

import asyncio
from collections.abc import Sequence

from openmains.app.arrears.warn import tell_balances
from openmains.app.billing.decide import Plans
from openmains.app.billing.deduct import DeductSources, deduct_turn
from openmains.app.billing.deductions import Deducted, ToDeduct, deduct_many
from openmains.app.billing.mirror import MirrorSources, mirror_many, mirror_turn
from openmains.app.billing.mirror_ports import Registers
from openmains.app.billing.mirroring import Mirrored, ToMirror
from openmains.domain.tariff.meter_deduction import MeterDeduction
from openmains.drivers.catalog import Catalog
from openmains.edges.clickhouse.balances import ClickHouseBalances
from openmains.edges.clickhouse.billed_days import BilledDays
from openmains.edges.clickhouse.changes import ClickHouseChanges
from openmains.edges.jobs.processes import Elsewhere
from openmains.edges.postgres.billing.mirror import PostgresMirrorWork
from openmains.edges.postgres.billing.server import PostgresServerWork
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.run.roles.process import Core, every, now_us
from openmains.run.settings import Settings

DEDUCT_EVERY_S, MIRROR_EVERY_S = 20.0, 60.0


async def run_charging(
    settings: Settings, core: Core, drivers: Catalog, elsewhere: Elsewhere, stop: asyncio.Event
) -> None:
    """Until ``stop``. Several processes may do it: one at a time deducts, and one mirrors, for a utility."""
    work = PostgresServerWork(core.pool)
    pool = await create_pool(settings.urls().postgres_api, max_size=3, application="openmains charging")

    async def deduct(accounts: Sequence[ToDeduct], plans: Plans) -> list[Deducted]:
        return await elsewhere.call(deduct_many, accounts, plans)

    def rule_of(driver: str) -> MeterDeduction | None:
        return drivers.driver(driver).deduction if driver in drivers else None

    async def mirror(meters: Sequence[tuple[ToMirror, Registers]]) -> list[Mirrored]:
        return await elsewhere.call(mirror_many, meters)

    unit_of, changes = drivers.exponents.__getitem__, ClickHouseChanges(core.clickhouse)
    sources = DeductSources(BilledDays(core.clickhouse), changes, unit_of, deduct)
    mirrored = MirrorSources(ClickHouseBalances(core.clickhouse), changes, unit_of, rule_of, mirror)

    async def turn() -> None:
        tenants = await work.charging()
        await deduct_turn(PostgresStore(pool), sources, tenants, now_us())
        await tell_balances(PostgresStore(pool), tenants, now_us())

    async def mirror_all() -> None:
        tenants = await PostgresMirrorWork(core.pool).mirroring()
        await mirror_turn(PostgresStore(pool), mirrored, tenants, now_us())

    try:
        await asyncio.gather(
            every(DEDUCT_EVERY_S, "deductions", turn, stop), every(MIRROR_EVERY_S, "mirror", mirror_all, stop)
        )
    finally:
        await pool.close()
