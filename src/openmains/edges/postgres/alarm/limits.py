# SPDX-License-Identifier: Apache-2.0
"""Limits of quantities as the API reads and sets them."""

from collections.abc import Sequence

from openmains.app.alarm.model import QuantityLimit
from openmains.domain.alarm.limits import Side
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


def _limits(rows: Sequence[Row]) -> list[QuantityLimit]:
    return [QuantityLimit(**dict(row)) for row in rows]


class Limits:
    """``LimitStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def of_product(self, product_id: ProductId) -> list[QuantityLimit]:
        query = _QUERIES["limits_of_product"]
        return _limits(await query.fetch(self._connection, tenant_id=self._tenant_id, product_id=product_id))

    async def of_device(self, meter_id: MeterId) -> list[QuantityLimit]:
        query = _QUERIES["limits_of_device"]
        return _limits(await query.fetch(self._connection, tenant_id=self._tenant_id, meter_id=meter_id))

    async def beyond(self, meter_ids: Sequence[MeterId]) -> dict[int, dict[str, Side]]:
        rows = await _QUERIES["beyond_limits"].fetch(
            self._connection, tenant_id=self._tenant_id, meter_ids=list(meter_ids)
        )
        found: dict[int, dict[str, Side]] = {}
        for row in rows:
            found.setdefault(row["meter_id"], {})[row["quantity"]] = Side(row["side"])
        return found

    async def set_of_product(self, product_id: ProductId, limits: Sequence[QuantityLimit], now_us: int) -> None:
        await _QUERIES["drop_limits_of_product"].execute(
            self._connection, tenant_id=self._tenant_id, product_id=product_id
        )
        await self._set(product_id, None, limits, now_us)

    async def set_of_device(self, meter_id: MeterId, limits: Sequence[QuantityLimit], now_us: int) -> None:
        await _QUERIES["drop_limits_of_device"].execute(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        await self._set(None, meter_id, limits, now_us)

    async def _set(
        self, product_id: ProductId | None, meter_id: MeterId | None, limits: Sequence[QuantityLimit], now_us: int
    ) -> None:
        whose = {"tenant_id": self._tenant_id, "product_id": product_id, "meter_id": meter_id}
        await _QUERIES["add_limits"].execute(
            self._connection,
            **whose,
            quantity=[limit.quantity for limit in limits],
            low=[limit.low for limit in limits],
            high=[limit.high for limit in limits],
            hysteresis=[limit.hysteresis for limit in limits],
            severity=[limit.severity for limit in limits],
        )
        await _QUERIES["end_unwatched"].execute(self._connection, **whose, now_us=now_us)
        await _QUERIES["forget_unwatched"].execute(self._connection, **whose)
