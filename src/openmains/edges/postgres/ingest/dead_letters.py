# SPDX-License-Identifier: Apache-2.0
"""Messages that could not be used. A payload is at most 512 bytes, so a page carries it as hexadecimal text."""

from collections.abc import Sequence

from msgspec.structs import replace

from openmains.app.ingest.model import DeadLetter, DeadLetterStatus
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import MeterId, ProductId, TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__)
_LOCKED = extended(_QUERIES["held_dead_letters"], "FOR UPDATE OF d")


def _dead_letter(row: Row) -> DeadLetter:
    values = dict(row)
    values["received_at"] = utc_of_us(values.pop("received_us"))
    values["imei"] = None if values["imei"] is None else imei_text(values["imei"])
    values["payload_hex"] = values.pop("payload").hex()
    return DeadLetter(**values)


class DeadLetters:
    """``DeadLetterStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        status: DeadLetterStatus | None,
        reason: str | None,
        meter_id: MeterId | None,
        product_id: ProductId | None,
    ) -> list[DeadLetter]:
        rows = await _QUERIES["dead_letters_page"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            after=after,
            status=status,
            reason=reason,
            meter_id=meter_id,
            product_id=product_id,
            most=limit,
        )
        return [_dead_letter(row) for row in rows]

    async def lock_open(self, ids: Sequence[int]) -> list[DeadLetter]:
        rows = await _QUERIES["open_dead_letters"].fetch(self._connection, tenant_id=self._tenant_id, ids=ids)
        # A meter registered under the wrong product was mended by giving it the right one: read it as that.
        meters = await _QUERIES["products_of_meters"].fetch(
            self._connection, tenant_id=self._tenant_id, meter_ids=[row["meter_id"] for row in rows]
        )
        products = {row["meter_id"]: row["product_id"] for row in meters}
        letters = [_dead_letter(row) for row in rows]
        return [replace(item, product_id=products.get(item.meter_id, item.product_id)) for item in letters]

    async def held(self, meter_id: MeterId, number: int) -> list[DeadLetter]:
        return await self._held(_QUERIES["held_dead_letters"], meter_id, number)

    async def lock_held(self, meter_id: MeterId, number: int) -> list[DeadLetter]:
        return await self._held(_LOCKED, meter_id, number)

    async def _held(self, query: Query, meter_id: MeterId, number: int) -> list[DeadLetter]:
        rows = await query.fetch(self._connection, tenant_id=self._tenant_id, meter_id=meter_id, number=number)
        return [_dead_letter(row) for row in rows]

    async def mark(self, ids: Sequence[int], status: DeadLetterStatus, user_id: UserId) -> None:
        await _QUERIES["mark_dead_letters"].execute(
            self._connection, tenant_id=self._tenant_id, ids=ids, status=status, user_id=user_id
        )
