# SPDX-License-Identifier: Apache-2.0
"""``CellLoads``: the load of radio cells from the signal log."""

from openmains.app.command.plan_ports import Measured, UsualReport
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES, Query


class ClickHouseCellLoads:
    """Stateless; a week of a million meters is read in seconds."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def measured(self, tenant_id: int, from_s: int, to_s: int, midnight_s: int) -> Measured:
        async def rows(query: Query) -> list[tuple[int, ...]]:
            return await self._rows(query, tenant_id, from_s, to_s, midnight_s)

        by_minute: dict[int, dict[int, int]] = {}
        for cell, minute, count in await rows(QUERIES["loads_by_minute"]):
            by_minute.setdefault(cell, {})[minute] = count
        late: dict[int, dict[int, int]] = {}
        meter_days_ppm: dict[int, int] = {}
        for cell, minutes, count, share in await rows(QUERIES["lateness"]):
            late.setdefault(cell, {})[minutes] = count
            meter_days_ppm[cell] = meter_days_ppm.get(cell, 0) + share
        ((days,),) = await rows(QUERIES["days_heard"])
        usual = {meter_id: UsualReport(*found) for meter_id, *found in await rows(QUERIES["usual_minutes"])}
        lateness_ppm = {
            cell: {minutes: count * 10**12 // max(1, meter_days_ppm[cell]) for minutes, count in found.items()}
            for cell, found in late.items()
        }
        return Measured(days, by_minute, usual, lateness_ppm)

    async def _rows(
        self, query: Query, tenant_id: int, from_s: int, to_s: int, midnight_s: int
    ) -> list[tuple[int, ...]]:
        found = await self._clickhouse.query(*query(tenant=tenant_id, left=from_s, right=to_s, midnight=midnight_s))
        return [tuple(row) for row in found]
