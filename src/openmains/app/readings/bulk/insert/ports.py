# SPDX-License-Identifier: Apache-2.0
"""What an insertion asks of the stores."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from openmains.app.readings.bulk.insert.days import StoredRow
from openmains.app.readings.bulk.insert.plan import KnownValue
from openmains.app.readings.bulk.ports import BulkMeter, Wanted
from openmains.app.readings.manual.model import ReadMeter
from openmains.domain.ids import MeterId, ProductId, TenantId


class InsertMeters(Protocol):
    """The registry."""

    async def meters(self, tenant_id: TenantId, numbers: Sequence[str]) -> list[ReadMeter]:
        """Those of these numbers."""

    async def grids(self, tenant_id: TenantId) -> Mapping[ProductId, int]:
        """Seconds of a slot by product."""


class InsertStore(Protocol):
    """The readings' store."""

    async def value_counts(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], wanted: Wanted) -> dict[int, int]:
        """At most how many values there are of each meter."""

    async def known(
        self, tenant_id: TenantId, meters: Sequence[BulkMeter], wanted: Wanted
    ) -> dict[int, dict[tuple[str, int], KnownValue]]:
        """By meter the values as an export tells them, by quantity and instant."""

    async def stored_rows(
        self, tenant_id: TenantId, days: Sequence[tuple[MeterId, int]]
    ) -> dict[int, dict[int, StoredRow]]:
        """By meter what is stored of these days, by day."""

    async def applied(self, tenant_id: TenantId, sent: Sequence[tuple[MeterId, int]]) -> int:
        """How many of these messages – (meter, instant in µs) – the frame log holds."""
