# SPDX-License-Identifier: Apache-2.0
"""Price sets under the numbers that meters know them by."""

from openmains.app.tariff.model import ConfirmedPrice, MeterPriceNumber
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import utc_of_us
from openmains.domain.tariff.meter_price import MeterPrice, Rounding
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class MeterPrices:
    """``MeterPriceStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def number(
        self, plan_id: int, persons: int, households: int, rounding: Rounding, price: MeterPrice, now_us: int
    ) -> int | None:
        await _QUERIES["lock_price_numbers"].execute(self._connection, tenant_id=self._tenant_id)
        found: int | None = await _QUERIES["price_number"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            plan_id=plan_id,
            persons=persons,
            households=households,
            rounding=rounding.value,
            tier_from=list(price.tier_from),
            prices=list(price.prices),
            now_us=now_us,
        )
        return found

    async def of_number(self, number: int) -> MeterPriceNumber | None:
        rows = await _QUERIES["meter_prices"].fetch(self._connection, tenant_id=self._tenant_id, numbers=[number])
        return MeterPriceNumber(**{**rows[0], "rounding": Rounding(rows[0]["rounding"])}) if rows else None

    async def confirmed(self, meter_id: MeterId) -> ConfirmedPrice | None:
        row = await _QUERIES["confirmed_price"].fetchrow(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        if row is None:
            return None
        confirmed, deferred = row["confirmed"], row["deferred"]
        return ConfirmedPrice(
            meter_id=meter_id,
            confirmed=confirmed,
            deferred=deferred,
            reported_at=None if confirmed is None and deferred is None else utc_of_us(row["reported_us"]),
            known=None if confirmed is None else await self.of_number(confirmed),
            known_deferred=None if deferred is None else await self.of_number(deferred),
        )
