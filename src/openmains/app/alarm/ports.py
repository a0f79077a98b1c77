# SPDX-License-Identifier: Apache-2.0
"""What alarms ask of the store."""

from collections.abc import Sequence
from typing import Protocol

from openmains.app.alarm.model import Alarm, AlarmCounts, AlarmStatus, QuantityLimit, Severity
from openmains.domain.alarm.limits import Side
from openmains.domain.ids import AlarmId, AreaId, MeterId, ProductId, UserId


class AlarmStore(Protocol):
    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        status: AlarmStatus | None,
        severity: Severity | None,
        event: str | None,
        meter_id: MeterId | None,
        area_id: AreaId | None,
    ) -> list[Alarm]: ...
    async def counts(
        self,
        now_us: int,
        *,
        severity: Severity | None,
        event: str | None,
        meter_id: MeterId | None,
        area_id: AreaId | None,
    ) -> AlarmCounts: ...
    async def get(self, alarm_id: AlarmId) -> Alarm | None: ...
    async def acknowledge(self, alarm_id: AlarmId, user_id: UserId) -> None: ...
    async def clear(self, alarm_id: AlarmId, now_us: int) -> None: ...


class LimitStore(Protocol):
    """Limits of quantities. Setting them ends the open alarms of what is watched no more."""

    async def of_product(self, product_id: ProductId) -> list[QuantityLimit]: ...
    async def of_device(self, meter_id: MeterId) -> list[QuantityLimit]:
        """Its own only."""

    async def beyond(self, meter_ids: Sequence[MeterId]) -> dict[int, dict[str, Side]]:
        """By device the quantities that stand outside their limits, and on which side."""

    async def set_of_product(self, product_id: ProductId, limits: Sequence[QuantityLimit], now_us: int) -> None: ...
    async def set_of_device(self, meter_id: MeterId, limits: Sequence[QuantityLimit], now_us: int) -> None: ...
