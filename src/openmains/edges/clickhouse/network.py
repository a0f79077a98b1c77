# SPDX-License-Identifier: Apache-2.0
"""``CellLoads``: the load of radio cells from the signal log."""

from collections.abc import Mapping

from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES, Query


class ClickHouseCellLoads:
    """Stateless; a week of a million meters is read in seconds."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def by_minute(
        self, tenant_id: int, from_s: int, to_s: int, midnight_s: int
    ) -> Mapping[int, Mapping[int, int]]:
        found: dict[int, dict[int, int]] = {}
        for cell, minute, count in await self._rows(QUERIES["loads_by_minute"], tenant_id, from_s, to_s, midnight_s):
            found.setdefault(cell, {})[minute] = count
        return found

    async def usual_minute(self, tenant_id: int, from_s: int, to_s: int, midnight_s: int) -> Mapping[int, int]:
        return {
            row[0]: row[1] for row in await self._rows(QUERIES["usual_minutes"], tenant_id, from_s, to_s, midnight_s)
        }

    async def _rows(
        self, query: Query, tenant_id: int, from_s: int, to_s: int, midnight_s: int
    ) -> list[tuple[int, ...]]:
        found = await self._clickhouse.query(*query(tenant=tenant_id, left=from_s, right=to_s, midnight=midnight_s))
        return [tuple(row) for row in found]
