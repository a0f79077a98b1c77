# SPDX-License-Identifier: Apache-2.0
"""What the collection report asks of the stores."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from openmains.app.readings.report import model
from openmains.app.readings.report.collection import Counts, Labels, MeterLabel, MissingMeter
from openmains.app.readings.report.model import CollectionReport, ReportBy
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.readings.expected import Status


class DayStore(Protocol):
    """Readings of a day (ClickHouse)."""

    async def counts(self, tenant_id: TenantId, day: int, due_s: int, slots: Mapping[int, int]) -> list[Counts]:
        """Meters by area, product and status."""

    async def missing(
        self, tenant_id: TenantId, day: int, due_s: int, slots: Mapping[int, int], after: int, limit: int,
        statuses: Sequence[Status] = (Status.MISSING,), areas: Sequence[int] = (), products: Sequence[int] = (),
    ) -> list[MissingMeter]:  # fmt: skip
        """Meters in these statuses, by id, after ``after``; of these areas and products, of all where empty."""


class LabelStore(Protocol):
    """Names of what is counted (PostgreSQL)."""

    async def labels(self, tenant_id: TenantId) -> Labels:
        """Zone, areas and products of a tenant; raises ``LookupError`` for an unknown tenant."""

    async def meter_labels(self, tenant_id: TenantId, meter_ids: Sequence[MeterId]) -> dict[int, MeterLabel]:
        """Numbers and places of meters."""


class CollectionReports(Protocol):
    """The report as the API asks for it."""

    async def collection(self, tenant_id: TenantId, day: int, by: ReportBy) -> CollectionReport: ...
    async def missing(
        self,
        tenant_id: TenantId,
        day: int,
        limit: int,
        after_meter_id: MeterId,
        group: tuple[ReportBy, str] | None = None,
    ) -> list[model.MissingMeter]:
        """``group``: (by, key) of one line of the report."""

    async def csv(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str) -> bytes: ...
    async def xlsx(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str) -> bytes: ...
