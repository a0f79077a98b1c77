# SPDX-License-Identifier: Apache-2.0
"""``InsertMeters``: meters by number, and the grids of products. Works for all tenants: use a pool of the pipeline's role."""

from collections.abc import Mapping, Sequence

from openmains.app.readings.manual.model import ReadMeter
from openmains.domain.ids import ProductId, TenantId
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_MANUAL = load(__package__, "manual.sql")
_QUERIES = load(__package__)


class PostgresInsertMeters:
    """Each question in a transaction of its own."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def meters(self, tenant_id: TenantId, numbers: Sequence[str]) -> list[ReadMeter]:
        rows = await _MANUAL["read_meters"].fetch(
            self._pool, tenant_id=tenant_id, numbers=list(numbers), bar_codes=[], meter_ids=[]
        )
        return [ReadMeter(**dict(row)) for row in rows]

    async def grids(self, tenant_id: TenantId) -> Mapping[ProductId, int]:
        rows = await _QUERIES["product_labels"].fetch(self._pool, tenant_id=tenant_id)
        return {ProductId(row["product_id"]): row["interval_s"] for row in rows}
