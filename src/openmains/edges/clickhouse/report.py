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
from openmains.edges.clickhouse.queries import QUERIES


class DayReports:
    """Reads of one ClickHouse. ``day`` is a day number, ``slots`` the expected slots of each product that day."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def counts(self, tenant_id: TenantId, day: int, due_s: int, slots: Mapping[int, int]) -> list[Counts]:
        """Meters by area, product and status."""
        rows = await self._clickhouse.query(*QUERIES["counts"](**self._params(tenant_id, day, due_s, slots)))
        return [Counts(AreaId(row[0]), ProductId(row[1]), Status(row[2]), int(row[3])) for row in rows]

    async def missing(
        self, tenant_id: TenantId, day: int, due_s: int, slots: Mapping[int, int], after: int, limit: int,
        statuses: Sequence[Status] = (Status.MISSING,), areas: Sequence[int] = (), products: Sequence[int] = (),
    ) -> list[MissingMeter]:  # fmt: skip
        """Meters in these statuses by id, those after ``after``: what a re-read asks for (R6.3).

        ``areas`` and ``products`` narrow it; empty: all.
        """
        rows = await self._clickhouse.query(
            *QUERIES["missing"](
                **self._params(tenant_id, day, due_s, slots),
                after=after,
                limit=limit,
                areas=list(areas),
                of_products=list(products),
                statuses=[str(status) for status in statuses],
            )
        )
        return [MissingMeter(MeterId(row[0]), AreaId(row[1]), ProductId(row[2]), Status(row[3])) for row in rows]

    async def area_sums(self, tenant_id: TenantId, first_day: int, last_day: int) -> list[tuple[date, int, int, int]]:
        """(day, area id, sum of totals in the products' units, meters) by day and area."""
        rows = await self._clickhouse.query(
            *QUERIES["area_sums"](tenant=tenant_id, first=day_to_date(first_day), last=day_to_date(last_day))
        )
        return [(row[0], int(row[1]), int(row[2]), int(row[3])) for row in rows]

    @staticmethod
    def _params(tenant_id: TenantId, day: int, due_s: int, slots: Mapping[int, int]) -> dict[str, object]:
        known = dict(slots) or {0: 0}
        return {"tenant": tenant_id, "day": day_to_date(day), "due": due_s, "products": list(known),
                "slots": list(known.values())}  # fmt: skip
