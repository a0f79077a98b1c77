# SPDX-License-Identifier: Apache-2.0
"""Collection counts, missing meters and sums of a day from ``day_total`` and ``meter_dim`` (R2.4, R6.2).

Both are ReplacingMergeTrees, so both are read with FINAL: a day lies in one partition and each part is sorted by meter,
which makes FINAL a merge of few sorted runs. The two are joined by merging as well: their orders agree.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from openmains.app.readings.report.collection import Counts, MissingMeter
from openmains.domain.ids import AreaId, MeterId, ProductId, TenantId
from openmains.domain.period import day_to_date
from openmains.domain.readings.expected import Status
from openmains.edges.clickhouse.client import ClickHouse

_SETTINGS = (
    "SETTINGS do_not_merge_across_partitions_select_final = 1, join_algorithm = 'full_sorting_merge,hash', "
    "max_bytes_before_external_group_by = 1000000000"
)
_DIM = """
SELECT meter_id, area_id, product_id FROM meter_dim FINAL
 WHERE tenant_id = {tenant:UInt32} AND installed_on <= {day:Date} AND removed_on > {day:Date}
"""
_KNOWN = """
SELECT meter_id, slots, measured, received_s FROM day_total FINAL
 WHERE tenant_id = {tenant:UInt32} AND day = {day:Date}
"""
# The same order of questions as domain/readings/expected.status_of; a meter without a row has 0 slots by the join.
_STATUS = f"""
multiIf(k.slots = 0, '{Status.MISSING}', k.slots > k.measured, '{Status.ESTIMATED}',
        k.slots < transform(d.product_id, {{products:Array(UInt32)}}, {{slots:Array(UInt16)}}, toUInt16(0)), '{Status.PARTIAL}',
        k.received_s < {{due:UInt32}}, '{Status.ON_TIME}', '{Status.LATE}')
"""
_COUNTS = f"""
SELECT d.area_id, d.product_id, {_STATUS} AS status, count()
  FROM ({_DIM}) AS d LEFT ANY JOIN ({_KNOWN}) AS k ON d.meter_id = k.meter_id
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 {_SETTINGS}
"""  # noqa: S608 - every part is a constant above
_MISSING = f"""
SELECT d.meter_id, d.area_id, d.product_id, {_STATUS} AS status
  FROM ({_DIM} AND meter_id > {{after:UInt64}} AND (empty({{areas:Array(UInt32)}}) OR area_id IN {{areas:Array(UInt32)}})
        AND (empty({{of_products:Array(UInt32)}}) OR product_id IN {{of_products:Array(UInt32)}})) AS d
  LEFT ANY JOIN ({_KNOWN} AND meter_id > {{after:UInt64}}) AS k ON d.meter_id = k.meter_id
 WHERE status IN {{statuses:Array(String)}} ORDER BY d.meter_id LIMIT {{limit:UInt32}} {_SETTINGS}
"""  # noqa: S608 - every part is a constant above


class DayReports:
    """Reads of one ClickHouse. ``day`` is a day number, ``slots`` the expected slots of each product that day."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def counts(self, tenant_id: TenantId, day: int, due_s: int, slots: Mapping[int, int]) -> list[Counts]:
        """Meters by area, product and status."""
        rows = await self._clickhouse.query(
            _COUNTS,
            self._params(tenant_id, day, due_s, slots),
        )
        return [Counts(AreaId(row[0]), ProductId(row[1]), Status(row[2]), int(row[3])) for row in rows]

    async def missing(
        self, tenant_id: TenantId, day: int, due_s: int, slots: Mapping[int, int], after: int, limit: int,
        statuses: Sequence[Status] = (Status.MISSING,), areas: Sequence[int] = (), products: Sequence[int] = (),
    ) -> list[MissingMeter]:  # fmt: skip
        """Meters in these statuses by id, those after ``after``: what a re-read asks for (R6.3).

        ``areas`` and ``products`` narrow it; empty: all.
        """
        rows = await self._clickhouse.query(
            _MISSING,
            {**self._params(tenant_id, day, due_s, slots), "after": after, "limit": limit, "areas": list(areas),
             "of_products": list(products), "statuses": [str(status) for status in statuses]},
        )  # fmt: skip
        return [MissingMeter(MeterId(row[0]), AreaId(row[1]), ProductId(row[2]), Status(row[3])) for row in rows]

    async def area_sums(self, tenant_id: TenantId, first_day: int, last_day: int) -> list[tuple[date, int, int, int]]:
        """(day, area id, sum of totals in the products' units, meters) by day and area."""
        rows = await self._clickhouse.query(
            "SELECT day, area_id, sum(total), count() FROM day_total FINAL WHERE tenant_id = {tenant:UInt32} "
            "AND day BETWEEN {first:Date} AND {last:Date} AND slots > 0 GROUP BY day, area_id ORDER BY day, area_id "
            "SETTINGS do_not_merge_across_partitions_select_final = 1",
            {"tenant": tenant_id, "first": day_to_date(first_day), "last": day_to_date(last_day)},
        )
        return [(row[0], int(row[1]), int(row[2]), int(row[3])) for row in rows]

    @staticmethod
    def _params(tenant_id: TenantId, day: int, due_s: int, slots: Mapping[int, int]) -> dict[str, object]:
        known = dict(slots) or {0: 0}
        return {"tenant": tenant_id, "day": day_to_date(day), "due": due_s, "products": list(known),
                "slots": list(known.values())}  # fmt: skip
