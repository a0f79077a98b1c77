# SPDX-License-Identifier: Apache-2.0
"""How fast what changed since a cursor is exported: rows from the store to lines of JSON, as the API sends them."""

import time

from openmains.app.readings.changes import ChangeCursor, Changes
from openmains.domain.ids import TenantId
from openmains.edges.clickhouse.changes import ClickHouseChanges
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.http.readings_changes import Lines
from openmains.edges.postgres.db import Pool, tenant_transaction
from openmains.edges.postgres.readings.changes import ChangeFactsOfTenant

ROWS = 2_000_000
BATCH = 3_000  # days of a batch of the pipeline
_FILL = """
INSERT INTO day_change (tenant_id, shard, seq, meter_id, day, version, product_id, base, total, flags, grid, slots, measured, received_s)
SELECT tenant_id, 0, 1 + intDiv(toUInt64(day) * 100000000 + meter_id, {batch:UInt64}), meter_id, day, version, product_id, base, total,
       flags, length(increments), slots, measured, received_s
  FROM meter_day WHERE tenant_id = {tenant:UInt32} ORDER BY day DESC, meter_id LIMIT {rows:UInt64}
SETTINGS max_partitions_per_insert_block = 0
"""


async def fill(clickhouse: ClickHouse, tenant_id: TenantId) -> None:
    """The newest days of the data set as if the pipeline had just written them; once."""
    known = await clickhouse.query(
        "SELECT count() FROM day_change WHERE tenant_id = {tenant:UInt32}", {"tenant": tenant_id}
    )
    if not known[0][0]:
        await clickhouse.command(_FILL, {"tenant": tenant_id, "batch": BATCH, "rows": ROWS})


async def exported(clickhouse: ClickHouse, api: Pool, tenant_id: TenantId) -> dict[str, float]:
    """Rows of one reader, once through all of them: a second, and a second of this process's processor time."""
    await fill(clickhouse, tenant_id)
    lines, cursor = Lines({}), ChangeCursor()
    changes = Changes(tenant_id, ClickHouseChanges(clickhouse), cursor, {0: 2**62})
    rows = 0
    started, spent = time.perf_counter(), time.process_time()
    async for page in changes.pages(ROWS):
        if wanted := lines.unknown(page):
            async with tenant_transaction(api, tenant_id) as connection:
                lines.learn(await ChangeFactsOfTenant(connection, tenant_id).numbers(wanted))
        lines.written(page)
        rows += len(page)
    return {
        "export_rows_per_s": round(rows / (time.perf_counter() - started)),
        "export_rows_per_cpu_s": round(rows / (time.process_time() - spent)),
    }
