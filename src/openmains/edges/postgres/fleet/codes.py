# SPDX-License-Identifier: Apache-2.0
"""Products and areas by the code people know them by."""

from openmains.domain.ids import AreaId, ProductId, TenantId
from openmains.edges.postgres.db import Pool

_PRODUCT = "SELECT product_id FROM product WHERE tenant_id = $1 AND code = $2"
_AREA = "SELECT area_id FROM area WHERE tenant_id = $1 AND code = $2"


class Codes:
    """Use a pool of the pipeline's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def product(self, tenant_id: TenantId, code: str) -> ProductId | None:
        """None: the tenant has no such product."""
        found: ProductId | None = await self._pool.fetchval(_PRODUCT, tenant_id, code)
        return found

    async def area(self, tenant_id: TenantId, code: str) -> AreaId | None:
        """None: the tenant has no such area."""
        found: AreaId | None = await self._pool.fetchval(_AREA, tenant_id, code)
        return found
