# SPDX-License-Identifier: Apache-2.0
"""The demo utility's meters hang at accounts, and its warehouse holds some that wait to be installed."""

from datetime import UTC, datetime

import asyncpg

from openmains.app.fleet.lives.model import NewStockMeter
from openmains.app.fleet.lives.ports import ActNote
from openmains.app.fleet.wording import Wording
from openmains.domain.ids import AreaId, ProductId, TenantId
from openmains.edges.postgres.fleet.hang import hang_meters
from openmains.edges.postgres.fleet.lives import Lives
from openmains.edges.postgres.queries import load
from openmains.run.demo import town

IN_STOCK = 12  # of each product
FIRST_IN_STOCK = {"gas": 31_990_000_001, "water": 11_990_000_001}
_QUERIES = load(__package__)


async def fill_registry(pool: asyncpg.Pool, tenant_id: TenantId) -> None:
    """A second time changes nothing."""
    await _QUERIES["natural_gas"].execute(pool, tenant_id=tenant_id)
    await _QUERIES["verified_before"].execute(pool, tenant_id=tenant_id)
    while await hang_meters(pool):
        pass
    now = datetime.now(UTC)
    note = ActNote("demo-delivery", "receive", now, "", "", "delivery of the demo", "demo", None)
    for code, _, medium, _, _ in town.PRODUCTS:
        row = await _QUERIES["product_and_area"].fetchrow(pool, tenant_id=tenant_id, code=code, area=town.AREAS[0][0])
        assert row is not None  # noqa: S101 made by found_utility
        async with pool.acquire() as connection, connection.transaction():
            lives = Lives(connection, tenant_id, Wording())
            for place in range(IN_STOCK):
                number = str(FIRST_IN_STOCK[medium] + place)
                meter = NewStockMeter(
                    number,
                    ProductId(row["product_id"]),
                    AreaId(row["area_id"]),
                    f"OM{number}",
                    dn=15,
                    gas_kind="natural" if medium == "gas" else "",
                    verified_on=now.date(),
                )
                await lives.receive(meter, now.date(), note)
