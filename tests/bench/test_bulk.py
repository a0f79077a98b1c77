# SPDX-License-Identifier: Apache-2.0
"""``bench query``'s part in bulk, small: its keys are there, and the memory of an export does not grow with its length."""

from openmains.bench import bulk
from openmains.domain.ids import TenantId
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.postgres.db import API_ROLE, create_pool
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.run.engines.engines import Engines

TENANT = TenantId(900_001)
DAY = 20_300
METERS = 700  # 11 pieces of an export, a million values
BOUND_MB = 200  # of the engine's own caches; the values of a piece are 100,000, of all pieces a million


async def test_an_export_holds_one_piece_in_memory(engines: Engines, clickhouse: ClickHouse) -> None:
    pool = await create_pool(engines.urls.postgres_api, role=API_ROLE)
    try:
        await bulk.build_series(clickhouse, TENANT, METERS, DAY)
        figures = await bulk.measure(PostgresStore(pool), clickhouse, TENANT, METERS, DAY, 5)
    finally:
        await pool.close()
    print(figures)
    assert figures["values_exported"] == METERS * bulk.DAYS * 48
    assert figures["values_growth_mb"] < BOUND_MB
    assert figures["bytes_per_value"] < 2.5 and figures["registers_at_meters"] == 0
    assert figures["zone_month_p95_ms"] > 0
