# SPDX-License-Identifier: Apache-2.0
"""What alarms ask of the store."""

from typing import Protocol

from openmains.app.alarm.model import Alarm, AlarmStatus, Severity


class AlarmStore(Protocol):
    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        status: AlarmStatus | None,
        severity: Severity | None,
        event: str | None,
        meter_id: int | None,
        area_id: int | None,
    ) -> list[Alarm]: ...
    async def get(self, alarm_id: int) -> Alarm | None: ...
    async def acknowledge(self, alarm_id: int, user_id: int) -> None: ...
    async def clear(self, alarm_id: int, now_us: int) -> None: ...
