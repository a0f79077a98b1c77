# SPDX-License-Identifier: Apache-2.0
"""What alarms ask of the store."""

from typing import Protocol

from openmains.app.alarm.model import Alarm, AlarmCounts, AlarmStatus, Severity
from openmains.domain.ids import AlarmId, AreaId, MeterId, UserId


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
