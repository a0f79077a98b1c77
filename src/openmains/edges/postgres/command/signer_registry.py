# SPDX-License-Identifier: Apache-2.0
"""``Registry`` of the signer: the few columns it may read, as role openmains_signer."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from openmains.app.command.signer.ports import RegistryAwayError
from openmains.domain.command.safety import OFFICE_HOURS, MeterFacts, OfficeHours
from openmains.edges.postgres.db import SIGNER_ROLE, Pool, Row, create_pool

FACTS = """
SELECT m.meter_id, m.tenant_id, m.area_id, m.product_id, p.driver, m.removed_on IS NOT NULL, coalesce(c.is_protected, false),
       coalesce(c.is_critical, false), coalesce((p.settings ->> 'prepaid')::boolean, false), s.balance
  FROM meter m JOIN product p USING (product_id)
  LEFT JOIN customer c ON c.customer_id = m.customer_id
  LEFT JOIN meter_state s ON s.meter_id = m.meter_id
 WHERE m.tenant_id = $1 AND m.meter_id = ANY($2::bigint[])
"""
SIZES_EVERY_S = 60.0


class SignerRegistry:
    """Connects when it is first asked, for the signer must answer 'stopped' before any database does. Whatever goes wrong
    is ``RegistryAwayError``."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._sizes: tuple[float, dict[tuple[int, int], int]] | None = None

    async def close(self) -> None:
        """Close the pool."""
        if self._pool is not None:
            await self._pool.close()

    async def _fetch(self, sql: str, *values: Any) -> list[Row]:
        try:
            async with self._opening:
                if self._pool is None:
                    self._pool = await create_pool(
                        self._dsn, role=SIGNER_ROLE, max_size=2, command_timeout_s=10, application="openmains-signer"
                    )
            rows: list[Row] = await self._pool.fetch(sql, *values)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise RegistryAwayError from error
        return rows

    async def facts(self, tenant_id: int, meter_ids: Sequence[int]) -> dict[int, MeterFacts]:
        rows = await self._fetch(FACTS, tenant_id, list(meter_ids))
        return {row[0]: MeterFacts(*row) for row in rows}

    async def zone(self, tenant_id: int) -> str:
        rows = await self._fetch("SELECT zone FROM tenant WHERE tenant_id = $1", tenant_id)
        return str(rows[0][0]) if rows else "Asia/Shanghai"

    async def office(self, tenant_id: int) -> OfficeHours:
        rows = await self._fetch(
            "SELECT office_from, office_to, office_days FROM command_policy WHERE tenant_id = $1", tenant_id
        )
        return OfficeHours(rows[0][0], rows[0][1], frozenset(rows[0][2])) if rows else OFFICE_HOURS

    async def sizes(self, tenant_id: int) -> tuple[int, int, Mapping[int, int]]:
        now = time.monotonic()
        if self._sizes is None or now - self._sizes[0] > SIZES_EVERY_S:
            rows = await self._fetch(
                "SELECT tenant_id, area_id, count(*) FROM meter WHERE removed_on IS NULL GROUP BY tenant_id, area_id"
            )
            self._sizes = (now, {(row[0], row[1]): row[2] for row in rows})
        counts = self._sizes[1]
        mine = {area: count for (tenant, area), count in counts.items() if tenant == tenant_id}
        return sum(counts.values()), sum(mine.values()), mine
