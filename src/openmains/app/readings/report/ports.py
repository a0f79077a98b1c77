# SPDX-License-Identifier: Apache-2.0
"""What the collection report asks of the stores."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Protocol

from openmains.app.readings.report import model
from openmains.app.readings.report.accuracy_model import AccuracyReport, FileKind, ManualRead, RegisterCheck
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
from openmains.app.readings.report.model import CollectionReport, DayVolume, Figures, ReportBy, ReportDay
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.readings.expected import Status
from openmains.domain.readings.model import DayRow


class DayStore(Protocol):
    """Readings of a day (ClickHouse)."""

    async def counts(self, tenant_id: TenantId, asked: DayRequest, *, is_whole: bool = False) -> list[Counts]:
        """Meters by area, product, mode and status; ``is_whole``: of all areas and products together, whose ids are then 0."""

    async def counts_by_cell(
        self, tenant_id: TenantId, asked: DayRequest, areas: Sequence[int] = (), products: Sequence[int] = ()
    ) -> list[CellCounts]:
        """Meters by radio cell and status; of these areas and products, of all where empty."""

    async def checks(
        self, tenant_id: TenantId, asked: DayRequest, start_s: int, end_s: int, *, by_cell: bool
    ) -> list[RegisterCheck]:
        """Registers that meters said of the day against what is stored; the day's bounds in s UTC. Without ``by_cell`` cells are 0."""

    async def days_of(self, tenant_id: TenantId, day: int, meter_ids: Sequence[MeterId]) -> dict[int, DayRow]:
        """What is stored of a day of these meters."""

    async def missing(
        self, tenant_id: TenantId, asked: DayRequest, after: int, limit: int,
        statuses: Sequence[Status] = (Status.MISSING,), areas: Sequence[int] = (), products: Sequence[int] = (), cell: int | None = None,
    ) -> list[MissingMeter]:  # fmt: skip
        """Meters in these statuses, by id, after ``after``; of these areas and products, of all where empty; of this radio cell, 0: of
        which none is known."""

    async def volumes_below(
        self, tenant_id: TenantId, areas: Sequence[int], first_day: int, last_day: int, meters: Sequence[int] = ()
    ) -> list[tuple[date, ProductId, int, int]]:
        """(day, product, sum of totals in the product's unit, meters) over these areas; none: all of the tenant. Of these meters only,
        where there are any."""


class LabelStore(Protocol):
    """Names of what is counted (PostgreSQL)."""

    async def labels(self, tenant_id: TenantId) -> Labels:
        """Zone, areas and products of a tenant; raises ``LookupError`` for an unknown tenant."""

    async def products(self, tenant_id: TenantId) -> dict[int, Product]:
        """A tenant's products alone: a tree of 200,000 areas is not read for them."""

    async def branches(self, tenant_id: TenantId, places: Sequence[int]) -> frozenset[int]:
        """Ids of these areas and of all below them; none: of all."""

    async def meter_labels(self, tenant_id: TenantId, meter_ids: Sequence[MeterId]) -> dict[int, MeterLabel]:
        """Numbers and places of meters."""

    async def manual_reads(
        self, tenant_id: TenantId, start_s: int, end_s: int, after: tuple[int, int], limit: int
    ) -> list[ManualRead]:
        """Registers that persons read within [start, end) s UTC, by instant and number, those after ``after``."""


class DueStore(Protocol):
    """What was kept of reports when they were due (PostgreSQL). It is written once."""

    async def kept(self, tenant_id: TenantId, first_day: int) -> list[Piece]:
        """What is kept of the days from one on."""

    async def keep(self, tenant_id: TenantId, piece: Piece, due_s: int, now_s: int, counts: Sequence[Counts]) -> bool:
        """False: it was kept before, and stays as it is."""

    async def frozen(self, tenant_id: TenantId, day: int) -> Frozen | None:
        """All that was kept of a day; None where nothing was."""

    async def frozen_totals(self, tenant_id: TenantId, first_day: int, last_day: int) -> dict[int, Frozen]:
        """By day what was kept of all areas and products together, whose ids are 0; without days of which nothing was."""


class CollectionReports(Protocol):
    """The report as the API asks for it, as of ``now_s``."""

    async def collection(self, tenant_id: TenantId, day: int, by: ReportBy, now_s: int) -> CollectionReport: ...
    async def days(
        self,
        tenant_id: TenantId,
        first_day: int,
        last_day: int,
        figures: Figures,
        exponent_of: Callable[[str], int],
        now_s: int,
    ) -> list[ReportDay]:
        """Each day of a span, oldest first: its figures of all meters, and what they used. ``figures`` due: a day whose figures as due
        are kept is told by these alone, which reads nothing of the readings' store."""

    async def missing(
        self,
        tenant_id: TenantId,
        day: int,
        limit: int,
        after_meter_id: MeterId,
        now_s: int,
        group: tuple[ReportBy, str] | None = None,
    ) -> list[model.MissingMeter]:
        """``group``: (by, key) of one line of the report."""

    async def accuracy(self, tenant_id: TenantId, day: int, by: ReportBy) -> AccuracyReport: ...
    async def accuracy_file(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str, kind: FileKind) -> bytes:
        """The same as CSV or a workbook."""

    async def volumes(
        self,
        tenant_id: TenantId,
        areas: Sequence[int],
        first_day: int,
        last_day: int,
        exponent_of: Callable[[str], int],
    ) -> list[DayVolume]:
        """What meters of these areas used, by day and medium; none: all of the tenant. ``exponent_of`` a driver: its volumes
        count 10^exponent m³."""

    async def csv(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str, now_s: int) -> bytes: ...
    async def xlsx(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str, now_s: int) -> bytes: ...
