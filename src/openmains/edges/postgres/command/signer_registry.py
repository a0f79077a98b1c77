# SPDX-License-Identifier: Apache-2.0
"""``Registry`` of the signer: the few columns it may read, as role openmains_signer."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from openmains.app.command.signer.ports import RegistryAwayError
from openmains.domain.command.held_facts import HeldFacts, UtilityFacts
from openmains.domain.command.safety import OFFICE_HOURS, MeterFacts, OfficeHours
from openmains.domain.command.safety_closing import REPORT_COUNTS_S, REPORTING_EVENTS
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.postgres.db import SIGNER_ROLE, Pool, Row, create_pool
from openmains.edges.postgres.queries import Query, load

SQL = load(__package__, "signer.sql")
SIZES_EVERY_S = 60.0
UNNAMED = "?"  # commands were signed before their key had a name


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

    async def _fetch(self, query: Query, **values: Any) -> list[Row]:
        try:
            async with self._opening:
                if self._pool is None:
                    self._pool = await create_pool(
                        self._dsn, role=SIGNER_ROLE, max_size=2, command_timeout_s=10, application="openmains-signer"
                    )
            rows = await query.fetch(self._pool, **values)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise RegistryAwayError from error
        return rows

    async def facts(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], now: int) -> dict[int, MeterFacts]:
        rows = await self._fetch(
            SQL["facts"], tenant_id=tenant_id, meter_ids=list(meter_ids), reporting=list(REPORTING_EVENTS),
            since_us=(now - REPORT_COUNTS_S) * 1_000_000,
        )  # fmt: skip
        return {row["meter_id"]: MeterFacts(**row) for row in rows}

    async def all_facts(self, tenant_id: TenantId, after: MeterId, most: int) -> list[tuple[HeldFacts, bool]]:
        rows = await self._fetch(SQL["all_facts"], tenant_id=tenant_id, after=after, most=most)
        found = []
        for row in rows:
            values = dict(row)
            is_removed = values.pop("is_removed")
            found.append((HeldFacts(**values), is_removed))
        return found

    async def command_key(self) -> str:
        """Name of the command key of this database's commands, ``UNNAMED`` for one of before; empty: none was signed yet."""
        rows = await self._fetch(SQL["command_key"])
        return str(rows[0]["value"]) if rows else ""

    async def utility(self, tenant_id: TenantId) -> UtilityFacts:
        rows = await self._fetch(SQL["utility"], tenant_id=tenant_id)
        if not rows:
            return UtilityFacts("Asia/Shanghai")
        row = rows[0]
        return UtilityFacts(
            row["zone"], OFFICE_HOURS if row["office_from"] is None else _office(row), row["remote_closing"]
        )

    async def sizes(self, tenant_id: TenantId) -> tuple[int, int, Mapping[int, int]]:
        now = time.monotonic()
        if self._sizes is None or now - self._sizes[0] > SIZES_EVERY_S:
            rows = await self._fetch(SQL["sizes"])
            self._sizes = (now, {(row["tenant_id"], row["area_id"]): row["meters"] for row in rows})
        counts = self._sizes[1]
        mine = {area: count for (tenant, area), count in counts.items() if tenant == tenant_id}
        return sum(counts.values()), sum(mine.values()), mine


def _office(row: Row) -> OfficeHours:
    return OfficeHours(row["office_from"], row["office_to"], frozenset(row["office_days"]))
