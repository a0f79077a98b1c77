# SPDX-License-Identifier: Apache-2.0
"""The report's stores within a person's reach (ADR 0050): what is counted elsewhere is not there.

Their own stores read for all tenants and know no person. Here every row of an area or product outside is left out, before anything is
added up; a question about single meters carries the areas and products it may find. Names of areas stay whole: a line for the area
above one's own counts what lies below one's own alone. Who is bound to single devices has the volumes of these; what is kept by area and
product cannot be parted by meter, and is refused.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from openmains.app.problems import Problem
from openmains.app.reach import limits_now
from openmains.app.readings.report.accuracy_model import ManualRead, RegisterCheck
from openmains.app.readings.report.collection import (
    CellCounts,
    Counts,
    DayRequest,
    Frozen,
    Labels,
    MeterLabel,
    MissingMeter,
    Piece,
    Product,
)
from openmains.app.readings.report.ports import DayStore, DueStore, LabelStore
from openmains.domain.identity.reach import Reach
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.readings.expected import Status
from openmains.domain.readings.model import DayRow


class Scope:
    """Areas and products of a reach."""

    def __init__(self, areas: frozenset[int], products: frozenset[int]) -> None:
        self.areas = areas
        self.products = products

    def has(self, area_id: int, product_id: int) -> bool:
        """Whether what hangs there is within."""
        return area_id in self.areas and product_id in self.products

    def narrowed(self, areas: Sequence[int], products: Sequence[int]) -> tuple[list[int], list[int]]:
        """What of a question is within; none asked for: all of it. An empty answer finds nothing, and must not be asked as 'all'."""
        return (
            sorted(self.areas.intersection(areas) if areas else self.areas),
            sorted(self.products.intersection(products) if products else self.products),
        )

    def counts(self, rows: Sequence[Counts]) -> list[Counts]:
        """Those within."""
        return [row for row in rows if self.has(row.area_id, row.product_id)]


class WithinNames:
    """``LabelStore``: how many meters are counted nowhere is the utility's alone."""

    def __init__(self, names: LabelStore) -> None:
        self._names = names

    async def labels(self, tenant_id: TenantId) -> Labels:
        """See the port."""
        _of_no_bound_devices()
        found = await self._names.labels(tenant_id)
        return found if limits_now().reach.is_whole else replace(found, set_aside=0)

    async def products(self, tenant_id: TenantId) -> dict[int, Product]:
        """See the port."""
        return await self._names.products(tenant_id)

    async def branches(self, tenant_id: TenantId, places: Sequence[int]) -> frozenset[int]:
        """See the port."""
        return await self._names.branches(tenant_id, places)

    async def meter_labels(self, tenant_id: TenantId, meter_ids: Sequence[MeterId]) -> dict[int, MeterLabel]:
        """See the port."""
        found = await self._names.meter_labels(tenant_id, meter_ids)
        if not limits_now().reach.products:
            return found
        return {meter_id: replace(label, address="") for meter_id, label in found.items()}  # a maker's people

    async def manual_reads(
        self, tenant_id: TenantId, start_s: int, end_s: int, after: tuple[int, int], limit: int
    ) -> list[ManualRead]:
        """See the port. A page of a limited person is filled from as many pages as it takes: one that is short is the last."""
        scope = await scope_now(self._names, tenant_id)
        within: list[ManualRead] = []
        while len(within) < limit:
            reads = await self._names.manual_reads(tenant_id, start_s, end_s, after, limit)
            if scope is None:
                return reads
            within += [read for read in reads if scope.has(read.area_id, read.product_id)]
            if len(reads) < limit:
                break
            after = (reads[-1].at, reads[-1].reading_id)
        return within[:limit]


