# SPDX-License-Identifier: Apache-2.0
"""``BalanceReports`` on ClickHouse: balances with the register of the same moment (table ``signal``), and days for what lies between."""

from collections.abc import Mapping, Sequence

from openmains.app.billing.mirror_ports import StoredBalance
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import Zone, day_to_date
from openmains.domain.readings.model import DayRow
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES


class ClickHouseBalances:
    """Stateless."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def reports(
        self, tenant_id: TenantId, meters: Sequence[MeterId], since_us: int, answers: Sequence[int], place: Zone
    ) -> Mapping[int, list[StoredBalance]]:
        rows = await self._clickhouse.query(
            *QUERIES["balance_reports"](
                tenant=tenant_id,
                meters=list(meters),
                since=max(0, since_us),
                answers=sorted(set(answers)),
                zone=place.key,
            )
        )
        found: dict[int, list[StoredBalance]] = {}
        for meter_id, *said in rows:
            found.setdefault(meter_id, []).append(StoredBalance(*said))
        return found

    async def days(self, tenant_id: TenantId, keys: Sequence[tuple[int, int]]) -> Mapping[int, list[DayRow]]:
        rows = await self._clickhouse.query(
            *QUERIES["stored_days"](
                keys=[(tenant_id, meter_id, day) for meter_id, day in keys],
                days=sorted({day_to_date(day) for _, day in keys}),
            )
        )
        found: dict[int, list[DayRow]] = {}
        for meter_id, day, _, base, interval_s, increments, quality, flags, _ in rows:
            found.setdefault(meter_id, []).append(DayRow(day, base, interval_s, list(increments), list(quality), flags))
        return found
