# SPDX-License-Identifier: Apache-2.0
"""``CodeNotices`` on one tenant's transaction."""

import msgspec

from openmains.app.notice.codes import SealedCode
from openmains.domain.ids import CustomerId, TenantId
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "codes.sql")


class Codes:
    """``CodeNotices``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def channel(self) -> int | None:
        found: int | None = await _QUERIES["code_channel"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found

    async def add(self, key: str, customer_id: CustomerId, channel_id: int, facts: SealedCode, now_us: int) -> None:
        await _QUERIES["add_code_notice"].execute(
            self._connection, tenant_id=self._tenant_id, key=key, customer_id=customer_id, channel_id=channel_id,
            facts=msgspec.to_builtins(facts), now_us=now_us,
        )  # fmt: skip
