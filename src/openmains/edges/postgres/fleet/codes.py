# SPDX-License-Identifier: Apache-2.0
"""Products and areas by the code people know them by."""

from openmains.domain.ids import AreaId, ProductId, TenantId
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class Codes:
    """Use a pool of the pipeline's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def product(self, tenant_id: TenantId, code: str) -> ProductId | None:
        """None: the tenant has no such product."""
        found: ProductId | None = await _QUERIES["product_of_code"].fetchval(self._pool, tenant_id=tenant_id, code=code)
        return found

    async def area(self, tenant_id: TenantId, code: str) -> AreaId | None:
        """None: the tenant has no such area."""
        found: AreaId | None = await _QUERIES["area_of_code"].fetchval(self._pool, tenant_id=tenant_id, code=code)
        return found
