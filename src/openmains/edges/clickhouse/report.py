# SPDX-License-Identifier: Apache-2.0
"""Collection counts, missing meters and sums of a day from ``day_total`` and ``meter_dim`` (R2.4, R6.2).

Both are ReplacingMergeTrees, so both are read with FINAL: a day lies in one partition and each part is sorted by meter,
which makes FINAL a merge of few sorted runs. The two are joined by merging as well: their orders agree.
"""

from collections.abc import Sequence
from datetime import date

from openmains.app.readings.report.accuracy_model import RegisterCheck
from openmains.app.readings.report.collection import CellCounts, Counts, DayRequest, MissingMeter
from openmains.domain.ids import AreaId, MeterId, ProductId, TenantId
from openmains.domain.period import day_to_date
from openmains.domain.readings.expected import MODES, Status
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Rule
from openmains.domain.readings.tasks import WantedModes
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.fleet import MODE_CODES
from openmains.edges.clickhouse.queries import QUERIES


class DayReports:
    """Reads of one ClickHouse."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def counts(self, tenant_id: TenantId, asked: DayRequest, *, is_whole: bool = False) -> list[Counts]:
        """Meters by area, product, mode and status; of all areas and products together where ``is_whole``."""
        rows = await self._clickhouse.query(*QUERIES["counts"](**self._params(tenant_id, asked), whole=int(is_whole)))
        return [
            Counts(AreaId(area_id), ProductId(product_id), Status(status), int(meters), MODES[mode - 1])
            for area_id, product_id, mode, status, meters in rows
        ]

    async def missing(
        self, tenant_id: TenantId, asked: DayRequest, after: int, limit: int,
        statuses: Sequence[Status] = (Status.MISSING,), areas: Sequence[int] = (), products: Sequence[int] = (), cell: int | None = None,
    ) -> list[MissingMeter]:  # fmt: skip
        """Meters in these statuses by id, those after ``after``: what a re-read asks for (R6.3).

        ``areas`` and ``products`` narrow it; empty: all. ``cell``: of this radio cell, 0: of which none is known.
        """
        rows = await self._clickhouse.query(
            *QUERIES["missing"](
                **self._params(tenant_id, asked),
                after=after,
                limit=limit,
                areas=list(areas),
                of_products=list(products),
                cell=-1 if cell is None else cell,
                heard_from=asked.heard[0],
                heard_until=asked.heard[1],
                statuses=[str(status) for status in statuses],
            )
        )
        return [
            MissingMeter(MeterId(meter_id), AreaId(area_id), ProductId(product_id), Status(status), MODES[mode - 1])
            for meter_id, area_id, product_id, mode, status in rows
        ]

    async def counts_by_cell(
        self, tenant_id: TenantId, asked: DayRequest, areas: Sequence[int] = (), products: Sequence[int] = ()
    ) -> list[CellCounts]:
        """Meters by the radio cell in which each spoke last before the day was due, and status."""
        rows = await self._clickhouse.query(
            *QUERIES["counts_by_cell"](
                **self._params(tenant_id, asked),
                heard_from=asked.heard[0],
                heard_until=asked.heard[1],
                areas=list(areas),
                of_products=list(products),
            )
        )
        return [CellCounts(int(cell), Status(status), int(meters)) for cell, status, meters in rows]

    async def checks(
        self, tenant_id: TenantId, asked: DayRequest, start_s: int, end_s: int, *, by_cell: bool
    ) -> list[RegisterCheck]:
        """See the port."""
        rows = await self._clickhouse.query(
            *QUERIES["register_checks"](
                tenant=tenant_id,
                day=day_to_date(asked.day),
                start=start_s,
                end=end_s,
                manual=1 << Rule.MANUAL_READING,
                by_cell=int(by_cell),
                heard_from=asked.heard[0],
                heard_until=asked.heard[1],
            )
        )
        return [
            RegisterCheck(AreaId(area_id), ProductId(product_id), *map(int, counts))
            for area_id, product_id, *counts in rows
        ]

    async def days_of(self, tenant_id: TenantId, day: int, meter_ids: Sequence[MeterId]) -> dict[int, DayRow]:
        """See the port."""
        rows = await self._clickhouse.query(
            *QUERIES["stored_days"](
                keys=[(tenant_id, meter_id, day) for meter_id in meter_ids], days=[day_to_date(day)]
            )
        )
        return {
            meter_id: DayRow(number, base, interval_s, list(increments), list(quality) or [0] * len(increments), flags)
            for meter_id, number, _, base, interval_s, increments, quality, flags, _ in rows
        }

    async def area_sums(self, tenant_id: TenantId, first_day: int, last_day: int) -> list[tuple[date, int, int, int]]:
        """(day, area id, sum of totals in the products' units, meters) by day and area."""
        rows = await self._clickhouse.query(
            *QUERIES["area_sums"](tenant=tenant_id, first=day_to_date(first_day), last=day_to_date(last_day))
        )
        return [(day, int(area_id), int(total), int(meters)) for day, area_id, total, meters in rows]

    async def volumes_below(
        self, tenant_id: TenantId, areas: Sequence[int], first_day: int, last_day: int, meters: Sequence[int] = ()
    ) -> list[tuple[date, ProductId, int, int]]:
        """(day, product id, sum of totals in the product's unit, meters) over these areas; none: all of the tenant. Of these
        meters only, where there are any."""
        rows = await self._clickhouse.query(
            *QUERIES["volumes_below"](
                tenant=tenant_id,
                areas=list(areas),
                meters=list(meters),
                first=day_to_date(first_day),
                last=day_to_date(last_day),
            )
        )
        return [(day, ProductId(product_id), int(total), int(meters)) for day, product_id, total, meters in rows]

    @staticmethod
    def _params(tenant_id: TenantId, asked: DayRequest) -> dict[str, object]:
        known = dict(asked.slots) or {0: 0}
        return {
            "tenant": tenant_id,
            "day": day_to_date(asked.day),
            "at": asked.instant.at_s,
            "seen": asked.instant.seen_s,
            "products": list(known),
            "slots": list(known.values()),
            "modes": [MODE_CODES[asked.modes[product_id]] if product_id in asked.modes else 1 for product_id in known],
            **modes_of_tasks(asked.tasks),
            "dues": list(asked.dues),
            "ends": [day_to_date(end) for end in asked.ends],
        }


def modes_of_tasks(tasks: WantedModes) -> dict[str, object]:
    """Parameters that say what tasks want; ``transform`` takes no empty list."""
    said: dict[str, object] = {}
    for level, modes in (("meter", tasks.meters), ("product", tasks.products), ("area", tasks.areas)):
        said[f"task_{level}s"] = list(modes) or [0]
        said[f"task_{level}_modes"] = [MODE_CODES[mode] for mode in modes.values()] or [0]
    return said
