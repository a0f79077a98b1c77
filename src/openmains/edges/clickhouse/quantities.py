# SPDX-License-Identifier: Apache-2.0
"""``QuantityStore`` on ClickHouse: tables ``series`` and ``signal``."""

from collections.abc import Sequence
from typing import Any

from openmains.app.readings.model import LoggedValues, StoredRun
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.readings.quantities import Run
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES
from openmains.edges.clickhouse.readings import NOT_SENT


class ClickHouseQuantities:
    """Stateless."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def runs(
        self,
        tenant_id: TenantId,
        meter_id: MeterId,
        points: Sequence[int],
        first_s: int,
        left_s: int,
        right_s: int,
        limit: int,
    ) -> list[StoredRun]:
        rows = await self._clickhouse.query(
            *QUERIES["quantity_runs"](
                tenant=tenant_id,
                meter=meter_id,
                points=list(points),
                first=max(0, first_s),
                left=max(0, left_s),
                right=max(0, right_s),
                limit=limit,
            )
        )
        return [_run(row) for row in rows]

    async def logged(
        self, tenant_id: TenantId, meter_id: MeterId, left_us: int, right_us: int, limit: int
    ) -> list[LoggedValues]:
        rows = await self._clickhouse.query(
            *QUERIES["logged_values"](
                tenant=tenant_id, meter=meter_id, left=max(0, left_us), right=max(0, right_us), limit=limit
            )
        )
        return [_logged(row) for row in rows]

    async def latest_runs(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], since_s: int
    ) -> list[tuple[int, StoredRun]]:
        rows = await self._clickhouse.query(
            *QUERIES["latest_runs"](tenant=tenant_id, meters=list(meter_ids), since=max(0, since_s))
        )
        return [(row[0], _run(row[1:])) for row in rows]

    async def recent_runs(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], first_s: int, left_s: int
    ) -> list[tuple[int, StoredRun]]:
        rows = await self._clickhouse.query(
            *QUERIES["recent_runs"](
                tenant=tenant_id, meters=list(meter_ids), first=max(0, first_s), left=max(0, left_s)
            )
        )
        return [(row[0], _run(row[1:])) for row in rows]

    async def latest_logged(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], since_us: int
    ) -> list[tuple[int, LoggedValues]]:
        rows = await self._clickhouse.query(
            *QUERIES["latest_logged"](tenant=tenant_id, meters=list(meter_ids), since=max(0, since_us))
        )
        return [(row[0], _logged(row[1:])) for row in rows]


def _run(row: Sequence[Any]) -> StoredRun:
    point, start_s, interval_s, values, quality, version = row
    return StoredRun(point, Run(start_s, interval_s, list(values), list(quality), version))


def _logged(row: Sequence[Any]) -> LoggedValues:
    received_us, version, *said = row
    return LoggedValues(received_us, version, *(None if value == NOT_SENT else value for value in said))
