# SPDX-License-Identifier: Apache-2.0
"""``DayVolumes`` on ClickHouse: days of ``meter_day`` with their versions, for thousands of meters at once."""

from collections.abc import Mapping, Sequence

from openmains.app.billing.decide import MeterDays
from openmains.app.billing.decide_many import MeterSum
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import day_to_date
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES


class BilledDays:
    """Stateless."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def days(
        self, tenant_id: TenantId, meters: Sequence[MeterId], first_day: int, end_day: int
    ) -> Mapping[int, MeterDays]:
        columns = await self._clickhouse.query_columns(
            *QUERIES["billed_days"](
                tenant=tenant_id, meters=list(meters), first=day_to_date(first_day), end=day_to_date(end_day)
            )
        )
        rows = zip(*columns, strict=True) if columns else ()
        return {meter_id: MeterDays(*map(list, of)) for meter_id, *of in rows}

    async def sums(
        self, tenant_id: TenantId, meters: Sequence[MeterId], first_day: int, end_day: int
    ) -> Mapping[int, MeterSum]:
        columns = await self._clickhouse.query_columns(
            *QUERIES["billed_sums"](
                tenant=tenant_id, meters=list(meters), first=day_to_date(first_day), end=day_to_date(end_day)
            )
        )
        if not columns:
            return {}
        return dict(zip(columns[0], map(MeterSum, *columns[1:]), strict=True))
