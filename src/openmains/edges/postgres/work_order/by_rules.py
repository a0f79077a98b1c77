# SPDX-License-Identifier: Apache-2.0
"""``RuleOrderStore`` on one tenant's transaction. Role openmains_pipeline."""

from openmains.app.work_order.ports import RequestedOrder
from openmains.domain.ids import AlarmId, OrderId, TenantId
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "by_rules.sql")


class RuleOrders:
    """``RuleOrderStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def take(self, most: int) -> list[RequestedOrder]:
        rows = await _QUERIES["asked_orders"].fetch(self._connection, tenant_id=self._tenant_id, most=most)
        return [RequestedOrder(**row) for row in rows]

    async def decide(self, alarm_id: AlarmId, state: str, order_id: OrderId | None, said: str) -> None:
        await _QUERIES["decide_asked"].execute(
            self._connection, tenant_id=self._tenant_id, alarm_id=alarm_id, state=state, order_id=order_id, said=said
        )
