# SPDX-License-Identifier: Apache-2.0
"""``ChangeStore`` on ClickHouse: days in the order in which they changed (ADR 0022); and ``ChangedDays``: whose they are."""

from openmains.app.readings.changes import ChangePlace, DayChange
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import day_to_date
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES


class ClickHouseChanges:
    """Stateless."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def after(
        self, tenant_id: TenantId, shard: int, place: ChangePlace, until: int, limit: int
    ) -> list[DayChange]:
        columns = await self._clickhouse.query_columns(
            *QUERIES["day_changes"](
                tenant=tenant_id,
                shard=shard,
                seq=place.seq,
                meter=place.meter_id,
                day=day_to_date(place.day),
                version=place.version,
                until=until,
                limit=limit,
            )
        )
        return [DayChange._make(row) for row in zip(*columns, strict=True)]  # the query has its columns in this order

    async def meters(
        self, tenant_id: TenantId, shard: int, since: int, until: int, after: int, limit: int
    ) -> list[MeterId]:
        columns = await self._clickhouse.query_columns(
            *QUERIES["changed_meters"](tenant=tenant_id, shard=shard, seq=since, until=until, after=after, limit=limit)
        )
        return [MeterId(one) for one in columns[0]] if columns else []
