# SPDX-License-Identifier: Apache-2.0
"""Names for the collection report, and the tenants it is made for."""

from collections.abc import Sequence

from openmains.app.readings.report.accuracy_model import ManualRead
from openmains.app.readings.report.collection import Area, Labels, MeterLabel, Product
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import zone
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.modes import modes_of, task_of
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class ReportLabels:
    """Works for all tenants: use a pool of the pipeline's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def labels(self, tenant_id: TenantId) -> Labels:
        of_tenant = {"tenant_id": tenant_id}
        key = await _QUERIES["zone_of_tenant"].fetchval(self._pool, **of_tenant)
        if key is None:
            raise LookupError(f"there is no tenant {tenant_id}")
        areas = await _QUERIES["area_labels"].fetch(self._pool, **of_tenant)
        return Labels(
            zone(key),
            {row["area_id"]: Area(row["code"], row["name"], row["parent_id"]) for row in areas},
            await self.products(tenant_id),
            await _QUERIES["set_aside"].fetchval(self._pool, **of_tenant),
            [task_of(row) for row in await _QUERIES["tasks"].fetch(self._pool, **of_tenant)],
        )

    async def products(self, tenant_id: TenantId) -> dict[int, Product]:
        rows = await _QUERIES["product_labels"].fetch(self._pool, tenant_id=tenant_id)
        return {
            row["product_id"]: Product(
                row["code"],
                row["name"],
                row["maker"],
                row["driver"],
                row["interval_s"],
                modes_of(row["report_mode"], row["report_mode_since"], row["report_mode_before"]),
                row["model"],
                row["medium"],
            )
            for row in rows
        }

    async def branches(self, tenant_id: TenantId, places: Sequence[int]) -> frozenset[int]:
        if not places:
            return frozenset(await _QUERIES["area_ids"].fetchval(self._pool, tenant_id=tenant_id))
        return frozenset(await _QUERIES["branch_ids"].fetchval(self._pool, tenant_id=tenant_id, places=places))

    async def meter_labels(self, tenant_id: TenantId, meter_ids: Sequence[MeterId]) -> dict[int, MeterLabel]:
        rows = await _QUERIES["meter_labels"].fetch(self._pool, tenant_id=tenant_id, meter_ids=meter_ids)
        return {row["meter_id"]: MeterLabel(row["number"], row["address"], row["last_seen_s"]) for row in rows}

    async def manual_reads(
        self, tenant_id: TenantId, start_s: int, end_s: int, after: tuple[int, int], limit: int
    ) -> list[ManualRead]:
        rows = await _QUERIES["manual_reads_of_span"].fetch(
            self._pool,
            tenant_id=tenant_id,
            start_s=start_s,
            end_s=end_s,
            after_s=after[0],
            after_id=after[1],
            most=limit,
        )
        return [ManualRead(*row) for row in rows]

    async def tenants(self) -> list[tuple[TenantId, str, int]]:
        """(tenant, zone, instant it was made in s) of all tenants."""
        rows = await _QUERIES["tenants"].fetch(self._pool)
        return [(row["tenant_id"], row["zone"], row["created_s"]) for row in rows]