class WithinDays:
    """``DayStore``."""

    def __init__(self, days: DayStore, names: LabelStore) -> None:
        self._days = days
        self._names = names

    async def counts(self, tenant_id: TenantId, asked: DayRequest, *, is_whole: bool = False) -> list[Counts]:
        """Of a limited person by area and product, whether or not they are told apart."""
        scope = await scope_now(self._names, tenant_id)
        if scope is None:
            return await self._days.counts(tenant_id, asked, is_whole=is_whole)
        return scope.counts(await self._days.counts(tenant_id, asked))

    async def counts_by_cell(
        self, tenant_id: TenantId, asked: DayRequest, areas: Sequence[int] = (), products: Sequence[int] = ()
    ) -> list[CellCounts]:
        """See the port."""
        scope = await scope_now(self._names, tenant_id)
        if scope is None:
            return await self._days.counts_by_cell(tenant_id, asked, areas, products)
        areas, products = scope.narrowed(areas, products)
        return await self._days.counts_by_cell(tenant_id, asked, areas, products) if areas and products else []

    async def checks(
        self, tenant_id: TenantId, asked: DayRequest, start_s: int, end_s: int, *, by_cell: bool
    ) -> list[RegisterCheck]:
        """See the port."""
        scope = await scope_now(self._names, tenant_id)
        rows = await self._days.checks(tenant_id, asked, start_s, end_s, by_cell=by_cell)
        return rows if scope is None else [row for row in rows if scope.has(row.area_id, row.product_id)]

    async def days_of(self, tenant_id: TenantId, day: int, meter_ids: Sequence[MeterId]) -> dict[int, DayRow]:
        """Of meters that were found within."""
        return await self._days.days_of(tenant_id, day, meter_ids)

    async def missing(
        self, tenant_id: TenantId, asked: DayRequest, after: int, limit: int,
        statuses: Sequence[Status] = (Status.MISSING,), areas: Sequence[int] = (), products: Sequence[int] = (), cell: int | None = None,
    ) -> list[MissingMeter]:  # fmt: skip
        """See the port."""
        scope = await scope_now(self._names, tenant_id)
        if scope is not None:
            areas, products = scope.narrowed(areas, products)
            if not areas or not products:
                return []
        return await self._days.missing(tenant_id, asked, after, limit, statuses, areas, products, cell)

    async def volumes_below(
        self, tenant_id: TenantId, areas: Sequence[int], first_day: int, last_day: int, meters: Sequence[int] = ()
    ) -> list[tuple[date, ProductId, int, int]]:
        """See the port. Of bound devices, these alone."""
        reach = limits_now().reach
        scope = await _scope(self._names, tenant_id, reach)
        if scope is None:
            return await self._days.volumes_below(tenant_id, areas, first_day, last_day, meters)
        own = (
            [meter_id for meter_id in meters if meter_id in reach.meters]
            if reach.meters and meters
            else reach.meters or meters
        )
        within = sorted(scope.areas.intersection(areas) if areas else scope.areas)
        if not within or (reach.meters and not own):
            return []
        rows = await self._days.volumes_below(tenant_id, within, first_day, last_day, own)
        return [row for row in rows if row[1] in scope.products]


class WithinDue:
    """``DueStore``."""

    def __init__(self, due: DueStore, names: LabelStore) -> None:
        self._due = due
        self._names = names

    async def kept(self, tenant_id: TenantId, first_day: int) -> list[Piece]:
        """See the port."""
        return await self._due.kept(tenant_id, first_day)

    async def keep(self, tenant_id: TenantId, piece: Piece, due_s: int, now_s: int, counts: Sequence[Counts]) -> bool:
        """See the port; the program's own act."""
        return await self._due.keep(tenant_id, piece, due_s, now_s, counts)

    async def frozen(self, tenant_id: TenantId, day: int) -> Frozen | None:
        """See the port."""
        scope, found = await scope_now(self._names, tenant_id), await self._due.frozen(tenant_id, day)
        return found if found is None or scope is None else Frozen(found.frozen_s, scope.counts(found.counts))

    async def frozen_totals(self, tenant_id: TenantId, first_day: int, last_day: int) -> dict[int, Frozen]:
        """Of a limited person day by day: totals are kept of the whole only."""
        found = await self._due.frozen_totals(tenant_id, first_day, last_day)
        scope = await scope_now(self._names, tenant_id)
        if scope is None:
            return found
        own = {day: await self._due.frozen(tenant_id, day) for day in found}
        return {day: Frozen(of.frozen_s, scope.counts(of.counts)) for day, of in own.items() if of is not None}


def _of_no_bound_devices() -> None:
    if limits_now().reach.meters:
        raise Problem("bound-to-devices")


async def scope_now(names: LabelStore, tenant_id: TenantId) -> Scope | None:
    """None: everything."""
    _of_no_bound_devices()
    return await _scope(names, tenant_id, limits_now().reach)


async def _scope(names: LabelStore, tenant_id: TenantId, reach: Reach) -> Scope | None:
    if reach.is_whole:
        return None
    products = await names.products(tenant_id)
    return Scope(
        await names.branches(tenant_id, reach.places),
        frozenset(
            product_id
            for product_id, product in products.items()
            if (not reach.media or product.medium in reach.media)
            and (not reach.products or product_id in reach.products)
        ),
    )
