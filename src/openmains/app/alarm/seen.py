# SPDX-License-Identifier: Apache-2.0
"""What of a live event somebody sees whose rights are limited: of alarms those within reach, of all else nothing here."""

from typing import Any

from msgspec import structs

from openmains.app.alarm.ports import AlarmStore
from openmains.app.fleet.ports import MeterStore
from openmains.app.system.model import LiveEvent
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import AlarmId, GroupId, MeterId, TenantId


async def within_reach(store: Store, tenant_id: TenantId, event: LiveEvent) -> LiveEvent | None:
    """None: nothing of it. Asks the registry as the task's limits let it."""
    async with store.tenant(tenant_id) as work:
        if event.kind == "alarm":
            return event if await _is_seen(work, event.data) else None
        if event.kind != "alarm_news":
            return None
        items = [item for item in event.data.get("items", ()) if await _is_seen(work, item)]
    return structs.replace(event, data={**event.data, "items": items}) if items else None


async def _is_seen(work: Work, told: dict[str, Any]) -> bool:
    alarm_id, group_id, meter_id = told.get("alarm_id"), told.get("group_id"), told.get("meter_id")
    if meter_id is not None:
        return bool(await work[MeterStore].by_ids([MeterId(meter_id)]))
    if alarm_id is not None:
        return await work[AlarmStore].read(AlarmId(alarm_id)) is not None
    return group_id is not None and await work[AlarmStore].read_group(GroupId(group_id)) is not None
