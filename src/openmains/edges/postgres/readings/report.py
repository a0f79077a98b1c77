# SPDX-License-Identifier: Apache-2.0
"""Names for the collection report, and the tenants it is made for."""

from collections.abc import Sequence

from openmains.app.readings.report.collection import Area, Labels, MeterLabel, Product
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import zone
from openmains.edges.postgres.db import Pool


class ReportLabels:
    """Works for all tenants: use a pool of the pipeline's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def labels(self, tenant_id: TenantId) -> Labels:
        key = await self._pool.fetchval("SELECT zone FROM tenant WHERE tenant_id = $1", tenant_id)
        if key is None:
            raise LookupError(f"there is no tenant {tenant_id}")
        areas = await self._pool.fetch("SELECT area_id, code, name FROM area WHERE tenant_id = $1", tenant_id)
        products = await self._pool.fetch(
            "SELECT product_id, code, name, maker, driver, interval_s FROM product WHERE tenant_id = $1", tenant_id
        )
        return Labels(
            zone(key),
            {row[0]: Area(row[1], row[2]) for row in areas},
            {row[0]: Product(row[1], row[2], row[3], row[4], row[5]) for row in products},
        )

    async def meter_labels(self, tenant_id: TenantId, meter_ids: Sequence[MeterId]) -> dict[int, MeterLabel]:
        rows = await self._pool.fetch(
            "SELECT m.meter_id, m.number, m.address, s.last_seen_us / 1000000 FROM meter m "
            "LEFT JOIN meter_state s USING (meter_id) WHERE m.meter_id = ANY ($1::bigint[]) AND m.tenant_id = $2",
            list(meter_ids),
            tenant_id,
        )
        return {row[0]: MeterLabel(row[1], row[2], row[3]) for row in rows}

    async def tenants(self) -> list[tuple[TenantId, str, int]]:
        """(tenant, zone, instant it was made in s) of all tenants."""
        rows = await self._pool.fetch(
            "SELECT tenant_id, zone, extract(epoch FROM created_at)::bigint FROM tenant ORDER BY tenant_id"
        )
        return [(row[0], row[1], row[2]) for row in rows]
