# SPDX-License-Identifier: Apache-2.0
"""``ReachStore`` on one tenant's transaction."""

from openmains.domain.identity.reach import Reach
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class Reaches:
    """Within one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def unknown(self, reach: Reach) -> Reach:
        """See the port."""
        of_tenant = {"tenant_id": self._tenant_id}
        places = await _QUERIES["unknown_places"].fetch(self._connection, places=list(reach.places), **of_tenant)
        products = await _QUERIES["unknown_products"].fetch(
            self._connection, products=list(reach.products), **of_tenant
        )
        return Reach(tuple(row["place"] for row in places), (), tuple(row["product"] for row in products))
