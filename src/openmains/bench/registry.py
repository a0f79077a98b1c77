# SPDX-License-Identifier: Apache-2.0
"""A registry for measurements: one tenant with N water meters of the reference driver, made by SQL in seconds."""

from dataclasses import dataclass

import asyncpg
import numpy as np

from openmains.bench.load.frames import DailyReports
from openmains.domain.ids import TenantId

FIRST_IMEI = 860_000_000_000_000
AREAS = 50
CHUNK = 50_000

REGISTER = """
INSERT INTO meter (tenant_id, number, imei, product_id, area_id, address, dn, qmax_l_h, installed_on)
SELECT $1, to_char($4::bigint + i, 'FM000000000000'), $5::bigint + i, $2,
       ($3::int[])[1 + i % array_length($3::int[], 1)], 'Bench street ' || i, 15, 3125, date '2020-01-01'
  FROM generate_series($6::bigint, $7::bigint - 1) AS i
 ORDER BY i
ON CONFLICT DO NOTHING
"""
CHANGES = """
INSERT INTO identity_change (tenant_id, meter_id) SELECT tenant_id, meter_id FROM meter WHERE tenant_id = $1
"""


@dataclass(slots=True, frozen=True)
class BenchRegistry:
    """Where the meters are: IMEI ``first_imei + i`` and number ``i`` for i < count."""

    tenant_id: TenantId
    product_id: int
    first_imei: int
    count: int
    first_meter_id: int


async def register(owner_dsn: str, count: int, *, first_imei: int = FIRST_IMEI, code: str = "bench") -> BenchRegistry:
    """Register ``count`` meters; meters that exist already are kept."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        async with connection.transaction():
            tenant_id = await connection.fetchval(
                """INSERT INTO tenant (code, name) VALUES ($1, $1) ON CONFLICT (code) DO UPDATE SET name = excluded.name
                   RETURNING tenant_id""",
                code,
            )
            product_id = await connection.fetchval(
                """INSERT INTO product (tenant_id, code, name, maker, model, medium, driver, dial)
                   VALUES ($1, 'bench-water', 'bench', 'OpenMains', 'water-1', 'water', 'openmains/water-1', 99999999)
                   ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name RETURNING product_id""",
                tenant_id,
            )
            areas = [
                await connection.fetchval(
                    """INSERT INTO area (tenant_id, code, name) VALUES ($1, $2, $2)
                       ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name RETURNING area_id""",
                    tenant_id,
                    f"A{number:03d}",
                )
                for number in range(min(AREAS, count))
            ]
            await connection.execute(REGISTER, tenant_id, product_id, areas, 0, first_imei, 0, count, timeout=900)
            await connection.execute(CHANGES, tenant_id, timeout=300)
        await connection.execute("ANALYZE meter", timeout=300)
        first = await connection.fetchval("SELECT min(meter_id) FROM meter WHERE tenant_id = $1", tenant_id)
        last = await connection.fetchval("SELECT max(meter_id) FROM meter WHERE tenant_id = $1", tenant_id)
    finally:
        await connection.close()
    if last - first + 1 != count:
        raise RuntimeError(f"the bench tenant holds other meters than these {count}; use a fresh directory")
    return BenchRegistry(tenant_id, product_id, first_imei, count, first)


async def remember(owner_dsn: str, registry: BenchRegistry, day: int) -> None:
    """Give each meter the state it has after reporting every day before ``day``: meters in service, not new ones."""
    reports = DailyReports()
    connection = await asyncpg.connect(owner_dsn)
    try:
        for first in range(0, registry.count, CHUNK):
            index = np.arange(first, min(first + CHUNK, registry.count), dtype=np.int64)
            closes = np.stack([reports.base(index, np.full(len(index), day - back)) for back in range(8)], axis=1)
            at = reports.start_of(day)
            records = [
                (registry.first_meter_id + first + row, registry.tenant_id, values[0], at, day, values)
                for row, values in enumerate(closes.tolist())
            ]
            await connection.copy_records_to_table(
                "meter_state",
                records=records,
                columns=("meter_id", "tenant_id", "register", "register_at", "close_day", "closes"),
                timeout=300,
            )
        await connection.execute("ANALYZE meter_state", timeout=300)
    finally:
        await connection.close()
