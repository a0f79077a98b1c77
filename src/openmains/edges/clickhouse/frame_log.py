# SPDX-License-Identifier: Apache-2.0
"""``FrameLog`` on ClickHouse: applied frames by meter, for what is read out of them again."""

from collections.abc import Sequence

from openmains.app.ingest.pipeline.ports import Table
from openmains.app.ingest.pipeline.replay import LoggedFrame
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES


class ClickHouseFrameLog:
    """Stateless."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def position(self, tenant_id: TenantId) -> int:
        rows = await self._clickhouse.query(*QUERIES["sync_position"](name=_name(tenant_id)))
        return int(rows[0][0]) if rows else 0

    async def set_position(self, tenant_id: TenantId, meter_id: int) -> None:
        await self._clickhouse.insert("sync_position", {"name": [_name(tenant_id)], "position": [meter_id]})

    async def meters(self, tenant_id: TenantId, after: int, limit: int) -> list[MeterId]:
        rows = await self._clickhouse.query(*QUERIES["logged_meters"](tenant=tenant_id, after=after, limit=limit))
        return [MeterId(row[0]) for row in rows]

    async def applied(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], since_us: int) -> list[LoggedFrame]:
        rows = await self._clickhouse.query(
            *QUERIES["applied_frames"](tenant=tenant_id, meters=list(meter_ids), since=since_us)
        )
        return [
            LoggedFrame(MeterId(meter_id), received_us, version, channel, path, bytes.fromhex(payload))
            for meter_id, received_us, version, channel, path, payload in rows
        ]

    async def write(self, series: Table, signals: Table) -> None:
        await self._clickhouse.insert("series", series)
        await self._clickhouse.insert("signal", signals)


def _name(tenant_id: TenantId) -> str:
    return f"replay_quantities.{tenant_id}"
