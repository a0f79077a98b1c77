# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL knows of changes: how far each shard is applied, and whose the days are."""

from collections.abc import Sequence

from openmains.domain.ids import MeterId, TenantId
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class ChangeFactsOfTenant:
    """``ChangeFacts`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def positions(self) -> dict[int, int]:
        rows = await _QUERIES["applied_positions"].fetch(self._connection)
        return {row["shard"]: row["position"] for row in rows}

    async def numbers(self, meter_ids: Sequence[MeterId]) -> dict[int, str]:
        rows = await _QUERIES["meter_numbers"].fetch(
            self._connection, tenant_id=self._tenant_id, meter_ids=list(meter_ids)
        )
        return {row["meter_id"]: row["number"] for row in rows}

    async def drivers(self) -> dict[int, str]:
        rows = await _QUERIES["product_labels"].fetch(self._connection, tenant_id=self._tenant_id)
        return {row["product_id"]: row["driver"] for row in rows}
