# SPDX-License-Identifier: Apache-2.0
"""Alarms, and what people do about them."""

from typing import Any

from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody

from openmains.app.alarm import handle as alarms
from openmains.app.alarm.model import Alarm, AlarmCounts, AlarmSort, AlarmStatus, Severity
from openmains.app.alarm.ports import AlarmStore
from openmains.app.paging import decode_cursor
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AlarmId, AreaId, GroupId, MeterId
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    Key,
    Limit,
    OptionalId,
    OptionalId32,
    Page,
    Reason,
    Word,
    optional,
    page,
)
from openmains.edges.http.permissions import may


@get("/alarms", operation_id="list_alarms", tags=["alarms"], opt=may(Permission.SEE_ALARMS))
async def list_alarms(
    request: Request[Any, Any, Any],
    status: FromQuery[AlarmStatus | None] = None,
    severity: FromQuery[Severity | None] = None,
    event: Word = None,
    meter_id: OptionalId = None,
    area_id: OptionalId32 = None,
    group_id: OptionalId = None,
    alone: FromQuery[bool] = False,
    sort: FromQuery[AlarmSort] = "-received",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Alarm]:
    """Alarms, newest first unless ``sort`` says otherwise; by grade only what is open is sorted. ``open``: not cleared, acknowledged or not.
    ``group_id``: members of a group; ``alone``: only those that are in no group and not muted."""
    if sort.endswith("severity") and status not in ("open", "unacknowledged", "acknowledged"):
        raise Problem("invalid-input", fields=(("/sort", "not-only-open"),))
    scope = f"alarms {sort}"
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[AlarmStore].page(
            limit + 1,
            decode_cursor(scope, cursor, tuple[Key, Severity]),
            status=status,
            severity=severity,
            event=event,
            meter_id=optional(MeterId, meter_id),
            area_id=optional(AreaId, area_id),
            group_id=optional(GroupId, group_id),
            alone=alone,
            sort=sort,
        )
    return page(scope, rows, limit, lambda alarm: (alarm.alarm_id, alarm.severity))


@get("/alarms/counts", operation_id="count_alarms", tags=["alarms"], opt=may(Permission.SEE_ALARMS))
async def count_alarms(
    request: Request[Any, Any, Any],
    severity: FromQuery[Severity | None] = None,
    event: Word = None,
    meter_id: OptionalId = None,
    area_id: OptionalId32 = None,
) -> AlarmCounts:
    """How many alarms are open, exactly: by grade, by age, and how many could be seen in time."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        return await work[AlarmStore].counts(
            deps.now_us(),
            severity=severity,
            event=event,
            meter_id=optional(MeterId, meter_id),
            area_id=optional(AreaId, area_id),
        )


@get("/alarms/{alarm_id:int}", operation_id="read_alarm", tags=["alarms"], opt=may(Permission.SEE_ALARMS))
async def read_alarm(request: Request[Any, Any, Any], alarm_id: Id) -> Alarm:
    """One alarm."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[AlarmStore].read(AlarmId(alarm_id))
    if found is None:
        raise Problem("not-found")
    return found


@post(
    "/alarms/{alarm_id:int}/acknowledge",
    operation_id="acknowledge_alarm",
    status_code=200,
    tags=["alarms"],
    opt=may(Permission.HANDLE_ALARMS),
)
async def acknowledge_alarm(request: Request[Any, Any, Any], alarm_id: Id) -> Alarm:
    """Somebody looks after it."""
    deps = deps_of(request)
    return await alarms.acknowledge_alarm(deps.store, actor_of(request), AlarmId(alarm_id), deps.now_us())


@post(
    "/alarms/{alarm_id:int}/clear",
    operation_id="clear_alarm",
    status_code=200,
    tags=["alarms"],
    opt=may(Permission.HANDLE_ALARMS),
)
async def clear_alarm(request: Request[Any, Any, Any], alarm_id: Id, data: JSONBody[Reason | None] = None) -> Alarm:
    """It is over although the meter has not said so; it is raised again when the meter says so again. A critical or major
    one needs a reason."""
    deps = deps_of(request)
    why = "" if data is None else data.reason
    return await alarms.clear_alarm(deps.store, actor_of(request), AlarmId(alarm_id), deps.now_us(), why)


HANDLERS: list[Any] = [list_alarms, count_alarms, read_alarm, acknowledge_alarm, clear_alarm]
