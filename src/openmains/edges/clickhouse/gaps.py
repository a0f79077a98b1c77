# SPDX-License-Identifier: Apache-2.0
"""What is stored of days that were not well: how many of their slots hold what (R6.3)."""

from collections.abc import Mapping, Sequence

from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import day_to_date
from openmains.domain.readings.rereads import Slots
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES

MOST = 5_000  # keys of one question


class DaySlots:
    """``GapSlots`` of one ClickHouse."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def slots(self, tenant_id: TenantId, days: Sequence[tuple[MeterId, int]]) -> Mapping[tuple[int, int], Slots]:
        found: dict[tuple[int, int], Slots] = {}
        for start in range(0, len(days), MOST):
            part = days[start : start + MOST]
            rows = await self._clickhouse.query(
                *QUERIES["day_slots"](
                    keys=[(tenant_id, meter_id, day) for meter_id, day in part],
                    days=sorted({day_to_date(day) for _, day in part}),
                )
            )
            for meter_id, day, slots, measured, history, edited, other in rows:
                found[meter_id, day] = Slots(int(slots), int(measured), int(history), int(edited), int(other))
        return found
