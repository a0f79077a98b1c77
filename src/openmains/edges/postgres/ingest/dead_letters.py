# SPDX-License-Identifier: Apache-2.0
"""Messages that could not be used. A payload is at most 512 bytes, so a page carries it as hexadecimal text."""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from openmains.app.ingest.model import DeadLetter, DeadLetterStatus
from openmains.domain.ids import MeterId, ProductId, TenantId, UserId
from openmains.edges.postgres.db import Connection, Row

_COLUMNS = """
  SELECT dead_letter_id, meter_id, product_id, channel, path, received_us, payload, reason, byte_offset, detail, status,
         handled_by, handled_at FROM dead_letter
"""


def _dead_letter(row: Row) -> DeadLetter:
    values = dict(row)
    values["received_at"] = datetime.fromtimestamp(values.pop("received_us") / 1_000_000, UTC)
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
        rows = await self._connection.fetch(
            f"{_COLUMNS} WHERE tenant_id = $1 AND ($2::bigint IS NULL OR dead_letter_id < $2)"
            " AND ($3::text IS NULL OR status = $3) AND ($4::text IS NULL OR reason = $4)"
            " AND ($5::bigint IS NULL OR meter_id = $5) AND ($6::int IS NULL OR product_id = $6)"
            " ORDER BY dead_letter_id DESC LIMIT $7",
            self._tenant_id,
            after,
            status,
            reason,
            meter_id,
            product_id,
            limit,
        )
        return [_dead_letter(row) for row in rows]

    async def take(self, ids: Sequence[int]) -> list[DeadLetter]:
        rows = await self._connection.fetch(
            f"{_COLUMNS} WHERE tenant_id = $1 AND dead_letter_id = ANY($2::bigint[]) AND status = 'open'"
            " ORDER BY dead_letter_id FOR UPDATE",
            self._tenant_id,
            list(ids),
        )
        # A meter registered under the wrong product was mended by giving it the right one: read it as that.
        meters = await self._connection.fetch(
            "SELECT meter_id, product_id FROM meter WHERE tenant_id = $1 AND meter_id = ANY($2::bigint[])",
            self._tenant_id,
            [row["meter_id"] for row in rows],
        )
        products = {row["meter_id"]: row["product_id"] for row in meters}
        letters = [_dead_letter(row) for row in rows]
        return [replace(item, product_id=products.get(item.meter_id, item.product_id)) for item in letters]

    async def mark(self, ids: Sequence[int], status: DeadLetterStatus, user_id: UserId) -> None:
        await self._connection.execute(
            "UPDATE dead_letter SET status = $3, handled_by = $4, handled_at = now()"
            " WHERE tenant_id = $1 AND dead_letter_id = ANY($2::bigint[])",
            self._tenant_id,
            list(ids),
            status,
            user_id,
        )
