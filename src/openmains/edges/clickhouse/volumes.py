# SPDX-License-Identifier: Apache-2.0
"""``VolumeStore`` on ClickHouse: sums of ``day_total``."""

from collections.abc import Mapping, Sequence

from openmains.app.tariff.ports import MonthVolume
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import day_to_date
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES


class ClickHouseVolumes:
    """Stateless."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def volumes(
        self, tenant_id: TenantId, meters: Sequence[MeterId], cycle_day: int, first_day: int, end_day: int
    ) -> Mapping[int, MonthVolume]:
        rows = await self._clickhouse.query(
            *QUERIES["month_volumes"](
                tenant=tenant_id,
                meters=list(meters),
                cycle=day_to_date(min(cycle_day, first_day)),
                first=day_to_date(first_day),
                end=day_to_date(end_day),
            )
        )
        return {meter_id: MonthVolume(*volume) for meter_id, *volume in rows}
